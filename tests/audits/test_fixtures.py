"""Every audit on real-looking pipeline files: what must be found stands in the file, on its line."""

from __future__ import annotations

import re
import shutil
from functools import cache
from pathlib import Path

import pytest
import yaml

from assess.auditing import audit
from assess.evidence import Evidence
from assess.levels import RulePack, default_directories, load_pack
from assess.pipelines import read_pipelines

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures" / "audits"
MARK = re.compile(r"finds: ([a-z-]+(?:, [a-z-]+)*)$")
FOLDERS = sorted(one for one in FIXTURES.glob("*/*/*") if one.is_dir())
AUDITS = sorted((default_directories()[0] / "audits").glob("*.yaml"))


@pytest.fixture(scope="module")
def pack() -> RulePack:
    return load_pack(default_directories())


def marked(folder: Path) -> set[tuple[str, str, int]]:
    """(case, file, line) of every mark `finds: case` at the end of a line."""
    found = set()
    for file in sorted(one for one in folder.rglob("*") if one.is_file()):
        for number, line in enumerate(file.read_text().splitlines(), start=1):
            if match := MARK.search(line):
                found |= {(case, file.relative_to(folder).as_posix(), number) for case in match.group(1).split(", ")}
    return found


@cache
def evidence_of(folder: Path) -> Evidence:
    read = read_pipelines(folder)
    assert read.unreadable == (), folder
    assert read.releases, f"{folder}: no release path was seen"
    path = {f"path_{one}": getattr(read.path, one) for one in read.path.__slots__}
    return Evidence(pipelines=read.pipelines, releases=read.releases, **path)


def twin_of(folder: Path) -> Path:
    """The positive folder of a negative one: `negative-x` belongs to `positive-x`, or else to `positive`."""
    twin = folder.with_name(folder.name.replace("negative", "positive"))
    return twin if twin.is_dir() else folder.with_name("positive")


def mistake(folder: Path, pack: RulePack) -> str | None:
    """What the audits of `pack` get wrong in one folder; None where they are right."""
    name = f"audit.{folder.parent.parent.name}"
    ends = {
        one.case: one for one in audit([one for one in pack.audits if one.id == name], evidence_of(folder), "vendor")
    }
    expected = marked(folder)
    cases = {case for case, _, _ in (expected or marked(twin_of(folder)))}
    if not cases:
        return "nothing is marked"
    if cases - set(ends):
        return f"no case {sorted(cases - set(ends))}"
    if not folder.name.startswith("positive"):
        wrong = {case: ends[case].outcome for case in cases if ends[case].outcome != "clean"}
        return f"not clean: {wrong}" if wrong or expected else None
    found = {
        (case, place.source.path, place.source.line)
        for case in cases
        if ends[case].outcome == "found"
        for place in ends[case].places
    }
    return None if found == expected else f"found {sorted(found)}, expected {sorted(expected)}"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda one: one.relative_to(FIXTURES).as_posix())
def test_exactly_what_is_marked_is_found(folder: Path, pack: RulePack) -> None:
    assert mistake(folder, pack) is None


def test_every_positive_folder_has_a_negative_beside_it() -> None:
    for folder in FOLDERS:
        kind = folder.name.partition("-")[0]
        assert kind in ("positive", "negative"), folder
        other = {"positive": "negative", "negative": "positive"}[kind]
        assert (folder.with_name(folder.name.replace(kind, other, 1))).is_dir() or folder.with_name(other).is_dir(), (
            folder
        )


@pytest.mark.parametrize("file", AUDITS, ids=lambda one: one.stem)
def test_without_its_file_exactly_its_own_tests_fail(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "levels"
    shutil.copytree(default_directories()[0], folder)
    (folder / "audits" / file.name).unlink()
    pack = load_pack((folder,))
    assert f"audit.{file.stem}" not in {one.id for one in pack.audits}
    failing = {one for one in FOLDERS if mistake(one, pack) is not None}
    assert failing == {one for one in FOLDERS if one.parent.parent.name == file.stem}
    assert failing, f"{file.stem} has no fixture"


SYSTEMS = (
    "github-actions",
    "gitlab-ci",
    "azure-pipelines",
    "circleci",
    "jenkins",
    "tekton",
    "cloud-build",
    "buildkite",
    "codebuild",
)
"""Systems that are read in full, or whose file is."""


def test_every_audit_has_a_pair_for_every_system_or_a_reason_why_not() -> None:
    rows = yaml.safe_load((Path(__file__).parent / "without.yaml").read_text())
    assert all(len(row["reason"]) > 40 for row in rows)
    without = {(audit, system) for row in rows for audit in row["audits"] for system in row["systems"]}
    there = {(one.parent.parent.name, one.parent.name) for one in FOLDERS}
    assert without & there == set()
    assert without | there == {(file.stem, system) for file in AUDITS for system in SYSTEMS}
    assert len(there) > 75
