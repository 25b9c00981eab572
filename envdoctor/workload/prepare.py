"""From a workload's name or file to everything that a run needs of it."""

from __future__ import annotations

import difflib
import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import structs

from envdoctor.child.job import Optimizer, Workload
from envdoctor.child.layers import to_json
from envdoctor.errors import InputError
from envdoctor.model.description import BATCH_SIGN, AdamwSpec, DataSpec, Description
from envdoctor.workload import synthetic
from envdoctor.workload.batches import plan_batches
from envdoctor.workload.datasets import read_csv, read_samples
from envdoctor.workload.network import Network, check_outputs, resolve_network
from envdoctor.workload.parse import parse_file
from envdoctor.workload.samples import Samples, reconstruct
from envdoctor.workload.weights import draw_weights

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from envdoctor.api import DataSet, WorkloadFile


LARGEST_PLAN = 200_000_000
"""Samples that a plan may visit in all; its numbers lie in memory."""


@dataclass(frozen=True)
class Prepared:
    """A workload with its network and its data, ready to be handed to any backend."""

    description: Description
    network: Network
    samples: Samples
    steps: int
    """Steps of the training plan."""
    seed: int

    @property
    def name(self) -> str:
        """The workload's name."""
        return self.description.name

    @property
    def workload(self) -> Workload:
        """What a trainer is told of it."""
        return Workload(
            name=self.name,
            layers=self.network.layers,
            loss=self.description.train.loss,
            batch=self.description.train.batch,
            input_shape=self.samples.input_shape,
            symbols=self.samples.symbols,
        )

    @property
    def optimizer(self) -> Optimizer:
        """The timed optimiser."""
        spec = self.description.train.optimizer
        if isinstance(spec, AdamwSpec):
            return Optimizer(
                "adamw",
                spec.learning_rate,
                beta1=spec.beta1,
                beta2=spec.beta2,
                epsilon=spec.epsilon,
                weight_decay=spec.weight_decay,
            )
        return Optimizer("sgd", spec.learning_rate, momentum=spec.momentum)

    @property
    def tokens(self) -> int | None:
        """Symbols per sample, where samples are text."""
        return self.samples.input_shape[0] if self.samples.symbols else None

    @property
    def epochs(self) -> float:
        """How often the plan sees each training sample, on average."""
        return self.steps * self.description.train.batch / len(self.samples.train_inputs)

    def weights(self) -> dict[str, NDArray[Any]]:
        """The initial weights, float64."""
        return draw_weights(self.network.parameters, self.seed)

    def batches(self) -> NDArray[Any]:
        """The plan of batches, (steps, batch)."""
        rows = len(self.samples.train_inputs)
        return plan_batches(rows, self.description.train.batch, self.steps, self.seed)


def find_file(name: str, files: Sequence[WorkloadFile]) -> Path:
    """The file of a workload by its name, or by its path when it looks like one.

    Raises:
        InputError: no such workload.
    """
    if name.endswith(".toml") or "/" in name or "\\" in name:
        return Path(name)
    for file in files:
        if file.name == name:
            return file.path
    names = [file.name for file in files]
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"Did you mean `{close[0]}`?" if close else f"Known: {', '.join(sorted(names))}."
    raise InputError(f"there is no workload called `{name}`.", hint)


def split_batch(name: str) -> tuple[str, int | None]:
    """A workload and the batch that is wanted in place of its own: `mlp-tiny@256`.

    Raises:
        InputError: what follows the sign is no batch.
    """
    workload, sign, batch = name.rpartition(BATCH_SIGN)
    # The sign may stand in the name of a folder or a file, too.
    if not sign or any(mark in batch for mark in "/\\."):
        return name, None
    if not (batch.isdecimal() and batch.isascii() and int(batch)):
        raise InputError(
            f"{name}: a number of samples is wanted after `{BATCH_SIGN}`.",
            f"Such as mlp-tiny{BATCH_SIGN}256.",
        )
    return workload, int(batch)


def prepare(
    path: Path, data_sets: Mapping[str, DataSet], seed: int, batch_wanted: int | None = None
) -> Prepared:
    """Read a workload file and resolve it against its data.

    Args:
        path: of the file.
        data_sets: by name.
        seed: of weights and batches.
        batch_wanted: samples of a batch, if not those of the file.

    Raises:
        InputError: the file or its data set cannot be used, in one sentence.
    """
    described = with_batch(parse_file(path), batch_wanted)
    source = path.name
    samples = _samples(described, path, data_sets)
    if described.data.reconstruct:
        samples = reconstruct(samples, source)
    network = resolve_network(described.layers, samples.input_shape, samples.symbols, source)
    _check_targets(described, network, samples, source)
    rows, batch = len(samples.train_inputs), described.train.batch
    if batch > rows:
        raise InputError(
            f"{source}: a batch of {batch} is more than the {rows} training samples.",
            "Take a smaller `batch`.",
        )
    steps = plan_steps(described, rows)
    if steps * batch > LARGEST_PLAN:
        raise InputError(
            f"{source}: a plan of {steps:,} steps of {batch} is longer than anybody waits.",
            "Take fewer `epochs` or `steps`.",
        )
    return Prepared(described, network, samples, steps, seed)


def with_batch(described: Description, batch: int | None) -> Description:
    """The same workload with another batch, which its name then says.

    The quality that it should reach is left out: it was set for the steps of the batch before.
    """
    if batch is None or batch == described.train.batch:
        return described
    return structs.replace(
        described,
        name=f"{described.name}{BATCH_SIGN}{batch}",
        train=structs.replace(described.train, batch=batch),
        quality=None,
    )


def plan_steps(described: Description, rows: int) -> int:
    """Steps of the training plan over so many training samples; partial batches are dropped."""
    train = described.train
    return train.steps or (train.epochs or 0) * (rows // train.batch)


def _samples(described: Description, path: Path, data_sets: Mapping[str, DataSet]) -> Samples:
    spec = described.data
    source = path.name
    if spec.steps is not None and spec.view != "tokens":
        raise InputError(f"{source}: `steps` in [data] goes with the view `tokens` only.")
    classes = described.train.loss == "cross_entropy"
    if spec.set == synthetic.NAME:
        return _synthetic(described, source, classes=classes)
    _refuse_keys(spec, synthetic.KEYS, f"the set `{synthetic.NAME}`", source)
    if spec.set.lower().endswith(".csv"):
        return read_csv(path.parent / spec.set, spec, source, classes=classes)
    _refuse_keys(spec, ("target",), "a CSV file", source)
    if spec.set not in data_sets:
        close = difflib.get_close_matches(spec.set, [*data_sets, synthetic.NAME], n=1)
        hint = (
            f"Did you mean `{close[0]}`?"
            if close
            else f"Known: {', '.join([*data_sets, synthetic.NAME])}."
        )
        raise InputError(f"{source}: there is no data set called `{spec.set}`.", hint)
    return read_samples(data_sets[spec.set], spec, source)


def _synthetic(described: Description, source: str, *, classes: bool) -> Samples:
    _refuse_keys(described.data, ("target",), "a CSV file", source)
    if described.quality is not None:
        raise InputError(
            f"{source}: synthetic data teach nothing, so there is no quality to reach.",
            "Leave [quality] out.",
        )
    if described.data.reconstruct:
        classes = False
    return synthetic.make_samples(described.data, source, classes=classes)


def _refuse_keys(spec: DataSpec, keys: Sequence[str], only: str, source: str) -> None:
    """Raise InputError for a key of [data] that belongs to other data."""
    for key in keys:
        if getattr(spec, key) is not None:
            raise InputError(f"{source}: `{key}` in [data] goes with {only} only.")


def _check_targets(described: Description, network: Network, samples: Samples, source: str) -> None:
    loss = described.train.loss
    if (loss == "cross_entropy") != (samples.classes is not None):
        kind = "classes" if samples.classes else "numbers"
        raise InputError(
            f"{source}: the loss {loss} does not fit targets that are {kind}.",
            "`cross_entropy` is for classes, `mean_squared_error` for numbers.",
        )
    if samples.classes is None:
        check_outputs(network, samples.train_targets.shape[1:], "a regression", source)
    else:
        wanted = (*samples.train_targets.shape[1:], samples.classes)
        check_outputs(network, wanted, f"cross_entropy over {samples.classes} classes", source)
    quality = described.quality
    if quality and (quality.metric == "accuracy") != (samples.classes is not None):
        raise InputError(
            f"{source}: the metric {quality.metric} does not fit this data set.",
            "`accuracy` is for classes, `mean_absolute_error` for numbers.",
        )


def hash_arrays(arrays: Mapping[str, NDArray[Any]]) -> str:
    """SHA-256 over names, types, shapes and bytes: the same for equal content, on any machine."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name}:{array.dtype.str}:{array.shape};".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def hash_workload(workload: Workload, optimizer: Optimizer) -> str:
    """SHA-256 of the resolved description: equal for files that mean the same."""
    value = asdict(workload)
    value["layers"] = [to_json(layer) for layer in workload.layers]
    text = json.dumps([value, asdict(optimizer)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
