"""Strict JSON reading under limits, and a cursor whose typed accessors name the place of every mistake."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
import re
from collections.abc import Iterator
from typing import NoReturn

from assess._frozen import frozen
from assess.errors import InputError

_TYPE_NAMES = {type(None): "null", bool: "a boolean", int: "a number", float: "a number", str: "a string"}

JSON = None | bool | int | float | str | list["JSON"] | dict[str, "JSON"]


@frozen
class Limits:
    """What one JSON document may cost: bytes, nesting, values."""

    size: int = 32 * 1024 * 1024
    depth: int = 64
    nodes: int = 1_000_000


LIMITS = Limits()

# The strings of a document, closed or not; possessive, so that hostile quoting costs linear time.
_STRINGS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_NOT_STRUCTURE = bytes(byte for byte in range(256) if byte not in b"[]{},")
_OPENING = frozenset(b"[{")
_COMMA = ord(",")
_TO_STANDARD = str.maketrans("-_", "+/", "\r\n")


def read_json(data: bytes, path: str, limits: Limits = LIMITS) -> JSON:
    """The JSON value in `data` (UTF-8, with or without a byte order mark); `path` is for messages.

    Refuses what readers disagree about: duplicate keys, NaN and Infinity, lone surrogates.
    Raises InputError, with `path:line:column` where the text is not JSON.
    """
    _check_size(data, path, limits)
    text = _decode(data, path)
    _check_structure(data, path, limits)
    try:
        value: JSON = json.loads(
            text, object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=_finite_float
        )
    except json.JSONDecodeError as error:
        hint = "the file may be truncated" if error.pos >= len(text.rstrip()) else None
        place = f"{path}:{error.lineno}:{error.colno}"
        raise InputError(f"not valid JSON: {error.msg.lower()}", place, hint) from None
    except (_RefusedError, ValueError, RecursionError) as error:
        raise InputError(f"JSON that is refused: {error}", path) from None
    if b"\\ud" in data or b"\\uD" in data:
        _check_surrogates(value, path)
    return value


def compact(value: JSON) -> str:
    """One line of JSON text, keys in their order."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def decode_base64(text: str) -> bytes | None:
    """The bytes of standard or URL-safe base64, padded or not, line breaks allowed; None where it is neither."""
    plain = text.translate(_TO_STANDARD).rstrip("=")
    if len(plain) % 4 == 1:
        return None
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def shown(text: str, limit: int = 80) -> str:
    """Untrusted text for a message: quoted, escaped, cut to `limit` characters."""
    return json.dumps(text if len(text) <= limit else text[:limit] + "...")


def parsed_or_none(data: bytes) -> JSON:
    """The JSON value in `data`; None where it is none that would be read."""
    try:
        return read_json(data, "")
    except InputError:
        return None


def signed_member(payload: bytes, key: str) -> JSON:
    """The member `key` of a signed payload, for comparison with what stands outside; None where there is none."""
    value = parsed_or_none(payload)
    return value.get(key) if isinstance(value, dict) else None


class _RefusedError(Exception):
    """Raised inside the decoder's hooks only."""


def _check_size(data: bytes, path: str, limits: Limits) -> None:
    if len(data) > limits.size:
        raise InputError(f"too large (got {len(data)} bytes, expected at most {limits.size})", path)


def _decode(data: bytes, path: str) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError("not UTF-8 (got UTF-16)", path, "save the file as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 (byte {error.start})", path, "save the file as UTF-8") from None


def _check_structure(data: bytes, path: str, limits: Limits) -> None:
    """Depth and number of values, before any object is built."""
    brackets = data.count(b"[") + data.count(b"{")
    if brackets <= limits.depth and brackets + data.count(b",") <= limits.nodes:
        return
    # Characters inside strings count here too, hence the allowance; without this bound, the next line could be slow.
    if max(brackets + data.count(b","), data.count(b'"')) > 4 * limits.nodes:
        raise InputError(f"too many values (expected at most {limits.nodes})", path)
    structure = _STRINGS.sub(b"", data).translate(None, _NOT_STRUCTURE)
    nodes = len(structure) - structure.count(b"]") - structure.count(b"}")
    if nodes > limits.nodes:
        raise InputError(f"too many values (got {nodes}, expected at most {limits.nodes})", path)
    depth = 0
    for byte in structure:
        if byte in _OPENING:
            depth += 1
            if depth > limits.depth:
                raise InputError(f"nested too deeply (expected at most {limits.depth} levels)", path)
        elif byte != _COMMA:
            depth -= 1


def _unique(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _RefusedError(f"the key {shown(key)} occurs twice in one object")
            seen.add(key)
    return result


def _refuse_constant(name: str) -> NoReturn:
    raise _RefusedError(f"{name} is not JSON")


def _finite_float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _RefusedError(f"the number {text[:40]} is out of range")
    return number


def _check_surrogates(value: JSON, path: str) -> None:
    try:
        compact(value).encode()
    except UnicodeEncodeError:
        raise InputError("JSON that is refused: a lone surrogate in a string", path) from None


@frozen
class Node:
    """A JSON value with its place. Missing and null are the same (in-toto, SLSA and proto-JSON all say so)."""

    value: JSON
    path: str
    pointer: str = ""
    """JSON pointer (RFC 6901) from the document's root."""
    proto: bool = False
    """Proto-JSON: keys may also be written in snake_case, 64-bit integers as strings."""

    def error(self, message: str, hint: str | None = None) -> InputError:
        """What is wrong at this place, to be raised."""
        return InputError(message, f"{self.path}#{self.pointer}", hint)

    def get(self, key: str) -> Node:
        """The member `key`; its value is None where this is no object or has no such member."""
        value = None
        if isinstance(self.value, dict):
            value = self.value.get(key)
            if value is None and self.proto:
                key_in_snake_case = re.sub("([A-Z])", r"_\1", key).lower()
                value = self.value.get(key_in_snake_case)
        return Node(value, self.path, f"{self.pointer}/{escape(key)}", self.proto)

    @property
    def present(self) -> bool:
        """Whether there is a value other than null."""
        return self.value is not None

    def wrong_type(self, expected: str) -> InputError:
        """That this value has the wrong type, to be raised."""
        found = _TYPE_NAMES.get(type(self.value)) or ("an array" if isinstance(self.value, list) else "an object")
        return self.error(f"wrong type (got {found}, expected {expected})")

    def members(self) -> dict[str, JSON]:
        """This value as an object; {} for null."""
        match self.value:
            case None:
                return {}
            case dict():
                return self.value
            case _:
                raise self.wrong_type("an object")

    def object(self, key: str) -> Node:
        """The member `key`, which is an object or null."""
        node = self.get(key)
        node.members()
        return node

    def items(self, key: str) -> tuple[Node, ...]:
        """The elements of the array `key`; () for null."""
        node = self.get(key)
        match node.value:
            case None:
                return ()
            case list():
                return tuple(node.elements())
            case _:
                raise node.wrong_type("an array")

    def elements(self) -> Iterator[Node]:
        """The elements of this value; none where it is no array."""
        for index, value in enumerate(self.value if isinstance(self.value, list) else ()):
            yield Node(value, self.path, f"{self.pointer}/{index}", self.proto)

    def string(self, key: str) -> str:
        """The string `key`; "" for null."""
        node = self.get(key)
        match node.value:
            case None:
                return ""
            case str():
                return node.value
            case _:
                raise node.wrong_type("a string")

    def required_string(self, key: str) -> str:
        """The string `key`, which is neither missing nor empty."""
        text = self.string(key)
        if not text:
            raise self.get(key).error("missing or empty (expected a string)")
        return text

    def integer(self, key: str) -> int | None:
        """The integer `key`, written as a number or (as in proto-JSON) as a decimal string; None for null."""
        node = self.get(key)
        match node.value:
            case None:
                return None
            case bool():
                raise node.wrong_type("an integer")
            case int():
                return node.value
            case str() if re.fullmatch(r"-?[0-9]{1,20}", node.value):
                return int(node.value)
            case _:
                raise node.wrong_type("an integer")

    def decoded(self, key: str) -> bytes:
        """The bytes of the base64 string `key` (standard or URL-safe); b"" for null."""
        node = self.get(key)
        return node._decode(self.string(key))

    def all_decoded(self, key: str) -> tuple[bytes, ...]:
        """The bytes of each base64 string of the array `key`."""
        return tuple(item._decode(item._text()) for item in self.items(key))

    def _text(self) -> str:
        if not isinstance(self.value, str):
            raise self.wrong_type("a string")
        return self.value

    def _decode(self, text: str) -> bytes:
        data = decode_base64(text)
        if data is None:
            raise self.error(f"not base64 (got {shown(text, 40)})")
        return data


def escape(key: str) -> str:
    """`key` as one token of a JSON pointer."""
    return key.replace("~", "~0").replace("/", "~1")


def element_digest(node: Node) -> str:
    """sha256, hex, of an element of a document as compact JSON: what identifies it, since its bytes are not its own."""
    return hashlib.sha256(compact(node.value).encode("utf-8", "surrogatepass")).hexdigest()
