"""One network for each student, and what is asked about it: four numbers to write down. Drawn, never stored.

The mistakes are those of the functions that count such networks (misconceptions.py), as far as each gives a number of
its own for the network drawn: two that agree cannot be told apart.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from grader.questions import Case, Misconception, Question, count
from solutions import architecture as reference
from solutions.descriptions import conv, linear

from . import misconceptions as mistakes

Layers = list[dict[str, Any]]
Image = tuple[int, int, int]
DEFAULT = 2026


def network(rng: np.random.Generator) -> tuple[Image, Layers]:
    """Draw an image and a network for it; no two sizes are alike, so that nothing exchanged goes unseen."""
    height, width = (int(n) for n in rng.choice(np.arange(44, 72), size=2, replace=False))
    first, second, third = (int(n) for n in rng.permutation([6, 8, 10, 12, 14])[:3])
    kernel = tuple(int(n) for n in rng.permutation([4, 5, 7])[:2])
    units, scores = int(rng.integers(20, 40)), int(rng.integers(3, 10))
    layers = [
        conv(first, kernel, stride=2, padding=int(rng.integers(1, 3))),
        {"kind": "relu"},
        {"kind": "max_pool2d", "kernel_size": int(rng.integers(2, 4)), "stride": 2},
        conv(second, 3, padding=1, bias=False),
        {"kind": "batch_norm2d"},
        {"kind": "relu"},
        conv(third, 3, dilation=int(rng.integers(2, 4))),
        {"kind": "relu"},
        {"kind": "flatten"},
        linear(units),
        {"kind": "relu"},
        linear(scores),
    ]
    return (3, height, width), layers


def described(image: Image, layers: Layers) -> str:
    """Write a network down, as the notebook shows it and as the student's functions take it."""
    rows = ["```python", f"IMAGE = {image}", "NETWORK = ["]
    for layer in layers:
        items = ", ".join(f'"{key}": {_written(value)}' for key, value in layer.items())
        rows.append(f"    {{{items}}},")
    return "\n".join([*rows, "]", "```"])


def _written(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _last_map(layers: Sequence[Any]) -> int:
    return next(n for n, layer in enumerate(layers) if layer["kind"] == "flatten")


def _shape(count_of: Callable[..., Any], image: Image, layers: Layers) -> Any:
    return count_of(layers, image)[_last_map(layers) - 1]


def _total(count_of: Callable[..., Any], image: Image, layers: Layers) -> Any:
    return count_of(layers, image)


def _field(count_of: Callable[..., Any], image: Image, layers: Layers) -> Any:
    return count_of(layers[: _last_map(layers)])


# Name: what to ask of which count, its reference, its mistakes, and the question in words.
KINDS: dict[str, tuple[Callable[..., Any], Callable[..., Any], Sequence[Misconception], str]] = {
    "my_output_shape": (
        _shape,
        reference.output_shapes,
        mistakes.SHAPES,
        "Return the shape (C, H, W) that goes into `flatten` in your own network.",
    ),
    "my_parameter_count": (
        _total,
        reference.parameter_count,
        mistakes.PARAMETERS,
        "Return how many parameters your own network learns.",
    ),
    "my_multiplication_count": (
        _total,
        reference.multiplication_count,
        mistakes.PRODUCTS,
        "Return how many products your own network computes for one image.",
    ),
    "my_receptive_field": (
        _field,
        reference.receptive_field,
        mistakes.FIELD,
        "Return (height, width) of the receptive field of one number that goes into `flatten` in your own network.",
    ),
}


def question(name: str, rng: np.random.Generator) -> Question:
    """Make one of the four questions about the network that a generator draws."""
    ask, right, known, words = KINDS[name]
    image, layers = network(rng)

    def answering(count_of: Callable[..., Any]) -> Callable[[], Any]:
        def answer() -> Any:
            return ask(count_of, image, [dict(layer) for layer in layers])

        answer.__name__, answer.__qualname__, answer.__doc__ = name, name, words
        return answer

    reference_answer = answering(right)
    wrong = [(m, answering(next(iter(m.functions.values())))) for m in known]
    given = [_given(function) for _, function in wrong]
    kept = [
        Misconception(m.name, {name: function}, m.hint, m.convention)
        for (m, function), number in zip(wrong, given, strict=True)
        if number not in ("", _given(reference_answer)) and given.count(number) == 1
    ]
    return Question(
        name=name,
        functions={name: reference_answer},
        visible=(),
        hidden=lambda _: [Case("your own network", tolerance=0.0)],
        criteria=(count(1),),
        misconceptions=tuple(kept),
        outputs={},
        personal=partial(question, name),
        text=described(image, layers),
    )


def _given(function: Callable[[], Any]) -> str:
    """The answer in writing; nothing where a mistake finds none for this network."""
    try:
        return repr(np.asarray(function(), dtype=float).tolist())
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return ""


OWN = tuple(question(name, np.random.default_rng(DEFAULT)) for name in KINDS)
