"""One submission from its cells to its result. Knows no assignment by name and keeps nothing between submissions."""

import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, field

import numpy as np

from grader.judge import Problem, all_problems, judge, notes
from grader.plans import Answer, Failure, failed
from grader.prepare import PreparedQuestion
from grader.read import Submission
from grader.results import QuestionResult, Result
from grader.session import Session, Source, SubmissionDiedError, Template
from grader.spawn import SpawnedSession, SpawnTemplate
from grader.vouch import calls, speaks, vouched

_MODES = ("all", "definitions", "none")
# A submission that dies or hangs is started again without the cell that did it; this often at most.
_STARTS = 6
# What is slow, or hangs, in a process that has answered other questions is asked again: only this much is lost.
_SHARED_SECONDS = 2.0


@dataclass(frozen=True)
class Times:
    """Wall-clock limits in seconds.

    Attributes
    ----------
    cell, cells : float
        Of one cell, and of all cells together.
    call : float
        Of what is called on one case; a question may say less.
    question : float
        Of all calls of a question; 0 for what the question says.
    question_factor : float
        Stretches what questions say.
    submission : float
        Of everything.
    """

    cell: float = 60.0
    cells: float = 180.0
    call: float = 600.0
    question: float = 0.0
    question_factor: float = 1.0
    submission: float = 1800.0

    def scaled(self, factor: float) -> "Times":
        """Return every limit stretched."""
        return Times(*(limit * factor for limit in astuple(self)))

    def of(self, question: PreparedQuestion) -> tuple[float, float]:
        """Return the limits of all calls of a question, and of those on one case."""
        whole = self.question or question.seconds * self.question_factor
        return whole, min(whole, self.call, question.call_seconds * self.question_factor)


@dataclass(frozen=True)
class _Answered:
    """The answers to one question and what is wrong with them.

    ``first`` if no process of the session had seen a hidden input before they were given.
    """

    answers: list[Answer]
    problems: list[list[Problem]]
    seconds: float
    first: bool


@dataclass
class _Running:
    """What is known so far about one submission."""

    modes: dict[int, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    answered: dict[str, "_Answered"] = field(default_factory=dict)
    forks_denied: int = 0
    deaths: int = 0
    end: float = float("inf")

    def limits(self, question: PreparedQuestion, times: Times) -> tuple[float, float]:
        """Return the seconds for all calls of a question and for those on one case; at most what is left of all."""
        whole, call = times.of(question)
        left = max(self.end - time.monotonic(), 0.0)
        return min(whole, left), min(call, left)


def examine(
    submission: Submission,
    assignment: str,
    questions: Sequence[PreparedQuestion],
    template: Template | SpawnTemplate,
    *,
    seed: int,
    times: Times | None = None,
    versions: Mapping[str, str] | None = None,
    progress: Callable[[str], None] = lambda question: None,
) -> Result:
    """Run a submission in isolation and judge what it answers.

    Parameters
    ----------
    submission : Submission
    assignment : str
        Its name, for the record.
    questions : sequence of PreparedQuestion
    template : Template or SpawnTemplate
    seed : int
        With which the questions were prepared, for the record.
    times : Times, optional
    versions : mapping, optional
        Recorded besides those of Python and NumPy.
    progress : function
        Called with the name of each question as it begins.

    Raises
    ------
    TemplateLostError
        If the template is gone: start another and examine again; the submission is not to blame.
    """
    started = time.monotonic()
    times = times or Times()
    running = _Running(end=started + times.submission)
    cells = [c.number for c in submission.cells]
    for _ in range(_STARTS):
        with template.session() as session:
            ended = _run_cells(session, submission, running, times) and _ask(
                session, questions, cells, running, times, progress
            )
            running.forks_denied += session.forks_denied
        if ended:
            break
    again = _ask_again(submission, questions, template, running, times)
    seconds = time.monotonic() - started  # judging is no time of theirs: known mistakes run when first needed
    results = tuple(_judge(question, running, again) for question in questions)
    if running.forks_denied:
        running.notes.append("the code tried to start processes of its own, which is not allowed: ignored")
    return Result(
        student=submission.student,
        assignment=assignment,
        points=round(sum(q.points for q in results), 6),
        max_points=round(sum(q.max_points for q in results if not q.bonus), 6),
        questions=results,
        notes=tuple(dict.fromkeys((*submission.notes, *running.notes))),
        seed=seed,
        versions={"python": platform.python_version(), "numpy": np.__version__, **(versions or {})},
        sandbox=template.sandbox,
        submission_sha256=submission.sha256,
        seconds=round(seconds, 4),
    )


def _run_cells(session: Session | SpawnedSession, submission: Submission, running: _Running, times: Times) -> bool:
    """Run the cells; False where the process was lost, and another start should leave the guilty cell out."""
    again = bool(running.modes)
    cells = [Source(c.number, c.source, running.modes.get(c.number, "all")) for c in submission.cells]
    cells = [c for c in cells if c.mode != "none"]
    total = min(times.cells, max(running.end - time.monotonic(), 0.0))
    for outcome in session.run_cells(cells, seconds=times.cell, total=total):
        failure = outcome.failure
        if failure is not None and failure.kind in ("timeout", "died"):
            mode = _MODES[_MODES.index(running.modes.get(outcome.number, "all")) + 1]
            running.modes[outcome.number] = mode
            what = "only its imports and definitions were used" if mode == "definitions" else "it was left out"
            running.notes.append(f"cell {outcome.number}: {failure.message}; {what}")
            return False
        if not again or outcome.number in running.modes:
            running.notes += [f"cell {outcome.number}: {note}" for note in outcome.notes]
            if failure is not None and failure.kind != "stub":
                at = failure.where.partition(", ")[2]
                line = f" in {at}" if at else ""
                running.notes.append(f"cell {outcome.number}: {failure.message}{line}; the later cells were run")
    return True


def _ask(
    session: Session | SpawnedSession,
    questions: Sequence[PreparedQuestion],
    cells: Sequence[int],
    running: _Running,
    times: Times,
    progress: Callable[[str], None],
) -> bool:
    first = True
    for question in questions:
        if question.name in running.answered:
            continue
        progress(question.name)
        try:
            running.answered[question.name] = _answers(session, question, running, times, first=first)
        except SubmissionDiedError:
            running.deaths += 1
            what = "cells were run again"
            if running.deaths > 1:  # a timer, a thread or a limit that some cell left behind
                running.modes |= dict.fromkeys(cells, "definitions") | running.modes
                what = "of all cells only imports and definitions were used"
            running.notes.append(f"the process ended before {question.name} could be examined: {what}")
            return False
        first = False
    return True


def _answers(
    session: Session | SpawnedSession, question: PreparedQuestion, running: _Running, times: Times, *, first: bool
) -> _Answered:
    """Ask a question of the process that answered the last one, which costs least.

    What an earlier question left behind there must not lose a point: unless all is right a new process is asked, and
    what that one says counts.
    """
    plans = [question.trials[i].plan for i in question.order]
    while True:
        shared = session.shared
        whole, call = running.limits(question, times)
        if shared:
            whole = min(whole, _SHARED_SECONDS)
        asked, seconds = session.ask(plans, question.frame, seconds=whole, call=call)
        answers = [answer for _, answer in sorted(zip(question.order, asked, strict=True), key=lambda pair: pair[0])]
        found = all_problems(question, answers)
        if not shared or not any(found):
            return _Answered(answers, found, seconds, first)
        session.renew()


def _ask_again(
    submission: Submission,
    questions: Sequence[PreparedQuestion],
    template: Template | SpawnTemplate,
    running: _Running,
    times: Times,
) -> dict[str, dict[int, Answer]]:
    """Ask visible cases that show something once more, of a process that is sent no hidden input; see `grader.vouch`.

    Files, shared memory and pipes lead from one question's process to the next, so a new one is needed; the first
    question of a process needs none.
    """
    answered = running.answered
    due = [
        q for q in questions if (a := answered.get(q.name)) and any(a.problems) and not a.first and speaks(q, a.answers)
    ]
    again: dict[str, dict[int, Answer]] = {q.name: {} for q in questions if q.name in answered}
    if due:
        with template.session() as session:
            if _run_cells(session, submission, _Running(modes=dict(running.modes), end=running.end), times):
                for question in due:
                    plans = [question.trials[i].plan for i in calls(question)]
                    whole, call = running.limits(question, times)
                    try:
                        answers, _ = session.ask(plans, seconds=whole, call=call)
                    except SubmissionDiedError:
                        break
                    again[question.name] = dict(zip(calls(question), answers, strict=True))
                    session.renew()  # what one question leaves behind must not silence the next
    return again


def _judge(question: PreparedQuestion, running: _Running, again: Mapping[str, Mapping[int, Answer]]) -> QuestionResult:
    found = running.answered.get(question.name)
    if found is None:
        return judge(question, [failed(t.plan, Failure("died", "")) for t in question.trials])
    running.notes += notes(question, found.answers)
    shown = question
    if any(found.problems):  # else nothing is said that somebody would have to vouch for
        shown = vouched(question, found.answers, None if found.first else again[question.name])
    problems = found.problems if shown is question else None
    return judge(shown, found.answers, found=problems, seconds=found.seconds)
