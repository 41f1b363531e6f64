"""How fast many images are checked, each with a signature and an attestation, beside cosign on the same registry."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
IMAGES = 200
WORKERS = 8

OWN_REGISTRY = """
import sys, time
sys.path.insert(0, sys.argv[1])
from registry_server import serving
with serving(api=False) as server:
    print(server.host, flush=True)
    time.sleep(3600)
"""
OURS = """
import sys
sys.argv = ["slsa-assess", *sys.argv[1:]]
from assess.cli import main
try:
    main()
finally:
    with open("/proc/self/status") as status:
        print(next(line.split()[1] for line in status if line.startswith("VmHWM:")), file=sys.stderr)
"""


def program(name: str) -> str | None:
    """A peer that `make peers` built, or one on the PATH."""
    return shutil.which(name, path=f"{ROOT / '.peers' / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}")


@contextmanager
def registry(folder: Path) -> Iterator[tuple[str, str]]:
    """(host, name) of a registry in a process of its own."""
    crane = program("crane")
    if crane is None:
        command, name = [sys.executable, "-c", OWN_REGISTRY, str(ROOT / "tests")], "the tests' own"
    else:
        sys.path.insert(0, str(ROOT / "tests"))
        from registry_peers import crane_registry

        with crane_registry(folder) as host:
            yield host, "crane registry serve"
        return
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip(), name
    finally:
        process.terminate()
        process.wait()


def images() -> None:
    """200 images on loopback: ours in one run, cosign one process an image, as many at a time."""
    sys.path.insert(0, str(ROOT / "tests"))
    from virtual_images import VirtualImages
    from virtual_sigstore import DEFAULT_RUN, GITHUB_ISSUER, VirtualSigstore, provenance_v1

    sigstore = VirtualSigstore()
    who = ("--certificate-identity", DEFAULT_RUN.signer_uri, "--certificate-oidc-issuer", GITHUB_ISSUER)
    with tempfile.TemporaryDirectory() as name, registry(Path(name) / "registry") as (host, kind):
        folder, references = Path(name), []
        (folder / "root.json").write_bytes(sigstore.trusted_root())
        for number in range(IMAGES):
            one = VirtualImages(sigstore)
            digest = one.image(f"image {number}")
            one.sign(digest, "bundle")
            subject = {"name": "app", "digest": {"sha256": digest.removeprefix("sha256:")}}
            one.attest(digest, provenance_v1([subject]), "bundle")
            references.append(f"{one.push(host, f'many/{number}')}@{digest}")
        (folder / "images").write_text("\n".join(references))
        root = ("--trusted-root", str(folder / "root.json"))
        given = ("image", "-q", "--images-from", str(folder / "images"), "--plain-http", host, *who, *root)
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", OURS, *given], check=False, capture_output=True, text=True, cwd=ROOT
        )
        seconds, peak = time.perf_counter() - started, int(done.stderr.split()[-1]) * 1024 / 1e6
        if done.returncode != 0:
            raise SystemExit(f"the images do not verify: {done.stderr}")
        print(f"{IMAGES} images of {kind}, signature and attestation each: {seconds:.2f} s, {peak:.0f} MB peak", end="")
        cosign = program("cosign")
        if cosign is None:
            print("   (cosign is not here: make peers)")
            return
        command = [cosign, "verify", *who, *root]
        environment = {**os.environ, "HOME": name}

        def theirs(reference: str) -> None:
            subprocess.run([*command, reference], check=True, capture_output=True, env=environment)

        started = time.perf_counter()
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(theirs, references))
        peer = time.perf_counter() - started
        print(f"   cosign verify, signatures alone, {WORKERS} at a time: {peer:.2f} s   ratio {seconds / peer:.2f}")


if __name__ == "__main__":
    images()
