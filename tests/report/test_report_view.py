"""What the renderings share: gaps by who owes them, actions, questions; and that a report is a pure function."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import sample

from assess.assessment import Assessment
from assess.report import FORMATS, render
from assess.report.gaps import NO_REMEDY
from assess.report.text import a_list, block, shorten, visible
from assess.report.view import view_of

HERE = Path(__file__).parent


def test_gaps_by_who_owes_them() -> None:
    view = view_of(sample.rich())
    owed = {one.role: [gap.requirement.id for gap in one.gaps] for one in view.duties}
    assert owed == {
        "producer": ["build.distribute-provenance", "build.hosted"],
        "build-platform": [
            "build.provenance-exists",
            "build.provenance-authentic",
            "build.provenance-unforgeable",
            "build.isolated",
        ],
    }
    assert [gap.requirement.id for gap in view.advice] == ["build.provenance-exists"]
    held = {gap.requirement.id for gap in view.gaps if gap.holds_back}
    assert held == {"/".join(name.split("/")[:1]) for name in (*sample.HELD_GOOD, *sample.HELD_BAD)}


def test_subjects_that_end_alike_share_a_row() -> None:
    gaps = {gap.requirement.id: gap for gap in view_of(sample.rich()).gaps}
    (cache,) = gaps["build.isolated"].clauses
    assert [row.subjects for row in cache.rows] == [("widget-linux-amd64.tar.gz", "widget-windows-amd64.zip")]
    secrets = gaps["build.provenance-unforgeable"].clauses[0]
    assert [row.subjects for row in secrets.rows] == [("widget-linux-amd64.tar.gz",), ("widget-windows-amd64.zip",)]


def test_snippets_of_the_system_in_use_come_first() -> None:
    (gap,) = [one for one in view_of(sample.rich()).gaps if one.requirement.id == "build.provenance-authentic"]
    assert [name for name, _ in gap.snippets] == ["github-actions"]
    assert [name for name, _ in gap.other_snippets] == ["gitlab-ci"]


def test_actions_begin_with_the_lowest_level_that_is_held_back() -> None:
    actions = view_of(sample.rich()).actions
    assert [one.level for one in actions] == [1, 1, 3, 3, 2, 2]
    assert actions[1].text == sample.DISTRIBUTE.clauses[0].raise_it
    assert actions[1].clauses == ("build.distribute-provenance/available",)
    assert actions[0].role == "build platform"


def test_an_unknown_clause_asks_for_what_settles_it_and_an_unmet_one_for_the_remedy() -> None:
    (first,) = [
        one for one in view_of(sample.simple()).actions if "build.provenance-unforgeable/secrets" in one.clauses
    ]
    assert first.text == sample.UNFORGEABLE.remedy


def test_questions_are_those_that_would_still_tell_something() -> None:
    asked = {one.question: one.clauses for one in view_of(sample.rich()).questions}
    assert asked == {
        "control-plane.generates-provenance": ("build.provenance-authentic/control-plane",),
        "build.cache-isolated": ("build.isolated/cache",),
    }
    assert [one.question for one in view_of(sample.simple()).questions] == ["build.cache-isolated"]


def test_a_rule_without_text_or_remedy_still_shows() -> None:
    bare = replace(sample.rich(), requirements=())
    view = view_of(bare)
    assert {gap.fix for gap in view.gaps} == {NO_REMEDY}
    assert len(view.gaps) == len(view_of(sample.rich()).gaps)
    for name, _ in FORMATS:
        assert "build.isolated" in render(bare, name)


def test_counts_and_the_worst_over_all_subjects() -> None:
    view = view_of(sample.rich())
    assert dict(view.counts) == {"met": 0, "unmet": 4, "unknown": 4}
    rows = {row.requirement.id: dict(row.outcomes) for row in view.matrix}
    assert rows["build.hosted"] == {"demonstrated": "unknown", "configured": "met", "declared": "unknown"}
    assert rows["build.isolated"]["configured"] == "unmet"


def test_whose_claim_the_level_is() -> None:
    assert view_of(sample.simple()).headline == "Build L2 (vendor claim)"
    platform = sample.PROVENANCE.platform
    assert platform is not None
    for basis, words in (("strict reading", "Build L2 (strict reading)"), ("default", "Build L2"), ("", "Build L2")):
        seen = replace(sample.PROVENANCE, platform=replace(platform, basis=basis))
        one = replace(sample.simple(), subjects=(replace(sample.simple().subjects[0], provenance=(seen,)),))
        assert view_of(one).headline == words


def test_provenance_without_a_log_entry_is_shown_all_the_same() -> None:
    subject = replace(sample.GOOD, attestations=())
    text = render(replace(sample.rich(), subjects=(subject,)), "markdown")
    assert "#### Attestation `dist/widget.sigstore.json`" in text
    assert "| 9 | subject | verified |" in text


def test_a_forged_level_draws_no_endless_ladder() -> None:
    one = sample.rich()
    rules = (replace(sample.EXISTS, clauses=(replace(sample.EXISTS.clauses[0], level=10**9),)),)
    assert view_of(replace(one, requirements=rules)).tracks[0].top == 9


@pytest.mark.parametrize("name", [name for name, _ in FORMATS])
def test_same_assessment_same_bytes(name: str) -> None:
    """In processes that differ in hash seed, time zone, language and terminal."""
    script = (
        "import sys; sys.path[:0] = sys.argv[1:3]\nimport sample\nfrom assess.report import render\n"
        "sys.stdout.buffer.write(render(sample.rich(), sys.argv[3]).encode())"
    )
    outputs = set()
    for seed, zone, language in (("1", "UTC", "C"), ("2", "Asia/Tokyo", "de_DE.UTF-8")):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": language, "COLUMNS": seed * 2}
        ran = subprocess.run(
            [sys.executable, "-c", script, str(HERE), str(HERE.parent.parent), name],
            capture_output=True,
            check=True,
            env=environment,
            cwd="/",
        )
        outputs.add(ran.stdout)
    assert len(outputs) == 1
    assert outputs == {render(sample.rich(), name).encode()}


SNAPSHOTS = [("rich", "terminal", "txt"), ("pipelines_only", "terminal", "txt"), ("rich", "markdown", "md")]


@pytest.mark.parametrize(("which", "name", "ending"), SNAPSHOTS)
def test_whole_reports(which: str, name: str, ending: str) -> None:
    """Written anew where SLSA_ASSESS_UPDATE_SNAPSHOTS is set; look at the difference before you commit it."""
    file = HERE / "snapshots" / f"{which}.{ending}"
    text = render(getattr(sample, which)(), name)
    if os.environ.get("SLSA_ASSESS_UPDATE_SNAPSHOTS"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


def test_rendering_one_format_imports_no_other() -> None:
    script = (
        "import sys; sys.path[:0] = sys.argv[1:3]\nimport sample\nfrom assess.report import render\n"
        "render(sample.rich(), 'terminal'); print([m for m in ('jinja2', 'pydantic', 'rich') if m in sys.modules])\n"
        "render(sample.rich(), 'json'); print([m for m in ('jinja2', 'pydantic', 'rich') if m in sys.modules])\n"
        "render(sample.rich(), 'html'); print([m for m in ('jinja2', 'pydantic', 'rich') if m in sys.modules])\n"
    )
    arguments = [sys.executable, "-c", script, str(HERE), str(HERE.parent.parent)]
    ran = subprocess.run(arguments, capture_output=True, check=True, text=True)
    assert ran.stdout.splitlines() == ["[]", "[]", "['jinja2']"]


def test_templates_never_switch_the_escaping_off() -> None:
    folder = HERE.parent.parent / "templates"
    files = [one for one in sorted(folder.iterdir()) if one.suffix in (".html", ".md")]
    assert {"report.html", "report.md"} <= {one.name for one in files}
    for file in files:
        text = file.read_text(encoding="utf-8")
        for word in ("|safe", "| safe", "autoescape", "Markup", "|escape", "<script", "javascript:"):
            assert word not in text, f"{file.name}: {word}"


VISIBLE = [
    ("a\nb", "a b"),
    ("  a\t b ", "a b"),
    ("\x1b[31m", "\\x1b[31m"),
    ("a\u202eb", "a\\u202eb"),
    ("\ud800", "\\ud800"),
    ("\U000e0041", "\\U000e0041"),
    ("caf\u00e9 \u65e5\u672c", "caf\u00e9 \u65e5\u672c"),
    ("\u00a0x", "\u00a0x"),
]


@pytest.mark.parametrize(("text", "shown"), VISIBLE)
def test_visible(text: str, shown: str) -> None:
    assert visible(text).strip() == shown.strip()


def test_small_texts() -> None:
    assert block("\n\n  a\r\n\tb\x1b  \n\n") == "  a\n    b\\x1b"
    assert shorten("abcdefghij", 7) == "ab...ij"
    assert shorten("abc", 3) == "abc"
    assert [a_list(()), a_list(("a",)), a_list(("a", "b")), a_list(("a", "b", "c"), 2)] == [
        "",
        "a",
        "a and b",
        "a, b and 1 more",
    ]
    assert isinstance(sample.rich(), Assessment)
