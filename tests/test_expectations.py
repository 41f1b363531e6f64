"""Expectations against slsa-verifier's own tables, restated as data, and against its regression scenarios."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from assess.attestations._json import compact, decode_base64
from assess.attestations.builder_ids import builder_id_problem, parse_builder_id, valid_builder_tag
from assess.attestations.containers import read_container
from assess.attestations.envelope import Opened
from assess.attestations.git import normalize_git_uri, parse_git_ref, ref_name, repository_uri, split_git_uri
from assess.attestations.predicates import kind_of, read_provenance
from assess.attestations.statement import match_subject, read_statement
from assess.evidence import Builder, Digest, Parameter, Process, Provenance, Signer, Source, Subject
from assess.expectations import Expectations, compare, package_of

GO = "https://github.com/slsa-framework/slsa-github-generator/go@v1"
BUILD_TYPES = {
    "common.NpmCLIBuildTypeV1": "https://github.com/npm/cli/gha@v1",
    "common.NpmCLIBuildTypeV2": "https://github.com/npm/cli/gha/v2",
}
ANOTHER = hashlib.sha256(b"an artifact that the corpus does not hold").hexdigest()
SHOULD_DIFFER = {
    "ErrorMismatchSource",
    "ErrorMismatchTag",
    "ErrorMismatchVersionedTag",
    "ErrorMismatchBranch",
    "ErrorInvalidRef",
    "ErrorMismatchBuilderID",
    "ErrorUntrustedReusableWorkflow",
    "ErrorMismatchWorkflowInputs",
    "ErrorMismatchHash",
}


@cache
def _tables(corpus: Path) -> dict[tuple[str, str], list[dict[str, Any]]]:
    data = json.loads((corpus / "expected" / "slsa_verifier_unit_tables.json").read_text())
    return {(table["test_file"].split("/")[-2], table["test"]): table["cases"] for table in data}


def _cases(corpus: Path, package: str, test: str, at_least: int) -> list[dict[str, Any]]:
    cases = _tables(corpus)[package, test]
    assert len(cases) >= at_least
    return cases


def _error(case: dict[str, Any]) -> str:
    return case.get("err") or case.get("expected") or ""


def _outcome(expectations: Expectations, provenance: Provenance) -> str:
    (result,) = compare(expectations, provenance)
    return result.outcome


def _built(**process: Any) -> Provenance:
    return Provenance(Source("p"), process=Process(recognised=True, **process))


def _statement(predicate_type: str, predicate: dict[str, Any], **more: Any) -> Provenance:
    statement = {
        "_type": "https://in-toto.io/Statement/v0.1",
        "subject": [],
        "predicateType": predicate_type,
        "predicate": predicate,
    }
    opened = Opened(Source("p"), "statement", "0", statement=json.dumps(statement | more).encode())
    return read_provenance(opened, read_statement(opened))


# --- pure tables of the corpus --------------------------------------------------------------------------------------


def test_normalize_git_uri(corpus: Path) -> None:
    for case in _cases(corpus, "utils", "Test_NormalizeGitURI", 11):
        assert normalize_git_uri(case["uri"]) == case["expected"]


def test_parse_git_uri_and_ref(corpus: Path) -> None:
    for case in _cases(corpus, "utils", "Test_ParseGitURIAndRef", 4):
        wanted = None if _error(case) else (case["expectedURI"], case["expectedRef"])
        assert split_git_uri(case["uri"]) == wanted


def test_parse_git_ref(corpus: Path) -> None:
    for case in _cases(corpus, "utils", "Test_ParseGitRef", 5):
        assert parse_git_ref(case["ref"]) == (case["expectedType"], case["expectedRef"])


def test_validate_git_ref(corpus: Path) -> None:
    for case in _cases(corpus, "utils", "Test_ValidateGitRef", 7):
        assert ref_name(case["typ"], case["ref"]) == (None if _error(case) else case["expectedRef"])


@pytest.mark.parametrize(
    ("test", "name"), [("Test_ParseBuilderID", "builderID"), ("Test_BuilderIDNew", "trustedBuilderID")]
)
def test_parse_builder_id(corpus: Path, test: str, name: str) -> None:
    for case in _cases(corpus, "utils", test, 8):
        wanted = None if _error(case) else (case["builderName"], case.get("builderVersion", ""))
        assert parse_builder_id(case.get(name, ""), need_version=case.get("needVersion", False)) == wanted, case


@pytest.mark.parametrize(("test", "full"), [("Test_MatchesLoose", False), ("Test_MatchesFull", True)])
def test_builder_id_matches(corpus: Path, test: str, full: bool) -> None:
    for case in _cases(corpus, "utils", test, 27):
        problem = builder_id_problem(
            case["trustedBuilderID"], case["match"], full=full, allow_ref=case.get("allowRef", False)
        )
        assert bool(problem) == bool(_error(case)), (case, problem)


def test_verify_builder_id_exact_match(corpus: Path) -> None:
    for case in _cases(corpus, "gha", "Test_verifyBuilderIDExactMatch", 6):
        problem = builder_id_problem(case["builderID"], case["expectedID"], full=True)
        assert bool(problem) == bool(_error(case)), (case, problem)


@pytest.mark.parametrize(
    ("test", "suffix"), [("Test_IsValidBuilderTag", ""), ("Test_IsValidJreleaserBuilderTag", "java")]
)
def test_valid_builder_tag(corpus: Path, test: str, suffix: str) -> None:
    for case in _cases(corpus, "utils", test, 8):
        if not case.get("testing"):
            assert valid_builder_tag(case["ref"], suffix=suffix) == (not _error(case)), case


def test_verify_trusted_builder_ref(corpus: Path) -> None:
    for case in _cases(corpus, "gha", "Test_verifyTrustedBuilderRef", 27):
        if not case.get("testingEnabled"):
            assert valid_builder_tag(case["builderRef"]) == (not _error(case)), case


@pytest.mark.parametrize(
    ("test", "field", "kind", "count"),
    [
        ("Test_VerifyBranch", "branch", "source_branch", 6),
        ("Test_VerifyTag", "tag", "source_tag", 6),
        ("Test_VerifyVersionedTag", "tag", "source_versioned_tag", 52),
    ],
)
def test_verify_refs(corpus: Path, test: str, field: str, kind: str, count: int) -> None:
    for case in _cases(corpus, "gha", test, count):
        ref = case["prov"].get(field, "") if isinstance(case["prov"], dict) else ""
        expectations = Expectations(**{kind: case.get(field, "")})
        assert (_outcome(expectations, _built(source_ref=ref)) == "match") == (not _error(case)), case


def test_verify_workflow_inputs(corpus: Path) -> None:
    for case in _cases(corpus, "gha", "Test_VerifyWorkflowInputs", 7):
        found = case["prov"]["workflowInputs"] or {}
        provenance = _built(
            trigger="workflow_dispatch", inputs=tuple(Parameter(key, compact(value)) for key, value in found.items())
        )
        results = compare(Expectations(workflow_inputs=tuple(case["inputs"].items())), provenance)
        assert all(result.outcome == "match" for result in results) == (not _error(case)), case


def test_verify_source_uri(corpus: Path) -> None:
    for case in _cases(corpus, "gha", "Test_verifySourceURI", 24):
        trigger, material = case.get("provTriggerURI", ""), case.get("provMaterialsURI", "")
        if case.get("provBuildType") == "common.BYOBBuildTypeV0":
            repository, _, ref = trigger.removeprefix("git+https://github.com/").partition("@")
            definition = {
                "buildType": "https://github.com/slsa-framework/slsa-github-generator/delegator-generic@v0",
                "internalParameters": {"GITHUB_WORKFLOW_REF": f"{repository}/.github/workflows/w.yml@{ref}"},
                "resolvedDependencies": [{"uri": material}],
            }
            provenance = _statement("https://slsa.dev/provenance/v1", {"buildDefinition": definition})
        else:
            predicate = {
                "buildType": BUILD_TYPES.get(case.get("provBuildType", ""), GO),
                "invocation": {"configSource": {"uri": trigger, "entryPoint": "w"}},
                "materials": [{"uri": material}] if material else [],
            }
            provenance = _statement("https://slsa.dev/provenance/v0.2", predicate)
        outcome = _outcome(Expectations(source_uri=case["expectedSourceURI"]), provenance)
        assert (outcome == "match") == (not _error(case)), case


def test_verify_digest(corpus: Path) -> None:
    for case in _cases(corpus, "gha", "Test_VerifyDigest", 8):
        entries = case["prov"].get("subjects", []) if isinstance(case["prov"], dict) else []
        subjects = [Subject("", tuple(Digest(*pair) for pair in entry["Digest"].items())) for entry in entries]
        match = match_subject(subjects, [Digest("sha256", case["artifactHash"])])
        assert match.matched == (not _error(case)), case
        assert match.check.result == ("failed" if _error(case) else "verified")


def test_decode_signature(corpus: Path) -> None:
    for case in _cases(corpus, "utils", "Test_DecodeSignature", 3):
        wanted = None if _error(case) else case["decoded"].encode()
        assert decode_base64(case["encoded"]) == wanted


@pytest.mark.parametrize(
    ("test", "kind"), [("Test_BYOBProvenance_GetBranch", "heads"), ("Test_BYOBProvenance_GetTag", "tags")]
)
def test_byob_refs(corpus: Path, test: str, kind: str) -> None:
    """The ref of a delegated build is that of its source, never one that only the run's environment names."""
    matched = 0
    for case in _cases(corpus, "v1.0", test, 5):
        predicate = case["prov"]["provenanceV1"]["prov"]["Predicate"]
        definition = predicate["BuildDefinition"] if isinstance(predicate, dict) else {}
        dependencies = [{"uri": one["URI"]} for one in definition.get("ResolvedDependencies", [])]
        ref = (dependencies[0]["uri"].partition("@")[2] if dependencies else "") or "refs/heads/main"
        workflow = f"kubernetes/kubernetes/.github/workflows/release.yml@{ref}"
        definition = {
            "buildType": "https://github.com/slsa-framework/slsa-github-generator/delegator-generic@v0",
            "internalParameters": {"GITHUB_WORKFLOW_REF": workflow, "GITHUB_REF": ref},
            "resolvedDependencies": dependencies,
        }
        provenance = _statement("https://slsa.dev/provenance/v1", {"buildDefinition": definition})
        expectations = {"heads": Expectations(source_branch="main"), "tags": Expectations(source_tag="v1.0.0")}[kind]
        wanted = case.get("branch" if kind == "heads" else "tag")
        matched += bool(wanted)
        assert (_outcome(expectations, provenance) == "match") == bool(wanted), case
    assert matched == 1


def test_npm_names(corpus: Path) -> None:
    for case in _cases(corpus, "gha", "Test_verifyName", 5):
        actual = case["actual"] if case["actual"].rfind("@") > 0 else case["actual"] + "@1.0.0"
        purl = "pkg:npm/" + actual.replace("@", "%40", 1)
        provenance = Provenance(Source("p"), subjects=(Subject(purl, ()),))
        outcome = _outcome(Expectations(package_name=case["expected"]), provenance)
        assert (outcome == "match") == (not case.get("err")), case


# --- Google Cloud Build: the same tables over the envelopes inside its answers --------------------------------------


def _gcb(corpus: Path, case: dict[str, Any]) -> Provenance | None:
    path = corpus / "provenance/slsa-verifier-gcb-unit/slsa-framework+slsa-verifier" / case["_file"]
    if not path.is_file():
        return None
    answer = json.loads(path.read_bytes())
    version = "https://slsa.dev/provenance/v1" if case.get("version") else "https://slsa.dev/provenance/v0.1"
    for item in answer["provenance_summary"]["provenance"]:
        (opened,) = read_container(json.dumps(item["envelope"]).encode(), str(path)).opened
        statement = read_statement(opened)
        if statement.predicate_type == version:
            return read_provenance(opened, statement)
    return None


@pytest.mark.parametrize(
    ("test", "kind"), [("Test_VerifyTag", "source_tag"), ("Test_VerifyVersionedTag", "source_versioned_tag")]
)
def test_gcb_tags(corpus: Path, test: str, kind: str) -> None:
    done = 0
    for case in _cases(corpus, "gcb", test, 12):
        provenance = _gcb(corpus, case)
        if provenance is not None:
            done += 1
            outcome = _outcome(Expectations(**{kind: case.get("tag", "v1")}), provenance)
            assert (outcome == "match") == (not _error(case)), case
    assert done >= 10


# --- the regression scenarios ---------------------------------------------------------------------------------------


@cache
def _provenance(path: Path) -> tuple[Provenance, ...]:
    found = []
    for opened in read_container(path.read_bytes(), path.name).opened:
        statement = read_statement(opened)
        assert kind_of(statement.predicate_type) == "provenance"
        found.append(read_provenance(opened, statement))
    return tuple(found)


def _builder_ids(scenario: dict[str, Any]) -> list[str | None]:
    if scenario["builder_id"] is not None:
        return [scenario["builder_id"]]
    name, version = scenario["default_builder_id"], scenario["version"]
    versions = [f"{name}@{version}", f"{name}@refs/tags/{version}"] if version else []
    if any(_at_head(one) for one in scenario["provenances"]):
        versions = []
    return [name, *versions, *([] if scenario["builder"] == "gha_delegator" else [None])]


def _at_head(provenance: Provenance) -> bool:
    return provenance.builder is not None and "@refs/heads/" in provenance.builder.id


def _holds(scenario: dict[str, Any], builder_id: str | None) -> bool:
    expectations = Expectations(
        source_uri=scenario["source"],
        source_branch=scenario["branch"],
        source_tag=scenario["tag"],
        source_versioned_tag=scenario["versioned_tag"],
        builder_id=builder_id,
        workflow_inputs=tuple((scenario["inputs"] or {}).items()),
    )
    return any(
        all(result.outcome == "match" for result in compare(expectations, provenance))
        and all(
            match_subject(provenance.subjects or (), [Digest("sha256", value or ANOTHER)]).matched
            for value in scenario["artifact_sha256"]
        )
        for provenance in scenario["provenances"]
    )


def test_regression_scenarios(corpus: Path) -> None:
    """Expectations decide 898 of 899 scenarios; the other one differs only in what a log knows."""
    scenarios = json.loads((corpus / "expected" / "slsa_verifier_regression.json").read_text())["scenarios"]
    wrong: list[str] = []
    counts: Counter[str] = Counter()
    for scenario in scenarios:
        if scenario["suite"] != "gha-artifact":
            continue
        error = scenario["expect_error"]
        if error == "ErrorRekorSearch":
            counts["online"] += 1
            continue
        assert not error or error in SHOULD_DIFFER
        scenario["provenances"] = _provenance(corpus / scenario["file"])
        for builder_id in _builder_ids(scenario):
            # Without a builder id upstream asks its own list of builders, which is for the roots of trust here.
            if error == "ErrorUntrustedReusableWorkflow" and builder_id is None:
                continue
            counts["run"] += 1
            if _holds(scenario, builder_id) == bool(error):
                wrong.append(f"{scenario['name']} {scenario['provenance']} {builder_id} {error!r}")
        counts["scenarios"] += 1
    assert not wrong, "\n".join(wrong[:20])
    assert counts["scenarios"] + counts["online"] == 899
    assert counts["run"] > 3000


def test_regression_container_and_npm(corpus: Path) -> None:
    """Source expectations of the container-based suite."""
    scenarios = json.loads((corpus / "expected" / "slsa_verifier_regression.json").read_text())["scenarios"]
    done = 0
    for scenario in scenarios:
        if scenario["suite"] != "gha-container-based" or scenario["expect_error"] not in SHOULD_DIFFER | {""}:
            continue
        done += 1
        scenario["provenances"] = _provenance(corpus / scenario["file"])
        holds = _holds(scenario, scenario["builder_id"] or scenario["default_builder_id"])
        assert holds == (not scenario["expect_error"]), (scenario["name"], scenario["file"])
    assert done >= 30


# --- what no table says ---------------------------------------------------------------------------------------------

SIGNER = Signer("certificate", "https://github.com/o/r/.github/workflows/w.yml@refs/heads/main")


def test_no_provenance_is_unknown() -> None:
    results = compare(Expectations(source_uri="github.com/o/r", builder_id="b", trigger="push"), None)
    assert [(one.name, one.outcome) for one in results] == [
        ("source_uri", "unknown"),
        ("builder_id", "unknown"),
        ("trigger", "unknown"),
    ]


def test_unreadable_provenance_is_unknown() -> None:
    every = Expectations("s", "b", "t", "v1", "id", "w", "push", (("a", "1"),), "n", "1")
    assert {one.outcome for one in compare(every, Provenance(Source("p")))} == {"unknown"}
    assert len(compare(every, Provenance(Source("p")))) == 10


def test_nothing_expected_is_nothing_compared() -> None:
    assert compare(Expectations(), None) == ()


def test_unrecognised_build_type_is_unknown() -> None:
    provenance = Provenance(Source("p"), build_type="https://example.com/mine", process=Process())
    (result,) = compare(Expectations(source_uri="github.com/o/r"), provenance)
    assert result.outcome == "unknown"
    assert "https://example.com/mine" in result.detail


@pytest.mark.parametrize(
    ("signed", "outcome"),
    [
        ("https://github.com/o/r", "match"),
        ("o/r", "match"),
        ("https://github.com/o/r2", "mismatch"),
        ("https://github.com/evil/r", "mismatch"),
    ],
)
def test_the_certificate_decides_the_source(signed: str, outcome: str) -> None:
    provenance = replace(
        _built(source_uri="git+https://github.com/o/r"), signer=replace(SIGNER, source_repository=signed)
    )
    assert _outcome(Expectations(source_uri="github.com/o/r"), provenance) == outcome


def test_the_certificate_decides_ref_and_trigger() -> None:
    signer = replace(SIGNER, source_ref="refs/heads/evil", build_trigger="pull_request_target")
    provenance = replace(_built(source_ref="refs/heads/main", trigger="push"), signer=signer)
    results = compare(Expectations(source_branch="main", trigger="push"), provenance)
    assert [one.outcome for one in results] == ["mismatch", "mismatch"]


@pytest.mark.parametrize(
    ("event", "payload", "outcome"),
    [
        ("push", {"base_ref": "refs/heads/main"}, "match"),
        ("push", {"base_ref": None}, "mismatch"),
        ("release", {"release": {"target_commitish": "main"}}, "match"),
        ("workflow_dispatch", {"base_ref": "refs/heads/main"}, "mismatch"),
        ("push", {"base_ref": ["refs/heads/main"]}, "mismatch"),
    ],
)
def test_branch_of_a_tag(event: str, payload: dict[str, Any], outcome: str) -> None:
    environment = {"github_base_ref": "", "github_event_name": event, "github_event_payload": payload}
    parameters = tuple(Parameter(name, compact(value)) for name, value in environment.items())
    generator = "https://github.com/slsa-framework/slsa-github-generator"
    built = replace(_built(source_ref="refs/tags/v1"), internal_parameters=parameters)
    provenance = replace(built, build_type=f"{generator}/go@v1")
    assert _outcome(Expectations(source_branch="main"), provenance) == outcome
    # Of another buildType, or signed by somebody else, what the event says is nobody's word but the tenant's.
    other = replace(built, build_type="https://actions.github.io/buildtypes/workflow/v1")
    fork = Signer("certificate", f"{generator}-fork/.github/workflows/builder_go_slsa3.yml@refs/tags/v1.0.0")
    for lie in (other, replace(provenance, signer=fork)):
        assert _outcome(Expectations(source_branch="main"), lie) == "mismatch"


@pytest.mark.parametrize(
    ("found", "expected", "outcome"),
    [
        # slsa-verifier's: who asks for the short id gets no provenance that names its runner.
        ("https://github.com/actions/runner/github-hosted", "https://github.com/actions/runner", "mismatch"),
        ("https://github.com/actions/runner", "https://github.com/actions/runner/github-hosted", "match"),
        ("https://github.com/actions/runner/self-hosted", "https://github.com/actions/runner", "mismatch"),
        (
            "https://github.com/actions/runner/self-hosted",
            "https://github.com/actions/runner/github-hosted",
            "mismatch",
        ),
        ("https://github.com/actions/runner2", "https://github.com/actions/runner", "mismatch"),
        ("", "https://github.com/actions/runner", "mismatch"),
    ],
)
def test_npm_runner_ids(found: str, expected: str, outcome: str) -> None:
    provenance = Provenance(Source("p"), builder=Builder(found))
    assert _outcome(Expectations(builder_id=expected), provenance) == outcome


def test_inputs_count_for_dispatch_only() -> None:
    provenance = _built(trigger="push", inputs=(Parameter("a", '"1"'),))
    assert _outcome(Expectations(workflow_inputs=(("a", "1"),)), provenance) == "mismatch"


def test_a_number_is_no_text_input() -> None:
    provenance = _built(trigger="workflow_dispatch", inputs=(Parameter("a", "1"),))
    assert _outcome(Expectations(workflow_inputs=(("a", "1"),)), provenance) == "mismatch"


@pytest.mark.parametrize(
    ("expected", "tag", "outcome"),
    [
        ("v1.2.3-rc.1", "v1.2.3-rc.1", "match"),
        ("v1.2.3-rc.1", "v1.2.3-rc.2", "mismatch"),
        ("v1.2.3+a.b", "v1.2.3", "match"),
        ("v01", "v1.0.0", "mismatch"),
        ("v1", "v10.0.0", "mismatch"),
    ],
)
def test_versioned_tags_beyond_the_table(expected: str, tag: str, outcome: str) -> None:
    assert _outcome(Expectations(source_versioned_tag=expected), _built(source_ref=f"refs/tags/{tag}")) == outcome


@pytest.mark.parametrize(
    ("purl", "package"),
    [
        ("pkg:npm/%40scope/name@1.0.0", ("@scope/name", "1.0.0")),
        ("pkg:npm/name@1.0.0?x=y#z", ("name", "1.0.0")),
        ("pkg:maven/org.a/b", ("org.a/b", "")),
        ("pkg:npm/@scope/name@2", ("@scope/name", "2")),
        ("binary-linux-amd64", None),
        ("pkg:", None),
    ],
)
def test_package_urls(purl: str, package: tuple[str, str] | None) -> None:
    assert package_of(purl) == package


def test_subjects_of_two_packages_are_no_match() -> None:
    subjects = (Subject("pkg:npm/a@1.0.0", ()), Subject("pkg:npm/a@1.0.1", ()))
    results = compare(
        Expectations(package_name="a", package_version="1.0.0"), Provenance(Source("p"), subjects=subjects)
    )
    assert [one.outcome for one in results] == ["match", "mismatch"]


def test_repository_uri() -> None:
    assert repository_uri("o/r") == repository_uri("https://github.com/o/r") == "git+https://github.com/o/r"
    assert repository_uri("github.com/o/r") == "git+https://github.com/o/r"


def test_base64_is_lenient_and_strict() -> None:
    data = hashlib.sha256(b"x").digest()
    for encoded in (base64.b64encode(data), base64.urlsafe_b64encode(data), base64.b64encode(data).rstrip(b"=")):
        assert decode_base64(encoded.decode()) == data
        assert decode_base64(encoded[:20].decode() + "\r\n" + encoded[20:].decode()) == data
    for bad in ("a", "ab c", "é", "a=b=", "@@@@"):
        assert decode_base64(bad) is None
