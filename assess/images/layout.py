"""OCI image layouts (image spec v1.1.1, image-layout.md), in a folder or a tar: which image is meant, what it holds.

1. every blob is held to the digest in its name, whatever the file system or archive says it is
2. the image is the one that the reference names; several and no name is an error, never a guess
3. what belongs to an image is found by `subject`, by fallback tag and by the `kind` annotations of `cosign save`
"""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path
from typing import Protocol

from assess.attestations._json import Limits, Node, read_json, shown
from assess.errors import InputError, NoInputError
from assess.files import ATTESTATION_LIMIT, read_file
from assess.images._tar import TarFile
from assess.images.manifest import (
    MAX_DEPTH,
    MAX_MANIFEST,
    MAX_WALK,
    OCI_INDEX,
    check_content,
    is_manifest,
    read_manifest,
)
from assess.images.reference import LocalReference, same_name
from assess.images.store import Descriptor, Manifest

NAME = "org.opencontainers.image.ref.name"
FULL_NAME = "io.containerd.image.name"
KIND = "kind"
KEPT = "dev.cosignproject.cosign/"
_IMAGE_KINDS = (f"{KEPT}image", f"{KEPT}imageIndex")
_TAG_KINDS = {"sig": f"{KEPT}sigs", "att": f"{KEPT}atts"}
_ATTACHED = re.compile(r"sha256-[0-9a-f]{64}(?:\.[a-z]+)?")
_MAX_SHOWN = 10


class Files(Protocol):
    """The files of a layout, wherever they are."""

    def read(self, name: str, limit: int) -> bytes | None:
        """The bytes of `name`; None where there is no such file. Raises InputError above `limit` bytes."""
        ...


class Folder:
    """The files of a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, name: str, limit: int) -> bytes | None:
        """See `Files`; raises NoInputError for what is no plain file."""
        file = self.path / name
        try:
            file.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError:
            pass  # reading it says why
        return read_file(file, limit, "layout's file")


def open_folder(reference: LocalReference) -> Layout:
    """The layout in a folder. Raises NoInputError where there is none, InputError where it cannot be read."""
    path = reference.path
    if not os.path.isdir(path):  # noqa: PTH112  (says False where Path.is_dir raises)
        if os.path.lexists(path):
            raise NoInputError(
                "no folder with an image (got a file)", str(path), "an archive is written oci-archive:FILE"
            )
        raise NoInputError("there is no such folder", str(path), "check the path")
    return Layout(Folder(path), reference)


def open_archive(reference: LocalReference) -> Layout:
    """The layout in a tar. Raises as `open_folder` does."""
    if os.path.isdir(reference.path):  # noqa: PTH112
        raise NoInputError("no archive (got a folder)", str(reference.path), "a folder is written oci:DIR")
    return Layout(TarFile(reference.path), reference)


class Layout:
    """An `ImageStore` over the files of a layout; safe to share between threads."""

    def __init__(self, files: Files, reference: LocalReference, caveat: str | None = None) -> None:
        """Raises NoInputError or InputError where these files are no layout."""
        self._files, self._reference = files, reference
        self._caveat = caveat
        self._lock = threading.RLock()
        self._resolved: Manifest | None = None
        self._tree: tuple[tuple[Descriptor, Manifest | None], ...] | None = None
        self._check_version()
        data = files.read("index.json", MAX_MANIFEST)
        if data is None:
            raise NoInputError("no image layout (there is no index.json)", str(reference.path), "check the path")
        self._roots = read_manifest(data, f"{reference.path}/index.json", media_type=OCI_INDEX).manifests

    @property
    def shown(self) -> str:
        """See `ImageStore`."""
        return self._reference.place

    @property
    def caveat(self) -> str | None:
        """See `ImageStore`."""
        return self._caveat

    def resolve(self) -> Manifest:
        """See `ImageStore`. Several images and no name: InputError, which lists them."""
        with self._lock:
            if self._resolved is None:
                descriptor = self._chosen()
                found = self._read(descriptor)
                if found is None:
                    raise InputError(f"the image's manifest is missing ({descriptor.digest})", self.shown)
                self._resolved = found
            return self._resolved

    def manifest(self, digest: str) -> Manifest | None:
        """See `ImageStore`."""
        data = self._blob(digest, MAX_MANIFEST)
        return None if data is None else read_manifest(data, self._place(digest), digest=digest)

    def tagged(self, tag: str) -> Manifest | None:
        """See `ImageStore`; `cosign save` keeps `sha256-<hex>.sig` and `.att` of the image by kind, not by tag."""
        for descriptor in self._roots:
            if dict(descriptor.annotations).get(NAME) == tag:
                return self._read(descriptor)
        stem, _, ending = tag.partition(".")
        found = self.kept(_TAG_KINDS[ending]) if ending in _TAG_KINDS else ()
        if not found or stem.replace("-", ":", 1) != self.resolve().digest:
            return None
        if len(found) > 1:
            raise InputError(
                f"two of one kind ({_TAG_KINDS[ending]}) for one image", f"{self._reference.path}/index.json"
            )
        return self._read(found[0])

    def blob(self, descriptor: Descriptor) -> bytes:
        """See `ImageStore`."""
        if descriptor.data is not None:
            return descriptor.data
        place = self._place(descriptor.digest)
        if descriptor.size > ATTESTATION_LIMIT:
            raise InputError(f"too large (got {descriptor.size} bytes, expected at most {ATTESTATION_LIMIT})", place)
        data = self._blob(descriptor.digest, ATTESTATION_LIMIT)
        if data is None:
            raise InputError("missing from the layout", place, "copy the image again, whole")
        check_content(data, descriptor.digest, descriptor.size, place)
        return data

    def referrers(self, digest: str) -> tuple[Descriptor, ...]:
        """See `ImageStore`: manifests anywhere below index.json whose `subject` is `digest`, and the fallback tag's."""
        found: dict[str, Descriptor] = {}
        for descriptor, manifest in self._all():
            if manifest is not None and manifest.subject is not None and manifest.subject.digest == digest:
                found.setdefault(descriptor.digest, _as_referrer(descriptor, manifest))
        index = self.tagged(digest.replace(":", "-", 1))
        for descriptor in index.manifests if index is not None else ():
            found.setdefault(descriptor.digest, descriptor)
        return tuple(found.values())

    def kept(self, kind: str) -> tuple[Descriptor, ...]:
        """See `ImageStore`."""
        return tuple(one for one in self._roots if dict(one.annotations).get(KIND) == kind)

    def _check_version(self) -> None:
        place = f"{self._reference.path}/oci-layout"
        data = self._files.read("oci-layout", 4096)
        if data is None:
            hint = (
                "docker save and podman save write docker-archive:FILE"
                if self._files.read("manifest.json", 1 << 24)
                else None
            )
            raise NoInputError("no image layout (there is no oci-layout file)", str(self._reference.path), hint)
        version = Node(read_json(data, place, Limits(4096, 4, 100)), place).string("imageLayoutVersion")
        if version != "1.0.0":
            raise InputError(f"an image layout of another version (got {shown(version)}, expected 1.0.0)", place)

    def _place(self, digest: str) -> str:
        return f"{self._reference.path}/blobs/{digest.replace(':', '/', 1)}"

    def _blob(self, digest: str, limit: int) -> bytes | None:
        # (1) the digest's grammar was checked where it was read: it cannot leave the folder
        data = self._files.read(f"blobs/{digest.replace(':', '/', 1)}", limit)
        if data is not None:
            check_content(data, digest, None, self._place(digest))
        return data

    def _read(self, descriptor: Descriptor) -> Manifest | None:
        data = self._blob(descriptor.digest, MAX_MANIFEST)
        if data is None:
            return None
        place = self._place(descriptor.digest)
        check_content(data, descriptor.digest, descriptor.size, place)
        return read_manifest(data, place, digest=descriptor.digest, media_type=descriptor.media_type)

    def _chosen(self) -> Descriptor:
        # (2)
        wanted = self._reference
        candidates = self._images()
        if wanted.digest:
            everything = (*self._roots, *(one for one, _ in self._all()))
            found = next((one for one in everything if one.digest == wanted.digest), None)
            if found is None:
                raise NoInputError(f"no image {wanted.digest} here", self.shown, _listing(candidates))
            return found
        if wanted.name:
            candidates = tuple(one for one in self._roots if any(same_name(wanted.name, name) for name in _names(one)))
            if not candidates:
                raise NoInputError(f"no image named {shown(wanted.name)} here", self.shown, _listing(self._images()))
        if not candidates:
            raise NoInputError("no image here (index.json names none)", self.shown)
        if len({one.digest for one in candidates}) > 1:
            raise InputError(
                f"several images (got {len({one.digest for one in candidates})}, expected one to be named)",
                self.shown,
                _listing(candidates),
            )
        return candidates[0]

    def _images(self) -> tuple[Descriptor, ...]:
        """The roots that are images: not what is attached to one."""
        found = []
        for descriptor in self._roots:
            notes = dict(descriptor.annotations)
            kind = notes.get(KIND, "")
            if (kind.startswith(KEPT) and kind not in _IMAGE_KINDS) or _ATTACHED.fullmatch(notes.get(NAME, "")):
                continue
            manifest = self._read(descriptor) if is_manifest(descriptor) else None
            if manifest is None or manifest.subject is None:
                found.append(descriptor)
        return tuple(found)

    def _all(self) -> tuple[tuple[Descriptor, Manifest | None], ...]:
        """Every manifest below index.json, each once."""
        with self._lock:
            if self._tree is None:
                # (3)
                found: dict[str, tuple[Descriptor, Manifest | None]] = {}
                waiting = [(one, 1) for one in self._roots]
                while waiting:
                    descriptor, depth = waiting.pop(0)
                    if descriptor.digest in found:
                        continue
                    if len(found) >= MAX_WALK or depth > MAX_DEPTH:
                        what = "too many manifests" if depth <= MAX_DEPTH else "indexes nest too deeply"
                        raise InputError(f"{what} (at most {MAX_WALK} in {MAX_DEPTH} levels are read)", self.shown)
                    manifest = self._read(descriptor) if is_manifest(descriptor) else None
                    found[descriptor.digest] = (descriptor, manifest)
                    waiting += [(one, depth + 1) for one in manifest.manifests] if manifest is not None else ()
                self._tree = tuple(found.values())
            return self._tree


def _as_referrer(descriptor: Descriptor, manifest: Manifest) -> Descriptor:
    """The descriptor as a referrers list would give it (distribution spec v1.1, "Listing Referrers")."""
    kind = manifest.artifact_type or (manifest.config.media_type if manifest.config else None)
    return Descriptor(
        manifest.media_type, descriptor.digest, descriptor.size, manifest.annotations, kind, descriptor.platform
    )


def _names(descriptor: Descriptor) -> tuple[str, ...]:
    notes = dict(descriptor.annotations)
    return tuple(notes[key] for key in (NAME, FULL_NAME) if notes.get(key))


def _listing(candidates: tuple[Descriptor, ...]) -> str | None:
    if not candidates:
        return None
    named = dict.fromkeys((_names(one) or (f"@{one.digest}",))[-1] for one in candidates)
    more = f" and {len(named) - _MAX_SHOWN} more" if len(named) > _MAX_SHOWN else ""
    return f"name one of: {', '.join(shown(one, 120) for one in list(named)[:_MAX_SHOWN])}{more}"
