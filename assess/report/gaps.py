"""What is missing, by who owes it, and what to do about it."""

from __future__ import annotations

from assess._frozen import frozen
from assess.assessment import (
    Assessment,
    ClauseFinding,
    ClauseText,
    Outcome,
    ReadingOutcome,
    RequirementText,
    Waiver,
)

ROLES = (
    ("producer", "Producer", "the project itself: its pipeline, its release process"),
    ("build-platform", "Build platform", "the system that runs the builds"),
    ("package-ecosystem", "Package ecosystem", "the registry or index that distributes the packages"),
    ("source-control-system", "Source control system", "the system that hosts the source"),
    ("consumer", "Consumer", "whoever verifies and uses the artifact"),
)
NO_REMEDY = "The rule names no remedy; its reference says what is asked."
_WORST = {"unmet": 0, "unknown": 1, "met": 2}


@frozen
class GapRow:
    """How one clause ended for the subjects for which it ended alike."""

    subjects: tuple[str, ...]
    outcome: Outcome
    readings: tuple[ReadingOutcome, ...]


@frozen
class ClauseGap:
    """One clause that is not demonstrated for at least one subject."""

    clause: ClauseText
    name: str
    outcome: Outcome
    holds_back: bool
    rows: tuple[GapRow, ...]
    waivers: tuple[Waiver, ...]


@frozen
class Gap:
    """One requirement with its clauses that are not demonstrated, and the remedy.

    `snippets` are those of the CI systems in use, `other_snippets` the rest, as (system, text to copy).
    """

    requirement: RequirementText
    level: int
    """The lowest level that asks for one of its missing clauses."""
    outcome: Outcome
    holds_back: bool
    clauses: tuple[ClauseGap, ...]
    fix: str
    snippets: tuple[tuple[str, str], ...]
    other_snippets: tuple[tuple[str, str], ...]


@frozen
class Duty:
    """The gaps of one role."""

    role: str
    title: str
    who: str
    gaps: tuple[Gap, ...]


@frozen
class Action:
    """One thing to do, and the clauses that it would settle."""

    text: str
    role: str
    """In words: "build platform"."""
    effort: str
    clauses: tuple[str, ...]
    level: int


def requirements_of(assessment: Assessment) -> tuple[RequirementText, ...]:
    """The requirements' texts; one without text (an assessment put together by hand) stands with its id alone."""
    known = {one.id for one in assessment.requirements}
    bare: dict[str, RequirementText] = {}
    for subject in assessment.subjects:
        for finding in subject.findings:
            if finding.requirement not in known and finding.requirement not in bare:
                clauses = tuple(ClauseText(one.clause, one.degree, one.level, "") for one in finding.clauses)
                level = min((one.level for one in clauses), default=0)
                bare[finding.requirement] = RequirementText(
                    finding.requirement, "", level, finding.requirement, "", "", "", (), clauses, "", ""
                )
    return (*assessment.requirements, *bare.values())


def outcome_in(clause: ClauseFinding, reading: str) -> Outcome:
    """The outcome of one reading; unknown where that reading is not there."""
    return next((one.outcome for one in clause.readings if one.reading == reading), "unknown")


def worst(outcomes: list[Outcome]) -> Outcome:
    """unmet before unknown before met; unknown where there is nothing."""
    return min(outcomes, key=lambda one: _WORST.get(one, 1), default="unknown")


def by_clause(assessment: Assessment) -> dict[str, dict[str, list[tuple[str, ClauseFinding]]]]:
    """requirement -> clause -> (name of the subject, finding), in the order of the subjects."""
    found: dict[str, dict[str, list[tuple[str, ClauseFinding]]]] = {}
    for subject in assessment.subjects:
        for finding in subject.findings:
            for clause in finding.clauses:
                rows = found.setdefault(finding.requirement, {}).setdefault(clause.clause, [])
                rows.append((subject.subject.name, clause))
    return found


def given(assessment: Assessment) -> bool:
    """Whether there was an artifact to demonstrate anything of."""
    return any(one.subject.digests for one in assessment.subjects)


def leading(assessment: Assessment) -> str:
    """The reading that the report leads with: the demonstrated one, or without any artifact the configured one."""
    return "demonstrated" if given(assessment) else "configured"


def _holding_back(assessment: Assessment) -> dict[str, None]:
    """The clauses that hold back the reading that leads."""
    wanted = leading(assessment)
    return dict.fromkeys(
        name
        for subject in assessment.subjects
        for row in subject.levels
        if row.reading == wanted
        for name in row.holds_back
    )


def gaps_of(assessment: Assessment, *, advice: bool = False) -> tuple[Gap, ...]:
    """The gaps in the demonstrated reading: MUST clauses, or with `advice` the others (which never move a level)."""
    found = by_clause(assessment)
    blocking = _holding_back(assessment)
    systems = {pipeline.system for pipeline in assessment.pipelines or ()}
    gaps: list[Gap] = []
    for requirement in requirements_of(assessment):
        texts = {one.id: one for one in requirement.clauses}
        clauses = []
        for clause_id, seen in found.get(requirement.id, {}).items():
            asked = [(who, one) for who, one in seen if (one.degree == "must") is not advice]
            missing = [(who, one) for who, one in asked if outcome_in(one, "demonstrated") != "met"]
            if missing:
                first = missing[0][1]
                text = texts.get(clause_id) or ClauseText(clause_id, first.degree, first.level, "")
                clauses.append(_clause_gap(assessment, requirement.id, text, missing, blocking))
        if clauses:
            gaps.append(_gap(requirement, tuple(clauses), systems))
    return tuple(sorted(gaps, key=lambda gap: (gap.level, not gap.holds_back, _WORST.get(gap.outcome, 1))))


def _clause_gap(
    assessment: Assessment,
    requirement: str,
    clause: ClauseText,
    missing: list[tuple[str, ClauseFinding]],
    blocking: dict[str, None],
) -> ClauseGap:
    alike: dict[tuple[ReadingOutcome, ...], list[str]] = {}
    for who, one in missing:
        alike.setdefault(one.readings, []).append(who)
    rows = tuple(
        GapRow(tuple(names), worst([one.outcome for one in readings if one.reading == "demonstrated"]), readings)
        for readings, names in alike.items()
    )
    name = f"{requirement}/{clause.id}"
    waivers = tuple(
        one for one in assessment.waivers if one.requirement == requirement and one.clause in (None, clause.id)
    )
    return ClauseGap(clause, name, worst([row.outcome for row in rows]), name in blocking, rows, waivers)


def _gap(requirement: RequirementText, clauses: tuple[ClauseGap, ...], systems: set[str]) -> Gap:
    raises = next((one.clause.raise_it for one in clauses if one.clause.raise_it), None)
    used = tuple(one for one in requirement.snippets if one[0] in systems)
    return Gap(
        requirement=requirement,
        level=min(one.clause.level for one in clauses),
        outcome=worst([one.outcome for one in clauses]),
        holds_back=any(one.holds_back for one in clauses),
        clauses=clauses,
        fix=requirement.remedy or raises or NO_REMEDY,
        snippets=used,
        other_snippets=tuple(one for one in requirement.snippets if one not in used),
    )


def duties_of(gaps: tuple[Gap, ...]) -> tuple[Duty, ...]:
    """`gaps` by who owes them; a role that is in no list keeps its own name."""
    roles = dict.fromkeys([*(role for role, _, _ in ROLES), *(gap.requirement.role for gap in gaps)])
    named = {role: (title, who) for role, title, who in ROLES}
    duties = []
    for role in roles:
        owed = tuple(gap for gap in gaps if gap.requirement.role == role)
        if owed:
            title, who = named.get(role, (role or "Not said", "the rule names no known role"))
            duties.append(Duty(role, title, who, owed))
    return tuple(duties)


GIVE_ATTESTATION = Action(
    "Show an attestation: if the release has one, put it beside the artifact or name it with --attestation FILE; if it "
    "has none, let the pipeline make one.",
    "producer",
    "low",
    (),
    1,
)
GIVE_ARTIFACT = Action(
    "Assess a released artifact together with its attestations: only they can demonstrate a level.",
    "producer",
    "low",
    (),
    0,
)


def attested(assessment: Assessment) -> bool:
    """Whether at least one attestation was looked at."""
    return any(one.attestations or one.provenance for one in assessment.subjects)


def actions_of(gaps: tuple[Gap, ...], reading: str, *, looked: bool = True) -> tuple[Action, ...]:
    """What to do, best first: what holds `reading` back, by level. Where all is unknown: what would settle it.

    `looked` False: no attestation was there, so that to make and show one comes first.
    """
    found: dict[str, Action] = {}
    if reading == "demonstrated" and not looked:
        found[GIVE_ATTESTATION.text] = GIVE_ATTESTATION
    if reading != "demonstrated":
        found[GIVE_ARTIFACT.text] = GIVE_ARTIFACT
        gaps = tuple(gap for gap in gaps if gap.holds_back)
    for gap in sorted(gaps, key=lambda one: not one.holds_back):
        pressing = tuple(one for one in gap.clauses if one.holds_back) or gap.clauses
        settle = next((one.clause.raise_it for one in pressing if one.clause.raise_it), None)
        unsettled = all(_ended(one, reading) == "unknown" for one in pressing)
        text = settle if settle and unsettled and looked else gap.fix
        names = tuple(one.name for one in pressing)
        before = found.get(text)
        if before is not None:
            found[text] = Action(text, before.role, before.effort, (*before.clauses, *names), before.level)
        else:
            effort = "" if text == settle else gap.requirement.effort
            found[text] = Action(text, gap.requirement.role.replace("-", " "), effort, names, gap.level)
    return tuple(found.values())


def _ended(gap: ClauseGap, reading: str) -> Outcome:
    return worst([one.outcome for row in gap.rows for one in row.readings if one.reading == reading])
