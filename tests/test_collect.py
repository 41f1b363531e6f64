"""Properties of the whole way from bytes to a level: company, order and mutations of attestations.

Laws 3 and 4: dropping an attestation never raises a level, order means nothing, and no change of a genuine bundle's
bytes gives a level that its signature does not cover.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from virtual_keys import b64, pem_of
from virtual_sigstore import (
    DEFAULT_RUN,
    DISAGREEMENTS_V02,
    DISAGREEMENTS_V1,
    GitHubRun,
    Tamper,
    VirtualSigstore,
    edited,
    generator_run,
    provenance_v02,
    provenance_v1,
    subject_of,
)

from assess.artifacts import Artifact
from assess.attestations.containers import read_container
from assess.collect import Collected, Opening, collect_subject, open_files
from assess.errors import AssessError
from assess.evidence import Digest, Evidence, Interval, Subject
from assess.examine import Trust
from assess.expectations import Expectations
from assess.levels import default_directories, load_pack
from assess.scoring import Gate, Scored, give_verdict, lowest, score_subject
from assess.trust.keys import load_public_key
from assess.trust.platforms import load_platforms
from assess.trust.roots import load_trusted_root

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "widget"
DATA = b"widget 1.4.2\n"
SUBJECTS = [subject_of("widget.whl", DATA)]
VS = VirtualSigstore()
GENERATOR = generator_run()
MALLORY = GitHubRun(repository="mallory/widget", repository_id="1", owner_id="2")
OWN, L3 = provenance_v1(SUBJECTS), provenance_v02(SUBJECTS)
EXPECTED = Expectations(source_uri="github.com/example-org/widget", source_tag="v1.4.2")


def _artifact(data: bytes, name: str = "widget.whl") -> Artifact:
    digests = (Digest("sha256", hashlib.sha256(data).hexdigest()), Digest("sha512", hashlib.sha512(data).hexdigest()))
    return Artifact(Subject(name, digests))


ARTIFACT = _artifact(DATA)


@lru_cache
def pack() -> tuple[Any, ...]:
    return load_pack(default_directories()).requirements


@lru_cache
def trust() -> Trust:
    key = load_public_key(pem_of(VS.managed_key()), "key.pub")
    return Trust((load_trusted_root(VS.trusted_root(), "root.json"),), load_platforms(), (key,))


def collect(opening: Opening, given_trust: Trust, artifact: Artifact = ARTIFACT) -> Collected:
    return collect_subject(artifact, opening, given_trust, EXPECTED, Evidence())


def score(collected: Collected) -> Scored:
    return score_subject(collected.subject, collected.evidence, collected.candidates, pack(), collected.unanswered)


def demonstrated(scored: Scored) -> Interval:
    return next(one.level for one in scored.assessment.levels if one.reading == "demonstrated")


def passes(scored: Scored, minimum: int) -> bool:
    gate = Gate((("build", minimum),))
    return give_verdict(gate, (scored,), lowest((scored.assessment,))).passed


# --- subsets and orders ---------------------------------------------------------------------------------------------


def _pool() -> dict[str, bytes]:
    """Attestations of one artifact (and of another), good and bad, and what each alone is worth."""
    noise = {"signatures": [{"sig": b64(b"noise")}]}
    genuine_bare = VS.sign_bare(L3, run=GENERATOR)
    pool: dict[str, Any] = {
        "3 generator": VS.sign_statement(L3, run=GENERATOR),
        "3 generator, v2 log": VS.sign_statement(L3, run=GENERATOR, log="v2", kind="hashedrekord"),
        "2 own": VS.sign_statement(OWN),
        "2 of a fork": VS.sign_statement(provenance_v1(SUBJECTS, MALLORY), run=MALLORY),
        "1 bare": genuine_bare,
        "1 bare, and noise": genuine_bare | {"signatures": [*noise["signatures"], *genuine_bare["signatures"]]},
        "1 unsigned": L3,
        "1 by a key": VS.sign_statement(OWN, keyed="release"),
        "1 self-hosted": VS.sign_statement(
            provenance_v1(SUBJECTS, replace(DEFAULT_RUN, runner="self-hosted")),
            run=replace(DEFAULT_RUN, runner="self-hosted"),
        ),
        "0 forged": VS.sign_statement(L3, run=GENERATOR, tamper=Tamper.PAYLOAD),
        "0 expired": VS.sign_statement(L3, run=GENERATOR, tamper=Tamper.CERT_EXPIRED),
        "0 lying builder": VS.sign_statement(L3),
        "0 lying source": VS.sign_statement(edited(OWN, *DISAGREEMENTS_V1["source uri"])),
        "0 lying commit": VS.sign_statement(edited(L3, *DISAGREEMENTS_V02["commit"]), run=GENERATOR),
        "0 another artifact": VS.sign_statement(provenance_v02([subject_of("b", b"b")]), run=GENERATOR),
        "0 a signature": VS.sign_blob(DATA),
        "0 incomplete": VS.sign_statement(OWN | {"predicate": {}}),
        "0 unreadable": VS.sign_statement(OWN | {"predicate": []}, run=GENERATOR),
        "0 no statement": VS.sign_statement(b"[]", run=GENERATOR),
    }
    return {name: json.dumps(value).encode() for name, value in pool.items()}


POOL = _pool()
NAMES = sorted(POOL)


@lru_cache(maxsize=4096)
def of(names: tuple[str, ...]) -> Scored:
    """The attestations of these names, each a file of its own."""
    return score(collect(open_files(tuple((name, POOL[name]) for name in names), ()), trust()))


@pytest.mark.parametrize("name", NAMES)
def test_each_alone(name: str) -> None:
    assert demonstrated(of((name,))).reached == int(name[0])


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(NAMES), unique=True, min_size=1), st.randoms(use_true_random=False))
def test_level_grows_with_the_set_and_knows_no_order(names: list[str], rng: random.Random) -> None:
    scored = of(tuple(names))
    level = demonstrated(scored)
    # One attestation carries the level: together they are never more than the best of them.
    assert level.reached == max(int(name[0]) for name in names)
    assert level.ceiling == max(demonstrated(of((name,))).ceiling for name in names)
    shuffled = rng.sample(names, len(names))
    again = of(tuple(shuffled))
    assert demonstrated(again) == level
    for minimum in (1, 2, 3):
        assert passes(again, minimum) == passes(scored, minimum)
        if len(names) > 1:
            fewer = of(tuple(names[1:]))
            assert demonstrated(fewer).reached <= level.reached
            assert passes(scored, minimum) or not passes(fewer, minimum)


def test_files_and_lines_say_the_same() -> None:
    lines = b"\n".join(POOL[name] for name in NAMES) + b"\n"
    together = score(collect(open_files((("all.jsonl", lines),), ()), trust()))
    assert demonstrated(together) == demonstrated(of(tuple(NAMES))) == Interval(3, 3)
    assert together.assessment.proof is not None
    assert together.assessment.proof.line == NAMES.index("3 generator") + 1


def test_no_attestation_is_counted_for_another_artifact() -> None:
    opening = open_files(tuple(POOL.items()), ())
    other = score(collect(opening, trust(), _artifact(b"b", "b")))
    # Its own provenance is in the pool; nothing else counts, or is told as a forgery of it, but what is forged.
    assert demonstrated(other) == Interval(3, 3)
    counted = [one.source.path for one in other.assessment.attestations if one.disposition == "counts"]
    assert counted == ["0 another artifact"]
    nobodys = score(collect(opening, trust(), _artifact(b"nobody's", "c")))
    assert demonstrated(nobodys).reached == 0


def test_nothing_given_and_nothing_found() -> None:
    nobody_looked = score(collect(open_files((), ()), trust()))
    assert demonstrated(nobody_looked) == Interval(0, 3)
    found_none = score(collect(open_files((("a", POOL["0 another artifact"]),), ()), trust()))
    assert demonstrated(found_none) == Interval(0, 0)
    for scored in (nobody_looked, found_none):
        # Expectations that nothing answers fail the gate, whatever else it asks.
        assert not give_verdict(Gate(), (scored,), lowest((scored.assessment,))).passed


def test_strict_profile_never_carries_more() -> None:
    strict = replace(trust(), profile="strict")
    for name in NAMES:
        opening = open_files(((name, POOL[name]),), ())
        assert demonstrated(score(collect(opening, strict))).reached == 0
        assert demonstrated(score(collect(opening, strict))).ceiling <= demonstrated(of((name,))).ceiling
    generated = demonstrated(score(collect(open_files((("a", POOL["3 generator"]),), ()), strict)))
    assert generated == Interval(0, 2)


# --- several signatures ---------------------------------------------------------------------------------------------

SIGNATURES = [
    *VS.sign_bare(L3, run=GENERATOR)["signatures"],
    *VS.sign_bare(L3, run=MALLORY)["signatures"],
    *VS.sign_bare(L3, key=VS.managed_key("mallory"))["signatures"],
    *VS.sign_bare(provenance_v02([]), run=GENERATOR)["signatures"],
    {"sig": b64(b"noise")},
]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(range(len(SIGNATURES))), min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_dropping_or_moving_a_signature_never_raises_the_level(chosen: list[int], rng: random.Random) -> None:
    def level(indices: list[int]) -> Interval:
        envelope = VS.sign_bare(L3, run=GENERATOR) | {"signatures": [SIGNATURES[index] for index in indices]}
        return demonstrated(score(collect(open_files((("a", json.dumps(envelope).encode()),), ()), trust())))

    whole = level(chosen)
    assert whole.reached <= 1
    assert level(rng.sample(chosen, len(chosen))) == whole
    if len(chosen) > 1:
        part = level(chosen[1:])
        assert part.reached <= whole.reached
        assert part.ceiling <= whole.ceiling
    if 0 in chosen:
        assert whole == Interval(1, 3)


# --- mutations ------------------------------------------------------------------------------------------------------


def _example() -> tuple[bytes, Artifact, Trust]:
    (bundle,) = (EXAMPLE / "dist").glob("*.sigstore.json")
    (wheel,) = (EXAMPLE / "dist").glob("*.whl")
    root = load_trusted_root((EXAMPLE / "trusted_root.json").read_bytes(), "root.json")
    return bundle.read_bytes(), _artifact(wheel.read_bytes(), wheel.name), Trust((root,), load_platforms())


def _mutations(data: bytes, rng: random.Random) -> list[bytes]:
    """Bits flipped, bytes cut, doubled and swapped, all over the file."""
    mutants = []
    for _ in range(300):
        at, to = rng.randrange(len(data)), rng.randrange(len(data))
        flipped = data[:at] + bytes([data[at] ^ 1 << rng.randrange(7)]) + data[at + 1 :]
        cut = data[:at] + data[at + rng.randint(1, 40) :]
        doubled = data[:at] + data[at : at + rng.randint(1, 40)] + data[at:]
        swapped = bytearray(data)
        swapped[at], swapped[to] = swapped[to], swapped[at]
        mutants.append(rng.choice((flipped, cut, doubled, bytes(swapped))))
    return [mutant for mutant in mutants if mutant != data]


def _meaning(data: bytes) -> Any:
    """All that a reader takes from a bundle; equal where a mutation hit what means nothing (blanks, padding)."""
    (opened,) = read_container(data, "bundle.json").opened
    return replace(opened, digest="")


def test_no_mutation_of_the_example_keeps_its_level() -> None:
    data, artifact, example_trust = _example()
    assert demonstrated(score(collect(open_files((("a", data),), ()), example_trust, artifact))).reached == 2
    seen: Counter[str] = Counter()
    for mutant in _mutations(data, random.Random(20251001)):
        try:
            opening = open_files((("bundle.json", mutant),), ())
        except AssessError:
            seen["unreadable"] += 1
            continue
        level = demonstrated(score(collect(opening, example_trust, artifact)))
        seen[str(level)] += 1
        if level.reached >= 2:
            _harmless(data, mutant)
    assert seen["L0"] > 100, seen


def _harmless(data: bytes, mutant: bytes) -> None:
    """What a mutation may change of a bundle that still verifies: nothing that a check rests on."""
    before, after = _meaning(data), _meaning(mutant)
    assert after.envelope.payload == before.envelope.payload
    assert after.envelope.payload_type == before.envelope.payload_type
    assert after.envelope.signatures[0].sig == before.envelope.signatures[0].sig
    assert after.material.certificates == before.material.certificates
    assert [one.body for one in after.material.entries] == [one.body for one in before.material.entries]


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    match value:
        case dict():
            return [leaf for key, one in value.items() for leaf in _leaves(one, (*path, key))]
        case list():
            return [leaf for index, one in enumerate(value) for leaf in _leaves(one, (*path, index))]
        case _:
            return [path]


def test_no_field_of_the_example_can_be_dropped_for_a_higher_level() -> None:
    """Law 3: dropping a field of a bundle never raises its level."""
    data, artifact, example_trust = _example()
    for path in _leaves(json.loads(data)):
        bundle = json.loads(data)
        place = bundle
        for step in path[:-1]:
            place = place[step]
        del place[path[-1]]
        try:
            opening = open_files((("bundle.json", json.dumps(bundle).encode()),), ())
        except AssessError:
            continue
        assert demonstrated(score(collect(opening, example_trust, artifact))).reached <= 2, path
