"""Caps, pins, secrets and the two ways of YAML that single systems add."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from assess import _yaml
from assess.evidence import Interval, Source
from assess.pipelines import SYSTEMS, read_pipeline_file
from assess.pipelines._caps import HARNESS, honest
from assess.pipelines._facts import Act, Offer
from assess.pipelines._files import Folder
from assess.pipelines._late import OTHERS, Late
from assess.pipelines._values import image_pin, ref_pin, secret_kind

FIXTURES = Path(__file__).parent.parent / "fixtures"
HERE = Source("a.yml", 1)
KEYLESS = Offer("cosign attest", Interval(1, 2), signed=True, keyless=True, authored_by_tenant=True)
KEYED = Offer("cosign attest", Interval(1, 2), signed=True)
NPM = Offer("npm --provenance", Interval(2, 2), signed=True, keyless=True, covers="npm")


@pytest.mark.parametrize(
    ("offer", "system", "depth", "level", "generated"),
    [
        (KEYLESS, "circleci", "file", "L1 (at most L2)", True),
        (KEYLESS, "buildkite", "file", "L1 (at most L2)", True),
        (KEYLESS, "azure-pipelines", "file", "L0 (at most L1)", None),
        (KEYLESS, "jenkins", "file", "L0 (at most L1)", None),
        (KEYED, "jenkins", "file", "L1 (at most L2)", True),
        (KEYED, "travis", "recognised", "L1", True),
        (NPM, "circleci", "file", "L0", False),
        (HARNESS, "harness", "recognised", "L2 (at most L3)", True),
    ],
)
def test_no_offer_is_better_than_its_system(
    offer: Offer, system: str, depth: str, level: str, generated: bool | None
) -> None:
    made = honest(Act("attest", "x", HERE, offer=offer), system, depth).offer
    assert made is not None
    assert (str(made.level), made.generated) == (level, generated)
    assert made.note or made == offer or depth == "recognised"


@pytest.mark.parametrize(
    ("image", "pin"),
    [
        ("a/b@sha256:" + "0" * 64, "digest"), ("a:1", "tag"), ("host:5000/a:1", "tag"), ("host:5000/a", "branch"),
        ("a:latest", "branch"), ("a", "branch"), ("a:$V", "unknown"), ("a:<< parameters.v >>", "unknown"),
        ("a:$V@sha256:" + "0" * 64, "digest"),
    ],
)  # fmt: skip
def test_images_are_pinned(image: str, pin: str) -> None:
    assert image_pin(image) == pin


@pytest.mark.parametrize(
    ("ref", "pin"),
    [
        ("refs/tags/x", "tag"),
        ("v1.2", "tag"),
        ("0" * 40, "digest"),
        ("main", "branch"),
        (None, "branch"),
        ("$X", "unknown"),
    ],
)
def test_refs_are_pinned(ref: str | None, pin: str) -> None:
    assert ref_pin(ref) == pin


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("COSIGN_PASSWORD", "signing-key"),
        ("GPG_KEY", "signing-key"),
        ("NPM_TOKEN", "publish-token"),
        ("FOO_TOKEN", None),
    ],
)
def test_names_of_secrets(name: str, kind: str | None) -> None:
    assert secret_kind(name) == kind


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("echo $NPM_TOKEN ${GPG_KEY} %API_KEY%", {"NPM_TOKEN", "GPG_KEY", "API_KEY"}),
        ("TOKEN=$(get); echo $TOKEN", set()),
        ("echo $AWS_ACCESS_KEY_ID $HOME $PASSENGER", set()),
        ("echo $CIRCLE_OIDC_TOKEN", set()),
    ],
)
def test_secrets_are_told_by_their_variables(script: str, found: set[str]) -> None:
    data = f"version: 2\njobs: {{build: {{docker: [{{image: a}}], steps: [{{run: '{script}'}}]}}}}\n"
    (pipeline,) = read_pipeline_file(".circleci/config.yml", data.encode()).pipelines
    assert {one.name for job in pipeline.jobs or () for one in job.secrets or ()} == found


def test_lists_are_spliced_only_where_asked() -> None:
    text = b"a: &a [x, y]\nb:\n  - <<: *a\n  - z\n"
    plain, spliced = _yaml.read(text, "a"), _yaml.read(text, "a", splice=True)
    assert [one.text for one in plain.problems] == ["a merge key (<<) does not hold a mapping"] * 2
    assert spliced.problems == ()
    assert _yaml.plain(spliced.roots[0]) == {"a": ["x", "y"], "b": [["x", "y"], "z"]}


def test_keys_are_repeated_only_where_asked() -> None:
    text = b"task: 1\ntask: 2\ntask: 3\n"
    assert len(_yaml.read(text, "a").problems) == 2
    repeated = _yaml.read(text, "a", repeat=True)
    assert repeated.problems == ()
    assert _yaml.plain(repeated.roots[0]) == {"task": 1, "task (2)": 2, "task (3)": 3}


def test_every_system_has_its_own_name_and_functions() -> None:
    names = [system.NAME for system in SYSTEMS]
    assert len(set(names)) == len(names)
    for system in SYSTEMS:
        assert callable(system.discover) and callable(system.recognises) and callable(system.read)
        assert system.recognises("README.md") is False


def test_a_command_after_a_change_of_folder_is_not_followed_from_the_root() -> None:
    data = "version: 0.2\nphases: {build: {commands: [./a.sh, cd sub, ./a.sh]}}\n"
    (pipeline,) = read_pipeline_file("buildspec.yml", data.encode()).pipelines
    assert [step.does for step in (pipeline.jobs or ())[0].steps or ()][2] == ("code", "unread-script")


@pytest.mark.parametrize("late", [one for one in OTHERS if (FIXTURES / one.NAME).is_dir()], ids=lambda one: one.NAME)
def test_what_stands_for_a_module_is_that_module(late: Late) -> None:
    """Its row may let too much through, never too little."""
    real = importlib.import_module(late.__name__)
    assert late.NAME == real.NAME
    for case in sorted((FIXTURES / late.NAME).iterdir()):
        folder = Folder(case)
        found = real.discover(folder)
        assert late.discover(Folder(case)) == found
        assert found
        for name in found:
            data = folder.read(name)
            assert data is not None
            assert late.recognises(name) == real.recognises(name)
            assert late.sniffs(data) == (hasattr(real, "sniffs") and real.sniffs(data))


def test_a_project_without_them_imports_none_of_them(tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text("a: 1\n")
    code = "import sys; from pathlib import Path; from assess.pipelines import read_pipelines; "
    code += f"read_pipelines(Path({str(tmp_path)!r})); print(*sorted(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert not {one.__name__ for one in OTHERS} & set(ran.stdout.split())
