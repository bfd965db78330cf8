"""Without arrays: nested lists forward and backward, handed back as they are."""


def _pair(v):
    return (v, v) if isinstance(v, int) else (v[0], v[1])


def _planes(x):
    return x.tolist()


def _windows(height, width, kernel_size, stride, padding):
    (kh, kw), (ph, pw) = _pair(kernel_size), _pair(padding)
    sh, sw = _pair(kernel_size if stride is None else stride)
    rows = range(-ph, height + ph - kh + 1, sh)
    columns = range(-pw, width + pw - kw + 1, sw)
    return [
        [
            [(i, j) for i in range(r, r + kh) for j in range(c, c + kw) if 0 <= i < height and 0 <= j < width]
            for c in columns
        ]
        for r in rows
    ]


def _pool(x, windows, reduce):
    return [
        [[[reduce([plane[i][j] for i, j in pixels]) for pixels in row] for row in windows] for plane in image]
        for image in _planes(x)
    ]


def _zeros(shape):
    n, c, h, w = shape
    return [[[[0.0] * w for _ in range(h)] for _ in range(c)] for _ in range(n)]


def max_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    windows = _windows(*x.shape[2:], kernel_size, stride, padding)
    return _pool(x, windows, max), (_planes(x), x.shape, windows)


def max_pool2d_backward(dout, cache):
    x, shape, windows = cache
    dx = _zeros(shape)
    for n, image in enumerate(x):
        for c, plane in enumerate(image):
            for r, row in enumerate(windows):
                for q, pixels in enumerate(row):
                    i, j = max(pixels, key=lambda p: plane[p[0]][p[1]])
                    dx[n][c][i][j] += float(dout[n, c, r, q])
    return dx


def avg_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    windows = _windows(*x.shape[2:], kernel_size, stride, padding)
    kh, kw = _pair(kernel_size)
    return _pool(x, windows, lambda values: sum(values) / (kh * kw)), (x.shape, windows, kh * kw)


def avg_pool2d_backward(dout, cache):
    shape, windows, count = cache
    dx = _zeros(shape)
    for n in range(shape[0]):
        for c in range(shape[1]):
            for r, row in enumerate(windows):
                for q, pixels in enumerate(row):
                    for i, j in pixels:
                        dx[n][c][i][j] += float(dout[n, c, r, q]) / count
    return dx


def global_avg_pool2d_forward(x):
    count = x.shape[2] * x.shape[3]
    return [[sum(sum(row) for row in plane) / count for plane in image] for image in _planes(x)], x.shape


def global_avg_pool2d_backward(dout, cache):
    dx = _zeros(cache)
    for n, image in enumerate(dx):
        for c, plane in enumerate(image):
            for row in plane:
                row[:] = [float(dout[n, c]) / (cache[2] * cache[3])] * len(row)
    return dx


def _median(values):
    values = sorted(values)
    return (values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2


def median_pool2d_forward(x, kernel_size, *, stride=None, padding=0):
    return _pool(x, _windows(*x.shape[2:], kernel_size, stride, padding), _median), []
