from __future__ import annotations

from collections.abc import Callable

import pytest

from envdoctor.errors import InputError
from envdoctor.model import description as d
from envdoctor.workload.network import Network

Resolve = Callable[..., Network]
HEAD = (d.FlattenSpec(), d.DenseSpec(units=2, activation="none"))


def test_symbols_become_vectors_and_vectors_scores_with_one_table(resolve: Resolve) -> None:
    network = resolve(d.EmbeddingSpec(width=6), d.UnembeddingSpec(), shape=(5,), symbols=7)
    assert [layer.output_shape for layer in network.layers] == [(5, 6), (5, 7)]
    assert [(p.name, p.shape) for p in network.parameters] == [("embedding_1.table", (7, 6))]
    # A gather costs nothing; the scores are a product with the table.
    assert network.forward_flops == 2 * 5 * 6 * 7


def test_the_scores_need_the_width_of_the_table(resolve: Resolve) -> None:
    wider = d.DenseSpec(units=8, activation="none")
    with pytest.raises(InputError, match=r"needs steps of 6, the width of `embedding_1`"):
        resolve(d.EmbeddingSpec(width=6), wider, d.UnembeddingSpec(), shape=(5,), symbols=7)


def test_scores_without_an_embedding_are_refused(resolve: Resolve) -> None:
    with pytest.raises(InputError, match="needs an `embedding` before it"):
        resolve(d.UnembeddingSpec(), shape=(5, 6))


def test_an_embedding_of_numbers_is_refused(resolve: Resolve) -> None:
    with pytest.raises(InputError, match=r"layer 1 \(embedding\) needs symbols, but gets a vec"):
        resolve(d.EmbeddingSpec(width=3), *HEAD, shape=(5,))


@pytest.mark.parametrize(
    "spec", [d.DenseSpec(units=1, activation="none"), d.FlattenSpec(), d.LayerNormSpec()]
)
def test_symbols_are_no_numbers(spec: d.AnyLayerSpec, resolve: Resolve) -> None:
    with pytest.raises(InputError, match=r"needs numbers, but gets 5 symbols of an alphabet of 7"):
        resolve(spec, *HEAD, shape=(5,), symbols=7)


@pytest.mark.parametrize("shape", [(5,), (4, 4, 1)])
@pytest.mark.parametrize(
    "spec",
    [
        d.ClassTokenSpec(),
        d.PositionEmbeddingSpec(),
        d.FirstStepSpec(),
        d.LastStepSpec(),
        d.MeanOverStepsSpec(),
        d.LstmSpec(units=2),
        d.TransformerBlockSpec(heads=1, causal=True, activation="relu"),
        d.UnembeddingSpec(),
    ],
)
def test_a_layer_for_sequences_says_what_it_gets_instead(
    spec: d.AnyLayerSpec, shape: tuple[int, ...], resolve: Resolve
) -> None:
    with pytest.raises(InputError, match=r"layer 1 \(\w+\) needs a sequence of vectors, but gets"):
        resolve(spec, *HEAD, shape=shape)


@pytest.mark.parametrize(
    ("spec", "output", "parameters"),
    [
        (d.ClassTokenSpec(), (6, 4), {"class_token_1.token": (4,)}),
        (d.PositionEmbeddingSpec(), (5, 4), {"position_embedding_1.table": (5, 4)}),
        (d.FirstStepSpec(), (4,), {}),
        (d.LastStepSpec(), (4,), {}),
        (d.MeanOverStepsSpec(), (4,), {}),
    ],
)
def test_what_becomes_of_a_sequence(
    spec: d.AnyLayerSpec,
    output: tuple[int, ...],
    parameters: dict[str, tuple[int, ...]],
    resolve: Resolve,
) -> None:
    network = resolve(spec, *HEAD, shape=(5, 4))
    assert network.layers[0].output_shape == output
    assert {p.name: p.shape for p in network.pieces[0].parameters} == parameters
