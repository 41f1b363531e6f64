"""References of Tekton objects: by name, bundle or resolver, and how firmly each names its content."""

from __future__ import annotations

from assess._yaml import Node
from assess.evidence import Source
from assess.pipelines._values import Pin, image_pin, ref_pin, text


def params_of(node: Node | None) -> dict[str, str]:
    """`params` with scalar values (or defaults), by name."""
    found: dict[str, str] = {}
    for one in node or ():
        name, value = text(one.get("name")), one.get("value") or one.get("default")
        if name is not None and value is not None and value.kind == "scalar":
            found[name] = value.text
    return found


def reference(ref: Node) -> tuple[str, Pin]:
    """(as written with its version, how firmly pinned) of a `taskRef`, `pipelineRef` or step `ref`."""
    if (bundle := text(ref.get("bundle"))) is not None:
        return bundle, image_pin(bundle)
    resolver = text(ref.get("resolver"))
    if resolver is None:
        version = text(ref.get("version"))
        return (text(ref.get("name")) or "?") + (f"@{version}" if version else ""), "unknown"
    given = params_of(ref.get("params"))
    match resolver:
        case "bundles":
            return given.get("bundle", "?"), image_pin(given.get("bundle", "$"))
        case "git":
            where = given.get("url") or "/".join(given[key] for key in ("org", "repo") if key in given)
            revision = given.get("revision")
            return f"{where}//{given.get('pathInRepo', '')}@{revision or ''}", ref_pin(revision)
        case "hub":
            version = given.get("version", "")
            return f"{given.get('name', '?')}@{version}", ref_pin(version.lstrip(">=<~^ ")) if version[
                :1
            ].isdigit() else "branch"
        case "http":
            return given.get("url", "?"), "digest" if given.get("digest") else "branch"
        case "cluster":
            return f"{given.get('namespace', '')}/{given.get('name', '?')}", "unknown"
        case other:
            return f"{other}:{given.get('name', '')}", "unknown"


def source_of(ref: Node) -> Source:
    """Where a reference stands."""
    for name in ("name", "bundle", "resolver"):
        if (node := ref.get(name)) is not None:
            return node.source
    return ref.source
