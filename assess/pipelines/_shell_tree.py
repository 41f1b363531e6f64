"""Shell text through tree-sitter-bash, for scripts that our own lexer is not sure of; None without the extra."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import replace
from typing import Any

from assess.pipelines._shell import GIVES_UP, MAX_COMMANDS, SWALLOWS, Command, strip

MAX_NESTING = 150
_EXPRESSION = re.compile(rb"\$\{\{.*?\}\}", re.DOTALL)
_LISTS = frozenset({"command_substitution", "process_substitution"})
_WORDS = frozenset(
    {
        "command_name",
        "word",
        "string",
        "raw_string",
        "concatenation",
        "number",
        "simple_expansion",
        "expansion",
        "command_substitution",
        "process_substitution",
        "ansi_c_string",
        "arithmetic_expansion",
        "extglob_pattern",
        "regex",
        "array",
        "brace_expression",
        "test_operator",
    }
)


def parsed(text: str) -> list[Command] | None:
    """The commands of a script by its syntax tree; None where tree-sitter-bash is absent or cannot parse it."""
    try:
        import tree_sitter
        import tree_sitter_bash
    except ImportError:
        return None
    data = text.encode("utf-8", "replace")
    # expressions of the CI system are no shell: a word of the same length takes their place
    masked = _EXPRESSION.sub(lambda found: b"E" * len(found.group()), data)
    tree = tree_sitter.Parser(tree_sitter.Language(tree_sitter_bash.language())).parse(masked)
    if tree.root_node.has_error:
        return None
    walk = _Walk(data)
    try:
        walk.visit(tree.root_node, 0)
    except RecursionError:
        return None
    return None if walk.too_deep else walk.found


class _Walk:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.lines = [0, *(found.end() for found in re.finditer(rb"\n", data))]
        self.found: list[Command] = []
        self.numbers = 0
        self.scope: tuple[int, ...] = ()
        self.too_deep = False

    def visit(
        self, node: Any, depth: int, piped: tuple[str, ...] | None = None, doubtful: bool = False
    ) -> tuple[str, ...]:
        """List the commands below; the words of the last one, which a pipe would read from."""
        if depth > MAX_NESTING or len(self.found) > MAX_COMMANDS:
            self.too_deep = self.too_deep or depth > MAX_NESTING
            return ()
        match node.type:
            case "command":
                return self._command(node, depth, piped, doubtful)
            case "declaration_command" | "unset_command" | "test_command":
                return self._other(node, depth, piped, doubtful)
            case "variable_assignment" | "variable_assignments":
                self._inside(node, depth)
                self._add((), node, (self._text(node),), piped, doubtful)
                return ()
            case "pipeline":
                for child in node.named_children:
                    piped = self.visit(child, depth + 1, piped, doubtful)
                return piped or ()
            case "list":
                return self._list(node, depth, piped, doubtful)
            case "subshell" | "command_substitution" | "process_substitution":
                self.numbers += 1
                outer, self.scope = self.scope, (*self.scope, self.numbers)
                last = self._children(node, depth, piped, doubtful)
                self.scope = outer
                return last
            case "comment" | "heredoc_start" | "heredoc_end" | "heredoc_content":
                return ()
            case "negated_command":
                return self._children(node, depth, piped, True)
            case "if_statement" | "elif_clause" | "while_statement":
                return self._conditional(node, depth, piped, doubtful)
            case "redirected_statement":
                return self._redirected(node, depth, piped, doubtful)
            case _:
                return self._children(node, depth, piped, doubtful)

    def _children(self, node: Any, depth: int, piped: tuple[str, ...] | None, doubtful: bool) -> tuple[str, ...]:
        last: tuple[str, ...] = ()
        for child in node.named_children:
            last = self.visit(child, depth + 1, piped, doubtful)
            piped = None
        return last

    def _conditional(self, node: Any, depth: int, piped: tuple[str, ...] | None, doubtful: bool) -> tuple[str, ...]:
        first = True
        last: tuple[str, ...] = ()
        for child in node.named_children:
            last = self.visit(child, depth + 1, piped, doubtful or first)
            first = first and child.type == "comment"
        return last

    def _list(self, node: Any, depth: int, piped: tuple[str, ...] | None, doubtful: bool) -> tuple[str, ...]:
        left, right = node.named_children[0], node.named_children[-1]
        words = self.visit(left, depth + 1, piped, doubtful)
        guarded = len(self.found) - 1
        before = len(self.found)
        last = self.visit(right, depth + 1, None, doubtful)
        operator = node.children[1].type
        if operator == "||" and words and before < len(self.found):
            programs = {one.words[0] for one in self.found[before:] if one.words}
            grouped = right.type in {"compound_statement", "subshell"}
            first = next((one.words[0] for one in self.found[before:] if one.words), "")
            swallowed = not programs & GIVES_UP if grouped else first in SWALLOWS
            if swallowed:
                old = self.found[guarded]
                self.found[guarded] = replace(old, tolerated=True)
        return last

    def _redirected(self, node: Any, depth: int, piped: tuple[str, ...] | None, doubtful: bool) -> tuple[str, ...]:
        body = node.child_by_field_name("body")
        before = len(self.found)
        last = self.visit(body, depth + 1, piped, doubtful) if body is not None else ()
        for redirect in node.children_by_field_name("redirect"):
            if redirect.type == "heredoc_redirect":
                self._heredoc(redirect, depth, before, last)
            else:
                self._inside(redirect, depth)
                self._writes(redirect, before)
        return last

    def _writes(self, redirect: Any, before: int) -> None:
        destination = redirect.child_by_field_name("destination")
        if (
            destination is None
            or len(self.found) <= before
            or not any(c.type.startswith((">", "&>")) for c in redirect.children)
        ):
            return
        name = self._word(destination)
        if not name.isdigit():
            old = self.found[-1]
            self.found[-1] = replace(old, writes=name)

    def _heredoc(self, redirect: Any, depth: int, before: int, last: tuple[str, ...]) -> None:
        for child in redirect.named_children:
            if child.type == "heredoc_body":
                if len(self.found) > before:
                    old = self.found[before]
                    text = self.data[child.start_byte : child.end_byte].decode("utf-8", "replace")
                    self.found[before] = replace(old, document=(text, self._line(child)))
                self._inside(child, depth)
            elif child.type == "pipeline":
                for one in child.named_children:
                    last = self.visit(one, depth + 1, last)
            elif child.type == "file_redirect":
                self._writes(child, before)
            else:
                self.visit(child, depth + 1)

    def _command(self, node: Any, depth: int, piped: tuple[str, ...] | None, doubtful: bool) -> tuple[str, ...]:
        self._inside(node, depth)
        assignments = tuple(self._text(c) for c in node.named_children if c.type == "variable_assignment")
        words = [self._word(c) for c in node.named_children if c.type in _WORDS]
        return self._add(tuple(words), node, assignments, piped, doubtful)

    def _other(self, node: Any, depth: int, piped: tuple[str, ...] | None, doubtful: bool) -> tuple[str, ...]:
        """`export X=1`, `[[ ... ]]`, `[ ... ]`: their words are those of the text."""
        self._inside(node, depth)
        if node.type == "test_command":
            return self._add(tuple(self._text(node).split()), node, (), piped, doubtful)
        words = [node.children[0].type, *(self._word(c) for c in node.named_children)]
        return self._add(tuple(words), node, (), piped, doubtful)

    def _add(
        self,
        words: tuple[str, ...],
        node: Any,
        assignments: tuple[str, ...],
        piped: tuple[str, ...] | None,
        doubtful: bool,
    ) -> tuple[str, ...]:
        words, more, _ = strip(list(words))
        if words or assignments or more:
            tolerated = None if doubtful else False
            self.found.append(Command(words, self._line(node), (*assignments, *more), tolerated, piped, self.scope))
        return words

    def _inside(self, node: Any, depth: int) -> None:
        """List what is substituted somewhere below a node that is no list of commands itself."""
        stack = list(reversed(node.named_children))
        while stack:
            one = stack.pop()
            if one.type in _LISTS:
                self.visit(one, depth + 1)
            else:
                stack += reversed(one.named_children)

    def _line(self, node: Any) -> int:
        return bisect_right(self.lines, node.start_byte) - 1

    def _text(self, node: Any) -> str:
        return self.data[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def _word(self, node: Any) -> str:
        text = self._text(node)
        match node.type:
            case "raw_string":
                return text[1:-1]
            case "string":
                return re.sub(r'\\(["\\$`\n])', lambda found: "" if found[1] == "\n" else found[1], text[1:-1])
            case "concatenation" | "command_name" if node.named_children:
                at, pieces = node.start_byte, []
                for child in node.named_children:
                    pieces += [self.data[at : child.start_byte].decode("utf-8", "replace"), self._word(child)]
                    at = child.end_byte
                return "".join((*pieces, self.data[at : node.end_byte].decode("utf-8", "replace")))
            case "variable_assignment":
                name, _, value = text.partition("=")
                inner = node.child_by_field_name("value")
                return f"{name}={self._word(inner) if inner is not None else value}"
            case "word":
                return re.sub(r"\\(.|\n)", lambda found: "" if found[1] == "\n" else found[1], text)
            case _:
                return text
