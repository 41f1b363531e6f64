"""What `docker save` writes: a tar with manifest.json, and since Docker 25 an image layout in the same tar.

Docker does not keep the manifest that a registry served (unless it stores images in containerd): the digests that
signatures and provenance are made for are then not in the archive, and nothing here can give them back.
"""

from __future__ import annotations

import os
import re

from assess.attestations._json import Node, read_json, shown
from assess.errors import InputError, NoInputError
from assess.images._tar import TarFile
from assess.images.layout import Layout
from assess.images.manifest import MAX_ENTRIES, MAX_MANIFEST, check_content, digest_of
from assess.images.reference import LocalReference, same_name
from assess.images.store import Descriptor, Manifest

CONFIG = "application/vnd.docker.container.image.v1+json"
_HINT = "ask the registry, or copy with its digests kept: crane pull --format=oci, skopeo copy docker://... oci:DIR"
_LAYOUT_CAVEAT = (
    "docker save writes manifests of its own unless images are stored in containerd: the digest may differ from the "
    "one in the registry, which signatures and provenance are made for"
)
_LEGACY_CAVEAT = (
    "docker save keeps no manifest of a registry: the digest is the image id (of the configuration), which signatures "
    "and provenance are usually not made for"
)
_HEX = re.compile(r"(?:blobs/sha256/|sha256:)?([0-9a-f]{64})(?:\.json)?")


def open_docker_archive(reference: LocalReference) -> Layout | DockerArchive:
    """The image in a `docker save` archive. Raises NoInputError, InputError."""
    if os.path.isdir(reference.path):  # noqa: PTH112  (says False where Path.is_dir raises)
        raise NoInputError("no archive (got a folder)", str(reference.path), "a folder is written oci:DIR")
    files = TarFile(reference.path)
    if "oci-layout" in files.names:
        return Layout(files, reference, _LAYOUT_CAVEAT)
    return DockerArchive(files, reference)


class DockerArchive:
    """An `ImageStore` over the legacy form; all that can be known of an image is its id and its configuration."""

    def __init__(self, files: TarFile, reference: LocalReference) -> None:
        """Raises NoInputError where there is no manifest.json, InputError where it cannot be read."""
        self._files, self._reference = files, reference
        data = files.read("manifest.json", MAX_MANIFEST)
        if data is None:
            hint = "an image layout in a tar is written oci-archive:FILE" if "index.json" in files.names else _HINT
            raise NoInputError("no docker save archive (there is no manifest.json)", str(reference.path), hint)
        place = f"{reference.path}/manifest.json"
        root = Node(read_json(data, place), place)
        if not isinstance(root.value, list) or len(root.value) > MAX_ENTRIES:
            raise root.error("not what docker save writes (expected an array of images)")
        self._images = tuple((one.required_string("Config"), _tags(one)) for one in root.elements())
        self._resolved: Manifest | None = None

    @property
    def shown(self) -> str:
        """See `ImageStore`."""
        return self._reference.place

    @property
    def caveat(self) -> str | None:
        """See `ImageStore`."""
        return _LEGACY_CAVEAT

    def resolve(self) -> Manifest:
        """See `ImageStore`: the image's configuration stands for its manifest, its id for the digest."""
        if self._resolved is None:
            name = self._chosen()
            data = self._files.read(name, MAX_MANIFEST)
            if data is None:
                raise InputError(f"the image's configuration is missing ({shown(name)})", self.shown)
            place = f"{self._reference.path}/{name}"
            digest = digest_of(data)
            stated = _HEX.fullmatch(name)
            if stated:
                check_content(data, f"sha256:{stated[1]}", None, place)
            Node(read_json(data, place), place).members()
            self._check_digest(digest)
            self._resolved = Manifest(digest, CONFIG, data, "image", Descriptor(CONFIG, digest, len(data)))
        return self._resolved

    def manifest(self, digest: str) -> Manifest | None:
        """See `ImageStore`."""
        resolved = self.resolve()
        return resolved if digest == resolved.digest else None

    def tagged(self, tag: str) -> Manifest | None:  # noqa: ARG002
        """See `ImageStore`: nothing is attached here."""
        return None

    def blob(self, descriptor: Descriptor) -> bytes:
        """See `ImageStore`: the configuration only."""
        resolved = self.resolve()
        if descriptor.data is not None:
            return descriptor.data
        if descriptor.digest != resolved.digest:
            raise InputError("missing from the archive", f"{self.shown}@{descriptor.digest}", _HINT)
        check_content(resolved.data, descriptor.digest, descriptor.size, f"{self.shown}@{descriptor.digest}")
        return resolved.data

    def referrers(self, digest: str) -> tuple[Descriptor, ...] | None:  # noqa: ARG002
        """See `ImageStore`: this form has no place for them."""
        return None

    def kept(self, kind: str) -> tuple[Descriptor, ...]:  # noqa: ARG002
        """See `ImageStore`."""
        return ()

    def _check_digest(self, digest: str) -> None:
        wanted = self._reference.digest
        if wanted and wanted != digest:
            raise NoInputError(f"no image {wanted} here (got {digest}, an image id)", self.shown, _HINT)

    def _chosen(self) -> str:
        wanted = self._reference.name
        candidates = self._images
        if wanted:
            candidates = tuple(one for one in candidates if any(same_name(wanted, tag) for tag in one[1]))
        elif self._reference.digest:
            hexes = self._reference.digest.removeprefix("sha256:")
            candidates = tuple(one for one in candidates if hexes in one[0]) or candidates[:1]
        names = ", ".join(shown(tag, 120) for one in self._images for tag in one[1][:1])
        hint = f"name one of: {names}" if names else None
        if not candidates:
            raise NoInputError(f"no image named {shown(wanted)} here" if wanted else "no image here", self.shown, hint)
        if len({config for config, _ in candidates}) > 1:
            raise InputError(f"several images (got {len(candidates)}, expected one to be named)", self.shown, hint)
        return candidates[0][0]


def _tags(node: Node) -> tuple[str, ...]:
    return tuple(one.value for one in node.items("RepoTags") if isinstance(one.value, str))
