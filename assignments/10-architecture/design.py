"""The design task: one right network and the judge of any other. What a student returns is data that nobody trusts."""

from typing import Any

import numpy as np

from grader.judges import Finding
from grader.plans import Answer, Foreign, clean
from grader.questions import Misconception
from solutions.architecture import multiplication_count, output_shapes, parameter_count, receptive_field

INPUT = (3, 64, 64)
CLASSES = 10
FIELD = 40
PARAMETERS = 8_000
PRODUCTS = 4_000_000
WINDOW = 3
MAPS = 16
LAYERS = 60
LARGEST = 10**6  # no number in a description is larger

_TYPES = (bool, int, float, str)


def design_network() -> list[dict[str, Any]]:
    """Design a network that sees far and costs little.

    Returns
    -------
    list of layer descriptions
        For an image of shape (3, 64, 64), the network must

        - end in 10 scores: its last output shape is ``(10,)``,
        - have a receptive field of at least 40 × 40, up to its first ``flatten``, ``linear`` or ``global_avg_pool2d``,
        - have at least 16 feature maps there,
        - use no window larger than 3 × 3, in convolutions and in pooling, and no dilation,
        - learn at most 8,000 parameters,
        - need at most 4,000,000 multiplications for an image,
        - have at most 60 layers.
    """
    relu = {"kind": "relu"}
    halve = {"kind": "max_pool2d", "kernel_size": 2}
    layers: list[dict[str, Any]] = []
    for maps in (8, 16, 16, 16):
        layers += [{"kind": "conv2d", "out_channels": maps, "kernel_size": 3, "padding": 1}, relu, halve]
    return [*layers, {"kind": "global_avg_pool2d"}, {"kind": "linear", "out_features": CLASSES}]


def judge_design(answer: Answer) -> Finding | None:
    """Measure the network that came back, and say which constraint is broken and by how much."""
    layers = _normal(answer.outcomes[0].values[0])
    problem = _unreadable(layers)
    if problem:
        return Finding("unreadable", problem)
    try:
        shapes = output_shapes(layers, INPUT)
        field = receptive_field(layers)
        parameters, products = parameter_count(layers, INPUT), multiplication_count(layers, INPUT)
    except Exception as error:  # whatever the descriptions hold: the student is told, the grader goes on
        text = str(error) if isinstance(error, ValueError) else "a description holds something that no layer has"
        return Finding("unreadable", f"the network cannot be built: {clean(text, 200)}")
    end = next(
        (n for n, x in enumerate(layers) if x["kind"] in ("flatten", "linear", "global_avg_pool2d")), len(layers)
    )
    maps = shapes[end - 1][0] if end else INPUT[0]
    broken = []
    if shapes[-1] != (CLASSES,):
        broken.append(("scores", f"the last output has shape {shapes[-1]}, expected ({CLASSES},)"))
    if min(field) < FIELD:
        broken.append(
            (
                "field",
                f"its receptive field is {field[0]} × {field[1]}, {FIELD - min(field)} short of {FIELD} × {FIELD}",
            )
        )
    if maps < MAPS:
        broken.append(("maps", f"it ends with {maps} feature maps, {MAPS - maps} too few"))
    broken += _window_trouble(layers)
    if parameters > PARAMETERS:
        broken.append(("parameters", f"it learns {parameters:,} parameters, {parameters - PARAMETERS:,} too many"))
    if products > PRODUCTS:
        broken.append(("products", f"it needs {products:,} multiplications, {products - PRODUCTS:,} too many"))
    if not broken:
        return None
    return Finding(" ".join(code for code, _ in broken), "; ".join(message for _, message in broken))


def _normal(value: Any) -> Any:
    """Arrays of one or two numbers as Python's: a computed kernel size is as good as a written one."""
    if isinstance(value, Foreign):
        value = value.array
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist() if value.size <= 2 else None
    if isinstance(value, list | tuple):
        return [_normal(v) for v in value[: LAYERS + 1]]
    return {key: _normal(v) for key, v in value.items()} if isinstance(value, dict) else value


def _unreadable(layers: Any) -> str:
    """Say why a value is no list of descriptions of sensible size, before anything computes with it."""
    if not isinstance(layers, list | tuple) or not layers:
        return "expected a list of layer descriptions"
    if len(layers) > LAYERS:
        return f"the network has more than {LAYERS} layers"
    for position, layer in enumerate(layers):
        if not isinstance(layer, dict) or not isinstance(layer.get("kind"), str) or len(layer) > 10:
            return f"layer {position} is no dict with a 'kind'"
        for value in layer.values():
            if not all(_plain(v) for v in (value if isinstance(value, list | tuple) else (value,))):
                return f"layer {position} holds something other than numbers (up to a million), text, True or False"
            if isinstance(value, list | tuple) and len(value) != 2:
                return f"layer {position} holds a list that is no pair"
    return ""


def _plain(value: Any) -> bool:
    if value is None or isinstance(value, str):
        return value is None or len(value) <= 40
    return isinstance(value, _TYPES) and -LARGEST <= value <= LARGEST


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def _window_trouble(layers: Any) -> list[tuple[str, str]]:
    """Windows that are larger than allowed; the descriptions are known to be readable."""
    sizes = [max(_pair(x["kernel_size"])) for x in layers if "kernel_size" in x]
    dilated = any(max(_pair(x.get("dilation", 1))) > 1 for x in layers)
    trouble = []
    if max(sizes, default=0) > WINDOW:
        trouble.append(("window", f"a window is {max(sizes)} wide, {max(sizes) - WINDOW} more than {WINDOW}"))
    return [*trouble, ("dilation", "a kernel is dilated")] if dilated else trouble


def _wrong(name: str, hint: str, layers: list[dict[str, Any]]) -> Misconception:
    return Misconception(name, {"design_network": lambda: layers}, hint)


def _conv(maps: int, size: int = 3, **keys: Any) -> dict[str, Any]:
    return {"kind": "conv2d", "out_channels": maps, "kernel_size": size, "padding": size // 2, **keys}


_POOL = {"kind": "max_pool2d", "kernel_size": 2}
_END = [{"kind": "global_avg_pool2d"}, {"kind": "linear", "out_features": CLASSES}]

# Families of plans that miss in the same way whatever their sizes: the codes of what they break are compared.
DESIGN = (
    _wrong(
        "sees-too-little",
        "Which layers make the steps of later ones longer?",
        [_conv(8), _POOL, _conv(16), _POOL, _conv(16), *_END],
    ),
    _wrong(
        "flatten-before-the-scores",
        "Where do most of the parameters sit?",
        [
            *(layer for maps in (8, 16, 16, 16) for layer in (_conv(maps), _POOL)),
            {"kind": "flatten"},
            {"kind": "linear", "out_features": CLASSES},
        ],
    ),
    _wrong(
        "wide-at-full-size",
        "Which layer has the most places?",
        [_conv(16), _conv(16), _POOL, _conv(8), _POOL, _conv(8), _POOL, _conv(16), _POOL, *_END],
    ),
    _wrong(
        "no-scores",
        "Which layer makes one number for each class?",
        [layer for maps in (8, 16, 16, 16) for layer in (_conv(maps), _POOL)],
    ),
    _wrong(
        "large-windows", "Which windows does the task allow?", [_conv(4, 7), _POOL, _POOL, _POOL, _conv(16, 5), *_END]
    ),
)
