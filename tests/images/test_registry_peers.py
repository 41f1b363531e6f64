"""Real registries read by us, and our small registry used by a real client (crane)."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from image_parts import Parts, named, write_folder
from registry_peers import crane_registry, docker_registry, needed
from registry_server import serving

from assess.errors import NoInputError
from assess.images.manifest import walk
from assess.images.opening import ImageOptions, open_store

REGISTRIES = {"crane registry serve": crane_registry, "docker-registry": docker_registry}


@pytest.fixture
def crane(tmp_path: Path) -> Callable[..., str]:
    """Runs crane with nobody's credentials."""
    program = needed("crane")

    def run(*arguments: str | Path) -> str:
        environment = {**os.environ, "HOME": str(tmp_path), "DOCKER_CONFIG": str(tmp_path)}
        ran = subprocess.run(
            [program, *map(str, arguments)], capture_output=True, text=True, env=environment, timeout=60, check=False
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.strip()

    return run


@pytest.fixture(params=REGISTRIES)
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A real registry."""
    with REGISTRIES[request.param](tmp_path / "registry") as found:
        yield found


def test_an_index_pushed_by_crane(host: str, crane: Callable[..., str], tmp_path: Path) -> None:
    parts = Parts()
    index = parts.index([parts.image("one"), parts.image("two")])
    folder = write_folder(tmp_path / "layout", parts.files([named(index, "1.0")]))
    crane("push", folder, f"{host}/team/app:1.0")
    store = open_store(f"{host}/team/app:1.0", ImageOptions(plain_http=(host,)))
    found = store.resolve()
    assert found.digest == index["digest"] == crane("digest", f"{host}/team/app:1.0")
    assert found == open_store(f"oci:{folder}").resolve()
    members = [manifest for _, manifest in walk(store, found)]
    assert len(members) == 2 and all(members)
    assert {store.blob(one.layers[0]) for one in members if one} == {b"layer of one\n", b"layer of two\n"}
    assert store.referrers(found.digest) == ()
    assert store.tagged("none") is None
    with pytest.raises(NoInputError, match="no such image"):
        open_store(f"{host}/team/other:1.0", ImageOptions(plain_http=(host,))).resolve()


def test_what_crane_pulls_is_what_we_read(host: str, crane: Callable[..., str], tmp_path: Path) -> None:
    parts = Parts()
    image = parts.image()
    crane("push", write_folder(tmp_path / "layout", parts.files([image])), f"{host}/team/app:1.0")
    crane("pull", "--format=oci", f"{host}/team/app:1.0", tmp_path / "pulled")
    crane("pull", "--format=tarball", f"{host}/team/app:1.0", tmp_path / "app.tar")
    assert open_store(f"oci:{tmp_path}/pulled").resolve().digest == image["digest"]
    saved = open_store(f"docker-archive:{tmp_path}/app.tar:1.0")
    found = open_store(f"{host}/team/app:1.0", ImageOptions(plain_http=(host,))).resolve()
    assert found.config is not None and saved.resolve().digest == found.config.digest


@pytest.mark.parametrize("login", ["", "basic", "bearer"])
def test_our_small_registry_serves_a_real_client(login: str, crane: Callable[..., str], tmp_path: Path) -> None:
    parts = Parts()
    image = parts.image()
    folder = write_folder(tmp_path / "layout", parts.files([image]))
    with serving(login=login) as server:
        crane("auth", "login", server.host, "-u", "anna", "-p", server.users["anna"])
        crane("push", folder, f"{server.host}/team/app:1.0")
        assert crane("digest", f"{server.host}/team/app:1.0") == image["digest"]
        options = ImageOptions(plain_http=(server.host,), auth_file=tmp_path / "config.json")
        found = open_store(f"{server.host}/team/app:1.0", options).resolve()
        assert found.digest == image["digest"]
        assert found.media_type == image["mediaType"]
