"""The target `vsa[=FILE]` of `check`: our decision as a verification summary, beside the reports."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assess.cli._common import out, say

if TYPE_CHECKING:
    from assess.assessment import Assessment
    from assess.plan import Plan

CheckFormats = Annotated[
    list[str] | None,
    typer.Option(
        "-f",
        "--format",
        metavar="NAME[=FILE]",
        help="terminal, json, markdown, html, vsa; repeatable, stdout without FILE.",
    ),
]
VsaVerifier = Annotated[
    str | None, typer.Option("--vsa-verifier-id", metavar="URI", help="For -f vsa: who runs this and holds the key.")
]
VsaResource = Annotated[
    str | None,
    typer.Option("--vsa-resource-uri", metavar="URI", help="For -f vsa: where consumers fetch the artifact."),
]
VsaKey = Annotated[
    str | None,
    typer.Option(
        "--vsa-key",
        metavar="FILE|URI",
        help="For -f vsa: PEM private key, ECDSA or Ed25519; or gcpkms:, awskms:, azurekms:, hv: and its name.",
    ),
]
VsaPublicKey = Annotated[
    Path | None,
    typer.Option("--vsa-public-key", metavar="FILE", help="For -f vsa: PEM public key of the key that a URI names."),
]
VsaKeyless = Annotated[
    bool, typer.Option("--vsa-keyless", help="For -f vsa: sign through Sigstore with the identity of this CI job.")
]
VsaTrustConfig = Annotated[
    Path | None,
    typer.Option("--vsa-trust-config", metavar="FILE", help="For --vsa-keyless: another Sigstore than the public one."),
]
VsaUnsigned = Annotated[
    bool, typer.Option("--vsa-unsigned", help="For -f vsa: write a bare statement, which is not a VSA.")
]
VsaCompat = Annotated[
    str | None,
    typer.Option("--vsa-compat", metavar="slsa-verifier", help="For -f vsa: leave out what its parser rejects."),
]


def split_vsa(formats: list[str] | None) -> tuple[list[str], tuple[Path | None, ...]]:
    """The other formats, and the files of the `vsa` targets (None: standard output). Usage error for a second one."""
    rest = [text for text in formats or () if text.partition("=")[0] != "vsa"]
    targets = tuple(
        Path(file) if (file := text.partition("=")[2]) else None
        for text in formats or ()
        if text.partition("=")[0] == "vsa"
    )
    if len(targets) > 1:
        raise typer.BadParameter("vsa is written once")
    if None in targets and any("=" not in text for text in rest):
        raise typer.BadParameter("only one format can go to standard output; give the others a file: NAME=FILE")
    return rest, targets


def write_summaries(assessment: Assessment, plan: Plan, targets: tuple[Path | None, ...]) -> None:
    """Make the summaries and write them; the policy that they name by its hash goes beside the file."""
    if not targets:
        return
    from assess.files import write_files
    from assess.vsa import summarise

    made = summarise(assessment, plan.vsa, plan.gate.minimum)
    for file in targets:
        if file is None:
            out(made.text)
        else:
            policy = file.with_name(f"{file.name}.policy.json")
            write_files(((policy, made.policy.decode()), (file, made.text)))
    if not made.signed:
        say("unsigned statement - not a VSA")
