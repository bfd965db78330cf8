"""The layer of this assignment, as students see it: the reference with fewer settings. Knows no case and no mistake."""

from typing import Any

from solutions import im2col as reference
from solutions.arrays import Array
from solutions.geometry import Size


def conv2d_forward(
    x: Array, w: Array, b: Array | None = None, *, stride: Size = 1, padding: Size = 0, dilation: Size = 1
) -> tuple[Array, Any]:
    """Apply a convolution layer as one matrix product, out = W · columns + b.

    W is w with every filter flattened into a row, (O, C·KH·KW), and the columns are those of `im2col`.

    Parameters
    ----------
    x : (N, C, H, W)
    w : (O, C, KH, KW)
    b : (O,) or None
    stride, padding, dilation : int or (height, width); the padding is with zeros

    Returns
    -------
    out : (N, O, OH, OW)
    cache : for the backward pass

    Notes
    -----
    Source: GT "vectorization": lay out the patches, reshape the kernels, one matrix product.

    Examples
    --------
    >>> import numpy as np
    >>> conv2d_forward(np.array([[[[1.0, 2, 3]]]]), np.array([[[[10.0, 20]]]]))[0]
    array([[[[50., 80.]]]])
    """
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    out, cache = reference.conv2d_forward_plain(x, w, b, **options)  # type: ignore[arg-type]
    return out, (x, w, b, options, cache)


def conv2d_backward(dout: Array, cache: Any) -> tuple[Array, Array, Array | None]:
    """Return the gradients of `conv2d_forward` in the order of its inputs.

    With dout as (N, O, OH·OW): dW = Σ_n dout[n] · columns[n]ᵀ, dcolumns = Wᵀ · dout, dx = `col2im` of dcolumns, and
    db is dout summed over all but its channels.

    Parameters
    ----------
    dout : (N, O, OH, OW)
    cache : from `conv2d_forward`

    Returns
    -------
    dx : (N, C, H, W)
    dw : (O, C, KH, KW)
    db : (O,), or None where there was no b

    Examples
    --------
    >>> import numpy as np
    >>> out, cache = conv2d_forward(np.array([[[[1.0, 2, 3]]]]), np.array([[[[10.0, 20]]]]))
    >>> dx, dw, db = conv2d_backward(np.array([[[[1.0, 2]]]]), cache)
    >>> print(dx, dw, db)
    [[[[10. 40. 40.]]]] [[[[5. 8.]]]] None
    """
    return reference.conv2d_backward_plain(dout, cache[-1])
