from __future__ import annotations

from collections.abc import Callable

import pytest

from envdoctor.errors import InputError
from envdoctor.model import description as d
from envdoctor.workload.network import Network

Resolve = Callable[..., Network]
HEAD = (d.GlobalAveragePool2dSpec(), d.DenseSpec(units=2, activation="none"))


def block(form: str = "basic", filters: int = 4, **more: object) -> d.ResidualBlockSpec:
    values = {"shortcut": "padding", "activation": "relu", **more}
    return d.ResidualBlockSpec(form=form, filters=filters, **values)


@pytest.mark.parametrize(
    ("spec", "shape", "shortcut"),
    [
        (block(), (8, 8, 4), "identity"),
        (block(filters=6), (8, 8, 6), "padding"),
        (block(stride=2), (4, 4, 4), "padding"),
        (block(shortcut="projection", stride=3), (3, 3, 4), "projection"),
        (block("bottleneck", 1, shortcut="projection"), (8, 8, 4), "identity"),
        (block("bottleneck", 2, shortcut="projection"), (8, 8, 8), "projection"),
    ],
)
def test_a_shortcut_is_the_input_unless_its_shape_changes(
    spec: d.ResidualBlockSpec, shape: tuple[int, ...], shortcut: str, resolve: Resolve
) -> None:
    layer = resolve(spec, *HEAD, shape=(8, 8, 4)).layers[0]
    assert (layer.output_shape, layer.shortcut) == (shape, shortcut)


def test_a_bottleneck_strides_in_its_middle(resolve: Resolve) -> None:
    spec = block("bottleneck", 2, shortcut="projection", stride=2)
    layer = resolve(spec, *HEAD, shape=(8, 8, 4)).layers[0]
    convs = [conv for conv, _ in layer.branch()]
    assert [(c.kernel, c.stride, c.output_shape) for c in convs] == [
        (1, 1, (8, 8, 2)),
        (3, 2, (4, 4, 2)),
        (1, 1, (4, 4, 8)),
    ]
    assert [norm.activation for _, norm in layer.branch()] == ["relu", "relu", "none"]


def test_parameters_and_products_are_those_of_its_parts(resolve: Resolve) -> None:
    spec = block(filters=6, shortcut="projection", stride=2)
    piece = resolve(spec, *HEAD, shape=(8, 8, 4)).pieces[0]
    names = ["conv_1.kernel", "norm_1.scale", "norm_1.offset"]
    names += ["conv_2.kernel", "norm_2.scale", "norm_2.offset"]
    names += ["shortcut_conv.kernel", "shortcut_norm.scale", "shortcut_norm.offset"]
    assert [p.name for p in piece.parameters] == [f"residual_block_1.{name}" for name in names]
    first, second, side = 16 * 9 * 4 * 6, 16 * 9 * 6 * 6, 16 * 4 * 6
    assert [product.forward for product in piece.products] == [first, second, side]
    # Nothing learns before the block, so its input needs no gradient.
    assert [product.backward for product in piece.products] == [first, 2 * second, side]


def test_zeros_cannot_take_channels_away(resolve: Resolve) -> None:
    with pytest.raises(InputError, match="needs an image with 2 channels or fewer"):
        resolve(block(filters=2), *HEAD, shape=(8, 8, 4))


@pytest.mark.parametrize("shape", [(4,), (4, 4)])
def test_only_images_have_residual_blocks(shape: tuple[int, ...], resolve: Resolve) -> None:
    with pytest.raises(InputError, match="needs an image"):
        resolve(block(), *HEAD, shape=shape)
