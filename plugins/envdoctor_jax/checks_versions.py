"""Do the parts of JAX belong together, and to this Python?"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from packaging.version import Version

from envdoctor.api import Check, Page
from envdoctor.checks import compat, remedies
from envdoctor.model.finding import Evidence, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envdoctor.model.environment import Environment, Framework
    from envdoctor.model.finding import Remedy
    from envdoctor.model.snapshot import Snapshot

IMPORT = "import jax; print(jax.__version__, jax.devices())"
FIRST_BOUND_TO_JAX = Version("0.4.0")
"""Before it jaxlib had numbers of its own, and newer ones were allowed."""
_CUDA_PART = re.compile(r"jax-cuda\d+-(plugin|pjrt)$")


def find_wrong_plugin(snapshot: Snapshot) -> Iterator[Finding]:
    """Parts of the CUDA plugin in another version than jaxlib: JAX will not use them."""
    environment = snapshot.environment
    jaxlib = environment.version_of("jaxlib")
    parts = {
        name: each.version
        for name, each in sorted(environment.distributions.items())
        if _CUDA_PART.match(name)
    }
    wrong = {name: text for name, text in parts.items() if _differ(text, jaxlib)}
    if "jax" not in environment.frameworks or not wrong:
        return
    yield Finding(
        id="jax-plugin-version-mismatch",
        status="fail",
        title="JAX's CUDA plugin and jaxlib are of different versions",
        evidence=tuple(
            Evidence(fact=f"{name} {text}", source="installed packages")
            for name, text in {"jaxlib": jaxlib, **wrong}.items()
        ),
        cause="JAX ignores a plugin of another version than jaxlib and runs on the CPU; if their "
        "interfaces differ, it may crash instead, with a bare segmentation fault.",
        remedies=(_align(environment, environment.frameworks["jax"], list(parts)),),
        verify=remedies.run_python(environment, IMPORT),
    )


def _differ(one: str, other: str) -> bool:
    """By their leading numbers, as JAX compares them."""
    first, second = compat.parse(one), compat.parse(other)
    return first is not None and second is not None and first.release != second.release


def _align(environment: Environment, jax: Framework, parts: list[str]) -> Remedy:
    majors = sorted({part.removeprefix("jax-cuda").partition("-")[0] for part in parts}, key=int)
    extra = f"[cuda{majors[-1]}]" if majors else ""
    return remedies.install(
        environment,
        f"jax{extra}=={jax.version}",
        f"jaxlib=={jax.version}",
        text="Puts all parts of JAX at one version.",
    )


def find_wrong_jaxlib(snapshot: Snapshot) -> Iterator[Finding]:
    """A jaxlib that this jax refuses."""
    environment = snapshot.environment
    jax = environment.frameworks.get("jax")
    if jax is None:
        return
    least = jax.details.get("minimum jaxlib", "")
    found = environment.version_of("jaxlib")
    why = _refusal(jax.version, found, least)
    if not why:
        return
    parts = [name for name in environment.distributions if _CUDA_PART.match(name)]
    yield Finding(
        id="jax-jaxlib-mismatch",
        status="fail",
        title="jax and jaxlib do not go together, so JAX cannot be imported",
        evidence=(
            Evidence(fact=f"jax {jax.version}", source="installed packages"),
            Evidence(fact=f"jaxlib {found or 'is not installed'}", source="installed packages"),
        ),
        cause=why,
        remedies=(_align(environment, jax, parts),),
        verify=remedies.run_python(environment, IMPORT),
    )


def _refusal(jax: str, jaxlib: str, least: str) -> str:
    """Why jax raises at import, in a sentence; empty if it does not."""
    wanted, found, floor = compat.parse(jax), compat.parse(jaxlib), compat.parse(least)
    if not jaxlib:
        return "jax is only the part in Python; what computes is jaxlib, and it is not there."
    if wanted is None or found is None or wanted < FIRST_BOUND_TO_JAX:
        return ""
    if found.release > wanted.release:
        return "jax refuses a jaxlib that is newer than itself."
    if floor is not None and found.release < floor.release:
        return f"this jax refuses a jaxlib older than {least}."
    return ""


def find_old_python(snapshot: Snapshot) -> Iterator[Finding]:
    """A jax that has left this Python behind."""
    environment = snapshot.environment
    jax = environment.frameworks.get("jax")
    least = compat.jax_oldest_python(jax.version) if jax is not None else None
    found = compat.parse(environment.interpreter.version)
    if jax is None or least is None or found is None or found >= Version(least):
        return
    yield Finding(
        id="jax-python-too-old",
        status="fail",
        title=f"This JAX needs Python {least} or newer",
        evidence=(
            Evidence(fact=f"jax {jax.version}", source="installed packages"),
            Evidence(fact=f"Python {environment.interpreter.version}"),
        ),
        cause="It uses what this Python does not have; no jaxlib of that version exists for it.",
        remedies=(
            remedies.install(
                environment,
                f"jax<{_first_beyond(found)}",
                text="Installs the newest JAX for this Python; or make an environment with a "
                "newer Python.",
            ),
        ),
        verify=remedies.run_python(environment, IMPORT),
    )


def _first_beyond(python: Version) -> str:
    """The first jax that is too new for this Python."""
    candidates = (f"0.{minor}.{patch}" for minor in range(4, 100) for patch in range(40))
    return next(
        each for each in candidates if Version(compat.jax_oldest_python(each) or "3.0") > python
    )


CHECKS: tuple[Check, ...] = (
    Check(
        id="jax-plugin-version-mismatch",
        group="jax",
        summary="parts of JAX's CUDA plugin in another version than jaxlib",
        run=find_wrong_plugin,
        hides=("probe-sees-no-gpu",),
        page=Page(
            symptoms=(
                (
                    "JAX plugin jax_cuda12_plugin version 0.9.2 is installed, but it is not "
                    "compatible with the installed jaxlib version 0.9.0.1"
                ),
                "Mismatched PJRT plugin PJRT API version (0.54) and framework PJRT API version",
                "Segmentation fault (core dumped)",
            ),
            why="jaxlib and its plugins share an interface that changes with every release.",
            seen_by="the versions of jaxlib, jax-cudaNN-plugin and jax-cudaNN-pjrt",
            confirmed_by="envdoctor check --deep",
            remedy="Install jax with its extra again, so that all parts have one version.",
            sources=("recovar#64", "jax#22416", "jax#24901", "jaxlib/plugin_support.py"),
        ),
    ),
    Check(
        id="jax-jaxlib-mismatch",
        group="jax",
        summary="a jaxlib that this jax refuses",
        run=find_wrong_jaxlib,
        hides=("jax-plugin-version-mismatch",),
        page=Page(
            symptoms=(
                "jaxlib version X is newer than and incompatible with jax version Y",
                "jaxlib is version X, but this version of jax requires version >= Z.",
            ),
            why="jax accepts a jaxlib from its own minimum up to its own version.",
            seen_by="both versions, and the minimum in jax/version.py",
            confirmed_by="python -c 'import jax'",
            remedy="Install both at one version.",
            sources=("jax/_src/lib/__init__.py",),
        ),
    ),
    Check(
        id="jax-python-too-old",
        group="jax",
        summary="a JAX that needs a newer Python",
        run=find_old_python,
        page=Page(
            why="JAX drops old Pythons on a schedule: 3.9 with 0.4.31, 3.10 with 0.7.0, 3.11 with "
            "0.11.0.",
            seen_by="the versions of Python and jax",
            remedy="An older JAX or a newer Python.",
            sources=("JAX, change log",),
        ),
    ),
)
