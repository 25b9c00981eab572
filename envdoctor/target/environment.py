"""The facts of one environment: a child of its interpreter looks, this process judges markers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from envdoctor.model.environment import Environment
from envdoctor.target.inspection import CUSTOMIZATIONS, ask
from envdoctor.target.interpreter import explain_silence
from envdoctor.target.requirements import requirements_that_hold
from envdoctor.target.start_up import add_complaints

if TYPE_CHECKING:
    from envdoctor.target.inspection import Answer


def examine(
    interpreter: str, folder: Path | None = None, answer: Answer | None = None
) -> Environment:
    """Find out all about an environment, without importing or changing anything of it.

    Args:
        interpreter: its program, as `find_interpreter` gives it.
        folder: the user's current folder; that of this process by default.
        answer: what it said, if it was asked ahead.

    Raises:
        InputError: it does not start at all, is no Python, or is too old.
    """
    if answer is None:
        answer = ask(interpreter, str(folder or _current_folder()))
    if answer.found is None:
        raise explain_silence(interpreter)
    return _environment(interpreter, answer.found, answer.failure, answer.complaint)


def _current_folder() -> str:
    try:
        return str(Path.cwd())
    except OSError:  # it was deleted
        return ""


def _environment(
    interpreter: str, found: dict[str, Any], failure: str, complaint: str
) -> Environment:
    markers = found.pop("markers")
    distributions: dict[str, dict[str, Any]] = {}
    duplicates = []
    for raw in found.pop("distributions"):
        raw["requires"] = requirements_that_hold(raw["requires"], markers)
        if distributions.setdefault(raw["name"], raw) is not raw:
            duplicates.append(raw)
    # The path as it was given: what the child calls its executable may have followed a link.
    found["interpreter"].update(path=interpreter, start_error=failure)
    customizations = {name: found["modules"].pop(name, "") for name in CUSTOMIZATIONS}
    if failure:
        reason = f"it was left out, because it fails: {failure}"
        found["unseen"].append({"what": "start-up of Python", "reason": reason})
    else:
        add_complaints(found["pth_files"], complaint, customizations)
    try:
        return msgspec.convert(
            {**found, "distributions": distributions, "duplicates": duplicates}, Environment
        )
    except msgspec.ValidationError as error:
        raise explain_silence(interpreter) from error
