"""JReleaser's own file (YAML, JSON, TOML): what it signs, where it releases and deploys, each at its line.

It makes no provenance by itself: `catalog.slsa` and `catalog.github` list subjects for something that does.
"""

from __future__ import annotations

import re

from assess._yaml import Node
from assess.evidence import Note
from assess.pipelines._facts import Act
from assess.pipelines._images import CONTAINER
from assess.pipelines._packages import MAVEN

FILES = ("jreleaser.yml", "jreleaser.yaml", "jreleaser.toml", "jreleaser.json")

_FORGES = {
    "github": "GitHub release", "gitlab": "GitLab release", "gitea": "Gitea release", "codeberg": "Codeberg release",
    "forgejo": "Forgejo release", "generic": "Git forge release",
}  # fmt: skip
_TOML_KEY = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_TOML_TABLE = re.compile(r"\s*\[\[?\s*([^\]]+?)\s*\]\]?")


def configured(root: Node, verb: str) -> tuple[tuple[Act, ...], tuple[Note, ...]]:
    """What a `full-release`, `release`, `deploy` or `publish` by this file does; and notes on its SLSA catalog."""
    acts = _signing(root)
    everything = verb in {"fullrelease", "autoconfig"}
    if everything or verb == "release":
        for forge_name, target in _FORGES.items():
            forge = (root.get("release") or _NOTHING).get(forge_name)
            if forge is not None and not _off(forge, "enabled", "skipRelease"):
                acts.append(Act("publish", f"jreleaser release.{forge_name}", forge.source, target))
    if everything or verb == "deploy":
        for name, group in ((root.get("deploy") or _NOTHING).get("maven") or _NOTHING).items():
            deployers = [one for _, one in group.items() if _active(one)]
            acts += (Act("publish", f"jreleaser deploy.maven.{name.text}", one.source, MAVEN) for one in deployers)
    if everything or verb == "publish":
        docker = (root.get("packagers") or _NOTHING).get("docker")
        if docker is not None and _active(docker):
            acts.append(Act("publish", "jreleaser packagers.docker", docker.source, CONTAINER))
    catalog = root.get("catalog") or _NOTHING
    for name, one in (catalog.get("sbom") or _NOTHING).items():
        if _active(one):
            acts.append(Act("sbom", f"jreleaser catalog.sbom.{name.text}", one.source))
    return tuple(acts), _catalog(catalog)


_NOTHING = Node("mapping", {}, "", 0, 0)


def _catalog(catalog: Node) -> tuple[Note, ...]:
    notes = []
    for name in ("slsa", "github"):
        one = catalog.get(name) or _NOTHING
        if _active(one):
            text = f"`catalog.{name}` lists subjects for what makes provenance; JReleaser makes none by itself"
            notes.append(Note(one.source, text))
    return tuple(notes)


def _signing(root: Node) -> list[Act]:
    signing = root.get("signing") or _NOTHING
    acts: list[Act] = []
    if signing.get("active") is not None and _active(signing):
        # before 1.20 one switch and a `mode` held for the one means there was
        mode = (signing.get("mode") or _NOTHING).text.lower() or "memory"
        acts += [Act("sign", f"jreleaser signing ({mode})", signing.source)]
        acts += [Act("key", "jreleaser signing", signing.source)]
        return acts
    for key, one in signing.items():
        if key.text in _MEANS and _active(one):
            acts.append(Act("sign", f"jreleaser signing.{key.text}", one.source))
            if key.text != "cosign" or one.get("privateKeyFile") is not None:
                acts.append(Act("key", f"jreleaser signing.{key.text}", one.source))
    return acts


_MEANS = frozenset({"pgp", "cosign", "minisign"})


def _active(node: Node) -> bool:
    """`active: ALWAYS | RELEASE | true`; NEVER and SNAPSHOT are off for a release."""
    told = node.get("active") or node.get("enabled")
    return told is not None and told.text.lower() not in {"never", "false", "snapshot", ""}


def _off(node: Node, enabled: str, skip: str) -> bool:
    on, skipped = node.get(enabled), node.get(skip)
    return (on is not None and on.text == "false") or (skipped is not None and skipped.text == "true")


def toml_nodes(data: bytes, path: str) -> Node | None:
    """A TOML file as nodes with the lines of its keys; None if it is not TOML."""
    import tomllib

    try:
        text = data.decode("utf-8")
        values = tomllib.loads(text)
    except (ValueError, RecursionError):
        return None
    try:
        return _node(values, (), _toml_lines(text), path, 1)
    except RecursionError:
        return None


def _toml_lines(text: str) -> dict[tuple[str, ...], int]:
    """The line of every key, by its path."""
    lines: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.split("\n"), 1):
        if (found := _TOML_TABLE.match(line)) is not None:
            table = _dotted(found.group(1))
            lines.setdefault(table, number)
        elif (found := _TOML_KEY.match(line)) is not None:
            lines.setdefault((*table, *_dotted(found.group(1))), number)
    return lines


def _dotted(text: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in text.split("."))


def _node(value: object, at: tuple[str, ...], lines: dict[tuple[str, ...], int], path: str, line: int) -> Node:
    line = lines.get(at, line)
    if isinstance(value, dict):
        inner = {str(key): _node(one, (*at, str(key)), lines, path, line) for key, one in value.items()}
        keys = {name: Node("scalar", name, path, node.line, 1, name) for name, node in inner.items()}
        return Node("mapping", inner, path, line, 1, keys=keys)
    if isinstance(value, list):
        return Node("sequence", tuple(_node(one, at, lines, path, line) for one in value), path, line, 1)
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return Node("scalar", value if isinstance(value, bool | int) else text, path, line, 1, text)
