"""The exceptions of slsa-assess, one tree; only `cli` shows them.

    AssessError                 message, place, hint; exit_code
    ├── InputError        65    an input cannot be read (truncated, too large, not what it says)
    ├── NoInputError      66    there is nothing to assess, or a named file does not exist
    ├── UnavailableError  69    something that was asked for is out of reach
    └── ConfigError       78    a rule, project or trust file of the user's (or ours) is wrong

What is *not* here: a bad signature, an expired certificate, an unknown builder, a subject mismatch.
Those are facts, and stand in the evidence.
"""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Process exit codes; the numbers from 65 on are those of sysexits.h."""

    OK = 0
    GATE = 1
    USAGE = 2
    DATA = 65
    NO_INPUT = 66
    UNAVAILABLE = 69
    BUG = 70
    CONFIG = 78


class AssessError(Exception):
    """Something that stops the work, with its place and what to do about it.

    `message` is one sentence of the form `what (got X, expected Y)`; `place` is `path`, `path:line` or
    `path:line:column`; `hint` is one sentence of advice.
    """

    exit_code: Exit = Exit.BUG

    def __init__(self, message: str, place: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message


class InputError(AssessError):
    """An input cannot be read."""

    exit_code = Exit.DATA


class NoInputError(AssessError):
    """There is nothing to assess, or a named file is not there."""

    exit_code = Exit.NO_INPUT


class UnavailableError(AssessError):
    """Something that was asked for is out of reach."""

    exit_code = Exit.UNAVAILABLE


class ConfigError(AssessError):
    """A rule, project, answers or trust file is wrong; `problems` holds every mistake as (place, message)."""

    exit_code = Exit.CONFIG

    def __init__(
        self,
        message: str,
        place: str | None = None,
        hint: str | None = None,
        problems: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(message, place, hint)
        self.problems = problems
