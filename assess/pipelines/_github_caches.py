"""Caches that GitHub actions restore and save: by themselves, when asked, or unless told not to."""

from __future__ import annotations

import re

from assess._frozen import frozen
from assess.evidence import CacheUse
from assess.pipelines._facts import Act
from assess.pipelines._uses import Use


@frozen
class _Rule:
    """When an action caches: `asks` inputs switch it on, `refuses` inputs off; without either `default` holds."""

    asks: tuple[str, ...] = ()
    refuses: tuple[str, ...] = ()
    """`cache` is refused by false, `skip-cache` (with `!` before it here) by true."""
    default: bool | None = True
    since: int = 0
    """The major version from which the default holds; before it False, and None where the version cannot be told."""
    key: tuple[str, ...] = ()


_ALWAYS = _Rule()
_ASKED = _Rule(asks=("cache",), default=False)
_UNLESS = _Rule(refuses=("cache",))
_RULES: dict[str, _Rule] = {
    "actions/cache": _Rule(key=("key",)),
    "actions/cache/restore": _Rule(key=("key",)),
    "actions/cache/save": _Rule(key=("key",)),
    "actions/setup-go": _Rule(asks=("cache",), refuses=("cache",), since=4),
    "actions/setup-node": _Rule(asks=("cache",), refuses=("package-manager-cache",), default=None, since=5),
    "actions/setup-python": _ASKED,
    "actions/setup-java": _ASKED,
    "actions/setup-dotnet": _ASKED,
    "graalvm/setup-graalvm": _ASKED,
    "pnpm/action-setup": _ASKED,
    "subosito/flutter-action": _ASKED,
    "denoland/setup-deno": _ASKED,
    "ruby/setup-ruby": _Rule(asks=("bundler-cache",), default=False),
    "mamba-org/setup-micromamba": _Rule(asks=("cache-environment", "cache-downloads"), default=False),
    "pyo3/maturin-action": _Rule(asks=("sccache",), default=False),
    "bazel-contrib/setup-bazel": _Rule(asks=("disk-cache", "repository-cache", "bazelisk-cache"), default=False),
    "astral-sh/setup-uv": _Rule(asks=("enable-cache",), refuses=("enable-cache",), since=6),
    "gradle/actions/setup-gradle": _Rule(refuses=("!cache-disabled",)),
    "gradle/gradle-build-action": _Rule(refuses=("!cache-disabled",)),
    "golangci/golangci-lint-action": _Rule(refuses=("!skip-cache",)),
    "ramsey/composer-install": _Rule(refuses=("!ignore-cache",)),
    "oven-sh/setup-bun": _Rule(refuses=("!no-cache",)),
    "mlugg/setup-zig": _Rule(refuses=("use-cache",), default=None),
    "prefix-dev/setup-pixi": _Rule(asks=("cache",), refuses=("cache",), default=None),
    "actions-rust-lang/setup-rust-toolchain": _UNLESS,
    "jdx/mise-action": _UNLESS,
    "moonrepo/setup-rust": _UNLESS,
    "docker/setup-qemu-action": _Rule(refuses=("cache-image",), default=None, since=3),
    "swatinem/rust-cache": _Rule(key=("shared-key", "prefix-key", "key")),
    "camshaft/rust-cache": _ALWAYS,
    "mozilla-actions/sccache-action": _ALWAYS,
    "hendrikmuhs/ccache-action": _Rule(key=("key",)),
    "julia-actions/cache": _ALWAYS,
    "determinatesystems/magic-nix-cache-action": _ALWAYS,
    "nix-community/cache-nix-action": _ALWAYS,
    "awalsh128/cache-apt-pkgs-action": _ALWAYS,
    "taiki-e/cache-cargo-install-action": _ALWAYS,
    "burrunan/gradle-cache-action": _ALWAYS,
    "coursier/cache-action": _ALWAYS,
    "r-lib/actions/setup-r-dependencies": _UNLESS,
    "msys2/setup-msys2": _Rule(refuses=("cache",), default=None),
    "lukka/get-cmake": _Rule(refuses=("usecloudcache",), default=None),
    "lukka/run-vcpkg": _ALWAYS,
    "houseabsolute/actions-rust-cross": _Rule(refuses=("use-rust-cache",), default=None),
    "terraform-linters/setup-tflint": _ASKED,
    "messense/maturin-action": _Rule(asks=("sccache",), default=False),
    "dominikh/staticcheck-action": _ALWAYS,
    "baptiste0928/cargo-install": _ALWAYS,
    "ocaml/setup-ocaml": _ALWAYS,
    "cachix/cachix-action": _ALWAYS,
}
"""Action (lower case, without `@ref`) to when it caches; docker/* cache by texts of their own."""
_SPECIFICATION = re.compile(r"cache-from=?\s*(\S+)")


def has_rule(use: Use) -> bool:
    """It is an action whose caches are known, whether or not it caches here."""
    return use.name in _RULES


def cache_use(use: Use) -> CacheUse | None:
    """The cache of one action; None if it has none, or is not known to."""
    if use.name == "docker/setup-buildx-action":
        kept = bool(use.inputs.get("version")) and not use.off("cache-binary")
        return CacheUse(use.source, use.name, None, True, True) if kept else None
    if use.name in {"docker/build-push-action", "docker/bake-action"}:
        return _docker(use)
    rule = _RULES.get(use.name)
    restores = None if rule is None else _restores(use, rule)
    if rule is None or restores is False:
        return None
    saves: bool | None = restores
    if use.name == "actions/cache/restore" or use.on("cache-read-only") or use.off("save-if") or use.off("save-cache"):
        saves = False
    key = next((use.inputs[name] for name in rule.key if use.inputs.get(name)), None)
    return CacheUse(use.source, use.name, key, False if use.name == "actions/cache/save" else restores, saves)


def _restores(use: Use, rule: _Rule) -> bool | None:
    if use.on("lookup-only") or any(_refused(use, name) for name in rule.refuses):
        return False
    asked = [use.inputs.get(name, "").strip() for name in rule.asks]
    given = [one for one in asked if one and one.lower() != "false"]
    if given:
        return None if all("${{" in one for one in given) else True
    if any("${{" in use.inputs.get(name.removeprefix("!"), "") for name in rule.refuses):
        return None
    if not rule.since:
        return rule.default
    return None if use.major is None else rule.default if use.major >= rule.since else False


def _refused(use: Use, name: str) -> bool:
    return use.on(name[1:]) if name.startswith("!") else use.off(name)


def _docker(use: Use) -> CacheUse | None:
    come, go, options = use.inputs.get("cache-from"), use.inputs.get("cache-to"), use.inputs.get("set", "")
    if not (come or go or "cache-from" in options or "cache-to" in options):
        return None
    match = _SPECIFICATION.search(options)
    key = (come or go or (match.group(1) if match else "")).strip().split("\n")[0] or None
    restores, saves = bool(come) or "cache-from" in options, bool(go) or "cache-to" in options
    return CacheUse(use.source, f"{use.name} cache", key, restores, saves)


def act_of(cache: CacheUse | None) -> tuple[Act, ...]:
    """Restoring a cache as an act; nothing for one that is only saved."""
    if cache is None or cache.restores is False:
        return ()
    return (Act("cache", cache.tool, cache.source, sure=cache.restores is True),)
