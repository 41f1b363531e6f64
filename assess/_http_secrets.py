"""Credentials that show themselves to nobody, and addresses fit for messages."""

from __future__ import annotations


class Secret:
    """A credential: it shows itself to nobody who does not ask by name."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The credential, to be sent and not kept."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(...)"

    def __reduce__(self) -> str:
        raise TypeError("a secret is not written anywhere")


def bare(url: str) -> str:
    """An address for messages: without query, fragment and credentials, printable, cut."""
    parts = url.partition("#")[0].partition("?")[0]
    scheme, colon, rest = parts.partition("://")
    host, slash, path = rest.partition("/")
    shown = f"{scheme}{colon}{host.rpartition('@')[2]}{slash}{path}" if colon else parts.rpartition("@")[2]
    return "".join(letter if letter.isprintable() else "?" for letter in shown[:200])
