"""`demo`: works anywhere, leaves three reports, and shows what the tool is for."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

NAMES = ("report.html", "report.json", "report.md")
LINKS = ("src", "href", "action", "data", "poster", "srcset")


@pytest.fixture(scope="module")
def shown(run, tmp_path_factory) -> tuple[str, Path]:
    """(standard output, folder of the reports) of one `demo`."""
    folder = tmp_path_factory.mktemp("demo") / "not" / "there yet"
    ran = run("demo", "-o", folder)
    assert (ran.code, ran.err) == (0, "PASSED: Build L2 (minimum L2)\n")
    return ran.out, folder


def test_it_leaves_three_reports_and_says_where(shown) -> None:
    out, folder = shown
    assert sorted(one.name for one in folder.iterdir()) == sorted(NAMES)
    for name in NAMES:
        assert f"wrote {folder / name}\n" in out
        assert (folder / name).stat().st_size > 5_000


def test_the_reports_agree_with_each_other(shown) -> None:
    out, folder = shown
    line = json.loads((folder / "report.json").read_text())["verdict"]["line"]
    assert line == "PASSED: Build L2 (minimum L2)"
    assert line in (folder / "report.html").read_text()
    assert line in (folder / "report.md").read_text()
    assert out.startswith("widget: Build L2")


@pytest.mark.parametrize("name", ["report.html", "report.md"])
def test_a_level_with_its_proof_a_gap_with_a_fix_and_an_unknown(name: str, shown) -> None:
    text = re.sub(r"<[^>]*>", " ", (shown[1] / name).read_text()) if name.endswith("html") else None
    text = " ".join((text or (shown[1] / name).read_text().replace("\\", "")).split())
    # The level, with its proof.
    assert "Build L2" in text
    assert "widget-1.4.2-py3-none-any.whl.sigstore.json" in text
    assert "https://github.com/example-org/widget/.github/workflows/release.yml@refs/tags/v1.4.2" in text
    # A gap with its place, its risk and a fix to copy.
    assert "build.isolated/cache" in text
    assert re.search(r"\.github/workflows/release\.yml:\d+", text)
    assert "restore no cache" in text
    assert "runs-on: ubuntu-24.04" in text
    # Something unknown, explained: what was looked at, and what would settle it.
    assert "build.hosted/hosted" in text
    assert "releases.hosted is not known" in text
    assert "RELEASE_RUNNER" in text, "the expression that the file cannot settle is named"
    # What was not checked, and how to reproduce it with somebody else's tool.
    assert "no network was used" in text
    assert "cosign" in text


def test_the_facts_behind_it(shown) -> None:
    assessment = json.loads((shown[1] / "report.json").read_text())
    levels = {row["reading"]: row["level"] for row in assessment["levels"]}
    assert levels["demonstrated"] == {"reached": 2, "ceiling": 2}
    assert levels["configured"] == {"reached": 1, "ceiling": 2}
    outcomes = {
        (finding["requirement"], clause["clause"], reading["reading"]): reading["outcome"]
        for finding in assessment["subjects"][0]["findings"]
        for clause in finding["clauses"]
        for reading in clause["readings"]
    }
    assert outcomes["build.provenance-authentic", "integrity", "demonstrated"] == "met"
    assert outcomes["build.isolated", "cache", "configured"] == "unmet"
    assert outcomes["build.hosted", "hosted", "configured"] == "unknown"
    assert outcomes["build.hosted", "hosted", "demonstrated"] == "met"
    assert all(re.fullmatch("[0-9a-f]{64}", one["sha256"]) for one in assessment["inputs"])
    kinds = {one["kind"] for one in assessment["inputs"]}
    assert {"artifact", "attestation", "pipeline", "project", "trusted-root"} <= kinds


class _Requests(HTMLParser):
    """What a browser would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "iframe", "object", "embed", "base"):
            self.found.append(tag)
        if tag != "a":
            self.found += [
                f"{tag} {name}" for name, value in attrs if name in LINKS and not (value or "").startswith("#")
            ]


def test_the_page_asks_for_nothing(shown) -> None:
    page = (shown[1] / "report.html").read_text()
    parser = _Requests()
    parser.feed(page)
    assert parser.found == []
    assert "@import" not in page
    assert not re.search(r"url\(\s*['\"]?(?!data:|#)", page)


def test_no_machine_paths(shown) -> None:
    from assess._data import data_path

    for name in NAMES:
        text = (shown[1] / name).read_text()
        assert str(data_path("examples").parent) not in text
        assert str(Path.home()) + "/" not in text


def _demo(cwd: Path, **environment: str | None) -> subprocess.CompletedProcess[bytes]:
    kept = {name: value for name, value in os.environ.items() if environment.get(name, value) is not None}
    kept |= {name: value for name, value in environment.items() if value is not None}
    return subprocess.run(
        [sys.executable, "-B", "-m", "assess", "demo"],
        cwd=cwd, env=kept, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False,
        start_new_session=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"HOME": None, "USER": None, "LOGNAME": None, "XDG_CACHE_HOME": None},
        {"HOME": "/nonexistent"},
        {"HOME": "read-only", "XDG_CACHE_HOME": "read-only/cache", "XDG_CONFIG_HOME": "read-only/config"},
        {"TERM": None, "COLUMNS": None, "LANG": None, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"TMPDIR": "/nonexistent", "TZ": "No/Where"},
        {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9", "SIGSTORE_ROOT_FILE": "/nonexistent"},
    ],
    ids=["plain", "no home", "missing home", "read-only home", "no terminal", "no temporary folder", "no network"],
)
def test_anywhere(environment: dict[str, str | None], tmp_path: Path) -> None:
    home, work = tmp_path / "read-only", tmp_path / "a work folder"
    home.mkdir(mode=0o555)
    work.mkdir()
    environment = {
        name: value.replace("read-only", str(home)) if value is not None else None
        for name, value in environment.items()
    }
    ran = _demo(work, **environment)
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == b"PASSED: Build L2 (minimum L2)\n"
    assert b"\x1b" not in ran.stdout
    assert [str(one.relative_to(work)) for one in sorted(work.rglob("*")) if one.is_file()] == [
        f"demo-report/{name}" for name in NAMES
    ]
    assert list(home.iterdir()) == []


def test_twice_replaces_its_own_reports(run, tmp_path: Path) -> None:
    assert (
        run(
            "demo",
            cwd=tmp_path,
        ).code
        == 0
    )
    quiet = run("demo", "-q", cwd=tmp_path)
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")
    assert sorted(one.name for one in (tmp_path / "demo-report").iterdir()) == sorted(NAMES)


def test_an_output_that_cannot_be(run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    ran = run("demo", "-o", tmp_path / "file")
    assert ran.code == 69
    assert ran.err.startswith("error: ")
    assert (tmp_path / "file").read_text() == "precious"
