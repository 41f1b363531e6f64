"""examples/: what the READMEs there promise holds, file by file."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
WIDGET = EXAMPLES / "widget"
WHEEL = WIDGET / "dist" / "widget-1.4.2-py3-none-any.whl"
TRUST = WIDGET / "trusted_root.json"

LOOKALIKES = {
    # file: (exit code of verify, last line of verify, level, words of the reason)
    "unsigned.intoto.json": (1, "NOT PROVEN", 1, "provenance for this subject"),
    "edited.sigstore.json": (1, "INVALID: signature", 0, "signature"),
    "other-artifact.sigstore.json": (1, "INVALID", 0, "none of its subjects has the artifact's digest"),
    "tenant-written.sigstore.json": (1, "INVALID: agreement", 0, "agreement"),
    "two-workflows.sigstore.json": (1, "INVALID", 0, "build"),
}


def test_every_lookalike_is_in_the_table_and_in_the_readme() -> None:
    files = {one.name for one in (EXAMPLES / "lookalikes").glob("*.json")}
    text = (EXAMPLES / "lookalikes" / "README.md").read_text()
    assert files == set(LOOKALIKES) == set(re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE))


@pytest.mark.parametrize("name", LOOKALIKES)
def test_a_lookalike_proves_no_more_than_its_readme_says(name: str, run, tmp_path: Path) -> None:
    code, line, level, reason = LOOKALIKES[name]
    file = EXAMPLES / "lookalikes" / name
    verified = run("verify", file, "--artifact", WHEEL, "--trusted-root", TRUST)
    assert verified.code == code, verified.out
    assert verified.err.splitlines()[-1].startswith(line), verified.err
    ran = run("check", tmp_path, "--artifact", WHEEL, "--trusted-root", TRUST, "-a", file, "-f", "json")
    assessment = json.loads(ran.out)
    shown = next(row["level"]["reached"] for row in assessment["levels"] if row["reading"] == "demonstrated")
    assert shown == level
    attestation = assessment["subjects"][0]["attestations"][0]
    assert attestation["disposition"] == ("counts" if level else attestation["disposition"])
    assert reason in attestation["reason"], attestation["reason"]


def test_the_genuine_bundle_holds(run) -> None:
    ran = run("verify", f"{WHEEL}.sigstore.json", "--artifact", WHEEL, "--trusted-root", TRUST, "-f", "json")
    assert ran.code == 0, ran.out
    (report,) = json.loads(ran.out)
    assert {one["result"] for one in report["checks"]} == {"verified"}
    assert len(report["checks"]) >= 8


def test_the_virtual_sigstore_is_worth_nothing_outside(run) -> None:
    """Against the public trusted root the example's bundle proves nothing."""
    ran = run("verify", f"{WHEEL}.sigstore.json", "--artifact", WHEEL)
    assert ran.code == 1
    assert ran.err.startswith("INVALID")


@pytest.mark.parametrize("readme", ["widget/README.md", "lookalikes/README.md"])
def test_the_commands_of_the_readmes_run(readme: str, run) -> None:
    text = (EXAMPLES / readme).read_text().replace("\\\n", " ")
    commands = re.findall(r"^    (slsa-assess .*)$", text, re.MULTILINE)
    assert commands
    for command in commands:
        ran = run(*shlex.split(command)[1:], cwd=ROOT)
        assert ran.code == (1 if "lookalikes" in command else 0), ran.err
        assert ran.out


def test_the_readme_names_the_files_that_are_there() -> None:
    text = (WIDGET / "README.md").read_text()
    named = set(re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE))
    files = {one.relative_to(WIDGET).as_posix() for one in WIDGET.rglob("*") if one.is_file()}
    assert named == files - {"README.md"}


@pytest.mark.parametrize("field", ["source_uri", "source_tag", "workflow_path", "min_level"])
def test_each_expectation_of_the_example_bites(field: str, run, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(WIDGET, tmp_path / "w")
    file = tmp_path / "w" / "slsa-assess.yaml"
    text = file.read_text()
    changed = {
        "source_uri": ("github.com/example-org/widget\n", "github.com/example-org/gadget\n"),
        "source_tag": ("v1.4.2", "v1.4.3"),
        "workflow_path": ("release.yml\n", "other.yml\n"),
        "min_level": ("build: 2", "build: 3"),
    }[field]
    assert text.count(f"{field}: ") == 1
    file.write_text(text.replace(*changed))
    ran = run("check", tmp_path / "w")
    assert ran.code == 1, ran.err
    assert ran.err.splitlines()[-1].startswith("FAILED: Build L2")
