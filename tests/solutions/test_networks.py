"""A network against PyTorch's Sequential, its counts against its arrays, its field of view against moved pixels."""

import io
import zipfile

import numpy as np
import pytest

from solutions.architecture import multiplication_count, output_shapes, parameter_count, receptive_field
from solutions.descriptions import CIFAR10, DIGITS, KEYS, LENET5, LENET5_BATCH_NORM, conv, linear
from solutions.networks import Network

RELU, FLATTEN, NORM, DROPOUT = ({"kind": kind} for kind in ("relu", "flatten", "batch_norm2d", "dropout"))
MAX = {"kind": "max_pool2d", "kernel_size": 2}

# Every kind at least once; nothing square, nothing equal.
EVERY_KIND = [
    *(conv(6, (3, 2), stride=(1, 2), padding=(1, 0)), NORM, {"kind": "leaky_relu", "slope": 0.2}),
    *(conv(4, 3, padding="same", groups=2, bias=False), {"kind": "prelu"}, {"kind": "tanh"}),
    *({"kind": "avg_pool2d", "kernel_size": 2, "stride": 1}, {"kind": "swish", "beta": 1.5}),
    *(conv(5, 2, padding="same", stride=2), {"kind": "elu", "alpha": 0.7}),
    *({"kind": "max_pool2d", "kernel_size": (2, 1), "padding": 0}, {"kind": "softplus"}, RELU),
    *({"kind": "global_avg_pool2d"}, FLATTEN, linear(7), {"kind": "batch_norm"}, DROPOUT, {"kind": "sigmoid"}),
    *({"kind": "linear", "out_features": 3, "bias": False}, {"kind": "softmax"}),
]
IMAGE = (2, 9, 12)


def network_of(layers, shape, dtype=np.float64, seed=0):
    return Network.create(layers, shape, rng=np.random.default_rng(seed), dtype=dtype)


def batch(shape, n=4, dtype=np.float64, seed=1):
    return np.random.default_rng(seed).standard_normal((n, *shape)).astype(dtype)


def test_the_example_covers_every_kind():
    assert {layer["kind"] for layer in EVERY_KIND} == set(KEYS)


@pytest.mark.parametrize("training", [False, True])
def test_every_layers_output_has_the_shape_that_was_counted(training):
    network, x = network_of(EVERY_KIND, IMAGE), batch(IMAGE)
    assert [out.shape[1:] for out in network.outputs(x)] == output_shapes(EVERY_KIND, IMAGE)
    assert network.forward(x, training=training, rng=np.random.default_rng(0)).shape == (4, 3)


@pytest.mark.parametrize(
    ("layers", "shape"), [(EVERY_KIND, IMAGE), (LENET5, (1, 32, 32)), (DIGITS, (1, 8, 8)), (CIFAR10, (3, 32, 32))]
)
def test_the_arrays_hold_as_many_numbers_as_were_counted(layers, shape):
    network = network_of(layers, shape)
    assert sum(a.size for a in network.parameters.values()) == parameter_count(layers, shape)
    assert sum(a.size for a in network.arrays().values()) == parameter_count(layers, shape, stored=True)


def test_the_backward_is_the_derivative_of_the_forward_in_every_parameter_and_the_input():
    network, x = network_of(EVERY_KIND, IMAGE), batch(IMAGE)
    rng = np.random.default_rng(2)
    dout = rng.standard_normal((4, 3))

    def loss(arrays, x):
        network.restore(arrays)
        return float(np.sum(dout * network.forward(x, training=True, rng=np.random.default_rng(3))))

    start = network.snapshot()
    loss(start, x)
    dx = network.backward(dout)
    gradients = network.gradients
    assert gradients.keys() == network.parameters.keys()
    for name, gradient in {**gradients, "x": dx}.items():
        direction = rng.standard_normal(gradient.shape)
        moved = [
            loss(start, x + step * direction)
            if name == "x"
            else loss(start | {name: start[name] + step * direction}, x)
            for step in (1e-6, -1e-6)
        ]
        assert (moved[0] - moved[1]) / 2e-6 == pytest.approx(float(np.sum(gradient * direction)), rel=1e-5, abs=1e-8), (
            name
        )


def test_only_training_changes_the_running_averages_and_draws_dropout():
    network, x = network_of(EVERY_KIND, IMAGE), batch(IMAGE)
    before = network.snapshot()
    first, second = network.forward(x), network.forward(x)
    np.testing.assert_array_equal(first, second)
    for name, array in network.arrays().items():
        np.testing.assert_array_equal(array, before[name])
    network.forward(x, training=True, rng=np.random.default_rng(0))
    changed = {name for name, array in network.arrays().items() if not np.array_equal(array, before[name])}
    assert changed == set(network.running)


def test_a_network_stays_float32_forward_and_backward():
    network, x = network_of(EVERY_KIND, IMAGE, np.float32), batch(IMAGE, dtype=np.float32)
    out = network.forward(x, training=True, rng=np.random.default_rng(0))
    assert {a.dtype for a in network.outputs(x)} == {np.dtype(np.float32)}
    assert network.backward(np.ones_like(out)).dtype == out.dtype == np.float32
    assert {a.dtype for a in [*network.gradients.values(), *network.running.values()]} == {np.dtype(np.float32)}


def test_forward_and_backward_leave_their_inputs_alone():
    network, x = network_of(EVERY_KIND, IMAGE), batch(IMAGE)
    x_before = x.copy()
    dout = np.ones_like(network.forward(x, training=True, rng=np.random.default_rng(0)))
    network.backward(dout)
    np.testing.assert_array_equal(x, x_before)
    np.testing.assert_array_equal(dout, np.ones_like(dout))


def test_a_snapshot_is_a_copy_and_restoring_takes_one():
    network = network_of([linear(2)], (3,))
    kept = network.snapshot()
    network.parameters["0.weight"] += 1
    network.restore(kept)
    network.parameters["0.weight"] += 1
    np.testing.assert_allclose(network.parameters["0.weight"] - kept["0.weight"], 1)


def test_backward_serves_one_training_forward():
    network, x = network_of([linear(2)], (3,)), batch((3,))
    network.forward(x)
    with pytest.raises(ValueError, match="backward needs a forward"):
        network.backward(np.ones((4, 2)))
    network.forward(x, training=True)
    network.backward(np.ones((4, 2)))
    with pytest.raises(ValueError, match="backward needs a forward"):
        network.backward(np.ones((4, 2)))


def test_x_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"x must be a batch of shape \(N, 1, 8, 8\), got \(4, 8, 8\)"):
        network_of([conv(1, 3)], (1, 8, 8)).forward(batch((8, 8)))


def test_an_empty_network_is_the_identity():
    network, x = network_of([], (3,)), batch((3,))
    np.testing.assert_array_equal(network.forward(x, training=True), x)
    np.testing.assert_array_equal(network.backward(x), x)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_saved_network_comes_back_whole_and_without_pickle(tmp_path, dtype):
    network, x = network_of(EVERY_KIND, IMAGE, dtype), batch(IMAGE, dtype=dtype)
    network.forward(x, training=True, rng=np.random.default_rng(0))  # the running averages are no longer fresh
    network.save(tmp_path / "network.npz")
    again = Network.load(tmp_path / "network.npz")
    np.testing.assert_array_equal(again.forward(x), network.forward(x))
    assert again.arrays().keys() == network.arrays().keys()
    with zipfile.ZipFile(tmp_path / "network.npz") as file:
        for member in file.namelist():
            np.lib.format.read_array(io.BytesIO(file.read(member)), allow_pickle=False)


def test_a_file_that_is_no_network_is_refused(tmp_path):
    path = tmp_path / "network.npz"
    path.write_bytes(b"PK but not really")
    with pytest.raises(ValueError, match="holds no network"):
        Network.load(path)
    np.savez(path, description=np.array("5"))
    with pytest.raises(ValueError, match="holds no network"):
        Network.load(path)
    np.savez(path, description=np.array([{"layers": []}], dtype=object))
    with pytest.raises(ValueError, match="holds no network"):
        Network.load(path)


def test_a_network_whose_arrays_do_not_fit_is_refused(tmp_path):
    network = network_of([linear(2)], (3,))
    network.parameters["0.weight"] = np.zeros((2, 4))
    network.save(tmp_path / "network.npz")
    with pytest.raises(ValueError, match=r"0\.weight must be floats of shape \(2, 3\), got float64 of shape \(2, 4\)"):
        Network.load(tmp_path / "network.npz")


@pytest.mark.parametrize(
    "layers",
    [
        [conv(2, 3), RELU, conv(2, 3)],
        [conv(2, (3, 5)), MAX, conv(2, 3, stride=2), conv(1, 2)],
        [conv(2, 3, stride=2), conv(2, 3, stride=2)],
        [conv(2, 3, dilation=2), {"kind": "avg_pool2d", "kernel_size": 3, "stride": 2}, conv(1, (2, 3))],
        [conv(3, 3, padding=1), NORM, {"kind": "tanh"}, MAX, conv(2, 3, padding=1), MAX],
    ],
)
def test_the_pixels_that_move_an_output_are_the_receptive_field(layers):
    """Each pixel of one image is moved in turn (a batch of moved images); strict bounds need an inner output."""
    size = 25
    network = network_of(layers, (1, size, size))
    image = np.abs(batch((1, size, size), n=1)) + 0.5
    _, height, width = output_shapes(layers, image.shape[1:])[-1]
    place = (slice(None), slice(None), height // 2, width // 2)
    rows, columns = set(), set()
    # Large moves in both directions, so that every pixel wins its pooling window once and wakes a ReLU.
    for step in (100.0, -100.0):
        moved = np.repeat(image, size * size, axis=0)
        moved.reshape(size * size, -1)[np.arange(size * size), np.arange(size * size)] += step
        changed = np.any(network.forward(moved)[place] != network.forward(image)[place], axis=1)
        rows |= set((np.flatnonzero(changed) // size).tolist())
        columns |= set((np.flatnonzero(changed) % size).tolist())
    seen = (max(rows) - min(rows) + 1, max(columns) - min(columns) + 1)
    assert seen == receptive_field(layers)


def test_the_products_are_those_that_a_convolution_by_hand_makes():
    layers, shape = [conv(3, (2, 3), stride=(2, 1), padding=1, groups=2, bias=False)], (4, 5, 6)
    layers[0]["out_channels"] = 6
    # One product a weight and place: ones everywhere but the border make each output count its products.
    network = network_of(layers, shape)
    network.parameters["0.weight"] = np.ones_like(network.parameters["0.weight"])
    unpadded = [{**layers[0], "padding": 0}]
    network_unpadded = network_of(unpadded, shape)
    network_unpadded.parameters = network.parameters
    assert network_unpadded.forward(np.ones((1, *shape))).sum() == multiplication_count(unpadded, shape)


def test_lenet_with_batch_norm_takes_mnists_size():
    network = network_of(LENET5_BATCH_NORM, (1, 28, 28), np.float32)
    assert network.forward(batch((1, 28, 28), dtype=np.float32)).shape == (4, 10)
