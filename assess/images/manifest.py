"""Manifests and indexes, OCI's and Docker's, from their exact bytes; and the check of bytes against a descriptor.

1. one media type: what the transport says, what the descriptor says and what the document says must agree
2. one meaning: a document with the fields of an image and of an index is refused (OCI image spec v1.1.1, manifest.md;
   GHSA-mc8v-mgrf-8f4m: the same bytes must not be two things to two readers)
3. every descriptor has a media type, a digest that can be checked, and a size
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from typing import Literal

from assess.attestations._json import Limits, Node, read_json, shown
from assess.errors import InputError
from assess.images.reference import is_digest
from assess.images.store import Descriptor, ImageStore, Manifest

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
IMAGES = (OCI_MANIFEST, DOCKER_MANIFEST)
INDEXES = (OCI_INDEX, DOCKER_LIST)

MAX_MANIFEST = 4 << 20
"""Bytes; what registries must accept at most (OCI distribution spec v1.1, "Pushing manifests")."""
MAX_ENTRIES = 2000
"""Manifests of an index, layers of an image."""
MAX_DEPTH = 4
"""Indexes within indexes."""
MAX_WALK = 1000
"""Manifests below one index, all levels together."""

_LIMITS = Limits(size=MAX_MANIFEST, depth=32, nodes=200_000)
_MEDIA_TYPE = re.compile(
    r"[A-Za-z0-9][\w!#$&^.+-]{0,126}/[A-Za-z0-9][\w!#$&^.+-]{0,126}(?:; ?[\w-]{1,40}=[\w.-]{1,40})?", re.A
)
_SCHEMA_1 = (
    "application/vnd.docker.distribution.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
)
_HASHES = {"sha256": (hashlib.sha256, 64), "sha512": (hashlib.sha512, 128)}


def digest_of(data: bytes) -> str:
    """`sha256:<hex>` of bytes."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def check_content(data: bytes, digest: str, size: int | None, place: str) -> None:
    """Raises InputError unless `data` has this size (None: any) and digest (sha256 or sha512)."""
    if size is not None and len(data) != size:
        raise InputError(
            f"wrong size (got {len(data)} bytes, expected {size})", place, "the content was changed or cut"
        )
    name, _, value = digest.partition(":")
    make, _ = _HASHES[name]
    found = make(data).hexdigest()
    if found != value:
        raise InputError(
            f"wrong digest (got {name}:{found}, expected {digest})", place, "the content was changed or cut"
        )


def read_manifest(data: bytes, place: str, *, digest: str | None = None, media_type: str | None = None) -> Manifest:
    """The manifest or index in `data`; `media_type` is what the transport or descriptor says it is.

    Where `digest` is given, the bytes are held to it first. Raises InputError.
    """
    if digest is not None:
        check_content(data, digest, None, place)
    node = Node(read_json(data, place, _LIMITS), place)
    fields = node.members()
    found, kind = _media_type(node, media_type)
    # (2)
    own, other = ("manifests", ("layers", "config")) if kind == "index" else ("layers", ("manifests",))
    for name in (*other, "fsLayers", "history"):
        if name in fields:
            raise node.get(name).error(f"two documents in one (an {kind} with the field {name!r} is refused)")
    if not isinstance(node.get(own).value, list):
        raise node.get(own).error(f"missing (expected the array of an {kind})")
    config = _descriptor(node.get("config")) if kind == "image" else None
    subject = _descriptor(node.get("subject")) if node.get("subject").present else None
    return Manifest(
        digest=digest or digest_of(data),
        media_type=found,
        data=data,
        kind=kind,
        config=config,
        layers=_descriptors(node, "layers") if kind == "image" else (),
        manifests=_descriptors(node, "manifests") if kind == "index" else (),
        subject=subject,
        artifact_type=node.string("artifactType") or None,
        annotations=_annotations(node),
    )


def is_manifest(descriptor: Descriptor) -> bool:
    """Whether it points at a manifest or index; an index may name other things too, which are passed over."""
    return descriptor.media_type in IMAGES or descriptor.media_type in INDEXES


def walk(store: ImageStore, index: Manifest) -> Iterator[tuple[Descriptor, Manifest | None]]:
    """What an index names, and what indexes in it name, each once: with its manifest; None where the store
    lacks it, or it is no manifest.

    Raises InputError where that nests too deeply or never ends, and as `ImageStore.manifest` does.
    """
    seen = {index.digest}
    waiting = [(index, 1)]
    while waiting:
        parent, depth = waiting.pop(0)
        if depth > MAX_DEPTH:
            raise InputError(f"indexes nest too deeply (expected at most {MAX_DEPTH} levels)", _place(store, parent))
        for descriptor in parent.manifests:
            if descriptor.digest in seen:
                continue
            seen.add(descriptor.digest)
            if len(seen) > MAX_WALK:
                raise InputError(f"too many manifests (expected at most {MAX_WALK})", _place(store, index))
            found = store.manifest(descriptor.digest) if is_manifest(descriptor) else None
            if found is not None and found.media_type != descriptor.media_type:
                raise InputError(
                    f"two media types (the index says {shown(descriptor.media_type)}, the manifest {found.media_type})",
                    _place(store, found),
                )
            if found is not None and len(found.data) != descriptor.size:
                raise InputError(
                    f"wrong size (got {len(found.data)} bytes, the index says {descriptor.size})", _place(store, found)
                )
            yield descriptor, found
            if found is not None and found.kind == "index":
                waiting.append((found, depth + 1))


def _place(store: ImageStore, manifest: Manifest) -> str:
    return f"{store.shown}@{manifest.digest}"


def _media_type(node: Node, told: str | None) -> tuple[str, Literal["image", "index"]]:
    # (1)
    inside = node.string("mediaType") or None
    version = node.integer("schemaVersion")
    if version == 1 or told in _SCHEMA_1 or inside in _SCHEMA_1:
        raise node.error(
            "a Docker schema 1 manifest, which nothing can be signed for", "push the image again with a current tool"
        )
    if version != 2:
        raise node.get("schemaVersion").error("not an image manifest or index (expected schemaVersion 2)")
    if told and inside and told != inside:
        raise node.get("mediaType").error(
            f"two media types (got {shown(inside)} in the document, {shown(told)} outside)"
        )
    found = told or inside or (OCI_INDEX if node.get("manifests").present else OCI_MANIFEST)
    if found in INDEXES:
        return found, "index"
    if found in IMAGES:
        return found, "image"
    raise node.error(f"a media type that is not read (got {shown(found)}, expected an image manifest or index)")


def _descriptors(node: Node, key: str) -> tuple[Descriptor, ...]:
    items = node.items(key)
    if len(items) > MAX_ENTRIES:
        raise node.get(key).error(f"too many entries (got {len(items)}, expected at most {MAX_ENTRIES})")
    return tuple(_descriptor(one) for one in items)


def _descriptor(node: Node) -> Descriptor:
    # (3)
    media_type = node.required_string("mediaType")
    if not _MEDIA_TYPE.fullmatch(media_type):
        raise node.get("mediaType").error(f"not a media type (got {shown(media_type)})")
    digest = node.required_string("digest")
    name, _, value = digest.partition(":")
    if name not in _HASHES or not re.fullmatch(f"[0-9a-f]{{{_HASHES[name][1]}}}", value):
        raise node.get("digest").error(f"a digest that cannot be checked (got {shown(digest)}, expected sha256:...)")
    size = node.integer("size")
    if size is None or not 0 <= size < 1 << 53 or isinstance(node.get("size").value, str):
        raise node.get("size").error("not a size (expected a number of bytes)")
    if (media_type in IMAGES or media_type in INDEXES) and not is_digest(digest):
        raise node.get("digest").error(f"a manifest by another digest than sha256 (got {shown(digest)})")
    data = None
    if node.get("data").present:
        data = _embedded(node, digest, size)
    return Descriptor(
        media_type=media_type,
        digest=digest,
        size=size,
        annotations=_annotations(node),
        artifact_type=node.string("artifactType") or None,
        platform=_platform(node.object("platform")) if node.get("platform").present else None,
        data=data,
    )


def _embedded(node: Node, digest: str, size: int) -> bytes:
    # standard base64 only: OCI names RFC 4648 section 4
    try:
        data = base64.b64decode(node.string("data"), validate=True)
    except ValueError:
        raise node.get("data").error("not base64") from None
    check_content(data, digest, size, f"{node.path}#{node.pointer}/data")
    return data


def _annotations(node: Node) -> tuple[tuple[str, str], ...]:
    inner = node.object("annotations")
    return tuple((name, inner.string(name)) for name in inner.members())


def _platform(node: Node) -> str:
    parts = (node.string("os") or "unknown", node.string("architecture") or "unknown", node.string("variant"))
    return "/".join(part for part in parts if part)
