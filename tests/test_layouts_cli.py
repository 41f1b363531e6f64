"""Layouts through the command line: `verify --link`, and `layouts` of a project file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from in_toto.models.layout import Inspection
from virtual_layouts import Supply


@pytest.mark.parametrize("dsse", [False, True], ids=["metablock", "dsse"])
def test_verify(run, tmp_path: Path, dsse: bool) -> None:
    layout = Supply(dsse=dsse).write(tmp_path)
    links = sorted(tmp_path.glob("*.link"))
    each = [part for link in links for part in ("--link", link)]
    key = tmp_path / "owner.pub"
    ran = run("verify", layout, "--key", key, *each)
    assert (ran.code, ran.err.startswith("VERIFIED: ")) == (0, True), ran.err
    assert "step write: performed by sha256:" in ran.out
    # A folder serves as well as its files.
    assert run("verify", layout, "--key", key, "--link", tmp_path).out == ran.out
    reports = json.loads(run("verify", layout, "--key", key, "--link", tmp_path, "-f", "json").out)
    assert (reports[0]["verified"], [step["name"] for step in reports[0]["steps"]]) == (True, ["write", "package"])


def test_verify_fails_and_says_why(run, tmp_path: Path) -> None:
    layout = Supply(threshold=2).write(tmp_path)
    ran = run("verify", layout, "--key", tmp_path / "owner.pub", "--link", tmp_path)
    assert ran.code == 1
    assert ran.err.startswith("INVALID: threshold: ")
    assert run("verify", layout, "--link", tmp_path).err.startswith("NOT PROVEN: signature: ")


def test_verify_names_what_is_not_there(run, tmp_path: Path) -> None:
    layout = Supply().write(tmp_path)
    key = tmp_path / "owner.pub"
    assert run("verify", layout, "--key", key, "--link", tmp_path / "none.link").code == 66
    assert run("verify", tmp_path / "none", "--key", key, "--link", tmp_path).code == 66
    (tmp_path / "empty").mkdir()
    assert run("verify", layout, "--key", key, "--link", tmp_path / "empty").code == 66
    assert run("verify", layout, layout, "--key", key, "--link", tmp_path).code == 2
    assert run("verify", layout, "--key", layout, "--link", tmp_path).code == 78


def test_inspections_are_refused(run, tmp_path: Path) -> None:
    target = tmp_path / "executed"
    layout = Supply(inspect=(Inspection(name="look", run=["touch", str(target)]),)).write(tmp_path / "in")
    ran = run("verify", layout, "--key", tmp_path / "in" / "owner.pub", "--link", tmp_path / "in")
    assert (ran.code, ran.err.startswith("NOT PROVEN: inspections: the layout is refused")) == (1, True), ran.err
    assert not target.exists()


def _project(folder: Path, supply: Supply) -> Path:
    supply.write(folder / "supply")
    (folder / "slsa-assess.yaml").write_text(
        "version: 1\nname: widget\n"
        f"artifacts:\n  - digest: sha256:{'bb' * 32}\n    name: foo.tar.gz\n"
        "layouts:\n  - path: supply/root.layout\n    links: supply\n    keys: supply/owner.pub\n"
    )
    return folder


def test_project_file(run, tmp_path: Path) -> None:
    folder = _project(tmp_path, Supply())
    ran = run("evidence", folder)
    assert ran.code == 0, ran.err
    layout = json.loads(ran.out)[0]["evidence"]["layouts"][0]
    assert (layout["verified"], [step["name"] for step in layout["steps"]]) == (True, ["write", "package"])
    assert layout["source"]["path"] == "supply/root.layout"
    checked = run("check", folder, "--time", "2026-11-24T00:00:00Z", "-f", "json")
    report = json.loads(checked.out)
    told = [one for one in report["notices"] if "in-toto layout" in one["text"]]
    assert [one["severity"] for one in told] == ["info"]
    assert {one["path"] for one in report["inputs"] if one["kind"] == "attestation"} >= {"supply/root.layout"}


@pytest.mark.parametrize(
    ("supply", "severity", "because"),
    [
        (Supply(threshold=2), "critical", "does not hold: threshold"),
        (Supply(expires="2026-11-23T00:00:00Z"), "critical", "does not hold: expiry"),
        (Supply(inspect=(Inspection(name="look", run=["false"]),)), "warning", "is not proved: inspections"),
    ],
    ids=["threshold", "expiry at the report's time", "inspection"],
)
def test_project_file_tells_what_does_not_hold(
    run, tmp_path: Path, supply: Supply, severity: str, because: str
) -> None:
    report = json.loads(run("check", _project(tmp_path, supply), "--time", "2026-11-24T00:00:00Z", "-f", "json").out)
    told = [one for one in report["notices"] if "in-toto layout" in one["text"]]
    assert [(one["severity"], because in one["text"]) for one in told] == [(severity, True)]
    limits = [one for one in report["not_checked"] if "in-toto layout" in one["text"]]
    assert bool(limits) == (severity == "warning")


def test_a_layout_moves_no_level(run, tmp_path: Path) -> None:
    with_layout = _project(tmp_path / "a", Supply())
    without = tmp_path / "b"
    without.mkdir()
    text = (with_layout / "slsa-assess.yaml").read_text()
    (without / "slsa-assess.yaml").write_text(text[: text.index("layouts:")])
    reports = [
        json.loads(run("check", folder, "--time", "2026-11-24T00:00:00Z", "-f", "json").out)
        for folder in (with_layout, without)
    ]
    assert reports[0]["levels"] == reports[1]["levels"]


def test_a_link_among_attestations_is_told_for_what_it_is(run, tmp_path: Path) -> None:
    for dsse in (False, True):
        folder = tmp_path / str(dsse)
        Supply(dsse=dsse).write(folder)
        link = next(iter(sorted(folder.glob("package*.link"))))
        ran = run("check", folder, "--artifact", f"sha256:{'bb' * 32}", "-a", link, "-f", "json")
        report = json.loads(ran.out)
        entry = report["subjects"][0]["attestations"][0]
        assert (entry["kind"], entry["disposition"]) == ("other", "not-provenance")
        assert 'an in-toto link of "package"' in entry["reason"]
        assert not report["unreadable"]
        # Alone it is only signed: by whom the key says.
        ran = run("verify", link, "--key", folder / "owner.pub")
        assert (ran.code, "signature" in ran.err) == (1, True)
