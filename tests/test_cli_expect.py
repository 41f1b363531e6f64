"""`expect` learns on first use; `check` shows what differs since, leaves the level alone and fails the gate."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from virtual_sigstore import DEFAULT_RUN, GitHubRun, Tamper, VirtualSigstore, provenance_v1, subject_of

DATA = b"an artifact of the tests\n"
TIME = "2026-01-31T12:00:00Z"
VS = VirtualSigstore()


def release(folder: Path, version: str, run_of: GitHubRun = DEFAULT_RUN, **options: Any) -> list[str]:
    """One release in `folder`: the artifact, its bundle, the trusted root; the options that name them."""
    folder.mkdir(exist_ok=True)
    artifact, data = folder / f"app-{version}.tar.gz", DATA + version.encode()
    artifact.write_bytes(data)
    statement = provenance_v1([subject_of(artifact.name, data)], run_of)
    (folder / "bundle.json").write_text(json.dumps(VS.sign_statement(statement, run=run_of, **options)))
    (folder / "root.json").write_bytes(VS.trusted_root())
    return [
        "--artifact", str(artifact), "-a", str(folder / "bundle.json"), "--trusted-root", str(folder / "root.json"),
    ]  # fmt: skip


def level_and_rows(folder: Path, ran: Any) -> tuple[str, dict[str, tuple[str, str]]]:
    """The demonstrated level, and the expectations by name with outcome and detail."""
    report = json.loads((folder / "report.json").read_text())
    (level,) = [one["level"] for one in report["levels"] if one["reading"] == "demonstrated"]
    rows = report["subjects"][0]["expectations"]
    return f"{level['reached']}-{level['ceiling']}", {one["name"]: (one["outcome"], one["detail"]) for one in rows}


def check(run, folder: Path, *options: str):
    return run("check", folder, *options, "--time", TIME, "-f", f"json={folder / 'report.json'}")


def test_first_use_then_the_next_release_is_as_expected(run, tmp_path: Path) -> None:
    options = release(tmp_path, "1.4.2")
    lock = tmp_path / "slsa-expectations.lock"
    ran = run("expect", tmp_path, *options)
    assert ran.code == 0, ran.err
    assert "app-*.tar.gz: first seen" in ran.out
    assert "source_uri: git+https://github.com/example-org/widget" in ran.out
    first = lock.read_bytes()
    assert b'source_ref: "refs/tags/v*"' in first
    again = run("expect", tmp_path, *options)
    assert (again.code, lock.read_bytes()) == (0, first)
    assert "UNCHANGED" in again.err
    following = release(tmp_path, "1.5.0", replace(DEFAULT_RUN, ref="refs/tags/v1.5.0", run_id="9", commit="ab" * 20))
    assert "app-1.5.0" in following[1]
    ran = check(run, tmp_path, *following)
    assert ran.code == 0, ran.err
    _, rows = level_and_rows(tmp_path, ran)
    assert {outcome for outcome, _ in rows.values()} == {"match"}
    assert {"source_uri", "source_ref", "builder_id", "workflow_path", "signer_identity", "build_type"} <= set(rows)


DIFFERENT = {
    "another source": ({"repository": "example-org/fork"}, "source_uri", "threat D (v1.2)"),
    "a branch instead of a tag": ({"ref": "refs/heads/main"}, "source_ref", "threat D (v1.2)"),
    "another line of tags": ({"ref": "refs/tags/nightly-1"}, "source_ref", "threat D (v1.2)"),
    "another workflow": ({"workflow": ".github/workflows/debug.yml"}, "workflow_path", "threat D (v1.2)"),
    "another trigger": ({"event": "workflow_dispatch"}, "trigger", "threat D (v1.2)"),
    "another signer": (
        {"signer_workflow": "other/ci/.github/workflows/x.yml@refs/tags/v1"},
        "signer_identity",
        "F (v1.2)",
    ),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_differences_fail_the_gate_and_not_the_level(name: str, run, tmp_path: Path) -> None:
    changed, fact, threat = DIFFERENT[name]
    assert run("expect", tmp_path, *release(tmp_path, "1.4.2")).code == 0
    other = release(tmp_path, "1.5.0", replace(DEFAULT_RUN, **{"ref": "refs/tags/v1.5.0"} | changed))
    ran = check(run, tmp_path, *other)
    assert ran.code == 1, ran.err
    assert fact in ran.err
    level, rows = level_and_rows(tmp_path, ran)
    outcome, detail = rows[fact]
    assert outcome == "mismatch"
    assert " was " in detail
    assert ", is " in detail
    assert threat in detail
    (tmp_path / "slsa-expectations.lock").unlink()
    ran = check(run, tmp_path, *other)
    assert (ran.code, level_and_rows(tmp_path, ran)) == (0, (level, {}))


def test_update_rewrites_after_showing_the_differences(run, tmp_path: Path) -> None:
    lock = tmp_path / "slsa-expectations.lock"
    assert run("expect", tmp_path, *release(tmp_path, "1.4.2")).code == 0
    first = lock.read_bytes()
    moved = release(tmp_path, "1.5.0", replace(DEFAULT_RUN, repository="new-home/widget"))
    ran = run("expect", tmp_path, *moved)
    assert ran.code == 1
    was, now = (f"git+https://github.com/{one}/widget" for one in ("example-org", "new-home"))
    assert f"source_uri was {was}, is {now}" in ran.out
    assert lock.read_bytes() == first
    ran = run("expect", tmp_path, *moved, "--update")
    assert ran.code == 0, ran.err
    assert f"source_uri was {was}, is {now}" in ran.out
    assert lock.read_bytes() != first
    assert check(run, tmp_path, *moved).code == 0


@pytest.mark.parametrize(
    "options",
    [{"tamper": Tamper.SIGNATURE_BYTE}, {"tamper": Tamper.NO_TRUSTED_TIME}, {"tamper": Tamper.CERT_OTHER_CA}],
    ids=["forged", "not provable offline", "another authority"],
)
def test_unverified_attestations_teach_nothing(options: dict[str, Any], run, tmp_path: Path) -> None:
    ran = run("expect", tmp_path, *release(tmp_path, "1.4.2", **options))
    assert ran.code == 66, ran.err
    assert "not verified" in ran.err
    assert not (tmp_path / "slsa-expectations.lock").exists()


def test_what_is_not_as_expected_teaches_nothing(run, tmp_path: Path) -> None:
    ran = run("expect", tmp_path, *release(tmp_path, "1.4.2"), "--source-uri", "github.com/example-org/other")
    assert ran.code == 66
    assert "source_uri" in ran.err
    assert not (tmp_path / "slsa-expectations.lock").exists()


def test_an_artifact_under_another_name_does_not_get_by(run, tmp_path: Path) -> None:
    options = release(tmp_path, "1.4.2")
    assert run("expect", tmp_path, *options).code == 0
    renamed = tmp_path / "renamed.tar.gz"
    Path(options[1]).rename(renamed)
    ran = check(run, tmp_path, "--artifact", str(renamed), *options[2:])
    assert ran.code == 1
    assert level_and_rows(tmp_path, ran)[1]["lock"][0] == "unknown"


def test_an_artifact_by_digest_goes_by_the_only_entry(run, tmp_path: Path) -> None:
    options = release(tmp_path, "1.4.2")
    digest = "sha256:" + subject_of("a", DATA + b"1.4.2")["digest"]["sha256"]
    assert run("expect", tmp_path, "--artifact", digest, *options[2:]).code == 0
    assert b'"app-*.tar.gz":' in (tmp_path / "slsa-expectations.lock").read_bytes()
    assert check(run, tmp_path, "--artifact", digest, *options[2:]).code == 0


def test_own_words_come_before_what_was_learned(run, tmp_path: Path) -> None:
    assert run("expect", tmp_path, *release(tmp_path, "1.4.2")).code == 0
    moved = release(tmp_path, "1.5.0", replace(DEFAULT_RUN, event="release"))
    assert check(run, tmp_path, *moved).code == 1
    assert check(run, tmp_path, *moved, "--trigger", "release").code == 0


@pytest.mark.parametrize(
    ("option", "value", "code"),
    [
        ("--trigger", "push", 0),
        ("--trigger", "schedule", 1),
        ("--workflow-path", ".github/workflows/release.yml", 0),
        ("--workflow-path", ".github/workflows/other.yml", 1),
    ],
)
def test_workflow_path_and_trigger(option: str, value: str, code: int, run, tmp_path: Path) -> None:
    ran = check(run, tmp_path, *release(tmp_path, "1.4.2"), option, value)
    assert ran.code == code, ran.err
    (detail,) = [detail for _, detail in level_and_rows(tmp_path, ran)[1].values()]
    assert ("threat D" in detail) == bool(code)


def test_a_named_lock_file_that_is_missing(run, tmp_path: Path) -> None:
    ran = check(run, tmp_path, *release(tmp_path, "1.4.2"), "--lock", str(tmp_path / "none.lock"))
    assert ran.code == 66
    assert "none.lock" in ran.err


def test_the_lock_is_an_input_of_the_report(run, tmp_path: Path) -> None:
    options = release(tmp_path, "1.4.2")
    assert run("expect", tmp_path, *options).code == 0
    assert check(run, tmp_path, *options).code == 0
    inputs = json.loads((tmp_path / "report.json").read_text())["inputs"]
    assert [one["path"].rpartition("/")[2] for one in inputs if one["kind"] == "lock"] == ["slsa-expectations.lock"]


GENUINE = "provenance/slsa-verifier-gha_delegator/slsa-framework+slsa-verifier/cli/slsa-verifier/testdata/gha_delegator"


def _digest_of(bundle: Path) -> str:
    payload = json.loads(bundle.read_text())["dsseEnvelope"]["payload"]
    return "sha256:" + json.loads(base64.b64decode(payload))["subject"][0]["digest"]["sha256"]


@pytest.mark.corpus
def test_genuine_releases_differ_in_what_they_differ(run, corpus: Path, tmp_path: Path) -> None:
    folder = corpus / GENUINE / "v2.1.0"
    first, following, dispatched = (
        folder / f"binary-linux-amd64-{how}.build.slsa" for how in ("push-v13.0.30", "push-v14.2", "workflow_dispatch")
    )
    ran = run("expect", tmp_path, "--artifact", _digest_of(first), "-a", first)
    assert ran.code == 0, ran.err
    ran = check(run, tmp_path, "--artifact", _digest_of(following), "-a", following)
    assert ran.code == 0, ran.err
    ran = check(run, tmp_path, "--artifact", _digest_of(dispatched), "-a", dispatched)
    assert ran.code == 1
    _, rows = level_and_rows(tmp_path, ran)
    differ = {name for name, (outcome, _) in rows.items() if outcome == "mismatch"}
    assert {"source_ref", "trigger"} <= differ
    assert not {"source_uri", "builder_id", "signer_identity", "signer_issuer"} & differ
