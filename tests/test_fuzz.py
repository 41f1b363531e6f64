"""No input makes a reader raise anything but `assess.errors`, and no signed byte can change unnoticed (hypothesis)."""

from __future__ import annotations

import base64
import json
from random import Random
from typing import Any

import fuzz_targets
import pytest
from fuzz_mutators import mutate, mutate_bytes, places
from fuzz_targets import ALIASES, TARGETS, VS, BrokenError, artifact, bundles, fingerprint, genuine, trust
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assess import _yaml
from assess.attestations.containers import read_container
from assess.errors import AssessError, ConfigError, InputError
from assess.evidence import SignatureState
from assess.examine import examine
from assess.trust.roots import load_trusted_root

QUIET = settings(deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
NAMES = sorted(TARGETS)


@pytest.mark.parametrize("name", NAMES)
def test_seeds_are_read(name: str) -> None:
    target = TARGETS[name]
    read = [target.run(seed) for seed in target.seeds()]
    assert any(read), "no seed is read, so that fuzzing would try the refusals alone"


@pytest.mark.parametrize("name", NAMES)
@settings(QUIET, max_examples=40)
@given(data=st.binary(max_size=400) | JSON.map(lambda value: json.dumps(value).encode()) | st.text().map(str.encode))
def test_arbitrary_input(name: str, data: bytes) -> None:
    TARGETS[name].run(data)


@pytest.mark.parametrize("name", NAMES)
@settings(QUIET, max_examples=120)
@given(number=st.integers(0, 2**64), which=st.integers(0, 2**16))
def test_mutated_seed(name: str, number: int, which: int) -> None:
    target = TARGETS[name]
    seeds = target.seeds()
    target.run(mutate(seeds[which % len(seeds)], seeds, Random(number)))


@settings(QUIET, max_examples=200)
@given(st.data())
def test_members_of_a_bundle_are_replaced_by_arbitrary_json(data: st.DataObject) -> None:
    """What comes out as verified is what the seeds' signers signed (`verifier` raises BrokenError otherwise)."""
    document = json.loads(data.draw(st.sampled_from(bundles())))
    container, key = data.draw(st.sampled_from(list(places(document))))
    container[key] = data.draw(JSON)
    fuzz_targets.verifier(json.dumps(document).encode())


SIGNED: dict[str, tuple[int, tuple[str | int, ...]]] = {
    "payload": (0, ("dsseEnvelope", "payload")),
    "signature": (0, ("dsseEnvelope", "signatures", 0, "sig")),
    "certificate": (0, ("verificationMaterial", "certificate", "rawBytes")),
    "log body": (0, ("verificationMaterial", "tlogEntries", 0, "canonicalizedBody")),
    "promise": (
        0, ("verificationMaterial", "tlogEntries", 0, "inclusionPromise", "signedEntryTimestamp"),
    ),
    "root hash": (0, ("verificationMaterial", "tlogEntries", 0, "inclusionProof", "rootHash")),
    "proof hash": (0, ("verificationMaterial", "tlogEntries", 0, "inclusionProof", "hashes", 0)),
    "payload, v2": (2, ("dsseEnvelope", "payload")),
    "signature, v2": (2, ("dsseEnvelope", "signatures", 0, "sig")),
    "log body, v2": (2, ("verificationMaterial", "tlogEntries", 0, "canonicalizedBody")),
    "root hash, v2": (2, ("verificationMaterial", "tlogEntries", 0, "inclusionProof", "rootHash")),
    "proof hash, v2": (2, ("verificationMaterial", "tlogEntries", 0, "inclusionProof", "hashes", 0)),
    "timestamp, v2": (
        2, ("verificationMaterial", "timestampVerificationData", "rfc3161Timestamps", 0, "signedTimestamp"),
    ),
    "signature of a blob": (9, ("messageSignature", "signature")),
    "digest of a blob": (9, ("messageSignature", "messageDigest", "digest")),
    "payload under a key": (11, ("payload",)),
    "signature under a key": (11, ("signatures", 0, "sig")),
}  # fmt: skip
"""What somebody signed, or what a signature hangs on: the seed and the path to the base64 in it."""


def state_of(document: Any) -> SignatureState | None:
    """How the one attestation of a bundle verifies; "failed" where it cannot be opened."""
    try:
        (opened,) = read_container(json.dumps(document).encode(), "bundle").opened
    except AssessError:
        return "failed"
    return examine(opened, artifact(), trust()).signature


def flipped(raw: bytes, at: int, random: Random) -> bytes:
    return raw[:at] + bytes([raw[at] ^ (1 << random.randrange(8))]) + raw[at + 1 :]


def signed_of_timestamp(raw: bytes) -> tuple[int, ...]:
    """Places of a timestamp's information and of its signature's end (the rest has parts that CMS leaves unsigned)."""
    kind = bytes.fromhex("060b2a864886f70d0109100104")
    start = raw.index(kind) + len(kind)
    return (*range(start, start + 2 + raw[start + 1]), *range(len(raw) - 64, len(raw)))


@pytest.mark.parametrize("part", sorted(SIGNED))
def test_a_flipped_bit_is_never_verified(part: str) -> None:
    number, path = SIGNED[part]
    document = json.loads(bundles()[number])
    assert state_of(document) == "verified"
    container = document
    for step in path[:-1]:
        container = container[step]
    raw = base64.b64decode(container[path[-1]])
    random = Random(part)
    bytes_of = signed_of_timestamp(raw) if part.startswith("timestamp") else range(len(raw))
    # Each byte of what is short; of what is long, as many, the first and the last among them.
    chosen = {bytes_of[0], bytes_of[-1], *random.sample(bytes_of, min(48, len(bytes_of)))}
    for at in sorted(chosen):
        container[path[-1]] = base64.b64encode(flipped(raw, at, random)).decode()
        assert state_of(document) != "verified", f"byte {at} of {part}"


@pytest.mark.parametrize("number", (0, 2))
@settings(QUIET, max_examples=40)
@given(st.data())
def test_a_changed_checkpoint_is_never_verified(number: int, data: st.DataObject) -> None:
    document = json.loads(bundles()[number])
    checkpoint = document["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]["checkpoint"]
    text = checkpoint["envelope"]
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(exclude_characters=text[at], exclude_categories=("Cs",)))
    checkpoint["envelope"] = text[:at] + other + text[at + 1 :]
    assert state_of(document) != "verified"


def test_a_damaged_timestamp_beside_a_promise_gives_no_time() -> None:
    """The promise alone may carry such a bundle; then its time is the only trusted one."""
    document = json.loads(bundles()[1])
    (opened,) = read_container(bundles()[1], "bundle").opened
    assert len(examine(opened, artifact(), trust()).verification.times) == 2
    stamp = document["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"][0]
    raw, random = base64.b64decode(stamp["signedTimestamp"]), Random(1)
    states = set()
    for at in random.sample(signed_of_timestamp(raw), 60):
        stamp["signedTimestamp"] = base64.b64encode(flipped(raw, at, random)).decode()
        (opened,) = read_container(json.dumps(document).encode(), "bundle").opened
        result = examine(opened, artifact(), trust())
        states.add(result.signature)
        assert result.verification.times in ((VS.integrated_time,), ())
        assert result.signature != "verified" or fingerprint(result) in genuine()
    assert states == {"verified", "failed"}


def test_the_targets_notice_what_nobody_signed() -> None:
    """The check of the `verifier` target can fail: a statement that is no seed, signed by the trusted key."""
    other = VS.sign_bare(b'{"_type": "other"}', key=VS.managed_key())
    with pytest.raises(BrokenError):
        fuzz_targets.verifier(json.dumps(other).encode())


def test_mutations_are_the_same_for_the_same_seed() -> None:
    seeds = bundles()
    one, two = (mutate(seeds[0], seeds, Random(7)) for _ in range(2))
    assert one == two != seeds[0]
    assert mutate_bytes(b"abc", Random(3)) == mutate_bytes(b"abc", Random(3))


class TestFound:
    """What fuzzing found, so that it stays mended."""

    def test_aliases_within_aliases(self) -> None:
        with pytest.raises(InputError, match="aliases nest too deeply"):
            _yaml.read(ALIASES, "input")

    def test_aliases_as_deep_as_brackets_may_be(self) -> None:
        text = "a: &a " + "[" * 50 + "]" * 50 + "\nb: " + "[" * 49 + "*a" + "]" * 49
        assert _yaml.read(text.encode(), "input").roots[0].height == 100

    def test_base_url_that_is_no_url(self) -> None:
        root = json.loads(VS.trusted_root())
        root["tlogs"][0]["baseUrl"] = "https://[rekor"
        with pytest.raises(ConfigError, match="not a URL"):
            load_trusted_root(json.dumps(root).encode(), "root")

    def test_authority_whose_name_is_no_utf8(self) -> None:
        """OpenSSL refuses such a name, and the timestamp library panics; `cryptography` takes the certificate."""
        root = json.loads(VS.trusted_root())
        chain = root["timestampAuthorities"][0]["certChain"]["certificates"]
        raw = base64.b64decode(chain[-1]["rawBytes"])
        at = raw.index(b"\x0c", raw.index(b"\x06\x03\x55\x04"))
        chain[-1]["rawBytes"] = base64.b64encode(raw[: at + 2] + b"\xff" + raw[at + 3 :]).decode()
        assert fuzz_targets.trusted_root(json.dumps(root).encode())
