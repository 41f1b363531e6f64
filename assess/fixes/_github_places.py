"""Where the jobs and steps of release paths stand in GitHub's workflow files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from assess.evidence import Job, Pipeline, Release, Step
from assess.fixes.changes import Path
from assess.fixes.model import Document, View

NAME = "github-actions"


@dataclass(frozen=True, slots=True)
class Place:
    """A job or step of a release path with where it stands in its file."""

    pipeline: Pipeline
    release: Release
    job: Job
    document: Document
    path: Path
    """Of the job: `("jobs", "build")`."""


def places_of(view: View) -> Iterator[Place]:
    """The jobs of every release path whose files can be changed here."""
    pipelines = {one.source.path: one for one in view.evidence.pipelines or () if one.system == NAME}
    for release in view.evidence.releases or ():
        pipeline = pipelines.get(release.pipeline)
        for job in (pipeline.jobs or ()) if pipeline is not None else ():
            document = view.document(job.source.path)
            path = document.key_at(job.source) if document is not None else None
            if pipeline is not None and document is not None and path is not None and job.id in release.jobs:
                yield Place(pipeline, release, job, document, path)


def steps_of(place: Place) -> Iterator[tuple[Step, Path]]:
    """The steps of the job that stand in its own file, with their paths."""
    for step in place.job.steps or ():
        if step.source.path == place.job.source.path:
            path = place.document.item_at(step.source)
            if path is not None and path[: len(place.path)] == place.path and path[-2:-1] == ("steps",):
                yield step, path


def name_of(uses: str) -> str:
    """`owner/repo/path` of a `uses`, in lower case."""
    return uses.partition("@")[0].lower()
