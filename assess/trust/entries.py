"""What a log entry says was signed, by which certificate or key, compared with what is in hand (step 7)."""

from __future__ import annotations

import hashlib
import re

from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from assess._frozen import frozen
from assess.attestations._json import JSON, Limits, decode_base64, read_json
from assess.attestations.envelope import Envelope, LogEntry
from assess.errors import InputError
from assess.trust._outcome import Proved, RefusedError, UnprovableError
from assess.trust.keys import Content, SupportedKey

_LIMITS = Limits(size=4 * 1024 * 1024, depth=32, nodes=50_000)
_PEM = re.compile(r"\s*-----BEGIN ([A-Z ]{1,40})-----([A-Za-z0-9+/=\s]+)-----END \1-----\s*")
_HASHES = {"SHA2_256": "sha256", "SHA2_384": "sha384", "SHA2_512": "sha512"}
_CURVES = {"secp256r1": "PKIX_ECDSA_P256", "secp384r1": "PKIX_ECDSA_P384", "secp521r1": "PKIX_ECDSA_P521"}
ED25519_PH = "PKIX_ED25519_PH"


@frozen
class Signed:
    """One signature with everything that an entry about it must agree with."""

    signature: bytes
    content: Content
    """What the signature covers: the PAE of an envelope, or an artifact."""
    envelope: Envelope | None
    key: SupportedKey
    verifier: bytes
    """DER of the signing certificate, or of the key's SubjectPublicKeyInfo."""
    by_certificate: bool
    hint: tuple[str, bytes] | None = None
    """Algorithm and digest of the artifact as the bundle has it; not to be trusted."""


def read_body(entry: LogEntry) -> dict[str, JSON]:
    """The `spec` of an entry; refused where the kind named outside is not the kind inside."""
    try:
        body = read_json(entry.body, "log entry", _LIMITS)
    except InputError as error:
        raise RefusedError(f"the entry's body cannot be read: {error.message}") from None
    inside = (_at(body, "kind"), _at(body, "apiVersion"))
    if inside != (entry.kind, entry.version):
        raise RefusedError(
            "the entry is of another kind than the bundle says",
            expected=f"{entry.kind} {entry.version}"[:200],
            found=f"{inside[0]} {inside[1]}"[:200],
        )
    spec = _at(body, "spec")
    if not isinstance(spec, dict):
        raise RefusedError("the entry's body has no spec")
    return spec


def says_prehashed(entry: LogEntry, key: SupportedKey) -> bool:
    """Whether an entry says that an Ed25519 signature is over the SHA-512 digest (Ed25519ph)."""
    if not isinstance(key, ed25519.Ed25519PublicKey) or entry.kind != "hashedrekord":
        return False
    try:
        spec = read_body(entry)
    except RefusedError:
        return False
    if entry.version == "0.0.1":
        return _at(spec, "data", "hash", "algorithm") == "sha512"
    return _at(spec, "hashedRekordV002", "signature", "verifier", "keyDetails") == ED25519_PH


def bind(entry: LogEntry, signed: Signed) -> Proved[None]:
    """Step 7: the entry is about this signature, this full certificate (or key) and this content."""
    spec = read_body(entry)
    match (entry.kind, entry.version):
        case ("hashedrekord", "0.0.1"):
            _same_signature(_at(spec, "signature", "content"), signed)
            _same_pem(_at(spec, "signature", "publicKey", "content"), signed)
            value = _at(spec, "data", "hash", "value")
            digest = _hex(value)
            _same_content(_at(spec, "data", "hash", "algorithm"), digest, signed)
        case ("rekord", "0.0.1"):
            _bind_rekord(spec, signed)
        case ("hashedrekord", "0.0.2"):
            _bind_hashedrekord_2(_at(spec, "hashedRekordV002"), signed)
        case ("dsse", "0.0.1"):
            _same_payload(_at(spec, "payloadHash", "algorithm"), _hex(_at(spec, "payloadHash", "value")), signed)
            item = _only(_at(spec, "signatures"))
            _same_signature(_at(item, "signature"), signed)
            _same_pem(_at(item, "verifier"), signed)
        case ("dsse", "0.0.2"):
            _bind_dsse_2(_at(spec, "dsseV002"), signed)
        case ("intoto", "0.0.1"):
            _same_pem(_at(spec, "publicKey"), signed)
            content = _at(spec, "content")
            _same_payload(_at(content, "payloadHash", "algorithm"), _hex(_at(content, "payloadHash", "value")), signed)
            who = "certificate" if signed.by_certificate else "key"
            return Proved(f"the entry is about this {who} and payload (intoto 0.0.1 records no signature)", None)
        case ("intoto", "0.0.2"):
            _bind_intoto_2(_at(spec, "content"), signed)
        case _:
            raise UnprovableError(f"entries of kind {entry.kind[:40]} {entry.version[:20]} are not known")
    who = "certificate" if signed.by_certificate else "key"
    return Proved(f"the entry ({entry.kind} {entry.version}) is about this signature, {who} and content", None)


def _bind_rekord(spec: dict[str, JSON], signed: Signed) -> None:
    """What cosign logged before hashedrekord; other signature formats (pgp, ssh, minisign) are not ours."""
    form = _at(spec, "signature", "format")
    if form != "x509":
        raise RefusedError("the entry is about a signature of another format", "x509", str(form)[:40])
    _same_signature(_at(spec, "signature", "content"), signed)
    _same_pem(_at(spec, "signature", "publicKey", "content"), signed)
    _same_content(_at(spec, "data", "hash", "algorithm"), _hex(_at(spec, "data", "hash", "value")), signed)


def _bind_hashedrekord_2(spec: JSON, signed: Signed) -> None:
    _same_verifier(_at(spec, "signature"), signed)
    algorithm = _at(spec, "data", "algorithm")
    name = _HASHES.get(algorithm) if isinstance(algorithm, str) else None
    _same_content(name, _decoded(_at(spec, "data", "digest")), signed)


def _bind_dsse_2(spec: JSON, signed: Signed) -> None:
    algorithm = _at(spec, "payloadHash", "algorithm")
    name = _HASHES.get(algorithm) if isinstance(algorithm, str) else None
    _same_payload(name, _decoded(_at(spec, "payloadHash", "digest")), signed)
    _same_verifier(_only(_at(spec, "signatures")), signed)


def _bind_intoto_2(content: JSON, signed: Signed) -> None:
    _same_payload(_at(content, "payloadHash", "algorithm"), _hex(_at(content, "payloadHash", "value")), signed)
    logged = _at(content, "envelope")
    payload_type = _at(logged, "payloadType")
    if signed.envelope is None or payload_type != signed.envelope.payload_type:
        raise RefusedError("the entry is about another payload type", found=str(payload_type)[:200])
    item = _only(_at(logged, "signatures"))
    _same_pem(_at(item, "publicKey"), signed)
    # Rekor logged the envelope's base64 text as bytes, so that the signature is encoded twice.
    once = _decoded(_at(item, "sig"))
    twice = decode_base64(once.decode("ascii", "replace")) if once is not None else None
    if signed.signature not in (once, twice):
        raise RefusedError("the entry is about another signature")


def _same_signature(value: JSON, signed: Signed) -> None:
    if _decoded(value) != signed.signature:
        raise RefusedError("the entry is about another signature")


def _same_pem(value: JSON, signed: Signed) -> None:
    """The PEM in an entry holds the one full certificate (or key) that verifies the signature."""
    raw = _decoded(value)
    found = _PEM.fullmatch(raw.decode("ascii", "replace")) if raw is not None else None
    der = decode_base64("".join(found[2].split())) if found else None
    label = "CERTIFICATE" if signed.by_certificate else "PUBLIC KEY"
    if found is None or found[1] != label or der != signed.verifier:
        raise RefusedError(f"the entry is about another {'certificate' if signed.by_certificate else 'key'}")


def _same_verifier(item: JSON, signed: Signed) -> None:
    _same_signature(_at(item, "content"), signed)
    verifier = _at(item, "verifier")
    kind, other = ("x509Certificate", "publicKey") if signed.by_certificate else ("publicKey", "x509Certificate")
    if _at(verifier, other) is not None or _decoded(_at(verifier, kind, "rawBytes")) != signed.verifier:
        raise RefusedError(f"the entry is about another {'certificate' if signed.by_certificate else 'key'}")
    details = _at(verifier, "keyDetails")
    if not isinstance(details, str) or not details.startswith(_details(signed.key)):
        raise RefusedError("the entry names another kind of key", _details(signed.key), str(details)[:100])


def _details(key: SupportedKey) -> str:
    match key:
        case ec.EllipticCurvePublicKey():
            return _CURVES[key.curve.name]
        case ed25519.Ed25519PublicKey():
            return "PKIX_ED25519"
        case _:
            return "PKIX_RSA"


def _same_payload(algorithm: JSON, digest: bytes | None, signed: Signed) -> None:
    if signed.envelope is None:
        raise RefusedError("the entry is about an envelope, and an artifact was signed")
    if algorithm not in ("sha256", "sha384", "sha512") or not isinstance(algorithm, str):
        raise RefusedError("the entry's payload hash is by an unknown algorithm", "sha256", str(algorithm)[:40])
    actual = hashlib.new(algorithm, signed.envelope.payload).digest()
    if digest != actual:
        raise RefusedError("the entry is about another payload", actual.hex(), digest.hex() if digest else None)


def _same_content(algorithm: JSON, digest: bytes | None, signed: Signed) -> None:
    if not isinstance(algorithm, str) or algorithm not in _HASHES.values() or digest is None:
        raise RefusedError("the entry's hash is malformed or by an unknown algorithm", found=str(algorithm)[:40])
    actual = signed.content.digest(algorithm)
    if actual is None and signed.hint is not None and signed.hint[0] == algorithm and signed.hint[1] != digest:
        raise RefusedError("the entry is about another artifact than the bundle", signed.hint[1].hex(), digest.hex())
    if actual is None:
        raise UnprovableError(f"the entry is about this signature; the artifact's {algorithm} is not known")
    if digest != actual:
        raise RefusedError("the entry is about another content", actual.hex(), digest.hex())


def _at(value: JSON, *path: str) -> JSON:
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def _only(value: JSON) -> JSON:
    if not isinstance(value, list) or len(value) != 1:
        raise RefusedError("the entry does not hold exactly one signature")
    return value[0]


def _decoded(value: JSON) -> bytes | None:
    return decode_base64(value) if isinstance(value, str) else None


def _hex(value: JSON) -> bytes | None:
    try:
        return bytes.fromhex(value) if isinstance(value, str) else None
    except ValueError:
        return None
