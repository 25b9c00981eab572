"""Cross-validation: a workload on each of its folds, with all samples outside it to learn from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from envdoctor.workload.datasets import standardise
from envdoctor.workload.prepare import plan_steps
from envdoctor.workload.samples import reconstruct

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from envdoctor.workload.prepare import Prepared
    from envdoctor.workload.samples import Samples


def deal(samples: int, folds: int, seed: int, labels: NDArray[Any] | None = None) -> NDArray[Any]:
    """The fold of each sample, (samples,), from 0.

    All folds are of one size, give or take one sample; with labels, so is the part of each class.

    Args:
        samples: how many to deal out.
        folds: how many there are.
        seed: of the shuffling; it does not depend on those of weights and batches.
        labels: the class of each sample, if they have classes.
    """
    order = np.random.Generator(np.random.Philox([seed, 4])).permutation(samples)
    if labels is not None:
        order = order[np.argsort(labels[order], kind="stable")]
    found = np.empty(samples, dtype=np.int64)
    found[order] = np.arange(samples) % folds
    return found


def why_no_folds(prepared: Prepared, folds: int) -> str:
    """Why a workload cannot be trained on so many folds; empty if it can."""
    samples = prepared.samples
    if samples.synthetic:
        return "its data are made up, so that nothing can be learnt from them."
    if samples.symbols is not None:
        return "its samples are windows of one text, which depend on their neighbours."
    count = len(samples.train_inputs) + len(samples.test_inputs)
    least, whose = count, "it"
    if samples.classes is not None:
        least, whose = int(np.unique(_targets(samples), return_counts=True)[1].min()), "a class"
    if folds > least:
        return f"{whose} has {least} samples, too few for {folds} folds."
    fewest = count - -(-count // folds)
    if prepared.workload.batch > fewest:
        return (
            f"a batch of {prepared.workload.batch} is more than the {fewest} samples that "
            f"{folds} folds leave to train on."
        )
    return ""


def take_fold(prepared: Prepared, folds: int, number: int) -> Prepared:
    """The workload with one fold, counted from 0, as its test data and all others to train on.

    The plan is as its file says, in epochs or in steps. The columns of a table are standardised
    anew by the rows to train on: the test data must not have a say in it.
    """
    samples = prepared.samples
    inputs = np.concatenate([samples.train_inputs, samples.test_inputs])
    targets = _targets(samples)
    labels = targets if samples.classes is not None else None
    test = deal(len(inputs), folds, prepared.seed, labels) == number
    train_inputs, test_inputs = inputs[~test], inputs[test]
    if samples.standardised:
        train_inputs, test_inputs = standardise(train_inputs, test_inputs)
    found = replace(
        samples,
        train_inputs=train_inputs,
        train_targets=targets[~test],
        test_inputs=test_inputs,
        test_targets=targets[test],
    )
    if prepared.description.data.reconstruct:
        found = reconstruct(found, prepared.name)
    steps = plan_steps(prepared.description, len(train_inputs))
    return replace(prepared, samples=found, steps=steps)


def _targets(samples: Samples) -> NDArray[Any]:
    return np.concatenate([samples.train_targets, samples.test_targets])
