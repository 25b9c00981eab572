"""The survey in real environments that are broken in every way: it answers, and says what it saw."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from envdoctor.target import inspection
from envdoctor.target.environment import examine

MANY_FILES = 100_000

OWN_CUSTOMIZATION = Path(sysconfig.get_path("stdlib")) / "sitecustomize.py"
"""What a distributor of Python has put before the start-up file of any environment."""


@pytest.fixture
def env(tmp_path):
    """A virtual environment without pip; its interpreter, with its site-packages as `.site`."""
    folder = tmp_path / "env"
    venv.EnvBuilder(with_pip=False, symlinks=True).create(folder)
    (site,) = folder.glob("lib/python3*/site-packages")
    return folder / "bin" / "python", site


@pytest.fixture
def look(env, tmp_path):
    here = tmp_path / "here"
    here.mkdir()
    return lambda: examine(str(env[0]), here)


def tree(folder):
    """Every path below a folder, with what a write would change."""
    return {path: path.lstat().st_mtime_ns for path in (folder, *folder.rglob("*"))}


def test_an_empty_environment_has_no_numpy_and_is_examined(env, look):
    found = look()
    assert found.distributions == {}
    assert found.unseen == ()
    assert found.interpreter.prefix == str(env[0].parents[1])
    assert found.interpreter.base_prefix == sys.base_prefix


def test_nothing_is_written_into_the_target(env, look, monkeypatch):
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    _, site = env
    (site / "numpy").mkdir()
    (site / "numpy" / "__init__.py").write_text("raise SystemExit\n")
    (site / "sitecustomize.py").write_text("import helper_of_it\n")
    (site / "helper_of_it.py").write_text("")
    before = tree(site.parents[2])
    assert look().modules["numpy"] == str(site / "numpy" / "__init__.py")
    assert tree(site.parents[2]) == before


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("exits.pth", "import sys; sys.exit(3)\n", "SystemExit: 3"),
        ("dies.pth", "import os; os._exit(7)\n", "it ended with exit code 7"),
        ("aborts.pth", "import os; os.abort()\n", "it was ended by SIGABRT"),
        ("sitecustomize.py", "import os; os._exit(9)\n", "it ended with exit code 9"),
    ],
)
def test_a_start_up_file_that_ends_python_is_left_out_and_said(env, look, name, code, said):
    if name == "sitecustomize.py" and OWN_CUSTOMIZATION.exists():
        pytest.skip(f"{OWN_CUSTOMIZATION} comes before that of an environment, as on Debian")
    _, site = env
    (site / name).write_text(code)
    (site / "sound-1.0.dist-info").mkdir()
    (site / "sound-1.0.dist-info" / "METADATA").write_text("Name: sound\nVersion: 1.0\n")
    (site / "more").mkdir()
    (site / "more.pth").write_text("more\n")
    found = look()
    assert found.interpreter.start_error == said
    assert [each.what for each in found.unseen] == ["start-up of Python"]
    assert found.interpreter.prefix == str(env[0].parents[1])
    assert found.distributions["sound"].version == "1.0"
    assert found.interpreter.path_entries[-2:] == (str(site), str(site / "more"))
    assert not found.interpreter.user_site_enabled


def test_a_start_that_hangs_is_given_up(env, look, monkeypatch):
    (env[1] / "hangs.pth").write_text("import time; time.sleep(600)\n")
    monkeypatch.setattr(inspection, "EXAMINE_SECONDS", 3.0)
    assert "did not finish" in look().interpreter.start_error


def test_a_home_that_is_none_is_left_out_and_said(look, monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHONHOME", str(tmp_path))
    found = look()
    assert found.interpreter.start_error
    assert found.variables["PYTHONHOME"] == str(tmp_path)


def test_a_start_up_file_that_fails_is_named_with_its_error(env, look):
    _, site = env
    (site / "bad.pth").write_text("import no_such_module_at_all\n")
    (site / "sitecustomize.py").write_text("raise ValueError('no good')\n")
    files = {file.path: file for file in look().pth_files}
    assert "no_such_module_at_all" in files[str(site / "bad.pth")].error
    if not OWN_CUSTOMIZATION.exists():
        assert files[str(site / "sitecustomize.py")].error == "ValueError: no good"


def test_a_start_up_file_that_is_no_text_is_named(env, look):
    """Python 3.11 does not start with it, later ones do."""
    (env[1] / "bytes.pth").write_bytes(b"\xff\xfe\xfd\n")
    (file,) = [each for each in look().pth_files if each.path.endswith("bytes.pth")]
    assert file.error == "it is not encoded in UTF-8"


def test_a_standard_library_that_is_shadowed_kills_nothing(env, look, tmp_path, monkeypatch):
    folder = tmp_path / "shadowing"
    folder.mkdir()
    for name in ("json", "csv", "shutil", "mmap", "typing", "re", "gc"):
        (folder / f"{name}.py").write_text("import os; os._exit(5)\n")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    found = look()
    assert found.interpreter.start_error == ""
    assert str(folder) in found.interpreter.path_entries


@pytest.mark.parametrize(
    "variables",
    [
        {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONSAFEPATH": "1"},
        {"PYTHONWARNINGS": "error"},
        {"PYTHONNOUSERSITE": "1"},
        {"PYTHONPATH": os.pathsep},
        {"PYTHONOPTIMIZE": "2"},
    ],
)
def test_variables_of_the_user_stop_nothing(look, monkeypatch, variables):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert look().interpreter.start_error == ""


def test_a_user_without_a_home_is_examined(look, monkeypatch):
    monkeypatch.delenv("HOME", raising=False)
    assert look().interpreter.start_error == ""
    monkeypatch.setenv("HOME", "/no/such/home")
    assert look().interpreter.start_error == ""


def test_names_that_are_no_text_are_written_with_question_marks(env, look, tmp_path):
    for name in (b"\xff\xfe-1.0.dist-info", b"~\xff"):
        (env[1] / os.fsdecode(name)).mkdir()
    (tmp_path / "here" / os.fsdecode(b"torch\xff.py")).touch()
    found = look()
    assert found.leftovers == (str(env[1] / "~?"),)
    assert [each.broken for each in found.distributions.values()] == ["METADATA is missing"]


def test_links_in_circles_stop_nothing(env, look):
    _, site = env
    (site / "round").symlink_to("round")
    (site / "up").symlink_to(site.parent)
    (site / "circle-1.0.dist-info").symlink_to("circle-1.0.dist-info")
    assert look().distributions["circle"].broken


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read what it likes")
def test_site_packages_that_may_not_be_read_are_said(env, look):
    _, site = env
    site.chmod(0)
    try:
        found = look()
    finally:
        site.chmod(0o755)
    assert str(site) in {each.what for each in found.unseen}


def test_a_current_folder_that_is_gone_stops_nothing(env, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    code = (
        "import os, sys; from envdoctor.target.environment import examine; os.rmdir(os.getcwd());"
        "print(examine(sys.argv[1]).interpreter.version)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, str(env[0])],
        cwd=gone,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout.startswith("3."), ended.stderr


def test_a_hundred_thousand_files_are_looked_through(env, look):
    _, site = env
    info = site / "vast-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: vast\nVersion: 1.0\n")
    folders, each = 100, MANY_FILES // 100
    paths = [f"vast/p{folder}/m{number}.py" for folder in range(folders) for number in range(each)]
    (info / "RECORD").write_text("".join(f"{path},sha256=x,0\n" for path in paths))
    for folder in range(folders):
        (site / "vast" / f"p{folder}").mkdir(parents=True)
    for path in paths[1:]:
        os.close(os.open(site / path, os.O_CREAT))
    vast = look().distributions["vast"]
    assert (vast.files, vast.missing, vast.missing_count) == (MANY_FILES, (paths[0],), 1)
