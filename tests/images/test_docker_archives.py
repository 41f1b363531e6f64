"""What `docker save` writes, of old and of now: which image, what its digest is worth, and archives that lie."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from image_parts import Parts, digest_of, dumped, gzipped, named, tar_of

from assess.errors import InputError, NoInputError
from assess.images.opening import open_store
from assess.images.store import ImageStore

Json = dict[str, Any]


def config(name: str) -> bytes:
    return dumped({"architecture": "amd64", "os": "linux", "name": name})


def legacy(*images: tuple[str, list[str]], spelled: str = "{}.json") -> dict[str, bytes]:
    """An archive of images by name and tags; `spelled` says how configurations are named."""
    files: dict[str, bytes] = {}
    listed: list[Json] = []
    for name, tags in images:
        file = spelled.format(digest_of(config(name))[7:])
        files[file] = config(name)
        listed.append({"Config": file, "RepoTags": tags or None, "Layers": []})
    return {**files, "manifest.json": json.dumps(listed).encode()}


def opened(tmp_path: Path, files: dict[str, bytes], rest: str = "", *, packed: bool = False) -> ImageStore:
    path = tmp_path / "saved.tar"
    path.write_bytes(gzipped(tar_of(files)) if packed else tar_of(files))
    return open_store(f"docker-archive:{path}{rest}")


@pytest.mark.parametrize("spelled", ["{}.json", "blobs/sha256/{}", "sha256:{}"])
@pytest.mark.parametrize("packed", [False, True])
def test_the_image_id_is_all_that_can_be_known(tmp_path: Path, spelled: str, packed: bool) -> None:
    store = opened(tmp_path, legacy(("app", ["app:1.0"]), spelled=spelled), packed=packed)
    found = store.resolve()
    assert (found.digest, found.data, found.kind) == (digest_of(config("app")), config("app"), "image")
    assert found.config is not None and store.blob(found.config) == config("app")
    assert "image id" in (store.caveat or "")
    assert store.manifest(found.digest) == found
    assert store.manifest("sha256:" + "0" * 64) is None
    assert store.referrers(found.digest) is None, "this form has no place for them: nobody can tell"
    assert store.tagged("latest") is None
    assert store.kept("dev.cosignproject.cosign/sigs") == ()


def test_several_images_want_a_name(tmp_path: Path) -> None:
    files = legacy(("one", ["registry.example/team/app:1.0"]), ("two", ["app:2.0"]), ("three", []))
    with pytest.raises(InputError, match="several images") as caught:
        opened(tmp_path, files).resolve()
    assert "registry.example/team/app:1.0" in (caught.value.hint or "")
    for rest, name in (
        (":registry.example/team/app:1.0", "one"),
        (":1.0", "one"),
        (":app:2.0", "two"),
        (":docker.io/library/app:2.0", "two"),
        (f"@{digest_of(config('three'))}", "three"),
    ):
        assert opened(tmp_path, files, rest).resolve().digest == digest_of(config(name))
    with pytest.raises(NoInputError, match="no image named"):
        opened(tmp_path, files, ":3.0").resolve()


def test_a_registrys_digest_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NoInputError, match="an image id") as caught:
        opened(tmp_path, legacy(("app", [])), "@sha256:" + "0" * 64).resolve()
    assert "crane pull" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"manifest.json": b"{}"}, "expected an array"),
        ({"manifest.json": b"<html>"}, "not valid JSON"),
        ({"manifest.json": b'[{"Config": ""}]'}, "missing or empty"),
        ({"manifest.json": b'[{"Config": "none.json"}]'}, "configuration is missing"),
        ({"manifest.json": b'[{"Config": "../../etc/passwd"}]'}, "configuration is missing"),
        ({digest_of(config("app"))[7:] + ".json": b"{}"}, "wrong digest"),
    ],
)
def test_archives_that_lie(tmp_path: Path, change: dict[str, bytes], told: str) -> None:
    with pytest.raises(InputError, match=told):
        opened(tmp_path, {**legacy(("app", [])), **change}).resolve()


def test_what_is_no_such_archive(tmp_path: Path) -> None:
    with pytest.raises(NoInputError, match=r"no manifest\.json") as caught:
        opened(tmp_path, {"index.json": b"{}"})
    assert "oci-archive:FILE" in (caught.value.hint or "")
    with pytest.raises(NoInputError, match="no image here"):
        opened(tmp_path, legacy()).resolve()


def test_the_newer_form_is_a_layout_too(tmp_path: Path) -> None:
    parts = Parts()
    image, other = parts.image("app"), parts.image("other")
    full = {"io.containerd.image.name": "docker.io/library/app:1.0"}
    files = parts.files([named(image, "1.0", **full), named(other, "2.0")])
    files["manifest.json"] = json.dumps([{"Config": "x", "RepoTags": ["app:1.0"]}]).encode()
    for rest in (":app:1.0", ":1.0", ":docker.io/library/app:1.0"):
        store = opened(tmp_path, files, rest)
        assert store.resolve().digest == image["digest"]
        assert "may differ from the one in the registry" in (store.caveat or "")
    with pytest.raises(InputError, match="several images") as caught:
        opened(tmp_path, files).resolve()
    assert "docker.io/library/app:1.0" in (caught.value.hint or "")
