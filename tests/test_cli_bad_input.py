"""Bad input: one clear error with its place and a hint, the right exit code, no traceback, nothing written."""

from __future__ import annotations

from pathlib import Path

import pytest

ARTIFACT = "sha256:" + "0" * 64
DEEP = b'{"payload": ' + b"[" * 100_000

FILES = {
    "truncated JSON": (b'{"payloadType": "application/vnd.in-toto+json", "payload": "eyJf', 65),
    "no JSON at all": (b"hello\n", 65),
    "empty": (b"", 65),
    "an HTML page": (b"<!DOCTYPE html><html><body>404</body></html>", 65),
    "a wrong media type": (b'{"mediaType": "application/pdf", "payload": {}}', 65),
    "binary": (bytes(range(256)) * 64, 65),
    "deep nesting": (DEEP, 65),
    "UTF-16": ('{"payload": "x"}'.encode("utf-16"), 65),
    "latin-1": (b'{"payload": "caf\xe9"}', 65),
    "a number": (b"17", 65),
    "an empty object": (b"{}", 65),
    "duplicate keys": (b'{"payloadType": "a", "payloadType": "b", "payload": "", "signatures": []}', 65),
}


def _one_error(ran, code: int) -> None:
    assert ran.code == code, ran.err
    lines = [line for line in ran.err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, ran.err
    assert "hint: " in ran.err
    assert "Traceback" not in ran.err + ran.out


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("command", ["check", "verify", "evidence"])
def test_attestations_that_cannot_be_read(name: str, command: str, run, tmp_path: Path) -> None:
    data, code = FILES[name]
    file = tmp_path / "in.json"
    file.write_bytes(data)
    empty = tmp_path / "empty"
    empty.mkdir()
    arguments = ["verify", file] if command == "verify" else [command, empty, "--artifact", ARTIFACT, "-a", file]
    ran = run(*arguments)
    _one_error(ran, code)
    assert "in.json" in ran.err
    assert ran.out == ""


def test_a_hundred_megabytes_are_refused(run, tmp_path: Path) -> None:
    file = tmp_path / "large.json"
    with file.open("wb") as stream:
        stream.truncate(100 << 20)
    _one_error(run("verify", file), 65)
    _one_error(run("check", tmp_path, "--artifact", ARTIFACT, "-a", file), 65)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["verify", "missing.json"], 66),
        (["verify", "."], 66),
        (["check", "--artifact", "missing.bin", "-a", "x"], 66),
        (["check", "--artifact", "."], 66),
        (["check", "missing-folder"], 66),
        (["check", "."], 66),
        (["check", "--artifact", "sha256:abc"], 65),
        (["check", "--artifact", "md5:" + "0" * 32], 65),
        (["check", "-a", "missing.json", "--artifact", ARTIFACT], 66),
        (["check", "--key", "missing.pem", "--artifact", ARTIFACT], 66),
        (["check", "--trusted-root", "missing.json", "--artifact", ARTIFACT], 66),
        (["report", "missing.json"], 66),
        (["explain", "no-such-thing"], 66),
    ],
)
def test_what_is_not_there(arguments: list[str], code: int, run, tmp_path: Path) -> None:
    _one_error(run(*arguments, cwd=tmp_path), code)


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "--min-level", "high"],
        ["check", "--min-level", "build=9"],
        ["check", "--accept", "demonstrated"],
        ["check", "-f", "pdf"],
        ["check", "--spec", "2.0"],
        ["check", "--trust-profile", "lax"],
        ["check", "--time", "yesterday"],
        ["check", "--certificate-identity-regexp", "("],
        ["check", "--no-such-option"],
        ["chekc"],
        ["verify"],
    ],
)
def test_a_wrong_command_line_is_exit_2(arguments: list[str], run, tmp_path: Path) -> None:
    ran = run(*arguments, cwd=tmp_path)
    assert ran.code == 2, ran.err
    assert "Traceback" not in ran.err


def test_all_mistakes_of_a_project_file_are_told_with_their_lines(run, tmp_path: Path) -> None:
    (tmp_path / "slsa-assess.yaml").write_text(
        "version: 1\nnmae: x\nartifacts:\n  - path: a\n    digest: sha256:00\ngate:\n  min_level: {build: high}\n"
    )
    ran = run("check", tmp_path)
    assert ran.code == 78, ran.err
    errors = [line for line in ran.err.splitlines() if line.startswith("error: ")]
    assert len(errors) >= 3
    assert any("slsa-assess.yaml:2" in line and "nmae" in line for line in errors), errors
    assert any("slsa-assess.yaml:7" in line for line in errors), errors


def test_a_report_that_cannot_be_written_loses_nothing(run, tmp_path: Path) -> None:
    workflows = tmp_path / ".github" / "workflows"
    workflows.mkdir(parents=True)
    (workflows / "ci.yml").write_text("on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps: [{run: make}]\n")
    blocked = tmp_path / "file"
    blocked.write_text("precious")
    ran = run("check", tmp_path, "-f", f"json={blocked}/report.json", "-f", f"html={tmp_path}/r.html")
    assert ran.code == 69, ran.err
    assert blocked.read_text() == "precious"
    assert "Traceback" not in ran.err
