"""All real GitLab, Cloud Build and Tekton files of the corpus: nothing crashes or hangs, nothing is silently clean."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from statistics import median

import pytest
from pipeline_facts import misplaced, placed

from assess.pipelines import PipelinesRead, cloud_build, gitlab_ci, read_pipeline_file, read_pipelines, tekton

pytestmark = pytest.mark.corpus

FOLDERS = {"gitlab-ci": "gitlab-ci", "cloud-build": "cloudbuild", "tekton": "tekton"}
"""System, to the corpus's folder of its files."""
LINTERS = {
    "gitlab-ci": ("**/*.gitlab-ci.yml", "scorecard/*/checks/raw/gitlab/testdata/*.yaml"),
    "cloud-build": ("**/cloudbuild/*.*",),
    "tekton": ("**/.tekton/*.yml",),
}
MODULES = {"gitlab-ci": gitlab_ci, "cloud-build": cloud_build, "tekton": tekton}
NAMES = {"gitlab-ci": ".gitlab-ci.yml", "cloud-build": "cloudbuild.yaml", "tekton": ".tekton/run.yaml"}


def files(corpus: Path, system: str) -> list[Path]:
    own = [one for one in (corpus / "pipelines" / FOLDERS[system]).rglob("*") if one.is_file()]
    tests = corpus / "pipelines_testdata"
    return sorted([*own, *(one for pattern in LINTERS[system] for one in tests.glob(pattern))])


def alone(path: Path, system: str, data: bytes | None = None) -> PipelinesRead:
    """One file by itself, under a name that its system goes by."""
    name = "cloudbuild.json" if path.suffix == ".json" else NAMES[system]
    return read_pipeline_file(name, path.read_bytes() if data is None else data)


@pytest.mark.parametrize("system", FOLDERS)
def test_all_files_are_read_and_none_is_silently_clean(corpus: Path, system: str) -> None:
    understood: Counter[str] = Counter()
    times = []
    for path in files(corpus, system):
        data = path.read_bytes()
        started = time.process_time()
        read = alone(path, system, data)
        times.append((time.process_time() - started) * 1_000)
        (pipeline,) = read.pipelines
        understood[pipeline.understood] += 1
        assert pipeline.system == system
        assert (pipeline.understood == "unreadable") == bool(read.unreadable)
        assert (pipeline.understood == "fully") == (not pipeline.notes), path
        assert pipeline.jobs or pipeline.notes or b"chains-config" in data, path
        unsure = [job.id for job in pipeline.jobs or () if None in (job.builds, job.publishes, job.signs, job.attests)]
        assert pipeline.notes or not unsure or system == "tekton", f"{path}: {unsure}"
    total = sum(understood.values())
    print(f"\n{system}: {total} files: {dict(understood)}, median {median(times):.2f} ms, max {max(times):.1f} ms")
    assert total >= 30
    assert understood["unreadable"] <= 3
    assert max(times) < 5_000


@pytest.mark.parametrize("system", FOLDERS)
def test_projects_are_read_with_every_fact_at_its_place(
    corpus: Path, system: str, reading: Callable[[Path], PipelinesRead]
) -> None:
    facts = 0
    for folder in sorted((corpus / "pipelines" / FOLDERS[system]).iterdir()):
        read = reading(folder)
        found = [one for one in read.pipelines if one.system == system]
        assert found, folder
        own = [fact for pipeline in found for fact in placed(pipeline)]
        facts += len(own)
        assert misplaced(read, own) == [], folder.name
        assert read_pipelines(folder) == read
    print(f"\n{system}: {facts} facts, each with its file and line")
    assert facts > 100


TOKENS = (
    b"${{", b"}}", b"'", b'"', b"[", b"{", b": ", b"- ", b"\n", b"*a", b"&a ", b"<<: ", b"null", b"$(", b"|", b"`",
    b"!reference [a, b]", b"extends: .a\n", b"include: x.yml\n", b"\xff", b"script: ", b"$[[ inputs.x ]]", b"X=1 ",
    b"\t", b"<<EOF", b"$(params.x)", b"taskRef: ", b"steps:\n", b"rules: ", b"needs: ", b"---\n", b"{{ body.x }}",
    b"trigger: ", b"parallel: ", b"images: ", b"args: ", b"params: ",
)  # fmt: skip


@pytest.mark.parametrize("system", FOLDERS)
def test_damaged_files_never_raise(corpus: Path, system: str) -> None:
    chance = Random(21)
    paths = [path for path in files(corpus, system) if path.stat().st_size < 30_000]
    for _ in range(400):
        path = chance.choice(paths)
        data = bytearray(path.read_bytes())
        for _ in range(chance.randint(1, 8)):
            at = chance.randrange(len(data) + 1)
            data[at : at + chance.randint(0, 30)] = chance.choice(TOKENS) * chance.randint(0, 3)
        read = alone(path, system, bytes(data))
        assert len(read.pipelines) == 1
        assert (read.pipelines[0].understood == "unreadable") == bool(read.unreadable)


@pytest.mark.parametrize("system", FOLDERS)
def test_files_are_told_by_what_is_in_them(corpus: Path, system: str) -> None:
    """Cloud Build and Tekton files are found under any name; GitLab's are told by their place alone."""
    module = MODULES[system]
    if not hasattr(module, "sniffs"):
        pytest.skip(f"{system} has no words of its own to go by")
    own = sorted(one for one in (corpus / "pipelines" / FOLDERS[system]).rglob("*") if one.is_file())
    told = [one for one in own if module.sniffs(one.read_bytes())]
    others = [
        one
        for name, folder in FOLDERS.items()
        if name != system
        for one in (corpus / "pipelines" / folder).rglob("*.y*ml")
    ]
    assert len(told) >= len(own) * 0.75
    assert [one for one in others if module.sniffs(one.read_bytes())] == []


def test_a_real_project_holds_several_systems(tmp_path: Path) -> None:
    (tmp_path / ".gitlab-ci.yml").write_text("build:\n  script: make\n")
    (tmp_path / "cloudbuild.yaml").write_text("steps:\n- name: gcr.io/cloud-builders/docker\n  args: [build, .]\n")
    (tmp_path / "task.yaml").write_text(
        "apiVersion: tekton.dev/v1\nkind: Task\nmetadata: {name: t}\nspec:\n  steps: [{image: a, script: make}]\n"
    )
    systems = {one.system for one in read_pipelines(tmp_path).pipelines}
    assert systems == {"gitlab-ci", "cloud-build", "tekton"}
    assert re.fullmatch(r"[a-z-]+", gitlab_ci.NAME)


def test_another_systems_file_is_left_to_it(tmp_path: Path) -> None:
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    text = "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n    - run: |\n        cat <<EOF\n"
    text += "        apiVersion: tekton.dev/v1\n        kind: Task\n        EOF\n"
    (folder / "cloudbuild.yml").write_text(text)
    assert [one.system for one in read_pipelines(tmp_path).pipelines] == ["github-actions"]
