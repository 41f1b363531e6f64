"""Every kind of fix, applied to a workflow that needs it: what changes, that it is valid, and that the level rises."""

from __future__ import annotations

from pathlib import Path

import pytest
from validators import actionlint_problems, schema_problems, zizmor_findings

from assess.assessing import assess
from assess.evidence import Interval
from assess.fixes.engine import KINDS, Proposal, propose
from assess.plan import Plan

FIXTURES = Path(__file__).parent.parent / "fixtures" / "fixes"
CASES = sorted(path.parent for path in FIXTURES.glob("*/*/expected.diff"))


def configured(folder: Path, proposal: Proposal | None = None) -> Interval:
    instead = proposal.overlay if proposal is not None else ()
    assessment = assess(Plan(time="2026-11-28T00:00:00Z", folder=folder, instead=instead))
    return next(one.level for one in assessment.levels if (one.track, one.reading) == ("build", "configured"))


@pytest.mark.parametrize("case", CASES, ids=lambda one: f"{one.parent.name}/{one.name}")
def test_a_fix_is_what_the_case_expects(case: Path, tmp_path: Path) -> None:
    project = case / "project"
    proposal = propose(project)
    assert proposal.diff() == (case / "expected.diff").read_text()
    kinds = (case / "kinds").read_text().split()
    assert sorted({one.id for one in proposal.fixes}) == kinds
    before, after = configured(project), configured(project, proposal)
    if "level" in (case / "raises").read_text():
        assert (after.ceiling, after.reached) > (before.ceiling, before.reached)
    assert after.reached >= before.reached
    assert after.ceiling >= before.ceiling
    _valid(case.parent.name, proposal, tmp_path)
    again = propose_written(proposal, project, tmp_path / "again")
    assert again.fixes == ()
    assert again.files == ()


def propose_written(proposal: Proposal, project: Path, folder: Path) -> Proposal:
    """What is proposed for the project once the first proposal is written."""
    import shutil

    shutil.copytree(project, folder)
    for name, _, new in proposal.files:
        (folder / name).write_text(new)
    return propose(folder)


def _valid(system: str, proposal: Proposal, folder: Path) -> None:
    files = []
    for side, at in (("old", 1), ("new", 2)):
        for one in proposal.files:
            path = folder / side / one[0]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(one[at])
            files += [path] if side == "new" else []
    assert schema_problems(system, files) == ""
    if system == "github-actions" and files:
        assert actionlint_problems(files) == ""
        was, now = ({audit for audit, _ in zizmor_findings(folder / side)} for side in ("old", "new"))
        assert now <= was


def test_every_kind_has_a_case() -> None:
    assert {kind for case in CASES for kind in (case / "kinds").read_text().split()} == set(KINDS)


def test_pins_are_found_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project of many workflows is not read again for each of its pins."""
    from assess import pipelines

    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    for number in range(12):
        steps = ["uses: actions/checkout@v4", "uses: actions/setup-go@v5", "run: go build .", "run: docker push a/b"]
        listed = "".join(f"      - {step}\n" for step in steps)
        text = f"on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n{listed}"
        (folder / f"w{number}.yml").write_text(text)
    reads: list[int] = []
    once = pipelines.read_pipelines

    def counted(root: Path, instead: tuple[tuple[str, bytes], ...] = ()) -> pipelines.PipelinesRead:
        reads.append(len(instead))
        return once(root, instead)

    monkeypatch.setattr(pipelines, "read_pipelines", counted)
    proposal = propose(tmp_path, frozenset({"pins"}))
    assert len(proposal.fixes) == 24
    assert [path for path, _, _ in proposal.files] == sorted(f".github/workflows/w{n}.yml" for n in range(12))
    assert all("@v" not in new for _, _, new in proposal.files)
    assert reads == [0, 12]
