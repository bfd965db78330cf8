"""The figures show the numbers they are given, also where there is nothing to show."""

import io

import numpy as np
import pytest

from solutions import figures


def drawn(figure):
    """Render it, which runs the layout, and return its axes."""
    figure.savefig(io.BytesIO(), format="png")
    return figure.axes


def test_curves_show_every_epoch_and_mark_the_one_that_was_kept():
    losses, accuracies = drawn(
        figures.curves([3.0, 2.0, 1.0], [3.0, 1.5, 2.0], [0.1, 0.5, 0.9], [0.2, 0.8, 0.7], best=2)
    )
    train, validation, kept = losses.lines
    assert train.get_xydata().tolist() == [[1, 3], [2, 2], [3, 1]]
    assert validation.get_ydata().tolist() == [3, 1.5, 2]
    assert set(kept.get_xdata()) == {2}
    assert accuracies.lines[1].get_ydata() == pytest.approx([20, 80, 70])


def test_a_single_epoch_can_be_drawn():
    assert len(drawn(figures.curves([1.0], [1.0], [0.5], [0.5], best=1))) == 2


def test_the_confusion_matrix_writes_each_count_in_its_row_and_column():
    axes = drawn(figures.confusion(np.array([[5, 2], [0, 7]]), ["cat", "dog"]))[0]
    assert {(text.get_position(), text.get_text()) for text in axes.texts} == {
        ((0, 0), "5"),
        ((1, 0), "2"),
        ((1, 1), "7"),
    }
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title()) == ("predicted", "true", "12 of 14 right")


@pytest.mark.parametrize(("channels", "extra"), [(1, 1), (2, 1), (3, 0)])
def test_every_filter_has_a_picture(channels, extra):
    weights = np.random.default_rng(0).standard_normal((10, channels, 3, 5))
    axes = drawn(figures.filters(weights))
    assert len(axes) == 10 + extra  # the colour bar
    shown = axes[4].images[0].get_array()
    assert shown.shape == ((3, 5, 3) if channels == 3 else (3, 5))
    if channels == 1:
        np.testing.assert_array_equal(shown, weights[4, 0])


def test_feature_maps_show_the_picture_and_a_row_for_each_stage():
    rng = np.random.default_rng(0)
    stages = [("ReLU", rng.random((20, 4, 6))), ("pooling", rng.random((3, 2, 3)))]
    axes = drawn(figures.feature_maps(rng.random((1, 4, 6)), stages, maps=5))
    assert len(axes) == 1 + 5 + 3
    np.testing.assert_array_equal(axes[2].images[0].get_array(), stages[0][1][1])
    assert axes[6].texts[0].get_text() == "pooling: 3 of 3 maps of 2×3"


def test_mistakes_come_with_the_surest_first():
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.8, 0.2], [0.3, 0.7]])
    pictures = np.random.default_rng(0).random((4, 3, 5, 5))
    axes = drawn(figures.mistakes(pictures, np.array([0, 0, 1, 1]), probabilities, ["cat", "dog"]))
    assert [a.get_title() for a in axes] == ["dog → cat\n80 %", "cat → dog\n60 %"]


def test_no_mistakes_make_a_figure_that_says_so():
    figure = figures.mistakes(np.zeros((1, 1, 4, 4)), np.array([1]), np.array([[0.1, 0.9]]), ["cat", "dog"])
    assert drawn(figure) == []
    assert figure.get_suptitle().startswith("0 of 1 wrong")


def test_a_layer_that_went_dead_can_be_drawn():
    zeros = np.zeros((2, 1, 3, 3))
    drawn(figures.filters(zeros))
    drawn(figures.feature_maps(zeros[0], [("ReLU", zeros[:, 0])]))
