"""`demo`: the main job on the bundled example, offline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assess.cli._common import Debug, NoColor, Quiet, clean, out, parse_time, say, write_reports

Output = Annotated[
    Path, typer.Option("-o", "--output", metavar="DIR", help="Folder for the reports; made if missing.", readable=False)
]


def demo(
    output: Output = Path("demo-report"), quiet: Quiet = False, no_color: NoColor = False, debug: Debug = False
) -> None:
    """Assess the bundled example project, offline, and leave an HTML, a Markdown and a JSON report."""
    from assess._data import data_path
    from assess.assessing import assess
    from assess.cli._plan import plan_from

    folder = data_path("examples") / "widget"
    assessment = assess(plan_from({"path": folder}, b"", parse_time(None)))
    files = {
        name: output / f"report.{ending}" for name, ending in (("html", "html"), ("markdown", "md"), ("json", "json"))
    }
    shown: tuple[tuple[str, Path | None], ...] = () if quiet else (("terminal", None),)
    write_reports(assessment, (*files.items(), *shown), no_color, False)
    if not quiet:
        out("".join(f"wrote {clean(str(path))}\n" for path in files.values()))
        say(assessment.verdict.line)
