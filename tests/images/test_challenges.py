"""`WWW-Authenticate` as real registries and hostile ones write it."""

from __future__ import annotations

import time

import pytest

from assess.images.challenge import MAX_PARAMETERS, Challenge, read_challenges

REALM = ("realm", "https://auth.example/token")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (
            ('Bearer realm="https://auth.example/token",service="registry",scope="repository:a/b:pull,push"',),
            [("bearer", (REALM, ("service", "registry"), ("scope", "repository:a/b:pull,push")))],
        ),
        (('BEARER Realm = "https://auth.example/token" , Service=x',), [("bearer", (REALM, ("service", "x")))]),
        (("Bearer realm=https://auth.example/token,service=x",), [("bearer", (REALM, ("service", "x")))]),
        (('Basic realm="a \\"b\\" c, d=e"',), [("basic", (("realm", 'a "b" c, d=e'),))]),
        (('Basic realm="x", Bearer realm="y"',), [("basic", (("realm", "x"),)), ("bearer", (("realm", "y"),))]),
        (('Basic realm="x"', 'Bearer realm="y"'), [("basic", (("realm", "x"),)), ("bearer", (("realm", "y"),))]),
        (("Negotiate, Basic realm=x",), [("negotiate", ()), ("basic", (("realm", "x"),))]),
        (("Negotiate abc==, Basic realm=x",), [("negotiate", ()), ("basic", (("realm", "x"),))]),
        (("Basic",), [("basic", ())]),
        (('Bearer realm=""',), [("bearer", (("realm", ""),))]),
        (("",), []),
        (("=,=,",), []),
        (('"Bearer" realm="x"',), []),
        (('Bearer realm="x",realm="y"',), []),
    ],
)
def test_challenges(values: tuple[str, ...], expected: list[tuple[str, tuple[tuple[str, str], ...]]]) -> None:
    assert read_challenges(values) == tuple(Challenge(*one) for one in expected)


def test_what_is_never_closed_ends_the_reading() -> None:
    (found,) = read_challenges(('Bearer service="x",realm="https://auth.example',))
    assert found.get("realm") == ""


@pytest.mark.parametrize("text", ['Bearer realm="' + "\\" * 100_000, "a=" * 50_000, "Bearer " * 20_000, "," * 100_000])
def test_hostile_headers_cost_little(text: str) -> None:
    started = time.monotonic()
    read_challenges((text,) * 3)
    assert time.monotonic() - started < 2


def test_parameters_are_bounded() -> None:
    (found, *_) = read_challenges(("Bearer " + ",".join(f"k{one}=v" for one in range(100)),))
    assert len(found.parameters) == MAX_PARAMETERS
