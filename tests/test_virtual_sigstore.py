"""The virtual Sigstore is real: sigstore-python accepts its bundles and refuses each forgery, for the right reason."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from virtual_sigstore import (
    DEFAULT_RUN,
    DISAGREEMENTS_V02,
    DISAGREEMENTS_V1,
    GITHUB_ISSUER,
    Tamper,
    VirtualSigstore,
    edited,
    generator_run,
    pae,
    provenance_v02,
    provenance_v1,
    subject_of,
)

DATA = b"widget 1.4.2\n"
STATEMENT = provenance_v1([subject_of("widget.whl", DATA)])
VS = VirtualSigstore()

REASONS = {
    Tamper.PAYLOAD: "DSSE: invalid signature",
    Tamper.SIGNATURE_BYTE: "DSSE: invalid signature",
    Tamper.SIGNATURE_OTHER_KEY: "DSSE: invalid signature",
    Tamper.CERT_OTHER_CA: "signature does not match",
    Tamper.CERT_EXPIRED: "not valid at validation time",
    Tamper.CERT_NOT_YET_VALID: "not valid at validation time",
    Tamper.CERT_NO_EKU: "ExtendedKeyUsage",
    Tamper.CERT_OTHER_EKU: "code signing",
    Tamper.CERT_NO_DIGITAL_SIGNATURE: "digital signature",
    Tamper.INTEGRATED_TIME_OUTSIDE: "not valid at validation time",
    Tamper.TIMESTAMP_OUTSIDE: "not valid at validation time",
    Tamper.SCT_MISSING: "does not contain a signed certificate timestamp",
    Tamper.SCT_UNKNOWN_LOG: "SCT verify failed",
    Tamper.SCT_OTHER_DATA: "SCT verify failed",
    Tamper.SET_WRONG: "SET: invalid inclusion promise",
    Tamper.SET_OTHER_LOG: "SET: invalid inclusion promise",
    Tamper.NO_TRUSTED_TIME: "inclusion promise or signed timestamp",
    Tamper.V2_NO_TIMESTAMP: "inclusion promise or signed timestamp",
    Tamper.TIMESTAMP_OTHER_SIGNATURE: "not enough sources of verified time",
    Tamper.TIMESTAMP_UNKNOWN_TSA: "not enough sources of verified time",
    Tamper.TSA_CERT_EXPIRED: "not enough sources of verified time",
    Tamper.PROOF_HASH: "inclusion proof contains invalid root hash",
    Tamper.ROOT_HASH: "inclusion proof contains invalid root hash",
    Tamper.CHECKPOINT_ROOT: "invalid root hash signature",
    Tamper.CHECKPOINT_SIGNATURE: "checkpoint: invalid signature",
    Tamper.CHECKPOINT_OTHER_LOG: "checkpoint: Signature not found",
    Tamper.V2_PROOF_HASH: "inclusion proof contains invalid root hash",
    Tamper.V2_CHECKPOINT_SIGNATURE: "checkpoint: invalid signature",
    Tamper.ENTRY_PAYLOAD: "payload hash does not match",
    Tamper.ENTRY_CERTIFICATE: "signatures do not match",
    Tamper.ENTRY_SIGNATURE: "signatures do not match",
    Tamper.ENTRY_OUTER_KIND: "Unsupported DSSE log entry type",
    Tamper.V2_ENTRY_PAYLOAD: "inconsistent with other materials",
    Tamper.V2_ENTRY_CERTIFICATE: "inconsistent with other materials",
    Tamper.V2_ENTRY_SIGNATURE: "inconsistent with other materials",
    Tamper.TWO_SIGNATURES: "exactly one signature",
    Tamper.EMPTY_CHAIN: "non-empty certificate chain",
    Tamper.UNKNOWN_VERSION: "mediaType",
    Tamper.NO_CONTENT: "messageSignature or dsseEnvelope",
    Tamper.NEGATIVE_INDEX: "logIndex",
    Tamper.PROMISE_MISSING: "inclusion promise",
    Tamper.PROOF_MISSING: "inclusionProof",
    Tamper.IDENTITY_PREFIXED: "SANs do not match",
    Tamper.IDENTITY_SUFFIXED: "SANs do not match",
}
"""What sigstore-python says of each forgery that it refuses."""


def verifier(root: bytes, folder: Path) -> Any:
    """sigstore-python, trusting one trusted root alone."""
    models = pytest.importorskip("sigstore.models")
    verify = pytest.importorskip("sigstore.verify")
    path = folder / "trusted_root.json"
    path.write_bytes(root)
    return verify.Verifier(trusted_root=models.TrustedRoot.from_file(str(path)))


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """sigstore-python, trusting the virtual Sigstore alone."""
    return verifier(VS.trusted_root(), tmp_path_factory.mktemp("root"))


def accept(oracle: Any, bundle: dict[str, Any], blob: bytes | None = None) -> None:
    """Verify with sigstore-python under an exact identity policy; raises where it refuses."""
    from sigstore.models import Bundle
    from sigstore.verify.policy import Identity

    policy = Identity(identity=DEFAULT_RUN.signer_uri, issuer=GITHUB_ISSUER)
    loaded = Bundle.from_json(json.dumps(bundle))
    if blob is not None:
        oracle.verify_artifact(blob, loaded, policy)
        return
    payload_type, payload = oracle.verify_dsse(loaded, policy)
    assert (payload_type, json.loads(payload)) == ("application/vnd.in-toto+json", STATEMENT)


@pytest.mark.parametrize(
    "options",
    [
        {"log": "v1"},
        {"log": "v1", "tsa": True},
        {"log": "v1", "tsa": True, "tsa_leaf": False},
        {"log": "v1", "witness": True},
        {"log": "v1", "bundle_version": "0.1", "proof": True},
        {"log": "v1", "bundle_version": "0.2"},
        {"log": "v1", "bundle_version": "0.3-old"},
        {"log": "v2", "kind": "hashedrekord"},
        {"log": "v2", "kind": "hashedrekord", "witness": True},
    ],
    ids=repr,
)
def test_statement_is_accepted(oracle: Any, options: dict[str, Any]) -> None:
    accept(oracle, VS.sign_statement(STATEMENT, **options))


@pytest.mark.parametrize(
    "options",
    [
        {"log": "v1"},
        {"log": "v2"},
        {"log": "v1", "bundle_version": "0.2", "tsa": True},
    ],
    ids=repr,
)
def test_blob_is_accepted(oracle: Any, options: dict[str, Any]) -> None:
    accept(oracle, VS.sign_blob(DATA, **options), DATA)


def test_v2_log_with_an_ecdsa_key_is_accepted(tmp_path: Path) -> None:
    vs = VirtualSigstore(v2_algorithm="p256")
    accept(verifier(vs.trusted_root(), tmp_path), vs.sign_statement(STATEMENT, log="v2", kind="hashedrekord"))


@pytest.mark.parametrize("tamper", Tamper, ids=lambda tamper: tamper.name)
def test_forgery_is_refused(oracle: Any, tamper: Tamper) -> None:
    kind = "hashedrekord" if tamper.value.log == "v2" else "dsse"
    bundle = VS.sign_statement(STATEMENT, tamper=tamper, kind=kind)
    if not tamper.value.oracle:
        accept(oracle, bundle)
        assert tamper not in REASONS
        return
    with pytest.raises(Exception) as caught:
        accept(oracle, bundle)
    assert REASONS[tamper] in str(caught.value)


@pytest.mark.parametrize(
    "tamper",
    [
        Tamper.SIGNATURE_BYTE,
        Tamper.CERT_EXPIRED,
        Tamper.SCT_UNKNOWN_LOG,
        Tamper.SET_WRONG,
        Tamper.PROOF_HASH,
        Tamper.ENTRY_PAYLOAD,
        Tamper.V2_ENTRY_SIGNATURE,
        Tamper.TIMESTAMP_OTHER_SIGNATURE,
    ],
    ids=lambda tamper: tamper.name,
)
def test_forged_blob_is_refused(oracle: Any, tamper: Tamper) -> None:
    accept(oracle, VS.sign_blob(DATA, log=tamper.value.log, tsa=True), DATA)
    with pytest.raises(Exception, match=r"(?i)invalid|inconsistent|valid at|not enough|failed"):
        accept(oracle, VS.sign_blob(DATA, tamper=tamper), DATA)


def test_another_instance_is_not_trusted(tmp_path: Path) -> None:
    other = verifier(VirtualSigstore("another seed").trusted_root(), tmp_path)
    with pytest.raises(Exception, match="certificate chain"):
        accept(other, VS.sign_statement(STATEMENT))


def test_closed_windows_are_refused(tmp_path: Path) -> None:
    bundle = VS.sign_statement(STATEMENT, log="v2", kind="hashedrekord")
    accept(verifier(VS.trusted_root(), tmp_path), bundle)
    with pytest.raises(Exception, match="not enough sources of verified time"):
        accept(verifier(VS.trusted_root(tsa_end=VS.now), tmp_path), bundle)


@pytest.mark.parametrize("tamper", [None, *Tamper], ids=lambda tamper: tamper.name if tamper else "none")
def test_same_call_gives_same_bytes(tamper: Tamper | None) -> None:
    first = VirtualSigstore().sign_statement(STATEMENT, tamper=tamper)
    assert first == VirtualSigstore().sign_statement(STATEMENT, tamper=tamper)
    assert (first == VS.sign_statement(STATEMENT)) is (tamper is None)


def check(key: Any, signature: bytes, data: bytes, *, algorithm: str) -> None:
    """Verify a signature with plain cryptography."""
    match key:
        case ed25519.Ed25519PublicKey():
            key.verify(signature, data)
        case rsa.RSAPublicKey() if algorithm == "rsa-pss":
            key.verify(signature, data, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
        case rsa.RSAPublicKey():
            key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
        case _:
            hashed = {"p256": hashes.SHA256(), "p384": hashes.SHA384(), "p521": hashes.SHA512()}[algorithm]
            key.verify(signature, data, ec.ECDSA(hashed))


@pytest.mark.parametrize("algorithm", ["p256", "p384", "p521", "ed25519", "rsa", "rsa-pss"])
@pytest.mark.parametrize("kind", ["dsse", "intoto", "intoto-0.0.1"])
def test_keyed_bundle(algorithm: str, kind: str) -> None:
    bundle = VS.sign_statement(STATEMENT, keyed="release", algorithm=algorithm, kind=kind)
    assert bundle["verificationMaterial"]["publicKey"]["hint"].startswith("SHA256:")
    envelope = bundle["dsseEnvelope"]
    signature = base64.b64decode(envelope["signatures"][0]["sig"])
    signed = pae(envelope["payloadType"], base64.b64decode(envelope["payload"]))
    public = VS.managed_key("release", algorithm).public_key()
    check(public, signature, signed, algorithm=algorithm)
    with pytest.raises(InvalidSignature):
        check(public, signature, signed + b" ", algorithm=algorithm)


def test_bare_envelope_carries_its_certificate() -> None:
    run = generator_run("generic")
    envelope = VS.sign_bare(provenance_v02([subject_of("widget.whl", DATA)]), run=run)
    certificate = x509.load_pem_x509_certificate(envelope["signatures"][0]["cert"].encode())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [run.signer_uri]
    signature = base64.b64decode(envelope["signatures"][0]["sig"])
    signed = pae(envelope["payloadType"], base64.b64decode(envelope["payload"]))
    check(certificate.public_key(), signature, signed, algorithm="p256")


@pytest.mark.parametrize("place", DISAGREEMENTS_V1)
def test_disagreements_v1_change_the_statement(place: str) -> None:
    assert edited(STATEMENT, *DISAGREEMENTS_V1[place]) != STATEMENT


@pytest.mark.parametrize("place", DISAGREEMENTS_V02)
def test_disagreements_v02_change_the_statement(place: str) -> None:
    statement = provenance_v02([subject_of("widget.whl", DATA)])
    assert edited(statement, *DISAGREEMENTS_V02[place]) != statement


def shape(value: Any) -> Any:
    """Keys and types of a JSON value, without its values."""
    match value:
        case dict():
            return {key: shape(item) for key, item in sorted(value.items())}
        case list():
            return [shape(item) for item in value[:1]]
    return type(value).__name__


def bodies(text: str) -> list[Any]:
    """The log entries' bodies of a bundle; none where the text is no bundle or the entry is broken."""
    try:
        entries = json.loads(text)["verificationMaterial"]["tlogEntries"]
        return [
            body for entry in entries if "kind" in (body := json.loads(base64.b64decode(entry["canonicalizedBody"])))
        ]
    except (ValueError, KeyError, TypeError):
        return []


@pytest.fixture(scope="module")
def real_shapes() -> dict[tuple[str, str], list[Any]]:
    """Shapes of the log entries' bodies in the corpus, by kind and version."""
    corpus = Path(os.environ.get("SLSA_ASSESS_CORPUS", "../shared/corpus"))
    if not corpus.is_dir():
        pytest.skip("the corpus is not there; name it by SLSA_ASSESS_CORPUS")
    found: dict[tuple[str, str], list[Any]] = {}
    for path in sorted(corpus.rglob("*")):
        if (
            path.suffix in {".json", ".jsonl", ".sigstore", ".slsa"}
            and path.is_file()
            and path.stat().st_size < 300_000
        ):
            text = path.read_text(errors="replace")
            for body in [body for line in [text, *text.splitlines()[:20]] for body in bodies(line)]:
                found.setdefault((body["kind"], body["apiVersion"]), []).append(shape(body))
    return found


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("kind", "log", "recorded"),
    [
        ("dsse", "v1", ("dsse", "0.0.1")),
        ("intoto", "v1", ("intoto", "0.0.2")),
        ("hashedrekord", "v1", ("hashedrekord", "0.0.1")),
        ("hashedrekord", "v2", ("hashedrekord", "0.0.2")),
    ],
)
def test_entries_look_like_real_ones(
    real_shapes: dict[tuple[str, str], list[Any]], kind: str, log: str, recorded: tuple[str, str]
) -> None:
    [body] = bodies(json.dumps(VS.sign_statement(STATEMENT, kind=kind, log=log)))
    assert shape(body) in real_shapes[recorded]
