"""What goes wrong when a network is counted: wrong variants, each with the question that a teacher would ask.

Knows no case and no points. The written assignments have theirs in written_misconceptions.py, the design in design.py.
"""

from math import prod
from typing import Any

from grader.questions import Misconception
from solutions import architecture as reference

from .design import DESIGN
from .variants import Counter, Function, biases, field_by, shapes_by, walk, weights, without
from .written_misconceptions import CLASSIFIER, DENOISE, DENOISING_COUNTS, DENOISING_LOSS

__all__ = [
    "CLASSIFIER",
    "DENOISE",
    "DENOISING_COUNTS",
    "DENOISING_LOSS",
    "DESIGN",
    "FIELD",
    "PARAMETERS",
    "PRODUCTS",
    "SHAPES",
]


def _shapes(name: str, hint: str, wrong: Function, convention: str = "") -> Misconception:
    return Misconception(name, {"output_shapes": wrong}, hint, convention)


def _right_places(n: int, k: int, s: int, a: int, b: int, d: int) -> int:
    return (n + a + b - d * (k - 1) - 1) // s + 1


def _channels_last(layers: Any, input_shape: Any) -> Any:
    return [(*s[1:], s[0]) if len(s) == 3 else s for s in reference.output_shapes(layers, input_shape)]


def _with_input(layers: Any, input_shape: Any) -> Any:
    return [tuple(input_shape), *reference.output_shapes(layers, input_shape)]


def _stride_one_pools(layers: Any, input_shape: Any) -> Any:
    return reference.output_shapes([_pool_stride_one(x) for x in layers], input_shape)


def _pool_stride_one(layer: Any) -> Any:
    return {"stride": 1, **layer} if layer["kind"] in ("max_pool2d", "avg_pool2d") else layer


def _same_ignores_stride(layers: Any, input_shape: Any) -> Any:
    shape, shapes = tuple(input_shape), []
    for layer in layers:
        after = reference.output_shapes([layer], shape)[0]
        shape = (after[0], *shape[1:]) if layer.get("padding") == "same" else after
        shapes.append(shape)
    return shapes


SHAPES = (
    _shapes(
        "one-place-short",
        "How often does a kernel of 3 fit on 5 pixels?",
        shapes_by(lambda n, k, s, a, b, d: max((n + a + b - d * (k - 1) - 1) // s, 0)),
    ),
    _shapes(
        "padding-on-one-side",
        "How many borders does a row have?",
        shapes_by(lambda n, k, s, a, b, d: _right_places(n, k, s, a, 0, d)),
    ),
    _shapes(
        "padding-ignored",
        "Which key widens the image?",
        shapes_by(lambda n, k, s, a, b, d: _right_places(n, k, s, 0, 0, d)),
    ),
    _shapes(
        "rounded-up",
        "Does a window that hangs over the edge count?",
        shapes_by(lambda n, k, s, a, b, d: -(-(n + a + b - d * (k - 1) - 1) // s) + 1),
    ),
    _shapes(
        "stride-ignored",
        "What does a stride of 2 do to the size?",
        shapes_by(lambda n, k, s, a, b, d: _right_places(n, k, 1, a, b, d)),
    ),
    _shapes(
        "dilation-ignored",
        "How many pixels does a kernel of 3 span at dilation 2?",
        shapes_by(lambda n, k, s, a, b, d: _right_places(n, k, s, a, b, 1)),
    ),
    _shapes("pooling-stride-one", "Where do pooling windows go if no stride is given?", _stride_one_pools),
    _shapes(
        "pooling-keeps-the-size",
        "What does pooling make of 4 × 4 pixels?",
        shapes_by(pool_places=lambda n, k, s, a, b, d: n, places=_right_places),
    ),
    _shapes("same-keeps-the-size", "Does “same” undo the stride?", _same_ignores_stride),
    _shapes("channels-kept", "How many maps do eight filters make?", shapes_by(channels=lambda layer, shape: shape[0])),
    _shapes(
        "channels-multiplied",
        "Does a filter make one map for each channel, or one?",
        shapes_by(channels=lambda layer, shape: shape[0] * layer["out_channels"]),
    ),
    _shapes(
        "flatten-one-map", "Which pixels does flatten put in its row?", shapes_by(flat=lambda s: (prod(s[1:]) or 1,))
    ),
    _shapes("input-listed", "How many layers are there, how many shapes?", _with_input),
    _shapes(
        "last-shape-alone",
        "How many layers are there, how many shapes?",
        lambda x, s: reference.output_shapes(x, s)[-1:],
    ),
    _shapes(
        "channels-last",
        "In which order do we write channels, height and width?",
        _channels_last,
        "channels last, (H, W, C), as in NYU's notes and TensorFlow",
    ),
)


_parameters = Counter("parameter_count", reference.parameter_count)


def _four(layer: Any, before: Any, after: Any) -> int:
    return 4 * before[0]


def _window(layer: Any) -> int:
    return prod(layer["kernel_size"])


def _all_connected(layer: Any, before: Any, after: Any) -> int:
    return prod(before) * prod(after) + layer["bias"] * prod(after)


def _rows_alone(layer: Any, before: Any, after: Any) -> int:
    return weights(layer, before, after) // layer["kernel_size"][1] + biases(layer, before, after)


def _group_blind(layer: Any, before: Any, after: Any) -> int:
    return weights(layer, before, after) * layer["groups"] + biases(layer, before, after)


def _stored_ignored(layers: Any, input_shape: Any, *, stored: bool = False) -> int:
    return reference.parameter_count(layers, input_shape)


def _stored_alone(layers: Any, input_shape: Any, *, stored: bool = False) -> int:
    plain = reference.parameter_count(layers, input_shape)
    return reference.parameter_count(layers, input_shape, stored=True) - plain if stored else plain


PARAMETERS = (
    _parameters.wrong("no-biases", "What does a filter add to its sum?", conv2d=weights, linear=weights),
    _parameters.wrong("bias-of-filters-forgotten", "Do filters have what units have?", conv2d=weights),
    _parameters.wrong("bias-of-units-forgotten", "Do units have what filters have?", linear=weights),
    _parameters.wrong(
        "bias-key-ignored",
        "What does the key bias say?",
        conv2d=lambda layer, b, a: weights(layer, b, a) + a[0],
        linear=lambda layer, b, a: weights(layer, b, a) + a[0],
    ),
    _parameters.wrong(
        "one-bias-per-layer",
        "How many biases do eight filters have?",
        conv2d=lambda layer, b, a: weights(layer, b, a) + layer["bias"],
        linear=lambda layer, b, a: weights(layer, b, a) + layer["bias"],
    ),
    _parameters.wrong(
        "bias-per-input",
        "One bias per filter, or one for each of its channels?",
        conv2d=lambda layer, b, a: weights(layer, b, a) + biases(layer, b, a) * b[0] // layer["groups"],
    ),
    _parameters.wrong(
        "bias-of-the-input-maps",
        "Does a bias belong to a channel that comes in or to a filter?",
        conv2d=lambda layer, b, a: weights(layer, b, a) + layer["bias"] * b[0],
    ),
    _parameters.wrong(
        "bias-per-pixel",
        "Does a filter's bias change from place to place?",
        conv2d=lambda layer, b, a: weights(layer, b, a) + layer["bias"] * prod(a),
    ),
    _parameters.wrong(
        "channels-forgotten",
        "How deep is a filter on an image of three channels?",
        conv2d=lambda layer, b, a: a[0] * _window(layer) + biases(layer, b, a),
    ),
    _parameters.wrong(
        "one-filter",
        "How many filters does the layer have?",
        conv2d=lambda layer, b, a: weights(layer, b, a) // a[0] + biases(layer, b, a),
    ),
    _parameters.wrong("kernel-not-squared", "How many weights has a kernel of 3 × 3?", conv2d=_rows_alone),
    _parameters.wrong(
        "times-the-places",
        "Are weights shared between places?",
        conv2d=lambda layer, b, a: (weights(layer, b, a) + biases(layer, b, a)) * prod(a[1:]),
    ),
    _parameters.wrong("fully-connected", "Does each pixel have weights of its own?", conv2d=_all_connected),
    _parameters.wrong("groups-ignored", "Which channels does a filter of a group see?", conv2d=_group_blind),
    _parameters.wrong(
        "pooling-learns",
        "What does pooling learn?",
        max_pool2d=lambda layer, b, a: _window(layer) * b[0],
        avg_pool2d=lambda layer, b, a: _window(layer) * b[0],
    ),
    _parameters.wrong("batch-norm-forgotten", "What does batch norm learn?", norm=lambda layer, b, a: 0),
    _parameters.wrong("batch-norm-scale-alone", "What follows batch norm's scaling?", norm=lambda layer, b, a: b[0]),
    _parameters.wrong(
        "batch-norm-per-pixel", "How many scales has a feature map?", batch_norm2d=lambda layer, b, a: 2 * prod(b)
    ),
    _parameters.wrong(
        "batch-norm-always-four",
        "Which of batch norm's four numbers are learned by the gradient?",
        "NYU's 4K: the running mean and variance count always",
        norm=_four,
    ),
    _parameters.wrong("prelu-forgotten", "Which activation learns something?", prelu=lambda layer, b, a: 0),
    _parameters.wrong("prelu-one-slope", "How many slopes has PReLU here?", prelu=lambda layer, b, a: 1),
    Misconception("stored-ignored", {"parameter_count": _stored_ignored}, "Which argument is unused?"),
    Misconception("stored-alone", {"parameter_count": _stored_alone}, "Does stored count too, or alone?"),
)


_products = Counter("multiplication_count", reference.multiplication_count)


def _places(after: Any) -> int:
    return prod(after[1:])


def _products_of_whole(layers: Any, input_shape: Any) -> int:
    return sum(
        weights(x, b, a) * _places(b) for x, b, a in walk(layers, input_shape) if x["kind"] in ("conv2d", "linear")
    )


def _twice(layers: Any, input_shape: Any) -> int:
    return 2 * reference.multiplication_count(layers, input_shape)


PRODUCTS = (
    _products.wrong("places-forgotten", "How often is each weight used?", conv2d=weights),
    Misconception(
        "places-of-the-input",
        {"multiplication_count": _products_of_whole},
        "Where does a filter stop: at pixels that come in or that go out?",
    ),
    _products.wrong(
        "height-alone", "In how many directions does the window move?", conv2d=lambda x, b, a: weights(x, b, a) * a[1]
    ),
    _products.wrong(
        "biases-multiplied",
        "Is a bias multiplied by anything?",
        conv2d=lambda x, b, a: (weights(x, b, a) + biases(x, b, a)) * _places(a),
        linear=lambda x, b, a: weights(x, b, a) + biases(x, b, a),
    ),
    _products.wrong("linear-forgotten", "What does a unit do with its inputs?", linear=lambda x, b, a: 0),
    _products.wrong("convolutions-forgotten", "What does a filter do with its window?", conv2d=lambda x, b, a: 0),
    _products.wrong(
        "channels-forgotten",
        "How deep is a filter?",
        conv2d=lambda x, b, a: a[0] * _window(x) * _places(a),
    ),
    _products.wrong(
        "one-filter",
        "How many filters stop at each place?",
        conv2d=lambda x, b, a: weights(x, b, a) // a[0] * _places(a),
    ),
    _products.wrong(
        "kernel-not-squared",
        "How many weights has a kernel of 3 × 3?",
        conv2d=lambda x, b, a: weights(x, b, a) // x["kernel_size"][1] * _places(a),
    ),
    _products.wrong(
        "groups-ignored",
        "Which channels does a filter of a group see?",
        conv2d=lambda x, b, a: weights(x, b, a) * x["groups"] * _places(a),
    ),
    _products.wrong("fully-connected", "Does a window see every pixel?", conv2d=lambda x, b, a: prod(b) * prod(a)),
    _products.wrong(
        "pooling-multiplies",
        "Does a maximum multiply anything?",
        max_pool2d=lambda x, b, a: _window(x) * prod(a),
        avg_pool2d=lambda x, b, a: _window(x) * prod(a),
    ),
    Misconception(
        "additions-too",
        {"multiplication_count": _twice},
        "Products alone, or sums as well?",
        "operations: a product and a sum count as two (FLOPs)",
    ),
)


def _field(name: str, hint: str, wrong: Function, convention: str = "") -> Misconception:
    return Misconception(name, {"receptive_field": wrong}, hint, convention)


def _pool(kind: str) -> bool:
    return kind in _POOLS


_POOLS = ("max_pool2d", "avg_pool2d")


def _wider(f: int, j: int, k: int, s: int, d: int, kind: str) -> tuple[int, int]:
    return f + d * (k - 1) * j, j * s


def _bzu(f: int, j: int, k: int, s: int, d: int, kind: str) -> tuple[int, int]:
    return (f * k, j) if _pool(kind) else _wider(f, j, k, s, d, kind)


def _bzu_with_jump(f: int, j: int, k: int, s: int, d: int, kind: str) -> tuple[int, int]:
    return (f * k, j * s) if _pool(kind) else _wider(f, j, k, s, d, kind)


def _pool_jump_missing(f: int, j: int, k: int, s: int, d: int, kind: str) -> tuple[int, int]:
    return f + d * (k - 1) * j, j if _pool(kind) else j * s


def _pool_window_missing(f: int, j: int, k: int, s: int, d: int, kind: str) -> tuple[int, int]:
    return (f, j * s) if _pool(kind) else _wider(f, j, k, s, d, kind)


def _pooled_one_by_one(layers: Any) -> Any:
    return reference.receptive_field([_pool_stride_one(x) for x in layers])


def _one_axis(axis: int) -> Function:
    def receptive_field(layers: Any) -> tuple[int, int]:
        both = reference.receptive_field(layers)
        return both[axis], both[axis]

    return receptive_field


_NOTE = "Where did BZU's note start: at the image, or at the last map?"

FIELD = (
    _field("pooling-skipped", "Does pooling see its neighbours?", field_by(_wider, layers_of=without(_POOLS))),
    _field("pooling-window-skipped", "A pooled pixel: how many pixels made it?", field_by(_pool_window_missing)),
    _field(
        "pooling-stride-skipped", "How far apart are two pooled pixels, in the image?", field_by(_pool_jump_missing)
    ),
    _field("pooling-stride-one", "Where do pooling windows go if no stride is given?", _pooled_one_by_one),
    _field(
        "convolutions-skipped", "Which other layers have windows?", field_by(_wider, layers_of=without(("conv2d",)))
    ),
    _field(
        "strides-ignored",
        "How far apart are neighbours behind a stride?",
        field_by(lambda f, j, k, s, d, n: (f + d * (k - 1), 1)),
    ),
    _field(
        "own-stride",
        "Does a layer's own stride move its first window's edges?",
        field_by(lambda f, j, k, s, d, n: (f + d * (k - 1) * j * s, j * s)),
    ),
    _field(
        "last-stride-alone",
        "Do strides of several layers multiply?",
        field_by(lambda f, j, k, s, d, n: (f + d * (k - 1) * j, s)),
    ),
    _field(
        "strides-added",
        "Two strides of 2: how far apart are neighbours then?",
        field_by(lambda f, j, k, s, d, n: (f + d * (k - 1) * j, j + s - 1)),
    ),
    _field(
        "kernels-multiplied",
        "Two kernels of 3, stride 1: draw the row. Is it 9?",
        field_by(lambda f, j, k, s, d, n: (f * (d * (k - 1) + 1), 1)),
    ),
    _field(
        "kernels-added",
        "Two kernels of 3, stride 1: draw the row. Is it 6?",
        field_by(lambda f, j, k, s, d, n: (f + (d * (k - 1) + 1) * j, j * s), 0),
    ),
    _field("starts-at-zero", "What does one pixel see of itself?", field_by(_wider, 0)),
    _field(
        "dilation-ignored",
        "How many pixels does a kernel of 3 span at dilation 2?",
        field_by(lambda f, j, k, s, d, n: (f + (k - 1) * j, j * s)),
    ),
    _field(
        "dilation-times-kernel",
        "How many gaps has a kernel of 3?",
        field_by(lambda f, j, k, s, d, n: (f + (d * k - 1) * j, j * s)),
    ),
    _field(
        "from-the-wrong-end",
        "Which layer's strides lie below yours?",
        field_by(_wider, layers_of=lambda x: list(reversed(x))),
    ),
    _field(
        "last-layer-alone", "And what do those pixels see in turn?", field_by(_wider, layers_of=lambda x: list(x[-1:]))
    ),
    _field("first-layer-alone", "Do later layers see no further?", field_by(_wider, layers_of=lambda x: list(x[:1]))),
    _field("height-for-both", "Is every kernel square?", _one_axis(0)),
    _field("width-for-both", "Is every kernel square?", _one_axis(1)),
    _field("axes-exchanged", "Which comes first, height or width?", lambda x: reference.receptive_field(x)[::-1]),
    _field(
        "pooling-multiplies", _NOTE, field_by(_bzu), "BZU's note read forwards: each pooling multiplies by its window"
    ),
    _field(
        "pooling-multiplies-both",
        _NOTE,
        field_by(_bzu_with_jump),
        "BZU's note beside the formula's strides: pooling multiplies field and jump",
    ),
)
