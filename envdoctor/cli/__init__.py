"""The command line: thin commands, and the three doors through which errors leave."""

from __future__ import annotations

import signal
import sys
import tempfile
import traceback
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


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Leave by the door of Ctrl-C, so that children end and what was finished is saved."""
    raise KeyboardInterrupt


def _tell(sentence: str, hint: str) -> None:
    click.echo(f"{click.style('error:', fg='red')} {sentence}", err=True)
    if hint:
        click.echo(f"  {hint}", err=True)


def _confess(error: Exception) -> int:
    """One line, and a file with what a bug report needs."""
    log = Path(tempfile.gettempdir()) / "envdoctor-error.log"
    text = f"envdoctor {__version__}, Python {sys.version}\n{traceback.format_exc()}"
    hint = "Please report it."
    try:
        log.write_text(text, encoding="utf-8")
        hint = f"Please report it with the file {log}."
    except OSError:
        click.echo(text, err=True)
    _tell(f"a bug in envdoctor: {type(error).__name__}: {error}", hint)
    return ExitCode.INCOMPLETE
