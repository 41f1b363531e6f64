"""Verification summaries: each of the seven steps fails alone, only listed verifiers count, and none lowers a level."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from virtual_keys import derive_key
from virtual_sigstore import Tamper, VirtualSigstore, provenance_v1
from virtual_statements import subject_of
from virtual_summaries import DATA, KEY, OTHER_KEY, RESOURCE, VERIFIER, edited, envelope, project, summary

from assess.artifacts import Artifact
from assess.attestations.containers import open_attestations
from assess.evidence import Digest, Subject, Summary
from assess.examine import Trust, examine
from assess.summaries import ANY_LEVEL, Taken, take_summary
from assess.trust.keys import load_public_key
from assess.trust.platforms import load_platforms
from assess.trust.roots import load_trusted_root, public_good
from assess.trust.verifiers import Verifier
from assess.trust.verify import IdentityPolicy

STEPS = tuple(f"VSA-VERIFY-{number}" for number in range(1, 8))
GOOGLE = "provenance/slsa-verifier-vsa/slsa-framework+slsa-verifier/cli/slsa-verifier/testdata/vsa/"


def public(key: Any) -> Any:
    from virtual_keys import pem_of

    return load_public_key(pem_of(key), "verifier.pem")


PLATFORMS = load_platforms(())
LISTED = Verifier(VERIFIER, RESOURCE, 3, public(KEY))


def artifact(data: bytes = DATA) -> Artifact:
    digest = subject_of("widget", data)["digest"]["sha256"]
    return Artifact(Subject("widget", (Digest("sha256", digest),)))


def take(
    data: bytes, *verifiers: Verifier, of: Artifact | None = None, wanted: tuple[str, ...] = ANY_LEVEL, root: Any = None
) -> Taken:
    trust = Trust((root or public_good(),), PLATFORMS, verifiers=verifiers)
    of = of or artifact()
    taken = take_summary(examine(open_attestations(data, "vsa.json")[0], of, trust), of, trust, wanted)
    assert taken is not None
    return taken


def failed(found: Summary) -> list[str]:
    return [one.name for one in found.checks if one.name in STEPS and one.result == "failed"]


def test_all_seven_steps_hold() -> None:
    taken = take(envelope(summary("SLSA_BUILD_LEVEL_2")), LISTED)
    assert [(one.name, one.result) for one in taken.summary.checks if one.name in STEPS] == [
        (name, "verified") for name in STEPS
    ]
    assert (taken.disposition, taken.summary.level, taken.summary.signature) == ("counts", 2, "verified")


V02 = summary() | {"predicateType": "https://slsa.dev/verification_summary/v0.2"}
V02["predicate"] = {
    "verifier": {"id": VERIFIER},
    "resource_uri": RESOURCE,
    "verification_result": "PASSED",
    "policy_level": "SLSA_BUILD_LEVEL_2",
}

WRONG: dict[str, tuple[bytes, Artifact, tuple[str, ...], str, str]] = {
    "another key": (envelope(summary(), OTHER_KEY), artifact(), ANY_LEVEL, "VSA-VERIFY-1", "rejected"),
    "not signed": (json.dumps(summary()).encode(), artifact(), ANY_LEVEL, "VSA-VERIFY-1", "rejected"),
    "another artifact": (envelope(summary()), artifact(b"else"), ANY_LEVEL, "VSA-VERIFY-2", "other-subject"),
    "no subject": (envelope(summary() | {"subject": []}), artifact(), ANY_LEVEL, "VSA-VERIFY-2", "other-subject"),
    "legacy v0.2": (envelope(V02), artifact(), ANY_LEVEL, "VSA-VERIFY-3", "not-provenance"),
    "another verifier": (
        envelope(summary(verifier={"id": f"{VERIFIER}/b"})),
        artifact(),
        ANY_LEVEL,
        "VSA-VERIFY-4",
        "not-provenance",
    ),
    "another resource": (
        envelope(summary(resourceUri=f"{RESOURCE}0")),
        artifact(),
        ANY_LEVEL,
        "VSA-VERIFY-5",
        "not-provenance",
    ),
    "no resource": (envelope(summary(resourceUri=None)), artifact(), ANY_LEVEL, "VSA-VERIFY-5", "not-provenance"),
    "it failed": (
        envelope(summary(verificationResult="FAILED")),
        artifact(),
        ANY_LEVEL,
        "VSA-VERIFY-6",
        "not-provenance",
    ),
    "no result": (envelope(summary(verificationResult=None)), artifact(), ANY_LEVEL, "VSA-VERIFY-6", "not-provenance"),
    "passed in lower case": (
        envelope(summary(verificationResult="passed")),
        artifact(),
        ANY_LEVEL,
        "VSA-VERIFY-6",
        "not-provenance",
    ),
    "level too low": (
        envelope(summary("SLSA_BUILD_LEVEL_2")),
        artifact(),
        ("SLSA_BUILD_LEVEL_3",),
        "VSA-VERIFY-7",
        "not-provenance",
    ),
    "another track": (
        envelope(summary("SLSA_SOURCE_LEVEL_3")),
        artifact(),
        ANY_LEVEL,
        "VSA-VERIFY-7",
        "not-provenance",
    ),
    "not evaluated": (
        envelope(summary("SLSA_BUILD_LEVEL_UNEVALUATED")),
        artifact(),
        ANY_LEVEL,
        "VSA-VERIFY-7",
        "not-provenance",
    ),
    "a level beside FAILED": (
        envelope(summary("FAILED", "SLSA_BUILD_LEVEL_3")),
        artifact(),
        ANY_LEVEL,
        "VSA-VERIFY-7",
        "not-provenance",
    ),
    "a name of its own": (envelope(summary()), artifact(), ("BCID_L1",), "VSA-VERIFY-7", "not-provenance"),
}


@pytest.mark.parametrize("name", WRONG)
def test_each_step_fails_alone(name: str) -> None:
    data, of, wanted, step, disposition = WRONG[name]
    taken = take(data, LISTED, of=of, wanted=wanted)
    assert failed(taken.summary) == [step]
    assert (taken.disposition, taken.may_count, taken.summary.level) == (disposition, False, 0)


@pytest.mark.parametrize(
    ("levels", "cap", "level"),
    [
        (("SLSA_BUILD_LEVEL_3",), 3, 3),
        (("SLSA_BUILD_LEVEL_3",), 2, 2),
        (("SLSA_BUILD_LEVEL_1",), 3, 1),
        (("SLSA_BUILD_LEVEL_1", "SLSA_BUILD_LEVEL_2"), 3, 2),
        (("BCID_L1", "SLSA_BUILD_LEVEL_2", "SLSA_SOURCE_LEVEL_4"), 3, 2),
        (("SLSA_BUILD_LEVEL_99",), 3, 3),
        (("SLSA_BUILD_LEVEL_2",), 0, 0),
    ],
)
def test_it_counts_up_to_the_cap(levels: tuple[str, ...], cap: int, level: int) -> None:
    taken = take(envelope(summary(*levels)), Verifier(VERIFIER, RESOURCE, cap, public(KEY)))
    assert (taken.disposition, taken.summary.level) == ("counts", level)


def test_pairs_of_signer_and_verifier_do_not_mix() -> None:
    other = Verifier("https://other.example", RESOURCE, 3, public(OTHER_KEY))
    taken = take(envelope(summary(), OTHER_KEY), LISTED, other)
    assert not taken.may_count
    assert failed(taken.summary) in (["VSA-VERIFY-1"], ["VSA-VERIFY-4"])


def test_one_of_several_entries_suffices() -> None:
    other = Verifier(VERIFIER, "pkg:generic/else@1", 3, public(KEY))
    assert take(envelope(summary()), other, LISTED).summary.level == 2


@pytest.mark.parametrize("verifiers", [(), (Verifier("https://other.example", RESOURCE, 3, public(OTHER_KEY)),)])
def test_an_unlisted_verifier_never_counts(verifiers: tuple[Verifier, ...]) -> None:
    taken = take(envelope(summary("SLSA_BUILD_LEVEL_3")), *verifiers)
    assert (taken.disposition, taken.severity, taken.summary.level) == ("not-provenance", "info", 0)
    assert "no listed verifier" in taken.reason


def test_a_broken_signature_is_critical_whoever_signed() -> None:
    vs = VirtualSigstore()
    root = load_trusted_root(vs.trusted_root(), "root.json")
    bundle = vs.sign_statement(summary(), tamper=Tamper.SET_WRONG)
    taken = take(json.dumps(bundle).encode(), root=root)
    assert (taken.disposition, taken.severity, taken.may_count) == ("rejected", "critical", False)


def test_a_subject_that_agrees_and_differs_is_critical() -> None:
    statement = summary()
    statement["subject"][0]["digest"]["sha512"] = "00" * 64
    digests = (*artifact().subject.digests, Digest("sha512", "11" * 64))
    taken = take(envelope(statement), LISTED, of=Artifact(Subject("widget", digests)))
    assert failed(taken.summary) == ["VSA-VERIFY-2"]
    assert (taken.disposition, taken.severity) == ("rejected", "critical")


def test_a_verifier_that_signs_with_certificates() -> None:
    vs = VirtualSigstore()
    root = load_trusted_root(vs.trusted_root(), "root.json")
    bundle = json.dumps(vs.sign_statement(summary("SLSA_BUILD_LEVEL_3"))).encode()
    signer = examine(open_attestations(bundle, "b")[0], artifact(), Trust((root,), PLATFORMS)).verification.signer
    assert signer is not None
    mine = Verifier(VERIFIER, RESOURCE, 3, identity=IdentityPolicy(identity=signer.identity, issuer=signer.issuer))
    assert take(bundle, mine, root=root).summary.level == 3
    other = Verifier(VERIFIER, RESOURCE, 3, identity=IdentityPolicy(identity="https://x.example", issuer=signer.issuer))
    assert failed(take(bundle, other, root=root).summary) == ["VSA-VERIFY-1"]
    # A key is not the certificate that is listed, nor the other way round.
    assert failed(take(envelope(summary()), mine, root=root).summary) == ["VSA-VERIFY-1"]
    assert failed(take(bundle, LISTED, root=root).summary) == ["VSA-VERIFY-1"]


@pytest.mark.parametrize("algorithm", ["p256", "p384", "p521", "ed25519", "rsa"])
def test_keys_of_all_kinds(algorithm: str) -> None:
    key = derive_key("tests", "verifier", algorithm)
    assert take(envelope(summary(), key), Verifier(VERIFIER, RESOURCE, 3, public(key))).summary.level == 2


def test_a_changed_byte_of_the_payload_is_never_accepted() -> None:
    import base64

    document = json.loads(envelope(summary()))
    payload = base64.b64decode(document["payload"])
    for index in range(len(payload)):
        changed = bytearray(payload)
        changed[index] ^= 0x01
        document["payload"] = base64.b64encode(bytes(changed)).decode()
        data = json.dumps(document).encode()
        examined = examine(
            open_attestations(data, "v")[0], artifact(), Trust((public_good(),), PLATFORMS, verifiers=(LISTED,))
        )
        if examined.unreadable is None and examined.kind == "summary":
            assert not take(data, LISTED).may_count


# The whole way: project file, level, gate.


def level(ran: Any) -> dict[str, int]:
    rows = json.loads(ran.out)["levels"]
    return next(row["level"] for row in rows if row["reading"] == "demonstrated")


def test_check_takes_the_level_from_a_listed_verifier(run: Callable[..., Any], tmp_path: Path) -> None:
    project(tmp_path)
    (tmp_path / "vsa.json").write_bytes(envelope(summary("SLSA_BUILD_LEVEL_2")))
    ran = run("check", tmp_path, "-a", tmp_path / "vsa.json", "--min-level", "2", "-f", "json")
    assert ran.code == 0, ran.err
    assert level(ran) == {"reached": 2, "ceiling": 3}
    subject = json.loads(ran.out)["subjects"][0]
    assert subject["proof"]["path"].endswith("vsa.json")
    assert subject["summaries"][0]["level"] == 2
    assert run("check", tmp_path, "-a", tmp_path / "vsa.json", "--min-level", "3", "-q").code == 1


@pytest.mark.parametrize(("provable", "expected"), [(True, (3, 3)), (False, (0, 3))])
def test_check_with_a_verifier_by_certificate(
    provable: bool, expected: tuple[int, int], run: Callable[..., Any], tmp_path: Path
) -> None:
    """Without the log entry nothing tells the time of the signature: neither accepted nor refused."""
    vs = VirtualSigstore()
    bundle = vs.sign_statement(summary("SLSA_BUILD_LEVEL_3"))
    root = load_trusted_root(vs.trusted_root(), "root.json")
    opened = open_attestations(json.dumps(bundle).encode(), "b")[0]
    signer = examine(opened, artifact(), Trust((root,), PLATFORMS)).verification.signer
    assert signer is not None
    if not provable:
        del bundle["verificationMaterial"]["tlogEntries"]
    project(tmp_path, key=KEY)
    entry = {
        "id": VERIFIER,
        "certificate_identity": signer.identity,
        "certificate_oidc_issuer": signer.issuer,
        "resource_uri": RESOURCE,
        "max_level": {"build": 3},
    }
    (tmp_path / "root.json").write_bytes(vs.trusted_root())
    (tmp_path / "vsa.json").write_text(json.dumps(bundle))
    (tmp_path / "slsa-assess.yaml").write_text(
        f"artifacts: [{{path: widget}}]\ntrust: {{trusted_root: root.json, verifiers: [{json.dumps(entry)}]}}\n"
    )
    ran = run("check", tmp_path, "-a", tmp_path / "vsa.json", "-f", "json")
    assert tuple(level(ran).values()) == expected, ran.out[-3000:]


@pytest.mark.parametrize(
    ("changes", "data"),
    [
        ({"id": "https://other.example"}, envelope(summary())),
        ({"resource_uri": "pkg:generic/else"}, envelope(summary())),
        ({"key_id": "another"}, envelope(summary(), keyid="mine")),
        ({}, envelope(summary(verificationResult="FAILED"))),
        ({}, envelope(summary(), OTHER_KEY)),
        ({}, json.dumps(summary()).encode()),
    ],
)
def test_what_does_not_count_proves_nothing(
    changes: dict[str, object], data: bytes, run: Callable[..., Any], tmp_path: Path
) -> None:
    project(tmp_path, **changes)
    (tmp_path / "vsa.json").write_bytes(data)
    ran = run("check", tmp_path, "-a", tmp_path / "vsa.json", "-f", "json")
    assert level(ran) == {"reached": 0, "ceiling": 0}
    assert any(
        "VSA-VERIFY-" in one["text"] or "no listed verifier" in one["text"] for one in json.loads(ran.out)["notices"]
    )


def test_an_unlisted_verifier_beside_provenance_changes_nothing(run: Callable[..., Any], tmp_path: Path) -> None:
    project(tmp_path, id="https://other.example")
    (tmp_path / "provenance.json").write_bytes(json.dumps(provenance_v1([subject_of("widget", DATA)])).encode())
    (tmp_path / "vsa.json").write_bytes(envelope(summary("SLSA_BUILD_LEVEL_3"), OTHER_KEY))
    arguments = ("check", tmp_path, "-f", "json", "-a", tmp_path / "provenance.json")
    alone, both = run(*arguments), run(*arguments, "-a", tmp_path / "vsa.json")
    assert level(alone) == level(both)


def test_a_summary_never_lowers_and_its_loss_never_raises(run: Callable[..., Any], tmp_path: Path) -> None:
    project(tmp_path)
    (tmp_path / "provenance.json").write_bytes(json.dumps(provenance_v1([subject_of("widget", DATA)])).encode())
    arguments = ("check", tmp_path, "-f", "json", "-a", tmp_path / "provenance.json")
    alone = level(run(*arguments))["reached"]
    for number, one in enumerate(("SLSA_BUILD_LEVEL_1", "SLSA_BUILD_LEVEL_3", "FAILED")):
        file = tmp_path / f"vsa{number}.json"
        file.write_bytes(envelope(summary(one)))
        assert level(run(*arguments, "-a", file))["reached"] >= alone


def test_expectations_are_not_answered_by_a_summary(run: Callable[..., Any], tmp_path: Path) -> None:
    project(tmp_path)
    (tmp_path / "vsa.json").write_bytes(envelope(summary("SLSA_BUILD_LEVEL_3")))
    arguments = ("check", tmp_path, "-a", tmp_path / "vsa.json", "--source-uri", "github.com/example-org/widget")
    ran = run(*arguments, "-f", "json")
    assert (ran.code, level(ran)["reached"]) == (1, 3)


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"id": VERIFIER, "resource_uri": RESOURCE, "max_level": {"build": 3}}, "either key"),
        ({"id": VERIFIER, "key": "a", "resource_uri": RESOURCE}, "max_level"),
        ({"id": VERIFIER, "key": "a", "resource_uri": RESOURCE, "max_level": {"build": 4}}, "a level, at most 3"),
        ({"id": VERIFIER, "key": "a", "max_level": {"build": 3}}, "resource_uri"),
        (
            {"id": VERIFIER, "certificate_identity": "x", "resource_uri": RESOURCE, "max_level": {"build": 3}},
            "certificate_oidc_issuer",
        ),
        (
            {"id": VERIFIER, "keyid": "a", "key": "a", "resource_uri": RESOURCE, "max_level": {"build": 1}},
            "no such key",
        ),
    ],
)
def test_mistakes_in_the_list_are_told(
    entry: dict[str, object], told: str, run: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "slsa-assess.yaml").write_text(f"trust:\n  verifiers: [{json.dumps(entry)}]\n")
    ran = run("check", tmp_path)
    assert ran.code == 78
    assert told in ran.err


def test_a_summary_that_cannot_be_read_is_an_unreadable_input(run: Callable[..., Any], tmp_path: Path) -> None:
    project(tmp_path)
    (tmp_path / "vsa.json").write_bytes(
        envelope(edited(summary(), ("predicate", "verifiedLevels"), "SLSA_BUILD_LEVEL_3"))
    )
    ran = run("check", tmp_path, "-a", tmp_path / "vsa.json", "-f", "json")
    assert json.loads(ran.out)["unreadable"][0]["source"]["path"].endswith("#/predicate/verifiedLevels")
    assert level(ran) == {"reached": 0, "ceiling": 3}


# Google's, in the form of IEEE P1363, and slsa-verifier's own scenarios of it.


def _scenarios() -> list[dict[str, Any]]:
    from conftest import CORPUS

    file = CORPUS / "expected" / "slsa_verifier_regression.json"
    if not file.is_file():
        return []
    return [
        one["raw"] | {"expect": one["expect_error"]}
        for one in json.loads(file.read_bytes())["scenarios"]
        if one["suite"] == "vsa"
    ]


def test_there_are_three_scenarios(corpus: Path) -> None:
    assert len(_scenarios()) == 3


@pytest.mark.parametrize("raw", _scenarios(), ids=lambda raw: raw["name"])
def test_scenarios_of_slsa_verifier(raw: dict[str, Any], corpus: Path) -> None:
    from dataclasses import replace

    folder = corpus / GOOGLE
    algorithm, _, value = raw.get("subjectDigests", ["gce_image_id:8970095005306000053"])[0].partition(":")
    image = Artifact(Subject("image", (Digest(algorithm, value),)))
    key = load_public_key((folder / raw["publicKeyPath"]).read_bytes(), "key.pem")
    google = Verifier(
        raw.get("verifierID", "https://bcid.corp.google.com/verifier/bcid_package_enforcer/v0.1"),
        raw.get("resourceURI", "gce_image://gke-node-images:gke-12615-gke1418000-cos-101-17162-463-29-c-cgpv1-pre"),
        3,
        replace(key, hint=raw["publicKeyID"]),
    )
    data = (folder / raw["attestationPath"]).read_bytes()
    taken = take(data, google, of=image, wanted=tuple(raw.get("verifiedLevels", ANY_LEVEL)))
    if raw["expect"]:
        assert failed(taken.summary) == ["VSA-VERIFY-1"]
        assert not taken.may_count
    else:
        assert (failed(taken.summary), taken.summary.level) == ([], 2)
    # Whatever it says of its image, it is about nothing else.
    assert not take(data, google).may_count


@pytest.mark.parametrize("level", ["SLSA_BUILD_LEVEL_2", "SLSA_BUILD_LEVEL_3"])
def test_the_same_with_slsa_verifier(level: str, run: Callable[..., Any], tmp_path: Path) -> None:
    """Report and transcript print the command line that verifies the summary elsewhere."""
    project(tmp_path)
    (tmp_path / "vsa.json").write_bytes(envelope(summary(level)))
    ran = run("check", tmp_path, "-a", tmp_path / "vsa.json", "-f", "markdown")
    line = next(one for one in ran.out.splitlines() if "verify-vsa" in one)
    words = shlex.split(line.replace("\\", "").strip("- `$"))
    at = words.index("slsa-verifier")
    options = dict(zip(words[at + 2 :: 2], words[at + 3 :: 2], strict=False))
    assert words[at + 1] == "verify-vsa"
    assert options["--verifier-id"] == VERIFIER
    assert options["--resource-uri"] == RESOURCE
    assert options["--verified-level"] == level
    assert options["--subject-digest"] == f"sha256:{sha256(DATA).hexdigest()}"
    assert options["--public-key-path"].endswith("verifier.pem")
    given = ("--key", tmp_path / "verifier.pem", "--artifact", tmp_path / "widget")
    told = run("verify", tmp_path / "vsa.json", *given, "--explain")
    assert f"--verified-level {level} --public-key-path" in told.out, told.err
    (tmp_path / "vsa.json").write_bytes(envelope(summary("FAILED", verificationResult="FAILED")))
    assert "verify-vsa" not in run("verify", tmp_path / "vsa.json", *given, "--explain").out
