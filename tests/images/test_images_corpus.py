"""The corpus's real image layouts: slsa-verifier's image suite through `check --image`, and who signed what.

Upstream runs each scenario with several builder ids; a layout is read as `cosign save` wrote it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Ran

GITHUB = "https://token.actions.githubusercontent.com"
CONTAINER = "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/generator_container_slsa3.yml"
SLSA_02 = "https://slsa.dev/provenance/v0.2"
pytestmark = pytest.mark.corpus


def scenarios(corpus: Path) -> list[dict[str, Any]]:
    text = (corpus / "expected" / "slsa_verifier_regression.json").read_text(encoding="utf-8")
    return [one for one in json.loads(text)["scenarios"] if one["suite"] == "gha-image"]


def test_slsa_verifiers_image_suite(corpus: Path, run: Callable[..., Ran], tmp_path: Path) -> None:
    rows = scenarios(corpus)
    assert len(rows) == 54
    wrong, counts = [], Counter[tuple[bool, int]]()
    for row in rows:
        image = f"oci:{corpus / row['file']}"
        base = ["check", str(tmp_path), "--image", image, "--source-uri", row["source"], "--min-level", "3"]
        for name in ("branch", "tag", "versioned_tag"):
            base += [f"--source-{name.replace('_', '-')}", row[name]] if row[name] is not None else []
        default = row["default_builder_id"]
        builders = (
            [row["builder_id"]] if row["builder_id"] else [default, f"{default}@refs/tags/{row['version']}", None]
        )
        for builder in builders:
            ran = run(*base, *(("--builder-id", builder) if builder else ()), "-f", "json")
            counts[bool(row["expect_error"]), ran.code] += 1
            subject = json.loads(ran.out)["subjects"][0]["subject"]
            named = subject["digests"] == [{"algorithm": "sha256", "value": row["artifact_sha256"][0]}]
            if ran.code != (1 if row["expect_error"] else 0) or not named:
                wrong.append((row["name"], row["version"], builder, ran.code, ran.err[-300:]))
    assert wrong == []
    assert counts == {(False, 0): 36, (True, 1): 114}


def layouts(corpus: Path) -> list[Path]:
    return sorted(file.parent for file in (corpus / "images").rglob("index.json"))


def test_each_layout_says_who_attested_it(corpus: Path, run: Callable[..., Ran]) -> None:
    found = {}
    for layout in layouts(corpus):
        version = layout.parent.name
        who = (f"{CONTAINER}@refs/tags/{version}", GITHUB)
        asked = ("--certificate-identity", who[0], "--certificate-oidc-issuer", who[1], "--type", SLSA_02)
        found[version] = run("image", f"oci:{layout}", *asked).code
    assert found == {**dict.fromkeys(("v1.4.0", "v1.5.0", "v1.7.0", "v1.8.0", "v1.10.0", "v2.1.0"), 0), "image": 1}


def test_another_identity_fails(corpus: Path, run: Callable[..., Ran]) -> None:
    layout = next(one for one in layouts(corpus) if one.parent.name == "v2.1.0")
    for identity in (f"{CONTAINER}@refs/tags/v2.1.1", f"{CONTAINER}@refs/tags/v2.1.0x"):
        asked = ("--certificate-identity", identity, "--certificate-oidc-issuer", GITHUB, "--type", SLSA_02)
        ran = run("image", f"oci:{layout}", *asked)
        assert (ran.code, "identity: the signer's identity is another" in ran.err) == (1, True)


def test_an_attested_image_is_not_a_signed_one(corpus: Path, run: Callable[..., Ran]) -> None:
    layout = next(one for one in layouts(corpus) if one.parent.name == "v1.5.0")
    ran = run("image", f"oci:{layout}", "--certificate-identity-regexp", ".*")
    assert ran.code == 1
    assert f"no signature hangs on it; what hangs there is something else ({SLSA_02})" in ran.err


def test_buildkits_statement_is_evidence_and_the_index_is_the_subject(corpus: Path, run: Callable[..., Ran]) -> None:
    layout = next(one for one in layouts(corpus) if one.parent.name == "v1.5.0")
    (told,) = json.loads(run("image", f"oci:{layout}", "-f", "json").out)
    assert [one["platform"] for one in told["platforms"]] == ["linux/amd64"]
    (statement,) = (one for one in told["attached"] if one["form"] == "statement")
    assert (statement["signature"], statement["holds"], statement["on"]) == (
        "absent",
        False,
        told["platforms"][0]["digest"],
    )


def test_signatures_of_another_sigstore_fail_by_their_chain(corpus: Path, run: Callable[..., Ran]) -> None:
    layout = next(one for one in layouts(corpus) if one.name == "testimage")
    ran = run("image", f"oci:{layout}", "--certificate-identity-regexp", ".*", "-f", "json")
    (told,) = json.loads(ran.out)
    assert (ran.code, [one["kind"] for one in told["attached"]]) == (1, ["signature", "provenance"])
    for one in told["attached"]:
        failed = {check["name"] for check in one["checks"] if check["result"] == "failed"}
        # signature, binding and claims hold: it is the certificate and the log that nobody here trusts
        assert failed == {"chain", "promise"}
