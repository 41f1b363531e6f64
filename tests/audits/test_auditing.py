"""What the audits do to the configured level: they hold it down, never up, and touch no other reading."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from assess.assessment import AuditFinding, AuditPlace, ClauseFinding, Finding, Outcome, ReadingOutcome
from assess.audit import Audit
from assess.auditing import MAX_PLACES, audit, contradicted
from assess.evidence import CacheUse, Evidence, Imported, PathCache, PathJob, Source
from assess.levels import default_directories, load_pack
from assess.pipelines import read_pipelines
from assess.requirement import Remediation
from assess.scoring import level_of

HERE = Source("ci.yml", 7)
JOB = PathJob(HERE, "build", "ci.yml", "github-actions")
CACHES = {
    "id": "audit.example",
    "number": 1,
    "title": "an example",
    "risk": "it matters",
    "systems": ("github-actions",),
    "cases": (
        {
            "id": "restored",
            "says": "a cache is restored",
            "finds": {"some": "path_caches", "expect": {"cache.restores": True}},
            "effects": (
                {"effect": "contradicts", "clauses": ("build.isolated/cache",)},
                {"effect": "contradicts", "profile": "strict", "clauses": ("build.isolated/isolated",)},
                {"effect": "threatens", "clauses": ("build.hosted/hosted",)},
            ),
        },
    ),
    "remediation": Remediation(effort="low", text="remove it"),
}
ONE = Audit.model_validate(CACHES)


def caches(*restores: bool | None, job: PathJob = JOB) -> Evidence:
    return Evidence(
        path_caches=tuple(
            PathCache(Source("ci.yml", at), job, CacheUse(HERE, f"tool-{at}", restores=one))
            for at, one in enumerate(restores, start=1)
        )
    )


def ended(evidence: Evidence) -> AuditFinding:
    return audit((ONE,), evidence, "vendor")[0]


@pytest.mark.parametrize(
    ("evidence", "outcome", "lines"),
    [
        (caches(True), "found", [1]),
        (caches(False), "clean", []),
        (caches(None), "unknown", [1]),
        (caches(False, None, True), "found", [3]),
        (caches(False, None), "unknown", [2]),
        (caches(), "clean", []),
        (Evidence(), "unknown", []),
        (Evidence(path_caches=(PathCache(HERE, JOB, None),)), "unknown", [7]),
        (caches(True, job=replace(JOB, system="jenkins")), "clean", []),
    ],
)
def test_three_values(evidence: Evidence, outcome: str, lines: list[int]) -> None:
    found = ended(evidence)
    assert found.outcome == outcome
    assert [one.source.line for one in found.places] == lines


def test_a_place_says_what_was_expected_and_found() -> None:
    assert ended(caches(True)).places == (
        AuditPlace(Source("ci.yml", 1), "cache.restores false", "tool-1: cache.restores is true", "build"),
    )


def test_many_places_are_counted() -> None:
    found = ended(caches(*[True] * (MAX_PLACES + 5)))
    assert (len(found.places), found.count) == (MAX_PLACES, MAX_PLACES + 5)


@pytest.mark.parametrize(
    ("profile", "contradicts", "threatens"),
    [
        ("vendor", ("build.isolated/cache",), ("build.isolated/isolated", "build.hosted/hosted")),
        ("strict", ("build.isolated/cache", "build.isolated/isolated"), ("build.hosted/hosted",)),
    ],
)
def test_what_contradicts_by_the_letter_threatens_a_claim(
    profile: str, contradicts: tuple[str, ...], threatens: tuple[str, ...]
) -> None:
    found = audit((ONE,), caches(True), profile)[0]  # type: ignore[arg-type]
    assert (found.contradicts, found.threatens) == (contradicts, threatens)


def finding(configured: Outcome, demonstrated: Outcome = "met", clause: str = "cache") -> Finding:
    readings = (
        ReadingOutcome("demonstrated", demonstrated, reason="shown"),
        ReadingOutcome("configured", configured, reason="as the file says"),
        ReadingOutcome("declared", "unknown"),
    )
    return Finding("build.isolated", (ClauseFinding(clause, "must", 3, readings),))


def configured_after(before: Outcome, outcome: str, clause: str = "cache") -> ReadingOutcome:
    places = () if outcome == "clean" else (AuditPlace(HERE, "false", "true"),)
    one = AuditFinding("audit.a", "b", "c", outcome, ("build.isolated/cache",), (), places, len(places))  # type: ignore[arg-type]
    return contradicted((finding(before, clause=clause),), (one,))[0].clauses[0].readings[1]


@pytest.mark.parametrize(
    ("before", "audited", "after"),
    [
        ("met", "found", "unmet"),
        ("met", "unknown", "unknown"),
        ("met", "clean", "met"),
        ("unknown", "found", "unmet"),
        ("unknown", "unknown", "unknown"),
        ("unknown", "clean", "unknown"),
        ("unmet", "found", "unmet"),
        ("unmet", "unknown", "unmet"),
        ("unmet", "clean", "unmet"),
    ],
)
def test_a_clause_is_only_ever_lowered(before: Outcome, audited: str, after: Outcome) -> None:
    assert configured_after(before, audited).outcome == after


def test_the_place_and_the_reason_are_told() -> None:
    after = configured_after("met", "found")
    assert after.reason == "audit.a/b: c"
    assert [(one.what, one.source, one.outcome) for one in after.observations] == [("audit.a/b", HERE, "unmet")]
    assert configured_after("unmet", "found").reason == "audit.a/b: c; as the file says"
    assert configured_after("met", "unknown").reason == "audit.a/b cannot be told: true"


def test_other_clauses_and_other_readings_stay() -> None:
    assert configured_after("met", "found", clause="isolated").outcome == "met"
    one = AuditFinding("audit.a", "b", "c", "found", ("build.isolated/cache",))
    before = finding("met")
    after = contradicted((before,), (one,))
    assert after[0].clauses[0].readings[0] == before.clauses[0].readings[0]
    assert after[0].clauses[0].readings[2] == before.clauses[0].readings[2]
    assert level_of(after, "demonstrated", "build", 3) == level_of((before,), "demonstrated", "build", 3)


@pytest.mark.parametrize(("on_path", "outcome"), [(True, "found"), (None, "unknown"), (False, "clean")])
def test_what_another_tool_found_counts_on_release_paths_alone(on_path: bool | None, outcome: str) -> None:
    row = Imported(HERE, "zizmor 1.0", "cache-poisoning", "text", "audit.example/restored", on_path)
    found = ended(replace(caches(), imported=(row, replace(row, audit=None), replace(row, audit="audit.other/x"))))
    assert found.outcome == outcome
    assert [one.tool for one in found.places] == ["zizmor 1.0"] * (outcome != "clean")


FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
FOLDERS = sorted(
    {one.parent for one in FIXTURES.rglob(".github")} | {one.parent for one in FIXTURES.rglob(".gitlab-ci.yml")}
)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda one: one.relative_to(FIXTURES).as_posix())
def test_no_audit_ever_raises_the_configured_level(folder: Path) -> None:
    from assess.configured import _judged

    read = read_pipelines(folder)
    path = {f"path_{one}": getattr(read.path, one) for one in read.path.__slots__}
    evidence = Evidence(pipelines=read.pipelines, releases=read.releases, **path)
    pack = load_pack(default_directories(), tests=False)
    for profile in ("vendor", "strict"):
        _, bare, _ = _judged(evidence, pack.requirements, (), profile)  # type: ignore[arg-type]
        _, held, _ = _judged(evidence, pack.requirements, pack.audits, profile)  # type: ignore[arg-type]
        assert held.level.reached <= bare.level.reached
        assert held.level.ceiling <= bare.level.ceiling
