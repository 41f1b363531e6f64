"""Conditions that a workflow's triggers meet by themselves: provenance behind one of them is no matter of chance."""

from __future__ import annotations

import pytest

from assess.pipelines import read_pipeline_file

WORKFLOW = """\
on: %s
jobs:
  b:
    runs-on: ubuntu-latest
    permissions: {contents: write, id-token: write, attestations: write}
    steps:
      - run: go build -o app .
      - uses: actions/attest@v4
        if: %s
        with: {subject-path: app}
      - uses: softprops/action-gh-release@v2
"""
TAG = "startsWith(github.ref, 'refs/tags/')"


@pytest.mark.parametrize(
    ("on", "condition", "optional"),
    [
        ("{push: {tags: ['v*']}}", TAG, False),
        ("{push: {tags: ['v*']}}", "${{ " + TAG + " }}", False),
        ("{push: {tags: ['v*', '!v0*']}}", "startsWith(github.ref, 'refs/tags/v')", False),
        ("{push: {tags: ['v*']}}", "github.event_name == 'push' && github.ref_type == 'tag'", False),
        ("{push: {tags: ['v*']}}", TAG + " && github.actor == 'me'", None),
        ("{push: {tags: ['v*']}}", TAG + " || false", None),
        ("{push: {tags: ['v*']}}", "!" + TAG, None),
        ("{push: {tags: ['*']}}", "startsWith(github.ref, 'refs/tags/v')", None),
        ("{push: {branches: [main], tags: ['v*']}}", TAG, None),
        ("{push: {branches-ignore: [x], tags: ['v*']}}", TAG, None),
        ("{push: {tags-ignore: ['v*']}}", TAG, None),
        ("{push: {tags: ['v*']}, workflow_dispatch: {}}", TAG, None),
        ("push", TAG, None),
    ],
)
def test_a_condition_that_every_run_meets(on: str, condition: str, optional: bool | None) -> None:
    (release,) = read_pipeline_file(".github/workflows/x.yml", (WORKFLOW % (on, f'"{condition}"')).encode()).releases
    assert release.provenance is not None
    assert release.provenance.optional is optional
