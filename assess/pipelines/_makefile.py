"""Makefiles as far as `make TARGET` needs them: rules, recipes, simple variables. Nothing is run, no function called.

What is not understood (functions, computed targets, pattern rules) stays as written, so that it is met again as an
unknown program; a target that is not found is None, never nothing. Conditions are flattened: both branches count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from assess._frozen import frozen

MAX_RULES = 5_000
MAX_EXPANSION = 20_000
MAX_DEPTH = 10
MAX_TARGETS = 200

_ASSIGNMENT = re.compile(r"(?:override\s+|export\s+)*([A-Za-z_.][\w.-]*)\s*(\?=|\+=|:::?=|:=|!=|=)\s*(.*)\Z", re.DOTALL)
_RULE = re.compile(r"([^:=#]+?)\s*(::?)(?!=)\s*([^;#]*)(?:;(.*))?", re.DOTALL)
_REFERENCE = re.compile(r"\$(?:\(([^()$]*)\)|\{([^{}$]*)\}|([^\s(){}$]))")
_DIRECTIVES = ("ifeq", "ifneq", "ifdef", "ifndef", "else", "endif", "vpath", "unexport", "undefine", "private")
_MAKE_VALUES = frozenset({"-C", "--directory", "-f", "--file", "--makefile", "-I", "-o", "-W", "-E", "--eval"})


@frozen
class Line:
    """One line of a recipe: its text as make would hand it to the shell, its place, and whether it may fail (`-`)."""

    text: str
    line: int
    tolerated: bool = False


@dataclass(slots=True)
class Rule:
    """The recipe and the prerequisites of one target."""

    line: int
    prerequisites: list[str] = field(default_factory=list)
    recipe: list[tuple[str, int]] = field(default_factory=list)
    path: str = ""
    """The file that it stands in."""


@dataclass(slots=True)
class Makefile:
    """A Makefile as read: rules by target, variables, and the files that it includes."""

    rules: dict[str, Rule] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    includes: list[str] = field(default_factory=list)
    first: str | None = None
    """The target that `make` alone makes."""

    def take(self, other: Makefile) -> None:
        """What an included file adds."""
        for name, rule in other.rules.items():
            self.rules.setdefault(name, rule)
        for name, value in other.variables.items():
            self.variables.setdefault(name, value)
        self.first = self.first or other.first

    def lines(self, target: str, given: Mapping[str, str]) -> tuple[Line, ...] | None:
        """The recipe of a target, variables replaced (`given` on the command line wins); None without a rule."""
        rule = self.rules.get(target)
        if rule is None:
            return None
        own = {**self.variables, **given, "@": target, "<": (rule.prerequisites or [""])[0], "MAKE": "make"}
        own["^"] = " ".join(rule.prerequisites)
        found: list[Line] = []
        for text, line in rule.recipe:
            plain = text.lstrip("@-+ \t")
            tolerated = "-" in text[: len(text) - len(plain)]
            found.append(Line(expand(plain, own), line, tolerated))
        return tuple(found)

    def needs(self, target: str, given: Mapping[str, str]) -> tuple[str, ...]:
        """The prerequisites of a target, variables replaced."""
        rule = self.rules.get(target)
        if rule is None:
            return ()
        text = expand(" ".join(rule.prerequisites), {**self.variables, **given})
        return tuple(word for word in text.split() if word != "|" and "$" not in word)

    def recipes(self, target: str, given: Mapping[str, str]) -> Iterator[tuple[str, str, Line]]:
        """(target, file, line) of the recipes of a target's prerequisites, then of its own, each once."""
        seen: set[str] = set()
        stack = [(target, False)]
        while stack and len(seen) <= MAX_TARGETS:
            name, ready = stack.pop()
            if ready:
                for line in self.lines(name, given) or ():
                    yield name, self.rules[name].path, line
            elif name not in seen and name in self.rules:
                seen.add(name)
                stack.append((name, True))
                stack += [(one, False) for one in reversed(self.needs(name, given))]


def expand(text: str, variables: Mapping[str, str]) -> str:
    """`$(NAME)` replaced where the variable is known; others become the shell's `${NAME}`, `$(shell x)` its `$(x)`."""

    def value(found: re.Match[str]) -> str:
        name = (found.group(1) or found.group(2) or found.group(3) or "").strip()
        if name.startswith("shell "):
            return f"\0({name[6:]})"
        name, _, substitution = name.partition(":") if not name.startswith(":") else (name, "", "")
        if name in variables and not substitution:
            return variables[name]
        return "\0{" + re.sub(r"[^\w.-]+", "_", name or "_") + "}"

    text = text.replace("$$", "\0")
    for _ in range(MAX_DEPTH):
        after = _REFERENCE.sub(value, text).replace("$$", "\0")
        if after == text or len(after) > MAX_EXPANSION:
            break
        text = after
    return text[:MAX_EXPANSION].replace("\0", "$")


def read_makefile(text: str) -> Makefile:
    """A Makefile's rules and variables, in one pass over its lines."""
    found = Makefile()
    current: list[Rule] = []
    define: tuple[str, list[str]] | None = None
    for line, number in _logical(text):
        if define is not None:
            if line.strip() == "endef":
                found.variables[define[0]] = "\n".join(define[1])
                define = None
            else:
                define[1].append(line)
            continue
        if line.startswith("\t"):
            for rule in current:
                rule.recipe.append((line[1:], number))
            continue
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        word = stripped.split(None, 1)[0]
        if word == "define":
            define = (stripped.split(None, 2)[1].rstrip("=:") if " " in stripped else "", [])
        elif word in {"include", "-include", "sinclude"}:
            found.includes += stripped.split()[1:]
        elif word not in _DIRECTIVES and not (assignment := _assign(found, stripped)):
            current = _rules(found, stripped, number) if assignment is False else current
        if len(found.rules) > MAX_RULES:
            break
    return found


def _assign(found: Makefile, text: str) -> bool:
    match = _ASSIGNMENT.match(text)
    if match is None:
        return False
    name, operator, value = match.groups()
    value = value.partition(" #")[0].strip()
    if operator == "?=":
        found.variables.setdefault(name, value)
    elif operator == "+=":
        found.variables[name] = f"{found.variables.get(name, '')} {value}".strip()[:MAX_EXPANSION]
    elif operator == "!=":
        found.variables[name] = f"$(shell {value})"
    elif re.search(rf"\$[({{]{re.escape(name)}[)}}]", value):
        found.variables[name] = expand(value, {name: found.variables.get(name, "")})[:MAX_EXPANSION]
    else:
        found.variables[name] = value[:MAX_EXPANSION]
    return True


def _rules(found: Makefile, text: str, number: int) -> list[Rule]:
    match = _RULE.match(text)
    if match is None:
        return []
    names, _, needs, inline = match.groups()
    rules: list[Rule] = []
    for name in expand(names, found.variables).split():
        if _ASSIGNMENT.match(needs):  # a variable of one target only
            continue
        rule = found.rules.setdefault(name, Rule(number))
        rule.prerequisites += needs.split()
        if inline:
            rule.recipe.append((inline.strip(), number))
        rules.append(rule)
        if found.first is None and not name.startswith(".") and "%" not in name:
            found.first = name
    return rules


def _logical(text: str) -> list[tuple[str, int]]:
    """Lines with their numbers (from 1), continued ones joined; in recipes the shell joins them itself."""
    found: list[tuple[str, int]] = []
    held: list[str] = []
    start = 0
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if not held:
            start = number
        recipe = (held[0] if held else line).startswith("\t")
        if line.endswith("\\") and not line.endswith("\\\\"):
            held.append(line if recipe else line[:-1])
            continue
        held.append(line)
        found.append(("\n".join(held) if recipe else " ".join(held), start))
        held = []
    if held:
        found.append((" ".join(held), start))
    return found


@dataclass(frozen=True, slots=True)
class MakeCall:
    """A `make` command: its targets, the variables that it sets, the folders it goes into, one from the other."""

    targets: tuple[str, ...]
    variables: Mapping[str, str]
    directories: tuple[str, ...]
    file: str | None


def read_call(words: tuple[str, ...]) -> MakeCall:
    """What the words of a `make` command ask for."""
    targets: list[str] = []
    variables: dict[str, str] = {}
    directories: list[str] = []
    file: str | None = None
    at = 1
    while at < len(words):
        word = words[at]
        name, _, value = word.partition("=")
        if word in _MAKE_VALUES:
            at += 1
            name, value = word, words[at] if at < len(words) else ""
        elif word in {"-j", "-l"} and at + 1 < len(words) and re.fullmatch(r"\d+|\$.*", words[at + 1]):
            at += 1
            name = ""
        elif word.startswith("-C") and not word.startswith("--"):
            name, value = "-C", word[2:]
        if name in {"-C", "--directory"}:
            directories.append(value)
        elif name in {"-f", "--file", "--makefile"}:
            file = value
        elif name.startswith("-") or not name:
            pass
        elif "=" in word:
            variables[name.rstrip(":")] = value
        else:
            targets.append(word)
        at += 1
    return MakeCall(tuple(targets), variables, tuple(directories), file)
