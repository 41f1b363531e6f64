"""References to images: what users write, what it means, and what is refused with a hint."""

from __future__ import annotations

from pathlib import Path

import pytest

from assess.errors import InputError
from assess.images.reference import LocalReference, RegistryReference, read_reference, same_name

DIGEST = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("text", "host", "repository", "tag", "digest"),
    [
        ("alpine", "docker.io", "library/alpine", "latest", None),
        ("alpine:3.20", "docker.io", "library/alpine", "3.20", None),
        ("team/app", "docker.io", "team/app", "latest", None),
        ("docker.io/alpine", "docker.io", "library/alpine", "latest", None),
        ("index.docker.io/team/app:1", "docker.io", "team/app", "1", None),
        ("registry-1.docker.io/library/alpine:1", "docker.io", "library/alpine", "1", None),
        ("localhost/app", "localhost", "app", "latest", None),
        ("localhost:5000/app:v1", "localhost:5000", "app", "v1", None),
        ("127.0.0.1:5000/team/app", "127.0.0.1:5000", "team/app", "latest", None),
        ("[::1]:5000/app:v1", "[::1]:5000", "app", "v1", None),
        ("registry.example/a/b/c:1.0", "registry.example", "a/b/c", "1.0", None),
        ("Registry/app", "Registry", "app", "latest", None),
        ("registry.example/app@" + DIGEST, "registry.example", "app", None, DIGEST),
        ("registry.example:5000/app:1.0@" + DIGEST, "registry.example:5000", "app", "1.0", DIGEST),
        ("docker://registry.example/app:1", "registry.example", "app", "1", None),
        ("registry.example/a__b/c-d.e:V_1.0-rc", "registry.example", "a__b/c-d.e", "V_1.0-rc", None),
        ("registry.example/a---b", "registry.example", "a---b", "latest", None),
        ("app:5000", "docker.io", "library/app", "5000", None),
    ],
)
def test_names_in_registries(text: str, host: str, repository: str, tag: str | None, digest: str | None) -> None:
    assert read_reference(text) == RegistryReference(host, repository, tag, digest)


@pytest.mark.parametrize(
    ("text", "told", "hint"),
    [
        ("", "empty", "registry.example"),
        (" alpine", "spaces", "registry.example"),
        ("al\x1bpine", "unprintable", "registry.example"),
        ("a" * 5000, "too long", "registry.example"),
        ("https://registry.example/app", "an address", "without the scheme"),
        ("registry.example/App", "no repository", "lower case"),
        ("registry.example/app:", "no tag", "registry.example"),
        ("registry.example/app:-x", "no tag", "registry.example"),
        ("registry.example/app:" + "x" * 129, "no tag", "registry.example"),
        ("registry.example/app@sha256:abc", "no digest", "registry.example"),
        ("registry.example/app@" + DIGEST.upper(), "no digest", "registry.example"),
        ("registry.example/app@sha512:" + "ab" * 64, "no digest", "registry.example"),
        ("registry.example/app@", "no digest", "registry.example"),
        ("registry.example/a//b", "no repository", "registry.example"),
        ("registry.example/../app", "no repository", "registry.example"),
        ("registry.example/app?x=1", "no repository", "registry.example"),
        ("registry.example/app#x", "no repository", "registry.example"),
        ("registry.example/", "no repository", "registry.example"),
        ("registry.example:99999/app", "no host", "registry.example"),
        ("user:pass@registry.example/app", "no digest", "registry.example"),
        ("registry..example/app", "no host", "registry.example"),
        ("-x.example/app", "no host", "registry.example"),
        ("/app", "a path", "oci:DIR"),
        ("./dist/app", "a path", "oci:DIR"),
        ("~/app", "a path", "oci:DIR"),
        ("docker-daemon:app:1", "docker-daemon storage", "docker save"),
        ("containers-storage:app", "containers-storage storage", "podman save"),
        ("oci:", "incomplete", "oci:DIR"),
        ("oci::tag", "incomplete", "oci:DIR"),
        ("oci-archive:", "incomplete", "oci-archive:FILE"),
        ("docker-archive:x.tar:", "incomplete", "docker-archive:FILE"),
        ("oci:dir@sha256:12", "no digest", "oci:DIR"),
        ("registry.example/" + "a" * 256, "no repository", "registry.example"),
    ],
)
def test_what_is_no_reference_is_told_with_a_hint(text: str, told: str, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        read_reference(text)
    assert told in caught.value.message
    assert hint in (caught.value.hint or "")


def test_credentials_in_a_reference_are_refused_whatever_they_look_like() -> None:
    for text in ("user:pass@registry.example/app:1", "user@registry.example/app"):
        with pytest.raises(InputError):
            read_reference(text)


@pytest.mark.parametrize(
    ("text", "path", "name", "digest"),
    [
        ("oci:dist/app", "dist/app", None, None),
        ("oci:dist/app:1.0", "dist/app", "1.0", None),
        ("oci:dist/app@" + DIGEST, "dist/app", None, DIGEST),
        ("oci:dist/app:1.0@" + DIGEST, "dist/app", "1.0", DIGEST),
        ("oci-archive:a.tar:team/app:1.0", "a.tar", "team/app:1.0", None),
        ("docker-archive:/abs/a.tar", "/abs/a.tar", None, None),
    ],
)
def test_places_in_the_file_system(text: str, path: str, name: str | None, digest: str | None) -> None:
    kind = text.partition(":")[0]
    found = read_reference(text)
    assert found == LocalReference(kind, Path(path), name, digest)  # type: ignore[arg-type]
    assert str(found) == text


def test_the_longest_path_that_exists_is_the_path(tmp_path: Path) -> None:
    (tmp_path / "a:b").mkdir()
    inside = read_reference(f"oci:{tmp_path}/a:b")
    named = read_reference(f"oci:{tmp_path}/a:b:registry.example/app:1")
    assert isinstance(inside, LocalReference) and isinstance(named, LocalReference)
    assert (inside.path, inside.name) == (tmp_path / "a:b", None)
    assert (named.path, named.name) == (tmp_path / "a:b", "registry.example/app:1")


@pytest.mark.parametrize(
    ("wanted", "name", "same"),
    [
        ("1.0", "1.0", True),
        ("1.0", "docker.io/library/app:1.0", True),
        ("app:1.0", "docker.io/library/app:1.0", True),
        ("app", "docker.io/library/app:latest", True),
        ("app:1.1", "docker.io/library/app:1.0", False),
        ("other/app:1.0", "docker.io/library/app:1.0", False),
        ("!", "app:1.0", False),
    ],
)
def test_names_that_mean_one_image(wanted: str, name: str, same: bool) -> None:
    assert same_name(wanted, name) is same
