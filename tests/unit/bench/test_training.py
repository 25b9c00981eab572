"""What is asked of a worker after its training."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from envdoctor.bench import training
from envdoctor.target.channel import WorkerEnded

OUTPUTS = {
    "train": np.array([[2.0, 1.0], [1.0, 2.0], [3.0, 1.0], [1.0, 3.0]]),
    "test": np.array([[2.0, 1.0], [1.0, 2.0]]),
}


def made_seat(epochs: float, outputs=OUTPUTS, *, synthetic: bool = False) -> SimpleNamespace:
    """A seat that keeps what it is given in `kept`, and the splits it is asked for in `asked`."""
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
