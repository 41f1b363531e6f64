"""Runs the inline tests of a rule file: evidence as written there into our models, judged, compared."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from difflib import get_close_matches
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from pydantic import ValidationError

from assess.audit import Audit, AuditTest
from assess.auditing import audit
from assess.evidence import Evidence, Interval, Source
from assess.judge import judge
from assess.levels import RulePack
from assess.requirement import Requirement, RuleTest
from assess.scoring import outcome_in

_HERE = Source("(inline test)")


@dataclass(frozen=True, slots=True)
class RuleTestResult:
    """One inline test of a rule file; `detail` says what came out instead, "" where it passed."""

    requirement: str
    test: str
    passed: bool
    detail: str = ""


def run_tests(pack: RulePack) -> tuple[RuleTestResult, ...]:
    """Run the inline tests of every rule file of `pack`."""
    rules: tuple[Requirement | Audit, ...] = (*pack.requirements, *pack.audits)
    return tuple(RuleTestResult(rule.id, name, not detail, detail) for rule in rules for name, detail in _run(rule))


def _run(rule: Requirement | Audit) -> Iterator[tuple[str, str]]:
    """(name of the test, what is wrong) for every inline test of `rule`; "" where it passes."""
    for index, raw in enumerate(rule.tests):
        name = str(raw.get("name", index)) if isinstance(raw, Mapping) else str(index)
        try:
            if isinstance(rule, Audit):
                yield name, _compare_audit(rule, AuditTest.model_validate(raw))
                continue
            test = RuleTest.model_validate(raw)
            yield name, _compare(rule, test, read_evidence(test.evidence))
        except ValidationError as invalid:
            errors = invalid.errors(include_url=False, include_input=False)
            yield name, "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in errors)
        except ValueError as problem:
            yield name, str(problem)


def _compare(rule: Requirement, test: RuleTest, evidence: Evidence) -> str:
    clauses = {one.clause: one for one in judge(rule, evidence).clauses}
    wrong = []
    for reading, expected in test.expect.items():
        for clause, outcome in expected.items():
            if clause not in clauses:
                wrong.append(f"no such clause {clause!r}{_near(clause, tuple(clauses))}")
                continue
            found = outcome_in(clauses[clause], reading)
            if found.outcome != outcome:
                reason = f" ({found.reason})" if found.reason else ""
                wrong.append(f"{clause}, {reading}: expected {outcome}, got {found.outcome}{reason}")
    if not any(test.expect.values()):
        wrong.append("expects nothing")
    return "; ".join(wrong)


def _compare_audit(one: Audit, test: AuditTest) -> str:
    """Cases that the test does not name must be clean or unknown: an audit that finds more than expected is wrong."""
    evidence = read_evidence(test.evidence)
    ends = {found.case: found.outcome for found in audit((one,), evidence, "vendor")}
    wrong = [f"no such case {case!r}{_near(case, tuple(ends))}" for case in test.expect if case not in ends]
    for case, outcome in ends.items():
        expected = test.expect.get(case)
        if expected is None and outcome == "found":
            wrong.append(f"{case}: found, which the test does not expect")
        elif expected is not None and outcome != expected:
            wrong.append(f"{case}: expected {expected}, got {outcome}")
    if not test.expect:
        wrong.append("expects nothing")
    return "; ".join(wrong)


def read_evidence(raw: object) -> Evidence:
    """The Evidence that an inline test writes: fields left out are unknown, a number stands for a settled level.

    Raises ValueError with the dotted path of a misspelt field or a wrong value.
    """
    return cast(Evidence, _read(Evidence, raw if raw is not None else {}, "evidence"))


def _read(kind: Any, raw: object, where: str) -> object:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        rest = [part for part in get_args(kind) if part is not type(None)]
        return None if raw is None else _read(rest[0], raw, where)
    if origin is tuple:
        if not isinstance(raw, list | tuple):
            raise ValueError(f"{where}: a list expected, got {raw!r}")
        return tuple(_read(get_args(kind)[0], one, f"{where}.{index}") for index, one in enumerate(raw))
    if origin is Literal:
        if raw not in get_args(kind):
            raise ValueError(f"{where}: no such value {raw!r} (one of {', '.join(map(str, get_args(kind)))})")
        return raw
    if kind is Interval and type(raw) is int:
        return Interval(raw, raw)
    if is_dataclass(kind) and isinstance(kind, type):
        return _read_fields(kind, raw, where)
    if type(raw) is not kind:
        raise ValueError(f"{where}: {kind.__name__} expected, got {raw!r}")
    return raw


def _read_fields(kind: type, raw: object, where: str) -> object:
    if not isinstance(raw, Mapping):
        raise ValueError(f"{where}: a mapping expected, got {raw!r}")
    hints = get_type_hints(kind)
    for key in raw:
        if key not in hints:
            raise ValueError(f"{where}: no such field {key!r}{_near(str(key), tuple(hints))}")
    values: dict[str, object] = {}
    for field in fields(kind):
        if field.name in raw:
            values[field.name] = _read(hints[field.name], raw[field.name], f"{where}.{field.name}")
        elif hints[field.name] is Source:
            values[field.name] = _HERE
        elif field.default is MISSING:
            values[field.name] = _left_out(hints[field.name], f"{where}.{field.name}")
    return kind(**values)


def _left_out(kind: Any, where: str) -> object:
    """Names of things may be left out of a test; what a rule looks at may not."""
    if kind is str:
        return ""
    raise ValueError(f"{where} is missing")


def _near(word: str, known: tuple[str, ...]) -> str:
    near = get_close_matches(word, known, 1)
    return f" (did you mean {near[0]!r}?)" if near else f" (one of {', '.join(known)})"
