"""Layouts, links and collections as facts: both containers, canonical JSON, limits, and every file of the corpus."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.formats import encode_canonical
from virtual_layouts import Supply

from assess.attestations.containers import read_container
from assess.attestations.envelope import Opened
from assess.attestations.metablock import (
    CONTAINER,
    LayoutFacts,
    LinkFacts,
    announces_metadata,
    canonical,
    is_gpg,
    read_metadata,
)
from assess.attestations.others import describe, read_collection
from assess.attestations.predicates import kind_of
from assess.attestations.statement import read_statement
from assess.errors import InputError


def opened(data: bytes) -> Opened:
    (one,) = read_container(data, "file").opened
    return one


@pytest.mark.parametrize("dsse", [False, True], ids=["metablock", "dsse"])
def test_layout_as_facts(dsse: bool) -> None:
    one = opened(Supply(dsse=dsse, threshold=2).layout_bytes())
    assert (one.container, announces_metadata(one)) == ("dsse" if dsse else CONTAINER, True)
    facts = read_metadata(one)
    assert isinstance(facts, LayoutFacts)
    assert [(step.name, step.threshold, len(step.pubkeys)) for step in facts.steps] == [
        ("write", 2, 2),
        ("package", 1, 1),
    ]
    assert facts.steps[1].expected_materials[0] == ("MATCH", "foo.py", "WITH", "PRODUCTS", "FROM", "write")
    assert facts.steps[1].expected_command == ("tar", "zcf")
    assert {key.keytype for key in facts.keys} == {"ed25519"}
    assert (facts.expires, facts.inspections) == ("2199-01-01T00:00:00Z", ())


@pytest.mark.parametrize("dsse", [False, True], ids=["metablock", "dsse"])
def test_link_as_facts(dsse: bool) -> None:
    facts = read_metadata(opened(list(Supply(dsse=dsse).links().values())[-1]))
    assert isinstance(facts, LinkFacts)
    assert (facts.name, facts.command) == ("package", ("tar", "zcf"))
    assert [path for path, _ in facts.materials] == ["foo.py"]
    assert [str(digest) for _, digests in facts.products for digest in digests] == ["sha256:" + "bb" * 32]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner)
    ),
    max_leaves=12,
)


@given(JSON)
def test_canonical_json_is_that_of_in_toto(value: Any) -> None:
    assert canonical(value) == encode_canonical(value)


def test_canonical_json_has_no_fractions() -> None:
    with pytest.raises(ValueError, match="not an integer"):
        canonical({"a": [1.5]})


LINK = {"_type": "link", "name": "x", "command": [], "materials": {}, "products": {}}
MALFORMED: tuple[tuple[str, Any, str], ...] = (
    ("neither", {"signed": {"_type": "layout", "steps": 1}, "signatures": []}, "/steps: wrong type"),
    ("a fraction", {"signed": {**LINK, "byproducts": {"n": 1.5}}, "signatures": []}, "no canonical JSON"),
    ("not hexadecimal", {"signed": LINK, "signatures": [{"keyid": "a", "sig": "zz"}]}, "not hexadecimal"),
    ("no signature in it", {"signed": LINK, "signatures": [{"keyid": "a"}]}, "missing or empty"),
    ("too many signatures", {"signed": LINK, "signatures": [{"sig": "00"}] * 65}, "too many signatures"),
    ("no name", {"signed": {**LINK, "name": ""}, "signatures": []}, "missing or empty"),
    ("materials of a list", {"signed": {**LINK, "materials": []}, "signatures": []}, "wrong type"),
    (
        "a digest that is a number",
        {"signed": {**LINK, "products": {"a": {"sha256": 1}}}, "signatures": []},
        "wrong type",
    ),
    ("a command of numbers", {"signed": {**LINK, "command": [1]}, "signatures": []}, "wrong type"),
)


@pytest.mark.parametrize(("name", "document", "reason"), MALFORMED, ids=[one[0] for one in MALFORMED])
def test_malformed(name: str, document: Any, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        read_metadata(opened(json.dumps(document).encode()))


def test_command_of_one_string() -> None:
    facts = read_metadata(opened(json.dumps({"signed": {**LINK, "command": "make"}, "signatures": []}).encode()))
    assert isinstance(facts, LinkFacts)
    assert facts.command == ("make",)


def _statement(predicate_type: str, predicate: Any) -> Opened:
    document = {"_type": "https://in-toto.io/Statement/v1", "subject": [], "predicateType": predicate_type}
    return opened(json.dumps({**document, "predicate": predicate}).encode())


@pytest.mark.parametrize(
    ("predicate_type", "predicate", "expected"),
    [
        (
            "https://witness.dev/attestation-collection/v0.1",
            {"name": "build", "attestations": [{"type": "https://witness.dev/attestations/git/v0.1"}]},
            ("Witness", ("build",), ("https://witness.dev/attestations/git/v0.1",)),
        ),
        ("https://witness.testifysec.com/attestation-collection/v0.1", {}, ("Witness", (), ())),
        (
            "chainloop.dev/attestation/v0.2",
            {"metadata": {"name": "release"}, "materials": [{"annotations": {"chainloop.material.name": "image"}}]},
            ("Chainloop", ("release",), ("image",)),
        ),
    ],
)
def test_collections(predicate_type: str, predicate: Any, expected: tuple[Any, ...]) -> None:
    one = _statement(predicate_type, predicate)
    statement = read_statement(one)
    found = read_collection(statement)
    assert found is not None
    assert (found.tool, found.steps, found.recorded) == expected
    assert expected[0] in describe(one, statement)
    assert kind_of(predicate_type) == "other"


@pytest.mark.parametrize(
    "predicate_type",
    [
        "https://slsa.dev/provenance/v1",
        "https://witness.dev/attestation-collection/v0.1/evil",
        "xchainloop.dev/attestation/v0.2",
    ],
)
def test_other_predicates_are_no_collections(predicate_type: str) -> None:
    assert read_collection(read_statement(_statement(predicate_type, {}))) is None


def test_a_collection_of_wrong_types_is_not_described() -> None:
    one = _statement("chainloop.dev/attestation/v0.2", {"materials": {}})
    with pytest.raises(InputError, match="/predicate/materials: wrong type"):
        read_collection(read_statement(one))
    assert describe(one, read_statement(one)) == ""


# --- the corpus ------------------------------------------------------------------------------------------------------


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("family", "understood", "unreadable"),
    [("in-toto-golang", 13, 0), ("in-toto-python", 6, 0), ("witness", 3, 0), ("chainloop", 20, 7)],
)
def test_families(
    corpus: Path, family: str, understood: int, unreadable: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every file is understood, or unreadable for a reason that is printed; what is no JSON is no attestation."""
    found: Counter[str] = Counter()
    reasons: dict[str, str] = {}
    for path in sorted(one for one in (corpus / "provenance" / family).rglob("*") if one.is_file()):
        data = path.read_bytes()
        try:
            json.loads(data)
        except ValueError:
            with pytest.raises(InputError):
                read_container(data, path.name)
            found["no JSON"] += 1
            continue
        try:
            for one in read_container(data, path.name).opened:
                found[_what(one)] += 1
        except InputError as problem:
            reasons[path.name] = str(problem)
    with capsys.disabled():
        print(f"\n{family}: {dict(found)}; {len(reasons)} unreadable")
        for name, reason in reasons.items():
            print(f"  {name}: {reason}")
    assert sum(found.values()) - found["no JSON"] == understood
    assert len(reasons) == unreadable


def _what(one: Opened) -> str:
    if announces_metadata(one):
        gpg = any(is_gpg(signature) for signature in one.envelope.signatures) if one.envelope is not None else False
        return f"{type(read_metadata(one)).__name__}{' (GPG)' if gpg else ''}"
    if one.envelope is not None and "vnd.in-toto" not in one.envelope.payload_type:
        return one.envelope.payload_type
    statement = read_statement(one)
    collection = read_collection(statement)
    return collection.tool if collection is not None else kind_of(statement.predicate_type)
