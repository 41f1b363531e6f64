"""The public conformance suite of Sigstore clients, through the command line: exit 0 valid, 1 invalid."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

CASES = 47


def _cases(corpus: Path) -> list[dict[str, str]]:
    with (corpus / "bundles" / "expected.tsv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))


@pytest.mark.corpus
def test_every_case_ends_as_expected(corpus: Path, run) -> None:
    cases = _cases(corpus)
    wrong, counts = [], Counter()
    for case in cases:
        arguments = ["verify", corpus / case["bundle"], "--artifact", corpus / case["artifact"]]
        if case["key"]:
            arguments += ["--key", corpus / case["key"]]
        elif case["identity"]:
            arguments += ["--certificate-identity", case["identity"], "--certificate-oidc-issuer", case["issuer"]]
        if "/" in case["trusted_root"]:
            arguments += ["--trusted-root", corpus / case["trusted_root"]]
        ran = run(*arguments)
        counts[case["expect"], ran.code] += 1
        if ran.code != {"valid": 0, "invalid": 1}[case["expect"]] or "Traceback" in ran.err:
            wrong.append((case["case"], ran.code, ran.err[-300:]))
    print(f"conformance: {len(cases)} cases, {dict(counts)}")
    assert not wrong
    assert len(cases) == CASES
    assert sum(counts.values()) == CASES
