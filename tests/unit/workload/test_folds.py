from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envdoctor.api import DataSet
from envdoctor.workload.folds import deal, take_fold, why_no_folds
from envdoctor.workload.prepare import Prepared, prepare

Deal = tuple[np.ndarray, int, int]
Write = Callable[[str], Prepared]
SEEDS = st.integers(0, 2**32 - 1)


@st.composite
def deals(draw: st.DrawFn) -> Deal:
    count, classes, seed = draw(st.tuples(st.integers(2, 80), st.integers(1, 5), SEEDS))
    labels = np.random.default_rng(seed).integers(0, classes, count)
    return labels, draw(st.integers(2, min(20, count))), seed


@given(deals())
def test_every_sample_is_in_one_fold_and_all_folds_are_of_one_size(made: Deal) -> None:
    labels, folds, seed = made
    for known in (None, labels):
        found = deal(len(labels), folds, seed, known)
        assert found.shape == labels.shape
        sizes = np.bincount(found, minlength=folds)
        assert len(sizes) == folds
        assert sizes.max() - sizes.min() <= 1


@given(deals())
def test_each_class_is_spread_evenly(made: Deal) -> None:
    labels, folds, seed = made
    found = deal(len(labels), folds, seed, labels)
    for label in set(labels.tolist()):
        parts = np.bincount(found[labels == label], minlength=folds)
        assert parts.max() - parts.min() <= 1


@given(deals())
def test_the_seed_alone_decides(made: Deal) -> None:
    labels, folds, seed = made
    once, again = (deal(len(labels), folds, seed, labels) for _ in range(2))
    np.testing.assert_array_equal(once, again)


def test_another_seed_deals_otherwise() -> None:
    labels = np.arange(100) % 3
    assert not np.array_equal(deal(100, 5, 0, labels), deal(100, 5, 1, labels))


def test_classes_are_as_even_as_those_of_scikit_learn() -> None:
    selection = pytest.importorskip("sklearn.model_selection")
    labels = np.random.default_rng(3).choice(4, 203, p=(0.5, 0.3, 0.15, 0.05))
    theirs = selection.StratifiedKFold(7, shuffle=True, random_state=0)
    parts = [np.bincount(labels[test]) for _, test in theirs.split(labels, labels)]
    own = [np.bincount(labels[deal(203, 7, 0, labels) == fold]) for fold in range(7)]
    np.testing.assert_array_equal(np.sort(own, axis=0), np.sort(parts, axis=0))


@pytest.fixture
def write(tmp_path: Path, data_sets: dict[str, DataSet]) -> Write:
    """Prepares a workload file with this text."""

    def make(text: str) -> Prepared:
        path = tmp_path / "mine.toml"
        path.write_text(text)
        return prepare(path, data_sets, seed=0)

    return make


NUMBERS = (
    ("cross_entropy", "mean_squared_error"),
    ("units = 10", "units = 1"),
    ('metric = "accuracy"', 'metric = "mean_absolute_error"'),
    ('set = "squares"', 'set = "line"'),
)


def _changed(text: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def test_the_folds_together_test_each_sample_once(write: Write, valid: str) -> None:
    whole = write(valid)
    folds = [take_fold(whole, 4, number) for number in range(4)]
    wanted = np.concatenate([whole.samples.train_inputs, whole.samples.test_inputs])
    found = np.concatenate([fold.samples.test_inputs for fold in folds])
    np.testing.assert_array_equal(np.unique(found, axis=0), np.unique(wanted, axis=0))
    assert len(found) == len(wanted) == 40
    for fold in folds:
        seen = np.concatenate([fold.samples.train_inputs, fold.samples.test_inputs])
        np.testing.assert_array_equal(np.unique(seen, axis=0), np.unique(wanted, axis=0))
        assert np.bincount(fold.samples.test_targets).tolist() == [1] * 10


def test_a_sample_keeps_its_target(write: Write, valid: str) -> None:
    samples = take_fold(write(valid), 4, 1).samples
    # Pixel (0, 0) of image n is n, its label n mod 10; the scale of the set is 10.
    for inputs, targets in (
        (samples.train_inputs, samples.train_targets),
        (samples.test_inputs, samples.test_targets),
    ):
        np.testing.assert_array_equal(np.round(inputs[:, 0] * 10) % 10, targets)


def test_weights_are_the_same_and_so_is_the_number_of_epochs(write: Write, valid: str) -> None:
    whole = write(valid)
    fold = take_fold(whole, 2, 0)
    for name, value in whole.weights().items():
        np.testing.assert_array_equal(fold.weights()[name], value)
    # 20 samples to train on are 2 whole batches of 8; 2 epochs of them.
    assert fold.steps == 4
    assert fold.batches().shape == (4, 8)
    assert fold.batches().max() < 20


def test_a_plan_in_steps_stays_as_long(write: Write, valid: str) -> None:
    whole = write(_changed(valid, ("epochs = 2", "steps = 7")))
    assert take_fold(whole, 2, 0).steps == whole.steps == 7


def test_a_table_is_standardised_by_the_rows_of_the_fold(write: Write, valid: str) -> None:
    whole = write(_changed(valid, *NUMBERS))
    pooled = np.concatenate([whole.samples.train_inputs, whole.samples.test_inputs])
    for number in range(5):
        samples = take_fold(whole, 5, number).samples
        np.testing.assert_allclose(samples.train_inputs.mean(axis=0), 0, atol=1e-12)
        np.testing.assert_allclose(samples.train_inputs.std(axis=0), 1)
        test = deal(50, 5, 0) == number
        by_hand = (pooled[test] - pooled[~test].mean(axis=0)) / pooled[~test].std(axis=0)
        np.testing.assert_allclose(samples.test_inputs, by_hand)


def test_what_reconstructs_a_table_has_its_own_inputs_as_targets(write: Write, valid: str) -> None:
    numbers = _changed(valid, *NUMBERS, ('view = "vector"', 'view = "vector"\nreconstruct = true'))
    whole = write(_changed(numbers, ("units = 1", "units = 4")))
    samples = take_fold(whole, 5, 2).samples
    np.testing.assert_array_equal(samples.train_targets, samples.train_inputs)
    np.testing.assert_array_equal(samples.test_targets, samples.test_inputs)


@pytest.mark.parametrize(
    ("pairs", "folds", "reason"),
    [
        ((), 4, ""),
        ((), 5, "a class has 4 samples, too few for 5 folds."),
        (NUMBERS, 20, ""),
        ((("batch = 8", "batch = 21"),), 4, ""),
        (
            (("batch = 8", "batch = 21"),),
            2,
            "a batch of 21 is more than the 20 samples that 2 folds leave to train on.",
        ),
    ],
)
def test_how_many_folds_there_may_be(
    write: Write, valid: str, pairs: tuple[tuple[str, str], ...], folds: int, reason: str
) -> None:
    assert why_no_folds(write(_changed(valid, *pairs)), folds) == reason


def test_fewer_numbers_than_folds_are_too_few(write: Write, valid: str) -> None:
    whole = write(_changed(valid, *NUMBERS))
    samples = whole.samples
    few = replace(
        samples,
        train_inputs=samples.train_inputs[:9],
        train_targets=samples.train_targets[:9],
        test_inputs=samples.test_inputs[:1],
        test_targets=samples.test_targets[:1],
    )
    told = why_no_folds(replace(whole, samples=few), 11)
    assert told == "it has 10 samples, too few for 11 folds."


def test_texts_and_made_up_data_have_no_folds(prepared: Callable[[str], Prepared]) -> None:
    assert "windows of one text" in why_no_folds(prepared("transformer-tiny"), 2)
    assert "made up" in why_no_folds(prepared("mlp-large"), 2)
