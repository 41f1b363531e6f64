"""`rules list|test|schema` and `explain`: requirements and audits as prose, as tests, as schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assess.cli._check import Rules
from assess.cli._common import Debug, out
from assess.errors import Exit, NoInputError

if TYPE_CHECKING:
    from assess.audit import Audit
    from assess.levels import RulePack
    from assess.requirement import Requirement

app = typer.Typer(help="Rule packs: list them, run their inline tests, print their JSON Schema.", no_args_is_help=True)

Spec = Annotated[str, typer.Option("--spec", metavar="VERSION", help="SLSA version: 1.0, 1.1 or 1.2.")]


def _pack(rules: list[Path] | None, spec: str) -> RulePack:
    from assess.levels import default_directories, load_pack

    if spec not in ("1.0", "1.1", "1.2"):
        raise typer.BadParameter(f"--spec takes one of 1.0, 1.1, 1.2 (got {spec!r})")
    return load_pack((*default_directories(), *(rules or ())), spec)


@app.command("list")
def list_rules(rules: Rules = None, spec: Spec = "1.2", debug: Debug = False) -> None:
    """List the requirements (id, level, who owes them, title) and the audits (id, number, effects, title)."""
    pack = _pack(rules, spec)
    wide = max(map(len, (*(one.id for one in pack.requirements), *(one.id for one in pack.audits))))
    lines = [
        f"{one.id:<{wide}}  {one.track.capitalize()} L{one.level}  {one.role:<15}  {one.title}"
        for one in pack.requirements
    ]
    count = len(lines)
    for audit in pack.audits:
        words = " and ".join(dict.fromkeys(effect.effect for case in audit.cases for effect in case.effects))
        lines.append(f"{audit.id:<{wide}}  audit {audit.number:<2}  {words:<25}  {audit.title}")
    told = f"{count} requirements, {len(pack.audits)} audits, SLSA {spec}, rule pack sha256 {pack.sha256[:16]}"
    out("\n".join([*lines, told, ""]))


@app.command("test")
def test_rules(rules: Rules = None, spec: Spec = "1.2", debug: Debug = False) -> None:
    """Run the tests inside the rule files; exit code 1 if one fails."""
    from assess.rule_tests import run_tests

    results = run_tests(_pack(rules, spec))
    for one in results:
        if not one.passed:
            out(f"FAILED {one.requirement}: {one.test}: {one.detail}\n")
    failed = sum(not one.passed for one in results)
    out(f"{len(results) - failed} passed, {failed} failed\n")
    raise typer.Exit(Exit.GATE if failed else Exit.OK)


@app.command("schema")
def schema(
    audit: Annotated[bool, typer.Option("--audit", help="The schema of an audit's file.")] = False, debug: Debug = False
) -> None:
    """Print the JSON Schema of a rule file: of a requirement, or of an audit."""
    from assess.levels import audit_schema, rule_schema

    out(json.dumps(audit_schema() if audit else rule_schema(), indent=2) + "\n")


def explain(
    requirement: Annotated[
        str, typer.Argument(metavar="REQUIREMENT", help="An id of `rules list`; build. or audit. may be left out.")
    ],
    rules: Rules = None,
    spec: Spec = "1.2",
    debug: Debug = False,
) -> None:
    """Explain one requirement or audit: what it asks, how it is decided, what it is good for, how to fix a gap."""
    from assess.cli._common import clean
    from assess.requirement import Requirement

    pack = _pack(rules, spec)
    wanted = requirement.split("/")[0]
    known: tuple[Requirement | Audit, ...] = (*pack.requirements, *pack.audits)
    found = next((one for one in known if wanted in (one.id, one.id.partition(".")[2])), None)
    if found is None:
        import difflib

        near = difflib.get_close_matches(wanted, [one.id for one in known], 1, 0.4)
        raise NoInputError(
            f"no requirement or audit {requirement!r} in SLSA {spec}",
            hint=f"did you mean {near[0]}?" if near else "`slsa-assess rules list` shows all",
        )
    _, slash, part = requirement.partition("/")
    parts = _parts(found)
    if slash and part not in parts:
        raise NoInputError(f"no clause or case {part!r} in {found.id}", hint=f"it has {', '.join(parts)}")
    text = _prose(found, spec) if isinstance(found, Requirement) else _audit_prose(found, pack)
    out("".join(f"{clean(line)}\n" for line in text.splitlines()))


def _parts(rule: Requirement | Audit) -> list[str]:
    from assess.audit import Audit

    return [one.id for one in (rule.cases if isinstance(rule, Audit) else rule.clauses)]


def _wrap(text: str, indent: str = "") -> str:
    import textwrap

    # Ids with hyphens stay whole, for they are there to be copied.
    wrapper = textwrap.TextWrapper(
        96, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False
    )
    return wrapper.fill(" ".join(text.split()))


def _audit_prose(rule: Audit, pack: RulePack) -> str:
    levels = {f"{one.id}/{clause.id}": one.level_of(clause) for one in pack.requirements for clause in one.clauses}
    lines = [
        f"{rule.title} ({rule.id})",
        f"audit {rule.number} of release paths; it can only hold the configured level down",
        "",
        _wrap(f"Why it matters: {rule.risk}"),
        _wrap(f"Systems: {', '.join(rule.systems)}"),
    ]
    for case in rule.cases:
        lines += ["", f"{case.id}", _wrap(f"{case.says}.", "  "), _wrap(f"found where {_condition(case.finds)}", "  ")]
        for effect in case.effects:
            clauses = ", ".join(f"{name} (L{levels[name]})" if name in levels else name for name in effect.clauses)
            only = " in the strict profile, threatens in the vendors'" if effect.profile == "strict" else ""
            lines.append(_wrap(f"{effect.effect}{only}: {clauses}", "  "))
    return "\n".join([*lines, *_remedy(rule), ""])


def _remedy(rule: Requirement | Audit) -> list[str]:
    import textwrap

    lines = ["", _wrap(f"What to do ({rule.remediation.effort} effort): {rule.remediation.text}")]
    for system, snippet in sorted(rule.remediation.ci.items()):
        lines += ["", f"{system}:", textwrap.indent(snippet.rstrip(), "  ")]
    return lines


def _prose(rule: Requirement, spec: str) -> str:
    letters = ", ".join(rule.threats.get(spec, ()))
    lines = [
        f"{rule.title} ({rule.id})",
        f"SLSA {rule.track.capitalize()} L{rule.level} and above ({spec}); owed by: {rule.role}",
        rule.reference,
        "",
        _wrap(f"Risk: {rule.risk}"),
    ]
    if letters:
        lines.append(_wrap(f"Threats ({spec}): {letters}"))
    for clause in rule.clauses:
        lines += ["", f"{clause.id} ({clause.degree.upper()}, L{rule.level_of(clause)})", _wrap(clause.text, "  ")]
        for reading in ("demonstrated", "configured"):
            condition = getattr(clause, reading)
            lines.append(
                _wrap(f"{reading}: {_condition(condition) if condition else 'cannot be settled this way'}", "  ")
            )
        if clause.declared is not None:
            lines.append(_wrap(f"declared: {clause.declared.ask} ({clause.declared.question})", "  "))
        if clause.raise_it:
            lines.append(_wrap(f"to settle it: {clause.raise_it}", "  "))
    return "\n".join([*lines, *_remedy(rule), ""])


def _condition(condition: object) -> str:
    """A condition as a sentence."""
    from assess.requirement import AllOf, AnyOf, Count, Every, NoneOf, Some

    match condition:
        case AllOf(all=parts):
            return " and ".join(_condition(part) for part in parts)
        case AnyOf(any=parts):
            return " or ".join(_condition(part) for part in parts)
        case Count(count=name, at_least=least):
            return f"at least {least} of {name}"
        case Some(some=name) | Every(every=name) | NoneOf(none=name):
            word = {"Some": "some", "Every": "every", "NoneOf": "no"}[type(condition).__name__]
            one_of = name.removesuffix("s").replace("_", " ")
            fits = " and ".join(f"{one.path} is {one.expected}" for one in condition.expect)
            where = " and ".join(f"{one.path} is {one.expected}" for one in condition.where)
            return f"{word} {one_of}{f' where {where}' if where else ''}: {fits or 'there is one'}"
    return ""
