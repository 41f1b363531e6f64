"""From what the user wrote to the place that holds the image, with what the user said about registries."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from assess.errors import UnavailableError
from assess.images.docker_archive import open_docker_archive
from assess.images.layout import open_archive, open_folder
from assess.images.reference import LocalReference, RegistryReference, read_reference
from assess.images.store import ImageStore


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


def open_store(text: str, options: ImageOptions | None = None) -> ImageStore:
    """The place of the image that `text` names; nothing is asked yet of a registry.

    Raises InputError for what is no reference or a layout that cannot be read, NoInputError where there is none,
    UnavailableError where a registry is meant and `options.offline` holds.
    """
    options = options or ImageOptions()
    match read_reference(text):
        case LocalReference(kind="oci") as local:
            return open_folder(local)
        case LocalReference(kind="oci-archive") as local:
            return open_archive(local)
        case LocalReference() as local:
            return open_docker_archive(local)
        case RegistryReference() as remote:
            raise UnavailableError(
                "the image is in a registry, which is not asked",
                str(remote),
                "save the image (cosign save --dir DIR, crane pull --format=oci) and name it: oci:DIR",
            )
