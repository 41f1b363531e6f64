"""Tasks of the public catalogs, by name: what they do where a run takes them from there.

Names are those of github.com/tektoncd/catalog, Artifact Hub and konflux-ci/build-definitions.
"""

from __future__ import annotations

import re

from assess.evidence import Source
from assess.pipelines._facts import Act, Does
from assess.pipelines._tools import CONTAINER

_CATALOGS = re.compile(
    r"(?:quay\.io|ghcr\.io|gcr\.io)/(?:konflux-ci/tekton-catalog|redhat-appstudio-tekton-catalog|tekton-releases/catalog"
    r"|tektoncd/catalog|openshift-pipeline)/"
)
_IMAGES: tuple[tuple[Does, str | None], ...] = (("code", None), ("build", None), ("publish", CONTAINER))
_BUILDS: tuple[tuple[Does, str | None], ...] = (("code", None), ("build", None))
_CODE: tuple[tuple[Does, str | None], ...] = (("code", None),)
_TABLE: tuple[tuple[str, tuple[tuple[Does, str | None], ...]], ...] = (
    (r".*-download", (("download", None),)),
    (r"git-clone.*|prefetch-dependencies.*|init|symlink-check.*", (("checkout", None),)),
    (r"buildah.*|kaniko.*|buildpacks.*|jib-(?:maven|gradle)|s2i.*|ko(?:-oci-ta)?|build-image-(?:index|manifest).*"
     r"|docker-build|buildkit.*|img|makisu|orka.*image|build-paketo.*|bootc.*|build-vm-image|modelcar.*|rpm-ostree.*"
     r"|build-maven-zip.*|package-operator-package.*|tkn-bundle.*|fbc-fips-build|oci-copy.*|build-helm-chart.*",
     _IMAGES),
    (r"source-build.*|push-dockerfile.*|apply-(?:additional-)?tags|apply-tags|skopeo-copy|crane|push-to-.*|helm-push.*",
     (("publish", CONTAINER),)),
    (r"gcs-upload|s3-upload|gsutil.*|aws-cli|upload-.*", (("publish", "bucket"),)),
    (r"github-release|create-github-release|gh-cli|release-.*", (("publish", "GitHub release"),)),
    (r"golang-build|maven|gradle|npm|yarn|cargo|dotnet|ant|bazel|make", _BUILDS),
    (r"golang-test|golangci-lint|pytest|python-.*|pylint|flake8|eslint|jest|go-.*test.*|sast-.*|run-.*test.*", _CODE),
    (r"summary|show-sbom.*|rpms-signature-scan|clair-scan.*|clamav-scan.*|deprecated-(?:image|base).*"
     r"|ecosystem-cert.*|inspect-image|fbc-.*|sbom-json-check|verify-enterprise-contract|verify-signed-image"
     r"|send-.*|github-set-status|slack.*|hadolint.*|yamllint|markdown-lint|tkn-cli|kubernetes-actions|openshift-client"
     r"|kubectl.*|conftest|trivy.*|grype.*|snyk.*|sonarqube.*|curl|wget|jq|generate-build-id|update-infra.*"
     r"|show-summary|validate-.*|check-.*|tag-.*check|pull-request|git-cli|git-rebase|git-version|coverity.*"
     r"|acs-.*|task-lint|buildah-remote-check|store-pipeline-status|collect-.*|operator-.*check.*", ()),
    (r"cosign-sign.*|sign-.*", (("sign", None),)),
)  # fmt: skip
_COMPILED = tuple((re.compile(pattern), does) for pattern, does in _TABLE)


def from_catalog(reference: str) -> bool:
    """The bundle is one of a public catalog."""
    return _CATALOGS.match(reference) is not None


def acts_of(name: str, shown: str, source: Source) -> tuple[Act, ...] | None:
    """What the catalog's task of this name does; None if it is not known."""
    for pattern, does in _COMPILED:
        if pattern.fullmatch(name):
            return tuple(Act(word, shown, source, target) for word, target in does)
    return None
