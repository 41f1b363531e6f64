"""slsa-verifier's unit tables that are data, run through our own functions; what is code there is counted, not guessed.

Upstream's error must be a mismatch, a failed check, a rejection or an unreadable input here; what it accepts must hold.
"""

from __future__ import annotations

import json
from collections.abc import Callable
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
from assess.evidence import Digest, Provenance, Signer, Source, Subject
from assess.examine import Examined, Trust, examine
from assess.expectations import Expectations, compare
from assess.trust.known_keys import GOOGLE_CLOUD_BUILD, known_keys
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


def gcb_reads(corpus: Path, case: Case) -> bool:
    if case["_file"].endswith("substitution-int.json"):
        raise NoDataError("a list of substitutions, no attestation (see VerifyTag: tag not string)")
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
    subjects = given(case).subjects
    if not subjects:
        raise NoDataError("the payload in the table has no subject")
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


def v02_notes(predicate: dict[str, Any]) -> tuple[str, ...]:
    statement = {"_type": "https://in-toto.io/Statement/v0.1", "predicateType": "https://slsa.dev/provenance/v0.2"}
    (one,) = open_attestations(json.dumps(statement | {"subject": [], "predicate": predicate}).encode(), "f")
    return read_provenance(one, read_statement(one)).notes


def v02_metadata(corpus: Path, case: Case) -> bool:
    """Claims that no certificate proves are named as having no effect, where upstream refuses them (npm alone)."""
    completeness = {name: case[name] for name in ("parameters", "materials", "environment") if name in case}
    metadata = {"reproducible": case.get("reproducible", False), "completeness": completeness}
    return not any("with no effect" in note for note in v02_notes({"metadata": metadata}))


def v02_build_config(corpus: Path, case: Case) -> bool:
    return not any("buildConfig" in note for note in v02_notes({"buildConfig": case.get("value") or {}}))


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
    ("gcb/slsaprovenance/v0.1", "Test_getSubstitutionsField"): gcb_reads,
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
NOTED = {"Test_verifyV02Metadata", "Test_verifyV02BuildConfig"}
"""Where upstream refuses npm's provenance for a claim that no certificate proves, and we only note it: a difference."""
RUN |= {("gha", "Test_verifyV02Metadata"): v02_metadata, ("gha", "Test_verifyV02BuildConfig"): v02_build_config}
NOT_RUN = {
    "Test_verifyBuildConfig": "the certificate is a Go value; entry point against certificate: test_agreement",
    "Test_verifySystemParameters": "both environment and certificate are Go values; each variable: test_agreement",
    "Test_verifyProvenanceMatchesCertificate": "environment and certificate are Go values: test_agreement",
    "Test_verifyPublishAttestationSubjectDigestName": "npm's own rule of one subject by sha512; we match by any digest",
    "Test_verifyResolvedDependencies": "npm's own rule of one dependency; the first is compared: test_agreement",
    "Test_verifyCommonMetadata": "a bare time claim moves no level here and is refused upstream; values are Go's",
    "Test_verifyV02Parameters": "refused upstream for npm alone; parameters are shown, and prove nothing here",
    "Test_verifyMetadata": "the union of Test_verifyCommonMetadata and Test_verifyV02Metadata",
    "Test_matchRekorEntryWithEnvelope": "entries and signatures are names of Go constants: test_each_check (binding)",
    "Test_GetWorkflowInfoFromCertificate": "the certificate is a Go value: test_signer_facts",
}


def outcome(runner: Runner, corpus: Path, case: Case) -> bool:
    try:
        return runner(corpus, case)
    except AssessError:
        return False


@pytest.mark.corpus
@pytest.mark.parametrize(("package", "test"), RUN, ids=lambda value: str(value))
def test_table(corpus: Path, package: str, test: str) -> None:
    ran, noted, wrong, skipped = 0, 0, [], []
    for case in tables(corpus)[package, test]:
        try:
            holds_here = outcome(RUN[package, test], corpus, case)
        except NoDataError as reason:
            skipped.append(f"{case['name']}: {reason}")
            continue
        ran += 1
        noted += test in NOTED and "err" in case
        error = case.get("err") or case.get("expected") if test != "Test_verifyName" else case.get("err")
        if holds_here == bool(error):
            wrong.append(f"{case['name']}: upstream {error or 'accepts'}, here {'holds' if holds_here else 'does not'}")
    print(f"\n{package} {test}: {ran} run, {noted} noted only, {len(wrong)} differ, {len(skipped)} not runnable")
    for line in skipped:
        print(f"  {line}")
    assert not wrong, "\n".join(wrong)
    assert ran or skipped


@pytest.mark.corpus
def test_what_is_not_run(corpus: Path) -> None:
    """Every table that is not run is in the corpus, and its reason is stated."""
    for test, reason in NOT_RUN.items():
        cases = tables(corpus)["gha", test]
        assert cases and ("gha", test) not in RUN
        print(f"gha {test}: {len(cases)} not run: {reason}")
