"""What a judge of a case finds wrong, and the reading of an answer that judges share. Knows no judge."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from grader.plans import Answer, as_array


@dataclass(frozen=True)
class Finding:
    """What is wrong: ``code`` is the same for the same mistake whatever was drawn, ``message`` says it in words."""

    code: str
    message: str


NO_ARRAY = Finding("array", "expected a numeric array")


def numbers(answer: Answer, step: int, output: int) -> npt.NDArray[np.float64] | None:
    """Return one output as an array, None where it is none or holds nothing."""
    array = as_array(answer.outcomes[step].values[output])
    return None if array is None or not array.size else array.astype(np.float64)
