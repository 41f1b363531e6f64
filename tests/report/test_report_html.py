"""The HTML report: every section, nothing from an input that a browser would obey, readable by everybody."""

import re
import unicodedata
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise

import pytest
import sample

from assess.assessment import Assessment
from assess.report import render
from assess.report.view import view_of

VOID = {"meta", "br", "rect", "link", "img", "input", "base"}
TAGS = """html head meta title style body header main footer nav section article div p span strong h1 h2 h3 h4 ul ol li
    a code pre details summary table thead tbody tr th td dl dt dd br svg desc g rect text"""
ATTRIBUTES = """lang charset http-equiv content name class id href tabindex role aria-label aria-labelledby scope open
    viewbox x y width height rx text-anchor"""
SECTIONS = [
    ("levels", "Levels"),
    ("next", "What to do next"),
    ("notices", "Notices"),
    ("requirements", "Requirements at a glance"),
    ("gaps", "Gaps by who owes them"),
    ("contradictions", "Contradictions between the readings"),
    ("configured", "What each pipeline is configured for"),
    ("contradicts", "What contradicts the configured level"),
    ("threatens", "What threatens it"),
    ("way-up", "The way up"),
    ("expectations", "Expectations"),
    ("evidence", "Evidence"),
    ("pipelines", "Pipelines and releases"),
    ("answers", "Answers"),
    ("waivers", "Waivers"),
    ("source-track", "Source track hints"),
    ("not-checked", "What was not checked"),
    ("unreadable", "What could not be read"),
    ("questions", "Questions to be answered"),
    ("inputs", "Inputs"),
    ("reproduce", "How to reproduce with other tools"),
]


@dataclass
class Element:
    tag: str
    attributes: dict[str, str | None]
    path: tuple[str, ...]
    text: str = ""


@dataclass
class Page(HTMLParser):
    elements: list[Element] = field(default_factory=list)
    stack: list[Element] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if len({name for name, _ in attrs}) != len(attrs):
            self.faults.append(f"attribute twice in <{tag}>")
        element = Element(tag, dict(attrs), tuple(one.tag for one in self.stack))
        self.elements.append(element)
        if tag not in VOID:
            self.stack.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, dict(attrs), tuple(one.tag for one in self.stack)))

    def handle_endtag(self, tag: str) -> None:
        if not self.stack or self.stack[-1].tag != tag:
            self.faults.append(f"</{tag}> closes {self.stack[-1].tag if self.stack else 'nothing'}")
        else:
            self.stack.pop()
        self.handle_data(" " if tag in ("td", "th", "p", "dt", "li") else "")

    def handle_data(self, data: str) -> None:
        for one in self.stack:
            one.text += data

    def handle_comment(self, data: str) -> None:
        self.faults.append(f"comment {data[:40]!r}")

    def handle_pi(self, data: str) -> None:
        self.faults.append(f"instruction {data[:40]!r}")

    def unknown_decl(self, data: str) -> None:
        self.faults.append(f"declaration {data[:40]!r}")

    def all(self, tag: str) -> list[Element]:
        return [one for one in self.elements if one.tag == tag]


def _parse(text: str) -> Page:
    page = Page()
    page.feed(text)
    page.close()
    return page


@cache
def _rich() -> Page:
    return _parse(render(sample.rich(), "html"))


def _flat(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("name", ["rich", "simple", "pipelines_only", "empty"])
def test_well_formed_with_every_section(name: str) -> None:
    text = render(getattr(sample, name)(), "html")
    page = _parse(text)
    assert text.startswith("<!DOCTYPE html>\n")
    assert page.faults == [] and page.stack == []
    assert [(one.attributes.get("id"), _flat(one.text)) for one in page.all("h2")] == SECTIONS
    targets = {str(one.attributes["id"]) for one in page.elements if "id" in one.attributes}
    links = [str(one.attributes["href"]) for one in page.all("a")]
    assert {link[1:] for link in links if link.startswith("#")} <= targets


SAID = [
    "FAILED: Build L0 (minimum L2)",
    "Configured for up to Build L2; not demonstrated.",
    "Build L2 (vendor claim)",
    "Build platform the system that runs the builds",
    "threat E (v1.2)",
    "MUST",
    "Consumers can check that the provenance was not changed after the build.",
    "provenance.signature expected verified, found failed at dist/widget-windows.intoto.jsonl:1",
    "Remedy. Let the platform sign the provenance, with an identity that build steps cannot use.",
    "uses: actions/attest-build-provenance@v3",
    "RUNNER_GENERATE_ARTIFACTS_METADATA",
    "What would settle it. Ask the vendor.",
    "Waived by Jo Roe until 2026-01-31 (expired)",
    "configured against demonstrated",
    "source_tag v1.4.1 v1.4.0 mismatch",
    "sigstore-bundle-0.3",
    "not-provable-offline the certificate log is not in the trusted root",
    "1.3.6.1.4.1.57264.1.11",
    ".github/workflows/release.yml:31 other runs can write this cache",
    "dist/old.intoto.jsonl not valid JSON",
    "Does the build platform itself, not a script of the project, write the provenance?",
    "sha256:" + sample.SHA_B,
    "gh attestation verify dist/widget-linux-amd64.tar.gz --bundle dist/widget.sigstore.json --repo acme/widget",
    "All parameters recorded not known",
]


@pytest.mark.parametrize("said", SAID)
def test_it_says(said: str) -> None:
    (body,) = _rich().all("body")
    assert said.lower() in _flat(body.text).lower()


def test_every_gap_shows_a_fix() -> None:
    for name in ("rich", "simple", "pipelines_only"):
        assessment = getattr(sample, name)()
        view = view_of(assessment)
        articles = _parse(render(assessment, "html")).all("article")
        assert len(articles) == len(view.gaps) + len(view.advice) > 0
        for article, gap in zip(articles, (*(g for d in view.duties for g in d.gaps), *view.advice), strict=True):
            assert f"Remedy. {gap.fix}" in _flat(article.text)
            assert all(one.clause.text in _flat(article.text) for one in gap.clauses)


def test_nothing_is_loaded_and_nothing_runs() -> None:
    text = render(sample.rich(), "html")
    (policy,) = [one for one in _rich().all("meta") if one.attributes.get("http-equiv")]
    assert str(policy.attributes["content"]).startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:;")
    assert {one.tag for one in _rich().elements} <= set(TAGS.split())
    assert {name for one in _rich().elements for name in one.attributes} <= set(ATTRIBUTES.split())
    (style,) = _rich().all("style")
    assert not re.search(r"url\(|@import|expression|src=", style.text)
    assert "<script" not in text


def test_headings_in_order_and_tables_with_scopes() -> None:
    page = _rich()
    levels = [int(one.tag[1]) for one in page.elements if re.fullmatch(r"h[1-6]", one.tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert page.all("th") and all(one.attributes.get("scope") in ("row", "col") for one in page.all("th"))
    ids = [one.attributes["id"] for one in page.elements if "id" in one.attributes]
    assert len(ids) == len(set(ids))


def test_ladders_have_a_text_alternative() -> None:
    page = _rich()
    titles = [_flat(one.text) for one in page.all("title") if "svg" in one.path]
    ids = {one.attributes.get("id") for one in page.elements}
    assert len(page.all("svg")) == 9
    for one in page.all("svg"):
        assert one.attributes["role"] == "img"
        assert set(str(one.attributes["aria-labelledby"]).split()) <= ids
    assert "Build track, demonstrated: Build L2 (vendor claim)" in titles
    assert "L3 not reached, L2 configured, L1 configured" in [_flat(one.text) for one in page.all("desc")]


def _luminance(color: str) -> float:
    color = color * 2 if len(color) == 3 else color
    parts = [int(color[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


PAIRS = [
    *((text, ground) for text in ("ink", "soft", "accent") for ground in ("paper", "raised")),
    ("ink", "tint"),
    ("on-accent", "accent"),
    ("met", "met-bg"),
    ("unmet", "unmet-bg"),
    ("unknown", "unknown-bg"),
]


@pytest.mark.parametrize("scheme", [0, 1, 2], ids=["light", "dark", "print"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_contrast(scheme: int, text: str, ground: str) -> None:
    (style,) = _rich().all("style")
    variables = re.findall(r":root\{([^}]*)\}", style.text)[scheme]
    colors = dict(re.findall(r"--([a-z-]+):#([0-9a-f]+)", variables))
    light, dark = sorted((_luminance(colors[text]), _luminance(colors[ground])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def _checked(page: Page) -> None:
    assert page.faults == [] and page.stack == []
    assert {one.tag for one in page.elements} <= set(TAGS.split())
    for one in page.elements:
        assert set(one.attributes) <= set(ATTRIBUTES.split())
        if one.tag == "a":
            assert re.match(r"#[a-z]|https://slsa\.dev/", str(one.attributes["href"]))
        for value in str(one.attributes.get("class", "")).split():
            assert re.fullmatch(r"[a-z-]+", value)


@pytest.mark.parametrize("words", [False, True])
@pytest.mark.parametrize("offset", range(len(sample.HOSTILE)))
def test_hostile_text_stays_text(offset: int, words: bool) -> None:
    text = render(sample.hostile(sample.rich(), offset, words=words), "html")
    _checked(_parse(text))
    assert "49" not in re.sub(r"\d{3,}|[0-9a-f]{8,}|:root\{[^}]*\}", "", _parse(text).all("main")[0].text)
    for char in set(text) - {"\n"}:
        assert unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp"), repr(char)


def _shape(assessment: Assessment) -> list[tuple[str, tuple[str, ...]]]:
    """Elements and names of attributes; commands are left out, which are not shown at all for some names."""
    text = render(assessment, "html")
    page = _parse(text[: text.index('<h2 id="reproduce">')])
    return [(one.tag, tuple(one.attributes)) for one in page.elements]


@pytest.mark.parametrize("offset", range(0, len(sample.HOSTILE), 4))
def test_hostile_text_changes_no_element(offset: int) -> None:
    strings = (*sample.HOSTILE[offset:], *sample.HOSTILE[:offset])
    plain = _shape(sample.numbered(sample.rich(), ("word",)))
    assert _shape(sample.numbered(sample.rich(), strings)) == plain
    assert len(plain) > 500


def test_long_values_are_cut_and_say_so() -> None:
    text = render(sample.hostile(sample.rich()), "html")
    assert "x" * 5000 not in text
    assert "(5000 characters)" in text
