"""The report as one HTML page: self-contained, without scripts, nothing that is loaded from elsewhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from assess.assessment import Assessment
from assess.report._environment import environment
from assess.report.audits import CONDITIONS
from assess.report.text import a_list, block
from assess.report.view import sources_of, view_of

if TYPE_CHECKING:
    from markupsafe import Markup

_URL = re.compile(r"https://[A-Za-z0-9./_~#%=?+-]{1,300}")


def render_html(assessment: Assessment) -> str:
    """The whole page; equal assessments give equal text."""
    template = environment(escape_html).get_template("report.html")
    return template.render(
        view=view_of(assessment),
        a=assessment,
        lines=lines,
        url=safe_url,
        word=word,
        a_list=a_list,
        conditions=CONDITIONS,
        sources_of=sources_of,
    )


def escape_html(text: str) -> str:
    """`text` for element content and quoted attributes."""
    from markupsafe import escape

    return str(escape(text))


def lines(text: str) -> Markup:
    """Text of several lines for a `pre` element."""
    from markupsafe import escape

    return escape(block(text))


def safe_url(address: str | None) -> str | None:
    """`address` where it is a plain https address that a page may link to, else None."""
    return address if address is not None and _URL.fullmatch(address) else None


def word(text: str) -> str:
    """A word of ours as a class name; anything else becomes `other`."""
    name = text.replace(" ", "-")
    return name if re.fullmatch(r"[a-z][a-z-]{0,30}", name) else "other"
