"""The forging knobs of the virtual Sigstore: each names the one check that must fail by it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Fault:
    """What a `Tamper` does, which check must fail by it, and the bundle in which it shows alone."""

    check: str
    """The check that must not end ok: open, signature, time, chain, sct, inclusion, promise, binding, signer."""
    does: str
    log: str | None = "v1"
    tsa: bool = False
    version: str = "0.3"
    oracle: bool = True
    """False where sigstore-python accepts the forgery (`does` says what it leaves out)."""


class Tamper(Enum):
    """Each forging knob; `.value` is its `Fault`. One forgery breaks one check and leaves the others whole.

    Unless the caller says otherwise, log, tsa and bundle_version are those of the fault.
    """

    PAYLOAD = Fault("signature", "the payload was changed after signing; the log and all else speak of the changed one")
    SIGNATURE_BYTE = Fault("signature", "one bit of the signature is flipped; log and timestamps hold the flipped one")
    SIGNATURE_OTHER_KEY = Fault("signature", "another key signed; the certificate is logged with that signature")

    CERT_OTHER_CA = Fault("chain", "the leaf is issued by a CA of the same name with another key")
    CERT_EXPIRED = Fault("chain", "the leaf had expired before the trusted time")
    CERT_NOT_YET_VALID = Fault("chain", "the leaf became valid after the trusted time")
    CERT_NO_EKU = Fault("chain", "the leaf has no extended key usage")
    CERT_OTHER_EKU = Fault("chain", "the leaf's extended key usage is server authentication")
    CERT_NO_DIGITAL_SIGNATURE = Fault("chain", "the leaf's key usage lacks digitalSignature")
    CERT_ROOT_IN_CHAIN = Fault(
        "chain", "a root certificate is in the bundle's chain (sigstore-python only warns)", version="0.2", oracle=False
    )
    INTEGRATED_TIME_OUTSIDE = Fault(
        "chain",
        "the log's (truly signed) integrated time is after the certificate's end; a TSA time is inside",
        tsa=True,
    )
    TIMESTAMP_OUTSIDE = Fault(
        "chain", "a true timestamp is after the certificate's end; the log's integrated time is inside", tsa=True
    )

    SCT_MISSING = Fault("sct", "the certificate has no SCT")
    SCT_UNKNOWN_LOG = Fault("sct", "the SCT is signed by a log that the trusted root does not have")
    SCT_OTHER_DATA = Fault("sct", "the SCT is a true one of another precertificate")

    SET_WRONG = Fault("promise", "the SET is over another log index; a TSA gives the time", tsa=True)
    SET_OTHER_LOG = Fault("promise", "the SET is signed by an unknown key; a TSA gives the time", tsa=True)

    NO_TRUSTED_TIME = Fault("time", "an integrated time, but neither SET nor timestamp")
    V2_NO_TIMESTAMP = Fault("time", "a Rekor v2 entry without timestamp", log="v2", tsa=False)
    TIMESTAMP_OTHER_SIGNATURE = Fault("time", "the timestamp is over another signature", log="v2", tsa=True)
    TIMESTAMP_UNKNOWN_TSA = Fault("time", "the timestamp comes from an unknown authority", log="v2", tsa=True)
    TSA_CERT_EXPIRED = Fault("time", "the (known) authority's leaf had expired when it stamped", log="v2", tsa=True)

    PROOF_HASH = Fault("inclusion", "a hash of the Merkle path is flipped")
    ROOT_HASH = Fault("inclusion", "the proof's root hash is another than computed and signed")
    CHECKPOINT_ROOT = Fault("inclusion", "the (truly signed) checkpoint has another root hash")
    CHECKPOINT_SIGNATURE = Fault("inclusion", "the checkpoint's signature is over another text")
    CHECKPOINT_OTHER_LOG = Fault("inclusion", "the checkpoint is signed by an unknown log alone")
    CHECKPOINT_ORIGIN = Fault(
        "inclusion", "the (truly signed) checkpoint names another origin (sigstore-python does not look)", oracle=False
    )
    CHECKPOINT_SIZE = Fault(
        "inclusion", "the (truly signed) checkpoint has another size (sigstore-python does not look)", oracle=False
    )
    V2_PROOF_HASH = Fault("inclusion", "as PROOF_HASH, in a Rekor v2 log", log="v2", tsa=True)
    V2_CHECKPOINT_SIGNATURE = Fault("inclusion", "as CHECKPOINT_SIGNATURE, in a Rekor v2 log", log="v2", tsa=True)

    ENTRY_PAYLOAD = Fault("binding", "the entry is about another payload")
    ENTRY_CERTIFICATE = Fault("binding", "the entry holds another certificate of the same key")
    ENTRY_SIGNATURE = Fault("binding", "the entry holds another (valid) signature of the same payload")
    ENTRY_OUTER_KIND = Fault("binding", "the kind named outside is not the kind inside")
    V2_ENTRY_PAYLOAD = Fault("binding", "as ENTRY_PAYLOAD, in a Rekor v2 log", log="v2", tsa=True)
    V2_ENTRY_CERTIFICATE = Fault("binding", "as ENTRY_CERTIFICATE, in a Rekor v2 log", log="v2", tsa=True)
    V2_ENTRY_SIGNATURE = Fault("binding", "as ENTRY_SIGNATURE, in a Rekor v2 log", log="v2", tsa=True)

    TWO_SIGNATURES = Fault("open", "the envelope has a second signature (DSSE only)")
    EMPTY_CHAIN = Fault("open", "the certificate chain is empty", version="0.2")
    UNKNOWN_VERSION = Fault("open", "the bundle's media type names version 9.9")
    NO_CONTENT = Fault("open", "neither envelope nor message signature")
    NEGATIVE_INDEX = Fault("open", "the proof's log index is negative")
    PROMISE_MISSING = Fault("open", "a v0.1 bundle without SET", version="0.1", tsa=True)
    PROOF_MISSING = Fault("open", "a v0.3 bundle without inclusion proof")

    IDENTITY_PREFIXED = Fault("signer", "the SAN has the expected identity as its tail: fails by identity policy only")
    IDENTITY_SUFFIXED = Fault("signer", "the SAN has the expected identity as its head: fails by identity policy only")

    @property
    def check(self) -> str:
        """Name of the check that must fail."""
        return self.value.check
