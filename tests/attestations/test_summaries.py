"""Reading verification summaries: v0.1, v0.2 and v1 in the terms of v1, monotone, nothing guessed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from virtual_summaries import RESOURCE, VERIFIER, summary

from assess.attestations.containers import open_attestations
from assess.attestations.statement import read_statement
from assess.attestations.summaries import read_summary
from assess.errors import InputError
from assess.evidence import Dependency, Digest, LevelCount, Parameter, Summary

GOOGLE = (
    "provenance/slsa-verifier-vsa/slsa-framework+slsa-verifier/cli/slsa-verifier/testdata/vsa/gce/v1/"
    "gke-gce-pre.bcid-vsa.jsonl"
)


def read(data: bytes) -> Summary:
    opened = open_attestations(data, "vsa.json")[0]
    return read_summary(opened, read_statement(opened))


def read_v1(**changes: object) -> Summary:
    return read(json.dumps(summary(**changes)).encode())


def test_every_field_of_v1() -> None:
    inputs = [{"uri": "https://example/provenance", "digest": {"sha256": "cd" * 32}}]
    found = read_v1(inputAttestations=inputs, dependencyLevels={"SLSA_BUILD_LEVEL_1": 4})
    assert found.verifier_id == VERIFIER
    assert found.verifier_versions == (Parameter("verifier", '"1.0"'),)
    assert found.time_verified == "2025-09-30T12:00:00Z"
    assert found.resource_uri == RESOURCE
    assert (found.policy_uri, found.policy_digests) == (
        "https://verifier.example/policy",
        (Digest("sha256", "ab" * 32),),
    )
    assert found.input_attestations == (Dependency("https://example/provenance", (Digest("sha256", "cd" * 32),)),)
    assert (found.result, found.verified_levels) == ("PASSED", ("SLSA_BUILD_LEVEL_2",))
    assert found.dependency_levels == (LevelCount("SLSA_BUILD_LEVEL_1", 4),)
    assert (found.slsa_version, found.notes) == ("1.2", ())
    assert (found.signature, found.level, found.checks) == (None, None, ())


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"dependencyLevels": {}}, ()),
        ({}, None),
    ],
)
def test_no_dependencies_is_not_no_claim(given: dict[str, object], expected: object) -> None:
    assert read_v1(**given).dependency_levels == expected


def test_a_null_is_no_claim() -> None:
    statement = summary()
    statement["predicate"]["dependencyLevels"] = None
    assert read(json.dumps(statement).encode()).dependency_levels is None


def test_unknown_fields_change_nothing() -> None:
    statement = summary()
    plain = read(json.dumps(statement).encode())
    statement["predicate"]["https://verifier.example/extension"] = {"deep": [1, 2]}
    statement["predicate"]["verifier"]["unheard"] = True
    statement["predicate"]["policy"]["mediaType"] = "text/plain"
    more = read(json.dumps(statement).encode())
    assert {name: getattr(more, name) for name in Summary.__slots__ if name != "digest"} == {
        name: getattr(plain, name) for name in Summary.__slots__ if name != "digest"
    }


LEGACY = {
    "verifier": {"id": VERIFIER},
    "time_verified": "2022-01-01T00:00:00Z",
    "policy": {"uri": "https://verifier.example/policy"},
    "verification_result": "PASSED",
    "policy_level": "SLSA_LEVEL_3",
    "dependency_levels": {"SLSA_LEVEL_2": 1},
}


@pytest.mark.parametrize(
    ("version", "predicate", "resource"),
    [("v0.2", {**LEGACY, "resource_uri": RESOURCE}, RESOURCE), ("v0.1", LEGACY, "widget")],
)
def test_legacy_versions(version: str, predicate: dict[str, object], resource: str) -> None:
    statement = summary() | {
        "predicate": predicate,
        "predicateType": f"https://slsa.dev/verification_summary/{version}",
    }
    found = read(json.dumps(statement).encode())
    assert (found.verifier_id, found.result, found.resource_uri) == (VERIFIER, "PASSED", resource)
    assert found.verified_levels == ("SLSA_LEVEL_3",)
    assert found.dependency_levels == (LevelCount("SLSA_LEVEL_2", 1),)
    assert found.notes == (f"legacy format: predicate type https://slsa.dev/verification_summary/{version}",)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"verifier": "me"}, "/predicate/verifier"),
        ({"verifiedLevels": "SLSA_BUILD_LEVEL_3"}, "/predicate/verifiedLevels"),
        ({"verifiedLevels": [3]}, "/predicate/verifiedLevels/0"),
        ({"verificationResult": True}, "/predicate/verificationResult"),
        ({"dependencyLevels": {"SLSA_BUILD_LEVEL_1": "many"}}, "/predicate/dependencyLevels/SLSA_BUILD_LEVEL_1"),
        ({"inputAttestations": {}}, "/predicate/inputAttestations"),
    ],
)
def test_wrong_types_are_errors_with_their_place(change: dict[str, object], pointer: str) -> None:
    with pytest.raises(InputError) as raised:
        read_v1(**change)
    assert str(raised.value.place).endswith(f"#{pointer}")


def test_another_predicate_type_is_refused() -> None:
    statement = summary() | {"predicateType": "https://slsa.dev/verification_summary/v1.0"}
    with pytest.raises(InputError, match="not a verification summary"):
        read(json.dumps(statement).encode())


def test_an_empty_predicate_claims_nothing() -> None:
    found = read(json.dumps(summary() | {"predicate": {}}).encode())
    assert (found.verifier_id, found.resource_uri, found.result, found.verified_levels) == ("", "", "", ())


def test_googles_real_summary(corpus: Path) -> None:
    found = read((corpus / GOOGLE).read_bytes())
    assert found.verifier_id == "https://bcid.corp.google.com/verifier/bcid_package_enforcer/v0.1"
    assert found.verified_levels == ("BCID_L1", "SLSA_BUILD_LEVEL_2")
    assert (found.result, found.slsa_version, found.dependency_levels) == ("PASSED", "", None)
    assert (found.input_attestations, found.policy_digests) == ((), ())
    assert found.subjects is not None
    assert [one.name for one in found.subjects] == ["_"]
    assert found.subjects[0].digests == (Digest("gce_image_id", "8970095005306000053"),)
