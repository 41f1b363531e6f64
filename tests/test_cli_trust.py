"""`trust show|export|import|update`: what is trusted is told, stored roots are never used unasked, TUF is verified."""

from __future__ import annotations

import hashlib
import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from virtual_sigstore import VirtualSigstore, pem_of, provenance_v1, subject_of

from assess.trust.roots import github, load_trusted_root, public_good

TIME = "2027-01-03T12:00:00Z"
VS = VirtualSigstore()


@pytest.fixture(autouse=True)
def _own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.fixture
def root_file(tmp_path: Path) -> Path:
    file = tmp_path / "private.json"
    file.write_bytes(VS.trusted_root(ca_end=datetime(2026, 1, 1, tzinfo=UTC)))
    return file


def shown(run, *arguments: Any) -> dict[str, Any]:
    ran = run("trust", "show", *arguments, "--time", TIME, "-f", "json")
    assert ran.code == 0, ran.err
    return json.loads(ran.out)


def test_show_tells_what_comes_with_the_tool(run, tmp_path: Path) -> None:
    facts = shown(run, tmp_path)
    by_name = {one["name"]: one for one in facts["roots"]}
    for root in (public_good(), github()):
        told = by_name[root.name]
        assert (told["origin"], told["sha256"], told["dated"]) == (root.origin, root.sha256, root.dated)
        assert told["days_old"] == (datetime(2027, 1, 3) - datetime.fromisoformat(root.dated or "")).days
        assert [one["uri"] for one in told["transparency_logs"]] == [one.base_url for one in root.logs]
        assert len(told["certificate_authorities"]) == len(root.authorities)
    assert by_name["sigstore-public-good"]["transparency_logs"]
    assert {"npm-registry", "google-cloud-build"} <= {one["owner"] for one in facts["keys"]}
    assert facts["platforms"]["entries"] > 5
    assert facts["stored_but_not_used"] == []


def test_show_tells_the_users_own(run, tmp_path: Path, root_file: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_bytes(pem_of(VS.managed_key()))
    facts = shown(run, tmp_path, "--trusted-root", root_file, "--key", key)
    (root,) = facts["roots"]
    assert root["sha256"] == hashlib.sha256(root_file.read_bytes()).hexdigest()
    assert root["dated"] is root["days_old"] is None
    assert [one["valid_now"] for one in root["certificate_authorities"]] == [False]
    assert all(one["valid_now"] for one in root["transparency_logs"])
    assert facts["keys"][0] == {
        "owner": "given by you", "path": "key.pem", "sha256_of_file": hashlib.sha256(key.read_bytes()).hexdigest(),
    }  # fmt: skip
    text = run("trust", "show", tmp_path, "--trusted-root", root_file, "--time", TIME).out
    assert root["sha256"] in text
    assert "(not now)" in text
    assert shown(run, tmp_path, "--trusted-root", root_file) == shown(run, tmp_path, "--trusted-root", root_file)


def test_show_reads_the_project_file(run, tmp_path: Path, root_file: Path) -> None:
    (tmp_path / "slsa-assess.yaml").write_text("version: 1\ntrust: {trusted_root: private.json, profile: strict}\n")
    facts = shown(run, tmp_path)
    assert [one["origin"] for one in facts["roots"]] == ["private.json"]
    assert facts["platforms"]["profile"] == "strict"


@pytest.mark.parametrize("root", [public_good(), github()], ids=lambda one: one.name)
def test_export_gives_what_is_used(root: Any, run, tmp_path: Path) -> None:
    file = tmp_path / "out.json"
    assert run("trust", "export", file, "--root", root.name).code == 0
    again = load_trusted_root(file.read_bytes(), "out.json")
    for name in ("authorities", "ct_logs", "logs", "timestamp_authorities"):
        assert getattr(again, name) == getattr(root, name)
    assert run("trust", "export", "-", "--root", root.name).out.encode() == file.read_bytes()


def test_export_of_an_unknown_root(run, tmp_path: Path) -> None:
    ran = run("trust", "export", tmp_path / "out.json", "--root", "nobody")
    assert ran.code == 78
    assert "sigstore-public-good" in ran.err
    assert not (tmp_path / "out.json").exists()


def test_an_imported_root_is_used_only_where_it_is_named(run, tmp_path: Path, root_file: Path) -> None:
    data = b"an artifact"
    (tmp_path / "app").write_bytes(data)
    bundle = VS.sign_statement(provenance_v1([subject_of("app", data)]))
    (tmp_path / "bundle.json").write_text(json.dumps(bundle))
    ran = run("trust", "import", root_file)
    assert ran.code == 0, ran.err
    place = tmp_path / "data" / "slsa-assess" / "trusted-roots" / "private.json"
    assert place.read_bytes() == root_file.read_bytes()
    assert f"--trusted-root {place}" in ran.err
    assert shown(run, tmp_path)["stored_but_not_used"] == [str(place)]
    verify = ["verify", tmp_path / "bundle.json", "--artifact", tmp_path / "app"]
    assert run(*verify).code == 1
    assert run(*verify, "--trusted-root", place).code == 0


def test_import_replaces_nothing_unasked(run, tmp_path: Path, root_file: Path) -> None:
    place = tmp_path / "data" / "slsa-assess" / "trusted-roots" / "mine.json"
    assert run("trust", "import", root_file, "--name", "mine").code == 0
    assert run("trust", "import", root_file, "--name", "mine").code == 0
    first = place.read_bytes()
    root_file.write_bytes(VirtualSigstore("another").trusted_root())
    ran = run("trust", "import", root_file, "--name", "mine")
    assert (ran.code, place.read_bytes()) == (78, first)
    assert run("trust", "import", root_file, "--name", "mine", "--force").code == 0
    assert place.read_bytes() == root_file.read_bytes()


EMPTY = VS.trusted_root(without=("tlogs", "certificateAuthorities", "ctlogs", "timestampAuthorities"))


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"{}", "a"),
        (b"hello", "a"),
        (EMPTY, "a"),
        (VS.trusted_root().replace(b"MII", b"AII"), "a"),
        (VS.trusted_root(), "../../outside"),
        (VS.trusted_root(), ""),
    ],
    ids=["an empty object", "no JSON", "trusts nobody", "malformed certificates", "a path for a name", "no name"],
)
def test_what_is_not_imported(data: bytes, name: str, run, tmp_path: Path) -> None:
    file = tmp_path / "in.json"
    file.write_bytes(data)
    ran = run("trust", "import", file, "--name", name) if name else run("trust", "import", file, "--name", ".hidden")
    assert ran.code == 78, ran.err
    assert not (tmp_path / "data").exists()


class Repository:
    """A small real TUF repository over HTTP with one target, `trusted_root.json`."""

    def __init__(self, folder: Path, target: bytes, version: int = 1, expires_in: int = 30) -> None:
        from securesystemslib.signer import CryptoSigner
        from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp

        self.folder = folder
        (folder / "targets").mkdir(parents=True, exist_ok=True)
        expires = datetime.now(UTC).replace(microsecond=0) + timedelta(days=expires_in)
        signer = CryptoSigner(Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"tuf").digest()))
        signer.public_key.keyid = "a" * 64
        root = Root(version=1, expires=datetime.now(UTC).replace(microsecond=0) + timedelta(days=30))
        for role in ("root", "targets", "snapshot", "timestamp"):
            root.add_key(signer.public_key, role)
        targets = Targets(version=version, expires=expires)
        targets.targets["trusted_root.json"] = TargetFile.from_data("trusted_root.json", target)
        digest = hashlib.sha256(target).hexdigest()
        (folder / "targets" / f"{digest}.trusted_root.json").write_bytes(target)
        meta = {"targets.json": MetaFile(version)}
        for name, signed in (
            ("1.root.json", root),
            (f"{version}.targets.json", targets),
            (f"{version}.snapshot.json", Snapshot(version=version, expires=expires, meta=meta)),
            ("timestamp.json", Timestamp(version=version, expires=expires, snapshot_meta=MetaFile(version))),
        ):
            metadata = Metadata(signed)
            metadata.sign(signer)
            metadata.to_file(str(folder / name))
        self.bootstrap = folder / "1.root.json"


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def update(run, url: str, repository: Repository):
    return run(
        "trust", "update", "--tuf-url", url, "--tuf-root", repository.bootstrap, "--name", "ours", "--time", TIME
    )


def test_update_takes_what_tuf_vouches_for(run, tmp_path: Path) -> None:
    pytest.importorskip("tuf", reason="needs the extra sigstore, or tuf")
    place = tmp_path / "data" / "slsa-assess" / "trusted-roots" / "ours.json"
    repository = Repository(tmp_path / "repo", VS.trusted_root())
    with serving(repository.folder) as url:
        ran = update(run, url, repository)
        assert ran.code == 0, ran.err
        assert place.read_bytes() == VS.trusted_root()
        assert "differs from the snapshot" in ran.err
        newer = VirtualSigstore("newer").trusted_root()
        Repository(repository.folder, newer, version=2)
        assert update(run, url, repository).code == 0
        assert place.read_bytes() == newer
        # Rolled back: the store remembers version 2.
        Repository(repository.folder, VS.trusted_root(), version=1)
        ran = update(run, url, repository)
        assert ran.code == 65, ran.err
        assert place.read_bytes() == newer


def _target_changed(repository: Repository) -> None:
    (file,) = (repository.folder / "targets").iterdir()
    file.write_bytes(file.read_bytes().replace(b"sigstore", b"sigstare"))


def _metadata_changed(repository: Repository) -> None:
    file = repository.folder / "1.targets.json"
    file.write_bytes(
        file.read_bytes().replace(b'"version": 1', b'"version":  1').replace(b"trusted_root", b"trusted_rood")
    )


def _expired(repository: Repository) -> None:
    Repository(repository.folder, VS.trusted_root(), expires_in=-1)


def _no_root_in_it(repository: Repository) -> None:
    Repository(repository.folder, b"{}")


@pytest.mark.parametrize(
    ("spoil", "codes"),
    [(_target_changed, {65, 69}), (_metadata_changed, {65}), (_expired, {65}), (_no_root_in_it, {78})],
    ids=["another target", "other metadata", "expired", "no trusted root"],
)
def test_what_tuf_does_not_vouch_for_is_not_stored(spoil, codes: set[int], run, tmp_path: Path) -> None:
    pytest.importorskip("tuf", reason="needs the extra sigstore, or tuf")
    repository = Repository(tmp_path / "repo", VS.trusted_root())
    spoil(repository)
    with serving(repository.folder) as url:
        ran = update(run, url, repository)
    assert ran.code in codes, ran.err
    assert not (tmp_path / "data" / "slsa-assess" / "trusted-roots" / "ours.json").exists()


def test_update_offline_says_how_old_the_snapshot_is(run, tmp_path: Path) -> None:
    pytest.importorskip("tuf", reason="needs the extra sigstore, or tuf")
    repository = Repository(tmp_path / "repo", VS.trusted_root())
    with serving(repository.folder) as url:
        pass
    ran = update(run, url, repository)
    assert ran.code == 69, ran.err
    assert f"the snapshot in use is of {public_good().dated}, " in ran.err
    assert "days old" in ran.err


def test_update_without_a_root_to_start_from(run, tmp_path: Path) -> None:
    pytest.importorskip("tuf", reason="needs the extra sigstore, or tuf")
    ran = run("trust", "update", "--tuf-url", "http://127.0.0.1:9/unknown", "--time", TIME)
    assert ran.code == 69
    assert "--tuf-root" in ran.err
