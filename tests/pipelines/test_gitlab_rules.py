"""The expressions of GitLab's rules, and which kinds of pipelines let a job run."""

from __future__ import annotations

import pytest

from assess import _yaml
from assess.evidence import Source
from assess.pipelines._gitlab_rules import KINDS, SET, Value, condition, decide, ruled, triggers, understood

PUSH: dict[str, Value] = {
    "CI_PIPELINE_SOURCE": "push",
    "CI_COMMIT_BRANCH": SET,
    "CI_COMMIT_TAG": None,
    "CI_DEFAULT_BRANCH": SET,
}

EXPRESSIONS = (
    ("$CI_COMMIT_BRANCH", True),
    ("$CI_COMMIT_TAG", False),
    ("$UNHEARD_OF", None),
    ("$CI_COMMIT_TAG == null", True),
    ("$CI_COMMIT_BRANCH != null", True),
    ('$CI_COMMIT_BRANCH == ""', False),
    ('$CI_COMMIT_BRANCH != ""', True),
    ("$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH", None),
    ('$CI_COMMIT_BRANCH == "main"', None),
    ('$CI_PIPELINE_SOURCE == "push"', True),
    ("$CI_PIPELINE_SOURCE == 'schedule'", False),
    ('"push" == $CI_PIPELINE_SOURCE', True),
    ('$CI_PIPELINE_SOURCE != "push"', False),
    ("$CI_COMMIT_BRANCH =~ /^release-/", None),
    ("$CI_COMMIT_TAG =~ /^v/", False),
    ("$CI_COMMIT_TAG !~ /^v/", True),
    ("$CI_COMMIT_BRANCH && $CI_COMMIT_TAG", False),
    ("$CI_COMMIT_TAG || $UNHEARD_OF", None),
    ("$CI_COMMIT_BRANCH || $UNHEARD_OF", True),
    ("$CI_COMMIT_TAG && $UNHEARD_OF", False),
    ("($CI_COMMIT_TAG || $CI_COMMIT_BRANCH) && $CI_PIPELINE_SOURCE == 'push'", True),
    ("$CI_COMMIT_TAG || $CI_COMMIT_BRANCH && $CI_COMMIT_TAG", False),
    ("!$CI_COMMIT_TAG", True),
    ("${CI_COMMIT_BRANCH}", True),
    ("$CI_COMMIT_TAG =~ /a\\/b/i || true", None),
    ("", None),
    ("$A ==", None),
    ("(" * 60 + "$A" + ")" * 60, None),
    ("$A &&" * 2_000 + "$A", None),
    ("x" * 20_000, None),
)


@pytest.mark.parametrize(("expression", "holds"), EXPRESSIONS, ids=lambda one: str(one)[:40])
def test_expressions(expression: str, holds: bool | None) -> None:
    assert decide(expression, PUSH) is holds


@pytest.mark.parametrize(
    ("expression", "known"),
    [
        ("$A", True),
        ("$A == 'x' && $B =~ /y/", True),
        ("$A = 'x'", False),
        ("$A |", False),
        ("", False),
        ("$A $B", False),
    ],
)
def test_what_is_understood(expression: str, known: bool) -> None:
    assert understood(expression) is known


def node(text: str) -> _yaml.Node:
    return _yaml.load(text.encode(), "x.yml")


@pytest.mark.parametrize(
    ("rules", "runs", "line"),
    [
        ("[{if: $CI_COMMIT_TAG, when: never}, {when: always}]", True, 1),
        ("[{if: $CI_COMMIT_BRANCH, when: never}, {when: always}]", False, None),
        ("[{if: $OTHER, when: never}, {when: always}]", None, 1),
        ("[{if: $OTHER}, {when: never}]", None, 1),
        ("[{if: $CI_COMMIT_BRANCH, changes: [src]}]", None, 1),
        ("[{if: $CI_COMMIT_TAG}]", False, None),
        ("[{if: $OTHER}, {if: $CI_COMMIT_BRANCH}]", True, 1),
        ("[]", False, None),
        ("[!reference [.x, rules]]", False, None),
    ],
)
def test_the_first_rule_that_holds_counts(rules: str, runs: bool | None, line: int | None) -> None:
    found, place = ruled(node(rules), PUSH)
    assert found is runs
    assert (place.line if place is not None else None) == line


DEFAULT = ["push", "tag", "schedule", "web", "api", "trigger", "pipeline"]


@pytest.mark.parametrize(
    ("workflow", "job", "events"),
    [
        (None, "{}", DEFAULT),
        (None, "{only: [merge_requests]}", ["merge_request_event"]),
        (None, "{only: [tags]}", ["tag"]),
        (None, "{only: [main, tags]}", DEFAULT),
        (None, "{except: [tags, schedules]}", ["push", "web", "api", "trigger", "pipeline"]),
        (None, "{only: {refs: [schedules]}}", ["schedule"]),
        (None, "{only: [external_pull_requests]}", ["external_pull_request_event"]),
        (None, "{rules: [{if: '$CI_PIPELINE_SOURCE == \"merge_request_event\"'}]}", ["merge_request_event"]),
        (None, "{rules: [{when: never}]}", []),
        ("{rules: [{if: $CI_MERGE_REQUEST_IID}, {if: $CI_COMMIT_TAG}]}", "{}", ["tag", "merge_request_event"]),
        ("{rules: [{if: $CI_COMMIT_TAG}]}", "{rules: [{if: $CI_COMMIT_BRANCH}]}", []),
    ],
)
def test_who_can_start_it(workflow: str | None, job: str, events: list[str]) -> None:
    found = triggers(node(workflow) if workflow else None, [node(job)], Source("x.yml", 1))
    assert [one.event for one in found] == events
    assert all(one.trust == ("contributor" if "request" in one.event else "maintainer") for one in found)


def test_filters_are_known_where_nothing_is_filtered() -> None:
    push = triggers(None, [node("{}")], Source("x.yml", 1))[0]
    assert push.branches == ()
    some = triggers(None, [node("{only: [main]}")], Source("x.yml", 1))[0]
    assert some.branches is None


@pytest.mark.parametrize(
    ("job", "text"),
    [
        ("{}", None),
        ("{when: manual}", "when: manual"),
        ("{only: [main], except: {refs: [tags], variables: [$X]}}", "only: main; except: tags, $X"),
        ("{rules: [{if: $A, when: never}, {exists: [a.txt]}, {when: always}]}",
         "$A and when: never; exists: a.txt; when: always"),
    ],
)  # fmt: skip
def test_conditions_as_written(job: str, text: str | None) -> None:
    assert condition(node(job)) == text


def test_kinds_are_gitlabs_own_words() -> None:
    assert len({kind[0] for kind in KINDS}) == len(KINDS)
