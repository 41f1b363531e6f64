"""What all commands share: options, printing, output targets and the gate's exit code. The only place that prints."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assess.errors import AssessError, ConfigError, Exit, InputError, NoInputError, UnavailableError
from assess.files import reason_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from assess.assessment import Assessment

Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Print nothing but errors and the formats asked for.")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Show every check and observation.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an internal error.")]
NoColor = Annotated[bool, typer.Option("--no-color", help="No colours (also NO_COLOR=1).")]
Formats = Annotated[
    list[str] | None,
    typer.Option(
        "-f", "--format", metavar="NAME[=FILE]", help="terminal, json, markdown, html; repeatable, stdout without FILE."
    ),
]
Time = Annotated[
    str | None, typer.Option("--time", metavar="RFC3339", help="The time to report under, instead of the clock's.")
]


STDIN_LIMIT = 64 << 20


def say(text: str) -> None:
    """One line to standard error; what cannot be said there cannot be said at all, and the exit code still tells."""
    with suppress(OSError):
        print(clean(text), file=sys.stderr, flush=True)


def out(text: str) -> None:
    """Results to standard output, as they are (already escaped by their renderer).

    A reader that went away (`| head`) has seen enough, and the exit code still tells the verdict.
    Raises UnavailableError where they cannot be written.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
    except OSError as problem:
        _drop_output()
        raise UnavailableError(f"cannot write to standard output ({reason_of(problem)})") from None


def _drop_output() -> None:
    """What is still buffered, and what comes, goes nowhere; else the interpreter complains at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def read_stdin() -> bytes:
    """All of standard input. Raises InputError above STDIN_LIMIT bytes, NoInputError where it is closed."""
    if sys.stdin is None:
        raise NoInputError("standard input is closed", hint="pipe the attestation in, or name a file")
    data = sys.stdin.buffer.read(STDIN_LIMIT + 1)
    if len(data) > STDIN_LIMIT:
        raise InputError(f"too large (more than {STDIN_LIMIT >> 20} MiB)", "standard input", "is it an attestation?")
    return data


def clean(text: str) -> str:
    """`text` on one line and without what could steer a terminal: control characters, line ends and bidirectional
    overrides become escapes.
    """
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)


def show_error(problem: AssessError) -> None:
    """`error: place: what` and `hint: ...`; all problems of a configuration file, one line each."""
    if isinstance(problem, ConfigError) and problem.problems:
        for place, message in problem.problems:
            say(f"error: {place}: {message}")
    else:
        say(f"error: {problem}")
    hint = problem.hint or _HINTS.get(problem.exit_code)
    if hint:
        say(f"hint: {hint}")


_HINTS = {
    Exit.DATA: "is the file complete, and what it claims to be?",
    Exit.NO_INPUT: "check the path",
    Exit.CONFIG: "README.md and `slsa-assess init --print` show the form",
}


def use_color(no_color: bool) -> bool:
    """Colour only on a terminal, and never against NO_COLOR (https://no-color.org)."""
    return sys.stdout.isatty() and not no_color and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def width() -> int:
    """The terminal's width in columns; 100 where the output is no terminal."""
    if not sys.stdout.isatty():
        return 100
    try:
        return max(60, min(200, os.get_terminal_size(sys.stdout.fileno()).columns))
    except OSError:
        return 100


def parse_time(text: str | None) -> str:
    """RFC 3339 in UTC, of `text` or of the clock; usage error for anything else."""
    if text is None:
        return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    try:
        if not _TIME.fullmatch(text):
            raise ValueError
        moment = datetime.fromisoformat(text.upper())
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"--time takes a time (got {text!r}, expected 2026-01-31T12:00:00Z)") from None
    return moment.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


_TIME = re.compile(r"\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)?)?", re.ASCII)
"""RFC 3339, and a day alone; without an offset it is UTC."""


def parse_formats(formats: list[str] | None, quiet: bool) -> tuple[tuple[str, Path | None], ...]:
    """`NAME[=FILE]` -> (name, file); terminal where nothing was asked for. Usage error for an unknown name."""
    from assess.report import FORMATS

    known = [name for name, _ in FORMATS]
    targets: list[tuple[str, Path | None]] = []
    for text in formats or ([] if quiet else ["terminal"]):
        name, equals, file = text.partition("=")
        name = {"md": "markdown", "text": "terminal"}.get(name, name)
        if name not in known:
            raise typer.BadParameter(f"no such format (got {name!r}, expected one of {', '.join(known)})")
        if equals and not file:
            raise typer.BadParameter(f"--format {text} names no file; is a variable not set?")
        targets.append((name, Path(file) if file else None))
    if sum(file is None for _, file in targets) > 1:
        raise typer.BadParameter("only one format can go to standard output; give the others a file: NAME=FILE")
    files = [os.path.realpath(file) for _, file in targets if file is not None]
    twice = next((file for file in files if files.count(file) > 1), None)
    if twice is not None:
        raise typer.BadParameter(f"two formats would be written to the same file ({twice})")
    return tuple(targets)


def refuse_inputs(targets: tuple[tuple[str, Path | None], ...], inputs: Iterable[Path]) -> None:
    """Usage error where a report would replace a file that the run reads."""
    read = {os.path.realpath(path) for path in inputs}
    for name, file in targets:
        if file is not None and os.path.realpath(file) in read:
            raise typer.BadParameter(f"--format {name}={file} would replace a file that this run reads")


def write_reports(
    assessment: Assessment, targets: tuple[tuple[str, Path | None], ...], no_color: bool, verbose: bool
) -> None:
    """Render every target, then write them: nothing is written unless all could be rendered."""
    from assess.files import write_files
    from assess.report import render

    texts = [
        (file, render(assessment, name, color=file is None and use_color(no_color), width=width(), verbose=verbose))
        for name, file in targets
    ]
    write_files(tuple((file, text) for file, text in texts if file is not None))
    for file, text in texts:
        if file is None:
            out(text)


def conclude(assessment: Assessment, quiet: bool) -> None:
    """The verdict as the last line of standard error, and the gate's exit code."""
    if not quiet:
        for reason in assessment.verdict.reasons:
            say(f"  {reason}")
        say(assessment.verdict.line)
    raise typer.Exit(Exit.OK if assessment.verdict.passed else Exit.GATE)
