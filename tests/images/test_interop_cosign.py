"""The walk of a user who signs with cosign, for real: the real cosign signs, we verify, and our verdict is cosign's.

Registries: `crane registry serve` and Debian's docker-registry, which both lack the referrers API (as of crane 0.22.1),
so that clients keep the fallback tag; and the tests' own registry, which has the API. cosign runs without network: no
log is written to (`--tlog-upload=false`) and none is asked for (`--insecure-ignore-tlog`), its home is a fresh folder.
"""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import registry_server
from conftest import Ran
from registry_peers import crane_registry, docker_registry, needed
from virtual_images import VirtualImages, digest_of
from virtual_keys import pem_of
from virtual_sigstore import DEFAULT_RUN, GITHUB_ISSUER, Tamper, VirtualSigstore, provenance_v1

VS = VirtualSigstore()
SLSA = "slsaprovenance1"
SIGNED = "sign"
LEGACY = ("--new-bundle-format=false",)
OCI11 = (*LEGACY, "--registry-referrers-mode=oci-1-1")
MODES: dict[str, tuple[str, ...]] = {"legacy": LEGACY, "bundle": (), "referrers": OCI11}
PREDICATE = {
    "buildDefinition": {"buildType": "https://example.com/build/v1", "externalParameters": {"tag": "v1"}},
    "runDetails": {"builder": {"id": "https://example.com/builder"}},
}


def _own(folder: Path) -> AbstractContextManager[str]:
    folder.mkdir(parents=True, exist_ok=True)
    return _OwnRegistry()


class _OwnRegistry(AbstractContextManager[str]):
    def __enter__(self) -> str:
        self.serving = registry_server.serving(api=True)
        return self.serving.__enter__().host

    def __exit__(self, *problem: Any) -> None:
        self.serving.__exit__(*problem)


REGISTRIES: dict[str, Callable[[Path], AbstractContextManager[str]]] = {
    "crane": crane_registry,
    "docker-registry": docker_registry,
    "with-referrers-api": _own,
}


@dataclass(frozen=True)
class Bench:
    """One registry with the real clients, two key pairs and a folder for cosign's home."""

    host: str
    folder: Path

    def tool(self, name: str, *arguments: str, fails: bool = False) -> subprocess.CompletedProcess[str]:
        environment = {"HOME": str(self.folder), "PATH": os.environ["PATH"], "COSIGN_PASSWORD": "x"}
        environment |= {"COSIGN_EXPERIMENTAL": "1", "TUF_ROOT": str(self.folder / "tuf")}
        done = subprocess.run(
            [needed(name), *arguments], capture_output=True, text=True, cwd=self.folder, env=environment, timeout=120
        )
        assert fails or done.returncode == 0, done.stderr
        return done

    def push(self, repository: str, content: str) -> str:
        """Push an image of one layer with crane; its reference by digest."""
        layer = self.folder / f"{content}.tar"
        if not layer.exists():
            (self.folder / content).write_text(content)
            subprocess.run(["tar", "cf", str(layer), "-C", str(self.folder), content], check=True)
        tagged = f"{self.host}/{repository}:v1"
        return self.tool("crane", "append", "-f", str(layer), "-t", tagged).stdout.strip()

    def sign(self, reference: str, mode: str, *more: str, key: str = "team") -> None:
        common = ("-y", "--key", f"{key}.key", "--use-signing-config=false", "--tlog-upload=false")
        self.tool("cosign", "sign", *common, *MODES[mode], *more, reference)

    def attest(self, reference: str, mode: str, key: str = "team") -> None:
        common = ("-y", "--key", f"{key}.key", "--use-signing-config=false", "--tlog-upload=false")
        kind = ("--type", SLSA, "--predicate", "predicate.json")
        self.tool("cosign", "attest", *common, *kind, *MODES[mode], reference)

    def theirs(self, reference: str, *options: str, kind: str | None = None, mode: str = "bundle") -> bool:
        """cosign's verdict."""
        verb = ("verify",) if kind is None else ("verify-attestation", "--type", kind)
        old = ("--experimental-oci11=true",) if mode == "referrers" else ()
        return self.tool("cosign", *verb, *options, *old, reference, fails=True).returncode == 0

    def ask(self, method: str, path: str, data: bytes | None = None, kind: str = "") -> tuple[bytes, str]:
        request = urllib.request.Request(f"http://{self.host}/v2/{path}", data, method=method)
        request.add_header(
            "Accept", "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json"
        )
        if kind:
            request.add_header("Content-Type", kind)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read(), answer.headers.get("Content-Type", "")


@pytest.fixture(scope="module", params=REGISTRIES)
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    needed("cosign"), needed("crane")
    folder = tmp_path_factory.mktemp("cosign")
    (folder / "predicate.json").write_text(json.dumps(PREDICATE))
    with REGISTRIES[request.param](folder / "registry") as host:
        found = Bench(host, folder)
        for name in ("team", "stranger"):
            found.tool("cosign", "generate-key-pair", "--output-key-prefix", name)
        yield found


KEYED = ("--insecure-ignore-tlog=true",)


@pytest.fixture
def ours(run: Callable[..., Ran], bench: Bench) -> Callable[..., Ran]:
    """`slsa-assess image` against the registry."""

    def call(reference: str, *options: str | Path, kind: str | None = None) -> Ran:
        asked = ("--type", kind) if kind is not None else ()
        return run("image", reference, "--plain-http", bench.host, *options, *asked)

    return call


def agree(bench: Bench, ours: Callable[..., Ran], reference: str, mode: str, kind: str | None, key: str) -> Ran:
    """Our answer, which must be cosign's."""
    found = ours(reference, "--key", bench.folder / f"{key}.pub", kind=kind)
    theirs = bench.theirs(reference, "--key", f"{key}.pub", *KEYED, kind=kind, mode=mode)
    assert (found.code == 0) == theirs, found.out + found.err
    return found


@pytest.mark.parametrize("mode", MODES)
def test_signatures(mode: str, bench: Bench, ours: Callable[..., Ran]) -> None:
    reference = bench.push(f"signed/by-{mode}", "app")
    bare = agree(bench, ours, reference, mode, None, "team")
    assert (bare.code, "no signature hangs on it" in bare.err) == (1, True)
    bench.sign(reference, mode, "-a", "env=prod")
    good = agree(bench, ours, reference, mode, None, "team")
    assert good.err.startswith("VERIFIED: ")
    assert "a signature is not provenance" in good.out
    by_tag = agree(bench, ours, reference.partition("@")[0] + ":v1", mode, None, "team")
    assert (by_tag.code, "named by a tag" in by_tag.out) == (0, True)
    wrong = agree(bench, ours, reference, mode, None, "stranger")
    assert (wrong.code, "the signature is not one of the given key" in wrong.err) == (1, True)
    other = agree(bench, ours, bench.push(f"signed/by-{mode}", "other"), mode, None, "team")
    assert (other.code, "no signature hangs on it" in other.err) == (1, True)


@pytest.mark.parametrize(("wanted", "code"), [("env=prod", 0), ("env=test", 1), ("owner=me", 1)])
@pytest.mark.parametrize("mode", ["legacy", "bundle"])
def test_annotations(mode: str, wanted: str, code: int, bench: Bench, ours: Callable[..., Ran]) -> None:
    reference = bench.push(f"annotated/by-{mode}", "app")
    bench.sign(reference, mode, "-a", "env=prod")
    found = ours(reference, "--key", bench.folder / "team.pub", "-a", wanted)
    theirs = bench.theirs(reference, "--key", "team.pub", *KEYED, "-a", wanted, mode=mode)
    assert (found.code, theirs) == (code, code == 0)


@pytest.mark.parametrize("mode", ["legacy", "bundle"])
def test_attestations(mode: str, bench: Bench, ours: Callable[..., Ran]) -> None:
    reference = bench.push(f"attested/by-{mode}", "app")
    assert agree(bench, ours, reference, mode, SLSA, "team").code == 1
    bench.attest(reference, mode)
    good = agree(bench, ours, reference, mode, SLSA, "team")
    assert good.err.startswith("VERIFIED: ")
    assert "signed provenance of this image" in good.out
    assert agree(bench, ours, reference, mode, SLSA, "stranger").code == 1
    assert agree(bench, ours, reference, mode, "spdx", "team").code == 1
    assert agree(bench, ours, bench.push(f"attested/by-{mode}", "other"), mode, SLSA, "team").code == 1
    # cosign takes any of its bundles for a signature, and none of its older attestations.
    assert agree(bench, ours, reference, mode, None, "team").code == (0 if mode == "bundle" else 1)


def test_a_signature_that_was_copied_from_another_image(bench: Bench, ours: Callable[..., Ran]) -> None:
    signed, victim = bench.push("copied", "app"), bench.push("copied", "other")
    bench.sign(signed, "legacy")
    tag = tag_of(signed)
    bench.tool("crane", "copy", f"{bench.host}/copied:{tag}", f"{bench.host}/copied:{tag_of(victim)}")
    found = agree(bench, ours, victim, "legacy", None, "team")
    assert (found.code, "the signature is of another image" in found.err) == (1, True)


def tag_of(reference: str) -> str:
    return f"{reference.partition('@')[2].replace(':', '-')}.sig"


def test_a_bundle_that_was_copied_from_another_image(bench: Bench, ours: Callable[..., Ran]) -> None:
    signed, victim = bench.push("moved", "app"), bench.push("moved", "other")
    bench.sign(signed, "bundle")
    manifest = json.loads(_bundle_manifest(bench, "moved", signed))
    victim_digest = victim.partition("@")[2]
    data, kind = bench.ask("GET", f"moved/manifests/{victim_digest}")
    manifest["subject"] = {"mediaType": kind, "digest": victim_digest, "size": len(data)}
    _hang(bench, "moved", victim_digest, manifest)
    found = agree(bench, ours, victim, "bundle", None, "team")
    assert (found.code, "no subject has the artifact's digest" in found.err) == (1, True)


def _bundle_manifest(bench: Bench, repository: str, reference: str) -> bytes:
    """The one manifest that refers to an image, by API or fallback tag."""
    digest = reference.partition("@")[2]
    try:
        data, _ = bench.ask("GET", f"{repository}/referrers/{digest}")
    except OSError:
        data, _ = bench.ask("GET", f"{repository}/manifests/{digest.replace(':', '-')}")
    (found,) = json.loads(data)["manifests"]
    return bench.ask("GET", f"{repository}/manifests/{found['digest']}")[0]


def _hang(bench: Bench, repository: str, digest: str, manifest: dict[str, Any]) -> None:
    """Push a referrer as a client does."""
    kind = "application/vnd.oci.image.manifest.v1+json"
    data = json.dumps(manifest).encode()
    bench.ask("PUT", f"{repository}/manifests/{digest_of(data)}", data, kind)
    index_type = "application/vnd.oci.image.index.v1+json"
    row = {"mediaType": kind, "digest": digest_of(data), "size": len(data), "artifactType": manifest["artifactType"]}
    index = json.dumps({"schemaVersion": 2, "mediaType": index_type, "manifests": [row]}).encode()
    bench.ask("PUT", f"{repository}/manifests/{digest.replace(':', '-')}", index, index_type)


def test_a_payload_that_was_changed_after_signing(bench: Bench, ours: Callable[..., Ran]) -> None:
    reference = bench.push("tampered", "app")
    bench.sign(reference, "legacy")
    data, kind = bench.ask("GET", f"tampered/manifests/{tag_of(reference)}")
    manifest = json.loads(data)
    payload, _ = bench.ask("GET", f"tampered/blobs/{manifest['layers'][0]['digest']}")
    changed = payload.replace(b'"optional":null', b'"optional":{"env":"prod"}')
    assert changed != payload
    images = VirtualImages(VS)
    manifest["layers"][0] |= images.blob(changed, manifest["layers"][0]["mediaType"])
    images.push(bench.host, "tampered")
    bench.ask("PUT", f"tampered/manifests/{tag_of(reference)}", json.dumps(manifest).encode(), kind)
    found = agree(bench, ours, reference, "legacy", None, "team")
    assert (found.code, "the signature is not one of the given key" in found.err) == (1, True)


def test_a_signature_that_was_removed(bench: Bench, ours: Callable[..., Ran]) -> None:
    reference = bench.push("removed", "app")
    bench.sign(reference, "legacy")
    assert agree(bench, ours, reference, "legacy", None, "team").code == 0
    bench.tool("crane", "copy", f"{reference}", f"{bench.host}/unsigned:v1")
    found = agree(bench, ours, f"{bench.host}/unsigned:v1", "legacy", None, "team")
    assert (found.code, "no signature hangs on it" in found.err) == (1, True)


def test_what_cosign_saves(bench: Bench, ours: Callable[..., Ran]) -> None:
    reference = bench.push("saved", "app")
    bench.sign(reference, "legacy")
    bench.attest(reference, "legacy")
    saved = bench.folder / f"saved-{bench.host.rpartition(':')[2]}"
    bench.tool("cosign", "save", "--dir", str(saved), reference)
    found = ours(f"oci:{saved}", "--key", bench.folder / "team.pub")
    assert (found.code, bench.theirs(str(saved), "--key", "team.pub", *KEYED, "--local-image")) == (0, True)
    assert ours(f"oci:{saved}", "--key", bench.folder / "team.pub", kind=SLSA).code == 0
    assert ours(f"oci:{saved}", "--key", bench.folder / "stranger.pub").code == 1


def test_an_assessment_of_what_cosign_attested(bench: Bench, run: Callable[..., Ran], tmp_path: Path) -> None:
    reference = bench.push("assessed", "app")
    bench.sign(reference, "bundle")
    bench.attest(reference, "bundle")
    options = ("--plain-http", bench.host, "--key", bench.folder / "team.pub", "-f", "json")
    found = run("check", tmp_path, "--image", reference, *options)
    subject = json.loads(found.out)["subjects"][0]
    assert subject["subject"]["name"] == reference
    assert {(one["kind"], one["disposition"], one["signature"]) for one in subject["attestations"]} == {
        ("provenance", "counts", "verified"),
        ("signature", "not-provenance", "verified"),
    }
    levels = {one["reading"]: one["level"] for one in subject["levels"]}
    # a key of one's own is no recognised platform, and nobody knows this buildType
    assert levels["demonstrated"] == {"reached": 0, "ceiling": 1}
    assert "only the registry was asked" in found.out


IDENTITY = ("--certificate-identity", DEFAULT_RUN.signer_uri, "--certificate-oidc-issuer", GITHUB_ISSUER)
OTHER_IDENTITY = ("--certificate-identity", "https://example.com/x", "--certificate-oidc-issuer", GITHUB_ISSUER)
OTHER_ISSUER = ("--certificate-identity", DEFAULT_RUN.signer_uri, "--certificate-oidc-issuer", "https://issuer.example")
BY_KEY = ("--key", "release.pub")
VIRTUAL: tuple[tuple[str, dict[str, Any], tuple[str, ...], bool], ...] = (
    ("tag", {}, IDENTITY, True),
    ("bundle", {}, IDENTITY, True),
    ("oci11", {}, IDENTITY, True),
    ("tag", {"tsa": True}, IDENTITY, True),
    # Rekor v2 keeps envelopes as hashedrekord; cosign 3.1.3 knows no other kind of it
    ("bundle", {"log": "v2", "kind": "hashedrekord"}, IDENTITY, True),
    ("tag", {}, OTHER_IDENTITY, False),
    ("bundle", {}, OTHER_IDENTITY, False),
    ("tag", {}, OTHER_ISSUER, False),
    ("bundle", {}, OTHER_ISSUER, False),
    ("tag", {"keyed": "release"}, BY_KEY, True),
    ("bundle", {"keyed": "release"}, BY_KEY, True),
    ("tag", {"keyed": "another"}, BY_KEY, False),
    ("bundle", {"keyed": "another"}, BY_KEY, False),
    ("tag", {}, BY_KEY, False),
    ("tag", {"keyed": "release"}, IDENTITY, False),
    *(
        (form, {"tamper": tamper}, IDENTITY, False)
        for tamper in (
            Tamper.PAYLOAD,
            Tamper.SIGNATURE_BYTE,
            Tamper.SIGNATURE_OTHER_KEY,
            Tamper.CERT_OTHER_CA,
            Tamper.CERT_EXPIRED,
            Tamper.SCT_UNKNOWN_LOG,
            Tamper.SET_OTHER_LOG,
            Tamper.ENTRY_PAYLOAD,
            Tamper.ENTRY_SIGNATURE,
        )
        for form in ("tag", "bundle")
    ),
)


@pytest.mark.parametrize("kind", [None, SLSA])
@pytest.mark.parametrize("bench", ["with-referrers-api"], indirect=True)
def test_our_verdict_is_cosigns(kind: str | None, bench: Bench, ours: Callable[..., Ran]) -> None:
    """Keyless and keyed, good and bad, over what the virtual Sigstore signed."""
    (bench.folder / "root.json").write_bytes(VS.trusted_root())
    (bench.folder / "release.pub").write_bytes(pem_of(VS.managed_key("release")))
    told = []
    for number, (form, options, who, good) in enumerate(VIRTUAL):
        if kind is not None and form == "oci11":
            continue  # cosign never wrote attestations in this form
        images = VirtualImages(VS)
        digest = images.image(f"{number}")
        if kind is None:
            images.sign(digest, form, **options)
        else:
            images.attest(digest, provenance_v1([{"name": "app", "digest": {"sha256": digest[7:]}}]), form, **options)
        reference = f"{images.push(bench.host, f'virtual/{kind or SIGNED}/{number}')}@{digest}"
        root = ("--trusted-root", "root.json")
        mine = tuple(bench.folder / one if one.endswith((".pub", ".json")) else one for one in (*who, *root))
        found = ours(reference, *mine, kind=kind).code == 0
        mode = "referrers" if form == "oci11" else "bundle"
        theirs = bench.theirs(reference, *who, *root, kind=kind, mode=mode)
        told.append((form, options, who[1], good, found, theirs))
    assert [row for row in told if len(set(row[3:])) > 1] == []
