from __future__ import annotations

from math import exp
from typing import Any

import numpy as np
import pytest

from envdoctor.bench.metrics import MOST_CLASSES, confusion_matrix, confusion_of, metrics_of
from envdoctor.bench.quality import assess, compare_with_training
from envdoctor.model.cell import Metric

sklearn = pytest.importorskip("sklearn.metrics")


def _values(metrics: tuple[Metric, ...]) -> dict[str, float | None]:
    return {metric.name: metric.value for metric in metrics}


def _classified(seed: int, classes: int = 5, samples: int = 300) -> tuple[Any, Any]:
    """Scores that are right more often than not, in steps, so that some are equal."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, classes, samples)
    scores = generator.standard_normal((samples, classes)).round(1)
    scores[np.arange(samples), labels] += 1
    return scores, labels


@pytest.mark.parametrize("seed", range(3))
def test_measures_of_classes_are_those_of_scikit_learn(seed: int) -> None:
    scores, labels = _classified(seed)
    predicted = scores.argmax(axis=-1)
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    found = _values(metrics_of(scores, labels, "cross_entropy"))
    assert found == pytest.approx(
        {
            "precision": sklearn.precision_score(labels, predicted, average="macro"),
            "recall": sklearn.recall_score(labels, predicted, average="macro"),
            "f1": sklearn.f1_score(labels, predicted, average="macro"),
            "roc_auc": sklearn.roc_auc_score(
                labels, probabilities, multi_class="ovr", average="macro"
            ),
        }
    )
    np.testing.assert_array_equal(
        confusion_matrix(predicted, labels, 5), sklearn.confusion_matrix(labels, predicted)
    )


@pytest.mark.parametrize("seed", range(3))
def test_accuracy_and_loss_are_those_of_scikit_learn(seed: int) -> None:
    scores, labels = _classified(seed)
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    found = assess(scores, labels, "cross_entropy", None)
    assert found.value == pytest.approx(sklearn.accuracy_score(labels, scores.argmax(axis=-1)))
    assert found.loss == pytest.approx(sklearn.log_loss(labels, probabilities))


def test_errors_of_numbers_are_those_of_scikit_learn() -> None:
    generator = np.random.default_rng(2)
    targets, outputs = generator.standard_normal((2, 60, 3))
    found = assess(outputs, targets, "mean_squared_error", None)
    assert found.value == pytest.approx(sklearn.mean_absolute_error(targets, outputs))
    assert found.loss == pytest.approx(sklearn.mean_squared_error(targets, outputs))


def test_equal_scores_say_nothing_about_the_order() -> None:
    labels = np.array([0, 1, 2, 1])
    assert _values(metrics_of(np.zeros((4, 3)), labels, "cross_entropy"))["roc_auc"] == 0.5


def test_what_is_not_defined_has_a_reason_and_no_value() -> None:
    scores = np.array([[2.0, 1.0, 0.0], [2.0, 1.0, 0.0], [0.0, 1.0, 0.0]])
    found = {m.name: m for m in metrics_of(scores, np.array([0, 1, 1]), "cross_entropy")}
    assert {name: metric.value for name, metric in found.items()} == dict.fromkeys(found)
    assert found["precision"].reason == "class 2 was never predicted."
    assert found["recall"].reason == "class 2 does not occur."
    assert found["f1"].reason == "class 2 neither occurs nor was predicted."
    assert found["roc_auc"].reason == "class 2 does not occur."


def test_one_class_alone_has_no_area() -> None:
    (*_, area) = metrics_of(np.array([[1.0], [2.0]]), np.array([0, 0]), "cross_entropy")
    assert area.reason == "class 0 is the only one that occurs."


def test_numbers_have_the_r2_of_scikit_learn() -> None:
    generator = np.random.default_rng(0)
    targets = generator.standard_normal((50, 1))
    outputs = targets + generator.standard_normal((50, 1)) / 2
    found = _values(metrics_of(outputs, targets, "mean_squared_error"))
    assert found == {"r2": pytest.approx(sklearn.r2_score(targets, outputs))}
    assert metrics_of(outputs, np.ones((50, 1)), "mean_squared_error")[0].value is None


def test_a_text_has_a_perplexity_and_no_confusion() -> None:
    outputs, targets = np.zeros((2, 3, 4)), np.zeros((2, 3), dtype=np.int32)
    assert _values(metrics_of(outputs, targets, "cross_entropy")) == {
        "perplexity": pytest.approx(4)
    }
    outputs[..., 1] = 2000
    (lost,) = metrics_of(outputs, targets, "cross_entropy")
    assert lost.value is None
    assert lost.reason == "it is beyond any number: the loss is 2e+03."
    assert confusion_of(outputs, targets, "cross_entropy") == ()


def test_a_confusion_matrix_is_kept_where_it_can_be_read() -> None:
    scores, labels = _classified(0, classes=3, samples=10)
    kept = confusion_of(scores, labels, "cross_entropy")
    assert sum(map(sum, kept)) == 10
    many = np.zeros((2, MOST_CLASSES + 1))
    assert confusion_of(many, np.array([0, 1]), "cross_entropy") == ()
    assert confusion_of(scores, labels, "mean_squared_error") == ()


def test_the_gap_is_what_was_learnt_by_heart() -> None:
    scores = np.array([[2.0, 0.0], [2.0, 0.0]])
    test = assess(scores, np.array([0, 1]), "cross_entropy", None)
    found = _values(compare_with_training(test, scores, np.array([0, 0])).metrics)
    assert (found["train_accuracy"], found["gap"]) == (1.0, 0.5)


def test_the_gap_of_an_error_has_the_same_sign() -> None:
    ones, zeros = np.ones((3, 1)), np.zeros((3, 1))
    test = assess(ones, zeros, "mean_squared_error", None)
    found = _values(compare_with_training(test, ones, ones).metrics)
    assert (found["train_mean_absolute_error"], found["gap"]) == (0.0, 1.0)


def test_a_text_is_as_hard_as_its_loss_says() -> None:
    generator = np.random.default_rng(1)
    outputs = generator.standard_normal((2, 5, 7))
    targets = generator.integers(0, 7, (2, 5))
    found = assess(outputs, targets, "cross_entropy", None)
    assert _values(found.metrics)["perplexity"] == pytest.approx(exp(found.loss))
