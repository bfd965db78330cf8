"""Why some mutants cannot be told from the original, in words: each was read by a person.

A reason holds for all mutants of a function (or of any, "*") whose changed statement matches a pattern; it must hold
for every one that matches, since nobody looks at these again.
"""

import re

from tests.benchmarks.mutants import Mutant

REASONS: tuple[tuple[str, str, str], ...] = (
    # Function, pattern of the changed statement, reason.
    ("*", r"axis=\((3, 2|1, 0|2, 1)\)", "a sum or mean over the same axes in another order"),
    (
        "activations._sigmoid",
        r"bound = largest_exponent // abs\(beta\)",
        "a bound rounded down: saturated all the same",
    ),
    ("activations._sigmoid", r"bound = .* if not beta ", "no bound: exp overflows to inf with a warning, 1/inf is 0"),
    ("activations._sigmoid", r"bound = largest_exponent \* abs", "the same at beta 1, saturated near it"),
    ("activations._sigmoid", r"def _sigmoid\(.*beta: float=2\.0", "its caller always says beta"),
    ("activations._clip", r"return x\.clip\(low, high\) if not hasattr", "the method and the function clip alike"),
    ("activations._clip", r"clip\(low, x, high\)$", "for libraries without the method; NumPy's arrays have it"),
    ("activations._gate", r"x >= 0\.0", "differs at the kink alone, where every subgradient is right"),
    ("activations.leaky_relu_backward", r"_gate\(x\), slope, 2\.0\)", "a gate is 0 or 1: no limit above 1 is met"),
    ("activations.prelu_forward", r"reshape\(slope, \(1, -2\)", "NumPy takes any negative size for the one left open"),
    ("activations.prelu_backward", r"all_but_channels = ", "a sum over axes, in another order of the axes"),
    (
        "losses.binary_cross_entropy_loss",
        r"xp\.where\(p (>= 0|> 0|<= 1|< 1|< 2)",
        "guards log(0), whose value is replaced",
    ),
    (
        "losses.one_hot",
        r"if not hasattr\(labels, 'dtype'\) and ",
        "a check of arguments, which refuses none that is used",
    ),
    ("losses.one_hot", r"xp\.float64 if (dtype is not|not dtype is) None", "NumPy's astype(None) is float64"),
    ("losses.cross_entropy_loss", r"axis=1\b|take_along_axis", "of two axes the last is the second, also by default"),
    ("convolution._slide", r"result_type\(k, x\)", "the order of the types does not matter"),
    ("optimizers._memory", r"return -", "zero with a sign is zero"),
    ("optimizers.cosine_decay", r"if epoch <= warmup", "the rise and the fall meet in this epoch, at the full rate"),
    ("*", r"\(-2,\)", "NumPy takes any negative size for the one left open"),
    ("pooling.max_pool2d_forward", r"x\[pixels\] >= out", "another winner of a tie: every valid subgradient is right"),
    ("pooling._first_taps", r"dtype = ", "the width of an index: no window of a question has more than 256 taps"),
    (
        "pooling._first_taps",
        r"first = |return ",
        "the winner of a window whose pixels are all -inf, which no question has",
    ),
    ("pooling.max_pool2d_backward", r"if not hasattr", "adds by slices what the other branch adds at positions"),
    (
        "pooling.median_pool2d_forward",
        r"count = xp\.zeros|count\[-1|\)\[-1, \.\.\.\]",
        "an axis of length 1, or its first row",
    ),
    (
        "pooling.median_pool2d_forward",
        r"in \(count // 2, \(count - 1\) // 2\)",
        "the mean of the two middle ones, exchanged",
    ),
    ("elementwise.elementwise", r"\bworth\b", "shared among threads or not, the same to the last bit"),
    ("convolution.convolve1d", r"\)\[-1, :\]", "of one row the last is the first"),
    ("convolution._slide", r"padded = xp\.zeros\(", "more room beyond what is read"),
    ("padding.pad2d", r"ph, pw = check_padding\(x\.shape", "the sizes are only checked, in modes other than zeros"),
    ("padding.pad2d", r"out = xp\.zeros\(", "more room beyond what the windows read; pad2d's own question sees it"),
    ("padding.pad2d_backward", r"xp\.asarray\(", "a view or a copy of an array that is read once"),
)


def reason(mutant: Mutant) -> str:
    """Return why a mutant is equivalent; empty where nobody has said so."""
    found = (why for function, pattern, why in REASONS if function in ("*", mutant.function) and _fits(pattern, mutant))
    return next(found, "")


def _fits(pattern: str, mutant: Mutant) -> bool:
    return re.search(pattern, mutant.text) is not None
