"""Output sizes, the plain 2-D operations, padding and the clear convolution layer, against SciPy and by hand."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from solutions.convolution import (
    PADDING_MODES,
    conv2d_backward,
    conv2d_forward,
    conv2d_output_size,
    convolve1d,
    convolve2d,
    cross_correlate2d,
    pad2d,
    pad2d_backward,
)
from tests.solutions.conv_strategies import Layer, conv_layers, pairs
from tests.solutions.stand_ins import LIBRARIES, assert_same, convert, library

MODES = ("valid", "same", "full")
SOBEL = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]])
PATCH = np.array([[200, 150, 150], [100, 50, 100], [25, 25, 10]])


def test_the_output_sizes_of_the_lectures() -> None:
    assert conv2d_output_size(224, 7) == (218, 218)
    assert conv2d_output_size(5, 3, padding=1, stride=1) == (5, 5)
    # GT: a stride of 3 on a 5×5 input skips pixels.
    assert conv2d_output_size(5, 3, stride=3) == (1, 1)


@settings(deadline=None)
@given(size=pairs(1, 12), kernel=pairs(1, 4), stride=pairs(1, 4), padding=pairs(0, 3), dilation=pairs(1, 3))
def test_the_output_size_counts_the_places_of_the_kernel(
    size: tuple[int, int], kernel: tuple[int, int], stride: Any, padding: Any, dilation: Any
) -> None:
    counts = []
    for n, k, s, p, d in zip(size, kernel, stride, padding, dilation, strict=True):
        counts.append(sum(start + d * (k - 1) <= n + 2 * p - 1 for start in range(0, n + 2 * p, s)))
    if min(counts) == 0:
        with pytest.raises(ValueError, match="kernel_size"):
            conv2d_output_size(size, kernel, stride=stride, padding=padding, dilation=dilation)
    else:
        found = conv2d_output_size(size, kernel, stride=stride, padding=padding, dilation=dilation)
        assert found == tuple(counts)
        assert all(type(n) is int for n in found)


def test_the_sobel_patch_gives_65() -> None:
    assert cross_correlate2d(PATCH, SOBEL).tolist() == [[65]]
    assert convolve2d(PATCH, SOBEL).tolist() == [[-65]]


def drop_odd_row(mode: str, kernel: tuple[int, int]) -> tuple[slice, slice]:
    """Where SciPy's `same` puts the odd row of an even kernel on top, its outputs lie one place later than ours."""
    return tuple(slice(1, None) if mode == "same" and k % 2 == 0 else slice(None) for k in kernel)  # type: ignore


def drop_last(mode: str, kernel: tuple[int, int]) -> tuple[slice, slice]:
    return tuple(slice(None, -1) if mode == "same" and k % 2 == 0 else slice(None) for k in kernel)  # type: ignore


@settings(deadline=None)
@given(size=pairs(4, 8), kernel=pairs(1, 4), mode=st.sampled_from(MODES), seed=st.integers(0, 99))
def test_correlation_and_convolution_are_scipys(size: Any, kernel: Any, mode: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, k = rng.standard_normal(size), rng.standard_normal(kernel)
    np.testing.assert_allclose(cross_correlate2d(x, k, mode=mode), signal.correlate2d(x, k, mode=mode), atol=1e-13)
    for ours, theirs in ((cross_correlate2d, signal.correlate), (convolve2d, signal.convolve)):
        expected = theirs(x, k, mode=mode, method="direct")
        found = ours(x, k, mode=mode)
        assert found.shape == expected.shape
        np.testing.assert_allclose(found[drop_last(mode, kernel)], expected[drop_odd_row(mode, kernel)], atol=1e-13)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("m", [1, 3, 5])
def test_one_dimension_is_numpys_convolve(mode: str, m: int) -> None:
    rng = np.random.default_rng(m)
    x, k = rng.standard_normal(9), rng.standard_normal(m)
    np.testing.assert_allclose(convolve1d(x, k, mode=mode), np.convolve(x, k, mode=mode), atol=1e-13)


def test_same_puts_the_odd_row_at_the_end() -> None:
    assert cross_correlate2d(np.array([[1, 2, 3]]), np.array([[1, 10]]), mode="same").tolist() == [[21, 32, 3]]
    assert cross_correlate2d(np.array([[1, 2, 3]]), np.array([[1, 0, 0, 0]]), mode="same").tolist() == [[0, 1, 2]]


@pytest.mark.parametrize("mode", ["same", "full"])
def test_a_kernel_larger_than_the_image_is_welcome_unless_valid(mode: str) -> None:
    x, k = np.ones((2, 2)), np.ones((3, 5))
    assert (
        cross_correlate2d(x, k, mode=mode).sum()
        == signal.correlate(x, k, "full")[
            {"same": slice(1, 3), "full": slice(None)}[mode], {"same": slice(2, 4), "full": slice(None)}[mode]
        ].sum()
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("mode", MODES)
def test_the_type_of_the_image_is_kept(dtype: str, mode: str) -> None:
    x = np.ones((4, 5), dtype)
    assert cross_correlate2d(x, x[:2, :2], mode=mode).dtype == dtype
    assert convolve1d(x[0], x[0, :2], mode=mode).dtype == dtype


@pytest.mark.parametrize(
    ("name", "mode"), list(zip(["constant", "reflect", "edge", "wrap"], PADDING_MODES, strict=True))
)
def test_padding_is_numpys(name: Any, mode: str) -> None:
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 5))
    expected = np.pad(x, ((0, 0), (0, 0), (3, 3), (2, 2)), mode=name)
    assert np.array_equal(pad2d(x, (3, 2), mode=mode), expected)


@pytest.mark.parametrize("mode", PADDING_MODES)
@pytest.mark.parametrize("padding", [0, (0, 2), (3, 1)])
def test_pad2d_backward_is_the_adjoint_of_pad2d(mode: str, padding: Any) -> None:
    rng = np.random.default_rng(1)
    x = rng.standard_normal((2, 3, 4, 5))
    padded = pad2d(x, padding, mode=mode)
    y = rng.standard_normal(padded.shape)
    assert np.isclose(np.sum(padded * y), np.sum(x * pad2d_backward(y, padding, mode=mode)), rtol=1e-12)


@pytest.mark.parametrize("mode", PADDING_MODES)
def test_padding_gives_a_new_array_even_where_there_is_none(mode: str) -> None:
    x = np.ones((1, 1, 2, 2))
    pad2d(x, 0, mode=mode)[...] = 7
    pad2d_backward(x, 0, mode=mode)[...] = 7
    assert x.sum() == 4


@settings(deadline=None, max_examples=40)
@given(layer=conv_layers())
def test_the_gradients_are_the_adjoints_of_a_bilinear_map(layer: Layer) -> None:
    """<conv(x, w), y> = <x, dx> = <w, dw>: out is linear in x and in w, each for itself."""
    out, cache = conv2d_forward(layer.x, layer.w, **layer.hyper)
    y = layer.upstream(out)
    dx, dw, db = conv2d_backward(y, cache)
    product, scale = np.sum(out * y), np.linalg.norm(out) * np.linalg.norm(y)
    assert abs(product - np.sum(layer.x * dx)) < 1e-12 * max(scale, 1)
    assert abs(product - np.sum(layer.w * dw)) < 1e-12 * max(scale, 1)
    assert db is None


def test_without_stride_the_layer_is_a_sum_of_plain_correlations() -> None:
    rng = np.random.default_rng(2)
    x, w, b = rng.standard_normal((2, 3, 6, 7)), rng.standard_normal((4, 3, 3, 2)), rng.standard_normal(4)
    out, _ = conv2d_forward(x, w, b, padding=(1, 0))
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (0, 0)))
    for n in range(2):
        for o in range(4):
            expected = b[o] + sum(signal.correlate2d(padded[n, c], w[o, c], "valid") for c in range(3))
            np.testing.assert_allclose(out[n, o], expected, atol=1e-12)


def test_a_pixel_that_no_window_reaches_has_no_gradient() -> None:
    x, w = np.ones((1, 1, 1, 6)), np.ones((1, 1, 1, 2))
    out, cache = conv2d_forward(x, w, stride=3)
    assert conv2d_backward(np.ones_like(out), cache)[0].tolist() == [[[[1, 1, 0, 1, 1, 0]]]]


def test_an_empty_batch_has_an_empty_output_and_weights_without_gradient() -> None:
    out, cache = conv2d_forward(np.ones((0, 2, 5, 5)), np.ones((3, 2, 3, 3)), np.ones(3))
    assert out.shape == (0, 3, 3, 3)
    dx, dw, db = conv2d_backward(out, cache)
    assert dx.shape == (0, 2, 5, 5)
    assert not dw.any()
    assert db is not None
    assert not db.any()


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.parametrize("mode", PADDING_MODES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_other_array_libraries_take_the_same_way(name: str, mode: str, dtype: str) -> None:
    xp, rng = library(name), np.random.default_rng(3)
    x, w, b = (rng.standard_normal(s).astype(dtype) for s in ((2, 4, 5, 6), (6, 2, 3, 2), (6,)))
    hyper: dict[str, Any] = {"stride": (1, 2), "padding": 2, "dilation": (1, 2), "groups": 2, "padding_mode": mode}
    out, cache = conv2d_forward(x, w, b, **hyper)
    dout = rng.standard_normal(out.shape).astype(dtype)
    theirs, their_cache = conv2d_forward(*convert(xp, (x, w, b)), **hyper)
    assert_close(xp, theirs, out)
    for t, o in zip(conv2d_backward(convert(xp, dout), their_cache), conv2d_backward(dout, cache), strict=True):
        assert_close(xp, t, o)


def assert_close(xp: Any, actual: Any, expected: Any) -> None:
    """Assert equality up to rounding of sums of many terms."""
    scale = float(np.abs(expected).max())
    assert_same(xp, actual / scale, expected / scale)


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.parametrize("mode", MODES)
def test_the_plain_operations_take_other_array_libraries(name: str, mode: str) -> None:
    xp, rng = library(name), np.random.default_rng(4)
    x, k = rng.standard_normal((6, 5)), rng.standard_normal((2, 3))
    for function in (cross_correlate2d, convolve2d):
        assert_same(xp, function(*convert(xp, (x, k)), mode=mode), function(x, k, mode=mode))
    assert_same(xp, convolve1d(*convert(xp, (x[0], k[0])), mode=mode), convolve1d(x[0], k[0], mode=mode))


X, W = np.ones((1, 4, 5, 6)), np.ones((6, 4, 3, 3))
BAD_LAYERS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("x must be", ([1, 2], W), {}),
    ("x must be", (X[0], W), {}),
    ("w must be", (X, W[0]), {}),
    ("w must be", (X, 3.0), {}),
    ("x must hold", (X[:, :, :0], W), {}),
    ("w must hold", (X, W[:, :, :0]), {}),
    ("w must hold", (X, W[:0]), {}),
    ("w must have", (X, W[:, :3]), {}),
    ("w must have", (X, W), {"groups": 2}),
    ("groups must divide", (X, W), {"groups": 3}),
    ("groups must divide", (X, W[:5, :2]), {"groups": 2}),
    ("groups must be", (X, W), {"groups": 0}),
    ("groups must be", (X, W), {"groups": True}),
    ("groups must be", (X, W), {"groups": 2.0}),
    ("b must be", (X, W, np.ones(5)), {}),
    ("b must be", (X, W, np.ones((6, 1))), {}),
    ("b must be", (X, W, 1.0), {}),
    ("x must hold real", (X + 1j, W), {}),
    ("w must hold real", (X, W > 0), {}),
    ("b must hold real", (X, W, np.array([None] * 6)), {}),
    ("stride must be", (X, W), {"stride": 0}),
    ("stride must be", (X, W), {"stride": (1, 2, 3)}),
    ("stride must be", (X, W), {"stride": 1.5}),
    ("padding must be", (X, W), {"padding": -1}),
    ("padding must be", (X, W), {"padding": "same"}),
    ("padding must be at most", (X, W), {"padding": (5, 0), "padding_mode": "reflect"}),
    ("padding must be at most", (X, W), {"padding": (0, 7), "padding_mode": "circular"}),
    ("dilation must be", (X, W), {"dilation": 0}),
    ("kernel_size", (X, W), {"dilation": 3}),
    ("padding_mode must be", (X, W), {"padding_mode": "constant"}),
]


@pytest.mark.parametrize(("message", "arguments", "hyper"), BAD_LAYERS)
def test_a_bad_argument_of_the_layer_is_named(message: str, arguments: tuple[Any, ...], hyper: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=message):
        conv2d_forward(*arguments, **hyper)


@pytest.mark.parametrize("dout", [np.ones((1, 6, 3, 5)), np.ones((6, 3, 4)), 1.0])
def test_an_upstream_gradient_of_another_shape_is_refused(dout: Any) -> None:
    _, cache = conv2d_forward(X, W)
    with pytest.raises(ValueError, match="dout must have"):
        conv2d_backward(dout, cache)


@pytest.mark.parametrize(
    ("message", "call"),
    [
        ("input_size must be", lambda: conv2d_output_size(0, 1)),
        ("input_size must be", lambda: conv2d_output_size(5.0, 1)),  # type: ignore[arg-type]
        ("kernel_size must be", lambda: conv2d_output_size(5, (3,))),
        ("x must be", lambda: cross_correlate2d(np.ones(3), SOBEL)),
        ("k must be", lambda: cross_correlate2d(PATCH, SOBEL[0])),
        ("x must hold", lambda: cross_correlate2d(PATCH[:0], SOBEL, mode="full")),
        ("k must hold", lambda: convolve2d(PATCH, SOBEL[:0], mode="full")),
        ("k must hold", lambda: convolve2d(SOBEL[:2], SOBEL)),
        ("mode must be", lambda: convolve2d(PATCH, SOBEL, mode="valide")),
        ("x must be", lambda: convolve1d(PATCH, SOBEL[0])),
        ("k must be", lambda: convolve1d(PATCH[0], SOBEL)),
        ("x must be", lambda: pad2d(PATCH, 1)),
        ("padding must be", lambda: pad2d(X, (1, -1))),
        ("mode must be", lambda: pad2d(X, 1, mode="mirror")),
        ("dout must be", lambda: pad2d_backward(PATCH, 1)),
        ("dout must be larger", lambda: pad2d_backward(X, 3)),
    ],
)
def test_a_bad_argument_is_named(message: str, call: Any) -> None:
    with pytest.raises(ValueError, match=message):
        call()
