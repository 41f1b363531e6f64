"""Attestations that stand beside provenance say what they are, and no level comes of them, whatever they claim."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from virtual_sigstore import VirtualSigstore, subject_of

from assess.attestations.containers import open_attestations
from assess.attestations.others import describe, read_result, signed_files
from assess.attestations.statement import read_statement

DATA = b"widget 1.4.2\n"
VS = VirtualSigstore()
SVR = "https://in-toto.io/attestation/svr/v0.1"
MODEL = "https://model_signing/signature/v1.0"
Json = dict[str, Any]
SVR_PREDICATE = {
    "verifier": {"id": "https://verifier.example"},
    "timeCreated": "2026-01-31T12:00:00Z",
    "properties": ["SLSA_BUILD_LEVEL_3", "SCAN_PASSED"],
}
MODEL_PREDICATE = {
    "serialization": {"method": "files", "hash_type": "sha256"},
    "resources": [{"name": "a.bin", "digest": "ab", "algorithm": "sha256"}, {"name": "b.bin", "digest": "cd"}],
}


def statement(predicate_type: str, predicate: Any) -> Json:
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [subject_of("widget.whl", DATA)],
        "predicateType": predicate_type,
        "predicate": predicate,
    }


def said(predicate_type: str, predicate: Any) -> str:
    (opened,) = open_attestations(json.dumps(statement(predicate_type, predicate)).encode(), "f")
    return describe(opened, read_statement(opened))


def test_a_simple_verification_result() -> None:
    words = 'by "https://verifier.example", properties "SLSA_BUILD_LEVEL_3", "SCAN_PASSED": it proves no level'
    assert words in said(SVR, SVR_PREDICATE)
    assert "properties none" in said(SVR, {})


def test_a_signed_model() -> None:
    assert said(MODEL, MODEL_PREDICATE).startswith('a signature over the 2 file(s) of a model ("a.bin", "b.bin")')


@pytest.mark.parametrize(
    ("predicate_type", "predicate"),
    [
        (SVR, {"properties": [1]}),
        (SVR, {"properties": {}}),
        (SVR, {"verifier": "x"}),
        (MODEL, {"resources": ["x"]}),
        (f"{SVR}.evil", SVR_PREDICATE),
        (f"x{MODEL}", MODEL_PREDICATE),
    ],
)
def test_what_cannot_be_read_is_not_described(predicate_type: str, predicate: Any) -> None:
    assert said(predicate_type, predicate) == ""


def test_other_types_are_neither() -> None:
    (opened,) = open_attestations(json.dumps(statement("https://x.example", {})).encode(), "f")
    assert read_result(read_statement(opened)) is None
    assert signed_files(read_statement(opened)) is None


@pytest.mark.parametrize(("predicate_type", "predicate"), [(SVR, SVR_PREDICATE), (MODEL, MODEL_PREDICATE)])
def test_no_level_comes_of_it(predicate_type: str, predicate: Json, run: Callable[..., Any], tmp_path: Path) -> None:
    """Signed by a genuine workflow, about this artifact: it is told and counts for nothing."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "widget.whl").write_bytes(DATA)
    (tmp_path / "root.json").write_bytes(VS.trusted_root())
    (tmp_path / "a.json").write_text(json.dumps(VS.sign_statement(statement(predicate_type, predicate))))
    given = ("--artifact", tmp_path / "widget.whl", "-a", tmp_path / "a.json", "--trusted-root", tmp_path / "root.json")
    ran = run("check", tmp_path / "empty", *given, "--min-level", "1", "-f", "json")
    report = json.loads(ran.out)
    assert (ran.code, report["levels"][0]["level"]) == (1, {"reached": 0, "ceiling": 0})
    (attestation,) = report["subjects"][0]["attestations"]
    assert (attestation["disposition"], attestation["signature"]) == ("not-provenance", "verified")
    assert said(predicate_type, predicate) in attestation["reason"]
