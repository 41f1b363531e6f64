"""Other tools' findings: read, placed, mapped, counted; hostile files end in one clear error."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assess.errors import InputError
from assess.evidence import Evidence
from assess.levels import default_directories, load_pack
from assess.pipelines import read_pipelines
from assess.sarif import MAX_RESULTS, check_map, load_map, read_sarif

RELEASE = ".github/workflows/release.yml"
WORKFLOW = """\
name: release
on:
  push:
    tags: ["v*"]
permissions: {}
jobs:
  lint:
    runs-on: ubuntu-24.04
    steps:
      - run: echo lint
  release:
    runs-on: ubuntu-24.04
    permissions:
      contents: write
      id-token: write
      attestations: write
    steps:
      - run: go build -o app .
      - uses: ./.github/actions/note
      - uses: actions/attest@8e8c483db84b4bee98b60c0593521ed34d9990e8 # v4.1.0
        with:
          subject-path: app
      - run: gh release create v1 app
"""
ACTION = "runs:\n  using: composite\n  steps:\n    - run: go test ./...\n      shell: bash\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    for name, text in ((RELEASE, WORKFLOW), (".github/actions/note/action.yml", ACTION)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def evidence(folder: Path) -> Evidence:
    read = read_pipelines(folder)
    path = {f"path_{one}": getattr(read.path, one) for one in read.path.__slots__}
    return Evidence(pipelines=read.pipelines, releases=read.releases, **path)


def result(
    rule: str = "zizmor/cache-poisoning", uri: str = RELEASE, line: int | None = 18, **more: Any
) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": uri}}
    if line is not None:
        place["region"] = {"startLine": line}
    return {"ruleId": rule, "message": {"text": "found it"}, "locations": [{"physicalLocation": place}], **more}


def sarif(*results: Any, name: Any = "zizmor", version: str = "1.32.0", **more: Any) -> bytes:
    driver = {"name": name, "version": version, "rules": [{"id": "zizmor/unpinned-uses"}]}
    return json.dumps(
        {"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": list(results)}], **more}
    ).encode()


def test_every_case_that_the_map_names_is_there() -> None:
    assert check_map(load_map(), load_pack(default_directories()).audits) == ()
    assert load_map().tools == ("zizmor", "poutine")


@pytest.mark.parametrize(
    ("row", "on_path", "audit"),
    [
        (result(), True, "audit.cache-poisoning/restored"),
        (result("cache-poisoning"), True, "audit.cache-poisoning/restored"),
        (result(line=9), False, "audit.cache-poisoning/restored"),
        (result(line=4), True, "audit.cache-poisoning/restored"),
        (result(line=None), None, "audit.cache-poisoning/restored"),
        (result(uri=f"file:///home/me/project/{RELEASE}"), True, "audit.cache-poisoning/restored"),
        (result(uri=f"./{RELEASE}"), True, "audit.cache-poisoning/restored"),
        (result(uri=RELEASE.replace("/", "\\")), True, "audit.cache-poisoning/restored"),
        (result(uri=".github%2Fworkflows/release.yml"), True, "audit.cache-poisoning/restored"),
        (result(uri="other/.github/workflows/lint.yml"), False, "audit.cache-poisoning/restored"),
        (result(uri=".github/actions/note/action.yml", line=4), True, "audit.cache-poisoning/restored"),
        (result("zizmor/artipacked"), True, None),
        (result("zizmor/of-tomorrow"), True, None),
        ({**result(), "ruleId": None, "ruleIndex": 0}, True, "audit.mutable-builder/moving"),
        ({**result(), "ruleId": None, "rule": {"id": "zizmor/github-env"}}, True, "audit.environment-injection/file"),
        ({**result(), "locations": []}, False, "audit.cache-poisoning/restored"),
        (result(line=-3), None, "audit.cache-poisoning/restored"),
    ],
)
def test_where_it_is_and_what_it_means(
    project: Path, row: dict[str, Any], on_path: bool | None, audit: str | None
) -> None:
    imported = read_sarif(sarif(row), "z.sarif", evidence(project)).imported
    assert [(one.on_path, one.audit, one.tool) for one in imported] == [(on_path, audit, "zizmor 1.32.0")]


@pytest.mark.parametrize(
    ("more", "taken"),
    [
        ({}, 1),
        ({"kind": "fail"}, 1),
        ({"kind": "review"}, 1),
        ({"kind": "pass"}, 0),
        ({"kind": "notApplicable"}, 0),
        ({"suppressions": [{"kind": "inSource"}]}, 0),
        ({"suppressions": []}, 1),
        ({"baselineState": "absent"}, 0),
    ],
)
def test_what_passed_or_is_suppressed_is_left_out(project: Path, more: dict[str, Any], taken: int) -> None:
    assert len(read_sarif(sarif(result(**more)), "z.sarif", evidence(project)).imported) == taken


def test_everything_is_counted(project: Path) -> None:
    rows = [
        result(), result(line=9), result(line=None), result("zizmor/artipacked"), result(kind="pass"),
        result("zizmor/new"), result("zizmor/new", line=20), result("zizmor/other"),
    ]  # fmt: skip
    told = read_sarif(sarif(*rows), "z.sarif", evidence(project)).told
    assert told == (
        "z.sarif: 7 results taken in, 1 of them on release paths, 1 perhaps on one, 1 elsewhere, "
        "1 without bearing on a level, 1 suppressed or passed, "
        "3 of rules that no audit is listed for: zizmor 1.32.0 zizmor/new (2), zizmor 1.32.0 zizmor/other (1)"
    )


def test_a_tool_that_nobody_listed_does_nothing(project: Path) -> None:
    read = read_sarif(sarif(result("cache-poisoning"), name="other"), "z.sarif", evidence(project))
    assert [one.audit for one in read.imported] == [None]
    assert "1 of rules that no audit is listed for: other 1.32.0 cache-poisoning (1)" in read.told


def test_poutine_has_a_list_of_its_own(project: Path) -> None:
    read = read_sarif(
        sarif(result("untrusted_checkout_exec"), name="poutine", version=""), "p.sarif", evidence(project)
    )
    assert [(one.tool, one.audit) for one in read.imported] == [("poutine", "audit.outsiders-code/on-path")]


def test_more_results_than_anybody_has_are_cut_and_told(project: Path) -> None:
    read = read_sarif(sarif(*[result(line=18)] * (MAX_RESULTS + 3)), "z.sarif", evidence(project))
    assert len(read.imported) == 1
    assert "3 more not read" in read.told


WRONG = [
    (b"", "z.sarif"),
    (b"{", "z.sarif"),
    (b"[]", "no `runs`"),
    (b"{}", "no `runs`"),
    (b'{"runs": {}, "version": "2.1.0"}', "no `runs`"),
    (b'{"runs": [], "version": "2.0.0"}', "z.sarif#/version"),
    (b'{"runs": []}', "z.sarif#/version"),
    (b'{"runs": [7], "version": "2.1.0"}', "z.sarif#/runs/0/tool/driver/name"),
    (b'{"runs": [{"tool": {"driver": {"name": 7}}}], "version": "2.1.0"}', "z.sarif#/runs/0/tool/driver/name"),
    (b'{"runs": [{"tool": {"driver": {"name": "x"}}, "results": [7]}], "version": "2.1.0"}', "/runs/0/results/0"),
    (b'{"a": ' + b"[" * 100 + b"]" * 100 + b"}", "z.sarif"),
    (b'{"runs": [], "runs": [], "version": "2.1.0"}', "z.sarif"),
    (b"\xff\xfe", "z.sarif"),
]


@pytest.mark.parametrize(("data", "said"), WRONG, ids=[said + str(at) for at, (_, said) in enumerate(WRONG)])
def test_what_is_no_sarif_is_one_error_at_its_place(project: Path, data: bytes, said: str) -> None:
    with pytest.raises(InputError) as raised:
        read_sarif(data, "z.sarif", evidence(project))
    assert said in f"{raised.value.place} {raised.value.message}"


NONSENSE: list[Any] = [None, 7, "x", [], {}, [[]], {"text": 7}, {"text": None}, [{"physicalLocation": 3}], [None]]


@pytest.mark.parametrize("value", NONSENSE, ids=str)
@pytest.mark.parametrize("key", ["ruleId", "ruleIndex", "rule", "message", "locations", "kind", "suppressions"])
def test_nonsense_inside_a_result_is_read_as_nothing(project: Path, key: str, value: Any) -> None:
    row = {**result(), key: value}
    read = read_sarif(sarif(row), "z.sarif", evidence(project))
    assert all(one.tool == "zizmor 1.32.0" for one in read.imported)


def check(run: Callable[..., Any], project: Path, *arguments: str | Path) -> Any:
    return run("check", project, "--time", "2026-03-01T00:00:00Z", "-f", "json", *arguments)


def levels(text: str) -> dict[str, tuple[int, int]]:
    rows = json.loads(text)["levels"]
    return {row["reading"]: (row["level"]["reached"], row["level"]["ceiling"]) for row in rows}


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [result("zizmor/cache-poisoning")],
        [result("zizmor/self-hosted-runner")],
        [result("zizmor/template-injection"), result("zizmor/nothing")],
        [{**result("zizmor/cache-poisoning"), "kind": "pass"}],
        [result("zizmor/self-hosted-runner", line=None)],
    ],
)
def test_an_import_never_raises_a_level_and_leaves_the_demonstrated_one(
    run: Callable[..., Any], project: Path, tmp_path: Path, rows: list[dict[str, Any]]
) -> None:
    file = tmp_path / "z.sarif"
    file.write_bytes(sarif(*rows))
    bare, held = levels(check(run, project).out), levels(check(run, project, "--import-sarif", file).out)
    assert held["demonstrated"] == bare["demonstrated"]
    assert held["declared"] == bare["declared"]
    assert held["configured"][0] <= bare["configured"][0]
    assert held["configured"][1] <= bare["configured"][1]


def test_a_finding_that_contradicts_lowers_the_configured_level(
    run: Callable[..., Any], project: Path, tmp_path: Path
) -> None:
    file = tmp_path / "z.sarif"
    file.write_bytes(sarif(result("zizmor/self-hosted-runner")))
    assert levels(check(run, project).out)["configured"] == (2, 2)
    ran = check(run, project, "--import-sarif", file)
    assert levels(ran.out)["configured"] == (1, 1)
    text = run("check", project, "--import-sarif", file).out
    assert "audit.runner/self-hosted" in text
    assert "found by zizmor 1.32.0" in text


def test_the_input_is_recorded_and_a_missing_one_is_an_error(
    run: Callable[..., Any], project: Path, tmp_path: Path
) -> None:
    file = tmp_path / "z.sarif"
    file.write_bytes(sarif())
    inputs = json.loads(check(run, project, "--import-sarif", file).out)["inputs"]
    assert [one["path"] for one in inputs if one["kind"] == "sarif"] == [str(file)]
    ran = check(run, project, "--import-sarif", tmp_path / "nothing.sarif")
    assert ran.code == 66
    assert "cannot read the SARIF file" in ran.err
    file.write_bytes(b"{}")
    assert check(run, project, "--import-sarif", file).code == 65


def test_zizmor_itself(run: Callable[..., Any], project: Path, tmp_path: Path) -> None:
    beside = Path(sys.executable).with_name("zizmor")
    program = str(beside) if beside.is_file() else shutil.which("zizmor")
    if program is None:
        pytest.skip("zizmor is not installed (pip install zizmor)")
    options = ["--offline", "--persona=auditor", "--format=sarif", "--no-exit-codes", "-q"]
    done = subprocess.run([program, *options, str(project)], capture_output=True, timeout=120, check=True)
    read = read_sarif(done.stdout, "z.sarif", evidence(project))
    assert read.imported
    assert "no audit is listed for" not in read.told
    assert {one.source.path for one in read.imported} <= {RELEASE, ".github/actions/note/action.yml"}
