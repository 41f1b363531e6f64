"""Groovy text as tokens: names, strings with what they interpolate, and signs, each with its line.

Quotes, heredoc-like strings, slashes and comments are told apart, which is what the structure of a Jenkinsfile needs;
nothing is run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

MAX_LENGTH = 300_000

Kind: TypeAlias = Literal["name", "text", "number", "sign", "newline", "end"]

_NAME = re.compile(r"[A-Za-z_$][\w$]*")
_NUMBER = re.compile(r"\d[\w.]*(?<!\.)")
_BLANK = re.compile(r"(?:[ \t\r\f]|\\\r?\n)+")
_SIGN = re.compile(
    r"\?\.|\*\.|\.&|->|==~|=~|<=>|===|!==|[=!<>]=|&&|\|\||\?:|\+\+|--|\*\*|<<|\.\.<?|::|[-+*/%]=|.", re.DOTALL
)
_SPECIAL = {kind: re.compile(rf"\\|\$\{{|{re.escape(kind)}") for kind in ('"', '"""', "/", "/$")}
_PLAIN = {kind: re.compile(rf"\\|{re.escape(kind)}") for kind in ("'", "'''")}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "\n": ""}
_OPERAND_BEFORE = frozenset({")", "]", "}"})
_NOT_OPERANDS = frozenset({"return", "in", "case", "assert", "else", "and", "or", "not"})


@dataclass(frozen=True, slots=True)
class Token:
    """One token; `text` of a string is what it holds, with `${...}` as written where `interpolates`."""

    kind: Kind
    text: str
    line: int
    interpolates: bool = False
    spaced: bool = False
    """White space stands before it."""
    at: int = 0
    end: int = 0


@dataclass(slots=True)
class Lexer:
    """Reads all tokens of a text; `problems` holds what never ends."""

    text: str
    at: int = 0
    line: int = 1

    def run(self) -> tuple[list[Token], list[tuple[int, str]]]:
        """(tokens, problems as line and text); the last token is `end`."""
        found: list[Token] = []
        problems: list[tuple[int, str]] = []
        if self.text.startswith("#!"):
            self.at = max(self.text.find("\n"), 0) if "\n" in self.text else len(self.text)
        spaced = False
        while self.at < len(self.text):
            begin, line = self.at, self.line
            if blank := _BLANK.match(self.text, self.at):
                self._skip(blank.end())
                spaced = True
                continue
            if self.text.startswith(("//", "/*"), self.at):
                if not self._comment():
                    problems.append((line, "a comment does not end"))
                spaced = True
                continue
            kind, text, interpolates = self._token(found[-1] if found else None, problems)
            found.append(Token(kind, text, line, interpolates, spaced, begin, self.at))
            spaced = False
        found.append(Token("end", "", self.line, spaced=True, at=self.at, end=self.at))
        return found, problems

    def _skip(self, end: int) -> None:
        self.line += self.text.count("\n", self.at, end)
        self.at = end

    def _comment(self) -> bool:
        if self.text[self.at + 1] == "/":
            end = self.text.find("\n", self.at)
            self.at = len(self.text) if end < 0 else end
            return True
        end = self.text.find("*/", self.at + 2)
        self._skip(len(self.text) if end < 0 else end + 2)
        return end >= 0

    def _token(self, before: Token | None, problems: list[tuple[int, str]]) -> tuple[Kind, str, bool]:
        char = self.text[self.at]
        if char == "\n":
            self._skip(self.at + 1)
            return "newline", "\n", False
        if char in "'\"":
            closing = char * 3 if self.text.startswith(char * 3, self.at) else char
            return self._string(len(closing), closing, problems)
        if char == "$" and self.text.startswith("$/", self.at):
            return self._string(2, "/$", problems)
        if char == "/" and self._slashy(before):
            return self._string(1, "/", problems)
        if (name := _NAME.match(self.text, self.at)) is not None:
            self.at = name.end()
            return "name", name.group(), False
        if (number := _NUMBER.match(self.text, self.at)) is not None:
            self.at = number.end()
            return "number", number.group(), False
        sign = _SIGN.match(self.text, self.at)
        self.at = sign.end() if sign is not None else self.at + 1
        return "sign", self.text[self.at - len(sign.group()) : self.at] if sign is not None else "", False

    def _slashy(self, before: Token | None) -> bool:
        """A `/` where no operand stands before it begins a string; it must end on its line."""
        if before is not None and (
            before.kind in {"text", "number"}
            or (before.kind == "name" and before.text not in _NOT_OPERANDS)
            or (before.kind == "sign" and before.text in _OPERAND_BEFORE)
        ):
            return False
        end = self.text.find("\n", self.at)
        return "/" in self.text[self.at + 1 : len(self.text) if end < 0 else end]

    def _string(self, skip: int, closing: str, problems: list[tuple[int, str]]) -> tuple[Kind, str, bool]:
        begin = self.line
        self.at += skip
        parts: list[str] = []
        interpolates = False
        pattern = _PLAIN.get(closing) or _SPECIAL[closing]
        while True:
            match = pattern.search(self.text, self.at)
            if match is None or (len(closing) == 1 and closing != "/" and "\n" in self.text[self.at : match.start()]):
                problems.append((begin, "a string does not end"))
                end = self.text.find("\n", self.at)
                self._skip(len(self.text) if end < 0 or len(closing) > 1 else end)
                return "text", "".join(parts), interpolates
            parts.append(self.text[self.at : match.start()])
            self._skip(match.start())
            if match.group() == "\\" and closing != "/$":
                self._escape(parts, closing)
            elif match.group() == "\\":
                parts.append("\\")
                self.at += 1
            elif match.group() == "${":
                interpolates = True
                end = _closing(self.text, self.at + 2)
                parts.append(self.text[self.at : end])
                self._skip(end)
            else:
                self.at = match.end()
                break
        text = "".join(parts)
        dollar = closing not in _PLAIN and re.search(r"\$[A-Za-z_]", text) is not None
        return "text", text, interpolates or dollar

    def _escape(self, parts: list[str], closing: str) -> None:
        following = self.text[self.at + 1 : self.at + 2]
        if closing == "/" and following != "/":
            parts.append("\\" + following)
        elif closing not in _PLAIN and following == "$":
            # Not interpolated by Groovy: the shell sees the dollar, and so do we.
            parts.append("\x00$")
        else:
            parts.append(_ESCAPES.get(following, following))
        self._skip(self.at + 2)


def _closing(text: str, at: int) -> int:
    """The index after the `}` that closes a `${`; quotes inside are respected."""
    depth, quote = 1, ""
    while at < len(text):
        char = text[at]
        if char == "\\":
            at += 1
        elif quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char == "{":
            depth += 1
        elif char == "}":
            depth -= 1
            if depth == 0:
                return at + 1
        at += 1
    return len(text)
