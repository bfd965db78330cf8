"""Losses against PyTorch's defaults: values and gradients."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from solutions import losses

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

functional = torch.nn.functional
shapes = hnp.array_shapes(min_dims=0, max_dims=4, min_side=1, max_side=4)


def arrays(shape, low, high):
    return hnp.arrays(np.float64, shape, elements=st.floats(low, high, allow_subnormal=False))


def two_arrays(low, high):
    return shapes.flatmap(lambda shape: st.tuples(arrays(shape, low, high), arrays(shape, low, high)))


def compare(ours, theirs, prediction, target, **tolerances):
    value, gradient = ours(prediction, target)
    tensor = torch.tensor(prediction, requires_grad=True)
    expected = theirs(tensor, torch.tensor(target))
    expected.backward()
    np.testing.assert_allclose(value, expected.detach().numpy(), **tolerances)
    np.testing.assert_allclose(gradient, tensor.grad.numpy(), **tolerances)


@settings(deadline=None)
@given(two_arrays(-1e3, 1e3))
def test_mse_is_pytorchs(pair):
    compare(losses.mse_loss, functional.mse_loss, *pair, rtol=1e-12, atol=1e-12)


@settings(deadline=None)
@given(two_arrays(0, 1))
def test_binary_cross_entropy_is_pytorchs_with_its_bounds_at_zero_and_one(pair):
    # PyTorch keeps its bound of 1e-12 in float32 whatever the input: 4e-9 off.
    ours, theirs = losses.binary_cross_entropy_loss, functional.binary_cross_entropy
    compare(ours, theirs, *pair, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_certain_prediction_costs_what_pytorch_says(dtype):
    prediction = np.array([0, 1, 0, 1, 1e-30], dtype)
    target = np.array([0, 1, 1, 0, 1], dtype)
    compare(losses.binary_cross_entropy_loss, functional.binary_cross_entropy, prediction, target, rtol=1e-6)


@settings(deadline=None)
@given(
    hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=6).flatmap(lambda s: arrays(s, -1e3, 1e3)), st.data()
)
def test_cross_entropy_is_pytorchs(scores, data):
    n, classes = scores.shape
    labels = data.draw(hnp.arrays(np.int64, (n,), elements=st.integers(0, classes - 1)))
    compare(losses.cross_entropy_loss, functional.cross_entropy, scores, labels, rtol=1e-12, atol=1e-12)


@settings(deadline=None)
@given(hnp.arrays(np.int64, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0), elements=st.integers(0, 4)))
def test_one_hot_is_pytorchs_but_for_the_type(labels):
    np.testing.assert_array_equal(losses.one_hot(labels, 5), functional.one_hot(torch.tensor(labels), 5).numpy())
