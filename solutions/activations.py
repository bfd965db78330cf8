"""Activations: each function and its derivative, forward and backward next to each other. Knows no layer.

All are elementwise but ``softmax``. Six habits run through the file:

- No exponential may overflow: an exponent is bounded from above before it is used.
- A branch (``x > 0``) is a gate of zeros and ones that multiplies. ``where`` says the same, yet NumPy's mispredicts on
  random signs and takes ten to twenty times as long. A gated gradient must therefore be finite.
- Bounds are set by ``clip``, also ``max(0, x)``: NumPy's ``maximum`` of an array and a number takes four times as long.
- ``exp(x) - 1`` and ``log(1 + x)`` are exact near 0 through identities: NumPy's own ``expm1`` and ``log1p`` take five
  times as long as ``exp`` where the processor lacks AVX-512.
- ``threadwise`` shares a large array among threads, ``blockwise`` also takes it in blocks that stay in the cache; they
  change nothing else.
- At a kink the derivative is the one from the left, as in PyTorch: 0 for ``relu``, ``slope`` for ``leaky_relu``.

Shapes: ``x``, ``out``, ``dout`` and ``dx`` all have the same shape, any number of dimensions unless said otherwise, and
keep the floating-point type of ``x``. A wrong type or shape is a ``ValueError`` that names the argument.
"""

import math
from typing import Any

from solutions.arrays import Array, check_float, check_same_shape, namespace, number
from solutions.blockwise import blockwise, threadwise

Cache = Any


def sigmoid_forward(x: Array) -> tuple[Array, Cache]:
    """Squash every value into (0, 1): ``out = 1 / (1 + exp(-x))``.

    Parameters
    ----------
    x : any shape.

    Returns
    -------
    out : the shape of ``x``.
    cache : for ``sigmoid_backward``.

    Notes
    -----
    ``x`` is bounded where ``exp`` nears the end of the floating-point range (708 in float64, 87 in float32): beyond it
    ``out`` stays at 1 and at the smallest number that is not denormal. Sources: UB, BZU, NYU; ``torch.sigmoid``.

    Examples
    --------
    >>> import numpy as np
    >>> out, cache = sigmoid_forward(np.array([0.0, 10.0, -1000.0]))
    >>> out.round(4)
    array([0.5, 1. , 0. ])
    >>> sigmoid_backward(np.ones(3), cache).round(4)
    array([0.25, 0.  , 0.  ])
    """
    check_float(x, "x")
    out = threadwise(_sigmoid, x)
    return out, out


def sigmoid_backward(dout: Array, cache: Cache) -> Array:
    """Return ``dx = dout * out * (1 - out)``; the cache is the activated output."""
    out = cache
    _check_dout(dout, out)

    def gradient(dout: Array, out: Array) -> Array:
        slope = 1.0 - out
        slope *= out
        return dout * slope

    return threadwise(gradient, dout, out)


def _sigmoid(x: Array, beta: float = 1.0) -> Array:
    xp = namespace(x)
    largest_exponent = math.floor(-math.log(xp.finfo(x.dtype).smallest_normal))
    bound = largest_exponent / abs(beta) if beta else math.inf
    exponent = _clip(x, -bound, bound)
    if beta != 1.0:
        exponent *= beta
    result = xp.exp(exponent)
    result /= 1.0 + result  # exp / (1 + exp) is 1 / (1 + 1 / exp)
    return result


def tanh_forward(x: Array) -> tuple[Array, Cache]:
    """Squash every value into (-1, 1): ``out = (exp(x) - exp(-x)) / (exp(x) + exp(-x))``.

    Parameters
    ----------
    x : any shape.

    Returns
    -------
    out : the shape of ``x``.
    cache : for ``tanh_backward``.

    Notes
    -----
    The library's ``tanh`` is used: the ratio as written overflows from 711 on. Sources: UB, BZU, NYU; ``torch.tanh``.

    Examples
    --------
    >>> import numpy as np
    >>> out, cache = tanh_forward(np.array([0.0, 0.5, 1000.0]))
    >>> out.round(4)
    array([0.    , 0.4621, 1.    ])
    >>> tanh_backward(np.ones(3), cache).round(4)
    array([1.    , 0.7864, 0.    ])
    """
    check_float(x, "x")
    out = threadwise(namespace(x).tanh, x)
    return out, out


def tanh_backward(dout: Array, cache: Cache) -> Array:
    """Return ``dx = dout * (1 - out**2)``; the cache is the activated output."""
    out = cache
    _check_dout(dout, out)
    return threadwise(lambda dout, out: dout * (1.0 - out * out), dout, out)


def relu_forward(x: Array) -> tuple[Array, Cache]:
    """Keep what is positive: ``out = max(0, x)``.

    Parameters
    ----------
    x : any shape.

    Returns
    -------
    out : the shape of ``x``.
    cache : for ``relu_backward``.

    Notes
    -----
    Sources: UB, BZU, NYU; ``torch.nn.ReLU``.

    Examples
    --------
    >>> import numpy as np
    >>> out, cache = relu_forward(np.array([-2.0, 0.0, 3.0]))
    >>> out
    array([0., 0., 3.])
    >>> relu_backward(np.array([5.0, 5.0, -5.0]), cache)
    array([ 0.,  0., -5.])
    """
    check_float(x, "x")
    return _clip(x, 0.0, math.inf), x


def relu_backward(dout: Array, cache: Cache) -> Array:
    """Return ``dx = dout * [x > 0]``; a unit at or below zero passes nothing on."""
    x = cache
    _check_dout(dout, x)
    return threadwise(lambda dout, x: dout * _gate(x), dout, x)


def leaky_relu_forward(x: Array, *, slope: float = 0.01) -> tuple[Array, Cache]:
    """Keep what is positive, damp the rest: ``out = max(x, slope * x)``.

    Parameters
    ----------
    x : any shape.
    slope : the derivative below zero, in [0, 1]; 0.01 as in PyTorch (NYU takes 0.02, UB 0.1).

    Returns
    -------
    out : the shape of ``x``.
    cache : for ``leaky_relu_backward``.

    Notes
    -----
    Sources: UB, BZU, NYU; ``torch.nn.LeakyReLU``.

    Examples
    --------
    >>> import numpy as np
    >>> out, cache = leaky_relu_forward(np.array([-2.0, 3.0]), slope=0.1)
    >>> out
    array([-0.2,  3. ])
    >>> leaky_relu_backward(np.array([5.0, -5.0]), cache)
    array([ 0.5, -5. ])
    """
    check_float(x, "x")
    slope = number(slope, "slope", minimum=0, maximum=1)
    return threadwise(lambda x: namespace(x).maximum(x, slope * x), x), (x, slope)


def leaky_relu_backward(dout: Array, cache: Cache) -> Array:
    """Return ``dx = dout`` where ``x > 0`` and ``slope * dout`` elsewhere."""
    x, slope = cache
    _check_dout(dout, x)
    return threadwise(lambda dout, x: dout * _clip(_gate(x), slope, 1.0), dout, x)


def prelu_forward(x: Array, slope: Array) -> tuple[Array, Cache]:
    """Leaky ReLU whose slope is learned, one a channel: ``out = max(0, x) + slope * min(0, x)``.

    Parameters
    ----------
    x : (N, C, ...), channels on axis 1.
    slope : (C,), the derivative below zero of each channel.

    Returns
    -------
    out : the shape of ``x``.
    cache : for ``prelu_backward``.

    Notes
    -----
    Source: NYU (He et al. 2015); ``torch.nn.PReLU(num_parameters=C)``.

    Examples
    --------
    >>> import numpy as np
    >>> out, cache = prelu_forward(np.array([[-2.0, -2.0], [3.0, -4.0]]), np.array([0.25, 0.5]))
    >>> out
    array([[-0.5, -1. ],
           [ 3. , -2. ]])
    >>> dx, dslope = prelu_backward(np.ones((2, 2)), cache)
    >>> dx
    array([[0.25, 0.5 ],
           [1.  , 0.5 ]])
    >>> dslope
    array([-2., -6.])
    """
    check_float(x, "x")
    if len(x.shape) < 2:
        raise ValueError(f"x must be an array of shape (N, C, ...), got shape {tuple(x.shape)}")
    check_float(slope, "slope")
    if tuple(slope.shape) != (x.shape[1],):
        raise ValueError(f"slope must have shape (C,) = ({x.shape[1]},), got shape {tuple(slope.shape)}")
    xp = namespace(x, slope)
    slope = xp.reshape(slope, (1, -1) + (1,) * (len(x.shape) - 2))
    below = _clip(x, -math.inf, 0.0)
    return _clip(x, 0.0, math.inf) + slope * below, (x, slope, below)


def prelu_backward(dout: Array, cache: Cache) -> tuple[Array, Array]:
    """Return ``dx`` as of leaky ReLU and ``dslope = sum(dout * min(0, x))`` over all but the channels, (C,)."""
    x, slope, below = cache
    _check_dout(dout, x)
    xp = namespace(x)
    above = dout * _gate(x)
    dx = above + slope * (dout - above)
    all_but_channels = (0, *range(2, len(x.shape)))
    return dx, xp.sum(dout * below, axis=all_but_channels)


def elu_forward(x: Array, *, alpha: float = 1.0) -> tuple[Array, Cache]:
    """Bend smoothly towards ``-alpha``: ``out = x`` where ``x > 0`` and ``alpha * (exp(x) - 1)`` elsewhere.

    Parameters
    ----------
    x : any shape.
    alpha : how far below zero it may go.

    Returns
    -------
    out : the shape of ``x``.
    cache : for ``elu_backward``.

    Notes
    -----
    Sources: UB; BZU writes ``max(0, x) + alpha * min(0, exp(x) - 1)``, the same; ``torch.nn.ELU``.

    Examples
    --------
    >>> import numpy as np
    >>> out, cache = elu_forward(np.array([-1000.0, -1.0, 3.0]), alpha=2.0)
    >>> out.round(4)
    array([-2.    , -1.2642,  3.    ])
    >>> elu_backward(np.ones(3), cache).round(4)
    array([0.    , 0.7358, 1.    ])
    """
    check_float(x, "x")
    alpha = number(alpha, "alpha")
    below = blockwise(lambda x: alpha * _expm1(_clip(x, -math.inf, 0.0)), x)
    return threadwise(lambda x, below: _clip(x, 0.0, math.inf) + below, x, below), (x, below, alpha)


def elu_backward(dout: Array, cache: Cache) -> Array:
    """Return ``dx = dout`` where ``x > 0`` and ``dout * (out + alpha) = dout * alpha * exp(x)`` elsewhere."""
    x, below, alpha = cache
    _check_dout(dout, x)

    def gated(dout: Array, x: Array, below: Array) -> Array:
        above = dout * _gate(x)
        return above + (dout - above) * (below + alpha)

    return blockwise(gated, dout, x, below)


def _expm1(x: Array) -> Array:
    """Return ``exp(x) - 1``, exact near 0 too, as ``tanh(x/2) (exp(x) + 1)``."""
    xp = namespace(x)
    return xp.tanh(0.5 * x) * (xp.exp(x) + 1.0)


def softplus_forward(x: Array) -> tuple[Array, Cache]:
    """Smooth ReLU: ``out = log(1 + exp(x))``, computed as ``max(0, x) + log(1 + exp(-|x|))``.

    Parameters
    ----------
    x : any shape.

    Returns
    -------
    out : the shape of ``x``.
    cache : for ``softplus_backward``.

    Notes
    -----
    Sources: BZU; ``torch.nn.Softplus`` (which returns ``x`` itself from 20 on: less exact by up to 2e-9).

    Examples
    --------
    >>> import numpy as np
    >>> out, cache = softplus_forward(np.array([-1000.0, 0.0, 1.0]))
    >>> out.round(4)
    array([0.    , 0.6931, 1.3133])
    >>> softplus_backward(np.ones(3), cache).round(4)
    array([0.    , 0.5   , 0.7311])
    """
    check_float(x, "x")
    xp = namespace(x)
    return blockwise(lambda x: _clip(x, 0.0, math.inf) + _log1p(xp.exp(-xp.abs(x))), x), x


def softplus_backward(dout: Array, cache: Cache) -> Array:
    """Return ``dx = dout * sigmoid(x)``."""
    x = cache
    _check_dout(dout, x)
    return threadwise(lambda dout, x: dout * _sigmoid(x), dout, x)


def _log1p(x: Array) -> Array:
    """Return ``log(1 + x)``, exact near 0 too: what ``1 + x`` lost in rounding is added to first order."""
    rounded = 1.0 + x
    return namespace(x).log(rounded) + (x - (rounded - 1.0)) / rounded


def swish_forward(x: Array, *, beta: float = 1.0) -> tuple[Array, Cache]:
    """Gate every value by itself: ``out = x * sigmoid(beta * x)``.

    Parameters
    ----------
    x : any shape.
    beta : how sharp the gate is; 1 gives PyTorch's ``SiLU``.

    Returns
    -------
    out : the shape of ``x``.
    cache : for ``swish_backward``.

    Notes
    -----
    Sources: BZU; ``torch.nn.SiLU`` for ``beta = 1``.

    Examples
    --------
    >>> import numpy as np
    >>> out, cache = swish_forward(np.array([0.0, 2.0]))
    >>> out.round(3)
    array([0.   , 1.762])
    >>> swish_backward(np.ones(2), cache).round(3)
    array([0.5  , 1.091])
    """
    check_float(x, "x")
    beta = number(beta, "beta")
    gate = threadwise(lambda x: _sigmoid(x, beta), x)
    return x * gate, (x, gate, beta)


def swish_backward(dout: Array, cache: Cache) -> Array:
    """Return ``dx = dout * (s + beta * x * s * (1 - s))`` with ``s = sigmoid(beta * x)``."""
    x, gate, beta = cache
    _check_dout(dout, x)

    def gradient(dout: Array, x: Array, gate: Array) -> Array:
        slope = 1.0 - gate  # s (1 + beta x (1 - s)) in one array that stays in the cache
        slope *= x
        slope *= beta
        slope += 1.0
        slope *= gate
        return dout * slope

    return threadwise(gradient, dout, x, gate)


def softmax_forward(x: Array) -> tuple[Array, Cache]:
    """Turn every row of scores into probabilities: ``out[i] = exp(x[i]) / sum(exp(x))`` along the last axis.

    Parameters
    ----------
    x : (..., C), at least one class.

    Returns
    -------
    out : (..., C), each row sums to 1.
    cache : for ``softmax_backward``.

    Notes
    -----
    The row's largest score is subtracted first: it cancels in the ratio, and no exponential can overflow.
    Sources: BZU, NYU; ``torch.softmax(x, dim=-1)``.

    Examples
    --------
    >>> import numpy as np
    >>> out, cache = softmax_forward(np.array([[1.0, 2.0, 3.0], [1000.0, 0.0, 0.0]]))
    >>> out.round(4)
    array([[0.09  , 0.2447, 0.6652],
           [1.    , 0.    , 0.    ]])
    >>> dx = softmax_backward(np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]), cache)
    >>> dx.round(4)
    array([[ 0.0819, -0.022 , -0.0599],
           [ 0.    ,  0.    ,  0.    ]])
    """
    check_float(x, "x")
    if len(x.shape) == 0 or x.shape[-1] == 0:
        raise ValueError(f"x must be an array of shape (..., C) with at least one class, got shape {tuple(x.shape)}")
    xp = namespace(x)
    exponentials = xp.exp(x - xp.max(x, axis=-1, keepdims=True))
    out = exponentials / xp.sum(exponentials, axis=-1, keepdims=True)
    return out, out


def softmax_backward(dout: Array, cache: Cache) -> Array:
    """Return ``dx = out * (dout - sum(dout * out))``, the sum along the row: each score moves every probability."""
    out = cache
    _check_dout(dout, out)
    return out * (dout - namespace(out).sum(dout * out, axis=-1, keepdims=True))


def _clip(x: Array, low: float, high: float) -> Array:
    # The arrays' own method where there is one: array-api-compat's function gathers by a boolean index under CuPy.
    return x.clip(low, high) if hasattr(x, "clip") else namespace(x).clip(x, low, high)


def _gate(x: Array) -> Array:
    return namespace(x).astype(x > 0.0, x.dtype)


def _check_dout(dout: Array, out: Array) -> None:
    check_float(dout, "dout")
    check_same_shape(dout, "dout", out, "the output")
