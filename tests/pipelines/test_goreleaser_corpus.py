"""Real GoReleaser files of the corpus: all are read, and some as a person would read them, line by line."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from assess.evidence import Source
from assess.pipelines._commands import recognise
from assess.pipelines._facts import Act
from assess.pipelines._files import Folder

pytestmark = pytest.mark.corpus

# what it does, with what, at which line, where to; builds, SBOMs and hooks are left out
EXPECTED: dict[str, list[tuple[object, ...]]] = {
    "goreleaser+goreleaser/.goreleaser.yaml": [
        ("sign", "signs (cosign sign-blob)", 372),
        ("sign", "notarize", 61),
        ("publish", "dockers_v2", 120, "container registry"),
        ("attest", "dockers_v2", 120),
        ("sign", "docker_signs (cosign sign)", 383),
        ("publish", "release", 425, "GitHub release"),
        ("publish", "gemfury", 413, "Gemfury"),
        ("publish", "snapcrafts", 349, "Snap Store"),
        ("publish", "npms", 270, "npm"),
    ],
    "sigstore+fulcio/.goreleaser.yml": [
        # the first signs with a key in Google's KMS, which no step can read
        ("sign", "signs (cosign sign-blob)", 111),
        ("sign", "signs (cosign sign-blob)", 117),
        ("sign", "signs (cosign sign-blob)", 122),
        ("publish", "release", 140, "GitHub release"),
    ],
    "guacsec+guac/.goreleaser.yaml": [
        ("sign", "signs (cosign sign-blob)", 188),
        ("publish", "dockers", 11, "container registry"),
        ("publish", "dockers", 25, "container registry"),
        ("publish", "docker_manifests", 41, "container registry"),
        ("sign", "docker_signs (cosign sign)", 47),
        ("publish", "release", 218, "GitHub release"),
    ],
    "authelia+authelia/.goreleaser.yml": [
        ("sign", "signs (gpg)", 212),
        ("key", "signs (gpg)", 212),
        ("publish", "release", None, "GitHub release"),
    ],
    "in-toto+witness/.goreleaser.yaml": [
        ("sign", "signs (cosign sign-blob)", 25),
        ("publish", "kos", 52, "container registry"),
        ("sign", "docker_signs (cosign sign)", 63),
        ("publish", "release", 48, "GitHub release"),
    ],
    "cyberark+secretless-broker/.goreleaser.yml": [],  # `release.disable: true`
    "ko-build+ko/.goreleaser.yml": [
        ("publish", "kos", 31, "container registry"),
        ("publish", "release", None, "GitHub release"),
    ],
    "Legit-Labs+legitify/.goreleaser.yaml": [
        ("publish", "dockers", 34, "container registry"),
        ("publish", "release", 58, "GitHub release"),
        ("sign", "osslsigncode sign", 29),
    ],
    "buildkite+terraform-provider-buildkite/.goreleaser.yml": [
        ("sign", "signs (gpg)", 35),
        ("key", "signs (gpg)", 35),
        ("publish", "release", 49, "GitHub release"),
    ],
}
_LEFT_OUT = {"build", "sbom", "code", "unread-script"}


def released(file: Path) -> tuple[Act, ...]:
    return recognise(f"goreleaser release -f {file.name}", Source("ci.yml", 1), {}, Folder(file.parent))


@pytest.mark.parametrize("name", EXPECTED)
def test_as_a_person_reads_it(corpus: Path, name: str) -> None:
    file = corpus / "pipelines" / "goreleaser" / name
    found = []
    for act in released(file):
        if act.does not in _LEFT_OUT:
            line = act.source.line if act.source.path == file.name else None
            row = (act.does, act.tool.removeprefix("goreleaser "), line, act.target)
            found.append(row if act.target else row[:3])
    assert found == EXPECTED[name]


def test_provenance_is_switched_off_where_it_says_so(corpus: Path) -> None:
    file = corpus / "pipelines" / "goreleaser" / "chainloop-dev+chainloop" / ".goreleaser.yml"
    lines = [act.source.line for act in released(file) if act.does == "provenance-off"]
    assert lines == [111, 125, 138, 149, 162, 173, 186, 197]
    assert all(act.offer is None for act in released(file) if act.does == "publish")


def test_all_are_read(corpus: Path) -> None:
    files = sorted((corpus / "pipelines" / "goreleaser").glob("*/.goreleaser*.y*ml"))
    assert len(files) >= 25
    started = time.perf_counter()
    for file in files:
        acts = released(file)
        assert acts[0] == Act("build", "goreleaser", Source("ci.yml", 1)), file
        assert all(act.offer is None or act.offer.level is None or act.offer.level.ceiling < 2 for act in acts), file
        assert not any("was not read" in (act.offer.note or "") for act in acts if act.offer is not None), file
    print(f"\n{len(files)} files in {(time.perf_counter() - started) * 1_000:.0f} ms")
