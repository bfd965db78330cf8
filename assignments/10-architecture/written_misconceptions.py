"""What goes wrong in NYU's written assignments: wrong variants of the reference. Knows no case and no points."""

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from grader.questions import Misconception
from solutions import written_assignments as reference

Function = Callable[..., Any]


def _classifier(name: str, hint: str, wrong: Function, convention: str = "") -> Misconception:
    """``wrong(h, w, f, k, p, o)`` gives (parameters, field); None stands for the right one of the two."""

    def conv_pool_linear_counts(
        height: int, width: int, *, filters: int, kernel_size: int, pool_size: int, outputs: int
    ) -> tuple[int, int]:
        right = reference.conv_pool_linear_counts(
            height, width, filters=filters, kernel_size=kernel_size, pool_size=pool_size, outputs=outputs
        )
        found = wrong(height, width, filters, kernel_size, pool_size, outputs)
        return tuple(r if v is None else v for v, r in zip(found, right, strict=True))  # type: ignore[return-value]

    return Misconception(name, {"conv_pool_linear_counts": conv_pool_linear_counts}, hint, convention)


def _both(h: int, w: int, f: int, k: int, p: int, o: int, features: int, bias: int = 1) -> int:
    return f * (k * k + bias) + o * (features + bias)


def _maps(h: int, w: int, k: int, p: int) -> int:
    return ((h - k + 1) // p) * ((w - k + 1) // p)


CLASSIFIER = (
    _classifier(
        "no-biases",
        "What does a filter or a unit add to its sum?",
        lambda h, w, f, k, p, o: (_both(h, w, f, k, p, o, f * _maps(h, w, k, p), 0), None),
    ),
    _classifier(
        "border-kept",
        "How large is a map when there is no padding?",
        lambda h, w, f, k, p, o: (_both(h, w, f, k, p, o, f * (h // p) * (w // p)), None),
    ),
    _classifier(
        "pooling-forgotten",
        "How many pixels are left after the pooling?",
        lambda h, w, f, k, p, o: (_both(h, w, f, k, p, o, f * (h - k + 1) * (w - k + 1)), None),
    ),
    _classifier(
        "one-map-flattened",
        "How many maps does a unit read?",
        lambda h, w, f, k, p, o: (_both(h, w, f, k, p, o, _maps(h, w, k, p)), None),
    ),
    _classifier(
        "rest-not-dropped",
        "Does a window that hangs over the edge count?",
        lambda h, w, f, k, p, o: (_both(h, w, f, k, p, o, f * -(-(h - k + 1) // p) * -(-(w - k + 1) // p)), None),
    ),
    _classifier("linear-layer-forgotten", "Which layers learn?", lambda h, w, f, k, p, o: (f * (k * k + 1), None)),
    _classifier(
        "convolution-forgotten", "Which layers learn?", lambda h, w, f, k, p, o: (o * (f * _maps(h, w, k, p) + 1), None)
    ),
    _classifier(
        "pooling-has-no-field", "How many pixels of the map does a pooled one see?", lambda h, w, f, k, p, o: (None, k)
    ),
    _classifier(
        "kernels-multiplied",
        "Two windows of 2, pushed by one: what do they see together?",
        lambda h, w, f, k, p, o: (None, k * p),
        "BZU's note read forwards: pooling multiplies by its window",
    ),
    _classifier("kernels-added", "Two windows of 1: do they see 2 pixels?", lambda h, w, f, k, p, o: (None, k + p)),
    _classifier(
        "stride-below-itself",
        "Do the pooling windows' distances count inside one window?",
        lambda h, w, f, k, p, o: (None, k * p + p - 1 if p > 1 else k),
    ),
)


def _counts(name: str, hint: str, wrong: Function, convention: str = "") -> Misconception:
    """``wrong(ins, outs, kernels)`` gives (parameters, fields); None stands for the right ones."""

    def denoising_counts(channels: int, widths: Any, kernel_sizes: Any) -> Any:
        right = reference.denoising_counts(channels, widths, kernel_sizes)
        found = wrong((channels, *widths), (*widths, channels), tuple(kernel_sizes))
        return tuple(r if v is None else tuple(v) for v, r in zip(found, right, strict=True))

    return Misconception(name, {"denoising_counts": denoising_counts}, hint, convention)


def _layers(rule: Function) -> Function:
    """Parameters by ``rule(ins, outs, kernel)``."""
    return lambda ins, outs, kernels: ([rule(i, o, k) for i, o, k in zip(ins, outs, kernels, strict=True)], None)


def _fields(rule: Function) -> Function:
    """Fields by ``rule(kernels so far)``."""
    return lambda ins, outs, kernels: (None, [rule(kernels[: n + 1]) for n in range(3)])


DENOISING_COUNTS = (
    _counts("no-biases", "What does a filter add to its sum?", _layers(lambda i, o, k: i * o * k * k)),
    _counts("channels-forgotten", "How deep is a filter?", _layers(lambda i, o, k: o * (k * k + 1))),
    _counts("one-filter", "How many filters has a layer?", _layers(lambda i, o, k: i * k * k + 1)),
    _counts(
        "bias-per-input", "One bias per filter, or per channel of it?", _layers(lambda i, o, k: i * o * (k * k + 1))
    ),
    _counts("one-bias-per-layer", "How many biases do eight filters have?", _layers(lambda i, o, k: i * o * k * k + 1)),
    _counts("bias-of-the-input-maps", "Whose is a bias?", _layers(lambda i, o, k: i * (o * k * k + 1))),
    _counts("kernel-not-squared", "How many weights has a kernel of 3 × 3?", _layers(lambda i, o, k: o * (i * k + 1))),
    _counts(
        "always-the-image",
        "What does the second layer read: the image, or the first layer's maps?",
        lambda ins, outs, kernels: ([o * (ins[0] * k * k + 1) for o, k in zip(outs, kernels, strict=True)], None),
    ),
    _counts(
        "one-colour-out",
        "How many colours has the denoised image?",
        lambda ins, outs, kernels: (
            [o * (i * k * k + 1) for i, o, k in zip(ins, (*outs[:2], 1), kernels, strict=True)],
            None,
        ),
    ),
    _counts(
        "totals",
        "Each layer by itself, or all layers so far?",
        lambda ins, outs, kernels: (
            np.cumsum([o * (i * k * k + 1) for i, o, k in zip(ins, outs, kernels, strict=True)]).tolist(),
            None,
        ),
    ),
    _counts(
        "own-kernel-alone",
        "In pixels of which image: the noisy one, or the maps below?",
        _fields(lambda kernels: kernels[-1]),
        "the filter's size in the layer below",
    ),
    _counts("kernels-multiplied", "Two kernels of 3: draw the row. Is it 9?", _fields(prod)),
    _counts("kernels-added", "Two kernels of 3: draw the row. Is it 6?", _fields(sum)),
    _counts("area", "Rows, or rows times columns?", _fields(lambda k: (sum(k) - len(k) + 1) ** 2), "pixels, counted"),
)


def _padded(h: Any, z: Any, mode: str = "constant") -> Any:
    p, q = h.shape[2] // 2, h.shape[3] // 2
    return np.pad(z, ((0, 0), (0, 0), (p, p), (q, q)), mode=mode)  # type: ignore[call-overload]


def _slide(h: Any, padded: Any) -> Any:
    windows = np.lib.stride_tricks.sliding_window_view(padded, h.shape[2:], axis=(2, 3))
    return np.einsum("kjpq,njhwpq->nkhw", h, windows)


def _turned(h: Any) -> Any:
    return h[:, :, ::-1, ::-1]


def _late(h: Any, z: Any) -> Any:
    """All of the border on the right and below."""
    return np.pad(z, ((0, 0), (0, 0), (0, h.shape[2] - 1), (0, h.shape[3] - 1)))


def _image(name: str, hint: str, wrong: Function, convention: str = "") -> Misconception:
    return Misconception(name, {"denoise": wrong}, hint, convention)


DENOISE = (
    _image("bias-forgotten", "Which input is unused?", lambda h, b, z: reference.denoise(h, 0 * b, z)),
    _image("bias-subtracted", "What is done with b?", lambda h, b, z: reference.denoise(h, -b, z)),
    _image(
        "bias-for-each-map", "How often is the bias added?", lambda h, b, z: reference.denoise(h, b * h.shape[1], z)
    ),
    _image(
        "kernel-flipped",
        "Follow h[0, 0]: which pixel does it meet?",
        lambda h, b, z: reference.denoise(_turned(h), b, z),
    ),
    _image("maps-averaged", "Sum or mean over the maps?", lambda h, b, z: reference.denoise(h / h.shape[1], b, z)),
    _image(
        "first-map-alone", "Which maps does a filter read?", lambda h, b, z: reference.denoise(h[:, :1], b, z[:, :1])
    ),
    _image("border-not-padded", "Which size has the denoised image?", lambda h, b, z: _slide(h, z) + b[:, None, None]),
    _image(
        "border-repeated",
        "What lies beyond the border?",
        lambda h, b, z: _slide(h, _padded(h, z, "edge")) + b[:, None, None],
    ),
    _image(
        "border-right-and-below",
        "On which sides does the border go?",
        lambda h, b, z: _slide(h, _late(h, z)) + b[:, None, None],
        "NYU's “same”: zeros on the right and bottom alone",
    ),
    _image(
        "negative-cut-off",
        "Does a ReLU follow the last layer?",
        lambda h, b, z: np.maximum(reference.denoise(h, b, z), 0),
    ),
    _image("middle-tap-alone", "Does a filter see its neighbours?", lambda h, b, z: _middle(h, b, z)),
)


def _middle(h: Any, b: Any, z: Any) -> Any:
    p, q = h.shape[2] // 2, h.shape[3] // 2
    return reference.denoise(h[:, :, p : p + 1, q : q + 1], b, z)


def _loss(name: str, hint: str, wrong: Function, convention: str = "") -> Misconception:
    return Misconception(name, {"denoising_loss": wrong}, hint, convention)


def _scaled(value: Function, gradient: Function | None = None, bias: Function | None = None) -> Function:
    """Factors, each from the prediction's shape, for the value, for both gradients, and for that of b."""

    def denoising_loss(h: Any, b: Any, z: Any, target: Any) -> Any:
        loss, dh, db = reference.denoising_loss(h, b, z, target)
        of_h = (gradient or value)(target.shape)
        return loss * value(target.shape), dh * of_h, db * (bias(target.shape) if bias else of_h)

    return denoising_loss


def _one(shape: Any) -> float:
    return 1.0


def _parts(change: Function) -> Function:
    """``change(value, dh, db, h, b, z, target)`` gives the three outputs."""
    return lambda h, b, z, target: change(*reference.denoising_loss(h, b, z, target), h, b, z, target)


def _gradients(h: Any, dout: Any, padded: Any) -> Any:
    windows = np.lib.stride_tricks.sliding_window_view(padded, h.shape[2:], axis=(2, 3))
    return np.einsum("nkhw,njhwpq->kjpq", dout, windows)


def _not_the_error(value: Any, dh: Any, db: Any, h: Any, b: Any, z: Any, target: Any) -> Any:
    dout = 2 * reference.denoise(h, b, z) / target.size
    return value, _gradients(h, dout, _padded(h, z)), dout.sum(axis=(0, 2, 3))


def _no_target_sign(value: Any, dh: Any, db: Any, h: Any, b: Any, z: Any, target: Any) -> Any:
    dout = np.sign(reference.denoise(h, b, z) - target) / target.size
    return value, _gradients(h, dout, _padded(h, z)), dout.sum(axis=(0, 2, 3))


def _absolute(value: Any, dh: Any, db: Any, h: Any, b: Any, z: Any, target: Any) -> Any:
    _, dh, db = _no_target_sign(value, dh, db, h, b, z, target)
    return np.abs(reference.denoise(h, b, z) - target).mean(), dh, db


def _bias_left_out(h: Any, b: Any, z: Any, target: Any) -> Any:
    return reference.denoising_loss(h, 0 * b, z, target)


def _first_image(value: Any, dh: Any, db: Any, h: Any, b: Any, z: Any, target: Any) -> Any:
    first = reference.denoising_loss(h, b, z[:1], target[:1])
    return value, first[1] / len(z), first[2] / len(z)


DENOISING_LOSS = (
    _loss("gradient-without-the-two", "What is the slope of e²?", _scaled(_one, lambda s: 0.5)),
    _loss("gradient-not-averaged", "Is the loss a mean, and its gradient?", _scaled(_one, prod)),
    _loss(
        "gradient-upside-down", "Does more bias raise the error where ŷ is too large?", _scaled(_one, lambda s: -1.0)
    ),
    _loss("loss-without-the-mean", "Of what is the loss a mean?", _scaled(prod, _one)),
    _loss(
        "db-averaged",
        "How many pixels share a bias? Do their gradients add?",
        _scaled(_one, _one, lambda s: 1 / (s[0] * s[2] * s[3])),
    ),
    _loss("db-of-one-image", "How many images share a bias?", _scaled(_one, _one, lambda s: 1 / s[0])),
    _loss("dh-of-one-image", "How many images share a filter?", _scaled(_one, lambda s: 1 / s[0], _one)),
    _loss("first-image-alone", "Which images pull at the filter?", _parts(_first_image)),
    _loss(
        "dh-turned",
        "Which pixel did tap (0, 0) meet on the way forward?",
        _parts(lambda v, dh, db, *_: (v, _turned(dh), db)),
    ),
    _loss(
        "prediction-for-error",
        "If the image is denoised perfectly, what is the gradient?",
        _parts(_not_the_error),
    ),
    _loss("slope-of-the-absolute-error", "Does a large error pull harder than a small one?", _parts(_no_target_sign)),
    _loss("absolute-error", "Is the error squared?", _parts(_absolute)),
    _loss("root-of-the-loss", "Is there a root over the mean?", _parts(lambda v, dh, db, *_: (np.sqrt(v), dh, db))),
    _loss(
        "root-mean-square",
        "Is there a root over the mean?",
        _parts(lambda v, dh, db, *_: (np.sqrt(v), dh / (2 * np.sqrt(v)), db / (2 * np.sqrt(v)))),
    ),
    _loss("bias-left-out", "Which input is unused?", _bias_left_out),
    _loss("summed", "Mean or sum?", _scaled(prod), "NYU's total loss: a sum over the batch and its pixels"),
    _loss(
        "mean-over-images", "A mean over what?", _scaled(lambda s: prod(s[1:])), "a sum over pixels, a mean over images"
    ),
    _loss(
        "mean-over-pixels",
        "A mean over what?",
        _scaled(lambda s: float(s[1])),
        "a sum over colours, a mean over pixels",
    ),
    _loss("halved", "Is there a half in front?", _scaled(lambda s: 0.5), "half the square, whose gradient has no 2"),
)
