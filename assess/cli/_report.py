"""`report`: render saved assessments again, merge or compare them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assess.cli._common import (
    Debug,
    Formats,
    NoColor,
    Quiet,
    Verbose,
    conclude,
    out,
    parse_formats,
    refuse_inputs,
    write_reports,
)

Files = Annotated[
    list[Path],
    typer.Argument(metavar="ASSESSMENT.json...", help="Saved with `check -f json=FILE`.", readable=False),
]
Compare = Annotated[
    bool, typer.Option("--compare", help="Two assessments: print what changed from the first to the second.")
]


def report(
    files: Files,
    compare: Compare = False,
    format: Formats = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    no_color: NoColor = False,
    debug: Debug = False,
) -> None:
    """Render saved assessments again; several are merged into one, or compared with --compare."""
    from assess.files import ATTESTATION_LIMIT, read_file
    from assess.merge import differences, merge
    from assess.report.json import load_assessment

    targets = parse_formats(format, quiet)
    loaded = []
    for path in files:
        text = read_file(path, ATTESTATION_LIMIT, "assessment").decode("utf-8", errors="replace")
        loaded.append(load_assessment(text, str(path)))
    if compare:
        if len(loaded) != 2:
            raise typer.BadParameter(f"--compare takes two assessments (got {len(loaded)})")
        lines = differences(loaded[0], loaded[1])
        from assess.cli._common import clean

        out("".join(f"{clean(line)}\n" for line in lines or ("no difference",)))
        return
    refuse_inputs(targets, files)
    assessment = merge(tuple(loaded))
    write_reports(assessment, targets, no_color, verbose)
    conclude(assessment, quiet)
