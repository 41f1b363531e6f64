"""What readers of CI systems need of the tools: their names' meaning, offers of provenance, names of scripts.

The tools themselves stand in `_images`, `_signers`, `_packages` and `_release_tools`.
"""

from __future__ import annotations

import itertools
import re

from assess.evidence import Interval, Source
from assess.pipelines._command_table import GITHUB_RELEASE
from assess.pipelines._facts import Act, Offer
from assess.pipelines._flags import LOCAL_REGISTRY
from assess.pipelines._images import CONTAINER, buildkit, docker, ko
from assess.pipelines._packages import npm, npm_flagged, npm_offer, npm_token
from assess.pipelines._signers import IN_TOTO, PUBLISH_NOTE, WITNESS, cosign

__all__ = [
    "CONTAINER", "GITHUB_RELEASE", "IN_TOTO", "LOCAL_REGISTRY", "PUBLISH_NOTE", "WITNESS", "buildkit", "cosign",
    "docker", "goreleaser", "harmless", "ko", "npm", "npm_flagged", "npm_offer", "npm_token", "opaque",
]  # fmt: skip

_HARMLESS = re.compile(
    r"(?:[\w.-]*[-_:/.])?(?:unit|test|tests|e2e|lint|check|fmt|format|vet|verify|validate|clean|deps|install|tools?"
    r"|generate|docs?|coverage|typecheck|mypy|ci|configure|bootstrap|setup|requirements|activate|env|audit)(?:[-_:/.].*)?\Z",
    re.IGNORECASE,
)
_RISKY = re.compile(r"push|publish|release|deploy|sign|attest|upload|promote", re.IGNORECASE)
_BUILDING = re.compile(r"(?:build|compile|dist|package|all|bundle|assemble|wheel|sdist|image)(?:[-_:/.].*)?\Z", re.I)


def harmless(name: str) -> bool:
    """A conventional name for tests, checks and set-up, which is believed."""
    return not _RISKY.search(name) and _HARMLESS.match(name) is not None


def building(name: str) -> bool:
    """A conventional name for a build, which is believed."""
    return not _RISKY.search(name) and not harmless(name) and _BUILDING.match(name) is not None


def opaque(shown: str, name: str, place: Source, why: str = "was not read") -> tuple[Act, ...]:
    """Project code behind a name: conventional names for tests and builds are believed, all else was not read."""
    if harmless(name):
        return (Act("code", shown, place),)
    if building(name):
        return (Act("build", shown, place),)
    return (
        Act("code", shown, place),
        Act("unread-script", shown, place, note=f"`{shown[:80]}` {why}: it may build, sign or publish"),
    )


def goreleaser(arguments: str, place: Source) -> tuple[Act, ...]:
    """GoReleaser: builds, and publishes unless told not to. Its own configuration is not read here."""
    words = re.split(r"[\s'\"]+", arguments)  # the arguments may be an expression that holds them as literals
    built = Act("build", "goreleaser", place)
    held = {"--snapshot", "--skip=publish", "--skip-publish", "--auto-snapshot"} & set(words)
    skipped = any(word.startswith("--skip=") and "publish" in word for word in words)
    skipped = skipped or any(one == "--skip" and "publish" in two for one, two in itertools.pairwise(words))
    if "release" not in words or held or skipped:
        return (built,) if {"build", "release"} & set(words) else ()
    note = "GoReleaser makes no provenance for files; its configuration, which may for images, was not read"
    offer = Offer("goreleaser", Interval(0, 1), generated=None, authored_by_tenant=None, note=note)
    return (built, Act("publish", "goreleaser", place, GITHUB_RELEASE, offer=offer))
