"""A tar file read in place: which plain files it holds, and their bytes; nothing is ever unpacked.

Not `tarfile`: that ends silently at a damaged header, follows links inside the archive, reads extended headers of any
size, and loops on negative sizes (CVE-2025-8194). Here:

1. each header's checksum and numbers are checked; an archive without its end mark is broken off
2. names are relative and clean; links, devices, sparse and unknown members are refused; no name occurs twice
3. members, extended headers and bytes (of a compressed archive: unpacked, in all and by ratio) are bounded
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from assess.attestations._json import shown
from assess.errors import InputError
from assess.files import open_file, reason_of
from assess.images._unpacking import Unpacked

MAX_MEMBERS = 100_000
MAX_EXTENDED = 64 << 10
"""Bytes of one extended header."""
SMALL, MAX_SMALL = 1 << 20, 64 << 20
"""Members of a compressed archive that are kept while it is listed: bytes of one, of all."""
_BLOCK = 512
_SAFE_NAME = re.compile(r"[^\\\x00-\x1f\x7f]{1,4096}")
_LEGACY_LAYER = re.compile(r"(?:[0-9a-f]{64}/)?layer\.tar|[0-9a-f]{64}\.tar|blobs/sha256/[0-9a-f]{64}")
_REFUSED = {
    b"1": "a hard link", b"2": "a symbolic link", b"3": "a device", b"4": "a device", b"6": "a named pipe",
    b"S": "a sparse file", b"M": "a part of a volume", b"V": "a volume label",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Header:
    name: str
    kind: bytes
    size: int
    link: str


class TarFile:
    """The plain files of a tar, `name -> bytes`; safe to share between threads."""

    def __init__(self, path: Path) -> None:
        """List the archive. Raises NoInputError where there is no such file, InputError where it is refused."""
        self.path = path
        self._members: dict[str, tuple[int, int]] = {}
        self._kept: dict[str, bytes] = {}
        try:
            with open_file(path, "archive") as stream:
                self._list(Unpacked(stream, str(path)))
        except OSError as problem:
            raise InputError(f"cannot read the archive ({reason_of(problem)})", str(path)) from None

    @property
    def names(self) -> tuple[str, ...]:
        """Of all plain files, in their order."""
        return tuple(self._members)

    def read(self, name: str, limit: int) -> bytes | None:
        """The bytes of a member; None where there is none. Raises InputError above `limit` bytes."""
        if name not in self._members:
            return None
        offset, size = self._members[name]
        if size > limit:
            raise InputError(f"too large (got {size} bytes, expected at most {limit})", f"{self.path}/{name}")
        if name in self._kept:
            return self._kept[name]
        try:
            with open_file(self.path, "archive") as stream:
                plain = Unpacked(stream, str(self.path))
                plain.skip_to(offset)
                data = plain.read(size)
        except OSError as problem:
            raise InputError(f"cannot read the archive ({reason_of(problem)})", str(self.path)) from None
        if len(data) != size:
            raise InputError("the archive breaks off", f"{self.path}/{name}")
        return data

    def _list(self, plain: Unpacked) -> None:
        kept = 0
        links: set[str] = set()
        for header in self._headers(plain):
            name = self._checked(header, links)
            if name is None:
                continue
            self._members[name] = (plain.position, header.size)
            if plain.packed and header.size <= SMALL and kept + header.size <= MAX_SMALL:
                kept += header.size
                self._kept[name] = plain.read(header.size)

    def _headers(self, plain: Unpacked) -> Iterator[_Header]:
        """Each header with the names and sizes that extended headers before it give; stands at its content."""
        long: dict[str, str] = {}
        for count in range(MAX_MEMBERS + 1):
            block = plain.read(_BLOCK)
            if len(block) < _BLOCK:
                raise self._error("the archive breaks off (it has no end mark)", count)
            if not block.strip(b"\0"):
                return
            header = self._header(block, count)
            if header.kind in b"xgLK" and header.size > MAX_EXTENDED:
                raise self._error(f"an extended header is too large ({header.size} bytes)", count)
            start = plain.position
            match header.kind:
                case b"x" | b"g":
                    records = self._records(plain.read(header.size), count)
                    if header.kind == b"g" and {"path", "size", "linkpath"} & set(records):
                        raise self._error("a global header that renames members", count)
                    long |= records if header.kind == b"x" else {}
                case b"L" | b"K":
                    key = "path" if header.kind == b"L" else "linkpath"
                    long[key] = plain.read(header.size).rstrip(b"\0").decode("utf-8", "surrogateescape")
                case _:
                    header = self._extended(header, long, count)
                    yield header
                    long = {}
            plain.skip_to(start + -(-header.size // _BLOCK) * _BLOCK)
        raise self._error(f"too many members (expected at most {MAX_MEMBERS})", MAX_MEMBERS)

    def _header(self, block: bytes, count: int) -> _Header:
        # (1) the checksum counts its own field as blanks (POSIX pax, "ustar Interchange Format")
        stated = _number(block[148:156])
        if stated != sum(block[:148]) + 8 * ord(" ") + sum(block[156:]):
            what = "not a tar archive" if count == 0 else "a damaged header in the archive"
            raise self._error(what, count)
        size = _number(block[124:136])
        if size is None or not 0 <= size < 1 << 50:
            raise self._error("a member without a proper size", count)
        name = _text(block[:100])
        prefix = _text(block[345:500]) if block[257:263] == b"ustar\0" else ""
        kind = block[156:157].replace(b"\0", b"0")
        # what links and folders have as size is no content
        return _Header(
            f"{prefix}/{name}" if prefix else name, kind, 0 if kind in b"12345" else size, _text(block[157:257])
        )

    def _extended(self, header: _Header, long: dict[str, str], count: int) -> _Header:
        size = header.size
        if any(key.startswith("GNU.sparse") for key in long):
            raise self._error("a sparse file, which is refused", count)
        if "size" in long and header.kind not in b"12345":
            if not re.fullmatch(r"[0-9]{1,15}", long["size"]):
                raise self._error("a member without a proper size", count)
            size = int(long["size"])
        return _Header(long.get("path", header.name), header.kind, size, long.get("linkpath", header.link))

    def _records(self, data: bytes, count: int) -> dict[str, str]:
        """`length key=value\\n` records (POSIX pax)."""
        found: dict[str, str] = {}
        while data:
            length = re.match(rb"([0-9]{1,6}) ", data)
            end = int(length[1]) if length else 0
            key, equals, value = data[length.end() if length else 0 : end].partition(b"=")
            if not length or end > len(data) or not equals or not value.endswith(b"\n"):
                raise self._error("a damaged extended header", count)
            found[key.decode("utf-8", "surrogateescape")] = value[:-1].decode("utf-8", "surrogateescape")
            data = data[end:]
        return found

    def _checked(self, header: _Header, links: set[str]) -> str | None:
        """The clean name of a plain file; None for a folder and for what is passed over."""
        # (2)
        name = header.name.removeprefix("./")
        if header.kind == b"5":
            name = name.rstrip("/")
            if name in ("", "."):
                return None
        parts = name.split("/")
        if not _SAFE_NAME.fullmatch(name) or any(part in ("", ".", "..") for part in parts):
            raise self._error(f"a member's name that is refused ({shown(header.name)}: not a clean relative path)")
        if header.kind == b"5":
            return None
        if name in self._members or name in links:
            raise self._error(f"two members of one name ({shown(name)})")
        if (
            header.kind == b"2"
            and _LEGACY_LAYER.fullmatch(name)
            and _LEGACY_LAYER.fullmatch(header.link.removeprefix("../"))
        ):
            # docker save of old writes a layer that occurs twice as a link to the first; it is never followed
            links.add(name)
            return None
        if header.kind != b"0":
            raise self._error(
                f"{_REFUSED.get(header.kind, 'an unknown kind of member')}, which is refused ({shown(name)})"
            )
        return name

    def _error(self, message: str, count: int | None = None) -> InputError:
        place = str(self.path) if count is None else f"{self.path} (member {count + 1})"
        return InputError(message, place, "is this really an image's archive, and whole?")


def _number(field: bytes) -> int | None:
    """Octal digits, or base 256 as GNU writes large ones; None for what is neither, or negative."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0")
    if not digits:
        return 0
    return int(digits, 8) if re.fullmatch(rb"[0-7]+", digits) else None


def _text(field: bytes) -> str:
    return field.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")
