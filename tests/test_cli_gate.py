"""The gate of `check`: which exit code, which verdict and which level come of which evidence."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from virtual_sigstore import GitHubRun, VirtualSigstore, generator_run, provenance_v1, subject_of

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
WIDGET = EXAMPLES / "widget"
WHEEL = WIDGET / "dist" / "widget-1.4.2-py3-none-any.whl"
GOOD = WHEEL.with_name(f"{WHEEL.name}.sigstore.json")
ROOT = WIDGET / "trusted_root.json"
LOOKALIKES = EXAMPLES / "lookalikes"


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A project folder without pipelines or project file."""
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def assessed(run, empty: Path, tmp_path: Path):
    """`assessed(...)` -> (the run, its Assessment as JSON) of `check` with the example's wheel and trusted root."""

    def call(*arguments: str | Path, artifact: Path = WHEEL, root: Path = ROOT, folder: Path = empty, **options: Any):
        file = tmp_path / "assessment.json"
        file.unlink(missing_ok=True)
        ran = run(
            "check", folder, "--artifact", artifact, "--trusted-root", root, "-f", f"json={file}", *arguments, **options
        )
        return ran, json.loads(file.read_text()) if file.exists() else None

    return call


def _level(assessment: dict[str, Any], reading: str = "demonstrated") -> tuple[int, int]:
    row = next(row for row in assessment["levels"] if row["reading"] == reading)
    return row["level"]["reached"], row["level"]["ceiling"]


def _critical(assessment: dict[str, Any]) -> list[str]:
    return [one["text"] for one in assessment["notices"] if one["severity"] == "critical"]


def _last(ran) -> str:
    return ran.err.splitlines()[-1]


# --- levels ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attestation", "level", "critical"),
    [
        (GOOD, (2, 2), 0),
        (LOOKALIKES / "unsigned.intoto.json", (1, 1), 0),
        (LOOKALIKES / "edited.sigstore.json", (0, 0), 1),
        (LOOKALIKES / "other-artifact.sigstore.json", (0, 0), 0),
        (LOOKALIKES / "tenant-written.sigstore.json", (0, 0), 1),
        (LOOKALIKES / "two-workflows.sigstore.json", (0, 0), 1),
    ],
    ids=lambda value: value.name if isinstance(value, Path) else None,
)
def test_what_one_attestation_is_worth(attestation: Path, level: tuple[int, int], critical: int, assessed) -> None:
    ran, assessment = assessed("-a", attestation, "--min-level", 2)
    assert _level(assessment) == level
    assert len(_critical(assessment)) == critical
    assert ran.code == (0 if level[0] >= 2 else 1)
    assert _last(ran).startswith("PASSED: Build L2" if level[0] >= 2 else f"FAILED: Build L{level[0]}")


@pytest.mark.parametrize("bad", sorted(LOOKALIKES.glob("*.json")), ids=lambda path: path.name)
@pytest.mark.parametrize("good_first", [True, False])
def test_a_bad_attestation_takes_nothing_from_a_good_one(bad: Path, good_first: bool, assessed) -> None:
    order = (GOOD, bad) if good_first else (bad, GOOD)
    ran, assessment = assessed("-a", order[0], "-a", order[1], "--min-level", 2)
    assert ran.code == 0
    assert _level(assessment) == (2, 2)
    assert len(assessment["subjects"][0]["attestations"]) == 2
    rejected = bad.name.startswith(("edited", "tenant", "two"))
    # What is worth nothing is told as critical even where the gate opens.
    assert bool(_critical(assessment)) == rejected


@pytest.mark.parametrize(
    ("minimum", "code"), [("0", 0), ("1", 0), ("2", 0), ("build=2", 0), ("L2", 0), ("3", 1), ("source=1", 1)]
)
def test_the_minimum_decides_the_exit_code(minimum: str, code: int, assessed) -> None:
    ran, assessment = assessed("-a", GOOD, "--min-level", minimum)
    assert ran.code == code, ran.err
    assert assessment["verdict"]["passed"] == (code == 0)
    assert _last(ran) == assessment["verdict"]["line"]


def test_without_a_minimum_nothing_fails(assessed) -> None:
    ran, assessment = assessed("-a", LOOKALIKES / "edited.sigstore.json")
    assert (ran.code, _level(assessment)) == (0, (0, 0))
    assert _last(ran) == "ASSESSED: Build L0"


def test_several_artifacts_have_the_lowest_level(run, empty: Path, tmp_path: Path) -> None:
    vs = VirtualSigstore()
    names = {"good.bin": b"good", "other.bin": b"other"}
    for name, data in names.items():
        (tmp_path / name).write_bytes(data)
    root = tmp_path / "root.json"
    root.write_bytes(vs.trusted_root())
    signed = tmp_path / "good.json"
    signed.write_text(json.dumps(vs.sign_statement(provenance_v1([subject_of("good.bin", b"good")]))))
    unsigned = tmp_path / "other.json"
    unsigned.write_text(json.dumps(provenance_v1([subject_of("other.bin", b"other")])))
    report = tmp_path / "r.json"
    ran = run(
        "check", empty, "--artifact", tmp_path / "good.bin", "--artifact", tmp_path / "other.bin",
        "-a", signed, "-a", unsigned, "--trusted-root", root, "--min-level", 2, "-f", f"json={report}",
    )  # fmt: skip
    assessment = json.loads(report.read_text())
    each = {one["subject"]["name"]: _level(one)[0] for one in assessment["subjects"]}
    assert each == {"good.bin": 2, "other.bin": 1}
    assert _level(assessment)[0] == 1
    assert ran.code == 1
    assert "other.bin: Build L1" in ran.err
    assert "good.bin" not in ran.err


def test_the_isolated_builder_reaches_level_3(run, empty: Path, tmp_path: Path) -> None:
    vs, builder = VirtualSigstore(), generator_run("generic")
    (tmp_path / "a.bin").write_bytes(b"a")
    (tmp_path / "root.json").write_bytes(vs.trusted_root())
    statement = provenance_v1([subject_of("a.bin", b"a")], builder)
    (tmp_path / "a.json").write_text(json.dumps(vs.sign_statement(statement, run=builder)))
    ran = run(
        "check", empty, "--artifact", tmp_path / "a.bin", "-a", tmp_path / "a.json",
        "--trusted-root", tmp_path / "root.json", "--min-level", 3,
    )  # fmt: skip
    assert ran.code == 0, ran.out + ran.err
    assert _last(ran) == "PASSED: Build L3 (minimum L3)"


# --- expectations ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        (["--source-uri", "github.com/example-org/widget"], 0),
        (["--source-uri", "git+https://github.com/example-org/widget"], 0),
        (["--source-uri", "github.com/example-orq/widget"], 1),
        (["--source-tag", "v1.4.2"], 0),
        (["--source-tag", "v1.4"], 1),
        (["--source-versioned-tag", "v1.4"], 0),
        (["--source-versioned-tag", "v1.5"], 1),
        (["--source-branch", "main"], 1),
        (["--builder-id", GitHubRun().signer_uri], 0),
        (["--builder-id", "https://example.com/no-such-builder"], 1),
        (["--build-workflow-input", "a=b"], 1),
        (["--package-name", "gadget"], 1),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
@pytest.mark.parametrize("minimum", [[], ["--min-level", "2"]], ids=["no minimum", "minimum"])
def test_expectations_fail_the_gate_and_never_change_the_level(
    flags: list[str], code: int, minimum: list[str], assessed
) -> None:
    ran, assessment = assessed("-a", GOOD, *flags, *minimum)
    assert _level(assessment) == (2, 2)
    assert ran.code == code, ran.err
    assert _last(ran).startswith("PASSED: Build L2" if code == 0 else "FAILED: Build L2")
    name = {"--build-workflow-input": "workflow_inputs"}.get(flags[0], flags[0].lstrip("-").replace("-", "_"))
    assert code == 0 or f"{name} expected " in _last(ran)


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        (["--certificate-identity", GitHubRun().signer_uri], 0),
        (["--certificate-identity", "https://github.com/example-org"], 1),
        (["--certificate-identity-regexp", r"https://github\.com/example-org/widget/.*"], 0),
        (["--certificate-identity-regexp", "example-org/widget"], 1),
        (["--certificate-oidc-issuer", "https://token.actions.githubusercontent.com"], 0),
        (["--certificate-oidc-issuer", "https://token.actions.githubusercontent.com/evil"], 1),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_the_signer_must_be_who_was_asked_for(flags: list[str], code: int, assessed) -> None:
    ran, assessment = assessed("-a", GOOD, "--min-level", 2, *flags)
    assert ran.code == code, ran.err
    assert _level(assessment) == ((2, 2) if code == 0 else (0, 0))


# --- readings that open the gate ------------------------------------------------------------------------------------


def test_only_what_is_demonstrated_opens_the_gate(run, tmp_path: Path) -> None:
    folder = tmp_path / "widget"
    shutil.copytree(WIDGET, folder)
    (folder / "slsa-assess.yaml").unlink()
    shut = run("check", folder, "--min-level", 1)
    assert (shut.code, _last(shut)) == (1, "FAILED: Build L0, could be L3 (minimum L1)")
    opened = run("check", folder, "--min-level", 1, "--accept", "configured")
    assert opened.code == 0
    assert _last(opened) == "PASSED: Build L0, could be L3 (minimum L1) [accepted as configured, not demonstrated]"
    assert run("check", folder, "--min-level", 3, "--accept", "configured").code == 1
    assert run("check", folder, "--min-level", 1, "--accept", "declared").code == 1


def test_declared_answers_open_the_gate_only_where_they_are_accepted(run, tmp_path: Path) -> None:
    from assess.levels import default_directories, load_pack

    questions = [
        clause.declared.question
        for rule in load_pack(default_directories()).requirements
        for clause in rule.clauses
        if clause.declared is not None
    ]
    answers = tmp_path / "answers.yaml"
    answers.write_text(
        "".join(f"- {{question: {one}, answer: yes, by: Ada, date: 2026-01-31}}\n" for one in dict.fromkeys(questions))
    )
    folder = tmp_path / "none"
    folder.mkdir()
    shut = run("check", folder, "--answers", answers, "--min-level", 1)
    assert (shut.code, _last(shut)) == (1, "FAILED: Build L0, could be L3 (minimum L1)")
    opened = run("check", folder, "--answers", answers, "--min-level", 1, "--accept", "declared")
    assert opened.code == 0, opened.err
    assert _last(opened).endswith("[accepted as declared, not demonstrated]")
    answers.write_text(answers.read_text().replace("by: Ada, ", ""))
    assert run("check", folder, "--answers", answers, "--min-level", 1, "--accept", "declared").code == 1


def test_pipelines_alone_demonstrate_nothing_and_lead_the_report(run, tmp_path: Path) -> None:
    shutil.copytree(WIDGET / ".github", tmp_path / "p" / ".github")
    ran = run("check", tmp_path / "p")
    assert (ran.code, _last(ran)) == (0, "ASSESSED: Build L0, could be L3")
    title = ran.out.splitlines()[0]
    assert "configured" in title.lower(), title
    assert "Build L0 (at most L3)" in ran.out
    assert "What keeps the configuration from" in ran.out


def test_nothing_given_is_not_a_level(run, empty: Path) -> None:
    ran = run("check", empty, "--min-level", 0)
    assert ran.code == 66
    assert ran.out == ""


def test_an_artifact_without_attestation_is_not_settled(assessed) -> None:
    ran, assessment = assessed("--min-level", 1, artifact=LOOKALIKES / "README.md")
    assert (ran.code, _level(assessment)) == (1, (0, 3))
    assert _last(ran) == "FAILED: Build L0, could be L3 (minimum L1)"


# --- profiles, stdin, discovery -------------------------------------------------------------------------------------


def test_the_strict_profile_never_gives_more(assessed) -> None:
    _, vendor = assessed("-a", GOOD)
    ran, strict = assessed("-a", GOOD, "--trust-profile", "strict")
    assert ran.code == 0
    assert strict["trust_profile"] == "strict"
    assert _level(strict)[0] <= _level(vendor)[0]
    assert "(vendor claim)" in assessed("-a", GOOD, "-f", "terminal")[0].out
    assert "(vendor claim)" not in assessed("-a", GOOD, "-f", "terminal", "--trust-profile", "strict")[0].out


def test_an_attestation_on_standard_input(assessed, run) -> None:
    data = GOOD.read_bytes()
    ran, assessment = assessed("-a", "-", "--min-level", 2, stdin=data)
    assert (ran.code, _level(assessment)) == (0, (2, 2))
    assert any(one["path"] == "standard input" for one in assessment["inputs"])
    ran, nothing = assessed("-a", "-", stdin=b"")
    assert (ran.code, nothing) == (65, None)
    assert "standard input" in ran.err
    verified = run("verify", "-", "--artifact", WHEEL, "--trusted-root", ROOT, stdin=data)
    assert verified.code == 0, verified.err


def _beside(tmp_path: Path, **files: bytes) -> Path:
    place = tmp_path / "dist"
    place.mkdir()
    wheel = place / WHEEL.name
    shutil.copy(WHEEL, wheel)
    for ending, data in files.items():
        (place / f"{WHEEL.name}.{ending.replace('_', '.')}").write_bytes(data)
    return wheel


def test_attestations_beside_the_artifact_are_found(assessed, tmp_path: Path) -> None:
    wheel = _beside(tmp_path, sigstore_json=GOOD.read_bytes(), sha256=b"not read", asc=b"not read")
    ran, assessment = assessed("--min-level", 2, artifact=wheel)
    assert (ran.code, _level(assessment)) == (0, (2, 2))
    assert assessment["unreadable"] == []
    assert [one["path"] for one in assessment["inputs"] if one["kind"] == "attestation"] == [f"{wheel}.sigstore.json"]


def test_a_found_file_that_cannot_be_read_leaves_the_level_open(assessed, tmp_path: Path) -> None:
    wheel = _beside(tmp_path, intoto_jsonl=b"{]", unsigned_json=(LOOKALIKES / "unsigned.intoto.json").read_bytes())
    ran, assessment = assessed("--min-level", 2, artifact=wheel)
    assert _level(assessment) == (1, 3)
    assert (ran.code, _last(ran)) == (1, "FAILED: Build L1, could be L3 (minimum L2)")
    assert [Path(one["source"]["path"]).name for one in assessment["unreadable"]] == [f"{WHEEL.name}.intoto.jsonl"]


def test_named_attestations_replace_discovery(assessed, tmp_path: Path) -> None:
    wheel = _beside(tmp_path, sigstore_json=GOOD.read_bytes())
    ran, assessment = assessed("--min-level", 2, "-a", LOOKALIKES / "unsigned.intoto.json", artifact=wheel)
    assert (ran.code, _level(assessment)) == (1, (1, 1))


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_a_digest_stands_for_the_artifact(algorithm: str, run, empty: Path, tmp_path: Path) -> None:
    import hashlib

    vs = VirtualSigstore()
    (tmp_path / "root.json").write_bytes(vs.trusted_root())
    digest = {algorithm: hashlib.new(algorithm, b"a").hexdigest()}
    statement = provenance_v1([{"name": "a.bin", "digest": digest}])
    (tmp_path / "a.json").write_text(json.dumps(vs.sign_statement(statement)))

    def check(hexadecimal: str):
        return run(
            "check", empty, "--artifact", f"{algorithm}:{hexadecimal}", "-a", tmp_path / "a.json",
            "--trusted-root", tmp_path / "root.json", "--min-level", 2,
        )  # fmt: skip

    assert check(digest[algorithm]).code == 0
    assert check(digest[algorithm].upper()).code == 0
    assert check(digest[algorithm][:-1] + ("0" if digest[algorithm][-1] != "0" else "1")).code == 1


# --- project file and flags -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "code", "line"),
    [
        ([], 0, "PASSED: Build L2 (minimum L2)"),
        (["--min-level", "3"], 1, "FAILED: Build L2 (minimum L3)"),
        (["--min-level", "1"], 0, "PASSED: Build L2 (minimum L1)"),
        (["--source-tag", "v9"], 1, "FAILED: Build L2 (minimum L2); "),
        (["-a", LOOKALIKES / "unsigned.intoto.json"], 1, "FAILED: Build L1 (minimum L2)"),
        (["--artifact", LOOKALIKES / "README.md", "-a", GOOD], 1, "FAILED: Build L0 (minimum L2)"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else None,
)
def test_flags_override_the_project_file(flags: list[str | Path], code: int, line: str, run) -> None:
    ran = run("check", WIDGET, *flags)
    assert ran.code == code, ran.err
    assert _last(ran).startswith(line)


def test_the_trusted_root_of_the_flags_overrides_the_file(run, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_bytes(VirtualSigstore("another").trusted_root())
    ran = run("check", WIDGET, "--trusted-root", other)
    assert ran.code == 1
    assert _last(ran).startswith("FAILED: Build L0")
