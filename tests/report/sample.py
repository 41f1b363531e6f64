"""Assessments to render: a rich one, small ones, and any of them with every text replaced by hostile strings."""

from __future__ import annotations

import itertools
import types
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from assess.assessment import (
    Assessment,
    AuditFinding,
    AuditPlace,
    AuditText,
    ClauseFinding,
    ClauseText,
    Contradiction,
    ExpectationResult,
    Finding,
    Input,
    NotChecked,
    Notice,
    Observation,
    PipelineLevel,
    Raise,
    ReadingLevel,
    ReadingOutcome,
    RequirementText,
    StepUp,
    SubjectAssessment,
    Verdict,
    Waiver,
)
from assess.evidence import (
    Answer,
    Attestation,
    Builder,
    Check,
    Claim,
    ConfiguredProvenance,
    Dependency,
    Digest,
    Interval,
    Job,
    Note,
    Parameter,
    Permission,
    Pipeline,
    Platform,
    Process,
    Provenance,
    Release,
    Signer,
    Source,
    SourceControl,
    Step,
    Subject,
    Trigger,
    Unreadable,
)

SHA_A = "3f786850e387550fdab836ed7e6dc881de23001b0c1d4f5a6b7c8d9e0f1a2b3c"
SHA_B = "89e6c98d92887913cadf06b2adb97f26cde4849b5c6d7e8f90a1b2c3d4e5f601"
SHA_C = "2b66fd261ee5c6cfc8de7fa466bab600bcfe4f698192a3b4c5d6e7f809112233"
REPO = "https://github.com/acme/widget"
WORKFLOW = f"{REPO}/.github/workflows/release.yml@refs/tags/v1.4.0"
ISSUER = "https://token.actions.githubusercontent.com"
PROVENANCE_TYPE = "https://slsa.dev/provenance/v1"
RELEASE_YML = ".github/workflows/release.yml"
BUNDLE = "dist/widget.sigstore.json"
TAMPERED = "dist/widget-windows.intoto.jsonl"


def _rule(
    ident: str,
    level: int,
    title: str,
    role: str,
    threats: str,
    risk: str,
    remedy: str,
    *clauses: ClauseText,
    effort: str = "medium",
    snippets: tuple[tuple[str, str], ...] = (),
) -> RequirementText:
    anchor = ident.removeprefix("build.")
    reference = f"https://slsa.dev/spec/v1.2/build-requirements#{anchor}"
    letters = tuple(threats)
    return RequirementText(
        ident, "build", level, title, role, reference, risk, letters, clauses, effort, remedy, snippets
    )


EXISTS = _rule(
    "build.provenance-exists",
    1,
    "Provenance exists",
    "build-platform",
    "DF",
    "Nobody can tell how the package was built, or notice that it was built by mistake.",
    "Let the release pipeline write provenance for every file that it publishes.",
    ClauseText("generated", "must", 1, "The build describes how the package was made, identified by its digest."),
    ClauseText("complete", "should", 1, "The provenance lists what went into the build."),
)
DISTRIBUTE = _rule(
    "build.distribute-provenance",
    1,
    "Provenance is distributed",
    "producer",
    "F",
    "Consumers who cannot find the provenance cannot refuse a package that has none.",
    "Publish the provenance beside the package, where consumers look for it.",
    ClauseText(
        "available",
        "must",
        1,
        "Consumers can get the provenance of every published package.",
        question="release.provenance-published",
        ask="Is the provenance of every release published where its consumers get the release?",
        raise_it="Run the assessment against the published release, so that its attestations are looked for there.",
    ),
    effort="low",
)
AUTHENTIC = _rule(
    "build.provenance-authentic",
    2,
    "Provenance is authentic",
    "build-platform",
    "EFG",
    "Whoever can replace the package can replace its provenance too, and nobody can tell who built it.",
    "Let the platform sign the provenance, with an identity that build steps cannot use.",
    ClauseText("integrity", "must", 2, "Consumers can check that the provenance was not changed after the build."),
    ClauseText(
        "control-plane",
        "must",
        2,
        "The platform's control plane writes the provenance, not the tenant's build steps.",
        question="control-plane.generates-provenance",
        ask="Does the build platform itself, not a script of the project, write the provenance?",
    ),
    snippets=(
        (
            "github-actions",
            "permissions:\n  id-token: write\n  attestations: write\nsteps:\n"
            "  - uses: actions/attest-build-provenance@v3\n    with:\n      subject-path: dist/*\n",
        ),
        (
            "gitlab-ci",
            "build:\n  variables:\n    RUNNER_GENERATE_ARTIFACTS_METADATA: 'true'\n  id_tokens:\n"
            "    SIGSTORE_ID_TOKEN:\n      aud: sigstore\n",
        ),
    ),
)
HOSTED = _rule(
    "build.hosted",
    2,
    "The build runs on a hosted platform",
    "producer",
    "E",
    "A build on somebody's own machine can be changed by whoever holds the machine.",
    "Run every build step of the release on runners that the platform hosts.",
    ClauseText("hosted", "must", 2, "All build steps run on the platform's own infrastructure, not on a workstation."),
    effort="low",
    snippets=(("github-actions", "jobs:\n  build:\n    runs-on: ubuntu-24.04\n"),),
)
UNFORGEABLE = _rule(
    "build.provenance-unforgeable",
    3,
    "Provenance cannot be forged",
    "build-platform",
    "E",
    "A project insider, or a malicious dependency that runs in the build, can write its own provenance.",
    "Build in a reusable workflow that keeps the signing identity away from the project's build steps.",
    ClauseText(
        "secrets", "must", 3, "The secret that authenticates the provenance is out of reach of the build steps."
    ),
    ClauseText(
        "fields", "must", 3, "Every field is written or checked by the control plane.", raise_it="Ask the vendor."
    ),
    effort="high",
    snippets=(("github-actions", "jobs:\n  build:\n    uses: acme/builders/.github/workflows/build.yml@v1.2.3\n"),),
)
ISOLATED = _rule(
    "build.isolated",
    3,
    "Builds do not influence each other",
    "build-platform",
    "E",
    "One build, for instance of a pull request, can poison the cache that the release is built from.",
    "Use no cache that other runs can write in the jobs that build a release.",
    ClauseText(
        "cache",
        "must",
        3,
        "No build can change what another build takes from a cache.",
        question="build.cache-isolated",
        ask="Can a build of a pull request write to a cache that the release build reads?",
    ),
)
REQUIREMENTS = (EXISTS, DISTRIBUTE, AUTHENTIC, HOSTED, UNFORGEABLE, ISOLATED)

SIGNER = Signer(
    kind="certificate",
    identity=WORKFLOW,
    issuer=ISSUER,
    root="sigstore-public-good",
    source_repository=REPO,
    source_digest="0123456789abcdef0123456789abcdef01234567",
    source_ref="refs/tags/v1.4.0",
    build_signer=WORKFLOW,
    build_config=WORKFLOW,
    build_trigger="push",
    runner_environment="github-hosted",
    run_invocation=f"{REPO}/actions/runs/1234567/attempts/1",
    claims=(Claim("1.3.6.1.4.1.57264.1.11", "Runner Environment", "github-hosted"),),
)
CHECKS = (
    Check("open", 1, "verified", "a Sigstore bundle, version 0.3"),
    Check("signature", 2, "verified", "ECDSA P-256 over the envelope"),
    Check("time", 3, "verified", "the log promised the entry at 2026-03-01T10:00:00Z"),
    Check("sct", 5, "not-provable-offline", "the certificate log is not in the trusted root"),
    Check("subject", 9, "verified", "the digest is among the subjects", f"sha256:{SHA_A}", f"sha256:{SHA_A}"),
)
FAILED = (
    Check("open", 1, "verified", "an envelope without a bundle"),
    Check("signature", 2, "failed", "the signature does not fit the payload", "a valid signature", "another payload"),
)
AT_BUNDLE = Source(BUNDLE)
AT_TAMPERED = Source(TAMPERED, line=1)
AT_JOB = Source(RELEASE_YML, 12, 3)
AT_CACHE = Source(RELEASE_YML, 31, 9)

PROVENANCE = Provenance(
    source=AT_BUNDLE,
    predicate_type=PROVENANCE_TYPE,
    statement_type="https://in-toto.io/Statement/v1",
    subjects=(Subject("widget-linux-amd64.tar.gz", (Digest("sha256", SHA_A),), Source(BUNDLE, pointer="/subject/0")),),
    builder=Builder(WORKFLOW),
    build_type="https://actions.github.io/buildtypes/workflow/v1",
    external_parameters=(Parameter("workflow", f'{{"path":"{RELEASE_YML}","ref":"refs/tags/v1.4.0"}}'),),
    internal_parameters=(),
    resolved_dependencies=(Dependency(f"git+{REPO}@refs/tags/v1.4.0", (Digest("gitCommit", "0123456789abcdef"),)),),
    invocation_id=f"{REPO}/actions/runs/1234567/attempts/1",
    process=Process(True, "GitHub workflow", REPO, "refs/tags/v1.4.0", "0123456789abcdef", RELEASE_YML, "push", ()),
    signature="verified",
    signer=SIGNER,
    platform=Platform(Interval(2, 2), "github-attest", "GitHub Actions", "vendor claim", "https://docs.github.com/"),
    subject_secure=True,
    parameters_complete=True,
    distributed=True,
    digest=SHA_C,
    checks=CHECKS,
    notes=("the certificate names the runner of the signing job only",),
)


def _read(
    reading: Literal["demonstrated", "configured", "declared"],
    outcome: Literal["met", "unmet", "unknown"],
    reason: str,
    *seen: Observation,
) -> ReadingOutcome:
    return ReadingOutcome(reading, outcome, seen, reason)


def _clause(clause: ClauseText, *readings: ReadingOutcome) -> ClauseFinding:
    degree: Any = clause.degree
    return ClauseFinding(clause.id, degree, clause.level, readings)


NOT_ASKED = "no answers were given"
NO_RULE = "nothing configured can settle this clause"


def _declared(outcome: Literal["met", "unmet", "unknown"] = "unknown", reason: str = NOT_ASKED) -> ReadingOutcome:
    return _read("declared", outcome, reason)


def _findings(good: bool) -> tuple[Finding, ...]:
    at = AT_BUNDLE if good else AT_TAMPERED
    signed: Literal["met", "unmet"] = "met" if good else "unmet"
    found = "verified" if good else "failed"
    why = "provenance.signature is verified" if good else "the signature does not fit the payload"
    looked = Observation("provenance.signature", signed, "verified", found, at, None if good else why)
    cache = Observation("releases.shares_cache", "unmet", "false", "true", AT_CACHE, "the build job restores a cache")
    runner = Observation("releases.hosted", "met", "true", "true", AT_JOB)
    level = Observation("provenance.platform.level", "unmet", "at least 3", "L2", at)
    first = EXISTS.clauses
    return (
        Finding(
            EXISTS.id,
            (
                _clause(
                    first[0],
                    _read("demonstrated", signed, why, looked),
                    _read("configured", "met", "generated", runner),
                ),
                _clause(first[1], _read("demonstrated", "unknown", "the buildType is not recognised")),
            ),
        ),
        Finding(
            DISTRIBUTE.id,
            (
                _clause(
                    DISTRIBUTE.clauses[0],
                    _read("demonstrated", "met" if good else "unknown", "supplied by hand"),
                    _read("configured", "met", "the release publishes to GitHub"),
                    _declared("met", "answered yes (Jo Roe, 2026-02-01)"),
                ),
            ),
        ),
        Finding(
            AUTHENTIC.id,
            (
                _clause(
                    AUTHENTIC.clauses[0],
                    _read("demonstrated", signed, why, looked),
                    _read("configured", "met", "signed"),
                ),
                _clause(
                    AUTHENTIC.clauses[1],
                    _read("demonstrated", signed, why, looked),
                    _read("configured", "met", "the platform signs"),
                    _declared(),
                ),
            ),
        ),
        Finding(
            HOSTED.id,
            (
                _clause(
                    HOSTED.clauses[0],
                    _read("demonstrated", "met" if good else "unknown", why),
                    _read("configured", "met", "releases.hosted is true", runner),
                    _declared(),
                ),
            ),
        ),
        Finding(
            UNFORGEABLE.id,
            (
                _clause(
                    UNFORGEABLE.clauses[0],
                    _read("demonstrated", "unmet", "provenance.platform.level is L2, expected at least 3", level),
                    _read("configured", "unmet", "the build job may ask for the signing identity", cache),
                ),
                _clause(
                    UNFORGEABLE.clauses[1],
                    _read("demonstrated", "unknown", "not provable"),
                    _read("configured", "unknown", NO_RULE),
                ),
            ),
        ),
        Finding(
            ISOLATED.id,
            (
                _clause(
                    ISOLATED.clauses[0],
                    _read("demonstrated", "unknown", "nothing demonstrated can settle this clause"),
                    _read("configured", "unmet", "the build job restores a cache", cache),
                    _declared(),
                ),
            ),
        ),
    )


def _levels(reached: int, ceiling: int, holds: tuple[str, ...]) -> tuple[ReadingLevel, ...]:
    return (
        ReadingLevel("build", "demonstrated", Interval(reached, ceiling), holds, holds[:1]),
        ReadingLevel("build", "configured", Interval(2, 2), ("build.isolated/cache",), ("build.isolated/cache",)),
        ReadingLevel("build", "declared", Interval(0, 3), ("build.provenance-exists/generated",)),
    )


HELD_GOOD = ("build.provenance-unforgeable/secrets", "build.provenance-unforgeable/fields", "build.isolated/cache")
HELD_BAD = ("build.provenance-exists/generated", "build.distribute-provenance/available")

GOOD = SubjectAssessment(
    subject=Subject(
        "widget-linux-amd64.tar.gz",
        (Digest("sha256", SHA_A), Digest("sha512", SHA_A + SHA_B)),
        Source("dist/widget-linux-amd64.tar.gz"),
    ),
    levels=_levels(2, 2, HELD_GOOD),
    findings=_findings(good=True),
    proof=AT_BUNDLE,
    provenance=(PROVENANCE,),
    attestations=(
        Attestation(
            AT_BUNDLE,
            "provenance",
            "sigstore-bundle-0.3",
            PROVENANCE_TYPE,
            "counts",
            "matches the artifact, signed by the release workflow",
            "verified",
            SIGNER,
            PROVENANCE.subjects or (),
            CHECKS,
            SHA_C,
        ),
        Attestation(
            Source("dist/widget.spdx.sigstore.json"),
            "sbom",
            "sigstore-bundle-0.3",
            "https://spdx.dev/Document/v2.3",
            "not-provenance",
            "a bill of materials says nothing of how the artifact was built",
            "verified",
            SIGNER,
        ),
    ),
    expectations=(
        ExpectationResult("source_uri", "github.com/acme/widget", "github.com/acme/widget", "match"),
        ExpectationResult("source_tag", "v1.4.1", "v1.4.0", "mismatch", "the certificate and the predicate agree"),
    ),
)
BAD = SubjectAssessment(
    subject=Subject("widget-windows-amd64.zip", (Digest("sha256", SHA_B),), Source("dist/widget-windows-amd64.zip")),
    levels=_levels(0, 0, HELD_BAD),
    findings=_findings(good=False),
    attestations=(
        Attestation(
            AT_TAMPERED,
            "provenance",
            "dsse",
            PROVENANCE_TYPE,
            "rejected",
            "the signature does not verify",
            "failed",
            checks=FAILED,
            digest=SHA_B,
        ),
    ),
    expectations=(ExpectationResult("source_uri", "github.com/acme/widget", "", "unknown"),),
)
PIPELINE = Pipeline(
    source=Source(RELEASE_YML, 1),
    system="github-actions",
    name="Release",
    understood="partly",
    triggers=(
        Trigger(Source(RELEASE_YML, 3), "push", "maintainer"),
        Trigger(Source(RELEASE_YML, 5), "workflow_dispatch", "maintainer"),
    ),
    jobs=(
        Job(
            source=AT_JOB,
            id="build",
            runner="hosted",
            runner_label="ubuntu-24.04",
            permissions=(Permission("id-token", "write"), Permission("contents", "read")),
            steps=(Step(AT_CACHE, uses="actions/cache@v4", pinned="tag", does=("cache",)),),
            builds=True,
            can_sign=True,
            caches=True,
        ),
        Job(source=Source(RELEASE_YML, 40, 3), id="publish", needs=("build",), publishes=True),
    ),
    notes=(Note(Source(RELEASE_YML, 22), "the matrix comes from an expression that is not known before the run"),),
)
RELEASE = Release(
    source=Source(RELEASE_YML, 40),
    pipeline="Release",
    system="github-actions",
    jobs=("build", "publish"),
    publishes_to=("github-release",),
    provenance=ConfiguredProvenance(
        True, True, True, False, False, False, True, "actions/attest-build-provenance", Interval(2, 2)
    ),
    hosted=True,
    isolated=False,
    shares_cache=True,
    runs_untrusted_code=False,
    scripted=True,
    unpinned=("actions/cache@v4",),
    notes=(Note(AT_CACHE, "other runs can write this cache"),),
)


AUDITS = (
    AuditText(
        "audit.cache-poisoning",
        4,
        "The release restores a cache that other runs can write",
        "What another run has written becomes part of the release.",
        "low",
        "Remove caches from jobs that build or publish a release.",
        (("github-actions", "- uses: actions/setup-node@v6\n  with:\n    package-manager-cache: false\n"),),
    ),
    AuditText("audit.wide-trigger", 15, "More can start a release", "Nobody has reviewed it.", "", "Use tags.", ()),
)
AUDITED = (
    AuditFinding(
        "audit.cache-poisoning",
        "restored",
        "the job restores a cache that other runs can write",
        "found",
        ("build.isolated/cache",),
        ("build.isolated/isolated",),
        (
            AuditPlace(Source(RELEASE_YML, 41), "cache.written_by_others false", "actions/cache: it is true", "build"),
            AuditPlace(Source(RELEASE_YML, 41), "nothing for zizmor/cache-poisoning", "a cache", None, "zizmor 1.32.0"),
        ),
        3,
    ),
    AuditFinding("audit.cache-poisoning", "shared", "another job writes it", "unknown", ("build.isolated/cache",)),
    AuditFinding(
        "audit.wide-trigger",
        "any-ref",
        "the release starts from any branch",
        "found",
        (),
        ("build.consistent-process/stable",),
        (AuditPlace(Source(RELEASE_YML, 3), "any_ref false", "push: any_ref is true"),),
        1,
    ),
)
CONFIGURED = (
    PipelineLevel(
        RELEASE_YML,
        "github-actions",
        Source(RELEASE_YML, 1),
        Interval(2, 3),
        Interval(2, 2),
        "configured for up to Build L2, perhaps L3; not demonstrated",
        "configured for up to Build L2; not demonstrated",
        (("apart", False), ("signs_alone", None), ("hosted_guard", True)),
        (
            Raise(
                "build.isolated/cache",
                3,
                "unmet",
                "audit.cache-poisoning/restored: the job restores a cache",
                "Remove caches from jobs that build or publish a release.",
                (Source(RELEASE_YML, 41),),
            ),
        ),
    ),
)


STEPS_UP = (
    StepUp(
        "github-actions",
        "Attest what the release publishes",
        0,
        2,
        "low",
        "GitHub signs it.",
        "--- a/release.yml\n+++ b/release.yml\n@@ -1 +1,2 @@\n jobs:\n+  attest: {}\n",
    ),
    StepUp("jenkins", "Sign where the project's jobs cannot reach", 1, 2, "high", "No file can do it."),
)


def rich() -> Assessment:
    """Two artifacts, one at L2 by a vendor's claim and one whose signature fails, with something in every section."""
    return Assessment(
        schema_version="1",
        tool_version="0.1.0",
        time="2026-03-02T08:30:00Z",
        project="acme/widget",
        spec="1.2",
        trust_profile="vendor",
        levels=_levels(0, 0, HELD_BAD),
        subjects=(GOOD, BAD),
        requirements=REQUIREMENTS,
        verdict=Verdict(
            False,
            "FAILED: Build L0 (minimum L2); widget-linux-amd64.tar.gz: source_tag expected v1.4.1, found v1.4.0",
            (
                "widget-windows-amd64.zip: Build L0 demonstrated, minimum L2",
                "widget-linux-amd64.tar.gz: source_tag expected v1.4.1, found v1.4.0",
            ),
        ),
        pipelines=(PIPELINE,),
        releases=(RELEASE,),
        source_controls=(
            SourceControl(
                Source(".github/rulesets/main.json", 1),
                "ruleset",
                "github",
                "branch",
                ("~DEFAULT_BRANCH",),
                True,
                ("no-deletion", "no-force-push", "review"),
                1,
                ("RepositoryRole 5 (always)",),
                True,
                ("continuity",),
                (Note(Source(".github/rulesets/main.json", 1), "1 may pass it by <b>"),),
            ),
        ),
        answers=(Answer("release.provenance-published", True, Source("answers.yaml", 3), "Jo Roe", "2026-02-01"),),
        contradictions=(
            Contradiction(
                "build.provenance-authentic",
                "integrity",
                "configured as met (signed), yet demonstrated as unmet: the signature does not fit the payload",
                ("configured", "demonstrated"),
                (Source(RELEASE_YML, 52), AT_TAMPERED),
                "widget-windows-amd64.zip",
            ),
        ),
        notices=(
            Notice("info", "An image signature is not provenance.", Source("dist/image.sig")),
            Notice("warning", "A workflow can be started by hand, and its inputs are not in the provenance.", AT_JOB),
            Notice(
                "critical",
                "A signature does not verify: the attestation is worth nothing.",
                AT_TAMPERED,
                "widget-windows-amd64.zip",
                "Find out who replaced the file before you publish anything else.",
            ),
        ),
        unreadable=(
            Unreadable(Source("dist/old.intoto.jsonl"), "not valid JSON: unterminated string", False),
            Unreadable(Source(".gitlab-ci.yml", 14), "a template of another project is included", True),
        ),
        not_checked=(NotChecked("whether the workflow run succeeded (this needs the network)", AT_BUNDLE),),
        waivers=(
            Waiver("build.isolated", "cache", "the cache goes away with the new builder", "Jo Roe", "2026-06-30"),
            Waiver("build.hosted", None, "one runner is in our own data centre", "Jo Roe", "2026-01-31", True),
        ),
        inputs=(
            Input("artifact", "dist/widget-linux-amd64.tar.gz", SHA_A),
            Input("attestation", BUNDLE, SHA_C),
            Input("pipeline", RELEASE_YML, SHA_B),
            Input("trusted-root", "trusted_root.json", SHA_A),
        ),
        rule_pack=SHA_B,
        roots=("sigstore-public-good, 2026-01-15, sha256:" + SHA_A,),
        audits=AUDITS,
        audited=AUDITED,
        configured=CONFIGURED,
        steps_up=STEPS_UP,
    )


def simple() -> Assessment:
    """One artifact at L2, no pipeline read, nothing wrong: must fit one screen."""
    return replace(
        rich(),
        levels=GOOD.levels,
        subjects=(replace(GOOD, expectations=()),),
        verdict=Verdict(True, "PASSED: Build L2 (minimum L2)"),
        audits=(),
        audited=None,
        configured=(),
        steps_up=(),
        contradictions=(),
        notices=(),
        unreadable=(),
        waivers=(),
    )


def pipelines_only() -> Assessment:
    """No artifact was given: the demonstrated level is L0 (at most L3), the configured one leads."""
    nobody = "no attestation was given for this subject"
    findings = tuple(
        replace(
            finding,
            clauses=tuple(
                replace(
                    clause,
                    readings=tuple(
                        _read("demonstrated", "unknown", nobody) if one.reading == "demonstrated" else one
                        for one in clause.readings
                    ),
                )
                for clause in finding.clauses
            ),
        )
        for finding in GOOD.findings
    )
    levels = _levels(0, 3, HELD_BAD)
    return replace(simple(), levels=levels, subjects=(SubjectAssessment(Subject("acme/widget", ()), levels, findings),))


def empty() -> Assessment:
    """Nothing at all, in every collection."""
    return Assessment("1", "0.1.0", "2026-03-02T08:30:00Z", "nothing", "1.2", "strict", (), (), (), Verdict(True, ""))


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</style><script>alert(2)</script>",
    "](javascript:alert(1))",
    '[click](javascript:alert(1) "x")',
    "![pixel](https://evil.example/p.png)",
    "<https://evil.example/a>",
    "https://evil.example/b www.evil.example",
    "javascript:alert(1)",
    "| a | b |",
    "x | y\n|---|---|\n| z |",
    "`code` ``more`` ```fence",
    "```\n<b>out of the fence</b>\n```",
    "\x1b[31mred\x1b[0m\x1b]0;title\x07",
    "safe\u202egnp.exe\u2066\u200b\ufeff",
    "line\nbreak\r\n# heading\n- item\n> quote\n\n    code",
    "# heading",
    "1. item",
    "- item",
    "===",
    "---",
    "{{7*7}} {% for x in y %} ${7*7} <%= 7 %>",
    "*bold* _em_ ~~strike~~ [^1] :smile: $x$ &lt; &amp; \\",
    "@everyone someone@evil.example a|b@c #1",
    "[ref]: https://evil.example",
    "<!-- comment --> <![CDATA[x]]> <?php x ?>",
    "a\x00b\x85c\u2028d\x9be",
    "trailing backslash \\",
    "x" * 5000,
    "",
    "'; rm -rf / #",
    '$(id) `id` "; id',
    "--option",
)


def hostile(assessment: Assessment, offset: int = 0, *, words: bool = False) -> Assessment:
    """`assessment` with every `str` replaced, in turn, by the strings of HOSTILE from `offset` on.

    With `words` also the fields that are a choice of words (Literal), which only a forged file could hold.
    """
    changed = _hostile(assessment, Assessment, itertools.cycle((*HOSTILE[offset:], *HOSTILE[:offset])), words)
    assert isinstance(changed, Assessment)
    return changed


def numbered(assessment: Assessment, strings: tuple[str, ...]) -> Assessment:
    """`assessment` with every `str` replaced by one of `strings` and a number, so that no two are equal."""
    counted = (f"{text}{number}" for number, text in enumerate(itertools.cycle(strings)))
    changed = _hostile(assessment, Assessment, counted, False)
    assert isinstance(changed, Assessment)
    return changed


def _hostile(value: Any, kind: Any, strings: Iterator[str], words: bool) -> Any:
    if value is None:
        return None
    if is_dataclass(value) and not isinstance(value, type):
        hints = get_type_hints(type(value))
        changed = {
            one.name: _hostile(getattr(value, one.name), hints[one.name], strings, words)
            for one in fields(value)
            if (type(value).__name__, one.name) != ("Assessment", "schema_version")
        }
        return replace(value, **changed)
    if isinstance(value, tuple):
        kinds = get_args(_plain(kind))
        each = kinds[0] if len(kinds) == 2 and kinds[1] is Ellipsis else None
        return tuple(_hostile(item, each or kinds[index], strings, words) for index, item in enumerate(value))
    if isinstance(value, str):
        choice = get_origin(_plain(kind)) is Literal
        return next(strings) if words or not choice else value
    return value


def _plain(kind: Any) -> Any:
    if get_origin(kind) in (Union, types.UnionType):
        return next(one for one in get_args(kind) if one is not type(None))
    return kind


def texts(value: Any) -> Iterator[str]:
    """Every string in `value`, at any depth."""
    if is_dataclass(value) and not isinstance(value, type):
        for one in fields(value):
            yield from texts(getattr(value, one.name))
    elif isinstance(value, tuple):
        for item in value:
            yield from texts(item)
    elif isinstance(value, str):
        yield value
