"""The requirements at a glance, and the questions that nobody answered."""

from __future__ import annotations

from collections.abc import Iterator

from assess._frozen import frozen
from assess.assessment import Assessment, ClauseFinding, ClauseText, Outcome, RequirementText
from assess.report.gaps import by_clause, outcome_in, requirements_of, worst
from assess.report.readings import READINGS


@frozen
class Question:
    """One question that nobody answered, and the clauses that wait for it."""

    question: str
    ask: str
    clauses: tuple[str, ...]


@frozen
class MatrixRow:
    """One requirement at one level over all subjects: the worst outcome of the MUST clauses that join in there."""

    requirement: RequirementText
    level: int
    role: str
    outcomes: tuple[tuple[str, Outcome], ...]
    gap: bool


def questions_of(assessment: Assessment) -> tuple[Question, ...]:
    """Questions without a usable answer, of clauses that are not demonstrated either."""
    found: dict[str, Question] = {}
    for requirement, clause, finding in _asked(assessment):
        if clause.question is None or outcome_in(finding, "declared") != "unknown":
            continue
        if outcome_in(finding, "demonstrated") == "met":
            continue
        name = f"{requirement}/{clause.id}"
        before = found.get(clause.question)
        names = before.clauses if before else ()
        if name not in names:
            found[clause.question] = Question(clause.question, clause.ask or clause.text, (*names, name))
    return tuple(found.values())


def _asked(assessment: Assessment) -> Iterator[tuple[str, ClauseText, ClauseFinding]]:
    found = by_clause(assessment)
    for requirement in assessment.requirements:
        for clause in requirement.clauses:
            for _, finding in found.get(requirement.id, {}).get(clause.id, ()):
                yield requirement.id, clause, finding


def matrix_of(assessment: Assessment) -> tuple[MatrixRow, ...]:
    """Every requirement that was judged, once per level that has MUST clauses of it, in the order of level and rule."""
    found = by_clause(assessment)
    rows = []
    for requirement in requirements_of(assessment):
        musts = [one for seen in found.get(requirement.id, {}).values() for _, one in seen if one.degree == "must"]
        for level in sorted({one.level for one in musts}):
            judged = [one for one in musts if one.level == level]
            outcomes = tuple((reading, worst([outcome_in(one, reading) for one in judged])) for reading in READINGS)
            role = requirement.role.replace("-", " ")
            rows.append(MatrixRow(requirement, level, role, outcomes, outcomes[0][1] != "met"))
    return tuple(sorted(rows, key=lambda row: row.level))


def counts_of(assessment: Assessment) -> tuple[tuple[Outcome, int], ...]:
    """How many MUST clauses are met, unmet and unknown as demonstrated; a clause counts once, at its worst."""
    ends = [
        worst([outcome_in(one, "demonstrated") for _, one in seen])
        for clauses in by_clause(assessment).values()
        for seen in clauses.values()
        if any(one.degree == "must" for _, one in seen)
    ]
    order: tuple[Outcome, ...] = ("met", "unmet", "unknown")
    return tuple((outcome, ends.count(outcome)) for outcome in order)
