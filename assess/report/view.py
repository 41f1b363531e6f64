"""What all renderings of an Assessment share: its facts in the order in which a reader needs them. Pure, no markup."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from assess._frozen import frozen
from assess.assessment import (
    Assessment,
    Notice,
    Observation,
    Outcome,
    ReadingLevel,
    ReadingOutcome,
    SubjectAssessment,
)
from assess.evidence import Attestation, Provenance, Source
from assess.report.audits import AuditsView, audits_of
from assess.report.gaps import Action, Duty, Gap, actions_of, attested, duties_of, gaps_of, given, leading
from assess.report.overview import MatrixRow, Question, counts_of, matrix_of, questions_of
from assess.report.readings import TrackView, tracks_of

if TYPE_CHECKING:
    from assess.report.reproduce import Command

_SEVERITY = {"critical": 0, "warning": 1, "info": 2}


@frozen
class Blocker:
    """Clauses that keep a level from being higher, with how they ended and why."""

    names: tuple[str, ...]
    outcome: Outcome
    reason: str
    sources: tuple[Source, ...]


@frozen
class Held:
    """What keeps one reading of a subject from the next level; clauses that end alike are one blocker."""

    reading: str
    next_level: str
    blockers: tuple[Blocker, ...]


@frozen
class AttestationView:
    """One attestation that was opened, with the provenance that it carries for this subject, if it does."""

    source: Source
    attestation: Attestation | None
    provenance: Provenance | None


@frozen
class SubjectView:
    """One subject with its levels, what holds it back, and its evidence."""

    anchor: str
    name: str
    digest: str
    subject: SubjectAssessment
    tracks: tuple[TrackView, ...]
    held: tuple[Held, ...]
    attestations: tuple[AttestationView, ...]
    assessment: Assessment

    @property
    def commands(self) -> tuple[Command, ...]:
        """How to repeat what was found with somebody else's tools; only the long reports ask."""
        from assess.report.reproduce import commands_of

        pairs = tuple((one.attestation, one.provenance) for one in self.attestations)
        return commands_of(self.assessment, self.subject, pairs)


@frozen
class View:
    """Everything that a report shows, in order."""

    assessment: Assessment
    headline: str
    summary: tuple[str, ...]
    tracks: tuple[TrackView, ...]
    subjects: tuple[SubjectView, ...]
    matrix: tuple[MatrixRow, ...]
    counts: tuple[tuple[Outcome, int], ...]
    actions: tuple[Action, ...]
    gaps: tuple[Gap, ...]
    duties: tuple[Duty, ...]
    advice: tuple[Gap, ...]
    notices: tuple[Notice, ...]
    questions: tuple[Question, ...]
    threats_url: str
    audits: AuditsView

    @property
    def expected(self) -> bool:
        """Whether any expectation was given."""
        return any(one.subject.expectations for one in self.subjects)


def view_of(assessment: Assessment) -> View:
    """The view of `assessment`; the same assessment always gives an equal view."""
    subjects = tuple(_subject(assessment, index, one) for index, one in enumerate(assessment.subjects, start=1))
    tracks = tracks_of(assessment, assessment.levels, _basis_of_all(assessment))
    gaps = gaps_of(assessment)
    counts = counts_of(assessment)
    return View(
        assessment=assessment,
        headline=_headline(assessment, tracks),
        summary=_summary(assessment, tracks, counts),
        tracks=tracks,
        subjects=subjects,
        matrix=matrix_of(assessment),
        counts=counts,
        actions=actions_of(gaps, leading(assessment), looked=attested(assessment)),
        gaps=gaps,
        duties=duties_of(gaps),
        advice=gaps_of(assessment, advice=True),
        notices=tuple(sorted(assessment.notices, key=lambda one: _SEVERITY.get(one.severity, 3))),
        questions=questions_of(assessment),
        threats_url=_threats_url(assessment.spec),
        audits=audits_of(assessment),
    )


def basis_of(subject: SubjectAssessment) -> str:
    """Whose claim the demonstrated level rests on ("vendor claim"); "" where it rests on none."""
    for one in subject.provenance:
        if one.source == subject.proof and one.platform is not None and one.platform.basis != "default":
            return one.platform.basis
    return ""


def _basis_of_all(assessment: Assessment) -> str:
    """The bases of the subjects that reach no more than the project does: they are the ones that decide."""
    project = [row.level.reached for row in assessment.levels if row.reading == "demonstrated"]
    bases = [
        basis_of(subject)
        for subject in assessment.subjects
        if [row.level.reached for row in subject.levels if row.reading == "demonstrated"] == project
    ]
    return ", ".join(dict.fromkeys(one for one in bases if one))


def _headline(assessment: Assessment, tracks: tuple[TrackView, ...]) -> str:
    """The demonstrated level; where no artifact was given, what the pipeline is configured for."""
    wanted = leading(assessment)
    found = [
        one.words if wanted == "demonstrated" else one.sentence
        for track in tracks
        for one in track.readings
        if one.reading == wanted and one.looked
    ]
    found = found or [one.demonstrated.words for one in tracks if one.demonstrated]
    return "; ".join(found) or "nothing was assessed"


def _summary(
    assessment: Assessment, tracks: tuple[TrackView, ...], counts: tuple[tuple[Outcome, int], ...]
) -> tuple[str, ...]:
    """A few sentences for somebody who reads no further; they follow the headline."""
    sentences: list[str] = []
    if not given(assessment) and assessment.subjects:
        sentences.append("No artifact was given, so nothing could be demonstrated.")
    for track in tracks:
        for one in track.readings:
            if one.reading == "demonstrated":
                sentences.append(one.sentence)
            elif one.looked and one.reading != leading(assessment):
                sentences.append(f"{one.sentence[0].upper()}{one.sentence[1:]}.")
    number = len([one for one in assessment.subjects if one.subject.digests])
    if number > 1:
        sentences.append(f"The project's level is the lowest of its {number} artifacts.")
    count = dict(counts)
    total = sum(count.values())
    if total:
        sentences.append(
            f"Mandatory clauses: {total}; demonstrated: {count['met']}, unmet: {count['unmet']},"
            f" unknown: {count['unknown']}."
        )
    return tuple(sentences)


def _subject(assessment: Assessment, index: int, subject: SubjectAssessment) -> SubjectView:
    digests = subject.subject.digests
    digest = next((one for one in digests if one.algorithm == "sha256"), digests[0] if digests else None)
    return SubjectView(
        anchor=f"subject-{index}",
        name=subject.subject.name,
        digest=str(digest) if digest is not None else "",
        subject=subject,
        tracks=tracks_of(assessment, subject.levels, basis_of(subject)),
        held=tuple(_held(subject, row) for row in subject.levels if row.holds_back),
        attestations=_paired(subject),
        assessment=assessment,
    )


def _paired(subject: SubjectAssessment) -> tuple[AttestationView, ...]:
    """The attestations with their provenance (by place), then provenance whose attestation is not listed."""
    by_source = {one.source: one for one in subject.provenance}
    listed = tuple(AttestationView(one.source, one, by_source.pop(one.source, None)) for one in subject.attestations)
    return (*listed, *(AttestationView(one.source, None, one) for one in by_source.values()))


def _held(subject: SubjectAssessment, row: ReadingLevel) -> Held:
    outcomes = {
        f"{finding.requirement}/{clause.clause}": one
        for finding in subject.findings
        for clause in finding.clauses
        for one in clause.readings
        if one.reading == row.reading
    }
    alike: dict[tuple[Outcome, str], Blocker] = {}
    for name in row.holds_back:
        one = outcomes.get(name) or ReadingOutcome(row.reading, "unknown", reason="not judged")
        before = alike.get((one.outcome, one.reason), Blocker((), one.outcome, one.reason, ()))
        sources = tuple(dict.fromkeys((*before.sources, *sources_of(one.observations))))
        alike[one.outcome, one.reason] = Blocker((*before.names, name), one.outcome, one.reason, sources)
    blockers = sorted(alike.values(), key=lambda one: one.outcome != "unmet")
    return Held(row.reading, f"{row.track.capitalize()} L{row.level.reached + 1}", tuple(blockers))


def sources_of(observations: tuple[Observation, ...]) -> tuple[Source, ...]:
    """The distinct places that `observations` name."""
    return tuple(dict.fromkeys(one.source for one in observations if one.source is not None))


def _threats_url(spec: str) -> str:
    return f"https://slsa.dev/spec/v{spec}/threats" if re.fullmatch(r"\d\.\d", spec) else "https://slsa.dev/"
