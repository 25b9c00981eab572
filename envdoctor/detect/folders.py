"""The folders that frameworks write to, judged by rights and space; nothing is written."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from envdoctor.model.machine import Folder, Machine, NamedFile

if TYPE_CHECKING:
    from collections.abc import Mapping

CERTIFICATES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""What requests, curl and OpenSSL read the certificates of the authorities from."""


def detect(variables: Mapping[str, str] = os.environ) -> Machine:
    """The folders, and the certificates that variables name."""
    named = [
        NamedFile(variable=name, path=variables[name], exists=os.path.exists(variables[name]))  # noqa: PTH110  any text may stand in a variable; os.path never raises for it
        for name in CERTIFICATES
        if variables.get(name)
    ]
    return Machine(
        folders=tuple(read_folder(purpose, path) for purpose, path in places(variables)),
        named_files=tuple(named),
    )


def places(variables: Mapping[str, str]) -> list[tuple[str, Path]]:
    """What frameworks would write to under these variables, by purpose, with their defaults."""
    home = variables.get("HOME", "")
    if not home:
        try:
            home = str(Path.home())
        except RuntimeError:
            home = "/"
    cache = Path(variables.get("XDG_CACHE_HOME") or f"{home}/.cache")
    defaults = {
        "XDG_CACHE_HOME": cache,
        "HF_HOME": cache / "huggingface",
        "TORCH_HOME": cache / "torch",
        "TRITON_CACHE_DIR": Path(home) / ".triton" / "cache",
        "TMPDIR": Path(_temporary()),
    }
    found = [(name, Path(variables.get(name) or path)) for name, path in defaults.items()]
    pip = variables.get("PIP_CACHE_DIR")
    return [*found, ("pip cache", Path(pip) if pip else cache / "pip")]


def read_folder(purpose: str, path: Path) -> Folder:
    """One folder, or the nearest above it that exists."""
    nearest = _nearest(path)
    exists = nearest == path
    free_bytes, free_inodes, no_exec = _space(nearest)
    return Folder(
        purpose=purpose,
        path=str(path),
        exists=exists,
        writable=os.path.isdir(nearest) and os.access(nearest, os.W_OK | os.X_OK),  # noqa: PTH112  a folder that may not be entered is data
        free_bytes=free_bytes,
        free_inodes=free_inodes,
        no_exec=no_exec,
    )


def _temporary() -> str:
    """The folder for temporary files. Where none can be written to, Python has none to offer."""
    named = next((os.environ[key] for key in ("TMPDIR", "TEMP", "TMP") if os.environ.get(key)), "")
    if named:
        return named
    return "/tmp" if os.name == "posix" else tempfile.gettempdir()  # noqa: S108  looked at only


def _nearest(path: Path) -> Path:
    for each in (path, *path.absolute().parents):
        if os.path.lexists(each):
            return each
    return path


def _space(path: Path) -> tuple[int | None, int | None, bool | None]:
    """Free bytes and inodes, and whether programs may not be run; None where it is not told."""
    try:
        found = os.statvfs(path)
    except (AttributeError, OSError):
        return None, None, None
    # Btrfs and some network file systems have no fixed number of inodes and say 0.
    inodes = found.f_favail if found.f_files else None
    no_exec = getattr(os, "ST_NOEXEC", 8)
    return found.f_bavail * found.f_frsize, inodes, bool(found.f_flag & no_exec)
