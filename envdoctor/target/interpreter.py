"""One interpreter, and what a look at it shows without importing anything."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import envdoctor.child
from envdoctor.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

SURVEY_SECONDS = 60.0
OLDEST_PYTHON = (3, 9)


@dataclass(frozen=True)
class Survey:
    """What a look at an interpreter shows."""

    interpreter: str
    version: str
    prefix: str
    distributions: Mapping[str, str]
    modules: Mapping[str, str]

    def version_of(self, names: tuple[str, ...]) -> tuple[str, str] | None:
        """Name and version of the first of these distributions that is installed."""
        for name in names:
            if version := self.distributions.get(name.lower().replace("_", "-")):
                return name, version
        return None

    def install_command(self, *requirements: str) -> str:
        """The command that installs something into this environment, with what is there."""
        wanted = " ".join(f'"{requirement}"' for requirement in requirements)
        if "pip" in self.distributions:
            return f"{shorten(self.interpreter)} -m pip install {wanted}"
        if shutil.which("uv"):
            return f"uv pip install --python {shlex.quote(self.interpreter)} {wanted}"
        python = shorten(self.interpreter)
        return f"{python} -m ensurepip && {python} -m pip install {wanted}"


def shorten(interpreter: str) -> str:
    """An interpreter as a user would type it: `python` when that is what they would get."""
    found = shutil.which("python")
    if found and Path(found) == Path(interpreter):
        return "python"
    return shlex.quote(interpreter)


def find_interpreter(path: str | None) -> str:
    """The absolute path of an interpreter; this one by default.

    A link is kept as it is: a virtual environment's interpreter is a link, and following it would
    lead out of the environment. A folder of an environment stands for its interpreter.

    Raises:
        InputError: there is no such program.
    """
    if path is None:
        return sys.executable
    given = Path(path).expanduser()
    if given.is_dir():
        inside = [given / "bin" / "python", given / "Scripts" / "python.exe"]
        given = next((candidate for candidate in inside if candidate.exists()), given)
    # `which` takes a bare name for a command on the path, and `Path` makes `./python` a bare name.
    named = str(given) if path == given.name else str(given.absolute())
    found = shutil.which(named)
    if found is None:
        raise InputError(
            f"{path} is not a Python interpreter that can be started.",
            "Give the path of its program, such as /path/to/venv/bin/python.",
        )
    return str(Path(found).absolute())


@cache
def survey(interpreter: str, modules: tuple[str, ...]) -> Survey:
    """Look at an interpreter through a child of it.

    Raises:
        InputError: it does not start, is no Python, or is too old for our child code.
    """
    with tempfile.TemporaryDirectory(prefix="envdoctor-") as folder:
        answer = Path(folder) / "survey.json"
        _run(interpreter, answer, modules)
        try:
            found: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise explain_silence(interpreter) from error
    if _number(found["version"]) < OLDEST_PYTHON:
        raise _too_old(interpreter, found["version"])
    return Survey(
        interpreter=interpreter,
        version=found["version"],
        prefix=found["prefix"],
        distributions=found["distributions"],
        modules=found["modules"],
    )


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])


def _too_old(interpreter: str, version: str) -> InputError:
    return InputError(f"{interpreter} is Python {version}; envdoctor's workers need 3.9 or newer.")


def explain_silence(interpreter: str) -> InputError:
    """Why there is no survey: an old Python cannot read the script, but can say how old it is."""
    try:
        answer = subprocess.run(
            [interpreter, "-V"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=SURVEY_SECONDS,
            check=False,
        ).stdout.decode("utf-8", "replace")
    except (OSError, subprocess.TimeoutExpired):
        answer = ""
    said = re.match(r"Python (\d+\.\d+[^\s]*)", answer)
    if said and _number(said[1]) < OLDEST_PYTHON:
        return _too_old(interpreter, said[1])
    return InputError(
        f"{interpreter} did not answer when asked about itself.",
        f"Does `{interpreter} -c 'print(1)'` work?",
    )


def _run(interpreter: str, answer: Path, modules: tuple[str, ...]) -> None:
    # Found, not imported: importlib.metadata would come along before the doctor's child starts.
    script = Path(envdoctor.child.__file__).with_name("survey.py")
    try:
        subprocess.run(
            [interpreter, str(script), str(answer), *modules],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=SURVEY_SECONDS,
            check=False,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(f"{interpreter} cannot be started ({error}).") from error
