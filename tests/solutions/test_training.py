"""The training loop keeps what it promises: the same way for the same seed, the best weights, one line for an error."""

import gzip
import json
import pickle
import struct

import array_api_strict
import numpy as np
import pytest

from solutions import training_cli
from solutions.descriptions import conv, linear
from solutions.networks import Network
from solutions.optimizers import sgd_step
from solutions.training import evaluate, predict, train

LAYERS = [
    *(conv(4, 3, padding=1, bias=False), {"kind": "batch_norm2d"}, {"kind": "relu"}),
    *({"kind": "max_pool2d", "kernel_size": 2}, {"kind": "flatten"}, {"kind": "dropout", "p": 0.2}, linear(3)),
]


def stripes(n, seed=0):
    """Images of horizontal stripes, vertical stripes or neither, in noise."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, n)
    x = 0.5 * rng.standard_normal((n, 1, 6, 6))
    x[labels == 0, :, ::2, :] += 1
    x[labels == 1, :, :, ::2] += 1
    return x.astype(np.float32), labels


def fresh(seed=0):
    return Network.create(LAYERS, (1, 6, 6), rng=np.random.default_rng(seed))


def run(*, seed=0, n=90, network=None, **settings):
    network = network or fresh()
    settings = {"epochs": 6, "batch_size": 16, "lr": 0.01} | settings
    history = train(network, *stripes(n), *stripes(60, seed=1), rng=np.random.default_rng(seed), **settings)
    return network, history


def test_training_learns_to_tell_stripes_apart_on_images_it_never_saw():
    network, history = run(epochs=15)
    assert evaluate(network, *stripes(300, seed=2))[1] > 0.95
    assert history.epochs[0].train_loss > 3 * history.epochs[-1].train_loss


def test_the_same_seed_trains_the_same_network_bit_for_bit_and_another_seed_another():
    (first, history), (second, again), (other, _) = run(seed=5), run(seed=5), run(seed=6)
    assert history == again
    for name, array in first.arrays().items():
        np.testing.assert_array_equal(array, second.arrays()[name])
    assert any(not np.array_equal(array, other.arrays()[name]) for name, array in first.arrays().items())


def test_training_stays_in_float32():
    network, _ = run(epochs=1)
    assert {array.dtype for array in network.arrays().values()} == {np.dtype(np.float32)}


def test_the_weights_of_the_best_epoch_are_left_and_not_those_of_the_last():
    # From the third epoch on, the steps are long enough to do harm.
    network, history = run(epochs=6, schedule=lambda lr, epoch: lr if epoch < 2 else 100 * lr, step=sgd_step, lr=0.1)
    losses = [epoch.validation_loss for epoch in history.epochs]
    assert losses[-1] > min(losses) == losses[history.best - 1]
    assert evaluate(network, *stripes(60, seed=1))[0] == min(losses)


def test_patience_counts_the_epochs_without_a_lower_loss():
    # Without steps nothing gets better, but for batch normalisation's averages: leave them out.
    network = Network.create([{"kind": "flatten"}, linear(3)], (1, 6, 6), rng=np.random.default_rng(0))
    _, history = run(network=network, epochs=20, patience=4, schedule=lambda lr, epoch: 0.0, step=sgd_step)
    assert (len(history.epochs), history.best, history.ended) == (5, 1, "early")


def test_the_learning_rate_warms_up_and_falls_to_nothing():
    _, history = run(epochs=6, lr=0.01, patience=6)
    rates = [epoch.lr for epoch in history.epochs]
    assert rates[0] < rates[1] < rates[2] == 0.01
    assert rates[2:] == sorted(rates[2:], reverse=True)
    assert rates[-1] < 0.002


@pytest.mark.parametrize("n", [5, 16, 17, 33])
def test_a_batch_norm_network_trains_whatever_the_last_batch_would_hold(n):
    _, history = run(n=n, epochs=2)
    assert np.isfinite(history.epochs[-1].train_loss)


def test_a_keyboard_interrupt_keeps_the_best_weights_so_far():
    calls = []

    def augment(x, rng):
        calls.append(len(x))
        if len(calls) > 13:  # in the middle of the third epoch
            raise KeyboardInterrupt
        return x

    network, history = run(augment=augment, epochs=50)
    assert (len(history.epochs), history.ended) == (2, "interrupted")
    best = min(epoch.validation_loss for epoch in history.epochs)
    assert evaluate(network, *stripes(60, seed=1))[0] == best


def test_an_interrupt_before_the_first_epoch_ends_leaves_the_network_as_it_was():
    calls = []

    def augment(x, rng):
        calls.append(len(x))
        if len(calls) > 2:
            raise KeyboardInterrupt
        return x

    network, history = run(augment=augment)
    assert (history.epochs, history.best, history.ended) == ((), 0, "interrupted")
    for name, array in fresh().arrays().items():
        np.testing.assert_array_equal(network.arrays()[name], array)


def test_training_that_comes_to_nothing_leaves_the_network_as_it_was():
    network, (x, labels) = fresh(), stripes(40)
    history = train(network, x, labels, np.nan * x, labels, rng=np.random.default_rng(0), epochs=2)
    assert (history.best, history.ended) == (0, "epochs")
    for name, array in fresh().arrays().items():
        np.testing.assert_array_equal(network.arrays()[name], array)


def test_augmentation_meets_the_training_batches_only():
    seen = []

    def augment(x, rng):
        seen.append(len(x))
        return 0 * x

    _, history = run(augment=augment, epochs=1)
    assert seen == [16] * 5  # 90 images; the last 10 wait for another epoch
    assert history.epochs[0].validation_accuracy != history.epochs[0].train_accuracy


def test_the_sets_are_left_as_they_were():
    x, labels = stripes(40)
    train(fresh(), x, labels, x, labels, rng=np.random.default_rng(0), epochs=1)
    np.testing.assert_array_equal(x, stripes(40)[0])


def test_predicting_in_batches_gives_what_one_pass_gives():
    network, _ = run(epochs=1)
    x, _ = stripes(50)
    np.testing.assert_allclose(predict(network, x, batch_size=7), network.forward(x), rtol=1e-5, atol=1e-6)


def test_one_text_trains_arrays_of_another_library_alike():
    """array-api-strict refuses whatever only NumPy knows, as CuPy might."""
    (x, labels), (x_held, labels_held) = stripes(40), stripes(20, seed=1)
    results = []
    for xp in (np, array_api_strict):
        network = Network.create(LAYERS, (1, 6, 6), rng=np.random.default_rng(0), dtype=np.float64, xp=xp)
        arrays = [xp.asarray(a) for a in (x.astype(float), labels, x_held.astype(float), labels_held)]
        history = train(network, *arrays, rng=np.random.default_rng(0), epochs=2, batch_size=16)
        results.append((history, {name: np.asarray(array) for name, array in network.arrays().items()}))
    assert results[1][0].epochs[-1].validation_loss == pytest.approx(results[0][0].epochs[-1].validation_loss, rel=1e-6)
    for name, array in results[0][1].items():
        np.testing.assert_allclose(results[1][1][name], array, rtol=1e-5, atol=1e-8, err_msg=name)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 0}, "epochs must be an integer of at least 1"),
        ({"batch_size": 0}, "batch_size must be an integer of at least 1"),
        ({"patience": 0}, "patience must be"),
        ({"lr": -1}, "lr must be"),
        ({"n": 0}, "x must hold at least one example"),
    ],
)
def test_a_setting_out_of_range_is_named(settings, message):
    with pytest.raises(ValueError, match=message):
        run(**settings)


# The command


def written(folder):
    return {path.name for path in folder.iterdir()}


EVERYTHING = {"curves.png", "confusion.png", "filters.png", "feature-maps.png", "mistakes.png"} | {
    "network.npz",
    "history.json",
}


def test_the_command_writes_every_figure_the_weights_and_the_history(tmp_path, capsys):
    assert training_cli.main(["--epochs", "1", "--out", str(tmp_path / "new" / "folder")]) == 0
    out = tmp_path / "new" / "folder"
    assert written(out) == EVERYTHING
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in out.glob("*.png"))
    assert "held-out test set" in capsys.readouterr().out
    assert Network.load(out / "network.npz").input_shape == (1, 8, 8)


def test_the_command_gives_the_same_network_for_the_same_seed(tmp_path, monkeypatch):
    monkeypatch.setattr(training_cli, "draw", lambda *arguments: None)  # seconds that prove nothing here
    for name, seed in (("a", "3"), ("b", "3"), ("c", "4")):
        training_cli.main(["--epochs", "1", "--seed", seed, "--out", str(tmp_path / name)])
    histories = [json.loads((tmp_path / name / "history.json").read_text()) for name in "abc"]
    assert histories[0] == histories[1] != histories[2]
    a, b = (Network.load(tmp_path / name / "network.npz").arrays() for name in "ab")
    for name, array in a.items():
        np.testing.assert_array_equal(array, b[name])


def test_an_interrupted_command_still_writes_what_was_learned(tmp_path, monkeypatch, capsys):
    def interrupted(*arguments, on_epoch, **settings):
        def stop(epoch):
            if epoch.number == 2:
                raise KeyboardInterrupt

        return train(*arguments, on_epoch=stop, **settings)

    monkeypatch.setattr(training_cli, "train", interrupted)
    assert training_cli.main(["--epochs", "9", "--out", str(tmp_path)]) == 130
    assert written(tmp_path) == EVERYTHING
    assert "2 epochs" in (out := capsys.readouterr().out)
    assert "interrupted" in out


def test_an_early_interrupt_says_that_nothing_was_kept(tmp_path, monkeypatch, capsys):
    def interrupted(network, *arguments, **settings):
        def augment(x, rng):
            raise KeyboardInterrupt

        return train(network, *arguments, **{**settings, "augment": augment})

    monkeypatch.setattr(training_cli, "train", interrupted)
    assert training_cli.main(["--out", str(tmp_path)]) == 130
    assert written(tmp_path) == set()
    assert "nothing learned, before the first epoch ended" in capsys.readouterr().err


def test_a_loss_that_never_is_a_number_says_so_and_writes_nothing(tmp_path, monkeypatch, capsys):
    def diverged(network, x, labels, x_validation, labels_validation, **settings):
        return train(network, x, labels, np.nan * x_validation, labels_validation, **settings)

    monkeypatch.setattr(training_cli, "train", diverged)
    assert training_cli.main(["--epochs", "1", "--out", str(tmp_path)]) == 1
    assert written(tmp_path) == set()
    assert "nothing learned, the loss never was a number" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs", "many"], "argument --epochs: invalid int value: 'many'"),
        (["--epochs", "0"], "argument --epochs: must be at least 1, got 0"),
        (["--seed", "-1"], "argument --seed: must be at least 0, got -1"),
        (["--backend", "abacus"], "argument --backend: invalid choice: 'abacus'"),
        (["--data", "letters"], "--data must be digits, mnist DIR or cifar10 DIR, got 'letters'"),
        (["--data", "mnist"], "--data must be digits, mnist DIR or cifar10 DIR, got 'mnist'"),
        (["--data", "mnist", "nowhere"], "nowhere must hold train-images-idx3-ubyte or train-images-idx3-ubyte.gz"),
        (["--data", "cifar10", "nowhere"], "nowhere/data_batch_1"),
        (["--depth", "3"], "unrecognized arguments: --depth 3"),
    ],
)
def test_a_bad_argument_gives_one_clear_line_and_exit_status_2(arguments, message, tmp_path, capsys):
    assert training_cli.main([*arguments, "--out", str(tmp_path / "out")]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert len(captured.err.splitlines()) == 1
    assert captured.out == ""
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made_gives_one_clear_line(tmp_path, capsys):
    (tmp_path / "taken").write_text("a file")
    assert training_cli.main(["--out", str(tmp_path / "taken")]) == 2
    assert "taken" in capsys.readouterr().err


def test_cupy_where_there_is_none_gives_one_clear_line(tmp_path, capsys):
    try:
        training_cli.backend("cupy")
    except ValueError:
        pass
    else:
        pytest.skip("CuPy and a GPU are here")
    assert training_cli.main(["--backend", "cupy", "--out", str(tmp_path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "--backend cupy needs" in line


def idx(array):
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def write_mnist(folder, *, sizes=(28, 28), counts=(60, 20), classes=10):
    rng = np.random.default_rng(0)
    for part, n, size in zip(("train", "t10k"), counts, sizes, strict=True):
        images = rng.integers(0, 256, (n, size, size), dtype=np.uint8)
        labels = (np.arange(n) % classes).astype(np.uint8)
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
        (folder / f"{part}-labels.idx1-ubyte").write_bytes(idx(labels))


def test_the_command_trains_on_mnist_files_plain_or_zipped(tmp_path):
    write_mnist(tmp_path)
    assert training_cli.main(["--data", "mnist", str(tmp_path), "--epochs", "1", "--out", str(tmp_path / "out")]) == 0
    assert written(tmp_path / "out") == EVERYTHING
    assert Network.load(tmp_path / "out" / "network.npz").input_shape == (1, 28, 28)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"sizes": (4, 4)}, "is larger than the padded input"),
        (
            {"sizes": (28, 20)},
            "hold images of (1, 28, 28) like the training set, got (20, 1, 20, 20)",
        ),
        ({"counts": (60, 0)}, "the test set must hold images"),
        ({"counts": (0, 20)}, "train must hold at least one example"),
        ({"classes": 26}, "labels must be below 10, the number of classes, found 25"),
    ],
)
def test_files_that_do_not_suit_the_network_give_one_clear_line(tmp_path, capsys, files, message):
    write_mnist(tmp_path, **files)
    assert training_cli.main(["--data", "mnist", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def test_the_command_trains_on_cifar10s_folder(tmp_path):
    rng = np.random.default_rng(0)
    inner = tmp_path / "cifar-10-batches-py"
    inner.mkdir()
    for name in [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]:
        batch = {
            b"data": rng.integers(0, 256, (20, 3072), dtype=np.uint8),
            b"labels": [int(label) for label in np.arange(20) % 10],
        }
        (inner / name).write_bytes(pickle.dumps(batch, protocol=4))
    assert training_cli.main(["--data", "cifar10", str(tmp_path), "--epochs", "1", "--out", str(tmp_path / "out")]) == 0
    assert written(tmp_path / "out") == EVERYTHING


@pytest.mark.slow
def test_held_out_digits_are_read_to_97_and_a_half_percent_whatever_the_seed(tmp_path):
    for seed in range(5):
        split, weights, order = np.random.default_rng(seed).spawn(3)
        data = training_cli.read(["digits"], split)
        network = Network.create(data.layers, data.train[0].shape[1:], rng=weights)
        train(network, *data.train, *data.validation, rng=order, epochs=data.epochs)
        assert evaluate(network, *data.test)[1] >= 0.975
