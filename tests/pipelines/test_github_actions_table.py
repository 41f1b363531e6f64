"""Widely used actions: what each is known to do, told by the step that uses it."""

from __future__ import annotations

import pytest

from assess.evidence import Job, Step
from assess.pipelines import read_pipeline_file
from assess.pipelines._actions import HARMLESS, PLAIN


def step(uses: str, inputs: str = "{}") -> tuple[Job, Step]:
    text = f"on: push\njobs: {{a: {{runs-on: ubuntu-latest, steps: [{{uses: {uses}, with: {inputs}}}]}}}}"
    read = read_pipeline_file(".github/workflows/x.yml", text.encode())
    (pipeline,) = read.pipelines
    assert pipeline.notes == ()
    (job,) = pipeline.jobs or ()
    (found,) = job.steps or ()
    return job, found


@pytest.mark.parametrize(
    ("uses", "does"),
    [
        ("actions/upload-artifact/merge@v4", ("download", "upload")),
        ("CycloneDX/gh-node-module-generatebom@v1", ("sbom",)),
        ("AButler/upload-release-assets@v3.0", ("publish",)),
        ("elgohr/Publish-Docker-Github-Action@v5", ("build", "publish")),
        ("snapcore/action-build@v1", ("build",)),
        ("snapcore/action-publish@v1", ("publish",)),
        ("azure/trusted-signing-action@v0", ("sign",)),
        ("signpath/github-action-submit-signing-request@v1", ("sign",)),
        ("apple-actions/import-codesign-certs@v3", ("key",)),
        ("wagoid/commitlint-action@v6", ("code",)),
        ("shivammathur/setup-php@v2", ()),
        ("webfactory/ssh-agent@v0.9.0", ()),
        ("taiki-e/install-action@v2", ()),
    ],
)
def test_what_an_action_does(uses: str, does: tuple[str, ...]) -> None:
    assert step(uses)[1].does == does


@pytest.mark.parametrize(
    ("uses", "inputs", "restores"),
    [
        ("lukka/get-cmake@v3", "{}", None),
        ("lukka/get-cmake@v3", "{useCloudCache: false}", False),
        ("msys2/setup-msys2@v2", "{cache: false}", False),
        ("ocaml/setup-ocaml@v3", "{}", True),
        ("r-lib/actions/setup-r-dependencies@v2", "{cache: false}", False),
        ("terraform-linters/setup-tflint@v4", "{cache: true}", True),
        ("houseabsolute/actions-rust-cross@v1", "{}", None),
    ],
)
def test_what_an_action_restores(uses: str, inputs: str, restores: bool | None) -> None:
    assert step(uses, inputs)[0].caches is restores


def test_the_text_that_an_action_runs_is_read() -> None:
    text = "{script: ./gradlew assemble && gh release upload v1 app.apk}"
    assert {"build", "publish"} <= set(step("reactivecircus/android-emulator-runner@v2", text)[1].does)


def test_no_action_stands_in_both_tables() -> None:
    assert not HARMLESS & PLAIN.keys()
    assert all(name == name.lower() for name in (*HARMLESS, *PLAIN))


@pytest.mark.parametrize(
    ("inputs", "does"),
    [
        ("{PUSH: true, Tags: ghcr.io/a/b, Provenance: false}", ("build", "provenance-off", "publish")),
        ("{Push: false}", ("build",)),
    ],
)
def test_names_of_inputs_are_the_same_in_capitals(inputs: str, does: tuple[str, ...]) -> None:
    assert step("docker/build-push-action@v6", inputs)[1].does == does
