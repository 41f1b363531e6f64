"""The labelled set: who calls slsa-github-generator is always recognised, however it is written, and nobody else is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from assess.evidence import Pipeline, Step
from assess.pipelines import PipelinesRead, read_pipeline_file

REPOSITORY = "slsa-framework/slsa-github-generator/.github/workflows"
FILES = (
    "builder_go_slsa3.yml",
    "builder_container-based_slsa3.yml",
    "builder_docker-based_slsa3.yml",
    "builder_nodejs_slsa3.yml",
    "builder_maven_slsa3.yml",
    "builder_gradle_slsa3.yml",
    "builder_bazel_slsa3.yml",
    "generator_generic_slsa3.yml",
    "generator_container_slsa3.yml",
    "delegator_generic_slsa3.yml",
    "delegator_lowperms-generic_slsa3.yml",
)
CALL = re.compile(
    r"""^[^#\n]*?\buses["']?\s*:\s*["']?(slsa-framework/slsa-github-generator/\.github/workflows/"""
    r"""(?:builder|generator|delegator)_[\w.-]+@[^\s'"#,}]+)""",
    re.MULTILINE | re.IGNORECASE,
)
"""What a text search finds, without knowing YAML."""


def read(text: str) -> PipelinesRead:
    return read_pipeline_file(".github/workflows/x.yml", text.encode())


def called(pipeline: Pipeline) -> list[Step]:
    """The steps that are calls of reusable workflows."""
    return [step for job in pipeline.jobs or () for step in job.steps or () if step.uses and step.uses == job.calls]


def workflow(uses: str, *, top: str = "", extra: str = "") -> str:
    return (
        f"on: {{push: {{tags: ['v*']}}}}\n{top}jobs:\n  build:\n    runs-on: ubuntu-latest\n"
        f"    steps: [{{run: go build ./...}}, {{run: gh release upload v1 x}}]\n"
        f"  provenance:\n    needs: build\n    permissions: {{id-token: write, contents: write, actions: read}}\n"
        f"{extra}    uses: {uses}\n"
    )


@pytest.mark.parametrize("file", FILES)
def test_every_file_at_a_release_tag(file: str) -> None:
    text = workflow(f"{REPOSITORY}/{file}@v2.1.0")
    found = read(text.replace("gh release upload v1 x", "docker push ghcr.io/a/b") if "container_" in file else text)
    (step,) = called(found.pipelines[0])
    assert step.does[-1] in {"attest", "publish"} and "attest" in step.does and step.pinned == "tag"
    (release,) = found.releases
    assert release.provenance is not None
    assert release.provenance.generator == f"slsa-github-generator/{file}"
    assert str(release.provenance.level) == "L3"
    assert release.unpinned == ()
    assert release.hosted is True


@pytest.mark.parametrize(
    "uses",
    [
        f'"{REPOSITORY}/builder_go_slsa3.yml@v2.1.0"',
        f"'{REPOSITORY}/builder_go_slsa3.yml@v2.1.0'  # a comment",
        "SLSA-Framework/SLSA-GitHub-Generator/.github/workflows/builder_go_slsa3.yml@v2.1.0",
        f">-\n      {REPOSITORY}/builder_go_slsa3.yml@v2.1.0",
        f"|\n      {REPOSITORY}/builder_go_slsa3.yml@v2.1.0",
        f"&generator {REPOSITORY}/builder_go_slsa3.yml@v2.1.0",
        f"!!str {REPOSITORY}/builder_go_slsa3.yml@v2.1.0",
        f"{REPOSITORY}/builder_go_slsa3.yaml@v2.1.0",
        f"{REPOSITORY}/builder_go_slsa3.yml@refs/tags/v2.1.0",
    ],
)
def test_however_it_is_written(uses: str) -> None:
    found = read(workflow(uses))
    assert found.releases[0].provenance is not None
    assert found.releases[0].provenance.generator == "slsa-github-generator/builder_go_slsa3.yml"
    assert str(found.releases[0].provenance.level) == "L3"


def test_through_anchors_merges_and_a_matrix() -> None:
    text = f"""
on: {{push: {{tags: ['v*']}}}}
jobs:
  one: &base
    permissions: {{id-token: write, contents: write, actions: read}}
    uses: {REPOSITORY}/builder_go_slsa3.yml@v2.1.0
    strategy: {{matrix: {{os: [linux, windows], arch: [amd64, arm64]}}}}
    with: {{go-version: '1.22', config-file: ".slsa-goreleaser/${{{{ matrix.os }}}}.yml"}}
  two: *base
  three:
    <<: *base
    with: {{upload-assets: false}}
"""
    found = read(text)
    jobs = {job.id: job for job in found.pipelines[0].jobs or ()}
    assert {name: job.attests for name, job in jobs.items()} == {"one": True, "two": True, "three": True}
    assert jobs["one"].variants == 4
    assert [job.publishes for job in jobs.values()] == [True, True, False]


@pytest.mark.parametrize(
    ("ref", "pinned", "level", "note"),
    [
        ("main", "branch", "L1", "full release tags"),
        ("refs/heads/main", "branch", "L1", "full release tags"),
        ("refs/heads/v2.1.0", "branch", "L1", "full release tags"),
        ("v2", "tag", "L1", "full release tags"),
        ("v2.1", "tag", "L1", "full release tags"),
        ("v2.1.0-rc.0", "tag", "L1", "full release tags"),
        ("f7dd8c54c2067bafc12ca7a55595d5ee9b75204a", "digest", "L0 (at most L1)", "at a digest"),
        ("F7DD8C54C2067BAFC12CA7A55595D5EE9B75204A", "digest", "L0 (at most L1)", "at a digest"),
        ("v1.9.1", "tag", "L3", "no longer work"),
    ],
)
def test_refs_that_its_verifier_refuses_are_flagged(ref: str, pinned: str, level: str, note: str) -> None:
    found = read(workflow(f"{REPOSITORY}/generator_generic_slsa3.yml@{ref}"))
    (step,) = called(found.pipelines[0])
    (release,) = found.releases
    assert step.pinned == pinned
    assert release.provenance is not None and str(release.provenance.level) == level
    assert any(note in one.text for one in release.notes), release.notes
    assert bool(release.unpinned) == (pinned == "branch")


@pytest.mark.parametrize(
    "uses",
    [
        "attacker/slsa-github-generator/.github/workflows/generator_generic_slsa3.yml@v2.1.0",
        "slsa-framework-x/slsa-github-generator/.github/workflows/generator_generic_slsa3.yml@v2.1.0",
        "slsa-framework/slsa-github-generator-x/.github/workflows/generator_generic_slsa3.yml@v2.1.0",
        "x-slsa-framework/slsa-github-generator/.github/workflows/generator_generic_slsa3.yml@v2.1.0",
        "slsa-framewor\u212a/slsa-github-generator/.github/workflows/generator_generic_slsa3.yml@v2.1.0",
        "\u017flsa-framework/slsa-github-generator/.github/workflows/generator_generic_slsa3.yml@v2.1.0",
        "slsa-framework/slsa-github-generator/.github/workflows/../x/generator_generic_slsa3.yml@v2.1.0",
        "evil/x/slsa-framework/slsa-github-generator/.github/workflows/generator_generic_slsa3.yml@v2.1.0",
        "./.github/workflows/generator_generic_slsa3.yml",
    ],
)
def test_look_alikes_are_not_recognised(uses: str) -> None:
    found = read(workflow(uses))
    assert all("attest" not in step.does for step in called(found.pipelines[0]))
    for release in found.releases:
        assert release.provenance is not None
        assert release.provenance.generator is None and release.provenance.generated is None
        assert release.provenance.level is None
    assert found.pipelines[0].understood == "partly"


def test_a_comment_is_no_call() -> None:
    found = read(workflow(f"attacker/x/.github/workflows/y.yml@v1  # {REPOSITORY}/generator_generic_slsa3.yml@v2.1.0"))
    assert all("attest" not in step.does for step in called(found.pipelines[0]))


@pytest.mark.corpus
def test_all_calls_of_the_corpus_are_recognised(corpus: Path) -> None:
    files = [*(corpus / "pipelines").rglob("*.y*ml"), *(corpus / "pipelines_testdata").rglob("*.y*ml")]
    seen = flagged = 0
    for path in sorted(files):
        text = path.read_bytes().decode("utf-8", "replace")
        calls = CALL.findall(text)
        if not calls:
            continue
        found = read_pipeline_file(".github/workflows/x.yml", text.encode())
        if found.pipelines[0].understood == "unreadable":
            continue
        steps = [step for job in found.pipelines[0].jobs or () for step in job.steps or ()]
        for uses in calls:
            own = [step for step in steps if step.uses == uses]
            assert own and all("attest" in step.does for step in own), f"{path}: {uses}"
            tag = re.search(r"@v\d+\.\d+\.\d+$", uses) is not None
            assert all((step.pinned == "tag") is tag or not tag for step in own)
            notes = " ".join(note.text for note in found.pipelines[0].notes)
            generators = [one.provenance.generator for one in found.releases if one.provenance is not None]
            if not tag and generators:
                flagged += 1
                told = [note.text for release in found.releases for note in release.notes]
                assert "full release tags" in " ".join(told) + notes or "at a digest" in " ".join(told) + notes, path
            seen += 1
    print(f"\n{seen} calls of slsa-github-generator, {flagged} of them not at a release tag")
    assert seen >= 45
