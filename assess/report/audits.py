"""What contradicts the configured level and what threatens it, audit by audit; and what each pipeline reaches."""

from __future__ import annotations

from assess._frozen import frozen
from assess.assessment import Assessment, AuditFinding, AuditText, PipelineLevel

CONDITIONS = {
    "apart": "(a) what builds and signs is defined in another repository than the source",
    "signs_alone": "(b) no job that may sign runs code of the project",
    "no_shared_cache": "(c) no job restores a cache that other runs can write",
    "hosted_guard": "(d) every signing job is on a hosted runner, or stops where it is not",
    "signer_pinned": "(e) something that verifies asks for this very signer",
}
"""What the strict reading asks beside a vendor's claim of L3, by the names in `StrictConditions`."""

_NOTHING = AuditText("", 0, "", "", "", "The audit names no remedy.")


@frozen
class AuditCard:
    """One audit with those of its cases that ended alike, and the fix to copy for the CI systems in use."""

    text: AuditText
    cases: tuple[AuditFinding, ...]
    snippets: tuple[tuple[str, str], ...]


@frozen
class AuditsView:
    """The findings by what they do to the level; `looked` is False where no pipeline was read."""

    looked: bool
    contradicts: tuple[AuditCard, ...]
    threatens: tuple[AuditCard, ...]
    unknown: tuple[AuditFinding, ...]
    """What cannot be told, and would contradict a clause."""
    pipelines: tuple[PipelineLevel, ...]


def audits_of(assessment: Assessment) -> AuditsView:
    """The audits of `assessment` in the order of their numbers; a case that does both stands where it contradicts."""
    rows = assessment.audited or ()
    found = [one for one in rows if one.outcome == "found"]
    return AuditsView(
        looked=assessment.audited is not None,
        contradicts=_cards(assessment, [one for one in found if one.contradicts]),
        threatens=_cards(assessment, [one for one in found if not one.contradicts]),
        unknown=tuple(one for one in rows if one.outcome == "unknown" and one.contradicts),
        pipelines=assessment.configured,
    )


def _cards(assessment: Assessment, rows: list[AuditFinding]) -> tuple[AuditCard, ...]:
    texts = {one.id: one for one in assessment.audits}
    systems = {one.system for one in assessment.pipelines or ()}
    cards = []
    for name in dict.fromkeys(one.audit for one in rows):
        text = texts.get(name, _NOTHING)
        snippets = tuple(one for one in text.snippets if one[0] in systems)
        cards.append(AuditCard(text, tuple(one for one in rows if one.audit == name), snippets))
    return tuple(cards)


def name_of(finding: AuditFinding) -> str:
    """`audit.id/case`, as `explain` takes it."""
    return f"{finding.audit}/{finding.case}"


def levels_of(one: PipelineLevel) -> str:
    """Both levels of one pipeline in a sentence; the strict one only where it says something else."""
    if one.vendor == one.strict:
        return one.sentence
    return f"{one.sentence} (vendors' claims); {one.strict_sentence.partition(';')[0]} (strict)"
