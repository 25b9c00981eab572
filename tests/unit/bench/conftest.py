"""Backends and environments that exist on paper only."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from envdoctor.api import Backend, Mode
from envdoctor.plugins import Owner, Plugins
from envdoctor.target.interpreter import Survey

OWNER = Owner("paper", "paper-plugin", "1.0")


def make_backend(name: str, *modes: str, **values: object) -> Backend:
    return Backend(
        name=name,
        summary="",
        module=str(values.pop("module", name)),
        distributions=values.pop("distributions", (name,)),
        trainer=f"envdoctor_{name}.trainer:Trainer",
        modes=tuple(Mode(name=mode, summary="") for mode in modes or (name,)),
        **values,
    )


@pytest.fixture(scope="session")
def backend() -> Callable[..., Backend]:
    return make_backend


@pytest.fixture
def plugins() -> Plugins:
    found = Plugins()
    for each in (
        make_backend("numpy"),
        make_backend("torch", "eager", "compile", at_least="2.4"),
        make_backend("tensorflow", "graph", "xla", distributions=("tensorflow", "tensorflow-cpu")),
    ):
        found.records["envdoctor_backends"].append((OWNER, each))
    return found


@pytest.fixture(scope="session")
def survey_of() -> Callable[..., Survey]:
    """An environment with these distributions, each also a module of its name."""

    def make(*, modules: tuple[str, ...] | None = None, **versions: str) -> Survey:
        distributions = {name.replace("_", "-"): version for name, version in versions.items()}
        present = {name.replace("-", "_"): "/there" for name in distributions}
        if modules is not None:
            present = dict.fromkeys(modules, "/there")
        return Survey(
            interpreter="/venv/bin/python",
            version="3.11.7",
            prefix="/venv",
            distributions=distributions,
            modules=present,
        )

    return make
