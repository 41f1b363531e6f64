"""Statements as builders on GitHub write them, with the certificate claims of the same run."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import Any

Json = dict[str, Any]

GITHUB_ISSUER = "https://token.actions.githubusercontent.com"
GENERATOR = "slsa-framework/slsa-github-generator/.github/workflows"
STATEMENT_V1 = "https://in-toto.io/Statement/v1"
STATEMENT_V01 = "https://in-toto.io/Statement/v0.1"
PROVENANCE_V1 = "https://slsa.dev/provenance/v1"
PROVENANCE_V02 = "https://slsa.dev/provenance/v0.2"


@dataclass(frozen=True, slots=True)
class GitHubRun:
    """One run of a GitHub workflow: the single source for a certificate's claims and a predicate's fields.

    Copy with `dataclasses.replace(run, ref=...)`; give one copy to the certificate and another to the predicate
    to make them disagree.
    """

    repository: str = "example-org/widget"
    ref: str = "refs/tags/v1.4.2"
    commit: str = "5f2c9d1e8b7a4c3f6e0d9b8a7c6f5e4d3c2b1a09"
    workflow: str = ".github/workflows/release.yml"
    event: str = "push"
    run_id: str = "11850234417"
    attempt: str = "1"
    runner: str = "github-hosted"
    repository_id: str = "730214455"
    owner_id: str = "160938217"
    visibility: str = "public"
    signer_workflow: str | None = None
    """`owner/repo/path@ref` of the reusable workflow that signs; None where the workflow itself signs."""
    signer_commit: str | None = None
    environment: str | None = None

    @property
    def source_uri(self) -> str:
        """URI of the source repository."""
        return f"https://github.com/{self.repository}"

    @property
    def config_uri(self) -> str:
        """The workflow that was started (claim 18)."""
        return f"{self.source_uri}/{self.workflow}@{self.ref}"

    @property
    def signer_uri(self) -> str:
        """The workflow that signs (SAN and claim 9)."""
        return f"https://github.com/{self.signer_workflow}" if self.signer_workflow else self.config_uri

    @property
    def invocation(self) -> str:
        """URL of this attempt of the run (claim 21)."""
        return f"{self.source_uri}/actions/runs/{self.run_id}/attempts/{self.attempt}"

    def claims(self) -> dict[int, str]:
        """Fulcio extensions by number (1.3.6.1.4.1.57264.1.N) as the public instance issues them for GitHub."""
        owner = self.repository.split("/")[0]
        claims = {
            1: GITHUB_ISSUER,
            2: self.event,
            3: self.commit,
            4: "Release",
            5: self.repository,
            6: self.ref,
            8: GITHUB_ISSUER,
            9: self.signer_uri,
            10: self.signer_commit or self.commit,
            11: self.runner,
            12: self.source_uri,
            13: self.commit,
            14: self.ref,
            15: self.repository_id,
            16: f"https://github.com/{owner}",
            17: self.owner_id,
            18: self.config_uri,
            19: self.commit,
            20: self.event,
            21: self.invocation,
            22: self.visibility,
        }
        return claims | ({23: self.environment} if self.environment is not None else {})


DEFAULT_RUN = GitHubRun()


def subject_of(name: str, data: bytes) -> Json:
    """A subject by SHA-256."""
    return {"name": name, "digest": {"sha256": hashlib.sha256(data).hexdigest()}}


def provenance_v1(
    subjects: list[Json], run: GitHubRun = DEFAULT_RUN, *, flavour: str = "attest", builder_id: str | None = None
) -> Json:
    """A Statement v1 with provenance v1 for a run.

    `flavour`: `attest` (actions/attest; buildType actions.github.io) or `npm` (npm CLI; community GitHub buildType).
    `builder_id` replaces what the flavour would write.
    """
    workflow = {"ref": run.ref, "repository": run.source_uri, "path": run.workflow}
    github = {
        "event_name": run.event,
        "repository_id": run.repository_id,
        "repository_owner_id": run.owner_id,
    }
    match flavour:
        case "attest":
            build_type, default = "https://actions.github.io/buildtypes/workflow/v1", run.signer_uri
            github["runner_environment"] = run.runner
        case "npm":
            build_type = "https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1"
            default = f"https://github.com/actions/runner/{run.runner}"
        case _:
            raise ValueError(flavour)
    predicate = {
        "buildDefinition": {
            "buildType": build_type,
            "externalParameters": {"workflow": workflow},
            "internalParameters": {"github": github},
            "resolvedDependencies": [
                {"uri": f"git+{run.source_uri}@{run.ref}", "digest": {"gitCommit": run.commit}},
            ],
        },
        "runDetails": {
            "builder": {"id": default if builder_id is None else builder_id},
            "metadata": {"invocationId": run.invocation},
        },
    }
    return {"_type": STATEMENT_V1, "subject": subjects, "predicateType": PROVENANCE_V1, "predicate": predicate}


def generator_run(builder: str = "generic", version: str = "v2.1.0", run: GitHubRun = DEFAULT_RUN) -> GitHubRun:
    """The same run, signed by a slsa-github-generator workflow: `generic`, `container` or `go`."""
    file = "builder_go_slsa3.yml" if builder == "go" else f"generator_{builder}_slsa3.yml"
    signer = f"{GENERATOR}/{file}@refs/tags/{version}"
    return replace(run, signer_workflow=signer, signer_commit="f7dd8c54c2067bafc12ca7a55595d5ee9b75204a")


def provenance_v02(
    subjects: list[Json], run: GitHubRun | None = None, *, builder: str = "generic", builder_id: str | None = None
) -> Json:
    """A Statement v0.1 with provenance v0.2 as slsa-github-generator writes it (`builder`: generic, container or go).

    `run` defaults to `generator_run(builder)`; sign with the claims of the same run.
    """
    run = run or generator_run(builder)
    source = {"uri": f"git+{run.source_uri}@{run.ref}", "digest": {"sha1": run.commit}}
    environment = {
        "github_actor": "octo-example",
        "github_event_name": run.event,
        "github_ref": run.ref,
        "github_ref_type": run.ref.split("/")[1].rstrip("s").replace("head", "branch"),
        "github_repository_id": run.repository_id,
        "github_repository_owner_id": run.owner_id,
        "github_run_attempt": run.attempt,
        "github_run_id": run.run_id,
        "github_sha1": run.commit,
    }
    predicate: Json = {
        "builder": {"id": run.signer_uri if builder_id is None else builder_id},
        "buildType": f"https://github.com/slsa-framework/slsa-github-generator/{builder}@v1",
        "invocation": {
            "configSource": source | {"entryPoint": run.workflow},
            "parameters": {},
            "environment": environment,
        },
        "metadata": {
            "buildInvocationID": f"{run.run_id}-{run.attempt}",
            "completeness": {"parameters": True, "environment": False, "materials": False},
            "reproducible": False,
        },
        "materials": [source],
    }
    return {"_type": STATEMENT_V01, "subject": subjects, "predicateType": PROVENANCE_V02, "predicate": predicate}


_WORKFLOW = ("predicate", "buildDefinition", "externalParameters", "workflow")
_GITHUB = ("predicate", "buildDefinition", "internalParameters", "github")
_SOURCE = ("predicate", "buildDefinition", "resolvedDependencies", 0)

DISAGREEMENTS_V1: dict[str, tuple[tuple[str | int, ...], str]] = {
    "builder.id": (
        ("predicate", "runDetails", "builder", "id"),
        "https://github.com/example-org/builders/.github/workflows/build.yml@refs/tags/v1",
    ),
    "repository": ((*_WORKFLOW, "repository"), "https://github.com/example-org/gadget"),
    "path": ((*_WORKFLOW, "path"), ".github/workflows/other.yml"),
    "ref": ((*_WORKFLOW, "ref"), "refs/heads/main"),
    "event": ((*_GITHUB, "event_name"), "workflow_dispatch"),
    "repository id": ((*_GITHUB, "repository_id"), "1"),
    "owner id": ((*_GITHUB, "repository_owner_id"), "2"),
    "runner": ((*_GITHUB, "runner_environment"), "self-hosted"),
    "source uri": ((*_SOURCE, "uri"), "git+https://github.com/example-org/gadget@refs/tags/v1.4.2"),
    "commit": ((*_SOURCE, "digest", "gitCommit"), "0" * 40),
    "invocation": (
        ("predicate", "runDetails", "metadata", "invocationId"),
        "https://github.com/example-org/widget/actions/runs/1/attempts/1",
    ),
}
"""For `edited`: places of a provenance v1 (flavour attest) whose change contradicts the certificate of the same run."""

_CONFIG = ("predicate", "invocation", "configSource")
_ENVIRONMENT = ("predicate", "invocation", "environment")

DISAGREEMENTS_V02: dict[str, tuple[tuple[str | int, ...], str]] = {
    "builder.id": (
        ("predicate", "builder", "id"),
        f"https://github.com/{GENERATOR}/builder_go_slsa3.yml@refs/tags/v2.1.0",
    ),
    "source uri": ((*_CONFIG, "uri"), "git+https://github.com/example-org/gadget@refs/tags/v1.4.2"),
    "commit": ((*_CONFIG, "digest", "sha1"), "0" * 40),
    "path": ((*_CONFIG, "entryPoint"), ".github/workflows/other.yml"),
    "event": ((*_ENVIRONMENT, "github_event_name"), "workflow_dispatch"),
    "ref": ((*_ENVIRONMENT, "github_ref"), "refs/heads/main"),
    "run": ((*_ENVIRONMENT, "github_run_id"), "1"),
    "material commit": (("predicate", "materials", 0, "digest", "sha1"), "0" * 40),
}
"""The same for provenance v0.2 of slsa-github-generator."""


def edited(statement: Json, path: tuple[str | int, ...], value: Any) -> Json:
    """A deep copy of a statement with the value at `path` replaced; the path must exist."""
    copy: Json = json.loads(json.dumps(statement))
    place: Any = copy
    for step in path[:-1]:
        place = place[step]
    place[path[-1]]  # a KeyError here beats a test that changes nothing
    place[path[-1]] = value
    return copy
