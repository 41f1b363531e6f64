"""docker-bake files (HCL, JSON): what `docker buildx bake` attests, exports and restores for the targets it builds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from assess._yaml import Node
from assess.evidence import Source

FILES = ("docker-bake.json", "docker-bake.hcl", "docker-bake.override.json", "docker-bake.override.hcl")
MAX_TARGETS = 500


@dataclass(frozen=True, slots=True)
class Baked:
    """What the targets say together; each text with its place."""

    attests: tuple[tuple[str, Source], ...] = ()
    """`type=provenance,mode=max`; of targets that name none there is none."""
    outputs: tuple[tuple[str, Source], ...] = ()
    caches: tuple[Source, ...] = ()
    silent: int = 0
    """How many targets say nothing of provenance, so that BuildKit's default holds."""
    targets: int = 0


def baked(files: tuple[Node, ...], named: tuple[str, ...]) -> Baked | None:
    """The targets that a command names (`default` where it names none); None where one of them is not found."""
    targets: dict[str, list[Node]] = {}
    groups: dict[str, list[str]] = {}
    for root in files:
        for name, node in _blocks(root.get("target")):
            targets.setdefault(name, []).append(node)
        for name, node in _blocks(root.get("group")):
            groups.setdefault(name, []).extend(one.text for one in node.get("targets") or ())
    names = _members(named or ("default",), groups)
    if not named and not groups and "default" not in targets and len(targets) == 1:
        names = tuple(targets)
    if not names or any(name not in targets for name in names):
        return None
    attests: list[tuple[str, Source]] = []
    outputs: list[tuple[str, Source]] = []
    caches: list[Source] = []
    silent = 0
    for name in names:
        merged = _merged(name, targets)
        told = _texts(merged.get("attest"))
        attests += told
        silent += not any("type=provenance" in text for text, _ in told)
        outputs += _texts(merged.get("output"))
        caches += (place for _, place in _texts(merged.get("cache-from")))
    return Baked(tuple(attests), tuple(outputs), tuple(dict.fromkeys(caches)), silent, len(names))


def _blocks(node: Node | None) -> tuple[tuple[str, Node], ...]:
    if node is None:
        return ()
    found: list[tuple[str, Node]] = []
    for key, value in node.items():
        found += [(key.text, one) for one in ((value,) if value.kind == "mapping" else value) if one.kind == "mapping"]
    return tuple(found[:MAX_TARGETS])


def _members(names: tuple[str, ...], groups: Mapping[str, list[str]]) -> tuple[str, ...]:
    """The targets of groups, groups of groups opened."""
    found: dict[str, None] = {}
    stack = list(reversed(names))
    seen: set[str] = set()
    while stack and len(seen) <= MAX_TARGETS:
        name = stack.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in groups:
            stack += reversed(groups[name])
        else:
            found[name] = None
    return tuple(found)


def _merged(name: str, targets: Mapping[str, list[Node]]) -> dict[str, Node]:
    """A target's attributes over those that it inherits."""
    found: dict[str, Node] = {}
    stack = [name]
    seen: set[str] = set()
    while stack and len(seen) <= MAX_TARGETS:
        one = stack.pop()
        if one in seen or one not in targets:
            continue
        seen.add(one)
        for node in reversed(targets[one]):
            for key, value in node.items():
                found.setdefault(key.text, value)
            stack += (parent.text for parent in node.get("inherits") or ())
    return found


def _texts(node: Node | None) -> list[tuple[str, Source]]:
    """A list of `type=x,key=value` texts, or of objects that say the same."""
    found: list[tuple[str, Source]] = []
    for one in () if node is None else node if node.kind == "sequence" else (node,):
        if one.kind == "mapping":
            found.append((",".join(f"{key.text}={value.text}" for key, value in one.items()), one.source))
        elif one.kind == "scalar" and one.text:
            found.append((one.text, one.source))
    return found
