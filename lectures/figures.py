"""What the lectures' figures share: colours, sizes, a window on an image, a moving picture. Knows no topic.

The colours are Okabe and Ito's, which stay apart for colour-blind readers; lines also differ by their dashes.
"""

import io
from collections.abc import Callable, Sequence

import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from IPython.display import Image
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib_inline.backend_inline import set_matplotlib_formats
from PIL import Image as Picture

BLUE, ORANGE, GREEN, PURPLE, SKY, YELLOW, GREY = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#f0e442", "#888888",
)  # fmt: skip
COLORS = (BLUE, ORANGE, GREEN, PURPLE, SKY)
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))


def use_style() -> None:
    """Set Matplotlib's defaults for a lecture; each lecture calls it once."""
    set_matplotlib_formats("retina")  # sharp on a phone, and on the wall of a room
    plt.rcParams.update(
        {
            "figure.figsize": (8, 3.4),
            "figure.dpi": 96,
            "figure.constrained_layout.use": True,
            "axes.prop_cycle": cycler(color=COLORS) + cycler(linestyle=DASHES),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "grid.alpha": 0.25,
            "legend.frameon": False,
            "font.size": 10,
        }
    )


def show_numbers(
    axes: Axes, plane: np.ndarray, *, title: str = "", window: tuple[int, int, int, int] | None = None, limit: float = 0
) -> None:
    """Draw a plane (H, W) with its numbers, NaN blank; ``window`` (row, column, height, width) is framed."""
    limit = limit or float(np.nanmax(np.abs(plane))) or 1.0
    axes.imshow(plane, cmap="RdBu_r", vmin=-1.6 * limit, vmax=1.6 * limit)
    for (row, column), value in np.ndenumerate(plane):
        axes.text(column, row, "" if np.isnan(value) else f"{value:g}", ha="center", va="center")
    if window is not None:
        row, column, height, width = window
        axes.add_patch(Rectangle((column - 0.5, row - 0.5), width, height, fill=False, lw=3, ec=ORANGE))
    axes.set(title=title, xticks=[], yticks=[])
    axes.grid(False)
    axes.spines[:].set_visible(False)


def animate(draw: Callable[[Figure, int], None], frames: Sequence[int], *, size=(6, 2.8), milliseconds=500) -> Image:
    """Return a looped GIF; ``draw(figure, frame)`` draws each picture on an empty figure."""
    pictures = []
    for frame in frames:
        figure = Figure(figsize=size, dpi=120, layout="constrained")
        draw(figure, frame)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", facecolor="white")
        pictures.append(Picture.open(buffer).convert("RGB"))
    out = io.BytesIO()
    pictures[0].save(out, format="GIF", save_all=True, append_images=pictures[1:], duration=milliseconds, loop=0)
    return Image(out.getvalue(), format="gif")
