"""What a user says about registries."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ImageOptions:
    """How registries are asked."""

    offline: bool = False
    """No registry is asked at all."""
    plain_http: tuple[str, ...] = ()
    """`host` or `host:port` that are spoken to without TLS; loopback is no exception unless it is named."""
    ca_file: Path | None = None
    """PEM certificates of authorities that are trusted beside the system's."""
    mirrors: tuple[tuple[str, str], ...] = ()
    """`host` or `host/prefix` -> mirror, asked first; the origin is asked for what the mirror lacks."""
    auth_file: Path | None = None
    """The only file with credentials; None: where docker and podman keep them."""
    total: float = 60.0
    """Seconds for one request, all attempts and waiting included."""
    connect: float = 10.0
    read: float = 20.0
    """Seconds for each single read."""
    attempts: int = 4
