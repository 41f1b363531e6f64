"""Our lexer beside tree-sitter-bash: the same commands for the common part of the language, and why not elsewhere."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from assess import _yaml
from assess._yaml import Node
from assess.errors import InputError
from assess.pipelines._shell import Command, _Lexer, read_script
from assess.pipelines._shell_tree import parsed

needs_tree = pytest.mark.skipif(
    importlib.util.find_spec("tree_sitter_bash") is None, reason="the extra [parsers] is not installed"
)
KEYS = {"run", "script", "command", "before_script", "after_script", "commands", "sh", "bash", "install", "build"}

NO_SHELL = ("const ", "console.log", "await ", "%APPVEYOR", "owner:", "completion", "{%", "{{")


def why(ours: list[tuple[str, ...]], tree: list[tuple[str, ...]], text: str) -> str:
    """Why the two differ; "" where nobody knows."""
    if sorted(ours) == sorted(tree):
        return "order: what is substituted in a redirection or a process stands elsewhere in the tree"
    if any(sign in text for sign in NO_SHELL):
        return "no shell: JavaScript, PowerShell, cmd or a template"
    if "$$" in text:
        return "no shell: `$$` is the CI system's escape of `$`"
    at = next((n for n, (a, b) in enumerate(zip(ours, tree, strict=False)) if a != b), min(len(ours), len(tree)))
    left, right = ours[at] if at < len(ours) else (), tree[at] if at < len(tree) else ()
    if any(word.endswith("$") for word in right) or any(word.startswith("`") for word in right):
        return "the grammar cuts a word before `$NAME` or a backtick"
    if '\\"' in "".join(left) and "".join(left).replace("\\", "") == "".join(right).replace("\\", ""):
        return "escapes inside `$( )` in quotes: only the tree takes them off"
    if "((" in text:
        return "arithmetic that the two cut differently"
    swallowed = len(right) > len(left) > 0 and right[: len(left)] == left
    return "the grammar takes the lines below as arguments" if swallowed else ""


def scripts(folder: Path) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []

    def walk(node: Node, path: str, seen: set[int], key: str) -> None:
        if id(node) in seen:
            return
        seen.add(id(node))
        for name, value in node.items():
            walk(value, path, seen, name.text)
        for value in node:
            walk(value, path, seen, key)
        if node.kind == "scalar" and key in KEYS and node.text:
            found.append((f"{path}:{node.line}", node.text))

    for file in sorted(folder.rglob("*.y*ml")):
        try:
            roots = _yaml.read(file.read_bytes(), str(file)).roots
        except InputError:
            continue
        for root in roots:
            walk(root, str(file.relative_to(folder)), set(), "")
    return found


def plain(found: list[Command]) -> list[tuple[str, ...]]:
    """The words of the commands; tests are told apart by the two, and call nothing."""
    return [one.words for one in found if one.words and one.words[0] not in {"[[", "[", "test"}]


def lexed(text: str) -> list[Command]:
    lexer = _Lexer(text)
    lexer.run()
    return lexer.found


@needs_tree
@pytest.mark.parametrize(
    "script",
    [
        "a b 'c d' \"e $(f 'g h') i\" | j && k || l; m",
        "if a; then b; elif c; then d; else e; fi",
        "for x in $(a) b; do c \"$x\"; done\nwhile read -r l; do d; done < f",
        "case $(a) in b|c) d 'e';; *) f || true ;; esac\ng",
        "f() {\n  a\n}\nfunction g {\n  b\n}\nf",
        "A=(1 $(a) 'b c')\nb \"${A[@]}\"",
        "cat <<EOF\nnot $(a) this\nEOF\nb <<'END'\n$(no)\nEND\nc",
        "[[ $a == b && -n $(c) ]] && d",
        "(cd a && b); { c; d; } || e",
        "a ${b:-$(c)} $((1 + 2)) ${{ d.e == 'f g' }}",
        "x=1 y=$(a) b\nexport Z=$(c)",
        "a 2>&1 >/dev/null | tee b >> \"$GITHUB_ENV\"",
        "! a\nset -e\nb || { echo no; exit 1; }",
        "a \\\n  b \\\n  c # d\n# e",
    ],
)  # fmt: skip
def test_the_same_commands(script: str) -> None:
    tree = parsed(script)
    assert tree is not None
    assert plain(tree) == plain(lexed(script))
    assert [one.tolerated for one in tree if one.words] == [one.tolerated for one in lexed(script) if one.words]


@needs_tree
@pytest.mark.corpus
def test_the_scripts_of_the_corpus(corpus: Path) -> None:
    found = scripts(corpus / "pipelines")
    same = unparsed = 0
    reasons: dict[str, list[str]] = {}
    unexplained = []
    for place, text in found:
        tree = parsed(text)
        if tree is None:
            unparsed += 1
        elif plain(tree) == plain(lexed(text)):
            same += 1
        else:
            reason = why(plain(lexed(text)), plain(tree), text)
            reasons.setdefault(reason, []).append(place)
            unexplained += [] if reason else [place]
    print(
        f"\n{len(found)} scripts: {same} the same, {unparsed} that the grammar cannot parse, "
        f"{sum(map(len, reasons.values()))} differ"
    )
    for reason, places in sorted(reasons.items()):
        print(f"  {len(places):3} {reason or 'not explained'}, as in {places[0]}")
    assert len(found) > 5_000
    assert same / (len(found) - unparsed) > 0.985
    assert unexplained == []


@needs_tree
def test_the_tree_decides_where_the_lexer_is_not_sure() -> None:
    script = "X=$(case a in b) c;; esac)\ndocker push x"
    lexer = _Lexer(script)
    lexer.run()
    assert lexer.unsure is not None
    found = read_script(script)
    assert found is not None and found.unsure is None
    assert ("docker", "push", "x") in [one.words for one in found.commands]


def test_what_is_not_understood_is_said() -> None:
    found = read_script("echo 'a\ndocker push x")
    assert found is not None and found.unsure is not None


@needs_tree
@pytest.mark.parametrize("script", ["$(" * 60_000, "(" * 90_000, "if a; then " * 15_000, '"$(' * 30_000])
def test_hostile_trees(script: str) -> None:
    assert parsed(script) is None
