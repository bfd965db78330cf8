import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from solutions import pooling
from solutions.pooling import (
    avg_pool2d_backward,
    avg_pool2d_forward,
    global_avg_pool2d_backward,
    global_avg_pool2d_forward,
    max_pool2d_backward,
    max_pool2d_forward,
    median_pool2d_forward,
)

LIBRARIES = ["array_api_strict", pytest.param("torch", marks=pytest.mark.oracle)]
FORWARDS = (max_pool2d_forward, avg_pool2d_forward, median_pool2d_forward)
PAIRS = {"max": (max_pool2d_forward, max_pool2d_backward), "avg": (avg_pool2d_forward, avg_pool2d_backward)}


@st.composite
def poolings(draw):
    """Overlap, gaps, remainders, padding, rectangles, size-one axes and empty batches."""
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    stride = draw(st.none() | st.tuples(st.integers(1, 5), st.integers(1, 5)))
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    smallest = [max(1, k - 2 * p) for k, p in zip(kernel, padding, strict=True)]
    size = [draw(st.integers(least, least + 6)) for least in smallest]
    shape = (draw(st.integers(0, 3)), draw(st.integers(1, 3)), *size)
    return shape, kernel, stride, padding, draw(st.integers(0, 2**32 - 1))


def distinct(shape, seed, dtype=np.float64):
    """Numbers all different, of both signs: no ties."""
    count = int(np.prod(shape))
    return (np.random.default_rng(seed).permutation(count).reshape(shape) - count / 2 + 0.25).astype(dtype)


def by_windows(x, kernel, stride, padding, statistic, fill):
    """Pad, view every window, reduce: another way to the same numbers."""
    stride = kernel if stride is None else stride
    padded = np.pad(x, ((0, 0), (0, 0), *((p, p) for p in padding)), constant_values=fill)
    views = sliding_window_view(padded, kernel, axis=(2, 3))[:, :, :: stride[0], :: stride[1]]
    return statistic(views, axis=(-2, -1))


@settings(max_examples=80)
@given(poolings())
def test_values_are_those_of_padding_and_reducing_every_window(case):
    shape, kernel, stride, padding, seed = case
    x = distinct(shape, seed)
    for forward, statistic, fill in (
        (max_pool2d_forward, np.max, -np.inf),
        (avg_pool2d_forward, np.mean, 0.0),
        (median_pool2d_forward, np.nanmedian, np.nan),
    ):
        out, _ = forward(x, kernel, stride=stride, padding=padding)
        expected = by_windows(x, kernel, stride, padding, statistic, fill)
        assert out.shape == expected.shape
        np.testing.assert_allclose(out, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.oracle
@settings(max_examples=80, deadline=None)
@given(poolings(), st.sampled_from([np.float32, np.float64]))
def test_values_and_gradients_are_those_of_pytorch(case, dtype):
    torch = pytest.importorskip("torch")
    shape, kernel, stride, padding, seed = case
    x = distinct(shape, seed, dtype)
    for name, (forward, backward) in PAIRS.items():
        out, cache = forward(x, kernel, stride=stride, padding=padding)
        dout = np.random.default_rng(seed).normal(size=out.shape).astype(dtype)
        dx = backward(dout, cache)
        leaf = torch.tensor(x, requires_grad=True)
        theirs = getattr(torch.nn.functional, f"{name}_pool2d")(leaf, kernel, stride, padding)
        theirs.backward(torch.from_numpy(dout))
        assert out.dtype == dx.dtype == dtype
        tolerance = 1e-12 if dtype == np.float64 else 1e-5
        np.testing.assert_allclose(out, theirs.detach().numpy(), rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(dx, leaf.grad.numpy(), rtol=tolerance, atol=tolerance)


@settings(max_examples=50)
@given(poolings())
def test_the_backward_pass_is_the_adjoint_of_the_forward_pass(case):
    """Where the forward is linear, or its winners fixed, <forward(x), d> = <x, backward(d)>."""
    shape, kernel, stride, padding, seed = case
    x = distinct(shape, seed)
    for forward, backward in PAIRS.values():
        out, cache = forward(x, kernel, stride=stride, padding=padding)
        dout = np.random.default_rng(seed).normal(size=out.shape)
        assert np.sum(out * dout) == pytest.approx(np.sum(x * backward(dout, cache)), rel=1e-9, abs=1e-9)


@settings(max_examples=50)
@given(poolings())
def test_adding_by_slices_and_adding_at_positions_agree(case):
    shape, kernel, stride, padding, seed = case
    out, cache = max_pool2d_forward(distinct(shape, seed), kernel, stride=stride, padding=padding)
    dout = np.random.default_rng(seed).normal(size=out.shape)
    by_slices = pooling._add_by_taps(np.zeros(shape), dout, *cache)
    np.testing.assert_allclose(by_slices, max_pool2d_backward(dout, cache), rtol=1e-12)


def test_a_window_of_negatives_stays_negative_at_the_padded_border():
    x = np.full((1, 1, 4, 4), -5.0)
    for forward in (max_pool2d_forward, median_pool2d_forward):
        assert np.all(forward(x, 3, stride=1, padding=1)[0] == -5)


def test_padding_counts_in_an_average():
    out, _ = avg_pool2d_forward(np.ones((1, 1, 2, 2)), 2, stride=1, padding=1)
    assert out[0, 0].tolist() == [[0.25, 0.5, 0.25], [0.5, 1.0, 0.5], [0.25, 0.5, 0.25]]


def test_of_equal_numbers_the_first_wins_and_the_gradient_keeps_its_sum():
    out, cache = max_pool2d_forward(np.zeros((2, 3, 4, 6)), (2, 3))
    dout = np.random.default_rng(0).normal(size=out.shape)
    dx = max_pool2d_backward(dout, cache)
    np.testing.assert_array_equal(dx[:, :, ::2, ::3], dout)
    assert np.count_nonzero(dx) == dout.size


@pytest.mark.parametrize("padding", [0, 1])
def test_minus_infinity_everywhere_still_sends_the_gradient_to_the_image(padding):
    x = np.full((2, 1, 4, 4), -np.inf)
    out, cache = max_pool2d_forward(x, 3, stride=1, padding=padding)
    dx = max_pool2d_backward(np.ones_like(out), cache)
    assert np.all(out == -np.inf)
    assert dx.sum(axis=(1, 2, 3)).tolist() == [out[0].size] * 2


def test_a_large_window_counts_its_taps_beyond_a_byte():
    x = distinct((1, 2, 20, 34), 3)
    out, cache = max_pool2d_forward(x, (18, 17), stride=(2, 17))
    np.testing.assert_array_equal(out, by_windows(x, (18, 17), (2, 17), (0, 0), np.max, 0))
    dx = max_pool2d_backward(np.ones_like(out), cache)
    assert set(x[dx > 0]) == set(out.ravel())


def test_a_pixel_that_wins_twice_gets_both_gradients():
    x = np.zeros((1, 1, 3, 3))
    x[0, 0, 1, 1] = 9
    out, cache = max_pool2d_forward(x, 2, stride=1)
    dx = max_pool2d_backward(np.array([[[[1.0, 10.0], [100.0, 1000.0]]]]), cache)
    assert out.ravel().tolist() == [9] * 4
    assert dx[0, 0].tolist() == [[0, 0, 0], [0, 1111, 0], [0, 0, 0]]


def test_the_worked_tables_of_both_courses():
    buffalo = np.array([[12.0, 20, 30, 0], [8, 12, 2, 0], [34, 70, 37, 4], [112, 100, 25, 12]])[None, None]
    birzeit = np.array([[1.0, 1, 2, 5], [5, 7, 7, 8], [3, 1, 1, 0], [1, 2, 3, 4]])[None, None]
    assert max_pool2d_forward(buffalo, 2)[0][0, 0].tolist() == [[20, 30], [112, 37]]
    assert max_pool2d_forward(birzeit, 2, stride=2)[0][0, 0].tolist() == [[7, 8], [3, 4]]
    assert avg_pool2d_forward(birzeit, 2, stride=2)[0][0, 0].tolist() == [[3.5, 5.5], [1.75, 2]]
    for forward in FORWARDS:
        assert forward(np.zeros((1, 3, 10, 10)), 2, stride=2)[0].shape == (1, 3, 5, 5)


@pytest.mark.oracle
@pytest.mark.parametrize("shape", [(0, 3, 2, 2), (2, 1, 1, 1), (3, 4, 5, 2)])
def test_the_global_average_is_that_of_pytorch(shape):
    torch = pytest.importorskip("torch")
    x, dout = np.random.default_rng(0).normal(size=shape), np.random.default_rng(1).normal(size=shape[:2])
    leaf = torch.tensor(x, requires_grad=True)
    theirs = torch.nn.functional.adaptive_avg_pool2d(leaf, 1)[:, :, 0, 0] if shape[0] else leaf.mean(dim=(2, 3))
    theirs.backward(torch.from_numpy(dout))
    out, cache = global_avg_pool2d_forward(x)
    np.testing.assert_allclose(out, theirs.detach().numpy(), rtol=1e-12)
    np.testing.assert_allclose(global_avg_pool2d_backward(dout, cache), leaf.grad.numpy(), rtol=1e-12)


def test_inputs_are_left_alone_and_strided_views_pool_like_copies():
    x = distinct((2, 8, 9, 12), 5)[::-1, ::2, :, ::2]
    before = x.copy()
    for forward, backward in (*PAIRS.values(), (global_avg_pool2d_forward, global_avg_pool2d_backward)):
        arguments = () if forward is global_avg_pool2d_forward else (3,)
        out, cache = forward(x, *arguments)
        dout = np.repeat(np.random.default_rng(0).normal(size=out.shape), 2, axis=-1)[..., ::2]
        upstream = dout.copy()
        dx = backward(dout, cache)
        expected, contiguous = forward(before.copy(), *arguments)
        np.testing.assert_array_equal(out, expected)
        np.testing.assert_array_equal(dx, backward(upstream, contiguous))
        np.testing.assert_array_equal(x, before)
        np.testing.assert_array_equal(dout, upstream)
        assert not np.shares_memory(dx, dout)
    np.testing.assert_array_equal(median_pool2d_forward(x, 2)[0], median_pool2d_forward(before, 2)[0])


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("padding", [0, 1])
def test_the_same_text_serves_every_array_library(library, padding):
    xp = pytest.importorskip(library)
    x = distinct((2, 3, 7, 6), 7)
    for forward, backward in PAIRS.values():
        expected, cache = forward(x, (3, 2), stride=2, padding=padding)
        out, cache_there = forward(xp.asarray(x), (3, 2), stride=2, padding=padding)
        dout = np.random.default_rng(0).normal(size=expected.shape)
        dx = backward(xp.asarray(dout), cache_there)
        assert type(out) is type(dx) is type(xp.asarray(x))
        np.testing.assert_allclose(np.asarray(out), expected, rtol=1e-12)
        np.testing.assert_allclose(np.asarray(dx), backward(dout, cache), rtol=1e-12)
    out, cache = global_avg_pool2d_forward(xp.asarray(x))
    np.testing.assert_allclose(np.asarray(out), x.mean(axis=(2, 3)), rtol=1e-12)
    np.testing.assert_allclose(np.asarray(global_avg_pool2d_backward(out, cache)).sum(axis=(2, 3)), np.asarray(out))
    median = median_pool2d_forward(xp.asarray(x), 3, padding=padding)[0]
    np.testing.assert_array_equal(np.asarray(median), median_pool2d_forward(x, 3, padding=padding)[0])


@pytest.mark.parametrize("forward", FORWARDS)
@pytest.mark.parametrize(
    ("x", "arguments", "name"),
    [
        (np.zeros((4, 4)), {}, "x"),
        ([[1.0]], {}, "x"),
        (np.zeros((1, 1, 4, 4), dtype=int), {}, "x"),
        (np.zeros((1, 1, 0, 4)), {"padding": 1}, "x"),
        (np.zeros((1, 1, 4, 4)), {"kernel_size": 0}, "kernel_size"),
        (np.zeros((1, 1, 4, 4)), {"kernel_size": (2, 2, 2)}, "kernel_size"),
        (np.zeros((1, 1, 4, 4)), {"kernel_size": 2.0}, "kernel_size"),
        (np.zeros((1, 1, 4, 4)), {"kernel_size": (5, 2)}, "kernel_size"),
        (np.zeros((1, 1, 4, 4)), {"stride": 0}, "stride"),
        (np.zeros((1, 1, 4, 4)), {"padding": -1}, "padding"),
        (np.zeros((1, 1, 4, 4)), {"padding": 2}, "padding"),
        (np.zeros((1, 1, 4, 4)), {"kernel_size": (4, 2), "padding": (1, 2)}, "padding"),
    ],
)
def test_a_bad_argument_is_named(forward, x, arguments, name):
    with pytest.raises(ValueError, match=f"^{name} must"):
        forward(x, **({"kernel_size": 2} | arguments))


@pytest.mark.parametrize("x", [np.zeros((2, 2)), np.zeros((1, 1, 2, 2), dtype=int), np.zeros((1, 1, 0, 2))])
def test_a_bad_image_is_named_by_the_global_average(x):
    with pytest.raises(ValueError, match=r"^x must"):
        global_avg_pool2d_forward(x)


def test_a_gradient_of_another_shape_is_named():
    x = np.zeros((2, 3, 4, 4))
    for forward, backward in PAIRS.values():
        _, cache = forward(x, 2)
        for wrong in (np.zeros((2, 3, 4, 4)), np.zeros((2, 3, 2)), 1.0):
            with pytest.raises(ValueError, match=r"^dout must"):
                backward(wrong, cache)
    with pytest.raises(ValueError, match=r"^dout must"):
        global_avg_pool2d_backward(np.zeros((2, 3, 1, 1)), global_avg_pool2d_forward(x)[1])
