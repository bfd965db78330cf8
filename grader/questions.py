"""What an assignment's ``questions.py`` is written in: assignments, questions, cases, criteria, misconceptions.

Plain data. A question names its functions with their references; cases are inputs; criteria say what is judged and
for how many points; misconceptions are wrong variants of the references. Nothing here runs anything.

A question on one function is called as it is. A question on two, ``NAME_forward`` and ``NAME_backward``, is a layer:
the forward returns ``(out, cache)``, the backward gets a random upstream gradient and the student's own cache.

Examples
--------
>>> import numpy as np
>>> def double_reference(x):
...     return 2 * x
>>> question = Question(
...     name="double",
...     functions={"double": double_reference},
...     visible=(Case("two numbers", (np.array([1.0, 3.0]),)),),
...     hidden=lambda rng: [Case("random", (rng.normal(size=5),))],
...     criteria=(value(3), shape(1)),
...     misconceptions=(Misconception("squares", {"double": lambda x: x**2}, hint="What is twice three?"),),
... )
>>> question.points
4.0
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from grader.errors import GraderError
from grader.judges import Judge
from grader.plans import Plan

Function = Callable[..., Any]


@dataclass(frozen=True)
class Case:
    """One set of inputs.

    Attributes
    ----------
    name : str
        Says in words what is special about it; students see it, so it holds no values.
    inputs : tuple
        Positional arguments. Float arrays among them are differentiated where gradients are judged.
    options : mapping
        Keyword arguments: the hyperparameters.
    tags : set of str
        By which criteria select their cases.
    tolerance : float
        Allowed norm-relative error; 0 for exact counts.
    step : float
        Step of the central differences: 1e-4 to 1e-3 for functions linear in each input, 1e-5 otherwise.
    script : Plan, optional
        Calls of its own instead of the usual ones (several steps of an optimizer, methods of an object). Outputs that
        a script sends are the ones judged; `inputs` and `options` are then unused.
    judge : function, optional
        Judges the answer instead of comparing it with the reference's (`grader.judges`). Criteria made by `statistics`,
        `design` and `training` select such cases, all others leave them out.
    """

    name: str
    inputs: tuple[Any, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    tags: frozenset[str] | set[str] = frozenset()
    tolerance: float = 1e-7
    step: float = 1e-5
    script: Plan | None = None
    judge: Judge | None = None


@dataclass(frozen=True)
class Criterion:
    """One thing that is judged, for ``points``, on the cases that carry any of ``tags`` (all where there are none).

    Made by the functions below; ``kind`` selects the judge, ``small`` and ``large`` are the cases of *vectorised*.
    """

    kind: str
    points: float
    name: str
    tags: frozenset[str] = frozenset()
    small: Case | None = None
    large: Case | None = None


def value(points: float, name: str = "value", *, on: str = "") -> Criterion:
    """Judge that the forward (or the function) equals the reference. ``on``: space-separated tags of the cases."""
    return Criterion("value", points, name, frozenset(on.split()))


def count(points: float, name: str = "count", *, on: str = "") -> Criterion:
    """Judge whole numbers, exactly: sizes, parameters, products, receptive fields."""
    return Criterion("count", points, name, frozenset(on.split()))


def shape(points: float, name: str = "shape and type", *, on: str = "") -> Criterion:
    """Judge that every output is a numeric array of the right shape; a constant one earns nothing."""
    return Criterion("shape", points, name, frozenset(on.split()))


def gradient(points: float, name: str = "gradient", *, on: str = "") -> Criterion:
    """Judge that the backward equals the reference's, for a random upstream gradient."""
    return Criterion("gradient", points, name, frozenset(on.split()))


def consistency(points: float, name: str = "consistency", *, on: str = "") -> Criterion:
    """Judge that the backward is the derivative of the student's own forward, along random directions."""
    return Criterion("consistency", points, name, frozenset(on.split()))


def purity(points: float, name: str = "purity", *, on: str = "") -> Criterion:
    """Judge that inputs stay unchanged, calls leave no trace on later ones, and every output is a fresh array."""
    return Criterion("purity", points, name, frozenset(on.split()))


def stability(points: float, name: str = "stability", *, on: str = "extreme") -> Criterion:
    """Judge values (and gradients) on extreme inputs."""
    return Criterion("stability", points, name, frozenset(on.split()))


def statistics(points: float, name: str = "statistics", *, on: str = "") -> Criterion:
    """Judge random answers by their invariants and statistics, on cases that bring a judge."""
    return Criterion("judged", points, name, frozenset(on.split()))


def design(points: float, name: str = "design", *, on: str = "") -> Criterion:
    """Judge that what the student built satisfies constraints, on cases that bring a judge."""
    return Criterion("judged", points, name, frozenset(on.split()))


def training(points: float, name: str = "training", *, on: str = "") -> Criterion:
    """Judge predictions on data that the student has not seen, on cases that bring a judge."""
    return Criterion("judged", points, name, frozenset(on.split()))


def vectorised(points: float, name: str = "vectorised", *, small: Case, large: Case) -> Criterion:
    """Judge that the Python lines executed do not grow from a small case to a larger one."""
    return Criterion("vectorised", points, name, small=small, large=large)


@dataclass(frozen=True)
class Misconception:
    """A wrong variant of a question's reference.

    Attributes
    ----------
    name : str
        What the mistake is called: "flipped-kernel".
    functions : mapping from str
        The wrong functions; the question's others stay right. A wrong forward returns a cache that the right backward
        can use.
    hint : str
        What a good teaching assistant asks; never the answer.
    convention : str
        Where the variant is right under another textbook: the name of that convention. Such an answer keeps
        `Question.convention_keeps` of the points that it would lose.
    """

    name: str
    functions: Mapping[str, Function]
    hint: str
    convention: str = ""


@dataclass(frozen=True)
class Question:
    """One or two functions that a student writes. See the module's example.

    Attributes
    ----------
    name : str
    functions : mapping from str
        Function name to reference, in the order in which they are called.
    visible : tuple of Case
        Fixed; students receive them with their expected outputs.
    hidden : function
        Draws fresh cases from a generator, once for the whole class.
    criteria : tuple of Criterion
    misconceptions : tuple of Misconception
    outputs : mapping from str
        How many outputs a function returns, where that is not one (a layer's are known from its reference: the output,
        the cache, and whatever follows them).
    convention_keeps : float
        Share of the lost points that an answer right under another convention keeps.
    bonus : bool
        Points beyond the assignment's maximum.
    seconds, call_seconds : float
        Time limits: of all calls of the question, and of what is called on one case.
    personal : function, optional
        Makes from a generator the question with one student's own numbers: of the same name, functions and points. This
        question is then the one with the default numbers, for courses without a secret (`grader.personal`).
    text : str
        Markdown that shows a personal question's numbers in the student's notebook.
    """

    name: str
    functions: Mapping[str, Function]
    visible: tuple[Case, ...]
    hidden: Callable[[np.random.Generator], Sequence[Case]]
    criteria: tuple[Criterion, ...]
    misconceptions: tuple[Misconception, ...] = ()
    outputs: Mapping[str, int] = field(default_factory=dict)
    convention_keeps: float = 0.5
    bonus: bool = False
    seconds: float = 20.0
    call_seconds: float = math.inf
    personal: "Callable[[np.random.Generator], Question] | None" = None
    text: str = ""

    def __post_init__(self) -> None:
        """Refuse what could only fail later, far from its cause."""
        known = set(self.functions)
        for misconception in self.misconceptions:
            if not misconception.functions or not set(misconception.functions) <= known:
                raise GraderError(
                    f"question {self.name}: misconception {misconception.name} must replace functions of the question "
                    f"({', '.join(known)})"
                )
        names = [m.name for m in self.misconceptions]
        if len(set(names)) != len(names) or len({c.name for c in self.criteria}) != len(self.criteria):
            raise GraderError(f"question {self.name}: two misconceptions or two criteria share a name")

    @property
    def points(self) -> float:
        """The sum over the criteria."""
        return float(sum(c.points for c in self.criteria))

    @property
    def is_layer(self) -> bool:
        """Whether the two functions are a forward and its backward."""
        names = list(self.functions)
        return len(names) == 2 and names[0].endswith("_forward") and names[1].endswith("_backward")


@dataclass(frozen=True)
class Manual:
    """A free-text answer that a person marks, by a ``rubric`` that only instructors see.

    Its points are beyond those of the questions: results do not know them, the gradebook adds them.
    """

    name: str
    points: float
    rubric: str

    def __post_init__(self) -> None:
        """The name becomes a part of a cell's id."""
        if not re.fullmatch(r"[0-9A-Za-z_-]{1,50}", self.name):
            raise GraderError(
                f"manual question {self.name!r}: a name of letters, digits, - and _ is needed, at most 50"
            )


@dataclass(frozen=True)
class Reading:
    """What to read again: the lecture in ``lectures/NN-topic.md``, a section of it, and for which questions (all)."""

    number: int
    title: str
    section: str = ""
    questions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Assignment:
    """What ``questions.py`` defines as ``ASSIGNMENT``."""

    name: str
    title: str
    questions: tuple[Question, ...]
    manual: tuple[Manual, ...] = ()
    reading: tuple[Reading, ...] = ()

    def __post_init__(self) -> None:
        """Every question and every function once."""
        names = [q.name for q in self.questions]
        functions = [f for q in self.questions for f in q.functions]
        names += [m.name for m in self.manual]
        for what, found in (("question", names), ("function", functions)):
            twice = {n for n in found if found.count(n) > 1}
            if twice:
                raise GraderError(f"assignment {self.name}: {what} {', '.join(sorted(twice))} is defined twice")
        unknown = {q for r in self.reading for q in r.questions}.difference(names)
        if unknown:
            raise GraderError(f"assignment {self.name}: reading for {', '.join(sorted(unknown))}, which is no question")

    @property
    def points(self) -> float:
        """The points that count as full marks: bonus questions are beyond them."""
        return float(sum(q.points for q in self.questions if not q.bonus))
