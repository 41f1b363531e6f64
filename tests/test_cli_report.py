"""`report`: render again, merge, compare; what comes of saved assessments is what came of the run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
WIDGET = EXAMPLES / "widget"
WHEEL = WIDGET / "dist" / "widget-1.4.2-py3-none-any.whl"
ROOT = WIDGET / "trusted_root.json"
WHEN = ("--time", "2026-01-31T12:00:00Z")


@pytest.fixture
def saved(run, tmp_path: Path):
    """`saved(name, ...)` -> the file that `check examples/widget ...` saved."""

    def call(name: str, *arguments: str | Path) -> Path:
        file = tmp_path / f"{name}.json"
        assert run("check", WIDGET, *WHEN, "-q", "-f", f"json={file}", *arguments).code in (0, 1)
        return file

    return call


@pytest.mark.parametrize("name", ["json", "html", "markdown", "terminal"])
@pytest.mark.parametrize("verbose", [[], ["-v"]], ids=["brief", "verbose"])
def test_rendered_again_is_rendered_at_once(name: str, verbose: list[str], run, saved) -> None:
    direct = run("check", WIDGET, *WHEN, "-f", name, *verbose)
    again = run("report", saved("a"), "-f", name, *verbose)
    assert again.out == direct.out
    assert (again.err, again.code) == (direct.err, direct.code)


def test_a_saved_failure_fails_again(run, saved) -> None:
    ran = run("report", saved("a", "--min-level", "3"))
    assert ran.code == 1
    assert ran.err.splitlines()[-1] == "FAILED: Build L2 (minimum L3)"


def test_merged_is_as_low_as_the_lowest(run, saved, tmp_path: Path) -> None:
    low = saved("low", "-a", EXAMPLES / "lookalikes" / "unsigned.intoto.json")
    high = saved("high")
    for order in ((low, high), (high, low)):
        ran = run("report", *order, "-f", "json")
        merged = json.loads(ran.out)
        assert ran.code == 1
        level = next(row["level"] for row in merged["levels"] if row["reading"] == "demonstrated")
        assert level == {"reached": 1, "ceiling": 1}
        assert len(merged["subjects"]) == 2
        assert not merged["verdict"]["passed"]
        assert len(merged["inputs"]) == len({json.dumps(one) for one in merged["inputs"]})
    page = tmp_path / "merged.html"
    assert run("report", low, high, "-q", "-f", f"html={page}").code == 1
    assert "FAILED" in page.read_text()


def test_merged_with_itself_stays_what_it_is(run, saved) -> None:
    one = saved("a")
    assert run("report", one, one).code == 0


@pytest.mark.parametrize("flags", [["--spec", "1.0"], ["--trust-profile", "strict"]], ids=" ".join)
def test_levels_that_do_not_compare_are_not_merged(flags: list[str], run, saved) -> None:
    ran = run("report", saved("a"), saved("b", *flags))
    assert ran.code == 65
    assert ran.err.startswith("error: ")
    assert "hint: " in ran.err


def test_compare_names_each_change(run, saved) -> None:
    good, bad = saved("good"), saved("bad", "-a", EXAMPLES / "lookalikes" / "edited.sigstore.json")
    same = run("report", "--compare", good, good)
    assert (same.code, same.out) == (0, "no difference\n")
    ran = run("report", "--compare", good, bad)
    lines = ran.out.splitlines()
    assert ran.code == 0
    assert lines[0].startswith("verdict: PASSED: Build L2 (minimum L2) -> FAILED: Build L0")
    assert f"{WHEEL.name}: build demonstrated: Build L2 -> Build L0" in ran.out or "demonstrated: L2 -> L0" in ran.out
    assert any("provenance-exists/exists demonstrated: met -> unmet" in line for line in lines), ran.out
    back = run("report", "--compare", bad, good)
    assert any("provenance-exists/exists demonstrated: unmet -> met" in line for line in back.out.splitlines())


def test_compare_takes_two(run, saved) -> None:
    one = saved("a")
    assert run("report", "--compare", one).code == 2
    assert run("report", "--compare", one, one, one).code == 2


def test_reports_do_not_replace_what_they_are_made_of(run, saved) -> None:
    one, other = saved("a"), saved("b")
    before = one.read_bytes()
    assert run("report", one, other, "-f", f"json={one}").code == 2
    assert one.read_bytes() == before


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", 65),
        ("{}", 65),
        ("[]", 65),
        ("not JSON", 65),
        ('{"schema_version": "99"}', 65),
        ("[" * 5000, 65),
        ('{"schema_version": ' + "9" * 5000 + "}", 65),
        ("\ufeff{}", 65),
    ],
    ids=["empty", "object", "list", "text", "other version", "deep", "huge number", "BOM"],
)
def test_what_is_no_assessment(text: str, code: int, run, tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text(text)
    ran = run("report", file)
    assert ran.code == code, ran.err
    assert ran.out == ""
    assert ran.err.startswith("error: ")
    assert "x.json" in ran.err.splitlines()[0]


@pytest.mark.parametrize("key", ["levels", "subjects", "verdict", "inputs", "spec", "notices"])
def test_an_assessment_with_a_part_missing_or_wrong(key: str, run, saved, tmp_path: Path) -> None:
    data = json.loads(saved("a").read_text())
    required = key not in ("inputs", "notices")
    for change in (None, 17, {"surprise": 1}, *(["absent"] if required else [])):
        broken = {name: value for name, value in data.items() if name != key or change != "absent"}
        if change != "absent":
            broken[key] = change
        file = tmp_path / "broken.json"
        file.write_text(json.dumps(broken))
        ran = run("report", file)
        assert ran.code == 65, (change, ran.err)
        assert f"#/{key}" in ran.err or key in ran.err
        assert "Traceback" not in ran.err
