"""The laws of the kernel as properties: more knowledge never overturns, less evidence never raises a level.

Exhaustive over up to two items with every relevant field unknown, good or bad; hypothesis beyond.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from functools import cache
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from assess.assessment import ReadingLevel
from assess.evidence import (
    Builder,
    ConfiguredProvenance,
    Evidence,
    Interval,
    Parameter,
    Platform,
    Process,
    Provenance,
    Release,
    Signer,
    Source,
    Subject,
)
from assess.judge import evaluate, judge
from assess.levels import default_directories, load_pack
from assess.requirement import Condition, Requirement
from assess.scoring import Candidate, level_of, score_subject

HERE = Source("a.json")
CONDITION: TypeAdapter[Condition] = TypeAdapter(Condition)
RULES: tuple[Requirement, ...] = load_pack(default_directories()).requirements
TOP = 3

Row = tuple[Any, ...]


# --- the shipped pack over one attestation: every field unknown, good or bad

FIELDS: dict[str, tuple[Any, ...]] = {
    "described": (None, True, False),
    "subject_secure": (None, True, False),
    "recognised": (None, True, False),
    "parameters_complete": (None, True, False),
    "distributed": (None, True, False),
    "signature": (None, "verified", "absent"),
    "level": (None, Interval(1, 1), Interval(2, 2), Interval(3, 3), Interval(1, 2), Interval(1, 3)),
}
ROWS: tuple[Row, ...] = tuple(product(*FIELDS.values()))


def provenance(row: Row) -> Provenance:
    described, secure, recognised, complete, distributed, signature, level = row
    item = Provenance(source=HERE)
    if described is not None:
        text = "https://example.com/x" if described else ""
        item = replace(
            item,
            predicate_type="https://slsa.dev/provenance/v1",
            builder=Builder(text),
            build_type=text,
            external_parameters=(Parameter("source", "1"),) if described else (),
        )
    return replace(
        item,
        subject_secure=secure,
        process=None if recognised is None else Process(recognised=recognised),
        parameters_complete=complete,
        distributed=distributed,
        signature=signature,
        signer=Signer("certificate", "https://example.com/x") if signature == "verified" else None,
        platform=None if level is None else Platform(level),
    )


@cache
def outcomes(row: Row) -> tuple[str, ...]:
    found = [judge(rule, Evidence(provenance=(provenance(row),))) for rule in RULES]
    return tuple(clause.readings[0].outcome for one in found for clause in one.clauses)


CLAUSES = tuple((rule.level_of(clause), clause.degree) for rule in RULES for clause in rule.clauses)


def highest(row: Row, good: set[str]) -> int:
    """The levels' definition once more, plainly: as high as every MUST clause up to it is good."""
    musts = [(level, out) for (level, degree), out in zip(CLAUSES, outcomes(row), strict=True) if degree == "must"]
    return max(n for n in range(TOP + 1) if all(out in good for level, out in musts if level <= n))


def bounds(row: Row) -> Interval:
    return Interval(highest(row, {"met"}), highest(row, {"met", "unknown"}))


def learned(row: Row) -> Iterator[Row]:
    """Every row in which one thing more is known."""
    for index, (value, choices) in enumerate(zip(row, FIELDS.values(), strict=True)):
        for better in choices:
            narrower = isinstance(value, Interval) and isinstance(better, Interval) and value != better
            if narrower and not (value.reached <= better.reached and better.ceiling <= value.ceiling):
                continue
            if (value is None and better is not None) or narrower:
                yield (*row[:index], better, *row[index + 1 :])


def test_the_scoring_module_says_the_same_as_the_definition() -> None:
    for row in ROWS[::7]:
        findings = [judge(rule, Evidence(provenance=(provenance(row),))) for rule in RULES]
        assert level_of(findings, "demonstrated", "build", TOP).level == bounds(row)


def test_learning_more_settles_and_never_flips() -> None:
    for row in ROWS:
        before = outcomes(row)
        for more in learned(row):
            flipped = [(a, b) for a, b in zip(before, outcomes(more), strict=True) if a != "unknown" and a != b]
            assert flipped == [], (row, more)


def test_learning_more_narrows_the_level() -> None:
    for row in ROWS:
        wide = bounds(row)
        assert 0 <= wide.reached <= wide.ceiling <= TOP
        for more in learned(row):
            narrow = bounds(more)
            assert wide.reached <= narrow.reached and narrow.ceiling <= wide.ceiling, (row, more)


def test_losing_a_field_never_raises_the_level() -> None:
    for row in ROWS:
        reached = bounds(row).reached
        for index, value in enumerate(row):
            if value is not None:
                assert bounds((*row[:index], None, *row[index + 1 :])).reached <= reached, (row, index)


def test_no_level_above_what_the_platform_carries() -> None:
    for row in ROWS:
        level = row[-1]
        found = bounds(row)
        if level is None:
            assert found.reached == 0
        else:
            assert found.reached <= level.reached and found.ceiling <= level.ceiling, row


LEVELS = (
    ("unsigned and complete", (True, True, True, True, True, "absent", Interval(1, 1)), Interval(1, 1)),
    ("signed, nobody lists the signer", (True, True, True, True, True, "verified", Interval(1, 1)), Interval(1, 1)),
    ("a platform of L2", (True, True, True, True, True, "verified", Interval(2, 2)), Interval(2, 2)),
    ("a platform of L3", (True, True, True, True, True, "verified", Interval(3, 3)), Interval(3, 3)),
    ("a bare envelope of a platform of L3", (True, True, True, True, True, None, Interval(1, 3)), Interval(1, 3)),
    ("a platform of L3, unsigned", (True, True, True, True, True, "absent", Interval(3, 3)), Interval(1, 1)),
    ("matched by a weak digest", (True, False, True, True, True, "verified", Interval(3, 3)), Interval(0, 0)),
    ("of an unknown buildType", (True, True, None, None, True, "verified", Interval(3, 3)), Interval(0, 3)),
    ("supplied by hand, strict", (True, True, True, True, None, "verified", Interval(3, 3)), Interval(0, 3)),
    ("required fields empty", (False, True, True, True, True, "verified", Interval(3, 3)), Interval(0, 0)),
    ("parameters missing", (True, True, True, False, True, "verified", Interval(3, 3)), Interval(2, 2)),
    ("unreadable", (None, None, None, None, None, None, None), Interval(0, 3)),
)


@pytest.mark.parametrize(("name", "row", "level"), LEVELS, ids=[one[0] for one in LEVELS])
def test_levels_of_the_pack(name: str, row: Row, level: Interval) -> None:
    assert bounds(row) == level


def test_nobody_looked_and_looked_in_vain() -> None:
    for items, level in ((None, Interval(0, 3)), ((), Interval(0, 0))):
        findings = [judge(rule, Evidence(provenance=items)) for rule in RULES]
        assert level_of(findings, "demonstrated", "build", TOP).level == level


# --- several attestations of one subject: the best one counts, whatever stands beside it

FEW: tuple[Row, ...] = (
    *(row for _, row, _ in LEVELS),
    (True, True, True, True, True, "verified", Interval(1, 3)),
    (True, True, True, True, True, "verified", None),
    (True, True, None, True, True, "verified", Interval(2, 2)),
)
SUBJECT = Subject("a", ())


def scored(rows: tuple[Row, ...]) -> ReadingLevel:
    items = tuple(provenance(row) for row in rows)
    candidates = tuple(Candidate(one) for one in items)
    found = score_subject(SUBJECT, Evidence(provenance=items), candidates, RULES)
    return next(one for one in found.assessment.levels if one.reading == "demonstrated")


def test_dropping_an_attestation_never_raises_the_level() -> None:
    for size in (1, 2):
        for rows in product(FEW, repeat=size):
            level = scored(rows).level
            assert level.reached <= level.ceiling
            for index in range(size):
                assert scored(rows[:index] + rows[index + 1 :]).level.reached <= level.reached, rows


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(ROWS), min_size=3, max_size=5), st.randoms(use_true_random=False))
def test_order_and_company_do_not_matter(rows: list[Row], random: Any) -> None:
    level = scored(tuple(rows)).level
    assert level == Interval(max(bounds(row).reached for row in rows), max(bounds(row).ceiling for row in rows))
    random.shuffle(rows)
    assert scored(tuple(rows)).level == level
    assert scored(tuple(rows[1:])).level.reached <= level.reached


# --- any condition of the language over any releases

TRUTHS = (None, True, False)
QUANTIFIERS = ("some", "every", "none", "count")


def conditions_of(quantifier: str, where: bool) -> Condition:
    written: dict[str, Any] = {quantifier: "releases"}
    if where:
        written["where"] = {"hosted": True}
    if quantifier == "count":
        written["at-least"] = 1
    else:
        written["expect"] = {"isolated": True, "shares_cache": {"not": True}}
    return CONDITION.validate_python(written)


def release(row: Row) -> Release:
    return Release(HERE, "p", "s", hosted=row[0], isolated=row[1], shares_cache=row[2])


@pytest.mark.parametrize("where", [False, True])
@pytest.mark.parametrize("quantifier", QUANTIFIERS)
def test_no_quantifier_flips_when_a_field_is_learned(quantifier: str, where: bool) -> None:
    condition = conditions_of(quantifier, where)
    rows = tuple(product(TRUTHS, repeat=3))

    @cache
    def truth(items: tuple[Row, ...]) -> bool | None:
        return evaluate(condition, Evidence(releases=tuple(release(row) for row in items)))[0]

    for size in (0, 1, 2):
        for items in product(rows, repeat=size):
            before = truth(items)
            if before is None:
                continue
            for index, row in enumerate(items):
                for at, value in enumerate(row):
                    for better in (True, False) if value is None else ():
                        changed = (*row[:at], better, *row[at + 1 :])
                        after = truth((*items[:index], changed, *items[index + 1 :]))
                        assert after is before, (items, index, changed)


@pytest.mark.parametrize("where", [False, True])
def test_every_and_none_of_nothing_are_unknown(where: bool) -> None:
    for quantifier in ("every", "none"):
        for items in (None, ()):
            assert evaluate(conditions_of(quantifier, where), Evidence(releases=items))[0] is None


MATCHES = st.fixed_dictionaries(
    {},
    optional={
        "hosted": st.booleans() | st.fixed_dictionaries({"not": st.booleans()}),
        "isolated": st.booleans() | st.fixed_dictionaries({"present": st.booleans()}),
        "provenance.signed": st.booleans() | st.lists(st.booleans(), min_size=1, max_size=2),
        "system": st.sampled_from(["x", {"like": "g*"}, {"not": ["x", "gitlab"]}]),
        "provenance.level": st.fixed_dictionaries({"at-least": st.integers(1, 3)}),
        "unpinned": st.fixed_dictionaries({"present": st.booleans()}),
    },
)
LEAVES = st.one_of(
    *(
        st.fixed_dictionaries({name: st.just("releases"), "where": MATCHES, "expect": MATCHES})
        for name in QUANTIFIERS[:3]
    ),
    st.fixed_dictionaries({"count": st.just("releases"), "where": MATCHES, "at-least": st.integers(1, 4)}),
)
WRITTEN = st.recursive(
    LEAVES,
    lambda inner: st.sampled_from(["all", "any"]).flatmap(
        lambda name: st.fixed_dictionaries({name: st.lists(inner, min_size=1, max_size=3)})
    ),
    max_leaves=4,
)
INTERVALS = st.tuples(st.integers(0, 3), st.integers(0, 3)).map(lambda two: Interval(min(two), max(two)))
CONFIGURED = st.builds(
    ConfiguredProvenance, signed=st.sampled_from(TRUTHS), level=st.none() | INTERVALS, generator=st.none()
)
RELEASES = st.builds(
    Release,
    source=st.just(HERE),
    pipeline=st.just("p"),
    system=st.sampled_from(["github", "gitlab", "x"]),
    hosted=st.sampled_from(TRUTHS),
    isolated=st.sampled_from(TRUTHS),
    provenance=st.none() | CONFIGURED,
    unpinned=st.sampled_from([None, (), ("a@main",)]),
    jobs=st.just(()),
    publishes_to=st.just(()),
    notes=st.just(()),
)


def refined(draw: Any, item: Any, complete: Any) -> Any:
    """`item` with some of its unknown fields taken from `complete`, and intervals narrowed."""
    values = {}
    for field in fields(item):
        value, other = getattr(item, field.name), getattr(complete, field.name)
        if isinstance(value, ConfiguredProvenance) and isinstance(other, ConfiguredProvenance):
            values[field.name] = refined(draw, value, other)
        elif isinstance(value, Interval):
            low = draw(st.integers(value.reached, value.ceiling))
            values[field.name] = Interval(low, draw(st.integers(low, value.ceiling)))
        elif value is None and draw(st.booleans()):
            values[field.name] = other
    return replace(item, **values)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_condition_flips_when_anything_is_learned(data: Any) -> None:
    condition = CONDITION.validate_python(data.draw(WRITTEN))
    items = data.draw(st.lists(RELEASES, min_size=1, max_size=5))
    more = tuple(refined(data.draw, item, data.draw(RELEASES)) for item in items)
    before = evaluate(condition, Evidence(releases=tuple(items)))[0]
    after = evaluate(condition, Evidence(releases=more))[0]
    assert before is None or after is before
    if data.draw(st.booleans()):
        assert evaluate(condition, Evidence())[0] is None, "nobody looked, whatever is asked"


MONOTONE = st.recursive(
    st.fixed_dictionaries(
        {
            "some": st.just("releases"),
            "expect": st.fixed_dictionaries(
                {},
                optional={
                    "hosted": st.just(True),
                    "isolated": st.just(True),
                    "provenance.signed": st.just(True),
                    "provenance.level": st.fixed_dictionaries({"at-least": st.integers(1, 3)}),
                    "unpinned": st.just({"present": True}),
                },
            ),
        }
    ),
    lambda inner: st.sampled_from(["all", "any"]).flatmap(
        lambda name: st.fixed_dictionaries({name: st.lists(inner, min_size=1, max_size=3)})
    ),
    max_leaves=4,
)
ORDER = {False: 0, None: 0, True: 1}


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_dropping_items_or_fields_never_makes_a_monotone_condition_hold(data: Any) -> None:
    condition = CONDITION.validate_python(data.draw(MONOTONE))
    items = data.draw(st.lists(RELEASES, min_size=1, max_size=5))
    before = evaluate(condition, Evidence(releases=tuple(items)))[0]
    index = data.draw(st.integers(0, len(items) - 1))
    name = data.draw(st.sampled_from(["hosted", "isolated", "provenance", "unpinned"]))
    fewer = items[:index] + items[index + 1 :]
    poorer = [*items[:index], replace(items[index], **{name: None}), *items[index + 1 :]]
    for changed in (fewer, poorer):
        after = evaluate(condition, Evidence(releases=tuple(changed)))[0]
        assert ORDER[after] <= ORDER[before]
