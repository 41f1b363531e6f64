"""Sums and gates: one attestation carries the level, one attestation opens the gate, the weakest subject decides."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations, product
from pathlib import Path

import pytest

from assess.assessment import (
    ClauseFinding,
    ExpectationResult,
    Finding,
    Observation,
    Outcome,
    ReadingLevel,
    ReadingOutcome,
    SubjectAssessment,
)
from assess.errors import ConfigError
from assess.evidence import (
    Builder,
    Evidence,
    Interval,
    Parameter,
    Platform,
    Process,
    Provenance,
    Signer,
    Source,
    Subject,
)
from assess.levels import default_directories, load_pack
from assess.requirement import READINGS, Reading, Requirement
from assess.scoring import (
    Candidate,
    Gate,
    Scored,
    contradictions_of,
    give_verdict,
    level_of,
    lowest,
    score_subject,
)

PACK = load_pack(default_directories()).requirements
SUBJECT = Subject("widget.whl", ())
MATCH = (ExpectationResult("source_uri", "github.com/o/r", "github.com/o/r", "match"),)
MISMATCH = (ExpectationResult("source_uri", "github.com/o/r", "github.com/mallory/r", "mismatch"),)
UNKNOWN = (ExpectationResult("source_uri", "github.com/o/r", "", "unknown"),)


def provenance(reached: int, ceiling: int | None = None, name: str = "a.json") -> Provenance:
    """Provenance that lacks nothing but the trust in its platform."""
    certain = ceiling in (None, reached)
    return Provenance(
        source=Source(name),
        predicate_type="https://slsa.dev/provenance/v1",
        builder=Builder("https://example.com/builder"),
        build_type="https://example.com/type",
        external_parameters=(Parameter("source", '"x"'),),
        process=Process(recognised=True),
        parameters_complete=True,
        subject_secure=True,
        distributed=True,
        signature="verified" if certain else None,
        signer=Signer("certificate", "https://example.com/builder"),
        platform=Platform(Interval(reached, reached if ceiling is None else ceiling)),
    )


def score(*candidates: Candidate, rules: tuple[Requirement, ...] = PACK) -> Scored:
    return score_subject(SUBJECT, Evidence(), candidates, rules, UNKNOWN)


def demonstrated(scored: Scored) -> Interval:
    return next(one.level for one in scored.assessment.levels if one.reading == "demonstrated")


def passed(scored: Scored, minimum: int | None, accept: tuple[Reading, ...] = ()) -> bool:
    gate = Gate(() if minimum is None else (("build", minimum),), accept)
    return give_verdict(gate, (scored,), lowest((scored.assessment,))).passed


@pytest.mark.parametrize(("reached", "ceiling"), [(1, 1), (2, 2), (3, 3), (1, 2), (1, 3)])
def test_one_attestation_carries_what_its_platform_may(reached: int, ceiling: int) -> None:
    scored = score(Candidate(provenance(reached, ceiling)))
    assert demonstrated(scored) == Interval(reached, ceiling)
    for minimum in range(4):
        assert passed(scored, minimum) == (minimum <= reached)


def test_clauses_of_different_attestations_never_add_up() -> None:
    """A trusted platform's that lacks its subject, and a complete one that nobody signed."""
    trusted = replace(provenance(3), subject_secure=False)
    assert demonstrated(score(Candidate(trusted))) == Interval(0, 0)
    assert demonstrated(score(Candidate(trusted), Candidate(provenance(1)))) == Interval(1, 1)


ROWS = [
    (Candidate(provenance(level, name=f"{level}{kind}.json"), result), level, kind)
    for level, (kind, result) in product((1, 2, 3), (("m", MATCH), ("x", MISMATCH), ("u", UNKNOWN)))
]


@pytest.mark.parametrize("minimum", [None, 1, 2, 3])
def test_the_gate_pairs_level_and_expectations(minimum: int | None) -> None:
    """Over all pairs of attestations: passed if and only if one of them has both."""
    for pair in permutations(ROWS, 2):
        scored = score(*(one for one, _, _ in pair))
        expected = any(level >= (minimum or 0) and kind == "m" for _, level, kind in pair)
        assert passed(scored, minimum) == expected, [one.provenance.source.path for one, _, _ in pair]


def test_another_reading_opens_the_gate_for_the_level_alone() -> None:
    for result, opens in ((MATCH, True), (MISMATCH, False), (UNKNOWN, False)):
        scored = score(Candidate(provenance(1), result))
        assert not passed(scored, 3)
        assert not passed(scored, 3, ("configured",))
        raised = _with_level(scored, "configured", Interval(3, 3))
        assert passed(raised, 3, ("configured",)) == opens
        assert not passed(raised, 3, ("declared",))
        assert not passed(raised, 3)


def test_another_reading_answers_no_expectation() -> None:
    nothing = score_subject(SUBJECT, Evidence(), (), PACK, UNKNOWN)
    raised = _with_level(nothing, "configured", Interval(3, 3))
    verdict = give_verdict(Gate((("build", 1),), ("configured",)), (raised,), lowest((raised.assessment,)))
    assert not verdict.passed
    assert "source_uri" in verdict.line


def _with_level(scored: Scored, reading: Reading, level: Interval) -> Scored:
    levels = tuple(replace(one, level=level) if one.reading == reading else one for one in scored.assessment.levels)
    return replace(scored, assessment=replace(scored.assessment, levels=levels))


def test_a_track_that_nobody_assessed_is_not_reached() -> None:
    scored = score(Candidate(provenance(3)))
    verdict = give_verdict(Gate((("source", 1),)), (scored,), lowest((scored.assessment,)))
    assert not verdict.passed
    assert "not assessed" in verdict.reasons[0]


def test_one_weak_subject_fails_the_gate() -> None:
    strong, weak = score(Candidate(provenance(3), MATCH)), score(Candidate(provenance(1, 3), MATCH))
    for subjects in ((strong, weak), (weak, strong)):
        project = lowest(tuple(one.assessment for one in subjects))
        assert project[0].level == Interval(1, 3)
        assert not give_verdict(Gate((("build", 2),)), subjects, project).passed
    wrong = score(Candidate(provenance(3), MISMATCH))
    project = lowest((strong.assessment, wrong.assessment))
    assert not give_verdict(Gate((("build", 2),)), (strong, wrong), project).passed


INTERVALS = [Interval(low, high) for low, high in product(range(4), range(4)) if low <= high]


@pytest.mark.parametrize("left", INTERVALS, ids=str)
def test_lowest_is_the_lowest_of_both_bounds(left: Interval) -> None:
    for right in INTERVALS:
        rows = tuple(
            SubjectAssessment(SUBJECT, (ReadingLevel("build", "demonstrated", one),), ()) for one in (left, right)
        )
        (level,) = lowest(rows)
        assert level.level == Interval(min(left.reached, right.reached), min(left.ceiling, right.ceiling))
    assert lowest(()) == ()


def _rules_of_a_user(folder: Path, level: int, expect: str) -> tuple[Requirement, ...]:
    """The shipped pack and one rule more, as --rules reads it."""
    shipped = (default_directories()[0] / "build" / "l1" / "choose-platform.yaml").read_text(encoding="utf-8")
    head, _, rest = shipped.partition("clauses:")
    tail = rest[rest.index("remediation:") :]
    head = head.replace("build.choose-platform", "build.mine").replace("level: 1", f"level: {level}")
    clause = f"clauses:\n  - id: mine\n    degree: must\n    text: Mine.\n    demonstrated: {expect}\n"
    tail = tail.partition("\ntests:")[0] + "\n"
    (folder / "build" / f"l{level}").mkdir(parents=True)
    (folder / "build" / f"l{level}" / "mine.yaml").write_text(head + clause + tail, encoding="utf-8")
    return load_pack((*default_directories(), folder)).requirements


@pytest.mark.parametrize("level", [1, 2, 3, 4])
@pytest.mark.parametrize("met", [True, False])
def test_a_users_rule_only_lowers(tmp_path: Path, level: int, met: bool) -> None:
    """A rule that holds grants nothing that the roots of trust do not; there is no Build L4 to grant."""
    expect = "{some: provenance, expect: {subject_secure: true}}"
    if not met:
        expect = "{some: provenance, expect: {builder.id: https://elsewhere.example}}"
    rules = _rules_of_a_user(tmp_path, level, expect)
    for reached, ceiling in ((1, 1), (2, 2), (3, 3), (1, 3)):
        before = demonstrated(score(Candidate(provenance(reached, ceiling))))
        after = demonstrated(score(Candidate(provenance(reached, ceiling)), rules=rules))
        assert after == (before if met else Interval(min(reached, level - 1), min(ceiling, level - 1)))


def test_a_rule_of_the_same_name_does_not_replace_one(tmp_path: Path) -> None:
    shipped = (default_directories()[0] / "build" / "l2" / "hosted.yaml").read_text(encoding="utf-8")
    (tmp_path / "build" / "l2").mkdir(parents=True)
    weaker = shipped.replace("at-least: 2", "at-least: 1")
    (tmp_path / "build" / "l2" / "hosted.yaml").write_text(weaker, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load_pack((*default_directories(), tmp_path))
    assert "id 'build.hosted' is used by" in " ".join(text for _, text in refused.value.problems)


def test_without_rules_there_is_no_level() -> None:
    assert demonstrated(score(Candidate(provenance(3)), rules=())) == Interval(0, 0)


def _finding(what: str = "provenance.signature", **outcomes: Outcome) -> Finding:
    readings = tuple(
        ReadingOutcome(one, outcome, (Observation(what, outcome, "x", "y"),))
        for one in READINGS
        for outcome in (outcomes.get(one, "unknown"),)
    )
    return Finding("build.x", (ClauseFinding("c", "must", 1, readings),))


def test_an_unknown_clause_withholds_and_does_not_cap() -> None:
    cases: tuple[tuple[Outcome, Interval], ...] = (
        ("met", Interval(3, 3)),
        ("unmet", Interval(0, 0)),
        ("unknown", Interval(0, 3)),
    )
    for outcome, interval in cases:
        assert level_of([_finding(demonstrated=outcome)], "demonstrated", "build", 3).level == interval


def _told(finding: Finding) -> list[tuple[Reading, Reading]]:
    return [one.between for one in contradictions_of(SubjectAssessment(SUBJECT, (), (finding,)))]


@pytest.mark.parametrize("pair", tuple(permutations(READINGS, 2)), ids=str)
def test_readings_that_differ_are_told(pair: tuple[Reading, Reading]) -> None:
    met, unmet = pair
    assert _told(_finding(**{met: "met", unmet: "unmet"})) == [pair]
    assert _told(_finding(**{met: "met", unmet: "met"})) == []
    assert _told(_finding(**{met: "met"})) == []
    # Unmet for nothing but the platform's level is less than was promised, and no contradiction.
    capped = _finding("provenance.platform.level", **{met: "met", unmet: "unmet"})
    assert _told(capped) == ([] if unmet == "demonstrated" else [pair])
