"""Tools that sign, attest and verify: cosign, notation, gpg, witness, in-toto, with the kind of their key."""

from __future__ import annotations

import re
from collections.abc import Mapping

from assess.evidence import Interval, Source
from assess.pipelines._facts import Act, Does, Offer
from assess.pipelines._flags import by_digest, flag, flags, off, on, positional
from assess.pipelines._images import CONTAINER

PUBLISH_NOTE = "a PyPI publish attestation says who published; it is not provenance"
WITNESS = Offer(
    "witness", Interval(0, 2), generated=None, authored_by_tenant=None,
    note="witness writes an attestation collection; SLSA provenance only if its slsa attestor is on",
)  # fmt: skip
IN_TOTO = Offer(
    "in-toto link", Interval(0, 1), generated=None, signed=True, authored_by_tenant=True,
    note="in-toto link metadata is not SLSA provenance",
)  # fmt: skip

_SLSA_TYPE = re.compile(r"slsaprovenance(?:02|1)?\Z|https://slsa\.dev/provenance(?:/|\Z)")
_SBOM_TYPES = frozenset({"spdx", "spdxjson", "cyclonedx"})
_MANAGED = re.compile(r"(?:awskms|gcpkms|azurekms|hashivault|kms|pkcs11):", re.IGNORECASE)
_VALUES = frozenset(
    {
        "--key", "--type", "--predicate", "--bundle", "--output-signature", "--output-certificate", "--certificate",
        "--output-file", "--output", "-a", "--annotations", "--identity-token", "--oidc-issuer", "--fulcio-url",
        "--rekor-url", "--attachment", "--signature", "--payload", "-d", "--registry-referrers-mode", "--statement",
        "--timestamp-server-url", "--oidc-provider", "--oidc-client-id", "--sign-container-identity", "--hash",
        "--output-attestation", "--certificate-chain", "--registry-username", "--registry-password", "-t",
    }
)  # fmt: skip


def cosign(words: tuple[str, ...], place: Source, variables: Mapping[str, str]) -> tuple[Act, ...]:
    """cosign sign, sign-blob, attest, attest-blob, verify*, copy, upload, import, generate-key-pair."""
    plain = positional(words, _VALUES)
    verb = next(iter(plain), "")
    match verb:
        case "sign" | "sign-blob":
            return _cosign_sign(verb, words, plain, place, variables)
        case "attest" | "attest-blob":
            return _cosign_attest(verb, words, plain, place, variables)
        case "verify" | "verify-blob" | "verify-attestation" | "verify-blob-attestation" | "dockerfile" | "manifest":
            return (Act("verify", f"cosign {verb}", place),)
        case "copy" | "upload":
            return (Act("publish", f"cosign {verb}", place, CONTAINER),)
        case "import-key-pair" | "generate-key-pair":
            return (Act("key", f"cosign {verb}", place),)
        case _:
            return ()


def _key(
    verb: str, words: tuple[str, ...], place: Source, variables: Mapping[str, str]
) -> tuple[str | None, tuple[Act, ...]]:
    """The key that signs (None: keyless), and an act where it is a long-lived one within the job's reach."""
    key = flag(words, "--key") or variables.get("COSIGN_KEY")
    if key is None or on(words, "--sk") or _MANAGED.match(key):
        return key, ()
    kind = key.partition("://")[0] if "://" in key else "file"
    where = {"env": "an environment variable", "k8s": "a Kubernetes secret", "gitlab": "a GitLab variable"}.get(
        kind, "a file"
    )
    return key, (Act("key", f"cosign {verb}", place, note=f"signs with a key in {where}"),)


def _weakened(words: tuple[str, ...]) -> str | None:
    """What the flags take away from a signature."""
    taken = []
    if off(words, "--tlog-upload") or on(words, "--insecure-ignore-tlog") or off(words, "--rekor-url"):
        taken.append("no entry in the transparency log")
    if off(words, "--upload") or on(words, "--no-upload"):
        taken.append("not uploaded beside the image")
    if on(words, "--allow-insecure-registry", "--allow-http-registry"):
        taken.append("an insecure registry is allowed")
    return "; ".join(taken) or None


def _image(plain: tuple[str, ...]) -> str | None:
    return plain[1] if len(plain) > 1 else None


def _tag_subject(verb: str, image: str | None, place: Source) -> tuple[Act, ...]:
    """An image that is signed by its tag: what the tag names may have changed since it was built."""
    if image is None or by_digest(image) is not False:
        return ()
    note = f"`cosign {verb}` names the image by a tag, which may point elsewhere by then"
    return (Act("tag-subject", f"cosign {verb}", place, note=note),)


def _cosign_sign(
    verb: str, words: tuple[str, ...], plain: tuple[str, ...], place: Source, variables: Mapping[str, str]
) -> tuple[Act, ...]:
    _, keys = _key(verb, words, place, variables)
    weakened = _weakened(words)
    note = None if weakened is None else f"the signature of `cosign {verb}`: {weakened}"
    tags = _tag_subject(verb, _image(plain), place) if verb == "sign" else ()
    return (Act("sign", f"cosign {verb}", place, note=note), *keys, *tags)


def _cosign_attest(
    verb: str, words: tuple[str, ...], plain: tuple[str, ...], place: Source, variables: Mapping[str, str]
) -> tuple[Act, ...]:
    key, keys = _key(verb, words, place, variables)
    kind = flag(words, "--type") or ""
    unsure = "$" in kind
    image = _image(plain)
    tags = _tag_subject(verb, image, place) if verb == "attest" else ()
    if not unsure and not _SLSA_TYPE.match(kind):
        does: Does = "sbom" if kind in _SBOM_TYPES else "sign"
        note = f"`cosign {verb} --type {kind[:40]}` is not provenance"
        return (Act(does, f"cosign {verb}", place, note=note), *keys, *tags)
    blob = verb == "attest-blob"
    kept = off(words, "--upload") or on(words, "--no-upload")
    weakened = _weakened(words)
    offer = Offer(
        f"cosign {verb}", Interval(0 if unsure else 1, 1 if keys else 2),
        generated=None if unsure else True, signed=True, keyless=key is None,
        distributed=None if blob else not kept, authored_by_tenant=True, records_parameters=None,
        by_digest=True if blob else by_digest(image) if image is not None else None,
        covers="files" if blob else CONTAINER,
        note="the predicate is written by the pipeline's own steps" + (f"; {weakened}" if weakened else ""),
    )  # fmt: skip
    return (Act("attest", f"cosign {verb}", place, offer=offer), *keys, *tags)


def notation(words: tuple[str, ...], place: Source) -> tuple[Act, ...]:
    """Notary Project: a signature over an image, never provenance."""
    plain = positional(words, frozenset({"--key", "-k", "--plugin", "--id", "--signature-format", "-m", "-u", "-p"}))
    match plain[:1]:
        case ("sign",):
            keys = () if flag(words, "--plugin") else (Act("key", "notation sign", place),)
            image = _image(plain)
            tag = image is not None and by_digest(image) is False
            note = "`notation sign` names the image by a tag, which may point elsewhere by then"
            tags = (Act("tag-subject", "notation sign", place, note=note),) if tag else ()
            return (Act("sign", "notation sign", place, note="a signature is not provenance"), *keys, *tags)
        case ("verify",):
            return (Act("verify", "notation verify", place),)
        case _:
            return ()


_GPG_SIGNS = re.compile(r"(?:--detach(?:-\w*)?|--sign|--clear-?sign|-[av]*[bs][abvs]*)\Z")
"""`--detach-sig` is as common as its long form: gpg takes every beginning of an option's name."""


def gpg(words: tuple[str, ...], place: Source) -> tuple[Act, ...]:
    """GnuPG: `--import` of a secret key puts it within reach; detached signatures sign; `--verify` verifies."""
    said = set(words)
    if any(_GPG_SIGNS.match(word) for word in words[1:]):
        return (Act("sign", "gpg", place), Act("key", "gpg", place))
    if "--import" in said and (said & {"--batch", "--allow-secret-key-import", "--passphrase", "--pinentry-mode"}):
        return (Act("key", "gpg --import", place),)
    return (Act("verify", "gpg --verify", place),) if "--verify" in said else ()


def witness(words: tuple[str, ...], place: Source) -> tuple[Act, ...]:
    """witness run: an attestation collection; SLSA provenance where its `slsa` attestor is on."""
    if "verify" in positional(words)[:1]:
        return (Act("verify", "witness verify", place),)
    if "run" not in words:
        return ()
    attestors = re.split(r"[,\s]+", ",".join(flags(words, "-a", "--attestations")))
    key = flag(words, "--signer-file-key-path", "-k", "--key")
    keyless = any(word.startswith(("--signer-fulcio", "--enable-archivista")) for word in words) and key is None
    slsa = "slsa" in attestors
    offer = Offer(
        "witness", Interval(1 if slsa else 0, 1 if key is not None else 2), generated=True if slsa else None,
        signed=True if key is not None or keyless else None, keyless=keyless, authored_by_tenant=None,
        note=None if slsa else WITNESS.note,
    )  # fmt: skip
    keys = (Act("key", "witness --signer-file-key-path", place),) if key is not None else ()
    return (Act("attest", "witness", place, offer=offer), Act("code", "witness run", place), *keys)


def in_toto(program: str, words: tuple[str, ...], place: Source) -> tuple[Act, ...]:
    """in-toto-run and -record: link metadata, signed with a key where one is given."""
    signed = flag(words, "--key", "-k", "--signing-key", "--gpg", "-g")
    keys = (Act("key", program, place),) if signed is not None else ()
    ran = (Act("code", program, place),) if program == "in-toto-run" else ()
    return (Act("attest", "in-toto-run", place, offer=IN_TOTO), *keys, *ran)


def tejolote(words: tuple[str, ...], place: Source) -> tuple[Act, ...]:
    """tejolote (Kubernetes): watches a run and writes provenance of it, signed with `--sign`."""
    if "attest" not in positional(words)[:1]:
        return ()
    signs = on(words, "--sign")
    offer = Offer("tejolote", Interval(1, 2 if signs else 1), signed=signs, keyless=signs, authored_by_tenant=None)
    return (Act("attest", "tejolote attest", place, offer=offer),)
