"""What a GitLab job may ask for and takes: runner, identities, secrets, caches, images, artifacts of other jobs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from assess._yaml import Node
from assess.evidence import CacheUse, Handover, Identity, ImageUse, RunnerKind, Source
from assess.pipelines._gitlab_config import flag
from assess.pipelines._values import image_pin, text, words

MAX_TAKEN = 200
_HOSTED = re.compile(r"saas-(?:linux|macos|windows)-[\w-]+\Z")
_OF_ONE_RUN = re.compile(r"CI_PIPELINE_I?ID|CI_JOB_ID")
TAINT = re.compile(
    r"(?:\beval\s|\b(?:ba|z|da|k)?sh\s+(?:-\w+\s+)*-\w*c\b|\b(?:python3?|perl|ruby|node)\s+-[ce]\b|\bxargs\b|\bssh\s)"
    r"[^\n]*?\$\{?(CI_COMMIT_(?:MESSAGE|TITLE|DESCRIPTION|REF_NAME|BRANCH|TAG|TAG_MESSAGE|AUTHOR)"
    r"|CI_MERGE_REQUEST_(?:TITLE|DESCRIPTION|SOURCE_BRANCH_NAME|LABELS)"
    r"|CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_NAME|GITLAB_USER_NAME)\b"
)
"""GitLab hands variables over as the environment, so that what outsiders write is code only for an interpreter."""


def runner(job: Node, trigger: bool) -> tuple[RunnerKind | None, str | None]:
    """(kind, label) by the job's tags; only GitLab's own hosted tags are known, and a bridge runs nowhere."""
    if trigger:
        return None, None
    tags = words(job.get("tags"))
    if not tags:
        return "unknown", None
    label = ", ".join(tags)
    if any(_HOSTED.match(tag) for tag in tags):
        return "hosted", label
    return ("self-hosted" if "self-hosted" in tags else "unknown"), label


def identities(job: Node) -> tuple[tuple[Identity, ...], bool | None]:
    """The tokens that a job asks for, and whether one of them is for Sigstore (None: its audience is a variable)."""
    tokens = job.get("id_tokens")
    found: list[Identity] = []
    for key, node in tokens.items() if tokens is not None else ():
        audiences = words(node.get("aud"))
        found += [Identity(key.source, one) for one in audiences] or [Identity(key.source)]
    names = [one.audience or "$" for one in found]
    able = True if "sigstore" in names else None if any("$" in name for name in names) else False
    return tuple(found), able


def caches(node: Node | None) -> tuple[CacheUse, ...]:
    """`cache:` of a job. GitLab keeps protected refs' caches apart, but not one pipeline's from another's."""
    found: list[CacheUse] = []
    for one in () if node is None else tuple(node) if node.kind == "sequence" else (node,):
        if one.kind != "mapping" or not one.value:
            continue
        policy = text(one.get("policy")) or "pull-push"
        key = _cache_key(one.get("key"))
        restores = None if "$" in policy else policy != "push"
        apart = key is not None and _OF_ONE_RUN.search(key) is not None and not flag(one.get("unprotect"))
        others = not (apart or restores is False)
        found.append(CacheUse(one.source, "cache", key, restores, None if "$" in policy else policy != "pull", others))
    return tuple(found)


def _cache_key(node: Node | None) -> str | None:
    if node is None:
        return "default"
    if node.kind == "mapping":
        names = [*words(node.get("files")), *words(node.get("files_commits"))]
        prefix = text(node.get("prefix"))
        return "-".join([*([prefix] if prefix else []), *names]) or None
    return node.text or None


def images(job: Node) -> tuple[ImageUse, ...]:
    """The images that a job runs in and beside."""
    found = [use for use in [_image(job.get("image"), "job")] if use is not None]
    services = job.get("services")
    for node in services if services is not None else ():
        use = _image(node, "service")
        if use is not None:
            found.append(use)
    return tuple(found)


def _image(node: Node | None, role: str) -> ImageUse | None:
    name = node.get("name") if node is not None and node.kind == "mapping" else node
    if name is None or name.kind != "scalar" or not name.text:
        return None
    return ImageUse(name.source, name.text, "service" if role == "service" else "job", image_pin(name.text))


def gives(job: Node) -> tuple[str, ...]:
    """The paths that a job hands to later jobs."""
    artifacts = job.get("artifacts")
    if artifacts is None:
        return ()
    reports = artifacts.get("reports")
    dotenv = words(reports.get("dotenv")) if reports is not None else ()
    rest = ("*",) if flag(artifacts.get("untracked")) else ()
    return (*words(artifacts.get("paths")), *rest, *dotenv)


def offered(jobs: Mapping[str, Node]) -> dict[str, str]:
    """The jobs that hand artifacts to later ones, with the artifacts' name or first path."""
    found: dict[str, str] = {}
    for name, job in jobs.items():
        paths = gives(job)
        if paths:
            artifacts = job.get("artifacts")
            found[name] = (text(artifacts.get("name")) if artifacts is not None else None) or paths[0]
    return found


def takes(job: Node, before: Iterable[str], made: Mapping[str, str], verified: bool | None) -> list[Handover]:
    """The artifacts that a job takes: of what it needs or depends on, of all earlier jobs otherwise.

    `made` is what `offered` says. At most MAX_TAKEN are listed.
    """
    needs, dependencies = job.get("needs"), job.get("dependencies")
    named: list[tuple[Source, str]] = []
    found: list[Handover] = []
    if dependencies is not None:
        named = [(one.source, one.text) for one in dependencies if one.kind == "scalar"]
    elif needs is not None and needs.kind == "sequence":
        for one in needs:
            maker = one if one.kind == "scalar" else one.get("job")
            if maker is None or flag(one.get("artifacts"), True) is False:
                continue
            if one.get("project") is not None or one.get("pipeline") is not None:
                found.append(Handover(one.source, None, "artifact", None, True, verified))
            else:
                named.append((maker.source, maker.text))
    else:
        named = [(job.source, name) for name in before]
    found += [Handover(at, made[name], "artifact", name, False, verified) for at, name in named if name in made]
    return found[:MAX_TAKEN]


def variants(job: Node) -> int | None:
    """How many times `parallel` runs the job; None where a variable tells."""
    parallel = job.get("parallel")
    if parallel is None:
        return 1
    if isinstance(parallel.value, int) and not isinstance(parallel.value, bool):
        return parallel.value
    matrix = parallel.get("matrix")
    if matrix is None or matrix.kind != "sequence":
        return None
    total = 0
    for one in matrix:
        count = 1
        for _, value in one.items():
            count *= len(value.value) if value.kind == "sequence" else 1
        total += count
    return min(total, 1_000_000)


def whens(node: Node) -> set[str]:
    """The words that `when` has, in the rules or of the job itself."""
    ruled = {text(rule.get("when")) or "on_success" for rule in node.get("rules") or () if rule.kind == "mapping"}
    return ruled or {text(node.get("when")) or "on_success"}


def tolerated(node: Node) -> bool | None:
    """The job may fail: always, under some rules (None), or never."""
    own = node.get("allow_failure")
    base = None if own is not None and own.kind == "mapping" else flag(own)
    if node.get("rules") is None:
        # Manual jobs outside `rules` may fail if nothing else is said.
        return whens(node) == {"manual"} if own is None else base
    ruled = [rule.get("allow_failure") for rule in node.value["rules"] if rule.kind == "mapping"]
    values = {base if one is None else flag(one, None) for one in ruled} or {base}
    return values.pop() if len(values) == 1 else None
