"""Where modules come from: the path, and the folders whose start-up files Python reads."""

# pathlib takes longer to import than a small environment to read.
# ruff: noqa: PTH100, PTH112, PTH118, PTH120, PTH208

from __future__ import annotations

import os
import site
import sys
from typing import List, NamedTuple

from envdoctor.child.inspection.folders import read_text


class Paths(NamedTuple):
    """The folders of an interpreter."""

    prefix: str
    entries: List[str]
    site_folders: List[str]
    """Those whose .pth files are read."""
    user_site: str
    user_site_enabled: bool


def find_paths() -> Paths:
    """The folders as Python itself has set them up, or would have if it had started."""
    user_site = _user_site()
    if sys.flags.no_site:
        return _without_start_up(user_site)
    enabled = bool(site.ENABLE_USER_SITE)
    folders = _site_packages(site.PREFIXES)
    return Paths(
        prefix=sys.prefix,
        entries=[entry for entry in sys.path if entry],
        site_folders=_existing([user_site, *folders] if enabled else folders),
        user_site=user_site,
        user_site_enabled=enabled,
    )


def _user_site() -> str:
    try:
        return site.getusersitepackages() or ""
    except Exception:  # noqa: BLE001  a user without a home, or an embedded Python without all of site
        return ""


def _site_packages(prefixes: List[str]) -> List[str]:
    return list(dict.fromkeys(site.getsitepackages(list(dict.fromkeys(prefixes)))))


def _existing(folders: List[str]) -> List[str]:
    return [folder for folder in folders if folder and os.path.isdir(folder)]


def _without_start_up(user_site: str) -> Paths:
    """What `site` would have done, but for running start-up code."""
    settings = _virtual_environment()
    prefix = settings.get("prefix", sys.prefix)
    system = settings.get("include-system-site-packages", "true").lower() == "true"
    enabled = system and not os.environ.get("PYTHONNOUSERSITE")
    folders = [user_site] if enabled else []
    if settings:
        folders += _of_virtual_environment(prefix)
    if system:
        folders += _site_packages([sys.base_prefix, sys.base_exec_prefix])
    folders = _existing(folders)
    entries = _existing(os.environ.get("PYTHONPATH", "").split(os.pathsep))
    entries += [entry for entry in sys.path if entry]
    for folder in folders:
        entries += [folder, *_named_by_start_up_files(folder)]
    return Paths(prefix, list(dict.fromkeys(entries)), folders, user_site, enabled)


def _virtual_environment() -> dict[str, str]:
    """The settings of pyvenv.cfg, with the prefix; empty outside of a virtual environment."""
    folder = os.path.dirname(os.path.abspath(sys.executable))
    for prefix in (folder, os.path.dirname(folder)):
        try:
            text = read_text(os.path.join(prefix, "pyvenv.cfg"))
        except OSError:
            continue
        lines = [line.partition("=") for line in text.splitlines()]
        return {"prefix": prefix, **{key.strip().lower(): value.strip() for key, _, value in lines}}
    return {}


def _of_virtual_environment(prefix: str) -> List[str]:
    """Where a virtual environment keeps packages.

    Without `site`, Python does not know that it is in one, and that of Debian would name folders
    of the system.
    """
    if os.name == "nt":
        return [os.path.join(prefix, "Lib", "site-packages")]
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    threads = "t" if "t" in getattr(sys, "abiflags", "") else ""
    libraries = dict.fromkeys((getattr(sys, "platlibdir", "lib"), "lib"))
    return [f"{prefix}/{library}/{version}{threads}/site-packages" for library in libraries]


def _named_by_start_up_files(folder: str) -> List[str]:
    """The folders that the .pth files of a folder add to the path."""
    found: List[str] = []
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(".pth"))
    except OSError:
        return []
    for name in names:
        try:
            lines = read_text(os.path.join(folder, name)).splitlines()
        except OSError:
            continue
        given = [
            line.strip() for line in lines if not line.startswith(("#", "import ", "import\t"))
        ]
        found += _existing([os.path.join(folder, line) for line in given if line])
    return found
