"""Fuzzes the openers, the loaders and the verifier; what leaves a reader and is none of `assess.errors` is a finding.

    python scripts/fuzz.py [--target NAME ...] [--seconds N] [--seed N] [--findings FOLDER]

Guided by coverage where atheris is installed (`pip install atheris`); else, or with `--plain`, by its own mutations
alone, the same ones for the same seed. Inputs that make a finding are saved, each kind of finding once.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib.util
import os
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path
from random import Random
from types import FrameType

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

HANG = 10
"""Seconds after which an input hangs."""
SLOW = 2.0
"""Seconds from which an input is too slow."""


class HangError(BaseException):
    """An input took longer than HANG; no `except Exception` may swallow it."""


class Session:
    """One target while it is being fuzzed."""

    def __init__(self, name: str, seconds: float, folder: Path) -> None:
        import fuzz_targets

        self.name, self.folder, self.seconds = name, folder, seconds
        self.target = fuzz_targets.TARGETS[name]
        self.seeds = self.target.seeds()
        self.tried = self.read = 0
        self.slowest = 0.0
        self.found: dict[str, str] = {}
        self.started = time.monotonic()
        signal.signal(signal.SIGALRM, _hang)

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() - self.started >= self.seconds

    def attempt(self, data: bytes) -> None:
        """One input; findings are saved, never raised."""
        self.tried += 1
        began = time.monotonic()
        signal.alarm(HANG)
        try:
            self.read += self.target.run(data)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a panic of a Rust library is no Exception
            self._finding(_kind(error), data)
        finally:
            signal.alarm(0)
        took = time.monotonic() - began
        self.slowest = max(self.slowest, took)
        if took > SLOW:
            self._finding(f"slow ({took:.1f} s)", data, key="slow")

    def _finding(self, kind: str, data: bytes, key: str | None = None) -> None:
        key = key or kind
        if key in self.found:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{self.name}-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
        path.write_bytes(data)
        self.found[key] = f"{kind}\n    {path}"
        print(f"FINDING {self.name}: {self.found[key]}", flush=True)

    def summary(self, how: str) -> None:
        """One line of what was done."""
        seconds = time.monotonic() - self.started
        print(
            f"{self.name}: {how}, {len(self.seeds)} seeds, {self.tried} inputs ({self.read} read) in {seconds:.0f} s, "
            f"slowest {self.slowest * 1000:.0f} ms, {len(self.found)} findings",
            flush=True,
        )


def _hang(_number: int, _frame: FrameType | None) -> None:
    raise HangError(f"no end after {HANG} s")


def _kind(error: BaseException) -> str:
    """Type and place: the last of our own lines, so that one fault is one finding."""
    frames = [one for one in traceback.extract_tb(error.__traceback__) if "/assess/" in one.filename]
    where = f" at {frames[-1].filename.rpartition('/assess/')[2]}:{frames[-1].lineno}" if frames else ""
    message = f" ({error})" if type(error).__name__ == "BrokenError" else ""
    return f"{type(error).__name__}{where}{message}"


def plain(session: Session, seed: int) -> None:
    """Mutations by a seeded generator; inputs that were read join the pool that is mutated."""
    from fuzz_mutators import mutate

    random = Random(f"{session.name}/{seed}")
    pool = list(session.seeds)
    for data in session.seeds:
        session.attempt(data)
    while not session.over:
        data = mutate(random.choice(pool), session.seeds, random)
        before = session.read
        session.attempt(data)
        if session.read > before and len(pool) < 2_000 and random.random() < 0.05:
            pool.append(data)
    session.summary("own mutations")


def guided(name: str, seconds: float, seed: int, folder: Path) -> None:
    """Atheris, with our mutations for half of the inputs and libFuzzer's for the others. Does not return."""
    import atheris

    with atheris.instrument_imports(include=["assess"]):
        session = Session(name, seconds, folder)
        for data in session.seeds:
            session.attempt(data)
    from fuzz_mutators import mutate

    corpus = folder / f"corpus-{name}"
    corpus.mkdir(parents=True, exist_ok=True)
    for data in session.seeds:
        (corpus / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)

    def once(data: bytes) -> None:
        if session.over:
            session.summary("atheris")
            sys.stdout.flush()
            os._exit(1 if session.found else 0)
        session.attempt(data)

    def mutated(data: bytes, size: int, number: int) -> bytes:
        random = Random(number)
        return mutate(data, session.seeds, random)[:size] if random.random() < 0.5 else atheris.Mutate(data, size)

    session.started = time.monotonic()
    options = [f"-seed={seed or 1}", "-max_len=262144", "-rss_limit_mb=4096", "-timeout=60", "-verbosity=0"]
    atheris.Setup([sys.argv[0], str(corpus), *options], once, custom_mutator=mutated)
    atheris.Fuzz()


def main() -> int:
    """Every target in turn; 1 where there was a finding."""
    from fuzz_targets import TARGETS

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--target", action="append", choices=list(TARGETS), help="what to fuzz (default: each in turn)")
    parser.add_argument("--seconds", type=float, default=60, help="per target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--findings", type=Path, default=ROOT / "fuzz-findings", help="folder for what was found")
    parser.add_argument("--plain", action="store_true", help="without atheris, though it may be installed")
    asked = parser.parse_args()
    names = asked.target or list(TARGETS)
    if asked.plain or importlib.util.find_spec("atheris") is None:
        failed = False
        for name in names:
            session = Session(name, asked.seconds, asked.findings)
            with contextlib.suppress(KeyboardInterrupt):
                plain(session, asked.seed)
            failed |= bool(session.found)
        return int(failed)
    if len(names) == 1 and asked.target:
        guided(names[0], asked.seconds, asked.seed, asked.findings)
    # LibFuzzer ends its process, so each target has its own.
    own = [sys.executable, __file__, "--seconds", str(asked.seconds), "--seed", str(asked.seed)]
    runs = [subprocess.run([*own, "--findings", asked.findings, "--target", name], check=False) for name in names]
    return int(any(run.returncode for run in runs))


if __name__ == "__main__":
    sys.exit(main())
