"""Does any of the eleven bundles hold what an instructor keeps? Each is made as students get it, and searched."""

import ast
import re
import zlib

import numpy as np
import pytest

from grader.build import build
from grader.folders import assignment_folders, load_assignment, topic
from grader.freeze import thaw
from grader.release import release

FOLDERS = {folder.name: folder for folder in assignment_folders()}
# A shorter line may well be written twice by two people.
TELLING = 42


def _statements(source):
    """The lines of code in a module's functions that nobody would write again by chance, as they stand there."""
    tree, lines = ast.parse(source), source.split("\n")
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            for node in ast.walk(function):
                simple = isinstance(node, ast.Assign | ast.AugAssign | ast.Return | ast.Call)
                if simple and not isinstance(getattr(node, "value", None), ast.Constant):
                    line = lines[node.lineno - 1].strip()
                    if len(line) >= TELLING:
                        yield line


# All eleven take long; two stand for them where there is little time.
QUICK = ("02-losses", "05-im2col")
NAMES = [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in FOLDERS]


@pytest.fixture(scope="module", params=NAMES)
def bundled(request, tmp_path_factory):
    """The assignment's folder, itself, and every file of its bundle in the clear."""
    folder, to = FOLDERS[request.param], tmp_path_factory.mktemp("bundle")
    files = {p.name: p.read_bytes() for p in release(folder, to)}
    checks = f"{topic(folder)}.checks"
    files[checks] = zlib.decompress(files[checks])
    cells = "\n".join(cell.source for cell in build(folder).cells)
    return folder, load_assignment(folder), {**files, "cells": cells.encode()}, (to / checks).read_bytes()


def _holds(files, word):
    return [name for name, data in files.items() if word.encode() in data]


def test_no_line_of_a_reference_or_of_a_mistake_is_in_the_bundle(bundled):
    folder, _, files, _ = bundled
    paths = [*folder.parents[1].joinpath("solutions").glob("*.py"), *folder.glob("*.py")]
    lines = {line for path in paths for line in _statements(path.read_text())}
    assert len(lines) > 300
    assert {line for line in lines if _holds(files, line)} == set()


def test_no_cell_imports_what_students_do_not_have(bundled):
    _, _, files, _ = bundled
    wanted = re.compile(rb"^\s*(from|import) +(solutions|assignments|questions|misconceptions|\.)", re.M)
    assert not wanted.search(files["cells"])


def test_the_frozen_checks_hold_visible_cases_alone(bundled):
    _, assignment, _, checks = bundled
    questions = [q.prepared() for q in thaw(checks).questions]
    for question in questions:
        # What is counted for *vectorised* is fixed, and known to everybody.
        assert all(trial.visible or trial.kind == "vectorised" for trial in question.trials)
    for question in assignment.questions:
        known = {case.name for q in assignment.questions for case in q.visible}
        known |= {c.large.name for q in assignment.questions for c in q.criteria if c.large}
        hidden = {case.name for case in question.hidden(np.random.default_rng(1))}
        told = {trial.case for q in questions for trial in q.trials}
        assert told.isdisjoint(hidden - known)


def test_no_rubric_is_in_the_bundle(bundled):
    _, assignment, files, _ = bundled
    assert assignment.manual
    for manual in assignment.manual:
        for line in manual.rubric.split("\n"):
            assert _holds(files, line.split(":", 1)[1].strip()[:40]) == []
        assert f"answer-{manual.name}" in {cell.id for cell in build(bundled[0]).cells}


def test_nothing_of_an_instructor_is_in_the_bundle(bundled):
    folder, _, files, _ = bundled
    for word in ("nbgrader", "BEGIN SOLUTION", "BEGIN HIDDEN", "rubric", str(folder.parent.parent)):
        assert _holds(files, word) == []
