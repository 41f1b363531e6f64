"""Image layouts, in folders and tars: which image is meant, what belongs to it, and layouts that lie."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from image_parts import OCI_INDEX, OCI_MANIFEST, Parts, descriptor, dumped, gzipped, named, tar_of, write_folder

from assess.errors import InputError, NoInputError
from assess.images.manifest import MAX_DEPTH
from assess.images.opening import open_store
from assess.images.store import ImageStore

Json = dict[str, Any]
KIND = "dev.cosignproject.cosign/"
SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"


def kept(found: Json, kind: str) -> Json:
    return {**found, "annotations": {"kind": KIND + kind}}


def opened(tmp_path: Path, files: dict[str, bytes], form: str = "oci", rest: str = "") -> ImageStore:
    """A store over these files, as a folder, a tar or a compressed tar."""
    if form == "oci":
        return open_store(f"oci:{write_folder(tmp_path / 'layout', files)}{rest}")
    archive = tmp_path / "layout.tar"
    archive.write_bytes(tar_of(files) if form == "tar" else gzipped(tar_of(files, prefix="./")))
    return open_store(f"oci-archive:{archive}{rest}")


FORMS = ["oci", "tar", "tar.gz"]


@pytest.mark.parametrize("form", FORMS)
def test_one_image(tmp_path: Path, form: str) -> None:
    parts = Parts()
    image = parts.image()
    store = opened(tmp_path, parts.files([image]), form)
    found = store.resolve()
    assert found.digest == image["digest"]
    assert store.blob(found.layers[0]) == b"layer of app\n"
    assert found.config is not None and b"amd64" in store.blob(found.config)
    assert store.manifest(image["digest"]) == found
    assert store.manifest("sha256:" + "0" * 64) is None
    assert store.tagged("sha256-" + image["digest"][7:] + ".sig") is None
    assert store.referrers(image["digest"]) == ()
    assert store.shown.endswith("layout" if form == "oci" else "layout.tar")
    assert store.caveat is None


@pytest.mark.parametrize("form", FORMS)
def test_several_images_want_a_name(tmp_path: Path, form: str) -> None:
    parts = Parts()
    one, two = parts.image("one"), parts.image("two")
    index = parts.index([one, two])
    roots = [named(one, "1.0"), named(two, "team/app:2.0"), index]
    files = parts.files(roots)
    with pytest.raises(InputError, match="several images") as caught:
        opened(tmp_path, files, form).resolve()
    assert {'"1.0"', '"team/app:2.0"', f'"@{index["digest"]}"'} <= set(
        (caught.value.hint or "").removeprefix("name one of: ").split(", ")
    )
    assert opened(tmp_path, files, form, ":1.0").resolve().digest == one["digest"]
    assert opened(tmp_path, files, form, ":team/app:2.0").resolve().digest == two["digest"]
    assert opened(tmp_path, files, form, f"@{index['digest']}").resolve().kind == "index"
    with pytest.raises(NoInputError, match=r"no image named \"3\"") as absent:
        opened(tmp_path, files, form, ":3").resolve()
    assert "1.0" in (absent.value.hint or "")
    with pytest.raises(NoInputError, match="no image sha256:0000"):
        opened(tmp_path, files, form, "@sha256:" + "0" * 64).resolve()


def test_one_name_for_two_images_is_no_choice(tmp_path: Path) -> None:
    parts = Parts()
    roots = [named(parts.image("one"), "1.0"), named(parts.image("two"), "1.0")]
    with pytest.raises(InputError, match="several images"):
        opened(tmp_path, parts.files(roots), rest=":1.0").resolve()


def test_one_image_under_two_names_is_one(tmp_path: Path) -> None:
    parts = Parts()
    image = parts.image()
    roots = [named(image, "1.0"), named(image, "latest")]
    assert opened(tmp_path, parts.files(roots)).resolve().digest == image["digest"]


def test_a_member_of_an_index_is_found_by_digest(tmp_path: Path) -> None:
    parts = Parts()
    inner = parts.image()
    root = parts.index([parts.index([inner])])
    assert opened(tmp_path, parts.files([root]), rest=f"@{inner['digest']}").resolve().digest == inner["digest"]


def test_what_belongs_to_an_image_is_no_image(tmp_path: Path) -> None:
    parts = Parts()
    image = parts.image()
    artifact = parts.artifact(b"{}", "application/x", subject=image, artifactType="application/x")
    signature = parts.artifact(b"signed", SIGNING)
    tag = image["digest"].replace(":", "-")
    roots = [image, artifact, named(signature, f"{tag}.sig"), kept(parts.artifact(b"sbom", "text/spdx"), "sboms")]
    store = opened(tmp_path, parts.files(roots))
    assert store.resolve().digest == image["digest"]
    found = store.tagged(f"{tag}.sig")
    assert found is not None and store.blob(found.layers[0]) == b"signed"


@pytest.mark.parametrize("form", FORMS)
def test_referrers_by_subject_and_by_fallback_tag(tmp_path: Path, form: str) -> None:
    parts = Parts()
    image, other = parts.image("app"), parts.image("other")
    one = parts.artifact(b"1", "application/x", subject=image, artifactType="application/one", annotations={"a": "b"})
    two = parts.artifact(b"2", "application/x", subject=image)
    three = parts.artifact(b"3", "application/x", subject=image, artifactType="application/three")
    unrelated = parts.artifact(b"4", "application/x", subject=other)
    fallback = parts.index([three, one])
    roots = [
        named(image, "1.0"),
        one,
        parts.index([two]),
        unrelated,
        named(fallback, image["digest"].replace(":", "-")),
    ]
    store = opened(tmp_path, parts.files(roots), form, ":1.0")
    found = store.referrers(image["digest"])
    assert found is not None
    assert {entry.digest for entry in found} == {one["digest"], two["digest"], three["digest"]}
    first = next(entry for entry in found if entry.digest == one["digest"])
    assert (first.artifact_type, first.annotations) == ("application/one", (("a", "b"),))
    second = next(entry for entry in found if entry.digest == two["digest"])
    assert second.artifact_type == "application/vnd.oci.empty.v1+json"


def test_cosign_save_keeps_by_kind(tmp_path: Path) -> None:
    parts = Parts()
    image = parts.image()
    signatures, attestations = (
        parts.artifact(b"s", SIGNING),
        parts.artifact(b"a", "application/vnd.dsse.envelope.v1+json"),
    )
    roots = [kept(image, "image"), kept(signatures, "sigs"), kept(attestations, "atts")]
    store = opened(tmp_path, parts.files(roots))
    stem = image["digest"].replace(":", "-")
    assert store.resolve().digest == image["digest"]
    assert [one.digest for one in store.kept(KIND + "sigs")] == [signatures["digest"]]
    for tag, expected in ((f"{stem}.sig", signatures), (f"{stem}.att", attestations)):
        found = store.tagged(tag)
        assert found is not None and found.digest == expected["digest"]
    assert store.tagged(f"{stem}.sbom") is None
    assert store.tagged("sha256-" + "0" * 64 + ".sig") is None, "they are of the image that was saved"


def test_cosign_saved_twice_is_no_choice(tmp_path: Path) -> None:
    parts = Parts()
    image = parts.image()
    roots = [
        kept(image, "image"),
        kept(parts.artifact(b"1", SIGNING), "sigs"),
        kept(parts.artifact(b"2", SIGNING), "sigs"),
    ]
    store = opened(tmp_path, parts.files(roots))
    with pytest.raises(InputError, match="two of one kind"):
        store.tagged(image["digest"].replace(":", "-") + ".sig")


def test_members_of_unknown_media_types_are_passed_over(tmp_path: Path) -> None:
    parts = Parts()
    image = parts.image()
    chart = parts.blob(b"chart", "application/x-chart")
    store = opened(tmp_path, parts.files([named(image, "1.0"), chart]), rest=":1.0")
    assert store.referrers(image["digest"]) == ()


def _lying() -> dict[str, tuple[dict[str, bytes], str]]:
    parts = Parts()
    image = parts.image()
    good = parts.files([image])
    blob = f"blobs/{image['digest'].replace(':', '/')}"
    return {
        "another manifest": ({**good, blob: good[blob] + b" "}, "wrong digest"),
        "no manifest": ({name: data for name, data in good.items() if name != blob}, "missing"),
        "a wrong size": (parts.files([{**image, "size": 1}]), "wrong size"),
        "another media type": (parts.files([{**image, "mediaType": OCI_INDEX}]), "two media types"),
        "another version": ({**good, "oci-layout": b'{"imageLayoutVersion": "2.0.0"}'}, "another version"),
        "an index that is a manifest": ({**good, "index.json": good[blob]}, "two media types"),
        "an index that is HTML": ({**good, "index.json": b"<html>"}, "not valid JSON"),
    }


@pytest.mark.parametrize("name", _lying())
@pytest.mark.parametrize("form", FORMS)
def test_layouts_that_lie(tmp_path: Path, form: str, name: str) -> None:
    files, told = _lying()[name]
    with pytest.raises(InputError, match=told):
        opened(tmp_path, files, form).resolve()


@pytest.mark.parametrize("form", FORMS)
def test_blobs_that_lie(tmp_path: Path, form: str) -> None:
    parts = Parts()
    image = parts.image()
    files = parts.files([image])
    layer = next(name for name, data in files.items() if data == b"layer of app\n")
    store = opened(tmp_path, {**files, layer: b"LAYER of app\n"}, form)
    with pytest.raises(InputError, match="wrong digest"):
        store.blob(store.resolve().layers[0])
    store = opened(tmp_path / "other", {name: data for name, data in files.items() if name != layer}, "oci")
    with pytest.raises(InputError, match="missing from the layout"):
        store.blob(store.resolve().layers[0])


def test_blobs_that_are_too_large_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assess.images.layout.ATTESTATION_LIMIT", 10)
    parts = Parts()
    parts.image()
    store = opened(tmp_path, parts.files([parts.image()]))
    with pytest.raises(InputError, match="too large"):
        store.blob(store.resolve().layers[0])


def test_deep_and_wide_layouts_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = Parts()
    root = image = parts.image()
    for _ in range(MAX_DEPTH):
        root = parts.index([root])
    with pytest.raises(InputError, match="too deeply"):
        opened(tmp_path / "deep", parts.files([root])).referrers(image["digest"])
    monkeypatch.setattr("assess.images.layout.MAX_WALK", 3)
    wide = Parts()
    roots = [wide.image(str(one)) for one in range(5)]
    with pytest.raises(InputError, match="too many manifests"):
        opened(tmp_path / "wide", wide.files(roots)).referrers(image["digest"])


@pytest.mark.parametrize(
    ("files", "told", "hint"),
    [
        ({}, "no oci-layout file", ""),
        ({"manifest.json": b"[]"}, "no oci-layout file", "docker-archive:FILE"),
        ({"oci-layout": b'{"imageLayoutVersion": "1.0.0"}'}, "no index.json", "check the path"),
    ],
)
def test_what_is_no_layout(tmp_path: Path, files: dict[str, bytes], told: str, hint: str) -> None:
    (tmp_path / "layout").mkdir()
    with pytest.raises(NoInputError, match=told) as caught:
        opened(tmp_path, files)
    assert hint in (caught.value.hint or "")


def test_an_empty_layout_has_no_image(tmp_path: Path) -> None:
    with pytest.raises(NoInputError, match="no image here"):
        opened(tmp_path, Parts().files([])).resolve()


def test_places_of_the_other_kind_are_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for text, hint in (
        (f"oci:{tmp_path}/file", "oci-archive:FILE"),
        (f"oci:{tmp_path}/none", "check the path"),
        (f"oci-archive:{tmp_path}", "oci:DIR"),
        (f"oci-archive:{tmp_path}/none", "check the path"),
        (f"docker-archive:{tmp_path}", "oci:DIR"),
    ):
        with pytest.raises(NoInputError) as caught:
            open_store(text)
        assert hint in (caught.value.hint or "")


def test_a_blob_that_is_a_pipe_is_no_hang(tmp_path: Path) -> None:
    parts = Parts()
    image = parts.image()
    folder = write_folder(tmp_path / "layout", parts.files([image]))
    path = folder / "blobs" / image["digest"].replace(":", "/")
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(NoInputError, match="named pipe"):
        open_store(f"oci:{folder}").resolve()


def test_a_manifest_that_cannot_be_read_is_no_silence(tmp_path: Path) -> None:
    parts = Parts()
    image = parts.image()
    broken = parts.document({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "layers": 1}, OCI_MANIFEST)
    store = opened(tmp_path, parts.files([named(image, "1.0"), broken]), rest=":1.0")
    with pytest.raises(InputError):
        store.referrers(image["digest"])


@pytest.mark.corpus
def test_genuine_layouts_of_cosign(corpus: Path) -> None:
    found = sorted(path.parent for path in (corpus / "images").rglob("index.json"))
    assert len(found) >= 7
    for folder in found:
        store = open_store(f"oci:{folder}")
        image = store.resolve()
        attestations = store.tagged(image.digest.replace(":", "-") + ".att")
        assert attestations is not None, folder
        for layer in attestations.layers:
            assert b"payloadType" in store.blob(layer)


def test_descriptors_in_index_json_are_checked_like_any(tmp_path: Path) -> None:
    parts = Parts()
    parts.image()
    bad = {**descriptor(b"x", OCI_MANIFEST), "digest": "sha256:../../../secret"}
    files = {**parts.files([]), "index.json": dumped({"schemaVersion": 2, "manifests": [bad]})}
    with pytest.raises(InputError, match="cannot be checked"):
        opened(tmp_path, files)
