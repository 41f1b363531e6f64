"""The snippets that rules and audits offer: pieces of valid pipeline files, and an audit's removes its finding."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from validators import SCHEMAS, actionlint_problems, invalid_of, schema_problems

from assess.auditing import audit
from assess.evidence import Evidence
from assess.levels import default_directories, load_pack
from assess.pipelines import read_pipeline_file, read_pipelines
from assess.remedies import load_remedies

PACK = load_pack(default_directories())
ROWS = [
    (one.id, system, text)
    for one in (*PACK.requirements, *PACK.audits)
    for system, text in sorted(one.remediation.ci.items())
]
SNIPPETS = [pytest.param(*row, id=f"{row[0]}/{row[1]}") for row in ROWS]
OF_AUDITS = [pytest.param(*row, id=f"{row[0]}/{row[1]}") for row in ROWS if row[0].startswith("audit.")]
FIXTURES = Path(__file__).resolve().parent / "fixtures" / "audits"
COMMIT, DIGEST = "8e8c483db84b4bee98b60c0593521ed34d9990e8", "ab" * 32
"""What fixtures name actions and images by."""
PLACES = {"jenkins": "Jenkinsfile", "tekton": "tekton/release.yaml", "codebuild": "buildspec.yml"}
"""Where the systems that have no schema keep their files."""


def filled(text: str) -> str:
    return text.replace("<full commit>", COMMIT).replace("<digest>", DIGEST)


def loaded(text: str) -> Any:
    """The document as 1.2 reads it in the one place where it matters: `on` is a name."""
    data = yaml.safe_load(text)
    return {"on" if key is True else key: one for key, one in data.items()} if isinstance(data, dict) else data


# What a piece becomes a whole of, per system


def completed(system: str, text: str) -> Any:
    """A whole file around a snippet. A list is steps; a mapping that has `steps` but no job is a job's body."""
    data = loaded(filled(text))
    whole = {"steps": data} if isinstance(data, list) else data
    assert isinstance(whole, dict) and whole, "a snippet shows something"
    match system:
        case "github-actions":
            return whole_github(whole, text)
        case "gitlab-ci":
            return whole_gitlab(whole)
        case "azure-pipelines":
            return whole_azure(whole)
        case "circleci":
            return whole_circleci(whole)
        case "buildkite":
            return {**whole, "steps": [{"command": "make", **one} for one in whole.get("steps", [{}])]}
        case "cloud-build":
            return {"steps": [{"name": "ubuntu"}], **whole}
    raise AssertionError(f"no whole file of {system} is known")


def whole_github(piece: dict[str, Any], text: str) -> dict[str, Any]:
    """Jobs get a runner and a step; jobs and outputs that the piece speaks of, but does not show, get stand-ins."""
    if "steps" in piece:
        piece = {"jobs": {"build": piece}}
    whole = {"on": "push", "jobs": {"build": {}}, **piece}
    asked = re.findall(r"needs\.(\w+)\.outputs\.(\w+)", text)
    jobs = {
        name: job if "uses" in job else {"runs-on": "ubuntu-24.04", "steps": [{"run": "make"}], **job}
        for name, job in whole["jobs"].items()
    }
    if asked and not any("needs" in job for job in jobs.values()):
        jobs = {"publish" if name == "build" else name: {"needs": "build", **job} for name, job in jobs.items()}
    needs = [job.get("needs", ()) for job in jobs.values()]
    for name in {one for names in needs for one in ([names] if isinstance(names, str) else names)} - set(jobs):
        outputs = {output: "x" for job, output in asked if job == name}
        jobs[name] = {
            "runs-on": "ubuntu-24.04",
            "steps": [{"run": "make"}],
            **({"outputs": outputs} if outputs else {}),
        }
    return {**whole, "jobs": jobs}


GITLAB_NOT_JOBS = frozenset({"variables", "workflow", "default", "include", "stages", "image", "cache"})


def whole_gitlab(piece: dict[str, Any]) -> dict[str, Any]:
    jobs = {name: {"script": ["make"], **job} for name, job in piece.items() if name not in GITLAB_NOT_JOBS}
    stages = sorted({job["stage"] for job in jobs.values() if "stage" in job})
    return {**({"stages": stages} if stages else {}), "build": {"script": ["make"]}, **piece, **jobs}


def whole_azure(piece: dict[str, Any]) -> dict[str, Any]:
    steps = [{"script": "make"}]
    if "jobs" in piece:
        return {**piece, "jobs": [{**job, "steps": job.get("steps", steps)} for job in piece["jobs"]]}
    return {**piece, "steps": piece.get("steps", steps)}


def whole_circleci(piece: dict[str, Any]) -> dict[str, Any]:
    machine = {"docker": [{"image": "cimg/base:2026.01"}], "steps": ["checkout"]}
    jobs = {name: {**machine, **job} for name, job in piece.get("jobs", {"build": {}}).items()}
    return {"version": 2.1, **piece, "jobs": jobs, "workflows": {"all": {"jobs": list(jobs)}}}


@pytest.fixture(scope="session")
def refused(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, bool]:
    """Every snippet's whole file, and whether its system's schema refuses it: one process per system."""
    folder = tmp_path_factory.mktemp("snippets")
    found: dict[Path, bool] = {}
    for system in SCHEMAS:
        files = []
        for name, one, text in ROWS:
            if one == system:
                file = whole_file(folder, name, system)
                file.write_text(yaml.safe_dump(completed(system, text), sort_keys=False))
                files.append(file)
        wrong = invalid_of(system, files) if files else set()
        found |= {file: str(file) in wrong for file in files}
    return found


def whole_file(folder: Path, name: str, system: str) -> Path:
    return folder / f"{name}-{system}.yml"


@pytest.mark.parametrize(("name", "system", "text"), SNIPPETS)
def test_a_snippet_is_a_piece_of_a_valid_file(name: str, system: str, text: str, refused: dict[Path, bool]) -> None:
    if system not in SCHEMAS:
        assert unknown_to_our_reader(system, text) == ()
        return
    file = next(one for one in refused if one.name == whole_file(one.parent, name, system).name)
    assert not refused[file], schema_problems(system, [file])
    if system == "github-actions":
        assert actionlint_problems([file]) == ""


def test_a_wrong_snippet_is_refused(tmp_path: Path) -> None:
    wrong = {
        "github-actions": "jobs: {build: {contaner: x}}",
        "gitlab-ci": "build: {tags: {a: b}}",
        "azure-pipelines": "jobs: [{job: build, poool: x}]",
        "circleci": "jobs: {build: {steps: checkout}}",
        "buildkite": "steps: [{label: build, plugins: 3}]",
        "cloud-build": "steps: [{nam: x}]",
    }
    assert set(wrong) == set(SCHEMAS)
    for system, text in wrong.items():
        file = whole_file(tmp_path, "wrong", system)
        file.write_text(yaml.safe_dump(completed(system, text), sort_keys=False))
        assert invalid_of(system, [file]) == {str(file)}, system


# Systems whose files only our own reader can judge


def unknown_to_our_reader(system: str, text: str) -> tuple[str, ...]:
    """What our reader notes of a whole file; "not understood" where it is not even that."""
    (read,) = read_pipeline_file(PLACES[system], text.encode()).pipelines
    assert read.system == system
    return tuple(one.text for one in read.notes) if read.understood in ("fully", "partly") else ("not understood",)


WITHOUT_SCHEMA = [
    pytest.param(one.system, text, id=f"{one.system}/{one.id}/{when}")
    for one in load_remedies()
    if one.system in PLACES and one.file and Path(one.file).suffix == Path(PLACES[one.system]).suffix
    for when, text in (("before", one.before), ("after", one.after), *one.beside)
    if text is not None and not text.startswith(("apiVersion: v1\n", "kind: ConfigMap"))
]


@pytest.mark.parametrize(("system", "text"), WITHOUT_SCHEMA)
def test_a_card_of_a_system_without_schema_is_understood(system: str, text: str) -> None:
    assert unknown_to_our_reader(system, text) == ()


def test_every_system_without_schema_has_a_card_to_read() -> None:
    assert {one.values[0] for one in WITHOUT_SCHEMA} == set(PLACES)


# An audit's snippet does what it says

PIN = re.compile(r"@v\d+(?= # pin to the full commit)")
RUNS = {"run", "uses", "script", "task"}
"""Keys of a step that does something: what else such a step has, or has not, counts."""


def nodes(whole: Any) -> Iterator[Any]:
    yield whole
    for one in whole.values() if isinstance(whole, dict) else whole if isinstance(whole, list) else ():
        yield from nodes(one)


def stands(piece: Any, whole: Any) -> bool:
    """The piece is in the whole: keys among others, items of a list one after another, texts as they are."""
    if isinstance(piece, dict) and isinstance(whole, dict):
        return all(key in whole and stands(one, whole[key]) for key, one in piece.items())
    if isinstance(piece, list) and isinstance(whole, list):
        starts = range(len(whole) - len(piece) + 1)
        return any(all(map(item_stands, piece, whole[at : at + len(piece)])) for at in starts)
    return bool(piece == whole)


def item_stands(piece: Any, whole: Any) -> bool:
    return bool(piece == whole) if isinstance(piece, dict) and RUNS & set(piece) else stands(piece, whole)


def shows(folder: Path, piece: Any) -> bool:
    """Some file of the folder has the piece in it, anywhere."""
    files = [loaded(one.read_text()) for one in folder.rglob("*") if one.is_file()]
    return any(stands(piece, node) for file in files for node in nodes(file))


@cache
def outcomes(folder: Path, name: str) -> dict[str, str]:
    read = read_pipelines(folder)
    path = {f"path_{one}": getattr(read.path, one) for one in read.path.__slots__}
    evidence = Evidence(pipelines=read.pipelines, releases=read.releases, **path)
    return {end.case: end.outcome for end in audit([one for one in PACK.audits if one.id == name], evidence, "vendor")}


def pairs(folder: Path) -> Iterator[tuple[Path, Path]]:
    """(positive, negative) fixtures: those of one name, or else the plain one of the other kind."""
    for one in sorted(folder.glob("positive*")):
        twin = one.with_name(one.name.replace("positive", "negative"))
        yield one, twin if twin.is_dir() else one.with_name("negative")
    for one in sorted(folder.glob("negative-*")):
        if not one.with_name(one.name.replace("negative", "positive")).is_dir():
            yield one.with_name("positive"), one


COMES_WITH = {("audit.wide-trigger", "github-actions"): {"unprotected-tag"}}
"""What a snippet itself is found for: that version tags are protected is a setting that no workflow can show."""


@pytest.mark.parametrize(("name", "system", "text"), OF_AUDITS)
def test_with_its_snippet_the_finding_is_gone(name: str, system: str, text: str) -> None:
    piece = loaded(PIN.sub(f"@{COMMIT}", filled(text)))
    applied = [
        (outcomes(before, name), outcomes(after, name))
        for before, after in pairs(FIXTURES / name.removeprefix("audit.") / system)
        if shows(after, piece) and not shows(before, piece)
    ]
    assert applied, "no pair of fixtures shows what the snippet changes"
    for before, after in applied:
        was, still = ({case for case, end in one.items() if end == "found"} for one in (before, after))
        gone = {case for case in was if after[case] == "clean"}
        assert gone, "nothing that was found is clean"
        assert still - was == COMES_WITH.get((name, system), set()), "found only with the snippet"


@pytest.mark.parametrize(
    ("piece", "whole", "there"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, True),
        ({"a": 1}, {"a": 2}, False),
        ({"a": 1}, {"b": 1}, False),
        ([1, 2], [0, 1, 2, 3], True),
        ([1, 2], [1, 0, 2], False),
        ([{"run": "x"}], [{"run": "x"}], True),
        ([{"run": "x"}], [{"run": "x", "continue-on-error": True}], False),
        ([{"job": "x"}], [{"job": "x", "steps": []}], True),
        ({"on": "push"}, {"on": {"push": None}}, False),
    ],
)
def test_what_stands_in_a_file(piece: Any, whole: Any, there: bool) -> None:
    assert stands(piece, whole) is there
