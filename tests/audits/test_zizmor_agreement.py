"""Agreement with other people's linters, case by case; every difference has its reason in `differences.yaml`.

The linters know no release path, so that here every job counts as one. poutine's test files carry no findings, only
the names of the files say what is wrong in them.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import pytest
import yaml

from assess.auditing import audit
from assess.errors import InputError
from assess.evidence import Evidence
from assess.levels import default_directories, load_pack
from assess.pipelines import SYSTEMS
from assess.pipelines._files import Folder
from assess.pipelines._path_facts import all_jobs_facts
from assess.sarif import load_map

HERE = Path(__file__).resolve().parent
PACK = load_pack(default_directories(), tests=False)
DATA = "zizmor/zizmorcore+zizmor/crates/zizmor/tests/integration/test-data"
SHARED = {
    "audit.bypass": ("long-lived-token", "no-identity"),
    "audit.cache-poisoning": ("restored",),
    "audit.environment-injection": ("file", "old-commands"),
    "audit.identity-in-build": ("everything", "default-permissions"),
    "audit.injection": ("with-identity", "on-path"),
    "audit.mutable-builder": ("moving-signer", "moving", "tag-of-signer"),
    "audit.outsiders-code": ("trigger", "on-path"),
    "audit.runner": ("self-hosted", "unknown-label"),
    "audit.secret-exposure": ("all-secrets",),
    "audit.unpinned-inputs": ("image", "remote-script"),
    "audit.wide-trigger": ("by-actor", "always-true", "always-true-step"),
}
"""The cases of each audit that zizmor looks for too."""
AUDITORS = {"self-hosted-runner"}
"""Rules that zizmor runs for its most careful persona only."""


def zizmor() -> str:
    beside = Path(sys.executable).with_name("zizmor")
    found = str(beside) if beside.is_file() else shutil.which("zizmor")
    if found is None:
        pytest.skip("zizmor is not installed (pip install zizmor)")
    return found


def theirs(program: str, files: list[Path]) -> dict[Path, set[str]]:
    """file -> audits of ours that zizmor's findings stand for."""
    options = [
        "--offline",
        "--no-config",
        "--no-ignores",
        "--persona=auditor",
        "--format=json",
        "--no-exit-codes",
        "-q",
    ]
    ran = subprocess.run([program, *options, *map(str, files)], capture_output=True, text=True, timeout=300, check=True)
    rules = load_map().rules
    found: dict[Path, set[str]] = defaultdict(set)
    for one in json.loads(ran.stdout):
        case = rules.get(("zizmor", one["ident"]))
        regular = one["determinations"]["persona"] == "Regular" or one["ident"] in AUDITORS
        if case is None or not regular:
            continue
        for place in one["locations"]:
            key = place["symbolic"]["key"]
            if place["symbolic"]["kind"] == "Primary" and "Local" in key:
                found[Path(key["Local"]["verbatim_path"])].add(case.partition("/")[0])
    return found


def ours(file: Path, name: str) -> tuple[set[str], set[str]]:
    """(audits whose shared cases are found, those that cannot be told) of a file that stands at `name`."""
    system = next(one for one in SYSTEMS if one.recognises(name))
    try:
        facts = system.read(Folder(None), name, file.read_bytes())
    except InputError:
        return set(), set(SHARED)
    path = all_jobs_facts(facts)
    evidence = Evidence(**{f"path_{one}": getattr(path, one) for one in path.__slots__})
    ends = [one for one in audit(PACK.audits, evidence, "vendor") if one.case in SHARED.get(one.audit, ())]
    found = {one.audit for one in ends if one.outcome == "found"}
    return found, {one.audit for one in ends if one.outcome == "unknown"} - found


def test_agreement_with_zizmor(corpus: Path) -> None:
    program = zizmor()
    folder = corpus / "pipelines_testdata" / DATA
    names = ("dependabot.yml", ".pre-commit-config.yaml", "zizmor.yml", "zizmor.yaml")
    files = sorted(
        one
        for one in folder.rglob("*.y*ml")
        if one.name not in names and "configs" not in one.parts and not one.name.startswith("zizmor.")
    )
    assert len(files) > 130
    found = theirs(program, files)
    table: dict[str, Counter[str]] = {name: Counter() for name in SHARED}
    differences = set()
    for file in files:
        mine, unknown = ours(file, f".github/workflows/{file.name}")
        for name in SHARED:
            they, we = name in found[file], name in mine
            kind = "both" if they and we else "zizmor" if they else "ours" if we else "neither"
            table[name][kind] += 1
            if kind in ("zizmor", "ours"):
                told = "zizmor, ours cannot tell" if they and name in unknown else kind
                differences.add((name, told, file.relative_to(folder).as_posix()))
    print(f"\n{'':28} {'both':>6} {'neither':>8} {'zizmor':>8} {'ours':>6}   of {len(files)} files")
    for name, row in table.items():
        print(f"{name:28} {row['both']:>6} {row['neither']:>8} {row['zizmor']:>8} {row['ours']:>6}")
    same = sum(row["both"] + row["neither"] for row in table.values())
    print(f"agreement in {same} of {sum(map(Counter.total, table.values()))} cases")
    assert differences == listed("zizmor")


def listed(tool: str) -> set[tuple[str, str, str]]:
    """(audit, who alone finds it, file) of every difference that has a reason."""
    rows = yaml.safe_load((HERE / "differences.yaml").read_text())[tool]
    assert all(len(row["reason"]) > 30 for row in rows)
    return {(row["audit"], row["found_by"], file) for row in rows for file in row["files"]}


POUTINE = "poutine/boostsecurityio+poutine"
LABELLED = (
    ("scanner/testdata/.github/workflows/anchors_with_vulnerability.yml", "audit.injection", True),
    ("scanner/testdata/.github/workflows/valid.yml", "audit.injection", True),
    ("scanner/testdata/.github/workflows/valid.yml", "audit.outsiders-code", True),
    ("scanner/testdata/.github/workflows/valid.yml", "audit.unpinned-inputs", True),
    ("scanner/testdata/.github/workflows/valid.yml", "audit.runner", True),
    ("scanner/testdata/.github/workflows/allowed_pr_runner.yml", "audit.runner", False),
    ("scanner/testdata/.github/workflows/anchors_job.yml", "audit.injection", False),
    ("scanner/testdata/.tekton/pipeline-as-code-tekton.yml", "audit.injection", True),
    ("scanner/testdata/azure-pipelines-1.yml", "audit.unpinned-inputs", True),
)
"""(file, audit, whether poutine's name of the file, step or comment in it says that it is wrong)."""


def test_agreement_with_poutine(corpus: Path) -> None:
    differences = set()
    for name, audited, wrong in LABELLED:
        file = corpus / "pipelines_testdata" / POUTINE / name
        found, unknown = ours(file, name.partition("testdata/")[2])
        print(f"{audited:24} {'wrong' if wrong else 'right':6} {'found' if audited in found else 'clean':6} {name}")
        if (audited in found) != wrong:
            told = "poutine, ours cannot tell" if audited in unknown else "poutine" if wrong else "ours"
            differences.add((audited, told, name))
    assert differences == listed("poutine")
