"""Draws come from fixed seeds. Each statistical check says how often another seed would fail it by chance."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from solutions.regularization import (
    EarlyStopping,
    dropout_backward,
    dropout_forward,
    elastic_penalty,
    l1_penalty,
    l2_penalty,
    max_norm,
)

LIBRARIES = ["array_api_strict", pytest.param("torch", marks=pytest.mark.oracle)]
weights = st.lists(st.floats(-100, 100), min_size=1, max_size=12).map(np.array)
strengths = st.floats(0, 10)


@pytest.mark.parametrize("p", [0.1, 0.2, 0.5, 0.8, 0.97])
def test_the_share_that_is_dropped_is_p_and_the_rest_is_scaled_so_that_the_mean_stays(p):
    """Exact binomial test at 1e-6: of a million seeds about one would fail it."""
    x = np.random.default_rng(0).uniform(1, 2, size=(200, 300))
    out, _ = dropout_forward(x, p=p, training=True, rng=np.random.default_rng(1))
    dropped = int(np.sum(out == 0))
    assert stats.binomtest(dropped, x.size, p).pvalue > 1e-6
    np.testing.assert_allclose(out[out != 0], x[out != 0] / (1 - p), rtol=1e-12)
    # The mean of out follows from the count; six standard errors, two in a thousand million.
    error = math.sqrt(np.sum(x**2) * p / (1 - p)) / x.size
    assert abs(out.mean() - x.mean()) < 6 * error


def test_units_are_dropped_independently_of_their_neighbours():
    """Correlations of 100,000 pairs: five standard errors, six in ten million, twice."""
    kept, _ = dropout_forward(np.ones((100, 1001)), p=0.3, training=True, rng=np.random.default_rng(2))
    for one, other in ((kept[:, 1:], kept[:, :-1]), (kept[1:], kept[:-1])):
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 5 / math.sqrt(one.size)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_backward_pass_uses_the_mask_of_the_forward_pass(dtype):
    rng = np.random.default_rng(3)
    x, dout = rng.uniform(1, 2, (4, 3, 5)).astype(dtype), rng.normal(size=(4, 3, 5)).astype(dtype)
    out, cache = dropout_forward(x, p=0.4, training=True, rng=rng)
    dx = dropout_backward(dout, cache)
    assert out.dtype == dx.dtype == dtype
    np.testing.assert_allclose(dx, dout * (out / x), rtol=1e-6)
    np.testing.assert_array_equal(dx == 0, out == 0)


def test_testing_is_the_identity_and_draws_nothing():
    x, rng = np.random.default_rng(0).normal(size=(3, 4)), np.random.default_rng(1)
    state = rng.bit_generator.state
    out, cache = dropout_forward(x, p=0.9, training=False, rng=rng)
    np.testing.assert_array_equal(out, x)
    np.testing.assert_array_equal(dropout_backward(x, cache), x)
    assert rng.bit_generator.state == state
    np.testing.assert_array_equal(dropout_forward(x, p=0.9, training=False, rng=None)[0], x)


def test_the_extremes_keep_everything_and_nothing():
    x = np.random.default_rng(0).normal(size=(30, 40))
    np.testing.assert_array_equal(dropout_forward(x, p=0, training=True, rng=np.random.default_rng(0))[0], x)
    np.testing.assert_array_equal(dropout_forward(x, p=1, training=True, rng=np.random.default_rng(0))[0], 0 * x)
    empty, cache = dropout_forward(x[:0], p=0.5, training=True, rng=np.random.default_rng(0))
    assert dropout_backward(empty, cache).shape == (0, 40)


def test_masks_differ_between_calls_repeat_with_their_seed_and_leave_x_alone():
    x = np.random.default_rng(0).normal(size=(20, 20))[:, ::2]
    before = x.copy()
    first, again, other = (
        dropout_forward(x, p=0.5, training=True, rng=np.random.default_rng(seed))[0] for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    rng = np.random.default_rng(1)
    calls = [dropout_forward(x, p=0.5, training=True, rng=rng)[0] for _ in range(2)]
    assert not np.array_equal(*calls)
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("p", [-0.1, 1.1, math.nan])
def test_a_p_that_is_no_probability_is_named_in_training_and_in_testing(p):
    for training in (True, False):
        with pytest.raises(ValueError, match=r"^p must"):
            dropout_forward(np.ones(3), p=p, training=training, rng=np.random.default_rng(0))


def test_a_missing_generator_and_a_gradient_of_another_shape_are_named():
    with pytest.raises(ValueError, match=r"^rng must"):
        dropout_forward(np.ones(3), p=0.5, training=True, rng=None)
    _, cache = dropout_forward(np.ones(3), p=0.5, training=True, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"^dout must"):
        dropout_backward(np.ones(4), cache)


@given(weights, strengths, strengths)
def test_penalties_are_their_formulas_and_the_elastic_one_their_sum(w, l1, l2):
    value1, gradient1 = l1_penalty(w, strength=l1)
    value2, gradient2 = l2_penalty(w, strength=l2)
    assert value1 == pytest.approx(l1 * math.fsum(abs(v) for v in w))
    assert value2 == pytest.approx(l2 * math.fsum(v * v for v in w))
    value, gradient = elastic_penalty(w, l1_strength=l1, l2_strength=l2)
    assert value == pytest.approx(value1 + value2)
    np.testing.assert_allclose(gradient, gradient1 + gradient2, rtol=1e-12)


@given(weights, strengths, strengths, st.integers(0, 2**32 - 1))
def test_the_gradient_of_a_penalty_is_the_derivative_of_its_value(w, l1, l2, seed):
    w = np.where(np.abs(w) < 0.1, 0.5, w)  # away from the kink of |w|
    direction = np.random.default_rng(seed).normal(size=w.shape)
    direction /= np.abs(direction).max()
    for penalty, options in (
        (l1_penalty, {"strength": l1}),
        (l2_penalty, {"strength": l2}),
        (elastic_penalty, {"l1_strength": l1, "l2_strength": l2}),
    ):
        ends = [penalty(w + step * direction, **options)[0] for step in (1e-3, -1e-3)]
        slope = np.sum(penalty(w, **options)[1] * direction)
        assert (ends[0] - ends[1]) / 2e-3 == pytest.approx(slope, rel=1e-6, abs=1e-5)


@pytest.mark.oracle
def test_penalties_have_the_gradients_of_pytorch_and_weight_decay_is_twice_the_strength():
    torch = pytest.importorskip("torch")
    w = np.random.default_rng(0).normal(size=(4, 3, 2, 2))
    w[0, 0, 0, 0] = 0
    leaf = torch.tensor(w, requires_grad=True)
    (0.3 * leaf.abs().sum() + 0.7 * (leaf**2).sum()).backward()
    gradient = elastic_penalty(w, l1_strength=0.3, l2_strength=0.7)[1]
    np.testing.assert_allclose(gradient, leaf.grad.numpy(), rtol=1e-12)
    decayed = torch.tensor(w, requires_grad=True)
    decayed.grad = torch.zeros_like(decayed)
    torch.optim.SGD([decayed], lr=0.1, weight_decay=0.02).step()
    ours = w - 0.1 * l2_penalty(w, strength=0.01)[1]
    np.testing.assert_allclose(ours, decayed.detach().numpy(), rtol=1e-12)


def test_penalties_keep_float32_and_leave_the_weights_alone():
    w = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)[::2]
    before = w.copy()
    for value, gradient in (
        l1_penalty(w, strength=0.1),
        l2_penalty(w, strength=0.1),
        elastic_penalty(w, l1_strength=0.1, l2_strength=0.2),
    ):
        assert value.dtype == gradient.dtype == np.float32
        gradient += 1
    assert max_norm(w, limit=0.5).dtype == np.float32
    np.testing.assert_array_equal(w, before)
    assert l2_penalty(w[:0], strength=1)[0] == 0


@pytest.mark.parametrize("strength", [-0.1, math.inf, math.nan])
def test_a_bad_strength_is_named(strength):
    w = np.ones(3)
    for penalty, options, name in (
        (l1_penalty, {"strength": strength}, "strength"),
        (l2_penalty, {"strength": strength}, "strength"),
        (elastic_penalty, {"l1_strength": strength, "l2_strength": 1}, "l1_strength"),
        (elastic_penalty, {"l1_strength": 1, "l2_strength": strength}, "l2_strength"),
    ):
        with pytest.raises(ValueError, match=f"^{name} must"):
            penalty(w, **options)


@pytest.mark.oracle
@pytest.mark.parametrize("shape", [(5, 7), (4, 3, 2, 2), (1, 1), (0, 3)])
def test_the_norm_constraint_is_pytorchs_renorm(shape):
    torch = pytest.importorskip("torch")
    w = np.random.default_rng(0).normal(size=shape)
    for limit in (0.1, 1.0, 2.5, 100.0):
        # PyTorch divides by norm + 1e-7.
        np.testing.assert_allclose(max_norm(w, limit=limit), torch.renorm(torch.tensor(w), 2, 0, limit), rtol=1e-5)


def test_the_norm_constraint_touches_only_what_exceeds_it():
    w = np.array([[3.0, 4.0], [0.1, 0.2], [0.0, 0.0], [-30.0, 40.0]])
    out = max_norm(w, limit=5.0)
    np.testing.assert_array_equal(out[:3], w[:3])
    np.testing.assert_allclose(out[3], [-3, 4], rtol=1e-15)
    assert not np.shares_memory(out, w)
    for bad, name in (((np.ones(3), 1.0), "w"), ((w, 0.0), "limit"), ((w, math.nan), "limit")):
        with pytest.raises(ValueError, match=f"^{name} must"):
            max_norm(bad[0], limit=bad[1])


def stopped_at(losses, **options):
    """Return the epoch, counted from 0, after which training stops, or None."""
    stopping = EarlyStopping(**options)
    for epoch, loss in enumerate(losses):
        if stopping.update(loss, {"w": np.array([epoch])}):
            return epoch
    return None


def test_patience_counts_the_bad_epochs_in_a_row():
    losses = [5, 4, 6, 6, 3, 4, 4, 4, 4]
    assert stopped_at(losses, patience=1) == 2
    assert stopped_at(losses, patience=2) == 3
    assert stopped_at(losses, patience=3) == 7
    assert stopped_at(losses, patience=4) == 8
    assert stopped_at(losses, patience=5) is None


def test_progress_must_exceed_min_delta_against_the_best_loss():
    slow = [1.0, 0.75, 0.5, 0.25, 0.0]
    assert stopped_at(slow, patience=2, min_delta=0.125) is None
    assert stopped_at(slow, patience=1, min_delta=0.25) == 1  # exactly min_delta is not enough
    assert stopped_at(slow, patience=2, min_delta=0.25) is None  # two such steps are, measured from the best
    assert stopped_at([1.0, 1.0, 1.0], patience=2) == 2


def test_a_loss_that_is_not_a_number_is_no_progress():
    assert stopped_at([math.nan, math.nan], patience=2) == 1
    assert stopped_at([1.0, math.nan, 0.5, math.inf, math.nan], patience=2) == 4


@given(st.lists(st.floats(0, 10), min_size=1, max_size=20))
def test_the_best_weights_are_those_of_the_first_lowest_loss(losses):
    stopping = EarlyStopping(patience=len(losses) + 1)
    weights = {"w": np.zeros(2), "layers": [np.zeros(1)]}
    for epoch, loss in enumerate(losses):
        weights["w"][:] = epoch  # training changes its arrays in place
        weights["layers"][0] += 1
        stopping.update(loss, weights)
    best = losses.index(min(losses))
    assert stopping.best_loss == min(losses)
    np.testing.assert_array_equal(stopping.best_weights["w"], [best, best])
    np.testing.assert_array_equal(stopping.best_weights["layers"][0], [best + 1])


@pytest.mark.parametrize(
    ("options", "name"),
    [({"patience": 0}, "patience"), ({"patience": 1, "min_delta": -1}, "min_delta"),
     ({"patience": 1, "min_delta": math.nan}, "min_delta")],
)  # fmt: skip
def test_a_bad_argument_of_early_stopping_is_named(options, name):
    with pytest.raises(ValueError, match=f"^{name} must"):
        EarlyStopping(**options)


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_same_text_serves_every_array_library(library):
    xp = pytest.importorskip(library)
    w = np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32)
    there = xp.asarray(w)

    def results(w):
        out, mask = dropout_forward(w, p=0.3, training=True, rng=np.random.default_rng(1))
        yield from (out, mask, dropout_backward(w, mask))
        yield from l1_penalty(w, strength=0.3)
        yield from l2_penalty(w, strength=0.3)
        yield from elastic_penalty(w, l1_strength=0.1, l2_strength=0.2)
        yield max_norm(w, limit=1.5)

    for ours, expected in zip(results(there), results(w), strict=True):
        assert type(ours) is type(there)
        assert ours.dtype == there.dtype
        np.testing.assert_allclose(np.asarray(ours), expected, rtol=1e-5)
    stopping = EarlyStopping(patience=1)
    first = float(there[0, 0])
    stopping.update(1.0, [there])
    there[0, 0] = 100
    assert float(stopping.best_weights[0][0, 0]) == first
