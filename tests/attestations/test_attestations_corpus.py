"""Every real attestation of the corpus: no crash, known counts, and what was not understood by reason."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from assess.attestations.containers import read_container
from assess.attestations.predicates import kind_of, read_provenance
from assess.attestations.statement import read_statement
from assess.errors import InputError

pytestmark = pytest.mark.corpus


def _files(corpus: Path) -> Iterator[Path]:
    for folder in ("provenance", "bundles"):
        yield from sorted(path for path in (corpus / folder).rglob("*") if path.is_file())


def test_all_files(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    containers: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    recognised: Counter[object] = Counter()
    unreadable: Counter[str] = Counter()
    files = 0
    for path in _files(corpus):
        files += 1
        try:
            container = read_container(path.read_bytes(), path.name)
        except InputError as error:
            unreadable[f"file: {error.message[:70]}"] += 1
            continue
        for opened in container.opened:
            containers[opened.container] += 1
            try:
                statement = read_statement(opened)
                kinds[kind_of(statement.predicate_type)] += 1
                if kind_of(statement.predicate_type) == "provenance":
                    process = read_provenance(opened, statement).process
                    recognised[process.recognised if process is not None else None] += 1
            except InputError as error:
                unreadable[f"payload: {error.message[:70]}"] += 1
    with capsys.disabled():
        print(f"\n{files} files; {dict(containers)}; {dict(kinds)}; recognised {dict(recognised)}")
        for reason, count in unreadable.most_common(12):
            print(f"  {count:4} {reason}")
    assert files > 700
    assert containers["dsse"] >= 110
    assert sum(count for name, count in containers.items() if name.startswith("sigstore-bundle")) >= 155
    assert kinds["provenance"] >= 185
    assert recognised[True] >= 165


def test_conformance_bundles_that_must_fail_at_opening(corpus: Path) -> None:
    """Cases of the public suite whose fault is the container itself: each is refused or has a defect."""
    root = corpus / "bundles/sigstore-conformance/sigstore+sigstore-conformance/test/assets/bundle-verify"
    for case in (
        "bundle-unknown-version_fail",
        "bundle-empty-certificate-chain_fail",
        "bundle-malformed-json_fail",
        "intoto-missing-inclusion-proof_fail",
        "rekor2-no-inclusion-proof_fail",
    ):
        try:
            (opened,) = read_container((root / case / "bundle.sigstore.json").read_bytes(), case).opened
        except InputError:
            continue
        assert opened.defects, case


def test_valid_conformance_bundles_have_no_defects(corpus: Path) -> None:
    root = corpus / "bundles/sigstore-conformance/sigstore+sigstore-conformance/test/assets/bundle-verify"
    cases = sorted(folder for folder in root.iterdir() if folder.is_dir() and not folder.name.endswith("_fail"))
    assert len(cases) >= 8
    for case in cases:
        path = case / "bundle.sigstore.json"
        if path.is_file():
            (opened,) = read_container(path.read_bytes(), case.name).opened
            assert opened.defects == (), (case.name, opened.defects)


def _mutations(data: bytes, count: int, seed: int) -> Iterator[bytes]:
    chance = random.Random(seed)
    tokens = (b"null", b"[]", b"{}", b"-1", b'""', b'"x"', b"true", b"1e9", b"[[]]", b'{"a":{}}', b"\\u0000", b"\xff")
    for _ in range(count):
        start = chance.randrange(len(data))
        length = chance.choice((0, 1, 1, 3, 20, 200))
        yield data[:start] + chance.choice(tokens) + data[start + length :]


def test_mutations_raise_nothing_but_input_errors(corpus: Path) -> None:
    """Random damage to real containers and to the payloads inside them."""
    samples = [path for path in _files(corpus) if path.stat().st_size < 30_000][::23]
    seen = 0
    for number, path in enumerate(samples):
        for data in _mutations(path.read_bytes(), 25, number):
            seen += 1
            try:
                opened = read_container(data, "f").opened
                for one in opened:
                    read_provenance(one, read_statement(one))
            except InputError as error:
                assert error.message
    assert seen > 500


def test_damaged_predicates_raise_nothing_but_input_errors(corpus: Path) -> None:
    """Each value of a real predicate replaced by one of another type."""
    path = next(one for one in _files(corpus) if one.name.endswith("v14.2.build.slsa") and "gha_delegator" in str(one))
    (opened,) = read_container(path.read_bytes(), path.name).opened
    payload = json.loads(opened.payload or b"")
    count = 0
    for pointer in _places(payload, ()):
        for value in (None, 7, "x", [], {}, [{}], {"a": "b"}, True):
            changed = json.loads(opened.payload or b"")
            node = changed
            for key in pointer[:-1]:
                node = node[key]
            node[pointer[-1]] = value
            one = type(opened)(opened.source, "statement", "0", statement=json.dumps(changed).encode())
            count += 1
            try:
                read_provenance(one, read_statement(one))
            except InputError as error:
                assert "#/" in (error.place or "") or "predicate type" in error.message
    assert count > 200


def _places(value: object, pointer: tuple[object, ...]) -> Iterator[tuple[object, ...]]:
    if len(pointer) > 4:
        return
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*pointer, key)
        yield from _places(item, (*pointer, key))
