"""Safe fixes of GitLab pipelines. Kinds:
metadata         the runner writes provenance (unsigned: L1) for what jobs hand over
npm-provenance   `npm publish` asks for provenance, with the identity token that it takes
provenance-mode  images are built with provenance that names their sources
caches           jobs of the release path use no cache
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from assess.evidence import Job, Release
from assess.fixes.changes import Change, Path, Quoted, RemoveKey, ReplaceText, SetKey
from assess.fixes.model import Declined, Document, Fix, Found, View

NAME = "gitlab-ci"
KINDS = ("metadata", "npm-provenance", "provenance-mode", "caches")
METADATA = "RUNNER_GENERATE_ARTIFACTS_METADATA"
_SCRIPTS = ("before_script", "script", "after_script")
_BUILDX = re.compile(r"(docker buildx build(?:x)?)(?= )(?![^\n]*--provenance)(?=[^\n]*--push)")
_OFF = re.compile(r"--provenance[= ]false")
_NPM = re.compile(r"(?<![\w./-])(npm|pnpm)( +)publish(?![\w-])(?![^\n]*--provenance)")
_FIRST = ("stages", "workflow", "default", "include", "image")


def find(view: View) -> Iterator[Found]:
    """Every fix that the GitLab pipelines of the project could take now."""
    seen: set[tuple[str, Path]] = set()
    for release in view.evidence.releases or ():
        if release.system != NAME:
            continue
        yield from _metadata(view, release)
        for job, document, path in _jobs(view, release):
            if (job.source.path, path) not in seen:
                seen.add((job.source.path, path))
                yield from _scripts(job, release, document, path)
                yield from _caches(job, document, path)


def _jobs(view: View, release: Release) -> Iterator[tuple[Job, Document, Path]]:
    for pipeline in view.evidence.pipelines or ():
        if pipeline.source.path != release.pipeline:
            continue
        for job in pipeline.jobs or ():
            document = view.document(job.source.path)
            path = document.key_at(job.source) if document is not None else None
            if job.id in release.jobs and document is not None and path is not None and len(path) == 1:
                yield job, document, path


def _metadata(view: View, release: Release) -> Iterator[Found]:
    document = view.document(release.pipeline)
    provenance = release.provenance
    if document is None or provenance is None or provenance.generated is not False:
        return
    variables = document.get(("variables",))
    if isinstance(variables, dict) and METADATA in variables:
        return
    if not any(job.gives for job, _, _ in _jobs(view, release)):
        return  # nothing is handed over that the runner could write provenance for
    change = (
        SetKey(("variables",), METADATA, Quoted("true"))
        if isinstance(variables, dict)
        else SetKey((), "variables", {METADATA: Quoted("true")}, after=_anchor(document))
    )
    yield Fix(
        "metadata", release.source, f"{release.pipeline}: the runner writes provenance for its artifacts",
        "unsigned, so Build L1; it stands beside the artifacts as artifacts-metadata.json",
        (change,),
    )  # fmt: skip


def _anchor(document: Document) -> str | None:
    return next((key for key in _FIRST if document.get((key,)) is not None), None)


def _scripts(job: Job, release: Release, document: Document, path: Path) -> Iterator[Found]:
    images: list[Change] = []
    packages: list[Change] = []
    for name in _SCRIPTS:
        lines = document.get((*path, name))
        rows: list[tuple[Path, str]] = [((*path, name), lines)] if isinstance(lines, str) else []
        if isinstance(lines, list):
            rows = [((*path, name, at), row) for at, row in enumerate(lines) if isinstance(row, str)]
        for place, row in rows:
            new = _OFF.sub("--provenance=mode=max", _BUILDX.sub(r"\1 --provenance=mode=max", row))
            if new != row:
                images.append(ReplaceText(place, row, new))
            elif (asked := _NPM.sub(r"\1\2publish --provenance", row)) != row and "npm" in release.publishes_to:
                packages.append(ReplaceText(place, row, asked))
    if images:
        yield Fix(
            "provenance-mode", job.source, f"job {job.id}: its images carry provenance",
            "BuildKit's provenance is unsigned, so L1 at most, but it names sources and parameters",
            tuple(images),
        )  # fmt: skip
    if packages:
        token = {"SIGSTORE_ID_TOKEN": {"aud": "sigstore"}}
        own = document.get((*path, "id_tokens"))
        if own is None:
            packages.append(SetKey(path, "id_tokens", token, after="stage"))
        elif isinstance(own, dict) and "SIGSTORE_ID_TOKEN" not in own:
            packages.append(SetKey((*path, "id_tokens"), "SIGSTORE_ID_TOKEN", {"aud": "sigstore"}))
        yield Fix(
            "npm-provenance", job.source, f"job {job.id}: npm publishes with provenance",
            "npm makes provenance of the job and signs it with the job's identity",
            tuple(packages),
        )  # fmt: skip


def _caches(job: Job, document: Document, path: Path) -> Iterator[Found]:
    """A job that builds or publishes without caches, its own and those that it inherits."""
    if job.caches is not True:
        return
    own = document.get((*path, "cache"))
    default = document.get(("default", "cache"))
    inherits = (
        document.get(("cache",)) is not None or default is not None or document.get((*path, "extends")) is not None
    )
    if own is None and not inherits:
        yield Declined("caches", job.source, f"job {job.id}: where its cache comes from cannot be told here")
        return
    changes: tuple[Change, ...] = ()
    if own is not None and own != []:
        changes += (RemoveKey(path, "cache"),)
    if inherits and own != []:
        changes += (SetKey(path, "cache", [], after="stage"),)
    if changes:
        yield Fix(
            "caches", job.source, f"job {job.id}: no cache is restored on the release path",
            "a run of less trusted code can fill a cache that the release build then takes its input from",
            changes,
        )  # fmt: skip
