"""The example of the guide, as a stranger's distribution: it comes by pip and goes by pip."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from envdoctor.errors import ExitCode
from envdoctor.testing import REQUIREMENTS

EXAMPLE = Path(__file__).parents[2] / "docs" / "example-backend"
SECONDS = 550


class Home:
    """A virtual environment in which envdoctor and all of ours is visible."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        venv.create(folder / "venv", with_pip=False, symlinks=True)
        self.python = folder / "venv" / "bin" / "python"
        site = self._purelib()
        ours = sysconfig.get_path("purelib")
        # `addsitedir` and not a bare path: what is installed for editing is found by a file there.
        (site / "ours.pth").write_text(f"import site; site.addsitedir({ours!r})\n")

    def _purelib(self) -> Path:
        question = "import sysconfig; print(sysconfig.get_path('purelib'))"
        return Path(self.run(question, form="-c").stdout.strip())

    def run(self, *words: str, form: str = "-m") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.python), form, *words],
            cwd=self.folder,
            env={
                **os.environ,
                "PYTHONDONTWRITEBYTECODE": "1",
                "XDG_DATA_HOME": str(self.folder / "data"),
                "XDG_CACHE_HOME": str(self.folder / "cache"),
                "COLUMNS": "200",
            },
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def pip(self, *words: str) -> None:
        options = ("--disable-pip-version-check", "--no-input", "--no-cache-dir")
        done = subprocess.run(
            [sys.executable, "-m", "pip", "--python", str(self.python), *options, *words],
            cwd=self.folder,
            env={**os.environ, "PIP_NO_INDEX": "1", "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def install(self, source: Path) -> None:
        self.pip("install", "--no-deps", "--no-build-isolation", str(source))

    def backends(self) -> dict[str, str]:
        """The plugins of the backends, by the name of the backend."""
        found = json.loads(self.run("envdoctor", "plugins", "--format", "json").stdout)
        assert not found["broken"]
        return {row["name"]: row["plugin"] for row in found["backends"]}

    def files(self) -> set[str]:
        return {str(path) for path in (self.folder / "venv").rglob("*")}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return Home(tmp_path_factory.mktemp("example"))


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A copy of the example, so that nothing is built in its own folder."""
    folder = tmp_path_factory.mktemp("source") / "example-backend"
    return shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__"))


@pytest.fixture(scope="module")
def installed(home, source):
    home.install(source)
    return home


def test_it_stands_in_the_table_beside_the_reference(installed):
    rows = ("--backend", "mine", "--backend", "numpy", "--threads", "1")
    done = installed.run("envdoctor", "bench", "mlp-tiny", *rows, "--quick", "--format", "csv")
    # A busy machine may rank nothing; that, too, comes after both rows were measured.
    assert done.returncode in {ExitCode.DONE, ExitCode.INCOMPLETE}, done.stdout + done.stderr
    found = [(row["backend"], row["status"]) for row in csv.DictReader(done.stdout.splitlines())]
    assert found == [("mine", "ok"), ("numpy", "ok")]


@pytest.mark.timeout(900)
def test_it_earns_its_certificate(installed):
    done = installed.run("envdoctor.testing", "mine", "--format", "json")
    assert done.returncode == ExitCode.DONE, done.stdout + done.stderr
    verdicts = {each["requirement"]: each["status"] for each in json.loads(done.stdout)}
    # It compiles nothing and offers no reduced precision; nothing else may be beside the point.
    beside = {name for name, status in verdicts.items() if status != "passed"}
    assert beside == {"steady", "rounding"}
    assert len(verdicts) == len(REQUIREMENTS)


def test_it_is_listed_while_it_is_there_and_goes_without_a_trace(tmp_path, source):
    home = Home(tmp_path)
    before = home.files()
    home.install(source)
    assert home.backends()["mine"] == "mine (envdoctor-mine 0.1)"
    home.pip("uninstall", "--yes", "envdoctor-mine")
    assert home.files() == before
    assert "mine" not in home.backends()
