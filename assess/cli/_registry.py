"""How registries are reached: the options that `image` and `check` share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from assess.images.opening import ImageOptions

PlainHttp = Annotated[
    list[str] | None,
    typer.Option("--plain-http", metavar="HOST[:PORT]", help="Speak to this registry without TLS; repeatable."),
]
RegistryCa = Annotated[
    Path | None,
    typer.Option("--registry-ca", metavar="FILE", help="PEM authorities to trust beside the system's.", readable=False),
]
Mirrors = Annotated[
    list[str] | None,
    typer.Option("--mirror", metavar="HOST=MIRROR", help="Ask this mirror of a registry first; repeatable."),
]
AuthFile = Annotated[
    Path | None,
    typer.Option(
        "--auth-file",
        metavar="FILE",
        help="Credentials, instead of those of docker and podman.",
        readable=False,
    ),
]


def image_options(flags: dict[str, Any]) -> ImageOptions:
    """The options as one value; usage errors for what is malformed."""
    from assess.images.opening import ImageOptions
    from assess.images.reference import is_host

    plain = tuple(flags.get("plain_http") or ())
    for host in plain:
        if not is_host(host):
            raise typer.BadParameter(f"--plain-http takes a host, with its port if it has one (got {host!r})")
    mirrors = []
    for text in flags.get("mirror") or ():
        host, equals, mirror = text.partition("=")
        if not (host and equals and mirror):
            raise typer.BadParameter(f"--mirror takes HOST=MIRROR (got {text!r})")
        mirrors.append((host, mirror))
    return ImageOptions(
        offline=bool(flags.get("offline")),
        plain_http=plain,
        ca_file=flags.get("registry_ca"),
        mirrors=tuple(mirrors),
        auth_file=flags.get("auth_file"),
    )
