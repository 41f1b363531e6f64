"""Caches out of the jobs that build and publish: other runs can write what a release would restore."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from assess.evidence import Step
from assess.fixes._github_places import Place, name_of, steps_of
from assess.fixes.changes import Change, Path, RemoveItem, RemoveKey, SetKey
from assess.fixes.model import Declined, Fix, Found

_ONLY_CACHE = frozenset(
    {
        "actions/cache", "actions/cache/restore", "swatinem/rust-cache", "camshaft/rust-cache",
        "mozilla-actions/sccache-action", "hendrikmuhs/ccache-action", "julia-actions/cache",
        "determinatesystems/magic-nix-cache-action",
    }
)  # fmt: skip
"""Actions that do nothing but cache: the step goes."""
_DROP: Mapping[str, tuple[str, ...]] = {
    "actions/setup-node": ("cache", "cache-dependency-path"),
    "actions/setup-python": ("cache", "cache-dependency-path"),
    "actions/setup-java": ("cache", "cache-dependency-path"),
    "docker/build-push-action": ("cache-from", "cache-to"),
}
"""Inputs that ask for a cache: the inputs go."""
_SWITCH: Mapping[str, tuple[str, str]] = {
    "actions/setup-go": ("cache", "false"),
    "astral-sh/setup-uv": ("enable-cache", "false"),
    "golangci/golangci-lint-action": ("skip-cache", "true"),
    "ruby/setup-ruby": ("bundler-cache", "false"),
    "actions/setup-node": ("package-manager-cache", "false"),
    "gradle/actions/setup-gradle": ("cache-disabled", "true"),
    "gradle/gradle-build-action": ("cache-disabled", "true"),
    "pnpm/action-setup": ("cache", "false"),
    "actions-rust-lang/setup-rust-toolchain": ("cache", "false"),
    "oven-sh/setup-bun": ("no-cache", "true"),
    "docker/setup-buildx-action": ("cache-binary", "false"),
}
"""Actions that cache by default or by a switch: the input that turns it off."""


def find(place: Place) -> Iterator[Found]:
    """One fix for all caches of a job, where all of them can be told."""
    if not any("cache" in step.does for step in place.job.steps or ()):
        return
    changes: list[Change] = []
    for step, path in reversed(list(steps_of(place))):
        if "cache" in step.does:
            made = _without(step, path, place)
            if isinstance(made, Declined):
                yield made
            else:
                changes += made
    if changes:
        by_default = all(isinstance(one, SetKey) for one in changes)
        where = "by default" if by_default else "on the release path"
        yield Fix(
            "caches", place.job.source, f"job {place.job.id}: no cache is restored {where}",
            "a run of less trusted code can fill a cache that the release build then takes its input from",
            tuple(changes),
        )  # fmt: skip


def _without(step: Step, path: Path, place: Place) -> list[Change] | Declined:
    """The step without its cache."""
    name = name_of(step.uses) if step.uses is not None else ""
    identifier = place.document.get((*path, "id"))
    inputs = {one.name for one in step.inputs}
    if name in _ONLY_CACHE:
        if identifier and f"steps.{identifier}." in str(place.document.data):
            return Declined("caches", step.source, f"other steps ask for the result of the cache step `{identifier}`")
        return [RemoveItem(path[:-1], int(path[-1]))]
    drop = [one for one in _DROP.get(name, ()) if one in inputs]
    if drop:
        return [RemoveKey((*path, "with"), one) for one in drop]
    if name in _SWITCH:
        key, value = _SWITCH[name]
        if place.document.get((*path, "with")) is None:
            return [SetKey(path, "with", {key: value}, after="uses")]
        return [SetKey((*path, "with"), key, value)]
    return Declined("caches", step.source, f"how {name or 'this step'} is kept from its cache is not known here")
