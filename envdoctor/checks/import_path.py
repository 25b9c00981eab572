"""What takes the place of an environment's own modules: other folders that come first."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from envdoctor.api import Check, Page
from envdoctor.checks.evidence import some
from envdoctor.checks.remedies import run_python
from envdoctor.model.finding import Evidence, Finding, Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.model.environment import Environment, Shadow
    from envdoctor.model.finding import Status
    from envdoctor.model.snapshot import Snapshot

_PYTHON_IN_PATH = re.compile(r"(?:^|[/\\])[Pp]ython-?([23])\.?(\d{1,2})(?=[/\\]|$)")


def user_site_leaks(snapshot: Snapshot) -> Iterator[Finding]:
    """Packages of the user's own site folder that go before those of an environment."""
    environment = snapshot.environment
    interpreter = environment.interpreter
    isolated = interpreter.conda or interpreter.prefix != interpreter.base_prefix
    if not (isolated and interpreter.user_site_enabled and interpreter.user_site):
        return
    hidden = _hidden_by(environment, interpreter.user_site)
    if not hidden:
        return
    yield Finding(
        id="user-site-leaks-into-env",
        status="warn",
        title=f"Packages of your user site hide those of this environment: {some(hidden)}",
        evidence=tuple(_pair(environment, name) for name in hidden[:5]),
        cause=f"{interpreter.user_site} goes before the environment on the path, so what was once "
        "installed with `pip install --user` is imported instead of what this environment has.",
        remedies=(_without_user_site(environment),),
        verify=run_python(environment, "import site; print(site.ENABLE_USER_SITE)"),
    )


def _without_user_site(environment: Environment) -> Remedy:
    interpreter = environment.interpreter
    if interpreter.conda:
        command = f"conda env config vars set -p {shlex.quote(interpreter.prefix)} "
        return Remedy(
            command=f"{command}PYTHONNOUSERSITE=1",
            text="Keep the user site out of this environment; activate it anew afterwards.",
        )
    return Remedy(
        command="export PYTHONNOUSERSITE=1",
        text="Keep the user site out of every Python that is started from this shell.",
    )


def _hidden_by(environment: Environment, folder: str) -> list[str]:
    """Names that are installed elsewhere too, but are found in this folder first."""
    return [
        each.name
        for each in environment.duplicates
        if each.location != folder and _location(environment, each.name) == folder
    ]


def _location(environment: Environment, name: str) -> str:
    first = environment.distributions.get(name)
    return first.location if first else ""


def _pair(environment: Environment, name: str) -> Evidence:
    first = environment.distributions[name]
    hidden = next(each for each in environment.duplicates if each.name == name)
    fact = f"{name} {first.version} is imported, not the {hidden.version} of {hidden.location}"
    return Evidence(fact=fact, source=first.location)


def pythonpath_leak(snapshot: Snapshot) -> Iterator[Finding]:
    """PYTHONPATH leads to the packages of another Python, or hides those of this one."""
    environment = snapshot.environment
    named = _entries(environment.variables.get("PYTHONPATH", ""))
    foreign = [(entry, other) for entry in named if (other := _other_python(entry, environment))]
    hiding = {entry: names for entry in named if (names := _hidden_by(environment, entry))}
    if not foreign and not hiding:
        return
    facts = [f"{entry} belongs to Python {other}" for entry, other in foreign]
    facts += [f"{entry} hides {some(names)} of this environment" for entry, names in hiding.items()]
    yield Finding(
        id="pythonpath-leak",
        status="warn",
        title="PYTHONPATH puts packages of another place before those of this Python"
        if hiding
        else f"PYTHONPATH leads to packages of another Python: {foreign[0][1]}",
        evidence=tuple(Evidence(fact=fact, source="PYTHONPATH") for fact in facts),
        cause="The folders of PYTHONPATH go before everything else in every Python that is started "
        "from this shell; compiled modules of another Python cannot be loaded at all.",
        remedies=(
            Remedy(
                command="unset PYTHONPATH",
                text="Do without it in this shell, and take it out of the start-up file of the "
                "shell that sets it.",
            ),
        ),
        verify=run_python(environment, "import sys; print(sys.path)"),
    )


def _entries(variable: str) -> list[str]:
    separator = ";" if re.match(r"[A-Za-z]:[\\/]", variable) or ";" in variable else ":"
    found = [each.rstrip("/\\") for each in variable.split(separator)]
    return list(dict.fromkeys(each for each in found if each))


def _other_python(entry: str, environment: Environment) -> str:
    """The version of Python that a folder is for by its name; empty if it is for this one."""
    said = _PYTHON_IN_PATH.search(entry)
    if said is None:
        return ""
    version = f"{said[1]}.{said[2]}"
    ours = ".".join(environment.interpreter.version.split(".")[:2])
    return version if version != ours else ""


def local_file_shadows(snapshot: Snapshot) -> Iterator[Finding]:
    """Files in the current folder that scripts there import instead of the modules they mean."""
    environment = snapshot.environment
    for shadow in environment.shadows:
        status = _weight(shadow, environment)
        hidden = environment.modules.get(shadow.module, "")
        meant = f"the {shadow.module} of {hidden}" if hidden else f"Python's own {shadow.module}"
        if shadow.module in environment.modules and not hidden:
            meant = f"the {shadow.module} that you may install"
        yield Finding(
            id="local-file-shadows-module",
            status=status,
            subject=shadow.path,
            title=f"A file in this folder takes the place of the module {shadow.module}",
            evidence=(Evidence(fact=f"{shadow.path} is found before {meant}"),),
            cause="A script looks for modules in its own folder first, and so do notebooks and "
            f"`python -m` in the current one: `import {shadow.module}` gets this file.",
            remedies=(_rename(shadow.path),),
            verify=run_python(environment, f"import {shadow.module} as it; print(it.__file__)"),
        )


def _weight(shadow: Shadow, environment: Environment) -> Status:
    """A framework that is installed cannot be used here; other modules may not be wanted."""
    is_watched = shadow.module in environment.modules
    if shadow.in_package or (is_watched and not environment.modules[shadow.module]):
        return "info"
    return "fail" if is_watched else "warn"


def _rename(path: str) -> Remedy:
    folder, _, name = path.rpartition("/")
    stem, dot, suffix = name.partition(".")
    target = shlex.quote(f"{folder}/my_{stem}{dot}{suffix}")
    return Remedy(
        command=f"mv {shlex.quote(path)} {target}",
        text="Give it a name of its own, and change the imports that mean it.",
    )


CHECKS = (
    Check(
        id="user-site-leaks-into-env",
        group="python",
        summary="packages of the user site that hide those of the environment",
        run=user_site_leaks,
        page=Page(
            symptoms=("an older version than the environment has is imported",),
            why="Python puts ~/.local before the packages of a conda environment, whatever "
            "environment is active.",
            seen_by="distributions that are in the user site and again in the environment",
            confirmed_by="python -s -c 'import torch; print(torch.__file__)', with and without -s",
            remedy="Set PYTHONNOUSERSITE=1 for the environment.",
            sources=("conda#394", "conda#8770", "anaconda-issues#9688"),
        ),
    ),
    Check(
        id="pythonpath-leak",
        group="python",
        summary="a PYTHONPATH that leads to the packages of another Python",
        run=pythonpath_leak,
        page=Page(
            symptoms=("ImportError of a compiled module", "modules of another Python"),
            why="PYTHONPATH is in force in every Python, whichever one it was set for; set-up "
            "files of robotics and cluster software set it for their own.",
            seen_by="the variable, versions in the names of its folders, and the distributions in "
            "them that are installed in the environment too",
            confirmed_by="python -I -c 'import torch; print(torch.__file__)'",
            remedy="Unset it, or set it for the one command that needs it.",
            sources=("https://docs.python.org/3/using/cmdline.html#envvar-PYTHONPATH",),
        ),
    ),
    Check(
        id="local-file-shadows-module",
        group="python",
        summary="files in the current folder that are imported instead of a module",
        run=local_file_shadows,
        page=Page(
            symptoms=("partially initialized module 'torch' has no attribute 'cuda'",),
            why="The folder of a script goes first on its path: a file called torch.py is the "
            "torch that it imports.",
            seen_by="names in the current folder that are those of frameworks or of the standard "
            "library",
            confirmed_by="python -c 'import torch; print(torch.__file__)' from that folder",
            remedy="Rename the file.",
            sources=("https://docs.python.org/3/library/sys_path_init.html", "tensorflow#2370"),
        ),
    ),
)
