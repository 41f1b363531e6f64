"""Prints how fast slsa-assess is, each figure beside a peer's that was measured in the same run."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench_images import images

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "widget"
COLD_RUNS = 15
WARM_RUNS = 200
PIPELINE_RUNS = 5
MANY = 1_000
LARGE = 50 << 20
ARTIFACT = b"widget 1.4.2\n"
KINDS: tuple[dict[str, Any], ...] = (
    {"kind": "dsse", "log": "v1"},
    {"kind": "intoto", "log": "v1"},
    {"kind": "dsse", "log": "v2"},
    {"kind": "hashedrekord", "log": "v1"},
)
"""Rekor v1 dsse, intoto 0.0.2, Rekor v2 with a timestamp, and a signature over the artifact."""

PEER_COLD = """
import sys
from pathlib import Path
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier, policy
bundle, root = sys.argv[1:]
Verifier(trusted_root=TrustedRoot.from_file(root)).verify_dsse(
    Bundle.from_json(Path(bundle).read_bytes()), policy.UnsafeNoOp())
"""


OURS_LINES = """
import sys
from pathlib import Path
from assess.attestations.containers import read_container
from assess.trust.roots import load_trusted_root
from assess.trust.verify import verify
from assess.evidence import Digest
lines, root, digest = sys.argv[1:]
trusted = load_trusted_root(Path(root).read_bytes(), root)
artifact = (Digest("sha256", digest),)
states = [verify(one, root=trusted, artifact=artifact).signature
    for one in read_container(Path(lines).read_bytes(), lines).opened]
print(states.count("verified"))
"""
PEER_LINES = """
import logging, sys
logging.disable(logging.WARNING)
from sigstore.hashes import Hashed
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier, policy
from sigstore_models.common.v1 import HashAlgorithm
lines, root, digest = sys.argv[1:]
verifier = Verifier(trusted_root=TrustedRoot.from_file(root))
hashed = Hashed(algorithm=HashAlgorithm.SHA2_256, digest=bytes.fromhex(digest))
verified = 0
for line in open(lines, "rb"):
    bundle = Bundle.from_json(line)
    try:
        if bundle._dsse_envelope is not None:
            verifier.verify_dsse(bundle, policy.UnsafeNoOp())
        else:
            verifier.verify_artifact(hashed, bundle, policy.UnsafeNoOp())
        verified += 1
    except Exception:
        pass
print(verified)
"""


def make_lines(folder: Path) -> tuple[Path, Path]:
    """`MANY` bundles, each of another identity, one per line; and the trusted root that they hold under."""
    sys.path.insert(0, str(ROOT / "tests"))
    from virtual_sigstore import DEFAULT_RUN, VirtualSigstore, provenance_v1, subject_of

    virtual = VirtualSigstore("bench")

    def bundles() -> Iterator[dict[str, Any]]:
        for number in range(MANY):
            run = replace(DEFAULT_RUN, repository=f"example-org/widget-{number}", run_id=str(10**10 + number))
            options = KINDS[number % len(KINDS)]
            if options["kind"] == "hashedrekord":
                yield virtual.sign_blob(ARTIFACT, run=run, **options)
            else:
                statement = provenance_v1([subject_of("widget.whl", ARTIFACT)], run)
                yield virtual.sign_statement(statement, run=run, **options)

    lines, root = folder / "many.jsonl", folder / "trusted_root.json"
    lines.write_text("".join(f"{json.dumps(one, separators=(',', ':'))}\n" for one in bundles()))
    root.write_bytes(virtual.trusted_root())
    return lines, root


def many_ours(lines: list[bytes], root_file: Path, digest: str) -> tuple[int, float]:
    """How many verify, and the seconds for opening and verifying them in one process."""
    from assess.attestations.containers import read_container
    from assess.evidence import Digest
    from assess.trust.roots import load_trusted_root
    from assess.trust.verify import verify

    root = load_trusted_root(root_file.read_bytes(), str(root_file))
    data, artifact = b"\n".join(lines), (Digest("sha256", digest),)
    started = time.perf_counter()
    opened = read_container(data, "many.jsonl").opened
    states = [verify(one, root=root, artifact=artifact).signature for one in opened]
    return states.count("verified"), time.perf_counter() - started


def many_peer(lines: list[bytes], root_file: Path, digest: str) -> tuple[list[bytes], float]:
    """The lines that sigstore-python verifies, and the seconds for all that were given."""
    from sigstore.errors import Error
    from sigstore.hashes import Hashed
    from sigstore.models import Bundle, TrustedRoot
    from sigstore.verify import Verifier, policy
    from sigstore_models.common.v1 import HashAlgorithm

    verifier = Verifier(trusted_root=TrustedRoot.from_file(str(root_file)))
    hashed = Hashed(algorithm=HashAlgorithm.SHA2_256, digest=bytes.fromhex(digest))
    verified = []
    started = time.perf_counter()
    for line in lines:
        try:
            bundle = Bundle.from_json(line)
            if b'"messageSignature"' in line:
                verifier.verify_artifact(hashed, bundle, policy.UnsafeNoOp())
            else:
                verifier.verify_dsse(bundle, policy.UnsafeNoOp())
            verified.append(line)
        except Error:
            continue
    return verified, time.perf_counter() - started


PEAK = """
with open("/proc/self/status") as status:
    print(next(line.split()[1] for line in status if line.startswith("VmHWM:")))
"""
"""Of this process alone: what getrusage tells begins at the size of the process that started it."""


def peak(script: str, *arguments: str) -> tuple[int, float]:
    """How many verified in a process of its own, and its peak resident memory in MB (Linux)."""
    command = [sys.executable, "-c", script + PEAK, *arguments]
    verified, size = subprocess.run(command, check=True, capture_output=True, cwd=ROOT).stdout.split()
    return int(verified), int(size) * 1024 / 1e6


def many() -> None:
    """Many attestations of several kinds, and a large file of them: time and memory."""
    from hashlib import sha256

    digest = sha256(ARTIFACT).hexdigest()
    with tempfile.TemporaryDirectory() as name:
        file, root = make_lines(Path(name))
        lines = file.read_bytes().splitlines()
        ours, seconds = many_ours(lines, root, digest)
        print(f"{MANY} attestations opened and verified: {ours} in {seconds:.2f} s ({ours / seconds:.0f} per second)")
        # Refusing costs the peer little or much; only what both verify compares.
        common, _ = many_peer(lines, root, digest)
        (ours, seconds), (_, peer) = many_ours(common, root, digest), many_peer(common, root, digest)
        print(f"of these the {len(common)} that sigstore-python verifies: {seconds:.2f} s   "
              f"sigstore-python {peer:.2f} s   ratio {seconds / peer:.2f}")  # fmt: skip
        large, text = Path(name) / "large.jsonl", file.read_bytes()
        large.write_bytes(text * (LARGE // len(text) + 1))
        arguments = (str(large), str(root), digest)
        (ours, size), (theirs, other) = peak(OURS_LINES, *arguments), peak(PEER_LINES, *arguments)
        print(f"JSON lines of {large.stat().st_size / 1e6:.0f} MB opened and verified: {ours}, {size:.0f} MB peak   "
              f"sigstore-python, line by line: {theirs}, {other:.0f} MB peak")  # fmt: skip


OURS_PIPELINES = """
import sys
from pathlib import Path
import assess.__main__  # the settings that the command line runs with
from assess.pipelines import read_pipeline_file
for path in sorted(Path(sys.argv[1]).rglob("*.y*ml")):
    read_pipeline_file(f".github/workflows/{path.name}", path.read_bytes())
"""


def pipelines() -> None:
    """GitHub workflows of the corpus: files per second beside zizmor, and the time of each file alone."""
    corpus = Path(os.environ.get("SLSA_ASSESS_CORPUS", ROOT.parent / "shared" / "corpus"))
    files = sorted((corpus / "pipelines" / "github-actions").glob("*/.github/workflows/*"))
    zizmor = shutil.which("zizmor", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if not files:
        print(f"workflows: not measured, there is no corpus in {corpus} (SLSA_ASSESS_CORPUS)")
        return
    each_file(files)
    if zizmor is None:
        print("workflows beside zizmor: not measured, zizmor is not installed")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, path in enumerate(files):
            place = folder / str(number) / ".github" / "workflows"
            place.mkdir(parents=True)
            shutil.copy(path, place / path.name)
        peer = (zizmor, "--offline", "--no-config", "--no-exit-codes", "--quiet", "--format", "json", str(folder))
        left_out = without_fatal(peer, folder)
        own = (sys.executable, "-c", OURS_PIPELINES, str(folder))
        times = [(wall(*own), wall(*peer)) for _ in range(PIPELINE_RUNS)]
        ours, theirs = (statistics.median(column) for column in zip(*times, strict=True))
        count = len(files) - left_out
        print(f"{count} workflows, whole processes, medians of {PIPELINE_RUNS}: {ours:.2f} s ({count / ours:.0f} per "
              f"second)   zizmor --offline {theirs:.2f} s ({count / theirs:.0f} per second)   ratio {ours / theirs:.2f}"
              f"   ({left_out} left out for both, on which zizmor gives up)")  # fmt: skip


def without_fatal(peer: tuple[str, ...], folder: Path) -> int:
    """Remove the files on which the peer audits nothing at all, and say how many they are."""
    for removed in range(20):
        told = subprocess.run(peer, capture_output=True, text=True, check=False).stderr
        place = re.search(rf"file://({re.escape(str(folder))}\S+?\.ya?ml)", told) if "no audit" in told else None
        if place is None:
            return removed
        Path(place.group(1)).unlink()
    raise SystemExit("zizmor gives up on more than 20 workflows")


def each_file(files: list[Path]) -> None:
    """The best of three readings of each file: a median below 5 ms, none above 100 ms."""
    from assess.pipelines import read_pipeline_file

    times = []
    for path in files:
        data = path.read_bytes()
        best = min(seconds(lambda: read_pipeline_file(f".github/workflows/{path.name}", data)) for _ in range(3))  # noqa: B023
        times.append((best * 1000, path))
    slowest, where = max(times)
    print(f"{len(times)} workflows, each alone: median {statistics.median(one for one, _ in times):.2f} ms, slowest "
          f"{slowest:.1f} ms ({where.parent.parent.parent.name}/{where.name}), "
          f"{sum(one > 100 for one, _ in times)} above 100 ms")  # fmt: skip


def seconds(action: Callable[[], object]) -> float:
    """How long one call takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def wall(*command: str) -> float:
    """Seconds of a whole process, with bytecode compiled."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return seconds(lambda: subprocess.run(command, check=True, capture_output=True, env=environment, cwd=ROOT))


def cold(*command: str) -> float:
    """Median seconds of a fresh process, bytecode compiled."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    times = []
    for _ in range(COLD_RUNS + 2):
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, env=environment, cwd=ROOT)
        times.append(time.perf_counter() - started)
    return statistics.median(times[2:])


def warm(action: Callable[[], object]) -> float:
    """Median seconds of `action`, after it has run a few times."""
    for _ in range(5):
        action()
    times = []
    for _ in range(WARM_RUNS):
        started = time.perf_counter()
        action()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def ours_warm(bundle: Path, root_file: Path) -> Callable[[], object]:
    """Open and verify one bundle with our own core."""
    from assess.attestations.containers import read_container
    from assess.trust.roots import load_trusted_root
    from assess.trust.verify import verify

    root = load_trusted_root(root_file.read_bytes(), str(root_file))
    data = bundle.read_bytes()

    def action() -> None:
        result = verify(read_container(data, str(bundle)).opened[0], root=root)
        if result.signature != "verified":
            raise SystemExit(f"the example does not verify: {result}")

    return action


def peer_warm(bundle: Path, root_file: Path) -> Callable[[], object]:
    """The same with sigstore-python."""
    from sigstore.models import Bundle, TrustedRoot
    from sigstore.verify import Verifier, policy

    verifier = Verifier(trusted_root=TrustedRoot.from_file(str(root_file)))
    data = bundle.read_bytes()
    return lambda: verifier.verify_dsse(Bundle.from_json(data), policy.UnsafeNoOp())


def row(what: str, ours: float, peer: float, peer_name: str) -> None:
    """One line: both figures and their ratio."""
    print(f"{what:<44} {ours * 1000:8.2f} ms   {peer_name} {peer * 1000:8.2f} ms   ratio {ours / peer:5.2f}")


def main() -> None:
    """Run everything and print it."""
    logging.disable(logging.WARNING)  # the peer warns of the policy that takes any signer, at every call
    bundle = next(EXAMPLE.glob("dist/*.sigstore.json"))
    root = EXAMPLE / "trusted_root.json"
    python = sys.executable
    version = sys.version.split()[0]
    print(f"Python {version}, {os.cpu_count()} cores, medians of {COLD_RUNS} cold and {WARM_RUNS} warm runs")
    peer = cold(python, "-c", PEER_COLD, str(bundle), str(root))
    row("check of the example, cold (level, gate)", cold(python, "-m", "assess", "check", str(EXAMPLE)), peer,
        "sigstore-python, verify only, cold")  # fmt: skip
    row("verify of the example's bundle, cold",
        cold(python, "-m", "assess", "verify", str(bundle), "--trusted-root", str(root)), peer,
        "sigstore-python, verify only, cold")  # fmt: skip
    row("open and verify one bundle, warm", warm(ours_warm(bundle, root)), warm(peer_warm(bundle, root)),
        "sigstore-python, warm")  # fmt: skip
    many()
    images()
    pipelines()


if __name__ == "__main__":
    main()
