"""Tools and their flags, one row per tool and flag: what each command is recognised to do."""

from __future__ import annotations

import pytest

from assess.evidence import Interval, Source
from assess.pipelines._commands import recognise
from assess.pipelines._facts import Act, Offer

PLACE = Source("x.yml", 10, 3)
DIGEST = "ghcr.io/e/a@sha256:1"


def acts(script: str, shell: str | None = None, **environment: str) -> tuple[Act, ...]:
    return recognise(script, PLACE, environment, shell=shell)


def does(script: str, shell: str | None = None) -> list[str]:
    return [f"{one.does}>{one.target}" if one.target else one.does for one in acts(script, shell)]


def offer(script: str, **environment: str) -> Offer:
    found = next(one.offer for one in acts(script, **environment) if one.offer is not None)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("key", "within_reach"),
    [
        ("cosign.key", True), ("env://COSIGN_PRIVATE_KEY", True), ("k8s://ns/secret", True), ("gitlab://group/p", True),
        ("$KEY_FILE", True), ("awskms:///alias/k", False), ("gcpkms://projects/p/k", False),
        ("azurekms://vault/k", False), ("hashivault://k", False), ("pkcs11:token=x", False),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "verb", ["sign", "sign-blob", "attest --type slsaprovenance1", "attest-blob --type slsaprovenance"]
)
def test_cosign_keys(key: str, within_reach: bool, verb: str) -> None:
    for flag in (f"--key {key}", f"--key={key}"):
        assert ("key" in does(f"cosign {verb} {flag} --yes {DIGEST}")) is within_reach
    assert "key" in does(f"COSIGN_KEY=k cosign {verb} {DIGEST}"), "a variable names it too"
    assert "key" not in does(f"cosign {verb} --yes {DIGEST}")


@pytest.mark.parametrize(
    ("image", "named_by_tag"),
    [
        ("ghcr.io/e/a:v1", True), ("ghcr.io/e/a", True), ("ghcr.io/e/a:$TAG", True), ("$IMAGE:$TAG", True),
        (DIGEST, False), ("$IMAGE@$DIGEST", False), ("$IMAGE", False), ("${{ steps.x.outputs.ref }}", False),
    ],
)  # fmt: skip
def test_images_named_by_tag(image: str, named_by_tag: bool) -> None:
    assert ("tag-subject" in does(f"cosign sign --yes {image}")) is named_by_tag
    assert ("tag-subject" in does(f"notation sign {image}")) is named_by_tag
    told = offer(f"cosign attest --predicate p --type slsaprovenance1 {image}").by_digest
    assert told is (True if "@" in image else False if named_by_tag else None)


@pytest.mark.parametrize(
    ("flag", "note"),
    [
        ("--tlog-upload=false", "no entry in the transparency log"), ("--insecure-ignore-tlog", "no entry"),
        ("--upload=false", "not uploaded"), ("--no-upload", "not uploaded"),
        ("--allow-insecure-registry", "insecure registry"), ("--recursive", None), ("--tlog-upload=true", None),
    ],
)  # fmt: skip
def test_what_takes_from_a_signature(flag: str, note: str | None) -> None:
    signed = acts(f"cosign sign {flag} {DIGEST}")[0].note
    told = offer(f"cosign attest {flag} --predicate p --type slsaprovenance {DIGEST}").note or ""
    assert (signed is None) if note is None else (note in (signed or "") and note in told)
    if "upload" in flag and "tlog" not in flag:
        assert offer(f"cosign attest {flag} --predicate p --type slsaprovenance {DIGEST}").distributed is False


@pytest.mark.parametrize(
    ("command", "level", "generated"),
    [
        (f"cosign attest --predicate p --type slsaprovenance02 {DIGEST}", Interval(1, 2), True),
        (f"cosign attest --predicate p --type https://slsa.dev/provenance/v1 {DIGEST}", Interval(1, 2), True),
        (f"cosign attest --key k --predicate p --type slsaprovenance {DIGEST}", Interval(1, 1), True),
        (f"cosign attest --predicate p --type $T {DIGEST}", Interval(0, 2), None),
        ("cosign attest-blob --predicate p --type slsaprovenance1 f", Interval(1, 2), True),
        ("witness run -s build -a slsa,git --signer-fulcio-url https://f -- make", Interval(1, 2), True),
        ("witness run -s build -a git --signer-file-key-path k -- make", Interval(0, 1), None),
        ("in-toto-run --step-name x --signing-key k -- make", Interval(0, 1), None),
        ("tejolote attest github://o/r/1 --sign", Interval(1, 2), True),
        ("tejolote attest github://o/r/1", Interval(1, 1), True),
        ("melange build --generate-provenance x.yaml", Interval(1, 1), True),
        ("docker buildx build --push --provenance=mode=max .", Interval(1, 1), True),
        ("docker buildx build --push --attest type=provenance,mode=max,version=v1 .", Interval(1, 1), True),
        ("docker buildx build --push '--provenance=${{ inputs.p }}' .", Interval(0, 1), None),
        ("docker buildx build -o type=image,push=true .", Interval(1, 1), True),
        ("docker build --push -t x/y --provenance=true .", Interval(1, 1), True),
        ("docker push x/y", Interval(0, 1), None),
        ("buildctl build --output type=image,name=x,push=true --opt attest:provenance=mode=max", Interval(1, 1), True),
        ("npm publish --provenance", Interval(2, 2), True),
        ("npm publish --provenance --tag next", Interval(2, 2), True),
        ("pnpm -r publish --provenance", Interval(2, 2), True),
        ("yarn npm publish --provenance", Interval(2, 2), True),
        ("npm publish --provenance-file p.json", Interval(0, 3), None),
        ("npm stage publish", Interval(0, 2), None),
        ("lerna publish from-package", Interval(0, 2), None),
        ("npx semantic-release", Interval(0, 2), None),
        ("goreleaser release", Interval(0, 1), None),
    ],
)
def test_offers(command: str, level: Interval, generated: bool | None) -> None:
    assert (offer(command).level, offer(command).generated) == (level, generated)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        # images
        ("docker --context x buildx build --push .", ["build", "publish>container registry", "attest"]),
        ("docker buildx build --load --sbom=true .", ["build", "sbom"]),
        ("docker buildx build --push -t localhost:5000/x .", ["build"]),
        ("docker buildx build --cache-to=type=gha --cache-from type=gha .", ["build", "cache"]),
        ("docker buildx bake --push --set *.attest=type=provenance,disabled=true",
         ["build", "provenance-off", "publish>container registry"]),
        ("docker buildx build --push --provenance=false --attest type=provenance,mode=max .",
         ["build", "publish>container registry", "attest"]),
        ("docker buildx imagetools create -t x y", ["publish>container registry"]),
        ("docker buildx imagetools inspect x", []),
        ("docker compose push", ["publish>container registry"]),
        ("docker compose build", ["build"]),
        ("docker compose up -d", ["code"]),
        ("docker trust sign x", ["sign", "key"]),
        ("docker manifest push x/y", ["publish>container registry"]),
        ("docker inspect --format '{{.Id}}' x", ["config-digest"]),
        ("docker inspect --format='{{index .RepoDigests 0}}' x", []),
        ("docker image inspect -f '{{ .ID }}' x", ["config-digest"]),
        ("docker run --rm -v $PWD:/w -w /w goreleaser/goreleaser:v2 release --clean",
         ["code", "build", "publish>GitHub release"]),
        ("docker run -e A=1 ghcr.io/sigstore/cosign/cosign:v3 sign --key k x@sha256:1", ["code", "sign", "key"]),
        ("docker run alpine sh -c 'npm publish --dry-run; cargo publish'", ["code", "publish>crates.io"]),
        ("podman build . && podman push --sign-by k x", ["build", "publish>container registry", "sign"]),
        ("buildah bud --iidfile i . && buildah push x", ["build", "publish>container registry"]),
        ("/kaniko/executor --destination x/y --digest-file d --cache=true",
         ["build", "publish>container registry", "cache"]),
        ("/kaniko/executor --no-push --tarPath x.tar", ["build"]),
        ("ko build --push=false ./x", ["build"]),
        ("KO_DOCKER_REPO=ko.local ko build ./x", ["build"]),
        ("ko build --sbom=none ./x", ["build", "publish>container registry"]),
        ("crane push a.tar x/y", ["publish>container registry"]),
        ("crane digest x/y", []),
        ("crane tag x/y v1", ["publish>container registry"]),
        ("skopeo copy docker://a docker://b", ["publish>container registry"]),
        ("skopeo copy docker://a dir:b", []),
        ("oras push x/y a.txt", ["publish>container registry"]),
        ("oras pull x/y", []),
        ("regctl image copy a b", ["publish>container registry"]),
        ("apko publish a.yaml x/y", ["build", "sbom", "publish>container registry"]),
        ("apko build a.yaml x out.tar --sbom=false", ["build"]),
        ("melange build a.yaml --signing-key k.rsa", ["build", "key"]),
        ("melange sign-index --signing-key k i", ["sign", "key"]),
        ("helm push a.tgz oci://x", ["publish>container registry"]),
        ("az acr build -t x .", ["publish>container registry"]),
        # signers and verifiers
        ("notation sign --plugin com.amazonaws.signer.notation.plugin x@sha256:1", ["sign"]),
        ("notation verify x", ["verify"]),
        ("cosign verify-attestation --type slsaprovenance x", ["verify"]),
        ("cosign copy a b", ["publish>container registry"]),
        ("cosign generate-key-pair", ["key"]),
        ("cosign version", []),
        ("gpg --batch --import key.asc", ["key"]),
        ("gpg --import public.asc", []),
        ("gpg --armor --detach-sign a", ["sign", "key"]),
        ("gpg --verify a.asc a", ["verify"]),
        ("witness verify -p policy", ["verify"]),
        ("python -m pypi_attestations sign dist/*", ["sign"]),
        ("slsa-verifier verify-image x --source-uri y", ["verify"]),
        ("gh attestation verify a --owner o", ["verify"]),
        ("glab attestation verify a -p g/p", ["verify"]),
        ("npm audit signatures", ["verify"]),
        ("sha256sum -c SUMS", ["verify"]),
        ("sha256sum dist/*", []),
        ("shasum -a 256 --check SUMS", ["verify"]),
        ("syft attest --output spdx-json x", ["sbom"]),
        # packages
        ("npm publish --registry http://localhost:4873", []),
        ("yarn npm publish", ["publish>npm"]),
        ("pnpm --filter a publish", ["publish>npm"]),
        ("yarn workspaces foreach npm publish", ["publish>npm"]),
        ("npx changeset publish", ["publish>npm"]),
        ("npx --yes @changesets/cli publish", ["publish>npm"]),
        ("twine upload --repository testpypi dist/*", ["publish>TestPyPI"]),
        ("twine check dist/*", []),
        ("uv publish --publish-url https://test.pypi.org/legacy/", ["publish>TestPyPI"]),
        ("uvx twine upload dist/*", ["publish>PyPI"]),
        ("uv run twine upload dist/*", ["code", "publish>PyPI"]),
        ("pipx run build", ["code"]),
        ("poetry publish --dry-run", []),
        ("python setup.py sdist bdist_wheel upload", ["code", "build", "publish>PyPI"]),
        ("python3 setup.py develop", ["code"]),
        ("maturin publish", ["publish>PyPI"]),
        ("gem build x.gemspec && gem push x.gem", ["build", "publish>RubyGems"]),
        ("bundle exec rake release", ["code", "unread-script"]),
        ("cargo workspaces publish", ["publish>crates.io"]),
        ("dotnet nuget push a.nupkg", ["publish>NuGet"]),
        ("dotnet pack -c Release", ["build"]),
        ("mvn release:prepare release:perform", ["code", "build", "publish>Maven repository"]),
        ("mvn org.sonatype.plugins:nexus-staging-maven-plugin:release", ["build", "publish>Maven repository"]),
        ("mvn compile jib:build", ["build", "build", "publish>container registry"]),
        ("mvn spring-boot:build-image -Dspring-boot.build-image.publish=true", ["build", "publish>container registry"]),
        ("gradle jib", ["build", "publish>container registry"]),
        ("gradle publishPlugins", ["build", "publish>Gradle Plugin Portal"]),
        ("gradle publishToMavenLocal", ["code"]),
        ("jreleaser sign", ["sign"]),
        ("jreleaser deploy", ["publish>Maven repository"]),
        ("bazel build --remote_cache=grpc://x //...", ["build", "cache"]),
        ("bazel build --remote_cache= //...", ["build"]),
        ("bazel run //:push", ["code", "unread-script"]),
        # releases
        ("hub release create v1", ["publish>GitHub release"]),
        ("glab release upload v1 a", ["publish>GitLab release"]),
        ("release-cli create --name v1", ["publish>GitLab release"]),
        ("gh api repos/o/r/releases -f tag_name=v1", ["publish>GitHub release"]),
        ("gh api repos/o/r/releases", []),
        ("curl --data-binary @a https://uploads.github.com/repos/o/r/releases/1/assets?name=a",
         ["publish>GitHub release"]),
        ('curl --upload-file a "$CI_API_V4_URL/projects/1/packages/generic/a/1/a"',
         ["publish>GitLab package registry"]),
        ("goreleaser release --skip publish", ["build"]),
        # scripts from the network
        ("wget -qO- https://x | sh", ["remote-script"]),
        ('sh -c "$(curl -fsSL https://x)"', ["remote-script"]),
        ("curl -sSL https://x | python3 -", ["remote-script"]),
        ("python3 <(curl -s https://x)", ["remote-script"]),
        ("curl -o i.sh https://x/i.sh && bash i.sh", ["remote-script"]),
        ("curl -O https://x/i.sh; chmod +x i.sh; ./i.sh", ["remote-script"]),
        ("curl -o i.sh https://x/i.sh && sha256sum -c S && bash i.sh", ["verify", "code", "unread-script"]),
        (f"curl -sSf https://raw.githubusercontent.com/o/r/{'a' * 40}/i.sh | bash", []),
        ("deno run -A https://x/y.ts", ["remote-script"]),
        # what runs something else
        ("bash -ec 'cargo publish'", ["publish>crates.io"]),
        ("bash <<EOF\ncargo publish\nEOF", ["publish>crates.io"]),
        ("eval 'cargo publish'", ["publish>crates.io"]),
        ("xargs -n1 docker push", ["publish>container registry"]),
        ("find . -name x | xargs -I{} twine upload {}", ["publish>PyPI"]),
        ("nix develop -c cargo publish", ["publish>crates.io"]),
        ("sudo -E env A=1 cargo publish", ["publish>crates.io"]),
        # the environment of later steps
        ('echo "A=$B" >> "$GITHUB_ENV"', ["env-write"]),
        ("echo A=1 | tee -a $GITHUB_ENV", ["env-write"]),
        ("echo /x >> $GITHUB_PATH", ["env-write"]),
        ("echo ::set-env name=A::b", ["env-write"]),
        ("echo '##vso[task.setvariable variable=A]b'", ["env-write"]),
        ("{\n echo A=1\n echo B=2\n} >> $GITHUB_ENV", ["env-write"]),
        ("echo A=1 >> $GITHUB_OUTPUT", []),
        # clients of single registries
        ("jf rt upload a b", ["publish>Artifactory"]),
        ("jf docker push x/y", ["publish>container registry"]),
        ("jf mvn clean deploy", ["publish>Artifactory"]),
        ("cloudsmith push deb a", ["publish>Cloudsmith"]),
        ("conan upload a", ["publish>Conan"]),
        ("cabal upload --publish a", ["publish>Hackage"]),
        ("tea releases create v1", ["publish>Gitea release"]),
        ("electron-builder --publish always", ["code", "unread-script"]),
        # GnuPG takes beginnings of its options' names
        ("gpg --detach-sig --armor a", ["sign", "key"]),
        ("gpg -abs a", ["sign", "key"]),
        ("gpg --sign-key a", []),
        ("gpg -v --list-keys", []),
        ("rpm --addsign a.rpm", ["sign"]),
        # variables
        ("TOOL=docker\n$TOOL push x/y", ["publish>container registry"]),
        ("ARGS='push x/y'\ndocker $ARGS", ["publish>container registry"]),
        ("export V=publish; cargo $V", ["publish>crates.io"]),
        ("if a; then V=publish; else V=check; fi; cargo $V", []),
    ],
)  # fmt: skip
def test_commands(command: str, expected: list[str]) -> None:
    assert does(command) == expected


@pytest.mark.parametrize(
    ("script", "optional"),
    [
        ("cargo publish || true", True), ("cargo publish || :", True), ("cargo publish || echo no", True),
        ("cargo publish || { echo no; }", True), ("cargo publish || { echo no; exit 1; }", False),
        ("cargo publish || exit 1", False), ("set +e\ncargo publish", None), ("set +e\nset -e\ncargo publish", False),
        ("if cargo publish; then a; fi", None), ("! cargo publish", None), ("if a; then cargo publish; fi", False),
        ("cargo publish && true", False), ("cargo publish ||\n  true", True),
    ],
)  # fmt: skip
def test_tolerated(script: str, optional: bool | None) -> None:
    assert [one.optional for one in acts(script) if one.does == "publish"] == [optional]


@pytest.mark.parametrize(
    ("script", "shell", "expected"),
    [
        ("docker push x `\n  y", "pwsh", ["publish>container registry"]),
        ("Publish-Module -Path x", "pwsh", ["publish>PowerShell Gallery"]),
        ("& 'C:\\a b\\nuget.exe' push a.nupkg", "powershell", ["publish>NuGet"]),
        ("if ($x) { docker push x/y } else { npm publish }", "pwsh", ["publish>container registry", "publish>npm"]),
        ("# docker push x\n<# npm publish\n#>\nWrite-Host 'docker push'", "pwsh", []),
        ("$d = docker inspect --format '{{.Id}}' x", "pwsh", ["config-digest"]),
        ("iwr https://x/i.ps1 | iex", "pwsh", ["remote-script"]),
        ("iex ((New-Object Net.WebClient).DownloadString('https://x'))", "pwsh", ["remote-script"]),
        ('"A=b" | Out-File -FilePath $env:GITHUB_ENV -Append', "pwsh", ["env-write"]),
        ('echo "A=b" >> $env:GITHUB_ENV', None, ["env-write"]),
        (".\\build.ps1", "pwsh", ["build"]),
        (".\\publish.ps1", "pwsh", ["code", "unread-script"]),
        ("@echo off\nREM docker push x\n:: npm publish\ncall cargo publish && gh release create v1", "cmd",
         ["publish>crates.io", "publish>GitHub release"]),
        ("if exist x (docker push ^\n x/y)", "cmd", ["publish>container registry"]),
        ("echo A=1>> %GITHUB_ENV%", "cmd", ["env-write"]),
        ("set V=publish\ncargo %V%", "cmd", ["publish>crates.io"]),
    ],
)  # fmt: skip
def test_windows(script: str, shell: str | None, expected: list[str]) -> None:
    assert does(script, shell) == expected
