"""`WWW-Authenticate` read: which ways to log in a server offers (RFC 9110, section 11)."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_LENGTH = 8192
MAX_PARAMETERS = 32

_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_SCHEME = re.compile(rf"[\s,]*({_WORD})(?=[\s,]|\Z)[ \t]*")
# some registries leave addresses unquoted
_PARAMETER = re.compile(rf'[\s,]*({_WORD})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*+)"|([^\s,"=][^\s,"]*+))(?=[\s,]|\Z)')
_TOKEN68 = re.compile(r"[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|\Z))")


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to log in; scheme and names in lower case."""

    scheme: str
    parameters: tuple[tuple[str, str], ...] = ()

    def get(self, name: str) -> str:
        """A parameter; "" where there is none."""
        return dict(self.parameters).get(name, "")


def read_challenges(values: tuple[str, ...]) -> tuple[Challenge, ...]:
    """All challenges of these header values, in their order; what cannot be read ends its value.

    A challenge that gives one parameter twice says nothing clear and is left out.
    """
    found: list[Challenge] = []
    for value in values:
        text, position = value[:MAX_LENGTH], 0
        while scheme := _SCHEME.match(text, position):
            position = scheme.end()
            parameters: list[tuple[str, str]] = []
            if (opaque := _TOKEN68.match(text, position)) and not _PARAMETER.match(text, position):
                position = opaque.end()
            while len(parameters) < MAX_PARAMETERS and (one := _PARAMETER.match(text, position)):
                quoted = re.sub(r"\\(.)", r"\1", one[2]) if one[2] is not None else one[3]
                parameters.append((one[1].lower(), quoted))
                position = one.end()
            if len({name for name, _ in parameters}) == len(parameters):
                found.append(Challenge(scheme[1].lower(), tuple(parameters)))
    return tuple(found)
