"""What MLflow's exporter says where it cannot write; what it writes is tried in a real MLflow."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from envdoctor.errors import IncompleteError, InputError
from envdoctor.model.run import Run
from envdoctor.report import mlflow


@pytest.fixture
def tracker(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Stands for MLflow: keeps the addresses, and raises what it is told."""

    class MlflowException(Exception):
        pass

    seen = SimpleNamespace(addresses=[], ending=None, refusal=MlflowException)

    def client(tracking_uri: str) -> object:
        seen.addresses.append(tracking_uri)
        raise seen.ending

    module, exceptions = ModuleType("mlflow"), ModuleType("mlflow.exceptions")
    module.__dict__["MlflowClient"] = client
    exceptions.__dict__["MlflowException"] = MlflowException
    monkeypatch.setitem(sys.modules, "mlflow", module)
    monkeypatch.setitem(sys.modules, "mlflow.exceptions", exceptions)
    return seen


def test_without_mlflow_it_says_what_to_install(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(IncompleteError, match="not installed") as caught:
        mlflow.write(run, str(tmp_path / "mlflow.db"))
    assert caught.value.hint == "`python -m pip install mlflow` installs it."
    assert list(tmp_path.iterdir()) == []


def test_without_its_database_it_says_what_to_install(
    run: Run, tmp_path: Path, tracker: SimpleNamespace
) -> None:
    tracker.ending = ModuleNotFoundError("No module named 'sqlalchemy'", name="sqlalchemy")
    with pytest.raises(IncompleteError, match="MLflow needs sqlalchemy") as caught:
        mlflow.write(run, str(tmp_path / "mlflow.db"))
    assert "`python -m pip install mlflow`" in caught.value.hint


def test_a_refusal_is_a_sentence(run: Run, tmp_path: Path, tracker: SimpleNamespace) -> None:
    tracker.ending = tracker.refusal("no such scheme")
    with pytest.raises(IncompleteError, match="does not take the run: no such scheme"):
        mlflow.write(run, "nonsense://x")
    with pytest.raises(IncompleteError, match="does not take the run"):
        mlflow.write(run, str(tmp_path / "new" / "mlflow.db"))
    path = tmp_path.resolve() / "new" / "mlflow.db"
    assert tracker.addresses == ["nonsense://x", f"sqlite:///{path}"]


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def _text(path: Path) -> Path:
    path.write_text("no database, but long enough to have a header " * 9)
    return path


def _below_a_file(path: Path) -> Path:
    return _text(path) / "mlflow.db"


PLACES = {
    "folder": (_folder, "unable to open"),
    "text": (_text, "not a database"),
    "below": (_below_a_file, "exists|directory"),
    "a?b.db": (lambda path: path, "no `\\?`"),
    "a%20b.db": (lambda path: path, "no `%`"),
    "null\x00.db": (lambda path: path, "null"),
}


@pytest.mark.parametrize("name", PLACES)
def test_a_place_that_is_none_is_a_sentence_at_once(
    run: Run, tmp_path: Path, tracker: SimpleNamespace, name: str
) -> None:
    make, reason = PLACES[name]
    place = make(tmp_path / name)
    with pytest.raises(InputError, match=f"cannot be written .*({reason})"):
        mlflow.write(run, str(place))
    assert tracker.addresses == []


def test_a_database_that_another_program_holds_is_a_sentence(
    run: Run, tmp_path: Path, tracker: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "mlflow.db"
    monkeypatch.setattr(mlflow, "LOCK_SECONDS", 0.01)
    with closing(sqlite3.connect(place)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(InputError, match="database is locked"):
            mlflow.write(run, str(place))
    assert tracker.addresses == []
