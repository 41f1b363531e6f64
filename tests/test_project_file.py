"""slsa-assess.yaml: what it may say, where its paths lead, and how its mistakes are told."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
WIDGET = ROOT / "examples" / "widget"
WHEEL = WIDGET / "dist" / "widget-1.4.2-py3-none-any.whl"
DIGEST = "sha256:" + "0" * 64
ARTIFACT = f'artifacts: [{{digest: "{DIGEST}"}}]\n'


@pytest.fixture
def check(run, tmp_path: Path):
    """`check(text, ...)` runs `check` in a folder whose project file is `text`."""

    def call(text: str | bytes, *arguments: str | Path):
        (tmp_path / "slsa-assess.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
        return run("check", tmp_path, *arguments)

    return call


def _schema(run) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads(run("init", "--schema").out))


def test_the_schema_fits_the_example(run) -> None:
    validator = _schema(run)
    validator.check_schema(validator.schema)
    data = yaml.safe_load((WIDGET / "slsa-assess.yaml").read_text())
    assert list(validator.iter_errors(data)) == []
    for wrong in ({"nmae": "x"}, {"gate": {"min_level": {"build": "high"}}}, {"artifacts": [{"digest": "sha256:0"}]}):
        assert list(validator.iter_errors(data | wrong)), wrong


@pytest.mark.parametrize(
    "text",
    [
        ARTIFACT,
        f"\ufeff{ARTIFACT}",
        ARTIFACT.replace("\n", "\r\n"),
        "version: 1\r\nname: x\r\n" + ARTIFACT,
        f"---\n{ARTIFACT}...\n",
        f"spec: 1.2\nname: 1.10\n{ARTIFACT}",
        json.dumps({"artifacts": [{"digest": DIGEST}]}),
        f'name: "\\u0000\\u001b[31m\\u202e"\n{ARTIFACT}',
        f"name: <script>alert(1)</script>\n{ARTIFACT}",
    ],
    ids=[
        "plain",
        "BOM",
        "CRLF",
        "CRLF+",
        "document marks",
        "texts like numbers",
        "JSON",
        "control characters",
        "markup",
    ],
)
def test_forms_that_load(text: str, check) -> None:
    ran = check(text)
    assert ran.code == 0, ran.err
    assert ran.err == "ASSESSED: Build L0, could be L3\n"
    assert "\x1b" not in ran.out
    assert "\u202e" not in ran.out
    assert "<script>" not in check(text, "-f", "html").out


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("- a\n", 1, "keys with values"),
        ("just text\n", 1, "keys with values"),
        ("a: [\n", 2, "YAML"),
        ("version: 1\nversion: 1\n", 2, "duplicate key 'version'"),
        ("version: 2\n", 1, "expected 1"),
        ("name: 17\n", 1, "expected a text"),
        ("spec: 2.0\n", 1, "'1.0', '1.1' or '1.2'"),
        ("artifacts: null\n", 1, "expected a list"),
        ("artifacts: [{}]\n", 1, "either path or digest"),
        (f"artifacts:\n  - path: a\n    digest: {DIGEST}\n", 2, "either path or digest"),
        ("artifacts:\n  - digest: md5:00\n", 2, "sha512:<128 hex>"),
        ("artifacts:\n  - pth: a\n", 2, "did you mean 'path'"),
        ("expectations:\n  source_url: x\n", 2, "did you mean 'source_uri'"),
        ("expectations:\n  workflow_inputs: {a: 1}\n", 2, "expected a text"),
        ("gate:\n  min_level: 2\n", 2, "expected keys with values"),
        ("gate:\n  min_level: {build: 9}\n", 2, "got 9"),
        ("gate:\n  min_level: {build: 4}\n", 2, "the build track ends at level 3"),
        ("gate:\n  min_level:\n    source: 5\n", 3, "at most 4"),
        ("gate:\n  min_level: {sauce: 1}\n", 2, "build or source"),
        ("gate:\n  accept: [demonstrated]\n", 2, "'configured' or 'declared'"),
        ("trust:\n  profile: lax\n", 2, "'vendor' or 'strict'"),
        ('trust:\n  certificate_identity_regexp: "("\n', 2, "regular expression"),
        ("answers:\n  - {question: q, answer: maybe}\n", 2, "'yes', 'no' or 'unknown'"),
        ("answers:\n  - {question: q, answer: yes, date: 2026-1-1}\n", 2, "YYYY-MM-DD"),
        ("answers:\n  - {question: q, answer: yes, date: 2026-02-30}\n", 2, "no such day"),
        ("answers:\n  - {answer: yes}\n", 2, "question is missing"),
        ("waivers:\n  - {requirement: r, by: b}\n", 2, "reason is missing"),
        ("attestations: [3]\n", 1, "expected a text"),
        ("name: !!python/object/apply:os.system [id]\n", 1, "expected a text"),
        ("a: &a [x, x]\nb: *a\n", 1, "no such key 'a'"),
        ("<<: 3\n", 1, ""),
        ("a: " + "[" * 5000, 1, "deep"),
        (b"name: caf\xe9\n", None, "UTF-8"),
        (b"\x00\x01\x02", None, "binary"),
        ("name: a\n---\nname: b\n", None, "documents"),
    ],
)
def test_a_mistake_is_told_at_its_line(text: str | bytes, line: int | None, says: str, check) -> None:
    ran = check(text)
    assert (ran.code, ran.out) == (78, ""), ran.err
    errors = [one for one in ran.err.splitlines() if one.startswith("error: ")]
    place = f"slsa-assess.yaml:{line}:" if line else "slsa-assess.yaml"
    assert any(place in one and says in one for one in errors), ran.err
    assert ran.err.splitlines()[-1].startswith("hint: ")
    assert not any("pydantic" in one or "File." in one or "literal[" in one for one in errors)


def test_all_mistakes_at_once(check) -> None:
    ran = check("nmae: x\nspec: 3\nanswers: [{question: q, answer: maybe}, {}]\nwaivers: [{}]\n")
    errors = [one.partition("slsa-assess.yaml:")[2] for one in ran.err.splitlines() if one.startswith("error: ")]
    assert len(errors) == len(set(errors)) == 8, errors
    assert {int(one.partition(":")[0]) for one in errors} == {1, 2, 3, 4}


def test_an_alias_bomb_is_refused(check) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    ran = check("\n".join(lines))
    assert ran.code == 78
    assert ran.err.startswith("error: ")


def test_a_large_project_file_is_refused(check) -> None:
    ran = check(b"#" * (2 << 20))
    assert ran.code == 65
    assert "too large" in ran.err


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("artifact", "artifacts: [{path: missing}]\n"),
        ("attestation", f'artifacts: [{{digest: "{DIGEST}", attestations: missing}}]\n'),
        ("attestation", ARTIFACT + "attestations: missing\n"),
        ("public key", ARTIFACT + "trust: {keys: missing}\n"),
        ("trusted root", ARTIFACT + "trust: {trusted_root: missing}\n"),
        ("platforms file", ARTIFACT + "trust: {platforms: [missing]}\n"),
        ("rules", ARTIFACT + "rules: missing\n"),
        ("answers", ARTIFACT + "answers: missing\n"),
    ],
)
def test_a_file_that_it_names_and_that_is_missing(key: str, text: str, check, tmp_path: Path) -> None:
    ran = check(text)
    assert (ran.code, ran.out) == (66, ""), ran.err
    assert str(tmp_path / "missing") in ran.err
    assert key in ran.err


def test_paths_are_relative_to_the_file(run, tmp_path: Path) -> None:
    for cwd in (ROOT, WIDGET, WIDGET / "dist", tmp_path):
        for path in (WIDGET, WIDGET / "slsa-assess.yaml", Path(os.path.relpath(WIDGET, cwd))):
            ran = run("check", path, cwd=cwd)
            assert (ran.code, ran.err) == (0, "PASSED: Build L2 (minimum L2)\n"), (cwd, path)
    assert run("check", cwd=WIDGET).code == 0


def test_the_file_may_have_another_name_and_place(run, tmp_path: Path) -> None:
    below = tmp_path / "ci" / "deep"
    below.mkdir(parents=True)
    shutil.copytree(WIDGET, tmp_path / "widget")
    text = (WIDGET / "slsa-assess.yaml").read_text()
    text = text.replace("dist/", "../../widget/dist/").replace("trusted_root.json", "../../widget/trusted_root.json")
    (below / "release.yml").write_text(text)
    ran = run("check", below / "release.yml", cwd=tmp_path)
    assert (ran.code, ran.err) == (0, "PASSED: Build L2 (minimum L2)\n")


@pytest.mark.parametrize("name", [WHEEL.name, f"{WHEEL.name}.sigstore.json"])
def test_an_artifact_is_not_taken_for_a_project_file(name: str, run) -> None:
    ran = run("check", WHEEL.with_name(name))
    assert ran.code == 2
    assert "--artifact" in ran.err


def test_a_project_file_that_is_none(run, tmp_path: Path) -> None:
    file = tmp_path / "slsa-assess.yaml"
    file.mkdir()
    for arguments in (["check", tmp_path], ["check", file.parent, "--artifact", DIGEST]):
        ran = run(*arguments)
        assert ran.code == 66, ran.err
        assert "it is a folder" in ran.err
    file.rmdir()
    for target in ("nowhere", "slsa-assess.yaml"):
        file.symlink_to(target)
        ran = run("check", tmp_path)
        assert ran.code == 66, ran.err
        assert "project file" in ran.err
        file.unlink()


def test_answers_from_files_and_waivers_are_shown(check, tmp_path: Path) -> None:
    (tmp_path / "more.yaml").write_text("- {question: platform.hosted, answer: no, by: Bo, date: 2026-01-01}\n")
    ran = check(
        ARTIFACT + "answers:\n  - more.yaml\n  - {question: control-plane.generates-provenance, answer: true, by: Ada, "
        "date: 2026-01-02}\n"
        "waivers: [{requirement: build.isolated, reason: later, by: Ada, until: 2020-01-01}]\n",
        "-f",
        "json",
    )
    assert ran.code == 0, ran.err
    assessment = json.loads(ran.out)
    answers = {one["question"]: (one["value"], one["by"], one["source"]["line"]) for one in assessment["answers"]}
    assert answers == {
        "platform.hosted": (False, "Bo", 1),
        "control-plane.generates-provenance": (True, "Ada", 4),
    }
    assert [one["expired"] for one in assessment["waivers"]] == [True]
