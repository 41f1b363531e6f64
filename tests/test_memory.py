"""A large JSON-lines file is checked within a bounded amount of memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from virtual_sigstore import DEFAULT_RUN, VirtualSigstore, provenance_v1, subject_of

ROOT = Path(__file__).resolve().parent.parent
SIZE = 50 * 10**6
PEAK = 200 * 10**6
DATA = b"widget 1.4.2\n"
MEASURED = """
import os, resource, subprocess, sys
code = subprocess.run([sys.executable, "-m", "assess", *sys.argv[1:]], stdout=subprocess.DEVNULL).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(code, used if sys.platform == "darwin" else used * 1024)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The artifact, the trusted root, and 50 MB of small bundles: many of which something could be kept."""
    folder = tmp_path_factory.mktemp("large")
    virtual = VirtualSigstore()
    statements = []
    for number in range(8):
        statement = provenance_v1([subject_of("widget.whl", DATA if number % 4 else b"another")])
        statement["predicate"]["buildDefinition"]["resolvedDependencies"] += [
            {"uri": f"pkg:pypi/dependency-{number}-{row}@1.{row}", "digest": {"sha256": f"{number:032x}{row:032x}"}}
            for row in range(3)
        ]
        statements.append(json.dumps(virtual.sign_statement(statement, run=DEFAULT_RUN), separators=(",", ":")))
    block = "".join(f"{one}\n" for one in statements)
    (folder / "widget.whl").write_bytes(DATA)
    (folder / "root.json").write_bytes(virtual.trusted_root())
    with (folder / "large.jsonl").open("w") as stream:
        for _ in range(SIZE // len(block) + 1):
            stream.write(block)
    return folder


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("verify", "{}/large.jsonl", "--artifact", "{}/widget.whl", "--quiet"), id="verify"),
        pytest.param(("check", "{}", "--artifact", "{}/widget.whl", "-a", "{}/large.jsonl", "--quiet"), id="check"),
    ],
)
def test_a_large_file_of_json_lines_stays_within_200_mb(folder: Path, command: tuple[str, ...]) -> None:
    arguments = [one.replace("{}", str(folder)) for one in command]
    ran = subprocess.run(
        [sys.executable, "-c", MEASURED, *arguments, "--trusted-root", str(folder / "root.json")],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ,
        check=True,
    )
    code, used = map(int, ran.stdout.split())
    # A quarter of them is about another artifact, which fails `verify` and leaves `check` the others.
    assert code == (1 if command[0] == "verify" else 0), ran.stderr
    assert (folder / "large.jsonl").stat().st_size >= SIZE
    assert used < PEAK, f"{used / 1e6:.0f} MB"
