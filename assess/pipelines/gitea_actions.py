"""Gitea Actions: workflows of GitHub's form on runners that somebody registered, without any workload identity."""

from __future__ import annotations

from assess.pipelines._facts import PipelineFacts
from assess.pipelines._files import Folder
from assess.pipelines._github_reading import Dialect
from assess.pipelines.github_actions import in_folder, read_workflow

NAME = "gitea-actions"
DIALECT = Dialect(NAME, ".gitea/workflows", on_github=False)


def discover(folder: Folder) -> tuple[str, ...]:
    """The workflow files right in `.gitea/workflows`; without them Gitea reads GitHub's, which are read as such."""
    return folder.list(DIALECT.folder, (".yml", ".yaml"))


def recognises(path: str) -> bool:
    """The path is one where only Gitea looks for workflows."""
    return in_folder(path, DIALECT.folder)


def read(folder: Folder, path: str, data: bytes) -> PipelineFacts:
    """One workflow file as facts. Raises InputError if it is not YAML, or no mapping."""
    return read_workflow(folder, path, data, DIALECT)
