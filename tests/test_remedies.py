"""Every step of the catalogue is valid for its system and raises what the example is configured for."""

from __future__ import annotations

from pathlib import Path

import pytest
from validators import actionlint_problems, schema_problems, zizmor_findings

from assess.assessing import assess
from assess.evidence import Interval
from assess.pipelines import SYSTEMS
from assess.plan import Plan
from assess.remedies import Remedy, load_remedies

REMEDIES = load_remedies()
CHANGES = [one for one in REMEDIES if one.before is not None]
TOP = 3


def configured(folder: Path) -> Interval:
    assessment = assess(Plan(time="2026-11-28T00:00:00Z", folder=folder))
    return next(one.level for one in assessment.levels if (one.track, one.reading) == ("build", "configured"))


def written(remedy: Remedy, text: str | None, folder: Path) -> Path:
    for name, content in (*remedy.beside, (remedy.file or "", text or "")):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


@pytest.mark.parametrize("remedy", CHANGES, ids=lambda one: f"{one.system}/{one.id}")
def test_applying_it_raises_the_configured_level(remedy: Remedy, tmp_path: Path) -> None:
    before = configured(written(remedy, remedy.before, tmp_path / "before"))
    after = configured(written(remedy, remedy.after, tmp_path / "after"))
    assert before.reached <= remedy.lower <= before.ceiling
    assert after.reached >= before.reached
    assert after.ceiling == remedy.upper > before.ceiling


def test_every_system_that_is_read_whole_has_a_way_up() -> None:
    read = {one.NAME for one in SYSTEMS}
    assert {one.system for one in REMEDIES} <= read
    for system in sorted({one.system for one in REMEDIES}):
        steps = [one for one in REMEDIES if one.system == system]
        assert min(one.lower for one in steps) == 0
        assert max(one.upper for one in steps) >= 2
    assert len({(one.system, one.id) for one in REMEDIES}) == len(REMEDIES)


@pytest.mark.parametrize("remedy", CHANGES, ids=lambda one: f"{one.system}/{one.id}")
def test_its_system_takes_both_files(remedy: Remedy, tmp_path: Path) -> None:
    files = [
        written(remedy, text, tmp_path / name) / (remedy.file or "")
        for name, text in (("before", remedy.before), ("after", remedy.after))
    ]
    assert schema_problems(remedy.system, files) == ""
    if remedy.system == "github-actions":
        assert actionlint_problems(files) == ""


@pytest.mark.parametrize("remedy", [one for one in CHANGES if one.system == "github-actions"], ids=lambda one: one.id)
def test_zizmor_has_nothing_against_what_we_advise(remedy: Remedy, tmp_path: Path) -> None:
    found = {audit for audit, _ in zizmor_findings(written(remedy, remedy.after, tmp_path))}
    # slsa-github-generator must be named by release tag: its verifier reads the version from it
    assert found - ({"unpinned-uses"} if "slsa-github-generator" in (remedy.after or "") else set()) == set()
