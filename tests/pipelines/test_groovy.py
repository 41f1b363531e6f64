"""Groovy's structure as a Jenkinsfile uses it, compared with a grammar of somebody else's where that one is sure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from assess.pipelines._groovy import parse
from assess.pipelines._groovy_tree import Call, Closure, Expression, Items, Raw, Text, calls_in

FIXTURES = sorted((Path(__file__).parent.parent / "fixtures" / "jenkins").glob("*/Jenkinsfile"))


def short(one: Expression) -> Any:
    """An expression as plain values: calls as lists, texts as strings, all else in angle brackets."""
    match one:
        case Text():
            return one.text
        case Raw():
            return f"<{one.text}>"
        case Items():
            named = any(key is not None for key, _ in one.entries)
            return (
                {key: short(value) for key, value in one.entries}
                if named
                else [short(value) for _, value in one.entries]
            )
        case Closure():
            return ("closure", [short(value) for value in one.statements])
        case Call():
            args = [short(value) if key is None else {key: short(value)} for key, value in one.args]
            before = [short(one.object)] if one.object is not None else []
            return [*before, one.name, *args, *([short(one.body)] if one.body is not None else [])]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sh 'make'", [["sh", "make"]]),
        ('sh "a ${b("}")} c"', [["sh", 'a ${b("}")} c']]),
        ("sh '''a\n  b'''", [["sh", "a\n  b"]]),
        ("sh label: 'x', script: '''ls'''", [["sh", {"label": "x"}, {"script": "ls"}]]),
        ("sh(script: \"a\" + b, returnStdout: true)", [["sh", {"script": "a${b}"}, {"returnStdout": "<true>"}]]),
        ("agent none", [["agent", "<none>"]]),
        ("stage('A') { echo 'x' }", [["stage", "A", ("closure", [["echo", "x"]])]]),
        ("def v = sh(script: 'x').trim()", [["=", "<v>", [["sh", {"script": "x"}], ".trim"]]]),
        ("a = [b: 1, 'c': [2, 3]]", [["=", "<a>", {"b": "<1>", "c": ["<2>", "<3>"]}]]),
        ("try { sh 'c' } catch (e) { echo 'x' }",
         [["try", ("closure", [["sh", "c"]])], ["catch", "<e>", ("closure", [["echo", "x"]])]]),
        ("docker.image('m').inside('-v') { sh 'x' }",
         [[["<docker>", ".image", "m"], ".inside", "-v", ("closure", [["sh", "x"]])]]),
        ("['a', 'b'].each { p -> sh p }", [[["a", "b"], ".each", ("closure", [["sh", "<p>"]])]]),
        ("// sh 'a'\n/* sh 'b' */ sh 'c'", [["sh", "c"]]),
        ("x = a / b\nsh 'c'", [["=", "<x>", "<a / b>"], ["sh", "c"]]),
        ("if (a =~ /x{2}/) sh 'y'", [["if", "<a =~ /x{2}/>", ("closure", [["sh", "y"]])]]),
        ("@Library('l@1') _\nimport a.b.C\nsh 'x'", [["@Library", "l@1"], "<_>", ["sh", "x"]]),
        ("parallel a: { sh '1' }, 'b c': { sh '2' }",
         [["parallel", {"a": ("closure", [["sh", "1"]])}, {"b c": ("closure", [["sh", "2"]])}]]),
        ("String f(Map<String, List> m) { return 'x' }", [["function", ("closure", ["x"])]]),
        ("switch (x) { case 'a': sh 'g'; break }", [["switch", "<x>", ("closure", [["sh", "g"]])]]),
        ("sh $/a 'b' \"c\"/$", [["sh", "a 'b' \"c\""]]),
        ("foo()\n  .bar()", [[["foo"], ".bar"]]),
        ("v = a ? sh('x') : 'y'", [["=", "<v>", "<a ? sh('x') : 'y'>"]]),
    ],
)  # fmt: skip
def test_structure(text: str, expected: list[Any]) -> None:
    parsed = parse(text)
    assert [short(one) for one in parsed.statements] == expected
    assert parsed.problems == ()


def test_calls_inside_what_is_only_kept_are_found() -> None:
    parsed = parse("v = a ? sh('x') : other(sh 'y')")
    assert [one.name for one in calls_in(parsed.statements[0]) if one.name != "="] == ["sh", "other", "sh"]


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("stage('a') {\n  sh 'x'\n", 1, "a block does not end (expected `}`)"),
        ("sh 'x'\n}\n", 2, "`}` closes nothing"),
        ("sh 'x\necho 1", 1, "a string does not end"),
        ("/* a\nb", 1, "a comment does not end"),
        ("sh('x'", 1, "a list does not end (expected `)`)"),
    ],
)
def test_problems_have_their_line(text: str, line: int, problem: str) -> None:
    assert (line, problem) in parse(text).problems


def test_an_escaped_dollar_is_the_shells() -> None:
    (call,) = parse('sh "\\${HOME} ${params.X} \\$Y"').statements
    assert isinstance(call, Call)
    text = call.first()
    assert isinstance(text, Text) and text.interpolates
    assert text.text == "\x00${HOME} ${params.X} \x00$Y"


@pytest.mark.parametrize("file", FIXTURES, ids=lambda path: path.parent.name)
def test_commands_agree_with_tree_sitter(file: Path) -> None:
    """Every command that the other grammar sees in a file it parses without error is one of ours, on the same line."""
    tree_sitter = pytest.importorskip("tree_sitter")
    groovy = pytest.importorskip("tree_sitter_groovy")
    source = file.read_bytes()
    tree = tree_sitter.Parser(tree_sitter.Language(groovy.language())).parse(source)
    if tree.root_node.has_error:
        pytest.skip("the other grammar does not understand this file")
    theirs = set(_commands(tree.root_node))
    ours = {
        (one.line, value.text)
        for statement in parse(source.decode()).statements
        for one in calls_in(statement)
        if one.name in {"sh", "bat"}
        for value in [one.first()]
        if isinstance(value, Text)
    }
    assert theirs
    for line, text in theirs:  # of `'a' + b` the other grammar sees the first part only
        assert any(line == own and whole.startswith(text) for own, whole in ours), (line, text)


def _commands(node: Any) -> list[tuple[int, str]]:
    found = []
    if node.type in {"method_invocation", "juxt_function_call"}:
        name = node.child_by_field_name("name")
        args = node.child_by_field_name("arguments") or node.child_by_field_name("args")
        if name.text in {b"sh", b"bat"} and args is not None and args.named_children:
            found.append((node.start_point[0] + 1, args.named_children[0].text.decode().strip("'\"")))
    for child in node.named_children:
        found += _commands(child)
    return found
