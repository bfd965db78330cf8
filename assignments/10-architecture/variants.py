"""Builds wrong counts from what is wrong about them: one rule exchanged, all others kept. Knows no mistake by name."""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from grader.questions import Misconception
from solutions import architecture as reference
from solutions.descriptions import complete_all

Function = Callable[..., Any]
WHOLE_IMAGE = ("flatten", "linear", "global_avg_pool2d")


def walk(layers: Any, input_shape: Any) -> list[tuple[Any, Any, Any]]:
    """(completed layer, shape before, shape after) for each layer."""
    shapes = [tuple(input_shape), *reference.output_shapes(layers, input_shape)]
    return list(zip(complete_all(layers), shapes[:-1], shapes[1:], strict=True))


class Counter:
    """The mistakes of a count that adds up layers: the right count of one layer is known as well."""

    def __init__(self, name: str, right: Function) -> None:
        self.name, self.right = name, right

    def wrong(self, title: str, hint: str, convention: str = "", **kinds: Function) -> Misconception:
        """``KIND(layer, before, after)`` counts the layers of that kind; ``pool`` and ``norm`` stand for several."""

        def count(layers: Any, input_shape: Any, *, stored: bool = False) -> int:
            total = 0
            for layer, before, after in walk(layers, input_shape):
                kind = layer["kind"]
                family = "pool" if kind.endswith("_pool2d") else "norm" if kind.startswith("batch_norm") else kind
                rule = kinds.get(kind) or kinds.get(family)
                options = {"stored": stored} if stored else {}
                total += rule(layer, before, after) if rule else self.right([layer], before, **options)
            return total

        return Misconception(title, {self.name: count}, hint, convention)


def weights(layer: Any, before: Any, after: Any) -> int:
    """The weights of a convolution or a linear layer."""
    return prod(reference.parameter_shapes(layer, before)["weight"])


def biases(layer: Any, before: Any, after: Any) -> int:
    """Its biases."""
    return prod(reference.parameter_shapes(layer, before).get("bias", (0,)))


def shapes_by(
    places: Function | None = None,
    *,
    pool_places: Function | None = None,
    channels: Function | None = None,
    flat: Function | None = None,
) -> Function:
    """Output shapes with some rules exchanged.

    ``places(n, k, s, before, after, d)`` counts along one axis, ``channels(layer, shape)`` the maps,
    ``flat(shape)`` what flatten makes.
    """

    def output_shapes(layers: Any, input_shape: Any) -> list[Any]:
        shape, shapes = tuple(input_shape), []
        for layer in complete_all(layers):
            rule = (pool_places or places) if "pool" in layer["kind"] else places
            if "kernel_size" in layer and rule:
                sides = reference.borders(shape[1:], layer)
                d = layer.get("dilation", (1, 1))
                size = tuple(
                    int(rule(n, k, s, *side, e))
                    for n, k, s, side, e in zip(shape[1:], layer["kernel_size"], layer["stride"], sides, d, strict=True)
                )
                shape = (layer.get("out_channels", shape[0]), *size)
            elif layer["kind"] == "flatten" and flat:
                shape = flat(shape)
            else:
                shape = reference.output_shapes([layer], shape)[0]
            if "out_channels" in layer and channels:
                shape = (channels(layer, shapes[-1] if shapes else tuple(input_shape)), *shape[1:])
            shapes.append(shape)
        return shapes

    return output_shapes


def field_by(step: Function, start: int = 1, *, layers_of: Function = list) -> Function:
    """Receptive field by ``step(field, jump, kernel, stride, dilation, kind) -> (field, jump)`` along each axis."""

    def receptive_field(layers: Any) -> tuple[int, int]:
        seen = []
        for layer in complete_all(layers):
            if layer["kind"] in WHOLE_IMAGE:
                break
            if "kernel_size" in layer:
                seen.append(layer)
        fields = []
        for axis in (0, 1):
            field, jump = start, 1
            for layer in layers_of(seen):
                size, stride = layer["kernel_size"][axis], layer["stride"][axis]
                field, jump = step(field, jump, size, stride, layer.get("dilation", (1, 1))[axis], layer["kind"])
            fields.append(field)
        return fields[0], fields[1]

    return receptive_field


def without(kinds: Sequence[str]) -> Function:
    """A list of layers less those of some kinds."""
    return lambda layers: [layer for layer in layers if layer["kind"] not in kinds]
