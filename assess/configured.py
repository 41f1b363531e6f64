"""What each pipeline is configured for, under the vendors' claims and under the letter of the specification. Pure.

It is the configured reading of the pipeline's own release paths, with what the audits find there; it proves nothing.
"""

from __future__ import annotations

from dataclasses import fields, replace

from assess.assessment import AuditFinding, Finding, Outcome, PipelineLevel, Raise, ReadingLevel
from assess.audit import Audit, Profile
from assess.auditing import audit, contradicted
from assess.evidence import ConfiguredProvenance, Evidence, Interval, Pipeline, Release, StrictConditions
from assess.judge import judge
from assess.requirement import Requirement
from assess.scoring import level_of, outcome_in

TOP = 3


def in_profile(evidence: Evidence, profile: Profile) -> Evidence:
    """The evidence as this trust profile takes it: the strict one holds claims of L3 to the five conditions."""
    if profile == "vendor" or evidence.releases is None:
        return evidence
    return replace(evidence, releases=tuple(_strictly(one) for one in evidence.releases))


def _strictly(release: Release) -> Release:
    made = release.provenance
    if made is None or made.level is None or made.level.ceiling < TOP:
        return release
    return replace(release, provenance=replace(made, level=_capped(made, release.strict)))


def _capped(made: ConfiguredProvenance, strict: StrictConditions | None) -> Interval | None:
    """The claimed level where all five conditions hold; at most L2 where one does not."""
    level = made.level
    if level is None:
        return None
    held = [None] if strict is None else [getattr(strict, one.name) for one in fields(strict)]
    if False in held:
        return Interval(min(level.reached, TOP - 1), TOP - 1)
    return Interval(min(level.reached, TOP - 1), level.ceiling) if None in held else level


def pipeline_levels(
    evidence: Evidence, requirements: tuple[Requirement, ...], audits: tuple[Audit, ...], profile: Profile
) -> tuple[PipelineLevel, ...]:
    """The levels of every pipeline that has a release path, in the order in which they were read."""
    rules = tuple(rule for rule in requirements if rule.track == "build")
    known = {one.source.path: one for one in evidence.pipelines or ()}
    names = dict.fromkeys(one.pipeline for one in evidence.releases or ())
    return tuple(_level(known[name], evidence, rules, audits, profile) for name in names if name in known)


def _level(
    pipeline: Pipeline,
    evidence: Evidence,
    rules: tuple[Requirement, ...],
    audits: tuple[Audit, ...],
    profile: Profile,
) -> PipelineLevel:
    own = _only(evidence, pipeline.source.path)
    ends = {name: _judged(own, rules, audits, name) for name in _PROFILES}
    findings, level, audited = ends[profile]
    vendor, strict = ends["vendor"][1].level, ends["strict"][1].level
    return PipelineLevel(
        pipeline=pipeline.source.path,
        system=pipeline.system,
        source=pipeline.source,
        vendor=vendor,
        strict=strict,
        sentence=sentence(vendor),
        strict_sentence=sentence(strict),
        conditions=_conditions(own.releases or ()),
        raises=_raises(findings, level, rules, audits, audited),
    )


_PROFILES: tuple[Profile, ...] = ("vendor", "strict")


def _judged(
    own: Evidence, rules: tuple[Requirement, ...], audits: tuple[Audit, ...], profile: Profile
) -> tuple[tuple[Finding, ...], ReadingLevel, tuple[AuditFinding, ...]]:
    seen = in_profile(own, profile)
    audited = audit(audits, seen, profile)
    findings = contradicted(tuple(judge(rule, seen) for rule in rules), audited)
    top = max((rule.level_of(clause) for rule in rules for clause in rule.clauses), default=0)
    return findings, level_of(findings, "configured", "build", top), audited


def _only(evidence: Evidence, path: str) -> Evidence:
    """The evidence of one pipeline's release paths alone; no attestation or answer takes part."""
    kept = {
        one.name: tuple(item for item in items if _pipeline_of(item) == path)
        for one in fields(Evidence)
        if one.name.startswith("path_") and (items := getattr(evidence, one.name)) is not None
    }
    imported = evidence.imported
    return Evidence(
        pipelines=evidence.pipelines,
        releases=tuple(one for one in evidence.releases or () if one.pipeline == path),
        imported=None if imported is None else tuple(one for one in imported if path in one.pipelines),
        **kept,
    )


def _pipeline_of(item: object) -> str | None:
    job = getattr(item, "job", None)
    return getattr(job if job is not None else item, "pipeline", None)


def _conditions(releases: tuple[Release, ...]) -> tuple[tuple[str, bool | None], ...]:
    """Each condition at its worst over the pipeline's releases."""
    given = [one.strict for one in releases if one.strict is not None]
    rows = []
    for one in fields(StrictConditions) if given else ():
        values = {getattr(strict, one.name) for strict in given}
        rows.append((one.name, False if False in values else None if None in values else True))
    return tuple(rows)


def _raises(
    findings: tuple[Finding, ...],
    level: ReadingLevel,
    rules: tuple[Requirement, ...],
    audits: tuple[Audit, ...],
    audited: tuple[AuditFinding, ...],
) -> tuple[Raise, ...]:
    texts = {f"{rule.id}/{clause.id}": clause for rule in rules for clause in rule.clauses}
    remedies = {one.id: one.remediation.text for one in audits}
    against = {clause: one.audit for one in reversed(audited) if one.outcome == "found" for clause in one.contradicts}
    found = []
    for finding in findings:
        for clause in finding.clauses:
            name = f"{finding.requirement}/{clause.clause}"
            if name not in level.holds_back:
                continue
            end = outcome_in(clause, "configured")
            places = tuple(dict.fromkeys(one.source for one in end.observations if one.source is not None))
            remedy = remedies[against[name]] if name in against else texts[name].raise_it or ""
            found.append(Raise(name, clause.level, end.outcome, end.reason, " ".join(remedy.split()), places[:5]))
    order: dict[Outcome, int] = {"unmet": 0, "unknown": 1, "met": 2}
    return tuple(sorted(found, key=lambda one: (one.level, order[one.outcome])))


def sentence(level: Interval) -> str:
    """The level of a configuration, said so that nobody takes it for a proof."""
    if level.ceiling == 0:
        return "configured for no Build level; not demonstrated"
    if level.reached == level.ceiling:
        return f"configured for up to Build L{level.reached}; not demonstrated"
    if level.reached == 0:
        return f"configured for no Build level for certain, perhaps up to L{level.ceiling}; not demonstrated"
    return f"configured for up to Build L{level.reached}, perhaps L{level.ceiling}; not demonstrated"
