"""Questions about made runs."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from envdoctor.choose.answer import choose
from envdoctor.choose.candidates import Question
from envdoctor.choose.data import facts
from envdoctor.choose.needs import parse
from envdoctor.choose.setup import Installed, Setup

MADE = runpy.run_path(str(Path(__file__).parents[2] / "made_runs.py"))
SETUP = Setup(
    system="Linux",
    python="3.11",
    installed={
        "torch": Installed(version="2.13.0", without_cuda=True),
        "jax": Installed(version="0.10.2"),
        "numpy": Installed(version="2.4.0"),
        "tensorflow": Installed(hindrance="tensorflow is not installed.", remedy="pip install x"),
    },
)


@pytest.fixture
def made():
    return MADE


@pytest.fixture
def ask():
    """The answer to some needs, by a made run."""

    def answer(*needs, run=None, priority="speed", setup=SETUP, frameworks=None):
        known = facts()
        question = Question(
            needs=parse(needs, known),
            priority=priority,
            setup=setup,
            facts=known,
            frameworks=frameworks or tuple(each.name for each in known.frameworks),
            run=run,
        )
        return choose(question)

    return answer
