"""The shapes on which convolutions are measured, with their arrays. Measures nothing."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Case:
    """One convolution layer in float32: N images of C channels and size H×H, O filters of K×K."""

    n: int
    c: int
    o: int
    h: int
    k: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    groups: int = 1

    @property
    def hyper(self) -> dict[str, int]:
        return {"stride": self.stride, "padding": self.padding, "dilation": self.dilation, "groups": self.groups}

    @property
    def places(self) -> int:
        side = (self.h + 2 * self.padding - self.dilation * (self.k - 1) - 1) // self.stride + 1
        return side * side

    @cached_property
    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """x, w, b and dout."""
        rng, side = np.random.default_rng(0), int(self.places**0.5)
        shapes: list[tuple[int, ...]] = [
            (self.n, self.c, self.h, self.h),
            (self.o, self.c // self.groups, self.k, self.k),
            (self.o,),
            (self.n, self.o, side, side),
        ]
        x, w, b, dout = (rng.standard_normal(s, dtype=np.float32) for s in shapes)
        return x, w, b, dout

    def but(self, **changes: Any) -> "Case":
        return replace(self, **changes)


DENSE = Case(32, 64, 64, 32, 3, padding=1)
CASES = {
    "A": Case(64, 3, 32, 32, 3, padding=1),
    "B": Case(64, 32, 64, 16, 3, padding=1),
    "C": DENSE,
    "D LeNet": Case(64, 1, 6, 32, 5),
    "E AlexNet": Case(8, 3, 96, 227, 11, stride=4),
    "F depthwise": DENSE.but(groups=64),
    "G groups": DENSE.but(groups=4),
    "H dilated": DENSE.but(dilation=2, padding=2),
    "I stride 2": DENSE.but(stride=2),
}
# Short rows and 1×1 kernels are not among the shapes of the targets; they are shown all the same.
OTHERS = {"8×8 images": Case(64, 64, 64, 8, 3, padding=1), "1×1 kernel": DENSE.but(k=1, padding=0)}
