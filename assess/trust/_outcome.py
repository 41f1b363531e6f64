"""How one step of a verification ends inside `trust`: it proves something, is refused, or cannot be proved here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509 import (
    AttributeNotFound,
    DuplicateExtension,
    ExtensionNotFound,
    InvalidVersion,
    UnsupportedGeneralNameType,
)

from assess._frozen import frozen
from assess.evidence import Check, CheckResult

T = TypeVar("T")

MALFORMED: tuple[type[Exception], ...] = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    OverflowError,
    UnsupportedAlgorithm,
    AttributeNotFound,
    DuplicateExtension,
    ExtensionNotFound,
    InvalidVersion,
    UnsupportedGeneralNameType,
)
"""What parsers of DER raise for malformed or unknown material."""


@frozen
class Proved(Generic[T]):
    """A step that ended well: one sentence of what was proved, and what later steps build on."""

    detail: str
    value: T
    found: str | None = None


class RefusedError(Exception):
    """The step failed; becomes a failed check."""

    def __init__(self, detail: str, expected: str | None = None, found: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.expected = expected
        self.found = found


class UnprovableError(Exception):
    """What the step needs is not here; becomes a check that is not provable offline."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class Record:
    """The checks of one verification as they are made."""

    __slots__ = ("checks",)

    def __init__(self) -> None:
        self.checks: list[Check] = []

    def run(self, step: int, name: str, action: Callable[[], Proved[T]]) -> T | None:
        """Make one check and record how it ended; its value, or None where nothing was proved."""
        expected: str | None = None
        found: str | None = None
        value: T | None = None
        result: CheckResult
        try:
            proved = action()
        except RefusedError as refused:
            result, detail = "failed", refused.detail
            expected, found = refused.expected, refused.found
        except UnprovableError as unprovable:
            result, detail = "not-provable-offline", unprovable.detail
        else:
            result, detail, value, found = "verified", proved.detail, proved.value, proved.found
        self.checks.append(Check(name, step, result, detail, expected, found))
        return value

    def lacks(self, step: int, name: str, detail: str) -> None:
        """Record that something needed is not there, so that it cannot be proved offline."""
        self.checks.append(Check(name, step, "not-provable-offline", detail))

    def in_order(self) -> tuple[Check, ...]:
        """The checks by their number in the narrative."""
        return tuple(sorted(self.checks, key=lambda check: check.step))
