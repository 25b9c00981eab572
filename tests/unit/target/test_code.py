from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from envdoctor.errors import IncompleteError
from envdoctor.target.code import START, CodeFolder, locate


@pytest.fixture
def folder(tmp_path):
    return CodeFolder(tmp_path / "code")


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Puts a file on the path; importing it would be seen."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)

    def write(name, text="raise AssertionError('imported')\n"):
        path = site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    return write


def run_inside(folder, code):
    """Code in an interpreter that sees the folder and the standard library only."""
    program = f"import sys; sys.path.insert(0, {str(folder.folder)!r}); {code}"
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False
    )


def test_it_holds_the_start_script_and_the_child_code(folder):
    assert (folder.folder / START).is_file()
    assert (folder.folder / "envdoctor" / "child" / "worker.py").is_file()


def test_only_the_child_code_can_be_imported_from_it(folder):
    assert run_inside(folder, "import envdoctor.child.worker").returncode == 0
    for module in ("errors", "target", "bench", "cli", "plugins", "api"):
        ended = run_inside(folder, f"import envdoctor.{module}")
        assert "ModuleNotFoundError" in ended.stderr


def test_a_package_is_copied_whole_and_not_imported(folder, installed):
    installed("ours_package/__init__.py")
    installed("ours_package/trainer.py")
    installed("ours_package/inner/deep.py")
    installed("ours_package/__pycache__/trainer.cpython-311.pyc")
    folder.add("ours_package.trainer:Trainer")
    copied = folder.folder / "ours_package"
    assert (copied / "inner" / "deep.py").is_file()
    assert not (copied / "__pycache__").exists()


def test_a_single_module_is_copied(folder, installed):
    installed("ours_module.py")
    folder.add("ours_module:Trainer")
    assert (folder.folder / "ours_module.py").is_file()


def test_the_top_of_a_nested_trainer_is_copied(folder, installed):
    installed("ours_nested/__init__.py")
    installed("ours_nested/a/__init__.py")
    installed("ours_nested/a/b.py")
    folder.add("ours_nested.a.b:Trainer")
    assert (folder.folder / "ours_nested" / "a" / "b.py").is_file()


def test_adding_twice_is_adding_once(folder, installed):
    installed("ours_twice.py", "first = 1\n")
    folder.add("ours_twice:One")
    installed("ours_twice.py", "second = 2\n")
    folder.add("ours_twice:Two")
    assert (folder.folder / "ours_twice.py").read_text() == "first = 1\n"


def test_a_package_that_is_nowhere_is_named(folder):
    with pytest.raises(IncompleteError, match="`ours_nowhere` cannot be found"):
        folder.add("ours_nowhere.trainer:Trainer")


@pytest.mark.parametrize("top", ["sys", "ours_namespace"])
def test_what_lies_in_no_plain_file_is_refused(folder, installed, top):
    installed("ours_namespace/trainer.py")
    with pytest.raises(IncompleteError, match="does not lie in plain files"):
        folder.add(f"{top}.trainer:Trainer")


def test_a_trainer_is_located_without_importing_it(installed, tmp_path):
    installed("ours_located/__init__.py")
    installed("ours_located/a/b.py")
    installed("ours_alone.py")
    assert locate("ours_located.a.b:Trainer") == tmp_path / "site" / "ours_located"
    assert locate("ours_alone:Trainer") == tmp_path / "site" / "ours_alone.py"
    assert not {"ours_located", "ours_alone"} & set(sys.modules)


@pytest.mark.parametrize("trainer", ["ours_nowhere.trainer:T", "sys:T"])
def test_what_cannot_be_located_is_one_sentence(trainer):
    with pytest.raises(IncompleteError) as caught:
        locate(trainer)
    assert caught.value.sentence.endswith(".")


def test_lanes_that_add_the_same_trainer_at_once_copy_it_once(folder, installed):
    installed("ours_shared/__init__.py")
    for number in range(20):
        installed(f"ours_shared/part{number}.py")
    with ThreadPoolExecutor(4) as lanes:
        list(lanes.map(lambda _: folder.add("ours_shared:Trainer"), range(12)))
    assert len(list((folder.folder / "ours_shared").iterdir())) == 21
