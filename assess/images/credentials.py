"""What logs in to a registry, found where docker and podman keep it; looked for only when a registry asks.

1. files, first with an entry wins: the one that the user named (then no other), `$REGISTRY_AUTH_FILE`,
   `$DOCKER_CONFIG/config.json` or `~/.docker/config.json`, `$XDG_RUNTIME_DIR/containers/auth.json`,
   `~/.config/containers/auth.json`
2. in a file, the longest key that the repository begins with (containers-auth.json(5)); a helper before what is stored
3. a helper is the only program that is ever run: named by the user's own file, found on the PATH, no shell, bounded
4. nothing of a credential stands in a message: a file that cannot be read is told by its place alone
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from assess.attestations._json import JSON, Node, decode_base64, read_json
from assess.errors import ConfigError, InputError, NoInputError
from assess.files import OWN_LIMIT, read_file
from assess.http import Secret
from assess.images._helper import HelperAnswer, ask_helper
from assess.images.reference import DOCKER_HUB

_HUB_KEY = "https://index.docker.io/v1/"
"""Under which docker has always kept Docker Hub's."""
_HUB_NAMES = (DOCKER_HUB, "index.docker.io", "registry-1.docker.io")
_TOKEN_USER = "<token>"  # noqa: S105  (what a helper says in place of a user's name)


@dataclass(frozen=True, slots=True)
class Credential:
    """`password`: for a user; `identity`: to be exchanged for tokens; `bearer`: a token already."""

    kind: Literal["password", "identity", "bearer"]
    secret: Secret
    username: str = ""
    source: str = ""
    """The file that it is from."""


@dataclass(frozen=True, slots=True)
class Found:
    """The credential, None where there is none; `note` tells what went wrong on the way."""

    credential: Credential | None = None
    note: str | None = None


class Credentials:
    """Looks up and remembers; safe to share between threads."""

    def __init__(self, auth_file: Path | None = None, environment: Mapping[str, str] | None = None) -> None:
        """Raises ConfigError where the user named a file that is not there."""
        if auth_file is not None and not os.path.isfile(auth_file):  # noqa: PTH113  (says False where Path's raises)
            raise ConfigError("there is no such file with credentials", str(auth_file), "check --auth-file")
        self._environment = os.environ if environment is None else environment
        self._named = auth_file
        self._known: dict[tuple[str, str], Found] = {}
        self._helped: dict[tuple[str, str], HelperAnswer] = {}
        self._lock = threading.Lock()

    def of(self, host: str, repository: str) -> Found:
        """For a registry's host (`docker.io` for Docker Hub) and a repository.

        Raises ConfigError where a file of the user's cannot be read.
        """
        with self._lock:
            if (host, repository) not in self._known:
                self._known[host, repository] = self._look_up(host, repository)
            return self._known[host, repository]

    def _look_up(self, host: str, repository: str) -> Found:
        note = None
        for path in self._files():
            found = self._in_file(path, host, repository)
            if found.credential is not None:
                return found
            note = note or found.note
        return Found(None, note)

    def _files(self) -> Iterator[Path]:
        # (1)
        if self._named is not None:
            yield self._named
            return
        get = self._environment.get
        home = Path(get("HOME") or "~").expanduser()
        config = Path(get("XDG_CONFIG_HOME") or home / ".config")
        docker = Path(get("DOCKER_CONFIG") or home / ".docker")
        paths = [get("REGISTRY_AUTH_FILE"), docker / "config.json"]
        if runtime := get("XDG_RUNTIME_DIR"):
            paths.append(Path(runtime) / "containers" / "auth.json")
        for path in (*paths, config / "containers" / "auth.json"):
            if path and os.path.isfile(path):  # noqa: PTH113
                yield Path(path)

    def _in_file(self, path: Path, host: str, repository: str) -> Found:
        place = str(path)
        try:
            node = Node(read_json(read_file(path, OWN_LIMIT, "file with credentials"), place), place)
            node.members()
            auths, helpers = node.object("auths"), node.object("credHelpers")
            every = node.string("credsStore")
            for key in helpers.members():
                helpers.string(key)
            for key in auths.members():
                auths.object(key)
        except (InputError, NoInputError) as unreadable:
            problem = unreadable
        else:
            return self._in_entries(auths, helpers, every, host, repository, place)
        raise ConfigError(problem.message, problem.place, "registries' credentials are read from it")

    def _in_entries(self, auths: Node, helpers: Node, every: str, host: str, repository: str, place: str) -> Found:
        # (2)
        note = None
        for key in _keys(host, repository):
            for name in _spelled(helpers.members(), key):
                answer = self._ask(helpers.string(name), name)
                if answer.secret is not None:
                    return Found(_from_helper(answer.username, answer.secret, place))
                note = note or answer.note
        if every:
            answer = self._ask(every, _HUB_KEY if host == DOCKER_HUB else host)
            if answer.secret is not None:
                return Found(_from_helper(answer.username, answer.secret, place))
            note = note or answer.note
        for key in _keys(host, repository):
            for name in _spelled(auths.members(), key):
                credential = _stored(auths.get(name), place)
                if credential is not None:
                    return Found(credential)
        return Found(None, note)

    def _ask(self, name: str, server: str) -> HelperAnswer:
        if (name, server) not in self._helped:
            self._helped[name, server] = ask_helper(name, server)
        return self._helped[name, server]


def _keys(host: str, repository: str) -> tuple[str, ...]:
    """`host/team/app`, `host/team`, `host`, for each name of the host."""
    parts = repository.split("/")
    paths = ["/".join(parts[:count]) for count in range(len(parts), 0, -1)]
    hosts = _HUB_NAMES if host == DOCKER_HUB else (host,)
    return (*(f"{one}/{path}" for path in paths for one in hosts), *hosts)


def _spelled(members: dict[str, JSON], key: str) -> tuple[str, ...]:
    """The keys of a file that mean `key`: docker also writes addresses (`https://index.docker.io/v1/`)."""
    return tuple(name for name in members if re.sub(r"/(v[12]/?)?\Z", "", re.sub(r"\Ahttps?://", "", name)) == key)


def _from_helper(username: str, secret: Secret, place: str) -> Credential:
    kind: Literal["identity", "password"] = "identity" if username == _TOKEN_USER else "password"
    return Credential(kind, secret, "" if kind == "identity" else username, place)


def _stored(entry: Node, place: str) -> Credential | None:
    """What an entry of `auths` holds; None for an empty one."""
    # (4) by hand: the JSON cursor's messages show values
    fields = entry.value if isinstance(entry.value, dict) else {}
    texts = {key: value for key, value in fields.items() if isinstance(value, str) and value}
    if "identitytoken" in texts:
        return Credential("identity", Secret(texts["identitytoken"]), source=place)
    if "registrytoken" in texts:
        return Credential("bearer", Secret(texts["registrytoken"]), source=place)
    if "auth" in texts:
        data = decode_base64(texts["auth"])
        try:
            user, colon, password = (data or b"").rstrip(b"\0").decode().partition(":")
        except UnicodeDecodeError:
            user, colon, password = "", "", ""
        if not colon or not user:
            raise ConfigError("not a credential (expected base64 of user:password)", f"{place}#{entry.pointer}/auth")
        return Credential("password", Secret(password), user, place)
    if "username" in texts and "password" in texts:
        return Credential("password", Secret(texts["password"]), texts["username"], place)
    return None
