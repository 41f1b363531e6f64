"""Where credentials are found: docker's and podman's files, helpers; and that none ever shows."""

from __future__ import annotations

import base64
import json
import os
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from assess.errors import ConfigError
from assess.http import Secret
from assess.images.credentials import Credential, Credentials

PASSWORD = "s3cret:with-colon"


def encoded(user: str, password: str = PASSWORD) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def written(path: Path, document: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def of(credential: Credential | None) -> tuple[str, str, str] | None:
    return None if credential is None else (credential.kind, credential.username, credential.secret.reveal())


@pytest.mark.parametrize(
    ("auths", "host", "repository", "user"),
    [
        ({"registry.example": encoded("a")}, "registry.example", "team/app", "a"),
        ({"https://registry.example": encoded("a")}, "registry.example", "team/app", "a"),
        ({"https://registry.example/v2/": encoded("a")}, "registry.example", "team/app", "a"),
        ({"registry.example:5000": encoded("a")}, "registry.example:5000", "app", "a"),
        ({"registry.example": encoded("a")}, "registry.example:5000", "app", None),
        ({"registry.example": encoded("a")}, "other.example", "app", None),
        ({"a.example": encoded("a"), "a.example/team": encoded("b")}, "a.example", "team/app", "b"),
        ({"registry.example/team": encoded("b")}, "registry.example", "teams/app", None),
        ({"a.example/team/app": encoded("c"), "a.example/team": encoded("b")}, "a.example", "team/app", "c"),
        ({"https://index.docker.io/v1/": encoded("h")}, "docker.io", "library/alpine", "h"),
        ({"docker.io": encoded("h")}, "docker.io", "library/alpine", "h"),
        ({"docker.io/team": encoded("t"), "https://index.docker.io/v1/": encoded("h")}, "docker.io", "team/app", "t"),
        ({"registry-1.docker.io": encoded("h")}, "docker.io", "library/alpine", "h"),
        ({"registry.example": {}}, "registry.example", "app", None),
    ],
)  # fmt: skip
def test_the_longest_key_wins(tmp_path: Path, auths: Any, host: str, repository: str, user: str | None) -> None:
    file = written(tmp_path / "auth.json", {"auths": auths})
    found = Credentials(file, {}).of(host, repository).credential
    assert of(found) == (None if user is None else ("password", user, PASSWORD))


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"identitytoken": "t1"}, ("identity", "", "t1")),
        ({**encoded("a"), "identitytoken": "t1"}, ("identity", "", "t1")),
        ({"registrytoken": "t2"}, ("bearer", "", "t2")),
        ({"username": "u", "password": "p"}, ("password", "u", "p")),
        ({"auth": base64.b64encode(b"u:p\0\0").decode()}, ("password", "u", "p")),
    ],
)
def test_kinds_of_entries(tmp_path: Path, entry: Any, expected: tuple[str, str, str]) -> None:
    file = written(tmp_path / "auth.json", {"auths": {"registry.example": entry}})
    assert of(Credentials(file, {}).of("registry.example", "app").credential) == expected


def test_files_in_their_order(tmp_path: Path) -> None:
    places = {
        "named": tmp_path / "named.json",
        "REGISTRY_AUTH_FILE": tmp_path / "podman.json",
        "DOCKER_CONFIG": tmp_path / "docker" / "config.json",
        "XDG_RUNTIME_DIR": tmp_path / "run" / "containers" / "auth.json",
        "HOME": tmp_path / "home" / ".config" / "containers" / "auth.json",
    }
    environment = {
        "REGISTRY_AUTH_FILE": str(places["REGISTRY_AUTH_FILE"]),
        "DOCKER_CONFIG": str(tmp_path / "docker"),
        "XDG_RUNTIME_DIR": str(tmp_path / "run"),
        "HOME": str(tmp_path / "home"),
    }
    for name, path in places.items():
        written(path, {"auths": {"registry.example": encoded(name)}})

    def user(file: Path | None = None) -> str | None:
        found = Credentials(file, environment).of("registry.example", "app").credential
        return found.username if found else None

    assert user(places["named"]) == "named"
    for name in ("REGISTRY_AUTH_FILE", "DOCKER_CONFIG", "XDG_RUNTIME_DIR", "HOME"):
        assert user() == name
        written(places[name], {"auths": {"other.example": encoded("x")}})
    assert user() is None


def test_without_docker_config_the_home_folder_counts(tmp_path: Path) -> None:
    written(tmp_path / ".docker" / "config.json", {"auths": {"registry.example": encoded("home")}})
    found = Credentials(None, {"HOME": str(tmp_path)}).of("registry.example", "app").credential
    assert found is not None and found.username == "home"


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"auths": []}',
        '{"auths": {"registry.example": "S3CRET"}}',
        '{"auths": {"registry.example": {"auth": "S3CRET-no-base64!"}}}',
        '{"auths": {"registry.example": {"auth": "UzNDUkVUbm9jb2xvbg=="}}}',
        '{"credHelpers": {"registry.example": 1}}',
        '{"credsStore": {}}',
        '{"auths": {"registry.example": {"auth": "S3CRET" "auth"}}}',
    ],
)
def test_files_that_cannot_be_read_are_told_without_what_is_in_them(tmp_path: Path, text: str) -> None:
    file = written(tmp_path / "auth.json", text)
    with pytest.raises(ConfigError) as caught:
        Credentials(file, {}).of("registry.example", "app")
    assert str(file) in (caught.value.place or "")
    shown = all_text(caught.value)
    assert "S3CRET" not in shown and "UzNDUkVU" not in shown


def test_a_named_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        Credentials(tmp_path / "none.json", {}).of("registry.example", "app")


def all_text(problem: BaseException) -> str:
    """Everything that an exception and those behind it could show."""
    shown, todo = [], [problem]
    while todo and len(shown) < 50:
        one = todo.pop()
        shown += [str(one), repr(one), repr(one.args), repr(getattr(one, "__dict__", {}))]
        todo += [other for other in (one.__cause__, one.__context__) if other is not None]
    return "\n".join(shown)


# --- helpers


@pytest.fixture
def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`helper(name, shell script)` puts docker-credential-NAME on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def make(name: str, script: str) -> Path:
        path = folder / f"docker-credential-{name}"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    return make


ANSWER = (
    'read server; echo "$1 $server" >> "$0.asked"; echo \'{"ServerURL": "x", "Username": "u", "Secret": "h3lper"}\''
)


def test_helpers_for_a_host_and_for_all(tmp_path: Path, helper: Any) -> None:
    one, every = helper("one", ANSWER), helper("every", ANSWER.replace('"u"', '"<token>"'))
    document = {"auths": {"a.example": encoded("stored")}, "credHelpers": {"a.example": "one"}, "credsStore": "every"}
    credentials = Credentials(written(tmp_path / "c.json", document), {})
    assert of(credentials.of("a.example", "app").credential) == ("password", "u", "h3lper")
    assert of(credentials.of("b.example", "app").credential) == ("identity", "", "h3lper")
    assert of(credentials.of("docker.io", "library/app").credential) == ("identity", "", "h3lper")
    for _ in range(3):
        credentials.of("a.example", "other")
    assert Path(f"{one}.asked").read_text() == "get a.example\n", "asked once for each host"
    assert Path(f"{every}.asked").read_text() == "get b.example\nget https://index.docker.io/v1/\n"


def test_a_helper_that_has_nothing_leaves_what_is_stored(tmp_path: Path, helper: Any) -> None:
    helper("none", "echo 'credentials not found in native keychain'; exit 1")
    document = {"auths": {"a.example": encoded("stored")}, "credsStore": "none"}
    credentials = Credentials(written(tmp_path / "c.json", document), {})
    assert of(credentials.of("a.example", "app").credential) == ("password", "stored", PASSWORD)
    missing = credentials.of("b.example", "app")
    assert (missing.credential, missing.note) == (None, None)


@pytest.mark.parametrize(
    ("name", "script", "told"),
    [
        ("absent", None, "is not installed"),
        ("../../bin/sh", None, "name that is refused"),
        ("x;touch hacked", None, "name that is refused"),
        ("", None, None),
        ("fails", "echo h3lper; echo h3lper >&2; exit 3", "failed (3)"),
        ("garbage", "echo h3lper", "gave no credential"),
        ("list", "echo '[\"h3lper\"]'", "gave no credential"),
        ("empty", 'echo \'{"Username": "u", "Secret": ""}\'', "gave no credential"),
        ("endless", "exec yes h3lper", "did not end properly"),
        ("script", None, "is not installed"),
    ],
)
def test_helpers_that_misbehave_are_a_note_without_what_they_said(
    tmp_path: Path, helper: Any, name: str, script: str | None, told: str | None
) -> None:
    if script is not None:
        helper(name, script)
    file = written(tmp_path / "c.json", {"credsStore": name})
    found = Credentials(file, {}).of("a.example", "app")
    assert found.credential is None
    assert (told is None and found.note is None) or (told or "") in (found.note or "")
    assert "h3lper" not in (found.note or "")
    assert not Path("hacked").exists()


def test_a_helper_that_waits_is_ended(tmp_path: Path, helper: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assess.images._helper.TIMEOUT", 0.3)
    helper("slow", "sleep 30 & sleep 30")
    started = time.monotonic()
    found = Credentials(written(tmp_path / "c.json", {"credsStore": "slow"}), {}).of("a.example", "app")
    assert "did not end properly" in (found.note or "")
    assert time.monotonic() - started < 5


def test_a_helper_that_does_not_read_may_answer(tmp_path: Path, helper: Any) -> None:
    helper("deaf", 'exec <&-; echo \'{"Username": "u", "Secret": "h3lper"}\'')
    found = Credentials(written(tmp_path / "c.json", {"credsStore": "deaf"}), {}).of("a.example", "app")
    assert of(found.credential) == ("password", "u", "h3lper")


def test_secrets_show_themselves_to_nobody() -> None:
    import copy
    import pickle

    secret = Secret("h3lper")
    credential = Credential("password", secret, "u", "file")
    for text in (repr(secret), str(secret), f"{secret}", repr(credential), str(credential), repr([secret])):
        assert "h3lper" not in text
    for attempt in (lambda: pickle.dumps(secret), lambda: copy.copy(secret), lambda: json.dumps(secret)):
        with pytest.raises(TypeError):
            attempt()
    assert secret.reveal() == "h3lper"
