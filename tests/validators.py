"""Other people's validators of pipeline files: SchemaStore's schemas, actionlint, zizmor."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SCHEMAS: dict[str, tuple[str, ...]] = {
    "github-actions": ("vendor.github-workflows",),
    "gitlab-ci": ("vendor.gitlab-ci", "--data-transform", "gitlab-ci"),
    "azure-pipelines": ("vendor.azure-pipelines", "--data-transform", "azure-pipelines", "--regex-variant", "python"),
    "circleci": ("vendor.circle-ci",),
    "buildkite": ("vendor.buildkite",),
    "cloud-build": ("vendor.cloudbuild",),
}
"""System to what check-jsonschema is asked with; Jenkins, Tekton and CodeBuild have no schema there."""


def schema_problems(system: str, files: list[Path]) -> str:
    """What SchemaStore's schema of the system has against the files; "" where it has nothing, or there is no schema."""
    if system not in SCHEMAS or not files:
        return ""
    if find_spec("check_jsonschema") is None:
        pytest.skip("check-jsonschema is not installed")
    schema, *rest = SCHEMAS[system]
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *rest, *map(str, files)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return "" if ran.returncode == 0 else ran.stdout + ran.stderr


def invalid_of(system: str, files: list[Path]) -> set[str]:
    """The files that the system's schema refuses."""
    if find_spec("check_jsonschema") is None:
        pytest.skip("check-jsonschema is not installed")
    schema, *rest = SCHEMAS[system]
    command = [
        sys.executable, "-m", "check_jsonschema", "-o", "json", "--builtin-schema", schema, *rest, *map(str, files),
    ]  # fmt: skip
    ran = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    said = json.loads(ran.stdout)
    return {one["filename"] for one in (*said.get("errors", ()), *said.get("parse_errors", ()))}


def actionlint_problems(files: list[Path]) -> str:
    """What actionlint has against GitHub workflows; skips where it is not installed (`make peers` builds it)."""
    found = shutil.which("actionlint", path=f"{ROOT / '.peers' / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}")
    if found is None:
        pytest.skip("actionlint is not installed: run `make peers`")
    command = [found, "-shellcheck=", "-pyflakes=", "-no-color", *map(str, files)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return ran.stdout + ran.stderr if ran.returncode else ""


def zizmor_findings(folder: Path) -> set[tuple[str, str]]:
    """(audit, line) of what zizmor finds in the workflows below `folder`, offline."""
    found = shutil.which("zizmor", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if found is None:
        pytest.skip("zizmor is not installed")
    command = [found, "--offline", "--no-progress", "-q", "--format", "json", str(folder)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    rows = set()
    for one in json.loads(ran.stdout or "[]"):
        rows.add((one["ident"], str(one["locations"][0]["concrete"]["location"]["start_point"]["row"] + 1)))
    return rows
