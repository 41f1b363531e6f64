"""What is fuzzed: every opener and the verifier, with the project's own seeds; nothing but `assess.errors` may leave.

A target takes bytes and returns whether they were read. It raises `BrokenError` where a law of the project is broken;
any other exception that leaves it is a finding too.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import fuzz_images
import virtual_layouts
import virtual_summaries
from virtual_keys import pem_of
from virtual_sigstore import VirtualSigstore, generator_run, provenance_v02, provenance_v1, subject_of

from assess.artifacts import Artifact
from assess.attestations.containers import read_container
from assess.attestations.envelope import Opened
from assess.errors import AssessError
from assess.evidence import Digest, Subject
from assess.examine import Examined, Trust, examine
from assess.report.json import dump_assessment, load_assessment
from assess.trust.keys import load_public_key
from assess.trust.platforms import load_platforms
from assess.trust.roots import load_trusted_root

ROOT = Path(__file__).resolve().parent.parent
DATA = b"widget 1.4.2\n"
VS = VirtualSigstore()
STATEMENT = provenance_v1([subject_of("widget.whl", DATA)])


class BrokenError(AssertionError):
    """A law of the project does not hold for this input."""


@dataclass(frozen=True)
class Target:
    """One thing to fuzz; `seeds` are genuine inputs."""

    run: Callable[[bytes], bool]
    seeds: Callable[[], tuple[bytes, ...]]


@cache
def bundles() -> tuple[bytes, ...]:
    """Bundles and envelopes that verify: both logs, all versions, timestamps, keys, message signatures."""
    old = provenance_v02([subject_of("widget.whl", DATA)])
    run = generator_run()
    made = (
        VS.sign_statement(STATEMENT),
        VS.sign_statement(STATEMENT, log="v1", tsa=True),
        VS.sign_statement(STATEMENT, log="v2"),
        VS.sign_statement(STATEMENT, log="v2", kind="hashedrekord"),
        VS.sign_statement(STATEMENT, bundle_version="0.1", proof=True),
        VS.sign_statement(STATEMENT, bundle_version="0.2", kind="intoto"),
        VS.sign_statement(old, kind="intoto-0.0.1", run=run),
        VS.sign_statement(STATEMENT, keyed="release"),
        VS.sign_statement(STATEMENT, witness=True),
        VS.sign_blob(DATA),
        VS.sign_blob(DATA, log="v2"),
        VS.sign_bare(STATEMENT, key=VS.managed_key()),
    )
    return tuple(json.dumps(one).encode() for one in made)


@cache
def attestations() -> tuple[bytes, ...]:
    """`bundles()`, and the other containers: statements, summaries, layouts, links, arrays, lines."""
    one, two = bundles()[0], bundles()[2]
    plain, enveloped = virtual_layouts.Supply(), virtual_layouts.Supply(dsse=True)
    npm = {"attestations": [{"predicateType": "https://slsa.dev/provenance/v1", "bundle": json.loads(one)}]}
    github = {"attestations": [{"repository_id": 1, "bundle": json.loads(one)}]}
    return (
        *bundles(),
        json.dumps(STATEMENT).encode(),
        json.dumps(npm).encode(),
        json.dumps(github).encode(),
        b"[" + one + b"," + two + b"]",
        one + b"\n" + two + b"\n",
        virtual_summaries.envelope(virtual_summaries.summary()),
        json.dumps(VS.sign_bare(STATEMENT)).encode(),
        *(data for supply in (plain, enveloped) for data in (supply.layout_bytes(), *supply.links().values())),
        *(path.read_bytes() for path in sorted((ROOT / "examples" / "lookalikes").glob("*.json"))),
    )


def openers(data: bytes) -> bool:
    """Container, statement, and the predicate or metadata in it."""
    from assess.attestations.metablock import announces_metadata, read_metadata
    from assess.attestations.others import describe, read_collection
    from assess.attestations.predicates import kind_of, read_provenance
    from assess.attestations.statement import read_statement
    from assess.attestations.summaries import read_summary

    read = False
    for opened in _opened(data):
        try:
            if announces_metadata(opened):
                read_metadata(opened)
                read = True
                continue
            describe(opened, None)
            statement = read_statement(opened)
            describe(opened, statement)
            read_collection(statement)
            match kind_of(statement.predicate_type):
                case "provenance":
                    read_provenance(opened, statement)
                case "summary":
                    read_summary(opened, statement)
            read = True
        except AssessError:
            continue
    return read


def _opened(data: bytes) -> tuple[Opened, ...]:
    try:
        return read_container(data, "input").opened
    except AssessError:
        return ()


@cache
def trust() -> Trust:
    """The virtual Sigstore and its managed key."""
    key = load_public_key(pem_of(VS.managed_key()), "key")
    return Trust((load_trusted_root(VS.trusted_root(), "root"),), load_platforms(), (key,))


@cache
def artifact() -> Artifact:
    """The artifact that the seeds are about."""
    return Artifact(Subject("widget.whl", (Digest("sha256", hashlib.sha256(DATA).hexdigest()),)))


def fingerprint(one: Examined) -> tuple[object, ...]:
    """What a verified signature says: content, who signed it, and the times that it was proved for."""
    envelope, message = one.opened.envelope, one.opened.message
    content = (envelope.payload_type, envelope.payload) if envelope is not None else message is not None
    return content, one.verification.signer


@cache
def genuine() -> frozenset[tuple[object, ...]]:
    """Fingerprints of what the seeds say."""
    examined = [examine(one, artifact(), trust()) for data in bundles() for one in _opened(data)]
    for one in examined:
        if one.signature != "verified":
            raise BrokenError(f"a seed does not verify: {one.verification.note}")
    return frozenset(fingerprint(one) for one in examined)


def verifier(data: bytes) -> bool:
    """Everything that `examine` does; what comes out as verified must be what the seeds' signers signed."""
    read = False
    for opened in _opened(data):
        result = examine(opened, artifact(), trust())
        if result.signature == "verified":
            read = True
            if fingerprint(result) not in genuine():
                raise BrokenError("verified, and nobody signed this")
    return read


def _accepts(action: Callable[[], object]) -> bool:
    try:
        action()
    except AssessError:
        return False
    return True


def trusted_root(data: bytes) -> bool:
    """The loader of trusted roots, and what is loaded verifies without a crash."""
    from assess.trust.verify import verify

    try:
        root = load_trusted_root(data, "root")
    except AssessError:
        return False
    for bundle in (bundles()[1], bundles()[2]):
        verify(_opened(bundle)[0], root=root)
    return True


def pipeline(data: bytes) -> bool:
    """YAML with positions, the pipeline reader and the releases in what it read."""
    from assess import _yaml
    from assess.pipelines import read_pipeline_file

    if not _accepts(lambda: [_yaml.plain(one) for one in _yaml.read(data, "input").roots]):
        return False
    return not read_pipeline_file(".github/workflows/ci.yml", data).unreadable


@cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="slsa-assess-fuzz-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def rules(data: bytes) -> bool:
    """The rule loader, and the inline tests of what it loaded."""
    from assess.levels import load_pack
    from assess.rule_tests import run_tests

    name = re.search(rb"^id: build\.([a-z-]{1,40})$", data, re.MULTILINE)
    level = re.search(rb"^level: ([1-4])$", data, re.MULTILINE)
    path = _folder() / "rules" / "build" / f"l{level[1].decode() if level else 1}" / "rule.yaml"
    path = path.with_stem(name[1].decode()) if name else path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    try:
        return _accepts(lambda: run_tests(load_pack((_folder() / "rules",))))
    finally:
        path.unlink()


def platforms(data: bytes) -> bool:
    """The loader of platforms files."""
    (_folder() / "platforms.yaml").write_bytes(data)
    return _accepts(lambda: load_platforms((_folder() / "platforms.yaml",)))


def project(data: bytes) -> bool:
    """The loaders of project files and of expectation locks."""
    from assess.lock import load_lock
    from assess.project import load_project

    path = _folder() / "slsa-assess.yaml"
    path.write_bytes(data)
    loaded = _accepts(lambda: load_project(path))
    return _accepts(lambda: load_lock(path)) or loaded


def report(data: bytes) -> bool:
    """The report loader; what it accepts dumps and loads again to the same, and renders."""
    from assess.report import render

    try:
        assessment = load_assessment(data.decode(errors="surrogateescape"), "input")
    except AssessError:
        return False
    again = load_assessment(dump_assessment(assessment), "again")
    if dump_assessment(again) != dump_assessment(assessment):
        raise BrokenError("a report does not load again to the same")
    for name in ("terminal", "markdown", "html"):
        render(assessment, name)
    return True


def _files(folder: Path, pattern: str) -> tuple[bytes, ...]:
    return tuple(path.read_bytes() for path in sorted(folder.rglob(pattern)) if path.is_file())


@cache
def reports() -> tuple[bytes, ...]:
    """The samples of the renderers' tests."""
    import sys

    sys.path.insert(0, str(ROOT / "tests" / "report"))
    import sample

    made = (sample.simple(), sample.empty(), sample.pipelines_only(), sample.rich())
    return tuple(dump_assessment(one).encode() for one in made)


ALIASES = b"\n".join(
    (
        b"a0: &a0 " + b"[" * 90 + b"1" + b"]" * 90,
        *(f"a{n}: &a{n} {'[' * 90}*a{n - 1}{']' * 90}".encode() for n in range(1, 40)),
    )
)
"""Aliases within aliases: no bracket is deeper than the limit, and what they mean is 3,600 levels deep."""

LOCK = b"version: 1\nartifacts:\n  widget.whl:\n    source_uri: https://github.com/example-org/widget\n"
ANSWERS = b"answers:\n- {question: control-plane.generates-provenance, answer: 'yes', by: R, date: '2025-10-01'}\n"

TARGETS: dict[str, Target] = {
    "openers": Target(openers, attestations),
    "verifier": Target(verifier, bundles),
    "trusted-root": Target(trusted_root, lambda: (VS.trusted_root(),)),
    "pipeline": Target(pipeline, lambda: (*_files(ROOT / "tests" / "fixtures", "*.yml"), ALIASES)),
    "rules": Target(rules, lambda: (*_files(ROOT / "levels" / "build", "*.yaml"), ALIASES)),
    "platforms": Target(platforms, lambda: (*_files(ROOT / "levels", "platforms.yaml"), ALIASES)),
    "project": Target(project, lambda: (*_files(ROOT / "examples", "slsa-assess.yaml"), LOCK, ANSWERS, ALIASES)),
    "report": Target(report, reports),
    "image-manifest": Target(fuzz_images.manifest, fuzz_images.manifests),
    "image-archive": Target(fuzz_images.archive, fuzz_images.archives),
    "image-login": Target(fuzz_images.login, lambda: fuzz_images.LOGINS),
}
