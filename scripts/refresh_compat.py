"""Compare the table of versions with the metadata of a package index, and print what differs.

The index is given as an argument: the address under which it answers `<name>/<version>/json`, as
the JSON interface of Python's package index does. What is printed is a unified diff of the rows
that come from metadata: torch's newest release, default CUDA, torchvision and torchaudio, and the
newest wheel of torch, TensorFlow and jaxlib for each Python. Rows that come from release notes are
left as they are. With `--write` the table is changed; `valid_as_of` is then today.
"""

# ruff: noqa: INP001

from __future__ import annotations

import copy
import datetime as dt
import difflib
import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import InvalidVersion, Version

TABLE = Path(__file__).parents[1] / "envdoctor" / "checks" / "data" / "compat.json"
SECONDS = 60.0
LONGEST_LINE = 98
PACKAGES = ("torch", "tensorflow", "jaxlib")
OLDEST_TORCH = Version("2.4")
LINUX = re.compile(r"manylinux.*_x86_64")
CPYTHON = re.compile(r"cp3\d+")
CUDA_RUNTIME = re.compile(r"nvidia-cuda-runtime(-cu\d+)?$")

Answer = dict[str, Any]
Ask = Callable[[str], Answer]
"""From `torch` or `torch/2.13.0` to what the index says of it."""


def ask_over_network(index: str) -> Ask:
    """A question to an index; a package that it does not have is an empty answer."""

    def ask(what: str) -> Answer:
        address = f"{index.rstrip('/')}/{what}/json"
        request = urllib.request.Request(address, headers={"Accept": "application/json"})  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
                return dict(json.load(answer))
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return {}
            raise

    return ask


def releases(answer: Answer) -> list[Version]:
    """The final releases that have a file which was not withdrawn, oldest first."""
    found = []
    for text, files in answer.get("releases", {}).items():
        try:
            version = Version(text)
        except InvalidVersion:
            continue
        if not version.is_prerelease and any(not each.get("yanked") for each in files):
            found.append(version)
    return sorted(found)


def _files(answer: Answer, version: Version) -> list[Answer]:
    """The files of a release, however the index spells its number."""
    return next(files for text, files in answer["releases"].items() if _is(text, version))


def _is(text: str, version: Version) -> bool:
    try:
        return Version(text) == version
    except InvalidVersion:
        return False


def pythons(files: Iterable[Answer]) -> set[str]:
    """The versions of CPython that a release has a wheel for, on Linux x86_64."""
    found = set()
    for each in files:
        try:
            _, _, _, tags = parse_wheel_filename(each["filename"])
        except InvalidWheelFilename:
            continue
        if each.get("yanked"):
            continue
        found |= {
            f"3.{tag.interpreter[3:]}"
            for tag in tags
            # A wheel for free threading alone is none for the usual Python.
            if LINUX.fullmatch(tag.platform)
            and CPYTHON.fullmatch(tag.interpreter)
            and not tag.abi.endswith("t")
        }
    return found


def python_rows(answer: Answer, known: Iterable[str]) -> dict[str, Any]:
    """The oldest and the newest wheel for each Python that the table or the index knows."""
    by_python: dict[str, list[Version]] = {python: [] for python in known}
    floor = min(map(Version, by_python))
    for version in releases(answer):
        for python in pythons(_files(answer, version)):
            by_python.setdefault(python, []).append(version)
    return {
        python: {"oldest": str(found[0]), "newest": str(found[-1])} if found else None
        for python, found in sorted(by_python.items(), key=lambda item: Version(item[0]))
        if Version(python) >= floor
    }


def default_cuda(requires: Iterable[str]) -> str:
    """`13.0`, from what a release of torch requires on Linux; empty if that does not say it."""
    for line in requires:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        exact = [each.version for each in requirement.specifier if each.operator == "=="]
        if exact and (requirement.name == "cuda-toolkit" or CUDA_RUNTIME.match(requirement.name)):
            return ".".join(exact[0].split(".")[:2])
    return ""


def partner(answers: Iterable[tuple[Version, Answer]], torch: Version) -> str:
    """The newest minor of a partner that requires this torch exactly; empty if none does."""
    for version, answer in answers:
        for line in answer.get("info", {}).get("requires_dist") or ():
            requirement = Requirement(line)
            pins = {each.version for each in requirement.specifier if each.operator == "=="}
            if requirement.name == "torch" and str(torch) in pins:
                return f"{version.major}.{version.minor}"
    return ""


def refreshed(table: Answer, ask: Ask) -> Answer:
    """The table with what an index says now.

    Rows of torch for releases that the table does not have yet get everything but their builds,
    which no metadata tells: the release notes of PyTorch do.
    """
    new = copy.deepcopy(table)
    answers = {name: ask(name) for name in PACKAGES}
    for name in PACKAGES:
        known = table["python_wheels"][name]
        if answers[name]:
            new["python_wheels"][name] = python_rows(answers[name], known)
    newest = {f"{each.major}.{each.minor}": each for each in releases(answers["torch"])}
    vision = [(each, ask(f"torchvision/{each}")) for each in releases(ask("torchvision"))[-12:]]
    for minor, version in newest.items():
        if version < OLDEST_TORCH:
            continue
        row = new["torch"].setdefault(
            minor, {"torchvision": "", "torchaudio": "", "architectures": {}}
        )
        info = ask(f"torch/{version}").get("info", {})
        row["newest"] = str(version)
        row["default_cuda"] = default_cuda(info.get("requires_dist") or ()) or row.get(
            "default_cuda", ""
        )
        row["torchvision"] = partner(vision, version) or row["torchvision"]
    return new


def as_text(value: Any, indent: int = 0) -> str:
    """JSON with short rows on one line, as the table is kept."""
    flat = json.dumps(value, ensure_ascii=False)
    children = value.values() if isinstance(value, dict) else value
    if not isinstance(value, dict | list):
        return flat
    nested = any(isinstance(each, dict) for each in children)
    if (len(flat) + indent <= LONGEST_LINE and not nested) or not value:
        return flat
    pad = " " * (indent + 1)
    if isinstance(value, dict):
        rows = [f"{pad}{json.dumps(k)}: {as_text(v, indent + 1)}" for k, v in value.items()]
        return "{\n" + ",\n".join(rows) + "\n" + " " * indent + "}"
    if not nested:
        return flat
    rows = [pad + as_text(each, indent + 1) for each in value]
    return "[\n" + ",\n".join(rows) + "\n" + " " * indent + "]"


def difference(old: Answer, new: Answer) -> str:
    """A unified diff of two tables."""
    before, after = (f"{as_text(each)}\n".splitlines(keepends=True) for each in (old, new))
    return "".join(difflib.unified_diff(before, after, "compat.json", "compat.json, now"))


@click.command(help=__doc__.partition("\n\n")[0])
@click.argument("index")
@click.option("--write", is_flag=True, help="Change the table.")
def main(index: str, write: bool) -> None:
    """Compare, print, and change the table if asked to."""
    old = json.loads(TABLE.read_text(encoding="utf-8"))
    new = refreshed(old, ask_over_network(index))
    click.echo(difference(old, new), nl=False)
    if write:
        new["valid_as_of"] = dt.datetime.now(dt.UTC).date().isoformat()
        TABLE.write_text(f"{as_text(new)}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
