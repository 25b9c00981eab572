from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from envdoctor.bench.ceilings import Ceilings
from envdoctor.bench.engine import Order, bench, new_run
from envdoctor.bench.events import Saved
from envdoctor.bench.plan import Wishes, choose_rows, oracle_row, prepare_all
from envdoctor.bench.presets import Preset
from envdoctor.model.cell import Cell
from envdoctor.model.facts import Facts
from envdoctor.model.run import Run
from envdoctor.plugins import load_plugins

HERE = Path(__file__).parent
SPECK = HERE / "speck.toml"
STRANGERS = HERE.parent / "strangers"
VARIABLE = "MARK_OF_THE_TEST"
NAMESPACES = (["unshare", "--mount"], ["unshare", "--user", "--map-root-user", "--mount"])
"""The ways to mounts of one's own: those of root, and those of a user who plays root."""
GONE_SECONDS = 60.0
WORKER_SECONDS = 280.0
SHELL_SECONDS = 800.0
"""These only end what hangs: on a machine that others share everything may take ten times as
long."""
BRIEF = Preset("brief", 1, 1, 2, 2, 0.05, 60.0, 0.1, fresh=False, block_seconds=0.01)


class Mark:
    """A variable that every process of a test inherits, which `/proc` shows."""

    def __init__(self) -> None:
        self.value = uuid.uuid4().hex
        self.variables = {VARIABLE: self.value}

    def living(self) -> list[int]:
        """The processes that carry it; a process that is only waiting to be buried has none."""
        return [
            int(folder.name)
            for folder in Path("/proc").iterdir()
            if folder.name.isdigit() and self.value in _variables_of(folder)
        ]

    def end(self) -> None:
        """End whatever a failing test has left behind."""
        for pid in self.living():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def survivors(self) -> list[int]:
        """Those that are still there after some time to die in."""
        deadline = time.monotonic() + GONE_SECONDS
        while self.living() and time.monotonic() < deadline:
            time.sleep(0.05)
        return self.living()


def _variables_of(folder: Path) -> str:
    try:
        return (folder / "environ").read_bytes().decode("utf-8", "replace")
    except OSError:
        return ""


@pytest.fixture
def mark() -> Iterator[Mark]:
    mark = Mark()
    yield mark
    mark.end()


@pytest.fixture(scope="module")
def module_mark() -> Iterator[Mark]:
    mark = Mark()
    yield mark
    mark.end()


def python_path(strangers: tuple[str, ...]) -> str:
    present = [path for path in [os.environ.get("PYTHONPATH")] if path]
    return os.pathsep.join([*(str(STRANGERS / name) for name in strangers), *present])


@contextmanager
def installed(*strangers: str, **variables: str) -> Iterator[None]:
    """These distributions on the path of this process and of its children."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", python_path(strangers))
        for name in strangers:
            patch.syspath_prepend(STRANGERS / name)
        for name, value in variables.items():
            patch.setenv(name, value)
        yield


def train(
    *strangers: str,
    mark: Mark | None = None,
    seconds: float = WORKER_SECONDS,
    preset: Preset = BRIEF,
    order: dict[str, Any] | None = None,
    workloads: tuple[Path, ...] = (SPECK,),
    ceiling: bool = False,
    **wishes: Any,
) -> Run:
    """Run the engine here, on the speck if nothing else is said; the last record that it saved.

    The machine's ceiling takes two seconds of every run, and is measured only where it is asked
    for.
    """
    with (
        pytest.MonkeyPatch.context() as patch,
        installed(*strangers, **(mark.variables if mark else {})),
    ):
        if not ceiling:
            patch.setattr(Ceilings, "measure", lambda *_: None)
        loaded = load_plugins()
        wanted = Wishes(workloads=tuple(str(path) for path in workloads), **wishes)
        order = Order(
            choice=choose_rows(loaded, wanted),
            oracle=oracle_row(loaded),
            workloads=prepare_all(loaded, wanted),
            facts=Facts(),
            cpus=(min(os.sched_getaffinity(0)),),
            seed=0,
            broken=loaded.broken,
            preset=preset,
            worker_seconds=seconds,
            **{"twin": False, **(order or {})},
        )
        run = new_run(order)
        for event in bench(order, run):
            if isinstance(event, Saved):
                run = event.run
        return run


def cells_of(run: Run) -> dict[str, Cell]:
    """The cells by the title of their row."""
    return {cell.row.title: cell for cell in run.cells}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "envdoctor", *arguments]


def variables(strangers: tuple[str, ...], extra: dict[str, str]) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": python_path(strangers), "COLUMNS": "200", **extra}


@pytest.fixture(scope="session")
def engine() -> Callable[..., Run]:
    return train


@pytest.fixture(scope="session")
def cells() -> Callable[[Run], dict[str, Cell]]:
    return cells_of


@pytest.fixture(scope="session")
def shell(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """The command line as a user starts it, with strangers installed."""

    def call(
        *arguments: str, strangers: tuple[str, ...] = (), **extra: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command(*arguments),
            env=variables(strangers, extra),
            cwd=tmp_path_factory.mktemp("elsewhere"),
            capture_output=True,
            text=True,
            timeout=SHELL_SECONDS,
            check=False,
        )

    return call


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """The command line as a terminal starts it: in a session of its own, and not waited for."""
    started: list[subprocess.Popen[str]] = []

    def call(
        *arguments: str, strangers: tuple[str, ...] = (), **extra: str
    ) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            command(*arguments),
            env=variables(strangers, extra),
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield call
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def speck() -> str:
    return str(SPECK)


@pytest.fixture(scope="session")
def namespace(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What starts a program whose mounts nobody else sees, and which end with it."""
    place, said = str(tmp_path_factory.mktemp("mount")), "there is no unshare here"
    for command in NAMESPACES if shutil.which("unshare") else ():
        ended = subprocess.run(
            [*command, "mount", "-t", "tmpfs", "none", place],
            capture_output=True,
            text=True,
            check=False,
        )
        if ended.returncode == 0:
            return command
        said = ended.stderr.strip()
    return pytest.skip(f"no mounts of one's own are permitted: {said}")


@pytest.fixture
def target_of(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Run `envdoctor check` on an interpreter, behind a command; the one target of its report."""

    def call(
        python: Path, *options: str, before: tuple[str, ...] = (), **variables: str
    ) -> dict[str, Any]:
        asked = ["--python", str(python), "--format", "json", "--no-redact", *options]
        ended = subprocess.run(
            [*before, *command("check", *asked)],
            env={**os.environ, **variables},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        assert ended.returncode in {0, 1}, ended.stderr
        assert "Traceback" not in ended.stderr
        (target,) = json.loads(ended.stdout)["targets"]
        return dict(target)

    return call
