"""Functions computed in blocks and by threads: the same bits as at once, whatever the sizes, layouts and types."""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from solutions import activations, blockwise, pooling, threads

NAMES = ["sigmoid", "tanh", "relu", "leaky_relu", "prelu", "elu", "softplus", "swish"]
SHAPES = [(0, 3), (1, 3), (2, 1), (5, 3, 0), (5, 3), (7, 3, 13, 11)]


def results(name: str, x: np.ndarray, dout: np.ndarray) -> list[np.ndarray]:
    parameters = [np.linspace(0.1, 0.4, x.shape[1]).astype(x.dtype)] if name == "prelu" else []
    out, cache = getattr(activations, f"{name}_forward")(x, *parameters)
    gradients = getattr(activations, f"{name}_backward")(dout, cache)
    return [out, *(gradients if isinstance(gradients, tuple) else (gradients,))]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("types", [("f4", "f4"), ("f8", "f8"), ("f4", "f8")])
def test_every_activation_is_the_same_to_the_last_bit_on_one_thread_or_more(
    name: str, types: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    controller = threads._controller()  # `threadpool_limits` looks all libraries up again each time
    for shape in SHAPES:
        x, dout = ((3 * rng.standard_normal(shape)).astype(dtype) for dtype in types)
        for upstream, image in ((dout, x), (dout[::-1], np.asfortranarray(x))):
            plain = results(name, image, upstream)
            monkeypatch.setattr(blockwise, "SMALLEST_SHARE", 1)
            monkeypatch.setattr(blockwise, "BLOCK_BYTES", 500)
            for allowed in (1, 2, 3):
                with controller.limit(limits=allowed):
                    for ours, expected in zip(results(name, image, upstream), plain, strict=True):
                        assert ours.dtype == expected.dtype
                        np.testing.assert_array_equal(ours, expected)
            monkeypatch.undo()


def test_max_pooling_is_the_same_to_the_last_bit_on_one_thread_or_more(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 4, (7, 3, 9, 8)).astype(np.float32)  # with ties, of which the first wins
    out, (sources, _) = pooling.max_pool2d_forward(x, 3, stride=2, padding=1)
    monkeypatch.setattr(blockwise, "SMALLEST_SHARE", 1)
    monkeypatch.setattr(blockwise, "BLOCK_BYTES", 500)
    for allowed in (1, 2, 3):
        with threads._controller().limit(limits=allowed):
            found, (found_sources, _) = pooling.max_pool2d_forward(x, 3, stride=2, padding=1)
        np.testing.assert_array_equal(found, out)
        np.testing.assert_array_equal(found_sources, sources)


def test_an_error_in_a_thread_reaches_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blockwise, "SMALLEST_SHARE", 1)

    def bad(x: np.ndarray) -> np.ndarray:
        raise MemoryError(f"no room for {len(x)}")

    with threadpool_limits(2), pytest.raises(MemoryError, match="no room for"):
        blockwise.blockwise(bad, np.ones(8))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_identities_are_exact_to_a_few_units_of_the_last_place_down_to_the_smallest_normal_number(dtype) -> None:
    info = np.finfo(dtype)
    small = np.geomspace(float(info.smallest_normal) * 2, 1, 10_001)
    x = -np.concatenate([small, np.linspace(1, -np.log(info.smallest_normal), 1001)]).astype(dtype)
    np.testing.assert_allclose(activations._expm1(x), np.expm1(x), rtol=4 * info.eps)
    np.testing.assert_allclose(activations._log1p(-x[:10_001]), np.log1p(-x[:10_001]), rtol=4 * info.eps)
