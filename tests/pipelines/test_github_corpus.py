"""All real workflows of the corpus: nothing crashes, nothing is silently clean, and some are read as a person would."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import takewhile
from pathlib import Path
from random import Random
from statistics import mean, median

import pytest

from assess.evidence import Pipeline, Release, Source
from assess.pipelines import PipelinesRead, read_pipeline_file, read_pipelines

pytestmark = pytest.mark.corpus

EXPECTED: dict[str, tuple[dict[str, object], ...]] = {
    "BurntSushi+ripgrep/.github/workflows/release.yml": (
        {
            "jobs": ("create-release", "build-release", "build-release-deb"),
            "publishes_to": ("GitHub release",),
            "hosted": True,
            "provenance.generator": "actions/attest-build-provenance",
            "provenance.level": "L2",
            "provenance.signed": True,
            "provenance.identity_in_build": True,
            "isolated": False,
        },
    ),
    "ossf+scorecard/.github/workflows/goreleaser.yaml": (
        {
            "jobs": ("goreleaser", "provenance"),
            "publishes_to": ("GitHub release",),
            "provenance.generator": "slsa-github-generator/generator_generic_slsa3.yml",
            "provenance.level": "L3",
            "provenance.distributed": True,
            "provenance.identity_in_build": False,
            "isolated": True,
            "hosted": True,
            "shares_cache": True,
            "parameters_recorded": True,
            "unpinned": (),
        },
    ),
    "sigstore+sigstore-python/.github/workflows/release.yml": (
        {
            "jobs": ("build", "generate-provenance", "release-pypi", "release-github"),
            "publishes_to": ("PyPI", "GitHub release"),
            "provenance.generator": "actions/attest-build-provenance",
            "provenance.level": "L2",
            "provenance.optional": False,
            "provenance.identity_in_build": True,
            "shares_cache": False,
            "parameters_recorded": True,
        },
    ),
    "sigstore+protobuf-specs/.github/workflows/typescript-publish.yml": (
        {
            "publishes_to": ("npm",),
            "provenance.generator": "npm --provenance",
            "provenance.level": "L2",
            "provenance.identity_in_build": True,
            "shares_cache": False,
            "hosted": True,
        },
    ),
    "authelia+authelia/.github/workflows/slsa.yml": (
        {
            "jobs": ("provenance",),
            "provenance.generated": None,
            "provenance.level": "L0 (at most L1)",
            "hosted": None,
            "isolated": None,
        },
    ),
    "slsa-framework+example-package/.github/workflows/e2e.container.schedule.main.continue-on-error.slsa3.yml": (
        {
            "jobs": ("build", "provenance"),
            "publishes_to": ("container registry",),
            "provenance.generator": "slsa-github-generator/generator_container_slsa3.yml",
            "provenance.level": "L1",
            "provenance.optional": True,
        },
        {"jobs": ("provenance-continue-on-error",), "provenance.optional": True, "isolated": None},
    ),
    "glsec+glsec/.github/workflows/docker.yml": (
        {
            "jobs": ("docker",),
            "publishes_to": ("container registry",),
            "provenance.generator": "actions/attest-build-provenance",
            "provenance.level": "L2",
            "provenance.key_in_build": False,
            "provenance.identity_in_build": True,
            "subject_by_digest": True,
            "shares_cache": False,
        },
    ),
    "pallets+click/.github/workflows/publish.yaml": (
        {
            "jobs": ("build", "create-release", "publish-pypi"),
            "publishes_to": ("GitHub release", "PyPI"),
            "provenance.generated": False,
            "provenance.level": "L0",
            "provenance.identity_in_build": False,
            "hosted": True,
            "shares_cache": False,
        },
    ),
    "AusAgentSmith-org+Rust-PAR2/.github/workflows/publish.yml": (
        {
            "publishes_to": ("crates.io",),
            "provenance.generated": False,
            "hosted": False,
            "unpinned": ("dtolnay/rust-toolchain@stable",),
        },
    ),
    "npm+provenance/.github/workflows/release.yml": (
        {"publishes_to": ("npm",), "provenance.generated": None, "shares_cache": True, "hosted": True},
    ),
    "slsa-framework+example-package/.github/workflows/"
    "e2e.container.workflow_dispatch.main.adversarial-verifier-binary.slsa3.yml": (
        {
            "jobs": ("build", "provenance"),
            "provenance.generator": "docker/build-push-action --provenance",
            "provenance.level": "L1",
            "provenance.signed": False,
            "hosted": None,
        },
    ),
    "slsa-framework+source-tool/.github/workflows/go-test.yml": (),
}

HANG = 5_000
"""Milliseconds of processor time."""


@pytest.fixture(scope="module")
def folder(corpus: Path) -> Path:
    return corpus / "pipelines" / "github-actions"


@pytest.fixture(scope="module")
def everything(folder: Path, reading: Callable[[Path], PipelinesRead]) -> dict[str, PipelinesRead]:
    return {one.name: reading(one) for one in sorted(folder.iterdir())}


def test_all_are_read_and_none_is_silently_clean(everything: dict[str, PipelinesRead]) -> None:
    every = [(repo, one) for repo, read in everything.items() for one in read.pipelines]
    pipelines = [(repo, one) for repo, one in every if one.system == "github-actions"]
    understood = Counter(one.understood for _, one in pipelines)
    releases = sum(len(read.releases) for read in everything.values())
    print(f"\n{len(pipelines)} workflows: {dict(understood)}, {releases} releases")
    assert len(pipelines) == 916
    unreadable = sum(one.understood == "unreadable" for _, one in every)
    assert unreadable == sum(len(read.unreadable) for read in everything.values())
    assert understood["fully"] > 350
    silent = [f"{repo}/{one.source.path}" for repo, one in pipelines if not one.jobs and not one.notes]
    assert silent == []
    for repo, one in pipelines:
        assert (one.understood == "fully") == (not one.notes), f"{repo}/{one.source.path}"
        unsure = [job.id for job in one.jobs or () if None in (job.builds, job.publishes, job.signs, job.attests)]
        assert one.notes or not unsure, f"{repo}/{one.source.path}: {unsure}"


def test_no_workflow_hangs(folder: Path) -> None:
    """What each takes is printed; `make bench` measures it, and here only what never ends would fail."""
    times = []
    for path in sorted(folder.glob("*/.github/workflows/*")):
        data = path.read_bytes()
        started = time.process_time()
        read_pipeline_file(f".github/workflows/{path.name}", data)
        times.append((time.process_time() - started) * 1_000)
    print(f"\n{len(times)} files: mean {mean(times):.2f} ms, median {median(times):.2f} ms, max {max(times):.1f} ms")
    assert max(times) < HANG


def field(release: Release, path: str) -> object:
    value: object = release
    for name in path.split("."):
        value = getattr(value, name)
    return str(value) if path.endswith(".level") and value is not None else value


@pytest.mark.parametrize("path", EXPECTED)
def test_read_as_a_person_would(everything: dict[str, PipelinesRead], path: str) -> None:
    repo, _, name = path.partition("/")
    found = [one for one in everything[repo].releases if one.pipeline == name]
    assert len(found) == len(EXPECTED[path]), [(one.jobs, one.publishes_to) for one in found]
    for release, expected in zip(found, EXPECTED[path], strict=True):
        assert {key: field(release, key) for key in expected} == expected


TOKENS = (
    b"${{", b"}}", b"'", b'"', b"[", b"{", b": ", b"- ", b"\n", b"*a", b"&a ", b"<<: ", b"null", b"$(", b"|", b"`",
    b"!x ", b"uses: ./", b"\xff", b"run: ", b"matrix.", b"X=1 ", b"\t", b"<<EOF", b"@", b"needs: ",
)  # fmt: skip


def test_damaged_files_never_raise(folder: Path) -> None:
    chance = Random(20)
    paths = sorted(folder.glob("*/.github/workflows/*"))
    for _ in range(1_500):
        path = chance.choice(paths)
        data = bytearray(path.read_bytes())
        for _ in range(chance.randint(1, 8)):
            at = chance.randrange(len(data) + 1)
            data[at : at + chance.randint(0, 30)] = chance.choice(TOKENS) * chance.randint(0, 3)
        read = read_pipeline_file(".github/workflows/x.yml", bytes(data))
        assert len(read.pipelines) == 1
        assert (read.pipelines[0].understood == "unreadable") == bool(read.unreadable)


def test_the_linters_bad_examples_never_raise(corpus: Path) -> None:
    paths = [path for path in sorted((corpus / "pipelines_testdata").rglob("*")) if path.suffix in {".yml", ".yaml"}]
    assert len(paths) > 100
    for path in paths:
        assert len(read_pipeline_file(path.name, path.read_bytes()).pipelines) == 1


def test_same_files_same_facts(everything: dict[str, PipelinesRead], folder: Path) -> None:
    for repo in list(everything)[::7]:
        assert read_pipelines(folder / repo) == everything[repo]


def test_every_fact_of_the_graph_stands_where_it_says(everything: dict[str, PipelinesRead], folder: Path) -> None:
    """Held against the text of the line; what a called file is given has its place there, under another name."""
    places = 0
    wrong: list[str] = []
    for repo, read in everything.items():
        for pipeline in read.pipelines:
            if pipeline.system != "github-actions" or pipeline.understood == "unreadable":
                continue
            name = pipeline.source.path
            lines = (folder / repo / name).read_bytes().decode("utf-8", "replace").lower().split("\n")
            for source, words in facts_of(pipeline):
                if source.path == name:
                    places += 1
                    if not any(word.lower() in scalar(lines, source) for word in words):
                        wrong.append(f"{repo}/{source}: {words}")
    print(f"\n{places} facts held against their lines")
    assert wrong == []
    assert places > 9_000


def scalar(lines: list[str], source: Source) -> str:
    """The line, with those of a folded or plain text that goes on below it, further in."""
    first, *following = lines[(source.line or 0) - 1 :]
    if first.rstrip().endswith("|"):
        return first
    indent = len(first) - len(first.lstrip())
    return first + "".join(takewhile(lambda line: len(line) - len(line.lstrip()) > indent, following))


def facts_of(pipeline: Pipeline) -> Iterator[tuple[Source, tuple[str, ...]]]:
    """Every fact with its place, and words of which one must stand there."""
    for trigger in pipeline.triggers or ():
        yield trigger.source, (trigger.event,)
    for include in pipeline.includes or ():
        yield include.source, (include.reference,)
    for parameter in pipeline.parameters or ():
        yield parameter.source, (parameter.name, "repository_dispatch")
    for job in pipeline.jobs or ():
        yield job.source, (job.id.rpartition("/")[2],)
        for secret in job.secrets or ():
            yield secret.source, (f"secrets.{secret.name}", f"'{secret.name}'", "inherit", "secrets[", "(secrets)")
        for cache in job.cache_uses or ():
            yield cache.source, (cache.tool.split(" ")[0],)
        for image in job.images or ():
            yield image.source, (image.image[:20],)
        for identity in job.identities or ():
            yield identity.source, ("id-token", "write-all")
        for taken in job.takes or ():
            yield taken.source, (f".{taken.name}",) if taken.kind == "output" else ("download",)
