"""Projects of our own with the commands that a pipeline runs in them, and the acts that must be read, with lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from assess import _yaml
from assess.evidence import Source
from assess.pipelines._commands import recognise
from assess.pipelines._facts import Act
from assess.pipelines._files import Folder

FIXTURES = Path(__file__).parent.parent / "fixtures" / "commands"


def cases() -> list[object]:
    found = []
    for file in sorted(FIXTURES.glob("*/expected.yaml")):
        rows = _yaml.plain(_yaml.load(file.read_bytes(), str(file)))
        assert isinstance(rows, list) and rows, file
        for row in rows:
            assert isinstance(row, dict)
            found.append(pytest.param(file.parent, row, id=f"{file.parent.name}: {row['run']}"))
    return found


def shown(act: Act) -> str:
    """`does tool path:line target`, with what makes it doubtful."""
    doubts = ("" if act.optional is False else " optional") + ("" if act.sure else " unsure")
    return f"{act.does} {act.tool} {act.source}{f' {act.target}' if act.target else ''}{doubts}"


@pytest.mark.parametrize(("folder", "row"), cases())
def test_acts(folder: Path, row: dict[str, object]) -> None:
    environment = row.get("environment") or {}
    assert isinstance(environment, dict)
    acts = recognise(str(row["run"]), Source("ci.yml", 1), environment, Folder(folder))
    assert [shown(act) for act in acts] == row["acts"]
    for act in acts:
        if act.source.path != "ci.yml":
            lines = (folder / act.source.path).read_text().split("\n")
            assert act.source.line is not None and lines[act.source.line - 1].strip(), act
