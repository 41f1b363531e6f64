"""Against npm's own package `sigstore`: its bundles, keyed and keyless, and changed copies of them.

`make peers` installs the package; it judges offline, under the trusted root and the registry's keys that we use.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import random
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

from assess.attestations.containers import open_attestations
from assess.errors import AssessError
from assess.evidence import Digest
from assess.trust import roots
from assess.trust.known_keys import known_keys
from assess.trust.roots import public_good
from assess.trust.verify import verify

DATA = Path(roots.__file__).parent / "data"
PACKAGE = ROOT / ".peers" / "npm"
FAMILIES = (
    "provenance/npm-cli",
    "provenance/slsa-verifier-npm",
    "bundles/slsa-verifier-gha-unit",
    "bundles/sigstore-js",
    "bundles/github-cli",
)
ONE_BYTE = 400
SEED = 20261124

STRICTER = {
    "does not lead from the entry to the root hash; theirs: None": (
        "the package compares with the root hash of the signed checkpoint alone, we with the copy beside it too"
    ),
}
"""Where we refuse and npm's package accepts. There is no list for the other way round."""


@dataclass(frozen=True)
class Case:
    """One bundle, and the artifact where it signs one."""

    name: str
    bundle: Any
    blob: bytes | None = None

    @property
    def text(self) -> str:
        return json.dumps(self.bundle)

    @property
    def keyed(self) -> bool:
        return "publicKey" in self.bundle.get("verificationMaterial", {})


@pytest.fixture(scope="module")
def node() -> str:
    found = shutil.which("node")
    if found is None:
        pytest.skip("npm's verifier needs node, which is not on this machine")
    if not (PACKAGE / "node_modules" / "sigstore").is_dir():
        pytest.skip("npm's package sigstore is not installed: run `make peers`")
    return found


def theirs(node: str, cases: list[Case]) -> list[str | None]:
    """Why each is refused; None where it is accepted."""
    root = json.loads((DATA / "sigstore_public_good.json").read_bytes())["trustedRoot"]
    keys = json.loads((DATA / "npm_registry_keys.json").read_bytes())["keys"]
    lines = "".join(
        json.dumps(
            {
                "bundle": case.text,
                "root": root,
                "keys": keys,
                "blob": base64.b64encode(case.blob).decode() if case.blob is not None else None,
            }
        )
        + "\n"
        for case in cases
    )
    script = ROOT / "tests" / "oracles" / "npm_sigstore.mjs"
    ran = subprocess.run([node, script, PACKAGE], input=lines, capture_output=True, text=True, timeout=120, check=True)
    answers = [json.loads(line)["refused"] for line in ran.stdout.splitlines()]
    assert len(answers) == len(cases)
    return answers


def ours(case: Case) -> str | None:
    """Why we do not accept it; None where we do. Nothing but our own errors may be raised."""
    artifact = (Digest("sha256", hashlib.sha256(case.blob).hexdigest()),) if case.blob is not None else None
    try:
        (opened,) = open_attestations(case.text.encode("utf-8", "surrogatepass"), "bundle.json")
    except AssessError as error:
        return f"unreadable: {error.message}"
    except ValueError:
        return "unreadable: not one attestation"
    found = verify(opened, root=public_good(), keys=known_keys() if case.keyed else (), artifact=artifact)
    return None if found.signature == "verified" else f"{found.signature}: {found.note}"


def bundles(value: Any) -> Iterator[dict[str, Any]]:
    """The bundles of a document at any depth."""
    if isinstance(value, dict):
        if "verificationMaterial" in value:
            yield value
            return
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from bundles(item)


def documents(data: bytes) -> Iterator[Any]:
    for text in (data, *data.splitlines()):
        try:
            yield json.loads(text)
        except ValueError:
            continue
        if text is data:
            return


@pytest.fixture(scope="module")
def genuine(corpus: Path) -> list[Case]:
    cases, seen = [], set()
    for family in FAMILIES:
        for path in sorted(one for one in (corpus / family).rglob("*") if one.is_file()):
            found = [bundle for document in documents(path.read_bytes()) for bundle in bundles(document)]
            for number, bundle in enumerate(found):
                case = Case(f"{family.split('/')[1]}/{path.name}#{number}", bundle)
                # What signs an artifact that the corpus does not hold is for nobody to judge.
                if case.text not in seen and "dsseEnvelope" in bundle:
                    seen.add(case.text)
                    cases.append(case)
    return cases


def compared(cases: list[Case], answers: list[str | None]) -> list[str]:
    """Print the table; what differs without a stated reason."""
    table: Counter[tuple[str, str, str]] = Counter()
    known, unknown = Counter[str](), []
    for case, refused in zip(cases, answers, strict=True):
        mine = ours(case)
        kind = "keyed" if case.keyed else "keyless"
        table[kind, "accepted" if mine is None else "not", "accepted" if refused is None else "refused"] += 1
        if (mine is None) == (refused is None):
            continue
        both = f"ours: {mine}; theirs: {refused}"
        why = next((reason for part, reason in STRICTER.items() if mine is not None and part in both), None)
        if why is None:
            unknown.append(f"{case.name}: {both}")
        else:
            known[why] += 1
    print("\nnpm's sigstore: kind, ours, theirs, bundles")
    for row, count in sorted(table.items()):
        print(f"  {row[0]:8} {row[1]:9} {row[2]:9} {count:5}")
    for why, count in known.items():
        print(f"  {count:3} differ: {why}")
    return unknown


@pytest.mark.corpus
def test_every_bundle(node: str, genuine: list[Case]) -> None:
    unknown = compared(genuine, theirs(node, genuine))
    assert not unknown, "\n".join(unknown)
    accepted = [case for case in genuine if ours(case) is None]
    assert sum(case.keyed for case in accepted) >= 3
    assert sum(not case.keyed for case in accepted) >= 10


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    match value:
        case dict():
            yield from (leaf for key, item in value.items() for leaf in places(item, (*path, key)))
        case list():
            yield from (leaf for index, item in enumerate(value) for leaf in places(item, (*path, index)))
        case str():
            yield path


def flipped(bundle: Any, path: tuple[Any, ...], random_: random.Random) -> Any | None:
    """The bundle with one bit of one base64 field changed; None where the field is no base64."""
    changed = copy.deepcopy(bundle)
    parent = changed
    for step in path[:-1]:
        parent = parent[step]
    try:
        data = bytearray(base64.b64decode(parent[path[-1]], validate=True))
    except ValueError:
        return None
    if len(data) < 16:
        return None
    data[random_.randrange(len(data))] ^= 1 << random_.randrange(8)
    parent[path[-1]] = base64.b64encode(bytes(data)).decode()
    return changed


def deliberate(case: Case, other: Case) -> Iterator[Case]:
    """What a forger would try first."""
    material = case.bundle["verificationMaterial"]

    def changed(name: str, **parts: Any) -> Case:
        return Case(f"{name}: {case.name}", case.bundle | parts)

    yield changed("no log entry", verificationMaterial=material | {"tlogEntries": []})
    yield changed("another's material", verificationMaterial=other.bundle["verificationMaterial"])
    yield changed("another's envelope", dsseEnvelope=other.bundle["dsseEnvelope"])
    envelope = case.bundle["dsseEnvelope"]
    yield changed("another's payload", dsseEnvelope=envelope | {"payload": other.bundle["dsseEnvelope"]["payload"]})
    yield changed("another type", dsseEnvelope=envelope | {"payloadType": "application/vnd.in-toto+jso"})
    yield changed("no signature", dsseEnvelope=envelope | {"signatures": []})
    for field, value in (("integratedTime", "1"), ("logIndex", "7"), ("logId", {"keyId": "AAAA"})):
        entry = material["tlogEntries"][0] | {field: value}
        yield changed(f"another {field}", verificationMaterial=material | {"tlogEntries": [entry]})
    if case.keyed:
        hint = {"hint": "SHA256:DhQ8wR5APBvFHLF/+Tc+AYvPOdTpcIDqOhxsBHRwC7U"}
        if material["publicKey"] != hint:
            yield changed("the registry's other key", verificationMaterial=material | {"publicKey": hint})


@pytest.mark.corpus
def test_mutations(node: str, genuine: list[Case]) -> None:
    random_ = random.Random(SEED)
    answers = theirs(node, genuine)
    agreed = [case for case, refused in zip(genuine, answers, strict=True) if refused is None and ours(case) is None]
    cases = [
        one
        for keyed in (True, False)
        for case in [case for case in agreed if case.keyed is keyed][:6]
        for one in deliberate(case, next(other for other in agreed if other.bundle != case.bundle))
    ]
    while len(cases) < ONE_BYTE:
        case = agreed[len(cases) % len(agreed)]
        path = random_.choice(list(places(case.bundle)))
        bundle = flipped(case.bundle, path, random_)
        if bundle is not None:
            cases.append(Case(f"one bit of {'/'.join(map(str, path))}: {case.name}", bundle))
    unknown = compared(cases, theirs(node, cases))
    assert not unknown, "\n".join(unknown)
    # What still holds was changed where nothing is proved by it: the further certificates of an old chain.
    held = [case.name for case in cases if ours(case) is None]
    assert all("x509CertificateChain/certificates/" in name for name in held), held
    assert not any("x509CertificateChain/certificates/0" in name for name in held)
