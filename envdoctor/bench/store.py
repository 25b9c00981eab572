"""What an earlier run has proven and trained, so that it need not be done again.

A proof and an accuracy follow from code, versions, weights, data and seed; none of these changes
from run to run, and the machine's noise does not touch them. Speed and memory are never kept.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

import envdoctor
from envdoctor import __version__
from envdoctor.model.cell import Certificate, Progress, Quality
from envdoctor.target.code import locate

if TYPE_CHECKING:
    from envdoctor.bench.plan import PlannedRow
    from envdoctor.model.facts import Facts
    from envdoctor.model.run import WorkloadRecord

_HERE = Path(envdoctor.__file__).parent
PREFIXES = (
    "BLIS_", "CUDA", "CUBLAS", "CUDNN", "GOTO_", "HIP_", "JAX_", "KERAS", "KMP_", "MKL_", "MLX_",
    "NPROC", "NUMEXPR", "NVIDIA_", "OMP_", "ONEDNN", "OPENBLAS_", "PJRT_", "PYTORCH", "TF_",
    "TORCH", "TPU_", "TRITON_", "VECLIB", "XLA_",
)  # fmt: skip
"""Variables of the user that may change what a framework computes."""


class Kept(Struct, frozen=True, kw_only=True):
    """What is known of a row on a workload."""

    at: str
    """ISO 8601, UTC."""
    certificate: Certificate
    quality: Quality
    training_seconds: float
    evaluation_seconds: float
    timed_losses: tuple[float, ...]
    """The reference's losses of the first timed steps."""
    timed_reference_error: float
    history: tuple[Progress, ...] = ()
    """How the training went."""


class Store:
    """A folder of such files. One that cannot be read or written is as good as none."""

    def __init__(self, folder: Path, oracle: PlannedRow, facts: Facts, threads: int) -> None:
        self._folder = folder
        cpu = facts.cpu.model if facts.cpu else ""
        self._common = [__version__, cpu, threads, _code(oracle), *_variables()]
        self._gpus = facts.gpus

    def find(self, row: PlannedRow, record: WorkloadRecord) -> Kept | None:
        """What is known of this very row on this very workload."""
        if not _identified(row):
            return None
        try:
            return msgspec.json.decode(self._path(row, record).read_bytes(), type=Kept)
        except (OSError, msgspec.MsgspecError, ValueError, RecursionError):
            return None

    def keep(self, row: PlannedRow, record: WorkloadRecord, kept: Kept) -> None:
        """Remember it for the next run."""
        if not _identified(row):
            return
        path = self._path(row, record)
        fresh = path.with_suffix(f".{os.getpid()}")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            fresh.write_bytes(msgspec.json.encode(kept))
            fresh.replace(path)
        except OSError:
            return

    def _path(self, row: PlannedRow, record: WorkloadRecord) -> Path:
        parts = [
            *self._common,
            row.backend.name,
            row.mode.name,
            row.mode.exact,
            row.precision,
            row.device,
            self._gpus if row.device != "cpu" else (),
            row.interpreter,
            sorted(row.versions.items()),
            _code(row),
            record.workload_sha256,
            record.data_sha256,
            record.weights_sha256,
            record.batches_sha256,
        ]
        digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
        return self._folder / f"{digest[:32]}.json"


def _identified(row: PlannedRow) -> bool:
    """Whether the framework has a version; without one, another may stand there tomorrow."""
    return any(name in row.versions for name in row.backend.distributions)


def _variables() -> list[str]:
    return sorted(f"{k}={v}" for k, v in os.environ.items() if k.startswith(PREFIXES))


def _code(row: PlannedRow) -> str:
    """The digest of the code that decides what a row computes and how it is judged."""
    digest = hashlib.sha256()
    for source in (
        _HERE / "child",
        _HERE / "bench",
        _HERE / "workload",
        locate(row.backend.trainer),
    ):
        for path in sorted(source.rglob("*.py")) if source.is_dir() else [source]:
            digest.update(path.name.encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
