import math

import numpy as np
import pytest

from solutions import optimizers
from tests.solutions.stand_ins import LIBRARIES, assert_same, convert, library

NAMES = ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw"]

dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])
every_optimizer = pytest.mark.parametrize("name", NAMES)


def step_of(name):
    return getattr(optimizers, f"{name}_step")


def walk(name, w, gradients, **hyperparameters):
    """Return the weights after every step; the gradients are given."""
    state, path = None, []
    for dw in gradients:
        w, state = step_of(name)(w, dw, state, **hyperparameters)
        path.append(w)
    return path


def sample(dtype=np.float64, shape=(3, 4), steps=6):
    """Return weights and gradients whose signs change."""
    rng = np.random.default_rng(0)
    return rng.standard_normal(shape).astype(dtype), list(rng.standard_normal((steps, *shape)).astype(dtype))


@pytest.mark.parametrize(
    ("name", "hyperparameters", "path"),
    [
        # Gradients 2, then -4; from w = 1. Exact in binary or worked to the last digit.
        ("sgd", {"lr": 0.5}, [0.0, 2.0]),
        ("momentum", {"lr": 0.5, "momentum": 0.5}, [0.0, 1.5]),
        ("nesterov", {"lr": 0.5, "momentum": 0.5}, [-0.5, 2.25]),
        ("adagrad", {"lr": 0.5}, [0.5, 0.5 + 2 / math.sqrt(20)]),
        ("rmsprop", {"lr": 0.5, "alpha": 0.75}, [0.0, 2 / math.sqrt(4.75)]),
        ("adam", {"lr": 0.5, "betas": (0.5, 0.75)}, [0.5, 0.5 + 0.5 * (1.5 / 0.75) / math.sqrt(4.75 / 0.4375)]),
        ("adamw", {"lr": 0.5, "betas": (0.5, 0.75), "weight_decay": 0.5}, [0.25, None]),
    ],
)
def test_two_steps_worked_by_hand(name, hyperparameters, path):
    steps = walk(name, np.array([1.0]), [np.array([2.0]), np.array([-4.0])], **hyperparameters)
    if path[1] is None:  # the decay takes a quarter of the weight before Adam's second step
        path[1] = 0.75 * 0.25 + 0.5 * (1.5 / 0.75) / math.sqrt(4.75 / 0.4375)
    np.testing.assert_allclose(np.concatenate(steps), path, rtol=1e-7, atol=2e-8)  # eps is 1e-8


def test_misconceptions_bank_figures_of_first_steps():
    w, dw = np.array([1.0]), np.array([1.0])
    assert optimizers.nesterov_step(w, dw, None, lr=0.1)[0] == pytest.approx(0.81)
    for name in ("adagrad", "adam"):
        assert 1 - walk(name, w, [dw], lr=0.1)[0][0] == pytest.approx(0.1)
    assert 1 - walk("rmsprop", w, [dw], lr=0.1, alpha=0.9)[0][0] == pytest.approx(0.316, abs=3e-4)


@pytest.mark.parametrize(
    ("name", "hyperparameters", "length"),
    [("adagrad", {}, 3 / (3 + 0.5)), ("rmsprop", {"alpha": 0.75}, 3 / (1.5 + 0.5)), ("adam", {}, 3 / (3 + 0.5))],
)
def test_epsilon_stands_outside_the_root(name, hyperparameters, length):
    step = walk(name, np.array([1.0]), [np.array([3.0])], lr=0.5, eps=0.5, **hyperparameters)[0]
    np.testing.assert_allclose(step, [1 - 0.5 * length], rtol=1e-13)


def test_the_defaults_are_those_of_the_curriculum():
    w, gradients = sample()
    defaults = {
        "momentum": {"momentum": 0.9},
        "nesterov": {"momentum": 0.9},
        "adagrad": {"eps": 1e-10},
        "rmsprop": {"alpha": 0.99, "eps": 1e-8},
        "adam": {"betas": (0.9, 0.999), "eps": 1e-8},
        "adamw": {"betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.01},
    }
    for name, hyperparameters in defaults.items():
        named = walk(name, w, gradients, lr=0.1, **hyperparameters)
        np.testing.assert_array_equal(walk(name, w, gradients, lr=0.1), named)


def test_nesterov_is_ubs_look_ahead_seen_from_the_look_ahead_point():
    lr, mu = 0.05, 0.8
    curvature = np.array([1.0, 10.0])
    theta = ahead = np.array([1.0, -2.0])
    state, velocity = None, np.zeros(2)
    for _ in range(20):
        ahead, state = optimizers.nesterov_step(ahead, curvature * ahead, state, lr=lr, momentum=mu)
        velocity = mu * velocity - lr * curvature * (theta + mu * velocity)
        theta = theta + velocity
        np.testing.assert_allclose(ahead, theta + mu * velocity, rtol=1e-10, atol=1e-14)


def test_ubs_velocity_is_the_learning_rate_times_ours_while_that_rate_stays():
    w, gradients = sample()
    velocity, expected = np.zeros_like(w), w
    for ours, dw in zip(walk("momentum", w, gradients, lr=0.1, momentum=0.7), gradients, strict=True):
        velocity = 0.7 * velocity + 0.1 * dw
        expected = expected - velocity
        np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e-14)


def test_bzus_average_is_ours_at_a_smaller_learning_rate():
    w, gradients = sample()
    velocity, expected = np.zeros_like(w), w
    for ours, dw in zip(walk("momentum", w, gradients, lr=0.1 * (1 - 0.7), momentum=0.7), gradients, strict=True):
        velocity = 0.7 * velocity + (1 - 0.7) * dw
        expected = expected - 0.1 * velocity
        np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e-14)


def test_adams_correction_undoes_the_start_from_zero_at_every_step():
    dw = np.array([0.003, -40.0])
    w = np.zeros(2)
    for count, ours in enumerate(walk("adam", w, [dw] * 30, lr=0.1), start=1):
        np.testing.assert_allclose(ours, -count * 0.1 * np.sign(dw), rtol=1e-5)


def test_decoupled_decay_shrinks_weights_whatever_the_gradient():
    w = np.array([2.0, -2.0])
    path = walk("adamw", w, [np.zeros(2)] * 3, lr=0.1, weight_decay=0.5)
    np.testing.assert_allclose(path, [w * 0.95**k for k in (1, 2, 3)], rtol=1e-14)
    gradients = sample(shape=(2,))[1]
    np.testing.assert_array_equal(
        walk("adamw", w, gradients, lr=0.1, weight_decay=0), walk("adam", w, gradients, lr=0.1)
    )


@every_optimizer
def test_a_gradient_of_zero_moves_nothing_and_warns_of_nothing(name):
    hyperparameters = {"weight_decay": 0} if name == "adamw" else {}
    with np.errstate(all="raise"):
        path = walk(name, np.ones(3), [np.zeros(3)] * 3, lr=0.1, **hyperparameters)
    np.testing.assert_array_equal(path, np.ones((3, 3)))


@every_optimizer
def test_every_optimizer_finds_the_bottom_of_a_ravine(name):
    curvature = np.array([1.0, 25.0])
    w, state = np.array([2.0, 1.0]), None
    lr = {"sgd": 0.03, "momentum": 0.01, "nesterov": 0.01, "adagrad": 0.5}.get(name, 0.02)
    for _ in range(500):
        w, state = step_of(name)(w, curvature * w, state, lr=lr)
    np.testing.assert_allclose(w, 0, atol=0.02)


@every_optimizer
@dtypes
def test_the_type_stays_even_with_numpy_scalars_as_hyperparameters(name, dtype):
    w, gradients = sample(dtype)
    state = None
    for dw in gradients:
        w, state = step_of(name)(w, dw, state, lr=np.float64(0.1))
        arrays = [s for s in (state if isinstance(state, tuple) else (state,)) if isinstance(s, np.ndarray)]
        assert {a.dtype for a in (w, *arrays)} == {np.dtype(dtype)}


@every_optimizer
def test_nothing_is_modified_and_an_old_state_can_be_used_again(name):
    w, gradients = sample()
    state = None
    for array in (w, *gradients):
        array.flags.writeable = False
    for dw in gradients:
        w, state = step_of(name)(w, dw, state, lr=0.1)
        w.flags.writeable = False
        for part in state if isinstance(state, tuple) else (state,):
            if isinstance(part, np.ndarray):
                part.flags.writeable = False
    first, second = (step_of(name)(w, gradients[0], state, lr=0.1) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])


@every_optimizer
def test_a_weight_without_dimensions_none_at_all_and_a_view_take_steps(name):
    big, gradients = sample(shape=(6, 8))
    view = walk(name, big[::2, ::-2], [g[::2, ::-2] for g in gradients], lr=0.1)[-1]
    whole = walk(name, big, gradients, lr=0.1)[-1]
    np.testing.assert_allclose(view, whole[::2, ::-2], rtol=1e-14)
    alone = walk(name, big[0, 0], [g[0, 0] for g in gradients], lr=0.1)[-1]
    np.testing.assert_allclose(alone, whole[0, 0], rtol=1e-14)
    assert walk(name, np.zeros((0, 3)), [np.zeros((0, 3))] * 2, lr=0.1)[-1].shape == (0, 3)


@every_optimizer
@dtypes
@pytest.mark.parametrize("name_of_library", LIBRARIES)
def test_every_array_library_walks_where_numpy_walks(name, dtype, name_of_library):
    xp = library(name_of_library)
    w, gradients = sample(dtype)
    theirs = walk(name, convert(xp, w), [convert(xp, g) for g in gradients], lr=0.1)
    assert_same(xp, tuple(theirs), tuple(walk(name, w, gradients, lr=0.1)))


@every_optimizer
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"w": [1.0, 2.0]}, "^w must be an array of floating-point numbers, got list"),
        ({"w": np.ones(2, int)}, "^w must hold real floating-point numbers, got dtype int64"),
        ({"dw": 1.0}, "^dw must be an array of floating-point numbers, got float"),
        ({"dw": np.ones((2, 1))}, r"^dw must have the shape of w, \(2,\), got shape \(2, 1\)"),
        ({"dw": np.ones(2, np.float32)}, "^dw must have the type of w, float64, got float32"),
        ({"lr": -0.1}, r"^lr must be a finite number of at least 0, got -0\.1"),
        ({"lr": None}, "^lr must be a number, got None"),
        ({"lr": np.inf}, "^lr must be a finite number"),
        ({"state": "fast"}, "^state must"),
        ({"state": np.ones(3)}, "^state must"),
    ],
)
def test_bad_arguments_are_refused_by_name(name, changes, message):
    arguments = {"w": np.ones(2), "dw": np.ones(2), "state": None, "lr": 0.1, **changes}
    with pytest.raises(ValueError, match=message):
        step_of(name)(**arguments)


@pytest.mark.parametrize(
    ("name", "hyperparameters", "message"),
    [
        ("momentum", {"momentum": 1.1}, "^momentum must be a finite number of at least 0 and at most 1, got 1.1"),
        ("nesterov", {"momentum": -0.1}, "^momentum must be a finite number of at least 0"),
        ("adagrad", {"eps": 0}, "^eps must be positive"),
        ("rmsprop", {"eps": -1e-8}, "^eps must be a finite number of at least 0"),
        ("rmsprop", {"alpha": 2}, "^alpha must be a finite number of at least 0 and at most 1"),
        ("adam", {"betas": 0.9}, r"^betas must be two numbers, got 0\.9"),
        ("adam", {"betas": (0.9,)}, "^betas must be two numbers"),
        ("adam", {"betas": (1.0, 0.9)}, r"^betas\[0\] must be below 1"),
        ("adamw", {"betas": (0.9, -0.1)}, r"^betas\[1\] must be a finite number of at least 0"),
        ("adamw", {"weight_decay": -1}, "^weight_decay must be a finite number of at least 0"),
        ("adam", {"state": (np.ones(2), np.ones(3), 1)}, "^state must have the shape of w"),
        ("adam", {"state": (np.ones(2), np.ones(2), 1.0)}, r"^state\[2\] must be an integer"),
        ("adam", {"state": (np.ones(2), np.ones(2))}, r"^state must be None or the \(m, v, t\)"),
    ],
)
def test_bad_hyperparameters_are_refused_by_name(name, hyperparameters, message):
    arguments = {"w": np.ones(2), "dw": np.ones(2), "state": None, "lr": 0.1, **hyperparameters}
    with pytest.raises(ValueError, match=message):
        step_of(name)(**arguments)


def test_step_decay_drops_at_the_end_of_each_run_of_epochs_counted_from_zero():
    rates = [optimizers.step_decay(0.8, e, step_size=3, gamma=0.5) for e in range(8)]
    assert rates == [0.8, 0.8, 0.8, 0.4, 0.4, 0.4, 0.2, 0.2]
    assert optimizers.step_decay(1.0, 3, step_size=3) == 0.1


def test_exponential_decay_starts_at_the_full_rate():
    assert [optimizers.exponential_decay(2.0, e, gamma=0.5) for e in range(4)] == [2.0, 1.0, 0.5, 0.25]


def test_cosine_decay_is_half_way_at_half_time_and_stays_at_the_minimum():
    rates = [optimizers.cosine_decay(1.0, e, total=4, minimum=0.2) for e in range(7)]
    half = math.sqrt(0.5) / 2
    expected = [1.0, 0.2 + 0.8 * (0.5 + half), 0.6, 0.2 + 0.8 * (0.5 - half), 0.2, 0.2, 0.2]
    np.testing.assert_allclose(rates, expected, rtol=1e-14)


def test_warm_up_rises_in_equal_steps_from_above_zero_to_one_peak():
    rates = [optimizers.cosine_decay(1.0, e, total=10, warmup=4) for e in range(11)]
    np.testing.assert_allclose(rates[:5], [0.2, 0.4, 0.6, 0.8, 1.0], rtol=1e-15)
    assert sum(r == max(rates) for r in rates) == 1
    np.testing.assert_allclose(rates[4:], [optimizers.cosine_decay(1.0, e, total=6) for e in range(7)], rtol=1e-15)


def test_schedules_return_plain_floats_so_that_float32_weights_stay():
    epoch = np.int64(2)
    rates = [
        optimizers.step_decay(np.float64(1), epoch, step_size=2),
        optimizers.exponential_decay(np.float32(1), epoch, gamma=np.float64(0.5)),
        optimizers.cosine_decay(1, epoch, total=5, warmup=3),
        optimizers.cosine_decay(1, epoch, total=5, warmup=1, minimum=np.float64(0)),
    ]
    assert {type(rate) for rate in rates} == {float}


@pytest.mark.parametrize(
    ("schedule", "arguments", "message"),
    [
        ("step_decay", {"epoch": -1, "step_size": 2}, "^epoch must be an integer of at least 0, got -1"),
        ("step_decay", {"epoch": 1.5, "step_size": 2}, r"^epoch must be an integer, got 1\.5"),
        ("step_decay", {"epoch": 0, "step_size": 0}, "^step_size must be an integer of at least 1, got 0"),
        ("step_decay", {"epoch": 0, "step_size": 2, "gamma": -1}, "^gamma must be a finite number of at least 0"),
        ("exponential_decay", {"epoch": 0, "gamma": None}, "^gamma must be a number"),
        ("exponential_decay", {"epoch": 0, "gamma": 0.5, "lr": -1}, "^lr must be a finite number of at least 0"),
        ("cosine_decay", {"epoch": 0, "total": 3, "warmup": 3}, "^total must be an integer of at least 4, got 3"),
        ("cosine_decay", {"epoch": 0, "total": 3, "warmup": -1}, "^warmup must be an integer of at least 0"),
        (
            "cosine_decay",
            {"epoch": 0, "total": 3, "minimum": 2.0},
            "^minimum must be a finite number of at least 0 and",
        ),
        ("cosine_decay", {"epoch": True, "total": 3}, "^epoch must be an integer, got True"),
    ],
)
def test_schedules_refuse_bad_arguments_by_name(schedule, arguments, message):
    with pytest.raises(ValueError, match=message):
        getattr(optimizers, schedule)(**{"lr": 1.0, **arguments})
