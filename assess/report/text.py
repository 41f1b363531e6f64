"""Making untrusted text fit to be shown: control characters become visible, nothing spans more lines than it should."""

from __future__ import annotations

import re
import unicodedata

_SPACE = re.compile(r"[ \t\r\n]+")
_HIDDEN = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))
"""General categories that nobody can see or that change how other text is shown (Trojan Source, CVE-2021-42574)."""

MAX_SHOWN = 2_000
"""Characters of one value that a report shows; the JSON format holds all of them."""


def visible(text: object) -> str:
    """`text` on one line: white space becomes one blank, control and format characters become `\\x1b`, `\\u202e`."""
    return escape_hidden(_SPACE.sub(" ", str(text)).strip())


def escape_hidden(text: str) -> str:
    """`text` with every control, format or surrogate character written as an escape; line ends are escaped too."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(char) if unicodedata.category(char) in _HIDDEN else char for char in text)


def _escaped(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def shown(value: object) -> str:
    """A value of the models as a reader meets it: one line, not too long; None is "not known"."""
    match value:
        case None:
            return "not known"
        case bool():
            return "yes" if value else "no"
        case _:
            text = visible(value)
            return text if len(text) <= MAX_SHOWN else f"{shorten(text, MAX_SHOWN)} ({len(text)} characters)"


def block(text: str) -> str:
    """Text of several lines, such as a snippet to copy: each line made visible, its indentation kept."""
    lines = [escape_hidden(line.expandtabs(4)).rstrip() for line in re.split(r"\r\n|\r|\n", text)]
    while lines and not lines[-1]:
        lines.pop()
    while lines and not lines[0]:
        lines.pop(0)
    return "\n".join(lines)


def shorten(text: str, width: int) -> str:
    """`text` in at most `width` characters, its middle left out: names begin and end with what tells them apart."""
    if len(text) <= width:
        return text
    if width <= 5:
        return text[:width]
    head = (width - 3 + 1) // 2
    return f"{text[:head]}...{text[len(text) - (width - 3 - head) :]}"


def a_list(items: tuple[str, ...], most: int = 5) -> str:
    """`a, b and c`, or the first `most` and a count of the rest."""
    if len(items) > most:
        return f"{', '.join(items[:most])} and {len(items) - most} more"
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"
