"""Every audit on real-looking pipeline files: what must be found stands in the file, on the line it must be found at."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from assess.assessment import AuditFinding
from assess.auditing import audit
from assess.evidence import Evidence
from assess.levels import RulePack, default_directories, load_pack
from assess.pipelines import read_pipelines

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures" / "audits"
MARK = re.compile(r"finds: ([a-z-]+(?:, [a-z-]+)*)$")
FOLDERS = sorted(one for one in FIXTURES.glob("*/*/*") if one.is_dir())


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


def findings(folder: Path, pack: RulePack, name: str) -> tuple[AuditFinding, ...]:
    read = read_pipelines(folder)
    assert read.unreadable == (), folder
    evidence = Evidence(
        pipelines=read.pipelines,
        releases=read.releases,
        **{f"path_{one}": getattr(read.path, one) for one in read.path.__slots__},
    )
    assert evidence.releases, f"{folder}: no release path was seen"
    return audit([one for one in pack.audits if one.id == name], evidence, "vendor")


def case_of(folder: Path) -> str:
    """`positive` and `negative` belong together, so do `positive-x` and `negative-x`."""
    return folder.name.partition("-")[2]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda one: one.relative_to(FIXTURES).as_posix())
def test_exactly_what_is_marked_is_found(folder: Path, pack: RulePack) -> None:
    name = f"audit.{folder.parent.parent.name}"
    expected = marked(folder)
    found = {
        (one.case, place.source.path, place.source.line or 0)
        for one in findings(folder, pack, name)
        if one.outcome == "found"
        for place in one.places
    }
    if folder.name.startswith("positive"):
        assert expected, f"{folder} marks nothing"
        cases = {case for case, _, _ in expected}
        assert {one for one in found if one[0] in cases} == expected
        return
    assert expected == set()
    twin = folder.with_name(folder.name.replace("negative", "positive"))
    other = twin if twin.is_dir() else folder.with_name("positive")
    cases = {case for case, _, _ in marked(other)}
    ends = {one.case: one.outcome for one in findings(folder, pack, name)}
    assert {case: ends[case] for case in cases} == dict.fromkeys(cases, "clean")
