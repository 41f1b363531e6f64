"""The command line: the only package that prints or exits; every command imports what it needs when it runs."""

from __future__ import annotations

import sys

import typer

from assess.cli import _check, _demo, _init, _report, _rules, _verify
from assess.cli._common import say, show_error
from assess.errors import AssessError, Exit

app = typer.Typer(
    name="slsa-assess",
    help="Which SLSA level does this have, why, and what to do next: a level with its proof.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 assessed, 1 the gate failed, 2 usage, 65 bad data, 66 nothing to assess, "
    "69 out of reach, 70 a bug of ours, 78 a wrong rule or configuration.",
)
app.command("check")(_check.check)
app.command("evidence")(_check.evidence)
app.command("verify")(_verify.verify)
app.command("report")(_report.report)
app.command("explain")(_rules.explain)
app.add_typer(_rules.app, name="rules")
app.command("init")(_init.init)
app.command("demo")(_demo.demo)


def _version(value: bool) -> None:
    if value:
        from assess import __version__
        from assess.cli._common import out

        out(f"slsa-assess {__version__}\n")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """Which SLSA level does this have, why, and what to do next: a level with its proof."""


def main() -> None:
    """Run the command line; turns every failure into one clear message and its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        app(prog_name="slsa-assess")
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
