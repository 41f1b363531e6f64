"""npm's provenance that claims more than a certificate vouches for is worth nothing; all other provenance may."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from virtual_sigstore import DEFAULT_RUN, VirtualSigstore, provenance_v1

DATA = b"a package of the tests\n"
VS = VirtualSigstore()
SUBJECT = {"name": "pkg:npm/%40example-org/widget@1.4.2", "digest": {"sha512": "00"}}
Json = dict[str, Any]


def npm() -> Json:
    subject = SUBJECT | {"digest": {"sha512": hashlib.sha512(DATA).hexdigest()}}
    return provenance_v1([subject], flavour="npm")


def times(statement: Json) -> None:
    statement["predicate"]["runDetails"]["metadata"]["startedOn"] = "2026-01-31T12:00:00Z"


def two_dependencies(statement: Json) -> None:
    statement["predicate"]["buildDefinition"]["resolvedDependencies"].append({"uri": "pkg:npm/other@1.0.0"})


def two_subjects(statement: Json) -> None:
    statement["subject"].append({"name": "pkg:npm/other@1.0.0", "digest": {"sha512": "ab" * 64}})


def no_sha512(statement: Json) -> None:
    statement["subject"][0]["digest"] = {"sha256": hashlib.sha256(DATA).hexdigest()}


CHANGES: dict[str, tuple[Callable[[Json], None], str]] = {
    "times": (times, "the time of the build"),
    "two dependencies": (two_dependencies, "2 dependencies"),
    "two subjects": (two_subjects, "2 subject(s)"),
    "no sha512": (no_sha512, "names one package by its sha512"),
}


def check(run: Callable[..., Any], folder: Path, statement: Json) -> Any:
    (folder / "empty").mkdir()
    (folder / "widget.tgz").write_bytes(DATA)
    (folder / "root.json").write_bytes(VS.trusted_root())
    (folder / "bundle.json").write_text(json.dumps(VS.sign_statement(statement, run=DEFAULT_RUN)))
    given = ("--artifact", folder / "widget.tgz", "-a", folder / "bundle.json", "--trusted-root", folder / "root.json")
    return run("check", folder / "empty", *given, "--min-level", "2", "-f", "json")


def test_what_npm_writes_counts(run: Callable[..., Any], tmp_path: Path) -> None:
    ran = check(run, tmp_path, npm())
    assert ran.code == 0, ran.err


@pytest.mark.parametrize("name", CHANGES)
def test_what_npm_never_writes_is_worth_nothing(name: str, run: Callable[..., Any], tmp_path: Path) -> None:
    change, words = CHANGES[name]
    statement = npm()
    change(statement)
    ran = check(run, tmp_path, statement)
    assert ran.code == 1
    report = json.loads(ran.out)
    (attestation,) = report["subjects"][0]["attestations"]
    assert (attestation["disposition"], report["levels"][0]["level"]["reached"]) == ("rejected", 0)
    assert words in attestation["reason"]


@pytest.mark.parametrize("change", [times, two_dependencies, no_sha512])
def test_others_may_claim_it(change: Callable[[Json], None], run: Callable[..., Any], tmp_path: Path) -> None:
    """The same claims in the provenance of actions/attest, which is about files and says more of the build."""
    subject = {"name": "widget.tgz", "digest": {"sha512": hashlib.sha512(DATA).hexdigest()}}
    statement = provenance_v1([subject])
    change(statement)
    ran = check(run, tmp_path, statement)
    assert ran.code == 0, ran.err
