"""The command line: the only package that prints or exits; every command imports what it needs when it runs."""

from __future__ import annotations

import os
import sys
import warnings
from importlib import import_module
from pathlib import Path
from typing import cast

import typer

from assess.cli._common import say, show_error
from assess.errors import AssessError, Exit, UnavailableError
from assess.files import reason_of

COMMANDS: tuple[tuple[str, str], ...] = (
    ("check", "assess.cli._check:check"),
    ("verify", "assess.cli._verify:verify"),
    ("image", "assess.cli._image:image"),
    ("evidence", "assess.cli._check:evidence"),
    ("expect", "assess.cli._expect:expect"),
    ("trust", "assess.cli._trust:app"),
    ("report", "assess.cli._report:report"),
    ("explain", "assess.cli._rules:explain"),
    ("rules", "assess.cli._rules:app"),
    ("fix", "assess.cli._fix:fix"),
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


def _refuse_empty(arguments: list[str]) -> None:
    """An empty argument is a variable that was not set; taken for "not given" it would switch a check off."""
    for before, argument in zip(["", *arguments], arguments, strict=False):
        if not argument or (argument.startswith("--") and argument.find("=") == len(argument) - 1):
            name = argument or before or "the command"
            raise typer.BadParameter(f"an empty value was given (after {name!r}); is a variable not set?")


def _show_usage_error(problem: Exception) -> None:
    """A usage error in the form of all others; the full help where no command was named."""
    message = str(getattr(problem, "format_message", problem.__str__)())
    context = getattr(problem, "ctx", None)
    if message.startswith("Usage:"):
        sys.stderr.write(f"{message}\n")
        return
    message = message.removeprefix("Invalid value: ")
    first = message[:1] if message[:2].isupper() else message[:1].lower()
    say(f"error: {first}{message[1:].removesuffix('.')}")
    say(f"hint: `{context.command_path if context is not None else 'slsa-assess'} --help` shows what can be given")


_UsageError = cast("type[Exception]", typer.BadParameter.__bases__[0])
"""typer gives its base class of usage errors no public name."""

_INTERRUPTED = 130
"""What a shell gives for a process that Ctrl-C ended (128 + SIGINT)."""


def main() -> None:
    """Run the command line; turns every failure into one clear message and its exit code."""
    # A process that was started without them (`>&-`) still has an exit code to give.
    sys.stdout = sys.stdout or Path(os.devnull).open("w")  # noqa: SIM115
    sys.stderr = sys.stderr or Path(os.devnull).open("w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    if not sys.warnoptions:
        # cryptography warns of odd certificates, which are facts for a report and no matter for standard error
        warnings.simplefilter("ignore")
    named = sys.argv[1] if len(sys.argv) > 1 else ""
    try:
        _refuse_empty(sys.argv[1:])
        app = build_app(named if named in dict(COMMANDS) else None)
        sys.exit(app(prog_name="slsa-assess", standalone_mode=False) or Exit.OK)
    except AssessError as problem:
        show_error(problem)
        sys.exit(problem.exit_code)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except _UsageError as problem:
        _show_usage_error(problem)
        sys.exit(Exit.USAGE)
    except OSError as problem:
        if "--debug" in sys.argv:
            raise
        show_error(UnavailableError(reason_of(problem), str(problem.filename) if problem.filename else None))
        sys.exit(Exit.UNAVAILABLE)
    except RecursionError:
        show_error(AssessError("an input is nested too deeply", hint="is it what it claims to be?"))
        sys.exit(Exit.DATA)
    except Exception as problem:
        if "--debug" in sys.argv:
            raise
        say(f"internal error (this is a bug): {type(problem).__name__}: {problem}")
        say("hint: run again with --debug and report what it prints")
        sys.exit(Exit.BUG)
