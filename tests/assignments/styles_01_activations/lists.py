"""Pure Python: nested lists in, nested lists out, one number at a time, with `math`."""

import math


def each(function, *trees):
    """The function on numbers that stand at the same place."""
    if isinstance(trees[0], list):
        return [each(function, *parts) for parts in zip(*trees)]
    return function(*trees)


def sigma(v):
    return 1 / (1 + math.exp(-v)) if v >= 0 else math.exp(v) / (1 + math.exp(v))


def sigmoid_forward(x):
    out = each(sigma, x.tolist())
    return out, out


def sigmoid_backward(dout, cache):
    return each(lambda d, o: d * o * (1 - o), dout.tolist(), cache)


def tanh_forward(x):
    return each(math.tanh, x.tolist()), x.tolist()


def tanh_backward(dout, cache):
    return each(lambda d, v: d / math.cosh(v) ** 2 if abs(v) < 300 else 0.0, dout.tolist(), cache)


def relu_forward(x):
    return each(lambda v: v if v > 0 else 0.0, x.tolist()), x.tolist()


def relu_backward(dout, cache):
    return each(lambda d, v: d if v >= 0 else 0.0, dout.tolist(), cache)


def leaky_relu_forward(x, *, slope=0.01):
    return each(lambda v: v if v > 0 else slope * v, x.tolist()), {"x": x.tolist(), "slope": slope}


def leaky_relu_backward(dout, cache):
    return each(lambda d, v: d if v > 0 else cache["slope"] * d, dout.tolist(), cache["x"])


def prelu_forward(x, slope):
    out = [
        [each(lambda v, a=a: v if v > 0 else a * v, channel) for channel, a in zip(row, slope.tolist())]
        for row in x.tolist()
    ]
    return out, (x.tolist(), slope.tolist())


def total(tree):
    return sum(map(total, tree)) if isinstance(tree, list) else tree


def prelu_backward(dout, cache):
    x, slope = cache
    dout = dout.tolist()
    dx = [
        [each(lambda d, v, a=a: d if v > 0 else a * d, dc, xc) for dc, xc, a in zip(drow, xrow, slope)]
        for drow, xrow in zip(dout, x)
    ]
    dslope = [0.0] * len(slope)
    for drow, xrow in zip(dout, x):
        for c in range(len(slope)):
            dslope[c] += total(each(lambda d, v: d * v if v < 0 else 0.0, drow[c], xrow[c]))
    return dx, dslope


def elu_forward(x, *, alpha=1.0):
    return each(lambda v: v if v > 0 else alpha * (math.exp(v) - 1), x.tolist()), (x.tolist(), alpha)


def elu_backward(dout, cache):
    x, alpha = cache
    return each(lambda d, v: d if v > 0 else d * alpha * math.exp(v), dout.tolist(), x)


def softplus_forward(x):
    return each(lambda v: v if v > 40 else math.log(1 + math.exp(v)), x.tolist()), x.tolist()


def softplus_backward(dout, cache):
    return each(lambda d, v: d * sigma(v), dout.tolist(), cache)


def swish_forward(x, *, beta=1.0):
    return each(lambda v: v * sigma(beta * v), x.tolist()), (x.tolist(), beta)


def swish_backward(dout, cache):
    x, beta = cache

    def slope(d, v):
        s = sigma(beta * v)
        return d * (s + beta * v * s * (1 - s))

    return each(slope, dout.tolist(), x)


def rows(function, *trees):
    if isinstance(trees[0][0], list):
        return [rows(function, *parts) for parts in zip(*trees)]
    return function(*trees)


def shares(row):
    powers = [math.exp(v - max(row)) for v in row]
    return [p / sum(powers) for p in powers]


def softmax_forward(x):
    out = rows(shares, x.tolist())
    return out, out


def softmax_backward(dout, cache):
    def jacobian(d, p):
        return [
            sum(d[k] * (p[k] * (1 - p[k]) if k == i else -p[k] * p[i]) for k in range(len(p))) for i in range(len(p))
        ]

    return rows(jacobian, dout.tolist(), cache)
