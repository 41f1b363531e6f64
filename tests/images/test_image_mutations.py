"""Mutations of what hangs on images: only `assess.errors` leaves, and no changed payload or signature verifies."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable

import pytest
from virtual_images import SIMPLE_SIGNING, VirtualImages
from virtual_sigstore import VirtualSigstore

from assess.attestations.cosign import opened_from_cosign, opened_from_signature
from assess.attestations.envelope import Opened
from assess.attestations.simplesigning import match_claims, read_claims
from assess.errors import AssessError
from assess.evidence import Digest, Source
from assess.images.kubernetes import read_manifests
from assess.trust.roots import load_trusted_root
from assess.trust.verify import Verification, verify

VS = VirtualSigstore()
ROOT = load_trusted_root(VS.trusted_root(), "root.json")
SIGNATURE = "dev.cosignproject.cosign/signature"
ROUNDS = 150
KUBERNETES = b"""apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    spec:
      initContainers: [{name: i, image: 'r/i'}]
      containers:
      - name: c
        image: r/c@sha256:00
      volumes: [{name: v, image: {reference: r/v}}]
---
apiVersion: v1
kind: List
items:
- kind: CronJob
  spec: {jobTemplate: {spec: {template: {spec: {containers: [{image: r/j}]}}}}}
"""


def layer(attestation: bool = False) -> tuple[str, bytes, dict[str, str]]:
    """(digest of the image, bytes of the layer, its annotations)."""
    images = VirtualImages(VS)
    digest = images.image()
    if attestation:
        statement = {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"digest": {"sha256": digest[7:]}}],
            "predicateType": "https://example.com/p",
            "predicate": {},
        }
        manifest = images.attest(digest, statement, tsa=True)
    else:
        manifest = images.sign(digest, tsa=True)
    (row,) = json.loads(images.manifests[manifest][1])["layers"]
    assert (row["mediaType"] == SIMPLE_SIGNING) != attestation
    return digest, images.blobs[row["digest"]], row["annotations"]


def mutated(data: bytes, chance: random.Random) -> bytes:
    """One byte changed, dropped, doubled, or the rest cut off; never the same bytes."""
    at = chance.randrange(len(data))
    flipped = data[:at] + bytes([data[at] ^ (1 << chance.randrange(7))]) + data[at + 1 :]
    dropped, doubled = data[:at] + data[at + 1 :], data[: at + 1] + data[at:]
    return chance.choice([flipped, dropped, doubled, data[:at]])


def verified(opener: Callable[..., Opened], data: bytes, annotations: dict[str, str]) -> Verification | None:
    """None where it could not be read."""
    try:
        opened = opener(data, tuple(annotations.items()), Source("image"), "00")
    except AssessError:
        return None
    return verify(opened, root=ROOT)


def test_unharmed_layers_verify() -> None:
    for attestation, opener in ((False, opened_from_signature), (True, opened_from_cosign)):
        _, data, annotations = layer(attestation)
        result = verified(opener, data, annotations)
        assert result is not None
        assert result.signature == "verified"


def test_no_changed_payload_or_signature_verifies() -> None:
    chance = random.Random(4)
    _, data, annotations = layer()
    signature = base64.b64decode(annotations[SIGNATURE])
    for _ in range(ROUNDS):
        result = verified(opened_from_signature, mutated(data, chance), annotations)
        assert result is None or result.signature == "failed"
        changed = base64.b64encode(mutated(signature, chance)).decode()
        result = verified(opened_from_signature, data, annotations | {SIGNATURE: changed})
        assert result is None or result.signature == "failed"


@pytest.mark.parametrize("attestation", [False, True])
def test_mutated_annotations_raise_nothing_of_their_own(attestation: bool) -> None:
    chance = random.Random(5)
    opener = opened_from_cosign if attestation else opened_from_signature
    _, data, annotations = layer(attestation)
    seen = set()
    for _ in range(ROUNDS):
        name = chance.choice([one for one in annotations if annotations[one]])
        text = mutated(annotations[name].encode(), chance).decode("latin-1")
        result = verified(opener, data, annotations | {name: text})
        seen.add(result.signature if result is not None else "unreadable")
    assert {"failed", "unreadable"} <= seen


def test_mutated_payloads_are_read_or_refused() -> None:
    chance = random.Random(6)
    digest, data, _ = layer()
    image = (Digest("sha256", digest[7:]),)
    assert match_claims(data, "image", image).matched
    matched = 0
    for _ in range(2 * ROUNDS):
        changed = mutated(data, chance)
        try:
            claims = read_claims(changed, "image")
        except AssessError:
            claims = None
        found = match_claims(changed, "image", image)
        assert not found.matched or (claims is not None and claims.digest == digest)
        matched += found.matched
    # a changed name of the image is no matter of the digest
    assert matched


def test_mutated_kubernetes_manifests_raise_nothing() -> None:
    chance = random.Random(7)
    text = KUBERNETES
    assert len(read_manifests(text, "k.yaml").uses) == 4
    for _ in range(2 * ROUNDS):
        found = read_manifests(mutated(mutated(text, chance) or b"x", chance), "k.yaml")
        assert all(one.image for one in found.uses)
