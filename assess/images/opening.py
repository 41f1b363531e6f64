"""From what the user wrote to the place that holds the image, with what the user said about registries."""

from __future__ import annotations

from assess.errors import UnavailableError
from assess.images.docker_archive import open_docker_archive
from assess.images.layout import open_archive, open_folder
from assess.images.options import ImageOptions
from assess.images.reference import LocalReference, RegistryReference, read_reference
from assess.images.registry import Registry
from assess.images.session import Session
from assess.images.store import ImageStore

__all__ = ["ImageOptions", "Session", "open_store"]


def open_store(text: str, options: ImageOptions | None = None, session: Session | None = None) -> ImageStore:
    """The place of the image that `text` names; nothing is asked yet of a registry.

    Many images share one `Session(options)`: its connections, credentials and tokens; its options count then.

    Raises InputError for what is no reference or a layout that cannot be read, NoInputError where there is none,
    UnavailableError where a registry is meant and `options.offline` holds, ConfigError for options that cannot be.
    """
    options = session.options if session is not None else options or ImageOptions()
    match read_reference(text):
        case LocalReference(kind="oci") as local:
            return open_folder(local)
        case LocalReference(kind="oci-archive") as local:
            return open_archive(local)
        case LocalReference() as local:
            return open_docker_archive(local)
        case RegistryReference() as remote:
            if options.offline:
                raise UnavailableError(
                    "the image is in a registry, which --offline forbids to ask",
                    str(remote),
                    "save it (cosign save --dir DIR, crane pull --format=oci) and name the folder: oci:DIR",
                )
            return Registry(remote, session or Session(options))
