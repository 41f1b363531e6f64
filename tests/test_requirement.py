"""The rule language: what a line of `where` or `expect` means, and what is refused when a rule is loaded."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from assess.evidence import Evidence, Interval, Provenance, Release
from assess.requirement import Clause, Every, Match, NoneOf, Requirement, Some, check_condition, field_type

READ = (
    (True, "is", (True,), "true"),
    ("verified", "is", ("verified",), "verified"),
    (["verified", "absent"], "is", ("verified", "absent"), "verified or absent"),
    ({"not": "failed"}, "not", ("failed",), "not failed"),
    ({"not": ["failed", "absent"]}, "not", ("failed", "absent"), "not failed or absent"),
    ({"present": True}, "present", (True,), "present"),
    ({"present": False}, "present", (False,), "empty"),
    ({"like": "v*"}, "like", ("v*",), "like v*"),
    ({"at-least": 2}, "at-least", (2,), "at least 2"),
)


@pytest.mark.parametrize(("written", "operator", "values", "words"), READ, ids=[one[3] for one in READ])
def test_a_line_of_expect(written: object, operator: str, values: tuple[object, ...], words: str) -> None:
    condition = Some.model_validate({"some": "provenance", "expect": {"signature": written}})
    assert condition.expect == (Match(path="signature", operator=operator, values=values),)
    assert condition.expect[0].expected == words


REFUSED_LINES = (
    ({"at-least": 2, "present": True}, "one operator expected"),
    ({}, "one operator expected"),
    ({"above": 2}, "no such operator 'above'"),
    ([], "an empty list matches nothing"),
    ([["a"]], "a plain value expected"),
    (None, "a plain value expected"),
    (1.5, "a plain value expected"),
)


@pytest.mark.parametrize(("written", "text"), REFUSED_LINES, ids=[str(one[0]) for one in REFUSED_LINES])
def test_a_line_that_is_refused(written: object, text: str) -> None:
    with pytest.raises(ValidationError, match=text):
        Some.model_validate({"some": "provenance", "expect": {"signature": written}})


TYPES = (
    (Provenance, "signature", {"signature": "verified"}),
    (Provenance, "builder.id", {"builder.id": "x"}),
    (Provenance, "platform.level", {"platform.level": {"at-least": 2}}),
    (Provenance, "signer.claims", {"signer.claims": {"present": True}}),
    (Release, "provenance.optional", {"provenance.optional": False}),
    (Release, "unpinned", {"unpinned": {"present": False}}),
    (Release, "system", {"system": {"like": "github-*"}}),
)


@pytest.mark.parametrize(("owner", "path", "expect"), TYPES, ids=[one[1] for one in TYPES])
def test_paths_that_the_evidence_has(owner: type, path: str, expect: dict[str, object]) -> None:
    assert field_type(owner, path) is not None
    name = "provenance" if owner is Provenance else "releases"
    check_condition(Some.model_validate({"some": name, "expect": expect}), monotone=False)


WRONG = (
    ("provenance", {"signatur": "verified"}, "no such field 'signatur' in Provenance"),
    ("provenance", {"builder.name": "x"}, "no such field 'name' in Builder"),
    ("provenance", {"build_type.id": "x"}, "is asked of something that has no fields"),
    ("provenance", {"subjects.name": "x"}, "is asked of something that has no fields"),
    ("provenance", {"signature": "signed"}, "no such value 'signed'"),
    ("provenance", {"signature": ["verified", "signed"]}, "no such value 'signed'"),
    ("provenance", {"builder": "x"}, "is no plain value"),
    ("provenance", {"platform.level": 2}, "is no plain value"),
    ("provenance", {"build_type": True}, "str expected"),
    ("provenance", {"subject_secure": "true"}, "bool expected"),
    ("provenance", {"subject_secure": 1}, "bool expected"),
    ("provenance", {"build_type": {"at-least": 2}}, "at-least compares a number"),
    ("provenance", {"platform.level": {"at-least": True}}, "at-least compares a number"),
    ("provenance", {"platform.level": {"like": "3"}}, "like compares a text"),
    ("provenance", {"build_type": {"present": "yes"}}, "present takes true or false"),
    ("attestations", {"kind": "provenances"}, "no such value 'provenances'"),
    ("pipelines", {"system": 4}, "str expected"),
)


@pytest.mark.parametrize(("name", "expect", "text"), WRONG, ids=[str(one[1]) for one in WRONG])
def test_paths_and_values_are_checked_against_the_evidence(name: str, expect: dict[str, object], text: str) -> None:
    for part in ("where", "expect"):
        with pytest.raises(ValueError, match=text):
            check_condition(Some.model_validate({"some": name, part: expect}), monotone=False)


NOT_MONOTONE = (
    {"every": "provenance", "expect": {"signature": "verified"}},
    {"none": "provenance", "expect": {"signature": "failed"}},
    {"count": "provenance", "at-least": 1},
    {"some": "provenance", "expect": {"signature": {"not": "failed"}}},
    {"some": "provenance", "where": {"signature": {"not": "failed"}}},
    {"some": "provenance", "expect": {"subject_secure": False}},
    {"some": "provenance", "expect": {"signer.claims": {"present": False}}},
    {"all": [{"some": "provenance"}, {"any": [{"none": "provenance", "expect": {"signature": "failed"}}]}]},
)


@pytest.mark.parametrize("written", NOT_MONOTONE, ids=str)
def test_a_demonstrated_condition_never_asks_for_an_absence(written: dict[str, object]) -> None:
    clause = {"id": "one", "degree": "must", "text": "."}
    with pytest.raises(ValidationError):
        Clause.model_validate({**clause, "demonstrated": written})
    Clause.model_validate({**clause, "configured": written})


def test_every_and_none_need_an_expectation() -> None:
    for kind, name in ((Every, "every"), (NoneOf, "none")):
        with pytest.raises(ValidationError, match="Field required"):
            kind.model_validate({name: "releases"})


def test_a_clause_of_a_higher_level_than_its_requirement() -> None:
    rule = Requirement.model_validate(
        {
            "id": "build.one", "track": "build", "level": 1, "spec": ["1.2"], "title": ".", "role": "producer",
            "reference": "https://example.com/", "risk": ".",
            "source": {"name": "SLSA", "version": "1.2", "retrieved_from": "."},
            "clauses": [
                {"id": "low", "degree": "must", "text": "."},
                {"id": "high", "degree": "must", "level": 3, "text": "."},
            ],
            "remediation": {"effort": "low", "text": "."},
        }
    )  # fmt: skip
    assert [rule.level_of(clause) for clause in rule.clauses] == [1, 3]
    with pytest.raises(ValidationError, match="'low' is used twice"):
        Requirement.model_validate(rule.model_dump() | {"clauses": [{"id": "low", "degree": "must", "text": "."}] * 2})


def test_models_are_frozen_and_hashable_by_value() -> None:
    one = Match(path="signature", operator="is", values=("verified",))
    with pytest.raises(ValidationError):
        one.path = "other"  # type: ignore[misc]
    assert TypeAdapter(Match).validate_python(one.model_dump()) == one
    assert field_type(Evidence, "unreadable") and Interval(1, 2) == Interval(1, 2)
