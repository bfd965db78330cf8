"""Counts against figures published in the course's sources and papers, and against modules that PyTorch builds."""

import json

import pytest

from solutions.architecture import borders, multiplication_count, output_shapes, parameter_count, receptive_field
from solutions.descriptions import (
    ALEXNET,
    DIGITS,
    KEYS,
    LENET5,
    LENET5_BATCH_NORM,
    VGG16,
    complete,
    conv,
    linear,
)

RELU, FLATTEN, NORM = {"kind": "relu"}, {"kind": "flatten"}, {"kind": "batch_norm2d"}
MAX = {"kind": "max_pool2d", "kernel_size": 2}


def test_the_example_network_of_bzu():
    layers = [conv(8, 3, padding="same"), conv(16, 5, stride=2, padding="same"), FLATTEN, linear(512), linear(4)]
    assert output_shapes(layers, (3, 32, 32)) == [(8, 32, 32), (16, 16, 16), (4096,), (512,), (4,)]
    expected = (8 * 3 * 3 * 3 + 8) + (16 * 5 * 5 * 8 + 16) + (16 * 16 * 16 * 512 + 512) + (512 * 4 + 4)
    assert parameter_count(layers, (3, 32, 32)) == expected


def test_gt_four_filters_over_three_channels_have_112_parameters():
    assert parameter_count([conv(4, 3)], (3, 9, 9)) == 112


def test_nyu_the_first_layer_of_lenet_against_a_dense_one():
    assert parameter_count(LENET5[:1], (1, 32, 32)) == 156
    dense = parameter_count([FLATTEN, linear(6 * 28 * 28)], (1, 32, 32))
    assert dense == 32 * 32 * 6 * 28 * 28 + 6 * 28 * 28
    assert round(dense / 1e6, 1) == 4.8  # NYU rounds it up to 4.9


def test_nyu_one_7x7_layer_against_three_3x3_layers():
    one, three = [conv(16, 7, padding=3)], [conv(16, 3, padding=1)] * 3
    image = (16, 256, 256)
    assert output_shapes(one, image)[-1] == output_shapes(three, image)[-1] == image
    assert receptive_field(one) == receptive_field(three) == (7, 7)
    assert (parameter_count(one, image), parameter_count(three, image)) == (12_560, 6_960)
    assert (multiplication_count(one, image) // 10**6, multiplication_count(three, image) // 10**6) == (822, 452)


def test_nyu_strides_of_two_widen_the_field_to_15_in_three_layers_where_stride_one_takes_seven():
    assert [receptive_field([conv(1, 3, stride=2)] * depth) for depth in (1, 2, 3)] == [(3, 3), (7, 7), (15, 15)]
    assert [receptive_field([conv(1, 3)] * depth) for depth in (1, 2, 3)] == [(3, 3), (5, 5), (7, 7)]
    assert receptive_field([conv(1, 3)] * 7) == (15, 15)


def test_nyu_batch_normalisation_of_k_maps_needs_4k_numbers_of_which_2k_are_learned():
    assert parameter_count([NORM], (5, 9, 9)) == 10
    assert parameter_count([NORM], (5, 9, 9), stored=True) == 20


@pytest.mark.parametrize(
    ("layers", "image", "parameters", "products", "field"),
    [
        (LENET5, (1, 32, 32), 61_706, 416_520, (32, 32)),
        # Krizhevsky et al. 2012: 60 million; the paper's layers add up to 60,965,224.
        (ALEXNET, (3, 227, 227), 60_965_224, 724_406_816, (195, 195)),
        # Simonyan and Zisserman 2014, configuration D: 138 million, 15.5 thousand million products.
        (VGG16, (3, 224, 224), 138_357_544, 15_470_264_320, (212, 212)),
    ],
    ids=["lenet-5", "alexnet", "vgg-16"],
)
def test_the_published_totals_of_whole_networks(layers, image, parameters, products, field):
    assert parameter_count(layers, image) == parameters
    assert multiplication_count(layers, image) == products
    assert receptive_field(layers) == field


def test_alexnet_has_96_maps_of_55x55_first_and_a_thousand_scores_last():
    shapes = output_shapes(ALEXNET, (3, 227, 227))
    assert (shapes[0], shapes[-1]) == ((96, 55, 55), (1000,))
    assert (256, 6, 6) in shapes


def test_the_trained_networks_end_in_ten_scores():
    assert output_shapes(DIGITS, (1, 8, 8))[-1] == output_shapes(LENET5_BATCH_NORM, (1, 28, 28))[-1] == (10,)


def test_pooling_widens_the_field_by_its_window_and_stretches_what_follows():
    assert receptive_field([conv(1, 3), MAX]) == (4, 4)
    assert receptive_field([conv(1, 3), MAX, conv(1, 3)]) == (8, 8)
    overlapping = {"kind": "avg_pool2d", "kernel_size": 3, "stride": 2}
    assert receptive_field([overlapping, conv(1, 3)]) == (7, 7)


def test_dilation_stretches_the_window():
    layers = [conv(1, 3, dilation=2)]
    assert receptive_field(layers) == (5, 5)
    assert output_shapes(layers, (1, 9, 9)) == [(1, 5, 5)]


def test_height_and_width_are_counted_apart():
    layers = [conv(2, (3, 1), stride=(2, 1), padding=(0, 2)), conv(2, (1, 5), dilation=(1, 2))]
    assert output_shapes(layers, (1, 9, 11)) == [(2, 4, 15), (2, 4, 7)]
    assert receptive_field([*layers, conv(2, 3)]) == (7, 11)


def test_the_field_ends_where_a_layer_sees_the_whole_image():
    assert receptive_field([conv(1, 3), FLATTEN, linear(3)]) == receptive_field([conv(1, 3)]) == (3, 3)
    assert receptive_field([conv(1, 3), {"kind": "global_avg_pool2d"}, linear(3)]) == (3, 3)


def test_groups_divide_parameters_and_products_except_the_biases():
    whole, grouped = [conv(8, 3, bias=False)], [conv(8, 3, groups=4, bias=False)]
    assert parameter_count(whole, (4, 9, 9)) == 4 * parameter_count(grouped, (4, 9, 9))
    assert multiplication_count(whole, (4, 9, 9)) == 4 * multiplication_count(grouped, (4, 9, 9))


def test_a_bias_costs_no_product():
    assert multiplication_count([conv(8, 3)], (3, 9, 9)) == multiplication_count([conv(8, 3, bias=False)], (3, 9, 9))


def test_same_puts_the_odd_pixel_at_the_end():
    layer = complete(conv(1, 5, stride=2, padding="same"))
    assert borders((32, 32), layer) == ((1, 2), (1, 2))
    assert borders((31, 33), complete(conv(1, (3, 2), padding="same"))) == ((1, 1), (0, 1))


def test_same_with_a_stride_longer_than_the_kernel_pads_nothing():
    assert output_shapes([conv(1, 1, stride=3, padding="same")], (1, 7, 8)) == [(1, 3, 3)]


def test_an_empty_network_changes_and_costs_nothing():
    assert output_shapes([], (3, 8, 8)) == []
    assert parameter_count([], (3, 8, 8)) == multiplication_count([], (3, 8, 8)) == 0
    assert receptive_field([]) == (1, 1)


def test_descriptions_survive_json():
    layers = [conv(4, [3, 5], padding="same"), {"kind": "prelu"}, MAX, FLATTEN, linear(2)]
    again = json.loads(json.dumps(layers))
    assert output_shapes(again, [3, 8, 10]) == output_shapes(layers, (3, 8, 10))
    assert parameter_count(again, [3, 8, 10]) == 4 * (3 * 15 + 1) + 4 + 2 * (4 * 4 * 5 + 1)


def test_counting_leaves_the_descriptions_as_they_were():
    layer = conv(4, 3)
    parameter_count([layer], (3, 8, 8))
    assert layer == {"kind": "conv2d", "out_channels": 4, "kernel_size": 3}


def test_every_kind_with_only_its_required_keys_is_accepted():
    required = {"out_channels": 2, "kernel_size": 2, "out_features": 2}
    for kind, keys in KEYS.items():
        layer = {"kind": kind} | {key: required[key] for key in keys if key in required}
        assert complete(layer)["kind"] == kind


@pytest.mark.parametrize(
    ("layers", "image", "message"),
    [
        ("conv2d", (1, 8, 8), "layers must be a list"),
        ([{"kind": "conv3d"}], (1, 8, 8), r"layers\[0\] must be a dict whose 'kind' is one of conv2d"),
        ([conv(1, 1), 5], (1, 8, 8), r"layers\[1\] must be a dict"),
        ([{"kind": ["relu"]}], (1, 8, 8), r"layers\[0\] must be a dict"),
        ([{"kind": "conv2d", "kernel_size": 3}], (1, 8, 8), r"layers\[0\]: out_channels is missing"),
        ([conv(1, 3, strides=2)], (1, 8, 8), r"layers\[0\]: conv2d has no key 'strides' \(expected out_channels,"),
        ([conv(1, 0)], (1, 8, 8), "kernel_size must be at least 1"),
        ([conv(1, 2.5)], (1, 8, 8), "kernel_size must be an int"),
        ([conv(1, 3, padding="valid")], (1, 8, 8), "padding must be an int"),
        (
            [{**MAX, "padding": (1, 2)}],
            (1, 8, 8),
            r"padding must be at most half of kernel_size \(2, 2\), got \(1, 2\)",
        ),
        ([conv(1, 3, bias=1)], (1, 8, 8), "bias must be True or False"),
        ([conv(0, 3)], (1, 8, 8), "out_channels must be an integer of at least 1"),
        ([conv(True, 3)], (1, 8, 8), "out_channels must be an integer"),
        ([conv(4, 3, groups=3)], (4, 8, 8), "groups=3 must divide the 4 channels in and the 4 out"),
        ([conv(4, 9)], (4, 8, 8), r"layers\[0\]: a window of \(9, 9\) pixels is larger than the padded input \(8, 8\)"),
        ([{"kind": "dropout", "p": 1.5}], (4, 8, 8), "p must be a finite number of at least 0 and at most 1"),
        ([{"kind": "leaky_relu", "slope": "steep"}], (4, 8, 8), "slope must be a number"),
        ([linear(3)], (1, 8, 8), r"linear needs a row of features \(put a flatten before it\), got shape \(1, 8, 8\)"),
        ([FLATTEN, conv(1, 3)], (1, 8, 8), r"layers\[1\]: conv2d needs feature maps \(C, H, W\), got shape \(64,\)"),
        ([RELU], (8, 8), r"input_shape must be \(channels, height, width\) or \(features,\)"),
        ([RELU], (8, 0, 8), "input_shape must be an integer of at least 1"),
    ],
)
def test_a_wrong_description_is_named(layers, image, message):
    with pytest.raises(ValueError, match=message):
        parameter_count(layers, image)
