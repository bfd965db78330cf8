"""Draws come from fixed seeds. Each statistical check says how often another seed would fail it by chance."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage, stats

from solutions import augmentation
from solutions.augmentation import color_jitter, random_horizontal_flip, random_rotation, random_scale, random_shift

LIBRARIES = ["array_api_strict", pytest.param("torch", marks=pytest.mark.oracle)]
EVERY = {
    "flip": lambda x, rng: random_horizontal_flip(x, rng=rng),
    "shift": lambda x, rng: random_shift(x, limit=(1, 2), rng=rng),
    "rotation": lambda x, rng: random_rotation(x, degrees=40, rng=rng),
    "scale": lambda x, rng: random_scale(x, limits=(0.7, 1.4), rng=rng),
    "jitter": lambda x, rng: color_jitter(x, brightness=0.4, contrast=0.4, saturation=0.4, rng=rng),
}


def rng(seed=0):
    return np.random.default_rng(seed)


def images(*shape, seed=0):
    return rng(seed).uniform(0.2, 0.8, size=shape)


def moved(image, down, right):
    """Return a (C, H, W) image moved by whole pixels, zeros moving in: by slices, unlike the reference."""
    out = np.zeros_like(image)
    height, width = image.shape[1:]
    to = [slice(max(0, d), min(n, n + d)) for d, n in ((down, height), (right, width))]
    source = [slice(max(0, -d), min(n, n - d)) for d, n in ((down, height), (right, width))]
    if all(s.start < s.stop for s in to):
        out[:, to[0], to[1]] = image[:, source[0], source[1]]
    return out


def test_every_image_is_either_itself_or_its_mirror_image_as_often_as_p_says():
    """Exact binomial test at 1e-6: of a million seeds about one would fail it."""
    x = images(3000, 1, 2, 3)
    out = random_horizontal_flip(x, p=0.3, rng=rng(1))
    flipped = np.all(out == x[..., ::-1], axis=(1, 2, 3))
    kept = np.all(out == x, axis=(1, 2, 3))
    assert np.all(flipped ^ kept)
    assert stats.binomtest(int(flipped.sum()), 3000, 0.3).pvalue > 1e-6


def test_every_shift_within_the_limits_is_as_likely_and_moves_zeros_in():
    """Chi squared over the 15 shifts at 1e-6: of a million seeds about one would fail it."""
    x = images(1500, 2, 5, 6)
    out = random_shift(x, limit=(1, 2), rng=rng(2))
    counts = {}
    for before, after in zip(x, out, strict=True):
        found = [(d, r) for d in (-1, 0, 1) for r in range(-2, 3) if np.array_equal(after, moved(before, d, r))]
        assert len(found) == 1
        counts[found[0]] = counts.get(found[0], 0) + 1
    assert len(counts) == 15
    assert stats.chisquare(list(counts.values())).pvalue > 1e-6


@settings(max_examples=30)
@given(st.integers(1, 7), st.integers(1, 7), st.floats(-200, 200), st.floats(0.3, 3))
def test_turning_and_scaling_interpolate_as_scipy_does(height, width, angle, factor):
    x = images(1, 2, height, width, seed=height * 8 + width)
    middle = np.array([(height - 1) / 2, (width - 1) / 2])
    sine, cosine = math.sin(math.radians(angle)), math.cos(math.radians(angle))
    for ours, matrix in (
        (augmentation._rotate(x, np.array([angle])), np.array([[cosine, sine], [-sine, cosine]])),
        (augmentation._scale(x, np.array([factor])), np.eye(2) / factor),
    ):
        for channel in range(2):
            expected = ndimage.affine_transform(
                x[0, channel], matrix, middle - matrix @ middle, order=1, mode="grid-constant", cval=0.0
            )
            np.testing.assert_allclose(ours[0, channel], expected, atol=1e-9)


def test_a_quarter_turn_is_exact_and_anticlockwise():
    x = images(2, 3, 5, 5)
    np.testing.assert_allclose(
        augmentation._rotate(x, np.array([90.0, -90.0]))[0], np.rot90(x[0], 1, (1, 2)), atol=1e-12
    )
    np.testing.assert_allclose(
        augmentation._rotate(x, np.array([90.0, -90.0]))[1], np.rot90(x[1], -1, (1, 2)), atol=1e-12
    )


@pytest.mark.parametrize(
    ("change", "distribution"),
    [
        (lambda x: random_rotation(x, degrees=30, rng=rng(3)), stats.uniform(-30, 60)),
        (lambda x: random_scale(x, limits=(0.8, 1.5), rng=rng(3)), stats.uniform(0.8, 0.7)),
    ],
)
def test_angles_and_factors_are_uniform_between_their_limits(change, distribution):
    """Read off a picture whose brightness tells rows and columns; Kolmogorov and Smirnov at 1e-6."""
    ramp = np.broadcast_to(np.arange(11.0) - 5, (400, 1, 11, 11))
    out = change(np.concatenate([ramp + 10, np.swapaxes(ramp, 2, 3) + 10], axis=1)) - 10
    along_columns, along_rows = (out[:, channel, 5, 6] - out[:, channel, 5, 5] for channel in (0, 1))
    turned = distribution.support()[0] < 0
    values = np.degrees(np.arctan2(along_rows, along_columns)) if turned else 1 / along_columns
    assert distribution.support()[0] <= values.min() < values.max() <= distribution.support()[1] + 1e-9
    assert stats.kstest(values, distribution.cdf).pvalue > 1e-6


def test_brightness_factors_are_uniform_and_one_for_each_image():
    """Kolmogorov and Smirnov at 1e-6: of a million seeds about one would fail it."""
    x = np.full((500, 3, 2, 2), 0.5)
    out = color_jitter(x, brightness=0.4, rng=rng(4))
    factors = out[:, 0, 0, 0] / 0.5
    np.testing.assert_allclose(out, x * factors[:, None, None, None], rtol=1e-12)
    assert stats.kstest(factors, stats.uniform(0.6, 0.8).cdf).pvalue > 1e-6


def test_contrast_keeps_the_mean_grey_and_saturation_every_pixels_grey():
    grey = np.array([0.299, 0.587, 0.114])
    x = images(40, 3, 4, 5) * 0.2 + 0.4  # far enough from 0 and 1 that nothing is clipped
    contrasted = color_jitter(x, contrast=0.5, rng=rng(5))
    mean = np.einsum("nchw,c->n", x, grey) / 20
    np.testing.assert_allclose(np.einsum("nchw,c->n", contrasted, grey) / 20, mean, rtol=1e-12)
    factors = (contrasted - mean[:, None, None, None]) / (x - mean[:, None, None, None])
    np.testing.assert_allclose(factors, np.broadcast_to(factors[:, :1, :1, :1], x.shape), rtol=1e-6)
    saturated = color_jitter(x, saturation=0.5, rng=rng(6))
    np.testing.assert_allclose(np.einsum("nchw,c->nhw", saturated, grey), np.einsum("nchw,c->nhw", x, grey), rtol=1e-12)
    for out in (contrasted, saturated):
        assert not np.allclose(out, x, atol=1e-3)


def test_jitter_without_strength_changes_nothing_and_a_strong_one_stays_in_range():
    x = images(5, 3, 4, 4)
    np.testing.assert_allclose(color_jitter(x, rng=rng(0)), x, rtol=1e-12)
    strong = color_jitter(x, brightness=5, contrast=5, saturation=5, rng=rng(0))
    assert 0 <= strong.min() < strong.max() <= 1


@pytest.mark.parametrize("name", EVERY)
def test_the_originals_stay_and_the_seed_decides(name):
    x = images(12, 6, 5, 8)[:, ::2, :, ::2]
    before = x.copy()
    first, again, other = (EVERY[name](x, rng(seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert not np.shares_memory(first, x)
    assert first.shape == x.shape
    assert len({image.tobytes() for image in first - x}) > 1  # one change for each image, not one for all


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("shape", [(0, 3, 4, 4), (2, 3, 1, 1), (1, 3, 1, 5)])
def test_empty_batches_and_single_pixels_pass_in_their_type(name, shape):
    for dtype in (np.float32, np.float64):
        out = EVERY[name](images(*shape).astype(dtype), rng())
        assert (out.shape, out.dtype) == (shape, dtype)
        assert np.all(np.isfinite(out))


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("library", LIBRARIES)
def test_the_same_text_serves_every_array_library(name, library):
    xp = pytest.importorskip(library)
    x = images(4, 3, 5, 6)
    ours = EVERY[name](xp.asarray(x), rng(1))
    assert type(ours) is type(xp.asarray(x))
    np.testing.assert_allclose(np.asarray(ours), EVERY[name](x, rng(1)), atol=1e-12)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("x", [np.ones((3, 4, 4)), np.ones((1, 3, 4, 4), dtype=int), [[0.5]]])
def test_a_bad_batch_is_named(name, x):
    with pytest.raises(ValueError, match=r"^x must"):
        EVERY[name](x, rng())


@pytest.mark.parametrize(
    ("function", "options", "name"),
    [
        (random_horizontal_flip, {"p": 1.5}, "p"),
        (random_horizontal_flip, {"p": math.nan}, "p"),
        (random_shift, {"limit": -1}, "limit"),
        (random_shift, {"limit": 0.5}, "limit"),
        (random_rotation, {"degrees": -1}, "degrees"),
        (random_rotation, {"degrees": math.inf}, "degrees"),
        (random_scale, {"limits": (0, 1)}, "limits"),
        (random_scale, {"limits": (1.2, 0.8)}, "limits"),
        (random_scale, {"limits": (1.0,)}, "limits"),
        (color_jitter, {"brightness": -1}, "brightness"),
        (color_jitter, {"contrast": math.nan}, "contrast"),
        (color_jitter, {"saturation": math.inf}, "saturation"),
    ],
)
def test_a_bad_argument_is_named(function, options, name):
    with pytest.raises(ValueError, match=f"^{name} must"):
        function(images(2, 3, 4, 4), **options, rng=rng())


@pytest.mark.parametrize(
    ("x", "options"),
    [
        (images(1, 2, 3, 3), {}),
        (images(1, 1, 3, 3), {"saturation": 0.1}),
        (images(1, 3, 3, 3) + 1, {}),
        (np.full((1, 3, 3, 3), np.nan), {}),
    ],
)
def test_colours_that_cannot_be_jittered_are_named(x, options):
    with pytest.raises(ValueError, match=r"^x must"):
        color_jitter(x, **options, rng=rng())
