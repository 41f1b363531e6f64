"""Small images made in memory: blobs, manifests and indexes, written as a layout folder, a tar, or into a registry."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Json = dict[str, Any]

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
EMPTY = "application/vnd.oci.empty.v1+json"


def digest_of(data: bytes) -> str:
    """`sha256:<hex>`."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def dumped(document: Json) -> bytes:
    """The bytes of a document, always the same."""
    return json.dumps(document, indent=1).encode()


def descriptor(data: bytes, media_type: str, **more: Any) -> Json:
    """What points at `data`."""
    return {"mediaType": media_type, "digest": digest_of(data), "size": len(data), **more}


@dataclass
class Parts:
    """Blobs and manifests by digest; manifests are blobs too, as in a layout."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, str] = field(default_factory=dict)
    """digest -> media type"""

    def blob(self, data: bytes, media_type: str, **more: Any) -> Json:
        """Keep a blob; its descriptor."""
        self.blobs[digest_of(data)] = data
        return descriptor(data, media_type, **more)

    def document(self, document: Json, media_type: str, **more: Any) -> Json:
        """Keep a manifest or index; its descriptor."""
        found = self.blob(dumped(document), media_type, **more)
        self.manifests[found["digest"]] = media_type
        return found

    def image(self, name: str = "app", *, media_type: str = OCI_MANIFEST, **more: Any) -> Json:
        """An image of one layer, different for each name; its descriptor. `more`: fields of the manifest."""
        config = self.blob(dumped({"architecture": "amd64", "os": "linux", "name": name}), OCI_CONFIG)
        layer = self.blob(f"layer of {name}\n".encode(), OCI_LAYER)
        document = {"schemaVersion": 2, "mediaType": media_type, "config": config, "layers": [layer], **more}
        return self.document(document, media_type)

    def artifact(self, data: bytes, layer_type: str, *, subject: Json | None = None, **more: Any) -> Json:
        """An artifact of one layer that may belong to `subject`; its descriptor."""
        config = self.blob(b"{}", EMPTY)
        document: Json = {
            "schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config,
            "layers": [self.blob(data, layer_type)], **more,
        }  # fmt: skip
        if subject is not None:
            document["subject"] = {key: subject[key] for key in ("mediaType", "digest", "size")}
        return self.document(document, OCI_MANIFEST)

    def index(self, members: Iterable[Json], *, media_type: str = OCI_INDEX, **more: Any) -> Json:
        """An index of descriptors; its descriptor."""
        document = {"schemaVersion": 2, "mediaType": media_type, "manifests": list(members), **more}
        return self.document(document, media_type)

    def files(self, roots: Iterable[Json]) -> dict[str, bytes]:
        """The files of a layout whose index.json names `roots`."""
        return {
            "oci-layout": b'{"imageLayoutVersion": "1.0.0"}',
            "index.json": dumped({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(roots)}),
            **{f"blobs/{digest.replace(':', '/')}": data for digest, data in self.blobs.items()},
        }


def named(found: Json, name: str, **annotations: str) -> Json:
    """A descriptor with `org.opencontainers.image.ref.name`."""
    return {**found, "annotations": {"org.opencontainers.image.ref.name": name, **annotations}}


def write_folder(folder: Path, files: dict[str, bytes]) -> Path:
    """Write files below a folder."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def tar_of(files: dict[str, bytes], *, prefix: str = "", style: int = tarfile.USTAR_FORMAT) -> bytes:
    """An uncompressed tar of plain files."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=style) as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(prefix + name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return out.getvalue()


def gzipped(data: bytes) -> bytes:
    """Compressed, always the same."""
    return gzip.compress(data, mtime=0)
