"""The configured level of each pipeline: as vendors claim it, and by the letter with its five conditions."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assess.assessment import PipelineLevel
from assess.auditing import audit
from assess.configured import in_profile, pipeline_levels, sentence
from assess.evidence import ConfiguredProvenance, Evidence, Interval, Release, Source, StrictConditions
from assess.levels import default_directories, load_pack
from assess.pipelines import PipelinesRead, read_pipeline_file, read_pipelines

PACK = load_pack(default_directories(), tests=False)
SHA = "8e8c483db84b4bee98b60c0593521ed34d9990e8"
ALL = StrictConditions(True, True, True, True, True)


@pytest.mark.parametrize(
    ("level", "text"),
    [
        (Interval(0, 0), "configured for no Build level; not demonstrated"),
        (Interval(2, 2), "configured for up to Build L2; not demonstrated"),
        (Interval(1, 3), "configured for up to Build L1, perhaps L3; not demonstrated"),
        (Interval(0, 2), "configured for no Build level for certain, perhaps up to L2; not demonstrated"),
    ],
)
def test_how_a_configured_level_is_worded(level: Interval, text: str) -> None:
    assert sentence(level) == text


@pytest.mark.parametrize(
    ("strict", "level", "expected"),
    [
        (ALL, Interval(3, 3), Interval(3, 3)),
        (ALL, Interval(2, 3), Interval(2, 3)),
        (replace(ALL, apart=False), Interval(3, 3), Interval(2, 2)),
        (replace(ALL, signs_alone=False, signer_pinned=None), Interval(3, 3), Interval(2, 2)),
        (replace(ALL, no_shared_cache=None), Interval(3, 3), Interval(2, 3)),
        (replace(ALL, signer_pinned=None), Interval(1, 3), Interval(1, 3)),
        (None, Interval(3, 3), Interval(2, 3)),
        (replace(ALL, apart=False), Interval(2, 2), Interval(2, 2)),
        (replace(ALL, apart=False), Interval(0, 1), Interval(0, 1)),
    ],
)
def test_the_strict_profile_holds_a_claim_of_l3_to_the_conditions(
    strict: StrictConditions | None, level: Interval, expected: Interval
) -> None:
    release = Release(Source("x"), "x", "github-actions", provenance=ConfiguredProvenance(level=level), strict=strict)
    evidence = Evidence(releases=(release,))
    held = in_profile(evidence, "strict").releases
    assert held is not None and held[0].provenance is not None
    assert held[0].provenance.level == expected
    assert in_profile(evidence, "vendor") == evidence


def evidence_of(read: PipelinesRead) -> Evidence:
    path = {f"path_{one}": getattr(read.path, one) for one in read.path.__slots__}
    return Evidence(pipelines=read.pipelines, releases=read.releases, unreadable=read.unreadable, **path)


def level_of(*jobs: str, on: str = "push: {tags: ['v*']}", file: str = "release.yml") -> PipelineLevel:
    text = f"name: x\non:\n  {on}\npermissions: {{}}\njobs:\n" + "".join(jobs)
    read = read_pipeline_file(f".github/workflows/{file}", text.encode())
    assert read.unreadable == ()
    levels = pipeline_levels(evidence_of(read), PACK.requirements, PACK.audits, "vendor")
    assert len(levels) == 1
    return levels[0]


BUILD = f"""\
  build:
    runs-on: ubuntu-24.04
    permissions: {{contents: read}}
    outputs: {{hashes: "${{{{ steps.h.outputs.h }}}}"}}
    steps:
      - uses: actions/checkout@{SHA} # v6.0.1
      - run: go build -o app .
      - id: h
        run: echo "h=$(sha256sum app | base64 -w0)" >> "$GITHUB_OUTPUT"
"""
GENERATOR = """\
  provenance:
    needs: build
    permissions: {actions: read, id-token: write, contents: write}
    uses: slsa-framework/slsa-github-generator/.github/workflows/generator_generic_slsa3.yml@v2.1.0
    with: {base64-subjects: "${{ needs.build.outputs.hashes }}", upload-assets: true}
"""
ATTEST = f"""\
  attest:
    needs: build
    runs-on: ubuntu-24.04
    permissions: {{id-token: write, attestations: write}}
    steps:
      - uses: actions/attest@{SHA} # v4.1.0
        with: {{subject-checksums: sums.txt}}
"""
CALLED = "workflow_call:"


def test_a_generator_that_the_platform_defines_reaches_both() -> None:
    found = level_of(BUILD, GENERATOR)
    assert (found.vendor, found.strict) == (Interval(3, 3), Interval(3, 3))
    assert found.conditions == tuple(
        (name, True) for name in ("apart", "signs_alone", "no_shared_cache", "hosted_guard", "signer_pinned")
    )
    assert found.raises == ()
    assert found.sentence == "configured for up to Build L3; not demonstrated"


CACHE = f"      - uses: actions/cache@{SHA} # v5.0.1\n        with: {{path: x, key: y}}\n"


def test_a_platform_that_signs_itself_meets_the_letter_too() -> None:
    folder = Path(__file__).resolve().parent / "fixtures/audits/unpinned-inputs/cloud-build/negative"
    found = pipeline_levels(evidence_of(read_pipelines(folder)), PACK.requirements, PACK.audits, "strict")
    assert [(one.vendor, one.strict) for one in found] == [(Interval(3, 3), Interval(3, 3))]
    assert dict(found[0].conditions)["signer_pinned"] is True


@pytest.mark.parametrize(
    ("build", "condition", "clause"),
    [
        (
            BUILD.replace("      - run: go", f"{CACHE}      - run: go"),
            "no_shared_cache",
            "build.isolated/cache",
        ),
        (
            BUILD.replace("{contents: read}", "{contents: read, id-token: write}"),
            "signs_alone",
            "build.provenance-unforgeable/key-isolated",
        ),
    ],
)  # fmt: skip
def test_what_keeps_it_from_l3_is_named_with_what_would_raise_it(build: str, condition: str, clause: str) -> None:
    found = level_of(build, GENERATOR)
    assert (found.vendor, found.strict) == (Interval(2, 2), Interval(2, 2))
    assert dict(found.conditions)[condition] is False
    row = next(one for one in found.raises if one.clause == clause)
    assert (row.level, row.outcome) == (3, "unmet")
    assert row.raise_it and row.sources and row.reason.startswith("audit.")


def test_a_workflow_that_others_call_may_be_claimed_for_l3_and_is_not_shown_to_be() -> None:
    found = level_of(BUILD, ATTEST, on=CALLED)
    assert found.vendor.ceiling == 3
    assert found.strict.reached <= 2
    assert dict(found.conditions)["apart"] is None
    assert dict(found.conditions)["signer_pinned"] is None


def test_a_job_of_its_own_in_the_same_repository_is_l2_in_both() -> None:
    found = level_of(BUILD, ATTEST)
    assert (found.vendor, found.strict, found.conditions) == (Interval(2, 2), Interval(2, 2), ())
    assert {one.level for one in found.raises} == {3}


def test_each_pipeline_has_a_level_of_its_own(run: Callable[..., Any], tmp_path: Path) -> None:
    head = "name: x\non:\n  push: {tags: ['v*']}\npermissions: {}\njobs:\n"
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    (folder / "good.yml").write_text(head + BUILD + GENERATOR)
    (folder / "less.yml").write_text(head + BUILD + ATTEST)
    (folder / "lint.yml").write_text(
        "name: l\non: push\njobs:\n  l:\n    runs-on: ubuntu-24.04\n    steps: [{run: echo}]\n"
    )
    levels = pipeline_levels(evidence_of(read_pipelines(tmp_path)), PACK.requirements, PACK.audits, "vendor")
    assert [(one.pipeline.rpartition("/")[2], str(one.vendor)) for one in levels] == [
        ("good.yml", "L3"),
        ("less.yml", "L2"),
    ]
    told = json.loads(run("check", tmp_path, "-f", "json").out)
    assert [one["sentence"] for one in told["configured"]] == [
        "configured for up to Build L3; not demonstrated",
        "configured for up to Build L2; not demonstrated",
    ]
    text = run("check", tmp_path).out
    assert "What each pipeline is configured for" in text


def test_configuration_never_touches_the_demonstrated_level(run: Callable[..., Any]) -> None:
    fixtures = Path(__file__).resolve().parent / "fixtures" / "github-actions"
    for folder in sorted(one for one in fixtures.iterdir() if one.is_dir()):
        for profile in ("vendor", "strict"):
            levels = json.loads(run("check", folder, "-f", "json", "--trust-profile", profile).out)["levels"]
            demonstrated = next(one["level"] for one in levels if one["reading"] == "demonstrated")
            assert demonstrated == {"reached": 0, "ceiling": 3}, folder


FACTS = (
    ("audit.cache-poisoning/restored", lambda one: one.shares_cache),
    ("audit.identity-in-build/same-job", lambda one: one.provenance and one.provenance.identity_in_build),
    ("audit.outsiders-code/on-path", lambda one: one.runs_untrusted_code),
    ("audit.secret-exposure/signing-key", lambda one: one.provenance and one.provenance.key_in_build),
    ("audit.tenant-predicate/predicate", lambda one: one.provenance and one.provenance.authored_by_tenant),
)
"""A fact of releases that a clause asks for, and the audit that finds the places of the same fact."""


def test_clauses_and_audits_tell_the_same_of_every_real_pipeline(corpus: Path) -> None:
    counts: Counter[tuple[str, str]] = Counter()
    wrong = []
    for file in sorted(one for one in (corpus / "pipelines").rglob("*") if one.is_file() and one.suffix != ".tsv"):
        name = file.relative_to(corpus / "pipelines").as_posix()
        evidence = evidence_of(read_pipeline_file(name, file.read_bytes()))
        if not evidence.releases:
            continue
        ends = {f"{one.audit}/{one.case}": one.outcome for one in audit(PACK.audits, evidence, "vendor")}
        for case, fact in FACTS:
            told = {fact(one) for one in evidence.releases}
            bad = True in told
            counts[case, ends[case]] += 1
            # The best provenance of a release decides the fact; the audit finds every predicate that is written there.
            if (bad and ends[case] != "found") or (ends[case] == "found" and told == {False} and "tenant" not in case):
                wrong.append((name, case, told, ends[case]))
    for (case, outcome), count in sorted(counts.items()):
        print(f"{case:40} {outcome:8} {count}")
    assert wrong == []
