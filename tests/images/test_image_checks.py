"""The checks on images: every storage form verifies, and for each check there is an image in which it alone fails."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from virtual_images import FORMS, VirtualImages
from virtual_keys import pem_of
from virtual_sigstore import DEFAULT_RUN, GITHUB_ISSUER, Tamper, VirtualSigstore, provenance_v1

from assess.errors import NoInputError
from assess.examine import Trust
from assess.image_check import Asked, ImageCheck, check_image, for_images
from assess.images.opening import open_store
from assess.trust.keys import PublicKey, load_public_key
from assess.trust.platforms import load_platforms
from assess.trust.roots import load_trusted_root
from assess.trust.verify import IdentityPolicy

VS = VirtualSigstore()
POLICY = IdentityPolicy(identity=DEFAULT_RUN.signer_uri, issuer=GITHUB_ISSUER)
SLSA = "https://slsa.dev/provenance/v1"


@lru_cache
def key_of(name: str, algorithm: str = "p256") -> PublicKey:
    return load_public_key(pem_of(VS.managed_key(name, algorithm)), f"{name}.pub")


@lru_cache
def keyless() -> Trust:
    root = load_trusted_root(VS.trusted_root(), "trusted_root.json")
    return for_images(Trust((root,), load_platforms(()), identity=POLICY))


def keyed(name: str = "release", algorithm: str = "p256") -> Trust:
    return replace(keyless(), identity=None, keys=(key_of(name, algorithm),))


def provenance(digest: str) -> dict[str, Any]:
    return provenance_v1([{"name": "app", "digest": {"sha256": digest.removeprefix("sha256:")}}])


def check(images: VirtualImages, folder: Path, trust: Trust, **asked: Any) -> ImageCheck:
    reference = f"oci:{images.write_layout(folder / 'layout')}"
    return check_image(open_store(reference), reference, trust, Asked(**asked))


def failing(result: ImageCheck) -> set[str]:
    """Names of the checks of all that hangs there that did not end well."""
    return {one.name for seen in result.seen for one in seen.checks if one.result != "verified"}


@pytest.mark.parametrize("signer", ["keyless", "keyed"])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("what", ["signature", "attestation"])
def test_every_form_verifies(form: str, signer: str, what: str, tmp_path: Path) -> None:
    images = VirtualImages(VS)
    digest = images.image()
    options = {"keyed": "release"} if signer == "keyed" else {}
    if what == "signature":
        images.sign(digest, form, **options)
    else:
        images.attest(digest, provenance(digest), form, **options)
    trust = keyed() if signer == "keyed" else keyless()
    result = check(images, tmp_path, trust, predicate_type=SLSA if what == "attestation" else None)
    assert (result.verdict, failing(result)) == ("verified", set())
    assert result.unreadable == ()
    (seen,) = result.seen
    assert seen.examined is not None
    assert seen.examined.kind == ("signature" if what == "signature" else "provenance")
    assert (seen.signer.kind if seen.signer else None) == ("key" if signer == "keyed" else "certificate")


LEGACY = (
    (Tamper.PAYLOAD, {"signature"}),
    (Tamper.SIGNATURE_BYTE, {"signature"}),
    (Tamper.SIGNATURE_OTHER_KEY, {"signature"}),
    (Tamper.CERT_OTHER_CA, {"chain"}),
    (Tamper.CERT_EXPIRED, {"chain"}),
    (Tamper.CERT_NOT_YET_VALID, {"chain"}),
    (Tamper.CERT_NO_EKU, {"chain"}),
    (Tamper.CERT_OTHER_EKU, {"chain"}),
    (Tamper.CERT_NO_DIGITAL_SIGNATURE, {"chain"}),
    (Tamper.INTEGRATED_TIME_OUTSIDE, {"chain"}),
    (Tamper.SCT_MISSING, {"sct"}),
    (Tamper.SCT_UNKNOWN_LOG, {"sct"}),
    (Tamper.SCT_OTHER_DATA, {"sct"}),
    (Tamper.SET_WRONG, {"promise"}),
    (Tamper.SET_OTHER_LOG, {"promise"}),
    (Tamper.ENTRY_PAYLOAD, {"binding"}),
    (Tamper.ENTRY_CERTIFICATE, {"binding"}),
    (Tamper.ENTRY_SIGNATURE, {"binding"}),
    (Tamper.IDENTITY_PREFIXED, {"identity"}),
    (Tamper.IDENTITY_SUFFIXED, {"identity"}),
)


@pytest.mark.parametrize(("tamper", "checks"), LEGACY, ids=lambda one: getattr(one, "name", ""))
def test_each_check_of_a_keyless_signature_fails_alone(tamper: Tamper, checks: set[str], tmp_path: Path) -> None:
    images = VirtualImages(VS)
    images.sign(images.image(), "tag", tamper=tamper)
    result = check(images, tmp_path, keyless())
    assert result.verdict == "failed"
    assert failing(result) == checks


def test_the_payload_names_another_image(tmp_path: Path) -> None:
    images = VirtualImages(VS)
    other, digest = images.image("other", None), images.image()
    images.sign(other, "tag", on=digest)
    result = check(images, tmp_path, keyless())
    assert failing(result) == {"claims"}
    assert "the signature is of another image" in result.reason


@pytest.mark.parametrize("form", ["bundle", "tag"])
def test_the_statement_names_another_image(form: str, tmp_path: Path) -> None:
    images = VirtualImages(VS)
    other, digest = images.image("other", None), images.image()
    images.attest(digest, provenance(other), form)
    result = check(images, tmp_path, keyless(), predicate_type=SLSA)
    assert (result.verdict, failing(result)) == ("failed", {"subject"})


TYPES = (
    ("cosign container image signature", "verified"),
    ("atomic container signature", "verified"),
    ("simple signing", "failed"),
    ("", "failed"),
)


@pytest.mark.parametrize(("text", "verdict"), TYPES)
def test_the_payload_is_of_a_known_type(text: str, verdict: str, tmp_path: Path) -> None:
    images = VirtualImages(VS)
    digest = images.image()
    images.sign(digest, payload=images.payload(digest, type=text))
    result = check(images, tmp_path, keyless())
    assert result.verdict == verdict
    assert failing(result) == (set() if verdict == "verified" else {"claims"})


BAD_PAYLOADS = (b"", b"[]", b"{}", b'{"critical": 1}', b'{"critical": {"image": []}}', b"\xff", b"[" * 100)


@pytest.mark.parametrize("payload", BAD_PAYLOADS)
def test_a_signed_payload_that_is_none_proves_nothing(payload: bytes, tmp_path: Path) -> None:
    images = VirtualImages(VS)
    images.sign(images.image(), payload=payload)
    result = check(images, tmp_path, keyless())
    assert (result.verdict, failing(result)) == ("failed", {"claims"})


def test_a_reference_that_differs_is_told_and_fails_nothing(tmp_path: Path) -> None:
    images = VirtualImages(VS)
    digest = images.image()
    images.sign(digest, payload=images.payload(digest, reference="mirror.example/elsewhere"))
    result = check(images, tmp_path, keyless())
    assert result.verdict == "verified"
    assert any("mirror.example/elsewhere" in one.detail for one in result.seen[0].checks if one.name == "claims")


ANNOTATIONS = (
    ((("env", "prod"),), "verified"),
    ((("env", "prod"), ("team", "a")), "verified"),
    ((("env", "test"),), "failed"),
    ((("owner", "x"),), "failed"),
    ((("env", "prod"), ("owner", "x")), "failed"),
)


@pytest.mark.parametrize("form", ["tag", "bundle"])
@pytest.mark.parametrize(("wanted", "verdict"), ANNOTATIONS)
def test_annotations_must_be_in_what_was_signed(
    wanted: tuple[tuple[str, str], ...], verdict: str, form: str, tmp_path: Path
) -> None:
    images = VirtualImages(VS)
    images.sign(images.image(), form, annotations={"env": "prod", "team": "a"})
    result = check(images, tmp_path, keyless(), annotations=wanted)
    assert result.verdict == verdict
    assert failing(result) == (set() if verdict == "verified" else {"annotations"})


SIGNERS = (
    (POLICY, "verified"),
    (replace(POLICY, identity="https://example.com/other"), "failed"),
    (replace(POLICY, issuer="https://issuer.example"), "failed"),
    (IdentityPolicy(identity_regexp=r"https://github\.com/.*", issuer=GITHUB_ISSUER), "verified"),
    (IdentityPolicy(identity_regexp="github"), "failed"),
    (IdentityPolicy(identity_regexp=".*", issuer_regexp=r"https://token\.actions\..*"), "verified"),
    (IdentityPolicy(identity_regexp=".*", issuer_regexp="https://token"), "failed"),
)


@pytest.mark.parametrize(("policy", "verdict"), SIGNERS)
def test_identities_are_exact_or_match_as_a_whole(policy: IdentityPolicy, verdict: str, tmp_path: Path) -> None:
    images = VirtualImages(VS)
    images.sign(images.image())
    result = check(images, tmp_path, replace(keyless(), identity=policy))
    assert result.verdict == verdict
    assert failing(result) == (set() if verdict == "verified" else {"identity"})


KEYED: tuple[tuple[dict[str, Any], dict[str, Any], str, set[str]], ...] = (
    ({"log": None}, {}, "verified", set()),
    ({}, {}, "verified", set()),
    ({"algorithm": "ed25519", "log": None}, {"algorithm": "ed25519"}, "verified", set()),
    ({"algorithm": "rsa", "log": None}, {"algorithm": "rsa"}, "verified", set()),
    ({"log": None}, {"name": "another"}, "failed", {"signature"}),
    ({"log": None, "tamper": Tamper.PAYLOAD}, {}, "failed", {"signature"}),
    ({"log": None, "tamper": Tamper.SIGNATURE_BYTE}, {}, "failed", {"signature"}),
    ({"tamper": Tamper.ENTRY_PAYLOAD}, {}, "failed", {"binding"}),
    ({"tamper": Tamper.ENTRY_SIGNATURE}, {}, "failed", {"binding"}),
    ({"tamper": Tamper.SET_WRONG}, {}, "failed", {"promise"}),
)


@pytest.mark.parametrize(("options", "expected", "verdict", "checks"), KEYED)
def test_keyed_signatures(
    options: dict[str, Any], expected: dict[str, Any], verdict: str, checks: set[str], tmp_path: Path
) -> None:
    images = VirtualImages(VS)
    images.sign(images.image(), "tag", keyed="release", **options)
    result = check(images, tmp_path, keyed(**expected))
    assert (result.verdict, failing(result)) == (verdict, checks)


def test_a_bundle_by_a_given_key_needs_no_log_entry(tmp_path: Path) -> None:
    images = VirtualImages(VS)
    images.sign(images.image(), "bundle", keyed="release", log=None)
    assert check(images, tmp_path, keyed()).verdict == "verified"


def test_a_certificate_is_not_the_key_that_was_asked_for(tmp_path: Path) -> None:
    images = VirtualImages(VS)
    images.sign(images.image(), "tag")
    result = check(images, tmp_path, keyed())
    assert (result.verdict, "signature" in failing(result)) == ("failed", True)


def test_a_key_is_not_the_identity_that_was_asked_for(tmp_path: Path) -> None:
    images = VirtualImages(VS)
    images.sign(images.image(), "tag", keyed="release")
    assert check(images, tmp_path, keyless()).verdict == "failed"


def test_nobody_expected_is_no_pass(tmp_path: Path) -> None:
    images = VirtualImages(VS)
    images.sign(images.image())
    result = check(images, tmp_path, replace(keyless(), identity=None))
    assert result.verdict == "nobody-expected"
    assert DEFAULT_RUN.signer_uri in result.reason


def test_one_good_signature_among_others_suffices(tmp_path: Path) -> None:
    images = VirtualImages(VS)
    digest = images.image()
    images.sign(digest, keyed="another", log=None)
    images.sign(digest, keyed="release", log=None)
    images.sign(digest, tamper=Tamper.SCT_MISSING)
    result = check(images, tmp_path, keyed())
    assert result.verdict == "verified"
    assert [one.holds for one in result.seen] == [False, True, False]


def test_the_time_of_an_attestation_may_come_from_a_timestamp_over_its_envelope(tmp_path: Path) -> None:
    images = VirtualImages(VS)
    digest = images.image()
    images.attest(digest, provenance(digest), tsa=True, tamper=Tamper.SET_OTHER_LOG)
    result = check(images, tmp_path, keyless(), predicate_type=SLSA)
    times = [one for one in result.seen[0].checks if one.name == "time"]
    assert [one.result for one in times] == ["verified"]
    assert failing(result) == {"promise"}


def test_a_signature_of_the_index_covers_its_platforms(tmp_path: Path) -> None:
    images = VirtualImages(VS)
    index = images.index({"linux/amd64": images.image("a", None), "linux/arm64": images.image("b", None)})
    images.sign(index)
    result = check(images, tmp_path, keyless())
    assert result.verdict == "verified"
    assert "covers linux/amd64, linux/arm64" in result.reason


@pytest.mark.parametrize(
    ("signed", "platform", "verdict"),
    [
        (("linux/amd64", "linux/arm64"), None, "verified"),
        (("linux/amd64",), None, "failed"),
        (("linux/amd64",), "linux/amd64", "verified"),
        (("linux/amd64",), "linux/arm64", "failed"),
        ((), None, "failed"),
    ],
)
def test_platforms_alone_are_as_good_as_the_weakest(
    signed: tuple[str, ...], platform: str | None, verdict: str, tmp_path: Path
) -> None:
    images = VirtualImages(VS)
    platforms = {"linux/amd64": images.image("a", None), "linux/arm64": images.image("b", None)}
    images.index(platforms)
    for name in signed:
        images.sign(platforms[name])
    assert check(images, tmp_path, keyless(), platform=platform).verdict == verdict


def test_what_one_platform_lacks_is_told(tmp_path: Path) -> None:
    images = VirtualImages(VS)
    platforms = {"linux/amd64": images.image("a", None), "linux/arm64": images.image("b", None)}
    images.index(platforms)
    images.sign(platforms["linux/amd64"])
    assert "not every platform has a signature that holds" in check(images, tmp_path, keyless()).reason
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"digest": {"sha256": platforms["linux/amd64"][7:]}}],
        "predicateType": "https://example.com/p",
        "predicate": {},
    }
    images.attest(platforms["linux/amd64"], statement)
    told = check(images, tmp_path / "again", keyless(), predicate_type="https://example.com/p").reason
    assert "not every platform has an attestation of type https://example.com/p that holds" in told


def test_a_platform_that_the_index_lacks(tmp_path: Path) -> None:
    images = VirtualImages(VS)
    images.sign(images.index({"linux/amd64": images.image("a", None), "linux/arm64/v8": images.image("b", None)}))
    with pytest.raises(NoInputError, match=r"no platform 'linux/s390x' \(it has linux/amd64, linux/arm64/v8\)"):
        check(images, tmp_path, keyless(), platform="linux/s390x")
    found = check(images, tmp_path / "again", keyless(), platform="linux/arm64")
    assert [one.platform for one in found.platforms] == ["linux/arm64/v8"]


def test_a_platform_that_calls_itself_buildkits_is_a_platform(tmp_path: Path) -> None:
    """A client that pulls linux/arm64 gets it, whatever its annotations say."""
    images = VirtualImages(VS)
    signed, hidden = images.image("a", None), images.image("b", None)
    noted = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": signed}
    platform = {"os": "linux", "architecture": "arm64"}
    images.index({"linux/amd64": signed}, more=(images.descriptor(hidden, platform=platform, annotations=noted),))
    images.sign(signed)
    result = check(images, tmp_path, keyless())
    assert (result.verdict, "missing: linux/arm64" in result.reason) == ("failed", True)


def test_buildkit_manifests_are_evidence_and_no_platforms(tmp_path: Path) -> None:
    images = VirtualImages(VS)
    amd = images.image("a", None)
    index = images.index({"linux/amd64": amd}, more=(images.buildkit(amd, provenance(amd)),))
    images.sign(index)
    result = check(images, tmp_path, keyless())
    assert [one.platform for one in result.platforms] == ["linux/amd64"]
    (statement,) = (one for one in result.seen if one.attached.form == "statement")
    assert (statement.attached.target, statement.holds) == (amd, False)
    assert statement.examined is not None
    assert statement.examined.signature == "absent"


def test_an_envelope_in_a_layer_of_in_totos_type(tmp_path: Path) -> None:
    images = VirtualImages(VS)
    digest = images.image()
    envelope = VS.sign_bare(provenance(digest), key=VS.managed_key("release"))
    layer = images.blob(json.dumps(envelope).encode(), "application/vnd.in-toto.provenance+dsse")
    images.refer(digest, "application/vnd.in-toto.provenance+dsse", [layer])
    assert check(images, tmp_path, keyed(), predicate_type=SLSA).verdict == "verified"
    assert check(images, tmp_path / "again", keyed("another"), predicate_type=SLSA).verdict == "failed"


def test_an_unsigned_statement_is_never_a_signature(tmp_path: Path) -> None:
    images = VirtualImages(VS)
    digest = images.image()
    layer = images.blob(json.dumps(provenance(digest)).encode(), "application/vnd.in-toto+json")
    images.refer(digest, "application/vnd.in-toto+json", [layer])
    assert check(images, tmp_path, keyless(), predicate_type=SLSA).verdict == "failed"
    assert check(images, tmp_path / "again", replace(keyless(), identity=None)).verdict == "failed"
