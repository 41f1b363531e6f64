"""Verifiers whose summaries (VSA) count: the roots of trust of the spec's VSA algorithm, as the user lists them."""

from __future__ import annotations

from assess._frozen import frozen
from assess.trust.keys import PublicKey
from assess.trust.signers import IdentityPolicy


@frozen
class Verifier:
    """One listed pair (signer, `verifier.id`), with what its summaries must be about and how far they count."""

    id: str
    """`verifier.id`, compared exactly."""
    resource_uri: str
    """What `resourceUri` must be, compared exactly; never taken from an attestation."""
    cap: int
    """The highest Build level that its summaries count for."""
    key: PublicKey | None = None
    identity: IdentityPolicy | None = None
    """Where it signs with certificates; either this or `key`."""
