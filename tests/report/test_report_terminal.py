"""The report for a terminal: what it says, how wide it is, and that nothing in it steers the terminal."""

import re
import unicodedata
from dataclasses import replace

import pytest
import sample

from assess.assessment import Assessment
from assess.errors import ConfigError
from assess.evidence import Interval
from assess.report import FORMATS, render

SGR = re.compile(r"\x1b\[[0-9;]*m")
WIDTHS = (40, 60, 80, 100, 137, 200)


def _terminal(assessment: Assessment, width: int = 100) -> str:
    return render(assessment, "terminal", width=width)


def _flat(text: str) -> str:
    return " ".join(text.split())


def test_the_demonstrated_level_comes_first() -> None:
    lines = _terminal(sample.simple()).splitlines()
    assert lines[0] == "acme/widget: Build L2 (vendor claim)"


def test_the_three_readings_stand_in_one_row() -> None:
    lines = _terminal(sample.rich()).splitlines()
    head = next(at for at, line in enumerate(lines) if line.startswith("subject"))
    assert lines[head].split() == ["subject", "demonstrated", "configured", "declared"]
    assert re.split(r"  +", lines[head + 1]) == [
        "widget-linux-amd64.tar.gz",
        "Build L2 (vendor claim)",
        "up to Build L2",
        "no Build level",
    ]
    for name, cell in (("demonstrated", "Build L0"), ("configured", "up to")):
        assert lines[head].index(name) == lines[head + 2].index(cell)


SAID = [
    "What holds it back from Build L3 (widget-linux-amd64.tar.gz)",
    "unmet build.provenance-unforgeable/secrets provenance.platform.level is L2, expected at least 3",
    "What to do next 1. Let the release pipeline write provenance",
    "and 3 more (markdown or html report)",
    "Configured for up to Build L2; not demonstrated.",
    "The project's level is the lowest of its 2 artifacts.",
    "Proof: dist/widget.sigstore.json",
    "Critical A signature does not verify: the attestation is worth nothing. [dist/widget-windows.intoto.jsonl:1]",
    "mismatch source_tag: expected v1.4.1, found v1.4.0",
    "configured as met (signed), yet demonstrated as unmet",
    "dist/old.intoto.jsonl: not valid JSON: unterminated string",
    ".gitlab-ci.yml:14: a template of another project is included (read in part)",
    "Not checked whether the workflow run succeeded",
    "Why the gate is closed widget-windows-amd64.zip: Build L0 demonstrated, minimum L2",
    "Questions without an answer: 2",
]


@pytest.mark.parametrize("said", SAID)
def test_it_says(said: str) -> None:
    assert said in _flat(_terminal(sample.rich()))


def test_a_simple_project_fits_one_screen() -> None:
    assert len(_terminal(sample.simple(), 80).splitlines()) <= 32


def test_without_an_artifact_the_configuration_leads() -> None:
    text = _terminal(sample.pipelines_only())
    assert text.splitlines()[0] == "acme/widget: configured for up to Build L2; not demonstrated"
    assert "Build L0 (at most L3)" in text
    assert "No artifact was given, so nothing could be demonstrated." in _flat(text)
    assert "What keeps the configuration from Build L3" in text
    assert "1.  Assess a released artifact together with its attestations" in text


WORDS = [
    (Interval(0, 0), "Build L0", "No level is demonstrated; what was found excludes L1."),
    (Interval(0, 3), "Build L0 (at most L3)", "No level is demonstrated; up to L3 is possible, but not proved."),
    (Interval(1, 3), "Build L1 (at most L3)", "Build L1 is demonstrated; up to L3 is possible, but not proved."),
    (Interval(2, 2), "Build L2", "Build L2 is demonstrated; what was found excludes L3."),
    (Interval(3, 3), "Build L3", "Build L3 is demonstrated, the highest level of the Build track."),
]


@pytest.mark.parametrize(("level", "words", "sentence"), WORDS)
def test_an_interval_in_words(level: Interval, words: str, sentence: str) -> None:
    one = sample.simple()
    levels = (replace(one.levels[0], level=level), *one.levels[1:])
    subject = replace(one.subjects[0], levels=levels, proof=None)
    text = _terminal(replace(one, levels=levels, subjects=(subject,)))
    assert text.splitlines()[0] == f"acme/widget: {words}"
    assert sentence in _flat(text)


CONFIGURED = [
    (Interval(0, 0), "Configured for no Build level."),
    (Interval(2, 2), "Configured for up to Build L2; that much is demonstrated."),
    (Interval(3, 3), "Configured for up to Build L3; not demonstrated."),
    (Interval(1, 3), "Configured for Build L1, perhaps L3; not demonstrated."),
    (Interval(0, 3), "Configured for no Build level for certain, perhaps up to L3."),
]


@pytest.mark.parametrize(("level", "sentence"), CONFIGURED)
def test_what_is_configured_is_never_called_the_level(level: Interval, sentence: str) -> None:
    one = sample.simple()
    levels = (one.levels[0], replace(one.levels[1], level=level), one.levels[2])
    text = _terminal(replace(one, levels=levels, subjects=(replace(one.subjects[0], levels=levels),)))
    assert sentence in _flat(text)
    assert text.startswith("acme/widget: Build L2 (vendor claim)\n")


def test_nobody_looked_is_not_found_none() -> None:
    one = sample.simple()
    unknown = tuple(replace(row, level=Interval(0, 3)) for row in one.levels)
    bare = replace(one, levels=unknown, subjects=(replace(one.subjects[0], levels=unknown),))
    looked = _terminal(bare)
    nobody = _terminal(replace(bare, pipelines=None, releases=None, answers=None))
    assert "nobody looked" in nobody and "nobody was asked" in nobody
    assert "nobody looked" not in looked and "nobody was asked" not in looked
    assert "no pipeline" in _terminal(replace(bare, pipelines=(), releases=()))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["rich", "simple", "pipelines_only", "empty"])
def test_no_line_is_wider_than_asked(name: str, width: int) -> None:
    assessment = getattr(sample, name)()
    for one in (assessment, sample.hostile(assessment), sample.hostile(assessment, words=True)):
        assert max(len(line) for line in _terminal(one, width).split("\n")) <= width


@pytest.mark.parametrize("offset", range(0, len(sample.HOSTILE), 3))
@pytest.mark.parametrize("words", [False, True])
def test_hostile_text_does_not_reach_the_terminal(offset: int, words: bool) -> None:
    text = _terminal(sample.hostile(sample.rich(), offset, words=words))
    for char in set(text) - {"\n"}:
        assert unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp"), repr(char)
    text.encode()


def test_colour_only_when_asked_and_only_colour() -> None:
    for one in (sample.rich(), sample.hostile(sample.rich())):
        plain = _terminal(one)
        colored = render(one, "terminal", color=True)
        assert "\x1b" not in plain
        assert "\x1b" in colored
        assert SGR.sub("", colored) == plain


def test_an_unknown_format_names_the_formats() -> None:
    with pytest.raises(ConfigError) as caught:
        render(sample.empty(), "pdf")
    for name, description in FORMATS:
        assert name in caught.value.message
        assert description
