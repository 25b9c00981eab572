"""Starts the child that looks at an environment, and can do so before the answer is needed.

Its imports are few and light, because it comes first: the child works while the rest is imported.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import tempfile
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envdoctor.child import inspection
from envdoctor.target.interpreter import OLDEST_PYTHON
from envdoctor.target.start_up import last_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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


AT_ONCE = 4


@dataclass(frozen=True)
class Answer:
    """What came of asking an interpreter about its environment."""

    found: dict[str, Any] | None
    """As the child wrote it; None if there is no Python that could be asked."""
    failure: str
    """Why it did not start as the user starts it, if it did not."""
    complaint: str
    """What it wrote to standard error."""


def ask(interpreter: str, current_folder: str) -> Answer:
    """Let a child look; if it does not start, without what may keep it from starting."""
    failure = ""
    for options in WAYS_TO_START:
        found, complaint = _ask(interpreter, options, current_folder)
        if found is not None:
            return Answer(found, failure, complaint)
        failure = failure or complaint
    return Answer(None, failure, "")


class Ahead:
    """Answers that were asked for ahead, each in a thread. A context manager; leaving it waits."""

    def __init__(self, interpreters: Iterable[str], current_folder: str) -> None:
        self.interpreters = list(dict.fromkeys(interpreters))
        self._folder = current_folder
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._asked: dict[str, Future[Answer]] = {
            each: self._pool.submit(ask, each, current_folder) for each in self.interpreters
        }

    def __enter__(self) -> Ahead:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def answer(self, interpreter: str) -> Answer:
        """The answer of an interpreter; it is asked now if it was not before."""
        if interpreter in self._asked:
            return self._asked[interpreter].result()
        return ask(interpreter, self._folder)


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
