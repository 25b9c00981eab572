"""Resolves a few layers on a given input."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from envdoctor.model.description import AnyLayerSpec
from envdoctor.workload.network import Network, resolve_network


@pytest.fixture(scope="session")
def resolve() -> Callable[..., Network]:
    def run(*specs: AnyLayerSpec, shape: tuple[int, ...], symbols: int | None = None) -> Network:
        return resolve_network(specs, shape, symbols, "f.toml")

    return run
