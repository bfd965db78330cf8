"""A new assignment folder, with one example question that builds and is graded: something to change, not to start from.

The example is no question of any course: it multiplies each column of a table by a number, there and back.
"""

import re
from pathlib import Path

from grader.build import write_build
from grader.errors import GraderError
from grader.files import shown, write_text
from grader.folders import NOTEBOOK, QUESTIONS, topic

_NAME = re.compile(r"(\d{2}-)?[a-z][a-z0-9]*(-[a-z0-9]+)*")

_REFERENCE = '''\
"""The reference: right, plain, and explained as you would on a blackboard. Its docstrings become those of the stubs."""

import numpy as np


def scale_forward(x, factor):
    """Multiply each column of a table by its factor.

    Parameters
    ----------
    x : (N, D)
    factor : (D,)

    Returns
    -------
    out : (N, D), out[n, d] = x[n, d] · factor[d]
    cache : for `scale_backward`
    """
    return x * factor, (x, factor)


def scale_backward(dout, cache):
    """Return the gradients (dx, dfactor) of `scale_forward`.

    Parameters
    ----------
    dout : (N, D), the gradient of the loss with respect to out
    cache : from `scale_forward`

    Returns
    -------
    dx : (N, D)
    dfactor : (D,)
    """
    x, factor = cache
    return dout * factor, np.sum(dout * x, axis=0)
'''

_MISCONCEPTIONS = '''\
"""Mistakes to recognise, each with the question that a good teaching assistant asks. Never the answer."""

import numpy as np

from grader.questions import Misconception


def _mean_for_sum(dout, cache):
    x, factor = cache
    return dout * factor, np.mean(dout * x, axis=0)


def _upstream_forgotten(dout, cache):
    x, factor = cache
    return np.ones_like(dout) * factor, np.sum(x, axis=0)


SCALE = (
    Misconception("mean-for-sum", {"scale_backward": _mean_for_sum}, "How often does each factor act?"),
    Misconception("upstream-forgotten", {"scale_backward": _upstream_forgotten}, "Where does dout enter?"),
)
'''

_QUESTIONS = '''\
"""What is asked: cases, criteria and points. `grader reference @TOPIC@` proves that the reference earns all of them."""

import numpy as np

from grader.questions import Assignment, Case, Question, consistency, gradient, purity, shape, value

from .misconceptions import SCALE
from .reference import scale_backward, scale_forward

# Students receive these with what is expected: small, round numbers that can be checked by hand. More rows than columns
# or the other way round, so that an exchanged axis shows.
_VISIBLE = (Case("three rows", (np.array([[1.0, 2.0], [3.0, -1.0], [0.5, 4.0]]), np.array([2.0, -3.0])), step=1e-3),)


def _hidden(rng):
    """Draw the inputs that decide the marks: fresh ones for each grading run, the same for the whole class."""
    return [
        Case(f"{n} rows of {d}", (rng.normal(size=(n, d)), rng.normal(size=d)), step=1e-3)
        for n, d in ((2, 5), (4, 3), (7, 2))
    ]


ASSIGNMENT = Assignment(
    name="@FOLDER@",
    title="@TITLE@",
    questions=(
        Question(
            name="scale",
            functions={"scale_forward": scale_forward, "scale_backward": scale_backward},
            visible=_VISIBLE,
            hidden=_hidden,
            criteria=(value(2), shape(1), gradient(2), consistency(1), purity(1)),
            misconceptions=SCALE,
        ),
    ),
)
'''

_TEXT = """\
---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# @TITLE@

What this is about, and why anybody wants it.

<!-- points -->

```{code-cell} python
import numpy as np
```

```{code-cell} python
:tags: [demo]

from grader import Checker

check = Checker("@TOPIC@")
```

## 1. A factor for each column

$$
out_{nd} = x_{nd} \\cdot factor_d
$$

```{code-cell} python
# stub: scale_forward
```

```{code-cell} python
:tags: [check]

check(scale_forward)
```

Each factor meets every row: what does the loss owe to it?

```{code-cell} python
# stub: scale_backward
```

```{code-cell} python
:tags: [check]

check(scale_backward)
```

## How far are you?

```{code-cell} python
:tags: [demo]

check.progress()
```
"""


def scaffold(name: str, root: Path) -> list[Path]:
    """Write a new assignment folder and build its notebook.

    Parameters
    ----------
    name : str
        ``12-attention``, or ``attention`` for the next free number.
    root : path
        The course: the folder goes into its ``assignments``, which is made if it is missing.

    Returns
    -------
    list of Path
        The files, the notebook last.

    Raises
    ------
    GraderError
        If the name is no name for a folder, or taken, or the folder cannot be written.
    """
    if not _NAME.fullmatch(name):
        raise GraderError(
            f"{shown(name)!r} cannot name an assignment: use small letters, as in attention or 12-attention"
        )
    shelf = root / "assignments"
    existing = sorted(p.name for p in shelf.iterdir() if p.is_dir()) if shelf.is_dir() else []
    numbers = [int(n[:2]) for n in existing if re.match(r"\d\d-", n)]
    folder = shelf / (name if name[:2].isdigit() else f"{max(numbers, default=0) + 1:02d}-{name}")
    taken = [n for n in existing if topic(n) == topic(folder)]
    if taken:
        raise GraderError(f"{shown(shelf / taken[0])} exists already: choose another name")
    title = topic(folder).replace("-", " ").capitalize()
    texts = {
        "reference.py": _REFERENCE,
        "misconceptions.py": _MISCONCEPTIONS,
        QUESTIONS: _QUESTIONS,
        NOTEBOOK: _TEXT,
    }
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise GraderError(f"{shown(folder)}: cannot be made ({error.strerror or error})") from error
    for file, text in texts.items():
        filled = text.replace("@FOLDER@", folder.name).replace("@TOPIC@", topic(folder)).replace("@TITLE@", title)
        write_text(folder / file, filled)
    return [*(folder / file for file in texts), write_build(folder)]
