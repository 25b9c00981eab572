"""What is asked of a worker during its training and after it."""

from __future__ import annotations

from math import e, exp, log
from types import SimpleNamespace

import numpy as np
import pytest

from envdoctor.bench import training
from envdoctor.bench.milestones import loss_steps
from envdoctor.model.cell import Certificate, Progress, Row
from envdoctor.target.channel import WorkerEnded

OUTPUTS = {
    "train": np.array([[2.0, 1.0], [1.0, 2.0], [3.0, 1.0], [1.0, 3.0]]),
    "test": np.array([[2.0, 1.0], [1.0, 2.0]]),
}
POINT = Progress(step=80, training_seconds=0.1, loss=1.5)


def made_seat(epochs: float, outputs=OUTPUTS, *, synthetic: bool = False) -> SimpleNamespace:
    """A seat that is trained, keeps what it is given in `kept`, and the splits asked for."""
    samples = SimpleNamespace(
        train_targets=np.array([0, 1, 0, 1]), test_targets=np.array([0, 0]), synthetic=synthetic
    )
    description = SimpleNamespace(train=SimpleNamespace(gate=None))
    prepared = SimpleNamespace(
        samples=samples,
        epochs=epochs,
        workload=SimpleNamespace(loss="cross_entropy"),
        description=description,
    )
    asked, kept = [], {}

    def evaluate(split):
        asked.append(split)
        return outputs[split], 0.5

    worker = SimpleNamespace(evaluate=evaluate)
    return SimpleNamespace(
        prepared=prepared,
        worker=worker,
        cell=SimpleNamespace(history=(POINT,)),
        keep=lambda **found: kept.update(found),
        asked=asked,
        kept=kept,
    )


@pytest.fixture(autouse=True)
def no_gate(monkeypatch):
    monkeypatch.setattr(training, "gate_of", lambda prepared: None)


def names(seat) -> set[str]:
    return {metric.name for metric in seat.kept["quality"].metrics}


def test_a_model_that_saw_its_data_often_is_compared_with_them():
    seat = made_seat(epochs=training.EPOCHS_FOR_A_GAP)
    training.evaluate(seat)
    assert seat.asked == ["test", "train"]
    assert {"train_accuracy", "gap"} <= names(seat)
    assert seat.kept["evaluation_seconds"] == 0.5


def test_a_model_that_saw_its_data_once_is_not_asked_for_all_of_them():
    """The Transformer sees a part of the text: all of it would take longer than its training."""
    seat = made_seat(epochs=0.06)
    training.evaluate(seat)
    assert seat.asked == ["test"]
    assert not {"train_accuracy", "gap"} & names(seat)
    assert seat.kept["quality"].value == 0.5


def test_made_up_data_have_no_quality():
    seat = made_seat(epochs=20.0, synthetic=True)
    training.evaluate(seat)
    assert "quality" not in seat.kept


def test_outputs_that_are_no_numbers_end_the_row():
    seat = made_seat(epochs=20.0, outputs={"test": np.array([[np.nan, 1.0]])})
    with pytest.raises(WorkerEnded, match="no longer a number"):
        training.evaluate(seat)


def test_the_last_point_of_the_training_has_the_quality():
    seat = made_seat(epochs=20.0)
    training.evaluate(seat)
    (last,) = seat.kept["history"]
    quality = seat.kept["quality"]
    assert (last.step, last.loss) == (POINT.step, POINT.loss)
    assert (last.test_value, last.test_loss) == (quality.value, quality.loss)


class Seat:
    """A seat with its worker, after ten steps of warm-up; each step takes its number in ms."""

    row = Row(backend="torch", mode="eager")

    def __init__(self, *, steps=80, batch=40, synthetic=False, outputs=OUTPUTS["test"]):
        self.prepared = SimpleNamespace(
            steps=steps,
            workload=SimpleNamespace(batch=batch, loss="cross_entropy"),
            samples=SimpleNamespace(test_targets=np.array([0, 0]), synthetic=synthetic),
        )
        self.worker = self
        warm = range(1, min(10, steps) + 1)
        launch = SimpleNamespace(warmup_ns=tuple(step * 1_000_000 for step in warm))
        self.cell = SimpleNamespace(
            launches=(launch,),
            first_losses=tuple(float(-step) for step in warm),
            history=(),
            memory=None,
        )
        self.taken = len(warm)
        self.asked = []
        self.answers = outputs

    def keep(self, **found):
        vars(self.cell).update(found)

    def go_to(self, position):
        self.asked.append(f"go to {position}")

    def block(self, first, steps, count, warm_seconds):
        assert (first, count, warm_seconds) == (self.taken, self.prepared.steps, None)
        taken = range(first + 1, first + steps + 1)
        self.taken += steps
        wall_ns = sum(step * 1_000_000 for step in taken)
        return {"wall_ns": wall_ns, "loss": self.loss_at(self.taken)}

    def loss_at(self, step):
        return float(-step)

    def evaluate(self, split):
        self.asked.append(f"{split} after {self.taken}")
        return self.answers, 100.0

    @property
    def history(self):
        return self.cell.history

    @property
    def evaluated(self):
        return [point for point in self.history if point.test_value is not None]


@pytest.fixture(autouse=True)
def memory_is_asked_for(monkeypatch):
    def ask(seat):
        seat.asked.append(f"memory after {seat.taken}")

    monkeypatch.setattr(training, "measure_memory", ask)


def test_the_loss_of_the_plan_is_kept_from_its_first_step_to_its_last():
    seat = Seat()
    list(training.train(seat))
    assert [point.step for point in seat.history] == [1, *range(2, 81, 2)]
    for point in seat.history:
        assert point.loss == -point.step
        assert point.training_seconds == pytest.approx(sum(range(point.step + 1)) / 1000)
    assert seat.cell.training_seconds == pytest.approx(seat.history[-1].training_seconds)


def test_on_the_way_the_model_is_evaluated_outside_the_clock():
    seat = Seat()
    list(training.train(seat))
    # The first tenth lies within the warm-up, and after the last step the quality is assessed.
    assert [point.step for point in seat.evaluated] == list(range(16, 80, 8))
    assert {point.test_value for point in seat.evaluated} == {0.5}
    assert seat.evaluated[0].test_loss == pytest.approx((log(1 + exp(-1)) + log(1 + e)) / 2)
    assert seat.cell.training_seconds < 100


def test_memory_is_read_before_an_evaluation_can_add_to_it():
    seat = Seat()
    list(training.train(seat))
    assert seat.asked[:2] == ["memory after 16", "test after 16"]
    assert sum(each.startswith("memory") for each in seat.asked) == 1
    plain = Seat(synthetic=True)
    list(training.train(plain))
    assert plain.asked == ["memory after 80", "go to 0"]


def test_made_up_data_have_losses_only():
    seat = Seat(synthetic=True)
    list(training.train(seat))
    assert len(seat.history) == 41
    assert seat.evaluated == []


@pytest.mark.parametrize("steps", [1, 7, 10, 11])
def test_a_plan_hardly_longer_than_the_warm_up_has_all_its_steps(steps):
    seat = Seat(steps=steps, synthetic=True)
    list(training.train(seat))
    assert [point.step for point in seat.history] == list(range(1, steps + 1))
    assert seat.cell.training_seconds == pytest.approx(sum(range(steps + 1)) / 1000)


def test_a_long_way_to_the_next_point_is_told_in_between(monkeypatch):
    monkeypatch.setattr(training, "CHUNK_SECONDS", 0.1)
    seat = Seat(steps=400, synthetic=True)
    told = list(training.train(seat))
    assert told == sorted(set(told))
    assert len(told) > 100
    assert [point.step for point in seat.history] == list(loss_steps(400, 0.01))


def test_short_steps_are_not_told_one_by_one():
    assert len(list(training.train(Seat(synthetic=True)))) == 2  # of 3.2 seconds


def test_a_row_whose_loss_is_lost_ends_there_and_shows_how_far_it_came(monkeypatch):
    seat = Seat()
    monkeypatch.setattr(seat, "loss_at", lambda step: "nan" if step > 20 else 1.0)
    with pytest.raises(WorkerEnded, match="no longer a number after 22 steps of training"):
        list(training.train(seat))
    assert seat.history[-1].step == 20


def test_outputs_lost_on_the_way_end_the_row_too():
    seat = Seat(outputs=np.array([[np.inf, 1.0]]))
    with pytest.raises(WorkerEnded, match="no longer a number after 16 steps of training"):
        list(training.train(seat))


def test_what_is_kept_for_the_next_run_comes_back_with_its_history():
    seat = made_seat(epochs=1.0)
    training.evaluate(seat)
    cell = SimpleNamespace(
        certificate=Certificate(same_work=True, tier="G64"),
        training_seconds=0.1,
        **seat.kept,
    )
    losses = SimpleNamespace(losses=(2.3,), reference_error=1e-7)
    kept = training.what_to_keep(SimpleNamespace(cell=cell), losses)
    entered = {}
    ledger = SimpleNamespace(keep=lambda *_, **found: entered.update(found))
    training.enter_kept(ledger, Row(backend="torch", mode="eager"), "w", kept)
    assert entered["history"] == seat.kept["history"] != ()
