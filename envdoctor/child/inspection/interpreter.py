"""The Python under examination: its version, its kind, its folders."""

# pathlib takes longer to import than a small environment to read.
# ruff: noqa: PTH112, PTH113, PTH118, PTH120

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Dict

if TYPE_CHECKING:
    from envdoctor.child.inspection.paths import Paths

WINDOWS = os.name == "nt"


def interpreter(paths: Paths) -> Dict[str, Any]:
    """What `envdoctor.model.environment.Interpreter` holds."""
    include = _include_folder()
    return {
        "path": sys.executable,
        "version": _full_version().partition("+")[0],
        "implementation": _implementation(),
        "prefix": paths.prefix,
        "base_prefix": sys.base_prefix,
        "free_threaded": "free-threading" in sys.version,
        "externally_managed": paths.prefix == sys.base_prefix and _is_marked(),
        "conda": os.path.isdir(os.path.join(paths.prefix, "conda-meta")),
        "user_site": paths.user_site,
        "user_site_enabled": paths.user_site_enabled,
        "path_entries": paths.entries,
        "include_folder": include,
        "has_headers": os.path.isfile(os.path.join(include, "Python.h")),
    }


def marker_environment() -> Dict[str, str]:
    """The variables of environment markers, as the specification of dependencies names them."""
    system, release, version, machine = _system()
    return {
        "implementation_name": sys.implementation.name,
        "implementation_version": _number(sys.implementation.version),
        "os_name": os.name,
        "platform_machine": machine,
        "platform_python_implementation": _implementation(),
        "platform_release": release,
        "platform_system": system,
        "platform_version": version,
        "python_full_version": _full_version(),
        "python_version": "{}.{}".format(*sys.version_info[:2]),
        "sys_platform": sys.platform,
    }


def _system() -> tuple[str, str, str, str]:
    if WINDOWS:
        import platform

        return platform.system(), platform.release(), platform.version(), platform.machine()
    names = os.uname()
    return names.sysname, names.release, names.version, names.machine


def _implementation() -> str:
    return {"cpython": "CPython", "pypy": "PyPy", "graalpy": "GraalVM"}.get(
        sys.implementation.name, sys.implementation.name
    )


def _full_version() -> str:
    """As `platform.python_version()` says it: `3.11.9`, `3.15.0rc1`."""
    return sys.version.split()[0]


def _number(version: Any) -> str:
    text = f"{version.major}.{version.minor}.{version.micro}"
    return (
        text
        if version.releaselevel == "final"
        else f"{text}{version.releaselevel[0]}{version.serial}"
    )


def _is_marked() -> bool:
    """Whether the distributor asks that nobody but its package manager installs into it."""
    library = os.path.dirname(os.__file__)
    return os.path.isfile(os.path.join(library, "EXTERNALLY-MANAGED"))


def _include_folder() -> str:
    if WINDOWS:
        return os.path.join(sys.base_prefix, "Include")
    name = "python{}.{}{}".format(*sys.version_info[:2], getattr(sys, "abiflags", ""))
    return os.path.join(sys.base_prefix, "include", name)
