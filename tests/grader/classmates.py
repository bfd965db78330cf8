"""A made-up class of results with everything that a page must survive: long words, other scripts, markup, no points."""

from grader.read import Cell
from grader.results import CriterionResult, Diagnosis, QuestionResult, Result

SANDBOX = ("separate process", "resource limits", "landlock (ABI 6)", "seccomp allow-list", "fork quota")
SCRIPT = "<script>document.title='owned'</script>"
MARKUP = 'Bobby "Tables" <img src=x onerror=alert(1)> & Sons'
RIGHT_TO_LEFT = "נועה בן־דוד"
OVERRIDE = "eve\u202egnp.exe\x1b[31m"

LONG = "Karl-Theodor Maria Nikolaus Johann Jacob Philipp Franz Joseph Sylvester Buhl-Freiherr von und zu"
NOTES = ("cell 4: the untouched stub of pad2d is not run, cell 9 defines it", "cell 3: `!pip install` skipped")

_CRITERIA: dict[str, tuple[tuple[str, float], ...]] = {
    "conv2d_output_size": (("count", 3), ("shape and type", 1)),
    "cross_correlate2d": (
        ("value: valid", 3), ("value: same", 1), ("value: same, even kernels", 1), ("value: full", 1),
        ("shape and type", 1), ("purity", 1),
    ),
    "pad2d": (("value: zeros", 2), ("value: reflect", 2), ("value: replicate", 1), ("purity", 1)),
    "conv2d": (
        ("value: plain", 2), ("value: stride", 1), ("value: padding", 1.5), ("gradient: plain", 2),
        ("gradient: stride", 1), ("consistency", 3), ("stability", 0.5), ("vectorised", 2), ("purity", 2),
    ),
}  # fmt: skip
FLIPPED = Diagnosis(
    "flipped-kernel",
    "misconception",
    "Your kernel is turned round by 180° before it is laid on the image. Which of the two operations does that?",
)
CENTRED = Diagnosis(
    "same-padding-left-heavy",
    "convention",
    "With an even kernel, on which side does the extra row of zeros go? (That is MATLAB's convention.)",
)
STRIDE = Diagnosis("stride-ignored-in-dx", "misconception", "How many entries of x does one entry of dout reach?")


def question(
    name: str,
    lost: dict[str, str] | None = None,
    *,
    status: str | None = None,
    diagnosis: tuple[Diagnosis, ...] = (),
    keeps: float = 0.0,
) -> QuestionResult:
    """A question of which the criteria in ``lost`` are lost, each with its message; "*" stands for all."""
    lost = lost or {}
    criteria = []
    for criterion, points in _CRITERIA[name]:
        message = lost.get(criterion, lost.get("*"))
        earned = points if message is None else keeps * points
        criteria.append(CriterionResult(criterion, float(earned), float(points), message is None, message or ""))
    points, most = sum(c.points for c in criteria), sum(c.max_points for c in criteria)
    if status is None:
        status = "passed" if points == most else "partial" if points else "failed"
    return QuestionResult(name, points, most, status, tuple(criteria), diagnosis, seconds=0.04)


def result(student: str, *questions: QuestionResult, notes: tuple[str, ...] = (), sandbox=SANDBOX) -> Result:
    """A result whose other questions are all right."""
    given = {q.name: q for q in questions}
    whole = tuple(given.get(name) or question(name) for name in _CRITERIA)
    return Result(
        student=student,
        assignment="04-convolution",
        points=sum(q.points for q in whole),
        max_points=sum(q.max_points for q in whole),
        questions=whole,
        notes=notes,
        seed=20261120,
        versions={"python": "3.11.7", "numpy": "2.4.0", "stencil-cnn": "0.1.0"},
        sandbox=sandbox,
        submission_sha256="5f2d" * 16,
        seconds=0.21,
    )


def everything(message: str, status: str) -> tuple[QuestionResult, ...]:
    """All questions lost for one reason."""
    return tuple(question(name, {"*": message}, status=status) for name in _CRITERIA)


def classmates() -> list[Result]:
    """Return the class, in no order."""
    wrong_value = (
        "cross_correlate2d, visible case “an edge detector”: the relative error is 1.4; 31 of 36 entries are off, "
        "the worst at index (2, 3) (lost in 4 of 5 cases)"
    )
    flipped = question(
        "cross_correlate2d", {"value: valid": wrong_value, "value: full": wrong_value}, diagnosis=(FLIPPED,)
    )
    gradient = {
        "gradient: stride": "conv2d_backward, case “stride 2 with a remainder”: dx: the relative error is 0.87, the "
        "worst entry is at index (0, 1, 6, 6) (lost in 3 of 3 cases)",
        "consistency": "conv2d_backward, case “stride 2 with a remainder”: along a random direction of x the "
        "derivative is off by a relative 0.87 (lost in 3 of 9 cases)",
    }
    raised = {
        "value: padding": "conv2d_forward, visible case “padding 1”: raised ValueError: could not broadcast input "
        "array from shape (4,4) into shape (3,3) at cell 7, line 9 (lost in 2 of 4 cases)",
        "gradient: plain": "conv2d_backward is not written yet",
        "gradient: stride": "conv2d_backward is not written yet",
        "consistency": "conv2d_backward is not written yet",
    }
    even = {
        "value: same, even kernels": "right under another convention (same-padding-left-heavy), which keeps 50% of "
        "these points; cross_correlate2d, case “a 4×4 kernel”: the relative error is 0.62, the worst entry is at index "
        "(0, 0)"
    }
    lines = (
        "conv2d_forward: 5,121 lines run for the small input and 81,921 for the larger one: is there a loop over the "
        "pixels?"
    )
    endless = "conv2d_forward, case “random”: not finished when the time was up: is there a loop that never ends?"
    memory = "conv2d_forward, case “large”: asked for more memory than there is at cell 7, line 4"
    return [
        result("Ada Lovelace"),
        result("Emmy Noether", flipped, question("conv2d", gradient, diagnosis=(STRIDE,))),
        result("Sofja Kowalewskaja", question("cross_correlate2d", even, diagnosis=(CENTRED,), keeps=0.5)),
        result("Nguyễn, Thị Minh Khai", question("conv2d", raised), notes=NOTES),
        result(RIGHT_TO_LEFT, flipped),
        result("فاطمة الفهرية", question("conv2d", gradient, diagnosis=(STRIDE,)), flipped),
        result("Zoë 👩🏽‍💻 O’Brien", question("conv2d", {"vectorised": lines})),
        result(MARKUP, question("pad2d", {"value: reflect": f"pad2d, visible case “a”: raised ValueError: {SCRIPT}"})),
        result("../../etc/passwd", *everything("pad2d is not written yet", "missing")),
        result(
            LONG, question("pad2d", {"value: reflect": "pad2d, case “" + "unbreakable" * 30 + "”: the shape is wrong"})
        ),
        result("Tim Owt", *everything(endless, "timeout")),
        result("Zhang Wei 张伟", question("conv2d", {"*": memory}, status="memory")),
        result(
            OVERRIDE,
            question("pad2d", {"value: zeros": "pad2d, case “random”: the shape is wrong: axis 1 is 2 too large"}),
        ),
    ]


PROBLEMS = {
    "Mia Truncated": "mia.ipynb: the file ends in the middle (line 212): ask for it again",
    "Tim Owt": "the submission used up all of its time: look at cell 5",
}

FORWARD = '''def conv2d_forward(x, w, b=None, *, stride=1, padding=0):
    """Convolve a batch of images.

    The windows come from <sliding_window_view>, not from a loop & its index.
    """
    N, C, H, W = x.shape
    F, _, KH, KW = w.shape
    xp = np.zeros((N, C, H + 2 * padding, W + 2 * padding))
    xp[:, :, padding:H, padding:W] = x  # <script>alert("code")</script>
    out = np.zeros((N, F, (xp.shape[2] - KH) // stride + 1, (xp.shape[3] - KW) // stride + 1))
    for i in range(out.shape[2]):
        for j in range(out.shape[3]):
            window = xp[:, :, i * stride : i * stride + KH, j * stride : j * stride + KW]
            out[:, :, i, j] = np.tensordot(window, w, axes=((1, 2, 3), (1, 2, 3))) + (0 if b is None else b)
    return out, (x, w, b, stride, padding)
'''
BACKWARD = """def conv2d_backward(dout, cache):
    raise NotImplementedError("conv2d_backward: …")
"""
CELLS = (
    Cell(2, "imports", "import numpy as np\n%matplotlib inline\n"),
    Cell(
        4,
        "size",
        "def conv2d_output_size(n, k, s=1, p=0):\n    return (n + 2 * p - k) // s + 1\n",
        "conv2d_output_size",
    ),
    Cell(7, "forward", FORWARD, "conv2d_forward"),
    Cell(8, "backward", BACKWARD, "conv2d_backward"),
    Cell(9, "pad", "def pad2d(x, p, mode):\n    return np.pad(x, p, mode=mode)  # \u202e hidden\n", "pad2d"),
)


def sources() -> dict[str, tuple[Cell, ...]]:
    """Return the cells of every classmate."""
    return {r.student: CELLS for r in classmates()}
