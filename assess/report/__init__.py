"""Reports: text in several formats, each a pure function of an Assessment."""

from __future__ import annotations

from assess.assessment import Assessment
from assess.errors import ConfigError

FORMATS: tuple[tuple[str, str], ...] = (
    ("terminal", "what a person sees first: the levels, what holds them back, what to do next"),
    ("json", "the whole assessment; loads again without loss"),
    ("markdown", "the gap report as CommonMark with tables, to paste into tickets and pull requests"),
    ("html", "the gap report as one self-contained page, to hand to a client or to print"),
)
"""The formats that `render` knows: (name, description)."""


def render(
    assessment: Assessment, format_name: str, *, color: bool = False, width: int = 100, verbose: bool = False
) -> str:
    """`assessment` as text; `color`, `width` (characters) and `verbose` matter to the terminal format only.

    Raises ConfigError for a format that does not exist.
    """
    match format_name:
        case "terminal":
            from assess.report.terminal import render_terminal

            return render_terminal(assessment, color=color, width=width, verbose=verbose)
        case "json":
            from assess.report.json import dump_assessment

            return dump_assessment(assessment)
        case "markdown":
            from assess.report.markdown import render_markdown

            return render_markdown(assessment)
        case "html":
            from assess.report.html import render_html

            return render_html(assessment)
        case _:
            names = ", ".join(name for name, _ in FORMATS)
            raise ConfigError(f"no such report format (got {format_name!r}, expected one of {names})")
