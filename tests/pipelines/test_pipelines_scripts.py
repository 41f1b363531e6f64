"""Following the project's own scripts: only inside the project, within limits, and never silently."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from assess.errors import InputError
from assess.evidence import Source
from assess.pipelines import read_pipelines
from assess.pipelines._commands import recognise
from assess.pipelines._facts import Act
from assess.pipelines._files import Folder
from assess.pipelines._hcl import read_hcl
from assess.pipelines._jreleaser import toml_nodes
from assess.pipelines._json_nodes import read_json
from assess.pipelines._jvm_files import maven_plugins
from assess.pipelines._scripts import within


def acts(folder: Path, script: str, directory: str | None = "", **files: str) -> tuple[Act, ...]:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return recognise(script, Source("ci.yml", 1), {}, Folder(folder), directory)


def does(folder: Path, script: str, directory: str | None = "", **files: str) -> list[str]:
    return [one.does for one in acts(folder, script, directory, **files)]


@pytest.mark.parametrize(
    ("directory", "name", "expected"),
    [
        ("", "a/b", "a/b"), ("x", "../a", "a"), ("x/y", "./a", "x/y/a"), ("", "../a", None), ("x", "../../a", None),
        ("x", "$GITHUB_WORKSPACE/a", "a"), ("x", "${{ github.workspace }}/a", "a"), ("x", "$(pwd)/a", "x/a"),
        ("", "/etc/passwd", None), ("", "~/a", None), ("", "$X/a", None), (None, "a", None), ("", "a\\b", "a/b"),
        ("x", "$CI_PROJECT_DIR", ""), ("", "*.sh", None),
    ],
)  # fmt: skip
def test_within(directory: str | None, name: str, expected: str | None) -> None:
    assert within(directory, name) == expected


def test_nothing_is_followed_without_a_folder_or_a_directory(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text("release:\n\tcargo publish\n")
    unread = ["code", "unread-script"]
    assert [one.does for one in recognise("make release", Source("ci.yml", 1), {})] == unread
    assert [one.does for one in recognise("make release", Source("ci.yml", 1), {}, Folder(None))] == unread
    assert does(tmp_path, "make release", None) == unread
    assert does(tmp_path, "cd $X && make release") == unread
    assert does(tmp_path, "make release") == ["code", "publish"]
    assert does(tmp_path, "cd sub; cd ..; make release") == ["code", "publish"]
    assert does(tmp_path, "make -C $X release") == unread


def test_links_that_lead_out_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside.sh"
    outside.write_text("cargo publish\n")
    inside = tmp_path / "project"
    inside.mkdir()
    (inside / "ship.sh").symlink_to(outside)
    found = acts(inside, "./ship.sh")
    assert [one.does for one in found] == ["code", "unread-script"]
    assert "link leads out" in (found[1].note or "")


@pytest.mark.parametrize(
    ("name", "text", "command", "expected"),
    [
        ("ship", "#!/usr/bin/env python3\nprint()\n", "./ship", ["code", "unread-script"]),
        ("ship", "#!/bin/bash\ncargo publish\n", "./ship", ["code", "publish"]),
        ("ship.py", "print()\n", "python ship.py", ["code", "unread-script"]),
        ("ship.sh", "cargo publish\n", "bash -x ship.sh --now", ["code", "publish"]),
        ("ship.sh", "cargo publish\n", ". ./ship.sh", ["code", "publish"]),
        ("ship.sh", "\0\0", "./ship.sh", ["code", "unread-script"]),
        ("ship.sh", "x" * 300_000, "./ship.sh", ["code", "unread-script"]),
        ("ship.sh", "./ship.sh\ncargo publish", "./ship.sh", ["code", "code", "publish"]),
        ("ship.sh", "echo 'x\ncargo publish", "./ship.sh", ["code", "unread-script"]),
        ("unit-test.sh", "./not/here.sh\ncargo publish", "./unit-test.sh", ["code", "code", "publish"]),
        ("package.json", "{", "npm run ship", ["code", "unread-script"]),
        ("package.json", '{"scripts": []}', "npm run ship", ["code", "unread-script"]),
        ("Makefile", "ship: ; cargo publish", "make ship", ["code", "publish"]),
        ("Makefile", "%: ; cargo publish", "make ship", ["code", "unread-script"]),
        ("Makefile", "ship:\n\t$(call go,x)\n", "make ship", ["code", "code", "unread-script"]),
        ("Makefile", "T = publish\nship:\n\tcargo $(T)\n", "make ship", ["code", "publish"]),
        ("Makefile", "T ?= publish\nship:\n\tcargo $T\n", "make ship T=check", ["code"]),
        ("Makefile", "define x\nship:\n\tcargo publish\nendef\n", "make ship", ["code", "unread-script"]),
        ("Makefile", "ifdef A\nship: a\nelse\nship:\n\tcargo publish\nendif\na: ; npm publish",
         "make ship", ["code", "publish", "publish"]),
    ],
)  # fmt: skip
def test_scripts(tmp_path: Path, name: str, text: str, command: str, expected: list[str]) -> None:
    assert does(tmp_path, command, **{name: text}) == expected


HOSTILE = {
    "calls itself twice": {"Makefile": "a:\n" + "\tmake b; make b\n" * 50 + "b:\n" + "\tmake a; make a\n" * 50},
    "a tree of targets": {
        "Makefile": "".join(f"t{n}: t{n + 1} t{n + 2}\n\tmake t{n + 1} t{n + 2}\n" for n in range(500))},
    "many rules": {"Makefile": "t0:" + "".join(f" t{n}" for n in range(9_000)) + "\n"},
    "variables that grow": {
        "Makefile": "".join(f"V{n} = $(V{n + 1})$(V{n + 1})\n" for n in range(60)) + "t0:\n\techo $(V0)\n"},
    "includes itself": {"Makefile": "include Makefile x.mk\nt0: ; true\n", "x.mk": "include x.mk Makefile\n"},
    "scripts that call on": {f"s{n}.sh": f"./s{n + 1}.sh\n" * 100 for n in range(20)},
    "npm in circles": {"package.json": json.dumps({"scripts": {"a": "npm run b && npm run b", "b": "npm run a"}})},
    "task in circles": {"Taskfile.yml": "tasks: {a: {deps: [b], cmds: [task: b]}, b: {cmds: [{task: a}]}}\n"},
    "just in circles": {"justfile": "a: b\n  just b\nb: a\n  just a\n"},
    "a deep file": {"package.json": "[" * 90_000, "docker-bake.hcl": "{" * 90_000, ".goreleaser.yml": "[" * 9_000},
    "bake in circles": {
        "docker-bake.hcl": 'target "default" { inherits = ["a"] }\ntarget "a" { inherits = ["default"] }\n'},
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_projects(tmp_path: Path, case: str) -> None:
    commands = "make a; make t0; ./s0.sh; npm run a; task a; just a; docker buildx bake --push; goreleaser release\n"
    started = time.monotonic()
    found = acts(tmp_path, commands * 20, **HOSTILE[case])
    assert time.monotonic() - started < 30
    assert found


@pytest.mark.parametrize("text", ["<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "<a>" * 100, "<a", "<a/>" * 2, "\0", ""])
def test_bad_xml(text: str) -> None:
    with pytest.raises(InputError):
        maven_plugins(text.encode(), "pom.xml")


@pytest.mark.parametrize("text", ['a = "b', "a {", "a = [", "= 1", "a b c", "a = ", '"a" "b" {', "a = {b"])
def test_bad_hcl(text: str) -> None:
    with pytest.raises(InputError):
        read_hcl(text.encode(), "a.hcl")


@pytest.mark.parametrize(
    "text", ["", "{", '{"a"}', "[1,]", '{"a":1,}', "[1 2]", '"\\x"', "1 1", "[}", "{1:2}", "[" * 500, "nul"]
)
def test_bad_json(text: str) -> None:
    with pytest.raises(InputError):
        read_json(text.encode(), "a.json")


def test_json_has_lines() -> None:
    root = read_json(b'{\n\t"a": {\n\t\t"b": [1, "x\\n", null, true]}}', "a.json")
    inner = root.get("a")
    assert inner is not None and inner.keys is not None and str(inner.keys["b"].source) == "a.json:3"
    assert [one.value for one in inner.value["b"]] == [1, "x\n", None, True]


@pytest.mark.parametrize("text", ["a = ", "[" * 5_000, "a = " + "[" * 5_000, "\0"])
def test_bad_toml(text: str) -> None:
    assert toml_nodes(text.encode(), "a.toml") is None


def test_what_was_followed_is_an_input_of_the_report(tmp_path: Path) -> None:
    workflow = "on: push\njobs: {a: {runs-on: ubuntu-24.04, steps: [{run: make release, working-directory: sub}]}}\n"
    acts(tmp_path, "true", **{".github/workflows/a.yml": workflow, "sub/Makefile": "release:\n\tcargo publish\n"})
    read = read_pipelines(tmp_path)
    assert [path for path, _ in read.inputs] == [".github/workflows/a.yml", "sub/Makefile"]
    assert [str(one.source) for one in read.releases] == ["sub/Makefile:2"]
    assert read.pipelines[0].understood == "fully"


def test_another_project_in_its_place_is_not_read_as_this_one(tmp_path: Path) -> None:
    steps = "[{uses: actions/checkout@v4, with: {repository: other/project}}, {run: make release}]"
    workflow = f"on: push\njobs: {{a: {{runs-on: ubuntu-24.04, steps: {steps}}}}}\n"
    acts(tmp_path, "true", **{".github/workflows/a.yml": workflow, "Makefile": "release:\n\tcargo publish\n"})
    read = read_pipelines(tmp_path)
    assert read.pipelines[0].understood == "partly"
    assert "unread-script" in (read.pipelines[0].jobs or ())[0].steps[1].does  # type: ignore[index]
