"""`verify --explain`: all eleven steps in order, what each proves, expected and found, and other tools' commands."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from virtual_sigstore import GitHubRun, Tamper, VirtualSigstore, generator_run, pem_of, provenance_v1, subject_of

DATA = b"an artifact of the tests\n"
VS = VirtualSigstore()
RUN: GitHubRun = generator_run("generator_generic_slsa3.yml")


@pytest.fixture
def explained(run, tmp_path: Path):
    """`explained(bundle, *options)`: the text and the JSON of the transcript."""

    def call(bundle: Any, *options: Any, data: bytes = DATA) -> tuple[str, dict[int, Any], list[dict[str, str]]]:
        (tmp_path / "app.tar.gz").write_bytes(data)
        (tmp_path / "bundle.json").write_text(json.dumps(bundle))
        (tmp_path / "root.json").write_bytes(VS.trusted_root())
        given = ["verify", "bundle.json", "--explain", "--trusted-root", "root.json", *options]
        text = run(*given, cwd=tmp_path).out
        (report,) = json.loads(run(*given, "-f", "json", cwd=tmp_path).out)
        script = report["transcript"]
        return text, {one["step"]: one for one in script["steps"]}, script["commands"]

    return call


def signed(run_of: GitHubRun = RUN, **options: Any) -> Any:
    return VS.sign_statement(provenance_v1([subject_of("app.tar.gz", DATA)], run_of), run=run_of, **options)


def results(step: Any) -> set[str]:
    return {one["result"] for one in step["checks"]}


def test_all_steps_in_order_with_what_each_proves(explained) -> None:
    text, steps, _ = explained(signed(), "--artifact", "app.tar.gz")
    assert list(steps) == list(range(1, 12))
    assert re.findall(r"^ {0,2}(\d+)\. ", text, re.MULTILINE) == [str(number) for number in range(1, 12)]
    for number in range(1, 11):
        assert results(steps[number]) == {"verified"}, steps[number]
    for step in steps.values():
        assert step["proves"] in text
        assert step["not_made"] == "" or step["not_made"] in text
        assert all(one["detail"] in text for one in step["checks"])


FAULTS = {
    Tamper.SIGNATURE_BYTE: 2,
    Tamper.CERT_EXPIRED: 4,
    Tamper.SCT_OTHER_DATA: 5,
    Tamper.SET_WRONG: 6,
    Tamper.ENTRY_PAYLOAD: 7,
}


@pytest.mark.parametrize("tamper", FAULTS, ids=lambda one: one.name)
def test_the_step_that_failed_is_named(tamper: Tamper, explained) -> None:
    text, steps, _ = explained(signed(tamper=tamper), "--artifact", "app.tar.gz")
    assert "failed" in results(steps[FAULTS[tamper]])
    assert re.search(rf"^ *{FAULTS[tamper]}\. .*: failed$", text, re.MULTILINE)
    assert "verified" not in results(steps[11])


def test_expected_and_found_stand_side_by_side(explained) -> None:
    text, steps, _ = explained(signed(), "--certificate-identity", "somebody@example.com")
    (wrong,) = [one for one in steps[8]["checks"] if one["result"] == "failed"]
    assert (wrong["expected"], wrong["found"]) == ("somebody@example.com", RUN.signer_uri)
    assert f"expected {wrong['expected']}" in text
    assert f"found    {wrong['found']}" in text


def test_another_artifact(explained) -> None:
    _, steps, _ = explained(signed(), "--artifact", "app.tar.gz", data=b"another")
    assert "failed" in results(steps[9])


def test_steps_that_were_not_made_say_why(explained) -> None:
    text, steps, _ = explained(signed())
    assert steps[9]["checks"] == []
    assert "no artifact was given" in steps[9]["not_made"]
    assert "9. Match the artifact: not made" in text
    _, steps, _ = explained(signed(tamper=Tamper.NO_CONTENT))
    assert "step 1 (open)" in steps[2]["not_made"]


def test_the_commands_of_other_tools(explained) -> None:
    text, _, commands = explained(signed(), "--artifact", "app.tar.gz")
    tools = {one["tool"]: one["line"] for one in commands}
    assert {"cosign", "gh", "slsa-verifier"} <= set(tools)
    assert tools["cosign"].startswith("cosign verify-blob-attestation --bundle bundle.json")
    assert f"--certificate-identity {RUN.signer_uri}" in tools["cosign"]
    assert "--trusted-root root.json" in tools["cosign"]
    assert tools["slsa-verifier"].startswith("slsa-verifier verify-artifact app.tar.gz")
    assert tools["gh"].startswith("gh attestation verify app.tar.gz --bundle bundle.json")
    assert all(line in text for line in tools.values())


def test_a_signature_over_an_artifact(explained) -> None:
    _, steps, commands = explained(VS.sign_blob(DATA, run=RUN), "--artifact", "app.tar.gz")
    assert results(steps[2]) == {"verified"}
    assert steps[11]["checks"] == []
    (line,) = [one["line"] for one in commands if one["tool"] == "cosign"]
    assert line.startswith("cosign verify-blob --bundle bundle.json")
    assert "--type" not in line


def test_a_key_that_signed(explained, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(pem_of(VS.managed_key("release")))
    _, steps, commands = explained(signed(keyed="release"), "--artifact", "app.tar.gz", "--key", "key.pem")
    assert results(steps[2]) == {"verified"}
    assert steps[4]["not_made"] == "no certificate: a key signed"
    assert any("--key key.pem" in one["line"] for one in commands if one["tool"] == "cosign")


def test_without_explain_nothing_changes(run, tmp_path: Path) -> None:
    (tmp_path / "bundle.json").write_text(json.dumps(signed()))
    (tmp_path / "root.json").write_bytes(VS.trusted_root())
    ran = run("verify", "bundle.json", "--trusted-root", "root.json", cwd=tmp_path)
    assert ran.code == 0
    assert "proves" not in ran.out
    (report,) = json.loads(run("verify", "bundle.json", "--trusted-root", "root.json", "-f", "json", cwd=tmp_path).out)
    assert "transcript" not in report
