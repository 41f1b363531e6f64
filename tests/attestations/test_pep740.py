"""PyPI's attestations: the assets of pypi-attestations by the table of the corpus, and against that library itself."""

from __future__ import annotations

import base64
import csv
import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from assess.attestations.containers import read_container
from assess.attestations.envelope import Opened
from assess.attestations.statement import read_statement
from assess.errors import InputError
from assess.trust.certificates import Leaf, read_leaf
from assess.trust.roots import TrustedRoot, load_trusted_root, public_good
from assess.trust.signers import read_signer
from assess.trust.verify import IdentityPolicy, verify

pytestmark = pytest.mark.corpus

ASSETS = "provenance/pep740/trailofbits+pypi-attestations/test/assets"
STORE = "trusted_roots/sigstore-python/sigstore+sigstore-python/sigstore/_store"
STAGING = f"{STORE}/https%3A%2F%2Ftuf-repo-cdn.sigstage.dev/trusted_root.json"
GITHUB = "https://token.actions.githubusercontent.com"
MUTATIONS = 150


def _rows(corpus: Path) -> list[dict[str, str]]:
    with (corpus / "expected" / "misc.tsv").open(encoding="utf-8") as stream:
        return [row for row in csv.DictReader(stream, delimiter="\t") if row["family"] == "pep740"]


def _opened(path: Path) -> tuple[Opened, ...]:
    return read_container(path.read_bytes(), path.name).opened


def _root(corpus: Path, detail: str) -> TrustedRoot:
    if "staging" in detail:
        return load_trusted_root((corpus / STAGING).read_bytes(), "staging")
    return public_good()


def test_the_table_of_the_corpus(corpus: Path) -> None:
    rows = _rows(corpus)
    assert len(rows) == 7
    seen = 0
    for row in rows:
        path = corpus / row["file"]
        assert row["expect"] == "valid"
        if path.suffix == ".pem":
            continue
        root = _root(corpus, row["detail"])
        identity = re.search(r"identity (\S+?);?(?: |$)", row["detail"])
        policy = IdentityPolicy(identity=identity[1]) if identity else None
        for opened in _opened(path):
            verification = verify(opened, root=root, identity=policy)
            assert verification.signature == "verified", (path.name, verification.note)
            assert opened.container == "pep740"
            if row["artifact_or_digest"]:
                (subject,) = read_statement(opened).subjects
                assert f"sha256:{subject.digests[0].value}" == row["artifact_or_digest"]
            seen += 1
    assert seen == 5


def test_publishers_are_told_by_the_certificate(corpus: Path) -> None:
    (gitlab,) = _opened(corpus / ASSETS / "gitlab_oidc_project-0.0.3.tar.gz.publish.attestation")
    signer = verify(gitlab, root=public_good()).signer
    assert signer is not None
    assert signer.issuer == "https://gitlab.com"
    assert signer.identity.startswith("https://gitlab.com/facutuesca/gitlab-oidc-project//.gitlab-ci.yml@")
    other = IdentityPolicy(identity=signer.identity.replace(".gitlab-ci.yml", "other.yml"))
    assert verify(gitlab, root=public_good(), identity=other).signature == "failed"


CERTIFICATES = [
    ("no-source-repository-ref-extension.pem", "https://github.com/SWIFTSIM/swiftgalaxy", True, False),
    ("200170367.pem", None, False, False),
]


@pytest.mark.parametrize(("name", "repository", "has_digest", "has_ref"), CERTIFICATES)
def test_certificates_alone(corpus: Path, name: str, repository: str | None, has_digest: bool, has_ref: bool) -> None:
    certificate = x509.load_pem_x509_certificate((corpus / ASSETS / name).read_bytes())
    leaf: Leaf = read_leaf(certificate.public_bytes(Encoding.DER)).value
    signer = read_signer(leaf, public_good()).value
    assert signer.source_repository == repository
    assert (signer.source_digest is not None, signer.source_ref is not None) == (has_digest, has_ref)
    if repository is None:
        assert signer.identity == "919436158236-compute@developer.gserviceaccount.com"


# --- differential ---------------------------------------------------------------------------------------------------


def _oracle(document: dict[str, Any], staging: bool) -> str | None:
    """Why pypi-attestations refuses; None where it accepts whoever signed."""
    library = pytest.importorskip("pypi_attestations", reason="the library pypi-attestations is not installed")
    policy = pytest.importorskip("sigstore.verify.policy").UnsafeNoOp()
    try:
        attestation = library.Attestation.model_validate(document)
        (subject,) = json.loads(base64.b64decode(document["envelope"]["statement"]))["subject"]
        file = library.Distribution(name=subject["name"], digest=subject["digest"]["sha256"])
        attestation.verify(policy, file, staging=staging, offline=True)
    except Exception as error:  # whatever it raises is a refusal
        return f"{type(error).__name__}: {error}"
    return None


def _ours(document: dict[str, Any], root: TrustedRoot) -> bool:
    try:
        found = read_container(json.dumps(document).encode(), "f").opened
    except InputError:
        return False
    return all(verify(one, root=root).signature == "verified" for one in found)


def _documents(corpus: Path) -> list[tuple[str, dict[str, Any], bool]]:
    documents = []
    for path in sorted((corpus / ASSETS).iterdir()):
        if path.suffix == ".pem":
            continue
        whole = json.loads(path.read_text(encoding="utf-8"))
        for bundle in whole.get("attestation_bundles", [{"attestations": [whole]}]):
            documents += [(path.name, one, path.name.startswith("spt3g")) for one in bundle["attestations"]]
    return documents


def test_both_accept_all_assets(corpus: Path) -> None:
    documents = _documents(corpus)
    assert len(documents) == 5
    for name, document, staging in documents:
        root = _root(corpus, "staging" if staging else "")
        assert (_oracle(document, staging), _ours(document, root)) == (None, True), name


def _strings(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    match value:
        case dict():
            return [found for key, item in value.items() for found in _strings(item, (*path, key))]
        case list():
            return [found for index, item in enumerate(value) for found in _strings(item, (*path, index))]
        case str() if value:
            return [path]
        case _:
            return []


def test_nothing_is_accepted_that_the_library_refuses(corpus: Path) -> None:
    chance = random.Random(740)
    both = refused = 0
    for name, document, staging in _documents(corpus):
        root = _root(corpus, "staging" if staging else "")
        for _ in range(MUTATIONS // 5):
            changed = json.loads(json.dumps(document))
            *holders, last = chance.choice(_strings(changed))
            holder = changed
            for key in holders:
                holder = holder[key]
            at = chance.randrange(len(holder[last]))
            holder[last] = holder[last][:at] + chance.choice("Aa1") + holder[last][at + 1 :]
            if changed == document:
                continue
            why = _oracle(changed, staging)
            ours = _ours(changed, root)
            both += ours and why is None
            refused += why is not None
            assert not (ours and why is not None), (name, [*holders, last], why)
    print(f"pypi-attestations: {refused} mutations refused by it, {both} accepted by both")
    assert refused > 80
