"""The convolution layers against PyTorch: values and gradients over shapes, strides, paddings, dilations, groups."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solutions import convolution, im2col, im2col_blocks, transposed_convolution
from tests.solutions.conv_strategies import PADDING_MODES, Layer, conv_layers, transposed_layers

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

PAIRS = {
    "clear": (convolution.conv2d_forward, convolution.conv2d_backward),
    "plain": (im2col.conv2d_forward_plain, im2col.conv2d_backward_plain),
    "blocks": (im2col.conv2d_forward, im2col.conv2d_backward),
}
TOLERANCE = {"float64": 1e-12, "float32": 2e-5}


def tensor(array: np.ndarray) -> Any:
    return torch.tensor(array).requires_grad_()


def distance(ours: np.ndarray, theirs: Any) -> float:
    expected = theirs.detach().numpy()
    assert ours.shape == expected.shape
    assert ours.dtype == expected.dtype
    return float(np.linalg.norm(ours - expected) / max(np.linalg.norm(expected), 1.0))


def torch_conv(x: Any, w: Any, b: Any, *, padding: Any, padding_mode: str, **hyper: Any) -> Any:
    if padding_mode != "zeros":
        (ph, pw), padding = padding, 0
        x = torch.nn.functional.pad(x, (pw, pw, ph, ph), mode=padding_mode)
    return torch.nn.functional.conv2d(x, w, b, padding=padding, **hyper)


def torch_transposed(x: Any, w: Any, b: Any, **hyper: Any) -> Any:
    return torch.nn.functional.conv_transpose2d(x, w, b, **hyper)


def assert_agrees(layer: Layer, dtype: str, theirs: Callable[..., Any], forward: Any, backward: Any) -> None:
    layer = layer.cast(dtype)
    x, w, b = tensor(layer.x), tensor(layer.w), None if layer.b is None else tensor(layer.b)
    expected = theirs(x, w, b, **layer.hyper)
    dout = layer.upstream(expected.detach().numpy())
    expected.backward(torch.tensor(dout))

    out, cache = forward(layer.x, layer.w, layer.b, **layer.hyper)
    dx, dw, db = backward(dout, cache)

    assert distance(out, expected) < TOLERANCE[dtype]
    assert distance(dx, x.grad) < TOLERANCE[dtype]
    assert distance(dw, w.grad) < TOLERANCE[dtype]
    assert (db is None) == (b is None)
    assert db is None or distance(db, b.grad) < TOLERANCE[dtype]


@pytest.mark.parametrize("name", PAIRS)
@settings(deadline=None, max_examples=60)
@given(layer=conv_layers(), dtype=st.sampled_from(["float32", "float64"]))
def test_a_convolution_layer_has_pytorchs_values_and_gradients(name: str, layer: Layer, dtype: str) -> None:
    assert_agrees(layer, dtype, torch_conv, *PAIRS[name])


@settings(deadline=None, max_examples=80)
@given(layer=conv_layers(), block_bytes=st.sampled_from([1, 500, 3000]), share=st.sampled_from([1, 1 << 40]))
def test_blocks_of_any_size_on_one_thread_or_more_have_pytorchs_values_and_gradients(
    layer: Layer, block_bytes: int, share: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(im2col_blocks, "BLOCK_BYTES", block_bytes)
        patch.setattr(im2col_blocks, "SMALLEST_SHARE", share)
        assert_agrees(layer, "float64", torch_conv, *PAIRS["blocks"])


@settings(deadline=None, max_examples=80)
@given(layer=transposed_layers(), dtype=st.sampled_from(["float32", "float64"]))
def test_a_transposed_layer_has_pytorchs_values_and_gradients(layer: Layer, dtype: str) -> None:
    pair = (transposed_convolution.conv_transpose2d_forward, transposed_convolution.conv_transpose2d_backward)
    assert_agrees(layer, dtype, torch_transposed, *pair)


@settings(deadline=None, max_examples=60)
@given(layer=conv_layers(modes=("zeros",)))
def test_im2col_and_col2im_are_unfold_and_fold(layer: Layer) -> None:
    hyper = {name: layer.hyper[name] for name in ("stride", "padding", "dilation")}
    kernel, size = layer.w.shape[2:], layer.x.shape[2:]
    expected = torch.nn.Unfold(kernel, **hyper)(torch.tensor(layer.x))
    cols = im2col.im2col(layer.x, kernel, **hyper)
    assert distance(cols, expected) == 0
    image = im2col.col2im(cols, size, kernel, **hyper)
    assert distance(image, torch.nn.Fold(size, kernel, **hyper)(expected)) < 1e-14


@pytest.mark.parametrize("mode", PADDING_MODES)
@pytest.mark.parametrize("padding", [(0, 0), (1, 2), (3, 3)])
def test_pad2d_and_its_gradient_are_pytorchs(mode: str, padding: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    x = tensor(rng.standard_normal((2, 3, 4, 5)))
    (ph, pw), torch_mode = padding, "constant" if mode == "zeros" else mode
    expected = torch.nn.functional.pad(x, (pw, pw, ph, ph), mode=torch_mode)
    dout = rng.standard_normal(tuple(expected.shape))
    expected.backward(torch.tensor(dout))
    assert distance(convolution.pad2d(x.detach().numpy(), padding, mode=mode), expected) == 0
    assert distance(convolution.pad2d_backward(dout, padding, mode=mode), x.grad) < 1e-14


@pytest.mark.parametrize(("mode", "padding"), [("reflect", 4), ("circular", 5)])
def test_a_padding_that_pytorch_refuses_is_refused(mode: str, padding: int) -> None:
    x = np.zeros((1, 1, 4, 4))
    with pytest.raises(RuntimeError):
        torch.nn.functional.pad(torch.tensor(x), (padding,) * 4, mode=mode)
    with pytest.raises(ValueError, match="padding must be at most"):
        convolution.pad2d(x, padding, mode=mode)
    convolution.pad2d(x, padding - 1, mode=mode)
    torch.nn.functional.pad(torch.tensor(x), (padding - 1,) * 4, mode=mode)


@pytest.mark.parametrize("name", PAIRS)
def test_pytorch_tensors_take_the_same_way(name: str) -> None:
    rng = np.random.default_rng(2)
    x, w, b = (rng.standard_normal(s) for s in ((2, 4, 5, 6), (6, 2, 3, 2), (6,)))
    forward, backward = PAIRS[name]
    hyper = {"stride": (1, 2), "padding": (1, 2), "dilation": (1, 2), "groups": 2, "padding_mode": "reflect"}
    out, cache = forward(x, w, b, **hyper)
    dout = rng.standard_normal(out.shape)
    theirs, their_cache = forward(torch.tensor(x), torch.tensor(w), torch.tensor(b), **hyper)
    assert isinstance(theirs, torch.Tensor)
    ours = (out, *backward(dout, cache))
    for a, t in zip(ours, (theirs, *backward(torch.tensor(dout), their_cache)), strict=True):
        assert distance(a, t) < 1e-13
