"""Findings into levels, and subjects into an Assessment. Pure, no I/O.

The demonstrated level of a subject is the best that one single attestation carries: clauses met by different
attestations never add up (SLSA 1.2 verifying-artifacts, step 1: the level belongs to one verified attestation).
"""

# Longer than 300 lines: levels, gate and contradictions are sums over the same findings.

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from assess._frozen import frozen
from assess.assessment import (
    AuditFinding,
    AuditText,
    ClauseFinding,
    ClauseText,
    Contradiction,
    Decision,
    ExpectationResult,
    Finding,
    Outcome,
    ReadingLevel,
    ReadingOutcome,
    RequirementText,
    SubjectAssessment,
    Verdict,
)
from assess.audit import Audit
from assess.auditing import contradicted
from assess.evidence import Evidence, Interval, Provenance, Source, Subject
from assess.judge import judge
from assess.requirement import READINGS, Reading, Requirement
from assess.substitution import SummaryCandidate, summarised


@frozen
class Candidate:
    """One attestation that may carry the level of a subject, with what was expected of it."""

    provenance: Provenance
    expectations: tuple[ExpectationResult, ...] = ()

    @property
    def as_expected(self) -> bool:
        """All expectations hold, or none were given."""
        return all(one.outcome == "match" for one in self.expectations)


AnyCandidate = Candidate | SummaryCandidate


@frozen
class Gate:
    """What must hold: minimum levels per track, and the readings that may open the gate beside the demonstrated one."""

    minimum: tuple[tuple[str, int], ...] = ()
    accept: tuple[Reading, ...] = ()


@frozen
class Scored:
    """A subject's assessment with each candidate's own demonstrated level, which the gate needs."""

    assessment: SubjectAssessment
    candidates: tuple[tuple[AnyCandidate, Interval], ...]


def outcome_in(clause: ClauseFinding, reading: Reading) -> ReadingOutcome:
    """The outcome of `clause` in `reading`."""
    return next(one for one in clause.readings if one.reading == reading)


def level_of(findings: Iterable[Finding], reading: Reading, track: str, top: int) -> ReadingLevel:
    """The level interval in one reading: unknown counted as unmet gives `reached`, counted as met the `ceiling`.

    Only MUST clauses move a level. `top` is the highest level of the track's rules.
    """
    musts = [
        (f"{finding.requirement}/{clause.clause}", clause.level, outcome_in(clause, reading).outcome)
        for finding in findings
        for clause in finding.clauses
        if clause.degree == "must"
    ]
    reached = _highest(musts, {"met"}, top)
    ceiling = _highest(musts, {"met", "unknown"}, top)
    return ReadingLevel(
        track=track,
        reading=reading,
        level=Interval(reached, ceiling),
        holds_back=tuple(name for name, level, outcome in musts if level <= reached + 1 and outcome != "met"),
        caps=tuple(name for name, level, outcome in musts if level <= ceiling + 1 and outcome == "unmet"),
    )


def _highest(musts: list[tuple[str, int, Outcome]], good: set[str], top: int) -> int:
    for level in range(top, 0, -1):
        if all(outcome in good for _, at, outcome in musts if at <= level):
            return level
    return 0


def score_subject(
    subject: Subject,
    evidence: Evidence,
    candidates: tuple[Candidate, ...] | None,
    requirements: tuple[Requirement, ...],
    unanswered: tuple[ExpectationResult, ...] = (),
    summaries: tuple[SummaryCandidate, ...] = (),
    audited: tuple[AuditFinding, ...] = (),
) -> Scored:
    """Judge `requirements` for one subject; `audited` holds against its configured reading, and no other.

    `candidates` None: nobody looked for attestations; (): looked, and none is provenance for this subject.
    `unanswered` are the expectations, all unknown, for a subject that has no candidate to compare them with.
    """
    track = "build"
    rules = tuple(rule for rule in requirements if rule.track == track)
    top = max((rule.level_of(clause) for rule in rules for clause in rule.clauses), default=0)
    each: tuple[AnyCandidate | None, ...] = (*(candidates or ()), *summaries) or (None,)
    # Only the best one's findings are kept: a file of thousands of attestations has thousands of candidates.
    best, findings, level = each[0], *_judged(rules, evidence, candidates, each[0], top)
    scored = [(best, level)]
    for one in each[1:]:
        others, own = _judged(rules, evidence, candidates, one, top)
        scored.append((one, own))
        if (own.level.reached, own.level.ceiling) > (level.level.reached, level.level.ceiling):
            best, findings, level = one, others, own
    findings = contradicted(findings, audited)
    ceiling = max(row.level.ceiling for _, row in scored)
    shown = _shown_expectations(scored) if candidates or summaries else unanswered
    return Scored(
        SubjectAssessment(
            subject=subject,
            levels=(
                replace(level, level=Interval(level.level.reached, ceiling)),
                *(level_of(findings, reading, track, top) for reading in READINGS if reading != "demonstrated"),
            ),
            findings=findings,
            proof=_source_of(best) if best is not None and level.level.reached > 0 else None,
            provenance=tuple(one.provenance for one in candidates or ()),
            attestations=evidence.attestations or (),
            expectations=shown,
            summaries=evidence.summaries or (),
        ),
        tuple((one, row_level.level) for one, row_level in scored if one is not None),
    )


def _judged(
    rules: tuple[Requirement, ...],
    evidence: Evidence,
    candidates: tuple[Candidate, ...] | None,
    one: AnyCandidate | None,
    top: int,
) -> tuple[tuple[Finding, ...], ReadingLevel]:
    """The findings of one candidate alone, and the level that it demonstrates."""
    findings = _judge_one(rules, evidence, candidates, one)
    return findings, _within_trust(level_of(findings, "demonstrated", "build", top), one)


def _within_trust(level: ReadingLevel, candidate: AnyCandidate | None) -> ReadingLevel:
    """The level, held to what the roots of trust allow: no rule, not even a user's own, grants more (law 4)."""
    if not isinstance(candidate, Candidate):
        return level
    platform = candidate.provenance.platform
    trusted = platform.level if platform is not None else Interval(0, level.level.ceiling)
    held = Interval(min(level.level.reached, trusted.reached), min(level.level.ceiling, trusted.ceiling))
    return replace(level, level=held)


def _judge_one(
    rules: tuple[Requirement, ...],
    evidence: Evidence,
    candidates: tuple[Candidate, ...] | None,
    one: AnyCandidate | None,
) -> tuple[Finding, ...]:
    if isinstance(one, SummaryCandidate):
        seen = replace(evidence, provenance=None)
        return tuple(summarised(judge(rule, seen), one.summary) for rule in rules)
    alone: tuple[Provenance, ...] | None = None if candidates is None else ()
    if one is not None:
        alone = (one.provenance,)
    seen = replace(evidence, provenance=alone)
    return tuple(judge(rule, seen) for rule in rules)


def _source_of(candidate: AnyCandidate) -> Source:
    match candidate:
        case Candidate(provenance=provenance):
            return provenance.source
        case SummaryCandidate(summary=summary):
            return summary.source


def _shown_expectations(
    scored: list[tuple[AnyCandidate | None, ReadingLevel]],
) -> tuple[ExpectationResult, ...]:
    """The comparison with the attestation that serves the gate best: as expected first, then by level."""
    rows = [(one, level.level) for one, level in scored if one is not None]
    if not rows:
        return ()
    chosen, _ = max(rows, key=lambda row: (row[0].as_expected, row[1].reached, row[1].ceiling))
    return chosen.expectations


def contradictions_of(subject: SubjectAssessment) -> tuple[Contradiction, ...]:
    """Pairs of readings that settled one MUST clause differently."""
    found: list[Contradiction] = []
    for finding in subject.findings:
        for clause in finding.clauses:
            settled = [one for one in clause.readings if one.outcome != "unknown"]
            met = next((one for one in settled if one.outcome == "met"), None)
            unmet = next((one for one in settled if one.outcome == "unmet"), None)
            if clause.degree != "must" or met is None or unmet is None or _only_capped(unmet):
                continue
            sources = (*met.observations[:1], *unmet.observations[:3])
            found.append(
                Contradiction(
                    requirement=finding.requirement,
                    clause=clause.clause,
                    text=f"{met.reading} as met ({met.reason}), yet {unmet.reading} as unmet: {unmet.reason}",
                    between=(met.reading, unmet.reading),
                    sources=tuple(one.source for one in sources if one.source is not None),
                    subject=subject.subject.name,
                )
            )
    return tuple(found)


def _only_capped(unmet: ReadingOutcome) -> bool:
    """Unmet for nothing but the platform's level: that is less than was configured, and contradicts nothing."""
    return unmet.reading == "demonstrated" and {one.what for one in unmet.observations} == {"provenance.platform.level"}


def lowest(subjects: tuple[SubjectAssessment, ...]) -> tuple[ReadingLevel, ...]:
    """The project's levels: per track and reading the lowest of its subjects', never an average."""
    if not subjects:
        return ()
    result: list[ReadingLevel] = []
    for index, first in enumerate(subjects[0].levels):
        rows = [subject.levels[index] for subject in subjects]
        weakest = min(rows, key=lambda row: (row.level.reached, row.level.ceiling))
        ceiling = min(row.level.ceiling for row in rows)
        result.append(replace(weakest, track=first.track, level=Interval(weakest.level.reached, ceiling)))
    return tuple(result)


def requirement_text(requirement: Requirement, spec: str) -> RequirementText:
    """What a report tells of `requirement`, with the threat letters of `spec`."""
    return RequirementText(
        id=requirement.id,
        track=requirement.track,
        level=requirement.level,
        title=requirement.title,
        role=requirement.role,
        reference=requirement.reference,
        risk=requirement.risk,
        threats=requirement.threats.get(spec, ()),
        clauses=tuple(
            ClauseText(
                id=clause.id,
                degree=clause.degree,
                level=requirement.level_of(clause),
                text=clause.text,
                question=clause.declared.question if clause.declared else None,
                ask=clause.declared.ask if clause.declared else None,
                raise_it=clause.raise_it,
            )
            for clause in requirement.clauses
        ),
        effort=requirement.remediation.effort,
        remedy=requirement.remediation.text,
        snippets=tuple(sorted(requirement.remediation.ci.items())),
    )


def audit_text(one: Audit) -> AuditText:
    """What a report tells of an audit."""
    fix = one.remediation
    return AuditText(one.id, one.number, one.title, one.risk, fix.effort, fix.text, tuple(sorted(fix.ci.items())))


def give_verdict(gate: Gate, scored: tuple[Scored, ...], project: tuple[ReadingLevel, ...]) -> Verdict:
    """The gate: each subject needs one attestation that reaches the minimum and is as expected.

    A mismatch of expectations fails the gate whatever the level. Readings in `gate.accept` may open it too.
    """
    too_low = tuple(reason for one in scored for reason in _too_low(gate, one))
    unexpected = tuple(dict.fromkeys(reason for one in scored for reason in _unexpected(gate, one)))
    text = _level_text(project)
    minimum = " and ".join(f"{track.capitalize()} L{level}" for track, level in gate.minimum)
    if len(gate.minimum) == 1 and gate.minimum[0][0] == "build":
        minimum = f"L{gate.minimum[0][1]}"
    asked = f" (minimum {minimum})" if gate.minimum else ""
    if too_low or unexpected:
        more = f"; {'; '.join(unexpected[:3])}" if unexpected else ""
        return Verdict(False, f"FAILED: {text}{asked}{more}", (*too_low, *unexpected))
    if gate.minimum or any(one.assessment.expectations for one in scored):
        return Verdict(True, f"PASSED: {text}{asked}{_opened_by(gate, project)}")
    return Verdict(True, f"ASSESSED: {text}")


def decide(gate: Gate, scored: Scored) -> Decision | None:
    """The gate's decision on one subject by its demonstrated reading alone; None where nothing was asked."""
    if not gate.minimum and not scored.assessment.expectations:
        return None
    strict = replace(gate, accept=())
    passed = not _too_low(strict, scored) and not _unexpected(strict, scored)
    # What is not as expected may have passed the level, and must not carry the one that is stated.
    level = max((level.reached for one, level in scored.candidates if one.as_expected), default=0)
    return Decision(passed, level)


def _level_text(project: tuple[ReadingLevel, ...]) -> str:
    words = []
    for row in project:
        if row.reading == "demonstrated":
            could = f", could be L{row.level.ceiling}" if row.level.ceiling > row.level.reached else ""
            words.append(f"{row.track.capitalize()} L{row.level.reached}{could}")
    return "; ".join(words) or "nothing assessed"


def _opened_by(gate: Gate, project: tuple[ReadingLevel, ...]) -> str:
    """Says aloud that another reading than the demonstrated one opened the gate."""
    for track, level in gate.minimum:
        for row in project:
            if row.track == track and row.reading == "demonstrated" and row.level.reached < level:
                return f" [accepted as {' or '.join(gate.accept)}, not demonstrated]"
    return ""


def _too_low(gate: Gate, scored: Scored) -> list[str]:
    name = scored.assessment.subject.name
    reasons = []
    for track, minimum in gate.minimum:
        rows = [row for row in scored.assessment.levels if row.track == track]
        opened = any(
            row.level.reached >= minimum for row in rows if row.reading == "demonstrated" or row.reading in gate.accept
        )
        if not opened:
            levels = ", ".join(f"{row.level} {row.reading}" for row in rows if row.reading == "demonstrated")
            reasons.append(f"{name}: {track.capitalize()} {levels or 'not assessed'}, minimum L{minimum}")
    return reasons


def _unexpected(gate: Gate, scored: Scored) -> list[str]:
    """Expectations that no attestation meets together with the minimum that it serves."""
    name = scored.assessment.subject.name
    least = max((level for track, level in gate.minimum if track == "build"), default=0)
    serving = [one for one, level in scored.candidates if level.reached >= least] or [
        one for one, _ in scored.candidates
    ]
    if any(one.as_expected for one in serving):
        return []
    rows = serving[0].expectations if serving else scored.assessment.expectations
    return [f"{name}: {one.name} expected {one.expected}{_instead(one)}" for one in rows if one.outcome != "match"]


def _instead(result: ExpectationResult) -> str:
    """What is there, or why what is there proves nothing."""
    if result.outcome == "unknown" and result.found and result.detail:
        return f": {result.detail.partition('; leaves threat')[0]}"
    return f", found {result.found or 'nothing'}"
