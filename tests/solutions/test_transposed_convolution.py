"""The transposed convolution as the adjoint of the convolution with the same settings."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from solutions.convolution import conv2d_backward, conv2d_forward
from solutions.transposed_convolution import conv_transpose2d_backward, conv_transpose2d_forward
from tests.solutions.conv_strategies import Layer, conv_layers, transposed_layers
from tests.solutions.stand_ins import LIBRARIES, convert, library
from tests.solutions.test_convolution import assert_close


@settings(deadline=None, max_examples=60)
@given(layer=conv_layers(modes=("zeros",)))
def test_it_is_the_adjoint_of_the_convolution(layer: Layer) -> None:
    """<conv(x), y> = <x, transposed(y)>, where output_padding restores the rows that no window reached."""
    hyper = {name: value for name, value in layer.hyper.items() if name != "padding_mode"}
    out, cache = conv2d_forward(layer.x, layer.w, **hyper)
    y = layer.upstream(out)
    short = [
        n - conv_size for n, conv_size in zip(layer.x.shape[2:], sizes(out.shape[2:], layer.w, hyper), strict=True)
    ]
    back, _ = conv_transpose2d_forward(y, layer.w, **hyper, output_padding=tuple(short))
    np.testing.assert_allclose(back, conv2d_backward(y, cache)[0], atol=1e-12)
    scale = max(np.linalg.norm(out) * np.linalg.norm(y), 1)
    assert abs(np.sum(out * y) - np.sum(layer.x * back)) < 1e-12 * scale


def sizes(places: Any, w: np.ndarray, hyper: dict[str, Any]) -> list[int]:
    """Return the size of the image that so many places reach to."""
    return [
        (places[i] - 1) * hyper["stride"][i] - 2 * hyper["padding"][i] + hyper["dilation"][i] * (w.shape[2 + i] - 1) + 1
        for i in range(2)
    ]


@settings(deadline=None, max_examples=60)
@given(layer=transposed_layers())
def test_its_gradients_are_the_adjoints_of_a_bilinear_map(layer: Layer) -> None:
    out, cache = conv_transpose2d_forward(layer.x, layer.w, **layer.hyper)
    y = layer.upstream(out)
    dx, dw, db = conv_transpose2d_backward(y, cache)
    product, scale = np.sum(out * y), max(np.linalg.norm(out) * np.linalg.norm(y), 1)
    assert abs(product - np.sum(layer.x * dx)) < 1e-12 * scale
    assert abs(product - np.sum(layer.w * dw)) < 1e-12 * scale
    assert db is None


def test_stride_2_doubles_the_image() -> None:
    out, _ = conv_transpose2d_forward(
        np.ones((1, 1, 7, 5)), np.ones((1, 1, 3, 3)), stride=2, padding=1, output_padding=1
    )
    assert out.shape == (1, 1, 14, 10)


def test_an_empty_batch_has_an_empty_output() -> None:
    out, cache = conv_transpose2d_forward(np.ones((0, 2, 3, 3)), np.ones((2, 4, 3, 3)), np.ones(4))
    dx, dw, db = conv_transpose2d_backward(out, cache)
    assert out.shape == (0, 4, 5, 5)
    assert dx.shape == (0, 2, 3, 3)
    assert not dw.any()
    assert db is not None
    assert not db.any()


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_other_array_libraries_take_the_same_way(name: str, dtype: str) -> None:
    xp, rng = library(name), np.random.default_rng(0)
    x, w, b = (rng.standard_normal(s).astype(dtype) for s in ((2, 4, 5, 6), (4, 3, 3, 2), (6,)))
    hyper: dict[str, Any] = {"stride": (1, 2), "padding": 1, "output_padding": (0, 1), "dilation": (1, 2), "groups": 2}
    out, cache = conv_transpose2d_forward(x, w, b, **hyper)
    dout = rng.standard_normal(out.shape).astype(dtype)
    theirs, their_cache = conv_transpose2d_forward(*convert(xp, (x, w, b)), **hyper)
    assert_close(xp, theirs, out)
    found = conv_transpose2d_backward(convert(xp, dout), their_cache)
    for f, e in zip(found, conv_transpose2d_backward(dout, cache), strict=True):
        assert_close(xp, f, e)


X, W = np.ones((1, 4, 5, 6)), np.ones((4, 3, 3, 3))


@pytest.mark.parametrize(
    ("message", "arguments", "hyper"),
    [
        ("x must be", (X[0], W), {}),
        ("w must be", (X, W[0]), {}),
        ("w must have", (X, W[:3]), {}),
        ("w must have", (X, W), {"groups": 3}),
        ("groups must be", (X, W), {"groups": 0}),
        ("x and w must hold", (X[:, :, :0], W), {}),
        ("x and w must hold", (X, W[:, :0]), {}),
        ("b must be", (X, W, np.ones(4)), {}),
        ("b must be", (X, W, np.ones(3)), {"groups": 2}),
        ("x must hold real", (X * 1j, W), {}),
        ("stride must be", (X, W), {"stride": 0}),
        ("padding must be", (X, W), {"padding": -1}),
        ("padding must leave", (X, W), {"padding": 4}),
        ("dilation must be", (X, W), {"dilation": 0}),
        ("output_padding must be", (X, W), {"output_padding": -1}),
        ("output_padding must be below", (X, W), {"output_padding": 1}),
        ("output_padding must be below", (X, W), {"output_padding": (1, 2), "stride": 2}),
    ],
)
def test_a_bad_argument_is_named(message: str, arguments: tuple[Any, ...], hyper: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=message):
        conv_transpose2d_forward(*arguments, **hyper)


def test_an_upstream_gradient_of_another_shape_is_refused() -> None:
    out, cache = conv_transpose2d_forward(X, W)
    with pytest.raises(ValueError, match="dout must have"):
        conv_transpose2d_backward(out[:, :, 1:], cache)
