"""`fix` as a user meets it: a diff that `git apply` takes, files written once, one clear error where there is none."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

FIXTURE = Path(__file__).parent.parent / "fixtures" / "fixes" / "github-actions" / "release-files" / "project"
FILE = ".github/workflows/release.yml"


def test_the_diff_is_what_write_writes(run: Callable[..., Any], tmp_path: Path) -> None:
    applied, written = tmp_path / "applied", tmp_path / "written"
    shutil.copytree(FIXTURE, applied)
    shutil.copytree(FIXTURE, written)
    shown = run("fix", applied)
    assert shown.code == 0
    assert (applied / FILE).read_bytes() == (FIXTURE / FILE).read_bytes()
    subprocess.run(["git", "apply", "-"], cwd=applied, input=shown.out, text=True, check=True)
    ran = run("fix", written, "--write")
    assert (ran.code, ran.out) == (0, "")
    assert (written / FILE).read_bytes() == (applied / FILE).read_bytes()
    assert "not demonstrated" in ran.err
    assert run("fix", written, "-q").out == ""


def test_mistakes_are_one_clear_error(run: Callable[..., Any], tmp_path: Path) -> None:
    nothing = run("fix", tmp_path)
    assert (nothing.code, "no pipeline file was found" in nothing.err) == (66, True)
    assert run("fix", tmp_path / "absent").code == 66
    assert run("fix", FIXTURE, "--diff", "--write").code == 2
    assert "one of attest" in run("fix", FIXTURE, "--only", "nonsense").err
