"""`check`, the main job, and `evidence`, its first half."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assess.cli._common import (
    Debug,
    NoColor,
    Quiet,
    Time,
    Verbose,
    conclude,
    out,
    parse_formats,
    parse_time,
    read_stdin,
    refuse_inputs,
    write_reports,
)
from assess.cli._registry import AuthFile, Mirrors, PlainHttp, RegistryCa
from assess.cli._vsa import (
    CheckFormats,
    VsaCompat,
    VsaKey,
    VsaKeyless,
    VsaPublicKey,
    VsaResource,
    VsaTrustConfig,
    VsaUnsigned,
    VsaVerifier,
    split_vsa,
    write_summaries,
)

if TYPE_CHECKING:
    from assess.plan import Plan

# `readable=False` leaves it to the one place that opens files to say that one cannot be read, with its exit code.
Project = Annotated[
    Path,
    typer.Argument(
        metavar="PATH", help="Folder of the project, or its project file.", show_default=False, readable=False
    ),
]
Artifacts = Annotated[
    list[str] | None,
    typer.Option("--artifact", metavar="FILE|sha256:HEX", help="What the level is asked for; repeatable."),
]
Images = Annotated[
    list[str] | None,
    typer.Option(
        "--image", metavar="REF", help="Container image that the level is asked for, with what hangs on it; repeatable."
    ),
]
Platform = Annotated[
    str | None, typer.Option("--platform", metavar="OS/ARCH", help="Only this platform of an index: linux/amd64.")
]
Attestations = Annotated[
    list[str] | None,
    typer.Option("-a", "--attestation", metavar="FILE", help="Attestation or bundle; repeatable; - is standard input."),
]
Answers = Annotated[
    list[Path] | None,
    typer.Option("--answers", metavar="FILE", help="Answers of named persons (YAML).", readable=False),
]
SourceUri = Annotated[str | None, typer.Option("--source-uri", help="Expected repository: github.com/owner/name.")]
SourceTag = Annotated[str | None, typer.Option("--source-tag", help="Expected tag, exactly.")]
SourceBranch = Annotated[str | None, typer.Option("--source-branch", help="Expected branch.")]
SourceVersionedTag = Annotated[
    str | None, typer.Option("--source-versioned-tag", help="Expected version line: v1, v1.2 or v1.2.3.")
]
BuilderId = Annotated[str | None, typer.Option("--builder-id", help="Expected builder.id, with or without @version.")]
WorkflowPath = Annotated[
    str | None, typer.Option("--workflow-path", help="Expected workflow: .github/workflows/release.yml.")
]
Trigger = Annotated[str | None, typer.Option("--trigger", help="Expected event that started the build: push, release.")]
WorkflowInputs = Annotated[
    list[str] | None,
    typer.Option("--build-workflow-input", metavar="KEY=VALUE", help="Expected workflow_dispatch input; repeatable."),
]
PackageName = Annotated[str | None, typer.Option("--package-name", help="Expected package name.")]
PackageVersion = Annotated[str | None, typer.Option("--package-version", help="Expected package version.")]
LockFile = Annotated[
    Path | None,
    typer.Option("--lock", metavar="FILE", help="What `expect` learned; else slsa-expectations.lock of the folder."),
]
Identity = Annotated[str | None, typer.Option("--certificate-identity", help="Identity the signer must have.")]
IdentityRegexp = Annotated[
    str | None, typer.Option("--certificate-identity-regexp", help="Pattern of it; always matched as a whole.")
]
Issuer = Annotated[str | None, typer.Option("--certificate-oidc-issuer", help="OIDC issuer the signer must have.")]
Keys = Annotated[
    list[Path] | None, typer.Option("--key", metavar="FILE", help="PEM public key; repeatable.", readable=False)
]
TrustedRoot = Annotated[
    Path | None,
    typer.Option(
        "--trusted-root", metavar="FILE", help="Sigstore trusted_root.json instead of the public one.", readable=False
    ),
]
Platforms = Annotated[
    list[Path] | None,
    typer.Option("--platforms", metavar="FILE", help="More recognised build platforms (YAML).", readable=False),
]
Profile = Annotated[
    str | None,
    typer.Option("--trust-profile", metavar="vendor|strict", help="Take platforms' published claims, or the letter."),
]
MinLevel = Annotated[
    list[str] | None,
    typer.Option("--min-level", metavar="[TRACK=]N", help="Fail below it: 2 or build=2; repeatable per track."),
]
Accept = Annotated[
    list[str] | None,
    typer.Option("--accept", metavar="configured|declared", help="Let this reading open the gate too; repeatable."),
]
Rules = Annotated[
    list[Path] | None,
    typer.Option("--rules", metavar="DIR", help="Folder with more rules; repeatable.", readable=False),
]
Sarif = Annotated[
    list[Path] | None,
    typer.Option(
        "--import-sarif",
        metavar="FILE",
        help="Findings of zizmor or poutine (SARIF) to hold against the configured level; repeatable.",
        readable=False,
    ),
]
Spec = Annotated[str | None, typer.Option("--spec", metavar="VERSION", help="SLSA version: 1.0, 1.1 or 1.2.")]
Offline = Annotated[
    bool,
    typer.Option(
        "--offline", help="Use no network, which is the default but for images in registries: those are refused then."
    ),
]
Online = Annotated[
    bool, typer.Option("--online", help="Ask the transparency log for the entry of an attestation that lacks one.")
]
RekorUrl = Annotated[
    str | None, typer.Option("--rekor-url", metavar="URL", help="The log to ask, instead of the trusted root's.")
]


# Longer than 50 lines for its parameters alone: they are the command line.
def check(
    path: Project = Path(),
    artifact: Artifacts = None,
    image: Images = None,
    platform: Platform = None,
    attestation: Attestations = None,
    answers: Answers = None,
    source_uri: SourceUri = None,
    source_tag: SourceTag = None,
    source_branch: SourceBranch = None,
    source_versioned_tag: SourceVersionedTag = None,
    builder_id: BuilderId = None,
    workflow_path: WorkflowPath = None,
    trigger: Trigger = None,
    build_workflow_input: WorkflowInputs = None,
    package_name: PackageName = None,
    package_version: PackageVersion = None,
    lock: LockFile = None,
    certificate_identity: Identity = None,
    certificate_identity_regexp: IdentityRegexp = None,
    certificate_oidc_issuer: Issuer = None,
    key: Keys = None,
    trusted_root: TrustedRoot = None,
    platforms: Platforms = None,
    trust_profile: Profile = None,
    min_level: MinLevel = None,
    accept: Accept = None,
    rules: Rules = None,
    import_sarif: Sarif = None,
    spec: Spec = None,
    format: CheckFormats = None,
    vsa_verifier_id: VsaVerifier = None,
    vsa_resource_uri: VsaResource = None,
    vsa_key: VsaKey = None,
    vsa_public_key: VsaPublicKey = None,
    vsa_keyless: VsaKeyless = False,
    vsa_trust_config: VsaTrustConfig = None,
    vsa_unsigned: VsaUnsigned = False,
    vsa_compat: VsaCompat = None,
    plain_http: PlainHttp = None,
    registry_ca: RegistryCa = None,
    mirror: Mirrors = None,
    auth_file: AuthFile = None,
    time: Time = None,
    online: Online = False,
    rekor_url: RekorUrl = None,
    offline: Offline = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    no_color: NoColor = False,
    debug: Debug = False,
) -> None:
    """Assess a project: read it, judge it, report, and fail below a minimum level.

    Without options it reads slsa-assess.yaml and the pipelines of the folder. Flags override the file.
    The level is the demonstrated one; pipelines only suggest or contradict. With --online nothing but digests is sent.
    """
    from assess.assessing import assess
    from assess.cli._plan import files_of
    from assess.vsa import check_plan

    others, summaries = split_vsa(format)
    targets = parse_formats(others, quiet or bool(summaries))
    plan = plan_of(locals())
    refuse_inputs(targets, files_of(plan))
    if summaries:
        check_plan(plan.vsa)
    assessment = assess(plan)
    write_reports(assessment, targets, no_color, verbose)
    write_summaries(assessment, plan, summaries)
    conclude(assessment, quiet)


def evidence(
    path: Project = Path(),
    artifact: Artifacts = None,
    image: Images = None,
    platform: Platform = None,
    attestation: Attestations = None,
    answers: Answers = None,
    plain_http: PlainHttp = None,
    registry_ca: RegistryCa = None,
    mirror: Mirrors = None,
    auth_file: AuthFile = None,
    key: Keys = None,
    trusted_root: TrustedRoot = None,
    platforms: Platforms = None,
    debug: Debug = False,
) -> None:
    """Read a project and print the evidence as JSON; nothing is judged."""
    import json
    from dataclasses import asdict

    from assess.assessing import gather

    gathered = gather(plan_of(locals()))
    rows = [{"subject": asdict(one.subject), "evidence": asdict(one.evidence)} for one in gathered.subjects]
    out(json.dumps(rows, indent=2) + "\n")


def plan_of(flags: dict[str, Any]) -> Plan:
    """The plan: the project file's, overridden by the flags that were given."""
    from assess.cli._plan import plan_from

    attestations = flags.get("attestation") or []
    time = parse_time(flags.get("time"))
    return plan_from(flags, read_stdin() if "-" in attestations else b"", time)
