"""Provenance v0.1, v0.2 and v1 in v1 terms; what buildTypes mean; what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from assess.attestations.buildtypes import BuildType, find, load_build_types, source_is_run
from assess.attestations.envelope import Opened
from assess.attestations.predicates import VERSIONS, kind_of, read_provenance
from assess.attestations.statement import read_statement
from assess.errors import InputError
from assess.evidence import Dependency, Digest, Parameter, Provenance, Source

V1 = "https://slsa.dev/provenance/v1"
V02 = "https://slsa.dev/provenance/v0.2"
V01 = "https://slsa.dev/provenance/v0.1"
SHA = "1" * 40


def read(predicate_type: str, predicate: object) -> Provenance:
    statement = {"_type": "https://in-toto.io/Statement/v1", "subject": [], "predicateType": predicate_type}
    data = json.dumps(statement | {"predicate": predicate}).encode()
    opened = Opened(Source("f"), "statement", "d", statement=data)
    return read_provenance(opened, read_statement(opened))


ATTEST: dict[str, Any] = {
    "buildDefinition": {
        "buildType": "https://actions.github.io/buildtypes/workflow/v1",
        "externalParameters": {
            "workflow": {
                "repository": "https://github.com/o/r",
                "ref": "refs/heads/main",
                "path": ".github/workflows/w.yml",
            }
        },
        "internalParameters": {"github": {"event_name": "push", "repository_id": "1"}},
        "resolvedDependencies": [
            {"uri": "git+https://github.com/o/r@refs/heads/main", "digest": {"gitCommit": SHA}},
        ],
    },
    "runDetails": {
        "builder": {"id": "https://github.com/o/r/.github/workflows/w.yml@refs/heads/main", "version": {"x": "1"}},
        "metadata": {"invocationId": "run", "startedOn": "2024-01-01T00:00:00Z", "vendor_extra": 1},
        "byproducts": [],
    },
}


def test_v1() -> None:
    provenance = read(V1, ATTEST)
    assert provenance.builder is not None
    assert provenance.builder.id.endswith("w.yml@refs/heads/main")
    assert provenance.external_parameters == (
        Parameter(
            "workflow",
            '{"repository":"https://github.com/o/r","ref":"refs/heads/main","path":".github/workflows/w.yml"}',
        ),
    )
    assert provenance.resolved_dependencies == (
        Dependency("git+https://github.com/o/r@refs/heads/main", (Digest("gitCommit", SHA),)),
    )
    assert (provenance.invocation_id, provenance.started_on, provenance.finished_on) == (
        "run",
        "2024-01-01T00:00:00Z",
        "",
    )
    process = provenance.process
    assert process is not None
    assert (process.recognised, process.source_uri, process.source_ref, process.source_commit) == (
        True,
        "git+https://github.com/o/r",
        "refs/heads/main",
        SHA,
    )
    assert (process.entry_point, process.trigger, process.inputs) == (".github/workflows/w.yml", "push", None)
    assert provenance.parameters_complete is True
    assert (provenance.signature, provenance.signer, provenance.platform, provenance.distributed) == (None,) * 4
    assert (provenance.digest, provenance.notes) == ("d", ())


@pytest.mark.parametrize("predicate", [None, {}, {"buildDefinition": None, "runDetails": {"builder": None}}])
def test_looked_and_found_none(predicate: object) -> None:
    provenance = read(V1, predicate)
    assert provenance.builder is not None
    assert (provenance.builder.id, provenance.build_type, provenance.invocation_id) == ("", "", "")
    assert (provenance.external_parameters, provenance.internal_parameters) == ((), ())
    assert provenance.resolved_dependencies == ()
    assert provenance.parameters_complete is None
    assert provenance.process is not None
    assert provenance.process.recognised is None


def test_v0_2() -> None:
    source = {"uri": "git+https://github.com/o/r@refs/tags/v1", "digest": {"sha1": SHA}}
    predicate = {
        "builder": {"id": "b"},
        "buildType": "https://github.com/slsa-framework/slsa-github-generator/go@v1",
        "invocation": {
            "configSource": source | {"entryPoint": ".github/workflows/w.yml"},
            "parameters": {"p": None},
            "environment": {"github_event_name": "push", "github_sha1": SHA, "github_run_id": 7},
        },
        "buildConfig": {"steps": []},
        "metadata": {
            "buildInvocationID": "7-1",
            "completeness": {"parameters": True, "environment": "false"},
            "reproducible": "true",
        },
        "materials": [source, {"uri": "pkg:x"}],
    }
    provenance = read(V02, predicate)
    assert provenance.external_parameters == (
        Parameter("entryPoint", '".github/workflows/w.yml"'),
        Parameter("source", '"git+https://github.com/o/r@refs/tags/v1"'),
        Parameter("p", "null"),
    )
    assert Parameter("github_run_id", "7") in (provenance.internal_parameters or ())
    assert [one.uri for one in provenance.resolved_dependencies or ()] == [source["uri"], "pkg:x"]
    assert provenance.invocation_id == "7-1"
    assert provenance.process is not None
    assert (provenance.process.recognised, provenance.process.source_ref) == (True, "refs/tags/v1")
    assert provenance.notes == (
        "claimed, with no effect on a level: parameters, reproducible",
        "the predicate has a buildConfig, which v1 does not know",
    )


def test_v0_2_config_source_becomes_a_dependency() -> None:
    predicate = {
        "invocation": {"configSource": {"uri": "git+https://x/y", "entrypoint": "e"}},
        "materials": [{"uri": "m"}],
    }
    provenance = read(V02, predicate)
    assert [one.uri for one in provenance.resolved_dependencies or ()] == ["m", "git+https://x/y"]
    assert Parameter("entryPoint", '"e"') in (provenance.external_parameters or ())


@pytest.mark.parametrize(
    ("index", "source"),
    [(0, "first"), (1, "second"), ("0", "first"), ("-1", None), (-1, None), (2, None), (None, None)],
)
def test_v0_1_defined_in_material(index: object, source: str | None) -> None:
    recipe = {"type": "t", "definedInMaterial": index, "entryPoint": "e", "arguments": ["x"], "environment": {"y": 1}}
    predicate = {"builder": {"id": "b"}, "recipe": recipe, "materials": [{"uri": "first"}, {"uri": "second"}]}
    for predicate_type in (V01, "https://in-toto.io/Provenance/v0.1"):
        provenance = read(predicate_type, predicate)
        named = {one.name: one.value for one in provenance.external_parameters or ()}
        assert named.get("source") == (json.dumps(source) if source else None)
        assert (named["entryPoint"], named["arguments"]) == ('"e"', '["x"]')
        assert provenance.build_type == "t"


@pytest.mark.parametrize("predicate_type", [one for one in VERSIONS if one.startswith((f"{V1}-", f"{V1}."))])
def test_pre_release_types(predicate_type: str) -> None:
    provenance = read(predicate_type, {"buildDefinition": {"systemParameters": {"a": 1}}})
    assert provenance.internal_parameters == (Parameter("a", "1"),)
    assert provenance.notes[0].startswith("pre-release format")


@pytest.mark.parametrize(
    ("predicate_type", "predicate", "place"),
    [
        (V1, [], "f#/predicate"),
        (V1, "x", "f#/predicate"),
        (V1, {"runDetails": {"builder": {"id": 5}}}, "f#/predicate/runDetails/builder/id"),
        (V1, {"runDetails": {"builder": "x"}}, "f#/predicate/runDetails/builder"),
        (V1, {"buildDefinition": {"buildType": {}}}, "f#/predicate/buildDefinition/buildType"),
        (
            V1,
            {"buildDefinition": {"resolvedDependencies": ["x"]}},
            "f#/predicate/buildDefinition/resolvedDependencies/0",
        ),
        (V1, {"runDetails": {"metadata": {"invocationId": 5}}}, "f#/predicate/runDetails/metadata/invocationId"),
        (V02, {"builder": {"id": True}}, "f#/predicate/builder/id"),
        (V02, {"materials": {}}, "f#/predicate/materials"),
        (V02, {"materials": [{"digest": {"sha1": 1}}]}, "f#/predicate/materials/0/digest/sha1"),
        (V02, {"invocation": []}, "f#/predicate/invocation"),
        (V01, {"recipe": {"definedInMaterial": True}}, "f#/predicate/recipe/definedInMaterial"),
        (V01, {"recipe": {"definedInMaterial": 0.5}}, "f#/predicate/recipe/definedInMaterial"),
    ],
)
def test_wrong_types_are_refused_with_pointer(predicate_type: str, predicate: object, place: str) -> None:
    with pytest.raises(InputError) as caught:
        read(predicate_type, predicate)
    assert caught.value.place == place


def test_other_predicates_are_refused() -> None:
    with pytest.raises(InputError, match="not SLSA provenance"):
        read("https://slsa.dev/provenance/v2", {})


@pytest.mark.parametrize(
    ("predicate_type", "kind"),
    [
        (V1, "provenance"),
        (V02, "provenance"),
        (V01, "provenance"),
        ("https://in-toto.io/Provenance/v0.1", "provenance"),
        ("https://slsa.dev/provenance/v1.0?draft", "provenance"),
        ("https://slsa.dev/provenance/v1/", "other"),
        ("https://slsa.dev/provenance/v2", "other"),
        ("https://SLSA.dev/provenance/v1", "other"),
        ("https://slsa.dev/verification_summary/v1", "summary"),
        ("https://github.com/npm/attestation/tree/main/specs/publish/v0.1", "publish"),
        ("https://docs.pypi.org/attestations/publish/v1", "publish"),
        ("https://github.com/npm/attestation/tree/main/specs/publis/v0.1", "other"),
        ("https://spdx.dev/Document", "sbom"),
        ("https://spdx.dev/Document/v2.3", "sbom"),
        ("https://cyclonedx.org/bom", "sbom"),
        ("https://cyclonedx.org/bom/v1.4", "sbom"),
        ("https://cosign.sigstore.dev/attestation/v1", "other"),
        ("", "other"),
    ],
)
def test_kinds(predicate_type: str, kind: str) -> None:
    assert kind_of(predicate_type) == kind


# --- buildTypes -----------------------------------------------------------------------------------------------------


def _attest(**changes: Any) -> dict[str, Any]:
    return ATTEST | {"buildDefinition": ATTEST["buildDefinition"] | changes}


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"resolvedDependencies": []}, "no source repository at dependencies/0/uri"),
        ({"resolvedDependencies": [{"uri": "git+https://github.com/o/r"}]}, "no ref at dependencies/0/uri"),
        ({"resolvedDependencies": [{"uri": "git+https://github.com/o/x@refs/heads/main"}]}, "names two sources"),
        ({"resolvedDependencies": [{"uri": "git+https://github.com/o/r@refs/heads/x"}]}, "names two refs"),
        ({"externalParameters": {}}, "requires external/workflow/path"),
        ({"externalParameters": {"workflow": "x"}}, "requires external/workflow/ref"),
        (
            {
                "externalParameters": {
                    "workflow": {"repository": "https://github.com.evil/o/r", "ref": "r", "path": "p"}
                }
            },
            "is not under",
        ),
    ],
)
def test_a_contradictory_source_is_no_source(changes: dict[str, Any], note: str) -> None:
    provenance = read(V1, _attest(**changes))
    assert provenance.process is not None
    assert (provenance.process.recognised, provenance.process.source_uri) == (False, "")
    assert any(note in one for one in provenance.notes), provenance.notes


def test_two_commits_are_none() -> None:
    environment = {"github_event_name": "push", "github_sha1": "2" * 40}
    source = {"uri": "git+https://github.com/o/r@refs/heads/main", "digest": {"sha1": SHA}}
    predicate = {
        "buildType": "https://github.com/slsa-framework/slsa-github-generator/generic@v1",
        "invocation": {"configSource": source | {"entryPoint": "w"}, "environment": environment},
        "materials": [source],
    }
    provenance = read(V02, predicate)
    assert provenance.process is not None
    assert provenance.process.source_commit == ""
    assert any("more than one source commit" in note for note in provenance.notes)


GCB = {"buildType": "https://cloud.google.com/build/gcb-buildtypes/google-worker/v1"}


@pytest.mark.parametrize(
    ("predicate_type", "predicate", "expected"),
    [
        (
            V01,
            {
                "recipe": {
                    "type": "https://cloudbuild.googleapis.com/GoogleHostedWorker@v0.2",
                    "entryPoint": "cloudbuild.yaml",
                    "arguments": {"steps": [1]},
                },
                "materials": [{"uri": f"https://github.com/o/r/commit/{SHA}"}],
            },
            ("git+https://github.com/o/r", "", SHA, "cloudbuild.yaml", True),
        ),
        (
            V01,
            {
                "recipe": {
                    "type": "https://cloudbuild.googleapis.com/CloudBuildSteps@v0.1",
                    "arguments": {"steps": [1]},
                    "definedInMaterial": "-1",
                },
                "materials": [{"uri": "gs://bucket/source.tgz#123", "digest": {"sha256": "0" * 64}}],
            },
            ("gs://bucket/source.tgz", "", "", "1 steps given with the request", True),
        ),
        (
            V1,
            {
                "buildDefinition": GCB
                | {
                    "externalParameters": {
                        "buildConfigSource": {
                            "path": "c.yaml",
                            "ref": "refs/tags/v2",
                            "repository": "git+https://x.y/o/r",
                        }
                    },
                    "internalParameters": {"systemSubstitutions": {"TAG_NAME": "v2", "COMMIT_SHA": SHA}},
                    "resolvedDependencies": [
                        {"uri": "git+https://x.y/o/r@refs/heads/main", "digest": {"gitCommit": SHA}}
                    ],
                }
            },
            ("git+https://x.y/o/r", "refs/tags/v2", SHA, "c.yaml", True),
        ),
        (
            V1,
            {
                "buildDefinition": {
                    "buildType": "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md",
                    "externalParameters": {
                        "configSource": {
                            "uri": "https://github.com/o/r.git#refs/heads/main:sub",
                            "digest": {"sha1": SHA},
                            "path": "Dockerfile",
                        },
                        "request": {"frontend": "gateway.v0"},
                    },
                }
            },
            ("git+https://github.com/o/r.git", "refs/heads/main", SHA, "Dockerfile", True),
        ),
        (
            V1,
            {
                "buildDefinition": {
                    "buildType": "https://gitlab.com/gitlab-org/gitlab-runner/-/blob/2147fb44/PROVENANCE.md",
                    "externalParameters": {"source": "https://gitlab.com/o/r", "entryPoint": "build-job"},
                    "resolvedDependencies": [{"uri": "https://gitlab.com/o/r", "digest": {"sha256": SHA}}],
                }
            },
            ("git+https://gitlab.com/o/r", "", SHA, "build-job", True),
        ),
        (
            V1,
            {
                "buildDefinition": {
                    "buildType": "https://tekton.dev/chains/v2/slsa",
                    "externalParameters": {"runSpec": {"params": []}, "buildConfigSource": {"path": "p.yaml"}},
                    "resolvedDependencies": [
                        {"uri": "oci://image", "digest": {"sha256": "0" * 64}},
                        {"uri": "git+https://x.y/o/r.git", "digest": {"sha1": SHA}, "name": "inputs/result"},
                    ],
                }
            },
            ("git+https://x.y/o/r.git", "", SHA, "p.yaml", True),
        ),
        (
            V02,
            {
                "buildType": "https://github.com/npm/cli/gha@v1",
                "invocation": {
                    "configSource": {
                        "uri": "git+https://github.com/o/r@refs/heads/main",
                        "entryPoint": "o/r/.github/workflows/w.yml@refs/heads/main",
                    }
                },
                "materials": [{"uri": "git+https://github.com/o/r", "digest": {"sha1": SHA}}],
            },
            ("git+https://github.com/o/r", "refs/heads/main", SHA, ".github/workflows/w.yml", True),
        ),
    ],
    ids=["gcb-commit", "gcb-bucket", "gcb-v1", "buildkit", "gitlab", "tekton", "npm"],
)
def test_build_types(predicate_type: str, predicate: dict[str, Any], expected: tuple[object, ...]) -> None:
    process = read(predicate_type, predicate).process
    assert process is not None
    found = process.source_uri, process.source_ref, process.source_commit, process.entry_point, process.recognised
    assert found == expected


def test_required_parameters() -> None:
    provenance = read(V1, {"buildDefinition": GCB | {"externalParameters": {}}})
    assert provenance.parameters_complete is False


def test_an_unknown_build_type_is_unknown() -> None:
    provenance = read(V1, {"buildDefinition": {"buildType": "https://example.com/t", "externalParameters": {"a": 1}}})
    assert provenance.parameters_complete is None
    assert provenance.process is not None
    assert (provenance.process.recognised, provenance.process.name, provenance.process.inputs) == (None, None, None)


def test_known_by_name_only() -> None:
    process = read(
        V1, {"buildDefinition": {"buildType": "https://docs.cimon.build/provenance/buildtypes/gitlab/v1"}}
    ).process
    assert process is not None
    assert (process.recognised, process.name) == (None, "Cimon on GitLab CI")


def test_the_file_of_build_types() -> None:
    entries = load_build_types()
    assert len(entries) > 20
    for entry in entries:
        assert entry.name
        assert entry.types
        for kind in entry.types:
            sample = kind.replace("*", "0123/x")
            assert isinstance(find(sample, entry.predicate or "v1"), BuildType)
    assert source_is_run("https://actions.github.io/buildtypes/workflow/v1")
    assert not source_is_run("https://mobyproject.org/buildkit@v1")
    assert not source_is_run("https://example.com/")
