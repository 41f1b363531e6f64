"""All real files of the systems beside GitHub, GitLab, Cloud Build and Tekton: read, and each fact at its place."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import TypeAlias

import pytest
from pipeline_facts import misplaced, placed

from assess.pipelines import PipelinesRead, read_pipeline_file

pytestmark = pytest.mark.corpus
Reading: TypeAlias = Callable[[Path], PipelinesRead]

SYSTEMS = {
    "azure-pipelines": ("azure-pipelines", 23),
    "circleci": ("circleci", 27),
    "buildkite": ("buildkite", 23),
    "codebuild": ("codebuild", 55),
    "bitbucket": ("bitbucket", 10),
    "travis": ("travis", 52),
    "drone": ("drone", 18),
    "woodpecker": ("woodpecker", 19),
    "appveyor": ("other", 15),
    "cirrus": ("other", 1),
}
"""System to (folder of the corpus, number of files that its `discover` finds there)."""
LINTERS = {
    "azure-pipelines": ("poutine/**/azure*.yml", "checkov/*/tests/azure_pipelines/**/*.y*ml"),
    "circleci": ("schemastore/*/src/*test/circleciconfig/*", "checkov/*/tests/circleci_pipelines/**/*.yml"),
    "bitbucket": ("checkov/*/tests/bitbucket_pipelines/**/*.yml",),
    "argo-workflows": ("checkov/*/tests/argo_workflows/**/*.yaml",),
    "drone": ("schemastore/*/src/test/drone/*",),
    "travis": ("schemastore/*/src/test/travis/*", "macaron/**/.travis.yml"),
    "appveyor": ("schemastore/*/src/test/appveyor/*",),
}
NAMES = {
    "azure-pipelines": "azure-pipelines.yml", "circleci": ".circleci/config.yml",
    "bitbucket": "bitbucket-pipelines.yml",
    "argo-workflows": "workflow.yaml", "drone": ".drone.yml", "travis": ".travis.yml", "appveyor": "appveyor.yml",
}  # fmt: skip


EXPECTATIONS = {
    "azure-pipelines": 5, "circleci": 5, "buildkite": 5, "codebuild": 5, "bitbucket": 5, "travis": 5, "drone": 5,
    "woodpecker": 5, "appveyor": 5, "cirrus": 1, "argo-workflows": 2,
}  # fmt: skip
"""How many real files were read by hand at least; the corpus holds one of Cirrus and four of Argo."""


def projects(corpus: Path, system: str, reading: Reading) -> Iterator[tuple[Path, PipelinesRead]]:
    for folder in sorted((corpus / "pipelines" / SYSTEMS[system][0]).iterdir()):
        if folder.is_dir():
            yield folder, reading(folder)


@pytest.mark.parametrize("system", SYSTEMS)
def test_all_files_are_read_and_every_fact_has_its_place(corpus: Path, system: str, reading: Reading) -> None:
    counts: Counter[str] = Counter()
    for folder, read in projects(corpus, system, reading):
        own = [one for one in read.pipelines if one.system == system]
        counts.update(one.understood for one in own)
        assert {one.depth for one in own if one.understood != "unreadable"} <= {"file", "recognised"}
        facts = [*read.releases, *(one for pipeline in read.pipelines for one in placed(pipeline))]
        assert misplaced(read, facts) == [], folder
        assert all(one.notes for one in own if one.understood == "partly")
        assert all(one.provenance is None or str(one.provenance.level) != "L3" for one in read.releases)
    print(f"\n{system}: {dict(sorted(counts.items()))}")
    assert sum(counts.values()) == SYSTEMS[system][1]
    assert counts["fully"] >= 1 or system == "cirrus"
    assert counts["unreadable"] == 0


@pytest.mark.parametrize("system", LINTERS)
def test_the_linters_test_files_are_read(corpus: Path, system: str) -> None:
    files = [
        one for pattern in LINTERS[system] for one in (corpus / "pipelines_testdata").glob(pattern) if one.is_file()
    ]
    counts: Counter[str] = Counter()
    for file in sorted(files):
        read = read_pipeline_file(NAMES[system], file.read_bytes())
        assert [one.system for one in read.pipelines] == [system]
        counts.update(one.understood for one in read.pipelines)
    print(f"\n{system}, test files of linters: {dict(sorted(counts.items()))}")
    assert len(files) >= 1
    assert counts["unreadable"] == 0


def _spent(corpus: Path, file: Path) -> float:
    data, name = file.read_bytes(), file.relative_to(corpus / "pipelines").as_posix()
    begin = time.process_time()
    read_pipeline_file(name, data)
    return (time.process_time() - begin) * 1000


def test_no_file_hangs(corpus: Path, reading: Reading) -> None:
    """What each takes is printed; here only what never ends would fail."""
    files = []
    for system, (folder, _) in SYSTEMS.items():
        for root, read in projects(corpus, system, reading) if folder != "other" else ():
            files += [root / one.source.path for one in read.pipelines if one.system == system]
    spent = [_spent(corpus, file) for file in files]
    print(f"\n{len(spent)} files: median {median(spent):.2f} ms, most {max(spent):.1f} ms")
    assert max(spent) < 5_000


@pytest.mark.parametrize("system", EXPECTATIONS)
def test_there_are_expectations(system: str) -> None:
    assert len(list((Path(__file__).parent / "corpus_expectations" / system).glob("*.yaml"))) >= EXPECTATIONS[system]
