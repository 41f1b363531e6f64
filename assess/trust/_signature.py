"""Step 2 of a verification: one signature, what it covers, and the key under which it must hold."""

from __future__ import annotations

from assess._frozen import frozen
from assess.attestations.envelope import Material, MessageSignature, Opened
from assess.evidence import Digest
from assess.trust._outcome import Proved, Record, RefusedError, UnprovableError
from assess.trust.certificates import Leaf, read_leaf
from assess.trust.entries import says_prehashed
from assess.trust.keys import Content, PublicKey, SupportedKey, verify_content, verify_p1363
from assess.trust.roots import TrustedRoot
from assess.trust.signers import IdentityPolicy

_ALGORITHMS = {"SHA2_256": "sha256", "SHA2_384": "sha384", "SHA2_512": "sha512"}
IN_TOTO = "application/vnd.in-toto+json"
_KNOWN = (*_ALGORITHMS, "SHA3_256", "SHA3_384")


@frozen
class Case:
    """One signature of an attestation, and everything that it is verified with."""

    opened: Opened
    signature: bytes
    content: Content
    certificates: tuple[bytes, ...]
    material: Material
    root: TrustedRoot
    keys: tuple[PublicKey, ...]
    identity: IdentityPolicy | None
    hint: str | None = None
    """The key id that came with the signature; not to be trusted."""
    key_needs_log: bool = True
    """A bundle that a key signed must have a log entry, where the trusted root names logs."""

    @property
    def in_bundle(self) -> bool:
        """Whether the signature came with verification material."""
        return self.opened.material is not None


def leaf_and_signature(case: Case, record: Record) -> Leaf | None:
    """(2) The leaf, if it can be parsed; the signature check is recorded either way."""
    leaf: Leaf | None = None

    def action() -> Proved[Leaf]:
        nonlocal leaf
        leaf = read_leaf(case.certificates[0]).value
        _require(_holds(case, leaf.key), case, "the signature is not one of the certificate's key")
        return Proved("the signature holds under the certificate's key", leaf)

    record.run(2, "signature", action)
    return leaf


def signature_by_key(case: Case) -> Proved[PublicKey]:
    """(2) Which of the given keys made the signature; never one that came with it."""
    # A hint selects among known keys and proves nothing by itself.
    keys = tuple(key for key in case.keys if key.hint is None or key.hint == case.hint)
    if not keys:
        if case.in_bundle:
            raise RefusedError("signed with a key, but none was given", found=f"hint {case.material.key_hint!r}"[:200])
        raise UnprovableError("signed with a key that was not given")
    outcomes = [(key, _holds_by(case, key)) for key in keys]
    for key, holds in outcomes:
        if holds:
            return Proved(f"the signature holds under {_named(key)}", key)
    unknown = None if any(holds is None for _, holds in outcomes) else False
    which = "a given key" if len(keys) > 1 else _named(keys[0])
    _require(unknown, case, f"the signature is not one of {which}")
    raise RefusedError(f"the signature is not one of {which}")


def _named(key: PublicKey) -> str:
    return f"the given key sha256:{key.sha256}" if key.owner == "key" else f"{key.owner}'s key sha256:{key.sha256}"


def _holds_by(case: Case, key: PublicKey) -> bool | None:
    envelope = case.opened.envelope
    if key.covers_payload:
        # The payload type is not signed here, so nothing may depend on it.
        if envelope is None or envelope.payload_type != IN_TOTO:
            return False
        return verify_content(key.key, case.signature, Content(envelope.payload))
    holds = _holds(case, key.key)
    if holds is False and envelope is not None and not case.in_bundle:
        # Google signs its summaries in this form; bundles have one form only.
        return verify_p1363(key.key, case.signature, case.content)
    return holds


def _holds(case: Case, key: SupportedKey) -> bool | None:
    """Whether the signature holds; None where the artifact is not known (well enough)."""
    content = case.content
    if case.opened.message is not None:
        _check_hint(case.opened.message)
    hint = hint_of(case.opened)
    if hint is not None:
        known = content.digest(hint.algorithm)
        if known is not None and known.hex() != hint.value:
            raise RefusedError("the bundle is about another artifact", expected=known.hex(), found=hint.value)
        if not content.digests and content.file is None:
            # Against the bundle's own digest the mathematics can fail, but prove nothing.
            return False if _holds_for(case, key, Content(None, (hint,))) is False else None
    return _holds_for(case, key, content)


def _holds_for(case: Case, key: SupportedKey, content: Content) -> bool | None:
    entries = case.material.entries
    prehashed = any(says_prehashed(entry, key) for entry in entries)
    holds = verify_content(key, case.signature, content, prehashed=prehashed)
    # Without an entry to say which, an artifact's Ed25519 signature may be of either form.
    if holds is not True and not entries and case.opened.message is not None:
        return verify_content(key, case.signature, content, prehashed=True) or holds
    return holds


def _check_hint(message: MessageSignature) -> None:
    if (message.digest, message.digest_algorithm) == (None, None):
        return
    if message.digest is None or message.digest_algorithm not in _KNOWN:
        raise RefusedError("the bundle's digest is incomplete or by no known algorithm")


def _require(holds: bool | None, case: Case, refusal: str) -> None:
    if holds is False:
        raise RefusedError(refusal)
    if holds is None:
        what = "no artifact was given" if not case.content.digests else "the artifact's bytes or digest are not known"
        raise UnprovableError(f"the signature is over an artifact, and {what}")


def hint_of(opened: Opened) -> Digest | None:
    """The artifact's digest as a bundle has it, not to be trusted; None where it has none by a usable algorithm."""
    message = opened.message
    if message is None or message.digest is None:
        return None
    algorithm = _ALGORITHMS.get(message.digest_algorithm or "")
    return Digest(algorithm, message.digest.hex()) if algorithm is not None else None
