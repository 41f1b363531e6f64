"""For every check a bundle in which that check, and no other, does not end well; and the same bundles unharmed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from virtual_keys import b64, canonical, pem_of
from virtual_sigstore import DEFAULT_RUN, GITHUB_ISSUER, Tamper, VirtualSigstore, provenance_v1, subject_of

from assess.artifacts import Artifact, read_artifact
from assess.attestations.containers import open_attestations
from assess.attestations.envelope import Opened
from assess.evidence import Digest
from assess.trust.keys import load_public_key
from assess.trust.roots import TrustedRoot, load_trusted_root, public_good
from assess.trust.verify import IdentityPolicy, Verification, verify

DATA = b"widget 1.4.2\n"
STATEMENT = provenance_v1([subject_of("widget.whl", DATA)])
VS = VirtualSigstore()
POLICY = IdentityPolicy(identity=DEFAULT_RUN.signer_uri, issuer=GITHUB_ISSUER)
SECOND = timedelta(seconds=1)


@lru_cache
def root(**options: Any) -> TrustedRoot:
    return load_trusted_root(VS.trusted_root(**options), "trusted_root.json")


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    file = tmp_path_factory.mktemp("artifact") / "widget.whl"
    file.write_bytes(DATA)
    return read_artifact(str(file))


def open_json(bundle: dict[str, Any]) -> Opened:
    (opened,) = open_attestations(json.dumps(bundle).encode(), "bundle.json")
    return opened


def check(bundle: dict[str, Any], **options: Any) -> Verification:
    return verify(open_json(bundle), root=options.pop("root", root()), **options)


def not_well(result: Verification) -> dict[str, str]:
    return {one.name: one.result for one in result.checks if one.result != "verified"}


ALGORITHMS = ("p256", "p384", "p521", "ed25519", "rsa", "rsa-pss")
ENTRIES = (
    ("v1", "dsse"),
    ("v1", "intoto"),
    ("v1", "intoto-0.0.1"),
    ("v1", "hashedrekord"),
    ("v2", "dsse"),
    ("v2", "hashedrekord"),
)


@pytest.mark.parametrize(("log", "kind"), ENTRIES)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_statement_of_every_kind_and_key(algorithm: str, log: str, kind: str) -> None:
    result = check(VS.sign_statement(STATEMENT, algorithm=algorithm, log=log, kind=kind), identity=POLICY)
    assert (result.signature, result.note) == ("verified", None)
    assert [one.name for one in result.checks if one.step in (3, 4, 5, 7)] == ["time", "chain", "sct", "binding"]
    assert result.signer is not None
    assert result.signer.identity == DEFAULT_RUN.signer_uri
    assert result.times == ((VS.integrated_time if log == "v1" else VS.stamp_time),)
    # The weaker entry says so.
    assert ("no signature" in result.checks[-3].detail) == (kind == "intoto-0.0.1")


@pytest.mark.parametrize(("log", "kind"), ENTRIES)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_statement_under_a_managed_key(algorithm: str, log: str, kind: str) -> None:
    bundle = VS.sign_statement(STATEMENT, algorithm=algorithm, log=log, kind=kind, keyed="release")
    key = load_public_key(pem_of(VS.managed_key("release", algorithm)), "key.pub")
    other = load_public_key(pem_of(VS.managed_key("other", algorithm)), "other.pub")
    assert check(bundle, keys=(key,)).signature == "verified"
    assert check(bundle, keys=(other, key)).signer == check(bundle, keys=(key,)).signer
    assert not_well(check(bundle, keys=(other,))) == {"signature": "failed"}
    # Never the key of the entry or of the hint.
    assert not_well(check(bundle)) == {"signature": "failed"}
    assert not_well(check(bundle, keys=(key,), identity=POLICY)) == {"identity": "failed"}


@pytest.mark.parametrize("log", ["v1", "v2"])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_blob(algorithm: str, log: str, artifact: Artifact) -> None:
    opened = open_json(VS.sign_blob(DATA, algorithm=algorithm, log=log))
    digests = artifact.subject.digests
    result = verify(opened, root=root(), artifact=digests, artifact_file=artifact.file)
    assert result.signature == "verified"
    by_digest = verify(opened, root=root(), artifact=digests)
    assert by_digest.signature == (None if algorithm == "ed25519" else "verified")
    unknown = verify(opened, root=root())
    assert not_well(unknown) == {"signature": "not-provable-offline", "binding": "not-provable-offline"}
    assert unknown.signer is None
    wrong = tuple(replace(digest, value="00" * (len(digest.value) // 2)) for digest in digests)
    assert "signature" in not_well(verify(opened, root=root(), artifact=wrong))
    assert verify(opened, root=root(), artifact=wrong).signature == "failed"


def test_digest_of_a_message_that_its_signature_does_not_fit() -> None:
    bundle = VS.sign_blob(DATA)
    bundle["messageSignature"]["messageDigest"]["digest"] = "AAAA" * 10 + "AAA="
    assert check(bundle).signature == "failed"


@pytest.mark.parametrize("tamper", Tamper, ids=lambda tamper: tamper.name)
def test_forgery(tamper: Tamper) -> None:
    kind = "hashedrekord" if tamper.value.log == "v2" else "dsse"
    result = check(VS.sign_statement(STATEMENT, tamper=tamper, kind=kind), identity=POLICY)
    assert result.signature != "verified"
    expected = "identity" if tamper.check == "signer" else tamper.check
    assert list(not_well(result)) == [expected]
    assert result.note is not None
    assert result.note.startswith(f"{expected}: ")
    assert result.signature == ("failed" if not_well(result)[expected] == "failed" else None)
    if result.signature == "failed":
        assert result.signer is None


NOT_PROVABLE = {Tamper.SCT_MISSING, Tamper.NO_TRUSTED_TIME, Tamper.V2_NO_TIMESTAMP}


def test_what_is_missing_is_not_a_forgery() -> None:
    for tamper in Tamper:
        kind = "hashedrekord" if tamper.value.log == "v2" else "dsse"
        state = check(VS.sign_statement(STATEMENT, tamper=tamper, kind=kind), identity=POLICY).signature
        assert (state is None) == (tamper in NOT_PROVABLE), tamper


WINDOWS = [
    ("ca_end", VS.integrated_time, "chain"),
    ("log_end", VS.integrated_time, "promise"),
    ("ct_end", VS.now, "sct"),
]


@pytest.mark.parametrize(("option", "moment", "name"), WINDOWS)
def test_windows_of_the_trusted_root_are_closed(option: str, moment: Any, name: str) -> None:
    bundle = VS.sign_statement(STATEMENT)
    assert check(bundle, root=root(**{option: moment})).signature == "verified"
    assert not_well(check(bundle, root=root(**{option: moment - SECOND})))[name] == "failed"


def test_window_of_a_timestamp_authority_is_closed() -> None:
    bundle = VS.sign_statement(STATEMENT, log="v2", kind="hashedrekord")
    assert check(bundle, root=root(tsa_end=VS.stamp_time)).signature == "verified"
    assert not_well(check(bundle, root=root(tsa_end=VS.stamp_time - SECOND))) == {"time": "failed"}


def test_window_of_a_version_2_log() -> None:
    bundle = VS.sign_statement(STATEMENT, log="v2", kind="hashedrekord")
    assert check(bundle, root=root(log_end=VS.stamp_time)).signature == "verified"
    assert not_well(check(bundle, root=root(log_end=VS.stamp_time - SECOND))) == {"inclusion": "failed"}


def test_window_of_another_authority_gives_no_time() -> None:
    closed = root(tsa_end=VS.stamp_time - SECOND)
    unrelated = root().timestamp_authorities[1]
    borrowed = replace(closed, timestamp_authorities=(closed.timestamp_authorities[0], unrelated))
    bundle = VS.sign_statement(STATEMENT, log="v2", kind="hashedrekord")
    assert not_well(check(bundle, root=borrowed)) == {"time": "failed"}


def test_another_authority_of_the_same_name_comes_first() -> None:
    decoys = VirtualSigstore("another seed")
    both = replace(
        root(), authorities=(*load_trusted_root(decoys.trusted_root(), "d").authorities, *root().authorities)
    )
    assert check(VS.sign_statement(STATEMENT), root=both).signature == "verified"


def test_every_timestamp_counts() -> None:
    good = VS.sign_statement(STATEMENT, log="v2", kind="hashedrekord")
    late = VS.sign_statement(STATEMENT, log="v2", kind="hashedrekord", tamper=Tamper.TIMESTAMP_OUTSIDE)
    stamps = good["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"]
    stamps += late["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"]
    assert not_well(check(good)) == {"chain": "failed"}
    stamps[1] = stamps[0]
    assert not_well(check(good)) == {"time": "failed"}


def test_unknown_authority_beside_a_trusted_time() -> None:
    bundle = VS.sign_statement(STATEMENT, tsa=True)
    result = check(bundle, root=root(without=("timestampAuthorities",)))
    assert result.signature == "verified"
    assert result.times == (VS.integrated_time,)


@pytest.mark.parametrize("stamp", ["", "AAAA", "MIIB"])
def test_malformed_timestamp(stamp: str) -> None:
    bundle = VS.sign_statement(STATEMENT, tsa=True)
    bundle["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"][0]["signedTimestamp"] = stamp
    assert not_well(check(bundle)) == {"time": "failed"}


LACKING = [
    ("tlogs", {"promise": "failed", "inclusion": "failed", "time": "not-provable-offline"}),
    ("certificateAuthorities", {"chain": "not-provable-offline"}),
]


@pytest.mark.parametrize(("without", "expected"), LACKING)
def test_lists_that_a_trusted_root_lacks(without: str, expected: dict[str, str]) -> None:
    assert not_well(check(VS.sign_statement(STATEMENT), root=root(without=(without,)))) == expected


def test_private_instance_without_logs() -> None:
    """Timestamps alone, as GitHub's private instance has it: a root without logs asks for none."""
    bundle = VS.sign_statement(STATEMENT, log=None, tsa=True)
    private = root(without=("tlogs", "ctlogs"))
    assert check(bundle, root=private).signature == "verified"
    assert not_well(check(bundle)) == {"inclusion": "not-provable-offline"}


def test_managed_key_without_log() -> None:
    bundle = VS.sign_statement(STATEMENT, log=None, keyed="release")
    key = load_public_key(pem_of(VS.managed_key()), "key.pub")
    assert check(bundle, keys=(key,), root=root(without=("tlogs",))).signature == "verified"
    assert not_well(check(bundle, keys=(key,))) == {"inclusion": "not-provable-offline"}


def test_time_is_not_needed_with_a_key() -> None:
    bundle = VS.sign_statement(STATEMENT, log=None, tsa=True, keyed="release")
    key = load_public_key(pem_of(VS.managed_key()), "key.pub")
    told = check(bundle, keys=(key,), root=root(without=("tlogs",)))
    assert (told.signature, told.times) == ("verified", (VS.stamp_time,))
    unknown = check(bundle, keys=(key,), root=root(without=("tlogs", "timestampAuthorities")))
    assert (unknown.signature, unknown.times) == ("verified", ())
    forged = VS.sign_statement(STATEMENT, log="v2", keyed="release", tamper=Tamper.TIMESTAMP_OTHER_SIGNATURE)
    assert not_well(check(forged, keys=(key,))) == {"time": "failed"}


def test_who_asks_for_a_key_gets_no_certificate() -> None:
    bundle = VS.sign_statement(STATEMENT)
    key = load_public_key(pem_of(VS.managed_key()), "key.pub")
    assert not_well(check(bundle, keys=(key,))) == {"identity": "failed"}
    assert check(bundle, keys=(key,), identity=POLICY).signature == "verified"


# RFC 8032, 7.3: key, artifact and signature of Ed25519ph
PH_KEY = "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf"
PH_SIGNATURE = (
    "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41"
    "31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406"
)


def _ph_body(version: str, der: bytes, signature: bytes) -> dict[str, Any]:
    digest = hashlib.sha512(b"abc")
    if version == "0.0.2":
        verifier = {"keyDetails": "PKIX_ED25519_PH", "publicKey": {"rawBytes": b64(der)}}
        data = {"algorithm": "SHA2_512", "digest": b64(digest.digest())}
        return {"hashedRekordV002": {"data": data, "signature": {"content": b64(signature), "verifier": verifier}}}
    pem = f"-----BEGIN PUBLIC KEY-----\n{b64(der)}\n-----END PUBLIC KEY-----\n".encode()
    data = {"hash": {"algorithm": "sha512", "value": digest.hexdigest()}}
    return {"data": data, "signature": {"content": b64(signature), "publicKey": {"content": b64(pem)}}}


@pytest.mark.parametrize("version", ["0.0.1", "0.0.2", None])
def test_ed25519ph(version: str | None) -> None:
    public = ed25519.Ed25519PublicKey.from_public_bytes(bytes.fromhex(PH_KEY))
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    key, signature = load_public_key(pem, "key.pub"), bytes.fromhex(PH_SIGNATURE)
    bundle = VS.sign_blob(b"abc", log="v2", keyed="release")
    bundle["messageSignature"] = {"signature": b64(signature)}
    bundle["verificationMaterial"].pop("timestampVerificationData")
    if version is not None:
        body = canonical({"apiVersion": version, "kind": "hashedrekord", "spec": _ph_body(version, key.der, signature)})
        (entry,) = bundle["verificationMaterial"]["tlogEntries"]
        leaf = hashlib.sha256(b"\0" + body).digest()
        note = VS.v2.note(1, leaf)
        entry["kindVersion"]["version"] = version
        entry["canonicalizedBody"] = b64(body)
        entry["inclusionProof"] = {
            "logIndex": "0",
            "treeSize": "1",
            "rootHash": b64(leaf),
            "checkpoint": {"envelope": f"{note}\n{VS.v2.note_signature(note)}"},
        }
    else:
        bundle["verificationMaterial"]["tlogEntries"] = []
    trusted = root() if version is not None else root(without=("tlogs",))
    for data, expected in ((b"abc", "verified"), (b"abd", "failed")):
        artifact = (Digest("sha512", hashlib.sha512(data).hexdigest()),)
        assert check(bundle, keys=(key,), root=trusted, artifact=artifact).signature == (
            expected if version is not None or expected == "verified" else None
        )


def test_promise_alone_in_version_0_1() -> None:
    result = check(VS.sign_statement(STATEMENT, bundle_version="0.1"))
    assert result.signature == "verified"
    assert "promise" in [one.name for one in result.checks]
    assert "inclusion" not in [one.name for one in result.checks]


def test_proof_without_checkpoint_is_nobodys() -> None:
    bundle = VS.sign_statement(STATEMENT)
    del bundle["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]["checkpoint"]
    assert not_well(check(bundle)) == {"inclusion": "not-provable-offline"}


def test_entry_of_another_artifact() -> None:
    """CVE-2022-36056: a true entry, swapped in from another signing."""
    ours, other = VS.sign_blob(DATA), VS.sign_blob(b"another")
    ours["verificationMaterial"]["tlogEntries"] = other["verificationMaterial"]["tlogEntries"]
    digests = read_artifact(f"sha256:{STATEMENT['subject'][0]['digest']['sha256']}").subject.digests
    assert not_well(check(ours, artifact=digests)) == {"binding": "failed"}


def test_unknown_entry_kind_is_not_provable() -> None:
    bundle = VS.sign_statement(STATEMENT, log="v2", kind="hashedrekord")
    opened = open_json(bundle)
    assert opened.material is not None
    (entry,) = opened.material.entries
    newer = replace(entry, version="0.0.9", body=entry.body.replace(b'"apiVersion":"0.0.2"', b'"apiVersion":"0.0.9"'))
    later = replace(opened, material=replace(opened.material, entries=(newer,)))
    assert not_well(verify(later, root=root()))["binding"] == "not-provable-offline"


def test_bare_envelope_with_certificate() -> None:
    bare = VS.sign_bare(STATEMENT)
    result = check(bare)
    assert (result.signature, result.times) == (None, ())
    assert not_well(result) == {"time": "not-provable-offline", "inclusion": "not-provable-offline"}
    assert result.signer is not None
    assert result.signer.source_repository == DEFAULT_RUN.source_uri
    forged = VS.sign_bare(STATEMENT, tamper=Tamper.PAYLOAD)
    assert check(forged).signature == "failed"
    assert check(VS.sign_bare(STATEMENT, tamper=Tamper.CERT_OTHER_CA)).signature == "failed"
    assert check(bare, root=public_good()).signature == "failed"


def test_bare_envelope_under_a_key() -> None:
    bare = VS.sign_bare(STATEMENT, key=VS.managed_key())
    key = load_public_key(pem_of(VS.managed_key()), "key.pub")
    other = load_public_key(pem_of(VS.managed_key("other")), "other.pub")
    assert check(bare, keys=(key,)).signature == "verified"
    assert not_well(check(bare)) == {"signature": "not-provable-offline"}
    assert not_well(check(bare, keys=(other,))) == {"signature": "failed"}
    bare["payload"] = VS.sign_bare(b"{}")["payload"]
    assert check(bare, keys=(key,)).signature == "failed"


def test_one_of_several_signatures_of_a_bare_envelope() -> None:
    bare = VS.sign_bare(STATEMENT, key=VS.managed_key("other"))
    bare["signatures"] += VS.sign_bare(STATEMENT, key=VS.managed_key())["signatures"]
    key = load_public_key(pem_of(VS.managed_key()), "key.pub")
    result = check(bare, keys=(key,))
    assert result.signature == "verified"
    assert result.signer is not None
    assert result.signer.identity == f"sha256:{key.sha256}"
    bare["payload"] = VS.sign_bare(b"{}")["payload"]
    assert check(bare, keys=(key,)).signature == "failed"


def test_unsigned() -> None:
    unsigned = {"payloadType": "application/vnd.in-toto+json", "payload": "e30=", "signatures": []}
    for document in (STATEMENT, unsigned):
        result = check(document)
        assert (result.signature, result.note) == ("absent", "the statement is not signed")
        assert result.signer is None
        assert [one.name for one in result.checks] == ["open"]


def test_signer_of_a_certificate() -> None:
    signer = check(VS.sign_statement(STATEMENT)).signer
    assert signer is not None
    assert (signer.kind, signer.root, signer.issuer) == ("certificate", "custom", GITHUB_ISSUER)
    assert signer.build_signer == DEFAULT_RUN.signer_uri
    assert signer.build_config == DEFAULT_RUN.config_uri
    assert signer.run_invocation == DEFAULT_RUN.invocation
    assert signer.runner_environment == "github-hosted"
    claims = {claim.oid.rpartition(".")[2]: claim.value for claim in signer.claims}
    assert claims == {str(number): value for number, value in DEFAULT_RUN.claims().items()}
