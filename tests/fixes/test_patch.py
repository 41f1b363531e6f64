"""A patch changes what it is meant to change, as text and as data, and nothing else; else it is refused."""

from __future__ import annotations

import difflib

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from assess.fixes.changes import Change, InsertItem, PatchError, Quoted, RemoveItem, RemoveKey, ReplaceText, SetKey
from assess.fixes.patch import apply

TEXT = """\
name: release   # what it is
on: {push: {tags: ['v*']}}
permissions: {contents: read}

jobs:
  build:
    runs-on: ubuntu-24.04 # hosted
    # the steps
    steps:
      # take the source
      - uses: actions/checkout@v4 # v4
        with:
          persist-credentials: false

      # remembered from run to run
      - name: Cache
        uses: actions/cache@v4
        with: {path: ~/.cache, key: x}

      - uses: actions/setup-node@v4
        with:
          cache: npm
          node-version: "22"
      - run: |
          npm ci
          npm publish
          echo done

  empty:
    env:
    runs-on: x
    steps: [{run: make}]
"""
STEPS = ("jobs", "build", "steps")

CHANGES: list[tuple[str, Change, str, str]] = [
    ("new key behind another", SetKey((), "env", {"A": Quoted("true")}, after="permissions"),
     "", '+\n+env:\n+  A: "true"'),
    ("into braces", SetKey(("permissions",), "id-token", "write"),
     "-permissions: {contents: read}", "+permissions: {contents: read, id-token: write}"),
    ("a mapping into a job", SetKey(("jobs", "build"), "permissions", {"contents": "read"}, after="runs-on"),
     "", "+    permissions:\n+      contents: read"),
    ("a text is replaced, its comment stays", SetKey(("jobs", "build"), "runs-on", "ubuntu-22.04"),
     "-    runs-on: ubuntu-24.04 # hosted", "+    runs-on: ubuntu-22.04 # hosted"),
    ("quotes are kept", ReplaceText((*STEPS, 2, "with", "node-version"), "22", "24"),
     '-          node-version: "22"', '+          node-version: "24"'),
    ("an item with its comment", RemoveItem(STEPS, 1),
     "-      # remembered from run to run\n-      - name: Cache\n-        uses: actions/cache@v4\n"
     "-        with: {path: ~/.cache, key: x}\n-", ""),
    ("the first item", RemoveItem(STEPS, 0),
     "-      # take the source\n-      - uses: actions/checkout@v4 # v4\n-        with:\n"
     "-          persist-credentials: false\n-", ""),
    ("the last item", RemoveItem(STEPS, 3),
     "-      - run: |\n-          npm ci\n-          npm publish\n-          echo done", ""),
    ("one of several keys", RemoveKey((*STEPS, 2, "with"), "cache"), "-          cache: npm", ""),
    ("the only key goes with its parent", RemoveKey((*STEPS, 0, "with"), "persist-credentials"),
     "-        with:\n-          persist-credentials: false", ""),
    ("the key behind the dash", RemoveKey((*STEPS, 1), "name"),
     "-      - name: Cache\n-        uses: actions/cache@v4", "+      - uses: actions/cache@v4"),
    ("a line of a block", ReplaceText((*STEPS, 3, "run"), "npm ci\nnpm publish\necho done\n",
                                      "npm ci\nnpm publish --provenance\necho done\n"),
     "-          npm publish", "+          npm publish --provenance"),
    ("a reference with its comment",
     ReplaceText((*STEPS, 0, "uses"), "actions/checkout@v4", "actions/checkout@abc", "v4.2"),
     "-      - uses: actions/checkout@v4 # v4", "+      - uses: actions/checkout@abc # v4.2"),
    ("an item before another", InsertItem(STEPS, 3, {"uses": "a/b@c", "with": {"p": "x\ny\n"}}, (("uses", "v1"),)),
     "", "+      - uses: a/b@c # v1\n+        with:\n+          p: |\n+            x\n+            y"),
    ("an item at the end", InsertItem(STEPS, 4, {"run": "make"}), "", "+      - run: make"),
    ("an item in spaced company", InsertItem(STEPS, 1, {"run": "make"}), "", "+\n+      - run: make"),
    ("an empty list", SetKey(("jobs", "build"), "needs", [], after="runs-on"), "", "+    needs: []"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "gone", "come"), [row[1:] for row in CHANGES], ids=[row[0] for row in CHANGES])
def test_only_the_meant_lines_change(change: Change, gone: str, come: str) -> None:
    new = apply(TEXT, change)
    rows = list(difflib.unified_diff(TEXT.splitlines(), new.splitlines(), lineterm="", n=0))[2:]
    assert "\n".join(row for row in rows if row.startswith("-")) == gone
    assert "\n".join(row for row in rows if row.startswith("+")) == come


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (SetKey(("jobs", "nobody"), "permissions", "x"), "there is no 'nobody'"),
        (RemoveKey(("jobs", "build"), "environment"), "there is no 'environment'"),
        (RemoveKey((*STEPS, 1, "with"), "path"), "braces"),
        (RemoveItem(("jobs", "empty", "steps"), 0), "nothing would be left"),
        (RemoveItem(STEPS, 9), "there is no 9"),
        (ReplaceText((*STEPS, 0, "uses"), "actions/checkout@v3", "x"), "expected 'actions/checkout@v3'"),
        (ReplaceText((*STEPS, 3, "run"), "npm ci\nnpm publish\necho done\n", "one line"), "neither added nor joined"),
        (InsertItem(("jobs", "empty", "steps"), 0, {"run": "x"}), "a line for each item"),
        (SetKey(("jobs", "empty", "env"), "A", "b"), "a mapping was expected"),
    ],
)
def test_what_cannot_be_done_exactly_is_refused(change: Change, words: str) -> None:
    with pytest.raises(PatchError, match=words):
        apply(TEXT, change)


@pytest.mark.parametrize("text", ["", "a: [", "- x\n", "a: &x 1\nb: *x\n", "a: 1\na: 2\n", "--- 1\n--- 2\n", "\0"])
def test_odd_files_are_refused_or_changed_exactly(text: str) -> None:
    try:
        new = apply(text, SetKey((), "new", "1"))
    except PatchError:
        return
    assert yaml.load(new, Loader=yaml.BaseLoader) == {**yaml.load(text, Loader=yaml.BaseLoader), "new": "1"}


def test_a_shared_anchor_is_not_changed_in_two_places() -> None:
    text = "jobs:\n  a: &same\n    steps:\n      - run: x\n      - run: y\n  b: *same\n"
    with pytest.raises(PatchError, match="shared"):
        apply(text, RemoveItem(("jobs", "a", "steps"), 0))


def test_windows_line_ends_and_a_missing_last_one_stay() -> None:
    new = apply("a: 1\r\nb:\r\n  - x: 1\r\n  - y: 2", RemoveItem(("b",), 0))
    assert new == "a: 1\r\nb:\r\n  - y: 2"


_SCALARS = st.sampled_from(["x", "true", "1.10", "a b", "it's", 'say "hi"', "# no comment", "a: b", "- x", "${{ y }}"])
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.dictionaries(st.sampled_from("abc"), inner, min_size=1, max_size=3)
        | st.lists(st.dictionaries(st.sampled_from("de"), inner, min_size=1, max_size=2), min_size=1, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from("klm"), _VALUES, min_size=1, max_size=3), _VALUES, st.integers(2, 6))
def test_whatever_is_written_reads_as_what_was_meant(data: dict[str, object], value: object, indent: int) -> None:
    text = yaml.safe_dump(data, indent=indent, sort_keys=False)
    try:
        new = apply(text, SetKey((), "new", value))
    except PatchError:
        return
    assert yaml.load(new, Loader=yaml.BaseLoader) == {**yaml.load(text, Loader=yaml.BaseLoader), "new": value}
    assert all(line in new.splitlines() for line in text.splitlines())
