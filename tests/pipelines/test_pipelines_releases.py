"""Release paths of single workflows: which jobs belong together, and what contradicts their provenance."""

from __future__ import annotations

import pytest

from assess.evidence import ConfiguredProvenance, Release
from assess.pipelines import read_pipeline_file

ATTEST = "{uses: actions/attest@v4, with: {subject-path: app}}"
RIGHTS = "permissions: {contents: write, id-token: write, attestations: write}"
SHIP = "{run: gh release create v1 app}"
BUILD = "{run: go build}"


def releases(jobs: str, on: str = "push", top: str = RIGHTS) -> tuple[Release, ...]:
    read = read_pipeline_file(".github/workflows/x.yml", f"on: {on}\n{top}\njobs:\n{jobs}".encode())
    assert read.unreadable == ()
    return read.releases


def job(name: str, *steps: str, more: str = "") -> str:
    return f"  {name}: {{runs-on: ubuntu-latest, {more} steps: [{', '.join(steps)}]}}\n"


VERSION = job("v", "{run: echo 1}")
UPLOAD = "{uses: actions/upload-artifact@v5}"


def provenance(release: Release) -> ConfiguredProvenance:
    assert release.provenance is not None
    return release.provenance


@pytest.mark.parametrize(
    ("jobs", "expected"),
    [
        (job("a", BUILD, SHIP), [("a",)]),
        (job("a", BUILD), []),
        (job("a", BUILD) + job("b", SHIP, more="needs: a,"), [("a", "b")]),
        (job("a", BUILD) + job("b", SHIP), [("b",)]),
        (job("a", BUILD, SHIP) + job("b", BUILD, SHIP), [("a",), ("b",)]),
        (VERSION + job("a", SHIP, more="needs: v,") + job("b", SHIP, more="needs: v,"), [("a",), ("b",)]),
        (job("a", BUILD) + job("m", "{run: echo}", more="needs: a,") + job("b", SHIP, more="needs: m,"), [("a", "b")]),
        (job("a", "{run: ./x.sh}", UPLOAD) + job("b", SHIP, more="needs: a,"), [("a", "b")]),
        (job("a", "{run: make release}"), [("a",)]),
        (job("a", "{run: make check}"), []),
        (job("a", SHIP, more="needs: b,") + job("b", BUILD, more="needs: a,"), [("a", "b")]),
        (job("a", SHIP, more="needs: [nobody, a],"), [("a",)]),
    ],
)  # fmt: skip
def test_which_jobs_belong_together(jobs: str, expected: list[tuple[str, ...]]) -> None:
    assert [one.jobs for one in releases(jobs)] == expected


@pytest.mark.parametrize(
    ("step", "publish", "expected"),
    [
        ("", "", False),
        ("continue-on-error: true,", "", True),
        ("continue-on-error: '${{ x }}',", "", None),
        ("", "if: always(),", True),
        ("", "if: '!cancelled()',", True),
        ("", "if: github.ref == 'x',", False),
        ("if: github.ref == 'x',", "", None),
    ],
)
def test_optional_provenance(step: str, publish: str, expected: bool | None) -> None:
    attest = f"{{{step} uses: actions/attest@v4, with: {{subject-path: app}}}}"
    found = releases(job("a", BUILD, attest) + job("b", SHIP, more=f"needs: a, {publish}"))
    assert provenance(found[0]).optional is expected


def test_an_optional_job() -> None:
    found = releases(job("a", BUILD, ATTEST, more="continue-on-error: true,") + job("b", SHIP, more="needs: a,"))
    assert provenance(found[0]).optional is True


@pytest.mark.parametrize(
    ("inputs", "generated", "written", "level"),
    [
        ("subject-path: app", True, False, "L2"),
        ("subject-path: app, predicate-type: 'https://slsa.dev/provenance/v1', predicate: '{}'", True, True, "L1"),
        ("subject-path: app, predicate-type: 'https://example.com/v1', predicate: '{}'", False, None, "L0"),
        ("subject-path: app, sbom-path: s.json", False, None, "L0"),
    ],
)
def test_attest(inputs: str, generated: bool, written: bool | None, level: str) -> None:
    found = provenance(releases(job("a", BUILD, f"{{uses: actions/attest@v4, with: {{{inputs}}}}}", SHIP))[0])
    assert (found.generated, found.authored_by_tenant, str(found.level)) == (generated, written, level)


def test_attest_without_the_right_to_sign() -> None:
    found = releases(job("a", BUILD, ATTEST, SHIP), top="permissions: {contents: write}")[0]
    assert provenance(found).generated is None
    assert str(provenance(found).level) == "L0 (at most L2)"
    assert any("id-token: write" in note.text for note in found.notes)


def test_a_workflow_for_others_may_carry_more() -> None:
    found = releases(job("a", BUILD, ATTEST), on="workflow_call")[0]
    assert str(provenance(found).level) == "L2 (at most L3)"


@pytest.mark.parametrize(
    ("ref", "generated", "level"),
    [
        ("v2.1.0", True, "L3"),
        ("v2.1.0-rc.1", True, "L1"),
        ("v2", True, "L1"),
        ("main", True, "L1"),
        ("f7dd8c54c2067bafc12ca7a55595d5ee9b75204a", None, "L0 (at most L1)"),
    ],
)
def test_generator_references(ref: str, generated: bool | None, level: str) -> None:
    name = "slsa-framework/slsa-github-generator/.github/workflows/generator_container_slsa3.yml"
    found = provenance(releases(f"  a: {{uses: {name}@{ref}}}\n")[0])
    assert (found.generated, str(found.level)) == (generated, level)


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("{uses: actions/cache@v4, with: {path: x, key: y}}", True),
        ("{uses: actions/cache@v4, with: {path: x, key: y, lookup-only: true}}", False),
        ("{uses: actions/cache/save@v4, with: {path: x, key: y}}", False),
        ("{uses: actions/setup-go@v5}", True),
        ("{uses: actions/setup-go@v3}", False),
        ("{uses: actions/setup-go@v5, with: {cache: false}}", False),
        ("{uses: actions/setup-go@" + "a" * 40 + "}", None),
        ("{uses: actions/setup-node@v4}", False),
        ("{uses: actions/setup-node@v4, with: {cache: npm}}", True),
        ("{uses: actions/setup-node@v5}", None),
        ("{uses: actions/setup-node@v5, with: {package-manager-cache: false}}", False),
        ("{uses: actions/setup-python@v6, with: {cache: pip}}", True),
        ("{uses: astral-sh/setup-uv@v7}", True),
        ("{uses: astral-sh/setup-uv@v7, with: {enable-cache: false}}", False),
        ("{uses: who/knows@v1}", None),
        ("{run: ./unread.sh}", False),
    ],
)
def test_shared_caches(step: str, expected: bool | None) -> None:
    assert releases(job("a", step, BUILD, SHIP))[0].shares_cache is expected


def test_a_version_in_a_comment_tells() -> None:
    text = f"""
on: push
jobs:
  a:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/setup-go@{"a" * 40} # v6.1.0
      - run: go build && gh release create v1 app
"""
    assert read_pipeline_file(".github/workflows/x.yml", text.encode()).releases[0].shares_cache is True


@pytest.mark.parametrize(
    ("on", "ref", "version", "expected"),
    [
        ("pull_request_target", "github.event.pull_request.head.sha", "v4", True),
        ("pull_request_target", "github.head_ref", "v4", True),
        ("pull_request_target", "github.event.pull_request.head.sha", "v7", False),
        ("pull_request_target", "github.sha", "v4", False),
        ("workflow_run", "github.event.workflow_run.head_sha", "v4", True),
        ("pull_request", "github.event.pull_request.head.sha", "v4", False),
        ("push", "github.event.pull_request.head.sha", "v4", False),
    ],
)
def test_untrusted_code(on: str, ref: str, version: str, expected: bool) -> None:
    checkout = f"{{uses: actions/checkout@{version}, with: {{ref: '${{{{ {ref} }}}}'}}}}"
    assert releases(job("a", checkout, BUILD, SHIP), on=on)[0].runs_untrusted_code is expected


def test_parameters_of_a_manual_start() -> None:
    on = "{workflow_dispatch: {inputs: {v: {type: string}}}}"
    used = job("a", "{run: 'go build -ldflags ${{ inputs.v }}'}", ATTEST, SHIP)
    unused = job("a", BUILD, ATTEST, SHIP)
    assert releases(used, on=on)[0].parameters_recorded is False
    assert releases(unused, on=on)[0].parameters_recorded is True
    before = job("p", "{run: 'echo ${{ github.event.inputs.v }}'}") + job("a", BUILD, ATTEST, SHIP, more="needs: p,")
    assert releases(before, on=on)[0].parameters_recorded is False
    dispatched = job("a", "{run: 'go build ${{ github.event.client_payload.v }}'}", ATTEST, SHIP)
    assert releases(dispatched, on="repository_dispatch")[0].parameters_recorded is False


def test_keys_within_reach() -> None:
    secret = "{run: cosign sign x, env: {K: '${{ secrets.COSIGN_PRIVATE_KEY }}'}}"
    apart = job("a", BUILD) + job("b", secret, SHIP, more="needs: a,")
    assert provenance(releases(apart)[0]).key_in_build is False
    together = job("a", BUILD, secret, SHIP)
    assert provenance(releases(together)[0]).key_in_build is True


def test_unread_contents_leave_provenance_open() -> None:
    found = releases(job("a", "{uses: who/knows@v1}", BUILD, SHIP))[0]
    assert provenance(found).generated is None and provenance(found).level is None
    assert "what `who/knows` does is not known" in [note.text for note in found.notes]


def test_made_elsewhere() -> None:
    found = releases(job("a", SHIP))[0]
    assert found.hosted is None
    assert "no job of this path builds: what it releases was made elsewhere" in [note.text for note in found.notes]
