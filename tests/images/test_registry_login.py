"""Logging in to registries, and that credentials go nowhere but there: not elsewhere, and not into any text."""

from __future__ import annotations

import base64
import io
import json
import logging
import traceback
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
import registry_server as manners
from image_parts import Parts
from registry_server import RegistryServer, serving

from assess.errors import AssessError, UnavailableError
from assess.images.opening import ImageOptions, Session, open_store
from assess.images.store import ImageStore

Json = dict[str, Any]
USER, PASSWORD = "anna", "s3cret-pässword"
BASIC = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
SECRETS = (PASSWORD, BASIC, "r3fresh-token", "t0ken-", "s1gned", "pr0xy", base64.b64encode(b"someone:pr0xy").decode())


pytestmark = pytest.mark.usefixtures("nobodys_home")


@pytest.fixture(autouse=True)
def nothing_leaks(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Whatever a test does, with all logging on: no secret is printed or logged."""
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(HTTPConnection, "debuglevel", 1)
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    logging.getLogger("urllib3").addHandler(handler)
    yield
    logging.getLogger("urllib3").removeHandler(handler)
    printed = capfd.readouterr()
    for text in (log.getvalue(), caplog.text, printed.out, printed.err):
        assert not [one for one in SECRETS if one in text]


def test_what_urllib3_logs_is_heard(caplog: pytest.LogCaptureFixture) -> None:
    with serving(public=True) as server:
        filled(server)
        at(server, None).resolve()
        assert "manifests/v1 HTTP/1.1" in caplog.text


def all_text(problem: BaseException) -> str:
    """Everything that an exception, those behind it and a traceback of all of them could show."""
    shown: list[str] = []
    todo: list[BaseException | None] = [problem]
    while todo and len(shown) < 100:
        one = todo.pop()
        if one is not None:
            shown += [str(one), repr(one), repr(one.args), repr(getattr(one, "__dict__", {}))]
            todo += [one.__cause__, one.__context__]
    return "\n".join((*shown, "".join(traceback.format_exception(problem))))


def logged_in(tmp_path: Path, server: RegistryServer, entry: Json | None = None, key: str | None = None) -> Path:
    """A file with credentials for a server."""
    file = tmp_path / "auth.json"
    file.write_text(json.dumps({"auths": {key or server.host: entry or {"auth": BASIC}}}))
    return file


def at(server: RegistryServer, file: Path | None, *others: RegistryServer, **options: Any) -> ImageStore:
    hosts = (server.host, *(one.host for one in others))
    quick = {"total": 2.0, "connect": 1.0, "read": 1.0, "attempts": 2, "plain_http": hosts, **options}
    return open_store(f"{server.host}/team/app:v1", ImageOptions(auth_file=file, **quick))


def filled(server: RegistryServer, name: str = "team/app") -> Json:
    parts = Parts()
    image = parts.image()
    server.repository(name).add(parts, v1=image)
    return image


@pytest.mark.parametrize(
    ("login", "entry", "sent"),
    [
        ("basic", {"auth": BASIC}, ["Basic"]),
        ("bearer", {"auth": BASIC}, ["Basic", "Bearer"]),
        ("bearer", {"username": USER, "password": PASSWORD}, ["Basic", "Bearer"]),
        ("bearer", {"identitytoken": "r3fresh-token"}, ["Bearer"]),
    ],
)
def test_ways_to_log_in(tmp_path: Path, login: str, entry: Json, sent: list[str]) -> None:
    with serving(login=login) as server:
        image = filled(server)
        store = at(server, logged_in(tmp_path, server, entry))
        assert store.resolve().digest == image["digest"]
        assert store.blob(store.resolve().layers[0]) == b"layer of app\n"
        assert "authorization" not in server.asked[0].headers, "nothing is sent unasked"
        schemes = [one.split(" ")[0] for one in server.authorizations()]
        assert list(dict.fromkeys(schemes)) == sent


def test_a_token_that_is_given_is_used(tmp_path: Path) -> None:
    with serving(login="bearer") as server:
        image = filled(server)
        server.tokens["t0ken-given"] = "repository:team/app:pull"
        store = at(server, logged_in(tmp_path, server, {"registrytoken": "t0ken-given"}))
        assert store.resolve().digest == image["digest"]
        assert server.authorizations() == ["Bearer t0ken-given"]


def test_tokens_are_for_pulling_one_repository_whatever_the_challenge_wants(tmp_path: Path) -> None:
    with serving(login="bearer") as server:
        filled(server)
        realm = f"http://{server.host}/token"
        server.challenge = (
            f'Bearer realm="{realm}",service="the registry",scope="repository:other/app:pull,push,delete"'
        )
        at(server, logged_in(tmp_path, server)).resolve()
        assert set(server.tokens.values()) == {"repository:team/app:pull"}


def test_a_token_that_ended_is_renewed(tmp_path: Path) -> None:
    with serving(login="bearer") as server:
        filled(server)
        store = at(server, logged_in(tmp_path, server))
        layer = store.resolve().layers[0]
        server.tokens["t0ken-0-of-get"] = "ended"
        assert store.blob(layer) == b"layer of app\n"
        assert len(server.tokens) == 2


def test_podmans_keys_for_a_namespace(tmp_path: Path) -> None:
    with serving(login="bearer") as server:
        filled(server)
        assert at(server, logged_in(tmp_path, server, key=f"{server.host}/team")).resolve()
        with pytest.raises(UnavailableError, match="unauthorized"):
            at(server, logged_in(tmp_path, server, key=f"{server.host}/other")).resolve()


@pytest.mark.parametrize("login", ["basic", "bearer"])
@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (None, "the registry wants credentials"),
        ({"username": USER, "password": "wrong s1gned"}, "does not accept the credentials"),
        ({"identitytoken": "wrong t0ken-"}, ""),
        ({"registrytoken": "wrong t0ken-"}, "does not accept the credentials"),
    ],
)
def test_unauthorized_says_how_to_log_in(tmp_path: Path, login: str, entry: Json | None, told: str) -> None:
    with serving(login=login) as server:
        filled(server)
        file = logged_in(tmp_path, server, entry, key=None if entry else "other.example")
        with pytest.raises(UnavailableError, match="unauthorized") as caught:
            at(server, file).resolve()
        assert caught.value.exit_code == 69
        assert told in caught.value.message
        assert caught.value.hint == f"log in with: docker login {server.host}"
        assert not [one for one in SECRETS if one in all_text(caught.value)]


def test_a_helper_that_is_missing_is_told_only_when_it_is_needed(tmp_path: Path) -> None:
    file = tmp_path / "auth.json"
    file.write_text('{"credsStore": "not-there"}')
    with serving(login="bearer", public=True) as server:
        filled(server)
        assert at(server, file).resolve()
        server.public = False
        with pytest.raises(UnavailableError) as caught:
            at(server, file).resolve()
        assert "docker-credential-not-there is not installed" in (caught.value.hint or "")


# --- elsewhere


def test_blobs_elsewhere_get_no_credentials(tmp_path: Path) -> None:
    with serving(login="bearer") as server, serving() as other:
        filled(server)
        filled(other)
        server.blobs_at = f"http://{other.host}"
        store = at(server, logged_in(tmp_path, server), other)
        assert store.blob(store.resolve().layers[0]) == b"layer of app\n"
        assert [one.path.endswith("?signature=s1gned") for one in other.asked] == [True], "the signature arrived"
        assert other.authorizations() == []


def test_manifests_elsewhere_get_no_credentials_and_neither_does_the_way_back(tmp_path: Path) -> None:
    with serving(login="bearer") as server, serving() as other:
        filled(server)
        filled(other)
        file = logged_in(tmp_path, server)
        server.when("manifests/v1$", manners.redirect(f"http://{other.host}{{path}}?back=s1gned"))
        other.when("back", manners.redirect(f"http://{server.host}/v2/team/app/manifests/v1?again=1"))
        with pytest.raises(UnavailableError):
            at(server, file, other).resolve()
        assert other.authorizations() == []
        again = [one for one in server.asked if "again" in one.path]
        assert again and all("authorization" not in one.headers for one in again)


def test_redirects_on_the_same_host_keep_credentials(tmp_path: Path) -> None:
    with serving(login="bearer") as server:
        image = filled(server)
        server.when("manifests/v1$", manners.redirect(f"/v2/team/app/manifests/{image['digest']}"))
        assert at(server, logged_in(tmp_path, server)).resolve().digest == image["digest"]


def test_another_scheme_or_port_is_elsewhere() -> None:
    from assess.http import _origin

    assert _origin("https://a.example/x") == _origin("https://A.example:443/y")
    for other in ("http://a.example/x", "https://a.example:444/x", "https://b.example/x"):
        assert _origin(other) != _origin("https://a.example/x")


def test_a_redirect_that_cannot_be_followed_is_told_without_its_signature(tmp_path: Path) -> None:
    with serving(login="bearer") as server:
        filled(server)
        store = at(server, logged_in(tmp_path, server))
        layer = store.resolve().layers[0]
        for target in ("http://elsewhere.example", "https://127.0.0.1:1", "https://user:s1gned@127.0.0.1:1"):
            server.blobs_at = target
            with pytest.raises(UnavailableError) as caught:
                store.blob(layer)
            assert not [one for one in SECRETS if one in all_text(caught.value) + str(caught.value.hint)]


@pytest.mark.parametrize(
    "realm",
    ["http://elsewhere.example/token", "http://127.0.0.1:1/token", "ftp://x/token", "token", "https://u:p@x/token", "http://"],
)  # fmt: skip
def test_token_servers_without_tls_get_nothing(tmp_path: Path, realm: str) -> None:
    with serving(login="bearer") as server:
        filled(server)
        server.realm = realm
        with pytest.raises(UnavailableError, match="not reached over TLS"):
            at(server, logged_in(tmp_path, server)).resolve()
        assert server.authorizations() == []


def test_a_token_server_may_be_another_that_the_user_named(tmp_path: Path) -> None:
    with serving(login="bearer") as server, serving() as other:
        image = filled(server)
        other.tokens = server.tokens
        server.realm = f"http://{other.host}/token"
        assert at(server, logged_in(tmp_path, server), other).resolve().digest == image["digest"]
        assert other.authorizations() == [f"Basic {BASIC}"]
        assert all(one.startswith("Bearer ") for one in server.authorizations())


ECHO = b'{"errors": [{"message": "bad password s3cret-p\xc3\xa4ssword and r3fresh-token"}]}'
TOKEN_SERVERS: dict[str, manners.Manner] = {
    "refuses and repeats the password": lambda handler: handler.send(401, ECHO),
    "is broken and repeats the password": lambda handler: handler.send(418, ECHO),
    "is busy": manners.status(503, Retry_After="3600"),
    "gives HTML": manners.html,
    "gives nothing": manners.content(b"{}", "application/json"),
    "gives a number": manners.content(b'{"token": 12}', "application/json"),
    "gives a list": manners.content(b'["t0ken-list"]', "application/json"),
    "gives a token with a line break": manners.content(b'{"token": "t0ken-\\r\\nX-Evil: 1"}', "application/json"),
    "gives a token that is not ASCII": manners.content('{"token": "t0ken-ä"}'.encode(), "application/json"),
    "gives half a token": manners.content(b'{"token": "t0ken-', "application/json"),
    "gives a token without end": manners.endless,
    "gives a token drop by drop": manners.trickle,
    "hangs up": manners.hang_up,
    "sends elsewhere": manners.redirect("https://elsewhere.example/token?s1gned"),
    "sends elsewhere without TLS": manners.redirect("http://elsewhere.example/token?s1gned"),
}


@pytest.mark.parametrize("name", TOKEN_SERVERS)
@pytest.mark.parametrize("entry", [{"auth": BASIC}, {"identitytoken": "r3fresh-token"}], ids=["basic", "identity"])
def test_token_servers_that_misbehave(tmp_path: Path, name: str, entry: Json) -> None:
    with serving(login="bearer") as server:
        filled(server)
        server.when("/token", TOKEN_SERVERS[name])
        with pytest.raises(UnavailableError) as caught:
            at(server, logged_in(tmp_path, server, entry)).resolve()
        shown = all_text(caught.value) + str(caught.value.hint)
        assert not [one for one in SECRETS if one in shown]


@pytest.mark.parametrize("token", ["t0ken-\r\nX: 1", "t0ken-ä", "t0ken- 1", ""])
def test_what_is_no_token_is_told_as_none(tmp_path: Path, token: str) -> None:
    with serving(login="bearer") as server:
        filled(server)
        server.when("/token", manners.content(json.dumps({"token": token}).encode(), "application/json"))
        with pytest.raises(UnavailableError, match=r"gives no token \(status 200\)") as caught:
            at(server, logged_in(tmp_path, server)).resolve()
        assert caught.value.place == f"http://{server.host}/token"


@pytest.mark.parametrize("password", ["s1gned\r\nX: y", "s1gned\x00"])
def test_passwords_of_any_characters_are_sent_as_base64(tmp_path: Path, password: str) -> None:
    with serving(login="basic") as server:
        image = filled(server)
        server.users[USER] = password
        file = logged_in(tmp_path, server, {"username": USER, "password": password})
        assert at(server, file).resolve().digest == image["digest"]


def test_a_token_that_would_be_two_headers_is_not_sent(tmp_path: Path) -> None:
    with serving(login="bearer") as server:
        filled(server)
        file = logged_in(tmp_path, server, {"registrytoken": "t0ken-\r\nX-Evil: 1"})
        with pytest.raises(UnavailableError, match="cannot be sent") as caught:
            at(server, file).resolve()
        assert not [one for one in SECRETS if one in all_text(caught.value)]
        assert all("x-evil" not in one.headers for one in server.asked)


def test_nothing_that_lives_on_shows_a_secret(tmp_path: Path) -> None:
    with serving(login="bearer") as server:
        filled(server)
        session = Session(ImageOptions(auth_file=logged_in(tmp_path, server), plain_http=(server.host,)))
        store = open_store(f"{server.host}/team/app:v1", session=session)
        store.resolve()
        shown = repr(vars(session)) + repr(vars(session._credentials)) + repr(vars(store)) + repr(session.options)
        assert not [one for one in SECRETS if one in shown]
        session.close()


# --- proxies


def test_a_proxy_with_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as server:
        parts = Parts()
        image = parts.image()
        server.repository("team/app").add(parts, v1=image)
        monkeypatch.setenv("http_proxy", f"http://someone:pr0xy@{server.host}")
        options = ImageOptions(plain_http=("registry.test",), total=2.0, attempts=1)
        # the proxy here answers itself: what matters is how it was asked
        server.when("^http://registry.test/", _as_origin)
        assert open_store("registry.test/team/app:v1", options).resolve().digest == image["digest"]
        asked = server.asked[0].headers
        assert asked["proxy-authorization"] == "Basic " + base64.b64encode(b"someone:pr0xy").decode()
        server.when("^http://other.test/", manners.hang_up)
        other = ImageOptions(plain_http=("other.test",), total=2.0, attempts=1)
        with pytest.raises(AssessError) as caught:
            open_store("other.test/team/app:v1", other).resolve()
        assert not [one for one in SECRETS if one in all_text(caught.value)]


def _as_origin(handler: Any) -> bool:
    handler.path = "/" + handler.path.split("/", 3)[3]
    return False


def test_a_proxy_out_of_reach_is_told_without_its_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://someone:pr0xy@127.0.0.1:1")
    with pytest.raises(UnavailableError, match="proxy") as caught:
        open_store("registry.test/app", ImageOptions(total=2.0)).resolve()
    assert not [one for one in SECRETS if one in all_text(caught.value) + str(caught.value.hint)]


@pytest.mark.parametrize("no_proxy", ["registry.test", ".test", "other,registry.test:5000", "*"])
def test_no_proxy_is_respected(monkeypatch: pytest.MonkeyPatch, no_proxy: str) -> None:
    with serving() as server:
        monkeypatch.setenv("http_proxy", f"http://{server.host}")
        monkeypatch.setenv("no_proxy", no_proxy)
        options = ImageOptions(plain_http=("registry.test",), total=1.0, attempts=1)
        with pytest.raises(UnavailableError):
            open_store("registry.test:5000/app", options).resolve()
        assert server.asked == []


def test_networks_in_no_proxy_and_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    from urllib.parse import urlsplit

    from assess._http_pool import _goes_directly

    monkeypatch.setenv("no_proxy", "10.0.0.0/8, fd00::/8,192.168.1.7")
    for url in (
        "http://10.1.2.3:5000/",
        "http://[fd00::1]/",
        "http://192.168.1.7/",
        "http://127.0.0.5/",
        "http://[::1]/",
    ):
        assert _goes_directly(urlsplit(url)), url
    for url in ("http://11.1.2.3/", "http://registry.test/", "http://192.168.1.8/"):
        assert not _goes_directly(urlsplit(url)), url
