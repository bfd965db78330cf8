import itertools

import numpy as np
import pytest
import scipy.special

from solutions import losses, multilayer_perceptron
from solutions.multilayer_perceptron import (
    branch_backward,
    collapse_linear,
    linear_backward,
    linear_forward,
    mlp_parameter_count,
    two_layer_backward,
    two_layer_forward,
)
from tests.solutions.stand_ins import LIBRARIES, assert_same, convert, library

dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def layer(n=5, features=4, units=3, dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    arrays = [rng.standard_normal(shape) for shape in ((n, features), (units, features), (units,), (n, units))]
    return tuple(a.astype(dtype) for a in arrays)


def network(n=6, d=3, m=4, k=2, dtype=np.float64, seed=0):
    """Return the inputs of the two-layer network and targets."""
    rng = np.random.default_rng(seed)
    arrays = [rng.standard_normal(shape) for shape in ((n, d), (m, d), (m,), (k, m), (k,))]
    return tuple(a.astype(dtype) for a in arrays), rng.integers(0, 2, (n, k)).astype(dtype)


def run_linear(x, w, b, dout):
    out, cache = linear_forward(x, w, b)
    return out, *linear_backward(dout, cache)


def run_two_layer(inputs, dout):
    out, cache = two_layer_forward(*inputs)
    return out, *two_layer_backward(dout, cache)


def test_a_linear_layer_worked_by_hand():
    out, dx, dw, db = run_linear(
        np.array([[1.0, 2.0], [3.0, -1.0]]), np.array([[2.0, 0.5]]), np.array([1.0]), np.array([[1.0], [-2.0]])
    )
    np.testing.assert_array_equal(out, [[4], [6.5]])
    np.testing.assert_array_equal(dx, [[2, 0.5], [-4, -1]])
    np.testing.assert_array_equal(dw, [[1 - 6, 2 + 2]])
    np.testing.assert_array_equal(db, [-1])


def test_each_output_is_a_weighted_sum_and_each_gradient_sums_its_uses():
    x, w, b, dout = layer()
    out, dx, dw, db = run_linear(x, w, b, dout)
    np.testing.assert_allclose(out, np.einsum("nf,uf->nu", x, w) + b, rtol=1e-13)
    np.testing.assert_allclose(dx, np.einsum("nu,uf->nf", dout, w), rtol=1e-13)
    np.testing.assert_allclose(dw, np.einsum("nu,nf->uf", dout, x), rtol=1e-13)
    np.testing.assert_allclose(db, np.einsum("nu->u", dout), rtol=1e-13)


def test_a_stack_of_linear_layers_is_one_linear_layer():
    x, w, b, _ = layer()
    _, v, c, _ = layer(features=3, units=2, seed=1)
    stacked = linear_forward(linear_forward(x, w, b)[0], v, c)[0]
    np.testing.assert_allclose(stacked, linear_forward(x, v @ w, v @ b + c)[0], rtol=1e-12)


def test_a_value_used_twice_gets_the_sum_of_both_gradients():
    x = np.array([0.5, -2.0, 3.0])
    slope = ((x + 1e-6) ** 2 + np.sin(x + 1e-6) - (x - 1e-6) ** 2 - np.sin(x - 1e-6)) / 2e-6
    np.testing.assert_allclose(branch_backward(2 * x, np.cos(x)), slope, rtol=1e-8)


def test_nyus_example_loses_out_minus_target_at_the_last_linear_step():
    (x, w_hidden, b_hidden, w_output, b_output), target = network(k=1)
    inputs = x, w_hidden, b_hidden, w_output, b_output
    out, cache = two_layer_forward(*inputs)
    u = scipy.special.expit(x @ w_hidden.T + b_hidden)
    z = u @ w_output.T + b_output
    np.testing.assert_allclose(out, scipy.special.expit(z), rtol=1e-13)
    value, dout = losses.binary_cross_entropy_loss(out, target)
    assert value == pytest.approx(np.mean(np.logaddexp(0, z) - target * z), rel=1e-12)
    dx, dw_hidden, db_hidden, dw_output, db_output = two_layer_backward(dout, cache)
    dz = (out - target) / len(x)
    np.testing.assert_allclose(db_output, dz.sum(axis=0), rtol=1e-11)
    np.testing.assert_allclose(dw_output, dz.T @ u, rtol=1e-11)
    dz_hidden = dz @ w_output * u * (1 - u)
    np.testing.assert_allclose(db_hidden, dz_hidden.sum(axis=0), rtol=1e-11)
    np.testing.assert_allclose(dw_hidden, dz_hidden.T @ x, rtol=1e-11)
    np.testing.assert_allclose(dx, dz_hidden @ w_hidden, rtol=1e-11)


def test_nyus_printed_derivative_is_the_case_of_target_one():
    (x, *parameters), _ = network(n=1, k=1)
    out, cache = two_layer_forward(x, *parameters)
    z = scipy.special.logit(out)
    _, dout = losses.binary_cross_entropy_loss(out, np.ones((1, 1)))
    np.testing.assert_allclose(two_layer_backward(dout, cache)[-1], (-np.exp(-z) / (1 + np.exp(-z)))[0], rtol=1e-11)


@pytest.mark.parametrize("position", range(5))
def test_every_gradient_is_the_slope_along_any_direction(position):
    inputs, target = network()
    direction = np.random.default_rng(1).standard_normal(inputs[position].shape)
    step = 1e-5

    def loss_at(s):
        moved = [a + s * direction if i == position else a for i, a in enumerate(inputs)]
        return losses.binary_cross_entropy_loss(two_layer_forward(*moved)[0], target)[0]

    out, cache = two_layer_forward(*inputs)
    gradients = two_layer_backward(losses.binary_cross_entropy_loss(out, target)[1], cache)
    slope = (loss_at(step) - loss_at(-step)) / (2 * step)
    np.testing.assert_allclose(np.sum(gradients[position] * direction), slope, rtol=1e-7)


def test_a_trained_two_layer_network_separates_what_one_line_cannot():
    x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    target = np.array([[0.0], [1.0], [1.0], [0.0]])
    (_, *parameters), _ = network(d=2, m=4, k=1)
    for _ in range(2000):
        out, cache = two_layer_forward(x, *parameters)
        _, dout = losses.binary_cross_entropy_loss(out, target)
        _, *gradients = two_layer_backward(dout, cache)
        parameters = [p - 2.0 * g for p, g in zip(parameters, gradients, strict=True)]
    np.testing.assert_array_equal(out > 0.5, target == 1)


@pytest.mark.parametrize(("d", "hidden", "k"), [(2, 4, 1), (784, 100, 10), (1, 1, 1)])
def test_the_parameter_count_is_nyus_formula(d, hidden, k):
    assert mlp_parameter_count((d, hidden, k)) == hidden * (d + 1) + k * (hidden + 1)


def test_the_parameter_count_counts_the_arrays_of_a_deeper_stack():
    sizes = [7, 5, 3, 2]
    arrays = [(np.empty((o, i)), np.empty(o)) for i, o in itertools.pairwise(sizes)]
    assert mlp_parameter_count(sizes) == sum(w.size + b.size for w, b in arrays)


@dtypes
def test_the_type_stays(dtype):
    assert {a.dtype for a in run_linear(*layer(dtype=dtype))} == {np.dtype(dtype)}
    inputs, target = network(dtype=dtype)
    assert {a.dtype for a in run_two_layer(inputs, target)} == {np.dtype(dtype)}


@pytest.mark.parametrize(("n", "features", "units"), [(0, 4, 3), (1, 1, 1), (5, 0, 3), (5, 4, 0)])
def test_empty_and_single_dimensions_keep_their_shapes(n, features, units):
    x, w, b, dout = layer(n, features, units)
    out, dx, dw, db = run_linear(x, w, b, dout)
    assert (out.shape, dx.shape, dw.shape, db.shape) == (dout.shape, x.shape, w.shape, b.shape)


def test_an_empty_batch_runs_through_the_network():
    inputs, target = network(n=0)
    out, *gradients = run_two_layer(inputs, target)
    assert out.shape == (0, 2)
    assert [g.shape for g in gradients] == [a.shape for a in inputs]
    assert not any(g.any() for g in gradients[1:])


def test_views_give_the_same_and_read_only_inputs_are_enough():
    x, w, b, dout = layer(n=10, features=8, units=6)
    views = x[::2, ::-2], np.asfortranarray(w[::2, ::2]), b[::-2], dout[1::2, ::2]
    for array in (*views, x, w, b, dout):
        array.flags.writeable = False
    for result, expected in zip(run_linear(*views), run_linear(*(np.array(v, order="C") for v in views)), strict=True):
        np.testing.assert_allclose(result, expected, rtol=1e-12)
    inputs, target = network()
    for array in (*inputs, target):
        array.flags.writeable = False
    run_two_layer(inputs, target)


@dtypes
@pytest.mark.parametrize("name_of_library", LIBRARIES)
def test_every_array_library_gives_what_numpy_gives(dtype, name_of_library):
    xp = library(name_of_library)
    arrays = layer(dtype=dtype)
    assert_same(xp, run_linear(*convert(xp, arrays)), run_linear(*arrays))
    inputs, target = network(dtype=dtype)
    assert_same(xp, run_two_layer(convert(xp, inputs), convert(xp, target)), run_two_layer(inputs, target))
    assert_same(xp, branch_backward(*convert(xp, (target, target))), branch_backward(target, target))


@pytest.mark.parametrize(
    ("position", "bad", "message"),
    [
        (0, np.ones(4), r"^x must be an array of shape \(N, in_features\), got shape \(4,\)"),
        (0, [[1.0] * 4], r"^x must be an array of shape \(N, in_features\), got list"),
        (0, np.ones((5, 4), int), "^x must hold real floating-point numbers"),
        (1, np.ones(4), r"^w must be an array of shape \(out_features, in_features\)"),
        (1, np.ones((4, 3)), "^w must have 4 columns, one an input feature"),
        (1, np.ones((3, 4), int), "^w must hold real floating-point numbers"),
        (2, np.ones((1, 3)), r"^b must be an array of shape \(out_features,\)"),
        (2, np.ones(4), "^b must have 3 entries, one a row of w, got 4"),
        (2, np.ones(3, int), "^b must hold real floating-point numbers"),
        (3, np.ones(5), r"^dout must be an array of shape \(N, out_features\)"),
        (3, np.ones((5, 4)), r"^dout must have shape \(5, 3\), got \(5, 4\)"),
        (3, np.ones((5, 3), int), "^dout must hold real floating-point numbers"),
    ],
)
def test_a_linear_layer_refuses_bad_arguments_by_name(position, bad, message):
    arguments = list(layer())
    arguments[position] = bad
    with pytest.raises(ValueError, match=message):
        run_linear(*arguments)


@pytest.mark.parametrize(
    ("position", "bad", "message"),
    [
        (0, np.ones(3), r"^x must be an array of shape \(N, D\)"),
        (0, np.ones((6, 3), int), "^x must hold real floating-point numbers"),
        (1, np.ones((4, 2)), "^w_hidden must have 3 columns"),
        (2, np.ones(3), "^b_hidden must have 4 entries, one a row of w_hidden"),
        (3, np.ones((2, 3)), "^w_output must have 4 columns"),
        (4, np.ones(3), "^b_output must have 2 entries, one a row of w_output"),
        (4, 1.0, r"^b_output must be an array of shape \(out_features,\), got float"),
    ],
)
def test_the_network_refuses_bad_arguments_by_name(position, bad, message):
    inputs, target = network()
    arguments = [bad if i == position else a for i, a in enumerate(inputs)]
    with pytest.raises(ValueError, match=message):
        run_two_layer(arguments, target)


def test_the_network_refuses_an_upstream_gradient_of_another_shape():
    inputs, target = network()
    with pytest.raises(ValueError, match=r"^dout must have the shape of the output, \(6, 2\)"):
        run_two_layer(inputs, target[:, :1])


def test_a_branch_refuses_gradients_of_two_shapes():
    with pytest.raises(ValueError, match=r"^dsecond must have the shape of dfirst, \(2,\), got shape \(2, 1\)"):
        branch_backward(np.ones(2), np.ones((2, 1)))
    with pytest.raises(ValueError, match=r"^dfirst must .*floating-point"):
        branch_backward([1.0], np.ones(1))
    with pytest.raises(ValueError, match=r"^dsecond must .*floating-point"):
        branch_backward(np.ones(1), np.ones(1, int))


@pytest.mark.parametrize("bad", [(3,), (), 5, "34", None, (3, 0), (3, 2.0), (3, True)])
def test_layer_sizes_that_are_no_layers_are_refused(bad):
    with pytest.raises(ValueError, match=r"^layer_sizes(\[1\])? must be a"):
        multilayer_perceptron.mlp_parameter_count(bad)


@dtypes
def test_two_linear_layers_are_the_one_they_collapse_to(dtype):
    (x, *parameters), _ = network(dtype=dtype)
    hidden, _ = linear_forward(x, *parameters[:2])
    expected, _ = linear_forward(hidden, *parameters[2:])
    w, b = collapse_linear(*parameters)
    assert w.dtype == b.dtype == dtype
    np.testing.assert_allclose(x @ w.T + b, expected, rtol=1e-4 if dtype == np.float32 else 1e-12, atol=1e-5)


def test_layers_that_do_not_follow_each_other_do_not_collapse():
    with pytest.raises(ValueError, match="w_second must have 4 columns"):
        collapse_linear(np.ones((4, 3)), np.ones(4), np.ones((2, 3)), np.ones(2))
