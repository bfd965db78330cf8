"""Pure Python: nested lists in, nested lists out, no array at all."""


def hw(v):
    return [v, v] if isinstance(v, int) else list(v)


def plain(a):
    return a if a is None or isinstance(a, list) else a.tolist()


def zeros(first, *rest):
    return [zeros(*rest) if rest else 0.0 for _ in range(first)]


def conv2d_output_size(input_size, kernel_size, *, stride=1, padding=0, dilation=1):
    result = []
    for n, k, s, p, d in zip(hw(input_size), hw(kernel_size), hw(stride), hw(padding), hw(dilation)):
        result.append((n + 2 * p - d * (k - 1) - 1) // s + 1)
    return result


def cross_correlate2d(x, k, *, mode="valid"):
    x, k = plain(x), plain(k)
    h, w, kh, kw = len(x), len(x[0]), len(k), len(k[0])
    top, left, rows, columns = {
        "valid": (0, 0, h - kh + 1, w - kw + 1),
        "same": ((kh - 1) // 2, (kw - 1) // 2, h, w),
        "full": (kh - 1, kw - 1, h + kh - 1, w + kw - 1),
    }[mode]

    def pixel(r, c):
        return x[r][c] if 0 <= r < h and 0 <= c < w else 0.0

    return [
        [sum(k[a][b] * pixel(r + a - top, c + b - left) for a in range(kh) for b in range(kw)) for c in range(columns)]
        for r in range(rows)
    ]


def convolve2d(x, k, *, mode="valid"):
    return cross_correlate2d(x, [row[::-1] for row in plain(k)[::-1]], mode=mode)


def convolve1d(x, k, *, mode="valid"):
    return convolve2d([plain(x)], [plain(k)], mode=mode)[0]


def places(n, p, mode):
    """For each place of a padded line the pixel that it shows, None for a zero."""
    if mode == "zeros":
        return [None] * p + list(range(n)) + [None] * p
    if mode == "reflect":
        return [p - i for i in range(p)] + list(range(n)) + [n - 2 - i for i in range(p)]
    if mode == "replicate":
        return [0] * p + list(range(n)) + [n - 1] * p
    return [n - p + i for i in range(p)] + list(range(n)) + list(range(p))


def pad2d(x, padding, *, mode="zeros"):
    x, (ph, pw) = plain(x), hw(padding)
    rows, columns = places(len(x[0][0]), ph, mode), places(len(x[0][0][0]), pw, mode)
    return [
        [[[0.0 if r is None or c is None else image[r][c] for c in columns] for r in rows] for image in batch]
        for batch in x
    ]


def products(padded, w, settings):
    """Yield the indices of every product of the layer: image, filter, place, tap, and the pixel that it meets."""
    (sh, sw), (dh, dw), groups, (oh, ow) = settings
    filters, depth = len(w), len(w[0])
    for n in range(len(padded)):
        for o in range(filters):
            for r in range(oh):
                for c in range(ow):
                    for q in range(depth):
                        channel = o * groups // filters * depth + q
                        for i in range(len(w[0][0])):
                            for j in range(len(w[0][0][0])):
                                yield n, o, r, c, q, i, j, channel, r * sh + i * dh, c * sw + j * dw


def conv2d_forward(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1, padding_mode="zeros"):
    x, w, b = plain(x), plain(w), plain(b)
    size = len(x[0][0]), len(x[0][0][0])
    kernel = len(w[0][0]), len(w[0][0][0])
    oh, ow = conv2d_output_size(size, kernel, stride=stride, padding=padding, dilation=dilation)
    padded = pad2d(x, padding, mode=padding_mode)
    settings = hw(stride), hw(dilation), groups, (oh, ow)
    out = [[[[b[o] if b else 0.0] * ow for _ in range(oh)] for o in range(len(w))] for _ in x]
    for n, o, r, c, q, i, j, channel, row, column in products(padded, w, settings):
        out[n][o][r][c] += w[o][q][i][j] * padded[n][channel][row][column]
    return out, (padded, w, b, size, hw(padding), padding_mode, settings)


def conv2d_backward(dout, cache):
    padded, w, b, (h, wd), (ph, pw), mode, settings = cache
    dout = plain(dout)
    channels = len(padded[0])
    dpadded = zeros(len(padded), channels, h + 2 * ph, wd + 2 * pw)
    dw = zeros(len(w), len(w[0]), len(w[0][0]), len(w[0][0][0]))
    for n, o, r, c, q, i, j, channel, row, column in products(padded, w, settings):
        dw[o][q][i][j] += dout[n][o][r][c] * padded[n][channel][row][column]
        dpadded[n][channel][row][column] += dout[n][o][r][c] * w[o][q][i][j]
    dx = zeros(len(padded), channels, h, wd)
    for row, r in enumerate(places(h, ph, mode)):
        for column, c in enumerate(places(wd, pw, mode)):
            if r is not None and c is not None:
                for n in range(len(padded)):
                    for channel in range(channels):
                        dx[n][channel][r][c] += dpadded[n][channel][row][column]
    if not b:
        return dx, dw, None
    return dx, dw, [sum(sum(map(sum, image[o])) for image in dout) for o in range(len(w))]
