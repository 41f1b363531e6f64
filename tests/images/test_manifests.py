"""Manifests and indexes: what is read from them, and every document that must not be."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from image_parts import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_LAYER,
    OCI_MANIFEST,
    Parts,
    descriptor,
    digest_of,
    dumped,
)

from assess.errors import InputError
from assess.images.manifest import MAX_DEPTH, MAX_ENTRIES, MAX_MANIFEST, check_content, read_manifest, walk
from assess.images.store import Descriptor, Manifest

Json = dict[str, Any]
CONFIG = descriptor(b"{}", OCI_CONFIG)
LAYER = descriptor(b"layer", OCI_LAYER)
IMAGE: Json = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": CONFIG, "layers": [LAYER]}
INDEX: Json = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [descriptor(dumped(IMAGE), OCI_MANIFEST)]}


def read(document: Json, **options: Any) -> Manifest:
    return read_manifest(dumped(document), "m.json", **options)


def test_an_image_is_read_whole() -> None:
    subject = descriptor(b"subject", OCI_MANIFEST)
    document = {**IMAGE, "subject": subject, "artifactType": "application/x", "annotations": {"a": "b"}}
    found = read(document)
    assert (found.kind, found.media_type, found.artifact_type) == ("image", OCI_MANIFEST, "application/x")
    assert found.data == dumped(document)
    assert found.digest == digest_of(found.data)
    assert found.config is not None and found.config.digest == CONFIG["digest"]
    assert [one.size for one in found.layers] == [5]
    assert found.subject is not None and found.subject.digest == subject["digest"]
    assert found.annotations == (("a", "b"),)


@pytest.mark.parametrize("media_type", [OCI_MANIFEST, DOCKER_MANIFEST, OCI_INDEX, DOCKER_LIST])
def test_all_four_media_types(media_type: str) -> None:
    document = {**(IMAGE if media_type in (OCI_MANIFEST, DOCKER_MANIFEST) else INDEX), "mediaType": media_type}
    assert read(document, media_type=media_type).media_type == media_type


@pytest.mark.parametrize(("document", "kind"), [(IMAGE, "image"), (INDEX, "index")])
def test_documents_that_do_not_say_what_they_are(document: Json, kind: str) -> None:
    silent = {key: value for key, value in document.items() if key != "mediaType"}
    assert read(silent).kind == kind
    assert read(silent, media_type=document["mediaType"]).kind == kind


@pytest.mark.parametrize(
    ("platform", "shown"),
    [
        ({"os": "linux", "architecture": "arm64", "variant": "v8"}, "linux/arm64/v8"),
        ({"os": "linux", "architecture": "amd64"}, "linux/amd64"),
        ({"os": "unknown", "architecture": "unknown"}, "unknown/unknown"),
        ({}, "unknown/unknown"),
        (None, None),
    ],
)
def test_platforms(platform: Json | None, shown: str | None) -> None:
    member = {**INDEX["manifests"][0], "platform": platform}
    assert read({**INDEX, "manifests": [member]}).manifests[0].platform == shown


def _with(**fields: Any) -> Json:
    return {**IMAGE, **fields}


def _layer(**fields: Any) -> Json:
    return _with(layers=[{**LAYER, **fields}])


REFUSED: dict[str, tuple[Json, str]] = {
    "layers and manifests": (_with(manifests=[]), "two documents in one"),
    "an index with layers": ({**INDEX, "layers": []}, "two documents in one"),
    "an index with a config": ({**INDEX, "config": CONFIG}, "two documents in one"),
    "an image with schema 1 layers": (_with(fsLayers=[]), "two documents in one"),
    "schema 1": ({"schemaVersion": 1, "name": "x"}, "schema 1"),
    "no version": ({key: value for key, value in IMAGE.items() if key != "schemaVersion"}, "schemaVersion 2"),
    "another version": (_with(schemaVersion=3), "schemaVersion 2"),
    "another media type": (_with(mediaType="application/json"), "a media type that is not read"),
    "no layers": ({key: value for key, value in IMAGE.items() if key != "layers"}, "missing"),
    "layers that are no array": (_with(layers={}), "expected the array"),
    "no config": ({key: value for key, value in IMAGE.items() if key != "config"}, "missing or empty"),
    "a layer without a digest": (_layer(digest=""), "missing or empty"),
    "a layer by md5": (_layer(digest="md5:" + "0" * 32), "cannot be checked"),
    "a short digest": (_layer(digest="sha256:abc"), "cannot be checked"),
    "a digest that is a path": (_layer(digest="sha256:../../../../etc/passwd"), "cannot be checked"),
    "a digest in capitals": (_layer(digest="sha256:" + "AB" * 32), "cannot be checked"),
    "no size": (_layer(size=None), "not a size"),
    "a negative size": (_layer(size=-1), "not a size"),
    "a size that is a text": (_layer(size="5"), "not a size"),
    "a huge size": (_layer(size=1 << 60), "not a size"),
    "a size that is true": (_layer(size=True), "wrong type"),
    "a media type with a line break": (_layer(mediaType="a/b\n"), "not a media type"),
    "annotations that are numbers": (_with(annotations={"a": 1}), "wrong type"),
    "embedded data of another size": (_layer(data=base64.b64encode(b"laye").decode()), "wrong size"),
    "other embedded data": (_layer(data=base64.b64encode(b"LAYER").decode()), "wrong digest"),
    "embedded data that is no base64": (_layer(data="!"), "not base64"),
    "a manifest by sha512": (
        {**INDEX, "manifests": [{**INDEX["manifests"][0], "digest": "sha512:" + "ab" * 64}]},
        "another digest than sha256",
    ),
    "too many layers": (_with(layers=[LAYER] * (MAX_ENTRIES + 1)), "too many"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str) -> None:
    document, told = REFUSED[name]
    with pytest.raises(InputError) as caught:
        read(document)
    assert told in caught.value.message
    assert (caught.value.place or "").startswith("m.json")


def test_what_is_outside_must_agree_with_what_is_inside() -> None:
    with pytest.raises(InputError, match="two media types"):
        read(IMAGE, media_type=OCI_INDEX)
    with pytest.raises(InputError, match="two media types"):
        read(IMAGE, media_type=DOCKER_MANIFEST)
    with pytest.raises(InputError, match="not read"):
        read({key: value for key, value in IMAGE.items() if key != "mediaType"}, media_type="text/plain")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"<html></html>", "not valid JSON"),
        (b"[]", "wrong type"),
        (b"", "not valid JSON"),
        (b'{"schemaVersion": 2, "schemaVersion": 2}', "twice"),
        (b"[" * 200, "nested too deeply"),
        (b" " * (MAX_MANIFEST + 1), "too large"),
    ],
)
def test_what_is_no_document(data: bytes, told: str) -> None:
    with pytest.raises(InputError, match=told):
        read_manifest(data, "m.json")


def test_bytes_are_held_to_the_digest_before_they_are_read() -> None:
    with pytest.raises(InputError, match="wrong digest"):
        read_manifest(b"no JSON", "m.json", digest=digest_of(b"something else"))
    assert read(IMAGE, digest=digest_of(dumped(IMAGE))).digest == digest_of(dumped(IMAGE))


def test_content_is_held_to_size_and_digest() -> None:
    check_content(b"abc", digest_of(b"abc"), 3, "x")
    for size, digest, told in ((4, digest_of(b"abc"), "wrong size"), (3, digest_of(b"abd"), "wrong digest")):
        with pytest.raises(InputError, match=told):
            check_content(b"abc", digest, size, "x")


class Shelf:
    """Manifests by digest, as any store has them."""

    shown = "shelf"

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    def manifest(self, digest: str) -> Manifest | None:
        data = self.parts.blobs.get(digest)
        return None if data is None else read_manifest(data, digest, digest=digest)


def walked(parts: Parts, root: Json) -> list[tuple[Descriptor, Manifest | None]]:
    shelf = Shelf(parts)
    start = shelf.manifest(root["digest"])
    assert start is not None
    return list(walk(shelf, start))  # type: ignore[arg-type]


def test_indexes_are_walked_each_member_once() -> None:
    parts = Parts()
    one, two = parts.image("one"), parts.image("two")
    inner = parts.index([one, two])
    other = descriptor(b"chart", "application/x-chart")
    missing = descriptor(dumped({**IMAGE, "annotations": {"not": "here"}}), OCI_MANIFEST)
    found = walked(parts, parts.index([one, inner, missing, other]))
    assert [(one.digest, manifest is None) for one, manifest in found] == [
        (one["digest"], False),
        (inner["digest"], False),
        (missing["digest"], True),
        (other["digest"], True),
        (two["digest"], False),
    ]


def test_indexes_that_nest_too_deeply() -> None:
    parts = Parts()
    root = parts.image()
    for _ in range(MAX_DEPTH):
        root = parts.index([root])
    assert walked(parts, root)
    with pytest.raises(InputError, match="too deeply"):
        walked(parts, parts.index([root]))


def test_indexes_that_never_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assess.images.manifest.MAX_WALK", 5)
    parts = Parts()
    few = parts.index([parts.image(str(one)) for one in range(4)])
    many = parts.index([parts.image(str(one)) for one in range(6)])
    assert len(walked(parts, few)) == 4
    with pytest.raises(InputError, match="too many manifests"):
        walked(parts, many)


@pytest.mark.parametrize(
    ("changed", "told"), [({"mediaType": DOCKER_MANIFEST}, "two media types"), ({"size": 1}, "wrong size")]
)
def test_what_an_index_says_must_agree_with_its_members(changed: Json, told: str) -> None:
    parts = Parts()
    with pytest.raises(InputError, match=told):
        walked(parts, parts.index([{**parts.image(), **changed}]))


def test_the_exact_bytes_count() -> None:
    spaced = json.dumps(IMAGE, indent=7).encode()
    assert read_manifest(spaced, "m.json").digest != read(IMAGE).digest
