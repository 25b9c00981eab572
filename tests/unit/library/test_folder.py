from __future__ import annotations

from pathlib import Path

import pytest

from envdoctor.errors import InputError
from envdoctor.library.folder import delete_run, find_run, find_run_or_file
from envdoctor.library.names import names_by_run, run_of, set_name

JANUARY, FEBRUARY = "20260101-120000-ab01", "20260201-120000-ab02"


@pytest.fixture
def folder(store, tmp_path):
    store(1)
    store(2)
    set_name(tmp_path, "base", JANUARY)
    return tmp_path


@pytest.mark.parametrize("text", [JANUARY, "202601", "base"])
def test_a_run_is_found_by_id_beginning_and_name(text, folder):
    assert find_run(folder, text).stem == JANUARY


def test_a_beginning_of_two_runs_is_refused(folder):
    with pytest.raises(InputError, match="the beginning of 2 runs") as told:
        find_run(folder, "20260")
    assert JANUARY in told.value.hint


@pytest.mark.parametrize("text", ["bose", "", "../secret", "/etc/passwd", ".index", "202"])
def test_what_is_no_run_is_refused_with_the_nearest(text, folder):
    (folder.parent / "secret.json").touch()
    with pytest.raises(InputError, match="there is no stored run") as told:
        find_run(folder, text)
    assert told.value.hint == ("Did you mean `base`?" if text == "bose" else told.value.hint)


def test_a_file_elsewhere_is_found_by_its_path(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "run.json"
    elsewhere.touch()
    assert find_run_or_file(folder, str(elsewhere)) == elsewhere
    assert find_run_or_file(folder, "base").stem == JANUARY


def test_a_name_moves_and_goes_with_its_run(folder):
    assert set_name(folder, "base", FEBRUARY) == JANUARY
    assert set_name(folder, "base", FEBRUARY) == ""
    set_name(folder, "other", FEBRUARY)
    assert names_by_run(folder) == {FEBRUARY: ("base", "other")}
    delete_run(folder / f"{FEBRUARY}.json")
    assert names_by_run(folder) == {}
    assert [path.stem for path in folder.glob("[!.]*.json")] == [JANUARY]


@pytest.mark.parametrize("name", ["", "a b", "../x", ".x", "a/b", "x" * 65, JANUARY])
def test_what_cannot_be_a_name_is_refused(name, folder):
    with pytest.raises(InputError, match="cannot be a name"):
        set_name(folder, name, JANUARY)
    assert run_of(folder, name) == ""


@pytest.mark.parametrize("text", ["run.json", "./base", "/nowhere/base"])
def test_what_looks_like_a_path_is_one(text, tmp_path):
    assert find_run_or_file(tmp_path, text) == Path(text)


def test_a_file_that_is_there_is_taken_before_a_name(store, tmp_path, monkeypatch):
    run = store(1)
    set_name(tmp_path, "base", run.stem)
    monkeypatch.chdir(tmp_path)
    assert find_run_or_file(tmp_path, "base") == run
    Path("base").write_text("{}")
    assert find_run_or_file(tmp_path, "base") == Path("base")
