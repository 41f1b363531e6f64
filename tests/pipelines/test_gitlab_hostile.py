"""GitLab configurations made to hurt: bounded time, a note for each, and never a wrong fact."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from assess.pipelines import PipelinesRead, read_pipeline_file, read_pipelines
from assess.pipelines._gitlab_globs import matching


def read(text: str) -> PipelinesRead:
    started = time.process_time()
    found = read_pipeline_file(".gitlab-ci.yml", text.encode())
    assert time.process_time() - started < 20
    return found


def notes(found: PipelinesRead) -> str:
    return "\n".join(note.text for note in found.pipelines[0].notes)


def test_extends_in_circles() -> None:
    found = read("a: {extends: b, script: x}\nb: {extends: c, script: y}\nc: {extends: a, script: z}\n")
    assert "extends itself through" in notes(found)
    assert len(found.pipelines[0].jobs or ()) == 3


def test_extends_too_deep() -> None:
    text = "".join(f".j{n}: {{extends: .j{n + 1}}}\n" for n in range(40)) + ".j40: {script: x}\nlast: {extends: .j0}\n"
    assert "levels deep" in notes(read(text))


def test_extends_fanning_out() -> None:
    text = "".join(f".j{n}: {{extends: [.j{n + 1}, .j{n + 1}], variables: {{A{n}: x}}}}\n" for n in range(9))
    assert read(text + ".j9: {script: x}\nlast: {extends: .j0}\n").pipelines[0].understood != "unreadable"


def test_references_in_circles() -> None:
    found = read(".a: {script: [!reference [.b, script]]}\n.b: {script: [!reference [.a, script]]}\nj: {extends: .a}\n")
    assert "nested too deeply" in notes(found)
    (job,) = found.pipelines[0].jobs or ()
    assert job.publishes is None


def test_references_doubling() -> None:
    lines = [
        f".r{n}: {{s: [!reference [.r{n + 1}, s], !reference [.r{n + 1}, s], !reference [.r{n + 1}, s]]}}"
        for n in range(9)
    ]
    found = read("\n".join([*lines, ".r9: {s: [echo]}", "j: {script: [!reference [.r0, s]]}"]))
    assert len(found.pipelines[0].jobs or ()) == 1


def test_many_jobs_that_need_each_other() -> None:
    names = [f"j{n}" for n in range(400)]
    found = read("\n".join(f"{name}: {{script: make, needs: [{', '.join(names)}]}}" for name in names))
    assert len(found.pipelines[0].jobs or ()) == 400


def test_many_stages_of_many_jobs() -> None:
    stages = ", ".join(f"s{n}" for n in range(40))
    jobs = "\n".join(f"j{n}: {{stage: s{n % 40}, script: make, artifacts: {{paths: [x]}}}}" for n in range(400))
    assert len(read(f"stages: [{stages}]\n{jobs}\n").pipelines[0].jobs or ()) == 400


def test_includes_of_includes(tmp_path: Path) -> None:
    for n in range(200):
        (tmp_path / f"i{n}.yml").write_text(f"include: [i{n + 1}.yml, i{n + 1}.yml]\nj{n}: {{script: make}}\n")
    (tmp_path / ".gitlab-ci.yml").write_text("include: i0.yml\n")
    started = time.process_time()
    found = read_pipelines(tmp_path)
    assert time.process_time() - started < 20
    assert "included files: the rest was not read" in notes(found)


def test_an_include_of_itself(tmp_path: Path) -> None:
    (tmp_path / ".gitlab-ci.yml").write_text("include: .gitlab-ci.yml\nj: {script: make}\n")
    assert "includes itself" in notes(read_pipelines(tmp_path))


def test_a_child_that_is_its_own_child(tmp_path: Path) -> None:
    (tmp_path / ".gitlab-ci.yml").write_text("a: {trigger: {include: c.yml}}\n")
    (tmp_path / "c.yml").write_text("b: {trigger: {include: c.yml}}\n")
    found = read_pipelines(tmp_path)
    assert "is not here, or only in part" in notes(found)
    assert len(found.pipelines[0].jobs or ()) < 10


@pytest.mark.parametrize("reference", ["../out.yml", "/etc/passwd", "a\\x00b.yml", "$X/y.yml", "**/**/**/*.yml", ""])
def test_includes_stay_inside(tmp_path: Path, reference: str) -> None:
    (tmp_path / ".gitlab-ci.yml").write_text(f'include: "{reference}"\nj: {{script: make}}\n')
    found = read_pipelines(tmp_path)
    assert found.pipelines[0].understood in {"partly", "unreadable"}


ODD = (
    "[]", "x", "- a", "spec: {inputs: {a: }}\n---\n", "spec: 1\n---\nj: {script: x}\n", "j: 1", "j:\n", "include: {}",
    "j: {script: {a: b}}", "j: {parallel: {matrix: x}}", "j: {trigger: }", "j: {trigger: {include: [{}]}}",
    "stages: x", "workflow: x", "workflow: {rules: x}", "j: {rules: {if: x}}", "default: x", "variables: [a]",
    "j: {needs: 1}", "j: {image: [a]}", "j: {cache: [x, {key: {files: x}}]}", "j: {artifacts: x}",
    "j: {id_tokens: {A: x}}", "j: {secrets: [x]}", "j: {inherit: x}", "j: {variables: x, extends: [j]}",
    "j: {release: }", "j: {run: [x, {step: {git: y}}]}", "j: {environment: [x]}", "j: {allow_failure: x}",
    "$[[ inputs.x ]]: {script: y}", "spec: {inputs: [a]}\n---\nj: {script: x}",
)  # fmt: skip


@pytest.mark.parametrize("text", ODD)
def test_odd_shapes_are_told(text: str) -> None:
    found = read(text)
    assert len(found.pipelines) == 1


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("ci/*.yml", ("ci/a.yml",)),
        ("ci/**/*.yml", ("ci/a.yml", "ci/deep/b.yml", "ci/deep/er/c.yml")),
        ("**.yml", ("ci/a.yml", "ci/deep/b.yml", "ci/deep/er/c.yml", "top.yml")),
        ("ci/**", ("ci/a.yml", "ci/deep/b.yml", "ci/deep/er/c.yml", "ci/x.txt")),
        ("ci/d*p/*.yml", ("ci/deep/b.yml",)),
        ("exact.yml", ("exact.yml",)),
        ("no/*.yml", ()),
    ],
)
def test_globs(tmp_path: Path, pattern: str, names: tuple[str, ...]) -> None:
    from assess.pipelines._files import Folder

    for name in ("ci/a.yml", "ci/x.txt", "ci/deep/b.yml", "ci/deep/er/c.yml", "top.yml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    assert matching(Folder(tmp_path), pattern) == names
