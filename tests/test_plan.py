"""How flags, an artifact's own words and the project's become one plan: field by field, nothing is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from assess.cli._plan import plan_from

PROJECT = """
version: 1
name: widget
expectations: {source_uri: github.com/acme/widget, source_branch: main}
artifacts:
  - path: dist/a.bin
    expectations: {source_tag: v1}
  - path: dist/b.bin
"""


def _plan(folder: Path, **flags: Any) -> Any:
    (folder / "slsa-assess.yaml").write_text(PROJECT)
    return plan_from({"path": folder, **flags}, b"", "2026-01-31T12:00:00Z")


def test_an_artifacts_own_expectations_are_added_to_the_projects(tmp_path: Path) -> None:
    first, second = _plan(tmp_path).artifacts
    assert (first.expectations.source_uri, first.expectations.source_branch) == ("github.com/acme/widget", "main")
    assert first.expectations.source_tag == "v1"
    assert second.expectations is None


def test_a_flag_overrides_both(tmp_path: Path) -> None:
    plan = _plan(tmp_path, source_uri="github.com/evil/x", source_tag="v2")
    assert plan.artifacts[0].expectations.source_uri == "github.com/evil/x"
    assert plan.artifacts[0].expectations.source_tag == "v2"
    assert plan.artifacts[0].expectations.source_branch == "main"
    assert plan.expectations.source_uri == "github.com/evil/x"


@pytest.mark.parametrize("text", ["dist/a.bin", "{folder}/dist/a.bin"])
def test_an_artifact_named_by_a_flag_keeps_what_the_file_says_of_it(tmp_path: Path, text: str) -> None:
    plan = _plan(tmp_path, artifact=[text.format(folder=tmp_path)])
    assert len(plan.artifacts) == 1
    assert plan.artifacts[0].expectations.source_tag == "v1"


def test_another_artifact_has_the_projects_expectations_alone(tmp_path: Path) -> None:
    plan = _plan(tmp_path, artifact=["other.bin"])
    assert plan.artifacts[0].expectations is None
    assert plan.expectations.source_uri == "github.com/acme/widget"
