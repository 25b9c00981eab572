from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envdoctor.errors import InputError
from envdoctor.model import description as d
from envdoctor.workload.network import Network

Resolve = Callable[..., Network]
HEAD = (d.FlattenSpec(), d.DenseSpec(units=2, activation="none"))
IMAGE = (8, 8, 1)


@given(
    side=st.integers(1, 20),
    kernel=st.integers(1, 20),
    stride=st.integers(1, 5),
    padding=st.integers(0, 4),
)
def test_a_convolution_has_a_pixel_for_each_place_of_its_kernel(
    side: int, kernel: int, stride: int, padding: int, resolve: Resolve
) -> None:
    places = len(range(0, side + 2 * padding - kernel + 1, stride))
    spec = d.Conv2dSpec(filters=3, kernel=kernel, stride=stride, padding=padding, activation="relu")
    if places == 0:
        with pytest.raises(InputError, match=r"layer 1 \(conv2d\) needs an image of at least"):
            resolve(spec, *HEAD, shape=(side, side, 2))
        return
    network = resolve(spec, *HEAD, shape=(side, side, 2))
    assert network.layers[0].output_shape == (places, places, 3)
    assert network.pieces[0].products[0].forward == places**2 * 3 * kernel**2 * 2
    assert network.pieces[0].parameters[0].shape == (kernel, kernel, 2, 3)


@given(side=st.integers(1, 20), window=st.integers(1, 20), stride=st.none() | st.integers(1, 5))
def test_a_pool_drops_what_does_not_fill_a_window(
    side: int, window: int, stride: int | None, resolve: Resolve
) -> None:
    places = len(range(0, side - window + 1, stride or window))
    spec = d.MaxPool2dSpec(window=window, stride=stride)
    if places == 0:
        with pytest.raises(InputError, match=r"layer 1 \(max_pool2d\) needs an image"):
            resolve(spec, *HEAD, shape=(side, side, 2))
        return
    network = resolve(spec, *HEAD, shape=(side, side, 2))
    assert network.layers[0].output_shape == (places, places, 2)
    assert network.pieces[0].parameters == ()


def test_padding_adds_windows_to_a_pool(resolve: Resolve) -> None:
    spec = d.MaxPool2dSpec(window=3, stride=2, padding=1)
    network = resolve(spec, *HEAD, shape=(112, 112, 2))
    assert network.layers[0].output_shape == (56, 56, 2)


def test_a_window_of_a_pool_holds_a_pixel(resolve: Resolve) -> None:
    spec = d.MaxPool2dSpec(window=3, padding=2)
    with pytest.raises(InputError, match=r"layer 1 \(max_pool2d\) pads by 2, more than half"):
        resolve(spec, *HEAD, shape=IMAGE)


def test_upsampling_multiplies_the_sides(resolve: Resolve) -> None:
    network = resolve(d.Upsample2dSpec(factor=3), *HEAD, shape=(4, 5, 2))
    assert network.layers[0].output_shape == (12, 15, 2)


@pytest.mark.parametrize(
    ("activation", "init", "drawn"),
    [
        ("relu", None, "he_normal"),
        ("tanh", None, "glorot_uniform"),
        ("relu", "glorot_uniform", "glorot_uniform"),
    ],
)
def test_the_first_weights_follow_the_activation_unless_told_otherwise(
    activation: str, init: str | None, drawn: str, resolve: Resolve
) -> None:
    spec = d.Conv2dSpec(filters=4, kernel=3, activation=activation, init=init)
    kernel = resolve(spec, *HEAD, shape=IMAGE).parameters[0]
    assert (kernel.initial, kernel.fan_in, kernel.fan_out) == (drawn, 9, 36)


def test_a_global_pool_keeps_the_channels(resolve: Resolve) -> None:
    network = resolve(d.GlobalAveragePool2dSpec(), *HEAD, shape=(4, 5, 6))
    assert network.layers[0].output_shape == (6,)


def test_patches_cut_an_image_into_squares(resolve: Resolve) -> None:
    network = resolve(d.PatchesSpec(size=2), *HEAD, shape=(8, 4, 3))
    assert network.layers[0].output_shape == (8, 12)


def test_patches_that_do_not_fit_are_refused(resolve: Resolve) -> None:
    with pytest.raises(InputError, match=r"layer 1 \(patches\) needs an image whose sides"):
        resolve(d.PatchesSpec(size=3), *HEAD, shape=IMAGE)


@pytest.mark.parametrize(
    "spec",
    [
        d.Conv2dSpec(filters=1, kernel=1, activation="none"),
        d.MaxPool2dSpec(window=1),
        d.GlobalAveragePool2dSpec(),
        d.PatchesSpec(size=1),
        d.Upsample2dSpec(factor=2),
    ],
)
def test_a_layer_for_images_says_what_it_gets_instead(
    spec: d.AnyLayerSpec, resolve: Resolve
) -> None:
    with pytest.raises(InputError, match=r"needs an image, but gets a vector of 64\.") as caught:
        resolve(spec, *HEAD, shape=(64,))
    assert 'view = "image"' in caught.value.hint
