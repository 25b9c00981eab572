"""Exit codes, and the few exceptions: each is a sentence for the user and a hint."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What a script may rely on; one number, one meaning, the same in all commands."""

    DONE = 0
    """Everything was done and nothing was found wrong."""
    PROBLEMS = 1
    """Everything was done, and something was found: a failed row, an uncertified result."""
    USAGE = 2
    """Wrong usage, an unknown name, or input that cannot be read."""
    INCOMPLETE = 3
    """What was asked for could not be completed."""
    INTERRUPTED = 130
    """Ended by Ctrl-C; what was finished is kept."""


class EnvdoctorError(Exception):
    """Something that the user can mend: one sentence, and a hint at what to do next."""

    exit_code = ExitCode.INCOMPLETE

    def __init__(self, sentence: str, hint: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint


class InputError(EnvdoctorError):
    """Bad input of any kind: a file, an option, a name."""

    exit_code = ExitCode.USAGE


class IncompleteError(EnvdoctorError):
    """The work could not be done here, for a reason outside the input."""

    exit_code = ExitCode.INCOMPLETE
