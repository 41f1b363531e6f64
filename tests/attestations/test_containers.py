"""Containers: detection by content, defects, JSON lines, and a message for everything that is none."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from assess.attestations.containers import announces_bundle, open_attestations, read_container
from assess.errors import InputError

STATEMENT = {"_type": "https://in-toto.io/Statement/v1", "subject": [], "predicateType": "https://example.com/p"}
PAYLOAD = json.dumps(STATEMENT).encode()


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


DSSE: dict[str, Any] = {
    "payload": b64(PAYLOAD),
    "payloadType": "application/vnd.in-toto+json",
    "signatures": [{"sig": b64(b"signature"), "keyid": "hint"}],
}
ENTRY: dict[str, Any] = {
    "logIndex": "17",
    "logId": {"keyId": b64(b"log")},
    "kindVersion": {"kind": "dsse", "version": "0.0.1"},
    "integratedTime": "1700000000",
    "inclusionPromise": {"signedEntryTimestamp": b64(b"set")},
    "inclusionProof": {
        "logIndex": "16",
        "rootHash": b64(b"root"),
        "treeSize": "99",
        "hashes": [b64(b"h1"), b64(b"h2")],
        "checkpoint": {"envelope": "origin\n99\n"},
    },
    "canonicalizedBody": b64(b"{}"),
}
BUNDLE: dict[str, Any] = {
    "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
    "verificationMaterial": {
        "certificate": {"rawBytes": b64(b"leaf")},
        "tlogEntries": [ENTRY],
        "timestampVerificationData": {"rfc3161Timestamps": [{"signedTimestamp": b64(b"tsr")}]},
    },
    "dsseEnvelope": DSSE,
}


def dump(value: object) -> bytes:
    return json.dumps(value).encode()


def changed(base: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """A copy of `base` with one value replaced, or removed where `value` is `...`."""
    result = copy.deepcopy(base)
    node: Any = result
    *parents, last = path.split("/")
    for key in parents:
        node = node[int(key)] if isinstance(node, list) else node[key]
    if value is ...:
        del node[last]
    else:
        node[int(last) if isinstance(node, list) else last] = value
    return result


def test_bundle_is_read_whole() -> None:
    data = dump(BUNDLE)
    (opened,) = open_attestations(data, "b.json")
    assert (opened.container, opened.defects) == ("sigstore-bundle-0.3", ())
    assert opened.digest == hashlib.sha256(data).hexdigest()
    assert opened.payload == PAYLOAD
    assert opened.material is not None
    assert opened.material.certificates == (b"leaf",)
    assert opened.material.timestamps == (b"tsr",)
    (entry,) = opened.material.entries
    assert (entry.log_index, entry.integrated_time, entry.promise) == (17, 1700000000, b"set")
    assert entry.proof is not None
    assert (entry.proof.log_index, entry.proof.tree_size, entry.proof.hashes) == (16, 99, (b"h1", b"h2"))


def _snake(value: Any) -> Any:
    import re

    if isinstance(value, dict):
        return {re.sub("([A-Z])", r"_\1", key).lower(): _snake(item) for key, item in value.items()}
    return [_snake(item) for item in value] if isinstance(value, list) else value


def test_proto_json_in_snake_case_is_the_same_bundle() -> None:
    (camel,) = open_attestations(dump(BUNDLE), "b")
    snake = _snake(BUNDLE)
    assert "verification_material" in snake
    snake["mediaType"] = snake.pop("media_type")
    (opened,) = open_attestations(dump(snake), "b")
    assert (opened.material, opened.envelope, opened.defects) == (camel.material, camel.envelope, ())


@pytest.mark.parametrize(
    ("media_type", "container"),
    [
        ("application/vnd.dev.sigstore.bundle+json;version=0.1", "sigstore-bundle-0.1"),
        ("application/vnd.dev.sigstore.bundle+json;version=0.2", "sigstore-bundle-0.2"),
        ("application/vnd.dev.sigstore.bundle+json;version=0.3", "sigstore-bundle-0.3"),
        ("application/vnd.dev.sigstore.bundle.v0.3+json", "sigstore-bundle-0.3"),
    ],
)
def test_versions(media_type: str, container: str) -> None:
    (opened,) = open_attestations(dump(changed(BUNDLE, "mediaType", media_type)), "b")
    assert (opened.container, opened.defects) == (container, ())


V1 = changed(BUNDLE, "mediaType", "application/vnd.dev.sigstore.bundle+json;version=0.1")
_ENTRY_0 = "verificationMaterial/tlogEntries/0"
DEFECTS = [
    (changed(BUNDLE, "mediaType", "application/vnd.dev.sigstore.bundle+json;version=0.4"), "unknown bundle version"),
    (changed(BUNDLE, "mediaType", "application/vnd.dev.sigstore.bundle.v0.1+json"), "unknown bundle version"),
    (changed(BUNDLE, "mediaType", ...), "names no media type"),
    (changed(BUNDLE, "dsseEnvelope", ...), "no content"),
    (BUNDLE | {"messageSignature": {"signature": b64(b"s")}}, "two contents"),
    (changed(BUNDLE, "dsseEnvelope/signatures", DSSE["signatures"] * 2), "exactly one signature"),
    (changed(BUNDLE, "dsseEnvelope/signatures", []), "exactly one signature"),
    (changed(BUNDLE, "verificationMaterial/certificate", {}), "chain is empty"),
    (changed(BUNDLE, "verificationMaterial/certificate", ...), "neither a certificate nor a key"),
    (changed(BUNDLE, "verificationMaterial", {"x509CertificateChain": {"certificates": []}}), "chain is empty"),
    (changed(BUNDLE, "verificationMaterial", {"x509CertificateChain": {}}), "chain is empty"),
    (changed(BUNDLE, "verificationMaterial/publicKey", {"hint": "k"}), "more than one kind"),
    (changed(BUNDLE, f"{_ENTRY_0}/logIndex", "-1"), "negative index"),
    (changed(BUNDLE, f"{_ENTRY_0}/inclusionProof/logIndex", -5), "negative index"),
    (changed(BUNDLE, f"{_ENTRY_0}/inclusionProof", ...), "no inclusion proof"),
    (changed(V1, f"{_ENTRY_0}/inclusionPromise", ...), "no inclusion promise"),
    (changed(BUNDLE, f"{_ENTRY_0}/canonicalizedBody", ...), "no body"),
    ({**changed(BUNDLE, "dsseEnvelope", ...), "messageSignature": {"signature": ""}}, "signature is empty"),
]


@pytest.mark.parametrize(("bundle", "defect"), DEFECTS, ids=[text for _, text in DEFECTS])
def test_defects(bundle: dict[str, Any], defect: str) -> None:
    (opened,) = open_attestations(dump(bundle), "b")
    assert [text for text in opened.defects if defect in text], opened.defects


def test_what_is_no_defect() -> None:
    without_log = changed(BUNDLE, "verificationMaterial/tlogEntries", ...)
    keyed = changed(BUNDLE, "verificationMaterial", {"publicKey": {"hint": ""}, "tlogEntries": [ENTRY]})
    old = changed(V1, f"{_ENTRY_0}/inclusionProof", ...)
    rekor2 = changed(changed(BUNDLE, f"{_ENTRY_0}/integratedTime", ...), f"{_ENTRY_0}/inclusionPromise", ...)
    for bundle in (without_log, keyed, old, rekor2):
        assert open_attestations(dump(bundle), "b")[0].defects == ()
    (opened,) = open_attestations(dump(keyed), "b")
    assert opened.material is not None
    assert opened.material.key_hint == ""


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        ("dsseEnvelope/payload", "%%%", "b#/dsseEnvelope/payload"),
        ("dsseEnvelope/payload", 7, "b#/dsseEnvelope/payload"),
        ("dsseEnvelope", [], "b#/dsseEnvelope"),
        ("dsseEnvelope/signatures/0/sig", "a", "b#/dsseEnvelope/signatures/0/sig"),
        ("dsseEnvelope/signatures/0/sig", ..., "b#/dsseEnvelope/signatures/0/sig"),
        ("verificationMaterial/certificate/rawBytes", {}, "b#/verificationMaterial/certificate/rawBytes"),
        (f"{_ENTRY_0}/logIndex", "x", f"b#/{_ENTRY_0}/logIndex"),
        (f"{_ENTRY_0}/inclusionProof/hashes", ["%"], f"b#/{_ENTRY_0}/inclusionProof/hashes/0"),
        ("verificationMaterial", "x", "b#/verificationMaterial"),
    ],
)
def test_malformed_bundles_name_the_pointer(path: str, value: object, place: str) -> None:
    data = dump(changed(BUNDLE, path, value))
    with pytest.raises(InputError) as caught:
        open_attestations(data, "b")
    assert caught.value.place == place
    assert announces_bundle(data)


def test_envelope_variants() -> None:
    pem = "-----BEGIN CERTIFICATE-----\nbGVh\nZg==\n-----END CERTIFICATE-----\n"
    (opened,) = open_attestations(dump(changed(DSSE, "signatures/0/cert", pem)), "e")
    assert opened.envelope is not None
    assert opened.envelope.signatures[0].certificate == b"leaf"
    for signatures in (..., None, []):
        (opened,) = open_attestations(dump(changed(DSSE, "signatures", signatures)), "e")
        assert opened.envelope is not None
        assert opened.envelope.signatures == ()
    two = changed(DSSE, "signatures", DSSE["signatures"] * 2)
    (opened,) = open_attestations(dump(two), "e")
    assert (len(opened.envelope.signatures if opened.envelope else ()), opened.defects) == (2, ())
    with pytest.raises(InputError, match="not a PEM certificate"):
        open_attestations(dump(changed(DSSE, "signatures/0/cert", "garbage")), "e")
    with pytest.raises(InputError, match="too many signatures"):
        open_attestations(dump(changed(DSSE, "signatures", DSSE["signatures"] * 65)), "e")


def test_bare_statement_keeps_its_bytes() -> None:
    data = json.dumps(STATEMENT, indent=2).encode() + b"\n"
    (opened,) = open_attestations(data, "s")
    assert (opened.container, opened.statement, opened.envelope) == ("statement", data, None)


def test_json_lines() -> None:
    lines = [dump(BUNDLE), b"", b'{"other": 1}', dump(DSSE), b"not json", dump(STATEMENT)]
    container = read_container(b"\r\n".join(lines) + b"\n", "x.jsonl")
    assert [(one.container, one.source.line) for one in container.opened] == [
        ("sigstore-bundle-0.3", 1),
        ("dsse", 4),
        ("statement", 6),
    ]
    assert container.opened[1].digest == hashlib.sha256(dump(DSSE)).hexdigest()
    assert [one.source.line for one in container.ignored] == [3, 5]


def test_json_lines_with_a_foreign_first_line() -> None:
    container = read_container(b"# comment\n" + dump(DSSE) + b"\n" + dump(STATEMENT), "x")
    assert ([one.source.line for one in container.opened], len(container.ignored)) == ([2, 3], 1)


def test_a_malformed_bundle_among_lines_is_named() -> None:
    broken = dump(changed(BUNDLE, "dsseEnvelope", 1))
    container = read_container(broken + b"\n" + dump(DSSE), "x")
    assert len(container.opened) == 1
    assert container.ignored[0].reason.startswith("malformed Sigstore bundle")


def test_pretty_printed_and_byte_order_mark() -> None:
    data = b"\xef\xbb\xbf" + json.dumps(BUNDLE, indent=4).encode()
    (opened,) = open_attestations(data, "x.jsonl")
    assert (opened.container, opened.source.line) == ("sigstore-bundle-0.3", None)


def test_order_of_lines_does_not_matter() -> None:
    lines = [dump(BUNDLE), dump(DSSE), dump(STATEMENT)]
    digests = {one.digest for one in open_attestations(b"\n".join(lines), "x")}
    assert digests == {one.digest for one in open_attestations(b"\n".join(reversed(lines)), "x")}


OTHERS: list[tuple[bytes, str]] = [
    (b"", "empty"),
    (b" \n\n", "empty"),
    (b"\xef\xbb\xbf\n", "empty"),
    (b"\x1f\x8b\x08\x00", "gzip"),
    (b"PK\x03\x04", "zip"),
    (b"\x7fELF\x02", "a program"),
    (b"\x01\x02\x00\x03", "binary"),
    (b"<!DOCTYPE html><html>", "HTML"),
    (b"<html>", "HTML"),
    (b"-----BEGIN PUBLIC KEY-----\n", "PEM"),
    (b"-----BEGIN CERTIFICATE-----\n", "PEM certificate"),
    (b"---\nversion: 1\n", "YAML"),
    (b"_type: x\nsubject: []\n", "YAML"),
    (b"just some words\n", "got text"),
    (b"{", "not valid JSON"),
    (b"[1, 2]", "no element is an attestation"),
    (b"[]", "holds no attestation"),
    (b"{}", "no keys"),
    (b"\xff\xfe{\x00}\x00", "UTF-16"),
    (dump({"attestations": [{"predicateType": "x", "bundle": None}]}), "expected a Sigstore bundle"),
    (dump({"attestations": [{"bundle": None, "bundle_url": "https://x.example"}]}), "address"),
    (dump({"attestations": []}), "holds no attestation"),
    (dump({"version": 1, "verification_material": {}, "envelope": {}}), "missing or empty"),
    (dump({"version": 1, "attestation_bundles": []}), "holds no attestation"),
    (dump({"version": 1, "attestation_bundles": {}}), "expected an array"),
    (dump({"image_summary": {}, "provenance_summary": {}}), "holds no attestation"),
    (dump({"critical": {}, "optional": None}), "simple-signing"),
    (dump({"mediaType": "x", "tlogs": [], "certificateAuthorities": []}), "trusted root"),
    (dump({"bomFormat": "CycloneDX"}), "CycloneDX"),
    (dump({"payload": "e30=", "signatures": []}), "missing or empty"),
    (b'{"a": 1}\n{"b": 2}\n', "no line is an attestation"),
]


@pytest.mark.parametrize(("data", "text"), OTHERS, ids=[text for _, text in OTHERS])
def test_everything_else_is_named(data: bytes, text: str) -> None:
    with pytest.raises(InputError, match=text) as caught:
        read_container(data, "file")
    assert caught.value.place is not None
    assert caught.value.place.startswith("file")


@pytest.mark.parametrize(
    ("data", "announced"),
    [
        (dump(BUNDLE)[:200], True),
        (b'{"mediaType":"application\\/vnd.dev.sigstore.bundle.v0.3+json"', True),
        (dump(DSSE), False),
        (b"", False),
    ],
)
def test_announces_bundle(data: bytes, announced: bool) -> None:
    assert announces_bundle(data) is announced


def test_every_truncation_is_an_input_error_or_opens() -> None:
    data = dump(BUNDLE)
    for end in range(0, len(data), 7):
        with pytest.raises(InputError):
            read_container(data[:end], "b")


def test_hostile_keys_are_quoted_in_messages() -> None:
    with pytest.raises(InputError) as caught:
        read_container(dump({"\x1b[31m" + "x" * 500: 1}), "b")
    assert "\x1b" not in caught.value.message
    assert len(caught.value.message) < 300


def test_large_json_lines_in_bounded_memory() -> None:
    line = dump(changed(DSSE, "payload", b64(PAYLOAD + b" " * 100_000))) + b"\n"
    data = line * (50_000_000 // len(line) + 1)
    tracemalloc.start()
    container = read_container(data, "big.jsonl")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(data) >= 50_000_000
    assert len(container.opened) > 300
    assert peak + len(data) < 200_000_000


@pytest.mark.parametrize("make", [lambda: b"\n" * 300_000, lambda: b"{}\n" * 100_001])
def test_too_many_lines(make: Callable[[], bytes]) -> None:
    with pytest.raises(InputError):
        read_container(make(), "x")
