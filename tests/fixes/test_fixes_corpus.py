"""Fixes of real pipeline files: no crash, nothing worse, still valid, and nothing left to fix the second time."""

from __future__ import annotations

from pathlib import Path

import pytest
from validators import invalid_of

from assess.assessing import gather, sum_up
from assess.errors import NoInputError
from assess.evidence import Interval
from assess.fixes.engine import Proposal, propose
from assess.levels import default_directories, load_pack
from assess.plan import Plan

pytestmark = pytest.mark.corpus
PACK = load_pack(default_directories(), tests=False)
PLACES = {"github-actions": ".github/workflows/release.yml", "gitlab-ci": ".gitlab-ci.yml"}


def configured(folder: Path, proposal: Proposal) -> Interval:
    plan = Plan(time="2026-11-28T00:00:00Z", folder=folder, instead=proposal.overlay)
    assessment = sum_up(plan, PACK, gather(plan))
    return next(one.level for one in assessment.levels if (one.track, one.reading) == ("build", "configured"))


@pytest.mark.parametrize("system", PLACES)
def test_real_files_stay_valid_and_never_lose(system: str, corpus: Path, tmp_path: Path) -> None:
    files = sorted(one for one in (corpus / "pipelines" / system).rglob("*.y*ml") if one.is_file())
    assert files
    pairs: list[tuple[Path, Path]] = []
    kinds: dict[str, int] = {}
    for at, file in enumerate(files):
        project = tmp_path / str(at)
        place = project / PLACES[system]
        place.parent.mkdir(parents=True)
        place.write_bytes(file.read_bytes())
        proposal = propose(project)
        if not proposal.files:
            continue
        for one in proposal.fixes:
            kinds[one.id] = kinds.get(one.id, 0) + 1
        try:
            before, after = configured(project, Proposal((), (), ())), configured(project, proposal)
        except NoInputError:
            continue
        assert after.reached >= before.reached, file
        assert after.ceiling >= before.ceiling, file
        fixed = tmp_path / "fixed" / f"{at}.yml"
        fixed.parent.mkdir(exist_ok=True)
        fixed.write_text(proposal.files[0][2])
        pairs.append((place, fixed))
        place.write_text(proposal.files[0][2])
        assert propose(project).files == (), file
        place.write_bytes(file.read_bytes())
    print(f"{system}: {len(files)} files, {len(pairs)} changed, {kinds}")
    invalid = invalid_of(system, [one for pair in pairs for one in pair])
    worse = [fixed for place, fixed in pairs if str(fixed) in invalid and str(place) not in invalid]
    assert pairs
    assert worse == []
