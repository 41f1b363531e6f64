"""What Tekton Chains would make of a run, by its configuration and by what the run's results report."""

from __future__ import annotations

import pytest

from assess.evidence import Source
from assess.pipelines import read_pipeline_file
from assess.pipelines._tekton_chains import Chains, Setting, hints, offer
from assess.pipelines._tools import CONTAINER

KMS = "signers.kms.kmsref"


@pytest.mark.parametrize(
    ("results", "covers"),
    [
        (("IMAGE_URL", "IMAGE_DIGEST"), CONTAINER),
        (("app_IMAGE_URL", "app_IMAGE_DIGEST", "other"), CONTAINER),
        (("app_IMAGE_URL", "web_IMAGE_DIGEST"), None),
        (("IMAGE_URL",), None),
        (("IMAGES",), CONTAINER),
        (("MYIMAGES",), None),
        (("jar-ARTIFACT_URI", "jar-ARTIFACT_DIGEST"), "files"),
        (("jar-ARTIFACT_URI",), None),
        (("x-ARTIFACT_OUTPUTS",), "files"),
        (("x-ARTIFACT_INPUTS",), None),
        ((), None),
    ],
)
def test_type_hints(results: tuple[str, ...], covers: str | None) -> None:
    assert hints(results) == covers


def chains(**settings: str) -> Chains:
    place = Source("chains.yaml", 5)
    return Chains(tuple((name.replace("__", "-"), Setting(value, place)) for name, value in settings.items()))


@pytest.mark.parametrize(
    ("settings", "run", "trusted", "exposed", "expected"),
    [
        (None, "taskrun", False, None, ("L0 (at most L2)", None, None, None)),
        (None, "taskrun", True, None, ("L0 (at most L3)", None, None, None)),
        ({}, "taskrun", True, None, ("L2", True, True, False)),
        ({"artifacts.taskrun.storage": "oci"}, "taskrun", True, None, ("L2", True, True, True)),
        ({"artifacts.taskrun.storage": "oci", KMS: "gcpkms://k"}, "taskrun", True, None,
         ("L2 (at most L3)", True, True, True)),
        ({"artifacts.taskrun.storage": "oci", KMS: "gcpkms://k"}, "taskrun", False, None, ("L2", True, True, True)),
        ({"artifacts.taskrun.storage": "oci", KMS: "file:///k"}, "taskrun", True, None, ("L2", True, True, True)),
        ({"artifacts.taskrun.storage": "oci", KMS: "awskms://k"}, "taskrun", True, "privileged",
         ("L2", True, True, True)),
        ({"signers.x509.fulcio.enabled": "true"}, "taskrun", True, None, ("L2 (at most L3)", True, True, False)),
        ({"artifacts.taskrun.storage": ""}, "taskrun", True, None, ("L0", False, False, False)),
        ({"artifacts.taskrun.storage": ""}, "pipelinerun", True, None, ("L2", True, True, False)),
        ({"artifacts.taskrun.signer": "none"}, "taskrun", True, None, ("L1", True, False, False)),
        ({"storage.oci.repository.insecure": "true", "artifacts.taskrun.storage": "oci"}, "taskrun", True, None,
         ("L2", True, True, None)),
    ],
)  # fmt: skip
def test_offers(
    settings: dict[str, str] | None, run: str, trusted: bool, exposed: str | None, expected: tuple[object, ...]
) -> None:
    config = Chains() if settings is None else chains(**settings)
    made, _ = offer(config, run, CONTAINER, trusted, exposed)
    assert (str(made.level), made.generated, made.signed, made.distributed) == expected
    assert made.control_plane and made.authored_by_tenant is False
    assert made.isolated is (None if exposed is None else False)


def test_what_speaks_against_it_has_its_place() -> None:
    config = chains(**{"artifacts.taskrun.signer": "none"})
    assert offer(config, "taskrun", CONTAINER, False, None)[1] == Setting("none", Source("chains.yaml", 5))


HEAD = "apiVersion: tekton.dev/v1\nkind: {kind}\nmetadata: {{name: x}}\nspec: {spec}\n"


@pytest.mark.parametrize("kind", ["Task", "Pipeline", "PipelineRun", "TaskRun", "StepAction"])
@pytest.mark.parametrize(
    "spec",
    ["", "x", "[a]", "{steps: x}", "{steps: [x, {}]}", "{tasks: x}", "{tasks: [x, {}, {name: a, taskRef: x}]}",
     "{pipelineSpec: x}", "{pipelineRef: x}", "{pipelineRef: {resolver: git, params: x}}", "{taskRef: {name: [a]}}",
     "{taskSpec: {steps: [{image: a, script: {a: b}}]}}", "{params: x, workspaces: [x], results: {a: b}}",
     "{tasks: [{name: a, taskSpec: {steps: []}, matrix: {params: [{value: x}]}, when: [x], workspaces: [x]}]}",
     "{steps: [{ref: {name: x}}, {image: a, env: [x], envFrom: x, securityContext: x}], volumes: [x], sidecars: [x]}"],
)  # fmt: skip
def test_odd_shapes_are_told(kind: str, spec: str) -> None:
    found = read_pipeline_file(".tekton/x.yaml", HEAD.format(kind=kind, spec=spec).encode())
    assert found.pipelines[0].understood in {"partly", "unreadable", "fully"}
    assert found.pipelines[0].jobs or found.pipelines[0].notes


@pytest.mark.parametrize(
    ("annotation", "events"),
    [
        ('on-event: "[push, pull_request]"', ["push", "pull_request"]),
        ("on-event: push", ["push"]),
        ("on-cel-expression: event == 'push' && target_branch == 'main'", ["push"]),
        ("on-cel-expression: '\"pull_request\" == event'", ["pull_request"]),
        ("on-cel-expression: event != 'push'", ["push", "pull_request"]),
        ("on-cel-expression: files.all.exists(x, x.matches('a'))", ["push", "pull_request"]),
        ("on-comment: ^/go", ["comment"]),
        ("max-keep-runs: 3", []),
    ],
)
def test_who_can_start_a_run(annotation: str, events: list[str]) -> None:
    text = HEAD.format(kind="PipelineRun", spec="{pipelineRef: {name: p}}").replace(
        "{name: x}", "\n  name: x\n  annotations:\n    pipelinesascode.tekton.dev/" + annotation
    )
    found = read_pipeline_file(".tekton/x.yaml", text.encode()).pipelines[0]
    assert [one.event for one in found.triggers or ()] == events
