"""Documents around attestations: of npm, PyPI, GitHub and Google Cloud Build, arrays of them, and their limits."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from virtual_sigstore import VirtualSigstore, provenance_v1, subject_of

from assess.attestations import documents
from assess.attestations.containers import read_container
from assess.attestations.cosign import BUNDLE, CERTIFICATE, CHAIN, opened_from_cosign
from assess.errors import InputError
from assess.evidence import Source
from assess.trust.roots import load_trusted_root
from assess.trust.verify import verify

VS = VirtualSigstore()
ROOT = load_trusted_root(VS.trusted_root(), "root.json")
STATEMENT = provenance_v1([subject_of("a", b"a")])
PUBLISH = {
    "_type": "https://in-toto.io/Statement/v1",
    "subject": [subject_of("a.whl", b"a")],
    "predicateType": "https://docs.pypi.org/attestations/publish/v1",
    "predicate": None,
}
V1 = "https://slsa.dev/provenance/v1"
BUNDLE_JSON = VS.sign_statement(STATEMENT)


def pep740(statement: dict[str, Any] = STATEMENT) -> dict[str, Any]:
    bundle = VS.sign_statement(statement)
    envelope = bundle["dsseEnvelope"]
    return {
        "version": 1,
        "verification_material": {
            "certificate": bundle["verificationMaterial"]["certificate"]["rawBytes"],
            "transparency_entries": bundle["verificationMaterial"]["tlogEntries"],
        },
        "envelope": {"statement": envelope["payload"], "signature": envelope["signatures"][0]["sig"]},
    }


def provenance_object(*attestations: dict[str, Any]) -> dict[str, Any]:
    publisher = {"kind": "GitHub", "repository": "acme/widget", "workflow": "release.yml", "environment": None}
    return {"version": 1, "attestation_bundles": [{"publisher": publisher, "attestations": list(attestations)}]}


def dump(value: Any) -> bytes:
    return json.dumps(value).encode()


DOCUMENTS: list[tuple[str, Any, list[str | None]]] = [
    ("npm", {"attestations": [{"predicateType": V1, "bundle": BUNDLE_JSON}]}, ["/attestations/0"]),
    (
        "GitHub's API",
        {
            "attestations": [
                {"bundle": BUNDLE_JSON, "repository_id": 1},
                {"bundle": BUNDLE_JSON, "bundle_url": "https://x"},
            ]
        },
        ["/attestations/0", "/attestations/1"],
    ),
    ("gh attestation verify", [{"attestation": {"bundle": BUNDLE_JSON}, "verificationResult": {}}], ["/0"]),
    ("array of bundles", [BUNDLE_JSON, BUNDLE_JSON], ["/0", "/1"]),
    ("array of documents", [{"attestations": [{"predicateType": V1, "bundle": BUNDLE_JSON}]}], ["/0/attestations/0"]),
    ("PEP 740 attestation", pep740(), [None]),
    (
        "PEP 740 provenance",
        provenance_object(pep740(PUBLISH), pep740()),
        ["/attestation_bundles/0/attestations/0", "/attestation_bundles/0/attestations/1"],
    ),
    ("PEP 740 array", [pep740()], ["/0"]),
]


@pytest.mark.parametrize(("document", "pointers"), [row[1:] for row in DOCUMENTS], ids=[row[0] for row in DOCUMENTS])
def test_every_element_is_opened_with_its_place_and_verifies(document: Any, pointers: list[str | None]) -> None:
    for indent in (None, 2):
        container = read_container(json.dumps(document, indent=indent).encode(), "f.json")
        assert [one.source.pointer for one in container.opened] == pointers
        assert [one.source.path for one in container.opened] == ["f.json"] * len(pointers)
        assert container.ignored == ()
        assert all(verify(one, root=ROOT).signature == "verified" for one in container.opened)


def test_documents_as_json_lines() -> None:
    data = dump({"attestations": [{"bundle": BUNDLE_JSON}]}) + b"\n" + dump(pep740()) + b"\n"
    container = read_container(data, "f")
    assert [(one.source.line, one.source.pointer) for one in container.opened] == [(1, "/attestations/0"), (2, None)]


def test_an_element_that_cannot_be_opened_is_recorded_beside_the_others() -> None:
    document = {"attestations": [{"bundle": None, "bundle_url": "https://x"}, {"bundle": BUNDLE_JSON}, {"a": 1}, 7]}
    container = read_container(dump(document), "f")
    assert [one.source.pointer for one in container.opened] == ["/attestations/1"]
    assert [one.source.pointer for one in container.ignored] == [
        "/attestations/0",
        "/attestations/2",
        "/attestations/3",
    ]
    assert "bundle_url" in container.ignored[0].reason


def test_the_label_beside_an_npm_bundle_must_be_what_was_signed() -> None:
    document = {"attestations": [{"predicateType": "https://slsa.dev/provenance/v0.2", "bundle": BUNDLE_JSON}]}
    (opened,) = read_container(dump(document), "f").opened
    assert any("document calls it" in defect for defect in opened.defects)
    assert verify(opened, root=ROOT).signature == "failed"


PEP740_FAULTS: list[tuple[tuple[str, ...], Any, str]] = [
    (("version",), 2, "unknown version"),
    (("version",), None, "unknown version"),
    (("verification_material", "certificate"), None, "no certificate"),
]


@pytest.mark.parametrize(("path", "value", "defect"), PEP740_FAULTS)
def test_faults_of_pep740_objects_fail_at_the_first_step(path: tuple[str, ...], value: Any, defect: str) -> None:
    document = copy.deepcopy(pep740())
    holder = document
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    (opened,) = read_container(dump(document), "f").opened
    assert any(defect in one for one in opened.defects)
    checks = verify(opened, root=ROOT).checks
    assert (checks[0].name, checks[0].result) == ("open", "failed")


def test_a_pep740_statement_that_was_changed_fails_the_signature() -> None:
    document = pep740()
    document["envelope"]["statement"] = pep740(PUBLISH)["envelope"]["statement"]
    (opened,) = read_container(dump(document), "f").opened
    failed = [one.name for one in verify(opened, root=ROOT).checks if one.result == "failed"]
    assert "signature" in failed


@pytest.mark.parametrize("key", ["statement", "signature"])
def test_pep740_objects_without_content_are_refused(key: str) -> None:
    document = pep740()
    del document["envelope"][key]
    with pytest.raises(InputError, match="missing or empty") as caught:
        read_container(dump(document), "f")
    assert caught.value.place == f"f#/envelope/{key}"


def test_too_many_elements_are_refused() -> None:
    with pytest.raises(InputError, match="too many attestations"):
        read_container(dump([{"a": 1}] * (documents.MAX_ELEMENTS + 1)), "f")


def test_arrays_within_arrays_end() -> None:
    nested: Any = BUNDLE_JSON
    for _ in range(20):
        nested = [nested]
    with pytest.raises(InputError, match="no element is an attestation"):
        read_container(dump(nested), "f")


# --- cosign ---------------------------------------------------------------------------------------------------------


def cosign_layer(bundle: dict[str, Any]) -> tuple[bytes, tuple[tuple[str, str], ...]]:
    """The layer and annotations as cosign writes them, out of a bundle with the same content."""
    import base64

    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    material = bundle["verificationMaterial"]
    der = base64.b64decode(material["certificate"]["rawBytes"])
    pem = x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM).decode()
    chain = "".join(one.public_bytes(Encoding.PEM).decode() for one in (VS.ca.intermediate, VS.ca.root))
    entry = material["tlogEntries"][0]
    payload = {
        "body": entry["canonicalizedBody"],
        "integratedTime": int(entry["integratedTime"]),
        "logIndex": int(entry["logIndex"]),
        "logID": base64.b64decode(entry["logId"]["keyId"]).hex(),
    }
    promise = entry["inclusionPromise"]["signedEntryTimestamp"]
    log = json.dumps({"SignedEntryTimestamp": promise, "Payload": payload})
    layer = dump(bundle["dsseEnvelope"])
    return layer, ((CERTIFICATE, pem), (CHAIN, chain), (BUNDLE, log), ("dev.cosignproject.cosign/signature", ""))


def test_a_cosign_layer_with_its_annotations_verifies() -> None:
    layer, annotations = cosign_layer(BUNDLE_JSON)
    opened = opened_from_cosign(layer, annotations, Source("image"), "0" * 64)
    verification = verify(opened, root=ROOT)
    assert verification.signature == "verified", verification.note
    assert verification.times


def test_a_cosign_layer_with_another_entry_fails() -> None:
    layer, annotations = cosign_layer(BUNDLE_JSON)
    _, others = cosign_layer(VS.sign_statement(PUBLISH))
    mixed = tuple((name, dict(others)[name] if name == BUNDLE else text) for name, text in annotations)
    verification = verify(opened_from_cosign(layer, mixed, Source("image"), "0" * 64), root=ROOT)
    assert "binding" in [one.name for one in verification.checks if one.result == "failed"]


def test_a_cosign_layer_without_annotations_is_a_bare_envelope() -> None:
    layer, _ = cosign_layer(BUNDLE_JSON)
    opened = opened_from_cosign(layer, (), Source("image"), "0" * 64)
    assert opened.material is None
    assert verify(opened, root=ROOT).signature is None


@pytest.mark.parametrize(
    "annotation",
    [(CERTIFICATE, "no PEM"), (BUNDLE, "{"), (BUNDLE, "{}"), (BUNDLE, "[]"), (CHAIN, "x" * 2_000_000)],
    ids=["certificate", "json", "empty", "array", "huge"],
)
def test_malformed_annotations_are_input_errors(annotation: tuple[str, str]) -> None:
    layer, _ = cosign_layer(BUNDLE_JSON)
    with pytest.raises(InputError):
        opened_from_cosign(layer, (annotation,), Source("image"), "0" * 64)
