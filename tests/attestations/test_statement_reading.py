"""Statements and subject matching: what is read, what is refused, and that names never count."""

from __future__ import annotations

import json
from typing import Any

import pytest

from assess.attestations.envelope import Envelope, MessageSignature, Opened
from assess.attestations.statement import match_subject, read_statement
from assess.errors import InputError
from assess.evidence import Digest, Source, Subject

V1 = "https://in-toto.io/Statement/v1"
STATEMENT: dict[str, Any] = {
    "_type": V1,
    "subject": [{"name": "a", "digest": {"sha256": "AB", "sha1": "cd"}, "annotations": {}}],
    "predicateType": "https://example.com/p",
    "predicate": {"x": 1},
    "unknown": [],
}


def opened(value: object, payload_type: str = "application/vnd.in-toto+json") -> Opened:
    payload = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Opened(Source("f", line=3), "dsse", "0", envelope=Envelope(payload, payload_type, ()))


def test_statement() -> None:
    statement = read_statement(opened(STATEMENT))
    assert (statement.type, statement.predicate_type, statement.predicate) == (V1, "https://example.com/p", {"x": 1})
    (subject,) = statement.subjects
    assert (subject.name, subject.digests) == ("a", (Digest("sha256", "AB"), Digest("sha1", "cd")))
    assert str(subject.source) == "f:3#/subject/0"


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"subject": None}, ()),
        ({"subject": []}, ()),
        ({"subject": [{"uri": "u"}, {"digest": None}]}, ("u", "")),
        ({"_type": "https://in-toto.io/Statement/v0.1"}, ("a",)),
        ({"predicate": None}, ("a",)),
    ],
)
def test_tolerated(change: dict[str, Any], names: tuple[str, ...]) -> None:
    assert tuple(subject.name for subject in read_statement(opened(STATEMENT | change)).subjects) == names


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"_type": "https://in-toto.io/Statement/v0.2"}, "f:3#/_type"),
        ({"_type": None}, "f:3#/_type"),
        ({"predicateType": ""}, "f:3#/predicateType"),
        ({"predicateType": 5}, "f:3#/predicateType"),
        ({"subject": {}}, "f:3#/subject"),
        ({"subject": ["x"]}, "f:3#/subject/0"),
        ({"subject": [{"digest": {"sha256": 5}}]}, "f:3#/subject/0/digest/sha256"),
        ({"subject": [{"digest": []}]}, "f:3#/subject/0/digest"),
        ({"subject": [{"name": 1}]}, "f:3#/subject/0/name"),
    ],
)
def test_refused_with_pointer(change: dict[str, Any], place: str) -> None:
    with pytest.raises(InputError) as caught:
        read_statement(opened(STATEMENT | change))
    assert caught.value.place == place


@pytest.mark.parametrize(
    "payload_type",
    ["application/json", "application/vnd.in-toto+jso", "application/vnd.in-toto", "x/vnd.in-toto+json", "text/plain"],
)
def test_payload_type_is_checked(payload_type: str) -> None:
    with pytest.raises(InputError, match="not an in-toto payload"):
        read_statement(opened(STATEMENT, payload_type))


def test_payload_type_may_name_the_predicate() -> None:
    read_statement(opened(STATEMENT, "application/vnd.in-toto.provenance+json"))


@pytest.mark.parametrize("payload", [b"", b"[]", b"null", b"\xff", b"{", b'{"_type":1}'])
def test_other_payloads_are_input_errors(payload: bytes) -> None:
    with pytest.raises(InputError) as caught:
        read_statement(opened(payload))
    assert (caught.value.place or "").startswith("f:3")


def test_message_signature_has_no_statement() -> None:
    with pytest.raises(InputError, match="signature over an artifact"):
        read_statement(Opened(Source("f"), "b", "0", message=MessageSignature(b"s")))


A, B = "a" * 64, "b" * 64
MATCHES = [
    ([{"sha256": A}], {"sha256": A}, "match", True),
    ([{"sha256": A.upper()}], {"sha256": A}, "match", True),
    ([{"sha256": B}, {"sha256": A}], {"sha256": A}, "match", True),
    ([{"sha512": A}], {"sha256": B, "sha512": A}, "match", True),
    ([{"sha256": A, "sha1": B}], {"sha256": A, "sha1": A}, "match", True),
    ([{"sha256": A, "sha512": B}], {"sha256": A, "sha512": A}, "conflict", None),
    ([{"sha256": A}, {"sha256": A, "sha512": B}], {"sha256": A, "sha512": A}, "conflict", None),
    ([{"sha256": B, "sha512": B}], {"sha256": A, "sha512": A}, "none", None),
    ([{"sha1": A}], {"sha1": A}, "none", None),
    ([{"md5": A}], {"md5": A, "sha256": A}, "none", None),
    ([{"gce_image_id": "1"}], {"gce_image_id": "1"}, "none", None),
    ([{"sha512": A}], {"sha256": A}, "none", None),
    ([], {"sha256": A}, "none", None),
    ([{}], {"sha256": A}, "none", None),
    ([{"sha256": A}], {}, "none", None),
    ([{"gitCommit": A[:40]}], {"gitCommit": A[:40]}, "match", False),
    ([{"sha1": A[:40]}], {"gitCommit": A[:40]}, "match", False),
    ([{"gitCommit": A[:40]}], {"sha256": A}, "none", None),
]


@pytest.mark.parametrize(("subjects", "artifact", "outcome", "secure"), MATCHES)
def test_matching(subjects: list[dict[str, str]], artifact: dict[str, str], outcome: str, secure: bool | None) -> None:
    match = match_subject(
        [Subject("same name", tuple(Digest(*pair) for pair in digests.items())) for digests in subjects],
        [Digest(*pair) for pair in artifact.items()],
    )
    assert (match.matched, match.conflict is not None) == (outcome == "match", outcome == "conflict")
    assert match.secure is secure
    assert (match.check.name, match.check.step) == ("subject", 9)
    assert match.check.result == ("verified" if outcome == "match" else "failed")
