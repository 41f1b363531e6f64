"""What the texts of a GitHub job let in: secrets, parameters of whoever starts it, and what outsiders can write."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from assess._frozen import frozen, replace
from assess._yaml import Node
from assess.evidence import Secret, Source
from assess.pipelines import _expressions as expressions
from assess.pipelines._expression_values import flows
from assess.pipelines._expressions import Context

_SIGNING = re.compile(r"COSIGN|SIGN|GPG|PGP|(?<!APP_)(?<!SSH_)PRIVATE_?KEY|KEYSTORE|NOTARI|CERTIFICATE|P12\b|PFX", re.I)
_CREDENTIAL = r"(?:TOKEN|PASS|PASSWORD|KEY|SECRET|AUTH|CRED)"
_PUBLISHING = re.compile(
    rf"(?:NPM|NODE_AUTH|PYPI|TWINE|CARGO|CRATES|DOCKER|GHCR|QUAY|REGISTRY|MAVEN|OSSRH|SONATYPE|CENTRAL|NEXUS|NUGET|GEM"
    rf"|RUBYGEMS|VSCE|OVSX|MARKETPLACE|HEX|CONDA|ANACONDA|HOMEBREW|CHOCO|GRADLE_PUBLISH|PUBLISH|RELEASE|DEPLOY)\w*{_CREDENTIAL}",
    re.I,
)
_OWN_TOKEN = "GITHUB_TOKEN"  # noqa: S105
_PERSON = r"(?:author|committer)\.(?:name|email)"
_OUTSIDERS = re.compile(
    r"github\.(?:head_ref|event\.(?:"
    r"(?:issue|pull_request|discussion)\.(?:title|body)"
    r"|pull_request\.head\.(?:ref|label|repo\.(?:default_branch|description|homepage))"
    r"|(?:comment|review|review_comment)\.body"
    r"|changes\.(?:title|body)\.from"
    r"|pages\.\*\.(?:page_name|title)"
    rf"|(?:commits\.(?:\*|\d+)|head_commit)\.(?:message|{_PERSON})"
    rf"|workflow_run\.(?:head_branch|display_title|head_commit\.(?:message|{_PERSON})"
    r"|head_repository\.description|pull_requests\.(?:\*|\d+)\.head\.ref)"
    r"))\Z"
)
_EVENTS = "pull_request pull_request.head issue comment review discussion commits head_commit workflow_run pages"
_WHOLE = frozenset(["github", "github.event"] + [f"github.event.{one}" for one in _EVENTS.split()])
"""Objects that hold what outsiders write: tainted where the whole of them is turned into text."""
_OUTPUTS: dict[str, str] = {
    "tj-actions/changed-files": r".*",
    "tj-actions/branch-names": r".*",
    "dorny/paths-filter": r".*_files",
    "trilom/file-changes-action": r".*",
    "jitterbit/get-changed-files": r".*",
    "xt0rted/pull-request-comment-branch": r"head_ref",
    "peter-evans/find-comment": r"comment-body",
    "actions-ecosystem/action-get-latest-tag": r"(?!.*)",
    "8bitjonny/gh-get-current-pr": r"pr_title|pr_body|pr_branch",
    "jwalton/gh-find-current-pr": r"title|body",
}
"""Outputs of actions that hold names of files, branches or texts from outsiders."""

SINKS: dict[str, tuple[str, ...]] = {
    "actions/github-script": ("script",),
    "nick-fields/retry": ("command",),
    "nick-invision/retry": ("command",),
    "azure/cli": ("inlinescript", "inlineScript"),
    "azure/powershell": ("inlinescript", "inlineScript"),
    "addnab/docker-run-action": ("run",),
    "appleboy/ssh-action": ("script",),
    "mathiasvr/command-output": ("run",),
    "jannekem/run-python-script-action": ("script",),
    "cardinalby/js-eval-action": ("expression",),
    "amadevus/pwsh-script": ("script",),
    "mikefarah/yq": ("cmd",),
    "reactivecircus/android-emulator-runner": ("script",),
    "coactions/setup-xvfb": ("run",),
    "gabrielbb/xvfb-action": ("run",),
    "borales/actions-yarn": ("cmd",),
    "goreleaser/goreleaser-action": ("args",),
}
"""Inputs of actions that are run as code."""


@dataclass(slots=True)
class Work:
    """How many contexts are still looked into for one workflow."""

    left: int = 20_000


@frozen
class Scope:
    """What the expressions of a step can refer to."""

    environment: Mapping[str, str] = field(default_factory=dict)
    matrix: Callable[[Context], frozenset[str] | None] | None = None
    steps: Mapping[str, str] = field(default_factory=dict)
    """Steps by id, with the action that each uses (lower case, no ref)."""
    work: Work = field(default_factory=Work)
    shell: str | None = None
    """`defaults.run.shell` in effect."""
    directory: str | None = ""
    """Where commands run, relative to the project; None where that cannot be told."""

    def within(self, variables: Mapping[str, str]) -> Scope:
        """The scope with more variables set."""
        return replace(self, environment={**self.environment, **variables}) if variables else self


def tainted(text: str, scope: Scope) -> tuple[str, ...] | None:
    """The contexts that outsiders can write and that become part of the text; None where one was not understood."""
    found = flows(text)
    if found is None:
        return None
    names: dict[str, None] = {}
    waiting, seen = list(found), set(found)
    for one in waiting:  # each variable is followed once, however many others name it
        name = str(one)
        scope.work.left -= 1
        if scope.work.left < 0:
            return tuple(names) or None
        if _OUTSIDERS.match(name) or name in _WHOLE or _from_action(one, scope):
            names[name] = None
        elif one.path[0] in {"env", "matrix"} and len(one.path) > 1:
            following = {inner for value in _values(one, scope) for inner in flows(value) or ()} - seen
            seen |= following
            waiting += sorted(following, key=str)
    return tuple(names)


def _from_action(one: Context, scope: Scope) -> bool:
    if one.path[0] != "steps" or len(one.path) != 4 or one.path[2] != "outputs":
        return False
    pattern = _OUTPUTS.get(scope.steps.get(one.path[1], ""))
    return pattern is not None and re.fullmatch(pattern, one.path[3]) is not None


def _values(one: Context, scope: Scope) -> Iterable[str]:
    if one.path[0] == "env":
        return [value for key, value in scope.environment.items() if key.lower() == one.path[1]]
    return (scope.matrix(one) if scope.matrix is not None else None) or ()


def secrets(node: Node) -> tuple[Secret, ...]:
    """The secrets that a scalar names, each once; `*` where it takes all of them or one whose name is computed.

    The run's own token is left out: the job's permissions say what it can do.
    """
    text = node.text
    if "ecrets" not in text and "ECRETS" not in text:
        return ()
    found: dict[str, Secret] = {}
    for start, end in expressions.places(text):
        tree = expressions.parse(text[start + 3 : end - 2])
        for one in expressions.walk(tree) if tree is not None else ():
            if isinstance(one, Context) and one.path[0] == "secrets":
                name = one.path[1].upper() if len(one.path) > 1 else "*"
                if name != _OWN_TOKEN and name not in found:
                    found[name] = Secret(line_in(node, start), name, kind_of(name))
    return tuple(found.values())


def kind_of(name: str) -> Literal["signing-key", "publish-token", "other"] | None:
    """What a secret is for, going by its name; None where that does not tell."""
    if _SIGNING.search(name):
        return "signing-key"
    return "publish-token" if _PUBLISHING.search(name) else None


def line_in(node: Node, at: int) -> Source:
    """The place of a character of a scalar: its own line in a block that keeps its lines."""
    if node.style != "|":
        return node.source
    return Source(node.path, node.line + 1 + node.text.count("\n", 0, at))


def parameters(texts: Iterable[str], declared: frozenset[str]) -> tuple[str, ...]:
    """The names of external parameters that these texts use, of those that can be given from outside."""
    found: dict[str, None] = {}
    for text in texts:
        if "${{" in text and ("inputs" in text or "client_payload" in text or "event" in text):
            for name in expressions.contexts(text):
                found |= dict.fromkeys(_parameter(name, declared))
    return tuple(found)


def _parameter(name: str, declared: frozenset[str]) -> tuple[str, ...]:
    if name.startswith("github.event.client_payload"):
        return (name.removeprefix("github.event."),)
    inner = name.removeprefix("github.event.")
    if inner in {"inputs", "inputs.*"}:
        return tuple(sorted(declared))
    own = inner.removeprefix("inputs.").partition(".")[0]
    return (own,) if inner.startswith("inputs.") and own in declared else ()
