"""Cross-validation with real workers."""

from __future__ import annotations

from pathlib import Path

import pytest

from envdoctor.bench.parity.evidence import full_data
from envdoctor.child.job import Job
from envdoctor.child.setting import Setting
from envdoctor.statistics.folds import is_complete
from envdoctor.workload.folds import take_fold
from envdoctor.workload.prepare import prepare

THREE = {"folds": 3}
SETTING = Setting("numpy", "fp32", "cpu", 1)


@pytest.fixture(scope="module")
def run(engine, module_mark):
    return engine(
        "faulty",
        mark=module_mark,
        order={**THREE, "twin": True},
        backends=("numpy", "faulty"),
        modes=("numpy", "healthy", "third-build-fails"),
    )


@pytest.fixture(scope="module")
def by_title(run):
    return {cell.row.title: cell for cell in run.cells if not cell.row.twin}


def test_the_values_are_those_of_training_by_hand(
    by_title, plugins, speck, in_process, numpy_trainer
):
    whole = prepare(Path(speck), plugins.data_sets(), seed=0)
    values = []
    for number in range(3):
        fold = take_fold(whole, 3, number)
        subject = in_process(numpy_trainer)
        subject.build(Job(fold.workload, fold.optimizer, SETTING), fold.weights(), full_data(fold))
        subject.steps(range(fold.steps))
        right = subject.trainer.outputs("test").argmax(axis=-1) == fold.samples.test_targets
        values.append(right.mean())
    found = by_title["numpy"].folds
    assert found.values == pytest.approx(values)
    assert found.wanted == 3
    assert found.outcome is None
    assert len(set(values)) > 1  # or any fold could stand for any other
    assert min(values) > 0.3


def test_all_rows_train_on_the_same_folds(by_title):
    assert by_title["faulty healthy"].folds == by_title["numpy"].folds


def test_a_row_that_fails_on_a_fold_keeps_its_speed_and_its_finished_folds(by_title):
    cell = by_title["faulty third-build-fails"]
    assert cell.comparable
    assert cell.outcome.status == "ok"
    assert cell.folds.values == by_title["numpy"].folds.values[:2]
    assert not is_complete(cell)
    assert cell.folds.outcome.status == "failed"
    assert cell.folds.outcome.reason == "RuntimeError: nothing more can be built"


def test_a_twin_has_no_folds_and_the_plan_says_how_many_there_were(run):
    (twin,) = [cell for cell in run.cells if cell.row.twin]
    assert twin.folds is None
    assert run.plan.folds == 3
    assert run.workloads[0].no_folds == ""


def test_no_process_is_left(run, module_mark):
    assert module_mark.survivors() == []


def test_after_the_time_limit_no_fold_begins(engine, mark):
    run = engine(mark=mark, order={**THREE, "time_limit_seconds": 0.5}, backends=("numpy",))
    (cell,) = run.cells
    assert run.state == "finished"
    assert cell.comparable
    assert (cell.folds.values, cell.folds.outcome) == ((), None)


def test_a_row_whose_work_is_not_proven_is_not_trained_on_folds(engine, mark):
    run = engine("faulty", mark=mark, order=THREE, backends=("faulty",), modes=("wrong-gradient",))
    (cell,) = run.cells
    assert cell.folds is None


def test_the_command_shows_the_folds_and_the_row_that_failed(shell, speck, tmp_path):
    path = tmp_path / "run.json"
    words = ("bench", speck, "--quick", "--threads", "1", "--folds", "3", "--save", str(path))
    chosen = ("--backend", "faulty", "--mode", "healthy", "--mode", "third-build-fails")
    done = shell(*words, *chosen, strangers=("faulty",))
    assert done.returncode == 1, done.stderr  # a row failed, if only on a fold
    assert "speck: 3-fold cross-validation" in done.stderr
    assert "speck: 3-fold cross-validation" in done.stdout
    assert "2 of 3 folds: RuntimeError: nothing more can be built" in done.stdout
    again = shell("bench", "--recompute", str(path), strangers=("faulty",))
    assert "2 of 3 folds: RuntimeError: nothing more can be built" in again.stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("transformer-tiny", "--folds", "3"), "windows of one text"),
        (("mlp-large", "--folds", "3"), "made up"),
        (("mlp-tiny", "--folds", "1"), "2<=x<=20"),
        (("mlp-tiny", "--folds", "21"), "2<=x<=20"),
        (("mlp-tiny", "--folds", "many"), "not a valid integer"),
    ],
)
def test_folds_that_cannot_be_are_one_sentence(shell, words, sentence):
    done = shell("bench", *words, "--backend", "numpy")
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
