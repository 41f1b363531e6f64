"""Whole project folders of our own, with the facts that must be read from them in `expected.yaml` beside them."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

from assess import _yaml
from assess.evidence import Interval, Pipeline, Release, Source
from assess.pipelines import read_pipelines

FIXTURES = Path(__file__).parent.parent / "fixtures" / "github-actions"
CASES = sorted(path.parent for path in FIXTURES.glob("*/expected.yaml"))


def shown(value: object) -> object:
    """A fact in the words of expected.yaml."""
    if isinstance(value, Source | Interval):
        return str(value)
    if is_dataclass(value):
        return {one.name: shown(getattr(value, one.name)) for one in fields(value)}
    return [shown(one) for one in value] if isinstance(value, tuple) else value


def compare(found: object, expected: object, where: str) -> list[str]:
    """Every expected field that differs; fields that are not expected may be anything."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return [line for key, value in expected.items() for line in compare(found.get(key), value, f"{where}.{key}")]
    return [] if found == expected else [f"{where}: got {found!r}, expected {expected!r}"]


def check(found: Pipeline | Release, expected: dict[str, object], where: str) -> list[str]:
    facts = shown(found)
    assert isinstance(facts, dict)
    if isinstance(found, Pipeline):
        facts["jobs"] = [job.id for job in found.jobs or ()]
    wanted = expected.pop("notes_include", [])
    texts = [note.text for note in found.notes]
    missing = [f"{where}: no note {text!r} in {texts}" for text in wanted if text not in texts]
    return compare(facts, expected, where) + missing


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_reads_what_the_folder_says(case: Path) -> None:
    expected = _yaml.plain(_yaml.load((case / "expected.yaml").read_bytes(), "expected.yaml"))
    assert isinstance(expected, dict)
    read = read_pipelines(case)
    assert read.unreadable == ()
    assert [one.name for one in read.pipelines] == [one["name"] for one in expected["pipelines"]]
    assert len(read.releases) == len(expected["releases"]), [str(one.source) for one in read.releases]
    wrong = []
    for kind, found in (("pipelines", read.pipelines), ("releases", read.releases)):
        for number, one in enumerate(found):
            wrong += check(one, expected[kind][number], f"{kind}[{number}]")
    assert wrong == []


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_every_fact_has_its_place(case: Path) -> None:
    read = read_pipelines(case)
    for pipeline in read.pipelines:
        places = [pipeline.source, *(one.source for one in pipeline.triggers or ())]
        for job in pipeline.jobs or ():
            places += [job.source, *(step.source for step in job.steps or ())]
        places += [one.source for one in (*pipeline.notes, *read.releases)]
        for place in places:
            lines = (case / place.path).read_text().split("\n")
            assert place.line is not None and 1 <= place.line <= len(lines), place
            assert lines[place.line - 1].strip(), place


def test_there_are_fixtures() -> None:
    assert len(CASES) >= 10


def test_permissions_and_triggers() -> None:
    read = read_pipelines(FIXTURES / "local-reusable")
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
