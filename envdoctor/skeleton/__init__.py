"""Skeletons that `envdoctor new` writes: templates beside this file, and what fills them in."""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from string import Template

from envdoctor.errors import InputError

TEMPLATES = Path(__file__).parent
SUFFIX = ".template"
PACKAGE = "package"
"""The folder whose name is the package's."""
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LONGEST_NAME = 40


def distribution_of(name: str) -> str:
    """The distribution that offers a backend of this name."""
    return f"envdoctor-{name}"


def check_name(name: str, taken: frozenset[str]) -> None:
    """Refuse a name that cannot be one of a backend.

    Raises:
        InputError: with what a name looks like, or that somebody has it.
    """
    if not NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise InputError(
            f"`{name}` cannot be the name of a backend.",
            "Small letters and digits, with single hyphens between them, such as my-framework.",
        )
    if name in taken:
        raise InputError(
            f"there is a backend called `{name}` already.", "Names are unique among all plugins."
        )


def check_module(module: str) -> None:
    """Refuse what nobody can import.

    Raises:
        InputError: it is no name of a top-level module.
    """
    if not module.isidentifier() or keyword.iskeyword(module):
        raise InputError(
            f"`{module}` cannot be the name of a module.",
            "The top-level module of the framework, as users import it, such as torch.",
        )


def write_backend(name: str, module: str, folder: Path) -> list[Path]:
    """Write the distribution of a backend into a folder; returns its files.

    Args:
        name: of the backend, checked.
        module: of the framework, checked.
        folder: new or empty: nothing is ever overwritten.

    Raises:
        InputError: there is something in the folder, or it cannot be written.
    """
    words = {
        "name": name,
        "module": module,
        "distribution": distribution_of(name),
        "package": f"envdoctor_{name.replace('-', '_')}",
    }
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise InputError(f"{folder} is there already.", "Choose another place with --output.")
        return [_write(path, folder, words) for path in _templates("backend")]
    except OSError as error:
        raise InputError(f"{folder} cannot be written ({error.strerror}).") from error


def _templates(kind: str) -> list[Path]:
    return sorted((TEMPLATES / kind).rglob(f"*{SUFFIX}"))


def _write(template: Path, folder: Path, words: dict[str, str]) -> Path:
    parts = template.relative_to(TEMPLATES).parts[1:]
    named = (words["package"] if part == PACKAGE else part for part in parts)
    path = folder.joinpath(*named).with_suffix("")
    path.parent.mkdir(parents=True, exist_ok=True)
    text = Template(template.read_text(encoding="utf-8")).substitute(words)
    with path.open("x", encoding="utf-8") as stream:
        stream.write(text)
    return path
