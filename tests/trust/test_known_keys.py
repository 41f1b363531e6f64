"""Keys and roots that come with the package: of Google Cloud Build, npm and GitHub; what they vouch for."""

from __future__ import annotations

import copy
import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from virtual_keys import Key, b64, sign, spki
from virtual_sigstore import VirtualSigstore, pae, provenance_v1, subject_of

from assess.attestations.containers import read_container
from assess.attestations.envelope import Opened
from assess.examine import Trust, examine
from assess.trust.certificates import choose_root
from assess.trust.keys import PublicKey, load_public_key
from assess.trust.known_keys import GOOGLE_CLOUD_BUILD, NPM, key_sets, known_keys
from assess.trust.platforms import Platforms, load_platforms
from assess.trust.roots import Window, github, load_trusted_root, public_good
from assess.trust.verify import IdentityPolicy, verify

VS = VirtualSigstore()
ROOT = load_trusted_root(VS.trusted_root(), "root.json")
IN_TOTO = "application/vnd.in-toto+json"
HINT = "projects/verified-builder/locations/nowhere/keyRings/attestor/cryptoKeys/builtByGCB/cryptoKeyVersions/1"
STATEMENT = provenance_v1([subject_of("image", b"image")])
PAYLOAD = json.dumps(STATEMENT).encode()
DIGEST = f"sha256:{hashlib.sha256(b'image').hexdigest()}"
SIGNING: Key = VS.managed_key("google")


def known(key: Key, **changes: Any) -> PublicKey:
    der = spki(key)
    own = PublicKey(key.public_key(), der, hashlib.sha256(der).hexdigest(), GOOGLE_CLOUD_BUILD, HINT, True)
    return replace(own, **changes)


def answer(signed: bytes, *, key: Key = SIGNING, keyid: str = HINT, payload_type: str = IN_TOTO) -> dict[str, Any]:
    """A Cloud Build answer whose one signature is over `signed`."""
    image = f"region-docker.pkg.dev/project/repository/image@{DIGEST}"
    signature = {"keyid": keyid, "sig": b64(sign(key, signed)).replace("+", "-").replace("/", "_")}
    envelope = {"payload": b64(PAYLOAD), "payloadType": payload_type, "signatures": [signature]}
    element = {
        "kind": "BUILD",
        "resourceUri": f"https://{image}",
        "build": {"inTotoSlsaProvenanceV1": STATEMENT},
        "envelope": envelope,
    }
    summary = {"digest": DIGEST, "fully_qualified_digest": image}
    return {"image_summary": summary, "provenance_summary": {"provenance": [element]}}


def opened_from(document: Any) -> Opened:
    (opened,) = read_container(json.dumps(document).encode(), "f").opened
    return opened


PAE = pae(IN_TOTO, PAYLOAD)
FORMS: list[tuple[str, bytes, PublicKey, str | None]] = [
    ("regional, raw", PAYLOAD, known(SIGNING), "verified"),
    ("global, PAE", PAE, known(SIGNING, covers_payload=False), "verified"),
    ("regional key over PAE", PAE, known(SIGNING), "failed"),
    ("global key over raw payload", PAYLOAD, known(SIGNING, covers_payload=False), "failed"),
    ("another key's hint", PAYLOAD, known(SIGNING, hint="other"), None),
    ("another key under this hint", PAYLOAD, known(VS.managed_key("somebody")), "failed"),
]


@pytest.mark.parametrize(("signed", "key", "state"), [row[1:] for row in FORMS], ids=[row[0] for row in FORMS])
def test_each_key_signs_in_its_own_form(signed: bytes, key: PublicKey, state: str | None) -> None:
    verification = verify(opened_from(answer(signed)), root=ROOT, keys=(key,))
    assert verification.signature == state
    if state == "verified":
        assert verification.signer is not None
        assert (verification.signer.kind, verification.signer.root) == ("key", GOOGLE_CLOUD_BUILD)


def test_a_raw_signature_does_not_vouch_for_a_payload_type() -> None:
    document = answer(PAYLOAD, payload_type="application/vnd.in-toto.other+json")
    assert verify(opened_from(document), root=ROOT, keys=(known(SIGNING),)).signature == "failed"


def test_a_user_s_key_never_verifies_a_raw_payload() -> None:
    key = replace(known(SIGNING), owner="key", hint=None, covers_payload=False)
    assert verify(opened_from(answer(PAYLOAD)), root=ROOT, keys=(key,)).signature == "failed"


CONTRADICTIONS: list[tuple[tuple[str | int, ...], Any, str]] = [
    (
        ("provenance_summary", "provenance", 0, "build", "inTotoSlsaProvenanceV1", "subject"),
        [],
        "readable copy differs",
    ),
    (("provenance_summary", "provenance", 0, "build", "inTotoSlsaProvenanceV1", "more"), 1, "readable copy differs"),
    (("provenance_summary", "provenance", 0, "build"), None, "lacks its readable copy"),
    (("provenance_summary", "provenance", 0, "kind"), "VULNERABILITY", "another kind"),
    (("provenance_summary", "provenance", 0, "resourceUri"), "https://x.example/image", "another resource"),
    (("image_summary", "digest"), "sha256:" + "0" * 64, "two digests"),
]


@pytest.mark.parametrize(("path", "value", "defect"), CONTRADICTIONS)
def test_an_answer_that_contradicts_what_was_signed_fails(path: tuple[Any, ...], value: Any, defect: str) -> None:
    document = copy.deepcopy(answer(PAYLOAD))
    holder: Any = document
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    opened = opened_from(document)
    assert any(defect in one for one in opened.defects), opened.defects
    assert verify(opened, root=ROOT, keys=(known(SIGNING),)).signature == "failed"


def test_google_s_keys_are_those_of_its_platform_and_of_no_other() -> None:
    platforms = load_platforms()
    (google,) = (one for one in key_sets() if one.owner == GOOGLE_CLOUD_BUILD)
    entries = [one for one in platforms.entries if one.id.startswith("google-cloud-build")]
    assert [one.id for one in entries] == ["google-cloud-build", "google-cloud-build.v0.3", "google-cloud-build.v0.2"]
    assert len(google.keys) == 21
    for entry in entries:
        assert set(entry.signer.keys) == {key.sha256 for key in google.keys}
    assert google.dated and google.origin and len(google.sha256) == 64
    # Regional keys sign raw payloads, global ones DSSE's encoding.
    assert {key.covers_payload for key in google.keys if "/global/" in (key.hint or "")} == {True, False}
    assert all(key.covers_payload for key in google.keys if "builtByGCB" in (key.hint or ""))
    assert not any(key.covers_payload for key in google.keys if "builtByGCB" not in (key.hint or ""))


BUILD_TYPES = "https://cloudbuild.googleapis.com/"
PAIRS = [
    ("GoogleHostedWorker", "https://cloud.google.com/build/gcb-buildtypes/google-worker/v1", 3),
    ("GoogleHostedWorker", "https://cloud.google.com/build/gcb-buildtypes/google-worker/v0", 1),
    ("GoogleHostedWorker@v0.2", f"{BUILD_TYPES}GoogleHostedWorker@v0.2", 3),
    ("GoogleHostedWorker@v0.2", f"{BUILD_TYPES}CloudBuildYaml@v0.1", 1),
    ("GoogleHostedWorker@v0.2", f"{BUILD_TYPES}CloudBuildSteps@v0.1", 1),
    ("GoogleHostedWorker@v0.3", f"{BUILD_TYPES}CloudBuildYaml@v0.1", 3),
    ("GoogleHostedWorker@v0.3", f"{BUILD_TYPES}CloudBuildSteps@v0.1", 3),
    ("GoogleHostedWorker@v0.3", f"{BUILD_TYPES}GoogleHostedWorker@v0.2", 1),
    ("GoogleHostedWorker@v0.1", f"{BUILD_TYPES}GoogleHostedWorker@v0.1", 1),
    ("GoogleHostedWorker@v1", "https://cloud.google.com/build/gcb-buildtypes/google-worker/v1", 1),
]


@pytest.mark.parametrize(("worker", "build_type", "level"), PAIRS)
def test_the_worker_and_its_build_type_go_together(worker: str, build_type: str, level: int) -> None:
    from assess.evidence import Platform
    from assess.trust.signers import key_signer

    key = next(one for one in known_keys() if one.owner == GOOGLE_CLOUD_BUILD)
    found = load_platforms().look_up(key_signer(key), f"{BUILD_TYPES}{worker}", "verified", "strict", build_type)
    assert isinstance(found, Platform)
    assert (found.level.reached, found.level.ceiling) == (level, level)


# --- npm ------------------------------------------------------------------------------------------------------------


def keyed(start: datetime, end: datetime | None) -> tuple[Opened, PublicKey]:
    publish = {
        "_type": "https://in-toto.io/Statement/v0.1",
        "subject": [subject_of("pkg:npm/a@1", b"a")],
        "predicateType": "https://github.com/npm/attestation/tree/main/specs/publish/v0.1",
        "predicate": {"name": "a", "version": "1", "registry": "https://registry.example"},
    }
    bundle = VS.sign_statement(publish, keyed="npm", kind="intoto", bundle_version="0.1")
    hint = bundle["verificationMaterial"]["publicKey"]["hint"]
    key = known(VS.managed_key("npm"), owner=NPM, hint=hint, covers_payload=False, window=Window(start, end))
    return opened_from(bundle), key


EARLY, NEVER = datetime(2020, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end", "state"),
    [(EARLY, None, "verified"), (EARLY, NEVER, "failed"), (datetime(2030, 1, 1, tzinfo=UTC), None, "failed")],
)
def test_a_key_counts_while_it_was_in_use(start: datetime, end: datetime | None, state: str) -> None:
    opened, key = keyed(start, end)
    examined = examine(opened, None, Trust((ROOT,), Platforms(()), known=(key,)))
    assert (examined.signature, examined.kind) == (state, "publish")


def test_a_key_that_ends_needs_a_trusted_time() -> None:
    opened, key = keyed(EARLY, None)
    assert opened.material is not None
    bare = replace(opened, material=replace(opened.material, entries=()))
    assert verify(bare, root=ROOT, keys=(key,)).signature is None


def test_known_keys_are_not_asked_where_a_key_was_asked_for() -> None:
    opened, key = keyed(EARLY, None)
    given = replace(known(VS.managed_key("other")), owner="key", hint=None, covers_payload=False)
    trust = Trust((ROOT,), Platforms(()), keys=(given,), keys_only=True, known=(key,))
    assert examine(opened, None, trust).signature == "failed"


GOOGLES, NPMS = opened_from(answer(PAYLOAD)), keyed(EARLY, None)
ASKED = IdentityPolicy(identity="https://github.com/acme/widget/.github/workflows/w.yml@refs/heads/main")
OURS = replace(known(VS.managed_key("ours")), owner="key", hint=None, covers_payload=False)


@pytest.mark.parametrize("keys", [(), (OURS,)], ids=["identity", "identity and key"])
def test_an_identity_that_was_asked_for_is_not_a_known_key(keys: tuple[PublicKey, ...]) -> None:
    trust = Trust((ROOT,), Platforms(()), keys=keys, identity=ASKED, known=(known(SIGNING), NPMS[1]))
    assert examine(GOOGLES, None, trust).signature == "failed"
    # The registry's note says nothing of who built: it is neither asked for nor in the way.
    assert examine(NPMS[0], None, trust).signature == "verified"


def test_keys_that_were_given_leave_the_known_ones() -> None:
    trust = Trust((ROOT,), Platforms(()), keys=(OURS,), known=(known(SIGNING),))
    assert examine(GOOGLES, None, trust).signature == "verified"
    assert examine(GOOGLES, None, replace(trust, known=())).signature == "failed"


# --- P1363 ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["p256", "p384", "p521"])
def test_signatures_as_two_numbers_hold_for_a_given_key_and_outside_of_bundles(algorithm: str) -> None:
    signing = VS.managed_key("p1363", algorithm)
    size = {"p256": 32, "p384": 48, "p521": 66}[algorithm]
    r, s = decode_dss_signature(sign(signing, PAE))
    raw = r.to_bytes(size, "big") + s.to_bytes(size, "big")
    key = replace(known(signing), owner="key", hint=None, covers_payload=False)
    for signature, state in ((raw, "verified"), (raw[:-1] + bytes([raw[-1] ^ 1]), "failed"), (raw + b"\0", "failed")):
        envelope = {"payload": b64(PAYLOAD), "payloadType": IN_TOTO, "signatures": [{"sig": b64(signature)}]}
        assert verify(opened_from(envelope), root=ROOT, keys=(key,)).signature == state
    bundle = VS.sign_statement(STATEMENT, keyed="p1363", algorithm=algorithm, log=None)
    bundle["dsseEnvelope"]["payload"] = b64(PAYLOAD)
    bundle["dsseEnvelope"]["signatures"][0]["sig"] = b64(raw)
    assert verify(opened_from(bundle), root=ROOT, keys=(key,)).signature == "failed"


@pytest.mark.corpus
def test_google_s_summary(corpus: Path) -> None:
    folder = next((corpus / "provenance" / "slsa-verifier-vsa").rglob("v1"))
    key = load_public_key((folder / "vsa_signing_public_key.pem").read_bytes(), "key.pem")
    path = folder / "gke-gce-pre.bcid-vsa.jsonl"
    (opened,) = read_container(path.read_bytes(), path.name).opened
    examined = examine(opened, None, Trust((public_good(),), Platforms(()), keys=(key,)))
    assert (examined.signature, examined.kind) == ("verified", "summary")


# --- other users of DSSE --------------------------------------------------------------------------------------------


def test_other_payload_types_are_verified_and_named() -> None:
    payload = b"any bytes \xff"
    signature = b64(sign(SIGNING, pae("application/x-other", payload)))
    envelope = {"payload": b64(payload), "payloadType": "application/x-other", "signatures": [{"sig": signature}]}
    key = replace(known(SIGNING), owner="key", hint=None, covers_payload=False)
    examined = examine(opened_from(envelope), None, Trust((ROOT,), Platforms(()), keys=(key,)))
    assert (examined.signature, examined.kind, examined.unreadable) == ("verified", "other", None)


# --- GitHub's own instance ------------------------------------------------------------------------------------------


def test_the_root_that_issued_the_certificate_is_asked() -> None:
    bundle = opened_from(VS.sign_statement(STATEMENT))
    assert bundle.material is not None
    (leaf, *_) = bundle.material.certificates
    roots = (public_good(), github(), ROOT)
    assert choose_root(leaf, roots) is ROOT
    assert choose_root(None, roots) is public_good()
    assert choose_root(b"no certificate", roots) is public_good()
    assert examine(bundle, None, Trust(roots, Platforms(()))).signature == "verified"
    assert examine(bundle, None, Trust(roots[:2], Platforms(()))).signature == "failed"


def test_github_s_root_names_no_logs() -> None:
    root = github()
    assert root.dated and root.origin and len(root.sha256) == 64
    assert (len(root.authorities), len(root.timestamp_authorities)) == (6, 6)
    assert (root.logs, root.ct_logs) == ((), ())


GITHUB_BUNDLES = (
    "bundles/github-cli/**/github_provenance_demo-0.0.12-py3-none-any-bundle.jsonl",
    "provenance/chainloop/**/slsa_provenance.sigstore.json",
)


@pytest.mark.corpus
@pytest.mark.parametrize("pattern", GITHUB_BUNDLES)
def test_bundles_of_private_repositories(corpus: Path, pattern: str) -> None:
    (path,) = corpus.glob(pattern)
    (opened,) = read_container(path.read_bytes(), path.name).opened
    assert opened.material is not None
    assert opened.material.entries == ()
    platforms = load_platforms()
    examined = examine(opened, None, Trust((public_good(), github()), platforms))
    assert examined.signature == "verified"
    assert examined.verification.signer is not None
    assert examined.verification.signer.root == "github"
    unstamped = replace(opened, material=replace(opened.material, timestamps=()))
    assert examine(unstamped, None, Trust((public_good(), github()), platforms)).signature is None
    assert examine(opened, None, Trust((public_good(),), platforms)).signature == "failed"
