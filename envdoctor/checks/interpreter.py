"""Which Python is meant: the one of the shell, of pip, of the system, of the processor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envdoctor.api import Check, Page
from envdoctor.checks.remedies import pip, python
from envdoctor.model.finding import Evidence, Finding, Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.model.environment import Environment, Tool
    from envdoctor.model.snapshot import Snapshot


def pip_not_of_this_python(snapshot: Snapshot) -> Iterator[Finding]:
    """A `pip` on the path that installs into another Python.

    That is only strange where this environment has a pip of its own and is the active one;
    elsewhere it is worth knowing.
    """
    environment = snapshot.environment
    others = [tool for tool in environment.tools if _belongs_elsewhere(tool, environment)]
    if not others:
        return
    expected = _is_active(environment) and "pip" in environment.distributions
    tool = others[0]
    yield Finding(
        id="pip-not-of-this-python",
        status="warn" if expected else "info",
        title=f"The command {tool.name} installs into another Python than this one",
        evidence=tuple(
            Evidence(fact=f"{each.name} runs {each.interpreter}", source=each.path)
            for each in others
        ),
        cause=f"The shell finds {tool.path} first, and what it installs is not seen by "
        f"{environment.interpreter.path}.",
        remedies=(
            Remedy(
                command=f"{pip(environment, 'install')} <package>",
                text="Name the interpreter whenever something is installed.",
            ),
        ),
        verify=f"{python(environment)} -m pip --version",
    )


def _belongs_elsewhere(tool: Tool, environment: Environment) -> bool:
    if tool.name not in {"pip", "pip3"} or not tool.interpreter:
        return False
    ours = {environment.interpreter.prefix, _prefix(environment.interpreter.path)}
    return not {_prefix(tool.interpreter), _prefix(tool.path)} & ours


def _prefix(program: str) -> str:
    """The folder above `bin`: of `/usr/bin/python3` and of `/bin/python3`, `/usr`."""
    prefix = program.replace("\\", "/").rpartition("/")[0].rpartition("/")[0]
    return prefix or "/usr"


def _is_active(environment: Environment) -> bool:
    """Whether the user's shell has activated this environment."""
    prefix = environment.interpreter.prefix
    active = (environment.variables.get(name) for name in ("VIRTUAL_ENV", "CONDA_PREFIX"))
    return prefix in active


def externally_managed(snapshot: Snapshot) -> Iterator[Finding]:
    """A Python into which only the package manager of the system may install."""
    interpreter = snapshot.environment.interpreter
    if not interpreter.externally_managed:
        return
    yield Finding(
        id="externally-managed",
        status="info",
        title="This Python belongs to the system, and pip refuses to install into it",
        evidence=(
            Evidence(
                fact=f"Python {interpreter.version} is marked EXTERNALLY-MANAGED",
                source="a file beside the standard library",
            ),
        ),
        cause="The programs of the system use it too, so its distributor keeps pip out of it.",
        remedies=(
            Remedy(
                command=f"{python(snapshot.environment)} -m venv ~/.venvs/ml",
                text="Make an environment of your own, and install into that.",
            ),
        ),
        verify="~/.venvs/ml/bin/python -m pip --version",
    )


def translated_python(snapshot: Snapshot) -> Iterator[Finding]:
    """An x86 Python that Rosetta translates on Apple silicon."""
    if not snapshot.machine.platform.translated:
        return
    yield Finding(
        id="x86-python-on-apple-silicon",
        status="warn",
        title="This Python is built for Intel and is translated on this Apple processor",
        evidence=(
            Evidence(fact="the process is translated", source="sysctl.proc_translated"),
            Evidence(fact=snapshot.environment.interpreter.path, source="interpreter"),
        ),
        cause="Translated code is slow and sees no GPU, and the frameworks have stopped making "
        "wheels for it: torch after 2.2.2, TensorFlow after 2.16.2, jaxlib after 0.4.38.",
        remedies=(
            Remedy(
                command="uv venv --python cpython-3.12-macos-aarch64 ~/.venvs/ml",
                text="Make an environment with a Python for arm64, and install the frameworks "
                "into that.",
            ),
        ),
        verify="~/.venvs/ml/bin/python -c 'import platform; print(platform.machine())'",
    )


CHECKS = (
    Check(
        id="pip-not-of-this-python",
        group="python",
        summary="a pip command that installs into another Python",
        run=pip_not_of_this_python,
        page=Page(
            symptoms=("ModuleNotFoundError right after a successful `pip install`",),
            why="A command named pip installs into the Python of its own first line, whichever "
            "Python is meant.",
            seen_by="the first line of the pip that the path leads to, and the environment's place",
            remedy="Say `/path/to/python -m pip install ...`, or uninstall the stray pip.",
            sources=("https://pip.pypa.io/en/stable/user_guide/",),
        ),
    ),
    Check(
        id="externally-managed",
        group="python",
        summary="a Python that its distributor keeps pip out of",
        run=externally_managed,
        page=Page(
            symptoms=("error: externally-managed-environment",),
            why="The packages of the system and those of pip would overwrite each other.",
            seen_by="the file EXTERNALLY-MANAGED beside the standard library",
            remedy="Make a virtual environment and install there.",
            sources=("PEP 668",),
        ),
    ),
    Check(
        id="x86-python-on-apple-silicon",
        group="python",
        summary="a Python for Intel on Apple silicon",
        run=translated_python,
        page=Page(
            symptoms=("No matching distribution found for torch",),
            why="Rosetta runs the Intel build of Python; wheels are chosen for that build, and "
            "new releases of the frameworks have none.",
            seen_by="sysctl.proc_translated",
            confirmed_by="python -c 'import platform; print(platform.machine())' says x86_64",
            remedy="Use an arm64 build of Python.",
            sources=("package metadata of torch, tensorflow and jaxlib",),
        ),
    ),
)
