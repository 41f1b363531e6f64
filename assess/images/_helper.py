"""Credential helpers (`docker-credential-NAME get`): the only programs that this tool ever runs.

The user's own configuration names them. The name is checked, no shell takes part, what is written and read is bounded,
and one that does not end in time is ended. What it says goes into no message: it may hold the credential.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from assess.attestations._json import Limits, parsed_or_none
from assess.http import Secret

TIMEOUT = 20.0
"""Seconds; some ask a cloud."""
MAX_ANSWER = 64 << 10
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_NOT_FOUND = b"credentials not found"
_ANSWER = Limits(MAX_ANSWER, 4, 100)


@dataclass(frozen=True, slots=True)
class HelperAnswer:
    """What a helper gave; `secret` None where it has nothing, with `note` where something went wrong."""

    username: str = ""
    secret: Secret | None = None
    note: str | None = None


def ask_helper(name: str, server: str) -> HelperAnswer:
    """The credential that helper `name` keeps for `server`; never raises, for many images need none."""
    from shutil import which

    if not _NAME.fullmatch(name):
        return HelperAnswer(note="a credential helper's name that is refused")
    program = which(f"docker-credential-{name}")
    if program is None:
        return HelperAnswer(note=f"the credential helper docker-credential-{name} is not installed")
    ended, output = _run(program, server)
    if ended is None:
        return HelperAnswer(note=f"the credential helper docker-credential-{name} did not end properly")
    if ended != 0:
        silent = _NOT_FOUND in output.lower()
        return HelperAnswer(note=None if silent else f"the credential helper docker-credential-{name} failed ({ended})")
    value = parsed_or_none(output)
    if isinstance(value, dict):
        username, secret = value.get("Username"), value.get("Secret")
        if isinstance(username, str) and isinstance(secret, str) and secret:
            return HelperAnswer(username, Secret(secret))
    return HelperAnswer(note=f"the credential helper docker-credential-{name} gave no credential")


def _run(program: str, server: str) -> tuple[int | None, bytes]:
    """Exit status (None: ended by us, or never started) and standard output, at most `MAX_ANSWER` bytes."""
    import os
    import signal
    import subprocess
    import threading

    try:
        process = subprocess.Popen(  # noqa: S603  (3: the user's own configuration names it)
            [program, "get"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
    except OSError:
        return None, b""
    ours = threading.Event()

    def end() -> None:
        ours.set()
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except OSError:
            process.kill()

    timer = threading.Timer(TIMEOUT, end)
    timer.start()
    try:
        with process:
            if process.stdin and process.stdout:
                try:
                    process.stdin.write(server.encode())
                    process.stdin.close()
                except OSError:
                    pass  # one that does not read may still answer
                output = process.stdout.read(MAX_ANSWER + 1)
                if len(output) > MAX_ANSWER:
                    end()
    finally:
        timer.cancel()
    return (None if ours.is_set() else process.returncode), output[:MAX_ANSWER]
