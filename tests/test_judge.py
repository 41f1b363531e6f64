"""Kleene logic of the judge, quantifier by quantifier, and what it says of its reasons."""

from __future__ import annotations

from itertools import product

import pytest
from pydantic import TypeAdapter

from assess.evidence import (
    Answer,
    Builder,
    ConfiguredProvenance,
    Evidence,
    Interval,
    Platform,
    Provenance,
    Release,
    Source,
)
from assess.judge import (
    MAX_OBSERVATIONS,
    compare,
    evaluate,
    judge,
    kleene_and,
    kleene_or,
    lookup,
    outcome_of,
)
from assess.requirement import Condition, Match, Requirement

HERE = Source("a.json")
CONDITION: TypeAdapter[Condition] = TypeAdapter(Condition)
T, F, U = True, False, None


@pytest.mark.parametrize(
    ("values", "conjunction", "disjunction"),
    [
        ((), T, F), ((T,), T, T), ((F,), F, F), ((U,), U, U),
        ((T, F), F, T), ((T, U), U, T), ((F, U), F, U), ((T, F, U), F, T),
    ],
)  # fmt: skip
def test_and_and_or(values: tuple[bool | None, ...], conjunction: bool | None, disjunction: bool | None) -> None:
    assert kleene_and(values) is conjunction
    assert kleene_or(values) is disjunction
    assert kleene_and(reversed(values)) is conjunction and kleene_or(reversed(values)) is disjunction


def test_words() -> None:
    assert [outcome_of(one) for one in (T, F, U)] == ["met", "unmet", "unknown"]


COMPARED = (
    ("is", ("verified",), "verified", T),
    ("is", ("verified",), "absent", F),
    ("is", ("verified", "absent"), "absent", T),
    ("is", (True,), True, T),
    ("is", (True,), False, F),
    ("is", (1,), True, F),
    ("is", (True,), 1, F),
    ("is", ("x",), None, U),
    ("not", ("failed",), "verified", T),
    ("not", ("failed",), "failed", F),
    ("not", ("failed",), None, U),
    ("present", (True,), "", F),
    ("present", (True,), (), F),
    ("present", (True,), "x", T),
    ("present", (True,), False, T),
    ("present", (True,), None, U),
    ("present", (False,), (), T),
    ("present", (False,), ("x",), F),
    ("present", (False,), None, U),
    ("like", ("v*",), "v1", T),
    ("like", ("v*",), "V1", F),
    ("like", ("v*",), "", F),
    ("at-least", (2,), 2, T),
    ("at-least", (2,), 1, F),
    ("at-least", (2,), Interval(2, 3), T),
    ("at-least", (2,), Interval(1, 1), F),
    ("at-least", (2,), Interval(1, 2), U),
    ("at-least", (2,), Interval(0, 3), U),
    ("at-least", (2,), None, U),
)


@pytest.mark.parametrize(("operator", "values", "value", "truth"), COMPARED, ids=[str(one) for one in COMPARED])
def test_operators(operator: str, values: tuple[object, ...], value: object, truth: bool | None) -> None:
    assert compare(Match(path="x", operator=operator, values=values), value) is truth


def test_what_lies_below_an_unknown_is_unknown() -> None:
    item = Provenance(source=HERE)
    assert lookup(item, "platform.level") is None
    assert lookup(Provenance(source=HERE, builder=Builder("")), "builder.id") == ""


def release(where: bool | None, fit: bool | None) -> Release:
    return Release(source=HERE, pipeline="p", system="s", hosted=where, isolated=fit)


def truth_of(written: dict[str, object], rows: tuple[tuple[bool | None, bool | None], ...] | None) -> bool | None:
    items = None if rows is None else tuple(release(*row) for row in rows)
    return evaluate(CONDITION.validate_python(written), Evidence(releases=items))[0]


SOME = {"some": "releases", "where": {"hosted": True}, "expect": {"isolated": True}}
EVERY = {"every": "releases", "where": {"hosted": True}, "expect": {"isolated": True}}
NONE = {"none": "releases", "where": {"hosted": True}, "expect": {"isolated": True}}
COUNT = {"count": "releases", "where": {"hosted": True}, "at-least": 2}
QUANTIFIED = (
    (None, U, U, U, U),
    ((), F, U, U, F),
    (((T, T),), T, T, F, F),
    (((T, F),), F, F, T, F),
    (((T, U),), U, U, U, F),
    (((F, T),), F, U, U, F),
    (((F, F),), F, U, U, F),
    (((U, T),), U, U, U, F),
    (((U, F),), F, U, U, F),
    (((T, T), (T, F)), T, F, F, T),
    (((T, T), (T, U)), T, U, F, T),
    (((T, F), (T, U)), U, F, U, T),
    (((T, T), (F, F)), T, T, F, F),
    (((T, T), (U, F)), T, U, F, U),
    (((T, T), (U, T)), T, T, F, U),
    (((T, F), (U, F)), F, F, T, U),
    (((T, F), (U, T)), U, F, U, U),
    (((U, U), (U, U)), U, U, U, U),
)


@pytest.mark.parametrize(("rows", "some", "every", "none", "count"), QUANTIFIED, ids=[str(q[0]) for q in QUANTIFIED])
def test_quantifiers(rows: object, some: object, every: object, none: object, count: object) -> None:
    assert truth_of(SOME, rows) is some  # type: ignore[arg-type]
    assert truth_of(EVERY, rows) is every  # type: ignore[arg-type]
    assert truth_of(NONE, rows) is none  # type: ignore[arg-type]
    assert truth_of(COUNT, rows) is count  # type: ignore[arg-type]


def test_the_order_of_items_does_not_matter() -> None:
    for rows in product(product((T, F, U), repeat=2), repeat=2):
        for written in (SOME, EVERY, NONE, COUNT):
            assert truth_of(written, rows) is truth_of(written, rows[::-1])


def rule(*clauses: dict[str, object]) -> Requirement:
    return Requirement.model_validate(
        {
            "id": "build.one", "track": "build", "level": 1, "spec": ["1.2"], "title": ".", "role": "producer",
            "reference": "https://example.com/", "risk": ".",
            "source": {"name": "SLSA", "version": "1.2", "retrieved_from": "."},
            "clauses": [{"id": f"c{n}", "degree": "must", "text": ".", **one} for n, one in enumerate(clauses)],
            "remediation": {"effort": "low", "text": "."},
        }
    )  # fmt: skip


def reading(written: dict[str, object], evidence: Evidence, which: str):
    readings = judge(rule(written), evidence).clauses[0].readings
    return next(one for one in readings if one.reading == which)


SIGNED = {"demonstrated": {"some": "provenance", "expect": {"signature": "verified"}}}


def test_the_deciding_observation_stands_first_with_its_place() -> None:
    items = (
        Provenance(source=Source("bad.json"), signature="absent"),
        Provenance(source=Source("good.json"), signature="verified"),
    )
    found = reading(SIGNED, Evidence(provenance=items), "demonstrated")
    assert found.outcome == "met"
    assert [one.source for one in found.observations] == [Source("good.json")]
    assert found.reason == "provenance.signature is verified"


def test_an_unknown_says_why_it_is_not_provable() -> None:
    note = "no signing time: the envelope carries no log entry"
    item = Provenance(source=HERE, signature_note=note, platform=Platform(Interval(1, 3)))
    level = {"demonstrated": {"some": "provenance", "expect": {"platform.level": {"at-least": 2}}}}
    for written in (SIGNED, level):
        found = reading(written, Evidence(provenance=(item,)), "demonstrated")
        assert (found.outcome, found.reason) == ("unknown", note)


@pytest.mark.parametrize(
    ("evidence", "outcome", "text"),
    [
        (Evidence(), "unknown", "no attestation was given"),
        (Evidence(provenance=()), "unmet", "looked for provenance and found none"),
    ],
)
def test_nobody_looked_is_not_found_none(evidence: Evidence, outcome: str, text: str) -> None:
    found = reading(SIGNED, evidence, "demonstrated")
    assert found.outcome == outcome and text in found.reason


def test_every_outcome_that_is_not_met_has_a_reason() -> None:
    items = (None, (), *(((where, fit),) for where, fit in product((T, F, U), repeat=2)))
    for rows in items:
        evidence = Evidence(releases=None if rows is None else tuple(release(*row) for row in rows))
        for written in (SOME, EVERY, NONE, COUNT):
            found = reading({"configured": written}, evidence, "configured")
            if found.outcome == "unmet":
                assert found.reason, (rows, written)


def test_observations_are_few_and_the_rest_is_counted() -> None:
    items = tuple(Provenance(source=Source(f"{n}.json"), signature="absent") for n in range(40))
    found = reading(SIGNED, Evidence(provenance=items), "demonstrated")
    assert len(found.observations) == MAX_OBSERVATIONS
    assert found.reason.endswith("(and 39 more)")


def test_none_speaks_of_what_it_found() -> None:
    made = Release(source=HERE, pipeline="p", system="s", provenance=ConfiguredProvenance(optional=True))
    written = {"configured": {"none": "releases", "expect": {"provenance.optional": True}}}
    found = reading(written, Evidence(releases=(made,)), "configured")
    assert found.outcome == "unmet"
    assert found.reason == "releases.provenance.optional is true, expected not true"


def answer(value: bool | None, by: str | None = "Ada", date: str | None = "2026-01-31") -> Answer:
    return Answer(question="q.one", value=value, source=HERE, by=by, date=date)


ANSWERED = (
    (None, "unknown"),
    ((), "unknown"),
    ((answer(True),), "met"),
    ((answer(False),), "unmet"),
    ((answer(None),), "unknown"),
    ((answer(True, by=None),), "unknown"),
    ((answer(True, date=None),), "unknown"),
    ((answer(True, by=""),), "unknown"),
    ((answer(True), answer(True)), "met"),
    ((answer(True), answer(False)), "unknown"),
    ((answer(True), answer(None)), "unknown"),
    ((Answer("q.two", True, HERE, "Ada", "2026-01-31"),), "unknown"),
)


@pytest.mark.parametrize(("answers", "outcome"), ANSWERED, ids=[str(n) for n in range(len(ANSWERED))])
def test_answers_count_only_with_a_name_and_a_date(answers: tuple[Answer, ...] | None, outcome: str) -> None:
    written = {"declared": {"question": "q.one", "ask": "Is it so?"}}
    assert reading(written, Evidence(answers=answers), "declared").outcome == outcome


def test_readings_never_mix() -> None:
    written = {**SIGNED, "declared": {"question": "q.one", "ask": "Is it so?"}}
    evidence = Evidence(provenance=(), answers=(answer(True),))
    outcomes = [reading(written, evidence, which).outcome for which in ("demonstrated", "configured", "declared")]
    assert outcomes == ["unmet", "unknown", "met"]
