"""Kleene logic: (Requirement, Evidence) -> Finding. Pure, no I/O.

Three values everywhere: True, False, None (unknown). Learning more turns None into True or False and never
turns True into False or back; `every` and `none` over nothing are None, because nothing to look at proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import assert_never

from assess.assessment import ClauseFinding, Finding, Observation, Outcome, ReadingOutcome
from assess.evidence import Answer, Evidence, Interval, Source
from assess.requirement import (
    READINGS,
    AllOf,
    AnyOf,
    Clause,
    Condition,
    Count,
    Every,
    Match,
    NoneOf,
    Question,
    Reading,
    Requirement,
    Some,
)

Truth = bool | None
MAX_OBSERVATIONS = 12
"""More than a reader wants of one clause; the rest is counted in the reason."""


def kleene_and(values: Iterable[Truth]) -> Truth:
    """False if any is False, else None if any is None, else True."""
    result: Truth = True
    for value in values:
        if value is False:
            return False
        if value is None:
            result = None
    return result


def kleene_or(values: Iterable[Truth]) -> Truth:
    """True if any is True, else None if any is None, else False."""
    result: Truth = False
    for value in values:
        if value is True:
            return True
        if value is None:
            result = None
    return result


def outcome_of(truth: Truth) -> Outcome:
    """The word for a truth value."""
    match truth:
        case True:
            return "met"
        case False:
            return "unmet"
        case None:
            return "unknown"


def judge(requirement: Requirement, evidence: Evidence) -> Finding:
    """Judge every clause of `requirement` in all three readings."""
    return Finding(
        requirement=requirement.id,
        clauses=tuple(
            ClauseFinding(
                clause=clause.id,
                degree=clause.degree,
                level=requirement.level_of(clause),
                readings=tuple(_read_clause(clause, reading, evidence) for reading in READINGS),
            )
            for clause in requirement.clauses
        ),
    )


def _read_clause(clause: Clause, reading: Reading, evidence: Evidence) -> ReadingOutcome:
    match reading:
        case "demonstrated":
            return _decide(reading, clause.demonstrated, evidence)
        case "configured":
            return _decide(reading, clause.configured, evidence)
        case "declared":
            return _answered(clause.declared, evidence.answers)


def _decide(reading: Reading, condition: Condition | None, evidence: Evidence) -> ReadingOutcome:
    if condition is None:
        return ReadingOutcome(reading, "unknown", reason=f"nothing {reading} can settle this clause")
    truth, seen = evaluate(condition, evidence)
    outcome = outcome_of(truth)
    decisive = tuple(one for one in seen if one.outcome == outcome) or tuple(seen)
    return ReadingOutcome(reading, outcome, decisive[:MAX_OBSERVATIONS], _reason(outcome, decisive))


def _reason(outcome: Outcome, decisive: Sequence[Observation]) -> str:
    if not decisive:
        return ""
    first = decisive[0]
    more = f" (and {len(decisive) - 1} more)" if len(decisive) > 1 else ""
    if outcome == "met":
        return f"{first.what} is {first.found}{more}"
    return f"{first.note or f'{first.what} is {first.found}, expected {first.expected}'}{more}"


def _answered(question: Question | None, answers: tuple[Answer, ...] | None) -> ReadingOutcome:
    """The declared reading: an answer counts only with a name and a date; contradicting answers are unknown."""
    if question is None:
        return ReadingOutcome("declared", "unknown", reason="nobody can declare this clause")
    given = [answer for answer in answers or () if answer.question == question.question]
    observations = tuple(_answer_observation(answer) for answer in given)
    outcomes = {one.outcome for one in observations}
    if not given:
        reason = "no answers were given" if answers is None else "the question was not answered"
        return ReadingOutcome("declared", "unknown", reason=f"{reason}: {question.ask}")
    outcome: Outcome = outcomes.pop() if len(outcomes) == 1 else "unknown"
    return ReadingOutcome("declared", outcome, observations, observations[0].note or "")


def _answer_observation(answer: Answer) -> Observation:
    signed = bool(answer.by and answer.date)
    outcome: Outcome = outcome_of(answer.value) if signed else "unknown"
    who = f"{answer.by}, {answer.date}" if signed else "an answer needs `by` and `date`"
    found = {True: "yes", False: "no", None: "not known"}[answer.value]
    return Observation(f"answers.{answer.question}", outcome, "yes", found, answer.source, f"answered {found} ({who})")


def evaluate(condition: Condition, evidence: Evidence) -> tuple[Truth, list[Observation]]:
    """The truth of `condition` and all observations that were made on the way."""
    match condition:
        case AllOf(all=parts):
            results = [evaluate(part, evidence) for part in parts]
            return kleene_and(truth for truth, _ in results), [one for _, seen in results for one in seen]
        case AnyOf(any=parts):
            results = [evaluate(part, evidence) for part in parts]
            return kleene_or(truth for truth, _ in results), [one for _, seen in results for one in seen]
        case Some(some=name) | Every(every=name) | NoneOf(none=name) | Count(count=name):
            items: tuple[object, ...] | None = getattr(evidence, name)
            if items is None:
                return None, [
                    Observation(
                        name, "unknown", "something to look at", "nobody looked", note=_NOBODY.get(name, _NO_PIPELINE)
                    )
                ]
            return _quantify(condition, name, items)
        case _:
            assert_never(condition)


_NOBODY = {
    "provenance": "no attestation was given for this subject",
    "attestations": "no attestation was given for this subject",
    "summaries": "no attestation was given for this subject",
}
_NO_PIPELINE = "no pipeline was read"


def _quantify(
    condition: Some | Every | NoneOf | Count, name: str, items: tuple[object, ...]
) -> tuple[Truth, list[Observation]]:
    expect = () if isinstance(condition, Count) else condition.expect
    rows = [(_holds(condition.where, item), _observe(name, expect, item)) for item in items]
    seen = [one for where, observed in rows if where is not False for _, one in observed]
    fits = [(where, kleene_and(truth for truth, _ in observed)) for where, observed in rows]
    if not seen and all(where is False for where, _ in fits):
        why = f"this is asked of none of the {len(items)} {name}" if items else f"looked for {name} and found none"
        seen = [Observation(name, "unmet", "at least one", "none", note=why)]
    match condition:
        case Some():
            return kleene_or(kleene_and(pair) for pair in fits), seen
        case Every():
            if any(where is True and fit is False for where, fit in fits):
                return False, seen
            settled = all(where is False or fit is True for where, fit in fits)
            return (True if settled and any(pair == (True, True) for pair in fits) else None), seen
        case NoneOf():
            if any(pair == (True, True) for pair in fits):
                return False, [_inverted(one) for one in seen]
            settled = all(where is False or fit is False for where, fit in fits)
            looked = any(where is True for where, _ in fits)
            return (True if settled and looked else None), [_inverted(one) for one in seen]
        case Count(at_least=least):
            certain = sum(where is True for where, _ in fits)
            possible = sum(where is not False for where, _ in fits)
            truth: Truth = True if certain >= least else False if possible < least else None
            return truth, [Observation(name, outcome_of(truth), f"at least {least}", str(certain))]


def _inverted(one: Observation) -> Observation:
    flipped: dict[Outcome, Outcome] = {"met": "unmet", "unmet": "met", "unknown": "unknown"}
    return Observation(one.what, flipped[one.outcome], f"not {one.expected}", one.found, one.source, one.note)


def _holds(matches: tuple[Match, ...], item: object) -> Truth:
    return kleene_and(compare(match, lookup(item, match.path)) for match in matches)


def _observe(name: str, matches: tuple[Match, ...], item: object) -> list[tuple[Truth, Observation]]:
    source: Source | None = getattr(item, "source", None)
    note: str | None = getattr(item, "signature_note", None)
    rows: list[tuple[Truth, Observation]] = []
    for match in matches:
        value = lookup(item, match.path)
        truth = compare(match, value)
        why = note if truth is None and (match.path == "signature" or match.path.startswith("platform.")) else None
        rows.append(
            (truth, Observation(f"{name}.{match.path}", outcome_of(truth), match.expected, shown(value), source, why))
        )
    return rows


def lookup(item: object, path: str) -> object:
    """The value at dotted `path`; None as soon as a part is None (nobody knows what would be below)."""
    for part in path.split("."):
        if item is None:
            return None
        item = getattr(item, part)
    return item


def compare(match: Match, value: object) -> Truth:
    """One comparison; None where the value is unknown or its interval does not settle it."""
    if value is None:
        return None
    match match.operator:
        case "is":
            return any(value == wanted and type(value) is type(wanted) for wanted in match.values)
        case "not":
            return not any(value == wanted and type(value) is type(wanted) for wanted in match.values)
        case "present":
            return (value not in ("", ())) is match.values[0]
        case "like":
            return any(isinstance(value, str) and fnmatchcase(value, str(glob)) for glob in match.values)
        case "at-least":
            least = int(match.values[0])
            if isinstance(value, Interval):
                return True if value.reached >= least else False if value.ceiling < least else None
            return isinstance(value, int) and value >= least


def shown(value: object) -> str:
    """A value as a word or two, for observations."""
    match value:
        case None:
            return "not known"
        case bool():
            return "true" if value else "false"
        case "" | ():
            return "empty"
        case tuple():
            return f"{len(value)} of them"
        case _:
            return str(value)
