"""Prints how fast slsa-assess is, each figure beside a peer's that was measured in the same run."""

from __future__ import annotations

import logging
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "widget"
COLD_RUNS = 15
WARM_RUNS = 200

PEER_COLD = """
import sys
from pathlib import Path
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier, policy
bundle, root = sys.argv[1:]
Verifier(trusted_root=TrustedRoot.from_file(root)).verify_dsse(
    Bundle.from_json(Path(bundle).read_bytes()), policy.UnsafeNoOp())
"""


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

    logging.disable(logging.WARNING)  # it warns of the policy that takes any signer, at every call
    verifier = Verifier(trusted_root=TrustedRoot.from_file(str(root_file)))
    data = bundle.read_bytes()
    return lambda: verifier.verify_dsse(Bundle.from_json(data), policy.UnsafeNoOp())


def row(what: str, ours: float, peer: float, peer_name: str) -> None:
    """One line: both figures and their ratio."""
    print(f"{what:<44} {ours * 1000:8.2f} ms   {peer_name} {peer * 1000:8.2f} ms   ratio {ours / peer:5.2f}")


def main() -> None:
    """Run everything and print it."""
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


if __name__ == "__main__":
    main()
