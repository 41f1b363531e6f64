"""The files of one project folder, read only from inside it: no traversal, no links that lead out, no devices."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from dataclasses import field
from pathlib import Path, PurePosixPath
from typing import TypeVar

from assess._frozen import frozen
from assess._yaml import MAX_BYTES
from assess.errors import InputError

T = TypeVar("T")
MAX_FILES = 2_000
MAX_WALKED = 200_000
MAX_DEPTH = 12
_NOT_OURS = frozenset(
    {".git", "node_modules", "vendor", "third_party", ".venv", "venv", ".tox", "__pycache__", "target"}
)


@frozen
class Folder:
    """A project's folder; `root` None where a single file was given and nothing around it can be seen."""

    root: Path | None
    _seen: dict[str, bytes | None] = field(default_factory=dict, repr=False, compare=False)
    """Files that were read, so that a file which many workflows call is read once."""
    _walked: list[str] = field(default_factory=list, repr=False, compare=False)
    _known: dict[str, object] = field(default_factory=dict, repr=False, compare=False)

    def list(self, folder: str, endings: tuple[str, ...]) -> tuple[str, ...]:
        """Names (relative, `/`) of the files right in `folder` with one of `endings`, sorted; () if there is none.

        Raises InputError if there are more than MAX_FILES.
        """
        if self.root is None:
            return ()
        place = self._inside(folder)
        if place is None or not place.is_dir():
            return ()
        try:
            names = sorted(one.name for one in place.iterdir() if one.name.endswith(endings))
        except OSError as error:
            raise InputError(f"cannot list the folder ({error.strerror})", folder) from None
        if len(names) > MAX_FILES:
            raise InputError(f"too many files (got {len(names)}, expected at most {MAX_FILES})", folder)
        return tuple(f"{folder}/{name}" for name in names)

    def walk(self) -> tuple[str, ...]:
        """Names (relative, `/`) of all files of the project, sorted; the folder is walked once.

        Follows no links to folders, and leaves out what is not the project's own (`.git`, `node_modules`, ...).
        Raises InputError if there are more than MAX_WALKED.
        """
        if self.root is None:
            return ()
        if not self._walked:
            self._walked.extend(_walk(self.root))
        return tuple(self._walked)

    def read(self, name: str) -> bytes | None:
        """The bytes of a file; None if it does not exist or `name` leads out of the folder.

        Raises InputError if it is no plain file, too large, cannot be read, or a link that leads out.
        """
        if name not in self._seen:
            self._seen[name] = self._read(name)
        return self._seen[name]

    def hashes(self) -> tuple[tuple[str, str], ...]:
        """Name and sha256 (hex) of every file that was read, by name."""
        read = sorted((name, data) for name, data in self._seen.items() if data is not None)
        return tuple((name, hashlib.sha256(data).hexdigest()) for name, data in read)

    def files(self) -> tuple[tuple[str, bytes], ...]:
        """Name and bytes of every file that was read, by name."""
        return tuple(sorted((name, data) for name, data in self._seen.items() if data is not None))

    def instead(self, name: str, data: bytes) -> None:
        """From now on `name` reads as `data`, whatever the disk holds."""
        self._seen[name] = data

    def once(self, what: str, make: Callable[[], T]) -> T:
        """Whatever `make` finds out about the project, made at most once under this name."""
        if what not in self._known:
            self._known[what] = make()
        found: T = self._known[what]  # type: ignore[assignment]
        return found

    def peek(self, name: str, size: int) -> bytes | None:
        """The first `size` bytes of a file, to see what it is; it does not count as read. None if it cannot be read."""
        try:
            place = self._inside(name)
            if place is None or not stat.S_ISREG(place.stat().st_mode):
                return None
            with place.open("rb") as stream:
                return stream.read(size)
        except (OSError, ValueError, InputError):
            return None

    def _read(self, name: str) -> bytes | None:
        place = self._inside(name)
        if place is None:
            return None
        try:
            status = place.stat()
            if not stat.S_ISREG(status.st_mode):
                raise InputError("not a plain file", name)
            if status.st_size > MAX_BYTES:
                raise InputError(f"file is too large (got {status.st_size} bytes, expected at most {MAX_BYTES})", name)
            with place.open("rb") as stream:
                return stream.read(MAX_BYTES + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError) as error:
            raise InputError(f"cannot read the file ({getattr(error, 'strerror', None) or error})", name) from None

    def _inside(self, name: str) -> Path | None:
        """The file's real place; None where there is no folder or the name itself climbs out."""
        parts = PurePosixPath(name).parts
        if self.root is None or ".." in parts or name.startswith("/") or "\0" in name or len(name) > 1_000:
            return None
        root = self.root.resolve()
        try:
            place = root.joinpath(*parts).resolve()
        except (OSError, RuntimeError) as error:
            raise InputError(f"cannot follow the path ({error})", name) from None
        if not place.is_relative_to(root):
            raise InputError("a link leads out of the project's folder, so it was not followed", name)
        return place


def _walk(root: Path) -> list[str]:
    found: list[str] = []
    for folder, folders, names in os.walk(root):
        inside = PurePosixPath(Path(folder).relative_to(root).as_posix())
        folders[:] = sorted(one for one in folders if one not in _NOT_OURS and len(inside.parts) < MAX_DEPTH)
        found += [(inside / name).as_posix() for name in names]
        if len(found) > MAX_WALKED:
            raise InputError(f"too many files (expected at most {MAX_WALKED})", str(root))
    return sorted(found)
