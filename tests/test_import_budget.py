"""What a plain gate run may import, for start-up time is budgeted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

WIDGET = Path(__file__).resolve().parent.parent / "examples" / "widget"
WHEEL = WIDGET / "dist" / "widget-1.4.2-py3-none-any.whl"
GATE = ("-q", "--min-level", "2")

NEVER = ("jinja2", "in_toto", "urllib3", "rich", "sigstore", "requests", "http.client", "asyncio")
WITHOUT_PROJECT_FILE = ("assess.project",)


def _imported(*arguments: str | Path, code: int = 0, cwd: Path | None = None) -> set[str]:
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "assess", *map(str, arguments)],
        capture_output=True, text=True, timeout=60, check=False, cwd=cwd,
    )  # fmt: skip
    assert ran.returncode == code, ran.stderr[-2000:]
    rows = [line.rpartition("|") for line in ran.stderr.splitlines() if line.startswith("import time:")]
    return {name.strip() for _, _, name in rows}


def _of(modules: set[str], names: tuple[str, ...]) -> set[str]:
    return {one for one in modules if any(one == name or one.startswith(f"{name}.") for name in names)}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("check", WIDGET, *GATE), 0),
        (("check", WIDGET, "-q", "--min-level", "3"), 1),
        (("check", WIDGET, *GATE, "--source-uri", "github.com/example-org/widget"), 0),
        (("verify", f"{WHEEL}.sigstore.json", "--artifact", WHEEL, "--trusted-root", WIDGET / "trusted_root.json"), 0),
        (("check", "missing"), 66),
        (("check", "--no-such-option"), 2),
        (("--version",), 0),
        (("check", WIDGET, "-f", "json"), 0),
        (("check", WIDGET), 0),
    ],
    ids=lambda value: " ".join(str(one).rpartition("/")[2] for one in value) if isinstance(value, tuple) else None,
)
def test_a_gate_run_imports_no_more_than_it_needs(arguments: tuple[str | Path, ...], code: int) -> None:
    modules = _imported(*arguments, code=code)
    assert "assess.cli" in modules, "the list of imports was read"
    assert _of(modules, NEVER) == set()


def test_the_project_files_models_are_built_only_for_a_project_file(tmp_path: Path) -> None:
    modules = _imported(
        "check", tmp_path, *GATE, "--artifact", WHEEL, "-a", f"{WHEEL}.sigstore.json",
        "--trusted-root", WIDGET / "trusted_root.json",
    )  # fmt: skip
    assert _of(modules, (*NEVER, *WITHOUT_PROJECT_FILE)) == set()


def test_only_what_a_report_needs_is_imported_for_it(tmp_path: Path) -> None:
    html = _imported("check", WIDGET, "-q", "-f", f"html={tmp_path}/r.html")
    assert "jinja2" in html, "a page is a template: if this fails, the test above proves nothing"
    assert _of(html, tuple(one for one in NEVER if one not in ("jinja2", "asyncio"))) == set()
