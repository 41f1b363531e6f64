"""The command `image`: its words, exit codes, many images, workloads, and what a careless or hostile user gives it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import registry_server
from conftest import Ran
from virtual_images import VirtualImages
from virtual_keys import pem_of
from virtual_sigstore import DEFAULT_RUN, GITHUB_ISSUER, VirtualSigstore, provenance_v1

VS = VirtualSigstore()
WHO = ("--certificate-identity", DEFAULT_RUN.signer_uri, "--certificate-oidc-issuer", GITHUB_ISSUER)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with the trusted root and two public keys."""
    (tmp_path / "root.json").write_bytes(VS.trusted_root())
    for name in ("release", "another"):
        (tmp_path / f"{name}.pub").write_bytes(pem_of(VS.managed_key(name)))
    return tmp_path


@pytest.fixture(scope="module", params=[True, False], ids=["api", "fallback"])
def host(request: pytest.FixtureRequest) -> Iterator[str]:
    with registry_server.serving(api=request.param) as server:
        yield server.host


def signed(form: str = "tag", **options: Any) -> VirtualImages:
    images = VirtualImages(VS)
    images.sign(images.image(), form, **options)
    return images


def test_a_signed_image_in_cosigns_terms(files: Path, run: Callable[..., Ran]) -> None:
    images = signed()
    digest = images.tags["v1"]
    layout = images.write_layout(files / "layout")
    ran = run("image", f"oci:{layout}", *WHO, "--trusted-root", files / "root.json")
    assert ran.code == 0
    for words in (
        f"  image {digest}",
        f"    signed by {DEFAULT_RUN.signer_uri} (issuer {GITHUB_ISSUER})",
        "    verified    claims validated: the payload names this image's digest",
        "    verified    signature verified: ",
        "    verified    transparency log entry verified offline: ",
        "    verified    certificate chain verified: trusted time: ",
        "    verified    identity: ",
        "    proves who signed this image; a signature is not provenance, and carries no SLSA level",
    ):
        assert words in ran.out
    assert ran.err.startswith(f"VERIFIED: oci:{layout}@{digest}: signed by {DEFAULT_RUN.signer_uri}")


def test_json_holds_every_check(files: Path, run: Callable[..., Ran]) -> None:
    layout = signed("bundle").write_layout(files / "layout")
    ran = run("image", f"oci:{layout}", *WHO, "--trusted-root", files / "root.json", "-f", "json")
    (told,) = json.loads(ran.out)
    (one,) = told["attached"]
    assert (told["verdict"], told["kind"], told["by_tag"], one["holds"]) == ("verified", "image", False, True)
    assert one["predicate_type"] == "https://sigstore.dev/cosign/sign/v1"
    assert {check["name"] for check in one["checks"]} >= {
        "open", "signature", "time", "chain", "sct", "promise", "inclusion", "binding", "signer", "identity", "subject",
    }  # fmt: skip
    assert one["signer"]["issuer"] == GITHUB_ISSUER


def test_nobody_was_named(files: Path, run: Callable[..., Ran]) -> None:
    layout = signed().write_layout(files / "layout")
    ran = run("image", f"oci:{layout}", "--trusted-root", files / "root.json")
    assert ran.code == 1
    assert "NOT DECIDED" in ran.err
    assert f"signed by {DEFAULT_RUN.signer_uri}" in ran.err
    assert "nobody was expected" in ran.err
    flags = f"--certificate-identity {DEFAULT_RUN.signer_uri} --certificate-oidc-issuer {GITHUB_ISSUER}"
    assert f"hint: name whom you expect, with --key or as in {flags}" in ran.err


def test_a_key_that_was_not_given(files: Path, run: Callable[..., Ran]) -> None:
    layout = signed(keyed="release", log=None).write_layout(files / "layout")
    ran = run("image", f"oci:{layout}")
    assert (ran.code, "signed with a key that was not given" in ran.err) == (1, True)


def test_verbose_shows_each_step(files: Path, run: Callable[..., Ran]) -> None:
    layout = signed().write_layout(files / "layout")
    ran = run("image", f"oci:{layout}", *WHO, "--trusted-root", files / "root.json", "-v")
    assert "    verified     2 signature   the signature holds under the certificate's key" in ran.out


@pytest.mark.parametrize("form", ["tag", "oci11", "bundle"])
def test_a_registry_with_and_without_the_referrers_api(
    form: str, host: str, files: Path, run: Callable[..., Ran]
) -> None:
    name = signed(form, keyed="release", log=None).push(host, f"forms/{form}")
    good = run("image", f"{name}:v1", "--plain-http", host, "--key", files / "release.pub")
    assert (good.code, "named by a tag" in good.out) == (0, True)
    assert run("image", f"{name}:v1", "--plain-http", host, "--key", files / "another.pub").code == 1


def workload(name: str, image: str) -> str:
    return (
        f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: shop}}\n"
        f"spec: {{template: {{spec: {{containers: [{{name: app, image: '{image}'}}]}}}}}}\n---\n"
    )


def test_workloads(host: str, files: Path, run: Callable[..., Ran]) -> None:
    good = signed(keyed="release", log=None).push(host, "shop/good")
    bad = VirtualImages(VS)
    bad.image()
    bare = f"{bad.push(host, 'shop/bare')}@{bad.tags['v1']}"
    text = workload("web", f"{good}:v1") + workload("web2", f"{good}:v1") + workload("old", bare)
    (files / "k8s.yaml").write_text(text)
    options = ("--plain-http", host, "--key", files / "release.pub")
    ran = run("image", "-k8s", files / "k8s.yaml", *options)
    assert ran.code == 1
    tail = ran.out[ran.out.index("Workloads") :]
    assert tail.splitlines() == [
        "Workloads",
        f"  Deployment shop/web ({files / 'k8s.yaml'}:1)",
        f"    VERIFIED    app: {good}:v1, by tag",
        f"  Deployment shop/web2 ({files / 'k8s.yaml'}:6)",
        f"    VERIFIED    app: {good}:v1, by tag",
        f"  Deployment shop/old ({files / 'k8s.yaml'}:11)",
        f"    FAILED      app: {bare}",
    ]
    # checked once though run twice
    assert ran.out.count(f"\n{good}:v1\n") + ran.out.startswith(f"{good}:v1\n") == 1
    assert ran.err == "FAILED: 1 of 2 images verified; 1 failed; 1 named by tag\n"
    rows = json.loads(run("image", "--k8s", "-", *options, "-f", "json", stdin=text.encode()).out)
    assert [[use["workload"] for use in row["used_by"]] for row in rows] == [
        ["Deployment shop/web", "Deployment shop/web2"],
        ["Deployment shop/old"],
    ]


def test_a_manifest_that_cannot_be_read_is_no_pass(host: str, files: Path, run: Callable[..., Ran]) -> None:
    good = signed(keyed="release", log=None).push(host, "helm/good")
    (files / "chart").mkdir()
    (files / "chart" / "a.yaml").write_text(workload("web", f"{good}:v1"))
    (files / "chart" / "b.yaml").write_text("kind: {{ .Values.kind }}\n{{- end }}\n")
    ran = run("image", "-k8s", files / "chart", "--plain-http", host, "--key", files / "release.pub")
    assert (ran.code, "unreadable: " in ran.out, "render it first" in ran.out) == (1, True, True)
    assert "1 place(s) of the manifests could not be read" in ran.err


def test_many_images_of_a_list(host: str, files: Path, run: Callable[..., Ran]) -> None:
    names = [f"{signed(keyed='release', log=None).push(host, f'list/{number}')}:v1" for number in range(5)]
    names.insert(2, f"{host}/list/nowhere:v1")
    (files / "images").write_text("# deployed\n" + "\n".join([*names, names[0]]) + "\n")
    options = ("--plain-http", host, "--key", files / "release.pub")
    first = run("image", "--images-from", files / "images", *options)
    assert [line for line in first.out.splitlines() if line.startswith(host)] == names
    assert (first.code, first.err) == (66, "FAILED: 5 of 6 images verified; 1 could not be checked; 5 named by tag\n")
    again = run("image", "--images-from", "-", *options, stdin="\n".join(names).encode())
    assert again.out == first.out
    quiet = run("image", "-q", "--images-from", files / "images", *options)
    assert (quiet.out, quiet.err) == ("", "")


MISTAKES: tuple[tuple[tuple[str, ...], int, str], ...] = (
    ((), 2, "no image was named"),
    (("oci:x", "-f", "yaml"), 2, "no such format"),
    (("oci:x", "--certificate-oidc-issuer", "https://a"), 2, "give --certificate-identity too"),
    (("oci:x", "--key", "release.pub", "--certificate-identity", "x"), 2, "give one of them"),
    (("oci:x", "-a", "prod"), 2, "--annotations takes KEY=VALUE"),
    (("oci:x", "--type", "slsa"), 2, "--type takes one of"),
    (("oci:x", "--type", "spdx", "-a", "a=b"), 2, "--annotations goes with signatures"),
    (("oci:x", "--plain-http", "http://host"), 2, "--plain-http takes a host"),
    (("oci:x", "--mirror", "docker.io"), 2, "--mirror takes HOST=MIRROR"),
    (("oci:x", "--certificate-identity-regexp", "("), 2, "is no pattern"),
    (("--images-from", "-", "-k8s", "-"), 2, "standard input can be read once"),
    (("oci:x", "--key", "nowhere.pub"), 66, "nowhere.pub"),
    (("oci:x", "--key", "root.json"), 78, "not a PEM public key"),
    (("oci:nowhere",), 66, "nowhere"),
    (("http://registry.example/app",), 65, "an address, not a name"),
    (("registry.example/app@sha256:12",), 65, "is no digest"),
    (("registry.example/app:v1", "--offline"), 69, "--offline forbids"),
    (("-k8s", "nowhere"), 66, "nowhere"),
    (("--images-from", "root.json.gz"), 66, "root.json.gz"),
)


@pytest.mark.parametrize(("arguments", "code", "message"), MISTAKES)
def test_mistakes(arguments: tuple[str, ...], code: int, message: str, files: Path, run: Callable[..., Ran]) -> None:
    ran = run("image", *arguments, cwd=files)
    assert (ran.code, message in ran.err) == (code, True), ran.err
    assert ran.err.startswith("error: ")


def test_hostile_texts_steer_no_terminal(files: Path, run: Callable[..., Ran]) -> None:
    images = VirtualImages(VS)
    digest = images.image()
    images.sign(digest, payload=images.payload(digest, reference="\x1b[2J\u202eevil"), keyed="release", log=None)
    images.attest(
        digest, provenance_v1([]) | {"predicateType": "https://x/\x1b]0;owned\x07"}, keyed="release", log=None
    )
    images.refer(digest, "application/vnd.x\x1b[31m", [images.blob(b"", "text/x\x1b[31m")])
    layout = images.write_layout(files / "layout")
    ran = run("image", f"oci:{layout}", "--key", files / "release.pub")
    assert not any(one in ran.out + ran.err for one in ("\x1b", "\x07", "\u202e"))


def test_unreadable_things_are_told(files: Path, run: Callable[..., Ran]) -> None:
    images = signed(keyed="release", log=None)
    kind = "application/vnd.dev.sigstore.bundle.v0.3+json"
    images.refer(images.tags["v1"], kind, [images.blob(b"<html>", kind)])
    ran = run("image", f"oci:{images.write_layout(files / 'layout')}", "--key", files / "release.pub")
    assert (ran.code, "  unreadable: oci:" in ran.out) == (0, True)


def test_a_progress_bar_on_a_terminal_only(host: str, files: Path) -> None:
    """On a terminal it is drawn, and gone at the end; the results are the same bytes as without."""
    import os
    import pty
    import subprocess
    import sys

    names = [f"{signed(keyed='release', log=None).push(host, f'bar/{number}')}:v1" for number in range(3)]
    command = [
        sys.executable,
        "-m",
        "assess",
        "image",
        *names,
        "--plain-http",
        host,
        "--key",
        str(files / "release.pub"),
    ]
    environment = {**os.environ, "TERM": "xterm", "PYTHONPATH": str(Path(__file__).parents[2])}
    plain = subprocess.run(command, capture_output=True, check=True, cwd=files, env=environment)
    ours, theirs = pty.openpty()
    shown = subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs, check=True, cwd=files, env=environment)
    os.close(theirs)
    drawn = os.read(ours, 65536).decode()
    os.close(ours)
    assert b"images\r" not in plain.stderr
    assert b"[#" not in plain.stderr
    assert "[##########....................] 1/3 images" in drawn
    assert "[##############################] 3/3 images\r\x1b[K" in drawn
    assert shown.stdout == plain.stdout
