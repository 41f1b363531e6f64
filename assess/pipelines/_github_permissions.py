"""Permissions of a GitHub job's token: as written, in effect, and within those of a calling job."""

from __future__ import annotations

from assess._yaml import Node
from assess.evidence import Permission, Source
from assess.pipelines._github_reading import Reading

_RANK = {"none": 0, "read": 1, "write": 2}


def permissions(node: Node | None, reading: Reading) -> tuple[Permission, ...] | None:
    """`permissions:` as written: None if absent; `read-all` and `write-all` as the scope `all`."""
    if node is None:
        return None
    if node.kind == "scalar" and node.text in {"read-all", "write-all"}:
        return (Permission("all", node.text.removesuffix("-all")),)
    if node.kind != "mapping":
        reading.note(node.source, "permissions are neither a mapping nor read-all or write-all")
        return None
    for key, value in node.items():
        if value.text not in _RANK:
            reading.note(key.source, f"permission {key.text[:40]!r} is neither read, write nor none")
    return tuple(
        Permission(key.text, value.text) for key, value in node.items() if value.text in _RANK and value.text != "none"
    )


def access(granted: tuple[Permission, ...], scope: str) -> str:
    """The access to one scope; `read-all` does not reach `id-token`, which can only be written or not."""
    best = "none"
    for one in granted:
        if one.scope == scope or (one.scope == "all" and (scope != "id-token" or one.access == "write")):
            best = max(best, one.access, key=lambda word: _RANK[word])
    return best


def lesser(limit: tuple[Permission, ...] | None, own: tuple[Permission, ...] | None) -> tuple[Permission, ...] | None:
    """What a called job may do: its own permissions within its caller's; None where the caller's are not known."""
    if own is None or limit is None:
        return limit
    scopes = tuple(dict.fromkeys(one.scope for one in (*own, *(limit if any(o.scope == "all" for o in own) else ()))))
    found = []
    for scope in scopes:
        word = min(access(own, scope), access(limit, scope), key=lambda word: _RANK[word])
        if word != "none":
            found.append(Permission(scope, word))
    return tuple(found)


def identity_place(node: Node | None) -> Source | None:
    """Where `permissions` let a job ask for an identity; None where they do not."""
    if node is None:
        return None
    if node.kind == "scalar":
        return node.source if node.text == "write-all" else None
    return next((key.source for key, value in node.items() if key.text == "id-token" and value.text == "write"), None)
