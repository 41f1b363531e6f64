"""Google Cloud Build: `cloudbuild.yaml` or `.json` into one job of many steps, and what the control plane pushes.

A build is one job: its steps share a virtual machine, a workspace and a service account.
"""

from __future__ import annotations

import re
from dataclasses import replace

from assess._yaml import Node
from assess.errors import InputError
from assess.evidence import ExternalParameter, Identity, Interval, Source
from assess.pipelines._cloudbuild_fields import camelled, child
from assess.pipelines._cloudbuild_steps import BUCKET, PACKAGES, Pushed, read_step
from assess.pipelines._cloudbuild_triggers import is_trigger, started_by, triggers_of
from assess.pipelines._discover import holding
from assess.pipelines._draft import Draft
from assess.pipelines._facts import Act, Offer, PipelineFacts
from assess.pipelines._files import Folder
from assess.pipelines._json_nodes import read_json
from assess.pipelines._reader import Reading
from assess.pipelines._tools import CONTAINER
from assess.pipelines._values import documents_of, scalars, secret_kind, text, words

NAME = "cloud-build"
MAX_STEPS = 1_000
KEYS = frozenset(
    {"steps", "images", "artifacts", "options", "substitutions", "serviceAccount", "availableSecrets", "secrets",
     "tags", "timeout", "queueTtl", "logsBucket", "source", "dependencies", "gitConfig", "projectId", "id", "name",
     "results"}
)  # fmt: skip
_FILE = re.compile(r"(?:\A|/)(?:[^/]*cloudbuild[^/]*|\.?cloudbuild/(?:.*/)?[^/]+)\.(?:ya?ml|json)\Z", re.IGNORECASE)
_OTHERS = re.compile(r"(?:\A|/)\.(?:github|forgejo|gitea|gitlab|circleci|buildkite|woodpecker|tekton)/")
_STEPS = re.compile(rb"""^\s*(?:["']?steps["']?\s*:|\{\s*"[^"]*")""", re.MULTILINE)
_TOP_STEPS = re.compile(rb"""\A(?:(?!apiVersion)[^\n]*\n)*?(?:["']?steps["']?\s*:|\s*"steps"\s*:)""")
_OURS = re.compile(
    rb"cloud-builders|cloudsdktool|kaniko-project|requestedVerifyOption|availableSecrets|docker\.pkg\.dev|[^.]gcr\.io/"
)
_PARAMETER = re.compile(r"(?<!\$)\$\{?(_[A-Z0-9_]+)")
_TAINT = re.compile(
    r"(?<!\$)\$\{?(BRANCH_NAME|REF_NAME|TAG_NAME|_HEAD_BRANCH|_HEAD_REPO_URL)\b|\$\((body\.[\w.\[\]]+)\)"
)
_BUILT_IN = frozenset({"_HEAD_BRANCH", "_BASE_BRANCH", "_HEAD_REPO_URL", "_PR_NUMBER"})
_REGISTRY = re.compile(r"[\w${}-]*docker\.pkg\.dev/|(?:\$\{?LOCATION\}?|[\w-]+)-docker\.pkg\.dev/")
_OLD_REGISTRY = re.compile(r"(?:(?:us|eu|asia|marketplace|staging-k8s)\.)?gcr\.io/")
_PACKAGE_FIELDS = (
    "mavenArtifacts",
    "pythonPackages",
    "npmPackages",
    "goModules",
    "genericArtifacts",
    "aptArtifacts",
    "yumArtifacts",
)


def discover(folder: Folder) -> tuple[str, ...]:
    """Build configurations by their usual names, and Config Connector's triggers that carry a build."""
    candidates = [name for name in folder.walk() if _FILE.search(name) and not _OTHERS.search(name)]
    named = [name for name in candidates if _STEPS.search(folder.peek(name, 1 << 20) or b"")]
    kind = re.compile(rb"^kind:\s*[\"']?CloudBuildTrigger", re.MULTILINE)
    others = holding(folder, (".yaml", ".yml"), (kind, re.compile(rb"^\s+steps?:", re.MULTILINE)))
    return tuple(sorted({*named, *others}))


def recognises(path: str) -> bool:
    """The path has one of the names that `gcloud builds submit` and the documentation use."""
    return _FILE.search(path.replace("\\", "/")) is not None


def sniffs(data: bytes) -> bool:
    """The file has steps, and something that only Google Cloud has."""
    return _TOP_STEPS.search(data) is not None and _OURS.search(data) is not None


def read(folder: Folder, path: str, data: bytes) -> PipelineFacts:
    """One build as facts. Raises InputError if it is neither YAML nor JSON, or no build."""
    reading = Reading(folder, path, NAME, depth="full", parameter=_PARAMETER, taint=_TAINT, secret_variable=None)
    written = _root(reading, path, data)
    trigger = is_trigger(written)
    triggers = tuple(one.trigger for one in triggers_of(written)) if trigger else started_by(folder, path)
    root = written.get("spec") or written if trigger else written
    root = root.get("build") or root if trigger else root
    if not trigger:
        reading.unknown_keys(root, KEYS, "build")
    steps = root.get("steps") or root.get("step")
    if steps is None or steps.kind != "sequence" or not steps.value:
        reading.note(root.source, "the build has no steps")
    draft = _job(reading, root, steps)
    pushed = _pushed(root)
    for number, node in enumerate(steps or ()):
        if number >= MAX_STEPS:
            reading.note(node.source, f"more than {MAX_STEPS} steps: the rest was not read")
            break
        if node.kind == "mapping":
            read_step(draft, node, pushed)
        else:
            reading.note(node.source, "a step is not a mapping")
    _order(reading, steps)
    _outputs(draft, root)
    _parameters(reading, root, draft)
    for one in triggers or ():
        if one.event == "pull_request" and one.trust == "anyone":
            draft.acts.append(Act("untrusted", "pull request", one.source, note="builds pull requests of anyone"))
    return reading.pipeline(Source(path, root.line, root.column), path.rpartition("/")[2], [draft.finish()], triggers)


def _root(reading: Reading, path: str, data: bytes) -> Node:
    if path.endswith(".json"):
        root = read_json(data, path)
    else:
        documents = documents_of(data, path)
        for problem in documents.problems:
            reading.note(problem.source, problem.text)
        roots = [one for one in documents.roots if one.kind != "scalar" or one.value is not None]
        if not roots:
            raise InputError("the build is empty", path)
        root = next((one for one in roots if text(one.get("kind")) == "CloudBuildTrigger"), roots[0])
        if len(roots) > 1 and text(root.get("kind")) is None:
            reading.note(roots[1].source, f"got {len(roots)} documents, expected 1: the first was read")
    if root.kind != "mapping":
        raise InputError(f"not a build (got a {root.kind}, expected a mapping)", f"{path}:{root.line}:{root.column}")
    return camelled(root)


def _job(reading: Reading, root: Node, steps: Node | None) -> Draft:
    """The one job of a build: who it is, where it runs, which secrets it is given."""
    options = root.get("options")
    pool = child(child(options, "pool"), "name") or child(options, "workerPool")
    account = root.get("serviceAccount")
    place = (root.keys or {}).get("steps", root).source
    draft = Draft(
        reading, place, "build", runner="hosted" if pool is None else "unknown",
        runner_label=text(pool) if pool is not None else text(child(options, "machineType")), can_sign=True,
    )  # fmt: skip
    # Any step may ask the metadata server for a token of the build's service account.
    draft.identities[Identity(account.source if account is not None else place)] = None
    draft.variables = dict(pair.split("=", 1) for pair in words(child(options, "env")) if "=" in pair)
    available = root.get("availableSecrets")
    for one in child(available, "secretManager") or ():
        _secret(draft, one.get("env") or one.get("versionName"))
    for one in (*(child(available, "inline") or ()), *(root.get("secrets") or ())):
        mapping = one.get("envMap") or one.get("secretEnv")
        for key, _ in mapping.items() if mapping is not None else ():
            _secret(draft, key)
    for step in (options, *(steps or ())):
        for secret in scalars(step.get("secretEnv")) if step is not None else ():
            _secret(draft, secret)
    return draft


def _secret(draft: Draft, node: Node | None) -> None:
    if node is not None and node.kind == "scalar" and node.text:
        draft.secret(node.source, node.text, secret_kind(node.text) or "other")


def _order(reading: Reading, steps: Node | None) -> None:
    known = {"-"} | {one.text for step in steps or () if (one := step.get("id")) is not None}
    for step in steps or ():
        for name in scalars(step.get("waitFor")):
            if name.text not in known:
                reading.note(name.source, f"`waitFor` names {name.text[:60]!r}, which is the id of no step")


def _pushed(root: Node) -> Pushed | None:
    images = words(root.get("images"))
    bare = tuple(dict.fromkeys(_untagged(one) for one in images))
    return Pushed(bare) if bare else None


def _untagged(image: str) -> str:
    head, slash, last = image.partition("@")[0].rpartition("/")
    return head + slash + last.partition(":")[0]


def _outputs(draft: Draft, root: Node) -> None:
    """What the control plane pushes after the steps, with the provenance that it makes of it."""
    verified = text(child(root.get("options"), "requestedVerifyOption")) == "VERIFIED"
    private = draft.runner == "unknown"
    images = root.get("images")
    names = scalars(images)
    artifacts = root.get("artifacts")
    names = (*names, *scalars(child(artifacts, "images")))
    if names:
        weakest = min(names, key=lambda one: _RANK[_kind_of(one.text)])
        offer = _offer(_kind_of(weakest.text), verified, private, CONTAINER)
        draft.act(Act("publish", "images", weakest.source, CONTAINER, offer=offer, optional=not verified))
    for field in _PACKAGE_FIELDS:
        for one in _listed(child(artifacts, field)):
            offer = _offer("registry", verified, private, PACKAGES)
            draft.act(Act("publish", f"artifacts.{field}", one.source, PACKAGES, offer=offer, optional=not verified))
    objects = child(artifacts, "objects")
    if objects is not None:
        draft.act(Act("publish", "artifacts.objects", objects.source, BUCKET))


def _listed(node: Node | None) -> tuple[Node, ...]:
    return () if node is None else tuple(node) if node.kind == "sequence" else (node,)


_RANK = {"elsewhere": 0, "old": 1, "unknown": 2, "registry": 3}


def _kind_of(image: str) -> str:
    """Where an image goes: Artifact Registry, the old Container Registry, elsewhere; unknown where a variable tells."""
    if _REGISTRY.match(image):
        return "registry"
    if _OLD_REGISTRY.match(image):
        return "old"
    return "unknown" if "$" in image.partition("/")[0] else "elsewhere"


def _offer(kind: str, verified: bool, private: bool, covers: str) -> Offer:
    """Google's provenance, as documented ("Generate and validate build provenance"): for Artifact Registry alone."""
    base = Offer(
        "Google Cloud Build", Interval(3, 3), signed=True, distributed=True, isolated=True, control_plane=True,
        records_parameters=True, by_digest=True, covers=covers,
    )  # fmt: skip
    match kind:
        case "registry":
            pass
        case "unknown":
            note = "provenance is kept for Artifact Registry only, and a variable tells where this goes"
            return replace(base, level=Interval(0, 2 if private else 3), generated=None, distributed=None, note=note)
        case "old":
            note = "provenance is kept for Artifact Registry only; gcr.io is the old Container Registry's name"
            return replace(base, level=Interval(0, 0), generated=False, signed=False, distributed=False, note=note)
        case _:
            note = "provenance is kept for Artifact Registry only, and this goes elsewhere"
            return replace(base, level=Interval(0, 0), generated=False, signed=False, distributed=False, note=note)
    ceiling = 2 if private else 3
    if private:
        base = replace(base, note="what Google's provenance says of private pools was not verified")
    if not verified:
        note = "without `requestedVerifyOption: VERIFIED` the build succeeds even where no provenance is made"
        return replace(base, level=Interval(0, ceiling), generated=None, optional=True, note=note)
    return replace(base, level=Interval(ceiling, ceiling))


def _parameters(reading: Reading, root: Node, draft: Draft) -> None:
    """Substitutions of users: declared with a default, or only used."""
    declared = root.get("substitutions")
    found = {key.text: key.source for key, _ in declared.items()} if declared is not None else {}
    for name in draft.parameters:
        found.setdefault(name, draft.source)
    for node in (*scalars(root.get("images")), *scalars(root.get("tags"))):
        for used in _PARAMETER.findall(node.text):
            found.setdefault(used, node.source)
    for name, source in found.items():
        if name not in _BUILT_IN:
            reading.parameters.append(ExternalParameter(source, name, "substitution"))
