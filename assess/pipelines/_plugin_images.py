"""Container images that are steps by themselves, as Drone and Woodpecker use them: what common ones do."""

from __future__ import annotations

from collections.abc import Mapping

from assess._yaml import Node
from assess.evidence import Source, Step
from assess.pipelines._draft import Draft
from assess.pipelines._facts import Act
from assess.pipelines._tools import CONTAINER, GITHUB_RELEASE, buildkit
from assess.pipelines._values import image_pin, inputs_of, texts

_BUILD_AND_PUSH = """
docker ecr gcr acr gar kaniko kaniko-ecr kaniko-gcr kaniko-acr buildx plugin-kaniko heroku drone-docker
drone-kaniko plugin-docker drone-podman drone-buildah gitlab-ci-kaniko
"""
_IMAGES = frozenset(_BUILD_AND_PUSH.split())
_WITH_BUILDX = """
drone-docker-buildx plugin-docker-buildx drone-buildx docker-buildx plugin-docker-buildx-insecure
"""
_BUILDX = frozenset(_WITH_BUILDX.split())
_PUBLISH = {
    "github-release": GITHUB_RELEASE, "drone-github-release": GITHUB_RELEASE, "gitea-release": "Gitea release",
    "drone-gitea-release": "Gitea release", "plugin-gitea-release": "Gitea release", "plugin-release": "forge release",
    "plugin-github-release": GITHUB_RELEASE, "drone-npm": "npm", "npm": "npm", "pypi": "PyPI", "drone-pypi": "PyPI",
    "rubygems": "RubyGems", "s3": "S3", "drone-s3": "S3", "plugin-s3": "S3", "drone-s3-sync": "S3", "s3-sync": "S3",
    "gcs": "Google Cloud Storage", "artifactory": "Artifactory", "nexus-publish": "Nexus repository",
    "drone-helm": "Helm", "bintray": "Bintray", "plugin-gitea-package": "Gitea package", "manifest": CONTAINER,
    "drone-manifest": CONTAINER, "drone-docker-manifest": CONTAINER, "plugin-docker-manifest": CONTAINER,
}  # fmt: skip
_NEITHER = """
git plugin-git drone-git slack drone-slack webhook plugin-webhook email drone-email codecov drone-codecov
plugin-codecov plugin-coverage coveralls downstream drone-github-comment gh-pages plugin-editorconfig-checker
editorconfig-checker plugin-matrix drone-matrix matrix discord telegram drone-telegram mattermost ssh drone-ssh
scp drone-scp rsync drone-rsync plugin-prettier plugin-surge-preview plugin-trivy markdownlint-cli
plugin-ready-release-go drone-webhook irc deps
"""
_HARMLESS = frozenset(_NEITHER.split())


def name_of(image: str) -> str:
    """The last part of an image's name, without tag and digest."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]


def plugin_step(
    draft: Draft, node: Node, image: Node, name: str | None, condition: str | None, tolerated: bool
) -> None:
    """A step without commands: its image and its settings say what it does."""
    settings = node.get("settings")
    values: Mapping[str, str] = {**texts(node), **texts(settings)}
    short = name_of(image.text)
    place = image.source
    if "cache" in short:
        draft.cache(place, short, values.get("cache_key"), values.get("restore", "true") != "false", True, None)
    step = Step(
        source=node.source, name=name, uses=image.text, pinned=image_pin(image.text),
        inputs=inputs_of(texts(settings)), conditional=condition is not None, continue_on_error=tolerated,
    )  # fmt: skip
    draft.step(step, acts_of(short, image.text, values, place), values.values(), condition, tolerated)


def acts_of(short: str, image: str, values: Mapping[str, str], place: Source) -> tuple[Act, ...]:
    """What a plugin's image does; an unknown one is `unread`."""
    dry = values.get("dry_run", values.get("dry-run", "false")) == "true" or values.get("push") == "false"
    if short in _IMAGES:
        built = (Act("build", short, place),)
        return built if dry else (*built, Act("publish", short, place, CONTAINER))
    if short in _BUILDX:
        asked = values.get("provenance")
        return (Act("build", short, place), *buildkit(asked, not dry, short, place, {}))
    if short in _PUBLISH:
        return () if dry else (Act("publish", short, place, _PUBLISH[short]),)
    if short in _HARMLESS or "cache" in short:
        return ()
    return (Act("unread", image, place, note=f"what the image `{image[:80]}` does by itself is not known"),)


def secrets_of(draft: Draft, node: Node, depth: int = 0) -> None:
    """Every `from_secret` below a step, with the name of the secret; and the older `secrets: [...]`."""
    if depth > 12:
        return
    for key, value in node.items():
        if key.text == "from_secret" and value.kind == "scalar":
            draft.secret(value.source, value.text)
        elif key.text == "secrets" and depth == 0:
            for one in value:
                source = one if one.kind == "scalar" else one.get("source") or one
                draft.secret(source.source, source.text)
        else:
            secrets_of(draft, value, depth + 1)
    for one in node:
        secrets_of(draft, one, depth + 1)
