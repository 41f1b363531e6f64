"""Audits over the evidence: what contradicts or threatens the configured level, place by place. Pure, no I/O.

A case that is found makes the clauses that it contradicts unmet in the configured reading; one that cannot be told
makes them unknown where they were met. Nothing here makes a clause met, and no other reading is touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace

from assess.assessment import (
    AuditFinding,
    AuditPlace,
    CaseOutcome,
    ClauseFinding,
    Finding,
    Observation,
    Outcome,
    ReadingOutcome,
)
from assess.audit import ANY, Audit, Case, Profile, Verb
from assess.evidence import Evidence, Imported, Source
from assess.judge import MAX_OBSERVATIONS, Truth, compare, kleene_and, lookup, shown
from assess.requirement import Match

MAX_PLACES = 200
"""More than anybody repairs at once; the rest is counted."""


def audit(audits: Iterable[Audit], evidence: Evidence, profile: Profile) -> tuple[AuditFinding, ...]:
    """How every case of every audit ends for the project's release paths, in the order of the audits' numbers."""
    return tuple(
        _audited(one, case, evidence, profile)
        for one in sorted(audits, key=lambda one: (one.number, one.id))
        for case in one.cases
    )


def _audited(one: Audit, case: Case, evidence: Evidence, profile: Profile) -> AuditFinding:
    name = f"{one.id}/{case.id}"
    items: tuple[object, ...] | None = getattr(evidence, case.finds.some)
    rows = [(_fits(case, item), item) for item in items or () if _asked(one, item)]
    places = [_place(case, item) for truth, item in rows if truth is True]
    unsure = [_place(case, item) for truth, item in rows if truth is None]
    taken = [_imported(row) for row in evidence.imported or () if row.audit == name and row.on_path is not False]
    places += [place for certain, place in taken if certain]
    unsure += [place for certain, place in taken if not certain]
    outcome: CaseOutcome = "found" if places else "unknown" if unsure or items is None else "clean"
    told = places or unsure
    return AuditFinding(
        audit=one.id,
        case=case.id,
        says=case.says,
        outcome=outcome,
        contradicts=_clauses(case, profile, "contradicts"),
        threatens=_clauses(case, profile, "threatens"),
        places=tuple(dict.fromkeys(told))[:MAX_PLACES],
        count=len(dict.fromkeys(told)),
    )


def _asked(one: Audit, item: object) -> bool:
    return one.systems == (ANY,) or _system(item) in one.systems


def _fits(case: Case, item: object) -> Truth:
    return kleene_and(compare(one, lookup(item, one.path)) for one in (*case.finds.where, *case.finds.expect))


def _system(item: object) -> str:
    """The CI system of an item of a release path, its own or its job's."""
    job = getattr(item, "job", None)
    return str(getattr(job if job is not None else item, "system", ""))


def _place(case: Case, item: object) -> AuditPlace:
    name = _name_of(item)
    found = ", ".join(f"{one.path} is {shown(lookup(item, one.path))}" for one in case.finds.expect)
    expected = ", ".join(f"{one.path} {_instead(one)}" for one in case.finds.expect)
    source: Source = item.source  # type: ignore[attr-defined]  # every item of a collection has its place
    job = getattr(item, "job", None)
    return AuditPlace(
        source,
        expected,
        f"{name}: {found}" if name else found,
        job.id if job is not None else getattr(item, "id", None),
    )


def _instead(match: Match) -> str:
    """What would be right where what `match` expects is wrong."""
    match match:
        case Match(operator="is", values=(bool() as wrong,)):
            return str(not wrong).lower()
        case Match(operator="present", values=(wrong,)):
            return "empty" if wrong else "present"
        case Match(operator="not"):
            return _plainly(match).expected
        case _:
            return f"not {match.expected}"


def _plainly(match: Match) -> Match:
    """`not x` as `x`."""
    return Match(path=match.path, operator="is", values=match.values)


_NAMES = (
    "reference",
    "tool",
    "cache.tool",
    "secret.name",
    "image.image",
    "handover.name",
    "shared.job",
    "event",
    "name",
)


def _name_of(item: object) -> str:
    """What an item is called: the first of its names that it has."""
    for path in _NAMES:
        with suppress(AttributeError):
            value = lookup(item, path)
            if isinstance(value, str) and value:
                return value[:120]
    return ""


def _imported(row: Imported) -> tuple[bool, AuditPlace]:
    """Certain where the place is on a release path for certain."""
    return row.on_path is True, AuditPlace(row.source, f"nothing for {row.rule}", row.message, None, row.tool)


def _clauses(case: Case, profile: Profile, verb: Verb) -> tuple[str, ...]:
    named = (name for one in case.effects if one.in_profile(profile) == verb for name in one.clauses)
    return tuple(dict.fromkeys(named))


def contradicted(findings: tuple[Finding, ...], audited: tuple[AuditFinding, ...]) -> tuple[Finding, ...]:
    """`findings` with what the audits contradict: their configured reading becomes unmet, or unknown where met."""
    against: dict[str, list[AuditFinding]] = {}
    for one in audited:
        for name in one.contradicts if one.outcome != "clean" else ():
            against.setdefault(name, []).append(one)
    if not against:
        return findings
    return tuple(
        replace(
            finding,
            clauses=tuple(
                _held(clause, against.get(f"{finding.requirement}/{clause.clause}")) for clause in finding.clauses
            ),
        )
        for finding in findings
    )


def _held(clause: ClauseFinding, against: list[AuditFinding] | None) -> ClauseFinding:
    if not against:
        return clause
    readings = tuple(_lowered(one, against) if one.reading == "configured" else one for one in clause.readings)
    return replace(clause, readings=readings)


def _lowered(before: ReadingOutcome, against: list[AuditFinding]) -> ReadingOutcome:
    found = [one for one in against if one.outcome == "found"]
    if not found and before.outcome != "met":
        return before
    outcome: Outcome = "unmet" if found else "unknown"
    observations = tuple(
        Observation(name(one), outcome, place.expected, place.found, place.source, one.says)
        for one in found or against
        for place in one.places
    )
    kept = before.observations if before.outcome == outcome else ()
    reason = "; ".join(_reasons(found or against))
    if before.outcome == outcome and before.reason:
        reason = f"{reason}; {before.reason}"
    return ReadingOutcome("configured", outcome, (*observations, *kept)[:MAX_OBSERVATIONS], reason)


def _reasons(against: list[AuditFinding]) -> Iterator[str]:
    for one in against:
        if one.outcome == "found":
            yield f"{name(one)}: {one.says}"
        else:
            yield f"{name(one)} cannot be told: {one.places[0].found if one.places else 'nobody looked'}"


def name(finding: AuditFinding) -> str:
    """`audit.id/case`."""
    return f"{finding.audit}/{finding.case}"
