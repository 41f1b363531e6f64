"""The job graph of GitHub workflows: what each job can reach, take, give, restore and be told, with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from assess.evidence import Job, Pipeline
from assess.pipelines import read_pipeline_file, read_pipelines

RUN = "runs-on: ubuntu-latest\nsteps: [{run: true}]"


def pipeline(text: str) -> Pipeline:
    found = read_pipeline_file(".github/workflows/x.yml", text.encode())
    assert found.unreadable == ()
    return found.pipelines[0]


def job(body: str, top: str = "on: push") -> Job:
    lines = "\n".join("    " + line for line in body.strip("\n").split("\n"))
    return (pipeline(f"{top}\njobs:\n  a:\n{lines}\n").jobs or ())[0]


def step(body: str, top: str = "on: push", more: str = "") -> Job:
    lines = "\n".join("    " + line for line in body.strip("\n").split("\n"))
    return job(f"runs-on: ubuntu-latest\n{more}steps:\n  -\n{lines}\n", top)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("run: echo ${{ secrets.NPM_TOKEN }}", [("NPM_TOKEN", "publish-token", 7)]),
        ("run: |\n  true\n  echo ${{ secrets.cosign_private_key }}", [("COSIGN_PRIVATE_KEY", "signing-key", 9)]),
        ("env: {A: \"${{ secrets['GPG_KEY'] }}\"}\nrun: x", [("GPG_KEY", "signing-key", 7)]),
        ("uses: a/b@v1\nwith: {t: '${{ secrets.THING }}'}", [("THING", None, 8)]),
        ("run: echo '${{ toJSON(secrets) }}'", [("*", None, 7)]),
        ("run: echo ${{ secrets[matrix.name] }}", [("*", None, 7)]),
        ("run: echo ${{ secrets[format('A_{0}', github.ref)] }}", [("*", None, 7)]),
        ("run: echo ${{ secrets.* }}", [("*", None, 7)]),
        ("run: echo ${{ secrets.GITHUB_TOKEN }} ${{ github.token }}", []),
        ("run: echo secrets.NPM_TOKEN", []),
        ("run: echo ${{ inputs.secrets }}", []),
        ("run: echo ${{ secrets.A }} ${{ secrets.A }}", [("A", None, 7)]),
    ],
)
def test_secrets(body: str, expected: list[tuple[str, str | None, int]]) -> None:
    found = step(body).secrets
    assert found is not None
    assert [(one.name, one.kind, one.source.line) for one in found] == expected


def test_secrets_of_the_workflow_the_job_and_its_containers() -> None:
    found = pipeline(
        """on: push
env: {TOP: '${{ secrets.TOP }}'}
jobs:
  a:
    env: {OWN: '${{ secrets.OWN }}'}
    runs-on: ubuntu-latest
    container:
      image: x
      credentials: {username: u, password: '${{ secrets.PULL }}'}
    services: {db: {image: y, env: {P: '${{ secrets.DB }}'}}}
    steps: [{run: x}]
  b:
    uses: o/r/.github/workflows/w.yml@v1
    secrets: inherit
  c:
    uses: o/r/.github/workflows/w.yml@v1
    secrets: {token: '${{ secrets.PYPI_TOKEN }}'}
"""
    )
    names = {job.id: [(one.name, one.source.line) for one in job.secrets or ()] for job in found.jobs or ()}
    assert names == {
        "a": [("TOP", 2), ("OWN", 5), ("PULL", 9), ("DB", 10)],
        "b": [("*", 14)],
        "c": [("PYPI_TOKEN", 17)],
    }


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("uses: actions/cache@v4\nwith: {key: 'k-${{ github.sha }}', path: x}", ("k-${{ github.sha }}", True, True)),
        ("uses: actions/cache/restore@v4\nwith: {key: k}", ("k", True, False)),
        ("uses: actions/cache/save@v4\nwith: {key: k}", ("k", False, True)),
        ("uses: actions/cache@v4\nwith: {key: k, lookup-only: true}", None),
        ("uses: actions/setup-node@v4", None),
        ("uses: actions/setup-node@v4\nwith: {cache: npm}", (None, True, True)),
        ("uses: actions/setup-node@v5", (None, None, None)),
        ("uses: actions/setup-node@v5\nwith: {cache: '${{ inputs.c }}'}", (None, None, None)),
        ("uses: actions/setup-go@v5", (None, True, True)),
        ("uses: actions/setup-go@v3", None),
        ("uses: actions/setup-go@" + "a" * 40 + " # v5.1", (None, True, True)),
        ("uses: actions/setup-go@" + "a" * 40 + " # ratchet:actions/setup-go@v3", None),
        ("uses: actions/setup-go@" + "a" * 40, (None, None, None)),
        ("uses: actions/setup-go@v5\nwith: {cache: false}", None),
        ("uses: Swatinem/rust-cache@v2\nwith: {shared-key: s, save-if: false}", ("s", True, False)),
        ("uses: ruby/setup-ruby@v1\nwith: {bundler-cache: true}", (None, True, True)),
        ("uses: gradle/actions/setup-gradle@v4\nwith: {cache-disabled: true}", None),
        ("uses: gradle/actions/setup-gradle@v4\nwith: {cache-read-only: true}", (None, True, False)),
        ("uses: golangci/golangci-lint-action@v6\nwith: {skip-cache: true}", None),
        ("uses: docker/setup-buildx-action@v3", None),
        ("uses: docker/setup-buildx-action@v3\nwith: {version: v0.20.0}", (None, True, True)),
        ("uses: docker/setup-qemu-action@v3", (None, None, None)),
        ("uses: docker/setup-qemu-action@v3\nwith: {cache-image: false}", None),
        (
            "uses: docker/build-push-action@v6\nwith: {cache-from: type=gha, cache-to: type=gha}",
            ("type=gha", True, True),
        ),
        (
            "uses: docker/build-push-action@v6\nwith: {cache-to: 'type=registry,ref=x'}",
            ("type=registry,ref=x", False, True),
        ),
        ("uses: docker/bake-action@v6\nwith: {set: '*.cache-from=type=gha'}", ("type=gha", True, False)),
        ("uses: docker/build-push-action@v6", None),
    ],
)
def test_caches(body: str, expected: tuple[str | None, bool | None, bool | None] | None) -> None:
    found = step(body).cache_uses
    assert found is not None
    assert [(one.key, one.restores, one.saves) for one in found] == ([] if expected is None else [expected])
    assert all(one.source.line == 7 for one in found)


@pytest.mark.parametrize(
    ("image", "pinned"),
    [
        ("alpine@sha256:" + "0" * 64, "digest"),
        ("alpine:3.20@sha256:" + "0" * 64, "digest"),
        ("alpine:3.20", "tag"),
        ("alpine", "branch"),
        ("host:5000/alpine", "branch"),
        ("alpine:latest", "branch"),
        ("alpine:${{ inputs.tag }}", "unknown"),
        ("alpine:${{ matrix.tag }}", "branch"),
    ],
)
def test_images(image: str, pinned: str) -> None:
    found = job(
        f"""strategy: {{matrix: {{tag: ['3.20', latest]}}}}
runs-on: ubuntu-latest
container: '{image}'
services:
  db:
    image: '{image}'
steps:
  - uses: docker://busybox:1.36"""
    ).images
    assert found is not None
    assert [(one.role, one.pinned, one.source.line) for one in found] == [
        ("job", pinned, 6),
        ("service", pinned, 9),
        ("step", "tag", 11),
    ]


def test_identities_have_the_place_that_gives_them() -> None:
    found = pipeline(
        f"""on: push
permissions:
  id-token: write
jobs:
  inherits: {{{RUN.replace(chr(10), ", ")}}}
  own:
    permissions: write-all
    {RUN.replace(chr(10), chr(10) + "    ")}
  none:
    permissions: {{}}
    {RUN.replace(chr(10), chr(10) + "    ")}
"""
    )
    places = {job.id: [one.source.line for one in job.identities or ()] for job in found.jobs or ()}
    assert places == {"inherits": [3], "own": [7], "none": []}
    assert all(one.audience is None for job in found.jobs or () for one in job.identities or ())


HAND_OVER = """on: push
jobs:
  build:
    runs-on: ubuntu-latest
    strategy: {matrix: {os: [a, b]}}
    outputs: {sums: x}
    steps:
      - uses: actions/upload-artifact@v4
        with: {name: 'dist-${{ matrix.os }}', path: dist}
      - uses: actions/upload-artifact@v4
        with: {path: docs}
  ship:
    needs: build
    runs-on: ubuntu-latest
    steps:
      - uses: actions/download-artifact@v4
        with: NAME
      - run: VERIFY
        env: {SUMS: '${{ needs.build.outputs.sums }}'}
"""


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("{name: dist-a}", ["build"]),
        ("{pattern: 'dist-*'}", ["build"]),
        ("{name: artifact}", ["build"]),
        ("{name: other}", [None]),
        ("{path: x}", ["build"]),
        ("{name: 'dist-${{ inputs.os }}'}", ["build"]),
    ],
)
def test_artifacts_are_traced_to_the_job_that_gives_them(name: str, given: list[str | None]) -> None:
    jobs = pipeline(HAND_OVER.replace("NAME", name).replace("VERIFY", "true")).jobs or ()
    assert jobs[0].gives == ("outputs.sums", "dist-${{ matrix.os }}", "artifact")
    artifacts = [one for one in jobs[1].takes or () if one.kind == "artifact"]
    assert [one.from_job for one in artifacts] == given
    assert all(one.source.line == 16 and one.from_other_run is False for one in artifacts)
    (output,) = [one for one in jobs[1].takes or () if one.kind == "output"]
    assert (output.name, output.from_job, output.source.line) == ("sums", "build", 19)


@pytest.mark.parametrize(
    ("command", "verified"),
    [
        ("echo $SUMS | sha256sum -c", True),
        ("sha256sum --check --strict sums.txt", True),
        ("shasum -a 256 -c sums.txt", True),
        ("sha256sum dist/*", False),
        ("slsa-verifier verify-artifact x --provenance-path y --source-uri z", True),
        ("cosign verify-blob --bundle b x", True),
        ("./thing.sh", None),
        ("true", False),
    ],
)
def test_verified_before_use(command: str, verified: bool | None) -> None:
    jobs = pipeline(HAND_OVER.replace("NAME", "{name: dist-a}").replace("VERIFY", command)).jobs or ()
    assert {one.verified for one in jobs[1].takes or () if one.kind == "artifact"} == {verified}


@pytest.mark.parametrize(
    ("body", "other"),
    [
        ("uses: actions/download-artifact@v4\nwith: {run-id: '${{ github.event.workflow_run.id }}'}", True),
        ("uses: actions/download-artifact@v4\nwith: {run-id: '${{ github.run_id }}'}", False),
        ("uses: actions/download-artifact@v4\nwith: {repository: o/r}", True),
        ("uses: dawidd6/action-download-artifact@v6", True),
        ("uses: actions/download-artifact@v4", False),
    ],
)
def test_artifacts_of_other_runs(body: str, other: bool) -> None:
    (taken,) = step(body).takes or ()
    assert taken.from_other_run is other


def test_triggers_with_their_filters() -> None:
    found = pipeline(
        """on:
  push:
    branches: [main, 'release/**', '!release/old']
    tags: v*
  pull_request:
    branches-ignore: [docs]
    types: [opened]
  workflow_run:
    workflows: [CI, Other]
    types: [completed]
    branches: [main]
  release: {types: [published]}
  schedule: [{cron: '0 0 * * *'}]
jobs: {}
"""
    )
    told = {one.event: (one.branches, one.tags, one.types, one.pipelines) for one in found.triggers or ()}
    assert told == {
        "push": (("main", "release/**", "!release/old"), ("v*",), (), ()),
        "pull_request": (("!docs",), (), ("opened",), ()),
        "workflow_run": (("main",), (), ("completed",), ("CI", "Other")),
        "release": ((), (), ("published",), ()),
        "schedule": ((), (), (), ()),
    }
    assert [one.source.line for one in found.triggers or ()] == [2, 5, 8, 12, 13]


def test_external_parameters_and_where_they_arrive() -> None:
    found = pipeline(
        """on:
  workflow_dispatch:
    inputs:
      Version: {required: true}
      dry: {type: boolean}
  workflow_call:
    inputs: {target: {type: string}}
  repository_dispatch:
jobs:
  a:
    runs-on: ubuntu-latest
    if: inputs.dry
    env: {V: '${{ inputs.version }}'}
    steps:
      - run: build ${{ github.event.inputs.version }} ${{ github.event.client_payload.ref }}
  b:
    runs-on: ubuntu-latest
    steps: [{run: 'echo ${{ inputs.target }} ${{ inputs.unknown }}'}]
  c:
    runs-on: ubuntu-latest
    steps: [{run: 'echo ${{ toJSON(inputs) }}'}]
"""
    )
    assert [(one.name, one.kind, one.source.line) for one in found.parameters or ()] == [
        ("Version", "input", 4),
        ("dry", "input", 5),
        ("target", "call-input", 7),
        ("client_payload", "payload", 8),
    ]
    assert {job.id: job.parameters for job in found.jobs or ()} == {
        "a": ("version", "client_payload.ref"),
        "b": ("target",),
        "c": ("dry", "target", "version"),
    }


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("echo ${{ github.event.issue.title }}", ("github.event.issue.title",)),
        ("echo ${{ github.head_ref || github.ref }}", ("github.head_ref",)),
        ("echo ${{ github.event.pull_request.head.ref == 'x' && 'a' || 'b' }}", ()),
        ("echo ${{ github.event.comment.body && 'yes' }}", ()),
        ("echo ${{ format('{0}', github.event.review.body) }}", ("github.event.review.body",)),
        ("echo ${{ fromJSON(toJSON(github.event)).issue }}", ("github.event",)),
        ("echo ${{ contains(github.event.comment.body, 'x') }}", ()),
        ("echo ${{ join(github.event.commits.*.message, ' ') }}", ("github.event.commits.*.message",)),
        ("echo ${{ github.event.commits[0].message }}", ("github.event.commits.0.message",)),
        ("echo ${{ github.event['pull_request']['title'] }}", ("github.event.pull_request.title",)),
        ("echo ${{ env.TITLE }}", ("github.event.issue.title",)),
        ("echo $TITLE", ()),
        ("echo ${{ github.sha }} ${{ github.event.pull_request.number }}", ()),
        ("echo ${{ github.event.pull_request.head.sha }}", ()),
        ("echo ${{ steps.files.outputs.all_changed_files }}", ("steps.files.outputs.all_changed_files",)),
        ("echo ${{ steps.own.outputs.anything }}", ()),
        ("echo ${{ matrix.text }}", ("github.event.issue.body",)),
        ("echo ${{ broken ( }}", None),
        ("echo ${{ case(github.actor == 'x', github.head_ref, 'y') }}", ("github.head_ref",)),
    ],
)
def test_what_outsiders_write_and_becomes_code(code: str, expected: tuple[str, ...] | None) -> None:
    found = job(
        f"""strategy: {{matrix: {{text: ['${{{{ github.event.issue.body }}}}']}}}}
runs-on: ubuntu-latest
env: {{TITLE: '${{{{ github.event.issue.title }}}}'}}
steps:
  - {{id: files, uses: tj-actions/changed-files@v45}}
  - {{id: own, run: x}}
  - run: {code!r}"""
    )
    assert (found.steps or ())[2].tainted == expected
    assert found.tainted == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("uses: actions/github-script@v7\nwith: {script: 'x(\"${{ github.head_ref }}\")'}", ("github.head_ref",)),
        ("uses: some/action@v1\nwith: {script: '${{ github.head_ref }}'}", ()),
        ("uses: actions/github-script@v7\nenv: {A: '${{ github.head_ref }}'}\nwith: {script: x(process.env.A)}", ()),
    ],
)
def test_code_of_actions(body: str, expected: tuple[str, ...]) -> None:
    assert step(body).tainted == expected


@pytest.mark.parametrize(
    ("condition", "always_true", "regardless"),
    [
        ("always()", False, True),
        ("'${{ always() }}'", False, True),
        ("'${{ github.ref == ''x'' }} && true'", True, False),
        ("|\n      ${{ github.actor == 'x' }}", True, False),
        (">-\n      ${{ github.actor == 'x' }}", False, False),
        ("|\n      github.actor == 'x'", False, False),
        ("'!cancelled()'", False, True),
        ("'!cancelled() && !failure()'", False, False),
        ("always() && needs.b.result == 'success'", False, False),
        ("always() && needs.z.result == 'success'", False, True),
        ("success() && github.ref == 'x'", False, False),
        ("failure()", False, True),
        ("\"always() && !contains(needs.*.result, 'failure')\"", False, False),
        ("github.event_name == 'push'", False, False),
    ],
)
def test_conditions(condition: str, always_true: bool, regardless: bool) -> None:
    found = (
        pipeline(
            "on: push\njobs:\n  b: {runs-on: ubuntu-latest, steps: [{run: x}]}\n  a:\n    needs: b\n"
            f"    if: {condition}\n"
            "    runs-on: ubuntu-latest\n    steps: [{run: x}]\n"
        ).jobs
        or ()
    )
    assert (found[1].always_true, found[1].regardless) == (always_true, regardless)
    assert found[1].condition is not None


@pytest.mark.parametrize(
    ("matrix", "variants"),
    [
        ("{os: [a, b, c], go: ['1', '2']}", 6),
        ("{os: [a, b], exclude: [{os: a}]}", 1),
        ("{os: [a, b], go: ['1', '2'], exclude: [{os: a, go: '1'}]}", 3),
        ("{include: [{a: 1}, {a: 2}]}", 2),
        ("{os: [a, b], include: [{os: a, extra: x}]}", 2),
        ("{os: [a, b], include: [{os: c}]}", 3),
        ("{os: [a], include: [{color: red}]}", 1),
        ("{os: '${{ fromJSON(needs.x.outputs.y) }}'}", None),
        ("'${{ fromJSON(needs.x.outputs.y) }}'", None),
        ("{os: [a], include: '${{ fromJSON(x) }}'}", None),
    ],
)
def test_variants(matrix: str, variants: int | None) -> None:
    assert job(f"strategy: {{matrix: {matrix}}}\n{RUN}").variants == variants


def test_a_matrix_is_expanded_for_runners_and_actions() -> None:
    found = job(
        """strategy:
  matrix:
    os: [ubuntu-latest, self-hosted]
    exclude: [{os: self-hosted}]
    action: [actions/checkout@v4, 'actions/cache@main']
runs-on: ${{ matrix.os }}
steps:
  - uses: ${{ matrix.action }}
    with: {key: k}"""
    )
    assert found.runner == "hosted"
    assert (found.steps or ())[0].does == ("cache", "checkout")
    assert (found.steps or ())[0].pinned == "branch"
    assert [one.key for one in found.cache_uses or ()] == ["k"]


def test_includes() -> None:
    found = pipeline(
        """on: push
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: ./.github/actions/absent
  b:
    uses: o/r/.github/workflows/w.yml@main
"""
    )
    assert [(one.reference, one.kind, one.pinned, one.resolved, one.source.line) for one in found.includes or ()] == [
        ("actions/checkout@v4", "action", "tag", None, 6),
        ("./.github/actions/absent", "action", "local", False, 7),
        ("o/r/.github/workflows/w.yml@main", "workflow", "branch", None, 9),
    ]
    assert found.depth == "full"


def project(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


COMPOSITE = """name: pack
inputs:
  provenance: {default: 'true'}
  title: {required: true}
  sign: {default: 'false'}
runs:
  using: composite
  steps:
    - uses: docker/build-push-action@v6
      with: {push: true, tags: ghcr.io/a/b, provenance: '${{ inputs.provenance }}'}
    - run: echo "${{ inputs.title }}"
      shell: bash
    - if: inputs.sign == 'true'
      run: cosign sign ghcr.io/a/b
      shell: bash
    - uses: $/.github/actions/deep
"""


@pytest.mark.parametrize(
    ("given", "does", "tainted"),
    [
        ("{title: x}", {"build", "publish", "attest", "checkout"}, ()),
        ("{title: x, provenance: false}", {"build", "publish", "provenance-off", "checkout"}, ()),
        ("{title: x, sign: true}", {"build", "publish", "attest", "sign", "checkout"}, ()),
        ("{title: '${{ github.head_ref }}'}", {"build", "publish", "attest", "checkout"}, ("github.head_ref",)),
    ],
)
def test_inputs_of_nested_composites_are_filled_in(
    tmp_path: Path, given: str, does: set[str], tainted: tuple[str, ...]
) -> None:
    root = project(
        tmp_path,
        {
            ".github/workflows/x.yml": "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n"
            f"      - uses: ./.github/actions/pack\n        with: {given}\n",
            ".github/actions/pack/action.yml": COMPOSITE,
            ".github/actions/deep/action.yaml": "runs: {using: composite, steps: [{uses: actions/checkout@v4}]}",
        },
    )
    (found,) = read_pipelines(root).pipelines[0].jobs or ()
    steps = [one for one in found.steps or () if "sign" in does or "cosign" not in (one.run or "")]
    assert {word for one in steps for word in one.does} - {"tag-subject"} == does
    assert found.signs is ("sign" in does)
    assert found.tainted == tainted


CALLED = """on:
  workflow_call:
    inputs:
      push: {type: boolean, default: false}
      runner: {type: string, default: ubuntu-latest}
      ref: {type: string}
    secrets: {token: {required: true}}
permissions: {contents: write, id-token: write}
jobs:
  ship:
    if: inputs.push
    runs-on: ${{ inputs.runner }}
    steps:
      - run: npm publish --tag ${{ inputs.ref }}
        env: {NODE_AUTH_TOKEN: '${{ secrets.token }}'}
"""


@pytest.mark.parametrize(
    ("given", "publishes", "runner", "condition"),
    [
        ("{push: true}", True, "hosted", "true"),
        ("{push: false}", False, "hosted", "false"),
        ("{}", False, "hosted", "false"),
        ("{push: true, runner: self-hosted}", True, "self-hosted", "true"),
        ("{push: '${{ github.ref == ''x'' }}'}", True, "hosted", "${{ (github.ref == 'x') }}"),
    ],
)
def test_inputs_and_secrets_of_called_workflows_are_filled_in(
    tmp_path: Path, given: str, publishes: bool, runner: str, condition: str
) -> None:
    root = project(
        tmp_path,
        {
            ".github/workflows/a.yml": "on: push\njobs:\n  call:\n    permissions: {contents: read, id-token: write}\n"
            f"    uses: ./.github/workflows/b.yml\n    with: {given}\n"
            "    secrets: {token: '${{ secrets.NPM_TOKEN }}'}\n",
            ".github/workflows/b.yml": CALLED,
        },
    )
    jobs = {job.id: job for job in read_pipelines(root).pipelines[0].jobs or ()}
    inner = jobs["call/ship"]
    assert (inner.publishes, inner.runner, inner.condition) == (publishes, runner, condition)
    assert [(one.name, str(one.source)) for one in inner.secrets or ()] == [("NPM_TOKEN", ".github/workflows/b.yml:15")]
    assert {(one.scope, one.access) for one in inner.permissions or ()} == {("contents", "read"), ("id-token", "write")}
    assert inner.can_sign is True
    assert [one.resolved for one in read_pipelines(root).pipelines[0].includes or ()] == [True]


def test_parallel_steps_background_and_shell_defaults() -> None:
    found = job(
        """runs-on: ubuntu-latest
defaults: {run: {shell: python}}
steps:
  - parallel:
      - {run: go build ./..., shell: bash}
      - {uses: actions/checkout@v4}
  - {run: go build ./..., background: true, id: b, shell: bash}
  - {wait: b}
  - {run: print(1)}"""
    )
    assert [one.does for one in found.steps or ()] == [("build",), ("checkout",), ("build",), (), ("unread-script",)]


def test_anchors_and_merges() -> None:
    found = (
        pipeline(
            """on: push
jobs:
  a: &a
    runs-on: ubuntu-latest
    env: &env {TOKEN: '${{ secrets.NPM_TOKEN }}'}
    steps: &steps
      - run: npm publish
  b: {<<: *a, runs-on: self-hosted}
  c: {runs-on: ubuntu-latest, env: *env, steps: *steps}
"""
        ).jobs
        or ()
    )
    assert [(one.publishes, one.runner, [s.name for s in one.secrets or ()]) for one in found] == [
        (True, "hosted", ["NPM_TOKEN"]),
        (True, "self-hosted", ["NPM_TOKEN"]),
        (True, "hosted", ["NPM_TOKEN"]),
    ]


def test_a_remote_workflow_is_never_clean() -> None:
    found = pipeline("on: push\njobs:\n  a:\n    uses: o/r/.github/workflows/w.yml@v1\n")
    (one,) = found.jobs or ()
    assert (one.builds, one.signs, one.attests, one.publishes, one.caches, one.tainted) == (None,) * 6
    assert found.understood == "partly"


def test_a_job_that_never_runs_does_nothing() -> None:
    found = job("if: false\nruns-on: ubuntu-latest\nsteps: [{run: npm publish}]")
    assert found.publishes is False
    assert (found.steps or ())[0].does == ("publish",)


def test_environment_of_a_job() -> None:
    assert job(f"environment: prod\n{RUN}").environment == "prod"
    assert job(f"environment: {{name: prod, url: x}}\n{RUN}").environment == "prod"
    assert job(RUN).environment is None
