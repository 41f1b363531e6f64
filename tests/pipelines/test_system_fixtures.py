"""Whole project folders of our own, for every CI system, with the facts that must be read from them in `expected.yaml`.

`pipelines` and `releases` are all that is found, in order; `jobs` jobs of all pipelines by id, as far as they matter;
`notes_include` texts of notes that must be among a pipeline's or release's; `unreadable` places and reasons.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from pipeline_facts import differences, misplaced, placed, shown

from assess import _yaml
from assess.evidence import Pipeline, Release
from assess.pipelines import SYSTEMS, PipelinesRead, read_pipelines

Reading: TypeAlias = Callable[[Path], PipelinesRead]

FIXTURES = Path(__file__).parent.parent / "fixtures"
NAMES = {system.NAME for system in SYSTEMS}
CASES = sorted(path.parent for path in FIXTURES.glob("*/*/expected.yaml") if path.parent.parent.name in NAMES)
MINIMUM = {
    "github-actions": 10, "gitlab-ci": 10, "cloud-build": 8, "tekton": 8,
    "jenkins": 4, "azure-pipelines": 2, "circleci": 3, "buildkite": 2, "codebuild": 2,
    "bitbucket": 1, "travis": 1, "drone": 2, "woodpecker": 1, "argo-workflows": 1, "harness": 1, "appveyor": 1,
    "cirrus": 1,
}  # fmt: skip


def named(case: Path) -> str:
    return f"{case.parent.name}/{case.name}"


def load(case: Path) -> dict[str, Any]:
    expected = _yaml.plain(_yaml.load((case / "expected.yaml").read_bytes(), "expected.yaml"))
    assert isinstance(expected, dict)
    return expected


def check(found: Pipeline | Release, expected: dict[str, Any], where: str) -> list[str]:
    facts = shown(found)
    if isinstance(found, Pipeline):
        facts["jobs"] = [job.id for job in found.jobs or ()]
    wanted = expected.get("notes_include", [])
    texts = [note.text for note in found.notes]
    missing = [f"{where}: no note {text!r} in {texts}" for text in wanted if text not in texts]
    told = {key: value for key, value in expected.items() if key != "notes_include"}
    return differences(facts, told, where) + missing


@pytest.mark.parametrize("case", CASES, ids=named)
def test_reads_what_the_folder_says(case: Path, reading: Reading) -> None:
    expected = load(case)
    read = reading(case)
    unreadable = [{"source": str(one.source), "reason": one.reason} for one in read.unreadable]
    assert unreadable == expected.get("unreadable", [])
    assert [one.name for one in read.pipelines] == [one["name"] for one in expected["pipelines"]]
    assert len(read.releases) == len(expected["releases"]), [(str(r.source), r.publishes_to) for r in read.releases]
    wrong = []
    for number, pipeline in enumerate(read.pipelines):
        wrong += check(pipeline, expected["pipelines"][number], f"pipelines[{number}]")
    for number, release in enumerate(read.releases):
        wrong += check(release, expected["releases"][number], f"releases[{number}]")
    jobs = {job.id: shown(job) for pipeline in read.pipelines for job in pipeline.jobs or ()}
    for name, job in expected.get("jobs", {}).items():
        wrong += differences(jobs.get(name), job, f"jobs.{name}")
    assert wrong == []


@pytest.mark.parametrize("case", CASES, ids=named)
def test_every_fact_has_its_place(case: Path, reading: Reading) -> None:
    read = reading(case)
    facts = [*read.releases, *(one for pipeline in read.pipelines for one in placed(pipeline))]
    assert facts
    assert misplaced(read, facts) == []


@pytest.mark.parametrize("case", CASES, ids=named)
def test_same_folder_same_facts(case: Path, reading: Reading) -> None:
    assert read_pipelines(case) == reading(case)


@pytest.mark.parametrize("system", MINIMUM)
def test_there_are_fixtures(system: str) -> None:
    assert sum(case.parent.name == system for case in CASES) >= MINIMUM[system]


def test_permissions_and_triggers_of_called_workflows(reading: Reading) -> None:
    read = reading(FIXTURES / "github-actions" / "local-reusable")
    jobs = {job.id: job for job in read.pipelines[0].jobs or ()}
    granted = {name: {(one.scope, one.access) for one in job.permissions or ()} for name, job in jobs.items()}
    assert granted["version"] == {("contents", "read")}
    assert granted["ship/build"] == {("contents", "write"), ("attestations", "write")}
    assert jobs["ship/build"].can_sign is False
    assert granted["ship/publish"] == {("contents", "write"), ("attestations", "write")}
    assert jobs["ship/build"].needs == ("version",)
    assert jobs["ship/publish"].needs == ("ship/build",)
    assert jobs["ship"].builds is True and jobs["ship"].publishes is True
    own = {job.id: job for job in read.pipelines[1].jobs or ()}
    assert own["build"].can_sign is True
    assert own["publish"].permissions is None and own["publish"].can_sign is None
    assert [(one.event, one.trust) for one in read.pipelines[1].triggers or ()] == [("workflow_call", "maintainer")]
    steps = jobs["ship/build"].steps or ()
    assert steps[2].source.path == ".github/actions/pack/action.yml"
    assert steps[2].does == ("build",)


def test_nothing_to_read_is_nothing_found(tmp_path: Path) -> None:
    read = read_pipelines(tmp_path)
    assert (read.pipelines, read.releases, read.unreadable) == ((), (), ())
