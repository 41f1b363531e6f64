"""GoReleaser's own file: what `goreleaser release` signs, lists, builds as images and publishes, each at its line.

GoReleaser makes no provenance of files; images get BuildKit's where `dockers_v2` (buildx with --push) builds them.
Defaults are those of its source: `signs` and `docker_signs` sign nothing where they name no artifacts, but
`docker_signs` the images of `dockers_v2`; `dockers` builds with `--load` and pushes afterwards.
"""

from __future__ import annotations

import re
from dataclasses import replace

from assess._yaml import Node
from assess.evidence import Interval, Source
from assess.pipelines._facts import Act, Offer
from assess.pipelines._flags import flag, flags
from assess.pipelines._images import CONTAINER, buildkit
from assess.pipelines._scripts import Piece
from assess.pipelines._signers import cosign, gpg

FILES = (
    ".config/goreleaser.yml", ".config/goreleaser.yaml", ".goreleaser.yml", ".goreleaser.yaml", "goreleaser.yml",
    "goreleaser.yaml",
)  # fmt: skip
MAX_ENTRIES = 500

_UPLOADS: dict[str, str] = {
    "blobs": "object storage", "s3": "object storage", "artifactories": "Artifactory", "uploads": "HTTP upload",
    "puts": "HTTP upload", "furies": "Gemfury", "fury": "Gemfury", "gemfury": "Gemfury", "cloudsmiths": "Cloudsmith",
    "snapcrafts": "Snap Store", "chocolateys": "Chocolatey", "npms": "npm", "publishers": "custom publisher",
    "mcp": "MCP registry",
}  # fmt: skip
_FORGES = {"github": "GitHub release", "gitlab": "GitLab release", "gitea": "Gitea release"}
_TAPS = ("brews", "homebrew_casks", "scoops", "nix", "winget", "aurs", "aur_sources", "krews")
_OFF = frozenset({"true"})


def release(
    root: Node, skipped: frozenset[str], publishes: bool, place: Source
) -> tuple[tuple[Act, ...], tuple[Piece, ...]]:
    """What a release by this file does, besides building; and the hooks that it runs.

    `skipped` are the words of `--skip`; `publishes` is False for a snapshot, which still builds and signs.
    `place` is that of the command, for what the file does not say.
    """
    acts: list[Act] = []
    if "sign" not in skipped:
        for one in _list(root, "signs"):
            acts += _signs(one, "signs", "none")
        for one in _list(root, "binary_signs"):
            acts += _signs(one, "binary_signs", "binary")
        acts += _notarized(root)
    acts += [Act("sbom", "goreleaser sboms", one.source) for one in _list(root, "sboms") if "sbom" not in skipped]
    if "docker" not in skipped:
        acts += _images(root, publishes)
    if "ko" not in skipped:
        acts += [act for one in _list(root, "kos") for act in _ko(one, publishes)]
    if publishes and "sign" not in skipped:
        default = "images" if root.get("dockers_v2") is not None else "none"
        for one in _list(root, "docker_signs"):
            acts += _signs(one, "docker_signs", default)
    if publishes:
        acts += _published(root, place)
    for one in root.get("includes") or ():
        if one.get("from_url") is not None:
            note = "GoReleaser takes a part of its configuration from the network, which was not read"
            acts.append(Act("unread", "goreleaser includes", one.source, note=note))
    hooks = () if "before" in skipped else _hooks(root)
    return tuple(acts), hooks


def build(root: Node, skipped: frozenset[str]) -> tuple[Piece, ...]:
    """The hooks that `goreleaser build` runs."""
    return () if "before" in skipped else _hooks(root)


def _list(root: Node, key: str) -> tuple[Node, ...]:
    node = root.get(key)
    if node is None:
        return ()
    found = tuple(node)[:MAX_ENTRIES] if node.kind == "sequence" else (node,)
    return tuple(one for one in found if one.kind == "mapping" and not _off(one.get("disable")))


def _off(node: Node | None) -> bool:
    return node is not None and node.text in _OFF


def _args(node: Node | None) -> tuple[str, ...]:
    return () if node is None else tuple(one.text for one in node if one.kind == "scalar")


def _sure(node: Node, *keys: str) -> bool:
    """Nothing in the entry makes it depend on a template."""
    return not any((one := node.get(key)) is not None and "{{" in one.text for key in keys)


def _signs(node: Node, key: str, default: str) -> tuple[Act, ...]:
    artifacts = node.get("artifacts")
    if (artifacts.text if artifacts is not None else default) == "none":
        return ()
    command = node.get("cmd")
    program = (command.text if command is not None else "gpg" if key == "signs" else "cosign").rpartition("/")[2]
    words = _args(node.get("args"))
    place = node.source
    if program.startswith("cosign"):
        words = words or ("sign", "--key=cosign.key", "${artifact}@${digest}", "--yes")
        plain = tuple(re.sub(r"\{\{.*?\}\}", "$_", word) for word in words)
        found = cosign(("cosign", *plain), place, {})
    elif program.startswith("gpg"):
        found = gpg(("gpg", "--detach-sign", *words), place)
    else:
        found = (Act("sign", program[:40], place),)
    sure = _sure(node, "if", "disable")
    told = []
    for act in found:
        if act.does == "tag-subject" and "${artifact}" not in " ".join(words):
            continue
        told.append(replace(act, tool=f"goreleaser {key} ({act.tool})", sure=act.sure and sure))
    return tuple(told)


def _notarized(root: Node) -> list[Act]:
    found: list[Act] = []
    for one in (root.get("notarize") or _NOTHING).get("macos") or ():
        if one.kind == "mapping" and one.get("sign") is not None:
            enabled = one.get("enabled")
            sure = enabled is None or "{{" not in enabled.text
            if enabled is None or enabled.text != "false":
                found.append(Act("sign", "goreleaser notarize", one.source, sure=sure))
    return found


_NOTHING = Node("mapping", {}, "", 0, 0)


def _images(root: Node, publishes: bool) -> list[Act]:
    acts: list[Act] = []
    for one in _list(root, "dockers"):
        acts += _docker(one, publishes)
    for one in _list(root, "dockers_v2"):
        words = _args(one.get("flags"))
        sure = _sure(one, "disable")
        tool = "goreleaser dockers_v2"
        made = [Act("build", tool, one.source)]
        made += buildkit(
            flag(words, "--provenance"),
            publishes,
            tool,
            _at(one, "flags", "--provenance"),
            {},
            flags(words, "--attest"),
        )
        listed = one.get("sbom")
        if publishes and (listed is None or listed.text != "false"):
            made.append(Act("sbom", tool, (listed or one).source))
        made += [Act("cache", f"{tool} --cache-from", one.source)] if flag(words, "--cache-from") else []
        acts += (replace(act, sure=act.sure and sure) for act in made)
    if publishes:
        for one in _list(root, "docker_manifests"):
            if not _off(one.get("skip_push")):
                acts.append(Act("publish", "goreleaser docker_manifests", one.source, CONTAINER))
    return acts


def _at(node: Node, key: str, begins: str) -> Source:
    """The place of the word in a list of flags; the entry's where there is none."""
    found = next((one for one in node.get(key) or () if one.text.startswith(begins)), node)
    return found.source


def _docker(node: Node, publishes: bool) -> list[Act]:
    tool = "goreleaser dockers"
    words = _args(node.get("build_flag_templates"))
    used = node.get("use")
    acts = [Act("build", tool, node.source)]
    acts += [Act("cache", f"{tool} --cache-from", node.source)] if flag(words, "--cache-from") else []
    skip = node.get("skip_push")
    if not publishes or _off(skip):
        return acts
    sure = skip is None or skip.text in {"", "false"}
    off = (flag(words, "--provenance") or "").lower() in {"false", "0"}
    off = off or any("type=provenance" in one and "disabled=true" in one for one in flags(words, "--attest"))
    if used is not None and used.text == "buildx" and off:
        place = _at(node, "build_flag_templates", "--provenance")
        acts.append(Act("provenance-off", tool, place, note="provenance of the image is switched off"))
    note = "`buildx --load` and `docker push` keep provenance only with the containerd image store"
    unsure = Offer(tool, Interval(0, 1), generated=None, signed=False, covers=CONTAINER, note=note)
    offer = unsure if used is not None and used.text == "buildx" and not off else None
    acts.append(Act("publish", tool, node.source, CONTAINER, offer=offer, sure=sure))
    return acts


def _ko(node: Node, publishes: bool) -> list[Act]:
    acts = [Act("build", "goreleaser kos", node.source)]
    listed = node.get("sbom")
    if publishes:
        acts += (
            [Act("sbom", "goreleaser kos", (listed or node).source)] if listed is None or listed.text != "none" else []
        )
        acts.append(Act("publish", "goreleaser kos", node.source, CONTAINER))
    return acts


def _published(root: Node, at: Source) -> list[Act]:
    acts: list[Act] = []
    node = root.get("release")
    disabled = node.get("disable") if node is not None else None
    held = node.get("skip_upload") if node is not None else None
    note = "GoReleaser makes no provenance for files"
    tapped = [key for key in _TAPS if root.get(key) is not None]
    if tapped:
        note += f"; it also writes package definitions elsewhere ({', '.join(tapped)})"
    if not _off(disabled) and not _off(held):
        place = node.source if node is not None else at
        forge = next((name for name in _FORGES if node is not None and node.get(name) is not None), "github")
        sure = all(one is None or "{{" not in one.text for one in (disabled, held))
        acts.append(Act("publish", "goreleaser release", place, _FORGES[forge], note=note, sure=sure))
    for key, target in _UPLOADS.items():
        for one in _list(root, key):
            if key == "snapcrafts" and not _off(one.get("publish")):
                continue
            if key == "chocolateys" and _off(one.get("skip_publish")):
                continue
            acts.append(Act("publish", f"goreleaser {key}", one.source, target, sure=_sure(one, "disable", "if")))
    return acts


def _hooks(root: Node) -> tuple[Piece, ...]:
    """Commands that GoReleaser runs: before everything, around builds, archives and images; custom publishers."""
    nodes: list[Node] = []
    for key in ("before", "after"):
        nodes += (root.get(key) or _NOTHING).get("hooks") or ()
    for key in ("builds", "universal_binaries", "archives", "dockers_v2"):
        for one in _list(root, key):
            hooks = one.get("hooks") or _NOTHING
            for moment in ("pre", "post", "before", "after"):
                named = hooks.get(moment)
                nodes += () if named is None else (named,) if named.kind == "scalar" else tuple(named)
    nodes += (one for one in _list(root, "publishers") if one.get("cmd") is not None)
    found = []
    for node in nodes[:MAX_ENTRIES]:
        command = node if node.kind == "scalar" else node.get("cmd")
        if command is not None and command.kind == "scalar" and command.text:
            text = re.sub(r"\{\{.*?\}\}", "$_", command.text)
            inside = node.get("dir")
            directory = "" if inside is None else None
            found.append(Piece(text, command.source, directory, key=f"goreleaser {command.source}"))
    return tuple(found)
