"""Everything that hangs on an image: signatures and attestations wherever tools put them, opened but not verified.

Where they are looked for, for each manifest (an index, and each of its platforms):
  1. cosign's tags beside the image: `sha256-<hex>.sig`, `.att`, `.sbom`
  2. referrers (OCI distribution spec v1.1, or its fallback tag): Sigstore bundles (cosign 3, GitHub, GitLab), cosign's
     experimental artifacts, Notary Project signatures, SBOMs
  3. in a layout that `cosign save` wrote: what it kept beside the image, by annotation `kind`
  4. in the index itself: BuildKit's attestation manifests, which nobody signed
What a manifest holds is told by the media types of its layers, else by its artifact type, never by where it was found.
What cannot be read is recorded, never dropped.
"""

# Longer than 300 lines: one search of all those places, within limits that they share.

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Literal

from assess.attestations.containers import read_container
from assess.attestations.cosign import opened_from_cosign, opened_from_signature
from assess.attestations.envelope import Opened
from assess.errors import InputError, NoInputError
from assess.evidence import Source, Unreadable
from assess.images.kinds import Form, form_of, why_not_read
from assess.images.store import Descriptor, ImageStore, Manifest

MAX_ATTACHED = 500
"""Manifests that are looked into for one image, all its platforms together."""
MAX_LAYERS = 1_000
"""Layers of them that are read."""
MAX_LAYER = 32 * 1024 * 1024
"""Bytes of one layer."""
MAX_BYTES = 256 * 1024 * 1024
"""Bytes of all of them."""
MAX_SECONDS = 300
"""For gathering all of it; each request has limits of its own."""
MAX_PLATFORMS = 100
"""Platform manifests of an index that are looked at one by one."""

BUILDKIT_TYPE = "vnd.docker.reference.type"
BUILDKIT_DIGEST = "vnd.docker.reference.digest"
_TAGS = (("sig", "cosign signature tag"), ("att", "cosign attestation tag"), ("sbom", "cosign SBOM tag"))
_KINDS = (
    ("dev.cosignproject.cosign/sigs", "kept by cosign save as signatures"),
    ("dev.cosignproject.cosign/atts", "kept by cosign save as attestations"),
)


@dataclass(frozen=True, slots=True)
class Attached:
    """One thing that hangs on an image."""

    target: str
    """The digest of the manifest that it hangs on."""
    form: Form
    """`signature`, `attestation`: cosign's layers; `bundle`: Sigstore's; `statement`: unsigned, BuildKit's."""
    where: str
    """How it was found: `cosign signature tag`, `referrer`, `in the index`."""
    source: Source
    """The manifest by digest and its layer: `registry.example/app@sha256:...#/layers/0`."""
    layer: str
    """The layer's digest."""
    media_type: str
    opened: tuple[Opened, ...] = ()
    """() for what is recognised and not verified; `note` says why."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """One manifest of an image: what the reference resolves to, or a platform of it."""

    digest: str
    platform: str | None
    kind: Literal["image", "index"]


@dataclass(frozen=True, slots=True)
class Attachments:
    """All that hangs on an image and its platforms, and what could not be read or looked for."""

    root: Part
    platforms: tuple[Part, ...]
    """Of an index, BuildKit's attestation manifests left out; () for an image."""
    attached: tuple[Attached, ...]
    unreadable: tuple[Unreadable, ...] = ()
    notes: tuple[str, ...] = ()

    def on(self, digest: str) -> tuple[Attached, ...]:
        """What hangs on one manifest."""
        return tuple(one for one in self.attached if one.target == digest)


@dataclass(slots=True)
class _Gathering:
    """One pass over an image, with what it may still cost."""

    store: ImageStore
    until: float
    """When to stop (monotonic seconds): a registry that takes its time must not take ours."""
    attached: list[Attached] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seen: set[tuple[str, str]] = field(default_factory=set)
    """(manifest that it hangs on, manifest that was looked into)."""
    layers: int = 0
    size: int = 0

    def source(self, digest: str, layer: int | None = None) -> Source:
        pointer = "" if layer is None else f"#/layers/{layer}"
        return Source(f"{self.store.shown}@{digest}{pointer}")

    def lost(self, digest: str, problem: InputError | str, layer: int | None = None) -> None:
        source = self.source(digest, layer)
        if isinstance(problem, str):
            reason = problem
        else:
            # the pointer into the layer, where the problem has one
            at = (problem.place or "").removeprefix(str(source)).removeprefix("#")
            reason = f"{problem.message} (at {at})" if at.startswith("/") else problem.message
        self.unreadable.append(Unreadable(source, reason))


def platforms_of(manifest: Manifest) -> tuple[Part, ...]:
    """The platform manifests of an index, in its order; BuildKit's attestation manifests are evidence, no platforms."""
    return tuple(
        Part(one.digest, one.platform, "index" if "index" in one.media_type or "list" in one.media_type else "image")
        for one in manifest.manifests
        if not _is_buildkit(one)
    )


def read_attached(store: ImageStore, manifest: Manifest, platform: str | None = None) -> Attachments:
    """Everything that hangs on `manifest` and on its platforms (on the one called `platform`, where one is named).

    Raises UnavailableError where the store is out of reach, NoInputError where the index has no such platform; what
    cannot be read is recorded.
    """
    gathering = _Gathering(store, time.monotonic() + MAX_SECONDS)
    gathering.notes += [store.caveat] if store.caveat is not None else []
    parts = platforms_of(manifest)
    if platform is not None:
        parts = _of_platform(parts, platform, manifest, gathering)
    if len(parts) > MAX_PLATFORMS:
        gathering.lost(manifest.digest, f"too many platforms (got {len(parts)}, expected at most {MAX_PLATFORMS})")
        parts = parts[:MAX_PLATFORMS]
    for digest in (manifest.digest, *(one.digest for one in parts)):
        _beside(digest, gathering)
        _referrers(digest, gathering)
    _kept(manifest.digest, gathering)
    wanted = {one.digest for one in parts}
    # 4. in the index
    for descriptor in manifest.manifests:
        target = dict(descriptor.annotations).get(BUILDKIT_DIGEST, "")
        if _is_buildkit(descriptor) and (platform is None or target in wanted):
            _look_into(descriptor.digest, target or manifest.digest, "in the index", gathering)
    root = Part(manifest.digest, None, manifest.kind)
    attached = tuple(gathering.attached)
    return Attachments(root, parts, attached, tuple(gathering.unreadable), tuple(dict.fromkeys(gathering.notes)))


def _of_platform(parts: tuple[Part, ...], platform: str, manifest: Manifest, gathering: _Gathering) -> tuple[Part, ...]:
    """The parts that `platform` means; `linux/arm64` means its variants too."""
    if manifest.kind == "image":
        gathering.notes.append(f"an image without an index: whether it is for {platform} was not looked up")
        return ()
    found = tuple(one for one in parts if f"{one.platform}/".startswith(f"{platform}/"))
    if not found:
        names = ", ".join(one.platform or one.digest for one in parts[:20]) or "none"
        place = f"{gathering.store.shown}@{manifest.digest}"
        raise NoInputError(f"the index has no platform {platform!r} (it has {names})", place)
    return found


def _is_buildkit(descriptor: Descriptor) -> bool:
    # A platform's own manifest with this annotation would be pulled all the same: it is a platform.
    said = dict(descriptor.annotations).get(BUILDKIT_TYPE) == "attestation-manifest"
    return said and descriptor.platform == "unknown/unknown"


def _beside(digest: str, gathering: _Gathering) -> None:
    """1. cosign's tags."""
    name = digest.replace(":", "-")
    for suffix, where in _TAGS:
        try:
            manifest = gathering.store.tagged(f"{name}.{suffix}")
        except InputError as problem:
            gathering.lost(digest, f"{where} {name}.{suffix}: {problem.message}")
            continue
        if manifest is not None:
            _layers(manifest, digest, where, gathering)


def _referrers(digest: str, gathering: _Gathering) -> None:
    """2. What says of itself that it belongs to the manifest."""
    try:
        found = gathering.store.referrers(digest)
    except InputError as problem:
        gathering.lost(digest, f"referrers: {problem.message}")
        return
    if found is None:
        gathering.notes.append("referrers were not looked for: this store cannot tell them")
        return
    for descriptor in found:
        _look_into(descriptor.digest, digest, "referrer", gathering, descriptor)


def _kept(digest: str, gathering: _Gathering) -> None:
    """3. What `cosign save` kept; it writes one image to a layout, and a payload says itself what it is about."""
    for kind, where in _KINDS:
        for descriptor in gathering.store.kept(kind):
            _look_into(descriptor.digest, digest, where, gathering)


def _look_into(
    digest: str, target: str, where: str, gathering: _Gathering, descriptor: Descriptor | None = None
) -> None:
    """The manifest `digest`, which hangs on `target`."""
    if (target, digest) in gathering.seen:
        return
    if len(gathering.seen) >= MAX_ATTACHED:
        gathering.lost(digest, f"not looked into: more than {MAX_ATTACHED} things hang on this image")
        return
    if time.monotonic() > gathering.until:
        gathering.lost(digest, f"not looked into: gathering what hangs on this image took more than {MAX_SECONDS} s")
        return
    try:
        manifest = gathering.store.manifest(digest)
    except InputError as problem:
        gathering.lost(digest, problem)
        return
    if manifest is None:
        gathering.seen.add((target, digest))
        gathering.lost(digest, f"named as {where} of {target}, and missing")
        return
    _layers(manifest, target, where, gathering, descriptor)


def _layers(
    manifest: Manifest, target: str, where: str, gathering: _Gathering, descriptor: Descriptor | None = None
) -> None:
    if (target, manifest.digest) in gathering.seen:
        return
    gathering.seen.add((target, manifest.digest))
    if manifest.subject is not None and manifest.subject.digest != target and where == "referrer":
        gathering.notes.append(f"{manifest.digest} was listed as a referrer of {target} and names another subject")
    kinds = _artifact_types(manifest, descriptor)
    if not manifest.layers:
        note = f"an artifact without content (type {', '.join(kinds) or 'not named'}); not read"
        source = gathering.source(manifest.digest)
        gathering.attached.append(Attached(target, "other", where, source, "", manifest.media_type, (), note))
    for index, layer in enumerate(manifest.layers):
        if gathering.layers >= MAX_LAYERS:
            gathering.lost(manifest.digest, f"not read: more than {MAX_LAYERS} layers hang on this image")
            return
        gathering.layers += 1
        _layer(manifest, index, layer, kinds, target, where, gathering)


def _artifact_types(manifest: Manifest, descriptor: Descriptor | None) -> tuple[str, ...]:
    config = manifest.config.media_type if manifest.config is not None else None
    listed = descriptor.artifact_type if descriptor is not None else None
    return tuple(dict.fromkeys(one for one in (manifest.artifact_type, config, listed) if one))


def _layer(
    manifest: Manifest,
    index: int,
    layer: Descriptor,
    kinds: tuple[str, ...],
    target: str,
    where: str,
    gathering: _Gathering,
) -> None:
    form = form_of(layer.media_type, kinds)
    source = gathering.source(manifest.digest, index)
    note = why_not_read(form, layer.media_type, kinds)
    opened: tuple[Opened, ...] = ()
    if not note:
        try:
            opened = _open(form, layer, source, gathering)
        except InputError as problem:
            gathering.lost(manifest.digest, problem, index)
            return
    gathering.attached.append(Attached(target, form, where, source, layer.digest, layer.media_type, opened, note))


def _open(form: Form, layer: Descriptor, source: Source, gathering: _Gathering) -> tuple[Opened, ...]:
    if layer.size > MAX_LAYER or gathering.size + layer.size > MAX_BYTES:
        raise InputError(f"too large (got {layer.size} bytes, expected at most {MAX_LAYER}, {MAX_BYTES} together)")
    gathering.size += layer.size
    data = gathering.store.blob(layer)
    digest = layer.digest.partition(":")[2]
    match form:
        case "signature":
            return (opened_from_signature(data, layer.annotations, source, digest),)
        case "attestation":
            return (opened_from_cosign(data, layer.annotations, source, digest),)
        case _:
            container = read_container(data, str(source))
            gathering.unreadable += container.ignored
            return container.opened
