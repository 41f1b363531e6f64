"""`verify LAYOUT --key K --link FILE`: the checks on one in-toto layout with its links."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from assess.cli._common import clean, out, parse_time, say
from assess.errors import Exit

if TYPE_CHECKING:
    from assess.layouts import LayoutRead


def verify_layout_files(files: list[str], links: list[Path], keys: list[Path], format: str, quiet: bool) -> None:
    """Verify one layout, print its checks and who performed which step; exit code 0 only where all of it holds."""
    from datetime import datetime

    from assess.layouts import LayoutPlan, read_layout

    if len(files) != 1 or files[0] == "-":
        raise typer.BadParameter("--link goes with one layout, which is a file")
    plan = LayoutPlan(
        (files[0], Path(files[0])),
        tuple((str(one), one) for one in links),
        tuple((str(one), one) for one in keys),
    )
    read = read_layout(plan, datetime.fromisoformat(parse_time(None)))
    verdict = {True: "VERIFIED", False: "INVALID", None: "NOT PROVEN"}[read.layout.verified]
    if format == "json":
        import json

        out(json.dumps([_as_json(read)], indent=2, ensure_ascii=False) + "\n")
    elif not quiet:
        out(_text(read))
    if not quiet:
        say(f"{verdict}: {read.layout.note or 'every step was performed by whom the layout names; no level is given'}")
    raise typer.Exit(Exit.OK if read.layout.verified else Exit.GATE)


def _as_json(read: LayoutRead) -> dict[str, Any]:
    from dataclasses import asdict

    unreadable = [{"source": str(one.source), "reason": one.reason} for one in read.verification.unreadable]
    return {**asdict(read.layout), "source": str(read.layout.source), "unreadable": unreadable}


def _text(read: LayoutRead) -> str:
    lines = [f"{read.layout.source}: in-toto layout"]
    for check in read.layout.checks:
        lines.append(f"  {check.result:<20} {check.step:>2} {check.name:<11} {check.detail}")
        if check.result == "failed" and check.expected is not None:
            lines.append(f"{'':37}expected {check.expected}, found {check.found or 'nothing'}")
    lines += [f"  {one.source}: ignored: {one.reason}" for one in read.verification.unreadable]
    for step in read.layout.steps or ():
        who = ", ".join(one.identity for one in step.performed_by)
        lines.append(f"  step {step.name}: performed by {who}")
        if step.command_as_expected is False:
            lines.append("    with another command than the layout expects, which is a hint and fails nothing")
    return "".join(f"{clean(line)}\n" for line in lines)
