"""Files that say how the source is controlled: what is read of each form, and what it could be evidence of."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from assess.evidence import SourceControl
from assess.pipelines import read_pipelines
from assess.pipelines._source_control import matches

WORKFLOW = ".github/workflows/release.yml"
JOBS = "on: push\njobs: {a: {runs-on: ubuntu-24.04, steps: [{run: 'true'}]}}\n"


def project(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def controls(folder: Path, **files: str) -> tuple[SourceControl, ...]:
    return read_pipelines(project(folder, **files)).source_controls


def ruleset(**changed: object) -> dict[str, object]:
    return {
        "name": "main", "target": "branch", "enforcement": "active", "bypass_actors": [],
        "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": ["refs/heads/x"]}},
        "rules": [{"type": "deletion"}, {"type": "non_fast_forward"}], **changed,
    }  # fmt: skip


REVIEW = {
    "type": "pull_request",
    "parameters": {
        "required_approving_review_count": 1, "dismiss_stale_reviews_on_push": True, "require_code_owner_review": True,
        "require_last_push_approval": True,
    },
}  # fmt: skip


def review(**changed: object) -> dict[str, object]:
    return {"type": "pull_request", "parameters": {**REVIEW["parameters"], **changed}}  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("rules", "candidates"),
    [
        (ruleset(), ("continuity",)),
        (ruleset(rules=[{"type": "deletion"}]), ()),
        (ruleset(enforcement="evaluate"), ()),
        (ruleset(bypass_actors=[{"actor_type": "Team", "actor_id": 1, "bypass_mode": "always"}]), ()),
        (ruleset(rules=[REVIEW]), ("two-party-review",)),
        (ruleset(rules=[review(required_approving_review_count=0)]), ()),
        (ruleset(rules=[review(dismiss_stale_reviews_on_push=False)]), ()),
        (ruleset(rules=[review(require_code_owner_review=False)]), ()),
        (ruleset(rules=[review(require_last_push_approval=False)]), ()),
        (ruleset(rules=[{"type": "required_status_checks"}]), ("organization-controls",)),
        (
            ruleset(
                target="tag", conditions={"ref_name": {"include": ["~ALL"], "exclude": []}},
                rules=[{"type": "deletion"}, {"type": "update"}],
            ),
            ("tag-hygiene",),
        ),
        (
            ruleset(
                target="tag", conditions={"ref_name": {"include": ["~ALL"], "exclude": ["refs/tags/x"]}},
                rules=[{"type": "deletion"}, {"type": "update"}],
            ),
            (),
        ),
        (ruleset(target="tag", rules=[{"type": "deletion"}, {"type": "update"}]), ()),
    ],
)  # fmt: skip
def test_rulesets(tmp_path: Path, rules: dict[str, object], candidates: tuple[str, ...]) -> None:
    (found,) = controls(tmp_path, **{".github/rulesets/a.json": json.dumps(rules, indent="\t")})
    assert found.candidates == candidates
    assert (found.kind, found.enforced) == ("ruleset", rules["enforcement"] == "active")
    assert found.refs == rules["target"]


def test_rulesets_in_a_list_and_their_places(tmp_path: Path) -> None:
    text = "[\n" + json.dumps(ruleset()) + ",\n" + json.dumps(ruleset(name="b")) + "\n]\n"
    found = controls(tmp_path, **{".github/rulesets/all.json": text, "data/other.json": json.dumps(ruleset())})
    assert [str(one.source) for one in found] == [".github/rulesets/all.json:2", ".github/rulesets/all.json:3"]
    assert found[0].patterns == ("~DEFAULT_BRANCH", "!refs/heads/x")


def test_settings_as_code_only_say_what_somebody_wants(tmp_path: Path) -> None:
    text = (
        "branches:\n  - name: main\n    protection:\n      required_pull_request_reviews:\n"
        "        required_approving_review_count: 2\n        dismiss_stale_reviews: true\n"
        "        require_code_owner_reviews: true\n        require_last_push_approval: true\n"
        "      enforce_admins: true\n  - name: old\n    protection: null\n"
    )
    (found,) = controls(tmp_path, **{".github/settings.yml": text})
    assert found.enforced is None and found.approvals == 2 and found.patterns == ("main",)
    assert found.candidates == ("continuity", "two-party-review")
    text = text.replace("enforce_admins: true", "enforce_admins: null")
    (weak,) = controls(tmp_path, **{".github/settings.yml": text})
    assert weak.bypass == ("administrators",) and weak.candidates == ()


@pytest.mark.parametrize(("action", "enforced"), [("fix", None), ("issue", False), ("log", False)])
def test_allstar(tmp_path: Path, action: str, enforced: bool | None) -> None:
    text = f"action: {action}\nrequireApproval: true\napprovalCount: 1\nblockForce: true\n"
    (found,) = controls(tmp_path, **{".allstar/branch_protection.yaml": text})
    assert found.enforced is enforced and found.requirements == ("no-force-push", "pull-request", "review")
    assert ("only tells" in found.notes[0].text) is (enforced is False)


TERRAFORM = """
# comment
resource "github_branch_protection" "main" {
  pattern                = "main"
  enforce_admins         = true
  allows_deletions       = %s
  allows_force_pushes    = false
  required_pull_request_reviews { required_approving_review_count = 1 }
}

resource "github_repository_ruleset" "tags" {
  target      = "tag"
  enforcement = var.on ? "active" : "disabled"
  conditions {
    ref_name {
      include = ["~ALL"]
      exclude = []
    }
  }
  rules {
    update   = true
    deletion = true
  }
}
resource "azuredevops_branch_policy_min_reviewers" "x" {
  enabled = true
  settings {
    reviewer_count            = 2
    last_pusher_cannot_approve = true
  }
}
resource "gitlab_branch_protection" "y" {
  branch = "main"
  code_owner_approval_required = true
}
resource "aws_s3_bucket" "z" {}
"""


def test_terraform(tmp_path: Path) -> None:
    found = controls(tmp_path, **{"infra/repo.tf": TERRAFORM % "false"})
    assert [(one.source.line, one.kind, one.system, one.refs) for one in found] == [
        (3, "branch-protection", "github", "branch"),
        (11, "ruleset", "github", "tag"),
        (25, "branch-protection", "azure-devops", "branch"),
        (32, "branch-protection", "gitlab", "branch"),
    ]
    assert [one.candidates for one in found] == [("continuity",), ("tag-hygiene",), (), ()]
    assert {one.enforced for one in found} == {None}
    assert any("not evaluated: enforcement" in note.text for note in found[1].notes)
    assert (found[2].approvals, found[2].requirements) == (2, ("review", "last-push-approval"))
    changed = controls(tmp_path, **{"infra/repo.tf": TERRAFORM % "true"})
    assert changed[0].candidates == ()


@pytest.mark.parametrize(
    ("place", "text", "covers", "everything"),
    [
        (".github/CODEOWNERS", "* @o/all\n", True, True),
        ("CODEOWNERS", ".github/ @o/sec\n", True, False),
        ("docs/CODEOWNERS", "/.github/workflows/*.yml @o/sec\n", True, False),
        (".github/CODEOWNERS", "* @o/all\n.github/workflows/\n", False, True),
        (".github/CODEOWNERS", "*.py @o/py\n", False, False),
        (".github/CODEOWNERS", "workflows/ @o/sec # all\n", True, False),
        (".github/CODEOWNERS", "/workflows/ @o/sec\n", False, False),
        (".github/CODEOWNERS", "# nothing\n", False, False),
        (".gitlab/CODEOWNERS", "[CI][2] @o/ci\n.github/**\n", True, False),
        (".gitlab/CODEOWNERS", "^[CI] @o/ci\n.github/**\n", False, False),
        (".gitlab/CODEOWNERS", "* @o/all\n[Docs]\n*.md @o/docs\n", True, True),
    ],
)
def test_code_owners(tmp_path: Path, place: str, text: str, covers: bool, everything: bool) -> None:
    (found,) = controls(tmp_path, **{WORKFLOW: JOBS, place: text})
    assert found.covers_pipelines is covers
    assert ("owners-of-all-files" in (found.requirements or ())) is everything
    assert found.candidates == () and found.enforced is None


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("*", "a/b", True), ("*.js", "a/b.js", True), ("/*.js", "a/b.js", False), ("docs/*", "docs/a", True),
        ("docs/*", "docs/a/b", False), ("docs/", "x/docs/a", True), ("/docs/", "x/docs/a", False),
        ("docs", "docs", True), ("docs/", "docs", False),
        ("a/**/b", "a/x/y/b", True), ("**/b", "x/b", True), ("a?c", "abc", True),
        ("a?c", "a/c", False), ("/a/b", "a/b/c", True), ("ab", "abc", False),
    ],
)  # fmt: skip
def test_patterns(pattern: str, name: str, expected: bool) -> None:
    assert matches(pattern, name, [10_000]) is expected


def test_source_tools(tmp_path: Path) -> None:
    text = JOBS.replace("{run: 'true'}", "{uses: 'slsa-framework/source-actions/slsa_with_provenance@main'}")
    (found,) = controls(tmp_path, **{WORKFLOW: f"# gittuf/verify@v1\n{text}"})
    assert (found.kind, found.requirements, found.source.line) == ("source-provenance", ("source-provenance",), 3)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".github/rulesets/a.json", '{"target": "branch", "rules": ['),
        (".github/settings.yml", "branches: [\n"),
        (".allstar/x.yaml", "\ta: b"),
        ("a.tf", 'resource "github_branch_protection" "x" {\n  a = ['),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, name: str, text: str) -> None:
    read = read_pipelines(project(tmp_path, **{name: text}))
    assert [one.source.path for one in read.unreadable] == [name]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".github/CODEOWNERS", "".join(f"{'*a' * 70}{n} @o\n" for n in range(5_000))),
        (".github/CODEOWNERS", "a" * 1_000_000),
        ("a.tf", 'resource "github_branch_protection" "x" ' + "{a " * 30_000),
        ("a.tf", 'resource "github_branch_protection" "x" {}\n' + "/*" * 90_000),
        ("a.tf", 'resource "github_branch_protection" "x" {}\n' + "<<A\n" * 40_000),
        ("a.tf", 'resource "github_branch_protection" "x" { a = ' + "[" * 90_000),
        (".github/rulesets/a.json", '{"target": "branch", "rules": ' + "[" * 90_000),
        (".github/settings.yml", "branches: " + "[" * 5_000),
    ],
)
def test_hostile_files(tmp_path: Path, name: str, text: str) -> None:
    files = {f".github/workflows/{n:03}{'x' * 100}.yml": JOBS for n in range(30)}
    started = time.monotonic()
    read = read_pipelines(project(tmp_path, **files, **{name: text}))
    assert time.monotonic() - started < 20
    assert len(read.pipelines) == 30
