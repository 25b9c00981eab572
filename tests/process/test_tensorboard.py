"""A real TensorBoard, asked over HTTP for what the command line has exported."""

from __future__ import annotations

import json
import os
import re
import runpy
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from envdoctor.model import codec
from envdoctor.model.outcome import Outcome
from envdoctor.model.run import Run
from envdoctor.report.measures import measures

pytestmark = [
    pytest.mark.skipif(find_spec("tensorboard") is None, reason="TensorBoard is not installed"),
    pytest.mark.timeout(900),
]

MOST_SECONDS = 400.0
POLL_SECONDS = 0.1
# With TensorFlow beside it, TensorBoard imports that first, for a minute and to no effect here.
START = """
import sys
sys.modules["tensorflow"] = None
from tensorboard.main import run_main
run_main()
"""
SINGLE = 1e-6
"""Scalars are stored in single precision."""

FOLDERS = {
    "numpy": "mlp-tiny/numpy",
    "torch": "mlp-tiny/torch_script_",
    "jax": "mlp-tiny/jax_jit",
    "keras": "mlp-tiny/keras_eager",
}
"""By the backend of the row."""

made: Callable[..., Run] = runpy.run_path(str(Path(__file__).parents[1] / "made_runs.py"))[
    "made_run"
]


@pytest.fixture(scope="module")
def run() -> Run:
    """Three rows, one of them with a hostile name, and a fourth that crashed."""
    steps = {"numpy": 4e-4, "torch <script>": 1e-3, "jax jit": 2e-4, "keras eager": 3e-4}
    plain = made(steps, launches=2, rounds=8, versions={"numpy": "2.4.6"})
    cells = []
    for number, given in enumerate(plain.cells):
        cell = given
        losses = tuple(2.5 / (step + number) for step in range(1, 21))
        if cell.row.backend == "keras":
            crashed = Outcome(status="crashed", reason="killed by signal 9")
            cell = structs.replace(cell, outcome=crashed, blocks=(), quality=None)
        cells.append(structs.replace(cell, first_losses=losses))
    return structs.replace(plain, cells=tuple(cells))


def curves_of(run: Run) -> dict[str, dict[str, list[tuple[int, float]]]]:
    """By folder and tag, the steps and values that TensorBoard should serve."""
    found: dict[str, dict[str, list[tuple[int, float]]]] = {}
    for each in measures(run):
        cell = each.cell
        curves = {"loss": list(enumerate(cell.first_losses, start=1))}
        if cell.blocks:
            seconds = [block.wall_ns * 1e-9 / block.steps for block in cell.blocks]
            curves["blocks/step_seconds"] = list(enumerate(seconds, start=1))
        curves |= {f"row/{name}": [(0, value)] for name, value in each.metrics.items()}
        found[FOLDERS[cell.row.backend]] = curves
    return found


def ask(address: str, route: str, request: object = None, **query: str) -> Any:
    """What the server answers; a request is sent as JSON."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    url = f"{address}data/plugin/{route}?{urllib.parse.urlencode(query)}"
    body = None if request is None else json.dumps(request).encode()
    asked = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with opener.open(asked, timeout=MOST_SECONDS) as answer:
        return json.load(answer)


@contextmanager
def serving(logs: Path, folder: Path, variables: dict[str, str]) -> Iterator[str]:
    """TensorBoard on a port of its own choice; its address."""
    log = folder / "tensorboard.log"
    command = [sys.executable, "-c", START, "--logdir", str(logs)]
    command += ["--host", "127.0.0.1", "--port", "0"]
    with log.open("wb") as stream:
        server = subprocess.Popen(
            command,
            env={**os.environ, **variables, "TMPDIR": str(folder)},
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + MOST_SECONDS
        while not (found := re.search(rb"at (http://127\.0\.0\.1:\d+/)", log.read_bytes())):
            assert server.poll() is None, log.read_text("utf-8", "replace")
            assert time.monotonic() < deadline, log.read_text("utf-8", "replace")
            time.sleep(POLL_SECONDS)
        yield found[1].decode()
    finally:
        server.terminate()
        try:
            server.wait(MOST_SECONDS)
        finally:
            server.kill()
            server.wait()


def tags_once_loaded(address: str, run: Run) -> dict[str, set[str]]:
    """By folder, the tags; it reads the files after it has begun to serve."""
    wanted = {folder: set(curves) for folder, curves in curves_of(run).items()}
    deadline = time.monotonic() + MOST_SECONDS
    while True:
        tags = {folder: set(found) for folder, found in ask(address, "scalars/tags").items()}
        if tags == wanted or time.monotonic() > deadline:
            return tags
        time.sleep(POLL_SECONDS)


@pytest.fixture(scope="module")
def served(
    run: Run,
    shell: Callable[..., subprocess.CompletedProcess[str]],
    module_mark: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Any]:
    """Its answers, and the processes that it has left."""
    folder = tmp_path_factory.mktemp("tensorboard")
    codec.write(run, folder / "run.json")
    exported = [str(folder / "run.json"), "--format", "tensorboard", "-o", str(folder / "logs")]
    done = shell("report", *exported)
    assert done.returncode == 0, done.stderr
    with serving(folder / "logs", folder, module_mark.variables) as address:
        tags = tags_once_loaded(address, run)
        curves = {
            name: {
                tag: [
                    (step, value)
                    for _, step, value in ask(address, "scalars/scalars", run=name, tag=tag)
                ]
                for tag in sorted(found)
            }
            for name, found in tags.items()
        }
        groups = ask(
            address,
            "hparams/session_groups",
            {
                "experimentName": "",
                "allowedStatuses": ["STATUS_SUCCESS", "STATUS_FAILURE"],
                "startIndex": 0,
                "sliceSize": 100,
            },
        )["sessionGroups"]
    return {"curves": curves, "groups": groups, "survivors": module_mark.survivors()}


def test_it_serves_every_curve_of_the_run_and_no_other(served: dict[str, Any], run: Run) -> None:
    wanted = curves_of(run)
    assert {name: set(found) for name, found in served["curves"].items()} == {
        name: set(found) for name, found in wanted.items()
    }
    for name, curves in wanted.items():
        for tag, points in curves.items():
            steps, values = zip(*points, strict=True)
            served_steps, served_values = zip(*served["curves"][name][tag], strict=True)
            assert served_steps == steps, (name, tag)
            assert served_values == pytest.approx(values, rel=SINGLE), (name, tag)


def test_the_curves_are_those_of_the_record(served: dict[str, Any], run: Run) -> None:
    numpy = next(cell for cell in run.cells if cell.row.backend == "numpy")
    curves = served["curves"][FOLDERS["numpy"]]
    assert len(curves["loss"]) == 20
    assert len(curves["blocks/step_seconds"]) == 16
    assert curves["row/accuracy"] == [(0, pytest.approx(0.96, rel=SINGLE))]
    first = numpy.blocks[0]
    assert curves["blocks/step_seconds"][0][1] == pytest.approx(
        first.wall_ns / first.steps / 1e9, rel=SINGLE
    )
    assert "row/step_seconds" not in served["curves"][FOLDERS["keras"]]


def test_its_table_of_parameters_has_a_line_for_each_row(served: dict[str, Any]) -> None:
    groups = {group["name"]: group for group in served["groups"]}
    assert set(groups) == set(FOLDERS.values())
    numpy, torch = groups[FOLDERS["numpy"]]["hparams"], groups[FOLDERS["torch"]]["hparams"]
    assert (numpy["backend"], numpy["version"], numpy["batch"]) == ("numpy", "2.4.6", 64.0)
    assert (torch["backend"], torch["mode"]) == ("torch", "<script>")
    endings = {name: group["sessions"][0]["status"] for name, group in groups.items()}
    assert endings == {
        name: "STATUS_FAILURE" if name == FOLDERS["keras"] else "STATUS_SUCCESS"
        for name in FOLDERS.values()
    }


def test_it_leaves_no_process(served: dict[str, Any]) -> None:
    assert served["survivors"] == []
