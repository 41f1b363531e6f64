"""A plan in, evidence out: reads the inputs, verifies them and matches attestations to subjects. No judgement.

The order for every attestation (design, laws 3 to 6):
  1. open the container; what cannot be opened is an error where the user named it, a recorded fact otherwise
  2. to 5. examine it (`examine.py`): verify, parse, match by digest, compare certificate and predicate
  6. look up (signer, builder.id) in the roots of trust
What fails in 2 to 6 makes the attestation worth nothing, and is told as critical.
"""

# Longer than 300 lines: one attestation's way from its file to the evidence, in the order above.

from __future__ import annotations

from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

from assess._frozen import frozen
from assess.artifacts import Artifact
from assess.assessment import ExpectationResult, Input, NotChecked, Notice, Severity
from assess.attestations.envelope import Opened
from assess.attestations.predicates import title_of
from assess.attestations.statement import SubjectMatch
from assess.backing import backed
from assess.errors import InputError
from assess.evidence import (
    Attestation,
    Disposition,
    Evidence,
    Platform,
    Provenance,
    Source,
    Subject,
    Unreadable,
)
from assess.examine import Examined, Trust, examine, look_up
from assess.expectations import Expectations, compare
from assess.published import confirm
from assess.scoring import Candidate
from assess.substitution import SummaryCandidate
from assess.summaries import Taken, take_summary
from assess.trust.platforms import Rejected, of_pull_request


@frozen
class Collected:
    """The evidence of one subject, with what a reader must be told about how it came together."""

    subject: Subject
    evidence: Evidence
    candidates: tuple[Candidate, ...] | None
    unanswered: tuple[ExpectationResult, ...] = ()
    notices: tuple[Notice, ...] = ()
    not_checked: tuple[NotChecked, ...] = ()
    summaries: tuple[SummaryCandidate, ...] = ()
    inputs: tuple[Input, ...] = ()
    """Log entries that were looked up."""


@dataclass(slots=True)
class _Gathering:
    """What one pass over the attestations has found so far, for one subject."""

    subject: str
    provenance: list[Provenance] = field(default_factory=list)
    log: list[Attestation] = field(default_factory=list)
    beside: list[Examined] = field(default_factory=list)
    """What stands beside provenance in documents of several attestations; keeping the rest would cost its memory."""
    summaries: list[Taken] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    not_checked: list[NotChecked] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    inputs: list[Input] = field(default_factory=list)

    def tell(self, severity: Severity, text: str, at: Source, advice: str = "") -> None:
        self.notices.append(Notice(severity, text, at, self.subject, advice or None))


@frozen
class Opening:
    """All attestations that were found, whether anybody looked, and what could not be opened."""

    opened: tuple[Opened, ...] | None
    unreadable: tuple[Unreadable, ...] = ()
    inputs: tuple[Input, ...] = ()


def open_files(named: tuple[tuple[str, bytes], ...], discovered: tuple[Path, ...]) -> Opening:
    """Step 1 for every file: (path as shown, bytes) that the user named, and files found beside the artifact.

    A named file that cannot be opened raises InputError; a discovered one is recorded.
    """
    from assess.attestations.containers import MAX_BYTES, read_container

    opened: list[Opened] = []
    unreadable: list[Unreadable] = []
    inputs: list[Input] = []
    for path, data in named:
        container = read_container(data, path)
        opened += container.opened
        unreadable += container.ignored
        inputs.append(Input("attestation", path, sha256(data).hexdigest()))
    for file in discovered:
        try:
            with file.open("rb") as stream:
                data = stream.read(MAX_BYTES + 1)
            container = read_container(data, str(file))
        except (InputError, OSError) as problem:
            unreadable.append(Unreadable(Source(str(file)), getattr(problem, "message", str(problem))))
            continue
        opened += container.opened
        unreadable += container.ignored
        inputs.append(Input("attestation", str(file), sha256(data).hexdigest()))
    looked = bool(named or discovered)
    return Opening(tuple(opened) if looked else None, tuple(unreadable), tuple(inputs))


def collect_subject(
    artifact: Artifact, opening: Opening, trust: Trust, expectations: Expectations, project: Evidence
) -> Collected:
    """Steps 2 to 6 for one artifact; `project` holds what all subjects share (pipelines, releases, answers)."""
    gathering = _Gathering(artifact.subject.name, unreadable=list(opening.unreadable))
    for opened in opening.opened or ():
        _take(opened, artifact, trust, gathering)
    unsure = tuple(
        Provenance(source=one.source, notes=(f"could not be read: {one.reason}",)) for one in gathering.unreadable
    )
    found = (*gathering.provenance, *unsure)
    candidates = tuple(Candidate(one, _compared(one, expectations, trust, gathering)) for one in found)
    looked = opening.opened is not None
    evidence = replace(
        project,
        provenance=found if looked else None,
        attestations=tuple(gathering.log) if looked else None,
        unreadable=(*project.unreadable, *gathering.unreadable),
        summaries=tuple(one.summary for one in gathering.summaries) if looked else None,
    )
    unanswered = compare(expectations, None)
    return Collected(
        subject=artifact.subject,
        evidence=evidence,
        candidates=candidates if looked else None,
        summaries=tuple(SummaryCandidate(one.summary, unanswered) for one in gathering.summaries if one.may_count),
        unanswered=unanswered if not candidates else (),
        notices=tuple(gathering.notices),
        not_checked=tuple(gathering.not_checked),
        inputs=tuple(gathering.inputs),
    )


def _compared(
    provenance: Provenance, expectations: Expectations, trust: Trust, gathering: _Gathering
) -> tuple[ExpectationResult, ...]:
    """What was expected of one attestation: what it says, whether its signer may say so, what a registry confirms."""
    results = backed(compare(expectations, provenance), provenance, expectations, trust)
    return confirm(results, provenance.source, gathering.beside)


def _take(opened: Opened, artifact: Artifact, trust: Trust, gathering: _Gathering) -> None:
    """One attestation: into `gathering.provenance` where it counts, into the log always."""
    examined = examine(opened, artifact, trust)
    if trust.online and examined.signature is None and examined.match is not None and examined.match.matched:
        examined = _ask_log(examined, artifact, trust, gathering)
    if examined.kind != "provenance" and opened.source.pointer is not None:
        gathering.beside.append(examined)
    try:
        taken = take_summary(examined, artifact, trust)
    except InputError as problem:
        place = Source(problem.place) if problem.place is not None else opened.source
        examined = replace(examined, unreadable=Unreadable(place, problem.message))
        taken = None
    if taken is not None:
        _take_summary(taken, examined, gathering)
        return
    disposition, reason = _weigh(examined)
    if examined.unreadable is not None and examined.signature != "failed":
        gathering.unreadable.append(examined.unreadable)
    elif examined.kind == "signature" and disposition in ("rejected", "other-subject"):
        gathering.tell("warning", f"this signature says nothing of this artifact: {reason}", opened.source)
    elif disposition == "rejected":
        gathering.tell("critical", f"this attestation is worth nothing: {reason}", opened.source, _ADVICE)
    elif examined.kind in _NOT_PROVENANCE:
        gathering.tell("info", _NOT_PROVENANCE[examined.kind], opened.source)
    if disposition == "counts" and examined.provenance is not None and examined.match is not None:
        # (6)
        platform = look_up(examined.provenance, trust)
        if isinstance(platform, Rejected):
            disposition, reason = "rejected", platform.reason
            gathering.tell("critical", f"this attestation is worth nothing: {reason}", opened.source, _ADVICE)
        else:
            gathering.provenance.append(_counted(examined, examined.provenance, examined.match, platform, trust))
            _remark(examined, examined.provenance, platform, gathering)
    gathering.log.append(_log_entry(examined, disposition, reason))


def _ask_log(examined: Examined, artifact: Artifact, trust: Trust, gathering: _Gathering) -> Examined:
    """The examination with the log entry that came too late for its container, where a log has it."""
    from assess.log_lookup import ask_log

    asked = ask_log(examined, artifact, trust, trust.rekor_url)
    gathering.tell("info", f"online: {asked.detail}", examined.opened.source)
    if asked.entry is not None:
        gathering.inputs.append(asked.entry)
    return asked.examined


def _take_summary(taken: Taken, examined: Examined, gathering: _Gathering) -> None:
    """A verification summary: told of and logged; it may carry a level where its verifier is listed."""
    summary = taken.summary
    gathering.summaries.append(taken)
    if taken.severity is not None:
        gathering.tell(taken.severity, taken.reason, summary.source, taken.advice)
    if summary.level is None:
        gathering.not_checked.append(NotChecked(taken.reason, summary.source))
    entry = _log_entry(examined, taken.disposition, taken.reason)
    gathering.log.append(replace(entry, signature=summary.signature, signer=summary.signer, checks=summary.checks))


def _remark(examined: Examined, provenance: Provenance, platform: Platform, gathering: _Gathering) -> None:
    """Say aloud why provenance that counts may carry less than it seems to."""
    source = examined.opened.source
    if examined.signature is None:
        note = examined.verification.note or "its signature"
        gathering.not_checked.append(NotChecked(f"not provable offline: {note}", source))
        gathering.tell(
            "warning",
            f"not provable offline: {note}; so it carries at least L1 and at most L{platform.level.ceiling}",
            source,
            "ask the producer for a Sigstore bundle, which carries the log entry with the signing time, or the log "
            "itself with --online",
        )
    elif examined.signature == "absent":
        gathering.tell("warning", "unsigned provenance: anybody can write it; it carries L1 at most", source)
    elif platform.entry is None and of_pull_request(provenance.signer):
        gathering.tell("warning", "built for a pull request, which releases nothing; so it carries L1 at most", source)
    elif platform.entry is None:
        builder = provenance.builder.id if provenance.builder is not None else ""
        gathering.tell(
            "warning",
            f"this signer and the builder {builder or '(none named)'} are not among the recognised build platforms, "
            "so the default holds: Build L1",
            source,
            "if you have assessed this builder, list it in a file and give it with --platforms",
        )


def _weigh(examined: Examined) -> tuple[Disposition, str]:
    """Whether the attestation counts for the subject, and why (not)."""
    failure = examined.failure
    match = examined.match
    if examined.signature == "failed" and failure is not None:
        return "rejected", f"{failure.name}: {failure.detail}"
    if examined.unreadable is not None:
        return "rejected", f"unreadable: {examined.unreadable.reason}"
    if examined.kind == "signature" and match is not None and not match.matched:
        return "other-subject", match.check.detail
    if examined.kind != "provenance":
        return "not-provenance", _NOT_PROVENANCE.get(examined.kind, f"is no provenance ({_what(examined)})")
    if match is not None and match.conflict is not None:
        return "rejected", match.conflict
    if match is None or not match.matched:
        return "other-subject", "none of its subjects has the artifact's digest"
    if failure is not None:
        return "rejected", f"{failure.name}: {failure.detail}"
    return "counts", "provenance for this subject"


def _what(examined: Examined) -> str:
    """What an attestation of another kind is, by what it says or by its predicate or payload type."""
    from assess.attestations.others import describe

    said = describe(examined.opened, examined.statement)
    if said:
        return said
    if examined.statement is None:
        envelope = examined.opened.envelope
        return f"payload type {envelope.payload_type[:120] if envelope is not None else 'none'}"
    title = title_of(examined.statement.predicate_type)
    return f"{f'{title}, ' if title else ''}predicate type {examined.statement.predicate_type}"


def _counted(
    examined: Examined, provenance: Provenance, match: SubjectMatch, platform: Platform, trust: Trust
) -> Provenance:
    return replace(
        provenance,
        signature_note=examined.verification.note,
        platform=platform,
        subject_secure=match.secure,
        distributed=True if trust.profile == "vendor" or trust.found_in_place else None,
        digest=examined.opened.digest,
        checks=examined.checks,
    )


_ADVICE = "find out who made or replaced it, and fetch it again from its origin"
_SIGNATURE_ONLY = "a signature over the artifact says who signed it; it is not provenance and proves no level"
_NOT_PROVENANCE: dict[str, str] = {
    "signature": _SIGNATURE_ONLY,
    "publish": "a publish attestation says who uploaded the package; it is not provenance and proves no level",
    "sbom": "an SBOM says what is inside; it is not provenance and proves no level",
    "summary": "a verification summary (VSA) that could not be read; no level is taken from it",
}


def _log_entry(examined: Examined, disposition: Disposition, reason: str) -> Attestation:
    return Attestation(
        source=examined.opened.source,
        kind=examined.kind,
        container=examined.opened.container,
        predicate_type=examined.statement.predicate_type if examined.statement is not None else "",
        disposition=disposition,
        reason=reason,
        signature=examined.signature,
        signer=examined.verification.signer,
        subjects=examined.statement.subjects if examined.statement is not None else (),
        checks=examined.checks,
        digest=examined.opened.digest,
    )
