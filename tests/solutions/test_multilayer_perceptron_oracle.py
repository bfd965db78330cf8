"""The linear layer and the two-layer network against PyTorch's autograd."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solutions import losses
from solutions.multilayer_perceptron import (
    linear_backward,
    linear_forward,
    mlp_parameter_count,
    two_layer_backward,
    two_layer_forward,
)

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

sizes = st.integers(1, 6)


def tensors(arrays):
    return [torch.tensor(a, requires_grad=True) for a in arrays]


@settings(deadline=None)
@given(st.integers(0, 6), st.integers(0, 6), sizes, st.integers(0, 2**32 - 1))
def test_a_linear_layer_is_pytorchs(n, features, units, seed):
    rng = np.random.default_rng(seed)
    arrays = [rng.standard_normal(s) for s in ((n, features), (units, features), (units,))]
    dout = rng.standard_normal((n, units))
    out, cache = linear_forward(*arrays)
    leaves = tensors(arrays)
    expected = torch.nn.functional.linear(*leaves)
    expected.backward(torch.tensor(dout))
    np.testing.assert_allclose(out, expected.detach().numpy(), rtol=1e-12, atol=1e-13)
    for gradient, leaf in zip(linear_backward(dout, cache), leaves, strict=True):
        np.testing.assert_allclose(gradient, leaf.grad.numpy(), rtol=1e-12, atol=1e-13)


@settings(deadline=None)
@given(sizes, sizes, sizes, sizes, st.integers(0, 2**32 - 1))
def test_the_two_layer_network_with_its_loss_is_pytorchs(n, d, m, k, seed):
    rng = np.random.default_rng(seed)
    arrays = [rng.standard_normal(s) for s in ((n, d), (m, d), (m,), (k, m), (k,))]
    target = rng.integers(0, 2, (n, k)).astype(float)
    out, cache = two_layer_forward(*arrays)
    value, dout = losses.binary_cross_entropy_loss(out, target)
    x, w_hidden, b_hidden, w_output, b_output = leaves = tensors(arrays)
    linear = torch.nn.functional.linear
    expected = torch.sigmoid(linear(torch.sigmoid(linear(x, w_hidden, b_hidden)), w_output, b_output))
    loss = torch.nn.functional.binary_cross_entropy(expected, torch.tensor(target))
    loss.backward()
    np.testing.assert_allclose(value, loss.item(), rtol=1e-12)
    for gradient, leaf in zip(two_layer_backward(dout, cache), leaves, strict=True):
        np.testing.assert_allclose(gradient, leaf.grad.numpy(), rtol=1e-10, atol=1e-13)


def test_the_parameter_count_is_that_of_pytorchs_layers():
    model = torch.nn.Sequential(torch.nn.Linear(7, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3), torch.nn.Linear(3, 2))
    assert mlp_parameter_count((7, 5, 3, 2)) == sum(p.numel() for p in model.parameters())
