"""Groovy as a tree of calls, closures and texts: the structure of a Jenkinsfile, without types and without running it.

The grammar for tree-sitter was measured first (0.1.2): it fails on `try` around `sh 'x'`, on slashy strings and on
named arguments after multi-line strings, and it splits `sh "a" + b` in two without a sign of error. What this parser
does not understand it keeps as `Raw` with whatever calls stand inside, so that no call is lost.
"""

# Longer than 300 lines: one grammar.

from __future__ import annotations

from dataclasses import dataclass, field

from assess.pipelines._groovy_tokens import MAX_LENGTH, Lexer, Token
from assess.pipelines._groovy_tree import Call, Closure, Expression, Items, Raw, Text, shown

MAX_DEPTH = 50
MAX_CALLS = 20_000
_MODIFIERS = frozenset({"def", "final", "static", "private", "public", "protected", "void", "synchronized", "abstract"})
_WITH_CONDITION = frozenset({"if", "while", "for", "switch", "catch"})
_BARE = frozenset({"else", "try", "finally", "do"})
_OPERATORS = frozenset({
    "+", "-", "*", "/", "%", "==", "!=", "===", "!==", "<", ">", "<=", ">=", "&&", "||", "?", ":", "?:", "=~", "==~",
    "<=>", "<<", "..", "..<", "&", "|", "^", "**",
})  # fmt: skip
_ASSIGN = frozenset({"=", "+=", "-=", "*=", "/=", "%=", "?="})
_WORD_OPERATORS = frozenset({"in", "instanceof", "as"})
_PREFIXES = frozenset({"!", "-", "+", "~", "*", "++", "--", "&"})


@dataclass(frozen=True, slots=True)
class Parsed:
    """A file: its statements, and (line, text) of what was not understood."""

    statements: tuple[Expression, ...]
    problems: tuple[tuple[int, str], ...]


def parse(text: str) -> Parsed:
    """The structure of a Groovy text. Never raises; what is wrong is among the problems."""
    if len(text) > MAX_LENGTH:
        return Parsed((), ((1, f"too long (expected at most {MAX_LENGTH} characters)"),))
    tokens, problems = Lexer(text).run()
    parser = _Parser(text, tokens, problems)
    statements = parser.block(None)
    return Parsed(tuple(statements), tuple(dict.fromkeys(parser.problems)))


@dataclass(slots=True)
class _Parser:
    text: str
    tokens: list[Token]
    problems: list[tuple[int, str]]
    at: int = 0
    depth: int = 0
    calls: int = 0
    stopped: bool = False
    nested: list[bool] = field(default_factory=list)
    """Whether newlines mean nothing here: inside `( )` and `[ ]`."""

    def peek(self, ahead: int = 0) -> Token:
        return self.tokens[min(self.at + ahead, len(self.tokens) - 1)]

    def sign(self, text: str, ahead: int = 0) -> bool:
        token = self.peek(ahead)
        return token.kind == "sign" and token.text == text

    def next(self) -> Token:
        token = self.peek()
        self.at += 1
        return token

    def problem(self, line: int, text: str) -> None:
        if len(self.problems) < 200:
            self.problems.append((line, text))

    def newlines(self) -> None:
        while self.peek().kind == "newline":
            self.at += 1

    def block(self, closing: str | None) -> list[Expression]:
        """Statements up to the closing sign, which is taken."""
        found: list[Expression] = []
        opened = self.peek(-1).line if self.at else 1
        while True:
            token = self.peek()
            if token.kind == "end":
                if closing is not None:
                    self.problem(opened, f"a block does not end (expected `{closing}`)")
                return found
            if token.kind == "newline" or self.sign(";"):
                self.at += 1
            elif closing is not None and self.sign(closing):
                self.at += 1
                return found
            elif token.kind == "sign" and token.text in {"}", ")", "]"}:
                self.problem(token.line, f"`{token.text}` closes nothing")
                self.at += 1
            else:
                before = self.at
                found += self.statement()
                if self.at == before:
                    self.problem(token.line, f"not understood: `{token.text[:20]}`")
                    self.at += 1

    def statement(self) -> list[Expression]:
        """One statement; a keyword with its block is a call of that name."""
        token = self.peek()
        if self.exhausted():
            return []
        if self.sign("@"):
            return [self.annotation()]
        if self.sign("{"):
            self.at += 1
            return [self.closure(token.line)]
        if token.kind != "name":
            return [self.expression()]
        match token.text:
            case "import" | "package":
                while self.peek().kind not in {"newline", "end"} and not self.sign(";"):
                    self.at += 1
                return []
            case word if word in _WITH_CONDITION and self.sign("(", 1):
                return [self.conditional()]
            case word if word in _BARE and not self.sign(".", 1) and not self.sign("(", 1):
                self.at += 1
                return [Call(word, token.line, body=self.branch())]
            case "case" | "default" if self.sign(":", 1) or token.text == "case":
                while self.peek().kind not in {"newline", "end"} and not self.sign(":"):
                    self.at += 1
                self.at += 1
                return []
            case "class" | "interface" | "enum" | "trait" if self.peek(1).kind == "name":
                return [self.definition(token)]
            case "return" | "throw" | "assert":
                self.at += 1
                if self.peek().kind in {"newline", "end"} or self.sign(";") or self.sign("}"):
                    return []
                made = [self.expression()]
                if token.text == "assert" and self.sign(":"):
                    self.at += 1
                    made.append(self.expression())
                return made
            case "break" | "continue":
                self.at += 1
                return []
        return [self.declaration() or self.expression()]

    def exhausted(self) -> bool:
        """Whether the text is nested too deeply or too long; if so, nothing more of it is read."""
        if self.depth <= MAX_DEPTH and self.calls <= MAX_CALLS:
            return False
        if not self.stopped:
            self.problem(self.peek().line, "nested too deeply, or too long: the rest was not read")
            self.stopped = True
        self.at = len(self.tokens) - 1
        return True

    def annotation(self) -> Call:
        line = self.next().line
        name = self.next().text
        args: tuple[tuple[str | None, Expression], ...] = ()
        if self.sign("("):
            self.at += 1
            args = self.arguments(")")
        return Call("@" + name, line, args)

    def conditional(self) -> Call:
        word = self.next()
        begin = self.next().end
        inside = [value for _, value in self.arguments(")", lenient=True)]
        condition = self.text[begin : max(begin, self.peek(-1).at)].strip()
        body = self.branch()
        return Call(word.text, word.line, tuple((None, one) for one in inside), body, condition=condition)

    def branch(self) -> Closure:
        """The block or the one statement after a keyword."""
        self.newlines()
        token = self.peek()
        if self.sign("{"):
            self.at += 1
            return self.closure(token.line)
        self.depth += 1
        found = [] if token.kind == "end" or self.sign("}") else self.statement()
        self.depth -= 1
        return Closure(tuple(found), token.line)

    def definition(self, token: Token) -> Call:
        """A class: its methods do not run by being there."""
        while not self.sign("{") and self.peek().kind != "end":
            self.at += 1
        line = self.next().line
        return Call("class", token.line, body=self.closure(line))

    def declaration(self) -> Expression | None:
        """`def x = ...`, `String x = ...`, `def f(a) { ... }`; None if it is none, with nothing taken."""
        start = self.at
        modified = False
        while self.peek().kind == "name" and self.peek().text in _MODIFIERS:
            self.at += 1
            modified = True
        self.generics_type()
        name = self.peek()
        if name.kind in {"name", "text"} and self.sign("(", 1):
            typed = self.at > start
            end = self.matching(self.at + 1)
            opens = end is not None and self.tokens[end + 1].kind == "sign" and self.tokens[end + 1].text == "{"
            if typed and opens and end is not None and (modified or self.tokens[start].text[:1].isupper()):
                self.at = end + 2
                return Call("function", name.line, body=self.closure(name.line), condition=name.text)
        if name.kind == "name" and self.at > start and self.peek(1).kind == "sign" and self.peek(1).text == "=":
            self.at += 1
            return self.assignment(Raw(name.text, name.line))
        if modified and name.kind == "name" and self.peek(1).kind in {"newline", "end"}:
            self.at += 1
            return Raw(name.text, name.line)
        if modified and self.sign("("):
            end = self.matching(self.at)
            if end is not None and self.tokens[end + 1].text == "=":
                self.at = end + 1
                return self.assignment(Raw("(...)", name.line))
        self.at = start
        return None

    def generics_type(self) -> None:
        """Take a type name if a variable or method name follows it: `Map<String, X> a`, `int[] c`."""
        at = self.at
        if self.peek().kind != "name":
            return
        self.at += 1
        while self.sign(".") and self.peek(1).kind == "name":
            self.at += 2
        if self.sign("<"):
            depth = 0
            while self.peek().kind == "name" or self.peek().text in {"<", ">", ",", "?", "."}:
                depth += {"<": 1, ">": -1}.get(self.peek().text, 0)
                self.at += 1
                if depth == 0:
                    break
        if self.sign("[") and self.sign("]", 1):
            self.at += 2
        if self.peek().kind != "name" or not self.peek(1).text.startswith(("=", "(")) or self.peek(1).kind != "sign":
            self.at = at

    def matching(self, at: int) -> int | None:
        """The index of the token that closes the bracket at `at`."""
        depth = 0
        for index in range(at, min(at + 2_000, len(self.tokens) - 1)):
            token = self.tokens[index]
            if token.kind == "sign" and token.text in {"(", "[", "{"}:
                depth += 1
            elif token.kind == "sign" and token.text in {")", "]", "}"}:
                depth -= 1
                if depth == 0:
                    return index
        return None

    def assignment(self, left: Expression) -> Call:
        line = self.next().line
        self.newlines()
        return Call("=", line, ((None, left), (None, self.expression())))

    def expression(self) -> Expression:
        """Operands with operators between them; `"a" + b` stays one text."""
        if self.exhausted():
            return Raw("", self.peek().line)
        self.depth += 1
        begin = self.peek()
        parts: list[Expression] = [self.operand()]
        operators: list[str] = []
        while True:
            if self.quiet() or (self.peek().kind == "newline" and self.continues()):
                self.newlines()
            token = self.peek()
            if token.kind == "sign" and token.text in _ASSIGN and not operators:
                made = self.assignment(parts[0])
                self.depth -= 1
                return made
            is_operator = (token.kind == "sign" and token.text in _OPERATORS) or (
                token.kind == "name" and token.text in _WORD_OPERATORS and bool(parts)
            )
            if not is_operator or (token.text == ":" and "?" not in operators) or self.depth > MAX_DEPTH:
                break
            operators.append(token.text)
            self.at += 1
            self.newlines()
            parts.append(self.operand())
        self.depth -= 1
        if len(parts) == 1:
            return parts[0]
        written = self.text[begin.at : self.peek(-1).end]
        if set(operators) == {"+"} and any(isinstance(one, Text) for one in parts):
            written = "".join(one.text if isinstance(one, Text) else "${" + shown(one) + "}" for one in parts)
            return Text(written, begin.line, True)
        return Raw(written, begin.line, tuple(parts))

    def quiet(self) -> bool:
        return bool(self.nested) and self.nested[-1]

    def continues(self) -> bool:
        """The next line goes on with this expression: it begins with `.`, `?.`, `&&` or `||`."""
        ahead = 0
        while self.peek(ahead).kind == "newline":
            ahead += 1
        token = self.peek(ahead)
        return token.kind == "sign" and token.text in {".", "?.", "*.", "&&", "||", "?", "+"}

    def operand(self) -> Expression:
        token = self.peek()
        while token.kind == "sign" and token.text in _PREFIXES:
            self.at += 1
            token = self.peek()
        if token.kind == "name" and token.text == "new":
            self.at += 1
            token = self.peek()
        made = self.primary(token)
        return self.postfix(made)

    def primary(self, token: Token) -> Expression:
        if token.kind == "text":
            self.at += 1
            return Text(token.text, token.line, token.interpolates)
        if token.kind == "sign" and token.text == "(":
            self.at += 1
            inner = self.arguments(")")
            return inner[0][1] if len(inner) == 1 else Raw("(...)", token.line, tuple(value for _, value in inner))
        if token.kind == "sign" and token.text == "[":
            self.at += 1
            return Items(self.arguments("]"), token.line)
        if token.kind == "sign" and token.text == "{":
            self.at += 1
            return self.closure(token.line)
        if token.kind in {"name", "number"}:
            self.at += 1
            return Raw(token.text, token.line)
        if token.kind not in {"newline", "end"} and token.text not in {")", "]", "}", ",", ";"}:
            self.problem(token.line, f"not understood: `{token.text[:20]}`")
            self.at += 1
        return Raw("", token.line)

    def postfix(self, made: Expression) -> Expression:
        """Calls, members and indices after an operand; a bare name with arguments beside it is a call too."""
        while True:
            token = self.peek()
            if token.kind == "newline" and (self.quiet() or self.dotted()):
                if not self.dotted():
                    return made
                self.newlines()
                token = self.peek()
            if token.kind == "sign" and token.text in {".", "?.", "*.", ".&", "::"}:
                self.at += 1
                name = self.next()
                made = Call("." + name.text, name.line, object=made, condition="member")
            elif token.kind == "sign" and token.text == "(" and _callable(made):
                self.at += 1
                made = self.called(made, self.arguments(")"))
            elif token.kind == "sign" and token.text == "{" and _callable(made):
                self.at += 1
                made = self.called(made, ())
                made = Call(made.name, made.line, made.args, self.closure(token.line), made.object)
            elif token.kind == "sign" and token.text == "[" and not token.spaced:
                self.at += 1
                self.arguments("]")
                made = Raw(shown(made) + "[...]", token.line, (made,))
            elif token.kind == "sign" and token.text in {"++", "--"}:
                self.at += 1
            elif self.juxtaposed(made, token):
                made = self.called(made, self.command())
            else:
                return made

    def dotted(self) -> bool:
        ahead = 0
        while self.peek(ahead).kind == "newline":
            ahead += 1
        token = self.peek(ahead)
        return ahead > 0 and token.kind == "sign" and token.text in {".", "?.", "*."}

    def juxtaposed(self, made: Expression, token: Token) -> bool:
        """`sh 'x'`, `agent none`, `stage "a"`: an argument stands beside a name."""
        plain = isinstance(made, Raw) and not made.inside and made.text[:1].isidentifier()
        member = isinstance(made, Call) and made.condition == "member"
        if not (plain or member) or not token.spaced:
            return False
        if token.kind in {"text", "number"}:
            return True
        if token.kind == "name":
            return token.text not in _WORD_OPERATORS
        return token.kind == "sign" and token.text == "["

    def called(self, made: Expression, args: tuple[tuple[str | None, Expression], ...]) -> Call:
        self.calls += 1
        if isinstance(made, Call) and made.condition == "member":
            return Call(made.name, made.line, args, object=made.object)
        if isinstance(made, Call):
            return Call(made.name, made.line, (*made.args, *args), made.body, made.object)
        return Call(shown(made), made.line, args)

    def command(self) -> tuple[tuple[str | None, Expression], ...]:
        """Arguments without parentheses, up to the end of the line."""
        found: list[tuple[str | None, Expression]] = []
        self.nested.append(False)
        while True:
            found.append(self.argument())
            if not self.sign(","):
                break
            self.at += 1
            self.newlines()
        self.nested.pop()
        return tuple(found)

    def arguments(self, closing: str, lenient: bool = False) -> tuple[tuple[str | None, Expression], ...]:
        """Arguments or entries up to a closing sign, which is taken."""
        found: list[tuple[str | None, Expression]] = []
        opened = self.peek(-1).line
        self.nested.append(True)
        while True:
            self.newlines()
            token = self.peek()
            if token.kind == "end":
                self.problem(opened, f"a list does not end (expected `{closing}`)")
                break
            if self.sign(closing):
                self.at += 1
                break
            if self.sign(",") or self.sign(":") or (lenient and self.sign(";")):
                self.at += 1
                continue
            if token.kind == "sign" and token.text in {")", "]", "}"}:
                self.problem(token.line, f"`{token.text}` where `{closing}` was expected")
                break
            before = self.at
            found.append(self.argument())
            if self.at == before:
                self.at += 1
        self.nested.pop()
        return tuple(found)

    def argument(self) -> tuple[str | None, Expression]:
        """`name: value`, `'name': value`, `(name): value`, or a value."""
        token = self.peek()
        if token.kind in {"name", "text", "number"} and self.sign(":", 1):
            self.at += 2
            self.newlines()
            return token.text, self.expression()
        if self.sign("("):
            end = self.matching(self.at)
            if end is not None and self.tokens[end + 1].kind == "sign" and self.tokens[end + 1].text == ":":
                name = self.text[token.end : self.tokens[end].at]
                self.at = end + 2
                return "${" + name + "}", self.expression()
        declared = self.declaration() if token.kind == "name" else None
        return None, declared or self.expression()

    def closure(self, line: int) -> Closure:
        """A block after its `{`, with the names of its parameters."""
        parameters: list[str] = []
        ahead = 0
        while self.peek(ahead).kind in {"name", "newline"} or self.peek(ahead).text in {
            ",",
            "[",
            "]",
            "=",
            "<",
            ">",
            ".",
        }:
            ahead += 1
            if ahead > 40:
                break
        if self.sign("->", ahead):
            parameters = [self.peek(one).text for one in range(ahead) if self.peek(one).kind == "name"]
            self.at += ahead + 1
        self.depth += 1
        self.nested.append(False)
        found = self.block("}")
        self.nested.pop()
        self.depth -= 1
        return Closure(tuple(found), line, tuple(parameters))


def _callable(made: Expression) -> bool:
    if isinstance(made, Raw):
        return not made.inside and bool(made.text) and (made.text[0].isalpha() or made.text[0] in "_$")
    return isinstance(made, Call) and made.body is None
