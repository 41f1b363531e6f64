"""What all tests share: where the corpus is, and running the command line in this process."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from assess.pipelines import PipelinesRead

ROOT = Path(__file__).resolve().parent.parent
CORPUS = Path(os.environ.get("SLSA_ASSESS_CORPUS") or ROOT.parent / "shared" / "corpus")


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real attestations and pipelines; skips, visibly, where it is absent."""
    if not CORPUS.is_dir():
        pytest.skip("no corpus here: set SLSA_ASSESS_CORPUS to its folder")
    return CORPUS


@pytest.fixture(scope="session")
def reading() -> Callable[[Path], PipelinesRead]:
    """The pipelines of a folder that no test changes, read once for all tests."""
    from assess.pipelines import read_pipelines

    return functools.cache(read_pipelines)


@dataclass(frozen=True)
class Ran:
    """How one command ended."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def run() -> Callable[..., Ran]:
    """`run("check", ...)` runs the real entry point in this process, with standard streams captured."""
    from assess.cli import main

    def call(*arguments: str | Path, stdin: bytes = b"", cwd: Path | None = None) -> Ran:
        out, err = io.StringIO(), io.StringIO()
        argv, before, stdin_before = sys.argv, Path.cwd(), sys.stdin
        sys.argv = ["slsa-assess", *map(str, arguments)]
        sys.stdin = io.TextIOWrapper(io.BytesIO(stdin))
        try:
            if cwd is not None:
                os.chdir(cwd)
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                main()
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
        finally:
            sys.argv, sys.stdin = argv, stdin_before
            os.chdir(before)
        return Ran(code, out.getvalue(), err.getvalue())

    return call


@pytest.fixture
def nobodys_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No credentials and no proxies of whoever runs the tests."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
