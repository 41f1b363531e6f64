"""The Markdown report: every section, and nothing from an input that a renderer would obey."""

import re
import unicodedata
from itertools import pairwise

import pytest
import sample
from markdown_it import MarkdownIt
from markdown_it.token import Token

from assess.assessment import Assessment
from assess.report import render
from assess.report.markdown import code_span, escape_markdown, fence, link
from assess.report.view import view_of

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
INLINE = {
    "text",
    "text_special",
    "strong_open",
    "strong_close",
    "code_inline",
    "link_open",
    "link_close",
    "softbreak",
}
SECTIONS = [
    "Levels",
    "Verdict",
    "Notices",
    "What to do next",
    "Requirements at a glance",
    "Gaps by who owes them",
    "Contradictions between the readings",
    "What each pipeline is configured for",
    "What contradicts the configured level",
    "What threatens it",
    "The way up",
    "Expectations",
    "Evidence",
    "Pipelines and releases",
    "Answers",
    "Waivers",
    "Source track hints",
    "What was not checked",
    "What could not be read",
    "Questions to be answered",
    "Inputs",
    "How to reproduce with other tools",
]


def _text(token: Token) -> str:
    return "".join(one.content for one in token.children or () if one.type in ("text", "text_special", "code_inline"))


def _headings(tokens: list[Token], level: str) -> list[str]:
    return [_text(tokens[at + 1]) for at, one in enumerate(tokens) if one.type == "heading_open" and one.tag == level]


@pytest.mark.parametrize("name", ["rich", "simple", "pipelines_only", "empty"])
def test_every_section_in_order(name: str) -> None:
    tokens = PARSER.parse(render(getattr(sample, name)(), "markdown"))
    assert _headings(tokens, "h2") == SECTIONS
    assert len(_headings(tokens, "h1")) == 1
    levels = [int(one.tag[1]) for one in tokens if one.type == "heading_open"]
    assert all(after <= before + 1 for before, after in pairwise(levels))


SAID = [
    "**Build L0**",
    "Configured for up to Build L2; not demonstrated.",
    "| widget-linux-amd64.tar.gz | `sha256:" + sample.SHA_A + "` | Build | Build L2 (vendor claim) | up to Build L2 |",
    "| L2 | not reached | configured | possible |",
    "FAILED: Build L0 (minimum L2)",
    "### Build platform (the system that runs the builds)",
    "[threat E (v1.2)](https://slsa.dev/spec/v1.2/threats)",
    "- demonstrated: **unmet**, the signature does not fit the payload",
    "`provenance.signature`: expected verified, found failed at `dist/widget-windows.intoto.jsonl:1`",
    "**Remedy** (medium effort)**:** Let the platform sign the provenance",
    "  - uses: actions/attest-build-provenance@v3\n    with:\n      subject-path: dist/*\n```",
    "Waived by Jo Roe until 2026-01-31 (expired)",
    "| `source_tag` | `v1.4.1` | `v1.4.0` | mismatch |",
    "| 2 | signature | failed | the signature does not fit the payload | `a valid signature` | `another payload` |",
    "- `dist/old.intoto.jsonl`: not valid JSON: unterminated string",
    "- `.gitlab-ci.yml:14`: a template of another project is included (read in part)",
    "Does the build platform itself, not a script of the project, write the provenance?",
    "| trusted-root | `trusted_root.json` | `" + sample.SHA_A + "` |",
    "cosign verify-blob-attestation --bundle dist/widget.sigstore.json",
    "| All parameters recorded | not known |",
]


@pytest.mark.parametrize("said", SAID)
def test_it_says(said: str) -> None:
    assert said in render(sample.rich(), "markdown")


def test_every_gap_shows_a_fix() -> None:
    view = view_of(sample.rich())
    text = render(sample.rich(), "markdown")
    cards = re.split(r"\n#### |\n### |\n## ", text)
    for gap in (*view.gaps, *view.advice):
        (card,) = [one for one in cards if f"`{gap.requirement.id}`" in one and gap.clauses[0].clause.text in one]
        assert f"**:** {gap.fix}" in card


def _inline(tokens: list[Token]) -> list[Token]:
    return [child for one in tokens if one.type == "inline" for child in one.children or ()]


def _checked(text: str) -> None:
    tokens = PARSER.parse(text)
    assert not [one for one in tokens if one.type in ("html_block", "hr", "blockquote_open", "code_block")]
    children = _inline(tokens)
    assert {one.type for one in children} <= INLINE, [one for one in children if one.type not in INLINE][:3]
    for one in children:
        if one.type == "link_open":
            assert str(one.attrs["href"]).startswith("https://slsa.dev/")
    assert _headings(tokens, "h2") == SECTIONS
    for char in set(text) - {"\n", "\u2060"}:
        assert unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp"), repr(char)


@pytest.mark.parametrize("words", [False, True])
@pytest.mark.parametrize("offset", range(len(sample.HOSTILE)))
def test_hostile_text_stays_text(offset: int, words: bool) -> None:
    _checked(render(sample.hostile(sample.rich(), offset, words=words), "markdown"))


def _shape(assessment: Assessment) -> list[tuple[str, str]]:
    text = render(assessment, "markdown")
    return [(one.type, one.tag) for one in PARSER.parse(text[: text.index("\n## How to reproduce")])]


@pytest.mark.parametrize("offset", range(0, len(sample.HOSTILE), 3))
def test_hostile_text_changes_no_block_and_no_cell(offset: int) -> None:
    strings = (*sample.HOSTILE[offset:], *sample.HOSTILE[:offset])
    plain = _shape(sample.numbered(sample.rich(), ("word",)))
    assert _shape(sample.numbered(sample.rich(), strings)) == plain
    assert len([one for one in plain if one[0] == "td_open"]) > 100


def test_rows_have_as_many_cells_as_github_counts() -> None:
    """GitHub cuts or fills rows silently; markdown-it does too, so the bars are counted here."""
    for assessment in (sample.rich(), sample.hostile(sample.rich()), sample.hostile(sample.rich(), 7, words=True)):
        columns = None
        for line in render(assessment, "markdown").splitlines():
            if not line.startswith("|"):
                columns = None
                continue
            bars = len(re.findall(r"(?<!\\)(?:\\\\)*\|", line))
            columns = columns or bars
            assert bars == columns, line[:200]


ESCAPES = [
    ("plain text", "plain text"),
    ("v1.4.0 at 08:30", "v1.4.0 at 08:30"),
    ("a|b", "a\\|b"),
    ("1. item", "1\\. item"),
    ("12) item", "12\\) item"),
    ("1.5 times", "1.5 times"),
    ("- item", "\\- item"),
    ("https://evil.example", "https\\://evil.example"),
    ("WWW.evil.example", "WWW\\.evil.example"),
    (":tada: x", "\\:tada: x"),
    ("<b>", "\\<b\\>"),
    ("![x](y)", "!\\[x\\](y)"),
    ("say @everyone now", "say `@everyone` now"),
    ("jo@x.org|b", "jo@\u2060x.org\\|b"),
    ("a\nb\t\x1b", "a b \\\\x1b"),
    ("end \\", "end \\\\"),
    ("", ""),
]


@pytest.mark.parametrize(("text", "escaped"), ESCAPES)
def test_escape(text: str, escaped: str) -> None:
    assert escape_markdown(text) == escaped


@pytest.mark.parametrize("text", [one for one in sample.HOSTILE if len(one) < 1000])
def test_what_is_escaped_is_shown_as_it_was(text: str) -> None:
    """Rendered again, the text is what `visible` shows, whatever is in it."""
    from assess.report.text import visible

    (paragraph,) = [one for one in PARSER.parse("x " + escape_markdown(text)) if one.type == "inline"]
    assert _text(paragraph).replace("\u2060", "").strip() == f"x {visible(text)}".strip()


CODE = [
    ("a", "`a`"),
    ("a`b", "``a`b``"),
    ("`a", "`` `a ``"),
    ("a``b`c", "```a``b`c```"),
    ("a|b", "a\\|b"),
    ("", ""),
]


@pytest.mark.parametrize(("text", "span"), CODE)
def test_code_span(text: str, span: str) -> None:
    assert code_span(text) == span


def test_a_fence_is_longer_than_what_it_holds() -> None:
    text = str(fence("````\n<b>\x1b</b>\n````\n"))
    tokens = PARSER.parse(text)
    assert [one.type for one in tokens] == ["fence"]
    assert tokens[0].content == "````\n<b>\\x1b</b>\n````\n"


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "http://slsa.dev", "https://a b", "https://a)b", "https://a\n", 'https://a"', None, ""],
)
def test_only_plain_https_addresses_become_links(url: str | None) -> None:
    assert str(link("x", url)) == "x"
    assert str(link("[x]", "https://slsa.dev/a#b-c")) == "[\\[x\\]](https://slsa.dev/a#b-c)"
