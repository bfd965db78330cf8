"""Recognise known mistakes: an answer that differs from the reference and agrees with one wrong variant everywhere."""

from collections.abc import Sequence

from grader.compare import agree
from grader.plans import Answer, Outcome, Output, Plan, Step, clean
from grader.prepare import PreparedQuestion, Trial, Variant, code_of
from grader.results import Diagnosis


def diagnose(question: PreparedQuestion, answers: Sequence[Answer]) -> tuple[Diagnosis, ...]:
    """Return the mistakes that explain the answers, at most one for each function.

    A variant matches when the answers agree with it on every trial, for the functions that it replaces; where both
    fail everywhere, in the words of the exception. A match on forward and backward together explains more than a match
    on one of them and takes its place; two matches that explain the same cannot be told apart, and neither is named.
    """
    matches = matching(question, answers)
    best = [v for v in matches if not any(set(v.functions) < set(other.functions) for other in matches)]
    alone = [v for v in best if not any(o is not v and set(o.functions) & set(v.functions) for o in best)]
    return tuple(Diagnosis(v.name, "convention" if v.convention else "misconception", _hint(v)) for v in alone)


def matching(question: PreparedQuestion, answers: Sequence[Answer]) -> list[Variant]:
    """Return every variant that agrees with the answers, whether or not another explains them as well."""
    found = [code_of(trial, answer) for trial, answer in zip(question.trials, answers, strict=True)]
    return [v for v in question.variants if _matches(question, v, answers, found)]


def _hint(variant: Variant) -> str:
    return f"{variant.hint} (That is {variant.convention}.)" if variant.convention else variant.hint


def _matches(question: PreparedQuestion, variant: Variant, answers: Sequence[Answer], found: Sequence[str]) -> bool:
    differs = telling = False
    rows = zip(question.trials, answers, found, variant.answers, variant.codes, strict=True)
    for trial, answer, own, wrong, code in rows:
        if wrong is None:
            continue
        if trial.judge is not None:  # other draws, the same mistake
            if not _same_finding(answer, own, wrong, code):
                return False
            differs = differs or bool(code)
            telling = telling or bool(code)
            continue
        if not _agrees(trial, variant, answer, wrong):
            return False
        differs = differs or not _agrees(trial, variant, trial.expected, wrong)
        outcomes = zip(trial.plan.steps, answer.outcomes, wrong.outcomes, strict=True)
        telling = telling or any(_tells(a, w) for s, a, w in outcomes if _shows(trial, s.function, variant))
    return differs and telling


def _same_finding(answer: Answer, own: str, wrong: Answer, code: str) -> bool:
    fails = [any(o.failure is not None for o in a.outcomes) for a in (answer, wrong)]
    return fails[0] == fails[1] and (fails[0] or own == code)


def _tells(answer: Outcome, wrong: Outcome) -> bool:
    """Whether agreement says something: code that fails for whatever reason agrees with all that fails."""
    if answer.failure is None or wrong.failure is None:
        return True
    return answer.failure.kind == "raised" and clean(answer.failure.message, 200) == clean(wrong.failure.message, 200)


def _agrees(trial: Trial, variant: Variant, answer: Answer, wrong: Answer) -> bool:
    for i, step in enumerate(trial.plan.steps):
        shown = _shows(trial, _function(trial.plan, step), variant)
        if shown and not _same_outcome(answer.outcomes[i], wrong.outcomes[i], trial.expected.outcomes[i]):
            return False
    # A variant that leaves its inputs alone says nothing on whether the student's other function does.
    echoes = zip(answer.echo, wrong.echo, trial.expected.echo, strict=False)
    return all(agree(a, b) or agree(b, target) for a, b, target in echoes)


def _shows(trial: Trial, function: str, variant: Variant) -> bool:
    """Whether a step may show the mistake: in a script that calls what the variant replaces, every step may."""
    called = {step.function for step in trial.plan.steps} if trial.script else {function}
    return not called.isdisjoint(variant.functions)


def _function(plan: Plan, step: Step) -> str:
    """Whose result a step shows: one without a name reads an earlier step's again."""
    if not step.function and step.args and isinstance(step.args[0], Output):
        return plan.steps[step.args[0].step].function
    return step.function


def _same_outcome(answer: Outcome, wrong: Outcome, expected: Outcome) -> bool:
    if wrong.failure is not None or answer.failure is not None:
        # A variant that fails on a case is matched by any failure of the student's own code there.
        return wrong.failure is not None and answer.failure is not None and answer.failure.kind in _OWN_FAILURES
    triples = zip(answer.values, wrong.values, expected.values, strict=True)
    # Where None is expected, anything is accepted.
    return all(target is None or agree(a, b) for a, b, target in triples)


_OWN_FAILURES = ("raised", "outputs", "skipped")
