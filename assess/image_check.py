"""One image checked: what hangs on it, who signed it, and whether that is whom somebody expects. No level.

The order (numbers of steps are those of `trust/verify.py`):
  1. resolve the reference once; from here on only digests are used
  2. gather everything that hangs on the manifest and on its platforms (`images/attached.py`)
  3. examine each (`examine.py`): signature over the raw bytes, then the payload, bound to the manifest by digest
  4. compare annotations, where some are asked for, with what the signer wrote into the signed payload
  5. decide: one signature by whom is expected suffices, on the manifest itself, or on every platform of an index
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from assess.artifacts import Artifact
from assess.attestations._json import compact
from assess.attestations.cosign import by_key_alone
from assess.evidence import Check, Digest, Signer, Source, Subject, Unreadable
from assess.examine import Examined, Trust, examine
from assess.images.attached import Attached, Attachments, Part, read_attached
from assess.images.reference import RegistryReference, read_reference

if TYPE_CHECKING:
    from assess.images.store import ImageStore

Verdict = Literal["verified", "failed", "nobody-expected"]

TYPES: dict[str, str] = {
    "custom": "https://cosign.sigstore.dev/attestation/v1",
    "slsaprovenance": "https://slsa.dev/provenance/v0.2",
    "slsaprovenance02": "https://slsa.dev/provenance/v0.2",
    "slsaprovenance1": "https://slsa.dev/provenance/v1",
    "spdx": "https://spdx.dev/Document",
    "spdxjson": "https://spdx.dev/Document",
    "cyclonedx": "https://cyclonedx.org/bom",
    "link": "https://in-toto.io/Link/v1",
    "vuln": "https://cosign.sigstore.dev/attestation/vuln/v1",
    "openvex": "https://openvex.dev/ns",
}
"""cosign's names for predicate types."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of an image, beside the identity or key that `Trust` holds."""

    predicate_type: str | None = None
    """An attestation of this type is asked for; None: a signature."""
    annotations: tuple[tuple[str, str], ...] = ()
    """What the signer must have written into the payload."""
    platform: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing that hangs on an image, with everything that was checked of it."""

    attached: Attached
    examined: Examined | None
    """None for what is recognised and not verified."""
    annotations: Check | None = None

    @property
    def checks(self) -> tuple[Check, ...]:
        """Every check, in order."""
        own = (self.annotations,) if self.annotations is not None else ()
        return (*(self.examined.checks if self.examined is not None else ()), *own)

    @property
    def holds(self) -> bool:
        """The signature is verified, about the manifest that it hangs on, with the annotations asked for."""
        examined = self.examined
        if examined is None or examined.signature != "verified" or examined.unreadable is not None:
            return False
        bound = examined.match is not None and examined.match.matched
        direct = examined.opened.message is not None and examined.opened.claims is None
        return (bound or direct) and not any(one.result == "failed" for one in self.checks)

    @property
    def signer(self) -> Signer | None:
        """Who signed, where the mathematics hold."""
        return self.examined.verification.signer if self.examined is not None else None

    @property
    def predicate_type(self) -> str | None:
        """Of its statement; None where it holds none."""
        statement = self.examined.statement if self.examined is not None else None
        return statement.predicate_type if statement is not None else None


@dataclass(frozen=True, slots=True)
class ImageCheck:
    """Everything that was found of one image."""

    reference: str
    """As it was given."""
    name: str
    """`registry.example/app@sha256:...`: what was checked."""
    root: Part
    platforms: tuple[Part, ...]
    seen: tuple[Seen, ...]
    verdict: Verdict
    reason: str
    """One sentence."""
    by_tag: bool
    """The reference names a tag, which can be moved to another image at any time."""
    unreadable: tuple[Unreadable, ...] = ()
    notes: tuple[str, ...] = ()


def artifact_of(name: str, digest: str) -> Artifact:
    """A manifest as what a level or signature belongs to."""
    algorithm, _, value = digest.partition(":")
    return Artifact(Subject(name, (Digest(algorithm, value),), Source(name)))


def check_image(store: ImageStore, reference: str, trust: Trust, asked: Asked) -> ImageCheck:
    """Check one image. Raises NoInputError, UnavailableError or InputError where it cannot be resolved.

    `trust.keys_only` keys, or its identity, are who is expected; with neither, nobody is, and nothing is verified.
    """
    manifest = store.resolve()
    attachments = read_attached(store, manifest, asked.platform)
    seen = examine_attached(attachments, store.shown, trust, asked)
    verdict, reason = decide(attachments, seen, trust, asked)
    return ImageCheck(
        reference=reference,
        name=f"{store.shown}@{manifest.digest}",
        root=attachments.root,
        platforms=attachments.platforms,
        seen=seen,
        verdict=verdict,
        reason=reason,
        by_tag=is_tag(reference),
        unreadable=attachments.unreadable,
        notes=attachments.notes,
    )


def is_tag(reference: str) -> bool:
    """Whether a reference names a registry's tag (or none, which is `latest`) and no digest."""
    match read_reference(reference):
        case RegistryReference(digest=digest):
            return digest is None
        case _:
            return False


def examine_attached(attachments: Attachments, shown: str, trust: Trust, asked: Asked) -> tuple[Seen, ...]:
    """3. and 4. for everything that hangs on an image; `shown` names its repository."""
    return tuple(one for each in attachments.attached for one in _examine(each, shown, trust, asked))


def _examine(attached: Attached, shown: str, trust: Trust, asked: Asked) -> tuple[Seen, ...]:
    """3. and 4. for one thing that hangs there."""
    if not attached.opened:
        return (Seen(attached, None),)
    artifact = artifact_of(f"{shown}@{attached.target}", attached.target)
    found = []
    for opened in attached.opened:
        by_key = trust.keys_only and trust.keys and trust.identity is None
        examined = examine(by_key_alone(opened) if by_key else opened, artifact, trust)
        found.append(Seen(attached, examined, _annotations(examined, asked)))
    return tuple(found)


def _annotations(examined: Examined, asked: Asked) -> Check | None:
    """4. The annotations of a signature, which its payload (or, in a bundle, its subject) holds."""
    if not asked.annotations:
        return None
    wanted = ", ".join(f"{key}={value}" for key, value in asked.annotations)
    if examined.match is None:
        return Check("annotations", 9, "failed", "this signature has no payload that could hold annotations", wanted)
    if not examined.match.matched:
        return None
    signed = _signed_annotations(examined)
    for key, value in asked.annotations:
        if signed.get(key) != value:
            detail = f"the signer's annotation {key!r} is {'another' if key in signed else 'missing'}"
            return Check("annotations", 9, "failed", detail, f"{key}={value}", signed.get(key, "nothing"))
    return Check("annotations", 9, "verified", "the payload holds the annotations that were asked for", wanted)


def _signed_annotations(examined: Examined) -> dict[str, str]:
    from assess.attestations._json import parsed_or_none
    from assess.attestations.simplesigning import read_claims

    opened = examined.opened
    if opened.claims is not None:
        return dict(read_claims(opened.claims, str(opened.source)).optional)
    # A statement's subjects have annotations of their own (in-toto ResourceDescriptor); cosign's bundles use them.
    payload = parsed_or_none(opened.payload or b"")
    subjects = payload.get("subject") if isinstance(payload, dict) else None
    matched = examined.match.subject if examined.match is not None else None
    numbers = examined.statement.subjects if examined.statement is not None else ()
    if not isinstance(subjects, list) or matched not in numbers:
        return {}
    subject = subjects[numbers.index(matched)]
    found = subject.get("annotations") if isinstance(subject, dict) else None
    pairs = found.items() if isinstance(found, dict) else ()
    return {key: value if isinstance(value, str) else compact(value) for key, value in pairs}


def decide(attachments: Attachments, seen: tuple[Seen, ...], trust: Trust, asked: Asked) -> tuple[Verdict, str]:
    """5. The verdict and its reason; by whom is expected, or else by nobody in particular."""
    what = f"attestation of type {asked.predicate_type}" if asked.predicate_type else "signature"
    wanted = tuple(one for one in seen if _is_asked_for(one, asked))
    holding = tuple(one for one in wanted if one.holds)
    covered = {one.attached.target for one in holding}
    expected = bool(trust.keys) or trust.identity is not None
    platforms = attachments.platforms
    if attachments.root.digest in covered:
        on = [one for one in holding if one.attached.target == attachments.root.digest]
        return _signed(on, expected, _of_index(platforms))
    if platforms and all(one.digest in covered for one in platforms):
        weakest = f" (each of its {len(platforms)} platform manifests, not the index itself)"
        return _signed(list(holding), expected, weakest)
    if covered:
        missing = ", ".join(one.platform or one.digest for one in platforms if one.digest not in covered)
        some = "an" if asked.predicate_type else "a"
        return "failed", f"not every platform has {some} {what} that holds (missing: {missing}), and the index has none"
    return "failed", _why_not(wanted, seen, what, attachments)


def _of_index(platforms: tuple[Part, ...]) -> str:
    if not platforms:
        return ""
    names = ", ".join(one.platform or one.digest for one in platforms)
    return f" (the index, which covers {names} through their digests)"


def _is_asked_for(one: Seen, asked: Asked) -> bool:
    """cosign's bundles are all statements, and `cosign verify` takes any of them for a signature."""
    if one.examined is None or one.examined.signature == "absent":
        return False
    if asked.predicate_type is not None:
        return one.predicate_type == asked.predicate_type
    return one.attached.form in ("signature", "bundle")


def _signed(holding: list[Seen], expected: bool, covers: str) -> tuple[Verdict, str]:
    names = tuple(dict.fromkeys(signer_text(one.signer) for one in holding if one.signer is not None))
    who = "; ".join(names[:3]) + (f"; and {len(names) - 3} more" if len(names) > 3 else "")
    verb = (
        "signed"
        if any(one.examined is not None and one.examined.kind == "signature" for one in holding)
        else "attested"
    )
    if expected:
        return "verified", f"{verb} by {who}{covers}"
    return "nobody-expected", f"{verb} by {who}{covers}, and nobody was expected: anybody can sign"


def signer_text(signer: Signer) -> str:
    """A signer in words."""
    if signer.kind == "key":
        return f"the key {signer.identity}"
    return signer.identity + (f" (issuer {signer.issuer})" if signer.issuer else "")


def _why_not(wanted: tuple[Seen, ...], seen: tuple[Seen, ...], what: str, attachments: Attachments) -> str:
    if wanted:
        best = max(wanted, key=lambda one: sum(check.result == "verified" for check in one.checks))
        fault = next((one for one in best.checks if one.result == "failed"), None)
        fault = fault or next((one for one in best.checks if one.result != "verified"), None)
        reason = f"{fault.name}: {fault.detail}" if fault is not None else "its payload cannot be read"
        more = f" (the nearest of {len(wanted)})" if len(wanted) > 1 else ""
        return f"no {what} holds: {reason}{more}"
    if attachments.unreadable:
        return f"no {what} could be read ({attachments.unreadable[0].reason})"
    others = sorted({_name(one) for one in seen})
    also = f"; what hangs there is something else ({', '.join(others[:4])})" if others else ""
    attested = next((one.predicate_type for one in seen if one.holds and one.predicate_type), None)
    advice = f"; ask for that with --type {attested}" if attested is not None and "attestation" not in what else ""
    return f"no {what} hangs on it{also}{advice}"


def _name(one: Seen) -> str:
    if one.predicate_type is not None:
        return one.predicate_type
    return {"signature": "a signature", "notation": "a Notary Project signature", "sbom": "an SBOM"}.get(
        one.attached.form, one.attached.form
    )


def for_images(trust: Trust) -> Trust:
    """`trust` as it holds for what hangs on images: only who is expected, and a given key needs no log entry."""
    return replace(trust, keys_only=True, key_needs_log=False, found_in_place=True)
