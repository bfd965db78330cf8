"""Freeze the visible part of an assignment into data, and thaw it: what a student's checks compare with.

The file is one `wire` frame, compressed: no code, no reference, no hidden case.
"""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from grader import wire
from grader.errors import GraderError
from grader.judges import Named
from grader.plans import Answer, Plan, Tree, answer_from_tree, answer_to_tree, plan_from_tree, plan_to_tree
from grader.prepare import PreparedCriterion, PreparedQuestion, Trial, Variant, prepare
from grader.questions import Assignment

_FORMAT = 2
_LARGEST = 256 << 20


def freeze(assignment: Assignment) -> bytes:
    """Return the visible cases of every question, with expected outputs and the answers of misconceptions."""
    tree = {
        "format": _FORMAT,
        "name": assignment.name,
        "title": assignment.title,
        "questions": [_frames(prepare(q, None)) for q in assignment.questions],
    }
    return zlib.compress(wire.encode(tree), 9)


@dataclass(frozen=True)
class FrozenQuestion:
    """One question of a file of checks: what a list of questions says of it, and the rest when it is asked for.

    ``shown`` are those of its points that some visible case is about.
    """

    name: str
    functions: tuple[str, ...]
    points: float
    shown: float
    bonus: bool
    judged: bytes
    mistakes: bytes

    def prepared(self) -> PreparedQuestion:
        """Return all that judging needs, but no misconceptions: a right answer needs none."""
        with _damage_is_said():
            return _question_from_tree(wire.loads(self.judged))

    def variants(self, question: PreparedQuestion) -> tuple[Variant, ...]:
        """Return the misconceptions of the question that `prepared` gave."""
        with _damage_is_said():
            return tuple(_variant_from_tree(v, question.trials) for v in wire.loads(self.mistakes))


@dataclass(frozen=True)
class Checks:
    """A file of checks, thawed as far as naming its questions."""

    name: str
    title: str
    questions: tuple[FrozenQuestion, ...]


def thaw(data: bytes) -> Checks:
    """Return the assignment's name and its questions.

    Raises
    ------
    GraderError
        If the data is not of `freeze`, or of another version's.
    """
    with _damage_is_said():
        unpacking = zlib.decompressobj()
        frame = unpacking.decompress(data, _LARGEST)
        if not unpacking.eof or unpacking.unused_data:
            raise ValueError("its end is missing or not its own")
        tree = wire.loads(frame)
        if tree["format"] != _FORMAT:
            raise GraderError(f"the checks have format {tree['format']}: update stencil-cnn, or ask for a new release")
        questions = (
            FrozenQuestion(**{**q, "judged": q["judged"].tobytes(), "mistakes": q["mistakes"].tobytes()})
            for q in tree["questions"]
        )
        return Checks(tree["name"], tree["title"], tuple(questions))


@contextmanager
def _damage_is_said() -> Iterator[None]:
    try:
        yield
    except (zlib.error, ValueError, LookupError, TypeError, AttributeError) as error:
        raise GraderError(f"the file of checks is damaged: download it again ({error})") from error


def _frames(question: PreparedQuestion) -> Tree:
    """Frames in a frame: a check reads one question of many, and the mistakes only where something is wrong."""
    return {
        "name": question.name,
        "functions": question.functions,
        "points": question.max_points,
        "shown": float(sum(c.points for c in question.criteria if c.trials)),
        "bonus": question.bonus,
        "judged": np.frombuffer(wire.encode(_question_to_tree(question)), np.uint8),
        "mistakes": np.frombuffer(
            wire.encode([_variant_to_tree(v, question.trials) for v in question.variants]), np.uint8
        ),
    }


def _plain(record: Any, *special: str) -> dict[str, Tree]:
    """A dataclass's fields as a tree; sets become sorted tuples, `special` ones are left out."""
    tree = {f.name: getattr(record, f.name) for f in fields(record) if f.name not in special}
    return {k: tuple(sorted(v)) if isinstance(v, frozenset) else v for k, v in tree.items()}


def _question_to_tree(question: PreparedQuestion) -> Tree:
    return {
        **_plain(question, "trials", "criteria", "variants", "call_seconds"),
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
    }


def _question_from_tree(tree: Any) -> PreparedQuestion:
    trials = tuple(_trial_from_tree(t) for t in tree["trials"])
    criteria = tuple(PreparedCriterion(**c) for c in tree["criteria"])
    return PreparedQuestion(**{**tree, "trials": trials, "criteria": criteria, "variants": ()})


def _variant_to_tree(variant: Variant, trials: tuple[Trial, ...]) -> Tree:
    pairs = zip(variant.answers, trials, strict=True)
    return {**_plain(variant, "answers"), "answers": [None if a is None else _unlike(a, t.expected) for a, t in pairs]}


def _unlike(answer: Answer, expected: Answer) -> Tree:
    """Keep of a mistake's answer what differs from the expected one, None in place of the rest: it is most of it."""
    tree, other = answer_to_tree(answer), answer_to_tree(expected)
    pairs = zip(tree["outcomes"], other["outcomes"], strict=True)
    outcomes = [None if wire.encode(mine) == wire.encode(its) else mine for mine, its in pairs]
    return {
        "outcomes": outcomes,
        "echo": None if wire.encode(tree["echo"]) == wire.encode(other["echo"]) else tree["echo"],
    }


def _variant_from_tree(tree: Any, trials: tuple[Trial, ...]) -> Variant:
    return Variant(
        **{**tree, "answers": tuple(_variant_answer(a, t) for a, t in zip(tree["answers"], trials, strict=True))}
    )


def _trial_from_tree(tree: Any) -> Trial:
    plan = plan_from_tree(tree["plan"])
    expected = answer_from_tree(tree["expected"], plan)
    judge = None if tree["judge"] is None else Named(*tree["judge"])
    return Trial(**{**tree, "plan": plan, "expected": expected, "judge": judge, "tags": frozenset(tree["tags"])})


def _variant_answer(tree: Any, trial: Trial) -> Answer | None:
    if tree is None:
        return None
    outcomes, echo = list(tree["outcomes"]), tree["echo"]
    unlike = [n for n, outcome in enumerate(outcomes) if outcome is not None]
    plan = Plan((), tuple(trial.plan.steps[n] for n in unlike))
    found = answer_from_tree({"outcomes": [outcomes[n] for n in unlike], "echo": []}, plan)
    known = dict(zip(unlike, found.outcomes, strict=True))
    together = zip(trial.expected.outcomes, outcomes, strict=True)
    return Answer(
        tuple(known.get(n, same) for n, (same, _) in enumerate(together)),
        trial.expected.echo if echo is None else tuple(echo),
    )
