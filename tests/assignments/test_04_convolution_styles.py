"""Are the submissions that the grader is tested with right? Each style against `solutions`, on inputs of our own."""

import numpy as np
import pytest

from solutions import convolution as reference
from tests.assignments.course_04 import FUNCTIONS, STYLE_NAMES, style

MODES = reference.PADDING_MODES
TRIES = 20

pytestmark = pytest.mark.parametrize("name", STYLE_NAMES)


def close(name, answer, expected):
    answer = np.asarray(answer)
    assert answer.shape == np.shape(expected)
    scale = max(1.0, float(np.max(np.abs(expected), initial=0.0)))
    np.testing.assert_allclose(answer, expected, rtol=0, atol=(1e-5 if name == "single_precision" else 1e-10) * scale)


def number_or_pair(rng, low, high):
    if rng.random() < 0.4:
        return int(rng.integers(low, high + 1))
    return int(rng.integers(low, high + 1)), int(rng.integers(low, high + 1))


def room(rng, kernel, *, padding=0, dilation=1, more=5):
    """An image that the kernel fits and that holds enough pixels to be mirrored."""
    kernel, padding, dilation = (np.broadcast_to(v, 2) for v in (kernel, padding, dilation))
    smallest = np.maximum(dilation * (kernel - 1) + 1 - 2 * padding, padding + 1)
    return tuple(int(v) for v in smallest + rng.integers(0, more, 2))


def test_it_defines_every_function(name):
    assert set(FUNCTIONS) <= set(style(name))


def test_output_sizes(name):
    rng = np.random.default_rng(1)
    for _ in range(TRIES):
        kernel = number_or_pair(rng, 1, 5)
        options = {
            "stride": number_or_pair(rng, 1, 4),
            "padding": number_or_pair(rng, 0, 3),
            "dilation": number_or_pair(rng, 1, 3),
        }
        size = room(rng, kernel, padding=options["padding"], dilation=options["dilation"], more=20)
        expected = reference.conv2d_output_size(size, kernel, **options)
        assert tuple(style(name)["conv2d_output_size"](size, kernel, **options)) == expected


@pytest.mark.parametrize("function", ["cross_correlate2d", "convolve2d"])
@pytest.mark.parametrize("mode", ["valid", "same", "full"])
def test_planes(name, function, mode):
    rng = np.random.default_rng(2)
    for _ in range(TRIES):
        kernel = rng.integers(1, 6, 2)
        x, k = rng.normal(size=kernel + rng.integers(0, 6, 2)), rng.normal(size=kernel)
        close(name, style(name)[function](x, k, mode=mode), getattr(reference, function)(x, k, mode=mode))


@pytest.mark.parametrize("mode", ["valid", "same", "full"])
def test_sequences(name, mode):
    rng = np.random.default_rng(3)
    for _ in range(TRIES):
        m = int(rng.integers(1, 7))
        x, k = rng.normal(size=m + int(rng.integers(0, 8))), rng.normal(size=m)
        close(name, style(name)["convolve1d"](x, k, mode=mode), reference.convolve1d(x, k, mode=mode))


@pytest.mark.parametrize("mode", MODES)
def test_borders(name, mode):
    rng = np.random.default_rng(4)
    for _ in range(TRIES):
        padding = number_or_pair(rng, 0, 4)
        x = rng.normal(size=(*rng.integers(1, 4, 2), *room(rng, 1, padding=padding)))
        close(name, style(name)["pad2d"](x, padding, mode=mode), reference.pad2d(x, padding, mode=mode))


@pytest.mark.parametrize("mode", MODES)
def test_layers_forward_and_backward(name, mode):
    rng = np.random.default_rng(5)
    for _ in range(TRIES):
        groups, depth, each, n = (int(v) for v in rng.integers(1, 4, 4))
        kernel = tuple(int(v) for v in rng.integers(1, 4, 2))
        options = {
            "stride": number_or_pair(rng, 1, 3),
            "padding": number_or_pair(rng, 0, 2),
            "dilation": number_or_pair(rng, 1, 2),
            "groups": groups,
            "padding_mode": mode,
        }
        size = room(rng, kernel, padding=options["padding"], dilation=options["dilation"], more=4)
        x, w = rng.normal(size=(n, groups * depth, *size)), rng.normal(size=(groups * each, depth, *kernel))
        b = rng.normal(size=len(w)) if rng.random() < 0.5 else None
        out, cache = style(name)["conv2d_forward"](x, w, b, **options)
        expected, expected_cache = reference.conv2d_forward(x, w, b, **options)
        close(name, out, expected)
        dout = rng.normal(size=expected.shape)
        gradients = style(name)["conv2d_backward"](dout, cache)
        for answer, target in zip(gradients, reference.conv2d_backward(dout, expected_cache), strict=True):
            if target is None:
                assert answer is None
            else:
                close(name, answer, target)
