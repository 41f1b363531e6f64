"""Package URLs (https://github.com/package-url/purl-spec) as subjects carry them; read, not resolved."""

from __future__ import annotations

import re


def package_of(purl: str) -> tuple[str, str] | None:
    """Name (with its namespace) and version ("" if none) of a package URL; None for any other text."""
    from urllib.parse import unquote

    if not purl.startswith("pkg:"):
        return None
    path = re.split(r"[?#]", purl[4:], maxsplit=1)[0]
    _, _, rest = path.partition("/")
    mark = rest.rfind("@")
    name, version = (rest[:mark], rest[mark + 1 :]) if mark > 0 else (rest, "")
    return (unquote(name), unquote(version)) if name else None
