"""Certificate against predicate: no false alarm over genuine certificates, and every disagreement is caught."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from assess.attestations._json import compact
from assess.attestations.containers import read_container
from assess.attestations.envelope import Opened
from assess.attestations.predicates import kind_of, read_provenance
from assess.attestations.statement import read_statement
from assess.errors import InputError
from assess.evidence import Builder, Claim, Parameter, Provenance, Signer, Source
from assess.trust.agreement import agree
from assess.trust.platforms import compile_pattern, load_platforms

OID = "1.3.6.1.4.1.57264.1."
COMMIT = "1" * 40
WORKFLOW = "https://github.com/o/r/.github/workflows/w.yml@refs/heads/main"
RUN = "https://github.com/o/r/actions/runs/123/attempts/2"
DELEGATOR = "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/delegator_generic_slsa3.yml"
SIGNER = Signer(
    kind="certificate",
    identity=WORKFLOW,
    issuer="https://token.actions.githubusercontent.com",
    source_repository="https://github.com/o/r",
    source_digest=COMMIT,
    source_ref="refs/heads/main",
    build_signer=WORKFLOW,
    build_config=WORKFLOW,
    build_trigger="push",
    runner_environment="github-hosted",
    run_invocation=RUN,
    claims=(Claim(OID + "15", "", "42"), Claim(OID + "17", "", "43"), Claim(OID + "19", "", COMMIT)),
)


def attest(**changes: Any) -> Provenance:
    """actions/attest's provenance of the run that SIGNER is about, with some values changed."""
    facts = {
        "repository": "https://github.com/o/r",
        "ref": "refs/heads/main",
        "path": ".github/workflows/w.yml",
        "event_name": "push",
        "repository_id": "42",
        "repository_owner_id": "43",
        "runner_environment": "github-hosted",
        "dependency": "git+https://github.com/o/r@refs/heads/main",
        "commit": COMMIT,
        "builder": WORKFLOW,
        "run": RUN,
    } | changes
    predicate = {
        "buildDefinition": {
            "buildType": "https://actions.github.io/buildtypes/workflow/v1",
            "externalParameters": {"workflow": {key: facts[key] for key in ("repository", "ref", "path")}},
            "internalParameters": {
                "github": {
                    key: facts[key]
                    for key in ("event_name", "repository_id", "repository_owner_id", "runner_environment")
                }
            },
            "resolvedDependencies": [{"uri": facts["dependency"], "digest": {"gitCommit": facts["commit"]}}],
        },
        "runDetails": {"builder": {"id": facts["builder"]}, "metadata": {"invocationId": facts["run"]}},
    }
    statement = {"_type": "https://in-toto.io/Statement/v1", "predicateType": "https://slsa.dev/provenance/v1"}
    data = json.dumps(statement | {"predicate": predicate}).encode()
    opened = Opened(Source("p"), "statement", "0", statement=data)
    return replace(read_provenance(opened, read_statement(opened)), signer=SIGNER)


def failures(provenance: Provenance, *delegators: Any) -> list[str]:
    return [check.detail for check in agree(provenance, delegators) if check.result == "failed"]


def test_everything_agrees() -> None:
    checks = agree(attest())
    assert {check.result for check in checks} == {"verified"}
    assert len(checks) == 10
    assert {(check.name, check.step) for check in checks} == {("agreement", 10)}


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"builder": WORKFLOW.replace("w.yml", "x.yml")}, "builder.id"),
        ({"builder": WORKFLOW.replace("main", "main2")}, "builder.id"),
        ({"builder": "https://github.com/actions/runner/self-hosted"}, "runner environment: builder.id"),
        ({"builder": "https://github.com/o/r/actions/runs/999/attempts/1"}, "run: builder.id"),
        ({"repository": "https://github.com/o/other"}, "source repository"),
        ({"repository": "https://github.com/O/r"}, "source repository"),
        ({"dependency": "git+https://github.com/o/other@refs/heads/main"}, "source repository"),
        ({"dependency": "git+https://github.com/o/r@refs/heads/other"}, "source ref"),
        ({"ref": "refs/tags/v1", "dependency": "git+https://github.com/o/r@refs/tags/v1"}, "source ref"),
        ({"commit": "2" * 40}, "source commit"),
        ({"path": ".github/workflows/x.yml"}, "workflow: the entry point"),
        ({"event_name": "pull_request_target"}, "trigger"),
        ({"runner_environment": "self-hosted"}, "runner environment"),
        ({"run": RUN.replace("123", "124")}, "run: the invocation id"),
        ({"run": "123-3"}, "run: the invocation id"),
        ({"repository_id": "41"}, "repository id"),
        ({"repository_owner_id": 44}, "owner id"),
    ],
)
def test_each_disagreement_is_caught(changes: dict[str, Any], what: str) -> None:
    found = failures(attest(**changes))
    assert any(detail.startswith(what) for detail in found), found


@pytest.mark.parametrize(
    "builder",
    [
        "",
        "https://tekton.dev/chains/v2",
        "https://github.com/actions/runner",
        "https://github.com/actions/runner/github-hosted",
        "https://github.com/npm/cli@9.5.0",
        "https://github.com/Attestations/GitHubHostedActions@v1",
        "https://github.com/o/r/actions/runs/123/attempts/1",
        "https://cloudbuild.googleapis.com/GoogleHostedWorker",
    ],
)
def test_ids_that_name_no_signer_are_left_to_the_roots(builder: str) -> None:
    assert failures(attest(builder=builder)) == []


def test_silence_is_no_disagreement() -> None:
    silent = Signer("certificate", WORKFLOW)
    assert [check.detail for check in agree(replace(attest(), signer=silent))] == ["builder.id is the build signer"]
    assert agree(replace(attest(), signer=None)) == ()
    assert agree(Provenance(Source("p"), signer=SIGNER)) == ()


def test_a_key_is_left_to_the_roots() -> None:
    assert agree(replace(attest(), signer=Signer("key", "sha256:00"))) == ()


def test_a_person_who_names_a_workflow_as_builder() -> None:
    person = Signer("certificate", "dev@example.com", "https://accounts.example.com")
    assert failures(replace(attest(), signer=person)) == [
        "builder.id is not the build signer, nor one that it may write"
    ]


@pytest.mark.parametrize(
    ("identity", "agrees"),
    [
        (f"{DELEGATOR}@refs/tags/v2.1.0", True),
        (f"{DELEGATOR}@refs/heads/main", True),
        (DELEGATOR.replace("slsa-framework", "evil") + "@refs/tags/v2.1.0", False),
        (DELEGATOR.replace("delegator", "builder") + "@refs/tags/v2.1.0", False),
        (f"{DELEGATOR}.evil@refs/tags/v2.1.0", False),
    ],
)
def test_delegators(identity: str, agrees: bool) -> None:
    provenance = replace(
        attest(builder="https://github.com/x/y/.github/workflows/b.yml@refs/tags/v1.0.0"),
        signer=Signer("certificate", identity, build_signer=identity),
    )
    delegators = load_platforms().delegators
    assert (failures(provenance, *delegators) == []) is agrees
    assert failures(provenance) != []


def test_delegator_pairs_match_in_full() -> None:
    provenance = attest(builder="https://github.com/x/y/.github/workflows/b.yml@refs/tags/v1.0.0")
    assert failures(provenance, (r"https://github\.com/o/r/.*", r"https://github\.com/x/y/.*")) == []
    assert failures(provenance, (r"https://github\.com/o/r/", r"https://github\.com/x/y/.*")) != []
    assert failures(provenance, (r"https://github\.com/o/r/.*", r"https://github\.com/x/")) != []
    assert failures(provenance, compile_pattern("https://github.com/o/r/.github/workflows/{path}@{ref}")) == []


@pytest.mark.parametrize(
    ("name", "value", "agrees"),
    [
        ("GITHUB_REPOSITORY", "o/r", True),
        ("GITHUB_REPOSITORY", "o/x", False),
        ("GITHUB_SHA", COMMIT, True),
        ("GITHUB_SHA", "2" * 40, False),
        ("GITHUB_REF", "refs/heads/x", False),
        ("GITHUB_EVENT_NAME", "schedule", False),
        ("GITHUB_WORKFLOW_REF", "o/r/.github/workflows/w.yml@refs/heads/main", True),
        ("GITHUB_WORKFLOW_REF", "o/x/.github/workflows/w.yml@refs/heads/main", False),
        ("GITHUB_WORKFLOW_SHA", "2" * 40, False),
        ("GITHUB_REPOSITORY_ID", "42", True),
        ("GITHUB_REPOSITORY_ID", 42, True),
        ("GITHUB_REPOSITORY_OWNER_ID", "1", False),
        ("github_sha1", "2" * 40, False),
        ("github_repository_id", "1", False),
    ],
)
def test_environment_of_any_build_type(name: str, value: object, agrees: bool) -> None:
    parameters = (Parameter(name, compact(value)), Parameter("broken", "{"), Parameter("github", "[1]"))  # type: ignore[arg-type]
    provenance = Provenance(
        Source("p"), builder=Builder(WORKFLOW), build_type="mine", internal_parameters=parameters, signer=SIGNER
    )
    assert (failures(provenance) == []) is agrees
    assert len(agree(provenance)) == 2


@pytest.mark.parametrize(("attempt", "agrees"), [("2", True), (2, True), ("1", False)])
def test_run_by_number_and_attempt(attempt: object, agrees: bool) -> None:
    parameters = (Parameter("GITHUB_RUN_ID", '"123"'), Parameter("GITHUB_RUN_ATTEMPT", compact(attempt)))  # type: ignore[arg-type]
    provenance = Provenance(Source("p"), internal_parameters=parameters, signer=SIGNER)
    assert (failures(provenance) == []) is agrees


def test_a_foreign_build_context_is_no_disagreement() -> None:
    """BuildKit may build any repository: its source is not the repository of the run."""
    buildkit = attest(repository="https://github.com/else/where", dependency="git+https://github.com/else/where@v1")
    build_type = "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md"
    assert failures(buildkit) != []
    assert not [one for one in failures(replace(buildkit, build_type=build_type, process=None)) if "source" in one]


# --- genuine certificates -------------------------------------------------------------------------------------------


def _signer(der: bytes) -> Signer:
    certificate = x509.load_der_x509_certificate(der)
    claims: dict[int, str] = {}
    for extension in certificate.extensions:
        oid = extension.oid.dotted_string
        if oid.startswith(OID) and oid != OID + "7":
            value = extension.value.value  # type: ignore[attr-defined]
            number = int(oid.removeprefix(OID))
            header = 2 if number >= 8 and value[1] < 128 else 3 if number >= 8 else 0
            claims[number] = value[header:].decode()
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    identities = names.get_values_for_type(x509.UniformResourceIdentifier) or names.get_values_for_type(x509.RFC822Name)
    return Signer(
        kind="certificate",
        identity=identities[0],
        issuer=claims.get(8) or claims.get(1),
        source_repository=claims.get(12) or claims.get(5),
        source_digest=claims.get(13) or claims.get(3),
        source_ref=claims.get(14) or claims.get(6),
        build_signer=claims.get(9),
        build_config=claims.get(18),
        build_trigger=claims.get(20) or claims.get(2),
        runner_environment=claims.get(11),
        run_invocation=claims.get(21),
        claims=tuple(Claim(OID + str(number), "", value) for number, value in claims.items()),
    )


def _documents(value: Any) -> Iterator[dict[str, Any]]:
    """Bundles and envelopes at any depth, so that those inside npm documents and API answers count too."""
    if isinstance(value, dict):
        if "verificationMaterial" in value or {"payload", "payloadType"} <= value.keys():
            yield value
            return
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _documents(item)


def _certified(corpus: Path) -> Iterator[tuple[str, Provenance]]:
    for path in sorted(
        one for name in ("provenance", "bundles") for one in (corpus / name).rglob("*") if one.is_file()
    ):
        try:
            documents = list(_documents(json.loads(path.read_bytes())))
        except ValueError:
            continue
        for document in documents:
            try:
                (opened,) = read_container(json.dumps(document).encode(), path.name).opened
                certificates = [one.certificate for one in opened.envelope.signatures] if opened.envelope else []
                certificates += opened.material.certificates[:1] if opened.material else []
                statement = read_statement(opened)
                if kind_of(statement.predicate_type) == "provenance" and any(certificates):
                    signer = _signer(next(filter(None, certificates)))
                    yield str(path), replace(read_provenance(opened, statement), signer=signer)
            except InputError:
                continue


FORGED = (
    "dsse-mismatch-sig_fail",
    "dsse-invalid-sig_fail",
    "invalidsigprov",
    "npm-att-prov-invalid-signature",
    # Signed by a fork of the delegator that is on no list.
    "testdata/bundle/attestation.intoto.sigstore",
    "testdata/bundle/invalid-set.intoto.sigstore",
)


@pytest.mark.corpus
def test_genuine_certificates_agree(corpus: Path) -> None:
    """All failures over the corpus are in files that were changed on purpose, or that an unlisted fork signed."""
    delegators = load_platforms().delegators
    counts: Counter[str] = Counter()
    wrong = []
    caught = set()
    for path, provenance in _certified(corpus):
        counts["certificates"] += 1
        checks = agree(provenance, delegators)
        counts["compared"] += len(checks)
        bad = [check for check in checks if check.result == "failed"]
        forged = next((one for one in FORGED if one in path), None)
        if bad and forged is None:
            wrong.append(f"{path}: {bad[0].detail}: {bad[0].expected} / {bad[0].found}")
        if bad and forged is not None:
            caught.add(forged)
    assert not wrong, "\n".join(wrong)
    assert caught == set(FORGED)
    assert counts["certificates"] >= 170
    assert counts["compared"] >= 1300


@pytest.mark.corpus
def test_forged_predicates_under_genuine_certificates(corpus: Path) -> None:
    """A genuine certificate with the predicate of another genuine run: always caught."""
    delegators = load_platforms().delegators
    genuine = [
        one
        for path, one in _certified(corpus)
        if not any(name in path for name in FORGED) and "conformance" not in path
    ]
    genuine = [one for one in genuine if one.signer is not None and one.signer.source_repository is not None]
    tried = caught = 0
    for one, other in zip(genuine, genuine[7:], strict=False):
        assert one.signer is not None
        assert other.signer is not None
        if one.signer.source_digest == other.signer.source_digest or not agree(other, delegators):
            continue
        tried += 1
        caught += any(check.result == "failed" for check in agree(replace(other, signer=one.signer), delegators))
    assert tried >= 80
    assert caught == tried


GITLAB_CONFIG = "https://gitlab.com/acme/tools/widget//.gitlab-ci.yml@refs/tags/v1.0.0"
GITLAB = Signer(
    kind="certificate",
    identity=GITLAB_CONFIG,
    issuer="https://gitlab.com",
    source_repository="https://gitlab.com/acme/tools/widget",
    source_digest=COMMIT,
    source_ref="refs/tags/v1.0.0",
    build_signer=GITLAB_CONFIG,
    build_config=GITLAB_CONFIG,
    build_trigger="push",
    runner_environment="gitlab-hosted",
    run_invocation="https://gitlab.com/acme/tools/widget/-/jobs/77",
    claims=(Claim(OID + "15", "", "42"),),
)


def on_gitlab(**changes: str) -> Provenance:
    """npm's provenance of the job that GITLAB is about, with some values changed."""
    facts = {
        "uri": "git+https://gitlab.com/acme/tools/widget",
        "sha1": COMMIT,
        "run": "https://gitlab.com/acme/tools/widget/-/jobs/77",
        "CI_PROJECT_URL": "https://gitlab.com/acme/tools/widget",
        "CI_COMMIT_SHA": COMMIT,
        "CI_PIPELINE_SOURCE": "push",
        "CI_PROJECT_ID": "42",
    } | changes
    source = {"uri": facts["uri"], "digest": {"sha1": facts["sha1"]}}
    predicate = {
        "buildType": "https://github.com/npm/cli/gitlab/v1alpha1",
        "builder": {"id": "https://gitlab.com/acme/tools/widget/-/runners/5"},
        "invocation": {
            "configSource": {**source, "entryPoint": "deploy"},
            "parameters": {name: value for name, value in facts.items() if name.startswith("CI_")},
            "environment": {"name": "runner"},
        },
        "metadata": {"buildInvocationId": facts["run"]},
        "materials": [source],
    }
    statement = {
        "_type": "https://in-toto.io/Statement/v0.1",
        "subject": [],
        "predicateType": "https://slsa.dev/provenance/v0.2",
        "predicate": predicate,
    }
    opened = Opened(Source("p"), "statement", "0" * 64, statement=json.dumps(statement).encode())
    return replace(read_provenance(opened, read_statement(opened)), signer=GITLAB)


def test_npm_on_gitlab_agrees_with_its_certificate() -> None:
    checks = agree(on_gitlab())
    assert {one.result for one in checks} == {"verified"}
    assert len(checks) >= 5


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("uri", "git+https://gitlab.com/acme/tools/other"),
        ("sha1", "2" * 40),
        ("run", "https://gitlab.com/acme/tools/widget/-/jobs/78"),
        ("CI_PROJECT_URL", "https://gitlab.com/acme/widget"),
        ("CI_COMMIT_SHA", "2" * 40),
        ("CI_PIPELINE_SOURCE", "merge_request_event"),
        ("CI_PROJECT_ID", "43"),
    ],
)
def test_every_lie_of_npm_on_gitlab_is_caught(name: str, value: str) -> None:
    assert "failed" in {one.result for one in agree(on_gitlab(**{name: value}))}
