"""Systems that are only recognised: what is said outside the steps, and images that start a program by themselves."""

from __future__ import annotations

import pytest

from assess.evidence import Release
from assess.pipelines import PipelinesRead, read_pipeline_file

ARGO = """\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
spec:
  templates:
    - name: a
      container: {image: "%s", args: %s}
"""
HARNESS = """\
pipeline:
  stages:
    - stage:
        identifier: b
        type: CI
        spec:
          runtime: {type: %s, spec: {}}
          execution:
            steps:
              - step: {type: BuildAndPushDockerRegistry, spec: {repo: acme/app}}
          slsa_provenance: {enabled: %s, attestation: {type: cosign, spec: {privateKey: k}}}
"""


def argo(image: str, arguments: str) -> tuple[PipelinesRead, list[str]]:
    read = read_pipeline_file("ci.yaml", (ARGO % (image, arguments)).encode())
    (job,) = read.pipelines[0].jobs or ()
    return read, [act for step in job.steps or () for act in step.does]


@pytest.mark.parametrize(
    ("image", "arguments", "does"),
    [
        ("gcr.io/kaniko-project/executor:v1", "[--destination=acme/app:1]", ["build", "publish"]),
        ("gcr.io/kaniko-project/executor:v1", "[--no-push]", ["build"]),
        ("ghcr.io/sigstore/cosign/cosign:v3", "[sign, --key, k, 'a/b@sha256:1']", ["sign", "key"]),
        ("golang:1.24", "[go, build, .]", ["build"]),
        ("acme/builder", "[all]", ["unread"]),
    ],
)
def test_an_image_without_a_command(image: str, arguments: str, does: list[str]) -> None:
    read, found = argo(image, arguments)
    assert found == does
    told = [note.text for note in read.pipelines[0].notes]
    assert told == (["what the image `acme/builder` does is not known"] if does == ["unread"] else [])


def harness(runtime: str, enabled: str) -> Release:
    (release,) = read_pipeline_file(".harness/p.yaml", (HARNESS % (runtime, enabled)).encode()).releases
    return release


@pytest.mark.parametrize(
    ("runtime", "enabled", "generated", "level"),
    [
        ("Cloud", "true", True, "L2 (at most L3)"),
        ("Kubernetes", "true", True, "L1"),
        ("Cloud", "false", False, "L0"),
        ("Cloud", "<+input>", None, "L0 (at most L3)"),
    ],
)
def test_provenance_by_a_setting_of_the_stage(runtime: str, enabled: str, generated: bool | None, level: str) -> None:
    found = harness(runtime, enabled).provenance
    assert found is not None
    assert (found.generated, str(found.level)) == (generated, level)


def test_circlecis_old_deploy_step_runs_a_command() -> None:
    text = "version: 2\njobs: {build: {docker: [{image: cimg/go}], steps: [{deploy: {command: twine upload x}}]}}\n"
    (pipeline,) = read_pipeline_file(".circleci/config.yml", text.encode()).pipelines
    (job,) = pipeline.jobs or ()
    assert (pipeline.notes, job.publishes) == ((), True)


@pytest.mark.parametrize("task", ["CodeQL3000Init@0", "BuildQualityChecks@9", "gitversion/setup@3"])
def test_azure_tasks_that_only_look(task: str) -> None:
    text = f"pool: {{vmImage: ubuntu-latest}}\nsteps:\n- task: {task}\n- script: go build .\n"
    (pipeline,) = read_pipeline_file("azure-pipelines.yml", text.encode()).pipelines
    assert pipeline.notes == ()


def test_a_script_that_is_not_here_raises_no_recognised_system_above_its_cap() -> None:
    steps = b"  - {name: build, image: golang, commands: [make build, ./release.sh]}\n"
    publish = b"  - {name: publish, image: plugins/github-release, settings: {files: dist/*}}\n"
    read = read_pipeline_file(".drone.yml", b"kind: pipeline\ntype: docker\nname: release\nsteps:\n" + steps + publish)
    levels = [one.provenance.level for one in read.releases if one.provenance is not None]
    assert levels and all(level is not None and level.ceiling == 1 for level in levels)
