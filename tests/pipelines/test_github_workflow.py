"""One workflow at a time: labels, pins, permissions, triggers, and files that cannot or can only partly be read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from assess.evidence import Job, Pipeline
from assess.pipelines import read_pipeline_file, read_pipelines
from assess.pipelines._uses import pin

PATH = ".github/workflows/x.yml"


def one(text: str) -> Pipeline:
    read = read_pipeline_file(PATH, text.encode())
    assert read.unreadable == ()
    return read.pipelines[0]


def job(body: str, top: str = "on: push") -> Job:
    lines = "\n".join("    " + line for line in body.strip("\n").split("\n"))
    return (one(f"{top}\njobs:\n  a:\n{lines}\n").jobs or ())[0]


@pytest.mark.parametrize(
    ("runs_on", "kind"),
    [
        ("ubuntu-latest", "hosted"),
        ("Ubuntu-24.04", "hosted"),
        ("[windows-2022]", "hosted"),
        ("macos-14-xlarge", "hosted"),
        ("ubuntu-24.04-arm", "hosted"),
        ("ubuntu-latest-16-cores", "unknown"),
        ("my-runner", "unknown"),
        ("[ubuntu-latest, gpu]", "unknown"),
        ("{group: large}", "unknown"),
        ("{group: large, labels: [self-hosted]}", "self-hosted"),
        ("[self-hosted, linux]", "self-hosted"),
        ("self-hosted", "self-hosted"),
        ("blacksmith-4vcpu-ubuntu-2204", "self-hosted"),
        ("buildjet-4vcpu-ubuntu-2204", "self-hosted"),
        ('"runs-on=${{ github.run_id }}/cpu=4"', "self-hosted"),
        ("${{ vars.RUNNER }}", None),
        ("${{ 'ubuntu-latest' }}", "hosted"),
        ("${{ github.ref == 'x' && 'ubuntu-latest' || 'macos-14' }}", "hosted"),
        ("${{ github.ref == 'x' && 'self-hosted' || 'macos-14' }}", "self-hosted"),
        ("${{ fromJSON(inputs.runner) }}", None),
        ("${{ matrix.os }}", "hosted"),
        ("${{ matrix.os }}-latest", "unknown"),
        ("${{ matrix.short }}-latest", "hosted"),
        ("${{ matrix.deep.os }}", "self-hosted"),
        ("${{ matrix.from }}", None),
        ("${{ matrix.absent }}", None),
    ],
)
def test_runner(runs_on: str, kind: str | None) -> None:
    matrix = (
        "strategy:\n  matrix:\n    os: [ubuntu-24.04, windows-2022]\n    short: [ubuntu, macos]\n"
        "    deep: [{os: ubuntu-latest}, {os: self-hosted}]\n    from: ${{ fromJSON(needs.a.outputs.m) }}\n"
    )
    assert job(f"{matrix}runs-on: {runs_on}\nsteps: [{{run: true}}]").runner == kind


@pytest.mark.parametrize(
    ("uses", "expected"),
    [
        ("a/b@" + "0" * 40, "digest"),
        ("a/b@" + "0" * 64, "digest"),
        ("a/b@" + "0" * 39, "branch"),
        ("a/b@v4", "tag"),
        ("a/b/c@1.2.3", "tag"),
        ("a/b@v1.2.3-rc.1", "tag"),
        ("a/b@main", "branch"),
        ("a/b@release/v1", "branch"),
        ("a/b@HEAD", "branch"),
        ("a/b", "unknown"),
        ("a/b@${{ inputs.ref }}", "unknown"),
        ("./x", "local"),
        ("$/x", "local"),
        ("docker://alpine@sha256:" + "0" * 64, "digest"),
        ("docker://alpine:3.20", "tag"),
        ("docker://host:5000/alpine", "branch"),
        ("docker://alpine:latest", "branch"),
    ],
)
def test_pin(uses: str, expected: str) -> None:
    assert pin(uses) == expected


@pytest.mark.parametrize(
    ("top", "own", "granted", "can_sign"),
    [
        ("", "", None, False),
        ("permissions: {}", "", set(), False),
        ("permissions: read-all", "", {("all", "read")}, False),
        ("permissions: write-all", "", {("all", "write")}, True),
        ("permissions: {id-token: write}", "", {("id-token", "write")}, True),
        ("permissions: {id-token: write}", "permissions: {contents: read}", {("contents", "read")}, False),
        ("permissions: read-all", "permissions: {id-token: write, actions: none}", {("id-token", "write")}, True),
    ],
)
def test_permissions(top: str, own: str, granted: set[tuple[str, str]] | None, can_sign: bool) -> None:
    found = job(f"{own}\nruns-on: ubuntu-latest\nsteps: [{{run: true}}]", f"on: push\n{top}")
    assert (None if found.permissions is None else {(p.scope, p.access) for p in found.permissions}) == granted
    assert found.can_sign is can_sign


@pytest.mark.parametrize("text", ["on: push", '"on": push', "on: [push]", "on:\n  push:", "'on': {push: {tags: [v1]}}"])
def test_on_is_never_true(text: str) -> None:
    triggers = one(f"{text}\njobs: {{a: {{runs-on: ubuntu-latest, steps: [{{run: true}}]}}}}").triggers or ()
    assert [(trigger.event, trigger.trust) for trigger in triggers] == [("push", "maintainer")]


def test_trust_of_triggers() -> None:
    found = one("on: [push, pull_request, pull_request_target, workflow_run, issue_comment]\njobs: {}").triggers or ()
    assert [one.trust for one in found] == ["maintainer", "contributor", "anyone", "anyone", "anyone"]


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("on: push\njobs: {}", "the workflow has no jobs"),
        ("on: push", "the workflow has no jobs"),
        ("on: push\njobs:", "the workflow has no jobs"),
        ("on: push\njobs: [a]", "the workflow has no jobs"),
        ("jobs: {a: {runs-on: ubuntu-latest, steps: [{run: true}]}}", "the workflow names no trigger (`on`)"),
        ("on: push\njobs: {a: 3}", "job 'a' is not a mapping"),
        ("on: push\njobs: {a: {runs-on: ubuntu-latest}}", "job 'a' has no steps"),
        ("on: push\njobs: {a: {steps: [{run: true}]}}", "the job names no runner"),
        ("on: push\nfoo: 1\njobs: {a: {steps: [{run: true}]}}", "unknown key 'foo' of the workflow"),
        ("on: push\njobs: {a: {steps: [{run: true, foo: 1}]}}", "unknown key 'foo' of the step"),
        ("on: push\njobs: {a: {steps: [7]}}", "a step is not a mapping"),
        ("on: push\non: pull_request\njobs: {a: {steps: [{run: true}]}}", "duplicate key 'on'"),
        ("on: push\njobs: {a: {steps: [{uses: ./x}]}}", "the local action `./x` was not found here"),
        ("on: push\njobs: {a: {steps: [{uses: who/knows@v1}]}}", "what `who/knows` does is not known"),
        (
            "on: push\njobs: {a: {uses: ./.github/workflows/y.yml}}",
            "the called workflow `./.github/workflows/y.yml` was not found here",
        ),
        ("on: push\njobs: {a: {uses: a/b/.github/workflows/y.yml@v1}}",
         "what the reusable workflow `a/b/.github/workflows/y.yml` does is not known"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_noted(text: str, note: str) -> None:
    pipeline = one(text)
    assert pipeline.understood == "partly"
    assert note in [found.text for found in pipeline.notes]
    assert all(found.source.line for found in pipeline.notes)


def test_unknown_contents_make_fields_unknown() -> None:
    found = job("runs-on: ubuntu-latest\nsteps: [{uses: who/knows@v1}, {run: go build}]")
    assert (found.builds, found.publishes, found.attests, found.signs, found.caches) == (True, None, None, None, None)
    known = job("runs-on: ubuntu-latest\nsteps: [{uses: actions/checkout@v5}, {run: go build}]")
    assert (known.builds, known.publishes, known.attests, known.signs, known.caches) == (
        True,
        False,
        False,
        False,
        False,
    )


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the workflow is empty"),
        (b"- a\n- b\n", "not a workflow (got a sequence, expected one mapping)"),
        (b"on: push\n---\non: push\n", "not a workflow (got 2 documents, expected one mapping)"),
        (b"on: [push\njobs: {}\n", "not YAML (did not find expected ',' or ']')"),
        (b"\x7fELF\x00\x01", "binary file (got a NUL character, expected YAML text)"),
        (b"[" * 100_000, "nested too deeply (expected at most 100 levels)"),
    ],
)
def test_unreadable_is_said(data: bytes, reason: str) -> None:
    read = read_pipeline_file(PATH, data)
    assert [one.reason for one in read.unreadable] == [reason]
    assert read.pipelines[0].understood == "unreadable"
    assert read.pipelines[0].jobs is None and read.pipelines[0].triggers is None
    assert [one.text for one in read.pipelines[0].notes] == [reason]


def test_place_of_an_unreadable_line() -> None:
    source = read_pipeline_file(PATH, b"on: push\njobs:\n  a: [\n").unreadable[0].source
    assert (source.path, source.line) == (PATH, 4)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "in" / ".github" / "workflows").mkdir(parents=True)
    return tmp_path / "in"


def write(project: Path, name: str, text: str) -> None:
    place = project / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)


def test_nothing_outside_the_folder_is_read(project: Path) -> None:
    outside = project.parent / "outside"
    outside.mkdir()
    (outside / "action.yml").write_text("runs: {using: composite, steps: [{run: gh release create v1}]}")
    (project / "link").symlink_to(outside)
    os.symlink(outside / "action.yml", project / PATH)
    steps = "[{uses: ./../outside}, {uses: ./link}, {uses: ./a/../../outside}]"
    write(project, ".github/workflows/y.yml", f"on: push\njobs: {{a: {{runs-on: ubuntu-latest, steps: {steps}}}}}")
    read = read_pipelines(project)
    assert [(one.source.path, one.reason) for one in read.unreadable] == [
        (PATH, "a link leads out of the project's folder, so it was not followed")
    ]
    assert [one.understood for one in read.pipelines] == ["unreadable", "partly"]
    assert read.releases == ()
    assert (read.pipelines[1].jobs or ())[0].publishes is None


def test_no_plain_file(project: Path) -> None:
    os.mkfifo(project / PATH)
    (project / ".github/workflows/folder.yml").mkdir()
    (project / ".github/workflows/gone.yml").symlink_to("nowhere.yml")
    read = read_pipelines(project)
    assert {one.reason for one in read.unreadable} == {"not a plain file", "the file is not there (a link to nothing?)"}
    assert len(read.unreadable) == 3


def test_workflows_and_actions_that_call_themselves(project: Path) -> None:
    text = "on: workflow_call\njobs: {a: {uses: ./.github/workflows/x.yml}, b: {uses: ./.github/workflows/x.yml}}"
    write(project, PATH, text)
    write(project, "loop/action.yml", "runs: {using: composite, steps: [{uses: ./loop}, {uses: ./loop}]}")
    steps = "on: push\njobs: {a: {runs-on: ubuntu-latest, steps: [{uses: ./loop}]}}"
    write(project, ".github/workflows/y.yml", steps)
    read = read_pipelines(project)
    assert [one.understood for one in read.pipelines] == ["partly", "partly"]
    assert len(read.pipelines[0].jobs or ()) <= 1_001
    assert any("nested too deeply" in note.text for note in read.pipelines[1].notes)


def test_a_thousand_jobs_that_need_each_other(project: Path) -> None:
    names = ", ".join(f"j{n}" for n in range(400))
    jobs = "".join(
        f"  j{n}: {{runs-on: ubuntu-latest, needs: *all, steps: [{{run: gh release create v}}]}}\n"
        for n in range(1, 240)
    )
    first = f"  j0: {{runs-on: ubuntu-latest, needs: &all [{names}], steps: [{{run: gh release create v}}]}}\n"
    read = read_pipeline_file(PATH, f"on: push\njobs:\n{first}{jobs}".encode())
    assert len(read.releases) == 1
    assert len(read.releases[0].jobs) == 240
