"""Whether what a visible case shows may be shown: a process that has seen hidden inputs could speak them through it.

An exception's text, a type's name, a shape and the numbers of a visible case are repeated to the student. They were
said before any hidden input was sent, or are said again by a process that never saw one; a case of which neither is
true is spoken of like a hidden one. Knows no session.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from grader import wire
from grader.compare import compare
from grader.plans import Answer, Failure, answer_to_tree
from grader.prepare import PreparedQuestion, Trial, finding_of

_SHOWN = ("call", "consistency")
_WITH_TEXT = ("raised", "outputs")


def calls(question: PreparedQuestion) -> list[int]:
    """Which trials' words and numbers are shown: visible calls and slopes. Of a question they are asked first."""
    return [i for i, trial in enumerate(question.trials) if trial.visible and trial.kind in _SHOWN]


def speaks(question: PreparedQuestion, answers: Sequence[Answer]) -> bool:
    """Whether a visible case gave anything that would be repeated: an exception's text, or a wrong answer."""
    return any(_speaks(question.trials[i], answers[i]) for i in calls(question))


def _speaks(trial: Trial, answer: Answer) -> bool:
    if _texts(answer) or finding_of(trial, answer) is not None:
        return True
    return any(
        compare(value, expected, tolerance=trial.tolerance, reveal=True) is not None
        for outcome, target in zip(answer.outcomes, trial.expected.outcomes, strict=True)
        if outcome.failure is None and target.failure is None
        for value, expected in zip(outcome.values, target.values, strict=True)
    )


def _texts(answer: Answer) -> set[Failure]:
    return {o.failure for o in answer.outcomes if o.failure is not None and o.failure.kind in _WITH_TEXT}


def vouched(
    question: PreparedQuestion, answers: Sequence[Answer], again: Mapping[int, Answer] | None = None
) -> PreparedQuestion:
    """Return the question with those trials hidden of which nothing vouches for the words.

    Parameters
    ----------
    question : PreparedQuestion
    answers : sequence of Answer
    again : mapping from int, optional
        Answers of a process without hidden inputs to the trials in `calls`; absent where `answers` began with them in
        a process that had seen none either.
    """
    known = set[Failure]()
    hidden = set[int]()
    for i in calls(question):
        if again is None or (i in again and _same(again[i], answers[i])):
            known |= _texts(answers[i])
        elif _speaks(question.trials[i], answers[i]):
            hidden.add(i)
    for i, trial in enumerate(question.trials):
        if trial.visible and trial.kind not in _SHOWN and not _texts(answers[i]) <= known:
            hidden.add(i)
    if not hidden:
        return question
    trials = tuple(replace(t, visible=t.visible and i not in hidden) for i, t in enumerate(question.trials))
    return replace(question, trials=trials)


def _same(a: Answer, b: Answer) -> bool:
    return wire.encode(answer_to_tree(a)) == wire.encode(answer_to_tree(b))
