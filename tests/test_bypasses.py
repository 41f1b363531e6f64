"""What attackers tried on other verifiers, tried on this one through the command line: no level, no gate, by a trick.

Every case says what comes out: the disposition of the attestation, the level, and the words of the reason.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from virtual_keys import b64, sign
from virtual_sigstore import (
    DEFAULT_RUN,
    DISAGREEMENTS_V02,
    DISAGREEMENTS_V1,
    GITHUB_ISSUER,
    GitHubRun,
    Tamper,
    VirtualSigstore,
    edited,
    generator_run,
    pae,
    pem_of,
    provenance_v02,
    provenance_v1,
    subject_of,
)

DATA, OTHER = b"widget 1.4.2\n", b"widget 1.4.3\n"
SUBJECTS = [subject_of("widget.whl", DATA)]
VS, ELSEWHERE = VirtualSigstore(), VirtualSigstore("another instance")
GENERATOR = generator_run()
OWN, L3 = provenance_v1(SUBJECTS), provenance_v02(SUBJECTS)
GENERATOR_AT = GENERATOR.signer_uri.partition("@")[0]
Json = dict[str, Any]


def own(**options: Any) -> Json:
    """A genuine bundle that carries L2."""
    return VS.sign_statement(OWN, **options)


def generated(statement: Json = L3, **options: Any) -> Json:
    """A genuine bundle that carries L3."""
    return VS.sign_statement(statement, run=GENERATOR, **options)


@dataclass(frozen=True)
class Result:
    """What `check` made of it."""

    code: int
    level: tuple[int, int]
    rows: tuple[tuple[str, str], ...]
    signers: tuple[str | None, ...]
    text: str


Check = Callable[..., Result]


@pytest.fixture(scope="module")
def check(run: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Check:
    """`check(attestation, ..., flags=(...))`: the attestations as JSON lines, against the virtual root."""
    folder = tmp_path_factory.mktemp("bypasses")
    (folder / "empty").mkdir()
    (folder / "widget.whl").write_bytes(DATA)
    (folder / "trusted_root.json").write_bytes(VS.trusted_root())

    def call(*attestations: Json | bytes, flags: tuple[str | Path, ...] = (), root: bool = True) -> Result:
        lines = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in attestations]
        (folder / "attestations.jsonl").write_bytes(b"\n".join(lines) + b"\n")
        trusted = ("--trusted-root", folder / "trusted_root.json") if root else ()
        given = ("--artifact", folder / "widget.whl", "-a", folder / "attestations.jsonl", *trusted, *flags)
        ran = run("check", folder / "empty", *given, "-f", "json")
        assert "Traceback" not in ran.err
        assert ran.code in (0, 1), ran.err
        subject = json.loads(ran.out)["subjects"][0]
        level = next(one["level"] for one in subject["levels"] if one["reading"] == "demonstrated")
        rows = subject["attestations"]
        return Result(
            ran.code,
            (level["reached"], level["ceiling"]),
            tuple((one["disposition"], one["reason"]) for one in rows),
            tuple(one["signer"]["identity"] if one["signer"] else None for one in rows),
            ran.out,
        )

    return call


def test_the_genuine_ones(check: Check) -> None:
    """Else everything below would pass for the wrong reason."""
    assert check(own(), flags=("--min-level", "2")).code == 0
    assert check(own()).level == (2, 2)
    assert check(generated(), flags=("--min-level", "3")).code == 0
    assert check(VS.sign_bare(L3, run=GENERATOR)).level == (1, 3)
    assert check(L3).level == (1, 1)


# --- the bundle -----------------------------------------------------------------------------------------------------


def _other_entry() -> Json:
    bundle, other = generated(), generated(provenance_v02([subject_of("widget.whl", OTHER)]))
    bundle["verificationMaterial"]["tlogEntries"] = other["verificationMaterial"]["tlogEntries"]
    return bundle


def _both_entries() -> Json:
    bundle, other = generated(), generated(provenance_v02([subject_of("widget.whl", OTHER)]))
    bundle["verificationMaterial"]["tlogEntries"] += other["verificationMaterial"]["tlogEntries"]
    return bundle


def _payload_of_another() -> Json:
    bundle, other = generated(), generated(provenance_v02([subject_of("widget.whl", OTHER)]))
    other["dsseEnvelope"]["payload"] = bundle["dsseEnvelope"]["payload"]
    return other


def _certificate_of_another() -> Json:
    bundle = own()
    bundle["verificationMaterial"]["certificate"] = generated()["verificationMaterial"]["certificate"]
    return bundle


FORGED: list[tuple[str, Json, str]] = [
    ("another instance", ELSEWHERE.sign_statement(L3, run=GENERATOR), "chain:"),
    ("the entry of another artifact", _other_entry(), "binding:"),
    ("an entry of another artifact beside its own", _both_entries(), "binding:"),
    ("the payload of another bundle", _payload_of_another(), "signature:"),
    ("the certificate of the generator", _certificate_of_another(), "signature:"),
    ("a second signature in a bundle", generated(tamper=Tamper.TWO_SIGNATURES), "open:"),
    ("a certificate that had expired at log time", generated(tamper=Tamper.CERT_EXPIRED), "chain:"),
    ("a certificate that was not valid yet", generated(tamper=Tamper.CERT_NOT_YET_VALID), "chain:"),
    ("a certificate for servers", generated(tamper=Tamper.CERT_OTHER_EKU), "chain:"),
    ("an authority of the same name", generated(tamper=Tamper.CERT_OTHER_CA), "chain:"),
    ("a log of the same name", generated(tamper=Tamper.SET_OTHER_LOG), "promise:"),
]


@pytest.mark.parametrize(("bundle", "reason"), [case[1:] for case in FORGED], ids=[case[0] for case in FORGED])
def test_a_forged_bundle_is_worth_nothing(check: Check, bundle: Json, reason: str) -> None:
    result = check(bundle, flags=("--min-level", "1"))
    ((disposition, why),) = result.rows
    assert (result.code, result.level, disposition) == (1, (0, 0), "rejected")
    assert why.startswith(reason)


def test_an_instance_of_tests_is_nobody_to_the_public_root(check: Check) -> None:
    assert check(generated(), root=False).level == (0, 0)


@pytest.mark.parametrize("tamper", [Tamper.NO_TRUSTED_TIME, Tamper.V2_NO_TIMESTAMP, Tamper.SCT_MISSING])
def test_what_is_not_provable_opens_no_gate(check: Check, tamper: Tamper) -> None:
    kind = "hashedrekord" if tamper.value.log == "v2" else "dsse"
    result = check(generated(tamper=tamper, kind=kind), flags=("--min-level", "2"))
    assert (result.code, result.level) == (1, (1, 3))


def test_a_certificate_inside_the_envelope_of_a_keyed_bundle_is_ignored(check: Check, tmp_path: Path) -> None:
    """The material of a bundle is in its own place; what else stands in the envelope is no signer."""
    (tmp_path / "key.pub").write_bytes(pem_of(VS.managed_key()))
    bundle = VS.sign_statement(
        L3 | {"predicate": {**L3["predicate"], "builder": {"id": "https://ci.example"}}}, keyed="release"
    )
    plain = check(bundle, flags=("--key", tmp_path / "key.pub"))
    certificate = VS.issue(GENERATOR.signer_uri, claims=GENERATOR.claims())[1].public_bytes(Encoding.PEM).decode()
    bundle["dsseEnvelope"]["signatures"][0]["cert"] = certificate
    assert replace(check(bundle, flags=("--key", tmp_path / "key.pub")), text="") == replace(plain, text="")
    assert plain.level == (1, 1)


# --- several signatures on a bare envelope --------------------------------------------------------------------------


def _with(envelope: Json, *others: Json, first: bool = False) -> Json:
    more = [signature for other in others for signature in other["signatures"]]
    genuine = envelope["signatures"]
    return envelope | {"signatures": more + genuine if first else genuine + more}


MALLORY = GitHubRun(repository="mallory/widget", repository_id="1", owner_id="2")
NOISE = {"signatures": [{"keyid": "", "sig": b64(b"noise")}]}


@pytest.mark.parametrize("first", [False, True])
def test_a_signature_beside_the_genuine_one_changes_nothing(check: Check, first: bool) -> None:
    genuine = VS.sign_bare(L3, run=GENERATOR)
    for other in (VS.sign_bare(L3, run=MALLORY), VS.sign_bare(L3, key=VS.managed_key("mallory")), NOISE):
        result = check(_with(genuine, other, first=first))
        assert (result.level, result.signers) == ((1, 3), (GENERATOR.signer_uri,))


@pytest.mark.parametrize("first", [False, True])
def test_a_certificate_beside_a_trusted_key_changes_nothing(check: Check, tmp_path: Path, first: bool) -> None:
    platforms = _platforms_for_a_key(tmp_path)
    statement = provenance_v1(SUBJECTS, builder_id="https://ci.example.com/v1")
    genuine = VS.sign_bare(statement, key=VS.managed_key())
    flags = ("--key", tmp_path / "key.pub", "--platforms", platforms)
    alone = check(genuine, flags=flags)
    assert alone.level == (3, 3)
    for other in (VS.sign_bare(statement, run=MALLORY), NOISE, VS.sign_bare(statement, key=VS.managed_key("mallory"))):
        result = check(_with(genuine, other, first=first), flags=flags)
        assert (result.level, result.signers) == ((3, 3), alone.signers)
    for stranger in (VS.sign_bare(statement, run=MALLORY), VS.sign_bare(statement, key=VS.managed_key("mallory"))):
        assert check(stranger, flags=flags).level[0] < 2


def _platforms_for_a_key(folder: Path) -> Path:
    key = pem_of(VS.managed_key())
    (folder / "key.pub").write_bytes(key)
    from assess.trust.keys import load_public_key

    sha256 = load_public_key(key, "key.pub").sha256
    (folder / "platforms.yaml").write_text(
        "platforms:\n"
        "  - {id: ours, name: our own, builder_id: 'https://ci.example.com/v1', relation: listed, claimed: 3,\n"
        f"     basis: audit, signer: {{kind: key, sha256: {sha256}}}}}\n"
    )
    return folder / "platforms.yaml"


def test_a_signature_never_lifts_another_payload(check: Check) -> None:
    """The generator's signature of one payload beside a payload of one's own."""
    forged = _with(VS.sign_bare(L3, run=MALLORY), VS.sign_bare(provenance_v02([]), run=GENERATOR))
    result = check(forged, flags=("--min-level", "1"))
    assert (result.code, result.level) == (1, (0, 0))


def test_the_certificate_of_somebody_else(check: Check) -> None:
    envelope = VS.sign_bare(L3, run=MALLORY)
    envelope["signatures"][0]["cert"] = VS.sign_bare(L3, run=GENERATOR)["signatures"][0]["cert"]
    result = check(envelope)
    assert result.rows[0][0] == "rejected"
    assert result.level == (0, 0)


# --- the signer -----------------------------------------------------------------------------------------------------

LOOK_ALIKES = [
    GENERATOR.signer_uri.replace("slsa-framework/", "slsa-framework-evil/"),
    GENERATOR.signer_uri.replace("slsa-github-generator/", "slsa-github-generator.evil/"),
    GENERATOR.signer_uri.replace("slsa-framework/", "Slsa-Framework/"),
    GENERATOR.signer_uri.replace("https://github.com/", "https://github.com.evil.example/"),
    GENERATOR.signer_uri.replace("https://github.com/", "https://evil.example/https://github.com/"),
    GENERATOR.signer_uri.replace("generator_generic", "Generator_generic"),
    GENERATOR.signer_uri.replace(".github/workflows/", ".github/workflows/../workflows/"),
    f"{GENERATOR.signer_uri} ",
    f"{GENERATOR.signer_uri}/",
    f"{GENERATOR.signer_uri}-rc.1",
    f"{GENERATOR.signer_uri}+build",
    f"{GENERATOR.signer_uri}@refs/tags/v2.1.0",
    f"{GENERATOR_AT}@v2.1.0",
    f"{GENERATOR_AT}@refs/tags/v2.1",
    f"{GENERATOR_AT}@refs/tags/v2",
    f"{GENERATOR_AT}@refs/tags/2.1.0",
    f"{GENERATOR_AT}@refs/tags/v2.1.0-rc",
    f"{GENERATOR_AT}@refs/heads/v2.1.0",
    f"{GENERATOR_AT}@refs/heads/main",
    f"{GENERATOR_AT}@f7dd8c54c2067bafc12ca7a55595d5ee9b75204a",
    GENERATOR_AT,
]


@pytest.mark.parametrize("identity", LOOK_ALIKES)
def test_look_alikes_of_the_generator_carry_l1_at_most(check: Check, identity: str) -> None:
    """Whether they tell their own name, which is no lie, or the generator's."""
    claims = GENERATOR.claims() | {9: identity}
    honest = edited(L3, ("predicate", "builder", "id"), identity)
    assert check(VS.sign_statement(honest, identity=identity, claims=claims)).level == (1, 1)
    lying = check(VS.sign_statement(L3, identity=identity, claims=claims))
    assert (lying.level, lying.rows[0][0]) == ((0, 0), "rejected")
    assert check(VS.sign_statement(honest, run=GENERATOR)).level[0] < 2


SIGNERS: list[tuple[str, Json]] = [
    ("another workflow", VS.sign_statement(L3, run=DEFAULT_RUN)),
    (
        "a reusable workflow of others",
        VS.sign_statement(L3, run=replace(GENERATOR, signer_workflow="o/r/.github/workflows/x.yml@refs/tags/v1.0.0")),
    ),
    ("another builder of the generator", VS.sign_statement(L3, run=generator_run("container"))),
    ("another version of the generator", VS.sign_statement(L3, run=generator_run(version="v2.0.0"))),
    ("a person", VS.sign_statement(L3, identity="dev@example.com", issuer="https://accounts.google.com")),
    ("a person with GitHub's issuer", VS.sign_statement(L3, identity="dev@example.com")),
    (
        "the right name from another issuer",
        VS.sign_statement(
            L3,
            identity=GENERATOR.signer_uri,
            claims=GENERATOR.claims() | {1: "https://evil.example", 8: "https://evil.example"},
        ),
    ),
    (
        "the right name, another build signer",
        VS.sign_statement(L3, identity=GENERATOR.signer_uri, claims=GENERATOR.claims() | {9: DEFAULT_RUN.signer_uri}),
    ),
]


@pytest.mark.parametrize("bundle", [case[1] for case in SIGNERS], ids=[case[0] for case in SIGNERS])
def test_the_generators_builder_id_under_another_signer(check: Check, bundle: Json) -> None:
    result = check(bundle, flags=("--min-level", "1"))
    assert (result.code, result.level) == (1, (0, 0))
    assert result.rows[0][0] == "rejected"
    assert "builder.id" in result.rows[0][1]


@pytest.mark.parametrize("builder_id", [GENERATOR.signer_uri, "https://github.com/actions/runner/github-hosted"])
def test_a_key_that_claims_a_platforms_builder(check: Check, tmp_path: Path, builder_id: str) -> None:
    (tmp_path / "key.pub").write_bytes(pem_of(VS.managed_key()))
    statement = provenance_v1(SUBJECTS, flavour="npm", builder_id=builder_id)
    for signed in (VS.sign_statement(statement, keyed="release"), VS.sign_bare(statement, key=VS.managed_key())):
        result = check(signed, flags=("--key", tmp_path / "key.pub"))
        assert (result.level, result.rows[0][0]) == ((0, 0), "rejected")
        assert "belongs to" in result.rows[0][1]


def test_a_key_that_claims_a_workflow_is_l1(check: Check, tmp_path: Path) -> None:
    (tmp_path / "key.pub").write_bytes(pem_of(VS.managed_key()))
    assert check(VS.sign_statement(OWN, keyed="release"), flags=("--key", tmp_path / "key.pub")).level == (1, 1)


def test_a_person_who_signs_provenance_of_a_workflow(check: Check) -> None:
    for identity in ("dev@example.com", "https://github.com/login/dev"):
        result = check(VS.sign_statement(OWN, identity=identity, claims={1: GITHUB_ISSUER, 8: GITHUB_ISSUER}))
        assert (result.level, result.rows[0][0]) == ((0, 0), "rejected")


# --- the predicate under a genuine identity -------------------------------------------------------------------------


@pytest.mark.parametrize("name", DISAGREEMENTS_V1)
def test_a_tenant_who_writes_another_story(check: Check, name: str) -> None:
    result = check(VS.sign_statement(edited(OWN, *DISAGREEMENTS_V1[name])), flags=("--min-level", "1"))
    assert (result.code, result.level) == (1, (0, 0))
    assert result.rows[0][1].startswith("agreement:")


@pytest.mark.parametrize("name", DISAGREEMENTS_V02)
def test_a_v02_predicate_that_differs_from_its_certificate(check: Check, name: str) -> None:
    result = check(generated(edited(L3, *DISAGREEMENTS_V02[name])), flags=("--min-level", "1"))
    assert (result.code, result.level) == (1, (0, 0))
    assert result.rows[0][0] == "rejected"


PATH = ("predicate", "buildDefinition", "externalParameters", "workflow", "path")
RUN = ("predicate", "runDetails", "metadata", "invocationId")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        *(
            (PATH, text)
            for text in ("evil.yml", "./.github/workflows/evil.yml", ".github//workflows/evil.yml", "Release")
        ),
        (RUN, DEFAULT_RUN.invocation.replace("example-org", "mallory")),
        (RUN, DEFAULT_RUN.invocation.replace("/attempts/1", "/attempts/2")),
        (RUN, DEFAULT_RUN.invocation.replace("/attempts/1", "").replace("runs/1", "runs/2")),
        (RUN, f"{DEFAULT_RUN.invocation}/x"),
        (RUN, DEFAULT_RUN.invocation.replace("github.com", "GitHub.com").replace("/runs/1", "/runs/2")),
        (RUN, f"{DEFAULT_RUN.run_id}-2"),
    ],
)
def test_other_ways_to_write_another_story(check: Check, path: tuple[str, ...], value: str) -> None:
    """Spelled so that it is not the form that is compared."""
    result = check(VS.sign_statement(edited(OWN, path, value)), flags=("--min-level", "1"))
    assert (result.code, result.level) == (1, (0, 0))
    assert result.rows[0][1].startswith("agreement:")


def test_a_run_without_its_attempt_is_no_disagreement(check: Check) -> None:
    for text in (DEFAULT_RUN.invocation.partition("/attempts/")[0], f"{DEFAULT_RUN.run_id}-1", "an id of another form"):
        assert check(VS.sign_statement(edited(OWN, RUN, text))).level == (2, 2)


BUILD_TYPE = ("predicate", "buildDefinition", "buildType")


@pytest.mark.parametrize(
    ("build_type", "level"),
    [
        ("https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1", (1, 1)),
        ("https://github.com/slsa-framework/slsa-github-generator/generic@v1", (0, 1)),
        ("https://actions.github.io/buildtypes/workflow/v1/", (0, 1)),
        ("https://example.com/mine/v1", (0, 1)),
        ("", (0, 0)),
    ],
)
def test_a_build_type_that_the_action_does_not_write(check: Check, build_type: str, level: tuple[int, int]) -> None:
    assert check(VS.sign_statement(edited(OWN, BUILD_TYPE, build_type))).level == level


@pytest.mark.parametrize(
    ("certified", "builder", "level"),
    [
        ("github-hosted", "/github-hosted", (2, 2)),
        ("github-hosted", "", (2, 2)),
        ("self-hosted", "/self-hosted", (1, 1)),
        ("self-hosted", "", (1, 1)),
        ("self-hosted", "/github-hosted", (0, 0)),
        ("github-hosted", "/self-hosted", (0, 0)),
        ("github-hosted", "/github-hosted-evil", (0, 0)),
    ],
)
def test_the_runner_that_npm_names(check: Check, certified: str, builder: str, level: tuple[int, int]) -> None:
    builder_id = f"https://github.com/actions/runner{builder}"
    statement = provenance_v1(SUBJECTS, flavour="npm", builder_id=builder_id)
    assert check(VS.sign_statement(statement, run=replace(DEFAULT_RUN, runner=certified))).level == level


def test_a_self_hosted_runner_carries_l1(check: Check) -> None:
    run = replace(DEFAULT_RUN, runner="self-hosted")
    assert check(VS.sign_statement(provenance_v1(SUBJECTS, run), run=run)).level == (1, 1)
    assert check(VS.sign_statement(OWN, run=run)).level == (0, 0)
    unsaid = {number: value for number, value in DEFAULT_RUN.claims().items() if number != 11}
    assert check(VS.sign_statement(OWN, identity=DEFAULT_RUN.signer_uri, claims=unsaid)).level == (1, 2)


@pytest.mark.parametrize(
    "changes",
    [
        {"ref": "refs/pull/7/merge", "event": "pull_request"},
        {"ref": "refs/pull/7/merge"},
        {"ref": "refs/pull/7/head", "event": "workflow_dispatch"},
        {"ref": "refs/heads/main", "event": "pull_request"},
    ],
)
def test_builds_of_pull_requests_release_nothing(check: Check, changes: dict[str, str]) -> None:
    run = replace(DEFAULT_RUN, **changes)
    for bundle in (
        VS.sign_statement(provenance_v1(SUBJECTS, run), run=run),
        VS.sign_statement(provenance_v1(SUBJECTS, run, flavour="npm"), run=run),
        VS.sign_statement(provenance_v02(SUBJECTS, generator_run(run=run)), run=generator_run(run=run)),
    ):
        result = check(bundle, flags=("--min-level", "2"))
        assert (result.code, result.level) == (1, (1, 1))
        assert "pull request" in result.text


# --- the statement --------------------------------------------------------------------------------------------------


def _text(statement: Json) -> str:
    return json.dumps(statement)


SHA256 = hashlib.sha256(DATA).hexdigest()
DECOY = hashlib.sha256(OTHER).hexdigest()
NOT_READ = [
    ("subject twice", _text(L3)[:-1] + f', "subject": {json.dumps([subject_of("x", DATA)])}}}'),
    ("predicateType twice", _text(L3)[:-1] + ', "predicateType": "https://slsa.dev/provenance/v0.2"}'),
    ("_type missing", _text({key: value for key, value in L3.items() if key != "_type"})),
    ("_type of the future", _text(L3 | {"_type": "https://in-toto.io/Statement/v2"})),
    ("no predicateType", _text(L3 | {"predicateType": None})),
    ("sha256 twice", _text(L3).replace(f'"sha256": "{SHA256}"', f'"sha256": "{DECOY}", "sha256": "{SHA256}"')),
    (
        "an escaped twin of sha256",
        _text(L3).replace(f'"sha256": "{SHA256}"', f'"sha\\u003256": "{DECOY}", "sha256": "{SHA256}"'),
    ),
    ("not JSON", "{" + _text(L3)),
    ("two documents", _text(L3) + _text(L3)),
    ("a lone surrogate", _text(L3).replace("widget.whl", "\\ud800")),
]


@pytest.mark.parametrize("payload", [case[1] for case in NOT_READ], ids=[case[0] for case in NOT_READ])
def test_statements_that_readers_disagree_about_carry_nothing(check: Check, payload: str) -> None:
    result = check(VS.sign_statement(payload.encode(), run=GENERATOR), flags=("--min-level", "1"))
    assert (result.code, result.level[0]) == (1, 0)
    assert result.rows[0][0] == "rejected"
    assert result.rows[0][1].startswith("unreadable:")


def _digests(**values: str) -> Json:
    return provenance_v02([{"name": "widget.whl", "digest": values}])


SHA512 = hashlib.sha512(DATA).hexdigest()
SUBJECT_CASES: list[tuple[str, Json, tuple[int, int]]] = [
    ("sha256", _digests(sha256=SHA256), (3, 3)),
    ("upper case", _digests(sha256=SHA256.upper()), (3, 3)),
    ("both", _digests(sha256=SHA256, sha512=SHA512), (3, 3)),
    ("sha512 differs", _digests(sha256=SHA256, sha512=SHA512[::-1]), (0, 0)),
    ("sha512 empty", _digests(sha256=SHA256, sha512=""), (0, 0)),
    ("sha1 alone", _digests(sha1=hashlib.sha1(DATA).hexdigest()), (0, 0)),
    ("md5 alone", _digests(md5=hashlib.md5(DATA).hexdigest()), (0, 0)),
    ("empty", _digests(sha256=""), (0, 0)),
    ("no digest", _digests(), (0, 0)),
    ("a prefix", _digests(sha256=SHA256[:32]), (0, 0)),
    ("with blanks", _digests(sha256=f" {SHA256} "), (0, 0)),
    ("with its algorithm", _digests(sha256=f"sha256:{SHA256}"), (0, 0)),
    ("full-width digits", _digests(sha256=SHA256.translate({48 + n: 0xFF10 + n for n in range(10)})), (0, 0)),
    ("another algorithm's name", _digests(sha384=SHA256), (0, 0)),
    ("upper-case algorithm", _digests(SHA256=SHA256), (0, 0)),
    ("another file of the same name", provenance_v02([subject_of("widget.whl", OTHER)]), (0, 0)),
    ("the digest as a name", provenance_v02([subject_of(SHA256, OTHER)]), (0, 0)),
    ("no subject", provenance_v02([]), (0, 0)),
    ("one of many", provenance_v02([subject_of("a", OTHER), *SUBJECTS]), (3, 3)),
    (
        "one of many that contradicts",
        provenance_v02([*SUBJECTS, {"name": "a", "digest": {"sha256": SHA256, "sha512": "00"}}]),
        (0, 0),
    ),
]


@pytest.mark.parametrize(
    ("statement", "level"), [case[1:] for case in SUBJECT_CASES], ids=[case[0] for case in SUBJECT_CASES]
)
def test_subjects(check: Check, statement: Json, level: tuple[int, int]) -> None:
    assert check(generated(statement)).level == level


VSA = {
    "verifier": {"id": "https://mallory.example/verifier"},
    "timeVerified": "2025-09-30T12:00:00Z",
    "resourceUri": "https://example.com/widget.whl",
    "policy": {"uri": "https://example.com/policy"},
    "verificationResult": "PASSED",
    "verifiedLevels": ["SLSA_BUILD_LEVEL_3"],
}


@pytest.mark.parametrize(
    ("predicate_type", "predicate"),
    [
        ("https://slsa.dev/verification_summary/v1", VSA),
        ("https://slsa.dev/verification_summary/v0.2", VSA),
        ("https://spdx.dev/Document", {"spdxVersion": "SPDX-2.3"}),
        ("https://cyclonedx.org/bom", {"bomFormat": "CycloneDX"}),
        ("https://docs.pypi.org/attestations/publish/v1", None),
        ("https://github.com/npm/attestation/tree/main/specs/publish/v0.1", {"name": "widget"}),
        ("https://in-toto.io/attestation/release/v0.1", {"purl": "pkg:pypi/widget"}),
        *(
            (name, L3["predicate"])
            for name in (
                "https://slsa.dev/provenance/v0.2 ",
                "https://slsa.dev/provenance/v0.2/",
                "https://SLSA.dev/provenance/v0.2",
                "http://slsa.dev/provenance/v0.2",
                "https://slsa.dev.evil.example/provenance/v0.2",
                "https://slsa.dev/provenance/v3",
            )
        ),
    ],
)
def test_what_is_no_provenance_never_counts(check: Check, predicate_type: str, predicate: Json | None) -> None:
    statement = L3 | {"predicateType": predicate_type, "predicate": predicate}
    result = check(generated(statement), flags=("--min-level", "1"))
    assert (result.code, result.level, result.rows[0][0]) == (1, (0, 0), "not-provenance")


def test_a_signature_over_the_artifact_is_no_provenance(check: Check) -> None:
    result = check(VS.sign_blob(DATA, run=GENERATOR), flags=("--min-level", "1"))
    assert (result.code, result.level, result.rows[0][0]) == (1, (0, 0), "not-provenance")


def test_another_payload_type(check: Check) -> None:
    payload = json.dumps(L3).encode()
    key, certificate = VS.issue(GENERATOR.signer_uri, claims=GENERATOR.claims())
    for payload_type in ("application/json", "application/vnd.in-toto+json; x=y", "application/vnd.in-toto+xml"):
        item = {
            "sig": b64(sign(key, pae(payload_type, payload))),
            "cert": certificate.public_bytes(Encoding.PEM).decode(),
        }
        result = check({"payloadType": payload_type, "payload": b64(payload), "signatures": [item]})
        assert result.level[0] == 0


def test_unsigned_provenance_that_names_the_generator_is_l1(check: Check) -> None:
    envelope = {
        "payloadType": "application/vnd.in-toto+json",
        "payload": b64(json.dumps(L3).encode()),
        "signatures": [],
    }
    for unsigned in (L3, envelope):
        result = check(unsigned, flags=("--min-level", "2"))
        assert (result.code, result.level) == (1, (1, 1))


# --- company --------------------------------------------------------------------------------------------------------

MISCHIEF: list[Json | bytes] = [
    b"noise",
    b"{}",
    L3 | {"predicate": {}},
    generated(tamper=Tamper.SIGNATURE_BYTE),
    generated(tamper=Tamper.SET_WRONG),
    ELSEWHERE.sign_statement(L3, run=GENERATOR),
    VS.sign_statement(L3),
    VS.sign_statement(edited(OWN, *DISAGREEMENTS_V1["repository"])),
    VS.sign_blob(OTHER),
    generated(_digests(sha256=SHA256, sha512="00")),
    generated(provenance_v02([subject_of("widget.whl", OTHER)])),
    generated(L3 | {"predicateType": "https://slsa.dev/verification_summary/v1", "predicate": VSA}),
    VS.sign_statement(provenance_v1(SUBJECTS, MALLORY), run=MALLORY),
]
EXPECTED = ("--min-level", "3", "--source-uri", "github.com/example-org/widget", "--source-tag", "v1.4.2")


def test_bad_company_changes_neither_level_nor_gate(check: Check) -> None:
    genuine = generated()
    for more in (MISCHIEF, *([one] for one in MISCHIEF)):
        for lines in ([genuine, *more], [*more, genuine]):
            result = check(*lines, flags=EXPECTED)
            assert (result.code, result.level[0]) == (0, 3)


def test_dropping_lines_never_raises_the_level(check: Check) -> None:
    lines = [*MISCHIEF, own(), generated()]
    reached = [check(*lines[:end]).level[0] for end in range(3, len(lines) + 1)]
    assert reached == sorted(reached)
    assert reached[-3:] == [2, 2, 3]


def test_level_and_expectations_must_come_from_one_attestation(check: Check) -> None:
    """One's own L2 for the level, an unsigned file for the expected source."""
    mallorys = VS.sign_statement(provenance_v1(SUBJECTS, MALLORY), run=MALLORY)
    result = check(mallorys, OWN, flags=("--min-level", "2", *EXPECTED[2:]))
    assert (result.code, result.level) == (1, (2, 2))
    assert check(own(), mallorys, flags=("--min-level", "2", *EXPECTED[2:])).code == 0


# --- identity policies ----------------------------------------------------------------------------------------------

PERSON = VS.sign_statement(
    provenance_v1(SUBJECTS, builder_id="https://ci.example.com"), identity=DEFAULT_RUN.signer_uri
)
UNANCHORED = "https://github.com/example-org/"


@pytest.mark.parametrize(
    "flags",
    [
        ("--certificate-identity", DEFAULT_RUN.signer_uri[:-1]),
        ("--certificate-identity", DEFAULT_RUN.signer_uri.upper()),
        ("--certificate-identity", f"{DEFAULT_RUN.signer_uri}\n"),
        ("--certificate-identity-regexp", UNANCHORED),
        ("--certificate-identity-regexp", "example-org"),
        ("--certificate-identity-regexp", ".*/v1.4|x"),
        ("--certificate-identity", DEFAULT_RUN.signer_uri, "--certificate-oidc-issuer", "https://accounts.google.com"),
        ("--certificate-identity", DEFAULT_RUN.signer_uri, "--certificate-oidc-issuer", f"{GITHUB_ISSUER}/"),
    ],
)
def test_another_identity_than_was_asked_for(check: Check, flags: tuple[str, ...]) -> None:
    result = check(own(), flags=flags)
    assert (result.level, result.rows[0][0]) == ((0, 0), "rejected")
    assert result.rows[0][1].startswith("identity:")


def test_the_identity_that_was_asked_for(check: Check) -> None:
    assert check(own(), flags=("--certificate-identity", DEFAULT_RUN.signer_uri)).level == (2, 2)
    assert check(own(), flags=("--certificate-identity-regexp", f"{UNANCHORED}.*")).level == (2, 2)


@pytest.mark.parametrize(
    "flags", [("--certificate-identity", DEFAULT_RUN.signer_uri), ("--certificate-oidc-issuer", GITHUB_ISSUER)]
)
def test_leaving_the_certificate_out_evades_no_identity(check: Check, tmp_path: Path, flags: tuple[str, ...]) -> None:
    """Without a certificate nobody is whom the user asked for; unsigned files would be L1 otherwise."""
    (tmp_path / "key.pub").write_bytes(pem_of(VS.managed_key()))
    by_key = VS.sign_bare(OWN, key=VS.managed_key("mallory"))
    envelope = {
        "payloadType": "application/vnd.in-toto+json",
        "payload": b64(json.dumps(OWN).encode()),
        "signatures": [],
    }
    for attestation in (OWN, envelope, by_key, VS.sign_statement(OWN, keyed="mallory")):
        for more in ((), ("--key", str(tmp_path / "key.pub"))):
            result = check(attestation, flags=("--min-level", "1", *flags, *more))
            assert (result.code, result.level, result.rows[0][0]) == (1, (0, 0), "rejected")
    # A key that was given is an identity of its own.
    trusted = VS.sign_bare(provenance_v1(SUBJECTS, builder_id="https://ci.example.com"), key=VS.managed_key())
    assert check(trusted, flags=(*flags, "--key", tmp_path / "key.pub")).level == (1, 1)


# --- expectations ---------------------------------------------------------------------------------------------------

SOURCES = [
    "github.com/example-org/widge",
    "github.com/example-org/widget2",
    "github.com/example-org/widget/",
    "github.com/example-org/widget.git",
    "github.com/Example-Org/widget",
    "github.com:443/example-org/widget",
    "git@github.com/example-org/widget",
    "https://user@github.com/example-org/widget",
    "http://github.com/example-org/widget",
    "git+ssh://github.com/example-org/widget",
    "github.com/example-org%2Fwidget",
    "github.com//example-org/widget",
    "github.com/example-org/../example-org/widget",
    "github.com.evil.example/example-org/widget",
    "evil.example/github.com/example-org/widget",
    "github.com/example-org/widget?x",
    "github.com/example-org/widget#x",
    "github.com/example-org/widget@refs/tags/v1.4.2",
    "github.com/example-org/wіdget",
    " github.com/example-org/widget",
    "github.com",
]


@pytest.mark.parametrize("source", SOURCES)
def test_look_alike_sources_never_match(check: Check, source: str) -> None:
    """Neither as what the user expects of the genuine one, nor as what an attacker's run is called."""
    assert check(own(), flags=("--source-uri", source)).code == 1
    if source.startswith("github.com/") and "@" not in source and source.isascii():
        run = replace(DEFAULT_RUN, repository=source.removeprefix("github.com/"))
        signed = VS.sign_statement(provenance_v1(SUBJECTS, run), run=run)
        assert check(signed, flags=("--source-uri", "github.com/example-org/widget")).code == 1


@pytest.mark.parametrize(
    "ref",
    [
        "refs/tags/v1.4.20",
        "refs/tags/v1.4",
        "refs/tags/V1.4.2",
        "refs/tags/v1.4.2-rc",
        "refs/tags/v1.4.2+x",
        "refs/tags/x/v1.4.2",
        "refs/tags/v1.4.2/x",
        "refs/tags/v1.4.2@refs/tags/v1.4.2",
        "refs/heads/v1.4.2",
        "refs/heads/refs/tags/v1.4.2",
        "refs/pull/1/merge",
        "refs/tags/",
        "tags/v1.4.2",
        "v1.4.2",
        "refs/remotes/tags/v1.4.2",
    ],
)
def test_look_alike_tags_never_match(check: Check, ref: str) -> None:
    run = replace(DEFAULT_RUN, ref=ref)
    signed = VS.sign_statement(provenance_v1(SUBJECTS, run), run=run)
    assert check(signed, flags=("--source-tag", "v1.4.2")).code == 1


@pytest.mark.parametrize(
    "builder_id", [GENERATOR_AT[:-1], f"{GENERATOR_AT}x", f"{GENERATOR_AT}@v2.1", f"{GENERATOR_AT}@"]
)
def test_look_alike_builders_never_match(check: Check, builder_id: str) -> None:
    assert check(generated(), flags=("--builder-id", builder_id)).code == 1
    assert check(generated(), flags=("--builder-id", GENERATOR_AT)).code == 0
