"""Real registries and clients for the tests, where they can be had: started on a free port of loopback, and stopped.

`make peers` builds crane and cosign into `.peers/bin`; Debian's package is docker-registry. What is absent skips.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PEERS = Path(__file__).resolve().parent.parent / ".peers" / "bin"


def program(name: str) -> str | None:
    """Where a peer is: in `.peers/bin`, else on the PATH."""
    return shutil.which(name, path=f"{PEERS}{os.pathsep}{os.environ.get('PATH', '')}")


def needed(name: str) -> str:
    """The same; skips, visibly, where it is absent."""
    found = program(name)
    if found is None:
        how = "install Debian's docker-registry" if name == "docker-registry" else "make peers (needs go)"
        pytest.skip(f"no {name} here: {how}")
    return found


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@contextmanager
def crane_registry(folder: Path) -> Iterator[str]:
    """`crane registry serve`, which has the referrers API; gives its host."""
    host = f"127.0.0.1:{free_port()}"
    (folder / "blobs").mkdir(parents=True, exist_ok=True)
    arguments = [needed("crane"), "registry", "serve", "--address", host, "--disk", str(folder / "blobs")]
    with _running(arguments, folder, host):
        yield host


@contextmanager
def docker_registry(folder: Path) -> Iterator[str]:
    """Debian's docker-registry, which has no referrers API; gives its host."""
    host = f"127.0.0.1:{free_port()}"
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "config.yml"
    config.write_text(
        "version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n"
        f"storage: {{filesystem: {{rootdirectory: '{folder}/store'}}, delete: {{enabled: true}}}}\n"
        f"http: {{addr: '{host}'}}\n"
    )
    with _running([needed("docker-registry"), "serve", str(config)], folder, host):
        yield host


@contextmanager
def _running(arguments: list[str], folder: Path, host: str) -> Iterator[None]:
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(arguments, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        _wait(process, host, folder / "log")
        yield
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], host: str, log: Path) -> None:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            with direct.open(f"http://{host}/v2/", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            if process.poll() is not None:
                break
            time.sleep(0.05)
    raise AssertionError(f"the registry did not start: {log.read_text(errors='replace')[-2000:]}")
