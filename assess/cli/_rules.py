"""`rules list|test|schema` and `explain`: the rule pack as prose, as tests, as schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assess.cli._check import Rules
from assess.cli._common import Debug, out
from assess.errors import Exit, NoInputError

if TYPE_CHECKING:
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
    """List the requirements: id, level, who owes them, title."""
    pack = _pack(rules, spec)
    wide = max(len(one.id) for one in pack.requirements)
    lines = [
        f"{one.id:<{wide}}  {one.track.capitalize()} L{one.level}  {one.role:<15}  {one.title}"
        for one in pack.requirements
    ]
    out("\n".join([*lines, f"{len(lines)} requirements, SLSA {spec}, rule pack sha256 {pack.sha256[:16]}", ""]))


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
def schema(debug: Debug = False) -> None:
    """Print the JSON Schema of a rule file."""
    from assess.levels import rule_schema

    out(json.dumps(rule_schema(), indent=2) + "\n")


def explain(
    requirement: Annotated[
        str, typer.Argument(metavar="REQUIREMENT", help="An id of `rules list`; build. may be left out.")
    ],
    rules: Rules = None,
    spec: Spec = "1.2",
    debug: Debug = False,
) -> None:
    """Explain one requirement: what it asks, how each reading is decided, what it is good for, how to fix a gap."""
    from assess.cli._common import clean

    pack = _pack(rules, spec)
    wanted = requirement.split("/")[0]
    found = next((one for one in pack.requirements if wanted in (one.id, one.id.partition(".")[2])), None)
    if found is None:
        import difflib

        near = difflib.get_close_matches(wanted, [one.id for one in pack.requirements], 1, 0.4)
        raise NoInputError(
            f"no requirement {requirement!r} in SLSA {spec}",
            hint=f"did you mean {near[0]}?" if near else "`slsa-assess rules list` shows all",
        )
    _, slash, clause = requirement.partition("/")
    if slash and clause not in [one.id for one in found.clauses]:
        raise NoInputError(
            f"no clause {clause!r} in {found.id}", hint=f"it has {', '.join(one.id for one in found.clauses)}"
        )
    out("".join(f"{clean(line)}\n" for line in _prose(found, spec).splitlines()))


def _prose(rule: Requirement, spec: str) -> str:
    import textwrap

    def wrap(text: str, indent: str = "") -> str:
        # Ids with hyphens stay whole, for they are there to be copied.
        wrapper = textwrap.TextWrapper(
            96, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False
        )
        return wrapper.fill(" ".join(text.split()))

    letters = ", ".join(rule.threats.get(spec, ()))
    lines = [
        f"{rule.title} ({rule.id})",
        f"SLSA {rule.track.capitalize()} L{rule.level} and above ({spec}); owed by: {rule.role}",
        rule.reference,
        "",
        wrap(f"Risk: {rule.risk}"),
    ]
    if letters:
        lines.append(wrap(f"Threats ({spec}): {letters}"))
    for clause in rule.clauses:
        lines += ["", f"{clause.id} ({clause.degree.upper()}, L{rule.level_of(clause)})", wrap(clause.text, "  ")]
        for reading in ("demonstrated", "configured"):
            condition = getattr(clause, reading)
            lines.append(
                wrap(f"{reading}: {_condition(condition) if condition else 'cannot be settled this way'}", "  ")
            )
        if clause.declared is not None:
            lines.append(wrap(f"declared: {clause.declared.ask} ({clause.declared.question})", "  "))
        if clause.raise_it:
            lines.append(wrap(f"to settle it: {clause.raise_it}", "  "))
    lines += ["", wrap(f"What to do ({rule.remediation.effort} effort): {rule.remediation.text}")]
    for system, snippet in sorted(rule.remediation.ci.items()):
        lines += ["", f"{system}:", textwrap.indent(snippet.rstrip(), "  ")]
    return "\n".join([*lines, ""])


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
            one_of = name.removesuffix("s")
            fits = " and ".join(f"{one.path} is {one.expected}" for one in condition.expect)
            where = " and ".join(f"{one.path} is {one.expected}" for one in condition.where)
            return f"{word} {one_of}{f' where {where}' if where else ''}: {fits or 'there is one'}"
    return ""
