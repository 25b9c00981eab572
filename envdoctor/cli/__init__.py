"""The command line: thin commands, and the three doors through which errors leave."""

from __future__ import annotations

import os
import signal
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

import click

from envdoctor import __version__
from envdoctor.cli.main import main
from envdoctor.errors import EnvdoctorError, ExitCode

if TYPE_CHECKING:
    from types import FrameType


def run() -> None:
    """Run the command line and exit with its code."""
    signal.signal(signal.SIGTERM, _interrupt)
    _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A terminal that knows no ± shows a question mark and not a traceback.
            stream.reconfigure(errors="replace")
    sys.exit(dispatch(sys.argv[1:]))


def dispatch(arguments: list[str]) -> int:
    """Run a command and return its exit code; whatever is raised leaves as a sentence."""
    try:
        result = main.main(arguments, prog_name="envdoctor", standalone_mode=False)
        return int(result or ExitCode.DONE)
    except click.ClickException as error:
        error.show()
        return ExitCode.USAGE
    except EnvdoctorError as error:
        _tell(error.sentence, error.hint)
        return error.exit_code
    except (KeyboardInterrupt, click.exceptions.Abort):
        _tell("interrupted.", "")
        return ExitCode.INTERRUPTED
    except SystemExit:
        # Nothing of ours raises it: Click and Rich do, when the reader of a pipe has seen enough.
        return ExitCode.DONE
    except Exception as error:  # noqa: BLE001  the last door: our own bug
        return _confess(error)


def _open_closed_streams() -> None:
    """Where whoever started us has closed a stream, write to nobody.

    Python has None in its place, and the next file or pipe that is opened would get its number.
    """
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Leave by the door of Ctrl-C, so that children end and what was finished is saved."""
    raise KeyboardInterrupt


def _tell(sentence: str, hint: str) -> None:
    word = "error:" if os.environ.get("NO_COLOR") else click.style("error:", fg="red")
    click.echo(f"{word} {sentence}", err=True)
    if hint:
        click.echo(f"  {hint}", err=True)


def _confess(error: Exception) -> int:
    """One line, and a file with what a bug report needs."""
    import tempfile
    import traceback

    text = f"envdoctor {__version__}, Python {sys.version}\n{traceback.format_exc()}"
    hint = "Please report it."
    try:
        # A fresh name: a known one in a shared folder may be a link that somebody else has laid.
        handle, log = tempfile.mkstemp(prefix="envdoctor-error-", suffix=".log")
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        hint = f"Please report it with the file {log}."
    except OSError:
        click.echo(text, err=True)
    _tell(f"a bug in envdoctor: {type(error).__name__}: {error}", hint)
    return ExitCode.INCOMPLETE
