"""The verification of one opened attestation, step by step; every step is a recorded check, nothing is a bare bool.

The narrative (numbers are `Check.step`; step 9, subjects, step 10, agreement, and step 11, roots of trust, are the
caller's):

 1. open        the container has one content, one signature (if it is a bundle) and something to verify it with
 2. signature   over the DSSE PAE, over the artifact, or over the payload that names an image, by the certificate's
                key or a key that the user gave
 3. time        from a log's promise (SET) or an RFC 3161 timestamp over the signature
 4. chain       the certificate was issued by an authority of the trusted root and valid at each trusted time
 5. sct         a CT log of the trusted root promised to publish the certificate
 6. promise, inclusion   a log of the trusted root promised to include the entry, includes it
 7. binding     the entry is about this signature, this certificate or key, and this content
 8. signer, identity     who signed, and whether that is whom the user asks for
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from assess._frozen import frozen
from assess.attestations.envelope import METABLOCK, Envelope, LogEntry, Material, Opened
from assess.evidence import Check, Digest, SignatureState, Signer
from assess.trust._outcome import Proved, Record, RefusedError
from assess.trust._signature import Case, hint_of, leaf_and_signature, signature_by_key
from assess.trust._times import lacks_time, shown, trusted_times
from assess.trust.certificates import verify_chain
from assess.trust.entries import Signed, bind
from assess.trust.keys import Content, PublicKey, SupportedKey, pae
from assess.trust.log import verify_inclusion
from assess.trust.roots import TrustedRoot, Window
from assess.trust.scts import verify_scts
from assess.trust.signers import IdentityPolicy, check_identity, key_signer, read_signer

__all__ = ["IdentityPolicy", "Verification", "verify"]

_PREFERENCE: tuple[SignatureState | None, ...] = ("verified", None, "failed")


@frozen
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


def verify(
    opened: Opened,
    *,
    root: TrustedRoot,
    keys: tuple[PublicKey, ...] = (),
    artifact: tuple[Digest, ...] | None = None,
    artifact_file: Path | None = None,
    identity: IdentityPolicy | None = None,
    key_needs_log: bool = True,
) -> Verification:
    """Verify an attestation's signature, steps 1 to 8 of the module's narrative; never raises for what it says.

    `keys` verify what carries no certificate (one with a hint only signatures that come with that hint); with keys
    alone, and no `identity`, a certificate is not who was asked for. With an `identity`, a key is not. `artifact` is
    what is known of the artifact by digest (lower-case hex): message signatures are over it; for envelopes its digests
    are the caller's to compare (step 9).
    `artifact_file` serves signatures that are over the artifact's bytes (pure Ed25519).
    Without `key_needs_log` what a given key signed needs no log entry, also in a bundle; one that is there must hold.
    """
    record = Record()
    # (1) open
    signed = record.run(1, "open", lambda: _open(opened))
    if signed is None:
        return _sum_up(record, None, ())
    if not signed:
        if identity is not None:
            # Else dropping the signature would free an attestation from the identity that was asked for.
            record.run(8, "identity", lambda: _nobody(identity))
        return Verification("absent", "the statement is not signed", None, record.in_order())
    material = opened.material or Material()
    results: list[Verification] = []
    for signature, certificate, hint in signed:
        if opened.envelope is not None:
            content = Content(_covered(opened, opened.envelope))
        elif opened.claims is not None:
            content = Content(opened.claims)
        else:
            content = Content(None, artifact or (), artifact_file)
        own_certificate = certificate if opened.material is None else None
        certificates = material.certificates or ((own_certificate,) if own_certificate is not None else ())
        case = Case(opened, signature, content, certificates, material, root, keys, identity, hint, key_needs_log)
        own = Record()
        own.checks.extend(record.checks)
        results.append(_by_certificate(case, own) if certificates else _by_key(case, own))
    # An envelope outside a bundle may have several signatures: one that holds suffices, each covers all of it.
    return min(results, key=lambda result: _PREFERENCE.index(result.signature))


def _covered(opened: Opened, envelope: Envelope) -> bytes:
    """What an envelope's signatures cover."""
    if opened.container == METABLOCK:
        from assess.attestations.metablock import signed_bytes

        return signed_bytes(envelope)
    return pae(envelope.payload_type, envelope.payload)


def _open(opened: Opened) -> Proved[tuple[tuple[bytes, bytes | None, str | None], ...]]:
    """Each signature with its own certificate and the hint at its key; () for what is not signed."""
    if opened.defects:
        raise RefusedError("; ".join(opened.defects))
    if opened.envelope is not None and opened.message is not None:
        raise RefusedError("two contents: an envelope and a message signature")
    signed: tuple[tuple[bytes, bytes | None, str | None], ...] = ()
    hint = opened.material.key_hint if opened.material is not None else None
    if opened.message is not None:
        signed = ((opened.message.signature, None, hint),)
    elif opened.envelope is not None:
        signed = tuple((one.sig, one.certificate, hint or one.keyid) for one in opened.envelope.signatures)
    if opened.material is not None and len(signed) != 1:
        raise RefusedError("a bundle has exactly one signature", found=str(len(signed)))
    if opened.material is not None and not opened.material.certificates and opened.material.key_hint is None:
        raise RefusedError("the bundle names neither a certificate nor a key")
    if opened.material is not None and len(set(opened.material.entries)) != len(opened.material.entries):
        raise RefusedError("the bundle holds a log entry twice")
    detail = f"opened as {opened.container}" + ("" if signed else "; nothing is signed")
    return Proved(detail, signed)


def _by_certificate(case: Case, record: Record) -> Verification:
    leaf = leaf_and_signature(case, record)
    if leaf is None:
        return _sum_up(record, None, ())
    # (3) time
    times = trusted_times(case, record)
    if not times:
        lacks_time(case, record)
    # (4) chain
    issuer = record.run(4, "chain", lambda: verify_chain(leaf, _others(case), case.root, times))
    # (5) sct; a private root without CT logs asks for none
    if issuer is not None and case.root.ct_logs:
        record.run(5, "sct", lambda: verify_scts(leaf, issuer, case.root))
    # (6) inclusion, (7) binding
    _entries(case, record, leaf.key, leaf.der, times)
    # (8) signer, identity
    signer = record.run(8, "signer", lambda: read_signer(leaf, case.root))
    if signer is not None:
        _identity(case, signer, record)
    return _sum_up(record, signer if issuer is not None else None, times)


def _others(case: Case) -> tuple[bytes, ...]:
    # v0.1 bundles came with their whole chain (npm's still do); from v0.2 on a root in it is refused.
    return () if case.opened.container == "sigstore-bundle-0.1" else case.certificates[1:]


def _by_key(case: Case, record: Record) -> Verification:
    # (2) signature
    key = record.run(2, "signature", lambda: signature_by_key(case))
    if key is None:
        if case.identity is not None:
            record.run(8, "identity", lambda: _nobody(case.identity))
        return _sum_up(record, None, ())
    # (3) time is told, and needed only for keys that have an end: one that the user trusts has none
    times = trusted_times(case, record)
    window = key.window
    if window is not None and not times:
        lacks_time(case, record)
    elif window is not None:
        # (4) chain
        record.run(4, "chain", lambda: _in_window(key, window, times))
    # (6) inclusion, (7) binding
    _entries(case, record, key.key, key.der, times)
    # (8) signer, identity
    signer = record.run(8, "signer", lambda: Proved(f"{_owner(key)} sha256:{key.sha256} signed", key_signer(key)))
    if signer is not None:
        _identity(case, signer, record)
    return _sum_up(record, signer, times)


def _owner(key: PublicKey) -> str:
    return "the key" if key.owner == "key" else f"{key.owner}'s key"


def _in_window(key: PublicKey, window: Window, times: tuple[datetime, ...]) -> Proved[None]:
    for moment in times:
        if not window.holds(moment):
            end = shown((window.end,)) if window.end is not None else "today"
            expected = f"{shown((window.start,))} to {end}"
            raise RefusedError(f"{key.owner}'s key was not in use at that time", expected, shown((moment,)))
    return Proved(f"{key.owner}'s key was in use at {shown(times)}", None)


def _identity(case: Case, signer: Signer, record: Record) -> None:
    policy = case.identity
    if policy is not None:
        record.run(8, "identity", lambda: check_identity(signer, policy))
    elif case.keys and signer.kind == "certificate":
        # Who asks for a key must not get anybody's certificate instead.
        record.run(8, "identity", lambda: _key_was_asked_for(signer))


def _nobody(policy: IdentityPolicy | None) -> Proved[None]:
    wanted = policy and (policy.identity or policy.identity_regexp or policy.issuer or policy.issuer_regexp)
    raise RefusedError("an identity was asked for, and no certificate signed", wanted or None, "none")


def _key_was_asked_for(signer: Signer) -> Proved[None]:
    raise RefusedError(
        "a signature by a given key was asked for, and a certificate signed (give its identity too)",
        found=signer.identity,
    )


def _entries(case: Case, record: Record, key: SupportedKey, verifier: bytes, times: tuple[datetime, ...]) -> None:
    """(6) and (7) for each log entry."""
    if not case.material.entries:
        # Private instances keep no log. A bare envelope under a given key is trusted for the key alone.
        if case.root.logs and ((case.in_bundle and case.key_needs_log) or case.certificates):
            record.lacks(6, "inclusion", f"no log entry, though the trusted root ({case.root.name}) names logs")
        return
    hint = hint_of(case.opened)
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
