"""What GitHub's published actions do, as tables; `_offers` holds those whose meaning depends on their inputs."""

from __future__ import annotations

from assess.pipelines._facts import Does
from assess.pipelines._tools import CONTAINER, GITHUB_RELEASE

PLAIN: dict[str, tuple[tuple[Does, str | None], ...]] = {
    "actions/upload-artifact": (("upload", None),),
    "actions/attest-sbom": (("sbom", None),),
    "anchore/sbom-action": (("sbom", None),),
    "softprops/action-gh-release": (("publish", GITHUB_RELEASE),),
    "ncipollo/release-action": (("publish", GITHUB_RELEASE),),
    "svenstaro/upload-release-action": (("publish", GITHUB_RELEASE),),
    "actions/create-release": (("publish", GITHUB_RELEASE),),
    "actions/upload-release-asset": (("publish", GITHUB_RELEASE),),
    "marvinpinto/action-automatic-releases": (("publish", GITHUB_RELEASE),),
    "taiki-e/upload-rust-binary-action": (("build", None), ("publish", GITHUB_RELEASE)),
    "wangyoucao577/go-release-action": (("build", None), ("publish", GITHUB_RELEASE)),
    "redhat-actions/buildah-build": (("build", None),),
    "redhat-actions/push-to-registry": (("publish", CONTAINER),),
    "actions/publish-immutable-action": (("publish", "GitHub Packages"),),
    "rubygems/release-gem": (("build", None), ("publish", "RubyGems")),
    "katyo/publish-crates": (("publish", "crates.io"),),
    "helm/chart-releaser-action": (("publish", GITHUB_RELEASE),),
    "pypa/cibuildwheel": (("build", None),),
    "hynek/build-and-inspect-python-package": (("build", None),),
    "pyo3/maturin-action": (("build", None),),
    "slsa-framework/slsa-github-generator/actions/nodejs/publish": (("publish", "npm"),),
    "slsa-framework/slsa-github-generator/actions/maven/publish": (("publish", "Maven repository"),),
    "slsa-framework/slsa-github-generator/actions/gradle/publish": (("publish", "Maven repository"),),
    "jreleaser/release-action": (("publish", GITHUB_RELEASE),),
    "sigstore/gh-action-sigstore-python": (("sign", None),),
    "github/codeql-action/autobuild": (("code", None),),
    "cypress-io/github-action": (("code", None),),
    "pre-commit/action": (("code", None),),
    "golangci/golangci-lint-action": (("code", None),),
    "ramsey/composer-install": (("code", None),),
    "pypa/hatch": (),
    "helm/chart-testing-action": (),
    "julia-actions/julia-buildpkg": (("code", None),),
    "julia-actions/julia-runtest": (("code", None),),
    "actions/upload-artifact/merge": (("download", None), ("upload", None)),
    "advanced-security/sbom-generator-action": (("sbom", None),),
    "cyclonedx/gh-node-module-generatebom": (("sbom", None),),
    "cyclonedx/gh-python-generate-sbom": (("sbom", None),),
    "cyclonedx/gh-gomod-generate-sbom": (("sbom", None),),
    "abutler/upload-release-assets": (("publish", GITHUB_RELEASE),),
    "csexton/release-asset-action": (("publish", GITHUB_RELEASE),),
    "djnicholson/release-action": (("publish", GITHUB_RELEASE),),
    "fnkr/github-action-ghr": (("publish", GITHUB_RELEASE),),
    "shogo82148/actions-upload-release-asset": (("publish", GITHUB_RELEASE),),
    "taiki-e/create-gh-release-action": (("publish", GITHUB_RELEASE),),
    "xresloader/upload-to-github-release": (("publish", GITHUB_RELEASE),),
    "elgohr/publish-docker-github-action": (("build", None), ("publish", CONTAINER)),
    "macbre/push-to-ghcr": (("build", None), ("publish", CONTAINER)),
    "chainguard-images/actions/apko-build": (("build", None),),
    "redhat-actions/s2i-build": (("build", None),),
    "appany/helm-oci-chart-releaser": (("publish", CONTAINER),),
    "stefanprodan/helm-gh-pages": (("publish", "Helm repository"),),
    "samuelmeuli/action-maven-publish": (("build", None), ("publish", "Maven repository")),
    "messense/maturin-action": (("build", None),),
    "ralfg/python-wheels-manylinux-build": (("build", None),),
    "houseabsolute/actions-rust-cross": (("build", None),),
    "hashicorp/actions-docker-build": (("download", None), ("build", None), ("upload", None)),
    "hashicorp/actions-packaging-linux": (("build", None),),
    "snapcore/action-build": (("build", None),),
    "canonical/action-build": (("build", None),),
    "snapcore/action-publish": (("publish", "Snap Store"),),
    "canonical/action-publish": (("publish", "Snap Store"),),
    "haaleo/publish-vscode-extension": (("build", None), ("publish", "VS Code extensions")),
    "apple-actions/upload-testflight-build": (("publish", "TestFlight"),),
    "r0adkll/upload-google-play": (("publish", "Google Play"),),
    "r0adkll/sign-android-release": (("sign", None),),
    "apple-actions/import-codesign-certs": (("key", None),),
    "azure/trusted-signing-action": (("sign", None),),
    "azure/artifact-signing-action": (("sign", None),),
    "signpath/github-action-submit-signing-request": (("sign", None),),
    "github/super-linter": (("code", None),),
    "super-linter/super-linter": (("code", None),),
    "oxsecurity/megalinter": (("code", None),),
    "davidanson/markdownlint-cli2-action": (("code", None),),
    "wagoid/commitlint-action": (("code", None),),
    "reviewdog/action-golangci-lint": (("code", None),),
    "reviewdog/action-eslint": (("code", None),),
    "slsa-framework/slsa-verifier/actions/installer": (),
}
"""Action (lower case, without `@ref`) to what it does, with where it publishes to."""

_HARMLESS = """
actions/github-script actions/stale actions/labeler actions/add-to-project actions/deploy-pages
actions/configure-pages actions/upload-pages-artifact actions/jekyll-build-pages actions/create-github-app-token
actions/dependency-review-action actions/first-interaction actions/delete-package-versions
actions-rs/toolchain dtolnay/rust-toolchain rust-lang/crates-io-auth-action nuget/login
aws-actions/configure-aws-credentials aws-actions/amazon-ecr-login google-github-actions/auth azure/login
azure/setup-helm azure/setup-kubectl google-github-actions/setup-gcloud google-github-actions/get-secretmanager-secrets
docker/setup-buildx-action docker/login-action docker/metadata-action
docker/setup-docker-action docker/setup-compose-action
redhat-actions/podman-login imjasonh/setup-crane imranismail/setup-kustomize
sigstore/cosign-installer anchore/sbom-action/download-syft ko-build/setup-ko arduino/setup-protoc arduino/setup-task
oras-project/setup-oras go-task/setup-task chainguard-dev/actions/setup-gitsign azure/setup-oras
step-security/harden-runner ossf/scorecard-action github/codeql-action/init github/codeql-action/analyze
github/codeql-action/upload-sarif codecov/codecov-action coverallsapp/github-action aquasecurity/trivy-action
anchore/scan-action zizmorcore/zizmor-action fossas/fossa-action trufflesecurity/trufflehog
styfle/cancel-workflow-action peter-evans/create-pull-request peter-evans/create-or-update-comment
peter-evans/find-comment peter-evans/repository-dispatch geekyeggo/delete-artifact jlumbroso/free-disk-space
helm/kind-action release-drafter/release-drafter googleapis/release-please-action
google-github-actions/release-please-action re-actors/alls-green amannn/action-semantic-pull-request
dorny/paths-filter tj-actions/changed-files dependabot/fetch-metadata dessant/lock-threads mxschmitt/action-tmate
8398a7/action-slack slackapi/slack-github-action rtcamp/action-slack-notify crazy-max/ghaction-import-gpg
mindsers/changelog-reader-action maxim-lobanov/setup-xcode microsoft/setup-msbuild ilammy/msvc-dev-cmd
hashicorp/setup-terraform octo-sts/action tibdex/github-app-token snok/container-retention-policy
peaceiris/actions-gh-pages jamesives/github-pages-deploy-action golang/govulncheck-action
enricomi/publish-unit-test-result-action louisbrunner/checks-action crazy-max/ghaction-upx korthout/backport-action
shogo82148/actions-setup-perl erlef/setup-beam haskell-actions/setup gradle/actions/wrapper-validation
gradle/wrapper-validation-action goto-bus-stop/setup-zig julia-actions/setup-julia
julia-actions/julia-processcoverage conda-incubator/setup-miniconda homebrew/actions/setup-homebrew
lycheeverse/lychee-action crate-ci/typos streetsidesoftware/cspell-action reviewdog/action-actionlint
coactions/setup-xvfb cachix/install-nix-action determinatesystems/nix-installer-action
actions-cool/issues-helper ad-m/github-push-action eregon/publish-release
abatilo/actions-poetry snok/install-poetry astral-sh/ruff-action psf/black actions-ecosystem/action-regex-match
actions/setup-ruby actions/setup-haskell actions/setup-elixir haskell/actions/setup android-actions/setup-android
asdf-vm/actions/setup coursier/setup-action sbt/setup-sbt shivammathur/setup-php
r-lib/actions/setup-r seanmiddleditch/gha-setup-ninja egor-tensin/setup-gcc
egor-tensin/setup-mingw nuget/setup-nuget gittools/actions/gitversion/setup
gittools/actions/gitversion/execute browser-actions/setup-chrome extractions/setup-just carvel-dev/setup-action
opentofu/setup-opentofu hashicorp/setup-packer hashicorp/vault-action
imjasonh/setup-ko engineerd/setup-kind chainguard-dev/actions/setup-kind chainguard-dev/actions/kind-diag
fluxcd/flux2/action redhat-actions/oc-login redhat-actions/openshift-tools-installer azure/docker-login
azure/aks-set-context azure/k8s-set-context depot/setup-action snyk/actions/setup reviewdog/action-setup
taiki-e/install-action cargo-bins/cargo-binstall embarkstudios/cargo-deny-action rustsec/audit-check
bnjbvr/cargo-machete webfactory/ssh-agent paultyng/ghaction-import-gpg
endbug/add-and-commit stefanzweifel/git-auto-commit-action anothrnick/github-tag-action
mathieudutour/github-tag-action rickstaa/action-create-tag mukunku/tag-exists-action
wyrihaximus/github-action-get-previous-tag orhun/git-cliff-action metcalfc/changelog-generator
mikepenz/release-changelog-builder-action mikepenz/action-junit-report dorny/test-reporter
toolmantim/release-drafter robinraju/release-downloader dsaltares/fetch-gh-release-asset bruceadams/get-release
softprops/turnstyle lewagon/wait-on-check-action fountainhead/action-wait-for-check bobheadxi/deployments
marocchino/sticky-pull-request-comment thollander/actions-comment-pull-request
rlespinasse/github-slug-action benjlevesque/short-sha franzdiebold/github-env-vars-action
easimon/maximize-build-space insightsengineering/disk-space-reclaimer jwalton/gh-docker-logs
peter-evans/dockerhub-description christian-korneck/update-container-description-action
sonarsource/sonarqube-scan-action sonarsource/sonarcloud-github-action sonarsource/sonarqube-quality-gate-action
gitleaks/gitleaks-action returntocorp/semgrep-action bridgecrewio/checkov-action hadolint/hadolint-action
ludeeus/action-shellcheck
step-security/changed-files s4u/maven-settings-action
mislav/bump-homebrew-formula-action dawidd6/action-homebrew-bump-formula vedantmgoyal2009/winget-releaser
vedantmgoyal9/winget-releaser juliaregistries/tagbot
rancher-eio/read-vault-secrets datadog/dd-sts-action datadog/dd-octo-sts-action
grafana/shared-workflows/actions/dockerhub-login grafana/shared-workflows/actions/get-vault-secrets ariga/setup-atlas
fluxcd/pkg/actions/kustomize actions-ecosystem/action-add-labels updatecli/updatecli-action
elastic/ci-gh-actions/fetch-github-token
"""
HARMLESS = frozenset(_HARMLESS.split())
"""Actions that neither build, sign, attest nor publish a release, and restore no cache."""

SCRIPTS = {
    "nick-fields/retry": "command",
    "nick-invision/retry": "command",
    "reactivecircus/android-emulator-runner": "script",
}
"""Action to the input whose text it runs in a shell."""

RUNNERS = frozenset(
    [f"ubuntu-{v}" for v in ("latest", "slim", "26.04", "24.04", "22.04", "20.04", "18.04", "16.04")]
    + ["ubuntu-26.04-arm", "ubuntu-24.04-arm", "ubuntu-22.04-arm"]
    + [f"windows-{v}" for v in ("latest", "2025", "2025-vs2026", "2022", "2019", "2016", "11-arm")]
    + [f"macos-{v}{size}" for v in ("latest", "26", "15", "14", "13", "12", "11") for size in ("", "-large", "-xlarge")]
    + ["macos-10.15", "macos-15-intel", "macos-26-intel"]
)
"""The labels of GitHub's own standard runners; no other label proves where a job runs."""

THIRD_PARTY_RUNNERS = (
    "blacksmith-", "ubicloud", "depot-", "namespace-profile-", "nscloud-", "buildjet-", "warp-", "codebuild-",
    "runs-on=", "runs-on,", "runs-on", "cirun-", "arc-runner", "actuated",
)  # fmt: skip
"""Beginnings of labels of vendors whose machines register as self-hosted runners."""

ANYONE = frozenset({
    "pull_request_target", "workflow_run", "issue_comment", "issues", "discussion", "discussion_comment", "fork",
    "watch", "pull_request_comment", "commit_comment",
})  # fmt: skip
"""Events that somebody without any right in the repository can cause, and that run with the repository's rights."""

CONTRIBUTOR = frozenset({"pull_request", "pull_request_review", "pull_request_review_comment", "merge_group"})
"""Events caused by proposed changes; from forks they run without secrets and with a read-only token."""

WORKFLOW_KEYS = frozenset(
    {"name", "run-name", "on", "permissions", "env", "defaults", "concurrency", "jobs", "dependencies"}
)
JOB_KEYS = frozenset({
    "name", "needs", "if", "permissions", "runs-on", "environment", "concurrency", "outputs", "env", "defaults",

    "steps", "timeout-minutes", "strategy", "continue-on-error", "container", "services", "uses", "with", "secrets",
    "snapshot",
})  # fmt: skip
STEP_KEYS = frozenset({
    "id", "if", "name", "uses", "run", "working-directory", "shell", "with", "env", "continue-on-error",
    "timeout-minutes", "parallel", "background", "wait", "wait-all", "cancel",
})  # fmt: skip
