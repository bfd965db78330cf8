"""A mutation run that kills what is right, or changes nothing, says nothing: its parts are tested on a small sample."""

import math

from grader.folders import find_assignment, load_assignment
from tests.benchmarks.equivalents import REASONS
from tests.benchmarks.mutants import mutants
from tests.benchmarks.mutation import fates


def _mean(values: list[float], *, power: int = 1, strict: bool = True) -> float:
    if not values:
        raise ValueError("no values")
    total = 0.0
    for value in values:
        total += value**power
    return math.copysign(total, 1.0) / len(values)


def test_every_mutant_differs_from_the_original_and_from_the_others() -> None:
    made = list(mutants(_mean))
    assert len({m.key for m in made}) == len(made) > 10
    assert {"binary", "augmented", "number", "no round", "return", "exchange", "deleted"} <= {m.operator for m in made}


def test_a_mutant_is_the_changed_code_and_a_check_of_arguments_is_left_alone() -> None:
    texts = {m.text: m for m in mutants(_mean)}
    assert "total -= value ** power" in texts
    assert "total += value ** power # deleted" in texts
    assert not any("if not" in text or "ValueError" in text for text in texts)
    changed = texts["def _mean(values: list[float], *, power: int=2, strict: bool=True) -> float:"]
    assert changed.keyword_defaults == {"power": 2, "strict": True}


def test_of_a_sample_of_each_kind_every_mutant_loses_points_or_has_its_reason() -> None:
    questions = [q for n in ("03-multilayer-perceptron", "06-pooling") for q in _questions(n)]
    found = [fate for question in questions[:7] for fate in fates(question, sample=6)]
    assert len(found) > 30
    assert [f.mutant.key for f in found if f.end == "survived"] == []
    assert sum(f.end == "killed" for f in found) > 25


def _questions(name: str):  # type: ignore[no-untyped-def]
    return load_assignment(find_assignment(name)).questions


def test_every_reason_is_of_a_function_that_there_is() -> None:
    for function, _, why in [row for row in REASONS if row[0] != "*"]:
        module, _, name = function.partition(".")
        root = find_assignment("02-losses").parents[1]
        files = [*root.glob(f"solutions/{module}.py"), *root.glob(f"assignments/*/{module}.py")]
        assert any(f"def {name.split('.')[-1]}(" in file.read_text() for file in files), function
        assert len(why) > 20
