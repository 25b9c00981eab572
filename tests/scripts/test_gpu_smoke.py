"""The smoke test of a GPU: its plan as data, and its steps with small programs in their place."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import gpu_smoke
from envdoctor.cli import bench, check, main, parity
from envdoctor.model import codec
from smoke import ground, plan, reading, running, telling, watching

MADE = runpy.run_path(str(Path(__file__).parents[1] / "made_runs.py"))
BOTH = plan.steps(("torch", "jax"))
WHOLE_SECONDS = 60 * plan.WHOLE_MINUTES

SCRIPTS = {
    "ok": "import json, pathlib; pathlib.Path(r'{result}').write_text(json.dumps({good}))",
    "fails": "import sys; sys.exit('the driver is gone')",
    "hangs": "import time; time.sleep(60)",
    "stubborn": "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)",
    "garbage": "print('no JSON at all')",
    "odd": "print('[1, 2]')",
    "crashes": "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
}


ENDLESS = ("hangs", "stubborn")
BRIEF_SECONDS, AMPLE_SECONDS = 1.5, 60.0
"""What a step may take that never ends, and one that ends by itself, however slowly it starts."""


def entry(status, reason="", **values):
    row = {"backend": "torch", "mode": "eager", "precision": "fp32", "device": "cuda"}
    return {"row": row, "workload": "w", "outcome": {"status": status, "reason": reason}, **values}


GOOD = {"entries": [entry("ok", certificate={"output_error": 1e-7, "gradient_error": 2e-6})]}


@pytest.fixture
def play(tmp_path, monkeypatch, capsys):
    """Run stand-ins for steps; the reports, and what was printed."""
    monkeypatch.setattr(running, "GRACE_SECONDS", 0.3)

    def run(*names, least=0.1, source=None):
        shares = [BRIEF_SECONDS if name in ENDLESS else AMPLE_SECONDS for name in names]
        steps = [
            plan.Step(name, f"the {name}", "parity", (name,), share, least)
            for name, share in zip(names, shares, strict=True)
        ]

        def command(arguments):
            script = SCRIPTS[arguments[0]].replace("{good}", repr(GOOD))
            result = tmp_path / f"{arguments[0]}.json"
            return [sys.executable, "-c", script.replace("{result}", str(result))]

        def watch():
            return watching.Watch(source, list_bits)

        reports = gpu_smoke.run_steps(steps, tmp_path, sum(shares), command, watch)
        return reports, capsys.readouterr().out

    return run


def test_a_step_that_works_is_shown(play):
    (report,), text = play("ok")
    item = report.items[0]
    assert (item.what, item.state) == ("w: torch eager fp32", "shown")
    assert item.detail == "on cuda, outputs 1.0e-07, gradients 2.0e-06"
    assert "+ w: torch eager fp32, shown" in text
    assert telling.exit_code([report]) == 0


def test_what_a_step_does_stops_no_other(play):
    reports, _ = play("fails", "garbage", "odd", "crashes", "ok")
    states = {report.step.name: report.items[0].state for report in reports}
    assert states == {
        **dict.fromkeys(("fails", "garbage", "odd", "crashes"), "failed"),
        "ok": "shown",
    }
    details = {report.step.name: report.items[0].detail for report in reports}
    assert "cannot be read" in details["fails"]
    assert details["crashes"] == "it ended with SIGSEGV"
    assert telling.exit_code(reports) == 1


@pytest.mark.parametrize("name", ["hangs", "stubborn"])
def test_a_step_is_ended_when_its_time_is_up(play, name):
    reports, _ = play(name, "ok")
    assert reports[0].cut
    assert reports[0].items[0].state == "not shown"
    assert "not finished within" in reports[0].items[0].detail
    assert reports[1].items[0].state == "shown"
    assert telling.exit_code(reports) == 3


def test_a_step_without_time_is_not_begun(play):
    reports, _ = play("hangs", least=999)
    assert reports[0].ending is None
    assert reports[0].items[0].detail == "no time left"
    assert telling.exit_code(reports) == 3
    assert telling.exit_code([*reports, *play("ok")[0]]) == 0


def test_a_result_of_an_earlier_round_is_not_read(play, tmp_path):
    (tmp_path / "crashes.json").write_text(json.dumps(GOOD))
    (report,), _ = play("crashes")
    assert [item.state for item in report.items] == ["failed"]


def test_the_shares_of_the_plan_are_the_whole_time():
    begins = 0.0
    for index, step in enumerate(BOTH):
        seconds = plan.limits(BOTH, index, begins, WHOLE_SECONDS)
        # Without time left over, a step has it or was not to be begun.
        assert bool(seconds) == bool(step.share_seconds)
        begins += seconds
    assert begins == pytest.approx(WHOLE_SECONDS)


def test_time_that_is_left_over_is_for_those_that_come_later():
    last = len(BOTH) - 1
    assert plan.limits(BOTH, last, 0.0, 3600.0) == pytest.approx(3600.0)
    assert plan.limits(BOTH, last, 400.0, WHOLE_SECONDS) == 0.0
    energy = next(i for i, step in enumerate(BOTH) if "--energy" in step.arguments)
    assert plan.limits(BOTH, energy, 380.0, WHOLE_SECONDS) == pytest.approx(100.0)


def test_the_plan_holds_what_the_issue_of_truth_is():
    names = [step.name for step in BOTH]
    families = ("mlp", "cnn", "transformer")
    assert {f"{family}-{size}" for family in families for size in ("small", "base")} <= set(names)
    assert len(set(names)) == len(names)
    assert names[:2] == ["check", "parity"]
    assert not any("compile" in step.arguments for step in plan.steps(("jax",)))


@pytest.mark.parametrize("backends", [("torch",), ("jax",), ("torch", "jax")])
def test_every_step_is_a_command_that_exists(backends):
    commands = {"check": check.check, "parity": parity.parity, "bench": bench.bench}
    assert set(commands) <= set(main.commands)
    for step in plan.steps(backends):
        name, *words = plan.arguments(step, "there.json", 40.0)
        context = commands[name].make_context(name, words)
        assert context.params.get("device", "cuda") == "cuda"
        if name == "bench":
            assert str(context.params["save"]) == "there.json"
            assert context.params["time_limit"] == pytest.approx(24.0)


def test_a_run_file_gives_an_item_for_every_row(tmp_path):
    run = MADE["made_run"]()
    path = tmp_path / "run.json"
    codec.write(run, path)
    items = list(reading.bench_items(json.loads(path.read_bytes())))
    rows = [cell for cell in run.cells if not cell.row.twin]
    assert len(items) >= len(rows)
    shown = [item for item in items if item.state == "shown" and "samples/s" in item.detail]
    assert len(shown) == sum(cell.outcome.status == "ok" for cell in rows)


def test_of_a_row_speed_memory_and_slowdowns_are_told():
    blocks = [
        {"wall_ns": 2_000_000, "steps": 2, "noise": {"gpu_throttled": slow}}
        for slow in (False, True)
    ]
    cell = entry("ok", blocks=blocks, memory={"device_peak_bytes": 2**21})
    cell["plausibility"] = {"canary": 3e-7}
    (item,) = reading.bench_items({"workloads": [{"name": "w", "batch": 8}], "cells": [cell]})
    assert item.what == "torch eager fp32"
    assert item.detail == (
        "8,000 samples/s, 2 MiB of the device at most, canary 3.0e-07, slowed down in 1 of 2 blocks"
    )


@pytest.mark.parametrize(
    ("status", "state"),
    [("ok", "shown"), ("unsupported", "not shown"), ("different", "failed"), ("crashed", "failed")],
)
def test_only_what_should_have_worked_can_fail(status, state):
    (item,) = reading.parity_items({"entries": [entry(status, "a reason")]})
    assert item.state == state


def test_what_a_cut_bench_had_not_come_to_is_no_failure(tmp_path):
    step = next(step for step in BOTH if step.kind == "bench")
    cells = [entry("failed", reading.UNFINISHED), entry("different", "it does other work")]
    result = {"workloads": [{"name": "w", "batch": 8}], "cells": cells}
    (tmp_path / f"{step.name}.json").write_text(json.dumps(result))
    items = reading.read(step, tmp_path, running.Ending(60.0, 130, True, ""))
    assert [item.state for item in items] == ["not shown", "failed"]


def test_the_sentence_for_unfinished_rows_is_the_engines_own():
    from envdoctor.bench.ledger import UNFINISHED

    assert UNFINISHED.reason == reading.UNFINISHED


def test_probes_and_findings_of_a_check():
    probes = [
        {"framework": "torch", "device": "cuda:0", "outcome": {"status": "ok"}, "steps": []},
        {"framework": "torch", "device": "cpu", "outcome": {"status": "ok"}},
        {"framework": "jax", "device": "gpu:0", "outcome": {"status": "crashed", "reason": "SEGV"}},
    ]
    findings = [
        {"id": "a", "status": "fail", "title": "It is broken"},
        {"id": "b", "status": "fail", "title": "It follows", "caused_by": "a"},
        {"id": "c", "status": "warn", "title": "It is odd"},
    ]
    targets = [{"findings": findings, "snapshot": {"probes": probes}}]
    items = {item.what: item.state for item in reading.check_items({"targets": targets})}
    assert items == {"check a": "failed", "torch on cuda:0": "shown", "jax on gpu:0": "failed"}
    (none,) = reading.check_items({"targets": [{"snapshot": {"probes": None}}]})
    assert none.state == "not shown"


def sample(**values):
    fields = {**dict.fromkeys(watching.QUANTITIES), "event_bits": None, "energy_joules": None}
    return SimpleNamespace(**{**fields, "reasons": {}, **values})


def test_the_gpu_is_watched_while_a_step_runs(play):
    readings = iter(range(100))

    class Gpu:
        def read(self):
            number = next(readings)
            clock = 345e6 if number == 0 else 1980e6
            return sample(sm_clock_hertz=clock, event_bits=1, energy_joules=100.0 + number)

    (report,), text = play("hangs", source=Gpu())
    assert report.seen.ranges["sm_clock_hertz"] == (345e6, 1980e6, 1980e6)
    assert report.seen.joules == report.seen.samples - 1
    assert report.seen.events == ()
    assert "SM clock in MHz 345 to 1980, median 1980" in text
    found = telling.instruments([report], "")
    assert found["SM clock in MHz"] == "shown, 345 to 1980"
    assert found["throttle reasons"] == "shown, none but idling"
    assert found["power in W"].startswith("not shown")


def list_bits(bits):
    return (f"bits {bits}",) if bits else ()


def test_instruments_that_are_not_there_are_told_with_the_reason(play):
    (report,), _ = play("ok")
    found = telling.instruments([report], "there is no NVML library (no NVIDIA driver)")
    assert set(found.values()) == {"not shown, there is no NVML library (no NVIDIA driver)"}
    refused = watching.summarise([sample(reasons={"energy_joules": "not supported"})], list_bits)
    report = telling.Report(report.step, report.items, report.ending, refused)
    assert telling.instruments([report], "")["energy of the board"] == "not shown, not supported"


def test_the_summary_is_complete(play, tmp_path):
    reports, _ = play("ok", "fails")
    path = tmp_path / "summary.json"
    telling.write(path, reports, "no GPU", {"minutes": 1})
    summary = json.loads(path.read_text(encoding="utf-8"))
    assert (summary["minutes"], summary["exit_code"]) == (1, 1)
    assert [step["name"] for step in summary["steps"]] == ["ok", "fails"]
    lines = list(telling.closing_lines(reports, "no GPU"))
    assert lines[-1] == "1 shown, 0 not shown, 1 failed."
    assert any(line.startswith("failed: fails, ") for line in lines)


@pytest.mark.parametrize(
    ("there", "gpu", "version", "sentence"),
    [
        ({"torch", *ground.MODULES}, True, (3, 9), "needs Python 3.11"),
        ({"torch", *ground.MODULES}, False, (3, 12), "no NVIDIA GPU"),
        ({"torch", "numpy"}, True, (3, 12), "envdoctor needs click, msgspec, packaging"),
        (set(ground.MODULES), True, (3, 12), "neither torch nor jax"),
        ({"jax", *ground.MODULES}, True, (3, 12), ""),
    ],
)
def test_what_is_missing_is_one_sentence(there, gpu, version, sentence):
    found = ground.Ground(lambda name: name in there, lambda: gpu, version).obstacle()
    assert sentence in found
    assert bool(found) == bool(sentence)


def test_without_a_gpu_it_ends_with_one_sentence_and_3(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(ground, "find_gpu", lambda: False)
    assert gpu_smoke.main(["--output", str(tmp_path / "out")]) == 3
    assert capsys.readouterr().out.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_the_checkout_is_a_command_line_without_an_installation(tmp_path):
    prefix = gpu_smoke._prefix(ground.write_metadata(tmp_path))
    answer = subprocess.run(
        [*prefix, "plugins"], capture_output=True, text=True, timeout=600, check=False
    )
    assert answer.returncode == 0, answer.stderr
    assert "jax" in answer.stdout
    assert "torch" in answer.stdout
