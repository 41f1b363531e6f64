"""`check --image`: images as subjects, indexes and platforms, provenance to a level, signers that are expected."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import registry_server
from conftest import Ran
from virtual_images import BUNDLE, VirtualImages
from virtual_keys import pem_of
from virtual_sigstore import (
    DEFAULT_RUN,
    GITHUB_ISSUER,
    Tamper,
    VirtualSigstore,
    generator_run,
    provenance_v02,
    provenance_v1,
)

VS = VirtualSigstore()
BUILDER = generator_run("container")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    file = tmp_path / "root.json"
    file.write_bytes(VS.trusted_root())
    return file


def subject(digest: str) -> dict[str, Any]:
    return {"name": "registry.example/team/app", "digest": {"sha256": digest.removeprefix("sha256:")}}


def attest(images: VirtualImages, digest: str, form: str = "tag", **options: Any) -> None:
    """Provenance by the container generator, which is recognised up to L3."""
    images.attest(digest, provenance_v02([subject(digest)], run=BUILDER), form, run=BUILDER, **options)


@pytest.fixture
def check(run: Callable[..., Ran], root: Path, tmp_path: Path) -> Callable[..., tuple[Ran, dict[str, Any]]]:
    (tmp_path / "project").mkdir()

    def call(images: VirtualImages, *options: str | Path) -> tuple[Ran, dict[str, Any]]:
        layout = images.write_layout(tmp_path / f"layout{len(list(tmp_path.iterdir()))}")
        given = ("--image", f"oci:{layout}", "--trusted-root", root, "--time", "2026-01-01T00:00:00Z", "-f", "json")
        ran = run("check", tmp_path / "project", *given, *options)
        return ran, json.loads(ran.out) if ran.out else {}

    return call


def levels(assessment: dict[str, Any]) -> list[tuple[str, int, int]]:
    """(digest, reached, ceiling) of each subject, demonstrated."""
    return [
        ("sha256:" + one["subject"]["digests"][0]["value"], row["level"]["reached"], row["level"]["ceiling"])
        for one in assessment["subjects"]
        for row in one["levels"]
        if row["reading"] == "demonstrated" and row["track"] == "build"
    ]


Check = Callable[..., tuple[Ran, dict[str, Any]]]


@pytest.mark.parametrize("form", ["tag", "oci11", "bundle", "save"])
def test_provenance_beside_an_image_carries_its_level(form: str, check: Check) -> None:
    images = VirtualImages(VS)
    digest = images.image()
    attest(images, digest, form)
    ran, told = check(images, "--min-level", "3")
    assert (ran.code, levels(told)) == (0, [(digest, 3, 3)])
    assert told["subjects"][0]["subject"]["name"].endswith(f"@{digest}")
    assert told["subjects"][0]["proof"]["path"].endswith("#/layers/0")


def test_a_signature_is_listed_and_is_no_provenance(check: Check) -> None:
    images = VirtualImages(VS)
    digest = images.image()
    images.sign(digest, "tag")
    images.sign(digest, "bundle")
    ran, told = check(images, "--min-level", "1")
    assert (ran.code, levels(told)) == (1, [(digest, 0, 0)])
    rows = told["subjects"][0]["attestations"]
    assert [(one["kind"], one["disposition"], one["signature"]) for one in rows] == [
        ("signature", "not-provenance", "verified")
    ] * 2
    assert "it is not provenance" in ran.out


def test_nothing_hangs_there(check: Check) -> None:
    images = VirtualImages(VS)
    digest = images.image()
    assert levels(check(images)[1]) == [(digest, 0, 0)]


def test_an_attestation_of_the_index_covers_its_platforms(check: Check) -> None:
    images = VirtualImages(VS)
    index = images.index({"linux/amd64": images.image("a", None), "linux/arm64": images.image("b", None)})
    attest(images, index)
    _, told = check(images)
    assert levels(told) == [(index, 3, 3)]
    texts = [one["text"] for one in told["notices"]]
    assert any("covers its platform manifests through their digests: linux/amd64, linux/arm64" in one for one in texts)


def platforms(images: VirtualImages) -> dict[str, str]:
    found = {"linux/amd64": images.image("a", None), "linux/arm64": images.image("b", None)}
    images.index(found)
    return found


def test_platforms_alone_are_subjects_of_their_own(check: Check) -> None:
    images = VirtualImages(VS)
    amd, arm = platforms(images).values()
    attest(images, amd)
    attest(images, arm, "bundle")
    ran, told = check(images, "--min-level", "3")
    assert (ran.code, levels(told)) == (0, [(amd, 3, 3), (arm, 3, 3)])


def test_the_weakest_platform_decides(check: Check) -> None:
    images = VirtualImages(VS)
    amd, arm = platforms(images).values()
    attest(images, amd)
    images.attest(arm, provenance_v1([subject(arm)]))
    ran, told = check(images, "--min-level", "3")
    assert (ran.code, levels(told)) == (1, [(amd, 3, 3), (arm, 2, 2)])
    assert told["verdict"]["line"].startswith("FAILED: Build L2")


def test_a_platform_without_provenance_leaves_the_reference_at_nothing(check: Check) -> None:
    images = VirtualImages(VS)
    amd, _ = platforms(images).values()
    attest(images, amd)
    ran, told = check(images, "--min-level", "1")
    assert ran.code == 1
    assert [row[1:] for row in levels(told)] == [(0, 0)]


def test_one_platform_by_name(check: Check) -> None:
    images = VirtualImages(VS)
    amd, _ = platforms(images).values()
    attest(images, amd)
    ran, told = check(images, "--platform", "linux/amd64", "--min-level", "3")
    assert (ran.code, levels(told)) == (0, [(amd, 3, 3)])


def test_knowing_less_of_the_index_never_raises_the_level(check: Check) -> None:
    images = VirtualImages(VS)
    amd, arm = platforms(images).values()
    attest(images, amd)
    attest(images, arm)
    weak = provenance_v1([subject(images.tags["v1"])])
    images.attest(images.tags["v1"], weak)
    ran, told = check(images, "--min-level", "3")
    assert (ran.code, levels(told)) == (0, [(amd, 3, 3), (arm, 3, 3)])


def test_what_is_worth_nothing_is_told_wherever_it_hangs(check: Check) -> None:
    images = VirtualImages(VS)
    amd, arm = platforms(images).values()
    attest(images, amd)
    attest(images, arm)
    attest(images, images.tags["v1"], "bundle", tamper=Tamper.SIGNATURE_BYTE)
    _, told = check(images)
    assert levels(told) == [(amd, 3, 3), (arm, 3, 3)]
    assert any(one["severity"] == "critical" and "worth nothing" in one["text"] for one in told["notices"])


def test_buildkits_statements_carry_l1_at_most(check: Check) -> None:
    images = VirtualImages(VS)
    amd = images.image("a", None)
    statement = provenance_v1([subject(amd)])
    images.index({"linux/amd64": amd}, more=(images.buildkit(amd, statement),))
    _, told = check(images)
    ((digest, reached, ceiling),) = levels(told)
    assert (digest, reached <= 1, ceiling <= 1) == (amd, True, True)


def test_a_bad_attestation_is_worth_nothing_and_is_told(check: Check) -> None:
    images = VirtualImages(VS)
    digest = images.image()
    attest(images, digest, tamper=Tamper.PAYLOAD)
    _, told = check(images)
    assert levels(told) == [(digest, 0, 0)]
    assert any(one["severity"] == "critical" and "worth nothing" in one["text"] for one in told["notices"])
    # and what is good beside it still counts
    attest(images, digest, "bundle")
    assert levels(check(images)[1]) == [(digest, 3, 3)]


def test_what_cannot_be_read_leaves_the_level_open(check: Check) -> None:
    images = VirtualImages(VS)
    digest = images.image()
    images.refer(digest, BUNDLE, [images.blob(b"[", BUNDLE)])
    _, told = check(images)
    assert levels(told) == [(digest, 0, 3)]
    assert [one["reason"] for one in told["unreadable"]]


def test_a_signature_of_another_image_says_nothing_of_this_one(check: Check) -> None:
    images = VirtualImages(VS)
    other, digest = images.image("other", None), images.image()
    images.sign(other, on=digest)
    _, told = check(images)
    (row,) = told["subjects"][0]["attestations"]
    assert (row["kind"], row["disposition"]) == ("signature", "other-subject")
    assert any("the signature is of another image" in one["text"] for one in told["notices"])


SIGNERS: tuple[tuple[dict[str, Any], str, int], ...] = (
    ({}, f"certificate_identity: {DEFAULT_RUN.signer_uri}\n      certificate_oidc_issuer: {GITHUB_ISSUER}", 0),
    ({}, "certificate_identity: https://example.com/x\n      certificate_oidc_issuer: " + GITHUB_ISSUER, 1),
    ({}, f"certificate_identity_regexp: 'https://github.com/.*'\n      certificate_oidc_issuer: {GITHUB_ISSUER}", 0),
    ({"keyed": "release", "log": None}, "key: release.pub", 0),
    ({"keyed": "another", "log": None}, "key: release.pub", 1),
    ({"unsigned": True}, "key: release.pub", 1),
)


@pytest.mark.parametrize(("options", "signer", "code"), SIGNERS)
def test_the_project_file_names_who_must_have_signed(
    options: dict[str, Any], signer: str, code: int, root: Path, run: Callable[..., Ran], tmp_path: Path
) -> None:
    images = VirtualImages(VS)
    digest = images.image()
    attest(images, digest)
    if not options.pop("unsigned", False):
        images.sign(digest, **options)
    images.write_layout(tmp_path / "layout")
    (tmp_path / "release.pub").write_bytes(pem_of(VS.managed_key("release")))
    (tmp_path / "slsa-assess.yaml").write_text(
        "images:\n  - ref: oci:layout\n    signer:\n      " + signer + "\n"
        "    expectations: {source_uri: github.com/example-org/widget}\n"
        "trust: {trusted_root: root.json}\ngate: {min_level: {build: 3}}\n"
    )
    ran = run("check", tmp_path, "-f", "json")
    told = json.loads(ran.out)
    assert (ran.code, levels(told)) == (code, [(digest, 3, 3)])
    rows = {one["name"]: one["outcome"] for one in told["subjects"][0]["expectations"]}
    assert rows == {"source_uri": "match", "image_signer": "match" if code == 0 else "mismatch"}
    assert code == 0 or "image_signer expected" in ran.err


BAD_FILES = (
    ("images: [{ref: ''}]", "ref"),
    ("images: [{}]", "ref is missing"),
    ("images: [{ref: r/a, signer: {}}]", "a signer has either key"),
    ("images: [{ref: r/a, signer: {certificate_identity: x}}]", "goes with certificate_oidc_issuer"),
    ("images: [{ref: r/a, signer: {key: k, certificate_identity: x, certificate_oidc_issuer: y}}]", "either key"),
    ("images: [{ref: r/a, signer: {certificate_identity_regexp: '(', certificate_oidc_issuer: y}}]", "regular"),
    ("images: [{ref: r/a, singer: {key: k}}]", "did you mean 'signer'?"),
)


@pytest.mark.parametrize(("text", "message"), BAD_FILES)
def test_mistakes_in_the_project_file(text: str, message: str, run: Callable[..., Ran], tmp_path: Path) -> None:
    (tmp_path / "slsa-assess.yaml").write_text(text)
    ran = run("check", tmp_path)
    assert (ran.code, message in ran.err, "slsa-assess.yaml:1" in ran.err) == (78, True, True)


@pytest.mark.parametrize(("ref", "code"), [("oci:nowhere", 66), ("r.example/UPPER", 65), ("registry.example/a:1", 69)])
def test_images_that_are_not_there(ref: str, code: int, run: Callable[..., Ran], tmp_path: Path) -> None:
    ran = run("check", tmp_path, "--image", ref, "--offline")
    assert ran.code == code
    assert ran.err.startswith("error: ")


def test_the_same_bytes_twice(check: Check) -> None:
    images = VirtualImages(VS)
    attest(images, images.image())
    first, second = check(images)[0].out, check(images)[0].out
    assert first.replace("layout1", "").replace("layout2", "") == second.replace("layout2", "").replace("layout3", "")


@pytest.mark.parametrize("name", ["terminal", "markdown", "html"])
def test_reports_show_the_image_and_how_to_repeat_it(
    name: str, root: Path, run: Callable[..., Ran], tmp_path: Path
) -> None:
    images = VirtualImages(VS)
    digest = images.image()
    attest(images, digest)
    images.sign(digest)
    images.write_layout(tmp_path / "layout")
    options = ("--trusted-root", root, "-f", name, "-v") if name == "terminal" else ("--trusted-root", root, "-f", name)
    ran = run("check", tmp_path, "--image", f"oci:{tmp_path / 'layout'}", *options)
    plain = "".join(ran.out.split())
    # a terminal has no room for a whole digest
    assert digest[-12:] in plain
    if name != "terminal":
        assert digest in plain
        assert "cosignverify-attestation--typehttps" in plain
        assert "cosignverify--new-bundle-format=false--local-image--certificate-identity" in plain


def test_attestations_from_elsewhere_count_too(check: Check, tmp_path: Path) -> None:
    images = VirtualImages(VS)
    digest = images.image()
    bundle = VS.sign_statement(provenance_v02([subject(digest)], run=BUILDER), run=BUILDER)
    (tmp_path / "app.sigstore.json").write_text(json.dumps(bundle))
    assert levels(check(images)[1]) == [(digest, 0, 0)]
    assert levels(check(images, "-a", tmp_path / "app.sigstore.json")[1]) == [(digest, 3, 3)]


def test_what_hangs_in_a_registry_is_distributed_under_the_strict_profile_too(
    root: Path, run: Callable[..., Ran], tmp_path: Path
) -> None:
    images = VirtualImages(VS)
    digest = images.image()
    attest(images, digest)

    def distributed(reference: str, *options: str | Path) -> str:
        given = ("--image", reference, "--trusted-root", root, "--trust-profile", "strict", "-f", "json")
        told = json.loads(run("check", tmp_path, *given, *options).out)
        (found,) = told["subjects"][0]["provenance"]
        return str(found["distributed"])

    with registry_server.serving() as server:
        name = images.push(server.host, "team/app")
        assert distributed(f"{name}@{digest}", "--plain-http", server.host) == "True"
    assert distributed(f"oci:{images.write_layout(tmp_path / 'layout')}") == "None"


def test_a_summary_of_an_image(check: Check, tmp_path: Path) -> None:
    images = VirtualImages(VS)
    digest = images.image()
    attest(images, digest)
    options = ("-f", f"vsa={tmp_path / 'vsa.json'}", "--vsa-verifier-id", "https://example.com/us", "--vsa-unsigned")
    check(images, "--min-level", "3", *options, "--vsa-resource-uri", "oci://registry.example/team/app")
    said = json.loads((tmp_path / "vsa.json").read_text())
    assert said["subject"][0]["digest"] == {"sha256": digest.removeprefix("sha256:")}
    assert "SLSA_BUILD_LEVEL_3" in said["predicate"]["verifiedLevels"]


def test_two_images_and_an_artifact(root: Path, run: Callable[..., Ran], tmp_path: Path) -> None:
    images = VirtualImages(VS)
    digest = images.image()
    attest(images, digest)
    layout = images.write_layout(tmp_path / "layout")
    bare = VirtualImages(VS)
    other = bare.image("other")
    second = bare.write_layout(tmp_path / "second")
    (tmp_path / "file").write_text("x")
    given = ("--image", f"oci:{layout}", "--image", f"oci:{second}", "--artifact", tmp_path / "file")
    told = json.loads(run("check", tmp_path, *given, "--trusted-root", root, "-f", "json").out)
    assert [row[1:] for row in levels(told)] == [(0, 3), (3, 3), (0, 0)]
    assert {digest, other} <= {row[0] for row in levels(told)}


def test_the_evidence_of_an_image(run: Callable[..., Ran], root: Path, tmp_path: Path) -> None:
    images = VirtualImages(VS)
    attest(images, images.image())
    layout = images.write_layout(tmp_path / "layout")
    ran = run("evidence", tmp_path, "--image", f"oci:{layout}", "--trusted-root", root)
    (row,) = json.loads(ran.out)
    assert [one["signature"] for one in row["evidence"]["provenance"]] == ["verified"]
