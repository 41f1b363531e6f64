"""Paragraphs, labels and headings for a terminal: wrapped, free of control characters, and coloured only on request."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field

from assess.report.text import shorten, visible

MOST = 8
"""Lines of one kind that are shown; the other formats show all."""

_STYLES = {
    "title": "1",
    "heading": "1",
    "level": "1;36",
    "met": "32",
    "unmet": "31",
    "unknown": "33",
    "critical": "1;31",
    "warning": "33",
    "dim": "2",
}


@dataclass(slots=True)
class Writer:
    """Lines of at most `width` characters. All text passes through `visible`; styles are added after the wrapping."""

    width: int
    color: bool
    lines: list[str] = field(default_factory=list)

    def styled(self, text: str, style: str) -> str:
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self.color and style in _STYLES and text else text

    def wrapped(self, text: object, width: int) -> list[str]:
        return textwrap.wrap(visible(text), max(width, 10), break_on_hyphens=False)

    def put(self, text: object, style: str = "", indent: int = 0) -> None:
        """A paragraph."""
        self.lines += [" " * indent + self.styled(one, style) for one in self.wrapped(text, self.width - indent)]

    def labelled(self, label: str, text: object, style: str = "", column: int = 9) -> None:
        """`label` in its style, and a paragraph beside it."""
        shown = shorten(visible(label), column - 1)
        body = self.wrapped(text, self.width - 2 - column) or [""]
        head = self.styled(shown, style) + " " * (column - len(shown))
        self.lines.append(f"  {head}{body[0]}".rstrip())
        self.lines += [" " * (2 + column) + line for line in body[1:]]

    def below(self, text: object, column: int = 9) -> None:
        """A paragraph under the one of `labelled`, less prominent."""
        self.put(text, "dim", indent=2 + column)

    def heading(self, text: str, style: str = "heading") -> None:
        self.lines.append("")
        self.put(text, style)

    def more(self, count: int, most: int = MOST) -> None:
        if count > most:
            self.put(f"and {count - most} more", "dim", indent=2)
