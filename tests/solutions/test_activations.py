import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from solutions import activations
from tests.solutions.stand_ins import LIBRARIES, assert_same, convert, library

NAMES = ["sigmoid", "tanh", "relu", "leaky_relu", "elu", "softplus", "swish", "softmax", "prelu"]
HYPERPARAMETERS = {"leaky_relu": {"slope": 0.3}, "elu": {"alpha": 1.7}, "swish": {"beta": 0.6}}
SLOPE = np.array([0.3, -0.2, 1.4])  # of prelu, one for each of three channels
KINKED = {"relu", "leaky_relu", "prelu", "elu"}

dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])
every_activation = pytest.mark.parametrize("name", NAMES)


def pair(name):
    return getattr(activations, f"{name}_forward"), getattr(activations, f"{name}_backward")


def inputs(name, x):
    return (x, SLOPE.astype(x.dtype)) if name == "prelu" else (x,)


def run(name, x, dout):
    """Return the output and the gradients as one tuple."""
    forward, backward = pair(name)
    out, cache = forward(*inputs(name, x), **HYPERPARAMETERS.get(name, {}))
    gradients = backward(dout, cache)
    return out, *(gradients if isinstance(gradients, tuple) else (gradients,))


def sample(dtype=np.float64, shape=(4, 3, 5), seed=0):
    """Return an input away from all kinks and an upstream gradient."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0.1, 4, shape) * rng.choice([-1, 1], shape)
    return x.astype(dtype), rng.standard_normal(shape).astype(dtype)


@pytest.mark.parametrize(
    ("name", "points", "values", "slopes"),
    [
        ("sigmoid", [0.0, np.log(3), -np.log(3)], [0.5, 0.75, 0.25], [0.25, 0.1875, 0.1875]),
        ("tanh", [0.0, np.log(2)], [0.0, 0.6], [1.0, 0.64]),
        ("relu", [-2.0, 0.0, 3.0], [0.0, 0.0, 3.0], [0.0, 0.0, 1.0]),
        ("leaky_relu", [-2.0, 3.0], [-0.6, 3.0], [0.3, 1.0]),
        ("elu", [-np.log(2), 3.0], [-0.85, 3.0], [0.85, 1.0]),
        ("softplus", [0.0, np.log(3)], [np.log(2), np.log(4)], [0.5, 0.75]),
        ("swish", [0.0, np.log(3) / 0.6], [0.0, 0.75 * np.log(3) / 0.6], [0.5, 0.75 + 0.1875 * np.log(3)]),
    ],
)
def test_values_and_slopes_worked_by_hand(name, points, values, slopes):
    out, dx = run(name, np.array(points), np.ones(len(points)))
    np.testing.assert_allclose(out, values, rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(dx, slopes, rtol=1e-14, atol=1e-15)


def test_the_defaults_are_those_of_the_curriculum():
    x = np.array([-2.0])
    assert activations.leaky_relu_forward(x)[0] == -0.02
    np.testing.assert_allclose(activations.elu_forward(x)[0], np.expm1(-2), rtol=1e-15)
    np.testing.assert_allclose(activations.swish_forward(x)[0], -2 * scipy.special.expit(-2), rtol=1e-15)


finite = st.floats(-1000, 1000)


@settings(deadline=None)
@given(hnp.arrays(np.float64, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4), elements=finite))
def test_sigmoid_is_scipys_to_the_last_tail_before_denormals(x):
    expected = scipy.special.expit(np.maximum(x, -708))
    np.testing.assert_allclose(activations.sigmoid_forward(x)[0], expected, rtol=1e-14)


@settings(deadline=None)
@given(hnp.arrays(np.float64, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4), elements=finite))
def test_softplus_is_scipys_tail_included_and_its_slope_the_sigmoid(x):
    out, cache = activations.softplus_forward(x)
    np.testing.assert_allclose(out, np.logaddexp(0, x), rtol=1e-14, atol=1e-300)
    dx = activations.softplus_backward(np.ones_like(x), cache)
    np.testing.assert_allclose(dx, scipy.special.expit(x), rtol=1e-13, atol=1e-300)


@settings(deadline=None)
@given(hnp.arrays(np.float64, hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=5), elements=finite))
def test_softmax_is_scipys_and_a_constant_on_a_row_changes_nothing(x):
    out, _ = activations.softmax_forward(x)
    np.testing.assert_allclose(out, scipy.special.softmax(x, axis=-1), rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(out.sum(axis=-1), 1, rtol=1e-14)
    np.testing.assert_allclose(activations.softmax_forward(x + 64)[0], out, rtol=1e-10, atol=1e-300)


def test_a_softmax_gradient_sums_to_zero_on_every_row():
    x, dout = sample()
    _, dx = run("softmax", x, dout)
    np.testing.assert_allclose(dx.sum(axis=-1), 0, atol=1e-15)


@every_activation
def test_the_gradient_is_the_slope_of_the_forward_along_any_direction(name):
    x, dout = sample()
    direction = np.random.default_rng(1).standard_normal(x.shape)
    step = 1e-5
    ahead, behind = (run(name, x + s * direction, dout)[0] for s in (step, -step))
    slope = np.sum((ahead - behind) / (2 * step) * dout)
    np.testing.assert_allclose(np.sum(run(name, x, dout)[1] * direction), slope, rtol=1e-8)


def test_the_gradient_of_a_learned_slope_sums_what_lay_below_zero():
    x, dout = sample()
    direction = np.array([0.5, -1.0, 2.0])
    ahead, behind = (activations.prelu_forward(x, SLOPE + s * direction)[0] for s in (1, -1))
    slope = np.sum((ahead - behind) / 2 * dout)  # exact: the output is linear in the slope
    np.testing.assert_allclose(run("prelu", x, dout)[2] @ direction, slope, rtol=1e-13)


@every_activation
@dtypes
def test_nothing_overflows_at_a_thousand(name, dtype):
    x = np.array([[-1000, 1000, 1000], [1000, -1000, 0], [-1000, -1000, -1000]], dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        out, dx = run(name, x, np.ones_like(x))[:2]
    assert np.isfinite(out).all()
    assert np.isfinite(dx).all()


@dtypes
def test_saturated_units_reach_their_limits(dtype):
    x = np.array([-1000, 1000], dtype)
    limits = {"sigmoid": [0, 1], "tanh": [-1, 1], "relu": [0, 1000], "elu": [-1.7, 1000], "softplus": [0, 1000]}
    slopes = {"sigmoid": [0, 0], "tanh": [0, 0], "relu": [0, 1], "elu": [0, 1], "softplus": [0, 1], "swish": [0, 1]}
    for name, expected in slopes.items():
        out, dx = run(name, x, np.ones_like(x))
        np.testing.assert_allclose(dx, expected, atol=1e-30)
        np.testing.assert_allclose(out, limits.get(name, [0, 1000]), rtol=1e-7, atol=1e-30)


@dtypes
def test_a_saturated_sigmoid_leaves_no_denormal_behind(dtype):
    out, _ = activations.sigmoid_forward(np.array([-1000, -100, -80], dtype))
    assert (out >= np.finfo(dtype).smallest_normal).all()


@pytest.mark.parametrize("name", sorted(KINKED))
def test_a_kink_takes_the_slope_from_the_left(name):
    x = np.zeros((1, 3))
    left = np.nextafter(0, -1) * np.ones((1, 3))
    np.testing.assert_array_equal(run(name, x, np.ones_like(x))[1], run(name, left, np.ones_like(x))[1])


@every_activation
@dtypes
def test_the_type_stays_and_float32_agrees_with_float64(name, dtype):
    x, dout = sample(dtype)
    results = run(name, x, dout)
    exact = run(name, x.astype(np.float64), dout.astype(np.float64))
    for result, expected in zip(results, exact, strict=True):
        assert result.dtype == dtype
        np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)


@every_activation
def test_inputs_and_cache_are_never_modified(name):
    x, dout = sample()
    forward, backward = pair(name)
    kept = [a.copy() for a in (*inputs(name, x), dout)]
    out, cache = forward(*inputs(name, x), **HYPERPARAMETERS.get(name, {}))
    first = backward(dout, cache)
    kept_out = out.copy()
    np.testing.assert_equal(backward(dout, cache), first)
    for array, copy in zip((*inputs(name, x), dout, out), (*kept, kept_out), strict=True):
        np.testing.assert_array_equal(array, copy)
    for array in (x, dout):
        array.flags.writeable = False
    np.testing.assert_equal(run(name, x, dout)[0], out)


@every_activation
def test_strided_and_reversed_inputs_give_the_same(name):
    x, dout = sample(shape=(8, 3, 5))
    views = x[::2, ::-1, ::-2], dout.transpose(0, 1, 2)[::-2, :, :3]
    assert not views[0].flags.c_contiguous
    for result, expected in zip(run(name, *views), run(name, *(v.copy() for v in views)), strict=True):
        np.testing.assert_allclose(result, expected, rtol=1e-14)


@every_activation
@pytest.mark.parametrize("shape", [(0, 3), (1, 3), (2, 3, 0, 4), (1, 3, 1, 1)])
def test_empty_and_single_batches_pass_through(name, shape):
    if name == "softmax" and shape[-1] == 0:
        shape = shape[::-1]
    x = np.linspace(-2, 2, int(np.prod(shape))).reshape(shape)
    if name == "prelu":
        out, dx, dslope = run(name, x, np.ones(shape))
        assert dslope.shape == (3,)
    else:
        out, dx = run(name, x, np.ones(shape))
    assert out.shape == dx.shape == shape


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("softmax", "prelu")])
def test_a_single_number_without_dimensions_is_an_array_too(name):
    out, dx = run(name, np.array(0.7), np.array(2.0))
    row, drow = run(name, np.array([0.7]), np.array([2.0]))
    assert out.shape == dx.shape == ()
    np.testing.assert_allclose((out, dx), (row[0], drow[0]), rtol=1e-14)


@every_activation
@dtypes
@pytest.mark.parametrize("name_of_library", LIBRARIES)
def test_every_array_library_gives_what_numpy_gives(name, dtype, name_of_library):
    xp = library(name_of_library)
    x, dout = sample(dtype)
    forward, backward = pair(name)
    hyperparameters = HYPERPARAMETERS.get(name, {})
    out, cache = forward(*convert(xp, inputs(name, x)), **hyperparameters)
    gradients = backward(convert(xp, dout), cache)
    gradients = gradients if isinstance(gradients, tuple) else (gradients,)
    assert_same(xp, (out, *gradients), run(name, x, dout))


@every_activation
@pytest.mark.parametrize(
    "bad", [[1.0, 2.0], 1.0, None, np.ones((2, 3), int), np.ones((2, 3), complex), np.array(["a"])]
)
def test_what_is_no_floating_point_array_is_refused_by_name(name, bad):
    forward, backward = pair(name)
    with pytest.raises(ValueError, match=r"^x must .*floating-point numbers, got "):
        forward(*inputs(name, np.ones((2, 3)))[1:], bad) if name != "prelu" else forward(bad, SLOPE)
    _, cache = forward(*inputs(name, np.ones((2, 3))))
    with pytest.raises(ValueError, match=r"^dout must .*floating-point numbers, got "):
        backward(bad, cache)


@every_activation
def test_an_upstream_gradient_of_another_shape_is_refused(name):
    forward, backward = pair(name)
    _, cache = forward(*inputs(name, np.ones((2, 3))))
    for shape in ((3, 2), (2, 1), (3,), ()):
        with pytest.raises(ValueError, match=r"^dout must have the shape of the output, \(2, 3\)"):
            backward(np.ones(shape), cache)


@pytest.mark.parametrize(("name", "hyperparameter"), [("leaky_relu", "slope"), ("elu", "alpha"), ("swish", "beta")])
@pytest.mark.parametrize("bad", [None, "1", np.nan, np.inf, True, np.ones(2), 1j])
def test_a_hyperparameter_that_is_no_finite_number_is_refused(name, hyperparameter, bad):
    with pytest.raises(ValueError, match=f"^{hyperparameter} must be a"):
        pair(name)[0](np.ones(2), **{hyperparameter: bad})


@pytest.mark.parametrize("slope", [1.5, -0.1])
def test_a_leaky_slope_beyond_zero_and_one_is_refused(slope):
    with pytest.raises(ValueError, match=rf"^slope must be a finite number of at least 0 and at most 1, got {slope}"):
        activations.leaky_relu_forward(np.ones(2), slope=slope)


@pytest.mark.parametrize("name", ["leaky_relu", "swish", "elu"])
def test_a_numpy_scalar_as_hyperparameter_leaves_float32_alone(name):
    hyperparameters = {k: np.float64(v) for k, v in HYPERPARAMETERS[name].items()}
    out, cache = pair(name)[0](np.ones(2, np.float32), **hyperparameters)
    assert out.dtype == pair(name)[1](np.ones(2, np.float32), cache).dtype == np.float32


def test_prelu_wants_channels_and_one_slope_for_each():
    with pytest.raises(ValueError, match=r"^x must be an array of shape \(N, C, \.\.\.\)"):
        activations.prelu_forward(np.ones(3), SLOPE)
    for slope in (np.ones(2), np.ones((3, 1)), np.array(0.25)):
        with pytest.raises(ValueError, match=r"^slope must have shape \(C,\) = \(3,\)"):
            activations.prelu_forward(np.ones((2, 3)), slope)
    with pytest.raises(ValueError, match=r"^slope must .*floating-point"):
        activations.prelu_forward(np.ones((2, 3)), 0.25)


@pytest.mark.parametrize("shape", [(), (0,), (3, 0)])
def test_softmax_wants_at_least_one_class(shape):
    with pytest.raises(ValueError, match=r"^x must be an array of shape \(\.\.\., C\) with at least one class"):
        activations.softmax_forward(np.ones(shape))
