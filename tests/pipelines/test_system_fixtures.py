"""Whole project folders of our own, for every CI system, with the facts that must be read from them in `expected.yaml`.

`pipelines` and `releases` are all that is found, in order; `jobs` jobs of all pipelines by id, as far as they matter;
`notes_include` texts of notes that must be among a pipeline's or release's; `unreadable` places and reasons.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from test_corpus_expectations import differences, shown

from assess import _yaml
from assess.evidence import Pipeline, Release
from assess.pipelines import SYSTEMS, PipelinesRead, read_pipelines

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
def test_reads_what_the_folder_says(case: Path) -> None:
    expected = load(case)
    read = read_pipelines(case)
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


def places(read: PipelinesRead) -> list[Any]:
    found: list[Any] = [*read.releases]
    for pipeline in read.pipelines:
        found += [pipeline, *(pipeline.triggers or ()), *pipeline.notes]
        found += [*(pipeline.includes or ()), *(pipeline.parameters or ())]
        for job in pipeline.jobs or ():
            found += [job, *(job.steps or ()), *(job.identities or ()), *(job.secrets or ())]
            found += [*(job.cache_uses or ()), *(job.images or ()), *(job.takes or ())]
    return found


@pytest.mark.parametrize("case", CASES, ids=named)
def test_every_fact_has_its_place(case: Path) -> None:
    for fact in places(read_pipelines(case)):
        place = fact.source
        lines = (case / place.path).read_text().split("\n")
        assert place.line is not None and 1 <= place.line <= len(lines), fact
        assert lines[place.line - 1].strip(), fact


@pytest.mark.parametrize("case", CASES, ids=named)
def test_same_folder_same_facts(case: Path) -> None:
    assert read_pipelines(case) == read_pipelines(case)


@pytest.mark.parametrize("system", MINIMUM)
def test_there_are_fixtures(system: str) -> None:
    assert sum(case.parent.name == system for case in CASES) >= MINIMUM[system]
