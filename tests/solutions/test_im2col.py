"""Columns and their adjoint, and the block form against the plain one: sizes, memory layouts, threads."""

import gc
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.array_utils import byte_bounds

from solutions import convolution, im2col_blocks, threads
from solutions.geometry import conv2d_settings
from solutions.im2col import (
    col2im,
    conv2d_backward,
    conv2d_backward_plain,
    conv2d_forward,
    conv2d_forward_plain,
    im2col,
)
from solutions.im2col_blocks import Blocks
from tests.benchmarks.timing import peak_extra_bytes
from tests.solutions.conv_strategies import Layer, conv_layers
from tests.solutions.stand_ins import LIBRARIES, assert_same, convert, library
from tests.solutions.test_convolution import BAD_LAYERS, assert_close

FORMS = {"plain": (conv2d_forward_plain, conv2d_backward_plain), "blocks": (conv2d_forward, conv2d_backward)}


def layer_results(form: str, x: np.ndarray, w: np.ndarray, b: Any, dout: np.ndarray, **hyper: Any) -> list[np.ndarray]:
    forward, backward = FORMS[form]
    out, cache = forward(x, w, b, **hyper)
    return [out, *backward(dout, cache)]


def assert_all_close(found: list[Any], expected: list[Any]) -> None:
    for f, e in zip(found, expected, strict=True):
        np.testing.assert_allclose(f, e, rtol=1e-11, atol=1e-11)
        assert f.dtype == e.dtype


@settings(deadline=None, max_examples=60)
@given(layer=conv_layers(modes=("zeros",)))
def test_col2im_is_the_adjoint_of_im2col(layer: Layer) -> None:
    hyper = {name: layer.hyper[name] for name in ("stride", "padding", "dilation")}
    kernel = layer.w.shape[2:]
    cols = im2col(layer.x, kernel, **hyper)
    y = layer.upstream(cols)
    back = col2im(y, layer.x.shape[2:], kernel, **hyper)
    scale = max(np.linalg.norm(cols) * np.linalg.norm(y), 1)
    assert abs(np.sum(cols * y) - np.sum(layer.x * back)) < 1e-12 * scale


def test_a_column_is_its_window() -> None:
    x = np.random.default_rng(0).standard_normal((2, 3, 7, 8))
    cols = im2col(x, (3, 2), stride=(2, 3), dilation=(1, 2)).reshape(2, 18, 3, 2)
    for r in range(3):
        for c in range(2):
            window = x[:, :, 2 * r : 2 * r + 3, 3 * c : 3 * c + 3 : 2]
            assert np.array_equal(cols[:, :, r, c], window.reshape(2, 18))


@settings(deadline=None, max_examples=100)
@given(layer=conv_layers(), block_bytes=st.sampled_from([1, 700, 1 << 20]), share=st.sampled_from([1, 1 << 40]))
def test_blocks_of_any_size_on_one_thread_or_more_equal_the_clear_way(
    layer: Layer, block_bytes: int, share: int
) -> None:
    out, cache = convolution.conv2d_forward(layer.x, layer.w, layer.b, **layer.hyper)
    dout = layer.upstream(out)
    dx, dw, db = convolution.conv2d_backward(dout, cache)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(im2col_blocks, "BLOCK_BYTES", block_bytes)
        patch.setattr(im2col_blocks, "SMALLEST_SHARE", share)
        results = layer_results("blocks", layer.x, layer.w, layer.b, dout, **layer.hyper)
    for found, expected in zip(results, (out, dx, dw, db), strict=True):
        assert (found is None) == (expected is None)
        if expected is not None:
            np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)


@settings(deadline=None, max_examples=300)
@given(layer=conv_layers(modes=("zeros",)), turned=st.booleans())
def test_no_window_looks_outside_its_buffer(layer: Layer, turned: bool) -> None:
    """The view is made by strides, so nothing else would stop it from reading foreign memory."""
    h = layer.hyper
    checked = conv2d_settings(layer.x, layer.w, None, h["stride"], h["padding"], h["dilation"], h["groups"], "zeros")
    blocks = Blocks(layer.x.shape[1], layer.w.shape[0], layer.x.shape[2:], checked, 8)
    if turned:
        other = im2col_blocks._turned(layer.w, blocks)
        blocks = blocks if other is None else other[1]
    for _, padded, steps in blocks.over(3, blocks.taps, np.float64):
        low, high = byte_bounds(padded)
        for view in [pixels for step in steps for _, pixels in step.meets]:
            start, end = byte_bounds(view)
            assert low <= start
            assert end <= high


def test_stride_1_gradients_come_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few outputs: dx by turned kernels; many: by adding up columns. The test before would pass with one of them."""
    rng = np.random.default_rng(1)
    ways = []
    turned = im2col_blocks._turned
    monkeypatch.setattr(im2col_blocks, "_turned", lambda *a: ways.append(turned(*a)) or ways[-1])
    for outputs in (2, 9):
        x, w = rng.standard_normal((2, 2, 6, 5)), rng.standard_normal((outputs, 2, 3, 3))
        dout = rng.standard_normal((2, outputs, 6, 5))
        results = layer_results("blocks", x, w, None, dout, padding=1)[:3]
        assert_all_close(results, layer_results("plain", x, w, None, dout, padding=1)[:3])
    assert [way is None for way in ways] == [False, True]


def strange_layouts(x: np.ndarray) -> dict[str, np.ndarray]:
    """Return arrays equal to x whose memory is laid out otherwise."""
    apart = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)
    apart[..., ::2] = x
    backwards = x[:, :, ::-1, ::-1].copy()[:, :, ::-1, ::-1]
    last = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    fortran = np.asfortranarray(x)
    spread = np.zeros((2 * x.shape[0], 3 * x.shape[1], *x.shape[2:]), x.dtype)
    spread[::2, ::3] = x
    return {"apart": apart[..., ::2], "backwards": backwards, "last": last, "fortran": fortran, "s": spread[::2, ::3]}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("batch", [1, 2])
def test_the_layout_of_the_inputs_does_not_matter(form: str, channels: int, batch: int) -> None:
    rng = np.random.default_rng(2)
    x, w = rng.standard_normal((batch, channels, 5, 6)), rng.standard_normal((4, channels, 3, 2))
    b, dout = rng.standard_normal(4), rng.standard_normal((batch, 4, 5, 7))
    expected = layer_results(form, x, w, b, dout, padding=1)
    layouts = (strange_layouts(x), strange_layouts(w), strange_layouts(dout))
    for name in layouts[0]:
        found = layer_results(form, layouts[0][name], layouts[1][name], b, layouts[2][name], padding=1)
        assert_all_close(found, expected)


def test_a_dimension_of_size_one_may_carry_any_stride() -> None:
    x = np.arange(20.0).reshape(1, 1, 4, 5)
    odd = np.lib.stride_tricks.as_strided(x, x.shape, (7, 12345, *x.strides[2:]))
    w = np.ones((1, 1, 2, 2))
    assert np.array_equal(conv2d_forward(odd, w)[0], conv2d_forward(x, w)[0])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_type_of_the_images_is_kept(form: str, dtype: str) -> None:
    x, w, b = np.ones((2, 3, 5, 5), dtype), np.ones((4, 3, 3, 3), dtype), np.ones(4, dtype)
    # An upstream gradient of another type does not change that.
    results = layer_results(form, x, w, b, np.ones((2, 4, 3, 3)))
    assert {r.dtype.name for r in results} == {dtype}


@pytest.mark.parametrize("form", FORMS)
def test_an_empty_batch_has_an_empty_output(form: str) -> None:
    out, dx, dw, db = layer_results(
        form, np.ones((0, 2, 5, 5)), np.ones((3, 2, 3, 3)), np.ones(3), np.ones((0, 3, 3, 3))
    )
    assert out.shape == (0, 3, 3, 3)
    assert dx.shape == (0, 2, 5, 5)
    assert dw.shape == (3, 2, 3, 3)
    assert not dw.any()
    assert not db.any()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (3, 1, 1, 1), (1, 2, 1, 1), (1, 1, 1, 5), (1, 1, 5, 1)])
def test_dimensions_of_size_one_work(form: str, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(3)
    x, w, b = rng.standard_normal(shape), rng.standard_normal((1, shape[1], 3, 3)), rng.standard_normal(1)
    out, cache = convolution.conv2d_forward(x, w, b, padding=1)
    expected = [out, *convolution.conv2d_backward(out, cache)]
    assert_all_close(layer_results(form, x, w, b, out, padding=1), expected)


def test_the_inputs_are_left_alone_and_the_results_are_new() -> None:
    rng = np.random.default_rng(4)
    arrays = [rng.standard_normal(s) for s in ((2, 3, 5, 5), (4, 3, 1, 1), (4,), (2, 4, 5, 5))]
    copies = [a.copy() for a in arrays]
    first = layer_results("blocks", *arrays)
    assert all(np.array_equal(a, c) for a, c in zip(arrays, copies, strict=True))
    kept = [r.copy() for r in first]
    second = layer_results("blocks", *[-a for a in arrays])
    assert all(np.array_equal(r, k) for r, k in zip(first, kept, strict=True))
    assert not any(np.shares_memory(f, s) for f, s in zip(first, second, strict=True))


def test_two_threads_give_the_same_bits_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(im2col_blocks, "SMALLEST_SHARE", 1)
    controller = threads._controller()
    rng = np.random.default_rng(5)
    x, w, dout = (rng.standard_normal(s).astype("float32") for s in ((9, 3, 8, 8), (5, 3, 3, 3), (9, 5, 8, 8)))
    with controller.limit(limits=2):
        several = [layer_results("blocks", x, w, None, dout, padding=1)[:3] for _ in range(5)]
        assert {library.num_threads for library in controller.lib_controllers} == {2}
    assert all(np.array_equal(a, b) for results in several[1:] for a, b in zip(several[0], results, strict=True))


@pytest.mark.parametrize(
    ("x_shape", "w_shape", "stride"),
    [
        ((64, 1, 32, 32), (256, 1, 1, 1), 1),
        ((8, 16, 128, 128), (16, 16, 1, 1), 8),
        ((16, 32, 32, 32), (32, 32, 3, 3), 1),
    ],
)
def test_the_buffers_stay_small_whatever_the_shape(x_shape: Any, w_shape: Any, stride: int) -> None:
    """Tall products, skipped pixels, many columns: a few blocks, not a multiple of the batch."""
    x, w = np.ones(x_shape), np.ones(w_shape)
    out, cache = conv2d_forward(x, w, stride=stride)
    limit = 8 * im2col_blocks.BLOCK_BYTES
    assert peak_extra_bytes(lambda: conv2d_forward(x, w, stride=stride)) < limit
    assert peak_extra_bytes(lambda: conv2d_backward(out, cache)) < limit


def python_lines(call: Any) -> int:
    """Return how many lines of Python a call runs."""
    count = 0

    def trace(frame: Any, event: str, _: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    gc.disable()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
        gc.enable()
    return count


def test_the_lines_that_the_plain_form_runs_do_not_grow_with_the_data() -> None:
    w = np.ones((2, 3, 3, 3))

    def work(batch: int, side: int) -> None:
        x = np.ones((batch, 3, side, side))
        layer_results("plain", x, w, None, np.ones((batch, 2, side - 2, side - 2)))

    work(1, 4)
    assert python_lines(lambda: work(1, 5)) == python_lines(lambda: work(8, 20))


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_other_array_libraries_take_the_plain_way(name: str, form: str, dtype: str) -> None:
    xp, rng = library(name), np.random.default_rng(6)
    x, w, b = (rng.standard_normal(s).astype(dtype) for s in ((2, 4, 5, 6), (6, 2, 3, 2), (6,)))
    hyper: dict[str, Any] = {"stride": (1, 2), "padding": 2, "groups": 2, "padding_mode": "circular"}
    dout = rng.standard_normal((2, 6, 7, 5)).astype(dtype)
    expected = layer_results("plain", x, w, b, dout, **hyper)
    found = layer_results(form, *convert(xp, (x, w, b, dout)), **hyper)
    for f, e in zip(found, expected, strict=True):
        assert_close(xp, f, e)


@pytest.mark.parametrize("name", LIBRARIES)
def test_columns_take_other_array_libraries(name: str) -> None:
    xp, x = library(name), np.random.default_rng(7).standard_normal((2, 3, 5, 6))
    cols = im2col(x, (3, 2), stride=2, padding=1)
    assert_same(xp, im2col(convert(xp, x), (3, 2), stride=2, padding=1), cols)
    back = col2im(cols, (5, 6), (3, 2), stride=2, padding=1)
    assert_same(xp, col2im(convert(xp, cols), (5, 6), (3, 2), stride=2, padding=1), back)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("message", "arguments", "hyper"), BAD_LAYERS)
def test_a_bad_argument_of_the_layer_is_named(form: str, message: str, arguments: Any, hyper: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=message):
        FORMS[form][0](*arguments, **hyper)


@pytest.mark.parametrize("form", FORMS)
def test_an_upstream_gradient_of_another_shape_is_refused(form: str) -> None:
    forward, backward = FORMS[form]
    _, cache = forward(np.ones((2, 3, 5, 5)), np.ones((4, 3, 3, 3)))
    with pytest.raises(ValueError, match="dout must have"):
        backward(np.ones((2, 4, 3, 2)), cache)


@pytest.mark.parametrize(
    ("message", "call"),
    [
        ("x must be", lambda: im2col(np.ones((3, 4, 5)), 2)),
        ("x must hold", lambda: im2col(np.ones((1, 1, 0, 5)), 1)),
        ("kernel_size must be", lambda: im2col(np.ones((1, 1, 4, 5)), 0)),
        ("kernel_size", lambda: im2col(np.ones((1, 1, 4, 5)), 5)),
        ("stride must be", lambda: im2col(np.ones((1, 1, 4, 5)), 2, stride=0)),
        ("padding must be", lambda: im2col(np.ones((1, 1, 4, 5)), 2, padding=-1)),
        ("dilation must be", lambda: im2col(np.ones((1, 1, 4, 5)), 2, dilation=(1, 0))),
        ("cols must be", lambda: col2im(np.ones((4, 4)), 3, 2)),
        ("cols must be", lambda: col2im(np.ones((1, 4, 5)), 3, 2)),
        ("cols must be", lambda: col2im(np.ones((1, 5, 4)), 3, 2)),
        ("output_size must be", lambda: col2im(np.ones((1, 4, 4)), 0, 2)),
    ],
)
def test_a_bad_argument_is_named(message: str, call: Any) -> None:
    with pytest.raises(ValueError, match=message):
        call()
