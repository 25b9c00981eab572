"""The table of versions as it lies in data/compat.json, and the records that answers come in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypedDict, cast

TABLE = Path(__file__).with_name("data") / "compat.json"


class TorchRow(TypedDict):
    """A minor release of torch."""

    newest: str
    default_cuda: str
    torchvision: str
    torchaudio: str
    architectures: dict[str, dict[str, list[str]]]


class WheelRange(TypedDict):
    """The oldest and the newest version."""

    oldest: str
    newest: str


class TensorflowRow(TypedDict):
    """What a minor release of TensorFlow was tested with."""

    python: WheelRange
    cudnn: str
    cuda: str


class CudaPluginRow(TypedDict):
    """What JAX's plugin for a CUDA major needs."""

    capability: str
    driver: str
    cudnn: str


class JaxRules(TypedDict):
    """What JAX needs; the oldest Python by the release that began to need it."""

    cuda: dict[str, CudaPluginRow]
    oldest_python: dict[str, str]


class CapabilityRows(TypedDict):
    """CUDA versions by compute capability."""

    removed_in_cuda: dict[str, str]
    first_cuda: dict[str, str]


class TogetherRow(TypedDict, total=False):
    """Releases that do, or do not, install together."""

    torch: str
    tensorflow: str
    jax: str
    resolves: bool
    reason: str


class WindowRow(TypedDict, total=False):
    """A window of library versions."""

    name: str
    libraries: dict[str, str]
    capability: dict[str, str]
    gpus: int
    effect: str


class CompatTable(TypedDict):
    """All of it."""

    valid_as_of: str
    driver_floors: dict[str, dict[str, str]]
    compute_capabilities: CapabilityRows
    torch: dict[str, TorchRow]
    python_wheels: dict[str, dict[str, WheelRange | None]]
    newest_on: dict[str, dict[str, str]]
    tensorflow: dict[str, TensorflowRow]
    jax: JaxRules
    together: list[TogetherRow]
    known_bad: list[WindowRow]


@dataclass(frozen=True, kw_only=True)
class TorchBuild:
    """A build of torch that is published on an index of its own."""

    version: str
    tag: str
    """`cu126`: the last part of the address of its index, and of its local version."""


@dataclass(frozen=True, kw_only=True)
class TensorflowTested:
    """What a release of TensorFlow was tested with."""

    oldest_python: str
    newest_python: str
    cudnn: str
    cuda: str


@dataclass(frozen=True, kw_only=True)
class JaxCuda:
    """What the CUDA plugin of JAX for one CUDA major needs."""

    capability: str
    driver: str
    cudnn: str
    """A specifier."""


@dataclass(frozen=True, kw_only=True)
class Together:
    """Whether these releases can be installed together with their own CUDA libraries."""

    versions: dict[str, str]
    resolves: bool
    reason: str


@dataclass(frozen=True, kw_only=True)
class KnownBad:
    """A window of library versions that is known to give wrong results."""

    name: str
    libraries: dict[str, str]
    """Specifiers by library: `cublas`, `cudnn`."""
    capability_at_least: str
    capability_below: str
    gpus: int
    """It takes at least so many GPUs."""
    effect: str


@cache
def table() -> CompatTable:
    """The table, read once."""
    return cast("CompatTable", json.loads(TABLE.read_text(encoding="utf-8")))
