"""The verification of one opened attestation, step by step; every step is a recorded check, nothing is a bare bool.

The narrative (numbers are `Check.step`; step 9, subjects, step 10, agreement, and step 11, roots of trust, are the
caller's):

 1. open        the container has one content, one signature (if it is a bundle) and something to verify it with
 2. signature   over the DSSE PAE, or over the artifact, by the certificate's key or a key that the user gave
 3. time        from a log's promise (SET) or an RFC 3161 timestamp over the signature
 4. chain       the certificate was issued by an authority of the trusted root and valid at each trusted time
 5. sct         a CT log of the trusted root promised to publish the certificate
 6. promise, inclusion   a log of the trusted root promised to include the entry, includes it
 7. binding     the entry is about this signature, this certificate or key, and this content
 8. signer, identity     who signed, and whether that is whom the user asks for
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from assess.attestations.envelope import LogEntry, Material, Opened
from assess.evidence import Check, Digest, SignatureState, Signer
from assess.trust._outcome import Proved, Record, RefusedError, UnprovableError
from assess.trust.certificates import Leaf, read_leaf, verify_chain
from assess.trust.entries import Signed, bind, says_prehashed
from assess.trust.keys import Content, PublicKey, SupportedKey, pae, verify_content
from assess.trust.log import verify_inclusion, verify_promise
from assess.trust.roots import TrustedRoot
from assess.trust.scts import verify_scts
from assess.trust.signers import IdentityPolicy, check_identity, key_signer, read_signer
from assess.trust.timestamps import MAX_TIMESTAMPS, read_timestamp

__all__ = ["IdentityPolicy", "Verification", "verify"]

_ALGORITHMS = {"SHA2_256": "sha256", "SHA2_384": "sha384", "SHA2_512": "sha512"}
_KNOWN = (*_ALGORITHMS, "SHA3_256", "SHA3_384")
_PREFERENCE: tuple[SignatureState | None, ...] = ("verified", None, "failed")


@dataclass(frozen=True, slots=True)
class Verification:
    """What was proved of one attestation's signature, and what was not."""

    signature: SignatureState | None
    """None where something needed is not provable offline; `note` says what."""
    note: str | None
    """Why the signature is not "verified"; None where it is."""
    signer: Signer | None
    """Who made the signature; None unless its mathematics and its certificate's chain (or its key) hold.
    Where `signature` is None this is not yet proved for a trusted time."""
    checks: tuple[Check, ...]
    """In the order of the narrative."""
    times: tuple[datetime, ...] = ()
    """Trusted times of the signature, UTC, ascending."""


@dataclass(frozen=True, slots=True)
class _Case:
    """One signature of an attestation, and everything that it is verified with."""

    opened: Opened
    signature: bytes
    content: Content
    certificates: tuple[bytes, ...]
    material: Material
    root: TrustedRoot
    keys: tuple[PublicKey, ...]
    identity: IdentityPolicy | None

    @property
    def in_bundle(self) -> bool:
        return self.opened.material is not None


def verify(
    opened: Opened,
    *,
    root: TrustedRoot,
    keys: tuple[PublicKey, ...] = (),
    artifact: tuple[Digest, ...] | None = None,
    artifact_file: Path | None = None,
    identity: IdentityPolicy | None = None,
) -> Verification:
    """Verify an attestation's signature, steps 1 to 8 of the module's narrative; never raises for what it says.

    `keys` verify what carries no certificate. `artifact` is what is known of the artifact by digest (lower-case hex):
    message signatures are over it; for envelopes its digests are the caller's to compare (step 9).
    `artifact_file` serves signatures that are over the artifact's bytes (pure Ed25519).
    """
    record = Record()
    # (1) open
    signed = record.run(1, "open", lambda: _open(opened))
    if signed is None:
        return _sum_up(record, None, ())
    if not signed:
        return Verification("absent", "the statement is not signed", None, record.in_order())
    material = opened.material or Material()
    results: list[Verification] = []
    for signature, certificate in signed:
        if opened.envelope is not None:
            content = Content(pae(opened.envelope.payload_type, opened.envelope.payload))
        else:
            content = Content(None, artifact or (), artifact_file)
        certificates = material.certificates or ((certificate,) if certificate is not None else ())
        case = _Case(opened, signature, content, certificates, material, root, keys, identity)
        own = Record()
        own.checks.extend(record.checks)
        results.append(_by_certificate(case, own) if certificates else _by_key(case, own))
    # An envelope outside a bundle may have several signatures: one that holds suffices, each covers all of it.
    return min(results, key=lambda result: _PREFERENCE.index(result.signature))


def _open(opened: Opened) -> Proved[tuple[tuple[bytes, bytes | None], ...]]:
    """Each signature with its own certificate; () for what is not signed."""
    if opened.defects:
        raise RefusedError("; ".join(opened.defects))
    if opened.envelope is not None and opened.message is not None:
        raise RefusedError("two contents: an envelope and a message signature")
    signed: tuple[tuple[bytes, bytes | None], ...] = ()
    if opened.message is not None:
        signed = ((opened.message.signature, None),)
    elif opened.envelope is not None:
        signed = tuple((one.sig, one.certificate) for one in opened.envelope.signatures)
    if opened.material is not None and len(signed) != 1:
        raise RefusedError("a bundle has exactly one signature", found=str(len(signed)))
    if opened.material is not None and not opened.material.certificates and opened.material.key_hint is None:
        raise RefusedError("the bundle names neither a certificate nor a key")
    if opened.material is not None and len(set(opened.material.entries)) != len(opened.material.entries):
        raise RefusedError("the bundle holds a log entry twice")
    detail = f"opened as {opened.container}" + ("" if signed else "; nothing is signed")
    return Proved(detail, signed)


def _by_certificate(case: _Case, record: Record) -> Verification:
    leaf = _leaf_and_signature(case, record)
    if leaf is None:
        return _sum_up(record, None, ())
    # (3) time
    times = _times(case, record)
    if not times:
        _lacks_time(case, record)
    # (4) chain
    issuer = record.run(4, "chain", lambda: verify_chain(leaf, _others(case), case.root, times))
    # (5) sct; a private root without CT logs asks for none
    if issuer is not None and case.root.ct_logs:
        record.run(5, "sct", lambda: verify_scts(leaf, issuer, case.root))
    # (6) inclusion, (7) binding
    _entries(case, record, leaf.key, leaf.der, times)
    # (8) signer, identity
    signer = record.run(8, "signer", lambda: read_signer(leaf, case.root))
    if signer is not None and case.identity is not None:
        policy = case.identity
        record.run(8, "identity", lambda: check_identity(signer, policy))
    return _sum_up(record, signer if issuer is not None else None, times)


def _others(case: _Case) -> tuple[bytes, ...]:
    # v0.1 bundles came with their whole chain (npm's still do); from v0.2 on a root in it is refused.
    return () if case.opened.container == "sigstore-bundle-0.1" else case.certificates[1:]


def _by_key(case: _Case, record: Record) -> Verification:
    # (2) signature
    key = record.run(2, "signature", lambda: _signature_by_key(case))
    if key is None:
        return _sum_up(record, None, ())
    # (3) time is not needed: a key that the user trusts has no end
    times = _times(case, record)
    if times:
        record.run(3, "time", lambda: Proved(f"trusted time: {_shown(times)}", times))
    # (6) inclusion, (7) binding
    _entries(case, record, key.key, key.der, times)
    # (8) signer, identity
    signer = record.run(8, "signer", lambda: Proved(f"the key sha256:{key.sha256} signed", key_signer(key)))
    if signer is not None and case.identity is not None:
        policy = case.identity
        record.run(8, "identity", lambda: check_identity(signer, policy))
    return _sum_up(record, signer, times)


def _leaf_and_signature(case: _Case, record: Record) -> Leaf | None:
    """(2) The leaf, if it can be parsed; the signature check is recorded either way."""
    leaf: Leaf | None = None

    def action() -> Proved[Leaf]:
        nonlocal leaf
        leaf = read_leaf(case.certificates[0]).value
        _require(_holds(case, leaf.key), case, "the signature is not one of the certificate's key")
        return Proved("the signature holds under the certificate's key", leaf)

    record.run(2, "signature", action)
    return leaf


def _signature_by_key(case: _Case) -> Proved[PublicKey]:
    if not case.keys:
        if case.in_bundle:
            raise RefusedError("signed with a key, but none was given", found=f"hint {case.material.key_hint!r}"[:200])
        raise UnprovableError("signed with a key that was not given")
    outcomes = [(key, _holds(case, key.key)) for key in case.keys]
    for key, holds in outcomes:
        if holds:
            return Proved(f"the signature holds under the given key sha256:{key.sha256}", key)
    unknown = None if any(holds is None for _, holds in outcomes) else False
    _require(unknown, case, "the signature is not one of a given key")
    raise RefusedError("the signature is not one of a given key")


def _holds(case: _Case, key: SupportedKey) -> bool | None:
    """Whether the signature holds; None where the artifact is not known (well enough)."""
    prehashed = any(says_prehashed(entry, key) for entry in case.material.entries)
    message = case.opened.message
    if message is not None and (message.digest, message.digest_algorithm) != (None, None):
        if message.digest is None or message.digest_algorithm not in _KNOWN:
            raise RefusedError("the bundle's digest is incomplete or by no known algorithm")
    hint = _hint(case.opened)
    if hint is not None:
        known = case.content.digest(hint.algorithm)
        if known is not None and known.hex() != hint.value:
            raise RefusedError("the bundle is about another artifact", expected=known.hex(), found=hint.value)
        if not case.content.digests and case.content.file is None:
            # Against the bundle's own digest the mathematics can fail, but prove nothing.
            own = verify_content(key, case.signature, Content(None, (hint,)), prehashed=prehashed)
            return False if own is False else None
    return verify_content(key, case.signature, case.content, prehashed=prehashed)


def _require(holds: bool | None, case: _Case, refusal: str) -> None:
    if holds is False:
        raise RefusedError(refusal)
    if holds is None:
        what = "no artifact was given" if not case.content.digests else "the artifact's bytes or digest are not known"
        raise UnprovableError(f"the signature is over an artifact, and {what}")


def _hint(opened: Opened) -> Digest | None:
    message = opened.message
    if message is None or message.digest is None:
        return None
    algorithm = _ALGORITHMS.get(message.digest_algorithm or "")
    return Digest(algorithm, message.digest.hex()) if algorithm is not None else None


def _times(case: _Case, record: Record) -> tuple[datetime, ...]:
    """(3) Every time that is proved: by promises (recorded as step 6) and by timestamps."""
    times: set[datetime] = set()
    for entry in case.material.entries:
        if entry.promise is not None:
            moment = record.run(6, "promise", lambda entry=entry: verify_promise(entry, case.root))  # type: ignore[misc]
            if moment is not None:
                times.add(moment)
    stamped: tuple[datetime, ...] | None = ()
    if case.material.timestamps:
        stamped = _stamped(case, record, bool(times))
    ordered = tuple(sorted(times.union(stamped or ())))
    if ordered and stamped is not None and case.certificates:
        record.run(3, "time", lambda: Proved(f"trusted time: {_shown(ordered)}", ordered))
    return ordered


def _stamped(case: _Case, record: Record, otherwise: bool) -> tuple[datetime, ...] | None:
    """The times of the timestamps; None where a failed check was recorded instead."""
    moments: list[datetime] = []
    refused = Record()

    def action() -> Proved[None]:
        stamps = case.material.timestamps
        if len(stamps) > MAX_TIMESTAMPS or len(set(stamps)) != len(stamps):
            raise RefusedError(f"timestamps must be different ones, at most {MAX_TIMESTAMPS}")
        for stamp in stamps:
            moment = read_timestamp(stamp, case.signature, case.root)
            if moment is not None:
                moments.append(moment)
        # One of an authority that is not trusted here says nothing, unless it is all there is.
        if not moments and not otherwise:
            raise RefusedError(f"no timestamp is from a timestamp authority of the trusted root ({case.root.name})")
        return Proved("", None)

    refused.run(3, "time", action)
    failed = [check for check in refused.checks if check.result != "verified"]
    record.checks.extend(failed)
    return None if failed else tuple(moments)


def _lacks_time(case: _Case, record: Record) -> None:
    if any(check.name == "time" for check in record.checks):
        return
    if any(entry.promise is not None for entry in case.material.entries):
        detail = "no trusted time: the log's promise does not hold, and there is no timestamp"
    else:
        detail = "no trusted time: neither a log's promise (SET) nor a timestamp shows when the signature was made"
    record.lacks(3, "time", detail)


def _entries(case: _Case, record: Record, key: SupportedKey, verifier: bytes, times: tuple[datetime, ...]) -> None:
    """(6) and (7) for each log entry."""
    if not case.material.entries:
        # Private instances keep no log. A bare envelope under a given key is trusted for the key alone.
        if case.root.logs and (case.in_bundle or case.certificates):
            record.lacks(6, "inclusion", f"no log entry, though the trusted root ({case.root.name}) names logs")
        return
    hint = _hint(case.opened)
    signed = Signed(
        signature=case.signature,
        content=case.content,
        envelope=case.opened.envelope,
        key=key,
        verifier=verifier,
        by_certificate=bool(case.certificates),
        hint=(hint.algorithm, bytes.fromhex(hint.value)) if hint is not None else None,
    )
    for entry in case.material.entries:
        _entry(entry, signed, case.root, record, times)


def _entry(entry: LogEntry, signed: Signed, root: TrustedRoot, record: Record, times: tuple[datetime, ...]) -> None:
    if entry.proof is not None or entry.promise is None:
        record.run(6, "inclusion", lambda: verify_inclusion(entry, root, times))
    record.run(7, "binding", lambda: bind(entry, signed))


def _sum_up(record: Record, signer: Signer | None, times: tuple[datetime, ...]) -> Verification:
    checks = record.in_order()
    state: SignatureState | None = "verified"
    note: str | None = None
    for result in ("failed", "not-provable-offline"):
        found = next((check for check in checks if check.result == result), None)
        if found is not None:
            state = "failed" if result == "failed" else None
            note = f"{found.name}: {found.detail}"
            break
    proved = state == "verified" or (state is None and _has(checks, "signature"))
    return Verification(state, note, signer if proved else None, checks, times)


def _has(checks: tuple[Check, ...], name: str) -> bool:
    return any(check.name == name and check.result == "verified" for check in checks)


def _shown(times: tuple[datetime, ...]) -> str:
    return ", ".join(moment.isoformat().replace("+00:00", "Z") for moment in times)
