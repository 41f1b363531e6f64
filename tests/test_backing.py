"""What may meet an expectation: who signed is proved, and signer and builder are stated or known by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from virtual_keys import Key, derive_key, pem_of
from virtual_sigstore import (
    DEFAULT_RUN,
    GITHUB_ISSUER,
    VirtualSigstore,
    generator_run,
    provenance_v02,
    provenance_v1,
    subject_of,
)

from assess.trust.platforms import load_platforms

DATA = b"widget 1.4.2\n"
SUBJECTS = [subject_of("widget.whl", DATA)]
VS = VirtualSigstore()
SOURCE = "--source-uri=github.com/example-org/widget"
NPM = "https://github.com/actions/runner/github-hosted"
REUSABLE = "shared-ci/workflows/.github/workflows/build.yml@refs/tags/v2.0.0"
JENKINS = "https://jenkins.example/"
MAIL = "builds@example.com"
KEY = derive_key("a builder", "jenkins")
Json = dict[str, Any]


def by_mail(builder_id: str) -> Json:
    """What anybody with an e-mail address can sign: a builder and a source that nobody connects to the signer."""
    statement = provenance_v1(SUBJECTS, builder_id=builder_id)
    return VS.sign_statement(statement, identity=MAIL, issuer="https://accounts.example", claims=None)


def by_key(key: Key) -> Json:
    return VS.sign_bare(provenance_v1(SUBJECTS, builder_id=JENKINS), key=key)


def delegated(builder_id: str) -> Json:
    return provenance_v1(SUBJECTS, DELEGATOR, builder_id=builder_id)


GENERATOR = "slsa-framework/slsa-github-generator/.github/workflows"
DELEGATOR = replace(DEFAULT_RUN, signer_workflow=f"{GENERATOR}/delegator_generic_slsa3.yml@refs/tags/v2.1.0")
NODEJS = f"https://github.com/{GENERATOR}/builder_nodejs_slsa3.yml@refs/tags/v2.1.0"
THIRD = "https://github.com/third/builder/.github/workflows/builder_slsa3.yml@refs/tags/v1.0.0"
ELSEWHERE = replace(DEFAULT_RUN, signer_workflow=REUSABLE)
ATTESTATIONS: dict[str, Json] = {
    "unsigned": provenance_v1(SUBJECTS),
    "unsigned, of a trusted builder": provenance_v02(SUBJECTS),
    "own workflow": VS.sign_statement(provenance_v1(SUBJECTS)),
    "generator": VS.sign_statement(provenance_v02(SUBJECTS), run=generator_run()),
    "generator, time not provable": VS.sign_bare(provenance_v02(SUBJECTS), run=generator_run()),
    "npm": VS.sign_statement(provenance_v1(SUBJECTS, flavour="npm")),
    "workflow of another repository": VS.sign_statement(provenance_v1(SUBJECTS, ELSEWHERE), run=ELSEWHERE),
    "delegated, listed": VS.sign_statement(delegated(NODEJS), run=DELEGATOR),
    "delegated, another's": VS.sign_statement(delegated(THIRD), run=DELEGATOR),
    "e-mail": by_mail(JENKINS),
    "key": by_key(KEY),
}
IDENTITY = (f"--certificate-identity={MAIL}", "--certificate-oidc-issuer=https://accounts.example")
ANY_IDENTITY = ("--certificate-identity-regexp=.*", f"--certificate-oidc-issuer={GITHUB_ISSUER}")
CASES: list[tuple[str, tuple[str, ...], int, str]] = [
    # attestation, options, exit code, words of the reason
    ("unsigned", (SOURCE,), 1, "not provable: the provenance is unsigned"),
    ("unsigned", (SOURCE, "--min-level=1"), 1, "not provable: the provenance is unsigned"),
    ("unsigned", ("--source-tag=v1.4.2",), 1, "not provable: the provenance is unsigned"),
    ("unsigned", ("--source-tag=v9",), 1, "found refs/tags/v1.4.2"),
    ("unsigned", (f"--builder-id={DEFAULT_RUN.signer_uri}",), 1, "not provable: the provenance is unsigned"),
    ("unsigned", ("--min-level=1",), 0, ""),
    ("unsigned, of a trusted builder", (SOURCE,), 1, "not provable: the provenance is unsigned"),
    ("own workflow", (SOURCE,), 0, ""),
    ("own workflow", ("--source-tag=v1.4.2",), 0, ""),
    ("generator", (SOURCE,), 0, ""),
    ("generator, time not provable", (SOURCE,), 0, ""),
    ("npm", (SOURCE,), 1, f"builder_id expected to be stated: if you expect it, add --builder-id {NPM}"),
    ("npm", (SOURCE, "--min-level=2"), 1, "builder_id expected to be stated"),
    ("npm", (SOURCE, f"--builder-id={NPM}"), 0, ""),
    ("npm", (SOURCE, f"--builder-id={DEFAULT_RUN.signer_uri}"), 1, f"found {NPM}"),
    ("npm", (SOURCE, *ANY_IDENTITY), 0, ""),
    ("npm", ("--min-level=2",), 0, ""),
    ("workflow of another repository", (SOURCE,), 1, f"add --builder-id https://github.com/{REUSABLE}"),
    ("workflow of another repository", (SOURCE, f"--builder-id=https://github.com/{REUSABLE}"), 0, ""),
    ("workflow of another repository", ("--min-level=2",), 0, ""),
    ("delegated, listed", (SOURCE,), 0, ""),
    ("delegated, listed", (SOURCE, f"--builder-id={NODEJS}"), 0, ""),
    ("delegated, another's", (SOURCE,), 1, f"add --builder-id {THIRD}"),
    ("delegated, another's", (SOURCE, f"--builder-id={THIRD}"), 0, ""),
    ("e-mail", (SOURCE,), 1, f"if you expect its signer, add --certificate-identity {MAIL}"),
    ("e-mail", (SOURCE, f"--builder-id={JENKINS}"), 1, f"nothing ties {MAIL} to this builder"),
    ("e-mail", (SOURCE, f"--builder-id={JENKINS}", *IDENTITY), 0, ""),
    ("key", (SOURCE,), 1, "not provable: nobody is proved to have signed"),
    ("key", (SOURCE, "--key=KEY"), 0, ""),
    ("key", (SOURCE, "--key=OTHER"), 1, "Build L0"),
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "empty").mkdir()
    (tmp_path / "widget.whl").write_bytes(DATA)
    (tmp_path / "root.json").write_bytes(VS.trusted_root())
    (tmp_path / "KEY").write_bytes(pem_of(KEY))
    (tmp_path / "OTHER").write_bytes(pem_of(derive_key("another", "key")))
    return tmp_path


def check(run: Callable[..., Any], folder: Path, attestation: str, *options: str | Path) -> Any:
    (folder / "attestation.json").write_text(json.dumps(ATTESTATIONS[attestation]))
    given = ("--artifact", folder / "widget.whl", "-a", folder / "attestation.json")
    named = [f"--key={folder / one[6:]}" if str(one).startswith("--key=") else one for one in options]
    return run("check", folder / "empty", *given, "--trusted-root", folder / "root.json", *named)


@pytest.mark.parametrize(("attestation", "options", "code", "reason"), CASES)
def test_table(
    attestation: str, options: tuple[str, ...], code: int, reason: str, run: Callable[..., Any], folder: Path
) -> None:
    ran = check(run, folder, attestation, *options)
    assert ran.code == code, ran.err
    assert reason in ran.err
    assert ran.err.rstrip().rpartition("\n")[2].startswith("PASSED" if code == 0 else "FAILED")


def test_an_expectation_never_changes_the_level(run: Callable[..., Any], folder: Path) -> None:
    for attestation, options, _, _ in CASES:
        levels = [
            json.loads(check(run, folder, attestation, *asked, "-f", "json").out)["levels"][0]["level"]
            # Keys and identities are trust, and may; the rest may not.
            for asked in (options, [one for one in options if one.startswith(("--key", "--certificate"))])
        ]
        assert levels[0] == levels[1], (attestation, options)


def test_an_entry_of_the_users_own_states_the_builder(run: Callable[..., Any], folder: Path) -> None:
    (folder / "mine.yaml").write_text(
        "platforms:\n"
        "  - id: mine\n    name: Our Jenkins\n    relation: listed\n    claimed: 2\n    strict: 2\n"
        "    basis: self-assessment\n"
        f"    builder_id: {JENKINS}\n"
        f"    signer: {{kind: certificate, issuer: https://accounts.example, identity: {MAIL}}}\n"
    )
    ran = check(run, folder, "e-mail", SOURCE, "--platforms", folder / "mine.yaml")
    assert (ran.code, "Build L2" in ran.err) == (0, True), ran.err


def test_a_signed_attestation_serves_where_an_unsigned_one_stands_beside(run: Callable[..., Any], folder: Path) -> None:
    """Adding an unsigned statement takes nothing away, and lends nothing."""
    lines = (json.dumps(ATTESTATIONS[name]) for name in ("unsigned", "own workflow"))
    (folder / "both.jsonl").write_text("\n".join(lines))
    ran = check(run, folder, "unsigned", SOURCE, "-a", folder / "both.jsonl")
    assert ran.code == 0, ran.err


def test_which_bundled_entries_are_trusted_unasked() -> None:
    assert [one.id for one in load_platforms().entries if one.outright] == [
        "slsa-github-generator.builder",
        "slsa-github-generator.generator",
        "slsa-github-generator.end-to-end-tests",
        "slsa-github-generator.delegated",
        "jreleaser.builder",
        "google-cloud-build",
        "google-cloud-build.v0.3",
        "google-cloud-build.v0.2",
    ]
