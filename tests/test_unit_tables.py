"""slsa-verifier's unit tables that are data, run through our own functions; what is code there is counted, not guessed.

Upstream's error must be a mismatch, a failed check, a rejection or an unreadable input here; what it accepts must hold.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from assess.artifacts import read_artifact
from assess.attestations.containers import open_attestations
from assess.attestations.envelope import Opened
from assess.attestations.predicates import kind_of, read_provenance
from assess.attestations.purl import package_of
from assess.attestations.statement import Statement, match_subject, read_statement
from assess.errors import AssessError
from assess.evidence import Claim, Digest, Provenance, Signer, Source, Subject
from assess.examine import Examined, Trust, examine
from assess.expectations import Expectations, compare
from assess.trust.agreement import agree
from assess.trust.known_keys import GOOGLE_CLOUD_BUILD, known_keys
from assess.trust.npm_claims import unvouched
from assess.trust.platforms import Rejected, load_platforms
from assess.trust.roots import public_good

Case = dict[str, Any]
FOLDERS = ("provenance/slsa-verifier-gcb-unit", "bundles/slsa-verifier-gha-unit")
GCB_KEY = next(key for key in known_keys() if key.owner == GOOGLE_CLOUD_BUILD)
GCB_SIGNER = Signer("key", f"sha256:{GCB_KEY.sha256}")


class NoDataError(Exception):
    """The case is code upstream, or its file is not in the corpus."""


@cache
def tables(corpus: Path) -> dict[tuple[str, str], list[Case]]:
    data = json.loads((corpus / "expected" / "slsa_verifier_unit_tables.json").read_text())
    return {("/".join(one["test_file"].split("/")[2:-1]), one["test"]): one["cases"] for one in data}


@cache
def files(corpus: Path) -> dict[str, Path]:
    """The unit tests' files by their path in upstream's repository, without `testdata` folders."""
    found = {}
    for folder in FOLDERS:
        for path in sorted(one for one in (corpus / folder).rglob("*") if one.is_file()):
            name = str(path).rpartition("/slsa-framework+slsa-verifier/")[2]
            found[name.replace("/testdata/", "/")] = path
    return found


def file_of(corpus: Path, case: Case) -> bytes:
    name = case["_file"].replace("/./", "/").replace("/testdata/", "/")
    path = files(corpus).get(name)
    if path is None:
        print(f"  by its name alone: {name}")
        ends = [one for known, one in files(corpus).items() if Path(known).name == Path(name).name]
        if len(ends) != 1:
            raise NoDataError(f"the corpus has no {Path(name).name}")
        (path,) = ends
    return path.read_bytes()


def opened(corpus: Path, case: Case) -> list[Opened]:
    """The attestations of the case's file; for Google's answers those of the version that is asked for."""
    found = list(open_attestations(file_of(corpus, case), "f"))
    if "/gcb/" in case["_file"]:
        v1 = case.get("version") == "versionV10"
        found = [one for one in found if (b'"https://slsa.dev/provenance/v1"' in (one.payload or b"")) is v1] or found
    return found


def provenances(corpus: Path, case: Case) -> list[Provenance]:
    return [read_provenance(one, read_statement(one)) for one in opened(corpus, case)]


def examined(one: Opened, digest: str | None = None) -> Examined:
    trust = Trust(roots=(public_good(),), platforms=load_platforms(), known=known_keys())
    return examine(one, read_artifact(digest) if digest else None, trust)


def holds(provenance: Provenance, **expected: str) -> bool:
    return all(one.outcome == "match" for one in compare(Expectations(**expected), provenance))  # type: ignore[arg-type]


def recognised(builder_id: str, build_type: str) -> bool:
    """A key of Google's that signs for this builder.id and buildType gets more than the default level."""
    found = load_platforms().look_up(GCB_SIGNER, builder_id, "verified", "vendor", build_type)
    return not isinstance(found, Rejected) and found.level.reached > 1


# --- Google Cloud Build ---------------------------------------------------------------------------------------------


def gcb_builder(corpus: Path, case: Case) -> bool:
    expected = {"builder_id": case["builderID"]} if "builderID" in case else {}
    return any(
        holds(one, **expected) and one.builder is not None and recognised(one.builder.id, one.build_type or "")
        for one in provenances(corpus, case)
    )


def gcb_build_type(corpus: Path, case: Case) -> bool:
    return recognised(case["builderID"], case["buildType"])


def gcb_source(corpus: Path, case: Case) -> bool:
    # Upstream takes the builder that it has verified before; one that nobody recognises is the error there.
    known = any(entry.exclusive and entry.names(case["builderID"]) for entry in load_platforms().entries)
    return known and any(holds(one, source_uri=case["source"]) for one in provenances(corpus, case))


def gcb_signature(corpus: Path, case: Case) -> bool:
    """The signature alone, as upstream's function: what the unsigned copies say is of other tables."""
    return any(examined(replace(one, defects=())).signature == "verified" for one in opened(corpus, case))


def gcb_tag(corpus: Path, case: Case) -> bool:
    return any(holds(one, source_tag=case.get("tag", "")) for one in provenances(corpus, case))


def gcb_versioned_tag(corpus: Path, case: Case) -> bool:
    return any(holds(one, source_versioned_tag=case.get("tag", "")) for one in provenances(corpus, case))


def gcb_branch(corpus: Path, case: Case) -> bool:
    return any(holds(one, source_branch=case["branch"]) for one in provenances(corpus, case))


def gcb_subject(corpus: Path, case: Case) -> bool:
    digests = (Digest("sha256", case["hash"]),)
    return any(match_subject(one.subjects or (), digests).matched for one in provenances(corpus, case))


def gcb_copies(corpus: Path, case: Case) -> bool:
    """The unsigned parts of the answer say what was signed, and it is about this image."""
    return gcb_subject(corpus, case) and any(not one.defects for one in opened(corpus, case))


def gcb_text(corpus: Path, case: Case) -> bool:
    if not case.get("alter"):
        return any(not one.defects for one in opened(corpus, case))
    answer = json.loads(file_of(corpus, case))
    unchanged = 0
    for element in answer["provenance_summary"]["provenance"]:
        for name in ("intotoStatement", "inTotoSlsaProvenanceV1"):
            for path in texts(element.get("build", {}).get(name)):
                changed = json.loads(json.dumps(answer))
                index = answer["provenance_summary"]["provenance"].index(element)
                parent = changed["provenance_summary"]["provenance"][index]["build"][name]
                for step in path[:-1]:
                    parent = parent[step]
                parent[path[-1]] += "x"
                found = open_attestations(json.dumps(changed).encode(), "f")
                unchanged += not any(one.defects for one in found)
    return unchanged > 0


def texts(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    match value:
        case dict():
            return [leaf for key, item in value.items() for leaf in texts(item, (*path, key))]
        case list():
            return [leaf for index, item in enumerate(value) for leaf in texts(item, (*path, index))]
        case str():
            return [path]
    return []


def gcb_substitution(corpus: Path, case: Case) -> bool:
    """The file's substitutions in the predicate that Google writes around them; the field is the build's tag."""
    assert case["field"] == "TAG_NAME"
    substitutions = json.loads(file_of(corpus, case))
    assert tagged(substitutions | {"TAG_NAME": "v1"}, "v1")
    return tagged(substitutions, str(substitutions["TAG_NAME"]))


def tagged(substitutions: dict[str, Any], tag: str) -> bool:
    recipe = {
        "type": "https://cloudbuild.googleapis.com/CloudBuildYaml@v0.1",
        "definedInMaterial": 0,
        "entryPoint": "cloudbuild.yaml",
        "arguments": {"steps": [], "substitutions": substitutions},
    }
    statement = {
        "_type": "https://in-toto.io/Statement/v0.1",
        "predicateType": "https://slsa.dev/provenance/v0.1",
        "subject": [],
        "predicate": {"recipe": recipe, "materials": [{"uri": "https://github.com/o/r"}]},
    }
    (one,) = open_attestations(json.dumps(statement).encode(), "f")
    return holds(read_provenance(one, read_statement(one)), source_tag=tag)


def gcb_reads(corpus: Path, case: Case) -> bool:
    # Other versions of the predicate are provenance here too, but then no buildType of Google's is recognised in it.
    understood = [one.process is not None and one.process.recognised is True for one in provenances(corpus, case)]
    return bool(understood) and all(understood) and not any(one.defects for one in opened(corpus, case))


# --- npm ------------------------------------------------------------------------------------------------------------


def npm(corpus: Path, case: Case, kind: str) -> Opened:
    """The attestation of this kind in the registry's answer."""
    for one in open_attestations(file_of(corpus, case), "f"):
        document = json.loads(one.payload or b"null")
        if isinstance(document, dict) and kind_of(str(document.get("predicateType"))) == kind:
            return one
    raise AssessError(f"no {kind} attestation")


def given(case: Case) -> Statement:
    """The statement of an attestation that stands in the table."""
    envelope = case["att"]["Envelope"]
    text = {"payload": envelope["Payload"], "payloadType": envelope["PayloadType"], "signatures": []}
    (one,) = open_attestations(json.dumps(text).encode(), "f")
    return read_statement(one)


def npm_name(corpus: Path, case: Case) -> bool:
    name = case["actual"] if "@" in case["actual"][1:] else case["actual"] + "@0"
    found = package_of(f"pkg:npm/{name}")
    return found is not None and found[0] == case["expected"]


def npm_subject_name(corpus: Path, case: Case) -> bool:
    # The payloads in the table leave their subject out: npm writes the package that the predicate names.
    subjects = given(case).subjects or predicate_of(case).subjects
    return holds(Provenance(Source("f"), subjects=subjects), package_name=case["subject"])


def predicate_of(case: Case) -> Provenance:
    predicate = given(case).predicate
    assert isinstance(predicate, dict)
    name = f"pkg:npm/{predicate.get('name')}@{predicate.get('version')}"
    return Provenance(Source("f"), subjects=(Subject(name, ()),))


def npm_predicate_name(corpus: Path, case: Case) -> bool:
    return holds(predicate_of(case), package_name=case["subject"])


def npm_predicate_version(corpus: Path, case: Case) -> bool:
    return holds(predicate_of(case), package_version=case["version"])


def npm_package_name(corpus: Path, case: Case) -> bool:
    subjects = read_statement(npm(corpus, case, "provenance")).subjects
    return holds(Provenance(Source("f"), subjects=subjects), package_name=case["subject"])


def npm_package_version(corpus: Path, case: Case) -> bool:
    subjects = read_statement(npm(corpus, case, "provenance")).subjects
    return holds(Provenance(Source("f"), subjects=subjects), package_version=case["version"])


def npm_digest(corpus: Path, case: Case) -> bool:
    subjects = read_statement(npm(corpus, case, "publish")).subjects
    return match_subject(subjects, (Digest("sha512", case["hash"]),)).matched


def npm_types(corpus: Path, case: Case) -> bool:
    if case["predicateTypes"].startswith("mismatch"):
        raise NoDataError("the expected predicate types are Go values")
    wanted = "publish" if case["predicateTypes"].startswith("publish") else "provenance"
    return kind_of(given(case).predicate_type) == wanted


def npm_headers(corpus: Path, case: Case) -> bool:
    kinds = [kind_of(read_statement(one).predicate_type) for one in open_attestations(file_of(corpus, case), "f")]
    return sorted(kinds) == ["provenance", "publish"]


def npm_new(corpus: Path, case: Case) -> bool:
    found = open_attestations(file_of(corpus, case), "f")
    return not any(one.defects for one in found) and npm_headers(corpus, case)


def npm_publish_signature(corpus: Path, case: Case) -> bool:
    return examined(npm(corpus, case, "publish")).signature == "verified"


def npm_provenance_signature(corpus: Path, case: Case) -> bool:
    return examined(npm(corpus, case, "provenance")).signature == "verified"


# --- bundles, and certificate against predicate ---------------------------------------------------------------------


def bundle(corpus: Path, case: Case) -> bool:
    return all(examined(one).signature == "verified" for one in opened(corpus, case))


COMMIT = "5f2c9d1e8b7a4c3f6e0d9b8a7c6f5e4d3c2b1a09"
FOLDER = ".github/workflows/"
"""Where GitHub's workflows lie; the tables leave it out."""
VARIABLES = {
    # What npm's v0.2 predicate records of a run, and a value of each that is another's.
    "GITHUB_EVENT_NAME": ("push", "workflow_dispatch"),
    "GITHUB_REF": ("refs/heads/main", "refs/heads/other"),
    "GITHUB_REPOSITORY": ("o/r", "o/other"),
    "GITHUB_REPOSITORY_ID": ("42", "1042"),
    "GITHUB_REPOSITORY_OWNER_ID": ("43", "1043"),
    "GITHUB_RUN_ATTEMPT": ("2", "3"),
    "GITHUB_RUN_ID": ("123", "124"),
    "GITHUB_SHA": (COMMIT, "0" * 40),
    "GITHUB_WORKFLOW_REF": (
        f"o/r/{FOLDER}release/workflow/path@refs/heads/main",
        f"o/r/{FOLDER}release/workflow/path2@refs/heads/main",
    ),
    "GITHUB_WORKFLOW_SHA": (COMMIT, "0" * 40),
}
OID = "1.3.6.1.4.1.57264.1."
NPM_SIGNER = Signer(
    kind="certificate",
    identity=f"https://github.com/o/r/{FOLDER}release/workflow/path@refs/heads/main",
    issuer="https://token.actions.githubusercontent.com",
    source_repository="https://github.com/o/r",
    source_digest=COMMIT,
    source_ref="refs/heads/main",
    build_config=f"https://github.com/o/r/{FOLDER}release/workflow/path@refs/heads/main",
    build_trigger="push",
    runner_environment="github-hosted",
    run_invocation="https://github.com/o/r/actions/runs/123/attempts/2",
    claims=tuple(Claim(OID + number, "", value) for number, value in (("15", "42"), ("17", "43"), ("19", COMMIT))),
)
SOURCE = {"uri": "git+https://github.com/o/r@refs/heads/main", "digest": {"sha1": COMMIT}}
SUBJECT = {"name": "pkg:npm/widget@1.0.0", "digest": {"sha512": "ab" * 64}}


def npm_v02(path: str = "release/workflow/path", **changes: Any) -> dict[str, Any]:
    """The v0.2 predicate that npm writes, with some members replaced."""
    invocation = {"configSource": SOURCE | {"entryPoint": FOLDER + path}} | changes.pop("invocation", {})
    return {
        "buildType": "https://github.com/npm/cli/gha/v2",
        "builder": {"id": "https://github.com/actions/runner"},
        "invocation": invocation,
        "materials": [SOURCE],
    } | changes


def npm_v1(**metadata: Any) -> dict[str, Any]:
    """The v1 predicate that npm writes."""
    workflow = {
        "ref": "refs/heads/main",
        "repository": "https://github.com/o/r",
        "path": f"{FOLDER}release/workflow/path",
    }
    return {
        "buildDefinition": {
            "buildType": "https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1",
            "externalParameters": {"workflow": workflow},
            "resolvedDependencies": [{"uri": SOURCE["uri"], "digest": {"gitCommit": COMMIT}}],
        },
        "runDetails": {"builder": {"id": "https://github.com/actions/runner/github-hosted"}, "metadata": metadata},
    }


def vouched(
    predicate: dict[str, Any], subjects: Sequence[dict[str, Any]] = (SUBJECT,), signer: Signer = NPM_SIGNER
) -> bool:
    """Nothing that the predicate says differs from the certificate or goes beyond it (step 10)."""
    version = "v1" if "buildDefinition" in predicate else "v0.2"
    statement = {
        "_type": "https://in-toto.io/Statement/v0.1",
        "predicateType": f"https://slsa.dev/provenance/{version}",
        "subject": list(subjects),
        "predicate": predicate,
    }
    (one,) = open_attestations(json.dumps(statement).encode(), "f")
    provenance = replace(read_provenance(one, read_statement(one)), signer=signer)
    checks = (*agree(provenance, load_platforms().delegators), *unvouched(provenance, predicate))
    return not any(check.result == "failed" for check in checks)


def delegated(corpus: Path, case: Case) -> Provenance:
    """The provenance of the case's envelope, as the trusted delegator of the case would have signed it."""
    found = next(path for name, path in files(corpus).items() if name.endswith(f"/{case['envelopePath']}"))
    (one,) = open_attestations(found.read_bytes(), "f")
    name = case["trustedBuilderIDName"]
    signer = Signer("certificate", name, "https://token.actions.githubusercontent.com", build_signer=name)
    return replace(read_provenance(one, read_statement(one)), signer=signer, signature="verified")


def untrusted_builder(corpus: Path, case: Case) -> bool:
    """Digest and source alone, whoever the builder is."""
    provenance, expected = delegated(corpus, case), case["provenanceOpts"]
    digests = (Digest("sha256", expected["ExpectedDigest"]),)
    matched = match_subject(provenance.subjects or (), digests).matched
    return matched and holds(provenance, source_uri=expected["ExpectedSourceURI"])


def trusted_builder(corpus: Path, case: Case) -> bool:
    """And the delegator signs for this builder."""
    provenance, platforms = delegated(corpus, case), load_platforms()
    assert provenance.builder is not None
    found = platforms.look_up(provenance.signer, provenance.builder.id, "verified", "vendor", provenance.build_type)
    known = not isinstance(found, Rejected) and found.level.reached == 3
    return known and untrusted_builder(corpus, case)


def v1_reads(corpus: Path, case: Case) -> bool:
    """Payloads without any type, which are no statement here; upstream's reasons are its own."""
    (one,) = open_attestations(json.dumps(dsse_of(case["payload"].encode())).encode(), "f")
    return read_provenance(one, read_statement(one)).process is not None


def dsse_of(payload: bytes) -> dict[str, Any]:
    encoded = base64.b64encode(payload).decode()
    return {"payload": encoded, "payloadType": "application/vnd.in-toto+json", "signatures": []}


def v02_metadata(corpus: Path, case: Case) -> bool:
    return vouched(npm_v02(metadata=metadata_of(case)))


def metadata_of(case: Case) -> dict[str, Any]:
    completeness = {name: case[name] for name in ("parameters", "materials", "environment") if name in case}
    claims = {"reproducible": case.get("reproducible", False), "completeness": completeness}
    # The moments are Go's `now`; any will do.
    times = {"startTime": "buildStartedOn", "endTime": "buildFinishedOn"}
    return claims | {ours: "2026-01-31T12:00:00Z" for theirs, ours in times.items() if theirs in case}


def v1_metadata(case: Case) -> dict[str, Any]:
    times = {"startTime": "startedOn", "endTime": "finishedOn"}
    return {ours: "2026-01-31T12:00:00Z" for theirs, ours in times.items() if theirs in case}


def common_metadata(corpus: Path, case: Case) -> bool:
    old, new = vouched(npm_v02(metadata=metadata_of(case))), vouched(npm_v1(**v1_metadata(case)))
    assert old is new
    return new


def both_metadata(corpus: Path, case: Case) -> bool:
    """Of v0.2 as the case says; of v1, which knows the times alone, checked on the spot."""
    assert vouched(npm_v1(**v1_metadata(case))) is not bool(case.get("errV01"))
    return vouched(npm_v02(metadata=metadata_of(case)))


def v02_build_config(corpus: Path, case: Case) -> bool:
    return vouched(npm_v02(buildConfig=case.get("value") or {}))


def v02_parameters(corpus: Path, case: Case) -> bool:
    return vouched(npm_v02(invocation={"parameters": case.get("value") or {}}))


def npm_dependencies(corpus: Path, case: Case) -> bool:
    others = [{"uri": f"git+https://github.com/o/other{number}"} for number in range(case["n"] - 1)]
    predicate = npm_v02(materials=[SOURCE, *others][: case["n"]])
    if case["n"] == 0:
        # What stands as configSource is a dependency here; npm names it in both places.
        predicate["invocation"] = {}
    return vouched(predicate)


def subjects_of(case: Case) -> list[dict[str, Any]]:
    """The case's subjects; npm's algorithm is sha512, whatever the table calls the expected one."""
    expected = case.get("digestName", "sha512")
    ours = {expected: "sha512"} if expected != "sha512" else {}
    return [
        {"name": SUBJECT["name"], "digest": {ours.get(name, name): value for name, value in one["Digest"].items()}}
        for one in case.get("subject", ())
    ]


def npm_subjects(corpus: Path, case: Case) -> bool:
    return vouched(npm_v02(), subjects_of(case))


def npm_workflow(corpus: Path, case: Case) -> bool:
    """The certificate of the one case is an empty Go value."""
    bare = replace(NPM_SIGNER, build_config=None)
    return vouched(npm_v02(case["path"]), signer=bare) or vouched(npm_v02(case["path"]))


def environment_of(name: str) -> dict[str, str]:
    """The variables of a case, which the table leaves out, by the case's name."""
    right = {variable: values[0] for variable, values in VARIABLES.items()}
    if name == "unknown field":
        return right | {"SOME_VARIABLE": "some value"}
    if name == "invalid trigger name":
        return right | {"GITHUB_EVENT_NAME": VARIABLES["GITHUB_EVENT_NAME"][1]}
    variable = next((one for one in sorted(VARIABLES, key=len, reverse=True) if f" {one} " in f" {name} "), None)
    if variable is None:
        return {} if name.endswith("no env") else right
    value = VARIABLES[variable]["mismatch" in name or name.startswith("incorrect")]
    return {variable: value} if "only" in name else right | {variable: value}


def npm_environment(corpus: Path, case: Case) -> bool:
    environment = environment_of(case["name"])
    if set(environment) == {"GITHUB_RUN_ATTEMPT"}:
        # Alone it is half of a run's name; upstream compares it with the end of the certificate's URL.
        environment["GITHUB_RUN_ID"] = VARIABLES["GITHUB_RUN_ID"][0]
    elif set(environment) == {"GITHUB_RUN_ID"}:
        environment["GITHUB_RUN_ATTEMPT"] = VARIABLES["GITHUB_RUN_ATTEMPT"][0]
    return vouched(npm_v02(invocation={"environment": environment}))


def npm_certificate(corpus: Path, case: Case) -> bool:
    count = case.get("numberResolvedDependencies", 1)
    materials = [SOURCE, *({"uri": f"git+https://github.com/o/other{one}"} for one in range(count - 1))]
    path = case.get("workflowTriggerPath", "release/workflow/path")
    invocation = {"environment": environment_of(case["name"])}
    return vouched(npm_v02(path, materials=materials, invocation=invocation), subjects_of(case))


Runner = Callable[[Path, Case], bool]
RUN: dict[tuple[str, str], Runner] = {
    ("gcb", "Test_VerifyBuilder"): gcb_builder,
    ("gcb", "Test_validateBuildType"): gcb_build_type,
    ("gcb", "Test_VerifySourceURI"): gcb_source,
    ("gcb", "Test_VerifySignature"): gcb_signature,
    ("gcb", "Test_ProvenanceFromBytes"): gcb_reads,
    ("gcb", "Test_VerifySubjectDigest"): gcb_subject,
    ("gcb", "Test_VerifySummary"): gcb_copies,
    ("gcb", "Test_VerifyMetadata"): gcb_copies,
    ("gcb", "Test_VerifyTextProvenance"): gcb_text,
    ("gcb", "Test_VerifyBranch"): gcb_branch,
    ("gcb", "Test_VerifyTag"): gcb_tag,
    ("gcb", "Test_VerifyVersionedTag"): gcb_versioned_tag,
    ("gcb/slsaprovenance/v0.1", "Test_New"): gcb_reads,
    ("gcb/slsaprovenance/v0.1", "Test_getSubstitutionsField"): gcb_substitution,
    ("gha", "Test_verifyBundle"): bundle,
    ("gha", "Test_verifyName"): npm_name,
    ("gha", "Test_verifyPublishSubjectName"): npm_subject_name,
    ("gha", "Test_verifyPublishPredicateName"): npm_predicate_name,
    ("gha", "Test_verifyPublishPredicateVersion"): npm_predicate_version,
    ("gha", "Test_verifyPackageName"): npm_package_name,
    ("gha", "Test_verifyPackageVersion"): npm_package_version,
    ("gha", "Test_verifyPublishAttestationSubjectDigest"): npm_digest,
    ("gha", "Test_verifyIntotoTypes"): npm_types,
    ("gha", "Test_verifyIntotoHeaders"): npm_headers,
    ("gha", "Test_NpmNew"): npm_new,
    ("gha", "Test_verifyPublishAttestationSignature"): npm_publish_signature,
    ("gha", "Test_verifyProvenanceAttestationSignature"): npm_provenance_signature,
}
RUN |= {
    ("gha/slsaprovenance/v1.0", "Test_New"): v1_reads,
    ("gha", "Test_VerifyProvenance"): trusted_builder,
    ("gha", "Test_VerifyUntrustedProvenance"): untrusted_builder,
    ("gha", "Test_verifyV02Metadata"): v02_metadata,
    ("gha", "Test_verifyV02BuildConfig"): v02_build_config,
    ("gha", "Test_verifyV02Parameters"): v02_parameters,
    ("gha", "Test_verifyCommonMetadata"): common_metadata,
    ("gha", "Test_verifyMetadata"): both_metadata,
    ("gha", "Test_verifyResolvedDependencies"): npm_dependencies,
    ("gha", "Test_verifyPublishAttestationSubjectDigestName"): npm_subjects,
    ("gha", "Test_verifyBuildConfig"): npm_workflow,
    ("gha", "Test_verifySystemParameters"): npm_environment,
    ("gha", "Test_verifyProvenanceMatchesCertificate"): npm_certificate,
}
NOT_RUN = {
    "Test_matchRekorEntryWithEnvelope": "entries and signatures are names of Go constants: test_each_check (binding)",
    "Test_GetWorkflowInfoFromCertificate": "the certificate is made of Go variables: test_signer_facts",
    "TestGetNpmjsKeysTarget": "targets of a TUF client that are Go variables; npm's keys come with the tool: "
    "test_known_keys",
    "TestGetKeyDataWithNpmjsKeysTarget": "key ids are Go variables: test_known_keys",
    "Test_GetRekorEntries": "answers of a mocked log client: test_rekor_online, against a log server",
    "Test_ProvenanceFromEnvelope": "the payload is no base64: test_containers, test_json_reading",
    "Test_GetExternalParams": "the parameters are Go values: test_predicates",
    "Test_GetBuildTriggerPath": "the parameters are Go values: test_predicates",
    "Test_NpmCLIGithubActionsProvenance_TriggerURI": "the parameters are Go values: test_predicates",
}
ELSEWHERE = "test_expectations.py"
"""The module that runs the tables of refs, versions, builder ids and sources."""


def outcome(runner: Runner, corpus: Path, case: Case) -> bool:
    try:
        return runner(corpus, case)
    except AssessError:
        return False


@pytest.mark.corpus
@pytest.mark.parametrize(("package", "test"), RUN, ids=lambda value: str(value))
def test_table(corpus: Path, package: str, test: str) -> None:
    ran, wrong, skipped = 0, [], []
    for case in tables(corpus)[package, test]:
        try:
            holds_here = outcome(RUN[package, test], corpus, case)
        except NoDataError as reason:
            skipped.append(f"{case['name']}: {reason}")
            continue
        ran += 1
        names = ("err", "errV02") if test == "Test_verifyName" else ("err", "errV02", "expected")
        error = next((case[name] for name in names if case.get(name)), None)
        if holds_here == bool(error):
            wrong.append(f"{case['name']}: upstream {error or 'accepts'}, here {'holds' if holds_here else 'does not'}")
    print(f"\n{package} {test}: {ran} run, {len(wrong)} differ, {len(skipped)} not runnable")
    for line in skipped:
        print(f"  {line}")
    assert not wrong, "\n".join(wrong)
    assert ran or skipped


@pytest.mark.corpus
def test_every_table_is_run_or_says_why_not(corpus: Path) -> None:
    """By this module, by `ELSEWHERE`, or in `NOT_RUN` with its reason."""
    elsewhere = (Path(__file__).parent / ELSEWHERE).read_text(encoding="utf-8")
    missing = []
    for (package, test), cases in tables(corpus).items():
        if (package, test) in RUN:
            assert test not in NOT_RUN
        elif test in NOT_RUN:
            print(f"{package} {test}: {len(cases)} not run: {NOT_RUN[test]}")
        elif f'"{test}"' not in elsewhere:
            missing.append(f"{package} {test}")
    assert not missing
