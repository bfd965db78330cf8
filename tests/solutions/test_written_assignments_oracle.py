"""Is NYU's denoising network PyTorch's, gradient included, and are its counts those of PyTorch's modules?"""

import numpy as np
import pytest

from solutions.written_assignments import conv_pool_linear_counts, denoise, denoising_counts, denoising_loss

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle


@pytest.mark.parametrize(
    ("images", "maps", "colours", "kernel", "size"),
    [(2, 3, 4, (3, 5), (6, 7)), (1, 1, 1, (1, 1), (1, 1)), (3, 2, 1, (5, 1), (3, 4)), (1, 4, 3, (7, 3), (2, 5))],
)
def test_the_loss_and_its_gradients_are_those_of_autograd(images, maps, colours, kernel, size):
    rng = np.random.default_rng(3)
    h, b = rng.normal(size=(colours, maps, *kernel)), rng.normal(size=colours)
    z, target = rng.normal(size=(images, maps, *size)), rng.normal(size=(images, colours, *size))
    h_torch, b_torch = (torch.tensor(a, requires_grad=True) for a in (h, b))
    prediction = torch.nn.functional.conv2d(torch.tensor(z), h_torch, b_torch, padding="same")
    loss = torch.nn.functional.mse_loss(prediction, torch.tensor(target))
    loss.backward()
    value, dh, db = denoising_loss(h, b, z, target)
    np.testing.assert_allclose(denoise(h, b, z), prediction.detach())
    np.testing.assert_allclose(value, loss.detach())
    np.testing.assert_allclose(dh, h_torch.grad, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(db, b_torch.grad, rtol=1e-9, atol=1e-12)


def test_an_even_kernel_is_refused_because_it_cannot_keep_the_size():
    with pytest.raises(ValueError, match="odd"):
        denoise(np.ones((1, 1, 2, 3)), np.ones(1), np.ones((1, 1, 4, 4)))


def test_the_denoising_network_has_as_many_parameters_as_pytorchs():
    parameters, fields = denoising_counts(3, (16, 8), (5, 3, 7))
    layers = [torch.nn.Conv2d(3, 16, 5), torch.nn.Conv2d(16, 8, 3), torch.nn.Conv2d(8, 3, 7)]
    assert parameters == tuple(sum(p.numel() for p in layer.parameters()) for layer in layers)
    assert fields == (5, 7, 13)


def test_the_classifier_has_as_many_parameters_as_pytorchs():
    parameters, field = conv_pool_linear_counts(29, 34, filters=6, kernel_size=5, pool_size=3, outputs=4)
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 6, 5), torch.nn.MaxPool2d(3), torch.nn.Flatten())
    features = network(torch.zeros(1, 1, 29, 34)).shape[1]
    assert parameters == sum(p.numel() for p in network.parameters()) + 4 * (features + 1)
    assert field == 7
