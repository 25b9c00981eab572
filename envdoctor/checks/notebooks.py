"""Jupyter kernels: which Python a notebook really runs in."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from envdoctor.api import Check, Page
from envdoctor.checks.evidence import some
from envdoctor.checks.remedies import install, python
from envdoctor.model.finding import Evidence, Finding, Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.model.environment import Environment, Kernel
    from envdoctor.model.snapshot import Snapshot

ID = "jupyter-kernel-other-interpreter"
DEFAULT = "python3"
"""The kernel that a new notebook gets."""
NOTEBOOKS = ("ipykernel", "jupyterlab", "notebook", "jupyter-server")


def kernel_of_another_python(snapshot: Snapshot) -> Iterator[Finding]:
    """Kernels that cannot start, or whose Python is another one than their place promises."""
    environment = snapshot.environment
    for kernel in environment.kernels:
        if not kernel.exists:
            yield _gone(environment, kernel)
    default = next((each for each in environment.kernels if each.name == DEFAULT), None)
    if default is not None and default.exists and _leads_away(default, environment):
        yield _away(environment, default)
    elif _unreachable(environment):
        yield _not_offered(environment)


def _leads_away(kernel: Kernel, environment: Environment) -> bool:
    """Whether notebooks started from this environment would run in another one."""
    return bool(kernel.prefix) and _has_notebooks(environment) and not _is_ours(kernel, environment)


def _has_notebooks(environment: Environment) -> bool:
    return any(name in environment.distributions for name in NOTEBOOKS)


def _is_ours(kernel: Kernel, environment: Environment) -> bool:
    return kernel.prefix == environment.interpreter.prefix


def _unreachable(environment: Environment) -> bool:
    """Whether there are kernels, this environment has frameworks, and no kernel leads to it.

    A kernel without a prefix may lead anywhere, so nothing is said beside one.
    """
    kernels = environment.kernels
    return (
        bool(kernels and environment.frameworks)
        and not _has_notebooks(environment)
        and all(kernel.prefix and not _is_ours(kernel, environment) for kernel in kernels)
    )


def _gone(environment: Environment, kernel: Kernel) -> Finding:
    remove = Remedy(
        command=f"jupyter kernelspec remove {shlex.quote(kernel.name)}",
        text="Remove the kernel, if its environment is gone for good.",
    )
    return Finding(
        id=ID,
        status="warn",
        subject=kernel.name,
        title=f"The notebook kernel {kernel.name} cannot start: its Python is not there",
        evidence=(Evidence(fact=f"it starts {kernel.interpreter}", source=kernel.path),),
        cause="The environment that the kernel was made for was moved or deleted.",
        remedies=(*_register(environment, kernel.name), remove),
        verify="jupyter kernelspec list",
    )


def _away(environment: Environment, kernel: Kernel) -> Finding:
    return Finding(
        id=ID,
        status="warn",
        subject=kernel.name,
        title="Notebooks started from this environment run in another Python",
        evidence=(
            Evidence(fact=f"the default kernel starts {kernel.interpreter}", source=kernel.path),
            Evidence(fact=f"this environment is {environment.interpreter.prefix}"),
        ),
        cause="The kernel that a new notebook gets by default belongs to another environment; what "
        "is installed here is not found there, and the other way round.",
        remedies=_register(environment, _own_name(environment)),
        verify="jupyter kernelspec list",
    )


def _not_offered(environment: Environment) -> Finding:
    names = [kernel.name for kernel in environment.kernels]
    return Finding(
        id=ID,
        status="info",
        title="No notebook kernel starts this Python",
        evidence=(Evidence(fact=f"the kernels {some(names)} start other ones"),),
        cause="Notebooks cannot import what is installed here until it has a kernel.",
        remedies=_register(environment, _own_name(environment)),
        verify="jupyter kernelspec list",
    )


def _own_name(environment: Environment) -> str:
    prefix = environment.interpreter.prefix.replace("\\", "/").rstrip("/")
    return prefix.rpartition("/")[2].lstrip(".") or "python"


def _register(environment: Environment, name: str) -> tuple[Remedy, ...]:
    shown = shlex.quote(name)
    made = Remedy(
        command=f"{python(environment)} -m ipykernel install --user --name {shown} "
        f"--display-name {shown}",
        text="Make a kernel that starts this Python, and choose it in the notebook.",
    )
    if "ipykernel" in environment.distributions:
        return (made,)
    return (install(environment, "ipykernel", text="Install what a kernel consists of."), made)


CHECKS = (
    Check(
        id=ID,
        group="python",
        summary="notebook kernels that start another Python, or none",
        run=kernel_of_another_python,
        page=Page(
            symptoms=("ModuleNotFoundError: No module named 'torch', in the notebook only",),
            why="A notebook runs in the Python that its kernel names, not in the one that Jupyter "
            "was started from.",
            seen_by="the first argument of each kernel.json in the data folders of Jupyter",
            confirmed_by="import sys; print(sys.prefix), in the notebook",
            remedy="Register a kernel from the environment that has the framework.",
            sources=("jupyter/notebook#5054", "jupyter/notebook#4888", "jupyter/notebook#4629"),
        ),
    ),
)
