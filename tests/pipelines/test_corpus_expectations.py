"""Real pipelines of the corpus, each read by a person first: what must be found in them, with the lines.

Each file below `corpus_expectations/<system>/` names a file of the corpus and its project's folder, and what is in it.
A mapping holds the fields that matter, `line` is the line of a fact's place, a list holds all items in order;
`elsewhere` says that the fact's place is in another file.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pipeline_facts import differences, shown

from assess import _yaml
from assess.evidence import Pipeline
from assess.pipelines import PipelinesRead, read_pipeline_file

pytestmark = pytest.mark.corpus

CASES = sorted((Path(__file__).parent / "corpus_expectations").glob("*/*.yaml"))


def load(case: Path) -> dict[str, Any]:
    expected = _yaml.plain(_yaml.load(case.read_bytes(), case.name))
    assert isinstance(expected, dict)
    return expected


def read(
    corpus: Path, expected: dict[str, Any], reading: Callable[[Path], PipelinesRead]
) -> tuple[PipelinesRead, Pipeline]:
    """The project's reading, and the pipeline that the expectations are about."""
    whole = corpus / expected["file"]
    if "folder" in expected:
        folder = corpus / expected["folder"]
        found, name = reading(folder), whole.relative_to(folder).as_posix()
    else:
        name = expected.get("as", whole.name)
        found = read_pipeline_file(name, whole.read_bytes())
    return found, next(one for one in found.pipelines if one.source.path == name)


@pytest.mark.parametrize("case", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_read_as_a_person_did(corpus: Path, case: Path, reading: Callable[[Path], PipelinesRead]) -> None:
    expected = load(case)
    found, pipeline = read(corpus, expected, reading)
    facts = shown(pipeline)
    wrong = differences(facts, expected.get("pipeline", {}), "pipeline")
    jobs = {job["id"]: job for job in facts["jobs"] or []}
    for name, job in expected.get("jobs", {}).items():
        wrong += differences(jobs.get(name), job, f"jobs.{name}")
    if "releases" in expected:
        own = [shown(one) for one in found.releases if one.pipeline == pipeline.source.path]
        wrong += differences(own, expected["releases"], "releases")
    assert wrong == []


@pytest.mark.parametrize("case", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_the_expected_lines_hold_something(corpus: Path, case: Path) -> None:
    """An expectation itself can be wrong: its lines must exist and not be empty."""
    expected = load(case)
    lines = (corpus / expected["file"]).read_bytes().decode("utf-8", "replace").split("\n")
    for line in _lines({key: value for key, value in expected.items() if key != "releases"}):
        assert lines[line - 1].strip(), line


def _lines(value: object) -> list[int]:
    if isinstance(value, dict):
        own = [value["line"]] if isinstance(value.get("line"), int) and "elsewhere" not in value else []
        return own + [line for one in value.values() for line in _lines(one)]
    return [line for one in value for line in _lines(one)] if isinstance(value, list) else []


def test_there_are_expectations() -> None:
    systems = {system: sum(case.parent.name == system for case in CASES) for system in {c.parent.name for c in CASES}}
    print(f"\nexpectations: {dict(sorted(systems.items()))}")
    assert systems["github-actions"] >= 12
