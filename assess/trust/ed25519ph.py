"""Ed25519ph verification (RFC 8032, 5.1.7, HashEdDSA), which `cryptography` does not offer; public values only.

Rekor v1 logs artifact signatures of Ed25519 keys in this form. Verification handles no secrets, so that plain
integers are safe here.
"""

from __future__ import annotations

import hashlib

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_SQRT_MINUS_ONE = pow(2, (_P - 1) // 4, _P)
_PREFIX = b"SigEd25519 no Ed25519 collisions" + b"\x01\x00"
"""dom2(phflag=1, context="")."""

_Point = tuple[int, int, int, int]
"""Extended homogeneous coordinates: x = X/Z, y = Y/Z, T = X*Y/Z."""


def verify(key: bytes, signature: bytes, digest: bytes) -> bool:
    """Whether `signature` (64 bytes) holds for the SHA-512 `digest` of the message under the 32-byte `key`."""
    if len(key) != 32 or len(signature) != 64 or len(digest) != 64:
        return False
    public = _decompress(key)
    s = int.from_bytes(signature[32:], "little")
    if public is None or s >= _L:
        return False
    challenge = hashlib.sha512(_PREFIX + signature[:32] + key + digest).digest()
    k = int.from_bytes(challenge, "little") % _L
    # [S]B - [k]A must be R, byte for byte, as OpenSSL checks it.
    return _compress(_add(_multiply(s, _BASE), _multiply(k, _negate(public)))) == signature[:32]


def _add(left: _Point, right: _Point) -> _Point:
    x1, y1, z1, t1 = left
    x2, y2, z2, t2 = right
    a, b = (y1 - x1) * (y2 - x2) % _P, (y1 + x1) * (y2 + x2) % _P
    c, d = 2 * t1 * t2 * _D % _P, 2 * z1 * z2 % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _multiply(scalar: int, point: _Point) -> _Point:
    result: _Point = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = _add(result, point)
        point = _add(point, point)
        scalar >>= 1
    return result


def _negate(point: _Point) -> _Point:
    x, y, z, t = point
    return -x % _P, y, z, -t % _P


def _compress(point: _Point) -> bytes:
    x, y, z, _ = point
    inverse = pow(z, -1, _P)
    x, y = x * inverse % _P, y * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _decompress(data: bytes) -> _Point | None:
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & (1 << 255) - 1
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P != 0:
        x = x * _SQRT_MINUS_ONE % _P
    if (x * x - square) % _P != 0 or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = _P - x
    return x, y, 1, x * y % _P


def _base() -> _Point:
    point = _decompress((4 * pow(5, -1, _P) % _P).to_bytes(32, "little"))
    assert point is not None  # noqa: S101  a constant of the curve
    return point


_BASE = _base()
