"""Rows on a GPU, which a stranger's backend plays on the CPU."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from envdoctor.bench import seat
from envdoctor.bench.presets import QUICK
from envdoctor.bench.worker import Worker

SPECK = Path(__file__).with_name("speck.toml")


@pytest.fixture(scope="module")
def beside():
    """How many of a launch were building whenever one of them began to."""
    building, seen = set(), []

    class Counted(Worker):
        def build(self, *values):
            building.add(self)
            seen.append(len(building))
            return super().build(*values)

        def steps(self, batches):
            found = super().steps(batches)
            building.discard(self)
            return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(seat, "Worker", Counted)
        yield seen


@pytest.fixture(scope="module")
def run(engine, module_mark, beside):
    hasty = replace(QUICK, least_rounds=2, most_rounds=2, settle_seconds=0.1, block_seconds=0.01)
    rows = {"backends": ("card",), "device": "cuda"}
    return engine("card", mark=module_mark, preset=hasty, ceiling=True, **rows)


@pytest.fixture(scope="module")
def by_title(run, cells):
    return cells(run)


def test_a_row_on_a_gpu_shows_the_errors_of_the_gpu(by_title):
    cell = by_title["card honest"]
    assert (cell.outcome.status, cell.row.device) == ("ok", "cuda")
    assert (cell.certificate.tier, cell.certificate.exact_through) == ("G32", "honest")
    assert 1e-9 < cell.certificate.gradient_error < 1e-4
    assert cell.blocks


def test_gradients_that_are_wrong_on_the_gpu_alone_give_no_speed(by_title):
    cell = by_title["card false"]
    assert cell.outcome.status == "different"
    assert cell.outcome.reason.startswith("as it is timed: ")
    assert not cell.blocks


def test_no_other_row_builds_while_one_on_a_gpu_chooses_by_trial(run, beside):
    assert run.cells
    # Of two launched rows, and of what each builds in the end to test its precision.
    assert len(beside) >= 2
    assert set(beside) == {1}


def test_the_bandwidth_of_the_host_is_no_ceiling_of_a_gpu(run):
    assert run.ceiling is not None
    assert run.ceiling.copy_bytes_per_second is None


def test_the_matrix_says_that_float64_was_asked_of_the_cpu(shell):
    words = ("parity", str(SPECK), "--backend", "card", "--mode", "honest", "--device", "cuda")
    answer = shell(*words, "--format", "json", "--quiet", strangers=("card",))
    rows = [entry["row"] for entry in json.loads(answer.stdout)["entries"]]
    assert [(row["precision"], row["device"]) for row in rows] == [
        ("fp64", "cpu"),
        ("fp32", "cuda"),
    ]
