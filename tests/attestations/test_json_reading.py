"""Strict JSON: what is refused, at which cost, and where the message points."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from assess.attestations._json import Limits, Node, compact, read_json
from assess.errors import InputError

REFUSED = [
    (b'{"a":1,"a":2}', "occurs twice"),
    (b'{"x":{"a":1,"\\u0061":2}}', "occurs twice"),
    (b"[NaN]", "NaN"),
    (b"[-Infinity]", "Infinity"),
    (b"[1e999]", "out of range"),
    (b'"\\ud800"', "surrogate"),
    (b'{"\\uDC00":1}', "surrogate"),
    (b"\xff\xfe{\x00}\x00", "UTF-16"),
    (b'"\xff"', "UTF-8"),
    (b"9" * 5000, "refused"),
    (b"[" * 65 + b"]" * 65, "deeply"),
    (b"[" * 1_000_000, "deeply"),
    (b'[{"a":' * 200_000, "deeply"),
    (b"[" + b"0," * 1_000_000 + b"0]", "too many values"),
    (b"{} x", "extra data"),
    (b"", "expecting value"),
]


@pytest.mark.parametrize(("data", "text"), REFUSED)
def test_refused(data: bytes, text: str) -> None:
    with pytest.raises(InputError, match=text):
        read_json(data, "file.json")


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b'\xef\xbb\xbf{"a":1}', {"a": 1}),
        (b"[" * 64 + b"]" * 64, None),
        (b'["\\ud83d\\ude00"]', ["\U0001f600"]),
        (b'"' + b"[" * 100 + b'"', "[" * 100),
        (b'"\\"[[[[\\\\"', '"[[[[\\'),
        (b'{"a":null,"b":1.5}', {"a": None, "b": 1.5}),
    ],
)
def test_accepted(data: bytes, value: object) -> None:
    read = read_json(data, "file.json")
    assert value is None or read == value


def test_place_of_a_mistake() -> None:
    with pytest.raises(InputError) as caught:
        read_json(b'{\n  "a": 1,\n  "b": }\n', "file.json")
    assert caught.value.place == "file.json:3:8"
    assert caught.value.hint is None


def test_truncation_is_named() -> None:
    with pytest.raises(InputError) as caught:
        read_json(b'{"a": [1, 2', "file.json")
    assert caught.value.hint == "the file may be truncated"


def test_size_limit() -> None:
    with pytest.raises(InputError, match="too large"):
        read_json(b"[1, 2, 3]", "file.json", Limits(size=4))


@pytest.mark.parametrize(
    "data",
    [b'"' + b'\\"' * 8_000_000, b'"' * 16_000_001, b"[" * 16_000_000, b"," * 16_000_000, b'["","",' * 2_000_000],
    ids=["escapes", "quotes", "brackets", "commas", "strings"],
)
def test_hostile_text_is_refused_in_linear_time(data: bytes) -> None:
    started = time.perf_counter()
    with pytest.raises(InputError):
        read_json(data, "file.json")
    assert time.perf_counter() - started < 5


NODE = Node(
    {"a": {"b/c": [1, "x", None]}, "n": "12", "bad": "1x", "yes": True, "empty": "", "odd": "a b"}, "f.json", ""
)


@pytest.mark.parametrize(
    ("call", "place", "text"),
    [
        (lambda: NODE.string("a"), "f.json#/a", "got an object, expected a string"),
        (lambda: NODE.items("a"), "f.json#/a", "got an object, expected an array"),
        (lambda: NODE.object("n"), "f.json#/n", "got a string, expected an object"),
        (lambda: NODE.integer("bad"), "f.json#/bad", "got a string, expected an integer"),
        (lambda: NODE.integer("yes"), "f.json#/yes", "got a boolean, expected an integer"),
        (lambda: NODE.required_string("empty"), "f.json#/empty", "missing or empty"),
        (lambda: NODE.decoded("odd"), "f.json#/odd", "not base64"),
        (lambda: NODE.object("a").all_decoded("b/c"), "f.json#/a/b~1c/0", "got a number, expected a string"),
    ],
)
def test_accessors_name_the_pointer(call: Callable[[], object], place: str, text: str) -> None:
    with pytest.raises(InputError, match=text) as caught:
        call()
    assert caught.value.place == place


def test_missing_and_null_are_the_same() -> None:
    for node in (Node({}, "f"), Node({"k": None}, "f")):
        assert (node.string("k"), node.items("k"), node.integer("k"), node.decoded("k")) == ("", (), None, b"")
        assert node.object("k").members() == {}
        assert not node.get("k").present


def test_proto_names_and_numbers() -> None:
    node = Node({"log_index": "7", "treeSize": 9}, "f", proto=True)
    assert (node.integer("logIndex"), node.integer("treeSize")) == (7, 9)
    assert Node({"log_index": "7"}, "f").integer("logIndex") is None


def test_compact_keeps_order_and_text() -> None:
    assert compact({"b": [1, None], "a": "é"}) == '{"b":[1,null],"a":"é"}'
