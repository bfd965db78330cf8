"""Hypothesis strategies for convolution layers: every combination that PyTorch accepts, kept small. Asserts nothing."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


@dataclass(frozen=True)
class Layer:
    """A convolution layer's arguments, with a random upstream gradient to be shaped like its output."""

    x: np.ndarray
    w: np.ndarray
    b: np.ndarray | None
    hyper: dict[str, Any]
    seed: int

    def upstream(self, out: np.ndarray) -> np.ndarray:
        return np.random.default_rng(self.seed).standard_normal(out.shape).astype(out.dtype)

    def cast(self, dtype: str) -> "Layer":
        b = None if self.b is None else self.b.astype(dtype)
        return Layer(self.x.astype(dtype), self.w.astype(dtype), b, self.hyper, self.seed)


def pairs(minimum: int, maximum: int) -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(st.integers(minimum, maximum), st.integers(minimum, maximum))


@st.composite
def conv_layers(draw: st.DrawFn, *, modes: tuple[str, ...] = PADDING_MODES) -> Layer:
    """Draw a layer whose kernel fits: sizes, strides and dilations differ between height and width."""
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    c, o = groups * draw(st.integers(1, 3)), groups * draw(st.integers(1, 3))
    kernel, stride, dilation = draw(pairs(1, 4)), draw(pairs(1, 3)), draw(pairs(1, 2))
    padding, mode = draw(pairs(0, 3)), draw(st.sampled_from(modes))
    span = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    size = []
    for s, p in zip(span, padding, strict=True):
        # reflect needs padding < size, circular padding <= size, and the kernel must fit the padded image.
        least = max(1, s - 2 * p, {"reflect": p + 1, "circular": p}.get(mode, 1))
        size.append(draw(st.integers(least, least + 5)))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    return Layer(
        x=rng.standard_normal((draw(st.integers(1, 4)), c, *size)),
        w=rng.standard_normal((o, c // groups, *kernel)),
        b=rng.standard_normal(o) if draw(st.booleans()) else None,
        hyper={"stride": stride, "padding": padding, "dilation": dilation, "groups": groups, "padding_mode": mode},
        seed=seed,
    )


@st.composite
def transposed_layers(draw: st.DrawFn) -> Layer:
    """Draw a transposed layer whose output has at least one pixel."""
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    c, o = groups * draw(st.integers(1, 3)), groups * draw(st.integers(1, 3))
    kernel, stride, dilation = draw(pairs(1, 4)), draw(pairs(1, 3)), draw(pairs(1, 2))
    size, padding, extra = draw(pairs(1, 5)), [], []
    for n, k, s, d in zip(size, kernel, stride, dilation, strict=True):
        extra.append(draw(st.integers(0, max(s, d) - 1)))
        full = (n - 1) * s + d * (k - 1) + 1
        padding.append(draw(st.integers(0, min(3, (full + extra[-1] - 1) // 2))))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    return Layer(
        x=rng.standard_normal((draw(st.integers(1, 4)), c, *size)),
        w=rng.standard_normal((c, o // groups, *kernel)),
        b=rng.standard_normal(o) if draw(st.booleans()) else None,
        hyper={
            "stride": stride,
            "padding": tuple(padding),
            "output_padding": tuple(extra),
            "dilation": dilation,
            "groups": groups,
        },
        seed=seed,
    )
