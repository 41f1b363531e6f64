"""One attestation examined: verified over its raw bytes, then read, matched and compared with its certificate.

2. verify each signature over the raw bytes (`trust/verify.py`, steps 1 to 8); the one that proves most counts
3. only then parse the statement and find out what it is
4. match its subjects with the artifact by digest, never by name (step 9)
5. compare the certificate with the predicate (step 10)
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from assess._frozen import frozen
from assess.artifacts import Artifact
from assess.attestations._json import JSON
from assess.attestations.envelope import Opened
from assess.attestations.predicates import kind_of, read_provenance
from assess.attestations.statement import Statement, SubjectMatch, is_in_toto, match_subject, read_statement
from assess.errors import InputError
from assess.evidence import AttestationKind, Check, Platform, Provenance, SignatureState, Source, Unreadable
from assess.trust.platforms import Platforms, Rejected

if TYPE_CHECKING:
    from assess.trust.keys import PublicKey
    from assess.trust.roots import TrustedRoot
    from assess.trust.verifiers import Verifier
    from assess.trust.verify import IdentityPolicy, Verification


@frozen
class Trust:
    """Whom to trust in one run: roots, keys, platforms and the identity that signatures must have."""

    roots: tuple[TrustedRoot, ...]
    """The one whose authority issued a certificate is asked; the first where there is no certificate."""
    platforms: Platforms
    keys: tuple[PublicKey, ...] = ()
    identity: IdentityPolicy | None = None
    profile: Literal["vendor", "strict"] = "vendor"
    keys_only: bool = False
    """Keys that were given must have signed (as `verify --key` asks); else they serve what carries no certificate."""
    known: tuple[PublicKey, ...] = ()
    """Keys of known services, for signatures that name them; not asked where `keys_only`."""
    ask_services: bool = False
    """Take the keys of known services that come with the tool; they are read when a signature needs them."""
    verifiers: tuple[Verifier, ...] = ()
    """Whose summaries count; their keys are asked for summaries alone."""
    online: bool = False
    """Ask a transparency log for what came without its entry."""
    rekor_url: str | None = None
    """The log to ask; None for those that the trusted root names."""
    key_needs_log: bool = True
    """A bundle signed by a given key needs a log entry; cosign's users of key pairs on images often make none."""
    found_in_place: bool = False
    """The attestations were found where consumers look for them: beside the image, in its registry."""

    def root_for(self, opened: Opened) -> TrustedRoot:
        """The root that `opened` is verified against."""
        from assess.trust.certificates import choose_root

        return choose_root(_certificate_of(opened), self.roots)

    def keys_for(self, opened: Opened) -> tuple[PublicKey, ...]:
        """The keys that `opened`, of one signature at most, is verified with."""
        if self.keys_only:
            return self.keys
        if carries_certificate(opened):
            return ()
        # Who names keys and an identity has said whom to trust; a registry's note speaks for nobody's build.
        known = self._registry if self.keys and self.identity is not None else self._known
        return (*self.keys, *known)

    @property
    def _known(self) -> tuple[PublicKey, ...]:
        if not self.ask_services:
            return self.known
        from assess.trust.known_keys import known_keys

        return known_keys()

    @property
    def _registry(self) -> tuple[PublicKey, ...]:
        """The known keys that sign notes about publications, never provenance."""
        from assess.trust.known_keys import NPM

        return tuple(key for key in self._known if key.owner == NPM)

    def identity_for(self, opened: Opened) -> IdentityPolicy | None:
        """The identity that its signer must have; a key that was given is an identity of its own."""
        if self.identity is None or self.keys_only or carries_certificate(opened):
            return self.identity
        hint = opened.material.key_hint if opened.material is not None else None
        by_registry = hint is not None and any(key.hint == hint for key in self._registry)
        signed = opened.message is not None or (opened.envelope is not None and opened.envelope.signatures)
        return None if by_registry or (self.keys and signed) else self.identity


@frozen
class Examined:
    """What is known of one attestation after steps 2 to 5."""

    opened: Opened
    verification: Verification
    kind: AttestationKind
    statement: Statement | None = None
    provenance: Provenance | None = None
    """With `signature` and `signer` of this examination."""
    match: SubjectMatch | None = None
    """None where no artifact was given, or there is no statement."""
    agreement: tuple[Check, ...] = ()
    unreadable: Unreadable | None = None

    @property
    def checks(self) -> tuple[Check, ...]:
        """Every check that was made, in order."""
        subject = (self.match.check,) if self.match is not None else ()
        return (*self.verification.checks, *subject, *self.agreement)

    @property
    def failure(self) -> Check | None:
        """The first check that failed."""
        return next((one for one in self.checks if one.result == "failed"), None)

    @property
    def signature(self) -> SignatureState | None:
        """The state of the signature; None where it is not provable offline."""
        return self.verification.signature


def carries_certificate(opened: Opened) -> bool:
    """The container offers a certificate to verify with, as material or inside a signature."""
    return _certificate_of(opened) is not None


def _certificate_of(opened: Opened) -> bytes | None:
    """The first certificate that the container offers; a bundle's own material alone counts for a bundle."""
    if opened.material is not None:
        return opened.material.certificates[0] if opened.material.certificates else None
    signatures = opened.envelope.signatures if opened.envelope is not None else ()
    return next((one.certificate for one in signatures if one.certificate is not None), None)


def examine(opened: Opened, artifact: Artifact | None, trust: Trust) -> Examined:
    """Steps 2 to 5 for one opened attestation; never raises for what the attestation says.

    An envelope with several signatures is worth what its best one proves: whoever adds a signature, or reorders
    them, changes nothing for the others (SLSA 1.2 verifying-artifacts, step 1: the best listed signer counts).
    """
    # (2)
    verifications = tuple(_verify(one, artifact, trust) for one in _by_signature(opened))
    first = verifications[0]
    if opened.message is not None:
        # (4)
        return Examined(opened, first, "signature", match=_match_claims(opened, artifact))
    # (3)
    foreign = opened.envelope is not None and not is_in_toto(opened.envelope.payload_type)
    if foreign or _is_metadata(opened):
        # DSSE serves other formats too: signed by whom, but no statement of which anything could be read.
        return _best([Examined(opened, one, "other") for one in verifications], trust)
    try:
        statement = read_statement(opened)
        kind = kind_of(statement.predicate_type)
        provenance = read_provenance(opened, statement) if kind == "provenance" else None
    except InputError as problem:
        place = Source(problem.place) if problem.place is not None else opened.source
        unreadable = Unreadable(place, problem.message)
        return _best([Examined(opened, one, "other", unreadable=unreadable) for one in verifications], trust)
    # (4)
    match = match_subject(statement.subjects, artifact.subject.digests) if artifact is not None else None
    examined = Examined(opened, first, kind, statement, provenance, match)
    # (5)
    return _best([_signed_by(examined, one, trust) for one in verifications], trust)


def _match_claims(opened: Opened, artifact: Artifact | None) -> SubjectMatch | None:
    """Step 4 for an image's signature: its payload, like a statement, says what it is about."""
    if opened.claims is None or artifact is None:
        return None
    from assess.attestations.simplesigning import match_claims

    return match_claims(opened.claims, str(opened.source), artifact.subject.digests)


def _is_metadata(opened: Opened) -> bool:
    """An in-toto layout or link; its reader is asked only where the bytes speak of one."""
    payload = opened.payload or b""
    if b"layout" not in payload and b"link" not in payload:
        return False
    from assess.attestations.metablock import announces_metadata

    return announces_metadata(opened)


def _by_signature(opened: Opened) -> tuple[Opened, ...]:
    """`opened` once for each signature; a bundle with more than one is refused as a whole."""
    envelope = opened.envelope
    if envelope is None or opened.material is not None or len(envelope.signatures) < 2:
        return (opened,)
    return tuple(replace(opened, envelope=replace(envelope, signatures=(one,))) for one in envelope.signatures)


def _verify(opened: Opened, artifact: Artifact | None, trust: Trust) -> Verification:
    from assess.trust.verify import verify

    return verify(
        opened,
        root=trust.root_for(opened),
        keys=trust.keys_for(opened),
        artifact=(artifact.subject.digests or None) if artifact is not None else None,
        artifact_file=artifact.file if artifact is not None else None,
        identity=trust.identity_for(opened),
        key_needs_log=trust.key_needs_log,
    )


def _signed_by(examined: Examined, verification: Verification, trust: Trust) -> Examined:
    """What one of the signatures makes of the attestation."""
    if examined.provenance is None:
        return replace(examined, verification=verification)
    provenance = replace(examined.provenance, signature=verification.signature, signer=verification.signer)
    predicate = examined.statement.predicate if examined.statement is not None else None
    agreement = _agreement(provenance, predicate, trust)
    return replace(examined, verification=verification, provenance=provenance, agreement=agreement)


def _best(each: list[Examined], trust: Trust) -> Examined:
    """The one whose signature proves most; the first of equals."""
    return max(each, key=lambda one: _worth(one, trust)) if len(each) > 1 else each[0]


def _worth(examined: Examined, trust: Trust) -> tuple[int, int, bool, int]:
    """The level that it can carry (reached, ceiling), 0 for what is worth nothing; then how well it is signed."""
    signed = examined.verification.signer is not None, _SIGNED.index(examined.signature)
    if examined.signature == "failed" or any(one.result == "failed" for one in examined.agreement):
        return 0, 0, *signed
    if examined.provenance is None:
        return 1, 1, *signed
    platform = look_up(examined.provenance, trust)
    if isinstance(platform, Rejected):
        return 0, 0, *signed
    return platform.level.reached, platform.level.ceiling, *signed


_SIGNED: tuple[SignatureState | None, ...] = ("failed", "absent", None, "verified")


def look_up(provenance: Provenance, trust: Trust) -> Platform | Rejected:
    """What the roots of trust say of signer and builder.id (step 11)."""
    builder_id = provenance.builder.id if provenance.builder is not None else ""
    return trust.platforms.look_up(
        provenance.signer, builder_id, provenance.signature, trust.profile, provenance.build_type
    )


def _agreement(provenance: Provenance, predicate: JSON, trust: Trust) -> tuple[Check, ...]:
    if provenance.signer is None:
        return ()
    from assess.trust.agreement import agree
    from assess.trust.npm_claims import unvouched

    return (*agree(provenance, trust.platforms.delegators), *unvouched(provenance, predicate))
