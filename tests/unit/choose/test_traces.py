"""Three needs, three answers, and each reason of them is followed to where it comes from.

The numbers are derived anew from the JSON of the run file, without the code that answers.
"""

from __future__ import annotations

import json
import re
from math import ceil, prod
from statistics import median

import msgspec
import pytest

from envdoctor.checks.compat_table import table
from envdoctor.choose.data import facts
from envdoctor.choose.needs import TABLE
from envdoctor.choose.records import PRIORITIES
from envdoctor.choose.setup import Installed, Setup
from envdoctor.model import codec

FACTS = facts()
TIMES = {
    "numpy": 1e-4, "torch eager": 1e-3, "torch compile": 9e-4, "jax jit": 2e-4, "tensorflow graph": 5e-4
}  # fmt: skip
SETUP = Setup(system="Linux", python="3.11", installed={"jax": Installed(problems=("jax is old",))})
ASKED = {
    "speed": ((), "jax"),
    "windows": (("windows", "export-onnx"), "torch"),
    "phone": (("mobile", "python=3.13", "distributed"), "tensorflow"),
}


@pytest.fixture
def run_file(made, tmp_path):
    """A run in which nothing costs the same, as a file."""
    run = made["made_run"](TIMES, workloads=("mlp-tiny", "cnn-tiny"))
    cells = []
    for cell in run.cells:
        slow = {"jax": 4, "tensorflow": 3, "torch": 1}.get(cell.row.backend, 2)
        memory = msgspec.structs.replace(cell.memory, footprint_bytes=slow * 100_000_000)
        launches = tuple(
            msgspec.structs.replace(
                each, phases=msgspec.structs.replace(each.phases, import_seconds=float(slow))
            )
            for each in cell.launches
        )
        cells.append(msgspec.structs.replace(cell, memory=memory, launches=launches))
    path = tmp_path / "run.json"
    codec.write(msgspec.structs.replace(run, cells=tuple(cells)), path)
    return path


def _reasons(answer):
    """Every reason of the JSON of an answer, with the framework that it is about."""
    for candidate in answer["candidates"]:
        needs = [judged["reason"] for judged in candidate["needs"] if judged["reason"]]
        for reason in [*candidate["reasons"], *needs]:
            yield candidate["framework"], reason
    for reason in [*answer["would_change"], *answer["here"]]:
        yield "", reason


def _number(run, figure):
    """A figure from the raw data of the run file."""
    (cell,) = [
        cell
        for cell in run["cells"]
        if cell["workload"] == figure["workload"]
        and not cell["row"]["twin"]
        and figure["row"]
        in {cell["row"]["backend"], f"{cell['row']['backend']} {cell['row']['mode']}"}
    ]
    step = median(block["wall_ns"] * 1e-9 / block["steps"] for block in cell["blocks"])
    if figure["quantity"] == "step_seconds":
        return step
    if figure["quantity"] == "memory_bytes":
        return cell["memory"]["footprint_bytes"] + cell["memory"]["working_set_bytes"]
    first = cell["launches"][0]
    phases = ("import_seconds", "device_init_seconds", "build_seconds")
    warmup = sum(first["warmup_ns"]) * 1e-9 - len(first["warmup_ns"]) * step
    return sum(first["phases"][name] for name in phases) + max(0.0, warmup)


def _check_page(framework, reason):
    """What a page or the doctor's table says, of the framework or of what it runs on."""
    source, said = reason["source"], reason["text"]
    assert source["seen"]
    if source["where"] == TABLE:
        (version,) = re.findall(r"Python (3\.\d+)", said)
        bases = [
            name
            for name in ("torch", "tensorflow", "jaxlib")
            if name.removesuffix("lib") in {framework, *FACTS.framework(framework).through}
        ]
        newest = [table()["python_wheels"][base].get(version) for base in bases]
        assert source["seen"] == table()["valid_as_of"]
        assert any((wheels or {}).get("newest", "no release") in said for wheels in newest)
        return
    while found := re.match(r"through (\w+): ", said):
        assert found[1] in FACTS.framework(framework).through
        framework, said = found[1], said[found.end() :]
    reference = FACTS.framework(framework).reference
    known = [(fact.framework, fact.says, fact.source, fact.seen) for fact in FACTS.facts]
    known += [
        (
            each.framework,
            f"builds for Python {each.oldest} to {each.newest}",
            each.source,
            each.seen,
        )
        for each in FACTS.pythons
    ]
    known.append((framework, reference, "envdoctor's own backend", FACTS.valid_as_of))
    assert (framework, said, source["where"], source["seen"]) in known


def _check_run(run, reason):
    """Numbers of the run file, and what the text makes of them."""
    source, said = reason["source"], reason["text"]
    assert source["where"].partition(":")[0] == run["id"]
    figures = source["figures"]
    for figure in figures:
        assert figure["value"] == pytest.approx(_number(run, figure), rel=1e-9)
    ratios = re.findall(r"^([\d.]+)x ", said)
    if ratios:
        half = len(figures) // 2
        own, first = figures[:half], figures[half:]
        quotients = [a["value"] / b["value"] for a, b in zip(own, first, strict=True)]
        assert float(ratios[0]) == pytest.approx(prod(quotients) ** (1 / half), rel=0.05)
    steps = re.findall(r"^for fewer than ([\d,]+) steps", said)
    if steps:
        step, step_first, start, start_first = (each["value"] for each in figures)
        assert int(steps[0].replace(",", "")) == ceil((start_first - start) / (step - step_first))
    assert figures or not re.search(r"\d", said.replace("95 %", ""))
    return len(figures)


@pytest.mark.parametrize("priority", PRIORITIES)
def test_three_needs_have_three_answers_and_each_reason_can_be_followed(ask, run_file, priority):
    run, raw = codec.read(run_file), json.loads(run_file.read_bytes())
    recommended, followed = [], set()
    for needs, expected in ASKED.values():
        choice = ask(*needs, run=run, priority=priority, setup=SETUP)
        answer = json.loads(msgspec.json.encode(choice))
        if priority == "speed":
            assert answer["recommended"] == [expected]
        recommended.append(tuple(answer["recommended"]))
        for framework, reason in _reasons(answer):
            kind = reason["source"]["kind"]
            followed.add(kind)
            if kind == "fact":
                _check_page(framework, reason)
            elif kind == "run":
                _check_run(raw, reason)
            else:
                assert reason["text"] in {
                    "jax is old",
                    "this machine runs Linux",
                    "this environment has Python 3.11",
                }
        for candidate in answer["candidates"]:
            placed = candidate["rank"] is not None
            kinds = [reason["source"]["kind"] for reason in candidate["reasons"]]
            assert not placed or "run" in kinds
    assert followed == {"fact", "run", "machine"}
    if priority == "speed":
        assert len(set(recommended)) == len(ASKED)


def test_a_difference_that_is_surely_little_is_called_so(ask, made):
    near = made["made_run"]({"numpy": 4e-4, "torch eager": 1.05e-3, "jax jit": 1e-3})
    far = made["made_run"]({"numpy": 4e-4, "torch eager": 1.5e-3, "jax jit": 1e-3})
    assert ask(run=near).decision == "one"
    assert "which is little: let something else decide" in ask(run=near).headline
    assert "little" not in ask(run=far).headline


def test_without_a_framework_to_choose_it_says_so(ask, made):
    choice = ask(run=made["made_run"]({"numpy": 4e-4}), frameworks=("numpy",))
    assert choice.decision == "none fits"
    assert choice.headline == "There is nothing to choose from: numpy is no framework to be chosen."
