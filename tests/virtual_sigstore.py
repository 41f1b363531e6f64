"""A virtual Sigstore: issues, signs, logs and stamps real bundles, and forges ones in which a single check fails.

Nothing here is trusted by anybody. Keys come from a seed, signatures are deterministic, and every method is a pure
function of its arguments: the same call gives the same bytes (RSA keys excepted).

    vs = VirtualSigstore()
    root = vs.trusted_root()                                          # bytes of a trusted_root.json
    bundle = vs.sign_statement(provenance_v1([subject_of("a", data)]))  # bundle JSON as a dict
    forged = vs.sign_statement(statement, tamper=Tamper.SET_WRONG)      # fails at `promise`, and there alone
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from virtual_authorities import Log, TimestampAuthority, merkle_path, merkle_root, trusted_authority
from virtual_entries import HASHES, Content, Signed, compact, pae, raw_bytes, spec_v1, spec_v2
from virtual_fulcio import SCT_LIST, Authority, leaf_extensions, sct_list, serial_of, sign_certificate
from virtual_keys import P256_ORDER, Json, Key, b64, canonical, derive_key, hash_of, pem_of, shift, sign, spki
from virtual_statements import (
    DEFAULT_RUN,
    DISAGREEMENTS_V02,
    DISAGREEMENTS_V1,
    GITHUB_ISSUER,
    GitHubRun,
    edited,
    generator_run,
    provenance_v02,
    provenance_v1,
    subject_of,
)
from virtual_tamper import Fault, Tamper

__all__ = [
    "DEFAULT_RUN",
    "DISAGREEMENTS_V02",
    "DISAGREEMENTS_V1",
    "GITHUB_ISSUER",
    "MEDIA_TYPES",
    "NOW",
    "Fault",
    "GitHubRun",
    "Tamper",
    "VirtualSigstore",
    "canonical",
    "edited",
    "generator_run",
    "pae",
    "pem_of",
    "provenance_v02",
    "provenance_v1",
    "subject_of",
]

NOW = datetime(2025, 9, 30, 12, 0, 0, tzinfo=UTC)
MEDIA_TYPES = {
    "0.1": "application/vnd.dev.sigstore.bundle+json;version=0.1",
    "0.2": "application/vnd.dev.sigstore.bundle+json;version=0.2",
    "0.3": "application/vnd.dev.sigstore.bundle.v0.3+json",
    "0.3-old": "application/vnd.dev.sigstore.bundle+json;version=0.3",
}


class VirtualSigstore:
    """One virtual Sigstore instance, seen at one moment (`now`, UTC: the start of the certificates' ten minutes)."""

    def __init__(self, seed: str = "tests", now: datetime = NOW, *, v2_algorithm: str = "ed25519") -> None:
        self.seed, self.now = seed, now
        self.start, self.end = shift(now, days=-365), shift(now, days=3650)
        self.ca = Authority.make(seed, "fulcio", self.start, self.end)
        self.other_ca = Authority.make(f"{seed}/other", "fulcio", self.start, self.end)
        self.ct_key = derive_key(seed, "ct")
        self.v1 = Log("rekor.sigstore.example", "rekor.sigstore.example - 4711", derive_key(seed, "rekor"), 1)
        host = "log2025-1.rekor.sigstore.example"
        self.v2 = Log(host, host, derive_key(seed, "rekor2", v2_algorithm), 2)
        window = (self.start, self.end)
        self.tsa: TimestampAuthority = TimestampAuthority.make(seed, "tsa", window, window)
        old = (self.start, shift(now, days=-1))
        self.old_tsa: TimestampAuthority = TimestampAuthority.make(seed, "old-tsa", window, old)
        self.unknown_tsa: TimestampAuthority = TimestampAuthority.make(f"{seed}/other", "tsa", window, window)

    @property
    def stamp_time(self) -> datetime:
        """When the time-stamp authority stamps."""
        return shift(self.now, seconds=6)

    @property
    def integrated_time(self) -> datetime:
        """When a Rekor v1 log integrates."""
        return shift(self.now, seconds=8)

    def trusted_root(
        self,
        *,
        ca_end: datetime | None = None,
        log_end: datetime | None = None,
        ct_end: datetime | None = None,
        tsa_end: datetime | None = None,
        without: tuple[str, ...] = (),
    ) -> bytes:
        """The trusted_root.json of this instance; `*_end` close validity windows, `without` drops top-level lists.

        It holds a second authority (`old-tsa`) whose leaf expired a day before `now`.
        """
        chain = [self.ca.intermediate, self.ca.root]
        lists = {
            "tlogs": [log.trusted(self.start, log_end) for log in (self.v1, self.v2)],
            "certificateAuthorities": [trusted_authority(chain, self.start, ca_end)],
            "ctlogs": [Log("ct.sigstore.example", "ct", self.ct_key, 1).trusted(self.start, ct_end)],
            "timestampAuthorities": [tsa.trusted(self.start, tsa_end) for tsa in (self.tsa, self.old_tsa)],
        }
        kept = {name: [] if name in without else value for name, value in lists.items()}
        head = {"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1"}
        return (json.dumps(head | kept, indent=2) + "\n").encode()

    def managed_key(self, name: str = "release", algorithm: str = "p256") -> Key:
        """A long-lived signing key (for keyed bundles and bare DSSE)."""
        return derive_key(self.seed, f"managed/{name}", algorithm)

    def issue(
        self,
        identity: str = DEFAULT_RUN.signer_uri,
        issuer: str = GITHUB_ISSUER,
        claims: dict[int, str] | None = None,
        *,
        algorithm: str = "p256",
        tamper: Tamper | None = None,
        serial: str = "",
        public_key: Any = None,
    ) -> tuple[Key, x509.Certificate]:
        """A Fulcio-like certificate (with SCT) and its private key.

        `identity` with a `@` and no `:` becomes an e-mail SAN, else a URI. `claims` are the extensions by number
        (.1 to .6 raw, .8 on DER UTF8String); None gives the default run's for the default identity, else the
        issuer's two alone. `serial` varies the certificate while the key stays.
        `public_key` is certified instead of that of the key which is returned.
        """
        if claims is None:
            claims = DEFAULT_RUN.claims() if identity == DEFAULT_RUN.signer_uri else {1: issuer, 8: issuer}
        key = derive_key(self.seed, f"leaf/{identity}", algorithm)
        begin = self.now
        match tamper:
            case Tamper.CERT_EXPIRED:
                begin = shift(self.now, hours=-2)
            case Tamper.CERT_NOT_YET_VALID:
                begin = shift(self.now, hours=2)
            case Tamper.IDENTITY_PREFIXED:
                identity = f"https://evil.example/{identity}"
            case Tamper.IDENTITY_SUFFIXED:
                identity = f"{identity}-evil"
        number = serial_of(self.seed, identity, repr(sorted(claims.items())), serial)
        builder = self.ca.builder(public_key or key.public_key(), number, begin, shift(begin, minutes=10))
        for extension, critical in leaf_extensions(identity, claims, tamper):
            builder = builder.add_extension(extension, critical)
        issuing = self.other_ca if tamper is Tamper.CERT_OTHER_CA else self.ca
        builder = builder.subject_name(x509.Name([]))
        precertificate = sign_certificate(builder, issuing.key)
        if tamper is Tamper.SCT_MISSING:
            return key, precertificate
        sct = self._sct(precertificate.tbs_certificate_bytes, tamper)
        return key, sign_certificate(builder.add_extension(sct, False), issuing.key)

    def _sct(self, tbs: bytes, tamper: Tamper | None) -> x509.UnrecognizedExtension:
        key = self.ct_key
        match tamper:
            case Tamper.SCT_UNKNOWN_LOG:
                key = derive_key(f"{self.seed}/other", "ct")
            case Tamper.SCT_OTHER_DATA:
                tbs = tbs[:-1] + bytes([tbs[-1] ^ 1])
        # The trusted CA's key hash even for CERT_OTHER_CA, so that the SCT holds for whoever goes by the issuer's name.
        return x509.UnrecognizedExtension(SCT_LIST, sct_list(key, tbs, self.ca.issuer_key_hash(), self.now))

    def sign_statement(self, statement: Json | bytes, **options: Any) -> Json:
        """Sign a statement as a DSSE envelope and return the bundle; options as for `sign_content`.

        A dict is dumped compactly in its own order; bytes are the payload as they are.
        """
        payload = statement if isinstance(statement, bytes) else compact(statement)
        return self.sign_content(Content(payload), **options)

    def sign_blob(self, data: bytes, **options: Any) -> Json:
        """Sign an artifact as a message signature (entry kind hashedrekord) and return the bundle."""
        return self.sign_content(Content(data, None), **({"kind": "hashedrekord"} | options))

    def sign_content(
        self,
        content: Content,
        *,
        identity: str = DEFAULT_RUN.signer_uri,
        issuer: str = GITHUB_ISSUER,
        claims: dict[int, str] | None = None,
        run: GitHubRun | None = None,
        bundle_version: str | None = None,
        log: str | None = "auto",
        kind: str = "dsse",
        tsa: bool | None = None,
        tamper: Tamper | None = None,
        algorithm: str = "p256",
        keyed: str | None = None,
        proof: bool | None = None,
        tsa_leaf: bool = True,
        witness: bool = False,
    ) -> Json:
        """Sign, log and stamp content; returns bundle JSON.

        `run` gives identity, issuer and claims at once. `bundle_version`: 0.1, 0.2, 0.3 or 0.3-old. `log`: v1, v2 or
        None; `auto` is v1, or what the tamper wants. `kind`: dsse, intoto (0.0.2), intoto-0.0.1 or hashedrekord.
        `tsa`: None means where needed (v2 log, or the tamper wants it). `keyed`: name of a managed key, which then
        signs instead of a certificate (bundle with publicKey hint). `proof`: None means in all but v0.1 bundles.
        `tsa_leaf` False leaves the authority's leaf out of the token. `witness` puts an unknown party's line first
        under the checkpoint.
        """
        fault = tamper.value if tamper else Fault("", "")
        log = fault.log if log == "auto" else log
        if tsa is None:
            tsa = fault.tsa or (log == "v2" and tamper is not Tamper.V2_NO_TIMESTAMP)
        version = bundle_version or fault.version
        if run is not None:
            identity, issuer, claims = run.signer_uri, GITHUB_ISSUER, run.claims()
        if keyed is not None:
            key, certificate = self.managed_key(keyed, algorithm), None
        else:
            key, certificate = self.issue(identity, issuer, claims, algorithm=algorithm, tamper=tamper)
        signed = _sign(content, key, certificate, self.seed, tamper, pss=algorithm == "rsa-pss")
        material = self._certificates(signed, version, tamper) | {"tlogEntries": []}
        if log:
            recorded = self._recorded(signed, tamper)
            if certificate and tamper in (Tamper.ENTRY_CERTIFICATE, Tamper.V2_ENTRY_CERTIFICATE):
                twin = self.issue(identity, issuer, claims, algorithm=algorithm, serial="twin")[1]
                recorded = replace(recorded, certificate=twin)
            if proof is None:
                # Old v0.1 bundles came with the promise alone; the forged one without promise needs something.
                proof = tamper is Tamper.PROMISE_MISSING or (version != "0.1" and tamper is not Tamper.PROOF_MISSING)
            entry = self._entry(recorded, log, kind, tamper, proof=proof, witness=witness)
            material["tlogEntries"].append(entry)
        if tsa:
            stamp = {"signedTimestamp": b64(self._stamp(signed, tamper, leaf=tsa_leaf))}
            material["timestampVerificationData"] = {"rfc3161Timestamps": [stamp]}
        media = MEDIA_TYPES[version]
        if tamper is Tamper.UNKNOWN_VERSION:
            media = media.replace(version[:3], "9.9")
        return {"mediaType": media, "verificationMaterial": material} | _content_json(signed, tamper)

    def sign_bare(
        self,
        statement: Json | bytes,
        *,
        key: Key | None = None,
        run: GitHubRun = DEFAULT_RUN,
        tamper: Tamper | None = None,
    ) -> Json:
        """A bare DSSE envelope: with a `cert` field (older slsa-github-generator), or signed by `key` with a keyid."""
        content = Content(statement if isinstance(statement, bytes) else compact(statement))
        certificate = None
        if key is None:
            key, certificate = self.issue(run.signer_uri, claims=run.claims(), tamper=tamper)
        envelope: Json = _content_json(_sign(content, key, certificate, self.seed, tamper), tamper)["dsseEnvelope"]
        extra = {"cert": certificate.public_bytes(Encoding.PEM).decode()} if certificate else {"keyid": key_hint(key)}
        return envelope | {"signatures": [{"keyid": ""} | item | extra for item in envelope["signatures"]]}

    def _certificates(self, signed: Signed, version: str, tamper: Tamper | None) -> Json:
        if signed.certificate is None:
            return {"publicKey": {"hint": key_hint(signed.key)}}
        leaf = raw_bytes(signed.certificate)
        if version.startswith("0.3"):
            return {"certificate": leaf}
        chain = [leaf, raw_bytes(self.ca.intermediate)]
        match tamper:
            case Tamper.EMPTY_CHAIN:
                chain = []
            case Tamper.CERT_ROOT_IN_CHAIN:
                chain.append(raw_bytes(self.ca.root))
        return {"x509CertificateChain": {"certificates": chain}}

    def _stamp(self, signed: Signed, tamper: Tamper | None, *, leaf: bool) -> bytes:
        tsa, message, when = self.tsa, signed.signature, self.stamp_time
        match tamper:
            case Tamper.TIMESTAMP_OTHER_SIGNATURE:
                message = sign(signed.key, b"another message")
            case Tamper.TIMESTAMP_UNKNOWN_TSA:
                tsa = self.unknown_tsa
            case Tamper.TSA_CERT_EXPIRED:
                tsa = self.old_tsa
            case Tamper.TIMESTAMP_OUTSIDE:
                when = shift(self.now, hours=1)
        return tsa.stamp(message, when, embed=leaf)

    def _entry(
        self, recorded: Signed, which: str, kind: str, tamper: Tamper | None, *, proof: bool, witness: bool
    ) -> Json:
        log = self.v1 if which == "v1" else self.v2
        name, entry_version, spec = (spec_v1 if log.version == 1 else spec_v2)(recorded, kind)
        body = canonical({"apiVersion": entry_version, "kind": name, "spec": spec})
        index, leaves = log.tree(body)
        outer = name
        if tamper is Tamper.ENTRY_OUTER_KIND:
            outer = "hashedrekord" if name != "hashedrekord" else "dsse"
        # A Rekor v1 log index counts over all shards; the proof's index is that of the shard.
        entry: Json = {
            "logIndex": str(index + 1_000_000 if log.version == 1 else index),
            "logId": {"keyId": b64(log.log_id)},
            "kindVersion": {"kind": outer, "version": entry_version},
        }
        if log.version == 1:
            entry |= self._promise(log, body, int(entry["logIndex"]), tamper)
        if proof:
            entry["inclusionProof"] = self._proof(log, index, leaves, tamper)
            if witness:
                unknown = Log("witness.example", "witness.example", derive_key(f"{self.seed}/other", "witness"), 2)
                note, lines = entry["inclusionProof"]["checkpoint"]["envelope"].split("\n\n")
                signed = f"{note}\n\n{unknown.note_signature(note)}{lines}"
                entry["inclusionProof"]["checkpoint"]["envelope"] = signed
        return entry | {"canonicalizedBody": b64(body)}

    def _recorded(self, signed: Signed, tamper: Tamper | None) -> Signed:
        """What the log believes was signed."""
        match tamper:
            case Tamper.ENTRY_PAYLOAD | Tamper.V2_ENTRY_PAYLOAD:
                return replace(signed, content=signed.content.changed())
            case Tamper.ENTRY_SIGNATURE | Tamper.V2_ENTRY_SIGNATURE:
                return replace(signed, signature=_malleate(signed.signature))
        return signed

    def _promise(self, log: Log, body: bytes, index: int, tamper: Tamper | None) -> Json:
        integrated = self.integrated_time
        if tamper is Tamper.INTEGRATED_TIME_OUTSIDE:
            integrated = shift(self.now, hours=1)
        seconds = int(integrated.timestamp())
        if tamper in (Tamper.NO_TRUSTED_TIME, Tamper.PROMISE_MISSING):
            return {"integratedTime": str(seconds)}
        promise = log.promise(body, seconds, index)
        match tamper:
            case Tamper.SET_WRONG:
                promise = log.promise(body, seconds, index + 1)
            case Tamper.SET_OTHER_LOG:
                other = derive_key(f"{self.seed}/other", "rekor")
                promise = sign(other, log.promised(body, seconds, index))
        return {"integratedTime": str(seconds), "inclusionPromise": {"signedEntryTimestamp": b64(promise)}}

    def _proof(self, log: Log, index: int, leaves: list[bytes], tamper: Tamper | None) -> Json:
        root, path, size = merkle_root(leaves), merkle_path(leaves, index), len(leaves)
        flipped = hashlib.sha256(root).digest()
        note = log.note(size, root)
        signature = log.note_signature(note)
        match tamper:
            case Tamper.PROOF_HASH | Tamper.V2_PROOF_HASH:
                path[0] = bytes([path[0][0] ^ 1]) + path[0][1:]
            case Tamper.ROOT_HASH:
                root = flipped
            case Tamper.CHECKPOINT_ROOT:
                note = log.note(size, flipped)
                signature = log.note_signature(note)
            case Tamper.CHECKPOINT_SIGNATURE | Tamper.V2_CHECKPOINT_SIGNATURE:
                signature = log.note_signature(log.note(size + 1, root))
            case Tamper.CHECKPOINT_OTHER_LOG:
                other = derive_key(f"{self.seed}/other", "rekor")
                signature = Log(log.host, log.origin, other, log.version).note_signature(note)
            case Tamper.CHECKPOINT_ORIGIN:
                note = log.note(size, root, origin="rekor.elsewhere.example - 1")
                signature = log.note_signature(note)
            case Tamper.CHECKPOINT_SIZE:
                note = log.note(size + 1, root)
                signature = log.note_signature(note)
        return {
            "logIndex": "-1" if tamper is Tamper.NEGATIVE_INDEX else str(index),
            "rootHash": b64(root),
            "treeSize": str(size),
            "hashes": [b64(item) for item in path],
            "checkpoint": {"envelope": f"{note}\n{signature}"},
        }


def key_hint(key: Key) -> str:
    """The hint (or keyid) that goes with a managed key: SHA-256 of its SPKI, base64, as the npm registry writes it."""
    return f"SHA256:{b64(hashlib.sha256(spki(key)).digest()).rstrip('=')}"


def _sign(
    content: Content, key: Key, cert: x509.Certificate | None, seed: str, tamper: Tamper | None, *, pss: bool = False
) -> Signed:
    signing = derive_key(seed, "not the leaf") if tamper is Tamper.SIGNATURE_OTHER_KEY else key
    signature = sign(signing, content.signed, pss=pss)
    match tamper:
        case Tamper.PAYLOAD:
            content = content.changed()
        case Tamper.SIGNATURE_BYTE:
            # The last octet belongs to the integer s: the DER stays well formed.
            signature = signature[:-1] + bytes([signature[-1] ^ 1])
    return Signed(content, signature, key, cert)


def _content_json(signed: Signed, tamper: Tamper | None) -> Json:
    content = signed.content
    if tamper is Tamper.NO_CONTENT:
        return {}
    if content.payload_type is None:
        name = hash_of(signed.key).name
        digest = {"algorithm": HASHES[name], "digest": b64(hashlib.new(name, content.data).digest())}
        return {"messageSignature": {"messageDigest": digest, "signature": b64(signed.signature)}}
    envelope = signed.envelope()
    if tamper is Tamper.TWO_SIGNATURES:
        envelope["signatures"].append({"sig": b64(_malleate(signed.signature))})
    return {"dsseEnvelope": envelope}


def _malleate(signature: bytes) -> bytes:
    """The other valid ECDSA signature (r, n - s) of the same message (P-256)."""
    r, s = decode_dss_signature(signature)
    return encode_dss_signature(r, P256_ORDER - s)
