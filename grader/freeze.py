"""Freeze the visible part of an assignment into data, and thaw it: what a student's checks compare with.

The file is one `wire` frame, compressed: no code, no reference, no hidden case.
"""

import zlib
from dataclasses import fields
from typing import Any

from grader import wire
from grader.errors import GraderError
from grader.judges import Named
from grader.plans import Answer, Tree, answer_from_tree, answer_to_tree, plan_from_tree, plan_to_tree
from grader.prepare import PreparedCriterion, PreparedQuestion, Trial, Variant, prepare
from grader.questions import Assignment

_FORMAT = 1
_LARGEST = 256 << 20


def freeze(assignment: Assignment) -> bytes:
    """Return the visible cases of every question, with expected outputs and the answers of misconceptions."""
    questions = [_question_to_tree(prepare(q, None)) for q in assignment.questions]
    tree = {"format": _FORMAT, "name": assignment.name, "title": assignment.title, "questions": questions}
    return zlib.compress(wire.encode(tree), 9)


def thaw(data: bytes) -> tuple[str, tuple[PreparedQuestion, ...]]:
    """Return the assignment's name and its questions.

    Raises
    ------
    GraderError
        If the data is not of `freeze`, or of another version's.
    """
    try:
        unpacking = zlib.decompressobj()
        frame = unpacking.decompress(data, _LARGEST)
        if not unpacking.eof or unpacking.unused_data:
            raise ValueError("its end is missing or not its own")
        tree = wire.loads(frame)
        if tree["format"] != _FORMAT:
            raise GraderError(f"the checks have format {tree['format']}: update stencil-cnn, or ask for a new release")
        return tree["name"], tuple(_question_from_tree(q) for q in tree["questions"])
    except (zlib.error, ValueError, LookupError, TypeError, AttributeError) as error:
        raise GraderError(f"the file of checks is damaged: download it again ({error})") from error


def _plain(record: Any, *special: str) -> dict[str, Tree]:
    """A dataclass's fields as a tree; sets become sorted tuples, `special` ones are left out."""
    tree = {f.name: getattr(record, f.name) for f in fields(record) if f.name not in special}
    return {k: tuple(sorted(v)) if isinstance(v, frozenset) else v for k, v in tree.items()}


def _question_to_tree(question: PreparedQuestion) -> Tree:
    return {
        **_plain(question, "trials", "criteria", "variants"),
        "trials": [
            {
                **_plain(t, "plan", "expected", "judge", "reaches"),
                "plan": plan_to_tree(t.plan),
                "judge": [t.judge.name, dict(t.judge.parameters)] if isinstance(t.judge, Named) else None,
                "expected": answer_to_tree(t.expected),
            }
            for t in question.trials
        ],
        "criteria": [_plain(c, "shown") for c in question.criteria],
        "variants": [
            {**_plain(v, "answers"), "answers": [None if a is None else answer_to_tree(a) for a in v.answers]}
            for v in question.variants
        ],
    }


def _question_from_tree(tree: Any) -> PreparedQuestion:
    trials = tuple(_trial_from_tree(t) for t in tree["trials"])
    criteria = tuple(PreparedCriterion(**c) for c in tree["criteria"])
    variants = tuple(
        Variant(**{**v, "answers": tuple(_variant_answer(a, t) for a, t in zip(v["answers"], trials, strict=True))})
        for v in tree["variants"]
    )
    return PreparedQuestion(**{**tree, "trials": trials, "criteria": criteria, "variants": variants})


def _trial_from_tree(tree: Any) -> Trial:
    plan = plan_from_tree(tree["plan"])
    expected = answer_from_tree(tree["expected"], plan)
    judge = None if tree["judge"] is None else Named(*tree["judge"])
    return Trial(**{**tree, "plan": plan, "expected": expected, "judge": judge, "tags": frozenset(tree["tags"])})


def _variant_answer(tree: Tree, trial: Trial) -> Answer | None:
    return None if tree is None else answer_from_tree(tree, trial.plan)
