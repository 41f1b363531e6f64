"""What every place that holds images offers, whatever it is: a registry, a layout folder, an archive.

Bytes that a store hands out were checked against the digest and size that asked for them (OCI image spec v1.1.1,
descriptor.md); what does not agree is an InputError with its place, never a value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class Descriptor:
    """An OCI descriptor: what it points at, by digest (`sha256:<hex>`) and size in bytes."""

    media_type: str
    digest: str
    size: int
    annotations: tuple[tuple[str, str], ...] = ()
    artifact_type: str | None = None
    platform: str | None = None
    """`linux/amd64`, `linux/arm64/v8`; `unknown/unknown` for BuildKit's attestation manifests; None: none is named."""
    data: bytes | None = None
    """Content embedded in the descriptor, checked like any other."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest or an index as stored: `data` are its exact bytes, whose sha256 is `digest`."""

    digest: str
    media_type: str
    data: bytes
    kind: Literal["image", "index"]
    config: Descriptor | None = None
    layers: tuple[Descriptor, ...] = ()
    manifests: tuple[Descriptor, ...] = ()
    """Of an index."""
    subject: Descriptor | None = None
    artifact_type: str | None = None
    annotations: tuple[tuple[str, str], ...] = ()


class ImageStore(Protocol):
    """One repository (or layout, or archive), read only."""

    @property
    def shown(self) -> str:
        """How reports name it: `registry.example/team/app`, `oci:dist/app`; never with credentials."""
        ...

    @property
    def caveat(self) -> str | None:
        """What a reader must know of the digests here (those of `docker save` are not a registry's), or None."""
        ...

    def resolve(self) -> Manifest:
        """What the reference names, looked up once: a tag that moves later changes nothing.

        Raises NoInputError where there is no such image, UnavailableError where the place is out of reach,
        InputError for what cannot be read.
        """
        ...

    def manifest(self, digest: str) -> Manifest | None:
        """A manifest by digest; None where the store has none. Raises as `resolve` does."""
        ...

    def tagged(self, tag: str) -> Manifest | None:
        """A manifest by tag (`sha256-<hex>.sig`); None where there is no such tag. Raises as `resolve` does."""
        ...

    def blob(self, descriptor: Descriptor) -> bytes:
        """A blob's bytes. Raises InputError where it is missing, too large or not what the descriptor says."""
        ...

    def referrers(self, digest: str) -> tuple[Descriptor, ...] | None:
        """What says that it belongs to `digest` (OCI distribution spec v1.1, referrers API and fallback tag).

        What a registry lists is its word: the `subject` of each manifest is still to be compared.
        None where the store cannot tell (a layout without `subject`s is searched, so that it can).
        """
        ...

    def kept(self, kind: str) -> tuple[Descriptor, ...]:
        """What `cosign save` kept in a layout as `kind` (`dev.cosignproject.cosign/sigs`, `.../atts`); () elsewhere."""
        ...
