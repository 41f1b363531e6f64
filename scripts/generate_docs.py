"""Writes the generated parts of README.md and the JSON Schemas in docs/; --check only says whether they are current."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from assess.cli import COMMANDS as COMMAND_LINE
from assess.errors import Exit
from assess.levels import audit_schema, default_directories, load_pack, rule_schema
from assess.project import project_schema
from assess.report.json import assessment_schema

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = tuple(name for name, _ in COMMAND_LINE)
MEANINGS = {
    Exit.OK: "assessed; the minimum is reached, or none was asked",
    Exit.GATE: "assessed; the minimum is not reached, or an expectation is not met",
    Exit.USAGE: "wrong command line",
    Exit.DATA: "could not assess: an input cannot be read",
    Exit.NO_INPUT: "could not assess: nothing to assess, or a file is missing",
    Exit.UNAVAILABLE: "could not assess: something is out of reach (a report cannot be written)",
    Exit.BUG: "could not assess: a bug of ours",
    Exit.CONFIG: "could not assess: a rule, project or trust file is wrong",
}


def command_help(name: str) -> str:
    """What `slsa-assess NAME --help` prints, 100 columns wide."""
    environment = {**os.environ, "COLUMNS": "100", "TERMINAL_WIDTH": "100", "NO_COLOR": "1", "TERM": "dumb"}
    ran = subprocess.run(
        [sys.executable, "-m", "assess", name, "--help"],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        cwd=ROOT,
    )
    return "\n".join(line.rstrip() for line in ran.stdout.strip().splitlines())


def sections() -> dict[str, str]:
    """Marker name -> generated Markdown."""
    pack = load_pack(default_directories())
    rows = ["| requirement | level | owed by | MUST clauses |", "|---|---|---|---|"]
    for rule in pack.requirements:
        musts = ", ".join(clause.id for clause in rule.clauses if clause.degree == "must")
        rows.append(f"| [{rule.title}]({rule.reference}) `{rule.id}` | L{rule.level} | {rule.role} | {musts} |")
    codes = ["| exit | meaning |", "|---|---|", *(f"| {int(code)} | {text} |" for code, text in MEANINGS.items())]
    summary = "<details><summary><code>slsa-assess {}</code></summary>\n\n```text\n{}\n```\n\n</details>"
    helps = [summary.format(name, command_help(name)) for name in COMMANDS]
    audits = ["| # | audit | what it is about | touches |", "|---|---|---|---|"]
    for one in sorted(pack.audits, key=lambda audit: audit.number):
        clauses = {name.partition("/")[0] for case in one.cases for effect in case.effects for name in effect.clauses}
        touched = ", ".join(f"`{name}`" for name in sorted(clauses))
        audits.append(f"| {one.number} | `{one.id}` | {one.title} | {touched} |")
    return {
        "requirements": "\n".join(rows),
        "audits": "\n".join(audits),
        "exit-codes": "\n".join(codes),
        "help": "\n".join(helps),
    }


def filled(text: str) -> str:
    """README text with every marked section replaced."""
    for name, body in sections().items():
        pattern = re.compile(rf"(<!-- generated: {name} -->\n).*?(\n<!-- end: {name} -->)", re.DOTALL)
        if len(pattern.findall(text)) != 1:
            sys.exit(f"README.md: exactly one section {name!r} expected")
        text = pattern.sub(lambda match, body=body: match.group(1) + body + match.group(2), text)
    return text


def main() -> None:
    """Write, or check and exit with 1 where something is stale."""
    readme = ROOT / "README.md"
    wanted = {readme: filled(readme.read_text(encoding="utf-8"))}
    schemas = {"assessment": assessment_schema(), "project": project_schema(), "rule": rule_schema()}
    schemas["audit"] = audit_schema()
    for name, schema in schemas.items():
        wanted[ROOT / "docs" / "schema" / f"{name}.schema.json"] = json.dumps(schema, indent=2, sort_keys=True) + "\n"
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is not current: run `make docs`")
        sys.exit(1 if stale else 0)
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(wanted[path], encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
