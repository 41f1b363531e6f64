"""What container images start when a step gives them arguments and no command."""

from __future__ import annotations

import re

from assess._yaml import Node
from assess.evidence import Source
from assess.pipelines._facts import Act
from assess.pipelines._tools import CONTAINER

SHELLS = frozenset({"bash", "sh", "zsh", "ash", "dash", "busybox"})
_PROGRAMS: dict[str, str] = {
    "cosign": "cosign", "oras": "oras", "crane": "crane", "gcrane": "crane", "goreleaser": "goreleaser", "ko": "ko",
    "skaffold": "", "pack": "pack", "syft": "syft", "slsa-verifier": "slsa-verifier", "twine": "twine",
    "terraform": "terraform", "buildah": "buildah", "skopeo": "skopeo", "helm": "helm", "cloud-sdk": "",
    "google-cloud-cli": "", "docker": "docker", "kubectl": "kubectl", "git": "git", "alpine-git": "git",
    "regctl": "regctl", "trivy": "trivy", "grype": "grype", "hadolint": "hadolint", "kustomize": "kustomize",
}  # fmt: skip
"""Last part of an image's name to the program that it starts; "" where its first argument names the program."""
_OF_GOOGLE = re.compile(
    r"(?:[\w-]+-docker\.pkg\.dev/cloud-builders/(?:[\w-]+/)*|gcr\.io/cloud-builders/)([\w-]+)(?=[:@]|\Z)"
)
_LANGUAGES = frozenset(
    {"node", "python", "golang", "maven", "gradle", "ruby", "rust", "alpine", "ubuntu", "debian", "bash", "busybox",
     "openjdk", "eclipse-temurin", "php", "composer", "dart", "swift", "amazoncorretto", "curl", "buildpack-deps"}
)  # fmt: skip
"""Official images that run their arguments as a command."""


def quoted(word: str) -> str:
    """Quoted for a shell, but with variables still in sight."""
    return word if re.fullmatch(r"[\w@%+=:,./${}\-]+", word) else '"' + word.replace('"', '\\"') + '"'


def inline_script(arguments: tuple[Node, ...]) -> Node | None:
    """The script of `sh -c script`."""
    for at, one in enumerate(arguments[:-1]):
        if re.fullmatch(r"-\w*c", one.text):
            return arguments[at + 1]
    return None


def program_of(image: str) -> str | None:
    """The program that an image starts; "" where its first argument is one, None where that is not known."""
    name = image.partition("@")[0]
    if (found := _OF_GOOGLE.match(name)) is not None:
        return {"gcs-fetcher": "gsutil", "go": "go", "javac": "javac"}.get(found.group(1), found.group(1))
    last = name.rpartition("/")[2].partition(":")[0]
    if "kaniko" in name and last in {"executor", "kaniko"}:
        return "kaniko"
    if last in _PROGRAMS:
        return _PROGRAMS[last]
    official = "/" not in name or name.startswith(
        ("docker.io/library/", "library/", "mirror.gcr.io/", "public.ecr.aws/docker/")
    )
    return "" if official and last in _LANGUAGES else None


def kaniko(arguments: tuple[str, ...], place: Source) -> tuple[Act, ...]:
    """What kaniko's executor does: it pushes unless told not to, and can keep layers in a registry."""
    acts = [Act("build", "kaniko", place)]
    if "--no-push" not in arguments and "--no-push=true" not in arguments:
        acts.append(Act("publish", "kaniko", place, CONTAINER))
    if any(one in {"--cache", "--cache=true"} for one in arguments):
        acts.append(Act("cache", "kaniko --cache", place))
    return tuple(acts)
