"""The report as CommonMark with GitHub's tables: every value is escaped, and only the rules' references are links."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from assess.assessment import Assessment
from assess.report._environment import environment
from assess.report.audits import CONDITIONS
from assess.report.text import a_list, block, shown
from assess.report.view import sources_of, view_of

if TYPE_CHECKING:
    from markupsafe import Markup

_SPECIAL = re.compile(r"[\\`*_{}\[\]<>|~#$^&]")
_LEADING = re.compile(r"[-+=]|\d+(?=[.)](?:\s|$))")
_COLON = re.compile(r":(?=/)|(?<!\w):(?=\S)")
"""Colons that GitHub takes for an address or for the name of a picture."""
_URL = re.compile(r"https://[A-Za-z0-9./_~#%=?+-]{1,300}")
_LANGUAGES = {"github-actions": "yaml", "gitlab-ci": "yaml", "jenkins": "groovy", "shell": "sh"}
WORD_JOINER = "\u2060"


def render_markdown(assessment: Assessment) -> str:
    """The whole report; equal assessments give equal text."""
    template = environment(escape_markdown).get_template("report.md")
    text = template.render(
        view=view_of(assessment),
        a=assessment,
        code=code,
        fence=fence,
        link=link,
        a_list=a_list,
        conditions=CONDITIONS,
        sources_of=sources_of,
    )
    return re.sub(r"\n{3,}", "\n\n", text)


def escape_markdown(text: str) -> str:
    """One line of text without any meaning in CommonMark, GitHub's dialect or raw HTML.

    A word with `@` becomes a code span: no escape keeps GitHub from mailing a person who is mentioned.
    """
    words = [code_span(word) if "@" in word else _escape_words(word) for word in shown(text).split(" ")]
    joined = " ".join(words)
    leading = _LEADING.match(joined)
    if leading is None:
        return joined
    at = leading.start() if not joined[0].isdigit() else leading.end()
    return f"{joined[:at]}\\{joined[at:]}"


def _escape_words(text: str) -> str:
    escaped = _SPECIAL.sub(r"\\\g<0>", text)
    escaped = _COLON.sub(r"\\:", escaped)
    return re.sub(r"(?i)(?<=\bwww)\.", r"\\.", escaped)


def code_span(text: str) -> str:
    """`text` as a code span. A bar would end a table's cell even there, so such text is escaped instead."""
    text = shown(text)
    if not text:
        return ""
    if "|" in text:
        return _escape_words(text).replace("@", f"@{WORD_JOINER}")
    runs = [len(run) for run in re.findall(r"`+", text)]
    ticks = "`" * (max(runs, default=0) + 1)
    pad = " " if text[0] == "`" or text[-1] == "`" else ""
    return f"{ticks}{pad}{text}{pad}{ticks}"


def code(value: object) -> Markup:
    """A name, digest, path or place as code."""
    from markupsafe import Markup

    return Markup(code_span(shown(value)))  # noqa: S704 (a code span is escaped text)


def fence(text: str, system: str = "") -> Markup:
    """Text to copy, in a fence that nothing in it can close."""
    from markupsafe import Markup

    lines = block(text)
    runs = [len(run) for run in re.findall(r"`+", lines)]
    ticks = "`" * max(3, max(runs, default=0) + 1)
    return Markup(f"{ticks}{_LANGUAGES.get(system, 'text')}\n{lines}\n{ticks}")  # noqa: S704 (fenced)


def link(text: object, url: str | None) -> Markup:
    """A link to a rule's reference; plain text where the address is not a plain https one."""
    from markupsafe import Markup

    words = escape_markdown(shown(text))
    safe = url is not None and _URL.fullmatch(url) is not None
    return Markup(f"[{words}]({url})" if safe else words)  # noqa: S704 (both parts are escaped or checked)
