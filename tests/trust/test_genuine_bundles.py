"""Genuine bundles and the public conformance suite through the Python API."""

from __future__ import annotations

import contextlib
import csv
import json
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from assess.artifacts import read_artifact
from assess.attestations.containers import announces_bundle, open_attestations
from assess.attestations.envelope import Opened
from assess.errors import AssessError, InputError
from assess.trust.keys import load_public_key
from assess.trust.roots import TrustedRoot, load_trusted_root, public_good
from assess.trust.verify import IdentityPolicy, Verification, verify

pytestmark = pytest.mark.corpus

SUITE = "bundles/sigstore-conformance/sigstore+sigstore-conformance/test/assets/bundle-verify"
STORE = "trusted_roots/sigstore-python/sigstore+sigstore-python/sigstore/_store"
STAGING = f"{STORE}/https%3A%2F%2Ftuf-repo-cdn.sigstage.dev/trusted_root.json"
PRODUCTION = f"{STORE}/https%3A%2F%2Ftuf-repo-cdn.sigstore.dev/trusted_root.json"


@lru_cache
def root_of(path: Path) -> TrustedRoot:
    return load_trusted_root(path.read_bytes(), path.name)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))


def verify_file(bundle: Path, artifact: Path | None, root: TrustedRoot, **options: Any) -> Verification:
    (opened,) = open_attestations(bundle.read_bytes(), bundle.name)
    if artifact is not None:
        read = read_artifact(str(artifact))
        options |= {"artifact": read.subject.digests, "artifact_file": read.file}
    return verify(opened, root=root, **options)


def bundles_in(data: bytes, path: str) -> tuple[Opened, ...]:
    """What a file holds; of documents around bundles (npm, APIs), every bundle in them."""
    try:
        return open_attestations(data, path)
    except AssessError:
        pass
    found: list[Opened] = []

    def walk(value: Any) -> None:
        match value:
            case {"verificationMaterial": _}:
                found.extend(open_attestations(json.dumps(value).encode(), path))
            case dict():
                for item in value.values():
                    walk(item)
            case list():
                for item in value:
                    walk(item)

    with contextlib.suppress(ValueError, RecursionError, AssessError):
        walk(json.loads(data))
    return tuple(found)


def test_conformance_suite(corpus: Path) -> None:
    counts: Counter[tuple[str, str]] = Counter()
    wrong = []
    for case in rows(corpus / "bundles" / "expected.tsv"):
        options: dict[str, Any] = {}
        try:
            root = root_of(corpus / case["trusted_root"]) if "/" in case["trusted_root"] else public_good()
            if case["key"]:
                options["keys"] = (load_public_key((corpus / case["key"]).read_bytes(), "key.pub"),)
            elif case["identity"]:
                options["identity"] = IdentityPolicy(identity=case["identity"], issuer=case["issuer"])
            result = verify_file(corpus / case["bundle"], corpus / case["artifact"], root, **options)
            got = "valid" if result.signature == "verified" else "invalid"
            note = result.note
        except AssessError as error:
            got, note = "invalid", str(error)
        counts[case["expect"], got] += 1
        if got != case["expect"]:
            wrong.append((case["case"], got, note))
    print(f"conformance: {dict(counts)}")
    assert not wrong
    assert counts == {("invalid", "invalid"): 37, ("valid", "valid"): 10}


REFUSED_BY = [
    ("bundle-empty-certificate-chain_fail", "open"),
    ("bundle-from-wrong-instance_fail", "chain"),
    ("bundle-unknown-version_fail", "open"),
    ("checkpoint-bad-keyhint_fail", "inclusion"),
    ("checkpoint-wrong-roothash_fail", "inclusion"),
    ("dsse-invalid-sig_fail", "signature"),
    ("dsse-mismatch-sig_fail", "binding"),
    ("inclusion-proof-corrupted-hash_fail", "inclusion"),
    ("integrated-time-in-future_fail", "chain"),
    ("intoto-expired-certificate_fail", "chain"),
    ("intoto-log-entry-mismatch_fail", "binding"),
    ("intoto-missing-inclusion-proof_fail", "open"),
    ("intoto-set-outside-signing-cert-validity_fail", "chain"),
    ("intoto-tsa-timestamp-outside-cert-validity_fail", "chain"),
    ("invalid-checkpoint-signature_fail", "inclusion"),
    ("invalid-ct-key_fail", "sct"),
    ("invalid-inclusion-proof_fail", "inclusion"),
    ("rekor2-checkpoint-missing-log-signature_fail", "inclusion"),
    ("rekor2-checkpoint-no-matching-signature_fail", "inclusion"),
    ("rekor2-dsse-invalid-sig_fail", "signature"),
    ("rekor2-dsse-mismatch-envelope_fail", "binding"),
    ("rekor2-dsse-mismatch-sig_fail", "binding"),
    ("rekor2-no-inclusion-proof_fail", "open"),
    ("rekor2-timestamp-outside-tsa-cert-validity_fail", "time"),
    ("rekor2-timestamp-payload-mismatch_fail", "time"),
    ("rekor2-timestamp-with-incorrect-time_fail", "chain"),
    ("set-invalid-signature_fail", "promise"),
    ("signature-mismatch_fail", "signature"),
    ("wrong-hashedrekord-entry_fail", "binding"),
    ("wrong-material_fail", "signature"),
]


@pytest.mark.parametrize(("case", "check"), REFUSED_BY)
def test_conformance_case_fails_for_its_own_reason(corpus: Path, case: str, check: str) -> None:
    folder = corpus / SUITE / case
    own = folder / "trusted_root.json"
    root = root_of(own) if own.exists() else public_good()
    artifact = folder / "artifact" if (folder / "artifact").exists() else folder.parent / "a.txt"
    result = verify_file(folder / "bundle.sigstore.json", artifact, root)
    assert result.signature == "failed"
    assert check in [one.name for one in result.checks if one.result == "failed"]


def test_no_timestamp_in_a_rekor_2_bundle_is_not_provable(corpus: Path) -> None:
    folder = corpus / SUITE / "rekor2-no-timestamp_fail"
    root = root_of(folder / "trusted_root.json")
    result = verify_file(folder / "bundle.sigstore.json", folder.parent / "a.txt", root)
    assert result.signature is None
    assert [(one.name, one.result) for one in result.checks if one.result != "verified"] == [
        ("time", "not-provable-offline")
    ]


def test_sigstore_python_bundles(corpus: Path) -> None:
    roots = (public_good(), root_of(corpus / STAGING))
    cases = [row for row in rows(corpus / "expected" / "misc.tsv") if row["family"] == "sigstore-python"]
    assert len(cases) == 9
    wrong = []
    for case in cases:
        given = corpus / case["artifact_or_digest"] if case["artifact_or_digest"] else None
        # The wheel itself is not in the corpus: nothing can be said without it.
        artifact = given if given is not None and given.exists() else None
        try:
            results = [verify_file(corpus / case["file"], artifact, root) for root in roots]
        except InputError as error:
            # The command line calls what means to be a bundle and cannot be opened invalid.
            assert announces_bundle((corpus / case["file"]).read_bytes()), error
            if case["expect"] != "invalid":
                wrong.append((case["file"], [error.message]))
            continue
        valid = any(result.signature == "verified" for result in results)
        if artifact is None and case["expect"] == "valid":
            others = [one for one in results[0].checks if one.name not in ("signature", "binding")]
            valid = results[0].signature is None and all(one.result == "verified" for one in others)
        if valid != (case["expect"] == "valid"):
            wrong.append((case["file"], [result.note for result in results]))
    assert not wrong


def test_every_attestation_of_the_corpus(corpus: Path) -> None:
    """No exception but ours, and no fewer verified than when this was written."""
    counts: Counter[tuple[str, str | None]] = Counter()
    for top in ("bundles", "provenance"):
        for path in sorted((corpus / top).rglob("*")):
            if path.is_file() and "sigstore-conformance" not in str(path):
                for opened in bundles_in(path.read_bytes(), path.name):
                    counts[opened.container, verify(opened, root=public_good()).signature] += 1
    print({f"{container} {state}": count for (container, state), count in sorted(counts.items(), key=str)})
    assert counts["sigstore-bundle-0.1", "verified"] >= 47
    assert counts["sigstore-bundle-0.2", "verified"] >= 24
    assert counts["sigstore-bundle-0.3", "verified"] >= 21
    # No bare envelope or statement is ever more than unproven.
    assert counts["dsse", "verified"] == counts["statement", "verified"] == 0


def test_bare_envelopes_with_certificates_lack_only_time_and_log(corpus: Path) -> None:
    counts: Counter[tuple[str, ...]] = Counter()
    for family in ("gha_go", "gha_generic", "misc"):
        for path in sorted((corpus / "provenance" / f"slsa-verifier-{family}").rglob("*")):
            for opened in bundles_in(path.read_bytes(), path.name) if path.is_file() else ():
                if opened.container != "dsse" or opened.envelope.signatures[0].certificate is None:
                    continue
                result = verify(opened, root=public_good())
                assert result.signature is None
                assert result.signer is not None
                assert "/.github/workflows/" in result.signer.identity
                assert result.times == ()
                proved = {one.name: one.result for one in result.checks}
                assert (proved["signature"], proved["chain"]) == ("verified", "verified")
                counts[tuple(one.name for one in result.checks if one.result != "verified")] += 1
    print(dict(counts))
    assert set(counts) == {("time", "inclusion"), ("time", "sct", "inclusion")}
    assert counts.total() == 73


def test_npm_publish_attestation_by_its_key(corpus: Path) -> None:
    folder = corpus / "bundles/sigstore-go/sigstore+sigstore-go/examples"
    key = load_public_key((folder / "publish_key.pub").read_bytes(), "publish_key.pub")
    result = verify_file(folder / "bundle-publish.json", None, public_good(), keys=(key,))
    assert result.signature == "verified"
    assert result.signer is not None
    assert (result.signer.kind, result.signer.identity) == ("key", f"sha256:{key.sha256}")
    assert verify_file(folder / "bundle-publish.json", None, public_good()).signature == "failed"


def test_another_instance_proves_nothing_here(corpus: Path) -> None:
    name = "github_provenance_demo-0.0.12-py3-none-any-bundle.jsonl"
    path = corpus / "bundles/github-cli/cli+cli/pkg/cmd/attestation/test/data" / name
    result = verify_file(path, None, public_good())
    assert result.signature == "failed"
    assert result.signer is None
