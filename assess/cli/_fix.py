"""`fix`: safe patches of the project's own pipeline files, as a diff or written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assess.cli._common import Debug, Quiet, clean, out, parse_time, say
from assess.errors import NoInputError

if TYPE_CHECKING:
    from assess.fixes.engine import Proposal

Folder = Annotated[
    Path, typer.Argument(metavar="PATH", help="Folder of the project.", show_default=False, readable=False)
]
Diff = Annotated[bool, typer.Option("--diff", help="Print the changes as a diff and write nothing; the default.")]
Write = Annotated[bool, typer.Option("--write", help="Write the changes into the files.")]
Only = Annotated[list[str] | None, typer.Option("--only", metavar="KIND", help="Only fixes of this kind; repeatable.")]


def fix(
    path: Folder = Path(),
    diff: Diff = False,
    write: Write = False,
    only: Only = None,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Show (or write) the safe changes of pipeline files that raise what they are configured for.

    Comments and layout stay. What needs a person's judgement is named and left alone. A changed file still proves
    nothing: the level is demonstrated by the attestations that its next release brings.
    """
    from assess.fixes.engine import KINDS, propose

    if diff and write:
        raise typer.BadParameter("--diff and --write exclude each other")
    unknown = [one for one in only or () if one not in KINDS]
    if unknown:
        raise typer.BadParameter(f"no such kind of fix {unknown[0]!r} (one of {', '.join(KINDS)})")
    if not os.path.isdir(path):  # noqa: PTH112  (Path.is_dir raises for an overlong name)
        raise NoInputError("there is no such folder", str(path), "name the folder of the project")
    try:
        before = _configured(path, ())
    except NoInputError:
        hint = "name the folder of a repository with CI pipelines"
        raise NoInputError("no pipeline file was found, so there is nothing to fix", str(path), hint) from None
    proposal = propose(path, frozenset(only or ()))
    if write:
        from assess.files import write_files

        write_files(tuple((path / name, new) for name, _, new in proposal.files), "changed pipeline file")
    else:
        out(proposal.diff())
    if not quiet:
        _tell(proposal, write)
        after = _configured(path, () if write else proposal.overlay) if proposal.files else before
        say(f"configured for {before}" + (f"; with these changes for {after}" if after != before else ""))
        say("not demonstrated: attestations of the next release have to show it")


def _tell(proposal: Proposal, write: bool) -> None:
    for one in proposal.fixes:
        say(f"{'fixed' if write else 'fix'}: {clean(str(one.source))}: {one.title} [{one.id}]")
        say(f"     {one.why}")
    for left in proposal.declined:
        say(f"left alone: {clean(str(left.source))}: {left.reason} [{left.id}]")
    if not proposal.fixes:
        say("nothing that can be fixed safely was found")


def _configured(path: Path, instead: tuple[tuple[str, bytes], ...]) -> str:
    """The level that the project's pipelines are configured for, in words."""
    from assess.assessing import assess
    from assess.plan import Plan
    from assess.report.readings import tracks_of

    assessment = assess(Plan(time=parse_time(None), folder=path, instead=instead))
    known = {track.track: dict(track.cells) for track in tracks_of(assessment, assessment.levels)}
    return known["build"]["configured"]
