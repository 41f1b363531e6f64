"""The look-up of log entries against a small real server: found, not found, and servers that misbehave."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from log_server import LogServer, api_entry, serving
from virtual_sigstore import GitHubRun, Tamper, VirtualSigstore, generator_run, provenance_v02, subject_of

from assess.attestations.containers import open_attestations
from assess.errors import UnavailableError
from assess.http import HttpLimits, request
from assess.trust.rekor_online import lacks_entry, look_up
from assess.trust.roots import load_trusted_root
from assess.trust.verify import verify

DATA = b"an artifact of the tests\n"
SHA256 = hashlib.sha256(DATA).hexdigest()
VS = VirtualSigstore()
ROOT = load_trusted_root(VS.trusted_root(), "root.json")
RUN: GitHubRun = generator_run()
STATEMENT = provenance_v02([subject_of("app.tar.gz", DATA)], RUN)
BARE = VS.sign_bare(STATEMENT, run=RUN)
PAYLOAD = hashlib.sha256(base64.b64decode(BARE["payload"])).hexdigest()
QUICK = HttpLimits(size=200_000, connect=1, total=1.0, longest_wait=0.2)


def opened(envelope: dict[str, Any] = BARE):
    (one,) = open_attestations(json.dumps(envelope).encode(), "bare.json")
    return one


def entry(kind: str = "intoto", **options: Any) -> dict[str, Any]:
    """The entry that the log made when the same statement was signed."""
    bundle = VS.sign_statement(STATEMENT, run=RUN, kind=kind, **options)
    return api_entry(bundle["verificationMaterial"]["tlogEntries"][0])


@pytest.mark.parametrize("kind", ["intoto", "intoto-0.0.1", "dsse"])
@pytest.mark.parametrize("digest", [PAYLOAD, SHA256], ids=["by payload", "by artifact"])
def test_a_bare_envelope_becomes_provable(kind: str, digest: str) -> None:
    before = verify(opened(), root=ROOT)
    assert before.signature is None
    assert lacks_entry(opened())
    with serving() as server:
        server.add(entry(kind), digest)
        found = look_up(opened(), root=ROOT, artifact_sha256=SHA256, url=server.url)
    assert found.found, found.detail
    assert digest in found.detail
    after = verify(found.opened, root=ROOT)
    assert after.signature == "verified"
    assert {"time", "promise", "inclusion", "binding"} <= {one.name for one in after.checks}
    assert after.times


def test_only_the_digests_leave_the_house() -> None:
    with serving() as server:
        look_up(opened(), root=ROOT, artifact_sha256=SHA256, url=server.url)
        assert server.asked == [
            ("/api/v1/index/retrieve", {"hash": f"sha256:{PAYLOAD}"}),
            ("/api/v1/index/retrieve", {"hash": f"sha256:{SHA256}"}),
        ]


def _other_statement(good: dict[str, Any]) -> dict[str, Any]:
    other = provenance_v02([subject_of("other", b"other")], RUN)
    return api_entry(VS.sign_statement(other, run=RUN)["verificationMaterial"]["tlogEntries"][0])


def _edited(*path: str | int, value: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def edit(good: dict[str, Any]) -> dict[str, Any]:
        changed = copy.deepcopy(good)
        inner: Any = changed
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = value
        return changed

    return edit


FORGED: dict[str, Callable[[dict[str, Any]], Any]] = {
    "of another statement": _other_statement,
    "with another time": _edited("integratedTime", value=1_600_000_000),
    "with another log's id": _edited("logID", value="00" * 32),
    "with a wrong promise": _edited("verification", "signedEntryTimestamp", value="AAAA"),
    "without a promise": _edited("verification", value={}),
    "with a wrong root hash": _edited("verification", "inclusionProof", "rootHash", value="11" * 32),
    "with a checkpoint of nobody": _edited("verification", "inclusionProof", "checkpoint", value="x\n1\nAAAA\n\n"),
    "with a body that is no JSON": _edited("body", value="AAAA"),
    "with a body that is no base64": _edited("body", value="!"),
    "with a negative index": _edited("logIndex", value=-1),
    "that is a text": lambda _: "entry",
    "that is nothing": lambda _: None,
    "with a huge time": _edited("integratedTime", value=10**30),
    "signed long after": lambda _: entry(tamper=Tamper.INTEGRATED_TIME_OUTSIDE),
    "by another log's key": lambda _: entry(tamper=Tamper.SET_OTHER_LOG),
    "about another signature": lambda _: entry("dsse", tamper=Tamper.ENTRY_SIGNATURE),
    "about another certificate": lambda _: entry(tamper=Tamper.ENTRY_CERTIFICATE),
}


@pytest.mark.parametrize("name", FORGED)
def test_entries_that_prove_nothing_change_nothing(name: str) -> None:
    with serving() as server:
        server.add(FORGED[name](entry()), PAYLOAD)
        found = look_up(opened(), root=ROOT, url=server.url)
    assert not found.found
    assert found.opened == opened()
    assert "none with which this signature verifies" in found.detail


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_entry_does_not_hide_the_good_one(name: str) -> None:
    with serving() as server:
        for _ in range(11):
            server.add(FORGED[name](entry()), PAYLOAD)
        server.add(entry(), PAYLOAD)
        assert look_up(opened(), root=ROOT, url=server.url).found
        assert [len(asked["entryUUIDs"]) for path, asked in server.asked if "entries" in path] == [10, 2]


def test_not_found_says_where_was_searched() -> None:
    with serving() as server:
        found = look_up(opened(), root=ROOT, url=server.url)
        assert (found.found, found.opened) == (False, opened())
        assert f"{server.url} has no entry for sha256:{PAYLOAD}" in found.detail


def test_a_log_without_an_index_is_no_error() -> None:
    with serving("no index") as server:
        found = look_up(opened(), root=ROOT, artifact_sha256=SHA256, url=server.url)
    assert not found.found
    assert "keeps no search index" in found.detail


def _quick(server: LogServer) -> None:
    look_up(opened(), root=ROOT, url=server.url, limits=QUICK)


@pytest.mark.parametrize(
    ("manner", "told"),
    [
        ("garbage", "not what a Rekor log answers"),
        ("numbers", "not what a Rekor log answers"),
        ("broken", "status 500"),
        ("compressed", "compressed"),
        ("endless", "too large"),
        ("trickle", "takes too long"),
        ("silent", "out of reach"),
        ("elsewhere", "not followed"),
        ("busy", "busy"),
        ("busy for an hour", "busy"),
    ],
)
def test_servers_that_misbehave(manner: str, told: str) -> None:
    started = time.monotonic()
    with serving("garbage") as other, serving(manner) as server:
        server.elsewhere = f"{other.url}/api/v1/index/retrieve"
        with pytest.raises(UnavailableError, match=told):
            _quick(server)
        assert time.monotonic() - started < 3
        assert other.asked == []
        assert len(server.asked) == (3 if manner == "busy" else 1)


def test_a_busy_server_is_asked_again() -> None:
    with serving("busy once") as server:
        server.add(entry(), PAYLOAD)
        assert look_up(opened(), root=ROOT, url=server.url, limits=QUICK).found


def test_nobody_listens() -> None:
    with serving() as server:
        url = server.url
    with pytest.raises(UnavailableError, match="out of reach"):
        look_up(opened(), root=ROOT, url=url, limits=QUICK)


@pytest.mark.parametrize(
    "url",
    ["", "ftp://host/", "https://", "https://user:secret@host/", "https://host:99999/", "file:///etc/passwd", "//x"],
)
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(UnavailableError, match="not an address"):
        request("GET", url)


def _with_logs(*urls: str):
    value = json.loads(VS.trusted_root())
    value["tlogs"] = [value["tlogs"][0] | {"baseUrl": url} for url in urls]
    return load_trusted_root(json.dumps(value).encode(), "root.json")


def test_the_logs_of_the_trusted_root_are_asked_in_turn() -> None:
    with serving("broken") as away, serving("no index") as tiled, serving() as server:
        server.add(entry(), PAYLOAD)
        assert look_up(opened(), root=_with_logs(away.url, tiled.url, server.url)).found
        server.index.clear()
        found = look_up(opened(), root=_with_logs(away.url, tiled.url, server.url))
        assert not found.found
        assert all(told in found.detail for told in ("status 500", "keeps no search index", "has no entry"))
        with pytest.raises(UnavailableError, match="status 500"):
            look_up(opened(), root=_with_logs(away.url, away.url))


def test_a_trusted_root_without_logs_has_nobody_to_ask() -> None:
    root = load_trusted_root(VS.trusted_root(without=("tlogs",)), "root.json")
    with pytest.raises(UnavailableError, match="names no log"):
        look_up(opened(), root=root)


def test_the_identity_that_is_asked_for_still_counts(run, tmp_path: Path) -> None:
    (tmp_path / "bare.json").write_text(json.dumps(BARE))
    (tmp_path / "root.json").write_bytes(VS.trusted_root())
    (tmp_path / "app.tar.gz").write_bytes(DATA)
    given = [
        "verify",
        tmp_path / "bare.json",
        "--artifact",
        tmp_path / "app.tar.gz",
        "--trusted-root",
        tmp_path / "root.json",
    ]
    ran = run(*given)
    assert ran.code == 1
    assert "NOT PROVEN" in ran.err
    with serving() as server:
        server.add(entry(), PAYLOAD)
        ran = run(*given, "--online", "--rekor-url", server.url)
        assert ran.code == 0, ran.err
        assert "online: entry" in ran.out
        ran = run(*given, "--online", "--rekor-url", server.url, "--certificate-identity", "somebody@example.com")
        assert ran.code == 1
    ran = run(*given, "--online", "--rekor-url", server.url)
    assert ran.code == 69, ran.err
    assert run(*given, "--online", "--offline").code == 2


def test_nothing_of_the_network_is_loaded_unasked() -> None:
    modules = "assess.cli._check assess.cli._verify assess.cli._expect assess.cli._trust assess.assessing assess.lock"
    code = f"import sys, {modules.replace(' ', ', ')}\nprint(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "assess.lock" in loaded
    assert not {"urllib3", "tuf", "sigstore", "assess.http", "assess._http_pool", "http.client"} & set(loaded)


def test_check_online_proves_the_level(run: Callable[..., Any], tmp_path: Path) -> None:
    """Offline the signing time is open and so is the level; with the log's entry it is settled, and recorded."""
    (tmp_path / "app.tar.gz").write_bytes(DATA)
    (tmp_path / "bare.json").write_text(json.dumps(BARE))
    (tmp_path / "root.json").write_bytes(VS.trusted_root())
    (tmp_path / "empty").mkdir()
    given = (
        "check", tmp_path / "empty", "--artifact", tmp_path / "app.tar.gz", "-a", tmp_path / "bare.json",
        "--trusted-root", tmp_path / "root.json", "--time", "2026-01-31T12:00:00Z", "--min-level", "3", "-f", "json",
    )  # fmt: skip
    offline = run(*given)
    assert (offline.code, json.loads(offline.out)["levels"][0]["level"]) == (1, {"reached": 1, "ceiling": 3})
    with serving() as server:
        server.add(entry(), PAYLOAD)
        ran = run(*given, "--online", "--rekor-url", server.url)
        assert ran.code == 0, ran.err
        asked = [path for path, _ in server.asked]
        assert {"app.tar.gz", SHA256} & set(json.dumps(server.asked).split('"')) == set()
        # Something else's attestation is nobody's business.
        (tmp_path / "app.tar.gz").write_bytes(b"another artifact\n")
        assert run(*given, "--online", "--rekor-url", server.url).code == 1
        assert [path for path, _ in server.asked] == asked
        (tmp_path / "app.tar.gz").write_bytes(DATA)
    report = json.loads(ran.out)
    assert report["levels"][0]["level"] == {"reached": 3, "ceiling": 3}
    (used,) = [one for one in report["inputs"] if one["kind"] == "log-entry"]
    assert len(used["sha256"]) == 64
    assert any(one["text"].startswith("online: entry") for one in report["notices"])
    assert not any("no network" in one["text"] for one in report["not_checked"])
    with serving() as empty:
        ran = run(*given, "--online", "--rekor-url", empty.url)
        assert (ran.code, "has no entry for" in ran.out) == (1, True)
    # Nobody answers: nothing was assessed.
    assert run(*given, "--online", "--rekor-url", empty.url).code == 69
    assert run(*given, "--rekor-url", empty.url).code == 2
    assert run(*given, "--online", "--offline").code == 2
