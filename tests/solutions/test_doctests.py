"""Every worked example in the docstrings of `solutions` runs and gives what it says."""

import doctest
import importlib
import pkgutil

import pytest

import solutions

MODULES = [name for _, name, _ in pkgutil.walk_packages(solutions.__path__, "solutions.")]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_give_what_they_say(name: str) -> None:
    failed, _ = doctest.testmod(importlib.import_module(name))
    assert failed == 0


@pytest.mark.parametrize("name", ["solutions.convolution", "solutions.geometry", "solutions.padding"])
def test_a_module_of_worked_examples_holds_some(name: str) -> None:
    finder = doctest.DocTestFinder(exclude_empty=True)
    assert any(test.examples for test in finder.find(importlib.import_module(name)))
