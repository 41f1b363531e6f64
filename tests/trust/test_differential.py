"""Against sigstore-python: every bundle that it can verify, and thousands of mutations of genuine ones.

We never accept what it rejects, unless the reason is one of those that `EXPLAINED` records.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import logging
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from virtual_sigstore import Tamper, VirtualSigstore, provenance_v1, subject_of

from assess.artifacts import read_artifact
from assess.attestations.containers import open_attestations
from assess.errors import AssessError
from assess.evidence import Digest
from assess.trust.roots import TrustedRoot, load_trusted_root
from assess.trust.verify import verify

MUTATIONS = 2_500
SEED = 20260917
SUITE = "bundles/sigstore-conformance/sigstore+sigstore-conformance/test/assets/bundle-verify"
STORE = "trusted_roots/sigstore-python/sigstore+sigstore-python/sigstore/_store"
PRODUCTION = f"{STORE}/https%3A%2F%2Ftuf-repo-cdn.sigstore.dev/trusted_root.json"
STAGING = f"{STORE}/https%3A%2F%2Ftuf-repo-cdn.sigstage.dev/trusted_root.json"

EXPLAINED = (
    # It reads no entries of kind intoto, and binds no envelope to hashedrekord 0.0.1 or dsse 0.0.2.
    "Integrated time only supported",
    "Unsupported DSSE log entry type",
    # A v0.1 bundle may rest on the log's promise alone.
    "entry must contain inclusion proof",
    "tlogEntries.0.inclusionProof ",
    # It wants a chain up to v0.2 and one certificate from v0.3 on; we take either, and only ever use the first.
    "expected certificate chain",
    "expected certificate in bundle",
    # Several different entries: each must hold.
    "expected exactly one log entry",
    # Proto-JSON leaves defaults out: an empty promise or digest is none, an index that is not there is 0.
    "tlogEntries.0.inclusionPromise.signedEntryTimestamp Field required",
    "messageSignature.messageDigest.algorithm Field required",
    "tlogEntries.0.logIndex ",
    "rfc3161Timestamps Input should be a valid array [type=list_type, input_value=None",
    # Further certificates of a chain are never used.
    "x509CertificateChain.certificates.1",
    # It takes the end of a timestamp authority's window as outside of it.
    "not enough sources of verified time",
)


logging.getLogger("sigstore").setLevel(logging.ERROR)


class Oracle:
    """sigstore-python under one trusted root."""

    def __init__(self, path: Path) -> None:
        models = pytest.importorskip("sigstore.models")
        self._bundle = models.Bundle
        module = pytest.importorskip("sigstore.verify")
        self._verifier = module.Verifier(trusted_root=models.TrustedRoot.from_file(str(path)))
        self._policy = pytest.importorskip("sigstore.verify.policy").UnsafeNoOp()
        self.root: TrustedRoot = load_trusted_root(path.read_bytes(), path.name)

    def refuses(self, text: str, blob: bytes | None) -> str | None:
        """Why the bundle is refused; None where it is accepted."""
        try:
            bundle = self._bundle.from_json(text)
            if blob is None:
                self._verifier.verify_dsse(bundle, self._policy)
            else:
                self._verifier.verify_artifact(blob, bundle, self._policy)
        except Exception as error:  # whatever it raises is a refusal
            return " ".join(f"{type(error).__name__}: {error}".split())
        return None


def accepts(text: str, root: TrustedRoot, artifact: tuple[Digest, ...] | None) -> bool:
    """Whether we verify the bundle; nothing but our own errors may be raised."""
    try:
        found = open_attestations(text.encode("utf-8", "surrogatepass"), "bundle.json")
    except AssessError:
        return False
    if len(found) != 1 or found[0].source.pointer is not None:
        # A document around bundles, which is none itself.
        return False
    return verify(found[0], root=root, artifact=artifact).signature == "verified"


@pytest.fixture(scope="module")
def production(corpus: Path) -> Oracle:
    return Oracle(corpus / PRODUCTION)


@pytest.fixture(scope="module")
def staging(corpus: Path) -> Oracle:
    return Oracle(corpus / STAGING)


@pytest.mark.corpus
def test_every_bundle_of_the_corpus(corpus: Path, production: Oracle, staging: Oracle) -> None:
    blob_path = corpus / SUITE / "a.txt"
    blob, digests = blob_path.read_bytes(), read_artifact(str(blob_path)).subject.digests
    outcomes: Counter[tuple[str, str]] = Counter()
    wrong = []
    for top in ("bundles", "provenance"):
        for path in sorted((corpus / top).rglob("*")):
            if not path.is_file() or b"verificationMaterial" not in (data := path.read_bytes()):
                continue
            text = data.decode("utf-8", "replace").strip()
            own = path.parent / "trusted_root.json"
            oracles = (Oracle(own),) if own.exists() and "conformance" in str(path) else (production, staging)
            for oracle in oracles:
                message = '"messageSignature"' in text
                why = oracle.refuses(text, blob if message else None)
                ours = accepts(text, oracle.root, digests if message else None) if "\n{" not in text else False
                outcomes["accepted" if ours else "not", "accepted" if why is None else "refused"] += 1
                if (why is None and not ours and "\n{" not in text) or (
                    ours and why is not None and not explained(why, text)
                ):
                    wrong.append((path.name, ours, why))
    print(f"differential, (ours, sigstore-python): {dict(outcomes)}")
    assert not wrong
    assert outcomes["accepted", "accepted"] >= 25


def explained(why: str, text: str) -> bool:
    """Whether one of the reasons holds; an empty promise is none, and with a timestamp none is needed."""
    if '"signedEntryTimestamp": ""' in text and "SET: invalid inclusion promise" in why:
        return True
    return any(reason in why for reason in EXPLAINED)


Path_ = tuple[str | int, ...]


def leaves(value: Any, path: Path_ = ()) -> list[Path_]:
    """Every place of a JSON document that can be changed."""
    match value:
        case dict():
            below = [leaf for key, item in value.items() for leaf in leaves(item, (*path, key))]
        case list():
            below = [leaf for index, item in enumerate(value) for leaf in leaves(item, (*path, index))]
        case _:
            return [path]
    return [*below, path] if path else below


def at(value: Any, path: Path_) -> Any:
    for step in path:
        value = value[step]
    return value


ODD = (None, "", 0, -1, 1, 2**63, "0", "-1", "99999999999999999999", [], {}, [[]], True, "x", "AAAA", 1.5, "\u2028")


def change_bytes(text: str, random_: random.Random) -> str | None:
    """Another base64 string of slightly other bytes; None where this is no base64."""
    try:
        data = bytearray(base64.b64decode(text, validate=True))
    except ValueError:
        return None
    if not data:
        return None
    position = random_.randrange(len(data))
    match random_.randrange(5):
        case 0:
            data[position] ^= 1 << random_.randrange(8)
        case 1:
            data[position] = random_.randrange(256)
        case 2:
            del data[position:]
        case 3:
            data[position:position] = random_.randbytes(random_.randrange(1, 4))
        case _:
            del data[position]
    return base64.b64encode(bytes(data)).decode()


def mutate(document: Any, others: list[Any], random_: random.Random) -> Any:
    """One change: of bytes, of a value, of the structure, or a part of another genuine bundle put in."""
    changed = copy.deepcopy(document)
    path = random_.choice(leaves(changed))
    parent, key = at(changed, path[:-1]), path[-1]
    value = parent[key]
    kind = random_.randrange(10)
    if isinstance(value, str) and kind < 6:
        other = change_bytes(value, random_)
        if other is None:
            position = random_.randrange(len(value) + 1)
            other = value[:position] + random_.choice("x0 \n\u2014-") + value[position + random_.randrange(2) :]
        parent[key] = other
    elif kind == 6:
        del parent[key]
    elif kind == 7:
        parent[key] = random_.choice(ODD)
    elif kind == 8 and isinstance(parent, list):
        parent.append(copy.deepcopy(value))
    else:
        source = random_.choice(others)
        try:
            parent[key] = copy.deepcopy(at(source, path))
        except (KeyError, IndexError, TypeError):
            parent[key] = random_.choice(ODD)
    return changed


@pytest.mark.corpus
def test_mutations_of_genuine_bundles(corpus: Path, production: Oracle, staging: Oracle) -> None:
    blob_path = corpus / SUITE / "a.txt"
    blob, digests = blob_path.read_bytes(), read_artifact(str(blob_path)).subject.digests
    v2 = corpus / SUITE / "rekor2-checkpoint-cosigned"
    families = [corpus / "provenance" / f"slsa-verifier-{name}" for name in ("bcr", "gha_generic", "gha_go")]
    paths = [path for family in families for path in sorted(family.rglob("*")) if path.is_file()]
    texts = [path.read_bytes() for path in paths]
    genuine = [(json.loads(text), production, None) for text in texts if b"sigstore.bundle.v0.3" in text]
    assert len(genuine) >= 6
    genuine += [
        (json.loads((corpus / SUITE / name / "bundle.sigstore.json").read_bytes()), production, blob)
        for name in ("happy-path-v0.2",)
    ]
    genuine.append((json.loads((v2 / "bundle.sigstore.json").read_bytes()), Oracle(v2 / "trusted_root.json"), blob))
    differ(genuine, digests, MUTATIONS, SEED)


VS = VirtualSigstore()
DATA = b"widget 1.4.2\n"
STATEMENT = provenance_v1([subject_of("widget.whl", DATA)])


def virtual_oracle(folder: Path) -> Oracle:
    path = folder / "trusted_root.json"
    path.write_bytes(VS.trusted_root())
    return Oracle(path)


def test_mutations_of_virtual_bundles(tmp_path: Path) -> None:
    """The same where every splice is of the same identity and log, so that more of each bundle holds."""
    oracle = virtual_oracle(tmp_path)
    digests = (Digest("sha256", hashlib.sha256(DATA).hexdigest()),)
    genuine = [
        (VS.sign_statement(STATEMENT, log="v1"), oracle, None),
        (VS.sign_statement(STATEMENT, log="v1", tsa=True, bundle_version="0.2"), oracle, None),
        (VS.sign_statement(STATEMENT | {"extra": 1}, log="v1", tsa=True), oracle, None),
        (VS.sign_statement(STATEMENT, log="v2", kind="hashedrekord"), oracle, None),
        (VS.sign_blob(DATA, log="v1"), oracle, DATA),
        (VS.sign_blob(DATA, log="v2"), oracle, DATA),
    ]
    differ(genuine, digests, MUTATIONS, SEED + 1)


def differ(genuine: list[Any], digests: tuple[Digest, ...], count: int, seed: int) -> None:
    random_ = random.Random(seed)
    documents = [document for document, _, _ in genuine]
    outcomes: Counter[tuple[str, str]] = Counter()
    wrong, reasons, stricter = [], [], Counter[str]()
    for document, oracle, blob in genuine:
        assert oracle.refuses(json.dumps(document), blob) is None
        assert accepts(json.dumps(document), oracle.root, digests if blob is not None else None)
    for number in range(count):
        document, oracle, blob = genuine[number % len(genuine)]
        text = json.dumps(mutate(document, documents, random_))
        why = oracle.refuses(text, blob)
        ours = accepts(text, oracle.root, digests if blob is not None else None)
        outcomes["accepted" if ours else "not", "accepted" if why is None else "refused"] += 1
        if ours and why is not None:
            (reasons if explained(why, text) else wrong).append((number, why))
        if not ours and why is None:
            stricter[note(text, oracle.root, digests if blob is not None else None)] += 1
    print(f"{count} mutations, (ours, sigstore-python): {dict(outcomes)}; stricter: {dict(stricter)}")
    # A reason may explain a bundle that loads differently, not one whose mathematics it found wrong.
    assert all(why.startswith("InvalidBundle") or "SET: invalid" in why for _, why in reasons)
    assert not wrong, wrong[:5]
    # Where we are stricter, it is by the few rules that are ours; anything else would be a false alarm.
    assert stricter.total() <= count // 20


def note(text: str, root: TrustedRoot, artifact: tuple[Digest, ...] | None) -> str:
    try:
        (opened,) = open_attestations(text.encode(), "bundle.json")
    except AssessError as error:
        return f"unreadable: {error.message}"[:80]
    return str(verify(opened, root=root, artifact=artifact).note)[:80]


@pytest.mark.parametrize("tamper", Tamper, ids=lambda tamper: tamper.name)
def test_forgeries(tamper: Tamper, tmp_path: Path) -> None:
    """What it refuses, we do not accept; what it accepts though forged is recorded with the knob."""
    oracle = virtual_oracle(tmp_path)
    kind = "hashedrekord" if tamper.value.log == "v2" else "dsse"
    text = json.dumps(VS.sign_statement(STATEMENT, tamper=tamper, kind=kind))
    ours = accepts(text, oracle.root, None)
    # An identity is the policy's to refuse.
    assert ours == (tamper.check == "signer")
