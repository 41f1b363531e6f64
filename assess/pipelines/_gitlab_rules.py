"""When GitLab runs a pipeline and its jobs: `rules:if` parsed, and decided for each kind of pipeline.

https://docs.gitlab.com/ci/jobs/job_rules/. Nothing is evaluated but what the kind of pipeline fixes (branch, tag, merge
request); everything else is None: may hold or not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from assess._yaml import Node
from assess.evidence import Source, Trigger, TriggerTrust
from assess.pipelines._values import text, words

MAX_LENGTH = 10_000
MAX_TOKENS = 1_000
MAX_DEPTH = 50

_TOKEN = re.compile(
    r"\s*(?:(?P<variable>\$\{?\w+\}?)|(?P<string>\"[^\"]*\"|'[^']*')|(?P<null>null\b)"
    r"|(?P<regex>/(?:\\.|[^/\\])+/[ismU]*)|(?P<sign>&&|\|\||==|!=|=~|!~|!|\(|\)))"
)


@dataclass(frozen=True, slots=True)
class _Some:
    """A value that is set, and not empty, but cannot be told."""


SET: Final = _Some()
Value: TypeAlias = str | _Some | None
"""A variable's value: text, set to something, or null."""

_MERGE_REQUEST = ("CI_MERGE_REQUEST_ID", "CI_MERGE_REQUEST_IID", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME",
                  "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "CI_MERGE_REQUEST_PROJECT_PATH")  # fmt: skip


def _kind(source: str, branch: Value = None, tag: Value = None, request: Value = None) -> dict[str, Value]:
    return {
        "CI_PIPELINE_SOURCE": source, "CI_COMMIT_BRANCH": branch, "CI_COMMIT_TAG": tag,
        "CI_DEFAULT_BRANCH": SET, "GITLAB_CI": "true", "CI": "true", "CI_COMMIT_SHA": SET, "CI_COMMIT_REF_NAME": SET,
        **dict.fromkeys(_MERGE_REQUEST, request),
    }  # fmt: skip


KINDS: Final[tuple[tuple[str, TriggerTrust, Mapping[str, Value], frozenset[str]], ...]] = (
    ("push", "maintainer", _kind("push", branch=SET), frozenset({"branches", "pushes"})),
    ("tag", "maintainer", _kind("push", tag=SET), frozenset({"tags", "pushes"})),
    ("merge_request_event", "contributor", _kind("merge_request_event", request=SET), frozenset({"merge_requests"})),
    ("external_pull_request_event", "contributor", _kind("external_pull_request_event", branch=SET),
     frozenset({"external_pull_requests", "branches"})),
    ("schedule", "maintainer", _kind("schedule", branch=SET), frozenset({"schedules", "branches"})),
    ("web", "maintainer", _kind("web", branch=SET), frozenset({"web", "branches"})),
    ("api", "maintainer", _kind("api", branch=SET), frozenset({"api", "branches"})),
    ("trigger", "maintainer", _kind("trigger", branch=SET), frozenset({"triggers", "branches"})),
    ("pipeline", "maintainer", _kind("pipeline", branch=SET), frozenset({"pipelines", "branches"})),
)  # fmt: skip
"""Kinds of pipelines: GitLab's own word, who can start one, the variables that it fixes, and its words in `only`."""

_ONLY_WORDS = frozenset(word for kind in KINDS for word in kind[3]) | {"external", "chat"}


def decide(expression: str, variables: Mapping[str, Value]) -> bool | None:
    """Whether an `if` holds; None if that cannot be told, or it is not understood."""
    if len(expression) > MAX_LENGTH:
        return None
    parser = _Parser(_tokens(expression), variables)
    try:
        found = parser.either(0)
    except (IndexError, _NotUnderstoodError):
        return None
    return found if parser.at == len(parser.tokens) else None


def understood(expression: str) -> bool:
    """The expression has the grammar of `rules:if`."""
    if len(expression) > MAX_LENGTH:
        return False
    parser = _Parser(_tokens(expression), {})
    try:
        parser.either(0)
    except (IndexError, _NotUnderstoodError):
        return False
    return parser.at == len(parser.tokens)


class _NotUnderstoodError(Exception):
    pass


@lru_cache(maxsize=1024)
def _tokens(expression: str) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    at = 0
    expression = expression.strip()
    while at < len(expression):
        match = _TOKEN.match(expression, at)
        if match is None or match.end() == at or len(found) > MAX_TOKENS:
            return (("bad", ""),)
        found.append((str(match.lastgroup), match.group(str(match.lastgroup))))
        at = match.end()
    return tuple(found)


@dataclass(slots=True)
class _Parser:
    tokens: tuple[tuple[str, str], ...]
    variables: Mapping[str, Value]
    at: int = 0

    def _next_is(self, *signs: str) -> bool:
        return self.at < len(self.tokens) and self.tokens[self.at][1] in signs and self.tokens[self.at][0] == "sign"

    def either(self, depth: int) -> bool | None:
        if depth > MAX_DEPTH:
            raise _NotUnderstoodError
        found = self._both(depth)
        while self._next_is("||"):
            self.at += 1
            other = self._both(depth)
            found = True if True in (found, other) else None if None in (found, other) else False
        return found

    def _both(self, depth: int) -> bool | None:
        found = self._one(depth)
        while self._next_is("&&"):
            self.at += 1
            other = self._one(depth)
            found = False if False in (found, other) else None if None in (found, other) else True
        return found

    def _one(self, depth: int) -> bool | None:
        if self._next_is("!"):
            self.at += 1
            inner = self._one(depth + 1)
            return None if inner is None else not inner
        if self._next_is("("):
            self.at += 1
            found = self.either(depth + 1)
            if not self._next_is(")"):
                raise _NotUnderstoodError
            self.at += 1
            return found
        left = self._value()
        if self._next_is("==", "!=", "=~", "!~"):
            sign = self.tokens[self.at][1]
            self.at += 1
            return _compare(sign, left, self._value())
        known, value = left
        return None if not known else value is SET or bool(value)

    def _value(self) -> tuple[bool, Value]:
        """(known, value) of a variable, string, pattern or null."""
        kind, written = self.tokens[self.at]
        self.at += 1
        match kind:
            case "variable":
                name = written.strip("${}")
                return name in self.variables, self.variables.get(name)
            case "string":
                return "$" not in written, written[1:-1]
            case "null":
                return True, None
            case "regex":
                return True, SET
            case _:
                raise _NotUnderstoodError


def _compare(sign: str, left: tuple[bool, Value], right: tuple[bool, Value]) -> bool | None:
    if not left[0] or (not right[0] and sign in {"==", "!="}):
        return None
    if sign in {"=~", "!~"}:
        return None if left[1] is not None else sign == "!~"
    null = left[1] is None or right[1] is None
    if (left[1] is SET or right[1] is SET) and not null:
        empty = "" in (left[1], right[1])
        return (sign == "!=") if empty else None
    return (left[1] == right[1]) == (sign == "==")


Decided: TypeAlias = tuple[bool | None, Source | None]
"""Whether something runs (None: it may), and the place of the first rule that lets it."""


def ruled(rules: Node, variables: Mapping[str, Value], when: str = "on_success") -> Decided:
    """What `rules` decide: the first that holds counts, and none holding means that it does not run."""
    possible: Source | None = None
    blocked = False
    for rule in rules:
        if rule.kind != "mapping":
            blocked = True
            continue
        clause = rule.get("if")
        holds = decide(clause.text, variables) if clause is not None else True
        if holds is True and (rule.get("changes") is not None or rule.get("exists") is not None):
            holds = None
        if holds is False:
            continue
        never = (text(rule.get("when")) or when) == "never"
        if not never:
            possible = possible or (clause or rule).source
        if holds is True:
            sure = None if blocked or (never and possible is not None) else not never
            return sure, possible
        blocked = blocked or never
    return (None if possible is not None else False), possible


def runs(job: Node, kinds: frozenset[str], variables: Mapping[str, Value], workflow: bool) -> Decided:
    """Whether a job can run in such a pipeline; `kinds` are its words in `only` and `except`."""
    if (rules := job.get("rules")) is not None:
        return ruled(rules, variables, text(job.get("when")) or "on_success")
    only, leave = job.get("only"), job.get("except")
    if only is None and leave is None:
        default = workflow or bool(kinds & {"branches", "tags"})
        return default, None
    allowed = _listed(only, kinds) if only is not None else bool(kinds & {"branches", "tags"})
    excluded = _listed(leave, kinds) if leave is not None else False
    if allowed is False or excluded is True:
        return False, None
    return (True if allowed and excluded is False else None), (only or job).source


def _listed(node: Node, kinds: frozenset[str]) -> bool | None:
    if node.kind == "mapping":
        refs = node.get("refs")
        more = any(node.get(name) is not None for name in ("variables", "changes", "kubernetes"))
        found = _listed(refs, kinds) if refs is not None else True
        return None if found and more else found
    names = words(node)
    plain = {name for name in names if name in _ONLY_WORDS}
    if plain & kinds:
        return True
    others = [name for name in names if name not in _ONLY_WORDS]
    return None if others and kinds & {"branches", "tags"} else False


def condition(job: Node) -> str | None:
    """What must hold for a job to run, as written; None where it has no condition of its own."""
    found: list[str] = []
    for rule in job.get("rules") or ():
        if rule.kind == "scalar":
            found.append(rule.text)
            continue
        clause = text(rule.get("if"))
        parts = [clause] if clause is not None else []
        for name in ("changes", "exists"):
            if (node := rule.get(name)) is not None:
                parts.append(f"{name}: {', '.join(words(node.get('paths') if node.kind == 'mapping' else node))[:200]}")
        if (when := text(rule.get("when"))) is not None and (when != "on_success" or not parts):
            parts.append(f"when: {when}")
        found.append(" and ".join(parts) or "always")
    for name in ("only", "except"):
        if (node := job.get(name)) is not None:
            refs = node.get("refs") if node.kind == "mapping" else node
            more = node.get("variables") if node.kind == "mapping" else None
            found.append(f"{name}: {', '.join((*words(refs), *words(more)))}")
    when = text(job.get("when"))
    if when is not None and when not in {"on_success", "always"}:
        found.append(f"when: {when}")
    return "; ".join(found)[:1_000] or None


def triggers(workflow: Node | None, jobs: list[Node], place: Source) -> tuple[Trigger, ...]:
    """Who can start the pipeline: the kinds of pipelines in which some job can run."""
    rules = workflow.get("rules") if workflow is not None else None
    found: list[Trigger] = []
    for event, trust, variables, kinds in KINDS:
        allowed, at = ruled(rules, variables) if rules is not None else (True, None)
        if allowed is False or (event.startswith("external") and not _external(rules, jobs)):
            continue
        able = [runs(job, kinds, variables, rules is not None) for job in jobs]
        if jobs and all(one[0] is False for one in able):
            continue
        if at is None and not any(one == (True, None) for one in able):
            at = next((one[1] for one in able if one[0] is not False and one[1] is not None), None)
        everything = allowed is True and any(one[0] is True for one in able)
        free: tuple[str, ...] | None = () if everything else None
        branch = event not in {"tag", "merge_request_event"}
        found.append(
            Trigger(at or place, event, trust, branches=free if branch else (), tags=free if event == "tag" else ())
        )
    return tuple(found)


def _external(rules: Node | None, jobs: list[Node]) -> bool:
    """Pull requests of another host are spoken of; few projects take them."""
    for node in (rules, *(one.get("rules") for one in jobs)):
        if any("external_pull_request" in (text(rule.get("if")) or "") for rule in node or ()):
            return True
    return any("external_pull_requests" in words(one.get("only")) for one in jobs)
