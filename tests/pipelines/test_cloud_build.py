"""Cloud Build: where images go, what step images start, and files that are no builds."""

from __future__ import annotations

import pytest

from assess.pipelines import cloud_build, read_pipeline_file
from assess.pipelines._cloudbuild_fields import camel
from assess.pipelines._image_programs import program_of

STEP = "{name: gcr.io/cloud-builders/docker, args: [build, .]}"


@pytest.mark.parametrize(
    ("image", "verified", "level"),
    [
        ("us-docker.pkg.dev/p/r/app", True, "L3"),
        ("us-docker.pkg.dev/p/r/app", False, "L0 (at most L3)"),
        ("$LOCATION-docker.pkg.dev/$PROJECT_ID/r/app", True, "L3"),
        ("${_REGION}-docker.pkg.dev/$PROJECT_ID/r/app", True, "L3"),
        ("gcr.io/p/app", True, "L0"),
        ("eu.gcr.io/p/app", True, "L0"),
        ("docker.io/acme/app", True, "L0"),
        ("acme/app", True, "L0"),
        ("$_REGISTRY/app", True, "L0 (at most L3)"),
        ("notdocker.pkg.dev.example.com/app", True, "L0"),
    ],
)
def test_where_provenance_is_kept(image: str, verified: bool, level: str) -> None:
    options = "options: {requestedVerifyOption: VERIFIED}\n" if verified else ""
    read = read_pipeline_file("cloudbuild.yaml", f"steps: [{STEP}]\nimages: ['{image}']\n{options}".encode())
    (release,) = read.releases
    assert release.provenance is not None
    assert str(release.provenance.level) == level
    assert release.provenance.optional is (False if verified and level == "L3" else not verified)


@pytest.mark.parametrize(
    ("image", "program"),
    [
        ("gcr.io/cloud-builders/npm", "npm"),
        ("gcr.io/cloud-builders/gcloud@sha256:" + "0" * 64, "gcloud"),
        ("us-docker.pkg.dev/cloud-builders/ga/v1/docker", "docker"),
        ("gcr.io/kaniko-project/executor:latest", "kaniko"),
        ("ghcr.io/sigstore/cosign/cosign:v3", "cosign"),
        ("node:22", ""),
        ("docker.io/library/python", ""),
        ("acme/node", None),
        ("gcr.io/google.com/cloudsdktool/cloud-sdk:slim", ""),
        ("$_BUILDER", None),
        ("", None),
    ],
)
def test_what_an_image_starts(image: str, program: str | None) -> None:
    assert program_of(image) == program


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("wait_for", "waitFor"),
        ("secretEnv", "secretEnv"),
        ("_MY_TAG", "_MY_TAG"),
        ("requested_verify_option", "requestedVerifyOption"),
    ],
)
def test_field_names(name: str, written: str) -> None:
    assert camel(name) == written


@pytest.mark.parametrize(
    "text",
    ["", "x", "[]", "steps:", "steps: x", "steps: [x]", "steps: [{}]", "steps: [{name: [a], args: {b: c}}]",
     f"steps: [{STEP}]\nimages: x", f"steps: [{STEP}]\nartifacts: [a]", f"steps: [{STEP}]\noptions: x",
     f"steps: [{STEP}]\navailableSecrets: {{secretManager: x, inline: [x]}}", f"steps: [{STEP}]\nsubstitutions: [a]",
     f"steps: [{STEP}]\nsecrets: x", "kind: CloudBuildTrigger\nspec: x", "kind: CloudBuildTrigger",
     "steps: [{name: a, env: [A, B=c=d], waitFor: [nobody], allowExitCodes: [1], volumes: x}]"],
)  # fmt: skip
def test_odd_shapes_are_told(text: str) -> None:
    found = read_pipeline_file("cloudbuild.yaml", text.encode())
    assert found.pipelines[0].notes or found.pipelines[0].jobs


@pytest.mark.parametrize("text", [b"{", b'{"steps": [', b"\xff", b'{"steps": 1, "steps": 2}'])
def test_odd_json(text: bytes) -> None:
    assert len(read_pipeline_file("cloudbuild.json", text).pipelines) == 1


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        (b"steps:\n- name: gcr.io/cloud-builders/docker\n", True),
        (b'{\n  "steps": [{"name": "gcr.io/kaniko-project/executor"}]}', True),
        (b"steps:\n- script: make\n  displayName: x\n", False),
        (b"apiVersion: tekton.dev/v1\nkind: Task\nspec:\n  steps:\n  - image: gcr.io/kaniko-project/executor\n", False),
        (b"jobs:\n  a:\n    steps:\n    - run: docker push gcr.io/a/b\n", False),
    ],
)
def test_told_by_what_is_in_it(text: bytes, ours: bool) -> None:
    assert cloud_build.sniffs(text) is ours
