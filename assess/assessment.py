"""What an assessment states: findings, levels with their proof, contradictions and the verdict. Frozen, no judgement.

A report is a pure function of an `Assessment`: everything that a reader is shown stands here.
"""

# Longer than 300 lines: the whole vocabulary of the reports stands in one place.

from __future__ import annotations

from typing import Literal

from assess._frozen import frozen
from assess.evidence import (
    Answer,
    Attestation,
    Interval,
    Pipeline,
    Provenance,
    Release,
    Source,
    SourceControl,
    Subject,
    Summary,
    Unreadable,
)

SCHEMA_VERSION = "1"

Outcome = Literal["met", "unmet", "unknown"]
CaseOutcome = Literal["found", "clean", "unknown"]
Severity = Literal["critical", "warning", "info"]


@frozen
class Observation:
    """One fact that took part in deciding an outcome."""

    what: str
    """The field that was looked at: `provenance.signature`."""
    outcome: Outcome
    expected: str
    found: str
    source: Source | None = None
    note: str | None = None


@frozen
class ReadingOutcome:
    """How one reading of one clause ended, and why."""

    reading: Literal["demonstrated", "configured", "declared"]
    outcome: Outcome
    observations: tuple[Observation, ...] = ()
    reason: str = ""
    """One sentence; never empty for an outcome that is not met."""


@frozen
class ClauseFinding:
    """All readings of one clause for one subject."""

    clause: str
    degree: Literal["must", "should", "recommended", "may"]
    level: int
    readings: tuple[ReadingOutcome, ...]


@frozen
class Finding:
    """One requirement judged for one subject."""

    requirement: str
    clauses: tuple[ClauseFinding, ...]


@frozen
class ReadingLevel:
    """The level of one subject (or of the project) on one track in one reading."""

    track: str
    reading: Literal["demonstrated", "configured", "declared"]
    level: Interval
    holds_back: tuple[str, ...] = ()
    """`requirement/clause` of the MUST clauses that keep `level.reached` from being one higher."""
    caps: tuple[str, ...] = ()
    """`requirement/clause` of the unmet MUST clauses that keep `level.ceiling` from being one higher."""


@frozen
class ExpectationResult:
    """One expectation compared with the provenance; never changes a level, fails the gate on a mismatch."""

    name: str
    """As the project file spells it: source_uri, source_tag, builder_id, ..."""
    expected: str
    found: str
    outcome: Literal["match", "mismatch", "unknown"]
    detail: str = ""


@frozen
class Notice:
    """Something that the reader must be told beside the levels."""

    severity: Severity
    text: str
    source: Source | None = None
    subject: str | None = None
    advice: str | None = None


@frozen
class Contradiction:
    """Two readings of one clause that cannot both be right."""

    requirement: str
    clause: str
    text: str
    between: tuple[str, str]
    sources: tuple[Source, ...] = ()
    subject: str | None = None


@frozen
class AuditPlace:
    """One place that an audit tells of."""

    source: Source
    expected: str
    found: str
    job: str | None = None
    tool: str | None = None
    """Whose finding it is, where it was imported (SARIF); None where it is our own."""


@frozen
class AuditFinding:
    """How one case of one audit ended for the release paths of the project."""

    audit: str
    case: str
    says: str
    outcome: CaseOutcome
    """unknown: it cannot be told; `places` are where."""
    contradicts: tuple[str, ...] = ()
    """`requirement/clause` whose configured reading cannot be met while this is found."""
    threatens: tuple[str, ...] = ()
    """`requirement/clause` that it weakens; no level moves."""
    places: tuple[AuditPlace, ...] = ()
    count: int = 0
    """How many places there are; `places` holds the first of them."""


@frozen
class AuditText:
    """What a reader is told of an audit: the rule file's prose."""

    id: str
    number: int
    title: str
    risk: str
    effort: str
    remedy: str
    snippets: tuple[tuple[str, str], ...] = ()
    """(pipeline system, text to copy)."""


@frozen
class Raise:
    """One clause that keeps a pipeline's configured level from the next, and what would raise it."""

    clause: str
    """`requirement/clause`."""
    level: int
    outcome: Outcome
    reason: str
    raise_it: str
    """One sentence; the remedy of the audit that contradicts the clause, where one does."""
    sources: tuple[Source, ...] = ()


@frozen
class PipelineLevel:
    """What one pipeline is configured for; it proves nothing."""

    pipeline: str
    system: str
    source: Source
    vendor: Interval
    """With the claims that platforms publish."""
    strict: Interval
    """By the letter of the specification."""
    sentence: str
    """`configured for up to Build L2; not demonstrated`."""
    strict_sentence: str
    conditions: tuple[tuple[str, bool | None], ...] = ()
    """The five strict conditions (a) to (e) by name, where a release of it is claimed to carry L3."""
    raises: tuple[Raise, ...] = ()
    """What keeps it from the next level in the trust profile of this run."""


@frozen
class StepUp:
    """One step of the catalogue of remedies: from one configured level to another, on one CI system."""

    system: str
    title: str
    lower: int
    upper: int
    effort: str
    text: str
    change: str = ""
    """The step in an example file, as a unified diff of the whole file; "" where no file can do it."""


@frozen
class Decision:
    """What the gate decides on one subject by its demonstrated reading alone, whatever else it may accept."""

    passed: bool
    level: int
    """The highest demonstrated Build level of an attestation that is as expected."""


@frozen
class SubjectAssessment:
    """Everything stated of one subject. `subject.digests` is () where no artifact was given."""

    subject: Subject
    levels: tuple[ReadingLevel, ...]
    findings: tuple[Finding, ...]
    proof: Source | None = None
    """The attestation that carries the demonstrated level; None where none does."""
    provenance: tuple[Provenance, ...] = ()
    attestations: tuple[Attestation, ...] = ()
    expectations: tuple[ExpectationResult, ...] = ()
    summaries: tuple[Summary, ...] = ()
    decision: Decision | None = None


@frozen
class RequirementText:
    """What a reader is told of a requirement: the rule file's prose, copied so that a report needs no rule pack."""

    id: str
    track: str
    level: int
    title: str
    role: str
    reference: str
    risk: str
    threats: tuple[str, ...]
    """Letters of the assessed spec version: ("E", "F")."""
    clauses: tuple[ClauseText, ...]
    effort: str
    remedy: str
    snippets: tuple[tuple[str, str], ...] = ()
    """(pipeline system, text to copy)."""


@frozen
class ClauseText:
    """The prose of one clause."""

    id: str
    degree: str
    level: int
    text: str
    question: str | None = None
    ask: str | None = None
    raise_it: str | None = None


@frozen
class NotChecked:
    """Something that this run did not look at, or could not prove; said in every report."""

    text: str
    source: Source | None = None


@frozen
class Input:
    """One input that took part, by the hash of the bytes that were read."""

    kind: Literal[
        "artifact",
        "attestation",
        "pipeline",
        "project",
        "answers",
        "lock",
        "trusted-root",
        "key",
        "platforms",
        "rules",
        "log-entry",
        "sarif",
    ]
    path: str
    sha256: str


@frozen
class Waiver:
    """A gap that somebody accepted, until a day; shown, never counted."""

    requirement: str
    clause: str | None
    reason: str
    by: str
    until: str | None
    expired: bool = False


@frozen
class Verdict:
    """The gate's answer; passed where neither a minimum nor an expectation was given."""

    passed: bool
    line: str
    """The last line that the command prints: `PASSED: Build L2 (minimum L2)`."""
    reasons: tuple[str, ...] = ()


@frozen
class Assessment:
    """The result for one project; dumps to JSON and loads again without loss."""

    schema_version: str
    tool_version: str
    time: str
    """RFC 3339, UTC."""
    project: str
    spec: str
    trust_profile: Literal["vendor", "strict"]
    levels: tuple[ReadingLevel, ...]
    """The project's: the lowest of its subjects'."""
    subjects: tuple[SubjectAssessment, ...]
    requirements: tuple[RequirementText, ...]
    verdict: Verdict
    pipelines: tuple[Pipeline, ...] | None = None
    releases: tuple[Release, ...] | None = None
    source_controls: tuple[SourceControl, ...] | None = None
    """Hints of the Source track; no Source level is scored."""
    answers: tuple[Answer, ...] | None = None
    contradictions: tuple[Contradiction, ...] = ()
    notices: tuple[Notice, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    not_checked: tuple[NotChecked, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    inputs: tuple[Input, ...] = ()
    rule_pack: str = ""
    """sha256 over the rule files, in the order of their names."""
    roots: tuple[str, ...] = ()
    """The roots of trust that were used, each with origin, date and sha256."""
    audits: tuple[AuditText, ...] = ()
    """The audits that found something, or could not tell."""
    audited: tuple[AuditFinding, ...] | None = None
    """How every case of every audit ended; None where no pipeline was read."""
    configured: tuple[PipelineLevel, ...] = ()
    """What each pipeline with a release path is configured for."""
    steps_up: tuple[StepUp, ...] = ()
    """Examples of how the CI systems in use are brought to the levels that their pipelines are not configured for."""
