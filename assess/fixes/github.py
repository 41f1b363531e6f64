"""Safe fixes of GitHub workflows: each asks the evidence what is wrong, and the file where to put it right.

What each rests on: `reference` facts are in the rules; here is only what to write. Kinds:
    attest           a release without provenance gets `actions/attest` before it publishes
    npm-provenance   `npm publish` asks for provenance
    permissions      the job that makes provenance may ask for its identity
    caches           jobs of the release path restore no cache
    pins             actions of the release path are named by commit where that is known; generators by release tag
    provenance-mode  images are built with provenance that names their sources
    optional         provenance that fails stops the release
    predicate        the platform writes the predicate, not the pipeline
"""

from __future__ import annotations

from collections.abc import Iterator

from assess.evidence import Step
from assess.fixes import _github_attest, _github_caches
from assess.fixes._github_places import Place, name_of, places_of, steps_of
from assess.fixes.changes import Change, Path, RemoveKey, ReplaceText, SetKey
from assess.fixes.model import Declined, Fix, Found, View
from assess.fixes.pins import Releases, releases_of

ATTEST = frozenset({"actions/attest", "actions/attest-build-provenance"})
_DOCKER = frozenset({"docker/build-push-action"})

KINDS = (
    "attest", "npm-provenance", "permissions", "caches", "pins", "provenance-mode", "optional", "predicate",
)  # fmt: skip


def find(view: View) -> Iterator[Found]:
    """Every fix that the GitHub workflows of the project could take now, the most useful first."""
    places = list(places_of(view))
    if not places:
        return
    known = releases_of(view.files.values())
    for place in places:
        yield from _github_attest.find(place, known)
    seen: set[tuple[str, Path]] = set()
    for place in places:
        if (place.job.source.path, place.path) not in seen:
            seen.add((place.job.source.path, place.path))
            yield from _predicate(place)
            yield from _optional(place)
            yield from _mode(place)
            yield from _github_caches.find(place)
    yield from _pins(places, known)


def _predicate(place: Place) -> Iterator[Found]:
    """A SLSA predicate of the pipeline's own making carries the workflow's signature: drop it."""
    for step, path in steps_of(place):
        inputs = {one.name: one.value for one in step.inputs}
        kind = inputs.get("predicate-type", "")
        own = [name for name in ("predicate", "predicate-path", "predicate-type") if name in inputs]
        if step.uses is None or name_of(step.uses) not in ATTEST or not own:
            continue
        if kind and not kind.startswith("https://slsa.dev/provenance"):
            continue
        yield Fix(
            "predicate", step.source, f"job {place.job.id}: the platform writes the predicate",
            "a predicate that the pipeline writes proves nothing about the build, whoever signs it",
            tuple(RemoveKey((*path, "with"), name) for name in own),
        )  # fmt: skip


def _optional(place: Place) -> Iterator[Found]:
    """Provenance that may fail unnoticed."""
    changes: list[Change] = []
    for step, path in steps_of(place):
        if "attest" in step.does and step.continue_on_error is True:
            changes.append(RemoveKey(path, "continue-on-error"))
    calls = place.document.get((*place.path, "with", "continue-on-error"))
    if place.job.calls is not None and place.job.attests and str(calls).lower() == "true":
        changes.append(RemoveKey((*place.path, "with"), "continue-on-error"))
    own = place.document.get((*place.path, "continue-on-error"))
    if place.job.attests and str(own).lower() == "true":
        changes.append(RemoveKey(place.path, "continue-on-error"))
    if changes:
        yield Fix(
            "optional", place.job.source, f"job {place.job.id}: provenance that fails stops the release",
            "with continue-on-error a release goes out without provenance, and nobody notices",
            tuple(changes),
        )  # fmt: skip


def _mode(place: Place) -> Iterator[Found]:
    """Images with provenance switched off, or of the least kind."""
    for step, path in steps_of(place):
        if step.uses is None or name_of(step.uses) not in _DOCKER or "publish" not in step.does:
            continue
        inputs = {one.name: one.value for one in step.inputs}
        now = inputs.get("provenance")
        if "provenance-off" not in step.does and now is None:
            continue
        if now is not None and ("max" in now or "${{" in now):
            continue
        if now is None:
            yield Declined("provenance-mode", step.source, "a variable switches the image's provenance off")
            continue
        yield Fix(
            "provenance-mode", step.source, f"job {place.job.id}: the image of {_named(step)} carries provenance",
            "BuildKit's provenance is unsigned, so L1 at most, but it names sources and parameters",
            (SetKey((*path, "with"), "provenance", "mode=max"),),
        )  # fmt: skip


def _named(step: Step) -> str:
    return f"`{step.name}`" if step.name else f"line {step.source.line}"


def _pins(places: list[Place], known: Releases) -> Iterator[Found]:
    """Actions by tag or branch, all places of one reference in one file at once."""
    wanted: dict[tuple[str, str], list[tuple[Place, Step, Path]]] = {}
    for place in places:
        if place.job.calls is not None and not place.job.calls.startswith(("./", "$/")):
            step = next((one for one in place.job.steps or () if one.uses == place.job.calls), None)
            if step is not None:
                wanted.setdefault((place.job.source.path, place.job.calls), []).append((place, step, place.path))
        for step, path in steps_of(place):
            if step.uses is not None and step.pinned in {"tag", "branch"} and not step.uses.startswith("docker://"):
                wanted.setdefault((step.source.path, step.uses), []).append((place, step, path))
    for (_, uses), found in sorted(wanted.items()):
        yield from _pin(uses, found, known)


def _pin(uses: str, found: list[tuple[Place, Step, Path]], known: Releases) -> Iterator[Found]:
    name, _, ref = uses.partition("@")
    source = found[0][1].source
    paths = sorted({path for _, _, path in found}, key=str)
    if "/slsa-github-generator/" in f"/{name.lower()}" and name.lower().startswith("slsa-framework/"):
        if (ref.startswith("v") and ref.count(".") == 2) or not known.generator:
            return
        new = f"{name}@{known.generator}"
        yield Fix(
            "pins", source, f"{name.rpartition('/')[2]} by release tag {known.generator}",
            "its provenance verifies only where the workflow is named by a full release tag",
            tuple(ReplaceText((*path, "uses"), uses, new, "") for path in paths),
        )  # fmt: skip
        return
    if all(step.pinned not in {"tag", "branch"} for _, step, _ in found):
        return
    release = known.commit_of(name, ref)
    if release is None:
        yield Declined("pins", source, f"which commit {uses[:120]} stands for is not known here")
        return
    yield Fix(
        "pins", source, f"{name}@{ref} by commit ({release.version})",
        "a tag or branch can be moved to other code, which would run on the release path",
        tuple(
            ReplaceText((*path, "uses"), uses, f"{name}@{release.commit}", release.version) for path in paths
        ),
    )  # fmt: skip
