"""What a project's pipelines have to do with each other, and Forgejo and Gitea beside GitHub."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from assess.evidence import Release, Shared
from assess.pipelines import PipelinesRead, read_pipelines

RELEASE = """name: release
on: {push: {tags: ['v*']}}
permissions: {contents: write, id-token: write, attestations: write}
jobs:
  build:
    runs-on: RUNNER
    steps:
      - uses: actions/checkout@v4
      - uses: actions/cache@v4
        with: {key: 'deps-${{ hashFiles(''x'') }}', path: x}
      - run: go build ./...
      - run: gh release upload v1 dist/*
        env: {COSIGN_KEY: '${{ secrets.COSIGN_PRIVATE_KEY }}'}
"""


def read(root: Path, folder: str = ".github/workflows", **files: str) -> PipelinesRead:
    place = root / folder
    place.mkdir(parents=True)
    for name, text in files.items():
        (place / f"{name}.yml").write_text(text)
    return read_pipelines(root)


def release_of(found: PipelinesRead) -> Release:
    (release,) = [one for one in found.releases if one.pipeline.endswith("release.yml")]
    return release


def other(on: str, step: str, runner: str = "ubuntu-latest") -> str:
    return f"name: other\non: {on}\njobs:\n  test:\n    runs-on: {runner}\n    steps:\n{step}\n"


SAVES = "      - uses: actions/cache@v4\n        with: {key: 'deps-${{ github.sha }}', path: x}"


@pytest.mark.parametrize(
    ("on", "step", "expected"),
    [
        ("push", SAVES, [("cache", "maintainer", False)]),
        ("{push: {branches: [main]}}", SAVES, [("cache", "maintainer", False)]),
        ("pull_request", SAVES, []),
        ("{push: {tags: ['x*']}}", SAVES, []),
        ("{release: {types: [published]}}", SAVES, []),
        ("[pull_request, schedule]", SAVES, [("cache", "maintainer", False)]),
        ("push", SAVES.replace("deps-", "other-"), []),
        ("push", SAVES.replace("cache@v4", "cache/restore@v4"), []),
        ("push", "      - run: echo ${{ secrets.COSIGN_PRIVATE_KEY }}", [("secret", "maintainer", False)]),
        ("push", "      - run: echo ${{ toJSON(secrets) }}", [("secret", "maintainer", False)]),
        ("push", "      - run: echo ${{ secrets.OTHER }}", []),
        (
            "pull_request_target",
            "      - uses: actions/checkout@v4\n        with: {ref: '${{ github.event.pull_request.head.sha }}'}\n"
            "      - run: make test",
            [("cache", "anyone", True)],
        ),
    ],
)
def test_what_other_pipelines_share_with_a_release(
    tmp_path: Path, on: str, step: str, expected: list[tuple[str, str, bool]]
) -> None:
    found = read(tmp_path, release=RELEASE.replace("RUNNER", "ubuntu-latest"), other=other(on, step))
    shared = release_of(found).shared
    assert shared is not None
    assert [(one.kind, one.trust, one.untrusted) for one in shared] == expected
    assert all((one.pipeline, one.job) == (".github/workflows/other.yml", "test") for one in shared)
    jobs = {job.id: job for one in found.pipelines for job in one.jobs or ()}
    assert jobs["build"].release is True and jobs["test"].release is not True
    (cache,) = jobs["build"].cache_uses or ()
    written = any(one[0] == "cache" for one in expected)
    assert cache.written_by_others is (True if written else None)


def test_a_runner_of_ones_own_is_shared_and_a_hosted_one_is_not(tmp_path: Path) -> None:
    text = "      - run: make test"
    own = read(
        tmp_path / "a", release=RELEASE.replace("RUNNER", "self-hosted"), other=other("push", text, "self-hosted")
    )
    assert [(one.kind, one.name) for one in release_of(own).shared or ()] == [("runner", "self-hosted")]
    hosted = read(tmp_path / "b", release=RELEASE.replace("RUNNER", "ubuntu-latest"), other=other("push", text))
    assert release_of(hosted).shared == ()


def test_artifacts_of_jobs_beside_the_path(tmp_path: Path) -> None:
    text = RELEASE.replace("RUNNER", "ubuntu-latest") + (
        "      - uses: actions/download-artifact@v4\n        with: {name: notes}\n"
        "  notes:\n    runs-on: ubuntu-latest\n    steps:\n"
        "      - {uses: actions/upload-artifact@v4, with: {name: notes, path: x}}\n"
    )
    (one,) = release_of(read(tmp_path, release=text)).shared or ()
    assert one == Shared(one.source, "artifact", "notes", ".github/workflows/release.yml", "notes", "maintainer", False)
    assert one.source.line == 14


@pytest.mark.parametrize(
    ("starts", "trust"),
    [
        ("push", "maintainer"),
        ("[push, schedule, merge_group]", "maintainer"),
        ("[push, pull_request]", "anyone"),
        ("issue_comment", "anyone"),
    ],
)
def test_runs_after_others_can_be_started_by_who_starts_those(tmp_path: Path, starts: str, trust: str) -> None:
    after = "on: {workflow_run: {workflows: [other], types: [completed]}}\njobs: {a: {runs-on: x, steps: [{run: x}]}}\n"
    found = read(tmp_path / "both", after=after, other=other(starts, "      - run: x"))
    (trigger,) = found.pipelines[0].triggers or ()
    assert (trigger.event, trigger.trust) == ("workflow_run", trust)
    alone = read(tmp_path / "alone", after=after)
    assert (alone.pipelines[0].triggers or ())[0].trust == "anyone"


@pytest.mark.parametrize("folder", [".forgejo/workflows", ".gitea/workflows"])
def test_forgejo_and_gitea_are_read_as_what_they_are(tmp_path: Path, folder: str) -> None:
    text = """on: {push: {tags: ['v*']}}
enable-openid-connect: true
permissions: {id-token: write, attestations: write}
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: https://code.forgejo.org/actions/checkout@v4
      - uses: https://github.com/actions/cache@v4
        with: {key: k}
      - run: go build ./...
      - uses: actions/attest@v4
        with: {subject-path: dist/*}
      - run: gh release upload v1 dist/*
  slsa:
    uses: slsa-framework/slsa-github-generator/.github/workflows/generator_generic_slsa3.yml@v2.1.0
"""
    found = read(tmp_path, folder, release=text)
    (pipeline,) = found.pipelines
    forgejo = folder.startswith(".forgejo")
    assert pipeline.system == ("forgejo-actions" if forgejo else "gitea-actions")
    build, slsa = pipeline.jobs or ()
    assert build.runner == "unknown" and build.can_sign is forgejo
    assert [one.source.line for one in build.identities or ()] == ([2] if forgejo else [])
    assert [one.tool for one in build.cache_uses or ()] == ["actions/cache"]
    assert (build.steps or ())[0].does == ("checkout",)
    assert slsa.attests is None
    for release in found.releases:
        assert release.hosted is None
        assert release.provenance is not None
        assert release.provenance.generated is None
        assert release.provenance.level is None or release.provenance.level.ceiling <= 1
    unknown = [note.text for note in pipeline.notes if "unknown key" in note.text]
    assert unknown == ([] if forgejo else ["unknown key 'enable-openid-connect' of the workflow"])


def test_caches_of_proposals_count_where_nothing_keeps_them_apart(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        ".forgejo/workflows",
        release=RELEASE.replace("RUNNER", "docker"),
        other=other("pull_request", SAVES, "ubuntu"),
    )
    assert [(one.kind, one.trust) for one in release_of(found).shared or ()] == [("cache", "contributor")]


STEPS = "      - {uses: actions/cache@v4, with: {key: k}}\n      - run: npm publish\n"


@pytest.mark.parametrize(
    "text",
    [
        "on: push\njobs:\n" + "".join(f"  j{n}:\n    runs-on: x\n    steps:\n{STEPS}" for n in range(1_000)),
        "on: push\nenv:\n"
        + "".join(f"  X{n}: '{''.join(f'${{{{ env.X{m} }}}}' for m in range(n + 1, n + 20))}'\n" for n in range(480))
        + "jobs:\n  a:\n    runs-on: x\n    steps:\n"
        + "      - run: echo ${{ env.X0 }}\n" * 300,
        "on: push\nenv:\n"
        + "".join(f"  X{n}: '${{{{ secrets.A{n} }}}}'\n" for n in range(20_000))
        + "jobs:\n"
        + "".join(f"  j{n}: {{runs-on: x, steps: [{{run: x}}]}}\n" for n in range(500)),
        "on: push\njobs:\n"
        + "".join(
            f"  a{n}:\n    runs-on: x\n    steps: [{{run: x}}]\n    strategy:\n      matrix:\n"
            f"        a: {list(range(16))}\n        b: {list(range(16))}\n"
            f"        include: [{', '.join(f'{{a: {m}, c: x}}' for m in range(200))}]\n"
            for n in range(20)
        ),
        "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - uses: actions/download-artifact@v4\n"
        "      - run: |\n          echo ${{ needs.b.outputs.c }}\n          " + "sha256sum " * 50_000 + "\n",
        "on: push\njobs:\n"
        + "".join(
            f"  a{n}:\n    runs-on: x\n    steps:\n"
            f"      - {{uses: actions/upload-artifact@v4, with: {{name: {'a' * 100}{n}}}}}\n"
            f"      - {{uses: actions/download-artifact@v4, with: {{pattern: '{'*a' * 60}'}}}}\n"
            for n in range(200)
        ),
    ],
    ids=["shared by all", "variables of variables", "many variables", "wide matrices", "checksums", "patterns"],
)
def test_hostile_workflows_end_in_time(tmp_path: Path, text: str) -> None:
    started = time.process_time()
    found = read(tmp_path, x=text)
    assert found.unreadable == () and found.pipelines[0].jobs
    assert time.process_time() - started < 20


def test_definitions_that_call_each_other_without_end(tmp_path: Path) -> None:
    deep = "inputs: {x: {}}\nruns:\n  using: composite\n  steps:\n" + (
        "    - uses: ./pack\n      with: {x: '${{ inputs.x }}${{ inputs.x }}${{ inputs.x }}'}\n" * 4
    )
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "action.yml").write_text(deep)
    workflow = (
        "on: [push, workflow_call]\njobs:\n  a:\n    runs-on: x\n    steps: [{uses: ./pack, with: {x: yyyyyyyy}}]\n"
    )
    found = read(tmp_path, x=workflow + "".join(f"  b{n}: {{uses: ./.github/workflows/x.yml}}\n" for n in range(3)))
    notes = [note.text for note in found.pipelines[0].notes]
    assert any("steps: the rest was not read" in text or "nested too deeply" in text for text in notes)
    assert any("jobs: the rest was not read" in text or "was not found" in text for text in notes)
    assert found.pipelines[0].understood == "partly"


PROVENANCE = """on: {push: {tags: ['v*']}}
jobs:
  build:
    runs-on: ubuntu-latest
    steps: [{run: go build ./...}]
  provenance:
    needs: build
    permissions: {id-token: write, contents: write, actions: read}
    uses: slsa-framework/slsa-github-generator/.github/workflows/generator_generic_slsa3.yml@v2.1.0
    with: {continue-on-error: TOLERATED}
  publish:
    needs: [build, provenance]
    if: CONDITION
    runs-on: ubuntu-latest
    steps: [{run: gh release upload v1 x}]
"""


@pytest.mark.parametrize(
    ("tolerated", "condition", "optional"),
    [
        ("false", "success()", False),
        ("false", "always()", True),
        ("false", "always() && needs.build.result == 'success'", True),
        ("false", "always() && needs.provenance.result == 'success'", False),
        ("false", "'!cancelled() && !failure()'", False),
        ("true", "success()", True),
        ("true", "needs.provenance.outputs.outcome == 'success'", False),
        ("true", "needs.provenance.outputs.outcome == 'failure'", True),
    ],
)
def test_provenance_is_optional_where_the_release_goes_on_without(
    tmp_path: Path, tolerated: str, condition: str, optional: bool
) -> None:
    found = read(tmp_path, x=PROVENANCE.replace("TOLERATED", tolerated).replace("CONDITION", condition))
    (release,) = found.releases
    assert release.jobs == ("build", "provenance", "publish")
    assert release.provenance is not None and release.provenance.optional is optional
