"""What containers hold once opened: raw signed bytes and signature material, nothing verified yet.

All byte fields are decoded from base64 (standard or URL-safe); payload bytes are kept exactly as signed.
"""

from __future__ import annotations

from assess._frozen import frozen
from assess.evidence import Source

METABLOCK = "in-toto-metablock"
"""The container of an in-toto layout or link that is no DSSE envelope."""


@frozen
class Signature:
    """One signature of a DSSE envelope; `keyid` is an unauthenticated hint."""

    sig: bytes
    keyid: str | None = None
    certificate: bytes | None = None
    """DER of the non-standard `cert` field that older slsa-github-generator releases embed."""


@frozen
class Envelope:
    """A DSSE envelope (https://github.com/secure-systems-lab/dsse/blob/v1.0.0/envelope.md)."""

    payload: bytes
    payload_type: str
    signatures: tuple[Signature, ...]


@frozen
class MessageSignature:
    """A Sigstore bundle's signature over an artifact: the digest in it is a hint."""

    signature: bytes
    digest_algorithm: str | None = None
    """As in the bundle: `SHA2_256`, `SHA2_384`, `SHA2_512`."""
    digest: bytes | None = None


@frozen
class InclusionProof:
    """A Merkle inclusion proof with its checkpoint (signed note) as text."""

    log_index: int
    root_hash: bytes
    tree_size: int
    hashes: tuple[bytes, ...]
    checkpoint: str | None


@frozen
class LogEntry:
    """A transparency log entry as a bundle carries it."""

    log_index: int
    log_id: bytes
    kind: str
    version: str
    body: bytes
    """The canonicalised body: JSON bytes as they were logged."""
    integrated_time: int | None
    """Seconds since the epoch; means nothing until `promise` is verified."""
    promise: bytes | None
    """The signed entry timestamp (SET)."""
    proof: InclusionProof | None


@frozen
class Material:
    """Everything that a container offers to verify its signature with. All of it is untrusted."""

    certificates: tuple[bytes, ...] = ()
    """DER, leaf first."""
    key_hint: str | None = None
    """Hint of a bundle signed by a managed key (`verificationMaterial.publicKey`); None if certificates are used."""
    entries: tuple[LogEntry, ...] = ()
    timestamps: tuple[bytes, ...] = ()
    """RFC 3161 timestamp responses, DER."""
    stamped: bytes | None = None
    """What the timestamps are over where that is not the signature: cosign stamps an attestation's whole envelope."""


@frozen
class Opened:
    """One attestation (or signature) out of a container, opened but not verified."""

    source: Source
    container: str
    """`sigstore-bundle-0.1|0.2|0.3`, `dsse`, `statement`, ..."""
    digest: str
    """sha256, hex, of the bytes of this attestation as read (for JSON lines: of its line)."""
    envelope: Envelope | None = None
    message: MessageSignature | None = None
    statement: bytes | None = None
    """A bare, unsigned statement."""
    claims: bytes | None = None
    """The simple-signing payload that `message` is a signature over, where cosign signed an image with one."""
    material: Material | None = None
    defects: tuple[str, ...] = ()
    """Faults of the container that make verification fail at step 1 though it could be read
    (empty certificate chain, missing promise in v0.1, missing inclusion proof in v0.2 and later, two signatures)."""

    @property
    def payload(self) -> bytes | None:
        """The statement's bytes, signed or not; None for a signature over an artifact."""
        return self.envelope.payload if self.envelope is not None else self.statement
