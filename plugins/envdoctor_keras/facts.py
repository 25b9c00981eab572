"""What is installed of Keras, and which backend it is told to use, without importing it."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from envdoctor.model.environment import Framework

if TYPE_CHECKING:
    from envdoctor.model.environment import Environment

DEFAULT_BACKEND = "tensorflow"


def collect(environment: Environment) -> Framework | None:
    """Keras and tf-keras; None if neither is installed.

    Details: `tf-keras`, `backend`, `backend source` (a variable, a file, or `default`).
    """
    version = environment.version_of("keras", "keras-nightly")
    tf_keras = environment.version_of("tf-keras", "tf-keras-nightly")
    if not version and not tf_keras:
        return None
    backend, source = _backend(environment)
    details = {"tf-keras": tf_keras, "backend": backend, "backend source": source}
    return Framework(
        name="keras",
        version=version,
        details={key: text for key, text in details.items() if text},
    )


def _backend(environment: Environment) -> tuple[str, str]:
    """The variable wins over the file, and the file over the default."""
    if named := environment.variables.get("KERAS_BACKEND"):
        return named, "KERAS_BACKEND"
    path = _configuration(environment.variables.get("KERAS_HOME", ""))
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return DEFAULT_BACKEND, "default"
    named = said.get("backend") if isinstance(said, dict) else None
    return (named, str(path)) if isinstance(named, str) else (DEFAULT_BACKEND, "default")


def _configuration(home: str) -> Path:
    if home:
        return Path(home) / "keras.json"
    try:
        return Path.home() / ".keras" / "keras.json"
    except RuntimeError:  # there is no home, and Keras looks into the temporary folder
        return Path(tempfile.gettempdir()) / ".keras" / "keras.json"
