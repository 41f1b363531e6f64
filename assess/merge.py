"""Several assessments into one, and what changed between two. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from assess.assessment import Assessment, RequirementText, SubjectAssessment, Verdict
from assess.errors import InputError
from assess.scoring import lowest

Row = TypeVar("Row")


def merge(assessments: tuple[Assessment, ...]) -> Assessment:
    """One assessment over all subjects; its level is the lowest, its verdict passes only if all do.

    Raises InputError where they were made for different SLSA versions or trust profiles: such levels do not compare.
    """
    first, *rest = assessments
    if not rest:
        return first
    for other in rest:
        if (other.spec, other.trust_profile) != (first.spec, first.trust_profile):
            raise InputError(
                f"assessments for SLSA {first.spec} ({first.trust_profile}) and SLSA {other.spec} "
                f"({other.trust_profile}) cannot be merged",
                hint="assess again with the same --spec and --trust-profile",
            )
    subjects = tuple(subject for one in assessments for subject in one.subjects)
    failed = [one.verdict for one in assessments if not one.verdict.passed]
    words = "; ".join(f"{one.project}: {one.verdict.line}" for one in assessments)
    return replace(
        first,
        time=max(one.time for one in assessments),
        project=", ".join(dict.fromkeys(one.project for one in assessments)),
        levels=lowest(subjects),
        subjects=subjects,
        requirements=_requirements(assessments),
        verdict=Verdict(not failed, words, tuple(reason for verdict in failed for reason in verdict.reasons)),
        pipelines=_joined([one.pipelines for one in assessments]),
        releases=_joined([one.releases for one in assessments]),
        source_controls=_joined([one.source_controls for one in assessments]),
        answers=_joined([one.answers for one in assessments]),
        contradictions=tuple(row for one in assessments for row in one.contradictions),
        notices=tuple(row for one in assessments for row in one.notices),
        unreadable=tuple(row for one in assessments for row in one.unreadable),
        not_checked=tuple(dict.fromkeys(row for one in assessments for row in one.not_checked)),
        waivers=tuple(row for one in assessments for row in one.waivers),
        inputs=tuple(dict.fromkeys(row for one in assessments for row in one.inputs)),
        rule_pack=", ".join(dict.fromkeys(one.rule_pack for one in assessments)),
        roots=tuple(dict.fromkeys(row for one in assessments for row in one.roots)),
        audits=tuple({text.id: text for one in assessments for text in one.audits}.values()),
        audited=_joined([one.audited for one in assessments]),
        configured=tuple(dict.fromkeys(row for one in assessments for row in one.configured)),
        steps_up=tuple(dict.fromkeys(step for one in assessments for step in one.steps_up)),
    )


def _joined(parts: list[tuple[Row, ...] | None]) -> tuple[Row, ...] | None:
    given = [part for part in parts if part is not None]
    return tuple(dict.fromkeys(row for part in given for row in part)) if given else None


def _requirements(assessments: tuple[Assessment, ...]) -> tuple[RequirementText, ...]:
    by_id = {text.id: text for one in reversed(assessments) for text in one.requirements}
    return tuple(sorted(by_id.values(), key=lambda text: (text.track, text.level, text.id)))


def differences(old: Assessment, new: Assessment) -> tuple[str, ...]:
    """One line for each level and each clause outcome that changed, subjects matched by name."""
    lines = []
    if old.verdict.line != new.verdict.line:
        lines.append(f"verdict: {old.verdict.line} -> {new.verdict.line}")
    before = {subject.subject.name: subject for subject in old.subjects}
    for subject in new.subjects:
        name = subject.subject.name
        former = before.pop(name, None)
        if former is None:
            lines.append(f"{name}: new, {_levels(subject)}")
        else:
            lines += _changes(name, former, subject)
    lines += [f"{name}: gone, was {_levels(subject)}" for name, subject in before.items()]
    return tuple(lines)


def _levels(subject: SubjectAssessment) -> str:
    return ", ".join(f"{row.reading} {row.level}" for row in subject.levels)


def _changes(name: str, old: SubjectAssessment, new: SubjectAssessment) -> list[str]:
    lines = [
        f"{name}: {then.track} {then.reading}: {then.level} -> {now.level}"
        for then, now in zip(old.levels, new.levels, strict=False)
        if then.level != now.level
    ]
    former = _outcomes(old)
    for key, outcome in _outcomes(new).items():
        if former.get(key, outcome) != outcome:
            lines.append(f"{name}: {key[0]}/{key[1]} {key[2]}: {former[key]} -> {outcome}")
    return lines


def _outcomes(subject: SubjectAssessment) -> dict[tuple[str, str, str], str]:
    return {
        (finding.requirement, clause.clause, reading.reading): reading.outcome
        for finding in subject.findings
        for clause in finding.clauses
        for reading in clause.readings
    }
