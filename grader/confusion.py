"""The confusion matrix of an assignment's misconceptions: is each seen for what it is, and never as another?

Every misconception is handed in as if a student had made it, and judged like one.
"""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from grader.execute import fresh, run_plan
from grader.judge import judge
from grader.prepare import prepare
from grader.questions import Assignment


@dataclass(frozen=True)
class Seen:
    """What became of one misconception under one seed.

    Attributes
    ----------
    seed : int or None
        Of the hidden cases; None for the visible cases alone.
    lost : float
        The points that it cost.
    taken : tuple of str
        The misconceptions that the diagnosis named.
    """

    question: str
    misconception: str
    seed: int | None
    lost: float
    taken: tuple[str, ...]

    @property
    def costs(self) -> bool:
        """Whether it lost any points."""
        return self.lost > 0

    @property
    def alone(self) -> bool:
        """Whether it cost points and was named, and nothing else was."""
        return self.costs and self.taken == (self.misconception,)

    @property
    def words(self) -> str:
        """What it was taken for."""
        named = "named " + " and ".join(self.taken) if self.taken else "not named"
        return named if self.costs else f"loses no point, {named}"


def confusion(assignment: Assignment, seeds: Sequence[int | None]) -> Iterator[Seen]:
    """Judge every misconception of every question of an assignment under each seed.

    Raises
    ------
    GraderError
        If a question cannot be prepared.
    """
    for question in assignment.questions:
        for seed in seeds:
            prepared = prepare(question, seed)
            for mistake in question.misconceptions:
                functions = {**question.functions, **mistake.functions}
                with np.errstate(all="ignore"), warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # wrong code may well warn
                    answers = [run_plan(fresh(trial.plan), functions) for trial in prepared.trials]
                result = judge(prepared, answers)
                taken = tuple(d.name for d in result.diagnosis)
                lost = result.max_points - result.points
                yield Seen(question.name, mistake.name, seed, lost, taken)
