"""Trusted roots: what is read, what is refused and where, and windows that are closed intervals."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from virtual_sigstore import VirtualSigstore

from assess.errors import ConfigError
from assess.trust.roots import Window, load_trusted_root, public_good

VS = VirtualSigstore()
START = datetime(2025, 1, 1, tzinfo=UTC)
END = datetime(2025, 2, 1, tzinfo=UTC)


def test_public_good_snapshot() -> None:
    root = public_good()
    assert root.name == "sigstore-public-good"
    assert [log.base_url for log in root.logs] == [
        "https://rekor.sigstore.dev",
        "https://log2025-1.rekor.sigstore.dev",
    ]
    assert [authority.uri for authority in root.authorities] == ["https://fulcio.sigstore.dev"] * 2
    assert root.authorities[0].window.end == datetime(2022, 12, 31, 23, 59, 59, 999000, UTC)
    assert len(root.ct_logs) == 2
    assert len(root.timestamp_authorities) == 1
    assert root.dated is not None
    assert root.described == f"sigstore-public-good, {root.origin}, {root.dated}, sha256:{root.sha256}"
    assert public_good() is root


@pytest.mark.corpus
def test_snapshot_is_the_packaged_file(corpus: Path) -> None:
    store = corpus / "trusted_roots/sigstore-python/sigstore+sigstore-python/sigstore/_store"
    data = (store / "https%3A%2F%2Ftuf-repo-cdn.sigstore.dev" / "trusted_root.json").read_bytes()
    other, ours = load_trusted_root(data, "trusted_root.json"), public_good()
    assert (other.authorities, other.logs, other.ct_logs, other.timestamp_authorities) == (
        ours.authorities,
        ours.logs,
        ours.ct_logs,
        ours.timestamp_authorities,
    )


@pytest.mark.corpus
def test_every_trusted_root_of_the_corpus(corpus: Path) -> None:
    loaded = 0
    for folder in ("trusted_roots", "bundles"):
        for path in sorted((corpus / folder).rglob("*.json")):
            data = path.read_bytes()
            if re.match(rb'\s*{\s*"mediaType":\s*"application/vnd.dev.sigstore.trustedroot', data):
                root = load_trusted_root(data, path.name)
                assert root.sha256 == hashlib.sha256(data).hexdigest()
                loaded += 1
    assert loaded >= 20


def test_custom_root() -> None:
    data = VS.trusted_root()
    root = load_trusted_root(data, "root.json")
    assert (root.name, root.origin, root.dated) == ("custom", "root.json", None)
    assert [log.log_id for log in root.logs] == [VS.v1.log_id, VS.v2.log_id]
    assert root.log(VS.v2.log_id) is root.logs[1]
    assert root.log(b"") is None
    assert root.described == f"custom, sha256:{hashlib.sha256(data).hexdigest()}"


@pytest.mark.parametrize(
    "media_type",
    [
        "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
        "application/vnd.dev.sigstore.trustedroot+json;version=0.2",
        "application/vnd.dev.sigstore.trustedroot.v0.2+json",
    ],
)
def test_media_types(media_type: str) -> None:
    root = load_trusted_root(json.dumps({"mediaType": media_type}).encode(), "root.json")
    assert (root.authorities, root.logs, root.ct_logs, root.timestamp_authorities) == ((), (), (), ())


def test_checkpoint_key_id_of_version_2() -> None:
    document = json.loads(VS.trusted_root())
    document["mediaType"] = "application/vnd.dev.sigstore.trustedroot+json;version=0.2"
    log = document["tlogs"][1]
    log["checkpointKeyId"] = log.pop("logId")
    assert load_trusted_root(json.dumps(document).encode(), "r").logs[1].log_id == VS.v2.log_id


def _without(*path: str | int) -> Any:
    def edit(document: Any) -> None:
        for step in path[:-1]:
            document = document[step]
        del document[path[-1]]

    return edit


def _with(value: Any, *path: str | int) -> Any:
    def edit(document: Any) -> None:
        for step in path[:-1]:
            document = document[step]
        document[path[-1]] = value

    return edit


BROKEN = [
    (_with("bad-media-type", "mediaType"), "#/mediaType", "unknown media type"),
    (_without("mediaType"), "#/mediaType", "unknown media type"),
    (_without("tlogs", 0, "publicKey", "validFor", "start"), "#/tlogs/0/publicKey/validFor/start", "missing"),
    (_without("tlogs", 0, "publicKey", "validFor"), "#/tlogs/0/publicKey/validFor/start", "missing"),
    (_without("ctlogs", 0, "publicKey"), "#/ctlogs/0/publicKey/rawBytes", "without a key"),
    (_with("SHA1", "tlogs", 0, "hashAlgorithm"), "#/tlogs/0/hashAlgorithm", "unknown hash"),
    (_with("yesterday", "ctlogs", 0, "publicKey", "validFor", "start"), "#/ctlogs/0/publicKey/validFor/start", "not a"),
    (_with("2025-01-01T00:00:00", "ctlogs", 0, "publicKey", "validFor", "end"), "validFor/end", "not a time"),
    (_with([], "certificateAuthorities", 0, "certChain", "certificates"), "#/certificateAuthorities/0/certChain", ""),
    (_without("timestampAuthorities", 0, "validFor"), "#/timestampAuthorities/0/validFor/start", "missing"),
    (
        _with("AAAA", "certificateAuthorities", 0, "certChain", "certificates", 0, "rawBytes"),
        "root.json",
        "certificate 1",
    ),
    (_with("AAAA", "tlogs", 0, "publicKey", "rawBytes"), "root.json", "cannot be parsed"),
    (_with("@@@@", "tlogs", 0, "publicKey", "rawBytes"), "#/tlogs/0/publicKey/rawBytes", "base64"),
    (_with(7, "tlogs"), "#/tlogs", "wrong type"),
]


@pytest.mark.parametrize(("edit", "place", "message"), BROKEN)
def test_broken_root_names_the_place(edit: Any, place: str, message: str) -> None:
    document = json.loads(VS.trusted_root())
    edit(document)
    with pytest.raises(ConfigError) as caught:
        load_trusted_root(json.dumps(document).encode(), "root.json")
    assert place in (caught.value.place or "")
    assert message in caught.value.message


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"null", b"\xff\xfe", b"[" * 100_000, b'{"mediaType": 1}'])
def test_no_trusted_root_at_all(data: bytes) -> None:
    with pytest.raises(ConfigError):
        load_trusted_root(data, "root.json")


def test_windows_are_closed() -> None:
    window, second = Window(START, END), timedelta(microseconds=1)
    assert window.holds(START)
    assert window.holds(END)
    assert not window.holds(START - second)
    assert not window.holds(END + second)
    assert Window(START).holds(END)
