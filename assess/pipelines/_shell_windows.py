"""PowerShell and cmd text as a flat list of simple commands, in the form of `_shell`; nothing is run or expanded.

Only what recognising commands needs: quotes, escapes, comments, separators, pipes, assignments of variables. Blocks
and conditions are flattened.
"""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

from assess.pipelines._shell import MAX_COMMANDS, MAX_LENGTH, SWALLOWS, Command, Script

Dialect: TypeAlias = Literal["powershell", "cmd"]

_TOKENS: dict[Dialect, re.Pattern[str]] = {
    "powershell": re.compile(
        r"""(?P<comment>\#[^\n]*|<\#.*?\#>)
        |(?P<here>@'\n(?P<raw>.*?)\n'@|@"\n(?P<live>.*?)\n"@)
        |(?P<template>\$\{\{.*?\}\}|\$\{[^}\n]*\}|\$\([^()\n]*\))
        |'(?P<single>(?:[^']|'')*)'|"(?P<double>(?:[^"`]|`.|"")*)"
        |(?P<continued>`\r?\n)|`(?P<escaped>.)
        |(?P<newline>\n)|(?P<space>[ \t\r]+)
        |(?P<operator>\|\||&&|[;|(){}]|&)
        |(?P<redirect>[0-9*]?>>?(?:&[0-9])?|<)
        |(?P<word>[^\s'"`;|(){}&<>\#$]+|.)""",
        re.VERBOSE | re.DOTALL,
    ),
    "cmd": re.compile(
        r"""(?P<comment>(?:(?<=\n)|\A)[ \t]*@?(?:::|(?i:rem)\b)[^\n]*)
        |(?P<here>\Z\A)(?P<raw>)(?P<live>)
        |(?P<template>\$\{\{.*?\}\})
        |(?P<single>\Z\A)|"(?P<double>[^"\n]*)"?
        |(?P<continued>\^\r?\n)|\^(?P<escaped>.)
        |(?P<newline>\n)|(?P<space>[ \t\r]+)
        |(?P<operator>\|\||&&|[&|()])
        |(?P<redirect>[0-9]?>>?(?:&[0-9])?|<)
        |(?P<word>[^\s"^&|()<>$]+|.)""",
        re.VERBOSE | re.DOTALL,
    ),
}
_KEYWORDS = frozenset(
    {"if", "else", "elseif", "foreach", "for", "while", "do", "try", "catch", "finally", "switch", "return", "param"}
)
_CONDITION = re.compile(r"(?i)(?:/i\s+)?(?:not\s+)?(?:exist\s+\S+|defined\s+\S+|errorlevel\s+\d+|\S+\s*==\s*\S+)")


def read_windows(text: str, dialect: Dialect) -> Script | None:
    """A PowerShell or cmd script as commands; None if it is too long."""
    if len(text) > MAX_LENGTH:
        return None
    lines = _Lines(dialect)
    for found in _TOKENS[dialect].finditer(text):
        lines.take(found)
        if len(lines.found) > MAX_COMMANDS:
            return None
    lines.end(None)
    return Script(tuple(lines.found))


class _Lines:
    """The commands so far, and the one that is being read."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.found: list[Command] = []
        self.words: list[str] = []
        self.word: list[str] | None = None
        self.line = self.start = 0
        self.pipe: tuple[str, ...] | None = None
        self.redirected = False
        self.writes: str | None = None
        self.guarded: int | None = None
        self.called = False
        """PowerShell's call operator stands before the first word."""

    def take(self, token: re.Match[str]) -> None:
        """One token, in the order of the text."""
        text = token.group()
        match token.lastgroup:
            case "comment":
                if self.word is not None and self.dialect == "powershell" and not text.startswith("<"):
                    self._push(text)  # `a#b` is a word
            case "here" | "raw" | "live":
                self._push(token.group("raw") or token.group("live") or "")
            case "single":
                self._push(token.group("single").replace("''", "'"))
            case "double":
                self._push(
                    re.sub(r"`(.)", r"\1", token.group("double"))
                    if self.dialect == "powershell"
                    else token.group("double")
                )
            case "continued":
                self._end_word()
            case "escaped":
                self._push(token.group("escaped"))
            case "newline":
                self.end(None)
            case "space":
                self._end_word()
            case "operator":
                if text == "&" and self.dialect == "powershell":
                    self._end_word()
                    self.called = not self.words
                else:
                    self.end(text)
            case "redirect":
                self._end_word()
                self.redirected = "&" not in text
            case _:
                self._push(text)
        self.line += text.count("\n")

    def _push(self, text: str) -> None:
        if self.word is None:
            self.word = []
            if not self.words:
                self.start = self.line
        self.word.append(text)

    def _end_word(self) -> None:
        if self.word is None:
            return
        text = "".join(self.word)
        self.word = None
        if self.redirected:
            self.writes, self.redirected = text, False
        else:
            self.words.append(text)

    def end(self, operator: str | None) -> None:
        """The command ends here, before this operator or at the end of the line."""
        self._end_word()
        words, assignments = self._stripped()
        index = None
        if words or assignments or self.writes:
            index = len(self.found)
            self.found.append(Command(words, self.start, assignments, False, self.pipe, (), self.writes))
            if self.guarded is not None and words and words[0].lower() in {*SWALLOWS, "ver>nul", "ver", "rem", "cd"}:
                old = self.found[self.guarded]
                self.found[self.guarded] = Command(old.words, old.line, old.assignments, True, old.piped_from)
        self.guarded = index if operator == "||" else None
        self.pipe = words if operator == "|" else None
        self.words, self.writes, self.redirected, self.called = [], None, False, False

    def _stripped(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        words = list(self.words)
        if self.dialect == "cmd":
            return _cmd(words)
        while words and words[0].lower() in _KEYWORDS:
            words.pop(0)
        if len(words) >= 2 and words[0].startswith(("$", "[")) and words[1] in {"=", "+="}:
            name = words[0].partition("]")[2] or words[0]
            if name.lower().startswith("$env:"):
                return (), (f"{name[5:]}={' '.join(words[2:])}",)
            words = words[2:]
        if words and not self.called and words[0].startswith(("$", "[", "-", ".D")):
            return (), ()  # a value
        return tuple(words), ()


def _cmd(words: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    while words:
        words[0] = words[0].lstrip("@")
        first = words[0].lower()
        if first in {"", "call", "else", "start", "cmd", "cmd.exe", "do"}:
            words.pop(0)
            while first.startswith("cmd") and words and words[0].lower() in {"/c", "/d", "/s", "/k"}:
                words.pop(0)
        elif first == "if":
            rest = " ".join(words[1:])
            condition = _CONDITION.match(rest)
            words = rest[condition.end() :].split() if condition is not None else []
        elif first == "set" and len(words) > 1 and "=" in words[1]:
            return (), (" ".join(words[1:]),)
        else:
            break
    return tuple(words), ()
