from __future__ import annotations

from math import exp, log, sqrt

import numpy as np
import pytest

from envdoctor.bench.quality import assess
from envdoctor.model.run import QualityGate

SCORES = np.array([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 3.0], [1.0, 0.0, 0.0]])
LABELS = np.array([0, 1, 2, 2])


def test_accuracy_and_loss_are_those_worked_out_by_hand() -> None:
    found = assess(SCORES.astype(np.float32), LABELS, "cross_entropy", None)
    assert (found.metric, found.value, found.samples) == ("accuracy", 0.75, 4)
    # Two right and two wrong are added: 5 of 8.
    assert found.standard_error == pytest.approx(sqrt(5 / 8 * 3 / 8 / 8))
    losses = [
        log(exp(2) + 2) - 2,
        log(exp(1) + 2) - 1,
        log(exp(3) + 2) - 3,
        log(exp(1) + 2) - 0,
    ]
    assert found.loss == pytest.approx(sum(losses) / 4, rel=1e-6)
    assert found.reached is None


def test_even_a_perfect_score_is_uncertain() -> None:
    perfect = assess(SCORES, SCORES.argmax(axis=-1), "cross_entropy", None)
    assert perfect.value == 1.0
    assert perfect.standard_error > 0


def test_every_step_of_a_text_counts() -> None:
    steps = np.stack([SCORES, SCORES[::-1]])
    labels = np.stack([LABELS, LABELS[::-1]])
    found = assess(steps, labels, "cross_entropy", None)
    assert (found.value, found.samples) == (0.75, 8)
    assert found.loss == pytest.approx(assess(SCORES, LABELS, "cross_entropy", None).loss)


def test_huge_scores_have_a_loss() -> None:
    found = assess(SCORES * 1e6, LABELS, "cross_entropy", None)
    assert found.loss == pytest.approx(1e6 / 4)


def test_errors_of_numbers_are_those_worked_out_by_hand() -> None:
    outputs, targets = (
        np.array([[1.0], [2.0], [5.0], [4.0]]),
        np.array([[0.0], [2.0], [2.0], [8.0]]),
    )
    found = assess(outputs, targets, "mean_squared_error", None)
    assert (found.metric, found.value, found.samples) == ("mean_absolute_error", 2.0, 4)
    assert found.loss == pytest.approx((1 + 0 + 9 + 16) / 4)
    assert found.standard_error == pytest.approx(sqrt((1 + 4 + 1 + 4) / 4) / 2)


@pytest.mark.parametrize(
    ("gate", "reached"),
    [
        (QualityGate(metric="accuracy", at_least=0.75), True),
        (QualityGate(metric="accuracy", at_least=0.76), False),
        (QualityGate(metric="accuracy", at_most=0.75), True),
        (QualityGate(metric="accuracy", at_most=0.74), False),
    ],
)
def test_the_gate_is_reached_at_its_very_bound(gate: QualityGate, reached: bool) -> None:
    assert assess(SCORES, LABELS, "cross_entropy", gate).reached is reached
