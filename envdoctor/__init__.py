"""envdoctor: an environment doctor and benchmark harness for machine learning in Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from os import PathLike

    from envdoctor.results import Results

__version__ = "0.1.0"


def load(path: str | PathLike[str]) -> Results:
    """The run of a run file, which notebooks show and pandas takes."""
    from envdoctor import results

    return results.load(path)
