"""The Jinja2 environments of the text reports: what a template prints is escaped unless it says that it is markup."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from assess._data import data_path
from assess.report.text import shown

if TYPE_CHECKING:
    from jinja2 import Environment


@cache
def environment(escape: Callable[[str], str]) -> Environment:
    """An environment in which every printed value passes `shown` and `escape`; the result of a macro or of a filter
    that returns Markup does not. Undefined names are errors. `escape` returns text that needs no further escaping.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    def finalize(value: object) -> object:
        return value if isinstance(value, Markup) else Markup(escape(shown(value)))  # noqa: S704 (escaped here)

    # Autoescape stays on for Markdown too: it makes macros and blocks return Markup, which must not be escaped twice.
    return Environment(
        loader=FileSystemLoader(data_path("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
