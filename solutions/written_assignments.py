"""NYU's two written assignments: a small classifier counted, a denoising network counted and differentiated.

The denoising network is convolution, ReLU, convolution, ReLU, convolution, each padded so that the image keeps its
size. Its last layer is written out here: ``denoise`` is the layer, ``denoising_loss`` the mean squared error of what it
makes with the gradient in its filters and biases. Knows no training.
"""

import itertools
from collections.abc import Sequence

from solutions.architecture import parameter_count, receptive_field
from solutions.arrays import Array
from solutions.convolution import conv2d_backward, conv2d_forward
from solutions.descriptions import Layer, conv, linear
from solutions.losses import mse_loss


def conv_pool_linear_counts(
    height: int, width: int, *, filters: int, kernel_size: int, pool_size: int, outputs: int
) -> tuple[int, int]:
    """Count the network of NYU's first written assignment: convolution, pooling, one fully connected layer.

    Parameters
    ----------
    height, width : int
        Size of a grey image (one channel).
    filters, kernel_size : int
        Of the convolution: stride 1, no padding, with biases.
    pool_size : int
        The pooling takes windows of ``pool_size × pool_size``, one beside the other; a rest is left out.
    outputs : int
        Units of the fully connected layer, which reads every pixel of every pooled map and has biases.

    Returns
    -------
    parameters : int
        How many numbers the network learns.
    field : int
        How many rows (and columns) of the image one pixel *after the pooling* sees.

    Examples
    --------
    >>> conv_pool_linear_counts(28, 28, filters=4, kernel_size=5, pool_size=2, outputs=10)
    (5874, 6)
    """
    pool: Layer = {"kind": "max_pool2d", "kernel_size": pool_size}
    layers = [conv(filters, kernel_size), pool, {"kind": "flatten"}, linear(outputs)]
    return parameter_count(layers, (1, height, width)), receptive_field(layers)[0]


def denoising_counts(
    channels: int, widths: Sequence[int], kernel_sizes: Sequence[int]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Count the network of NYU's second written assignment, layer by layer.

    Three convolutions with biases, stride 1: from ``channels`` to ``widths[0]`` maps, from there to ``widths[1]``
    maps, and from there back to ``channels``. ReLU stands between them.

    Parameters
    ----------
    channels : int
        Of the noisy image and of the denoised one.
    widths : two ints
        Feature maps after the first and after the second layer.
    kernel_sizes : three ints
        Side of each layer's kernels.

    Returns
    -------
    parameters : tuple of three ints
        How many numbers each layer learns.
    fields : tuple of three ints
        How many rows (and columns) of the noisy image one pixel after each layer sees.

    Examples
    --------
    >>> denoising_counts(3, (16, 8), (5, 3, 3))
    ((1216, 1160, 219), (5, 7, 9))
    """
    layers = [conv(maps, size) for maps, size in zip((*widths, channels), kernel_sizes, strict=True)]
    image = (channels, sum(kernel_sizes), sum(kernel_sizes))  # large enough for every window
    totals = [parameter_count(layers[:depth], image) for depth in range(4)]
    parameters = tuple(after - before for before, after in itertools.pairwise(totals))
    return parameters, tuple(receptive_field(layers[:depth])[0] for depth in (1, 2, 3))


def denoise(h: Array, b: Array, z: Array) -> Array:
    """Last layer of the denoising network: from feature maps to the image, of the same height and width.

    ``ŷ[i,k,m,n] = b[k] + Σ_j Σ_p Σ_q h[k,j,p,q] · z[i, j, m + p - ⌊KH/2⌋, n + q - ⌊KW/2⌋]``, where z is zero outside.

    Parameters
    ----------
    h : (K, J, KH, KW), floating
        Filters: K colours, J feature maps; KH and KW are odd.
    b : (K,)
        One bias a colour.
    z : (N, J, H, W)
        Feature maps of the layer before.

    Returns
    -------
    (N, K, H, W)
        The denoised images.

    Examples
    --------
    >>> import numpy as np
    >>> denoise(np.array([[[[1.0, 2, 4]]]]), np.array([10.0]), np.array([[[[1.0, 2, 3]]]])).ravel()
    array([20., 27., 18.])
    """
    return conv2d_forward(z, h, b, padding=_half(h))[0]


def denoising_loss(h: Array, b: Array, z: Array, target: Array) -> tuple[Array, Array, Array]:
    """Mean squared error of the denoised images, with its gradient in the last layer's filters and biases.

    ``L = mean((ŷ - y)²)`` over all images, colours and pixels, with ``ŷ = denoise(h, b, z)``.

    Parameters
    ----------
    h, b, z
        As in `denoise`.
    target : (N, K, H, W)
        The images without noise.

    Returns
    -------
    value : no dimensions
    dh : the shape of ``h``
    db : the shape of ``b``

    Examples
    --------
    >>> import numpy as np
    >>> value, dh, db = denoising_loss(
    ...     np.array([[[[1.0, 2, 4]]]]), np.array([10.0]), np.array([[[[1.0, 2, 3]]]]), np.array([[[[17.0, 27, 15]]]]))
    >>> print(value, dh.ravel(), db)
    6.0 [4. 8. 4.] [4.]
    """
    prediction, cache = conv2d_forward(z, h, b, padding=_half(h))
    value, dprediction = mse_loss(prediction, target)
    _, dh, db = conv2d_backward(dprediction, cache)
    assert db is not None
    return value, dh, db


def _half(h: Array) -> tuple[int, int]:
    """Return the border that keeps the size under an odd kernel."""
    if h.shape[2] % 2 == 0 or h.shape[3] % 2 == 0:
        raise ValueError(f"h must have odd kernels, which keep the size, got shape {h.shape}")
    return h.shape[2] // 2, h.shape[3] // 2
