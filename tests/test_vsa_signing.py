"""Summaries signed by a key service or through Sigstore: what is written verifies, every refusal is one clear line."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from signing_server import IDENTITY, ISSUER, signing, token
from virtual_keys import pem_of, sign
from virtual_summaries import DATA, KEY, OTHER_KEY, RESOURCE, envelope, private_pem, project, summary

from assess.trust.remote_signing import is_service

OURS = "https://assessor.example/slsa"
AMBIENT = ("GITHUB_ACTIONS", "CIRCLECI", "BUILDKITE", "GITLAB_CI", "SIGSTORE_ID_TOKEN")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in AMBIENT:
        monkeypatch.delenv(name, raising=False)
    # The library asks the environment for a proxy even for this machine itself.
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    project(tmp_path)
    (tmp_path / "vsa.json").write_bytes(envelope(summary()))
    (tmp_path / "service.key").write_bytes(private_pem(OTHER_KEY))
    (tmp_path / "service.pub").write_bytes(pem_of(OTHER_KEY))
    return tmp_path


def emit(run: Callable[..., Any], folder: Path, *more: str | Path) -> Any:
    said = ("--vsa-verifier-id", OURS, "--vsa-resource-uri", RESOURCE, "-f", f"vsa={folder / 'out.json'}")
    return run("check", folder, "-a", folder / "vsa.json", "--min-level", "1", *said, *more)


def test_a_key_service_signs_what_verifies(run: Callable[..., Any], folder: Path) -> None:
    """`file2:` is the one scheme of the library that needs no service; the rest of the way is the same."""
    given = ("--vsa-key", f"file2:{folder / 'service.key'}", "--vsa-public-key", folder / "service.pub")
    ran = emit(run, folder, *given)
    assert ran.code == 0, ran.err
    assert "unsigned" not in ran.err
    ran = run("verify", folder / "out.json", "--key", folder / "service.pub", "--artifact", folder / "widget")
    assert ran.code == 0, ran.err
    assert run("verify", folder / "out.json", "--key", folder / "verifier.pem").code == 1
    document = json.loads((folder / "out.json").read_text())
    (signature,) = document["signatures"]
    assert len(signature["keyid"]) == 64
    assert json.loads(base64.b64decode(document["payload"]))["predicate"]["verifier"]["id"] == OURS


def test_a_project_file_names_the_service(run: Callable[..., Any], folder: Path) -> None:
    own = {"verifier_id": OURS, "resource_uri": RESOURCE, "public_key": "service.pub"}
    own["key"] = f"file2:{folder / 'service.key'}"
    project(folder, more=f"vsa: {json.dumps(own)}\n")
    ran = run("check", folder, "-a", folder / "vsa.json", "--min-level", "1", "-f", f"vsa={folder / 'out.json'}")
    assert ran.code == 0, ran.err
    assert run("verify", folder / "out.json", "--key", folder / "service.pub").code == 0


KEY_PROBLEMS: dict[str, tuple[tuple[str, ...], str]] = {
    # options (files are in the folder), words of the error; the exit code is 78
    "no public key": (("--vsa-key=file2:{}/service.key",), "its public key was not given"),
    "another pair": (("--vsa-key=file2:{}/service.key", "--vsa-public-key={}/verifier.pem"), "cannot be used to sign"),
    "no such key": (("--vsa-key=file2:{}/nothing.key", "--vsa-public-key={}/service.pub"), "cannot be used to sign"),
    "public key is none": (("--vsa-key=file2:{}/service.key", "--vsa-public-key={}/widget"), "public key"),
    "two ways": (("--vsa-key={}/service.key", "--vsa-keyless"), "in one way"),
    "keyless and unsigned": (("--vsa-keyless", "--vsa-unsigned"), "in one way"),
    "configuration for nothing": (("--vsa-key={}/service.key", "--vsa-trust-config={}/c.json"), "for --vsa-keyless"),
    "no identity": (("--vsa-keyless",), "there is no identity to sign with"),
}


@pytest.mark.parametrize("name", KEY_PROBLEMS)
def test_refusals(name: str, run: Callable[..., Any], folder: Path) -> None:
    options, words = KEY_PROBLEMS[name]
    ran = emit(run, folder, *(one.format(folder) for one in options))
    assert ran.code == 78, ran.err
    assert words in ran.err
    assert "Traceback" not in ran.err
    assert not (folder / "out.json").exists()


def test_the_clients_of_services_are_not_installed_here(run: Callable[..., Any], folder: Path) -> None:
    pytest.importorskip("securesystemslib")
    if "google.cloud.kms" in sys.modules:
        pytest.skip("Google's client is installed")
    given = ("--vsa-key", "gcpkms:projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1")
    ran = emit(run, folder, *given, "--vsa-public-key", folder / "service.pub")
    assert (ran.code, "slsa-assess[kms]" in ran.err) == (78, True), ran.err


class Service:
    """A key service (as the library sees one) that signs with its own key, signs another text, or is away."""

    def __init__(self, manner: str) -> None:
        self.manner = manner

    @classmethod
    def from_priv_key_uri(cls, uri: str, public_key: Any, secrets_handler: Any = None) -> Service:
        return cls(uri.partition(":")[2])

    def sign(self, data: bytes) -> Any:
        from securesystemslib.signer import Signature

        match self.manner:
            case "away":
                raise OSError("no route to host")
            case "no-hex":
                return Signature("x", "zz")
            case "another-text":
                data = data + b"!"
        return Signature("x", sign(KEY if self.manner == "another-key" else OTHER_KEY, data).hex())


@pytest.mark.parametrize(
    ("manner", "code", "words"),
    [
        ("well", 0, ""),
        ("another-key", 78, "does not verify with the public key"),
        ("another-text", 78, "does not verify with the public key"),
        ("no-hex", 69, "the key service did not sign"),
        ("away", 69, "no route to host"),
    ],
)
def test_what_a_service_answers_is_verified(
    manner: str, code: int, words: str, run: Callable[..., Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from securesystemslib.signer import SIGNER_FOR_URI_SCHEME

    monkeypatch.setitem(SIGNER_FOR_URI_SCHEME, "hv", Service)
    ran = emit(run, folder, "--vsa-key", f"hv:{manner}", "--vsa-public-key", folder / "service.pub")
    assert (ran.code, words in ran.err) == (code, True), ran.err
    assert (folder / "out.json").exists() is (code == 0)


@pytest.mark.parametrize(
    ("text", "service"),
    [
        ("gcpkms:projects/p", True),
        ("hv:key/1", True),
        ("gnupg:abc", False),
        ("C:key.pem", False),
        ("key.pem", False),
        ("gcpkms:", False),
        ("gcpkms", False),
    ],
)
def test_what_is_a_service(text: str, service: bool) -> None:
    assert is_service(text) is service


def test_keyless(run: Callable[..., Any], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signed by whoever the token names, and taken by whoever lists that identity as a verifier."""
    monkeypatch.setenv("SIGSTORE_ID_TOKEN", token())
    with signing() as server:
        (folder / "config.json").write_bytes(server.trust_config())
        (folder / "root.json").write_bytes(server.sigstore.trusted_root())
        ran = emit(run, folder, "--vsa-keyless", "--vsa-trust-config", folder / "config.json")
        assert ran.code == 0, ran.err
        assert server.asked == ["/api/v2/signingCert", "/api/v1/log/entries"]
    who = ("--certificate-identity", IDENTITY, "--certificate-oidc-issuer", ISSUER)
    root = ("--trusted-root", folder / "root.json")
    ran = run("verify", folder / "out.json", *root, *who, "--artifact", folder / "widget")
    assert ran.code == 0, ran.out
    assert run("verify", folder / "out.json", *root, *who[:1], "somebody@example.com").code == 1
    elsewhere = folder / "consumer"
    elsewhere.mkdir()
    (elsewhere / "widget").write_bytes(DATA)
    verifier = {
        "id": OURS, "resource_uri": RESOURCE, "max_level": {"build": 3},
        "certificate_identity": IDENTITY, "certificate_oidc_issuer": ISSUER,
    }  # fmt: skip
    (elsewhere / "slsa-assess.yaml").write_text(
        f"version: 1\nartifacts: [{{path: widget}}]\ntrust:\n  verifiers: [{json.dumps(verifier)}]\n"
    )
    ran = run("check", elsewhere, "-a", folder / "out.json", *root, "--min-level", "2")
    assert ran.code == 0, ran.err


@pytest.mark.parametrize(("manner", "code"), [("refuses", 69), ("foreign", 69), ("gone", 69)])
def test_keyless_where_sigstore_does_not_sign(
    manner: str, code: int, run: Callable[..., Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGSTORE_ID_TOKEN", token())
    with signing(manner) as server:
        (folder / "config.json").write_bytes(server.trust_config())
        if manner != "gone":
            ran = emit(run, folder, "--vsa-keyless", "--vsa-trust-config", folder / "config.json")
    if manner == "gone":
        ran = emit(run, folder, "--vsa-keyless", "--vsa-trust-config", folder / "config.json")
    assert (ran.code, "Sigstore did not sign" in ran.err) == (code, True), ran.err
    assert not (folder / "out.json").exists()


TOKENS = {"no token": "abc", "expired": token(exp=1), "for somebody else": token(aud="elsewhere"), "empty": "a.b.c"}


@pytest.mark.parametrize("name", TOKENS)
def test_keyless_with_a_bad_token(
    name: str, run: Callable[..., Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGSTORE_ID_TOKEN", TOKENS[name])
    ran = emit(run, folder, "--vsa-keyless")
    assert (ran.code, "identity token cannot be used" in ran.err) == (78, True), ran.err
    assert TOKENS[name] not in ran.err or len(TOKENS[name]) < 6


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff\xfe", b'{"mediaType": 1}', b"nonsense"])
def test_keyless_with_a_bad_configuration(
    data: bytes, run: Callable[..., Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGSTORE_ID_TOKEN", token())
    (folder / "config.json").write_bytes(data)
    ran = emit(run, folder, "--vsa-keyless", "--vsa-trust-config", folder / "config.json")
    assert (ran.code, "trust configuration" in ran.err) == (78, True), ran.err


def test_offline_and_keyless_exclude_each_other(run: Callable[..., Any], folder: Path) -> None:
    ran = emit(run, folder, "--vsa-keyless", "--offline")
    assert (ran.code, "--offline forbids it" in ran.err) == (2, True), ran.err


def test_nothing_of_it_overwrites_a_key(run: Callable[..., Any], folder: Path) -> None:
    before = (folder / "service.key").read_bytes()
    said = ("--vsa-verifier-id", OURS, "--vsa-resource-uri", RESOURCE, "--vsa-key", folder / "service.key")
    ran = run(
        "check", folder, "-a", folder / "vsa.json", "--min-level=1", *said, "-f", f"json={folder / 'service.key'}"
    )
    assert ran.code == 2, ran.err
    assert (folder / "service.key").read_bytes() == before
