"""What is fuzzed of images: references, manifests, archives with layouts in them, and what registries say to log in."""

from __future__ import annotations

import atexit
import shutil
import tarfile
import tempfile
from functools import cache
from pathlib import Path

from image_parts import DOCKER_LIST, DOCKER_MANIFEST, Parts, digest_of, gzipped, named, tar_of

from assess.errors import AssessError


def manifest(data: bytes) -> bool:
    """A manifest or index, and every descriptor in it."""
    from assess.images.manifest import read_manifest

    try:
        found = read_manifest(data, "input")
    except AssessError:
        return False
    if found.digest != digest_of(data) or found.data != data:
        raise AssertionError("not the bytes that were given")
    return True


def login(data: bytes) -> bool:
    """A `WWW-Authenticate` header, a reference, a file of credentials."""
    from assess.images.challenge import read_challenges
    from assess.images.credentials import Credentials
    from assess.images.reference import read_reference

    text = data.decode("latin-1")
    read = bool(read_challenges((text,)))
    (_folder() / "auth.json").write_bytes(data)
    for attempt in (
        lambda: read_reference(text),
        lambda: Credentials(_folder() / "auth.json", {"PATH": ""}).of("registry.example", "team/app"),
    ):
        try:
            read = bool(attempt()) or read
        except AssessError:
            continue
    return read


def archive(data: bytes) -> bool:
    """A tar as `oci-archive:` and `docker-archive:`, with all that a check asks of a store."""
    from assess.images.opening import open_store

    path = _folder() / "image.tar"
    path.write_bytes(data)
    read = False
    for kind in ("oci-archive", "docker-archive"):
        try:
            store = open_store(f"{kind}:{path}")
            found = store.resolve()
            store.referrers(found.digest)
            store.tagged(found.digest.replace(":", "-") + ".sig")
            for layer in found.layers:
                store.blob(layer)
        except AssessError:
            continue
        read = True
        if found.digest != digest_of(found.data):
            raise AssertionError("resolved to bytes of another digest")
    return read


@cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="slsa-assess-fuzz-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def manifests() -> tuple[bytes, ...]:
    """Seeds: images, artifacts and indexes of both kinds."""
    parts = Parts()
    image = parts.image()
    parts.artifact(b"{}", "application/x", subject=image, artifactType="application/x", annotations={"a": "b"})
    parts.index([{**image, "platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}}])
    parts.index([parts.image("old", media_type=DOCKER_MANIFEST)], media_type=DOCKER_LIST)
    return tuple(parts.blobs[digest] for digest in parts.manifests)


def archives() -> tuple[bytes, ...]:
    """Seeds: layouts and docker's archives, in each style of tar, compressed and not."""
    parts = Parts()
    image = parts.image()
    artifact = parts.artifact(b"{}", "application/x", subject=image)
    layout = parts.files([named(image, "1.0"), artifact])
    config = b'{"architecture": "amd64"}'
    name = f"{digest_of(config)[7:]}.json"
    saved = {name: config, "manifest.json": b'[{"Config": "%s", "RepoTags": ["app:1"]}]' % name.encode()}
    styles = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)
    tars = tuple(tar_of(files, style=style) for files in (layout, saved) for style in styles)
    return (*tars, gzipped(tars[0]), gzipped(tars[-1]))


LOGINS = (
    b'Bearer realm="https://auth.example/token",service="registry",scope="repository:a/b:pull", Basic realm="x"',
    b"registry.example:5000/team/app:1.0@sha256:" + b"ab" * 32,
    b'{"auths": {"https://registry.example/v1/": {"auth": "dTpw"}, "registry.example/team": {"identitytoken": "t"}}}',
    b'{"credHelpers": {"registry.example": "none"}, "credsStore": "none"}',
)
