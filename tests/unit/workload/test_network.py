from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envdoctor.child.layers import from_json, to_json
from envdoctor.errors import InputError
from envdoctor.model import description as d
from envdoctor.workload.network import check_outputs, resolve_network
from envdoctor.workload.weights import draw_weights

Stack = tuple[list[d.AnyLayerSpec], tuple[int, ...], int | None]
SMALL = st.integers(1, 6)
ACTIVATIONS = st.sampled_from(["relu", "gelu_tanh", "gelu_erf", "sigmoid", "tanh", "none"])


@st.composite
def conv2d(draw: st.DrawFn, side: int) -> d.Conv2dSpec:
    padding = draw(st.integers(0, 2))
    return d.Conv2dSpec(
        filters=draw(SMALL),
        kernel=draw(st.integers(1, side + 2 * padding)),
        stride=draw(st.integers(1, 3)),
        padding=padding,
        activation=draw(ACTIVATIONS),
        bias=draw(st.booleans()),
    )


@st.composite
def layer_for(draw: st.DrawFn, shape: tuple[int, ...]) -> d.AnyLayerSpec:
    """Any layer that may stand where numbers of this shape come in."""
    choices: list[Any] = [st.just(d.FlattenSpec()), st.just(d.LayerNormSpec())]
    if len(shape) == 3:
        side = min(shape[:2])
        divisors = [size for size in range(1, side + 1) if not any(n % size for n in shape[:2])]
        choices += [
            conv2d(side),
            st.builds(d.MaxPool2dSpec, window=st.integers(1, side), stride=st.none() | SMALL),
            st.just(d.GlobalAveragePool2dSpec()),
            st.builds(d.PatchesSpec, size=st.sampled_from(divisors)),
            st.builds(d.Upsample2dSpec, factor=st.integers(1, 2)),
            st.builds(
                d.ResidualBlockSpec,
                form=st.sampled_from(["basic", "bottleneck"]),
                filters=SMALL,
                stride=st.integers(1, 3),
                shortcut=st.just("projection"),
                activation=ACTIVATIONS,
            ),
        ]
    else:
        choices += [st.builds(d.DenseSpec, units=SMALL, activation=ACTIVATIONS, bias=st.booleans())]
    if len(shape) == 2:
        heads = [count for count in range(1, shape[1] + 1) if shape[1] % count == 0]
        block = st.builds(
            d.TransformerBlockSpec,
            heads=st.sampled_from(heads),
            mlp_ratio=st.integers(1, 3),
            causal=st.booleans(),
            activation=ACTIVATIONS,
        )
        choices += [st.just(kind()) for kind in (d.ClassTokenSpec, d.PositionEmbeddingSpec)]
        choices += [
            st.just(kind()) for kind in (d.FirstStepSpec, d.LastStepSpec, d.MeanOverStepsSpec)
        ]
        choices += [st.builds(d.LstmSpec, units=SMALL), block]
    return draw(st.one_of(choices))


@st.composite
def stacks(draw: st.DrawFn) -> Stack:
    """A stack of layers in which each fits what comes before it, with something to train."""
    shape = draw(
        st.tuples(SMALL) | st.tuples(SMALL, SMALL) | st.tuples(st.just(8), SMALL, st.integers(1, 3))
    )
    start, symbols, specs = shape, None, list[d.AnyLayerSpec]()
    if len(shape) == 1 and draw(st.booleans()):
        symbols = draw(SMALL)
        specs = [d.EmbeddingSpec(width=draw(SMALL))]
        shape = (*shape, specs[0].width)
    for _ in range(draw(st.integers(0, 5))):
        spec = draw(layer_for(shape))
        specs.append(spec)
        shape = _resolve([*specs, *_ending(shape)], start, symbols).layers[len(specs) - 1]
        shape = shape.output_shape
    return [*specs, *_ending(shape)], start, symbols


def _ending(shape: tuple[int, ...]) -> list[d.AnyLayerSpec]:
    return [d.FlattenSpec(), d.DenseSpec(units=2, activation="none")]


def _resolve(specs: Sequence[d.AnyLayerSpec], shape: tuple[int, ...], symbols: int | None) -> Any:
    return resolve_network(specs, shape, symbols, "f.toml")


@settings(max_examples=80)
@given(stacks())
def test_each_layer_takes_what_the_one_before_yields(stack: Stack) -> None:
    network = _resolve(*stack)
    shapes = [stack[1], *(layer.output_shape for layer in network.layers)]
    assert [layer.input_shape for layer in network.layers] == shapes[:-1]
    assert all(size >= 1 for shape in shapes for size in shape)
    assert network.output_shape == shapes[-1]


@settings(max_examples=80)
@given(stacks())
def test_parameters_are_counted_and_drawn_as_they_are_named(stack: Stack) -> None:
    network = _resolve(*stack)
    weights = draw_weights(network.parameters, seed=3)
    assert len(weights) == len(network.parameters)
    assert {p.name: p.shape for p in network.parameters} == {n: w.shape for n, w in weights.items()}
    assert network.parameter_count == sum(weight.size for weight in weights.values())
    owners = {layer.name for layer in network.layers}
    assert len(owners) == len(network.layers)
    assert {name.partition(".")[0] for name in weights} <= owners


@settings(max_examples=80)
@given(stacks())
def test_a_backward_pass_costs_one_to_two_forward_passes(stack: Stack) -> None:
    network = _resolve(*stack)
    assert network.forward_flops > 0
    assert 2 * network.forward_flops <= network.training_flops <= 3 * network.forward_flops


@settings(max_examples=80)
@given(stacks())
def test_layers_travel_as_json(stack: Stack) -> None:
    for layer in _resolve(*stack).layers:
        assert from_json(to_json(layer)) == layer


DENSE = d.DenseSpec(units=4, activation="relu")
NORM = d.BatchNormSpec(activation="relu")


@pytest.mark.parametrize("shape", [(4,), (4, 4, 4)])
def test_a_batch_norm_has_a_scale_and_an_offset_for_each_channel(shape: tuple[int, ...]) -> None:
    network = _resolve([NORM, *_ending(shape)], shape, None)
    assert [p.shape for p in network.pieces[0].parameters] == [(4,), (4,)]


def test_a_batch_norm_is_not_for_sequences() -> None:
    with pytest.raises(InputError, match="needs a vector or an image") as caught:
        _resolve([NORM, *_ending((4, 4))], (4, 4), None)
    assert "`layer_norm`" in caught.value.hint


def test_a_bias_that_a_batch_norm_takes_away_is_refused() -> None:
    plain = d.DenseSpec(units=4, activation="none")
    with pytest.raises(InputError, match="subtracts the mean, and with it the bias of `dense_1`"):
        _resolve([plain, NORM, *_ending((4,))], (4,), None)
    _resolve([DENSE, NORM, *_ending((4,))], (4,), None)
    bare = d.DenseSpec(units=4, activation="none", bias=False)
    _resolve([bare, NORM, *_ending((4,))], (4,), None)


def test_layers_are_numbered_by_kind_unless_they_have_names() -> None:
    specs = [DENSE, d.FlattenSpec(), d.DenseSpec(units=4, activation="none", name="mine"), DENSE]
    assert [layer.name for layer in _resolve(specs, (4,), None).layers] == [
        "dense_1",
        "flatten_1",
        "mine",
        "dense_3",
    ]


def test_repeat_stands_for_as_many_equal_layers() -> None:
    named = d.DenseSpec(units=4, activation="relu", repeat=3, name="hidden")
    network = _resolve([named], (4,), None)
    assert [layer.name for layer in network.layers] == ["hidden_1", "hidden_2", "hidden_3"]
    assert network.parameter_count == 3 * (4 * 4 + 4)
    plain = d.DenseSpec(units=4, activation="relu", repeat=3)
    assert _resolve([plain], (4,), None).forward_flops == network.forward_flops


def test_repeat_cannot_stand_for_more_layers_than_a_file_may_hold() -> None:
    with pytest.raises(InputError, match=r"^f\.toml: .*layers"):
        _resolve([d.FlattenSpec(repeat=20_000), DENSE], (4,), None)


@pytest.mark.parametrize(
    "specs",
    [
        [d.FlattenSpec(name="x"), d.FlattenSpec(name="x"), DENSE],
        [d.FlattenSpec(name="dense_1"), DENSE],
        [
            d.DenseSpec(units=4, activation="relu", name="a", repeat=2),
            d.FlattenSpec(name="a_2"),
        ],
    ],
)
def test_two_layers_of_one_name_are_refused(specs: list[d.AnyLayerSpec]) -> None:
    with pytest.raises(InputError, match=r"^f\.toml: two layers are called `(x|dense_1|a_2)`\."):
        _resolve(specs, (4,), None)


def test_a_network_without_parameters_is_refused() -> None:
    with pytest.raises(InputError, match="nothing to train"):
        _resolve([d.FlattenSpec()], (4,), None)


def test_a_slip_of_the_pen_in_a_size_is_refused_before_anything_is_drawn() -> None:
    with pytest.raises(InputError, match="more than any machine trains"):
        _resolve([d.DenseSpec(units=10**12, activation="none")], (4,), None)


def test_activations_beyond_any_memory_are_refused() -> None:
    wide = d.Conv2dSpec(filters=3, kernel=1, padding=10**9, activation="relu")
    with pytest.raises(InputError, match=r"^f\.toml: "):
        _resolve([wide, d.GlobalAveragePool2dSpec(), DENSE], (8, 8, 1), None)


def test_outputs_that_do_not_fit_the_loss_are_told_with_what_would() -> None:
    network = _resolve([DENSE], (4,), None)
    check_outputs(network, (4,), "four classes", "f.toml")
    with pytest.raises(InputError, match=r"yields a vector of 4, but ten .* a vector of 10") as e:
        check_outputs(network, (10,), "ten classes", "f.toml")
    assert e.value.hint == "Give the last layer 10 outputs."
