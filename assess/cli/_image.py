"""`image`: the checks on container images: what hangs there, who signed, what it proves for SLSA. No level."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assess.cli._check import Identity, IdentityRegexp, Issuer, Keys, TrustedRoot
from assess.cli._common import Debug, Quiet, Verbose, out, read_stdin, say
from assess.cli._registry import AuthFile, Mirrors, PlainHttp, RegistryCa, image_options
from assess.errors import Exit

if TYPE_CHECKING:
    from assess.examine import Trust
    from assess.image_batch import Answer
    from assess.image_check import Asked
    from assess.images.kubernetes import Manifests

References = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="REF...",
        help="registry.example/app:1.0, app@sha256:..., oci:DIR, oci-archive:FILE.",
        show_default=False,
    ),
]
ImagesFrom = Annotated[
    list[str] | None,
    typer.Option("--images-from", metavar="FILE", help="Images, one a line; repeatable; - is standard input."),
]
Kubernetes = Annotated[
    list[str] | None,
    typer.Option(
        "-k8s", "--k8s", metavar="FILE|DIR", help="Images of Kubernetes manifests; repeatable; - is standard input."
    ),
]
IssuerRegexp = Annotated[
    str | None, typer.Option("--certificate-oidc-issuer-regexp", help="Pattern of it; always matched as a whole.")
]
Annotations = Annotated[
    list[str] | None,
    typer.Option("-a", "--annotations", metavar="KEY=VALUE", help="What the signer must have written; repeatable."),
]
Type = Annotated[
    str | None,
    typer.Option("--type", metavar="NAME|URI", help="Ask for an attestation of this type: slsaprovenance1, spdx, ..."),
]
Platform = Annotated[
    str | None, typer.Option("--platform", metavar="OS/ARCH", help="Only this platform of an index: linux/amd64.")
]
Format = Annotated[str, typer.Option("-f", "--format", metavar="text|json", help="How to print the checks.")]
Offline = Annotated[bool, typer.Option("--offline", help="Ask no registry: layouts and archives only.")]


# Longer than 50 lines for its parameters alone: they are the command line.
def image(
    references: References = None,
    images_from: ImagesFrom = None,
    k8s: Kubernetes = None,
    key: Keys = None,
    certificate_identity: Identity = None,
    certificate_identity_regexp: IdentityRegexp = None,
    certificate_oidc_issuer: Issuer = None,
    certificate_oidc_issuer_regexp: IssuerRegexp = None,
    annotations: Annotations = None,
    type: Type = None,
    platform: Platform = None,
    trusted_root: TrustedRoot = None,
    plain_http: PlainHttp = None,
    registry_ca: RegistryCa = None,
    mirror: Mirrors = None,
    auth_file: AuthFile = None,
    format: Format = "text",
    offline: Offline = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Check container images: what hangs there, who signed it, and what it proves for SLSA.

    Exit code 0: every image has a signature (with --type: an attestation) by the key or identity that was named.
    1: one has not, or nobody was named. No level is given: that is what `check --image` does.
    """
    if format not in ("text", "json"):
        raise typer.BadParameter(f"no such format {format!r} (one of text, json)")
    flags = locals()
    asked, trust = _asked(flags), _trust(flags)
    named, manifests = _named(references or [], images_from or [], k8s or [])
    from assess.cli._progress import progress_bar
    from assess.image_batch import check_images

    with progress_bar("images", quiet) as progress:
        answers = check_images(named, image_options(flags), trust, asked, progress)
    _print(answers, manifests, format, quiet, verbose)
    raise typer.Exit(_conclude(answers, manifests, quiet))


def _asked(flags: dict[str, Any]) -> Asked:
    from assess.image_check import TYPES, Asked

    pairs = flags["annotations"] or []
    for text in pairs:
        if "=" not in text or text.startswith("="):
            raise typer.BadParameter(f"--annotations takes KEY=VALUE (got {text!r})")
    kind = flags["type"]
    if kind is not None and kind not in TYPES and ":" not in kind and "/" not in kind:
        raise typer.BadParameter(f"--type takes one of {', '.join(TYPES)}, or a URI (got {kind!r})")
    if kind is not None and pairs:
        raise typer.BadParameter("--annotations goes with signatures, not with --type")
    return Asked(
        TYPES.get(kind, kind) if kind is not None else None,
        tuple((text.partition("=")[0], text.partition("=")[2]) for text in pairs),
        flags["platform"],
    )


def _trust(flags: dict[str, Any]) -> Trust:
    """Whom to expect; a key or an identity, and an issuer only with an identity."""
    from assess.cli._plan import plan_from
    from assess.image_check import for_images
    from assess.trusted import load_trust

    names = ("certificate_identity", "certificate_identity_regexp")
    issuers = ("certificate_oidc_issuer", "certificate_oidc_issuer_regexp")
    identity = any(flags[name] for name in names)
    if flags["key"] and (identity or any(flags[name] for name in issuers)):
        raise typer.BadParameter("--key and --certificate-identity ask for different signatures: give one of them")
    if any(flags[name] for name in issuers) and not identity:
        raise typer.BadParameter("an issuer speaks for everybody whom it knows: give --certificate-identity too")
    plan = plan_from({**flags, "path": Path(), "use_file": False}, b"", "1970-01-01T00:00:00Z")
    trust, _, _ = load_trust(plan)
    if flags["certificate_oidc_issuer_regexp"] and trust.identity is not None:
        policy = replace(trust.identity, issuer_regexp=flags["certificate_oidc_issuer_regexp"])
        trust = replace(trust, identity=policy)
    return for_images(trust)


def _named(references: list[str], files: list[str], k8s: list[str]) -> tuple[tuple[str, ...], Manifests | None]:
    """Every image that was named, in order, and the manifests that named some of them."""
    from assess.files import OWN_LIMIT, read_file
    from assess.images.kubernetes import merged, read_list, read_manifests, read_path

    if [*files, *k8s].count("-") > 1:
        raise typer.BadParameter("standard input can be read once only")
    found = list(references)
    for name in files:
        if name == "-":
            found += read_list(read_stdin(), "standard input")
        else:
            found += read_list(read_file(Path(name), OWN_LIMIT, "list of images"), name)
    manifests = None
    if k8s:
        read = [read_manifests(read_stdin(), "standard input") if n == "-" else read_path(Path(n)) for n in k8s]
        manifests = merged(read)
        found += [use.image for use in manifests.uses]
    if not found and manifests is None:
        raise typer.BadParameter("no image was named: give REF, --images-from FILE or -k8s FILE")
    return tuple(dict.fromkeys(found)), manifests


def _print(answers: tuple[Answer, ...], manifests: Manifests | None, format: str, quiet: bool, verbose: bool) -> None:
    if format == "json":
        import json

        from assess.cli._image_text import as_rows

        out(json.dumps(as_rows(answers, manifests), indent=2) + "\n")
    elif not quiet:
        from assess.cli._image_text import as_text

        out(as_text(answers, manifests, verbose))


def _expecting(told: dict[str, Any]) -> str:
    """The flags that ask for who signed, for whoever finds that it is the right one."""
    import shlex

    signer: dict[str, Any] = next((one["signer"] for one in told["attached"] if one["holds"] and one["signer"]), {})
    flags = ["--certificate-identity", signer.get("identity", "IDENTITY")]
    flags += ["--certificate-oidc-issuer", signer.get("issuer", "ISSUER")]
    return shlex.join(flags)


def _conclude(answers: tuple[Answer, ...], manifests: Manifests | None, quiet: bool) -> Exit:
    """The verdict's line, and the exit code."""
    from assess.cli._common import show_error
    from assess.cli._image_text import WORDS, summary

    if len(answers) == 1 and manifests is None:
        only = answers[0]
        if only.error is not None:
            show_error(only.error)
            return only.error.exit_code
        told = only.told or {}
        if not quiet:
            say(f"{WORDS[told['verdict']]}: {told['name']}: {told['reason']}")
            if told["verdict"] == "nobody-expected":
                say(f"hint: name whom you expect, with --key or as in {_expecting(told)}")
        return Exit.OK if told["verdict"] == "verified" else Exit.GATE
    if not quiet:
        say(summary(answers, manifests))
    unverified = [one for one in answers if one.told is not None and one.told["verdict"] != "verified"]
    if unverified or (manifests is not None and manifests.unreadable):
        return Exit.GATE
    errors = [one.error for one in answers if one.error is not None]
    if errors:
        return errors[0].exit_code
    return Exit.OK if answers else Exit.NO_INPUT
