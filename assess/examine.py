"""One attestation examined: verified over its raw bytes, then read, matched and compared with its certificate.

2. verify the signature over the raw bytes (`trust/verify.py`, steps 1 to 8)
3. only then parse the statement and find out what it is
4. match its subjects with the artifact by digest, never by name (step 9)
5. compare the certificate with the predicate (step 10)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from assess.artifacts import Artifact
from assess.attestations.envelope import Opened
from assess.attestations.predicates import kind_of, read_provenance
from assess.attestations.statement import Statement, SubjectMatch, match_subject, read_statement
from assess.errors import InputError
from assess.evidence import AttestationKind, Check, Provenance, SignatureState, Source, Unreadable
from assess.trust.platforms import Platforms

if TYPE_CHECKING:
    from assess.trust.keys import PublicKey
    from assess.trust.roots import TrustedRoot
    from assess.trust.verify import IdentityPolicy, Verification


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom to trust in one run: roots, keys, platforms and the identity that signatures must have."""

    root: TrustedRoot
    platforms: Platforms
    keys: tuple[PublicKey, ...] = ()
    identity: IdentityPolicy | None = None
    profile: Literal["vendor", "strict"] = "vendor"
    keys_only: bool = False
    """Keys that were given must have signed (as `verify --key` asks); else they serve what carries no certificate."""

    def keys_for(self, opened: Opened) -> tuple[PublicKey, ...]:
        """The keys that `opened` is verified with."""
        return () if carries_certificate(opened) and not self.keys_only else self.keys

    def identity_for(self, opened: Opened) -> IdentityPolicy | None:
        """The identity that its signer must have; a key that was given is an identity of its own."""
        by_key = bool(self.keys) and not carries_certificate(opened) and not self.keys_only
        return None if by_key else self.identity


@dataclass(frozen=True, slots=True)
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
    if opened.material is not None and opened.material.certificates:
        return True
    return opened.envelope is not None and any(one.certificate is not None for one in opened.envelope.signatures)


def examine(opened: Opened, artifact: Artifact | None, trust: Trust) -> Examined:
    """Steps 2 to 5 for one opened attestation; never raises for what the attestation says."""
    from assess.trust.verify import verify

    # (2)
    digests = artifact.subject.digests if artifact is not None else ()
    verification = verify(
        opened,
        root=trust.root,
        keys=trust.keys_for(opened),
        artifact=digests or None,
        artifact_file=artifact.file if artifact is not None else None,
        identity=trust.identity_for(opened),
    )
    if opened.message is not None:
        return Examined(opened, verification, "signature")
    # (3)
    try:
        statement = read_statement(opened)
        kind = kind_of(statement.predicate_type) if statement is not None else "other"
        provenance = read_provenance(opened, statement) if statement is not None and kind == "provenance" else None
    except InputError as problem:
        place = Source(problem.place) if problem.place is not None else opened.source
        return Examined(opened, verification, "other", unreadable=Unreadable(place, problem.message))
    # (4)
    match = match_subject(statement.subjects, digests) if statement is not None and artifact is not None else None
    if provenance is None:
        return Examined(opened, verification, kind, statement, match=match)
    # (5)
    provenance = replace(provenance, signature=verification.signature, signer=verification.signer)
    return Examined(opened, verification, kind, statement, provenance, match, _agreement(provenance, trust))


def _agreement(provenance: Provenance, trust: Trust) -> tuple[Check, ...]:
    if provenance.signer is None:
        return ()
    from assess.trust.agreement import agree

    return agree(provenance, trust.platforms.delegators)
