"""The YAML reader: types, places, merge keys, tags, and everything that a hostile file can try."""

from __future__ import annotations

import time

import pytest

from assess import _yaml
from assess.errors import InputError
from assess.evidence import Source


def value(text: str) -> object:
    return _yaml.plain(_yaml.load(text.encode(), "x.yml"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("true", True), ("True", True), ("FALSE", False), ("false", False),
        ("yes", "yes"), ("no", "no"), ("on", "on"), ("off", "off"), ("y", "y"),
        ("null", None), ("~", None), ("", None), ("'null'", "null"), ('"true"', "true"),
        ("12", 12), ("-12", -12), ("0", 0), ("+12", "+12"), ("010", "010"), ("0x1f", "0x1f"), ("0o17", "0o17"),
        ("1_000", "1_000"), ("1.10", "1.10"), ("1.20", "1.20"), ("1e3", "1e3"), (".inf", ".inf"),
        ("22:22", "22:22"), ("12:30:45", "12:30:45"), ("2024-01-02", "2024-01-02"), ("=", "="),
        ("9" * 18, 10**18 - 1), ("9" * 19, "9" * 19), ("'12'", "12"),
        ("!!str 12", "12"), ("!!int '12'", 12), ("!!bool 'true'", True), ("! 12", "12"),
        ("|\n  true\n", "true\n"),
    ],
)  # fmt: skip
def test_scalars(text: str, expected: object) -> None:
    found = value(f"key: {text}")
    assert found == {"key": expected}
    assert isinstance(found, dict) and type(found["key"]) is type(expected)


def test_keys_are_texts() -> None:
    assert value("on: 1\ntrue: 2\n1.10: 3\nnull: 4") == {"on": 1, "true": 2, "1.10": 3, "null": 4}


def test_places_count_from_one() -> None:
    root = _yaml.load(b"a:\n  - b: x\n    c: [1, two]\n", "p.yml")
    assert root.source == Source("p.yml", 1, 1)
    assert _yaml.line_of(root, ("a", 0, "c")) == Source("p.yml", 3, 5)
    assert _yaml.line_of(root, ("a", 0, "c", 1)) == Source("p.yml", 3, 12)
    assert _yaml.line_of(root, ("a", 0, "absent", "deeper")) == Source("p.yml", 2, 5)
    assert _yaml.line_of(root, ("a", 7)) == Source("p.yml", 1, 1)
    assert _yaml.line_of(root, ()) == Source("p.yml", 1, 1)


def test_nodes() -> None:
    root = _yaml.load(b"a: 1.10\nb: [x]\n", "x")
    a, b = root.get("a"), root.get("b")
    assert a is not None and b is not None
    assert (a.text, a.value, [key.text for key, _ in root.items()]) == ("1.10", "1.10", ["a", "b"])
    assert [one.text for one in b] == ["x"]
    assert root.get("c") is None and a.get("c") is None and a.items() == () and list(a) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("d: &d {x: 1, y: 2}\ne: {<<: *d, y: 3}", {"x": 1, "y": 3}),
        ("d: &d {x: 1, y: 2}\ne: {y: 3, <<: *d}", {"y": 3, "x": 1}),
        ("d: [&d {x: 1}, &f {x: 2, z: 3}]\ne: {<<: [*d, *f]}", {"x": 1, "z": 3}),
        ("d: &d {x: 1}\ne: {'<<': *d}", {"<<": {"x": 1}}),
        ("d: &d {x: 1}\nd2: &d {x: 2}\ne: *d", {"x": 2}),
    ],
)
def test_aliases_and_merge_keys(text: str, expected: object) -> None:
    found = value(text)
    assert isinstance(found, dict) and found["e"] == expected


def test_unknown_tags_stay_opaque() -> None:
    root = _yaml.load(b"a: !reference [x, y]\nb: !!python/object/apply:os.system [ls]\n", "x.yml")
    assert _yaml.plain(root) == {
        "a": {"!reference": ["x", "y"]},
        "b": {"tag:yaml.org,2002:python/object/apply:os.system": ["ls"]},
    }


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", "x.yml:3:1", "duplicate key 'a'"),
        ("a:\n  b: 1\n  b: 1\n", "x.yml:3:3", "duplicate key 'b'"),
        ("? [a]\n: 1\n", "x.yml:1:3", "a key is not a scalar, so it was left out"),
        ("a: {<<: 3}\n", "x.yml:1:9", "a merge key (<<) does not hold a mapping"),
    ],
)
def test_problems(text: str, place: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        _yaml.load(text.encode(), "x.yml")
    assert (caught.value.place, caught.value.message) == (place, words)
    documents = _yaml.read(text.encode(), "x.yml")
    assert [one.text for one in documents.problems] == [words]


def test_the_last_of_duplicate_keys_holds() -> None:
    assert _yaml.plain(_yaml.read(b"a: 1\na: 2\n", "x").roots[0]) == {"a": 2}


def test_documents() -> None:
    assert [_yaml.plain(one) for one in _yaml.read(b"a: 1\n---\nb: 2\n...\n", "x").roots] == [{"a": 1}, {"b": 2}]
    assert _yaml.plain(_yaml.load(b"# nothing\n", "x")) is None
    assert _yaml.read(b"", "x").roots == ()
    with pytest.raises(InputError, match="got 2 YAML documents, expected 1"):
        _yaml.load(b"a\n---\nb\n", "x")
    with pytest.raises(InputError, match="too many YAML documents"):
        _yaml.read(b"--- a\n" * 5_000, "x")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings(encoding: str) -> None:
    mark = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(encoding, b"")
    assert _yaml.plain(_yaml.load(mark + "ключ: é\n".encode(encoding), "x")) == {"ключ": "é"}


@pytest.mark.parametrize(
    ("data", "place", "words"),
    [
        (b"a: 1\nb: \xe9\n", "x.yml:2", "not text"),
        ("a: 1".encode("utf-32"), "x.yml", "got UTF-32"),
        (b"\xff\xfea", "x.yml", "not text"),
        (b"\x7fELF\x02\x00\x00", "x.yml", "binary file"),
        (b"a: \x07", "x.yml", "control characters"),
        (b"a: [1\nb: 2\n", "x.yml:2:2", "not YAML"),
        (b"a: b: c\n", "x.yml:1:5", "not YAML"),
        (b"\tx: 1\n", "x.yml:1:1", "not YAML"),
        (b'a: "\\ud800"', "x.yml:1:7", "not YAML"),
        (b"a: *nowhere\n", "x.yml:1:4", "alias *nowhere has no anchor"),
        (b"&a [x, *a]", "x.yml:1:8", "alias *a points into itself"),
        (b"&a {x: {y: *a}}", "x.yml:1:12", "alias *a points into itself"),
        (b"a" * (_yaml.MAX_BYTES + 1), "x.yml", "too large"),
        (b"[" * 500, "x.yml:1:101", "nested too deeply"),
        (b"[" * 200_000, None, "nested too deeply"),
        (b"{a: " * 200_000, "x.yml:1:401", "nested too deeply"),
        (b"- " * 50_000, "x.yml:1:201", "nested too deeply"),
        (b"? " * 50_000, "x.yml:1:201", "nested too deeply"),
        (b"\n".join(b" " * n + b"a:" for n in range(500)), "x.yml:101:101", "nested too deeply"),
        (b"[" + b"x," * 300_000 + b"]", None, "too many values"),
    ],
)
def test_hostile_or_broken_files(data: bytes, place: str | None, words: str) -> None:
    started = time.monotonic()
    with pytest.raises(InputError) as caught:
        _yaml.read(data, "x.yml")
    assert words in caught.value.message
    assert place is None or caught.value.place == place
    assert time.monotonic() - started < 10


def test_alias_bomb() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    started = time.monotonic()
    with pytest.raises(InputError, match="aliases expand to too much"):
        _yaml.read("\n".join(lines).encode(), "x.yml")
    assert time.monotonic() - started < 1


def test_merge_bomb() -> None:
    lines = ["a0: &a0 {" + ", ".join(f"k{n}: 1" for n in range(100)) + "}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 50)}]}}" for n in range(1, 8)]
    with pytest.raises(InputError, match="aliases expand to too much"):
        _yaml.read("\n".join(lines).encode(), "x.yml")


def test_deep_but_allowed() -> None:
    depth = _yaml.MAX_DEPTH
    node = _yaml.load(b"[" * depth + b"]" * depth, "x")
    assert str(_yaml.plain(node)).count("[") == depth
