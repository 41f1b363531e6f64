"""Reading and writing files with limits and clear errors; the only place that opens what the user names."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from assess.errors import InputError, NoInputError, UnavailableError

PROJECT_FILE = "slsa-assess.yaml"
LOCK_FILE = "slsa-expectations.lock"

ATTESTATION_LIMIT = 64 << 20
OWN_LIMIT = 1 << 20
"""For files that the user wrote for us: project, answers, platforms, keys, trusted roots."""

_SHELL_PIPES = ("/dev/fd", "/proc/self/fd")
"""Where a shell's `<(command)` and `>(command)` stand; those pipes have somebody at their other end."""


def open_file(path: Path, what: str) -> BinaryIO:
    """`path` for reading. Raises NoInputError where it cannot be opened or is no plain file.

    Named pipes and devices are refused: they may block for ever or never end. A shell's `<(command)` is not.
    """
    try:
        stream = open(path, "rb", opener=_without_waiting)  # noqa: SIM115  (the caller closes)
    except (OSError, ValueError) as problem:
        raise NoInputError(f"cannot read the {what} ({reason_of(problem)})", str(path), "check the path") from None
    mode = os.fstat(stream.fileno()).st_mode
    piped = stat.S_ISFIFO(mode) and (path.parent.as_posix() in _SHELL_PIPES or path.as_posix() == "/dev/stdin")
    if stat.S_ISREG(mode) or piped:
        os.set_blocking(stream.fileno(), True)
        return stream
    stream.close()
    kind = "a named pipe" if stat.S_ISFIFO(mode) else "a device"
    raise NoInputError(f"cannot read the {what} (got {kind}, expected a plain file)", str(path), "name the file itself")


def read_file(path: Path, limit: int, what: str) -> bytes:
    """The bytes of `path`. Raises NoInputError where it cannot be opened, InputError above `limit` bytes."""
    try:
        with open_file(path, what) as stream:
            data = stream.read(limit + 1)
    except OSError as problem:
        raise NoInputError(f"cannot read the {what} ({reason_of(problem)})", str(path), "check the path") from None
    if len(data) > limit:
        raise InputError(
            f"the {what} is too large (more than {limit >> 20} MiB)", str(path), f"is this really the {what}?"
        )
    return data


def write_files(texts: tuple[tuple[Path, str], ...], what: str = "report") -> None:
    """Write all texts, each whole or not at all (a temporary file beside the target, then renamed).

    A link is followed, a device or pipe (`/dev/null`, `>(command)`) is written to and never replaced.
    Raises UnavailableError with the place; what was there before is kept then.
    """
    for path, text in texts:
        data = text.encode("utf-8", errors="backslashreplace")
        try:
            target = Path(os.path.realpath(path))
            if path.exists() and not target.is_file():
                _write_into(path, data)
            else:
                _replace(target, data)
        except (OSError, ValueError) as problem:
            raise UnavailableError(
                f"cannot write the {what} ({reason_of(problem)})", str(path), "name another file"
            ) from None


def _replace(target: Path, data: bytes) -> None:
    import tempfile

    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".slsa-assess.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask()
        Path(name).chmod(mode)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _write_into(path: Path, data: bytes) -> None:
    """Into what is no plain file, and must stay what it is; a pipe that nobody reads is an error, not a wait."""
    mode = path.stat().st_mode
    if not (stat.S_ISCHR(mode) or stat.S_ISFIFO(mode)):
        raise OSError("it is a folder" if stat.S_ISDIR(mode) else "it is no file")
    handle = os.open(path, os.O_WRONLY | getattr(os, "O_NONBLOCK", 0))
    os.set_blocking(handle, True)
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)


def reason_of(problem: Exception) -> str:
    """Why a file cannot be used, in words."""
    match problem:
        case FileNotFoundError():
            return "there is no such file"
        case IsADirectoryError():
            return "it is a folder"
        case _:
            return (getattr(problem, "strerror", None) or str(problem)).lower()


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
