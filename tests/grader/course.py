"""A made-up course of one tiny assignment, for tests of everything that handles notebooks and folders."""

import json
from pathlib import Path
from typing import Any

import psutil

from grader.read import Submission, read_submission

SOLUTIONS = '''
"""Arithmetic, the reference."""

import numpy as np

SECRET = "planted-solution-constant"


def add(x, y):
    """Add two arrays.

    Returns
    -------
    array
        ``x + y``, of the shape of `x`.
    """
    return x + y + 0 * len(SECRET)


def scale(x, factor: "float" = 1e-5, *, shift=(0, 1), clip=None, mode="plain"):
    r"""Scale an array: \\(f x\\)."""
    return factor * x
'''

QUESTIONS = """
import numpy as np

from grader.questions import Assignment, Case, Question, shape, value
from solutions.arithmetic import add, scale

from .misconceptions import ADDS_TWICE

ASSIGNMENT = Assignment(
    name="01-arithmetic",
    title="Arithmetic by hand",
    questions=(
        Question(
            name="add",
            functions={"add": add},
            visible=(Case("two numbers", (np.array([1.0, 2.0]), np.array([3.0, 5.0]))),),
            hidden=lambda rng: [Case("hidden-case-name", (rng.normal(size=5), rng.normal(size=5)))],
            criteria=(value(3), shape(1)),
            misconceptions=(ADDS_TWICE,),
        ),
        Question(
            name="scale",
            functions={"scale": scale},
            visible=(Case("two numbers", (np.array([1.0, 2.0]), 3.0)),),
            hidden=lambda rng: [Case("hidden-case-name", (rng.normal(size=5), 2.0))],
            criteria=(value(2.5),),
            bonus=True,
        ),
    ),
)
"""

MISCONCEPTIONS = """
from grader.questions import Misconception


def adds_twice(x, y):
    secret_variant = x + y
    return secret_variant + y


ADDS_TWICE = Misconception("adds-twice", {"add": adds_twice}, hint="How often is y added?")
"""

NOTEBOOK = """\
---
kernelspec:
  name: python3
  display_name: Python 3
---

# Arithmetic

<!-- points -->

```{code-cell} ipython3
import numpy as np
from grader.check import Checker

check = Checker("arithmetic")
```

## Adding

Write `add`.

```{code-cell} ipython3
# stub: add
```

```{code-cell} ipython3
:tags: [check]

check(add)
```

## Scaling

```{code-cell} ipython3
# stub: scale
Scale an array.

Its second line has a \\ in it.
```

```{code-cell} ipython3
:tags: [check]

check(scale)
```

```{code-cell} ipython3
:tags: [demo]

print(add(np.ones(2), scale(np.ones(2))))
```
"""

ANSWERS = '''\
"""A student's module."""

import numpy as np

LIMIT = 3


def helper(x):
    return x


# Adding is easy.
def add(x, y):
    return helper(x) + y  # plain


def scale(x, factor=1e-5, *, shift=(0, 1), clip=None, mode="plain"):
    return factor * x


if __name__ == "__main__":
    print(add(1, 2))
'''


def make_course(root: Path, **replaced: str) -> Path:
    """Write the course under ``root`` and return the assignment's folder; ``notebook=...`` replaces a file's text."""
    folder = root / "assignments" / "01-arithmetic"
    folder.mkdir(parents=True)
    (root / "solutions").mkdir()
    (root / "solutions" / "__init__.py").write_text("")
    (root / "solutions" / "arithmetic.py").write_text(replaced.get("solutions", SOLUTIONS))
    (folder / "questions.py").write_text(replaced.get("questions", QUESTIONS))
    (folder / "misconceptions.py").write_text(replaced.get("misconceptions", MISCONCEPTIONS))
    (folder / "notebook.md").write_text(replaced.get("notebook", NOTEBOOK))
    return folder


# The cells of the notebook with ANSWERS that grading runs.
ALL_RUN = ["code-880ab1b1", "helpers", "stub-add", "stub-scale"]


def submit(path: Path, master: Any, content: Any, **options: Any) -> Submission:
    """Write a notebook, a text or bytes to a file and read it as a submission."""
    if isinstance(content, dict):
        content = json.dumps(content)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_submission(path, master, **options)


def index(notebook: Any, identity: str) -> int:
    """Return the position of the cell of that id."""
    return next(i for i, c in enumerate(notebook["cells"]) if c.get("id") == identity)


def cell(notebook: Any, identity: str) -> Any:
    """Return the cell of that id."""
    return notebook["cells"][index(notebook, identity)]


def command_line(process: psutil.Process) -> list[str]:
    """Empty where the process has ended meanwhile, or is a zombie that nobody has waited for yet."""
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []
