"""Images in a registry: found, not found, and registries that misbehave in every way there is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import registry_server as manners
from image_parts import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, Parts, dumped
from registry_server import RegistryServer, serving

from assess.errors import AssessError, ConfigError, InputError, NoInputError, UnavailableError
from assess.images.manifest import MAX_MANIFEST, walk
from assess.images.opening import ImageOptions, Session, open_store
from assess.images.store import Descriptor, ImageStore

Json = dict[str, Any]
QUICK: Json = {"total": 1.5, "connect": 1.0, "read": 1.0, "attempts": 3}
NONE = "sha256:" + "0" * 64


pytestmark = pytest.mark.usefixtures("nobodys_home")


def at(server: RegistryServer, reference: str = "team/app:v1", *others: RegistryServer, **options: Any) -> ImageStore:
    """The store of an image of this server, named as plain with the other servers."""
    hosts = (server.host, *(one.host for one in others))
    return open_store(f"{server.host}/{reference}", ImageOptions(plain_http=hosts, **{**QUICK, **options}))


def filled(server: RegistryServer, name: str = "team/app") -> tuple[Parts, Json]:
    """One image by the tag v1."""
    parts = Parts()
    image = parts.image()
    server.repository(name).add(parts, v1=image)
    return parts, image


@pytest.mark.parametrize("login", ["", "bearer"])
@pytest.mark.parametrize("media_type", [OCI_MANIFEST, DOCKER_MANIFEST])
def test_an_image_by_tag_and_by_digest(login: str, media_type: str) -> None:
    with serving(login=login, public=True) as server:
        parts = Parts()
        image = parts.image(media_type=media_type)
        server.repository("team/app").add(parts, v1=image)
        store = at(server)
        found = store.resolve()
        assert (found.digest, found.media_type) == (image["digest"], media_type)
        assert store.blob(found.layers[0]) == b"layer of app\n"
        assert store.manifest(found.digest) == found
        assert store.manifest(NONE) is None
        assert store.tagged("v2") is None
        assert store.kept("dev.cosignproject.cosign/sigs") == ()
        assert store.shown == f"{server.host}/team/app"
        assert at(server, f"team/app:other@{image['digest']}").resolve() == found, "the digest wins over the tag"


@pytest.mark.parametrize("media_type", [OCI_INDEX, DOCKER_LIST])
def test_an_index_and_its_members(media_type: str) -> None:
    with serving() as server:
        parts = Parts()
        index = parts.index([parts.image("one"), parts.image("two")], media_type=media_type)
        server.repository("team/app").add(parts, v1=index)
        store = at(server)
        found = store.resolve()
        assert found.kind == "index"
        assert [manifest is not None for _, manifest in walk(store, found)] == [True, True]


def test_a_tag_is_asked_for_once() -> None:
    with serving() as server:
        _, image = filled(server)
        store = at(server)
        first = store.resolve()
        other = Parts()
        server.repository("team/app").add(other, v1=other.image("moved"))
        assert store.resolve() == first
        assert first.digest == image["digest"]
        assert [one.path for one in server.asked] == ["/v2/team/app/manifests/v1"]


def test_what_is_asked_says_what_is_understood() -> None:
    with serving() as server:
        filled(server)
        at(server).resolve()
        accepted = server.asked[0].headers["accept"]
        for media_type in (OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST):
            assert media_type in accepted


@pytest.mark.parametrize("reference", ["team/app:v2", "team/other:v1", f"team/app@{NONE}"])
def test_no_such_image(reference: str) -> None:
    with serving() as server:
        filled(server)
        with pytest.raises(NoInputError, match="no such image") as caught:
            at(server, reference).resolve()
        assert caught.value.place == f"{server.host}/{reference}"


def test_offline_asks_nobody() -> None:
    with pytest.raises(UnavailableError, match="--offline forbids") as caught:
        open_store("registry.example/app", ImageOptions(offline=True))
    assert "oci:DIR" in (caught.value.hint or "")


# --- what belongs to an image


@pytest.mark.parametrize("api", [True, False])
@pytest.mark.parametrize("login", ["", "bearer"])
def test_referrers(api: bool, login: str) -> None:
    with serving(api=api, login=login, public=True) as server:
        parts = Parts()
        image = parts.image()
        one = parts.artifact(b"1", "application/x", subject=image, artifactType="application/one")
        two = parts.artifact(b"2", "application/x", subject=image, annotations={"a": "b"})
        fallback = parts.index([{**one, "artifactType": "application/one"}, two])
        server.repository("team/app").add(parts, v1=image)
        if not api:
            server.repository("team/app").tags[image["digest"].replace(":", "-")] = fallback["digest"]
        store = at(server)
        found = store.referrers(image["digest"])
        assert found is not None and {entry.digest for entry in found} == {one["digest"], two["digest"]}
        assert "application/one" in {entry.artifact_type for entry in found}
        assert store.referrers(NONE) == ()


def _many(server: RegistryServer, count: int) -> tuple[Json, set[str]]:
    parts = Parts()
    image = parts.image()
    found = {parts.artifact(f"{one}".encode(), "application/x", subject=image)["digest"] for one in range(count)}
    server.repository("team/app").add(parts, v1=image)
    return image, found


def test_referrers_in_pages() -> None:
    with serving() as server:
        server.page_size = 3
        image, expected = _many(server, 10)
        found = at(server).referrers(image["digest"])
        assert found is not None and {one.digest for one in found} == expected
        assert len(server.asked) == 4


EMPTY_LIST = dumped({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []})


def test_pages_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assess.images.registry.MAX_PAGES", 3)
    with serving() as server:
        server.page_size = 1
        image, _ = _many(server, 5)
        with pytest.raises(InputError, match="too many referrers"):
            at(server).referrers(image["digest"])
        circle = manners.content(EMPTY_LIST, OCI_INDEX, Link='</v2/team/app/referrers/x>; rel="next"')
        server.when("referrers/", circle)
        with pytest.raises(InputError, match="circle"):
            at(server).referrers(image["digest"])


@pytest.mark.parametrize(
    "link", ["http://elsewhere.example/v2/x", "//elsewhere.example/v2/x", "/other", "http://[/v2/"]
)
def test_pages_elsewhere_are_not_followed(link: str) -> None:
    with serving() as server:
        image, _ = _many(server, 1)
        server.when("referrers/", manners.content(EMPTY_LIST, OCI_INDEX, Link=f'<{link}>; rel="next"'))
        with pytest.raises(InputError, match="elsewhere"):
            at(server).referrers(image["digest"])


def test_a_filtered_list_is_not_the_whole() -> None:
    with serving() as server:
        image, _ = _many(server, 1)
        server.when("referrers/", manners.content(EMPTY_LIST, OCI_INDEX, OCI_Filters_Applied="artifactType"))
        with pytest.raises(InputError, match="some referrers only"):
            at(server).referrers(image["digest"])


NO_API = {
    "404": manners.status(404),
    "400": manners.status(400),
    "405": manners.status(405),
    "406, as Artifactory": manners.status(406),
    "501": manners.status(501),
    "a page elsewhere, as GitHub": manners.redirect("https://elsewhere.example/packages", 303),
    "a log-in page, as Google": manners.html,
}


@pytest.mark.parametrize("name", NO_API)
def test_registries_without_the_api_have_the_fallback_tag(name: str) -> None:
    with serving() as server:
        parts = Parts()
        image = parts.image()
        one = parts.artifact(b"1", "application/x", subject=image)
        server.repository("team/app").add(parts, v1=image, **{image["digest"].replace(":", "-"): parts.index([one])})
        server.repository("team/app").add(parts)
        server.when("referrers/", NO_API[name])
        found = at(server).referrers(image["digest"])
        assert found is not None and [entry.digest for entry in found] == [one["digest"]]


def test_a_registry_that_takes_the_fallback_tag_for_the_image() -> None:
    # GitLab's: the members of an index are no referrers of it
    with serving(api=False) as server:
        parts = Parts()
        index = parts.index([parts.image()])
        server.repository("team/app").add(parts, v1=index, **{index["digest"].replace(":", "-"): index})
        assert at(server).referrers(index["digest"]) == ()


def test_a_fallback_tag_that_is_no_index() -> None:
    with serving(api=False) as server:
        parts = Parts()
        image = parts.image()
        server.repository("team/app").add(parts, v1=image, **{image["digest"].replace(":", "-"): parts.image("other")})
        with pytest.raises(InputError, match="no index"):
            at(server).referrers(image["digest"])


@pytest.mark.parametrize("manner", [manners.status(500), manners.status(429, Retry_After="3600")])
def test_a_list_that_is_not_given_is_not_empty(manner: manners.Manner) -> None:
    with serving() as server:
        image, _ = _many(server, 1)
        server.when("referrers/", manner)
        with pytest.raises(UnavailableError):
            at(server).referrers(image["digest"])


# --- registries that misbehave

BIG = dumped({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "pad": "x" * MAX_MANIFEST})
GOOD = dumped({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []})
BOTH = dumped({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [], "layers": [], "config": {}})
MISBEHAVING: dict[str, tuple[manners.Manner, type[AssessError], str]] = {
    "a web page": (manners.html, InputError, "a web page"),
    "a web page without its type": (manners.content(b" <html>", "application/json"), InputError, "a web page"),
    "a web page that begins with a word": (manners.content(b"sign in", "text/html"), InputError, "a web page"),
    "no JSON": (manners.content(b"manifest", OCI_MANIFEST), InputError, "not valid JSON"),
    "a wrong content type": (manners.content(GOOD, OCI_MANIFEST), InputError, "two media types"),
    "an unknown content type": (manners.content(GOOD, "text/plain"), InputError, "two media types"),
    "two documents in one": (manners.content(BOTH, OCI_INDEX), InputError, "two documents in one"),
    "a manifest that is too large": (manners.content(BIG, OCI_MANIFEST), UnavailableError, "too large"),
    "another digest in its header": (
        manners.content(GOOD, OCI_INDEX, Docker_Content_Digest=NONE),
        InputError,
        "wrong digest",
    ),
    "half an answer": (manners.truncated, UnavailableError, "broke off"),
    "no end": (manners.endless, UnavailableError, "too large"),
    "a body drop by drop": (manners.trickle, UnavailableError, "takes too long"),
    "headers drop by drop": (manners.trickling_headers, UnavailableError, "takes too long"),
    "silence": (manners.silent, UnavailableError, "takes too long"),
    "a closed connection": (manners.hang_up, UnavailableError, "broke off"),
    "busy for an hour": (manners.status(429, Retry_After="3600"), UnavailableError, "busy"),
    "busy until next year": (
        manners.status(503, Retry_After="Fri, 31 Dec 2077 23:59:59 GMT"),
        UnavailableError,
        "busy",
    ),
    "always broken": (manners.status(500, Retry_After="0"), UnavailableError, "broken"),
    "a refusal": (manners.status(403), UnavailableError, "denied"),
    "a log-in that nobody knows": (manners.status(401, WWW_Authenticate="Negotiate"), UnavailableError, "no known way"),
    "a log-in without words": (manners.status(401), UnavailableError, "no known way"),
    "a strange status": (manners.status(418), UnavailableError, "status 418"),
    "a redirect to itself": (manners.redirect("{path}"), UnavailableError, "too often"),
    "a redirect without TLS": (manners.redirect("http://elsewhere.example{path}"), UnavailableError, "without TLS"),
    "a redirect to a file": (manners.redirect("file:///etc/passwd"), UnavailableError, "not an address"),
    "a redirect to nothing": (manners.redirect(""), UnavailableError, "not to an address"),
    "a redirect to no address": (manners.redirect("http://[::1/"), UnavailableError, "not to an address"),
    "a redirect with credentials": (
        manners.redirect("https://user:s3cret@elsewhere.example/"),
        UnavailableError,
        "not an address",
    ),
    "no HTTP": (manners.raw(b"\x16\x03\x01\x02" * 50), UnavailableError, "broke off"),
    "a status that is none": (manners.raw(b"HTTP/1.1 abc\r\n\r\n"), UnavailableError, "broke off"),
    "a header without end": (manners.raw(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000), UnavailableError, "broke off"),
    "headers without end": (manners.raw(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500), UnavailableError, "broke off"),
    "continue, and continue": (
        manners.raw(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, repeat=1_000_000),
        UnavailableError,
        "takes too long",
    ),
    "chunks that are none": (
        manners.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        UnavailableError,
        "broke off",
    ),
    "a chunk that is too large": (
        manners.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n" + b"x" * 9_000_000),
        UnavailableError,
        "too large",
    ),
    "a length that is none": (
        manners.raw(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: -5\r\n\r\n<html>"),
        InputError,
        "a web page",
    ),
    "compression": (manners.content(GOOD, OCI_INDEX, Content_Encoding="gzip"), UnavailableError, "compressed"),
}


@pytest.mark.parametrize("name", MISBEHAVING)
def test_registries_that_misbehave(name: str) -> None:
    manner, kind, told = MISBEHAVING[name]
    started = time.monotonic()
    with serving() as server:
        filled(server)
        server.when("manifests/", manner)
        with pytest.raises(kind, match=told) as caught:
            at(server).resolve()
    assert time.monotonic() - started < 6, "never a hang"
    assert type(caught.value) is kind
    assert "s3cret" not in str(caught.value)


def test_bytes_by_digest_are_held_to_it() -> None:
    with serving() as server:
        _, image = filled(server)
        server.when("manifests/", manners.content(GOOD, OCI_INDEX))
        store = at(server, f"team/app@{image['digest']}")
        with pytest.raises(InputError, match="wrong digest"):
            store.resolve()
        with pytest.raises(InputError, match="wrong digest"):
            store.manifest(image["digest"])


def test_an_index_that_names_itself_is_no_circle() -> None:
    with serving() as server:
        parts = Parts()
        index = parts.index([parts.image()])
        server.repository("team/app").add(parts, v1=index)
        server.when("manifests/sha256:", manners.content(parts.blobs[index["digest"]], OCI_INDEX))
        store = at(server)
        with pytest.raises(InputError, match="wrong digest"):
            list(walk(store, store.resolve()))


@pytest.mark.parametrize(
    ("manner", "kind", "told"),
    [
        (manners.content(b"LAYER of app\n", "x/y"), InputError, "wrong digest"),
        (manners.content(b"layer of app", "x/y"), InputError, "wrong size"),
        (manners.content(b"layer of app\n" * 9, "x/y"), InputError, "wrong size"),
        (manners.endless, UnavailableError, "too large"),
        (manners.truncated, UnavailableError, "broke off"),
        (manners.status(404), InputError, "missing from the registry"),
        (manners.trickle, UnavailableError, "takes too long"),
    ],
)
def test_blobs_that_lie(manner: manners.Manner, kind: type[AssessError], told: str) -> None:
    with serving() as server:
        filled(server)
        store = at(server)
        layer = store.resolve().layers[0]
        server.when("blobs/", manner)
        with pytest.raises(kind, match=told):
            store.blob(layer)


def test_blobs_that_are_too_large_are_not_asked_for() -> None:
    with serving() as server:
        huge = Descriptor("x/y", NONE, 65 << 20)
        with pytest.raises(InputError, match="too large"):
            at(server).blob(huge)
        assert server.asked == []


def test_what_is_embedded_is_not_asked_for() -> None:
    with serving() as server:
        assert at(server).blob(Descriptor("x/y", NONE, 2, data=b"{}")) == b"{}"
        assert server.asked == []


@pytest.mark.parametrize(
    ("manner", "times"),
    [
        (manners.status(429, Retry_After="0"), 2),
        (manners.status(503), 1),
        (manners.status(500, Retry_After="0"), 2),
        (manners.status(502, Retry_After="Fri, 31 Dec 1999 23:59:59 GMT"), 2),
        (manners.hang_up, 1),
        (manners.truncated, 1),
    ],
)
def test_what_passes_is_tried_again(manner: manners.Manner, times: int) -> None:
    with serving() as server:
        _, image = filled(server)
        server.when("manifests/", manner, times)
        assert at(server, total=10.0).resolve().digest == image["digest"]
        assert len(server.asked) == times + 1


def test_retry_after_is_waited_for() -> None:
    with serving() as server:
        filled(server)
        server.when("manifests/", manners.status(429, Retry_After="1"), 1)
        started = time.monotonic()
        at(server, total=10.0).resolve()
        assert time.monotonic() - started >= 1


def test_digests_and_tags_that_are_none_are_not_asked_for() -> None:
    with serving() as server:
        store = at(server)
        asks: tuple[Callable[[str], object], ...] = (store.manifest, store.tagged, store.referrers)
        for ask in asks:
            with pytest.raises(InputError, match="cannot be asked for"):
                ask("../../x/manifests/y")
        assert server.asked == []


def test_a_host_that_is_not_named_as_plain_is_asked_over_tls() -> None:
    with serving() as server:
        filled(server)
        with pytest.raises(UnavailableError, match="no TLS there") as caught:
            open_store(f"{server.host}/team/app:v1", ImageOptions(**QUICK)).resolve()
        assert "--plain-http" in (caught.value.hint or "") and "loopback" in (caught.value.hint or "")


def test_nobody_listens() -> None:
    with serving() as server:
        host = server.host
    with pytest.raises(UnavailableError, match="connection refused"):
        open_store(f"{host}/app", ImageOptions(plain_http=(host,), **QUICK)).resolve()


def test_no_host_of_this_name() -> None:
    with pytest.raises(UnavailableError, match=r"no host of this name|takes too long|refused|no connection"):
        open_store("registry.invalid/app", ImageOptions(**QUICK)).resolve()


# --- mirrors


@pytest.mark.parametrize(
    ("mirror", "repository"), [("{}", "team/app"), ("{}/hub", "hub/team/app"), ("{}/a/b", "a/b/team/app")]
)
def test_a_mirror_is_asked_first(mirror: str, repository: str) -> None:
    with serving() as server, serving() as origin:
        _, image = filled(server, repository)
        mirrors = ((origin.host, mirror.format(server.host)),)
        store = at(origin, "team/app:v1", server, mirrors=mirrors)
        found = store.resolve()
        assert (found.digest, store.blob(found.layers[0])) == (image["digest"], b"layer of app\n")
        assert origin.asked == []
        assert store.shown == f"{origin.host}/team/app"


def test_the_longest_prefix_has_its_mirror() -> None:
    with serving() as one, serving() as two, serving() as origin:
        filled(two, "app")
        mirrors = ((origin.host, one.host), (f"{origin.host}/team", two.host), (f"{origin.host}/te", one.host))
        at(origin, "team/app:v1", one, two, mirrors=mirrors).resolve()
        assert (one.asked, origin.asked) == ([], [])


@pytest.mark.parametrize(
    "manner",
    [manners.status(404), manners.status(403), manners.html, manners.hang_up, manners.content(GOOD, OCI_INDEX)],
)
def test_what_a_mirror_lacks_or_garbles_is_asked_of_the_origin(manner: manners.Manner) -> None:
    with serving() as server, serving() as origin:
        _, image = filled(origin)
        server.when(".", manner)
        mirrors = ((origin.host, server.host),)
        store = at(origin, f"team/app@{image['digest']}", server, mirrors=mirrors, attempts=1)
        found = store.resolve()
        assert (found.digest, store.blob(found.layers[0])) == (image["digest"], b"layer of app\n")
        assert server.asked, "the mirror was asked first"


def test_a_mirror_hides_nothing() -> None:
    with serving() as server, serving() as origin:
        image, expected = _many(origin, 2)
        filled(server)
        found = at(origin, "team/app:v1", server, mirrors=((origin.host, server.host),)).referrers(image["digest"])
        assert found is not None and {one.digest for one in found} == expected


@pytest.mark.parametrize("mirror", ["", "http://x.example", "x.example/UPPER", "x y"])
def test_mirrors_that_are_none(mirror: str) -> None:
    with pytest.raises(ConfigError, match="no host or repository"):
        open_store("registry.example/app", ImageOptions(mirrors=(("registry.example", mirror),)))


# --- many images


def test_many_images_share_connections() -> None:
    from concurrent.futures import ThreadPoolExecutor

    with serving(login="bearer", public=True) as server:
        for one in range(60):
            filled(server, f"team/app{one % 6}")
        session = Session(ImageOptions(plain_http=(server.host,)))
        texts = [f"{server.host}/team/app{one % 6}:v1" for one in range(60)]
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda text: open_store(text, session=session).resolve().digest, texts))
        session.close()
        assert len(set(found)) == 1
        tokens = [one for one in server.asked if one.path.startswith("/token")]
        assert len(tokens) == 6, "one token for each repository"
