"""Commands that mend an environment, made for its package manager and its interpreter.

A bare `pip` is never printed: it may belong to another Python.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from envdoctor.model.finding import Remedy

if TYPE_CHECKING:
    from envdoctor.model.environment import Environment


def install(environment: Environment, *requirements: str, options: str = "", text: str) -> Remedy:
    """Install something into an environment.

    Args:
        environment: where to.
        requirements: what, as pip reads it.
        options: of pip, such as `--force-reinstall --no-deps`; put before the requirements.
        text: what it does; a sentence.
    """
    wanted = " ".join(shlex.quote(each) for each in requirements)
    words = [word for word in (options, wanted) if word]
    return _remedy(environment, "install", words, text)


def uninstall(environment: Environment, *names: str, text: str) -> Remedy:
    """Remove distributions from an environment."""
    return _remedy(environment, "uninstall", ["-y", *names], text)


def run_python(environment: Environment, code: str) -> str:
    """A command that runs a line of Python in an environment; for `verify`."""
    return f"{python(environment)} -c {shlex.quote(code)}"


def python(environment: Environment) -> str:
    """The interpreter, ready for a shell."""
    return shlex.quote(environment.interpreter.path)


def pip(environment: Environment, verb: str) -> str:
    """The words that begin a command of pip, or of uv in its place, for this environment.

    Args:
        environment: which one.
        verb: `install`, `uninstall`, `check`.
    """
    if "pip" in environment.distributions:
        return f"{python(environment)} -m pip {verb}"
    if uses_uv(environment):
        return f"uv pip {verb} --python {python(environment)}"
    return f"{python(environment)} -m ensurepip && {python(environment)} -m pip {verb}"


def uses_uv(environment: Environment) -> bool:
    """Whether commands are uv's: it has no pip, and uv is at hand."""
    return "pip" not in environment.distributions and any(
        tool.name == "uv" for tool in environment.tools
    )


def _remedy(environment: Environment, verb: str, words: list[str], text: str) -> Remedy:
    if uses_uv(environment):
        words = [word for word in words if word != "-y"]  # uv never asks
    begin = pip(environment, verb)
    if environment.interpreter.externally_managed:
        folder = "~/.venvs/ml"
        begin = f"{python(environment)} -m venv {folder} && {folder}/bin/python -m pip {verb}"
        text = (
            f"{text} This Python belongs to the system, so it is done in an environment of its own."
        )
    return Remedy(command=" ".join([begin, *words]), text=text)
