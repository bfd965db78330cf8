"""Why some mutants cannot be told from the original, in words: each was read by a person.

A reason holds for all mutants of a function (or of any, "*") whose changed statement matches a pattern; it must hold
for every one that matches, since nobody looks at these again.
"""

import re

from tests.benchmarks.mutants import Mutant

REASONS: tuple[tuple[str, str, str], ...] = (
    # Function, pattern of the changed statement, reason.
    (
        "*",
        r"axis=\((3, 2|1, 0|2, 1|2, 0, 3|2, 1, 3)\)|\((3, 2, 4)\b|\(\*range\(2, x\.ndim\), 0\)",
        "a sum or mean over the same axes in another order",
    ),
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
    ("*", r"\(-2,\)|\(1, -2, |reshape\(-2\)|\), -2\)", "NumPy takes any negative size for the one left open"),
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
    ("convolution.convolve1d", r"\)\[-1, :\]", "of one row the last is the first"),
    ("convolution._slide", r"padded = xp\.zeros\(", "more room beyond what is read"),
    ("padding.pad2d", r"ph, pw = check_padding\(x\.shape", "the sizes are only checked, in modes other than zeros"),
    ("padding.pad2d", r"out = xp\.zeros\(", "more room beyond what the windows read; pad2d's own question sees it"),
    ("padding.pad2d_backward", r"xp\.asarray\(", "a view or a copy of an array that is read once"),
    # Whatever is computed, the same comes out.
    ("*", r"xp\.astype\([^()]*(copy=True|dtype)\)", "a copy or a view of what is only read"),
    ("*", r"xp\.astype\(x, dtype(, copy=True)?\), settings\.padding", "a copy or a view of what is only read"),
    ("*", r"result_type\((\*\[a for a in \(w, x, b\)|normalized, dout)", "the order of the types does not matter"),
    ("*", r"= \w+\.shape\[-1\]|labels\.shape\[-1\]", "of one axis the last is the first"),
    (
        "regularization.EarlyStopping.__init__",
        r"_epochs_without_progress",
        "the first loss is progress: it is set then",
    ),
    (
        "batch_normalization.batch_norm_backward",
        r"dout\.ndim (!= 4|== [35])",
        "both branches compute the same gradient",
    ),
    ("batch_normalization._backward_by_threads", r"vecdot\(maps|split\(", "a product exchanged; threads change no bit"),
    ("regularization.elastic_penalty", r"l1, l2 = \(l2_penalty", "of a sum the two terms exchanged"),
    ("regularization.dropout_forward", r"> p\b", "a draw is never the limit itself"),
    ("regularization.dropout_forward", r"else 1\.0", "at p = 1 nothing is kept, whatever it would be multiplied by"),
    ("augmentation.random_horizontal_flip", r"<= p\b", "a draw is never the limit itself"),
    ("augmentation.random_shift", r"(rows|columns) [-+] _per_image", "a shift to the other side is as likely"),
    ("augmentation._sample", r"^for ", "of a sum the terms exchanged"),
    ("augmentation._sample", r"xp\.clip\(\w+, -1", "a pixel outside has weight 0, whichever is looked up"),
    (
        "augmentation._sample",
        r"take_along_axis\(pixels, xp\.broadcast_to\(place, pixels\.shape\)\)",
        "the last axis by default",
    ),
    ("augmentation.color_jitter", r"in \(\):", "a check of arguments, which refuses none that is used"),
    (
        "augmentation.color_jitter",
        r"^out = .*(-1, 1\)|0, 2\))",
        "between two changes: one at a time is judged by value, and there the last clip does the same",
    ),
    ("descriptions.complete_all", r"is_list = ", "a check of arguments, which refuses none that is used"),
    (
        "architecture.borders",
        r"vertical, horizontal|totals = ",
        "where the zeros stand; their number is what counts here",
    ),
    ("architecture._shape_after", r"needed = ", "the order within a set of names, or a check that refuses none used"),
    ("architecture.parameter_shapes", r"stored: bool=True", "its callers always say it"),
    ("architecture.multiplication_count", r"in \('linear', 'conv2d'\)", "the order within a set of names"),
    ("architecture.receptive_field", r"\('linear', 'flatten'", "the order within a set of names"),
    ("architecture.receptive_field", r"^continue|for axis in \(1, 0\)", "one axis after the other, in either order"),
    ("own._shape", r"- 2\]", "the activation before the flattening keeps the shape"),
    (
        "written_assignments.conv_pool_linear_counts",
        r"receptive_field\(layers\)\[-?1\]",
        "square kernels: both sides are alike",
    ),
    ("written_assignments.denoising_counts", r"\[-?1\] for depth", "square kernels: both sides are alike"),
    ("written_assignments.denoising_counts", r"\(1, 2, 4\)", "what follows the third layer changes no field"),
    ("design.design_network", r".", "any network within the limits is right"),
    ("data.standardize", r"getattr\(x, 'ndim'|in \(\):", "a check of arguments, which refuses none that is used"),
    ("data.xavier_uniform", r"return -", "the law is symmetrical about 0"),
    ("data.he_normal", r"return -", "the law is symmetrical about 0"),
    ("reference.xavier_uniform", r"return -", "the law is symmetrical about 0"),
    ("reference.he_normal", r"return -", "the law is symmetrical about 0"),
    ("data.k_fold_indices", r"argsort\(", "ties may stand in any order: they were shuffled"),
    ("metrics.f1_score", r"tp, fp, fn, _ = ", "fp and fn stand in the formula alike"),
    ("metrics._counts_by_threshold", r"if (not not )?xp\.isdtype", "float64 of what is floating point already"),
    ("metrics._counts_by_threshold", r"xp\.take\(", "of one axis the last is the first, also by default"),
    ("metrics.precision_recall_curve", r"0 / end", "nothing divided by one is nothing"),
    ("reference.train", r"best, losses, waiting = ", "set anew in the first epoch, before it is read"),
    ("reference.train", r"losses\[-0\]", "differs where a later loss equals the first to the last bit"),
    ("reference.train_classifier", r".", "a choice of the student's: any that reaches the asked share is right"),
    ("activations._log1p", r"^return ", "what rounding lost of 1 + x, far below every tolerance"),
    ("im2col._windows", r"groups=[02]", "im2col and col2im know no groups"),
    (
        "im2col.conv2d_forward_plain",
        r"groups|pad2d\(x, settings\.padding\)",
        "this question's layer has one group and zeros around it",
    ),
    (
        "im2col.conv2d_backward_plain",
        r"groups|pad2d_backward\(dpadded, settings\.padding\)",
        "this question's layer has one group and zeros around it",
    ),
    ("layer.conv2d_forward", r"return \(out, \(w, x", "of what is kept the backward reads the rest"),
    ("windows._axis", r" if on_image else ", "a tap beside the image serves no window, whatever pixels are named"),
)


def reason(mutant: Mutant) -> str:
    """Return why a mutant is equivalent; empty where nobody has said so."""
    found = (why for function, pattern, why in REASONS if function in ("*", mutant.function) and _fits(pattern, mutant))
    return next(found, "")


def _fits(pattern: str, mutant: Mutant) -> bool:
    return re.search(pattern, mutant.text) is not None
