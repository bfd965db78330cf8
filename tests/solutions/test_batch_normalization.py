"""Batch norm, and with it layer and group norm: one arithmetic, three choices of axes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solutions import batch_normalization
from solutions.batch_normalization import (
    batch_norm2d_backward,
    batch_norm2d_forward,
    batch_norm_backward,
    batch_norm_forward,
)
from solutions.layer_normalization import (
    group_norm_backward,
    group_norm_forward,
    layer_norm_backward,
    layer_norm_forward,
)

LIBRARIES = ["array_api_strict", pytest.param("torch", marks=pytest.mark.oracle)]
sizes = st.integers(1, 5)
flat = st.tuples(st.integers(2, 9), sizes)
images = st.tuples(st.integers(2, 4), sizes, sizes, sizes)
seeds = st.integers(0, 2**32 - 1)


def draw(seed, *shapes, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return [(rng.normal(size=shape) * 2 + 0.5).astype(dtype) for shape in shapes]


def batch_norm(x):
    """Return the pair of functions for the shape of x."""
    flat = x.ndim == 2
    return (batch_norm_forward, batch_norm_backward) if flat else (batch_norm2d_forward, batch_norm2d_backward)


@pytest.mark.oracle
@settings(max_examples=40, deadline=None)
@given(flat | images, seeds, st.booleans(), st.sampled_from([np.float32, np.float64]), st.floats(0, 1))
def test_batch_norm_is_that_of_pytorch(shape, seed, training, dtype, momentum):
    torch = pytest.importorskip("torch")
    x, dout, gamma, beta, mean = draw(seed, shape, shape, *[shape[1]] * 3, dtype=dtype)
    (var,) = (np.abs(v) + dtype(0.1) for v in draw(seed + 1, shape[1], dtype=dtype))
    forward, backward = batch_norm(x)
    options = {"training": training, "momentum": momentum, "eps": 1e-3}
    out, cache, new_mean, new_var = forward(x, gamma, beta, mean, var, **options)
    ours = [out, *backward(dout, cache), new_mean, new_var]

    leaves = [torch.tensor(array, requires_grad=True) for array in (x, gamma, beta)]
    stored = [torch.tensor(array) for array in (mean, var)]
    theirs = torch.nn.functional.batch_norm(leaves[0], *stored, *leaves[1:], **options)
    theirs.backward(torch.from_numpy(dout))
    expected = [theirs.detach(), *(leaf.grad for leaf in leaves), *stored]
    tolerance = 1e-9 if dtype == np.float64 else 2e-3
    for array, number in zip(ours, expected, strict=True):
        assert array.dtype == dtype
        np.testing.assert_allclose(array, number.numpy(), rtol=tolerance, atol=tolerance)


@pytest.mark.oracle
@settings(max_examples=40, deadline=None)
@given(images, seeds, st.integers(1, 3), st.integers(1, 3))
def test_layer_and_group_norm_are_those_of_pytorch(shape, seed, features, groups):
    torch = pytest.importorskip("torch")
    grouped = (shape[0] - 2, shape[1] * groups, *shape[2:])  # the batch may be empty: no example needs another
    for forward, backward, oracle, size, parameters, options, theirs_options in (
        (layer_norm_forward, layer_norm_backward, "layer_norm", shape, shape[-features:], {}, (shape[-features:],)),
        (group_norm_forward, group_norm_backward, "group_norm", grouped, grouped[1], {"num_groups": groups}, (groups,)),
    ):
        x, dout, gamma, beta = draw(seed, size, size, parameters, parameters)
        out, cache = forward(x, gamma, beta, eps=1e-3, **options)
        leaves = [torch.tensor(array, requires_grad=True) for array in (x, gamma, beta)]
        # PyTorch refuses an empty batch, and a batch of a single value (where out is beta, well defined).
        if oracle == "group_norm" and np.prod(size) // groups < 2:
            assert out.shape == size
            assert [g.shape for g in backward(dout, cache)] == [size, gamma.shape, beta.shape]
            continue
        theirs = getattr(torch.nn.functional, oracle)(leaves[0], *theirs_options, *leaves[1:], 1e-3)
        theirs.backward(torch.from_numpy(dout))
        np.testing.assert_allclose(out, theirs.detach().numpy(), rtol=1e-9, atol=1e-9)
        for gradient, leaf in zip(backward(dout, cache), leaves, strict=True):
            np.testing.assert_allclose(gradient, leaf.grad.numpy(), rtol=1e-9, atol=1e-9)


@given(flat | images, seeds)
def test_a_training_batch_gets_the_mean_beta_and_the_deviation_gamma_whatever_its_own(shape, seed):
    x, gamma, beta = draw(seed, shape, shape[1], shape[1])
    axes = (0, *range(2, x.ndim))
    spread = x.std(axis=axes)
    if x.size // shape[1] < 2 or spread.min() < 1e-3:
        return
    forward, _ = batch_norm(x)
    zero, one = np.zeros(shape[1]), np.ones(shape[1])
    out, *_ = forward(x, gamma, beta, zero, one, training=True, eps=1e-14)
    np.testing.assert_allclose(out.mean(axis=axes), beta, atol=1e-6)
    np.testing.assert_allclose(out.std(axis=axes), np.abs(gamma), rtol=1e-6)
    moved, *_ = forward(100 - 3 * x, gamma, beta, zero, one, training=True, eps=1e-14)
    np.testing.assert_allclose(moved - out.mean(axis=axes, keepdims=True), -(out - out.mean(axis=axes, keepdims=True)),
                               atol=1e-6)  # fmt: skip


@given(flat | images, seeds)
def test_the_gradient_neither_shifts_nor_scales_a_feature(shape, seed):
    x, dout, gamma, beta = draw(seed, shape, shape, shape[1], shape[1])
    axes = (0, *range(2, x.ndim))
    if x.size // shape[1] < 3 or x.std(axis=axes).min() < 0.1:
        return
    forward, backward = batch_norm(x)
    _, cache, *_ = forward(x, gamma, beta, np.zeros(shape[1]), np.ones(shape[1]), training=True, eps=1e-12)
    dx, _, _ = backward(dout, cache)
    np.testing.assert_allclose(dx.sum(axis=axes), 0, atol=1e-8)
    np.testing.assert_allclose((dx * x).sum(axis=axes), 0, atol=1e-7)


def test_the_gradient_is_the_derivative_of_the_forward_pass():
    """Central differences along random directions, float64: independent of any other implementation."""
    x, dout, gamma, beta, mean = draw(0, (6, 3, 2, 2), (6, 3, 2, 2), 3, 3, 3)
    var = np.abs(mean) + 1
    flat_x = x.reshape(12, 6)
    for training in (True, False):

        def bn(x, gamma, beta, training=training):
            return batch_norm2d_forward(x, gamma, beta, mean, var, training=training)[:2]

        def gn(x, gamma, beta):
            return group_norm_forward(x, gamma, beta, num_groups=3)

        for forward, backward, inputs in (
            (bn, batch_norm2d_backward, [x, gamma, beta]),
            (gn, group_norm_backward, [x, gamma, beta]),
            (layer_norm_forward, layer_norm_backward, [flat_x, *draw(1, 6, 6)]),
        ):
            upstream = dout.reshape(inputs[0].shape)
            gradients = backward(upstream, forward(*inputs)[1])
            for i, gradient in enumerate(gradients):
                direction = draw(i + 2, inputs[i].shape)[0]
                ends = []
                for sign in (1, -1):
                    moved = [a + sign * 1e-5 * direction if j == i else a for j, a in enumerate(inputs)]
                    ends.append(np.sum(forward(*moved)[0] * upstream))
                assert (ends[0] - ends[1]) / 2e-5 == pytest.approx(np.sum(gradient * direction), rel=1e-6, abs=1e-6)


@given(images, seeds, st.sampled_from([1, 1 << 40]))
def test_the_gradient_on_one_thread_or_more_is_the_plain_one(shape, seed, share):
    x, dout, gamma, beta, mean = draw(seed, shape, shape, *[shape[1]] * 3)
    _, cache, *_ = batch_norm2d_forward(x, gamma, beta, mean, np.ones(shape[1]), training=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch_normalization, "SMALLEST_SHARE", share)
        shared = batch_norm2d_backward(dout, cache)
    for ours, plain in zip(shared, batch_normalization._backward(dout, *cache), strict=True):
        np.testing.assert_allclose(ours, plain, rtol=1e-8, atol=1e-8)


def test_a_large_mean_does_not_drown_the_variance():
    """E[x²] - E[x]² would have lost every digit here."""
    (x,) = draw(0, (50, 2, 3, 3))
    zero, one = np.zeros(2), np.ones(2)
    reference, *_ = batch_norm2d_forward(x, one, zero, zero, one, training=True)
    shifted, *_ = batch_norm2d_forward(x + 1e8, one, zero, zero, one, training=True)
    np.testing.assert_allclose(shifted, reference, atol=1e-6)
    single = (np.round(x * 64) / 64).astype(np.float32)  # exact in float32 even next to 10,000
    reference, *_ = batch_norm2d_forward(single.astype(np.float64), one, zero, zero, one, training=True)
    low, *_ = batch_norm2d_forward(single + np.float32(1e4), *(a.astype(np.float32) for a in (one, zero, zero, one)),
                                   training=True)  # fmt: skip
    np.testing.assert_allclose(low, reference, atol=3e-3)


def test_running_statistics_converge_to_those_of_the_data_and_testing_leaves_them():
    rng = np.random.default_rng(0)
    mean, var = np.zeros(2), np.ones(2)
    gamma, beta = np.ones(2), np.zeros(2)
    for _ in range(200):
        batch = rng.normal([3, -1], [2, 0.5], size=(64, 2))
        before = mean.copy(), var.copy()
        _, _, new_mean, new_var = batch_norm_forward(batch, gamma, beta, mean, var, training=True)
        np.testing.assert_array_equal((mean, var), before)  # the given ones are not written to
        mean, var = new_mean, new_var
    np.testing.assert_allclose(mean, [3, -1], atol=0.3)
    np.testing.assert_allclose(var, [4, 0.25], rtol=0.2)
    out, _, same_mean, same_var = batch_norm_forward(batch, gamma, beta, mean, var, training=False)
    np.testing.assert_array_equal((same_mean, same_var), (mean, var))
    alone, *_ = batch_norm_forward(batch[:1], gamma, beta, mean, var, training=False)
    np.testing.assert_array_equal(alone, out[:1])


def test_an_empty_batch_passes_where_no_statistics_are_needed():
    zero, one = np.zeros(3), np.ones(3)
    out, cache, *_ = batch_norm2d_forward(np.zeros((0, 3, 2, 2)), one, zero, zero, one, training=False)
    dx, dgamma, dbeta = batch_norm2d_backward(out, cache)
    assert (out.shape, dx.shape) == ((0, 3, 2, 2), (0, 3, 2, 2))
    np.testing.assert_array_equal((dgamma, dbeta), np.zeros((2, 3)))
    out, cache = layer_norm_forward(np.zeros((0, 3)), one, zero)
    assert layer_norm_backward(out, cache)[0].shape == (0, 3)


def test_inputs_are_left_alone_and_strided_views_give_the_same():
    x, dout = (a[::-1, ::2, :, ::2] for a in draw(0, (4, 6, 3, 8), (4, 6, 3, 8)))
    arrays = draw(1, 3, 3, 3)
    arrays.append(np.abs(arrays[0]) + 1)
    before = [a.copy() for a in (x, dout, *arrays)]
    for forward, backward in (
        (lambda x: batch_norm2d_forward(x, *arrays, training=True), batch_norm2d_backward),
        (lambda x: group_norm_forward(x, *arrays[:2], num_groups=1), group_norm_backward),
        (lambda x: layer_norm_forward(np.swapaxes(x, 1, 3), *arrays[:2]), layer_norm_backward),
    ):
        out, cache, *_ = forward(x)
        expected, cache_of_copy, *_ = forward(before[0])
        np.testing.assert_allclose(out, expected, rtol=1e-12, atol=1e-12)
        upstream = dout if out.shape == x.shape else np.swapaxes(dout, 1, 3)
        for ours, copied in zip(backward(upstream, cache), backward(upstream.copy(), cache_of_copy), strict=True):
            np.testing.assert_allclose(ours, copied, rtol=1e-10, atol=1e-12)
    for array, original in zip((x, dout, *arrays), before, strict=True):
        np.testing.assert_array_equal(array, original)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("training", [True, False])
def test_the_same_text_serves_every_array_library(library, training):
    xp = pytest.importorskip(library)
    x, dout, gamma, beta, mean = draw(0, (4, 6, 3, 2), (4, 6, 3, 2), 6, 6, 6)
    var = np.abs(mean) + 1

    def bn(x, *parameters):
        return batch_norm2d_forward(x, *parameters, training=training)

    def gn(x, *parameters):
        return group_norm_forward(x, *parameters, num_groups=2)

    for forward, backward, inputs in (
        (bn, batch_norm2d_backward, (x, gamma, beta, mean, var)),
        (gn, group_norm_backward, (x, gamma, beta)),
        (layer_norm_forward, layer_norm_backward, (x, *draw(1, (3, 2), (3, 2)))),
    ):
        out, cache, *running = forward(*inputs)
        there, cache_there, *running_there = forward(*map(xp.asarray, inputs))
        ours = [there, *running_there, *backward(xp.asarray(dout), cache_there)]
        for array, expected in zip(ours, [out, *running, *backward(dout, cache)], strict=True):
            assert type(array) is type(xp.asarray(x))
            np.testing.assert_allclose(np.asarray(array), expected, rtol=1e-10, atol=1e-12)


GOOD = {name: np.ones(3) for name in ("gamma", "beta", "running_mean", "running_var")}


@pytest.mark.parametrize("forward", [batch_norm_forward, batch_norm2d_forward])
@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"x": np.ones((4, 3, 2))}, "x"),
        ({"x": [[1.0]]}, "x"),
        ({"x": "integers"}, "x"),
        ({"x": "one value"}, "x"),
        ({"x": "no value"}, "x"),
        *(({name: np.ones(4)}, name) for name in GOOD),
        ({"gamma": 1.0}, "gamma"),
        ({"beta": np.ones((1, 3))}, "beta"),
        ({"eps": 0.0}, "eps"),
        ({"eps": -1e-5}, "eps"),
        ({"momentum": -0.1}, "momentum"),
        ({"momentum": 1.5}, "momentum"),
    ],
)
def test_a_bad_argument_of_batch_norm_is_named(forward, change, name):
    pixels = () if forward is batch_norm_forward else (1, 1)
    shapes = {
        "integers": np.ones((4, 3, *pixels), dtype=int),
        "one value": np.ones((1, 3, *pixels)),
        "no value": np.ones((0, 3, *pixels)),
    }
    change = {k: shapes[v] if isinstance(v, str) else v for k, v in change.items()}
    with pytest.raises(ValueError, match=f"^{name} must"):
        forward(**({"x": np.ones((4, 3, *pixels)), "training": True} | GOOD | change))


@pytest.mark.parametrize(
    ("forward", "arguments", "name"),
    [
        (layer_norm_forward, (np.ones((2, 3)), np.ones(2), np.ones(2)), "gamma"),
        (layer_norm_forward, (np.ones((2, 3)), np.ones((2, 3)), np.ones((2, 3))), "gamma"),
        (layer_norm_forward, (np.ones((2, 0)), np.ones(0), np.ones(0)), "gamma"),
        (layer_norm_forward, (np.ones((2, 3)), np.ones(3), np.ones(1)), "beta"),
        (layer_norm_forward, (np.ones((2, 3), dtype=int), np.ones(3), np.ones(3)), "x"),
        (group_norm_forward, (np.ones((2, 4)), np.ones(4), np.ones(4)), "x"),
        (group_norm_forward, (np.ones((2, 4, 1, 1)), np.ones(3), np.ones(4)), "gamma"),
        (group_norm_forward, (np.ones((2, 4, 1, 1)), np.ones(4), np.ones(3)), "beta"),
        (group_norm_forward, (np.ones((2, 3, 1, 1)), np.ones(3), np.ones(3)), "num_groups"),
        (group_norm_forward, (np.ones((2, 3, 0, 1)), np.ones(3), np.ones(3)), "num_groups"),
    ],
)
def test_a_bad_argument_of_layer_and_group_norm_is_named(forward, arguments, name):
    options = {} if forward is layer_norm_forward else {"num_groups": 2}
    with pytest.raises(ValueError, match=f"^{name} must"):
        forward(*arguments, **options)


def test_a_gradient_of_another_shape_is_named():
    x, one = np.random.default_rng(0).normal(size=(2, 3, 2, 2)), np.ones(3)
    for backward, cache in (
        (batch_norm2d_backward, batch_norm2d_forward(x, one, one, one, one, training=True)[1]),
        (group_norm_backward, group_norm_forward(x, one, one, num_groups=3)[1]),
        (layer_norm_backward, layer_norm_forward(x, np.ones(2), np.ones(2))[1]),
    ):
        with pytest.raises(ValueError, match=r"^dout must"):
            backward(np.ones((2, 3, 2)), cache)
