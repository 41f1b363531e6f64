"""The command line: the only package that prints or exits; every command imports what it needs when it runs."""

from __future__ import annotations

import sys
from importlib import import_module

import typer

from assess.cli._common import say, show_error
from assess.errors import AssessError, Exit

COMMANDS: tuple[tuple[str, str], ...] = (
    ("check", "assess.cli._check:check"),
    ("verify", "assess.cli._verify:verify"),
    ("evidence", "assess.cli._check:evidence"),
    ("report", "assess.cli._report:report"),
    ("explain", "assess.cli._rules:explain"),
    ("rules", "assess.cli._rules:app"),
    ("init", "assess.cli._init:init"),
    ("demo", "assess.cli._demo:demo"),
)
"""Name of each command and where it is."""


def _version(value: bool) -> None:
    if value:
        from assess import __version__
        from assess.cli._common import out

        out(f"slsa-assess {__version__}\n")
        raise typer.Exit


def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """Which SLSA level does this have, why, and what to do next: a level with its proof."""


def build_app(only: str | None = None) -> typer.Typer:
    """The command line with all commands, or with one: building the others costs more than many a run."""
    app = typer.Typer(
        name="slsa-assess",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        epilog="Exit codes: 0 assessed, 1 the gate failed, 2 usage, 65 bad data, 66 nothing to assess, "
        "69 out of reach, 70 a bug of ours, 78 a wrong rule or configuration.",
    )
    app.callback()(_root)
    for name, place in COMMANDS:
        if only in (None, name):
            module, _, attribute = place.partition(":")
            command = getattr(import_module(module), attribute)
            if isinstance(command, typer.Typer):
                app.add_typer(command, name=name)
            else:
                app.command(name)(command)
    return app


def main() -> None:
    """Run the command line; turns every failure into one clear message and its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    named = sys.argv[1] if len(sys.argv) > 1 else ""
    try:
        build_app(named if named in dict(COMMANDS) else None)(prog_name="slsa-assess")
    except AssessError as problem:
        show_error(problem)
        sys.exit(problem.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(Exit.OK)
    except RecursionError:
        show_error(AssessError("an input is nested too deeply", hint="is it what it claims to be?"))
        sys.exit(Exit.DATA)
    except Exception as problem:
        if "--debug" in sys.argv:
            raise
        say(f"internal error (this is a bug): {type(problem).__name__}: {problem}")
        say("hint: run again with --debug and report what it prints")
        sys.exit(Exit.BUG)
