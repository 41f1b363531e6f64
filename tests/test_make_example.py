"""The bundled example is what its script writes, and sigstore-python accepts its bundle."""

from __future__ import annotations

import base64
import csv
import hashlib
import importlib.util
import io
import json
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
WIDGET = ROOT / "examples" / "widget"
LOOKALIKES = ROOT / "examples" / "lookalikes"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_example", ROOT / "scripts" / "make_example.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_examples_are_current(script: ModuleType, tmp_path: Path) -> None:
    script.write(tmp_path)
    written = {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()}
    assert len(written) == 8
    for name in sorted(written):
        assert (tmp_path / name).read_bytes() == (ROOT / "examples" / name).read_bytes(), name
    assert script.main(["--check"]) == 0


def test_stale_files_are_named(script: ModuleType, tmp_path: Path) -> None:
    script.write(tmp_path)
    assert script.stale(tmp_path) == []
    (tmp_path / "widget" / "trusted_root.json").write_bytes(b"{}")
    (tmp_path / "widget" / "dist" / script.WHEEL).unlink()
    assert script.stale(tmp_path) == [f"widget/dist/{script.WHEEL}", "widget/trusted_root.json"]


def test_examples_are_small() -> None:
    sizes = {path: path.stat().st_size for path in (ROOT / "examples").rglob("*") if path.is_file()}
    assert max(sizes.values()) < 20_000
    assert sum(sizes.values()) < 100_000


def test_wheel_matches_its_record() -> None:
    [path] = WIDGET.glob("dist/*.whl")
    with zipfile.ZipFile(path) as archive:
        [record] = [name for name in archive.namelist() if name.endswith("RECORD")]
        rows = {row[0]: row[1] for row in csv.reader(io.StringIO(archive.read(record).decode()))}
        assert set(rows) == set(archive.namelist())
        for name in set(rows) - {record}:
            digest = base64.urlsafe_b64encode(hashlib.sha256(archive.read(name)).digest()).rstrip(b"=").decode()
            assert rows[name] == f"sha256={digest}"


def accept(path: Path, identity: str) -> dict[str, Any]:
    """The statement of a bundle that sigstore-python accepts with the example's trusted root."""
    models = pytest.importorskip("sigstore.models")
    verify = pytest.importorskip("sigstore.verify")
    root = models.TrustedRoot.from_file(str(WIDGET / "trusted_root.json"))
    policy = verify.policy.Identity(identity=identity, issuer="https://token.actions.githubusercontent.com")
    bundle = models.Bundle.from_json(path.read_bytes())
    _, payload = verify.Verifier(trusted_root=root).verify_dsse(bundle, policy)
    statement: dict[str, Any] = json.loads(payload)
    return statement


def digest_of_wheel() -> str:
    [path] = WIDGET.glob("dist/*.whl")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_bundle_is_genuine(script: ModuleType) -> None:
    statement = accept(WIDGET / "dist" / f"{script.WHEEL}.sigstore.json", script.RUN.signer_uri)
    assert statement["subject"] == [{"name": script.WHEEL, "digest": {"sha256": digest_of_wheel()}}]


@pytest.mark.parametrize(
    ("name", "matches", "builder_is_signer"),
    [("other-artifact", False, True), ("two-workflows", True, False)],
)
def test_lookalikes_that_verify(script: ModuleType, name: str, matches: bool, builder_is_signer: bool) -> None:
    statement = accept(LOOKALIKES / f"{name}.sigstore.json", script.RUN.signer_uri)
    assert (statement["subject"][0]["digest"]["sha256"] == digest_of_wheel()) is matches
    assert (statement["predicate"]["runDetails"]["builder"]["id"] == script.RUN.signer_uri) is builder_is_signer


def test_tenant_written_is_signed_by_a_stranger(script: ModuleType) -> None:
    stranger = script.RUN.signer_uri.replace("example-org", "example-orq")
    statement = accept(LOOKALIKES / "tenant-written.sigstore.json", stranger)
    assert statement["predicate"]["runDetails"]["builder"]["id"] == script.RUN.signer_uri
    with pytest.raises(Exception, match="SANs do not match"):
        accept(LOOKALIKES / "tenant-written.sigstore.json", script.RUN.signer_uri)


def test_edited_is_refused(script: ModuleType) -> None:
    with pytest.raises(Exception, match="invalid signature"):
        accept(LOOKALIKES / "edited.sigstore.json", script.RUN.signer_uri)


@pytest.mark.parametrize("name", [".github/workflows/release.yml", "slsa-assess.yaml"])
def test_texts_load(name: str) -> None:
    yaml = pytest.importorskip("yaml")
    assert isinstance(yaml.safe_load((WIDGET / name).read_text()), dict)
