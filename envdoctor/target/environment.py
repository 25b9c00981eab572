"""The facts of one environment: a child of its interpreter looks, this process judges markers."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from envdoctor.child import inspection
from envdoctor.model.environment import Environment
from envdoctor.target.interpreter import OLDEST_PYTHON, explain_silence
from envdoctor.target.requirements import requirements_that_hold
from envdoctor.target.start_up import add_complaints, last_words

if TYPE_CHECKING:
    from collections.abc import Sequence

EXAMINE_SECONDS = 60.0
CUSTOMIZATIONS = ("sitecustomize", "usercustomize")
_MODULES = """
    PIL accelerate bitsandbytes cupy cv2 diffusers flash_attn flax jax jaxlib keras lightgbm
    lightning matplotlib ml_dtypes numba numpy onnxruntime optax pandas peft pynvml
    pytorch_lightning safetensors scipy sklearn tensorflow tf_keras tokenizers torch torchaudio
    torchvision transformers triton vllm xformers xgboost
"""
MODULES = tuple(_MODULES.split())
"""Where these would come from is looked up."""

# As the user starts it; and without whatever may keep it from starting.
WAYS_TO_START: tuple[tuple[str, ...], ...] = ((), ("-I", "-S"))


def examine(interpreter: str, folder: Path | None = None) -> Environment:
    """Find out all about an environment, without importing or changing anything of it.

    Args:
        interpreter: its program, as `find_interpreter` gives it.
        folder: the user's current folder; that of this process by default.

    Raises:
        InputError: it does not start at all, is no Python, or is too old.
    """
    return _examine(interpreter, str(folder or _current_folder()))


def _current_folder() -> str:
    try:
        return str(Path.cwd())
    except OSError:  # it was deleted
        return ""


@cache
def _examine(interpreter: str, current_folder: str) -> Environment:
    failure = ""
    for options in WAYS_TO_START:
        found, complaint = _ask(interpreter, options, current_folder)
        if found is not None:
            return _environment(interpreter, found, failure, complaint)
        failure = failure or complaint
    raise explain_silence(interpreter)


def _ask(
    interpreter: str, options: Sequence[str], current_folder: str
) -> tuple[dict[str, Any] | None, str]:
    """The answer of a child, if there is one, and what it wrote to standard error."""
    with tempfile.TemporaryDirectory(prefix="envdoctor-") as temporary:
        private = Path(temporary)
        script = _lay_out(private)
        answer, log = private / "answer.json", private / "log"
        command = [interpreter, "-B", *options, str(script), str(answer), current_folder]
        try:
            with log.open("wb") as stream:
                ended = subprocess.run(
                    [*command, *MODULES, *CUSTOMIZATIONS],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=stream,
                    timeout=EXAMINE_SECONDS,
                    check=False,
                    cwd=current_folder or None,
                )
        except subprocess.TimeoutExpired:
            return None, f"it did not finish within {EXAMINE_SECONDS:.0f} seconds"
        except OSError as error:
            return None, str(error)
        complaint = log.read_bytes().decode("utf-8", "replace")
        try:
            found = json.loads(answer.read_bytes())
            number = tuple(int(part) for part in found["interpreter"]["version"].split(".")[:2])
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            return None, last_words(complaint) or _ending(ended.returncode)
    return (found if number >= OLDEST_PYTHON else None), complaint


def _ending(code: int) -> str:
    try:
        return f"it was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"it ended with exit code {code}"


def _lay_out(private: Path) -> Path:
    """Copy the code of the child; the script to start.

    Its byte code goes along: it is used if the target is of the same version.
    """
    source = Path(inspection.__file__).parent
    package = private / "envdoctor" / "child"
    package.mkdir(parents=True)
    for folder in (package.parent, package):
        (folder / "__init__.py").write_text('"""Only the inspection is here."""\n')
    shutil.copytree(source, package / "inspection")
    return Path(shutil.copy(source / "start.py", private / "start_inspection.py"))


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
