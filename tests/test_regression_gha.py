"""slsa-verifier's own regression scenarios for artifacts built on GitHub, through `check`.

A scenario that must fail never passes its gate; one that must verify never fails: Build L3 where the attestation
carries a log entry, and "at least L1, at most L3, signing time not provable offline" where it is a bare envelope.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

SUITE = "gha-artifact"
SCENARIOS = 899
_DELEGATOR = "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/delegator"
_EXAMPLE = "https://github.com/slsa-framework/example-trw/.github/workflows/builder"
PLATFORMS = f"""
platforms:
  - id: test.example-trw
    name: the example builder on top of slsa-github-generator's delegators
    signer:
      kind: certificate
      issuer: https://token.actions.githubusercontent.com
      identity:
        - {_DELEGATOR}_generic_slsa3.yml@{{ref}}
        - {_DELEGATOR}_lowperms-generic_slsa3.yml@{{ref}}
    builder_id:
      - {_EXAMPLE}_high-perms_slsa3.yml@refs/tags/{{version}}
      - {_EXAMPLE}_low-perms_slsa3.yml@refs/tags/{{version}}
    relation: delegated
    claimed: 3
    strict: 3
    basis: self-assessment
    claim: https://github.com/slsa-framework/example-trw
"""
ONLINE_ONLY = "ErrorRekorSearch"
"""The envelope differs from a genuine one only in that no log knows it, which nobody can see offline."""


def _scenarios(corpus: Path) -> list[dict]:
    text = (corpus / "expected" / "slsa_verifier_regression.json").read_text(encoding="utf-8")
    return [one for one in json.loads(text)["scenarios"] if one["suite"] == SUITE]


def _builder_ids(scenario: dict) -> list[str | None]:
    """As upstream runs it: the id given, or the default without and with its version, and none for non-delegators."""
    if scenario["builder_id"]:
        return [scenario["builder_id"]]
    default = scenario["default_builder_id"]
    ids: list[str | None] = [default]
    if scenario["builder"] != "gha_delegator":
        ids.append(None)
    return ids


def _arguments(corpus: Path, scenario: dict, builder_id: str | None, empty: Path) -> list[str]:
    arguments = ["check", str(empty), "-a", str(corpus / scenario["file"]), "--source-uri", scenario["source"]]
    for digest in scenario["artifact_sha256"]:
        # An artifact whose digest upstream does not give is one that nothing attests.
        arguments += ["--artifact", f"sha256:{digest or '0' * 64}"]
    for flag in ("branch", "tag"):
        if scenario[flag] is not None:
            arguments += [f"--source-{flag}", scenario[flag]]
    if scenario["versioned_tag"] is not None:
        arguments += ["--source-versioned-tag", scenario["versioned_tag"]]
    if builder_id is not None:
        arguments += ["--builder-id", builder_id]
    for key, value in (scenario["inputs"] or {}).items():
        arguments += ["--build-workflow-input", f"{key}={value}"]
    return arguments


def _carries_log_entry(path: Path) -> bool:
    return "tlogEntries" in path.read_text(encoding="utf-8")


@pytest.mark.corpus
@pytest.mark.parametrize("part", range(4))
def test_scenarios(corpus: Path, run, tmp_path: Path, part: int) -> None:
    platforms = tmp_path / "platforms.yaml"
    platforms.write_text(PLATFORMS)
    empty = tmp_path / "empty"
    empty.mkdir()
    wrong, counts = [], Counter()
    scenarios = _scenarios(corpus)
    assert len(scenarios) == SCENARIOS
    for scenario in scenarios[part::4]:
        logged = _carries_log_entry(corpus / scenario["file"])
        for builder_id in _builder_ids(scenario):
            arguments = _arguments(corpus, scenario, builder_id, empty)
            minimum = "3" if logged or scenario["expect_error"] == ONLINE_ONLY else "1"
            ran = run(*arguments, "--platforms", platforms, "--min-level", minimum, "-f", "json")
            must_pass = scenario["expect_error"] == ""
            counts["must verify" if must_pass else "must fail", "passed" if ran.code == 0 else "failed"] += 1
            if ran.code != (0 if must_pass else 1):
                wrong.append((scenario["name"], scenario["file"][-60:], builder_id, ran.code, ran.err[-300:]))
            elif must_pass:
                level = json.loads(ran.out)["levels"][0]["level"]
                expected = {"reached": 3, "ceiling": 3} if logged else {"reached": 1, "ceiling": 3}
                counts["Build L3" if logged else "at least L1, at most L3", ""] += 1
                if level != expected or (not logged and "not provable offline" not in ran.out):
                    wrong.append((scenario["name"], scenario["file"][-60:], builder_id, level, expected))
    print(f"gha-artifact, part {part}: {dict(counts)}")
    for row in wrong:
        print(row)
    assert not wrong


@pytest.mark.corpus
def test_an_unlisted_builder_is_level_one_and_the_report_says_why(corpus: Path, run, tmp_path: Path) -> None:
    scenario = next(
        one
        for one in _scenarios(corpus)
        if one["builder"] == "gha_delegator" and not one["expect_error"] and _carries_log_entry(corpus / one["file"])
    )
    ran = run(*_arguments(corpus, scenario, scenario["default_builder_id"], tmp_path), "--min-level", "1", "-f", "json")
    assert ran.code == 0, ran.err
    assessment = json.loads(ran.out)
    assert assessment["levels"][0]["level"] == {"reached": 1, "ceiling": 1}
    said = [notice["text"] for notice in assessment["notices"]]
    assert any("not among the recognised build platforms" in text for text in said), said
