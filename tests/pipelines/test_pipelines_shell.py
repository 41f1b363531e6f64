"""Shell text into commands, commands into what they do."""

from __future__ import annotations

import time

import pytest

from assess.evidence import Interval, Source
from assess.pipelines._commands import recognise
from assess.pipelines._facts import Act
from assess.pipelines._shell import commands

PLACE = Source("x.yml", 10, 3)


def words(script: str) -> list[str]:
    return [" ".join(one.words) for one in commands(script) or () if one.words]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("a b; c && d || e | f & g", ["a b", "c", "d", "e", "f", "g"]),
        ("a \\\n  b\nc", ["a b", "c"]),
        ("a 'b  c' \"d 'e'\" f\\ g", ["a b  c d 'e' f g"]),
        ("# no\na # b\na#b", ["a", "a#b"]),
        ("X=1 Y=2 a b", ["a b"]),
        ("sudo -E env X=1 a; time a; timeout 10m a; exec a", ["a", "a", "a", "a"]),
        ("if a; then b; else c; fi", ["a", "b", "c"]),
        ("while ! a; do b; done", ["a", "b"]),
        ("a > out.txt 2>&1 < in && b >> $OUT", ["a", "b"]),
        ("a <<EOF\nb\nEOF\nc", ["a", "c"]),
        ("a <<-'END'\n\tb $(c)\n\tEND\nd", ["a", "d"]),
        ("a $(b $(c))", ["c", "b $(c)", "a $(b $(c))"]),
        ("a `b c`", ["b c", "a `b c`"]),
        ('a "x $(b) y"', ["b", "a x $(b) y"]),
        ("a ${{ github.ref == 'x; y' }} z", ["a ${{ github.ref == 'x; y' }} z"]),
        ("a ${X:-y z} $((1 + 2))", ["a ${X:-y z} $((1 + 2))"]),
        ("bash <(a b)", ["a b", "bash <(a b)"]),
        ("(a; b)", ["a", "b"]),
        ("'unclosed", ["unclosed"]),
        ('a "unclosed $(b', ["b", "a unclosed $(b"]),
        ("", []),
    ],
)
def test_commands(script: str, expected: list[str]) -> None:
    assert words(script) == expected


@pytest.mark.parametrize("tail", ["|| true", "|| :", "|| echo no", "||\n  true"])
def test_tolerated(tail: str) -> None:
    first = (commands(f"a b {tail}") or ())[0]
    assert first.words == ("a", "b") and first.tolerated


def test_not_tolerated() -> None:
    assert not any(one.tolerated for one in commands("a || exit 1\nb && true\ntrue\n") or ())


@pytest.mark.parametrize(
    "script", ["$(" * 60_000, "`" * 60_001, '"$(' * 30_000, "a;" * 90_000, "<<X " * 40_000, "\\" * 99_999]
)
def test_hostile_scripts(script: str) -> None:
    started = time.monotonic()
    commands(script)
    assert time.monotonic() - started < 10


def test_too_long_is_said() -> None:
    assert commands("a" * 200_001) is None
    assert [one.does for one in recognise("a" * 200_001, PLACE, {})] == ["unread-script"]


def does(script: str, **environment: str) -> list[str]:
    return [one.does for one in recognise(script, PLACE, environment)]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("go build ./...", ["build"]),
        ("go test ./...", ["code"]),
        ("go version", []),
        ("cargo publish", ["publish"]),
        ("cargo publish --dry-run", []),
        ("python -m build", ["build"]),
        ("python3 -m twine upload dist/*", ["publish"]),
        ("twine upload --dry-run dist/*", []),
        ("uv publish", ["publish"]),
        ("poetry publish --build", ["build", "publish"]),
        ("gh release create v1 a b", ["publish"]),
        ("gh release download v1", []),
        ("gh attestation verify a --repo b/c", ["verify"]),
        ("slsa-verifier verify-artifact a", ["verify"]),
        ("mvn -B -ntp deploy", ["build", "publish"]),
        ("./mvnw package", ["build"]),
        ("./gradlew publishToMavenLocal", ["code"]),
        ("./gradlew publishAllPublicationsToX", ["build", "publish"]),
        ("make test lint", ["code", "code"]),
        ("make -C sub -j 4 build", ["build"]),
        ("make release", ["code", "unread-script"]),
        ("make build-and-push", ["code", "unread-script"]),
        ("./hack/do.sh", ["code", "unread-script"]),
        ("bash scripts/deploy.sh now", ["code", "unread-script"]),
        ("bash scripts/unit-test.sh", ["code"]),
        ("bash -c 'go build'", ["build"]),
        ("$TOOL run", ["code", "unread-script"]),
        ("curl -sSf https://example.com/i.sh | sudo bash -s -- -b /bin", ["remote-script"]),
        ("bash <(curl -s https://example.com)", ["remote-script"]),
        ("curl https://example.com | jq .", []),
        ("docker build -t x . && docker push x", ["build", "publish"]),
        ("docker push localhost:5000/x", []),
        ("docker buildx build --push .", ["build", "publish", "attest"]),
        ("docker buildx build --load .", ["build"]),
        ("docker buildx build --push --provenance=false .", ["build", "provenance-off", "publish"]),
        ("docker buildx build --push --provenance false .", ["build", "provenance-off", "publish"]),
        ("docker buildx build --push --attest type=provenance,disabled=true .", ["build", "provenance-off", "publish"]),
        ("BUILDX_NO_DEFAULT_ATTESTATIONS=1 docker buildx build --push .", ["build", "provenance-off", "publish"]),
        ("docker buildx build --push --cache-from=type=gha .", ["build", "publish", "attest", "cache"]),
        ("cosign sign --yes x@sha256:1", ["sign"]),
        ("cosign sign --key env://K x", ["sign", "key", "tag-subject"]),
        ("cosign sign --key awskms:///alias/k x@sha256:1", ["sign"]),
        ("cosign attest --type slsaprovenance1 --predicate p x@sha256:1", ["attest"]),
        ("cosign attest --type cyclonedx --predicate p x@sha256:1", ["sbom"]),
        ("cosign attest --type vuln --predicate p $IMAGE", ["sign"]),
        ("npm publish", ["publish"]),
        ("npm publish --dry-run", []),
        ("npm run build", ["build"]),
        ("npm run release", ["code", "unread-script"]),
        ("pnpm publish --provenance", ["publish"]),
        ("goreleaser release --clean", ["build", "publish"]),
        ("goreleaser release --snapshot", ["build"]),
        ("goreleaser check", []),
        ("ko build ./cmd/x", ["build", "sbom", "publish"]),
        ("ko build --local ./cmd/x", ["build"]),
        ("git fetch origin pull/3/head", ["untrusted"]),
        ("gh pr checkout 3", ["untrusted"]),
        ("melange build --generate-provenance x.yaml", ["build", "attest"]),
        ("echo docker push x", []),
        ("cat <<EOF\nnpm publish\nEOF", []),
        ("# npm publish", []),
    ],
)
def test_what_commands_do(script: str, expected: list[str]) -> None:
    assert does(script) == expected


def act(script: str, kind: str, **environment: str) -> Act:
    return next(one for one in recognise(script, PLACE, environment) if one.does == kind)


def test_places_of_commands() -> None:
    found = recognise("echo\n\ngo build \\\n  ./...\ngh release create v1", PLACE, {})
    assert [(one.does, one.source.line) for one in found] == [("build", 12), ("publish", 14)]


def test_npm_provenance() -> None:
    asked = act("npm publish --provenance", "publish").offer
    assert asked is not None and (asked.generated, asked.level, asked.keyless) == (True, Interval(2, 2), True)
    by_environment = act("npm publish", "publish", NPM_CONFIG_PROVENANCE="true").offer
    assert by_environment is not None and by_environment.generated is True
    trusted = act("npm publish", "publish").offer
    assert trusted is not None and (trusted.generator, trusted.generated) == ("npm trusted publishing", None)
    token = act("npm publish", "publish", NODE_AUTH_TOKEN="${{ secrets.NPM }}").offer
    assert token is not None and (token.generator, token.generated) == ("npm publish", None)
    assert does("npm publish --provenance=false") == ["publish", "provenance-off"]


def test_cosign_attest_is_written_by_the_tenant() -> None:
    digest = act("cosign attest --type slsaprovenance --predicate p img@${DIGEST}", "attest").offer
    assert digest is not None
    assert (digest.authored_by_tenant, digest.level, digest.by_digest) == (True, Interval(1, 2), True)
    key = act("cosign attest --key cosign.key --type slsaprovenance --predicate p img:v1", "attest").offer
    assert key is not None and (key.level, key.by_digest, key.keyless) == (Interval(1, 1), False, False)
    unsure = act("cosign attest --type $TYPE --predicate p img:v1", "attest").offer
    assert unsure is not None and unsure.generated is None


def test_tolerated_provenance_is_optional() -> None:
    assert act("npm publish --provenance || true", "publish").optional
    assert not act("npm publish --provenance", "publish").optional
