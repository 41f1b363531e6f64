"""Reading and writing files with limits and clear errors; the only place that opens what the user names."""

from __future__ import annotations

import os
from pathlib import Path

from assess.errors import InputError, NoInputError, UnavailableError

PROJECT_FILE = "slsa-assess.yaml"

ATTESTATION_LIMIT = 64 << 20
OWN_LIMIT = 1 << 20
"""For files that the user wrote for us: project, answers, platforms, keys, trusted roots."""


def read_file(path: Path, limit: int, what: str) -> bytes:
    """The bytes of `path`. Raises NoInputError where it cannot be opened, InputError above `limit` bytes."""
    try:
        if not path.is_file() and (path.is_dir() or not path.exists()):
            reason = "it is a folder" if path.is_dir() else "there is no such file"
            raise NoInputError(f"cannot read the {what} ({reason})", str(path), "check the path")
        with path.open("rb") as stream:
            data = stream.read(limit + 1)
    except (OSError, ValueError) as problem:
        reason = (getattr(problem, "strerror", None) or str(problem)).lower()
        raise NoInputError(f"cannot read the {what} ({reason})", str(path), "check the path") from None
    if len(data) > limit:
        raise InputError(
            f"the {what} is too large (more than {limit >> 20} MiB)", str(path), f"is this really the {what}?"
        )
    return data


def write_files(texts: tuple[tuple[Path, str], ...]) -> None:
    """Write all texts, each whole or not at all (a temporary file beside the target, then renamed).

    Raises UnavailableError with the place; what was there before is kept then.
    """
    import tempfile

    for path, text in texts:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            try:
                with os.fdopen(handle, "w", encoding="utf-8", newline="\n", errors="backslashreplace") as stream:
                    stream.write(text)
                mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
                Path(name).chmod(mode)
                Path(name).replace(path)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
        except (OSError, ValueError) as problem:
            reason = (getattr(problem, "strerror", None) or str(problem)).lower()
            raise UnavailableError(f"cannot write the report ({reason})", str(path), "name another file") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
