"""What a second grading changed, and why. Knows only the two results."""

from grader.results import CriterionResult, QuestionResult, Result


def changes(before: Result, after: Result) -> list[str]:
    """Return one line for each student and question whose points changed, with the reason; none if nothing did."""
    lines = []
    old = {q.name: q for q in before.questions}
    for question in after.questions:
        was = old.pop(question.name, None)
        if was is None:
            lines.append(f"{after.student}: {question.name} is new: {question.points:g} of {question.max_points:g}")
        elif was.points != question.points or was.max_points != question.max_points:
            lines.append(f"{after.student}: {question.name} {_step(was, question)}{_why(was, question)}")
    lines += [f"{after.student}: {name} is gone: it had {q.points:g} of {q.max_points:g}" for name, q in old.items()]
    if before.total != after.total and before.points == after.points:
        lines.append(f"{after.student}: total {before.total:g} -> {after.total:g}: another penalty")
    return lines


def _step(was: QuestionResult, now: QuestionResult) -> str:
    return f"{was.points:g}/{was.max_points:g} -> {now.points:g}/{now.max_points:g}"


def _why(was: QuestionResult, now: QuestionResult) -> str:
    """Name the criteria that count otherwise now, with what is said of those that are lost."""
    old = {c.name: c for c in was.criteria}
    moved = [c for c in now.criteria if not _same(old.get(c.name), c)]
    words = "; ".join(f"{c.name} {c.points:g}/{c.max_points:g}{': ' + c.message if c.message else ''}" for c in moved)
    return f" ({words})" if words else ""


def _same(was: CriterionResult | None, now: CriterionResult) -> bool:
    return was is not None and (was.points, was.max_points) == (now.points, now.max_points)
