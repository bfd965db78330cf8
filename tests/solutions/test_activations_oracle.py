"""Activations against PyTorch's values and gradients, float64, any shape."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from solutions import activations

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

functional = torch.nn.functional
values = st.floats(-50, 50, allow_subnormal=False)
shapes = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
rows = hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=5)
channels_second = hnp.array_shapes(min_dims=2, max_dims=4, min_side=0, max_side=4)


def pair_of_arrays(shapes):
    """Draw an input and an upstream gradient of one shape."""
    return shapes.flatmap(lambda shape: st.tuples(*[hnp.arrays(np.float64, shape, elements=values)] * 2))


def compare(ours, torch_function, arrays, dout, **tolerances):
    """Compare a (forward, backward) pair with PyTorch's function and its gradients in all the arrays."""
    tolerances = {"rtol": 1e-12, "atol": 1e-13, **tolerances}
    forward, backward = ours
    out, cache = forward(*arrays)
    gradients = backward(dout, cache)
    tensors = [torch.tensor(a, requires_grad=True) for a in arrays]
    expected = torch_function(*tensors)
    expected.backward(torch.tensor(dout))
    np.testing.assert_allclose(out, expected.detach().numpy(), **tolerances)
    for gradient, tensor in zip(gradients if isinstance(gradients, tuple) else (gradients,), tensors, strict=True):
        np.testing.assert_allclose(gradient, tensor.grad.numpy(), **tolerances)


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "relu", "swish", "softplus"])
@settings(deadline=None)
@given(arrays=pair_of_arrays(shapes))
def test_an_activation_without_hyperparameters_is_pytorchs(name, arrays):
    x, dout = arrays
    theirs = {
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "relu": torch.relu,
        "swish": functional.silu,
        # Its default threshold replaces log(1 + exp(x)) by x from 20 on, which is off by 2e-9.
        "softplus": lambda t: functional.softplus(t, threshold=100),
    }
    ours = getattr(activations, f"{name}_forward"), getattr(activations, f"{name}_backward")
    compare(ours, theirs[name], [x], dout)


@settings(deadline=None)
@given(arrays=pair_of_arrays(shapes), slope=st.floats(0, 1))
def test_leaky_relu_is_pytorchs_for_any_slope_between_zero_and_one(arrays, slope):
    x, dout = arrays
    ours = lambda x: activations.leaky_relu_forward(x, slope=slope), activations.leaky_relu_backward
    compare(ours, lambda t: functional.leaky_relu(t, slope), [x], dout)


@settings(deadline=None)
@given(arrays=pair_of_arrays(shapes), alpha=st.floats(-2, 3))
def test_elu_is_pytorchs_for_any_alpha(arrays, alpha):
    x, dout = arrays
    ours = lambda x: activations.elu_forward(x, alpha=alpha), activations.elu_backward
    compare(ours, lambda t: functional.elu(t, alpha), [x], dout)


@settings(deadline=None)
@given(arrays=pair_of_arrays(shapes), beta=st.floats(-3, 3))
def test_swish_is_x_times_pytorchs_sigmoid_for_any_beta(arrays, beta):
    x, dout = arrays
    ours = lambda x: activations.swish_forward(x, beta=beta), activations.swish_backward
    compare(ours, lambda t: t * torch.sigmoid(beta * t), [x], dout, rtol=1e-10, atol=1e-11)


@settings(deadline=None)
@given(arrays=pair_of_arrays(channels_second), data=st.data())
def test_prelu_is_pytorchs_with_one_slope_a_channel(arrays, data):
    x, dout = arrays
    slope = data.draw(hnp.arrays(np.float64, (x.shape[1],), elements=st.floats(-2, 2)))
    if x.shape[1] == 0:
        return  # PyTorch refuses an array without channels
    compare((activations.prelu_forward, activations.prelu_backward), functional.prelu, [x, slope], dout)


@settings(deadline=None)
@given(arrays=pair_of_arrays(rows))
def test_softmax_is_pytorchs_along_the_last_axis(arrays):
    x, dout = arrays
    ours = activations.softmax_forward, activations.softmax_backward
    compare(ours, lambda t: torch.softmax(t, dim=-1), [x], dout, atol=1e-12)


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "elu"])
def test_at_a_kink_the_slope_is_the_one_pytorch_chose(name):
    x, dout = np.array([0.0, -0.0]), np.array([2.0, -3.0])
    ours = getattr(activations, f"{name}_forward"), getattr(activations, f"{name}_backward")
    compare(ours, getattr(functional, name), [x], dout)
