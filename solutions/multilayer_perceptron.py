"""The fully connected layer, and the network of two whose gradients NYU derives by hand. Knows no convolution."""

import itertools
from collections.abc import Sequence
from typing import Any

from solutions.activations import sigmoid_backward, sigmoid_forward
from solutions.arrays import Array, check_float, check_same_shape, check_shape, count, namespace

Cache = Any


def linear_forward(x: Array, w: Array, b: Array) -> tuple[Array, Cache]:
    """Weigh every input for every output: ``out = x @ w.T + b``.

    Parameters
    ----------
    x : (N, in_features)
    w : (out_features, in_features)
    b : (out_features,)

    Returns
    -------
    out : (N, out_features)
    cache : for ``linear_backward``.

    Raises
    ------
    ValueError
        If an argument is no floating-point array or has another shape.

    Notes
    -----
    Sources: BZU, NYU (``z = W x + b`` for one sample, a column); ``torch.nn.Linear``.

    Examples
    --------
    >>> import numpy as np
    >>> x, w = np.array([[1.0, 2.0]]), np.array([[1.0, 0.0], [3.0, 4.0], [0.0, -1.0]])
    >>> out, cache = linear_forward(x, w, np.array([0.0, 1.0, 0.0]))
    >>> out
    array([[ 1., 12., -2.]])
    >>> dx, dw, db = linear_backward(np.array([[1.0, 0.0, 2.0]]), cache)
    >>> dx
    array([[ 1., -2.]])
    >>> dw
    array([[1., 2.],
           [0., 0.],
           [2., 4.]])
    >>> db
    array([1., 0., 2.])
    """
    check_shape(x, "x", "(N, in_features)", ndim=2)
    check_float(x, "x")
    _check_parameters(w, b, in_features=x.shape[1])
    return x @ w.T + b, (x, w)


def linear_backward(dout: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """Return ``dx = dout @ w``, ``dw = dout.T @ x`` and ``db``, the sum of ``dout`` over the N that share ``b``."""
    x, w = cache
    check_shape(dout, "dout", "(N, out_features)", ndim=2)
    check_float(dout, "dout")
    if tuple(dout.shape) != (x.shape[0], w.shape[0]):
        raise ValueError(f"dout must have shape {(x.shape[0], w.shape[0])}, got {tuple(dout.shape)}")
    return dout @ w, dout.T @ x, namespace(dout).sum(dout, axis=0)


def collapse_linear(w_first: Array, b_first: Array, w_second: Array, b_second: Array) -> tuple[Array, Array]:
    """Return the one linear layer that does what two in a row do: ``w = w_second @ w_first``.

    Parameters
    ----------
    w_first : (M, D)
    b_first : (M,)
    w_second : (K, M)
    b_second : (K,)

    Returns
    -------
    w : (K, D)
    b : (K,), ``w_second @ b_first + b_second``.

    Raises
    ------
    ValueError
        If an argument is no floating-point array or the shapes do not fit.

    Notes
    -----
    Why an activation must stand between two layers. Sources: BZU, NYU.

    Examples
    --------
    >>> import numpy as np
    >>> collapse_linear(np.array([[1.0, 2.0]]), np.array([3.0]), np.array([[10.0], [-1.0]]), np.array([0.0, 1.0]))
    (array([[10., 20.],
           [-1., -2.]]), array([30., -2.]))
    """
    check_shape(w_first, "w_first", "(out_features, in_features)", ndim=2)
    _check_parameters(w_first, b_first, in_features=w_first.shape[1], layer="_first")
    _check_parameters(w_second, b_second, in_features=w_first.shape[0], layer="_second")
    return w_second @ w_first, w_second @ b_first + b_second


def branch_backward(dfirst: Array, dsecond: Array) -> Array:
    """Return the gradient of a value that two paths used: ``dx = dfirst + dsecond``.

    Parameters
    ----------
    dfirst : any shape, the gradient that comes back along the first path.
    dsecond : the same shape, the gradient along the second.

    Returns
    -------
    dx : the same shape.

    Raises
    ------
    ValueError
        If the two are no floating-point arrays of one shape.

    Notes
    -----
    The chain rule of several variables: ``dL/dx = dL/du du/dx + dL/dv dv/dx``. Sources: BZU, NYU (computation graphs).

    Examples
    --------
    ``y = x**2 + 3 * x`` at ``x = 2``: 4 along the square, 3 along the product.

    >>> import numpy as np
    >>> branch_backward(np.array([4.0]), np.array([3.0]))
    array([7.])
    """
    check_float(dfirst, "dfirst")
    check_float(dsecond, "dsecond")
    check_same_shape(dsecond, "dsecond", dfirst, "dfirst")
    return dfirst + dsecond


def two_layer_forward(
    x: Array, w_hidden: Array, b_hidden: Array, w_output: Array, b_output: Array
) -> tuple[Array, Cache]:
    """NYU's binary classifier: a hidden layer and an output layer, both with the sigmoid.

    ``u = sigmoid(x @ w_hidden.T + b_hidden)``, ``out = sigmoid(u @ w_output.T + b_output)``.

    Parameters
    ----------
    x : (N, D)
    w_hidden : (M, D)
    b_hidden : (M,)
    w_output : (K, M), with K = 1 for one class against the other
    b_output : (K,)

    Returns
    -------
    out : (N, K), probabilities for ``binary_cross_entropy_loss``, whose gradient ``two_layer_backward`` takes.
    cache : for ``two_layer_backward``.

    Raises
    ------
    ValueError
        If an argument is no floating-point array or the shapes do not fit.

    Notes
    -----
    Source: NYU's back-propagation example. The gradient of the loss at the output layer's ``z`` comes out as
    ``(out - target) / size``: the ``out * (1 - out)`` of the sigmoid cancels that of the loss. (NYU prints the case
    ``target = 1``: ``-exp(-z) / (1 + exp(-z)) = out - 1``.) Where ``out`` rounds to 0 or 1 nothing is left to cancel
    and the gradient vanishes; ``cross_entropy_loss``, which takes scores, has no such trap.

    Examples
    --------
    >>> import numpy as np
    >>> from solutions.losses import binary_cross_entropy_loss
    >>> x, target = np.array([[1.0, -1.0]]), np.array([[1.0]])
    >>> parameters = np.zeros((3, 2)), np.zeros(3), np.ones((1, 3)), np.array([-1.5])
    >>> out, cache = two_layer_forward(x, *parameters)
    >>> value, dout = binary_cross_entropy_loss(out, target)
    >>> dx, dw_hidden, db_hidden, dw_output, db_output = two_layer_backward(dout, cache)
    >>> print(out, value.round(4), db_output, dw_output, db_hidden)
    [[0.5]] 0.6931 [-0.5] [[-0.25 -0.25 -0.25]] [-0.125 -0.125 -0.125]
    """
    check_shape(x, "x", "(N, D)", ndim=2)
    check_float(x, "x")
    _check_parameters(w_hidden, b_hidden, in_features=x.shape[1], layer="_hidden")
    _check_parameters(w_output, b_output, in_features=w_hidden.shape[0], layer="_output")
    z_hidden, hidden_cache = linear_forward(x, w_hidden, b_hidden)
    u, u_cache = sigmoid_forward(z_hidden)
    z_output, output_cache = linear_forward(u, w_output, b_output)
    out, out_cache = sigmoid_forward(z_output)
    return out, (hidden_cache, u_cache, output_cache, out_cache)


def two_layer_backward(dout: Array, cache: Cache) -> tuple[Array, Array, Array, Array, Array]:
    """Return ``dx, dw_hidden, db_hidden, dw_output, db_output``: the forward's four steps in reverse."""
    hidden_cache, u_cache, output_cache, out_cache = cache
    dz_output = sigmoid_backward(dout, out_cache)
    du, dw_output, db_output = linear_backward(dz_output, output_cache)
    dz_hidden = sigmoid_backward(du, u_cache)
    dx, dw_hidden, db_hidden = linear_backward(dz_hidden, hidden_cache)
    return dx, dw_hidden, db_hidden, dw_output, db_output


def mlp_parameter_count(layer_sizes: Sequence[int]) -> int:
    """Return how many weights and biases a stack of linear layers has: the sum of ``out * (in + 1)``.

    Parameters
    ----------
    layer_sizes : the input dimension, then the number of units of each layer; at least two, all at least 1.

    Raises
    ------
    ValueError
        If ``layer_sizes`` is no such sequence.

    Notes
    -----
    Source: NYU: ``N_H * (d + 1) + K * (N_H + 1)`` for ``(d, N_H, K)``.

    Examples
    --------
    >>> mlp_parameter_count((2, 4, 1))
    17
    """
    if isinstance(layer_sizes, str) or not isinstance(layer_sizes, Sequence) or len(layer_sizes) < 2:
        raise ValueError(f"layer_sizes must be a sequence of at least two integers, got {layer_sizes!r}")
    sizes = [count(size, f"layer_sizes[{i}]", minimum=1) for i, size in enumerate(layer_sizes)]
    return sum(after * (before + 1) for before, after in itertools.pairwise(sizes))


def _check_parameters(w: Array, b: Array, *, in_features: int, layer: str = "") -> None:
    check_shape(w, f"w{layer}", "(out_features, in_features)", ndim=2)
    check_float(w, f"w{layer}")
    if w.shape[1] != in_features:
        raise ValueError(f"w{layer} must have {in_features} columns, one an input feature, got shape {tuple(w.shape)}")
    check_shape(b, f"b{layer}", "(out_features,)", ndim=1)
    check_float(b, f"b{layer}")
    if b.shape[0] != w.shape[0]:
        raise ValueError(f"b{layer} must have {w.shape[0]} entries, one a row of w{layer}, got {b.shape[0]}")
