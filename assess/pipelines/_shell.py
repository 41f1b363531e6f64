"""Shell text as a flat list of simple commands, for recognising what a script calls; nothing is run or expanded.

A lexer for the common part of sh, bash and PowerShell: quotes, escapes, comments, here-documents, `$( )`, lists and
pipes. Conditions and loops are flattened: a command counts wherever it stands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_LENGTH = 200_000
MAX_COMMANDS = 5_000
MAX_DEPTH = 20

_KEYWORDS = frozenset(
    {"if", "then", "else", "elif", "fi", "do", "done", "while", "until", "!", "{", "}", "time", "esac", "in"}
)
_WRAPPERS = frozenset({"sudo", "exec", "nohup", "command", "time", "builtin", "nice", "stdbuf", "unbuffer", "env"})
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=")
_HEREDOC = re.compile(r"<<-?\s*(['\"]?)([A-Za-z_][A-Za-z0-9_]*)\1")
_PLAIN = re.compile(r"[^\s'\"\\$`;|&()<>#]+")


@dataclass(frozen=True, slots=True)
class Command:
    """One simple command: `words` with quotes removed and expansions as written; `line` counts from 0."""

    words: tuple[str, ...]
    line: int
    assignments: tuple[str, ...] = ()
    tolerated: bool = False
    """Its failure does not stop the script: `|| true`, `|| :`, `|| echo ...`."""
    piped_from: tuple[str, ...] | None = None
    """The words of the command whose output it reads."""

    @property
    def program(self) -> str:
        """The program's name without its folder; "" for assignments alone."""
        return self.words[0].replace("\\", "/").rpartition("/")[2] if self.words else ""


def commands(text: str) -> tuple[Command, ...] | None:
    """The commands of a script in order, those inside `$( )` and backticks after their own; None if it is too long."""
    if len(text) > MAX_LENGTH:
        return None
    lexer = _Lexer(text)
    lexer.run()
    return None if len(lexer.found) > MAX_COMMANDS else tuple(lexer.found)


class _Lexer:
    def __init__(self, text: str, line: int = 0, depth: int = 0) -> None:
        self.text = text
        self.at = 0
        self.line = line
        self.depth = depth
        self.found: list[Command] = []
        self.words: list[str] = []
        self.word: list[str] | None = None
        self.start = line
        self.pipe: tuple[str, ...] | None = None
        self.heredocs: list[str] = []
        self.redirected = False
        """The word that is being read is a file name after `>` or `<`."""
        self.pending_or: int | None = None
        """Index of the command left of a `||` that was just read."""

    def run(self) -> None:
        while self.at < len(self.text) and len(self.found) <= MAX_COMMANDS:
            self._step(self.text[self.at])
        self._end_command(None)

    def _step(self, char: str) -> None:
        if plain := _PLAIN.match(self.text, self.at):
            self._push(plain.group())
            self.at = plain.end()
        elif char in " \t\r":
            self._end_word()
            self.at += 1
        elif char == "\n":
            self._newline()
        elif char == "\\":
            following = self.text[self.at + 1 : self.at + 2]
            if following == "\n":
                self.line += 1
                self._end_word()
            else:
                self._push(following)
            self.at += 2
        elif char == "'":
            self._quoted_single()
        elif char == '"':
            self._quoted_double()
        elif char == "`":
            self._nested("`", 1)
        elif char == "$":
            self._dollar()
        elif char == "#" and self.word is None:
            end = self.text.find("\n", self.at)
            self.at = len(self.text) if end < 0 else end
        elif char in ";|&()":
            self._operator(char)
        elif char in "<>":
            self._redirect()
        else:
            self._push(char)
            self.at += 1

    def _push(self, text: str) -> None:
        if self.word is None:
            self.word = []
            if not self.words:
                self.start = self.line
        self.word.append(text)

    def _end_word(self) -> None:
        if self.word is not None:
            if not self.redirected:
                self.words.append("".join(self.word))
            self.word = None
            self.redirected = False

    def _end_command(self, operator: str | None) -> None:
        self._end_word()
        words, assignments = _strip(self.words)
        index = None
        if words or assignments:
            command = Command(words, self.start, assignments, False, self.pipe)
            index = len(self.found)
            self.found.append(command)
            if self.pending_or is not None and words and words[0] in {"true", ":", "echo", "printf"}:
                self._tolerate(self.pending_or)
        self.pending_or = index if operator == "||" else None
        self.pipe = words if operator == "|" else None
        self.words = []

    def _tolerate(self, index: int) -> None:
        old = self.found[index]
        self.found[index] = Command(old.words, old.line, old.assignments, True, old.piped_from)

    def _newline(self) -> None:
        pending = self.pipe if not self.words and self.word is None else None
        waiting = self.pending_or if not self.words and self.word is None else None
        self._end_command(None)
        self.pipe, self.pending_or = pending, waiting
        self.at += 1
        self.line += 1
        for ending in self.heredocs:
            while self.at < len(self.text):
                end = self.text.find("\n", self.at)
                end = len(self.text) if end < 0 else end
                body = self.text[self.at : end].strip()
                self.at = min(end + 1, len(self.text))
                self.line += 1
                if body == ending:
                    break
        self.heredocs = []

    def _quoted_single(self) -> None:
        end = self.text.find("'", self.at + 1)
        end = len(self.text) if end < 0 else end
        inside = self.text[self.at + 1 : end]
        self._push(inside)
        self.line += inside.count("\n")
        self.at = end + 1

    def _quoted_double(self) -> None:
        self._push("")
        self.at += 1
        while self.at < len(self.text) and (char := self.text[self.at]) != '"':
            if char == "\\":
                self._push(self.text[self.at + 1 : self.at + 2])
                self.line += self.text[self.at + 1 : self.at + 2] == "\n"
                self.at += 2
            elif char == "$":
                self._dollar()
            elif char == "`":
                self._nested("`", 1)
            else:
                self._push(char)
                self.line += char == "\n"
                self.at += 1
        self.at += 1

    def _dollar(self) -> None:
        if self.text.startswith("${{", self.at):
            self._until("}}", 3)
        elif self.text.startswith("${", self.at):
            self._until("}", 2)
        elif self.text.startswith("$((", self.at):
            self._until("))", 3)
        elif self.text.startswith("$(", self.at):
            self._nested(")", 2)
        else:
            self._push("$")
            self.at += 1

    def _until(self, closing: str, skip: int) -> None:
        end = self.text.find(closing, self.at + skip)
        end = len(self.text) if end < 0 else end + len(closing)
        inside = self.text[self.at : end]
        self._push(inside)
        self.line += inside.count("\n")
        self.at = end

    def _nested(self, closing: str, skip: int) -> None:
        """`$( )` or backticks: the word keeps its text, the commands inside are listed as well."""
        begin = self.at + skip
        end = _closing(self.text, begin) if closing == ")" else self.text.find(closing, begin)
        end = len(self.text) if end < 0 else end
        inside = self.text[begin:end]
        self._push(self.text[self.at : end + 1])
        if self.depth < MAX_DEPTH:
            inner = _Lexer(inside, self.line, self.depth + 1)
            inner.run()
            self.found += inner.found
        self.line += inside.count("\n")
        self.at = end + 1

    def _operator(self, char: str) -> None:
        double = self.text[self.at : self.at + 2]
        if double in {"&&", "||", ";;", "|&"}:
            self._end_command("|" if double == "|&" else double)
            self.at += 2
            return
        if char == "&" and double == "&>":
            self._redirect()
            return
        self._end_command(char)
        self.at += 1

    def _redirect(self) -> None:
        if (heredoc := _HEREDOC.match(self.text, self.at)) is not None:
            self._end_word()
            self.heredocs.append(heredoc.group(2))
            self.at = heredoc.end()
            return
        if self.text.startswith("<(", self.at):
            self._nested(")", 2)
            return
        if self.word is not None and "".join(self.word).isdigit():
            self.word = None
        self._end_word()
        while self.at < len(self.text) and self.text[self.at] in "<>&|":
            self.at += 1
        while self.text[self.at : self.at + 1] in {" ", "\t"}:
            self.at += 1
        self.redirected = True


def _strip(words: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Words without leading keywords, assignments and wrappers such as `sudo`; and the assignments."""
    assignments: list[str] = []
    at = 0
    while at < len(words):
        word = words[at]
        if _ASSIGNMENT.match(word):
            assignments.append(word)
        elif word in _WRAPPERS:
            while at + 1 < len(words) and words[at + 1].startswith("-"):
                at += 1
        elif word == "timeout":
            at += 1
        elif word not in _KEYWORDS:
            break
        at += 1
    return tuple(words[at:]), tuple(assignments)


def _closing(text: str, at: int) -> int:
    """The index of the `)` that closes what began before `at`; -1 if there is none."""
    depth, quote = 1, ""
    while at < len(text):
        char = text[at]
        if char == "\\":
            at += 1
        elif quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in "()":
            depth += 1 if char == "(" else -1
            if depth == 0:
                return at
        at += 1
    return -1
