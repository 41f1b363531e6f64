"""Mutations of genuine inputs that keep most of their structure: JSON members, what base64 hides, lines, bytes."""

from __future__ import annotations

import base64
import binascii
import copy
import json
from collections.abc import Iterator
from random import Random
from typing import Any

TEXTS = (
    "", " ", "\0", "-", "/", "//", "..", "../../x", "@", "refs/tags/", "refs/heads/main", "https://", "sha256",
    "pkg:npm/%40a/b@1", "9" * 400, "-1", "1e400", "\u202e", "\ufeff", "\U0001f600", "a" * 5_000, "${{ a.b }}",
    "${{ " + "(" * 300, "2025-01-31T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "[", "{}",
    "https://slsa.dev/provenance/v1", "https://slsa.dev/provenance/v0.2", "https://in-toto.io/Statement/v0.1",
    "SUCCEEDED", "PASSED", "*", "**/*", "http://[", "git+https://[::1", "%ff", "$(", "`", "'", '"', "\n\n",
    "— x AAAA\n",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**63), 10**30, 0.5, 1e308, [], {}, [[]], [{}], [None],
    {"": None},
)  # fmt: skip
TOKENS = (
    b"{", b"}", b"[", b"]", b'"', b",", b":", b"\n", b"\r\n", b"\0", b"\xff", b"\xef\xbb\xbf", b"\\ud800", b"1e999",
    b"null", b"&a ", b"*a", b"<<: *a", b"!!binary ", b"!x ", b"---\n", b"...", b"- ", b"? ", b"|\n", b">-\n", b"\t",
    b"'", b"${{ ", b" }}", b"[" * 70, b'{"a":' * 70, b"%YAML 1.1\n", b"\x30\x84", b"\x30\x80",
)  # fmt: skip


def mutate(data: bytes, others: tuple[bytes, ...], random: Random) -> bytes:
    """One to four mutations of `data`; `others` lend their parts."""
    for _ in range(random.choice((1, 1, 2, 4))):
        kind = random.random()
        document = _parsed(data) if kind < 0.65 else None
        if document is not None:
            data = _dumped(_mutate_json(document, others, random))
        elif kind < 0.8:
            data = _mutate_lines(data, others, random)
        else:
            data = mutate_bytes(data, random)
    return data[: 1 << 20]


def mutate_bytes(data: bytes, random: Random) -> bytes:
    """One mutation that knows nothing of the format."""
    at = random.randrange(len(data) + 1)
    end = min(len(data), at + random.choice((1, 1, 2, 4, 16, 64)))
    match random.randrange(6):
        case 0 if at < len(data):
            return data[:at] + bytes([data[at] ^ (1 << random.randrange(8))]) + data[at + 1 :]
        case 1:
            return data[:at] + random.choice(TOKENS) + data[at:]
        case 2:
            return data[:at] + data[end:]
        case 3:
            return data[:end] + data[at:end] * random.choice((1, 2, 50)) + data[end:]
        case 4:
            return data[:at] + random.choice(TOKENS) + data[end:]
        case _:
            return data[:at] if random.random() < 0.2 else data[:at] + random.randbytes(end - at) + data[end:]


def _mutate_lines(data: bytes, others: tuple[bytes, ...], random: Random) -> bytes:
    lines = data.split(b"\n")
    at, to = random.randrange(len(lines)), random.randrange(len(lines))
    match random.randrange(6):
        case 0:
            del lines[at]
        case 1:
            lines.insert(to, lines[at])
        case 2:
            lines[at] = b"  " + lines[at]
        case 3:
            lines[at] = lines[at].removeprefix(b"  ")
        case 4:
            lines[at] = lines[at].partition(b":")[0] + b": " + random.choice(TEXTS).encode()
        case _:
            lines.insert(to, random.choice((random.choice(others) if others else data).split(b"\n")))
    return b"\n".join(lines)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """(container, key) of every value below `value`."""
    stack = [value]
    while stack:
        here = stack.pop()
        pairs = here.items() if isinstance(here, dict) else enumerate(here) if isinstance(here, list) else ()
        for key, item in pairs:
            yield here, key
            stack.append(item)


def _mutate_json(document: Any, others: tuple[bytes, ...], random: Random) -> Any:
    found = list(places(document))
    if not found:
        return random.choice(VALUES)
    container, key = random.choice(found)
    match random.randrange(8):
        case 0:
            container[key] = random.choice(VALUES)
        case 1:
            container[key] = random.choice(TEXTS)
        case 2:
            del container[key]
        case 3:
            other, its = random.choice(found)
            container[key] = copy.deepcopy(other[its])
        case 4:
            lent = _parsed(random.choice(others)) if others else None
            parts = list(places(lent)) if lent is not None else []
            if parts:
                other, its = random.choice(parts)
                container[key] = other[its]
        case 5 if isinstance(container, list):
            container.insert(random.randrange(len(container) + 1), copy.deepcopy(container[key]))
        case 5:
            container[random.choice(TEXTS)] = container[key]
        case _:
            container[key] = _mutate_value(container[key], others, random)
    return document


def _mutate_value(value: Any, others: tuple[bytes, ...], random: Random) -> Any:
    match value:
        case str():
            inner = decoded(value)
            if inner is not None and random.random() < 0.8:
                return base64.b64encode(mutate(inner, others, random)).decode()
            return mutate_bytes(value.encode(errors="replace"), random).decode(errors="replace")
        case int() | float():
            return random.choice((-value, value + 1, str(value), value * 2**32))
        case list() | dict():
            return list(value) if isinstance(value, dict) else {"0": value}
        case _:
            return random.choice(VALUES)


def decoded(text: str) -> bytes | None:
    """What standard base64 hides; None for short texts and for what is no base64."""
    try:
        return base64.b64decode(text, validate=True) if len(text) >= 16 else None
    except (binascii.Error, ValueError):
        return None


def _parsed(data: bytes) -> Any:
    if data.lstrip()[:1] not in (b"{", b"["):
        return None
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _dumped(document: Any) -> bytes:
    try:
        return json.dumps(document).encode()
    except (ValueError, RecursionError):
        return b"{}"
