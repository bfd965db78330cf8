"""The words of verdicts. For hidden cases they repeat no text that came from the worker: it could carry inputs out."""

import builtins
import re

from grader.plans import Failure, Step, clean
from grader.prepare import PreparedQuestion, Trial

_NUMPY_ERRORS = ("AxisError", "LinAlgError")
_WHERE = re.compile(r"(cell \d{1,4}, )?line \d{1,6}")


def case_of(trial: Trial) -> str:
    """Name the case, as a part of a sentence."""
    return f", {'visible ' if trial.visible else ''}case “{trial.case}”"


def output_name(question: PreparedQuestion, step: Step, k: int) -> str:
    """Name one output of a step: a gradient after its input."""
    if question.layer and step.function == question.functions[1]:
        return f"{question.outputs[k]}: " if k < len(question.outputs) else ""
    return f"output {step.send[k] + 1}: " if len(step.send) > 1 else ""


def failure_words(function: str, failure: Failure, trial: Trial) -> str:
    """Say why a call gave no value, in the student's terms."""
    name = function or "the call"
    where = f" at {failure.where}" if trial.visible and _WHERE.fullmatch(failure.where) else ""
    match failure.kind:
        case "missing":
            return f"there is no function {name} in the notebook: was it renamed or deleted?"
        case "stub":
            return f"{name} is not written yet"
        case "skipped":
            return f"{name}{case_of(trial)}: not called, because the call before it failed"
        case "outputs" if trial.visible:
            return f"{name}{case_of(trial)}: {clean(failure.message, 200)}"
        case "outputs":
            return f"{name}{case_of(trial)}: returned the wrong number of outputs"
        case "timeout":
            return f"{name}{case_of(trial)}: not finished when the time was up: is there a loop that never ends?"
        case "memory":
            return f"{name}{case_of(trial)}: asked for more memory than there is{where}"
        case "died":
            return f"{name}{case_of(trial)}: ended the Python process (exit() or a crash in compiled code)"
        case "protocol":
            return f"{name}{case_of(trial)}: the answer could not be read"
    if trial.visible:
        return f"{name}{case_of(trial)}: raised {clean(failure.message, 300)}{where}"
    # A class of Python's own is one of few; any other name, and even a line number, can be made to spell an input.
    error = failure.message.split(":")[0]
    known = getattr(builtins, error, None)
    named = isinstance(known, type) and issubclass(known, BaseException)
    return f"{name}{case_of(trial)}: raised {error if named or error in _NUMPY_ERRORS else 'an exception'}"
