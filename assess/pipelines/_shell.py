"""Shell text as a flat list of simple commands, for recognising what a script calls; nothing is run or expanded.

A lexer for sh and bash: quotes, escapes, comments, here-documents, `$( )`, arrays, tests, `case`, functions, lists
and pipes. Conditions, loops and function bodies are flattened: a command counts wherever it stands. Where the lexer
is not sure and the extra `[parsers]` is installed, tree-sitter-bash decides (`_shell_tree`); PowerShell and cmd have
a lexer of their own (`_shell_windows`).
"""

# Longer than 300 lines: one lexer, whose state only holds together.

from __future__ import annotations

import re

from assess._frozen import frozen, replace

MAX_LENGTH = 200_000
MAX_COMMANDS = 5_000
MAX_DEPTH = 20

_KEYWORDS = frozenset(
    {"if", "then", "else", "elif", "fi", "do", "done", "while", "until", "!", "{", "}", "time", "esac", "in", "coproc"}
)
_CONDITIONS = frozenset({"if", "elif", "while", "until"})
_NO_COMMAND = frozenset({"for", "select", "case", "function"})
_WRAPPERS = frozenset(
    {"sudo", "doas", "exec", "nohup", "command", "time", "builtin", "nice", "stdbuf", "unbuffer", "env"}
)
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\[[^\]]*\])?\+?=")
_ARRAY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=\Z")
_HEREDOC = re.compile(r"<<(-?)[ \t]*(\\?)(['\"]?)([A-Za-z_][A-Za-z0-9_.-]*)\3")
_TEMPLATE = re.compile(r"<<[ \t]*[A-Za-z_][\w-]*(?:\.[\w-]+)+[ \t]*>>")
_PLAIN = re.compile(r"[^\s'\"\\$`;|&()<>#]+")
_INSIDE = re.compile(r'[^"\\$`]+')
_SUBSTITUTION = re.compile(r"(?<!\\)(?:\$\((?!\()|`)")
_TEST_END = r"\s\]\](?=[\s;)&|]|\Z)"
_ARITHMETIC_END = r"\)\)"
_PARENTHESES = re.compile(r"\(\s*\)")
SWALLOWS = frozenset({"true", ":", "echo", "printf"})
GIVES_UP = frozenset({"exit", "return", "false", "die", "fail"})


@frozen
class Command:
    """One simple command: `words` with quotes removed and expansions as written; `line` counts from 0."""

    words: tuple[str, ...]
    line: int
    assignments: tuple[str, ...] = ()
    tolerated: bool | None = False
    """Its failure does not stop the script (`|| true`, `|| echo ...`); None in a condition, or after `set +e`."""
    piped_from: tuple[str, ...] | None = None
    """The words of the command whose output it reads."""
    scope: tuple[int, ...] = ()
    """The subshells around it, each by a number of its own: what `cd` does in one ends with it."""
    writes: str | None = None
    """Where its output goes (`>`, `>>`), as written."""
    document: tuple[str, int] | None = None
    """The here-document that it reads, and the line where that begins (from 0)."""

    @property
    def program(self) -> str:
        """The program's name without its folder; "" for assignments alone."""
        return self.words[0].replace("\\", "/").rpartition("/")[2] if self.words else ""


@frozen
class Script:
    """The commands of a script in order, those inside `$( )` and backticks before the command that holds them."""

    commands: tuple[Command, ...]
    unsure: str | None = None
    """Why something of it may have been misread: a quotation that does not end, for instance."""


def commands(text: str) -> tuple[Command, ...] | None:
    """The commands of a sh or bash script, as `read_script` gives them; None if it is too long."""
    script = read_script(text)
    return None if script is None else script.commands


def read_script(text: str) -> Script | None:
    """A sh or bash script as commands; None if it is too long."""
    if len(text) > MAX_LENGTH:
        return None
    lexer = _Lexer(text)
    lexer.run()
    if len(lexer.found) > MAX_COMMANDS:
        return None
    if lexer.unsure is not None:
        from assess.pipelines._shell_tree import parsed

        better = parsed(text)
        if better is not None and len(better) <= MAX_COMMANDS:
            return Script(without_errexit(better))
    return Script(without_errexit(lexer.found), lexer.unsure)


def without_errexit(found: list[Command]) -> tuple[Command, ...]:
    """The commands, those after `set +e` with failures that may be tolerated."""
    careless, told = False, []
    for one in found:
        if one.words[:1] == ("set",):
            careless = "+e" in one.words or (careless and not any(re.match(r"-\w*e", word) for word in one.words[1:]))
        told.append(replace(one, tolerated=None) if careless and one.tolerated is False else one)
    return tuple(told)


class _Lexer:
    def __init__(
        self, text: str, line: int = 0, depth: int = 0, scope: tuple[int, ...] = (), numbers: list[int] | None = None
    ) -> None:
        self.text = text
        self.at = 0
        self.line = line
        self.depth = depth
        self.scope = scope
        self.outside = len(scope)
        self.numbers = [0] if numbers is None else numbers
        """The last subshell number given, shared with the lexers of nested texts."""
        self.found: list[Command] = []
        self.words: list[str] = []
        self.word: list[str] | None = None
        self.quoted = False
        self.start = line
        self.pipe: tuple[str, ...] | None = None
        self.heredocs: list[tuple[str, bool, bool]] = []
        """Endings that are waited for, each with: its lines may be indented, and expansions in it are run."""
        self.reader: int | None = None
        """Index of the command that reads the here-document."""
        self.redirected = ""
        """The word that is being read is a file name after this `>` or `<`."""
        self.writes: str | None = None
        self.pending_or: int | None = None
        """Index of the command left of a `||` that was just read."""
        self.fallback: tuple[int, bool] | None = None
        """Index of the command before `|| {`, and whether something inside gives up."""
        self.cases: list[bool] = []
        """The `case`s around, each with whether a pattern is being read."""
        self.condition = False
        """Between `if` and `then`, or `while` and `do`."""
        self.unsure: str | None = None

    def run(self) -> None:
        text, found, plain = self.text, self.found, _PLAIN.match
        end = len(text)
        while (at := self.at) < end and len(found) <= MAX_COMMANDS:
            if (word := plain(text, at)) is None:
                self._step(text[at])
                continue
            # the shortest way for what most of a script is: words with spaces between them
            if self.word is None:
                self.word = []
                if not self.words:
                    self.start = self.line
            self.word.append(word[0])
            self.at = at = word.end()
            if text[at : at + 1] == " ":
                self.at = at + 1
                self._end_word()
        self._end_command(None)

    def _step(self, char: str) -> None:
        if char in " \t\r":
            self.at += 1
            if self.word is not None:
                self._end_word()
        elif char == "\n":
            self._newline()
        elif char == "\\":
            following = self.text[self.at + 1 : self.at + 2]
            if following == "\n":
                self.line += 1
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
        if self.word is None:
            return
        text = "".join(self.word)
        self.word = None
        quoted, self.quoted = self.quoted, False
        if self.redirected:
            if ">" in self.redirected and not text.isdigit() and text != "-":
                self.writes = text
            self.redirected = ""
            return
        self.words.append(text)
        if quoted:
            return
        if text == "in" and len(self.words) >= 3 and self.words[-3] == "case" and _only_keywords(self.words[:-3]):
            self.cases.append(True)
            self.words = []
        elif text == "esac" and self.cases and len(self.words) == 1:
            self.cases.pop()
            self.words = []
        elif text == "[[" and _only_keywords(self.words[:-1]):
            self._raw(_TEST_END, 3)

    def _end_command(self, operator: str | None) -> None:
        self._end_word()
        if self.cases and self.cases[-1]:
            self.words = []
            return
        words, assignments, keywords = strip(self.words)
        index = None
        for word in keywords:
            self.condition = word in _CONDITIONS or (self.condition and word not in {"then", "do"})
        if self.fallback is not None:
            self._inside_fallback(words, keywords)
        if words or assignments or self.writes:
            doubtful = self.condition or "!" in keywords
            index = len(self.found)
            self.found.append(
                Command(words, self.start, assignments, None if doubtful else False, self.pipe, self.scope, self.writes)
            )
            if self.pending_or is not None and words and "{" not in keywords and words[0] in SWALLOWS:
                self._tolerate(self.pending_or)
        if self.pending_or is not None and "{" in keywords:
            self.fallback = (self.pending_or, bool(words) and words[0] in GIVES_UP)
        if self.heredocs and self.reader is None:
            self.reader = index
        self.pending_or = index if operator == "||" else None
        self.pipe = words if operator == "|" else None
        self.words = []
        self.writes = None

    def _inside_fallback(self, words: tuple[str, ...], keywords: list[str]) -> None:
        """`a || { ...; }`: tolerated unless something between the braces gives up."""
        if self.fallback is None:
            return
        index, gives_up = self.fallback
        if "}" in keywords or words[:1] == ("}",):
            if not gives_up:
                self._tolerate(index)
            self.fallback = None
        else:
            self.fallback = (index, gives_up or (bool(words) and words[0] in GIVES_UP))

    def _tolerate(self, index: int) -> None:
        self.found[index] = replace(self.found[index], tolerated=True)

    def _newline(self) -> None:
        pending = self.pipe if not self.words and self.word is None else None
        waiting = self.pending_or if not self.words and self.word is None else None
        self._end_command(None)
        self.pipe, self.pending_or = pending, waiting
        self.at += 1
        self.line += 1
        for ending, indented, live in self.heredocs:
            self._here_document(ending, indented, live)
        self.heredocs = []
        self.reader = None

    def _here_document(self, ending: str, indented: bool, live: bool) -> None:
        begin, first, closed = self.at, self.line, False
        end = begin
        while self.at < len(self.text):
            end = self.at
            stop = self.text.find("\n", self.at)
            stop = len(self.text) if stop < 0 else stop
            body = self.text[self.at : stop]
            self.at = min(stop + 1, len(self.text))
            self.line += 1
            # YAML blocks and `<<-` may indent the ending; only tabs may in truth, but nobody writes it as text
            if (body.strip() if indented or body[:1].isspace() else body.rstrip()) == ending:
                closed = True
                break
            end = self.at
        if not closed:
            self.unsure = f"the here-document {ending[:40]!r} does not end"
        text = self.text[begin:end]
        if self.reader is not None and self.reader < len(self.found):
            self.found[self.reader] = replace(self.found[self.reader], document=(text, first))
        if live and ("$(" in text or "`" in text):
            self._substitutions(text, first)

    def _substitutions(self, text: str, line: int) -> None:
        """The commands inside `$( )` and backticks of a text that is no command itself."""
        if self.depth >= MAX_DEPTH:
            return
        at = 0
        while (found := _SUBSTITUTION.search(text, at)) is not None:
            begin = found.end()
            end = _closing(text, begin) if found.group() == "$(" else text.find("`", begin)
            end = len(text) if end < 0 else end
            self._inner(text[begin:end], line + text.count("\n", 0, begin))
            at = end + 1

    def _inner(self, text: str, line: int) -> None:
        if self.depth >= MAX_DEPTH:
            self.unsure = "substitutions are nested too deeply"
            return
        self.numbers[0] += 1
        inner = _Lexer(text, line, self.depth + 1, (*self.scope, self.numbers[0]), self.numbers)
        inner.run()
        self.found += inner.found
        self.unsure = self.unsure or inner.unsure

    def _quoted_single(self) -> None:
        end = self.text.find("'", self.at + 1)
        if end < 0:
            end, self.unsure = len(self.text), "a quotation does not end"
        inside = self.text[self.at + 1 : end]
        self._push(inside)
        self.quoted = True
        self.line += inside.count("\n")
        self.at = end + 1

    def _quoted_double(self) -> None:
        self._push("")
        self.quoted = True
        self.at += 1
        while self.at < len(self.text) and (char := self.text[self.at]) != '"':
            if char == "\\":
                following = self.text[self.at + 1 : self.at + 2]
                self._push(
                    following if following in {'"', "\\", "$", "`"} else "" if following == "\n" else char + following
                )
                self.line += following == "\n"
                self.at += 2
            elif char == "$":
                self._dollar()
            elif char == "`":
                self._nested("`", 1)
            else:
                inside = _INSIDE.match(self.text, self.at)
                end = inside.end() if inside is not None else self.at + 1
                self._push(self.text[self.at : end])
                self.line += self.text.count("\n", self.at, end)
                self.at = end
        if self.at >= len(self.text):
            self.unsure = "a quotation does not end"
        self.at += 1

    def _dollar(self) -> None:
        if self.text.startswith("${{", self.at):
            self._until("}}", 3)
        elif self.text.startswith("${", self.at):
            self._brace()
        elif self.text.startswith("$((", self.at):
            self._until("))", 3)
        elif self.text.startswith("$(", self.at):
            self._nested(")", 2)
        else:
            self._push("$")
            self.at += 1

    def _brace(self) -> None:
        """`${...}` with what is nested in it: `${X:-${Y}}`, `${X:-$(cmd)}`."""
        depth, at = 0, self.at + 2
        while at < len(self.text):
            char = self.text[at]
            if char == "\\":
                at += 1
            elif char == "{" and self.text[at - 1] == "$":
                depth += 1
            elif char == "}":
                if depth == 0:
                    break
                depth -= 1
            at += 1
        inside = self.text[self.at : at + 1]
        self._push(inside)
        if "$(" in inside:
            self._substitutions(inside, self.line)
        self.line += inside.count("\n")
        self.at = at + 1

    def _until(self, closing: str, skip: int) -> None:
        end = self.text.find(closing, self.at + skip)
        end = len(self.text) if end < 0 else end + len(closing)
        inside = self.text[self.at : end]
        self._push(inside)
        if "$(" in inside[2:] and not inside.startswith("${{"):
            self._substitutions(inside[2:], self.line)
        self.line += inside.count("\n")
        self.at = end

    def _raw(self, closing: str, length: int) -> None:
        """Text that is no command (`[[ ]]`, `(( ))`) as one word; what is substituted inside is listed."""
        found = re.compile(closing).search(self.text, self.at)
        end = found.start() + length if found is not None else len(self.text)
        if found is None:
            self.unsure = "a test does not end"
        inside = self.text[self.at : end]
        self._push(inside.strip())
        if "$(" in inside or "`" in inside:
            self._substitutions(inside, self.line)
        self.line += inside.count("\n")
        self.at = end

    def _nested(self, closing: str, skip: int) -> None:
        """`$( )` or backticks: the word keeps its text, the commands inside are listed as well."""
        begin = self.at + skip
        end = _closing(self.text, begin) if closing == ")" else self.text.find(closing, begin)
        if end < 0:
            end, self.unsure = len(self.text), "a substitution does not end"
        inside = self.text[begin:end]
        self._push(self.text[self.at : end + 1])
        self._inner(inside, self.line)
        self.line += inside.count("\n")
        self.at = end + 1

    def _operator(self, char: str) -> None:
        double = self.text[self.at : self.at + 2]
        if self.cases and self.cases[-1]:
            self._end_word()  # which may be the `esac` that ends them
        if double in {"&&", "||", ";;", "|&", ";&"}:
            self._end_command("|" if double == "|&" else double)
            if double in {";;", ";&"} and self.cases:
                self.cases[-1] = True
            self.at += 3 if self.text.startswith(";;&", self.at) else 2
        elif double == "&>":
            self._redirect()
        elif self.cases and self.cases[-1]:
            self._pattern(char)
        elif char == "(":
            self._parenthesis(double)
        else:
            self._end_command(char)
            if char == ")" and len(self.scope) > self.outside:
                self.scope = self.scope[:-1]
            elif char == ")":
                self.unsure = self.unsure or "a parenthesis closes nothing"
            self.at += 1

    def _pattern(self, char: str) -> None:
        self.word, self.words = None, []
        if char == ")":
            self.cases[-1] = False
        self.at += 1

    def _parenthesis(self, double: str) -> None:
        word = "".join(self.word) if self.word is not None else ""
        if _ARRAY.match(word):
            end = _closing(self.text, self.at + 1)
            end = len(self.text) - 1 if end < 0 else end
            inside = self.text[self.at : end + 1]
            self._push(inside)
            self._substitutions(inside, self.line)
            self.line += inside.count("\n")
            self.at = end + 1
        elif (self.word is not None or self.words) and (empty := _PARENTHESES.match(self.text, self.at)) is not None:
            self.word, self.words = None, []
            self.at = empty.end()
        elif double == "((" and self.word is None and _only_keywords(self.words):
            self._raw(_ARITHMETIC_END, 2)
            self.word = None
        else:
            self._end_command("(")
            self.numbers[0] += 1
            self.scope = (*self.scope, self.numbers[0])
            self.at += 1

    def _redirect(self) -> None:
        if self.text.startswith("<<<", self.at):
            self._end_word()
            self.redirected = "<"
            self.at += 3
            while self.text[self.at : self.at + 1] in {" ", "\t"}:
                self.at += 1
            return
        if (template := _TEMPLATE.match(self.text, self.at)) is not None:  # CircleCI's `<< parameters.x >>`
            self._push(template.group())
            self.at = template.end()
            return
        if (heredoc := _HEREDOC.match(self.text, self.at)) is not None:
            self._end_word()
            self.heredocs.append((heredoc.group(4), bool(heredoc.group(1)), not (heredoc.group(2) or heredoc.group(3))))
            self.at = heredoc.end()
            return
        if self.text.startswith("<(", self.at) or self.text.startswith(">(", self.at):
            self._nested(")", 2)
            return
        if self.word is not None and "".join(self.word).isdigit():
            self.word = None
        self._end_word()
        begin = self.at
        while self.at < len(self.text) and self.text[self.at] in "<>&|":
            self.at += 1
        self.redirected = self.text[begin : self.at]
        while self.text[self.at : self.at + 1] in {" ", "\t"}:
            self.at += 1


def _only_keywords(words: list[str]) -> bool:
    return all(word in _KEYWORDS for word in words)


def strip(words: list[str]) -> tuple[tuple[str, ...], tuple[str, ...], list[str]]:
    """Words without leading keywords, assignments and wrappers such as `sudo`; the assignments; the keywords."""
    assignments: list[str] = []
    keywords: list[str] = []
    at = 0
    while at < len(words):
        word = words[at]
        if _ASSIGNMENT.match(word):
            assignments.append(word)
        elif word in _KEYWORDS:
            keywords.append(word)
        elif word in _WRAPPERS:
            while at + 1 < len(words) and words[at + 1].startswith("-"):
                at += 1
        elif word == "timeout":
            while at + 1 < len(words) and words[at + 1].startswith("-"):
                at += 1
            at += 1
        elif word in _NO_COMMAND:
            rest = words[at + 2 :] if word == "function" else []
            return (*strip(rest)[:2], [*keywords, *(w for w in rest if w in _KEYWORDS)])
        else:
            break
        at += 1
    return tuple(words[at:]), tuple(assignments), keywords


def _closing(text: str, at: int, level: int = 0) -> int:
    """The index of the `)` that closes what began before `at`; -1 if there is none."""
    depth, quote = 1, ""
    while at < len(text):
        char = text[at]
        if char == "\\" and quote != "'":
            at += 1
        elif quote:
            if char == quote:
                quote = ""
            elif quote == '"' and char == "$" and text[at + 1 : at + 2] == "(":
                inner = _closing(text, at + 2, level + 1) if level < MAX_DEPTH else -1
                if inner < 0:
                    return -1
                at = inner
        elif char in "'\"":
            quote = char
        elif char == "#" and text[at - 1] in " \t\n":
            end = text.find("\n", at)
            at = len(text) if end < 0 else end
        elif char in "()":
            depth += 1 if char == "(" else -1
            if depth == 0:
                return at
        at += 1
    return -1
