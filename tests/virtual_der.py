"""A DER writer just large enough for RFC 3161 time-stamp tokens and certificate extensions; tests only."""

from __future__ import annotations

from datetime import UTC, datetime


def tlv(tag: int, *parts: bytes) -> bytes:
    """One DER element: tag octet, definite length, the parts joined."""
    body = b"".join(parts)
    if len(body) < 0x80:
        return bytes([tag, len(body)]) + body
    length = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + body


def sequence(*parts: bytes) -> bytes:
    """SEQUENCE of the parts, in order."""
    return tlv(0x30, *parts)


def set_of(*parts: bytes, tag: int = 0x31) -> bytes:
    """SET OF, sorted as DER asks; `tag` for implicit tagging."""
    return tlv(tag, *sorted(parts))


def integer(value: int) -> bytes:
    """INTEGER, two's complement, shortest form; non-negative values only."""
    return tlv(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def octets(value: bytes) -> bytes:
    """OCTET STRING."""
    return tlv(0x04, value)


def utf8(value: str) -> bytes:
    """UTF8String."""
    return tlv(0x0C, value.encode())


def oid(dotted: str) -> bytes:
    """OBJECT IDENTIFIER from its dotted form."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    body = b""
    for arc in (first * 40 + second, *rest):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(0x80 | (arc & 0x7F))
        body += bytes(reversed(groups))
    return tlv(0x06, body)


def generalized_time(when: datetime) -> bytes:
    """GeneralizedTime in UTC, whole seconds."""
    return tlv(0x18, when.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode())


def explicit(number: int, *parts: bytes) -> bytes:
    """A constructed context-specific element `[number]`."""
    return tlv(0xA0 | number, *parts)
