"""A verification summary (VSA) in place of provenance: it stands for every clause up to its level (spec 7.2). Pure."""

from __future__ import annotations

from dataclasses import replace

from assess._frozen import frozen
from assess.assessment import ClauseFinding, ExpectationResult, Finding, Observation, ReadingOutcome
from assess.evidence import Summary


@frozen
class SummaryCandidate:
    """One verification summary (VSA) that may carry the level of a subject in place of provenance.

    Its `level` stands for every MUST clause up to it; None: it might, but that is not provable offline.
    """

    summary: Summary
    expectations: tuple[ExpectationResult, ...] = ()
    """All unknown: a summary says nothing of source and build, so expectations that were given stay unanswered."""

    @property
    def as_expected(self) -> bool:
        """No expectations were given."""
        return not self.expectations


def summarised(finding: Finding, summary: Summary) -> Finding:
    """The finding with its demonstrated reading taken from a summary: met up to its level, unknown above."""
    return replace(finding, clauses=tuple(_of_summary(clause, summary) for clause in finding.clauses))


def _of_summary(clause: ClauseFinding, summary: Summary) -> ClauseFinding:
    said = f"Build L{summary.level}" if summary.level is not None else "not provable offline"
    held = clause.degree == "must" and clause.level <= (summary.level or 0)
    note = f"verification summary by {summary.verifier_id}: {said}"
    seen = Observation(
        "summaries.level", "met" if held else "unknown", f"at least {clause.level}", said, summary.source, note
    )
    reason = note if held else f"{note}; it says nothing of this clause"
    own = ReadingOutcome("demonstrated", seen.outcome, (seen,), reason)
    return replace(clause, readings=tuple(own if one.reading == own.reading else one for one in clause.readings))
