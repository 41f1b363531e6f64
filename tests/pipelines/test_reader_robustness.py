"""Readers of the systems that are not read in full depth: files that are wrong in every way, and hostile ones."""

from __future__ import annotations

import importlib
import json
import time
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import pytest

from assess import _yaml
from assess.errors import InputError
from assess.pipelines import read_pipeline_file, read_pipelines
from assess.pipelines._files import Folder
from assess.pipelines.releases import releases

FIXTURES = Path(__file__).parent.parent / "fixtures"
MODULES = {
    "azure-pipelines": "azure_pipelines", "circleci": "circleci", "buildkite": "buildkite", "codebuild": "codebuild",
    "bitbucket": "bitbucket", "travis": "travis", "drone": "drone", "woodpecker": "woodpecker",
    "argo-workflows": "argo",     "harness": "harness", "appveyor": "appveyor", "cirrus": "cirrus",
}  # fmt: skip
JUNK: tuple[Any, ...] = (
    None, True, 3, "x", "", [], {}, ["a", ["b"]], {"a": {"b": [1]}}, [{}], [None], "${{ parameters.x }}",
    "<< parameters.x >>", "$X", [{"name": None}], {"name": ["x"]}, {"include": 3}, "%X%", "<+input>",
)  # fmt: skip
PIECES = ("{", "}", "(", ")", "[", "]", '"', "'", '"""', "/", "$/", "/$", "${", "\n", ":", ",", "->", ".", "@", "/*",
          "*/",           "//", "\\", "=", "if (", "try {", "stage(", "parallel ", "def ", "node {")  # fmt: skip


def module(system: str) -> ModuleType:
    return importlib.import_module(f"assess.pipelines.{MODULES.get(system, system)}")


def inputs(system: str) -> list[Path]:
    files = [one for one in sorted((FIXTURES / system).rglob("*")) if one.is_file() and one.name != "expected.yaml"]
    return [one for one in files if one.suffix in {".yml", ".yaml"} or "Jenkinsfile" in one.name]


def changed(value: Any, chance: float, random: Random) -> Any:
    if random.random() < chance:
        return random.choice(JUNK)
    if isinstance(value, dict):
        return {key: changed(one, chance, random) for key, one in value.items()}
    return [changed(one, chance, random) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("system", MODULES)
def test_any_shape_is_read_or_refused(system: str) -> None:
    """A value of another kind at any place: facts or an InputError, nothing else."""
    random, reader, read = Random(system), module(system), 0
    for file in inputs(system):
        try:
            whole = _yaml.plain(_yaml.read(file.read_bytes(), file.name).roots[0])
        except InputError:
            continue
        for _ in range(60):
            data = json.dumps(changed(whole, random.choice((0.01, 0.05, 0.15)), random)).encode()
            try:
                releases(reader.read(Folder(None), file.name, data))
                read += 1
            except InputError as error:
                assert error.message
    assert read > 0


def test_any_jenkinsfile_is_read_or_refused() -> None:
    random, reader = Random(7), module("jenkins")
    texts = [file.read_text() for file in inputs("jenkins")]
    notes = 0
    for _ in range(400):
        text = random.choice(texts)
        for _ in range(random.randint(1, 5)):
            at = random.randrange(len(text) + 1)
            text = text[:at] + (random.choice(PIECES) + text[at:] if random.random() < 0.6 else text[at + 9 :])
        try:
            notes += len(reader.read(Folder(None), "Jenkinsfile", text.encode()).pipeline.notes)
        except InputError as error:
            assert error.message
    assert notes > 0


@pytest.mark.parametrize(
    "text",
    ["{" * 30_000, "(" * 30_000, "[" * 30_000, "a(" * 30_000, "a{" * 30_000, 'sh "' + "${a" * 30_000, "if(a)" * 20_000,
     'stage("a"){' * 20_000, 'stage("x"){sh "y"}\n' * 9_000, "@a(" * 20_000, "x=" * 40_000, "a?b:" * 30_000,
     "/" * 90_000,      "def f(){" + "g();" * 20 + "}\ndef g(){" + "f();" * 20 + "}\nf()\n", "'''" * 40_000],
    ids=lambda text: text[:12],
)  # fmt: skip
def test_hostile_groovy_ends_soon(text: str) -> None:
    begin = time.process_time()
    read = read_pipeline_file("Jenkinsfile", text.encode())
    assert time.process_time() - begin < 10
    assert read.pipelines[0].understood != "fully" or "stage" in text or "x=" in text or "def f" in text or "/" in text


def test_templates_that_call_each_other_end(tmp_path: Path) -> None:
    (tmp_path / "azure-pipelines.yml").write_text("trigger: [main]\nsteps:\n- template: a.yml\n- template: a.yml\n")
    for name, other in (("a", "b"), ("b", "a")):
        (tmp_path / f"{name}.yml").write_text("steps:\n" + f"- template: {other}.yml\n" * 9)
    read = read_pipelines(tmp_path)
    texts = [note.text for note in read.pipelines[0].notes]
    assert "the template `a.yml` could not be followed" in texts
    assert read.pipelines[0].understood == "partly"


def test_commands_that_call_themselves_end() -> None:
    text = "version: 2.1\ncommands: {a: {steps: [a, a]}}\njobs: {build: {docker: [{image: x}], steps: [a]}}\n"
    read = read_pipeline_file(".circleci/config.yml", text.encode())
    assert any(note.text == "commands are nested too deeply" for note in read.pipelines[0].notes)


def test_expansion_has_a_budget() -> None:
    rows = "[" + ",".join("x" for _ in range(400)) + "]"
    inner = "".join("  " * at + f"- ${{{{ each v{at} in parameters.p }}}}:\n" for at in range(1, 4))
    head = f"trigger: none\nparameters: [{{name: p, type: object, default: {rows}}}]\n"
    text = f"{head}steps:\n{inner}{'  ' * 4}- script: ls\n"
    begin = time.process_time()
    read_pipeline_file("azure-pipelines.yml", text.encode())
    assert time.process_time() - begin < 5


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("azure-pipelines.yml", b"", "the pipeline is empty"),
        ("azure-pipelines.yml", b"- a\n", "not a pipeline (got a sequence, expected one mapping)"),
        (".circleci/config.yml", b"<<<<<<< HEAD\na: 1\n=======\nb: 1\n>>>>>>> x\n", "merge conflict markers"),
        (".circleci/config.yml", b"a: [", "not YAML"),
        (".buildkite/pipeline.yml", b"env: {A: b}\n", "not a pipeline (it has no list of steps)"),
        ("buildspec.yml", b"version: 0.2\n", "not a buildspec (it has neither phases nor a batch)"),
        (".travis.yml", b"\xff\xfe\xfa", "not text"),
        ("bitbucket-pipelines.yml", b"a\0b", "binary file"),
        ("Jenkinsfile", b"\xff", "not text"),
        ("Jenkinsfile", b"// nothing\n", "not a pipeline"),
        (".cirrus.star", b"def main(): pass", "the configuration is made by a program"),
        (".harness/a.yaml", b"template: {}\n", "not a pipeline (it has no `pipeline` key)"),
    ],
)
def test_what_is_no_pipeline_says_so(name: str, data: bytes, reason: str) -> None:
    read = read_pipeline_file(name, data)
    assert [one.understood for one in read.pipelines] == ["unreadable"]
    assert read.unreadable[0].reason.startswith(reason)
    assert read.unreadable[0].source.path == name


def test_files_are_found_by_what_they_hold(tmp_path: Path) -> None:
    """Names that no system prescribes, and look-alikes that are nobody's pipeline."""
    files = {
        "ops/build.yml": "trigger: [main]\npool:\n  vmImage: ubuntu-latest\nsteps:\n- script: ls\n",
        "ops/spec.yml": "version: 0.2\nphases:\n  build:\n    commands: [ls]\n",
        "ops/stack.json": '{"Resources": {"P": {"Type": "AWS::CodeBuild::Project", "Properties": {"Source": {}}}}}',
        "ops/flow.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nspec: {templates: []}\n",
        "ops/rollout.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nspec: {}\n",
        "docs/Jenkinsfile.md": "how to\n",
        "ops/values.yml": "steps: 3\ntrigger: x\n",
        "sub/.travis.yml": "language: go\n",
        ".buildkite/docker-compose.yml": "services: {}\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    read = read_pipelines(tmp_path)
    assert {(one.source.path, one.system) for one in read.pipelines} == {
        ("ops/build.yml", "azure-pipelines"), ("ops/spec.yml", "codebuild"), ("ops/stack.json", "codebuild"),
        ("ops/flow.yaml", "argo-workflows"),
    }  # fmt: skip
    assert read.unreadable == ()
    assert {name for name, _ in read.inputs} == {one.source.path for one in read.pipelines}
