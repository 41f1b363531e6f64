"""What hangs on an image is found wherever it is, told for what it is, and never dropped where it cannot be read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from virtual_images import BUNDLE, COSIGN_SIG, ENVELOPE, NOTATION, SIMPLE_SIGNING, VirtualImages
from virtual_keys import Json
from virtual_sigstore import VirtualSigstore, provenance_v1

from assess.images import attached
from assess.images.attached import Attachments, read_attached
from assess.images.opening import open_store

VS = VirtualSigstore()


def read(images: VirtualImages, folder: Path, platform: str | None = None) -> Attachments:
    store = open_store(f"oci:{images.write_layout(folder / 'layout')}")
    return read_attached(store, store.resolve(), platform)


def layer(images: VirtualImages, data: bytes, media_type: str, **annotations: str) -> Json:
    return images.blob(data, media_type, annotations=annotations)


Hang = Callable[[VirtualImages, str], object]

RECOGNISED: tuple[tuple[str, Hang, str, str], ...] = (
    (
        "notation-jws",
        lambda images, d: images.refer(d, NOTATION, [layer(images, b"{}", "application/jose+json")]),
        "notation",
        "Notary Project signature (JWS): present, not verified",
    ),
    (
        "notation-cose",
        lambda images, d: images.refer(d, NOTATION, [layer(images, b"\xd2", "application/cose")]),
        "notation",
        "Notary Project signature (COSE): present, not verified",
    ),
    (
        "sbom",
        lambda images, d: images.refer(d, "application/spdx+json", [layer(images, b"{}", "application/spdx+json")]),
        "sbom",
        "proves no level",
    ),
    (
        "cyclonedx",
        lambda images, d: images.refer(
            d, "application/vnd.cyclonedx+json", [layer(images, b"{}", "application/vnd.cyclonedx+json")]
        ),
        "sbom",
        "proves no level",
    ),
    (
        "helm-or-anything",
        lambda images, d: images.refer(d, "application/vnd.acme.thing", [layer(images, b"{}", "application/json")]),
        "other",
        "not read (media type application/json, artifact type application/vnd.acme.thing",
    ),
    (
        "nothing-inside",
        lambda images, d: images.refer(d, "application/vnd.acme.thing", []),
        "other",
        "an artifact without content",
    ),
)


@pytest.mark.parametrize(("name", "hang", "form", "note"), RECOGNISED, ids=[row[0] for row in RECOGNISED])
def test_what_is_recognised_and_not_verified(name: str, hang: Hang, form: str, note: str, tmp_path: Path) -> None:
    images = VirtualImages(VS)
    hang(images, images.image())
    found = read(images, tmp_path)
    (one,) = found.attached
    assert (one.form, one.opened, note in one.note) == (form, (), True)
    assert found.unreadable == ()


UNREADABLE: tuple[tuple[str, Hang, str], ...] = (
    (
        "bundle that is no JSON",
        lambda images, d: images.refer(d, BUNDLE, [layer(images, b"<html>", BUNDLE)]),
        "got HTML or XML",
    ),
    (
        "bundle of nothing",
        lambda images, d: images.refer(d, BUNDLE, [layer(images, b"{}", BUNDLE)]),
        "not an attestation that is known",
    ),
    (
        "signature that is not base64",
        lambda images, d: images.refer(
            d, COSIGN_SIG, [layer(images, b"{}", SIMPLE_SIGNING, **{"dev.cosignproject.cosign/signature": "!"})]
        ),
        "not base64",
    ),
    (
        "certificate that is not PEM",
        lambda images, d: images.refer(
            d,
            COSIGN_SIG,
            [
                layer(
                    images,
                    b"{}",
                    SIMPLE_SIGNING,
                    **{"dev.cosignproject.cosign/signature": "AAAA", "dev.sigstore.cosign/certificate": "x"},
                )
            ],
        ),
        "not PEM",
    ),
    (
        "log entry that is no JSON",
        lambda images, d: images.refer(
            d,
            COSIGN_SIG,
            [
                layer(
                    images,
                    b"{}",
                    SIMPLE_SIGNING,
                    **{"dev.cosignproject.cosign/signature": "AAAA", "dev.sigstore.cosign/bundle": "["},
                )
            ],
        ),
        "JSON",
    ),
    (
        "annotation without end",
        lambda images, d: images.refer(d, COSIGN_SIG, [layer(images, b"{}", SIMPLE_SIGNING, x="y" * (1 << 20) + "y")]),
        "an annotation is too large",
    ),
    (
        "envelope that is none",
        lambda images, d: images.refer(d, "application/x", [layer(images, b'{"payload": 1}', ENVELOPE)]),
        "payload",
    ),
    (
        "layer that is missing",
        lambda images, d: images.refer(d, BUNDLE, [{"mediaType": BUNDLE, "digest": "sha256:" + "0" * 64, "size": 3}]),
        "missing",
    ),
    (
        "layer that is too large",
        lambda images, d: images.refer(
            d, BUNDLE, [{"mediaType": BUNDLE, "digest": "sha256:" + "0" * 64, "size": attached.MAX_LAYER + 1}]
        ),
        "too large",
    ),
)


@pytest.mark.parametrize(("name", "hang", "reason"), UNREADABLE, ids=[row[0] for row in UNREADABLE])
def test_what_cannot_be_read_is_recorded(name: str, hang: Hang, reason: str, tmp_path: Path) -> None:
    images = VirtualImages(VS)
    digest = images.image()
    found_in = hang(images, digest)
    images.sign(digest, "tag")
    found = read(images, tmp_path)
    (lost,) = found.unreadable
    assert reason in lost.reason
    assert str(found_in) in str(lost.source)
    # and what stands beside it is still found
    assert [one.form for one in found.attached if one.opened] == ["signature"]


def test_a_signature_without_its_annotation_fails_at_opening(tmp_path: Path) -> None:
    images = VirtualImages(VS)
    images.refer(images.image(), COSIGN_SIG, [images.blob(b"{}", SIMPLE_SIGNING)])
    (one,) = read(images, tmp_path).attached
    assert one.opened[0].defects


def test_the_same_thing_is_told_once(tmp_path: Path) -> None:
    images = VirtualImages(VS)
    digest = images.image()
    found = images.sign(digest, "oci11")
    images.tags[f"{digest.replace(':', '-')}.sig"] = found
    assert len(read(images, tmp_path).attached) == 1


@pytest.mark.parametrize(
    ("limit", "value", "reason"),
    [
        ("MAX_ATTACHED", 2, "more than 2 things"),
        ("MAX_LAYERS", 2, "more than 2 layers"),
        ("MAX_BYTES", 10, "too large"),
    ],
)
def test_limits_are_told(limit: str, value: int, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = VirtualImages(VS)
    digest = images.image()
    for number in range(4):
        images.refer(digest, BUNDLE, [layer(images, json.dumps({"n": number}).encode() + b" " * 20, BUNDLE)])
    monkeypatch.setattr(attached, limit, value)
    assert any(reason in one.reason for one in read(images, tmp_path).unreadable)


def test_too_many_platforms_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = VirtualImages(VS)
    images.index({f"linux/a{number}": images.image(str(number), None) for number in range(4)})
    monkeypatch.setattr(attached, "MAX_PLATFORMS", 2)
    found = read(images, tmp_path)
    assert (len(found.platforms), "too many platforms" in found.unreadable[0].reason) == (2, True)


def test_buildkit_manifests_belong_to_their_platform(tmp_path: Path) -> None:
    images = VirtualImages(VS)
    platforms = {"linux/amd64": images.image("a", None), "linux/arm64": images.image("b", None)}
    statements = [
        images.buildkit(digest, provenance_v1([{"name": "x", "digest": {"sha256": digest[7:]}}]))
        for digest in platforms.values()
    ]
    images.index(platforms, more=tuple(statements))
    found = read(images, tmp_path)
    assert {one.platform for one in found.platforms} == set(platforms)
    assert [(one.target, one.form, one.where) for one in found.attached] == [
        (digest, "statement", "in the index") for digest in platforms.values()
    ]
    only = read(images, tmp_path / "one", "linux/arm64")
    assert [one.target for one in only.attached] == [platforms["linux/arm64"]]
