"""Every file of the corpus that is or surrounds an attestation: understood, or unreadable with a reason.

The table in docs/attestation-families.md is this test's own; SLSA_ASSESS_UPDATE=1 writes it anew.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from assess.attestations.containers import read_container
from assess.errors import InputError
from assess.examine import Trust, examine
from assess.trust.known_keys import known_keys
from assess.trust.platforms import load_platforms
from assess.trust.roots import github, public_good

TABLE = Path(__file__).resolve().parent.parent / "docs" / "attestation-families.md"
COLUMNS = (
    "understood",
    "verified",
    "unsigned",
    "not provable offline",
    "failed",
    "unreadable inside",
    "no attestation",
)
HEAD = """# Attestations of the wild, family by family

Each line is one family of the test corpus (real files of public projects, many of them broken on purpose), each number
an attestation: `understood` counts those that were opened and whose payload was read; of all that were opened,
`verified`, `unsigned`, `not provable offline` and `failed` say how the signature fares with the built-in roots and keys
(a signature by somebody's own key is not provable without that key, or fails where a bundle names it).
`unreadable inside` are those that opened and whose payload is no statement, `no attestation` are whole files:
artifacts, keys, certificates, other documents, and what is damaged beyond reading. Bundles of the conformance suite
need the trusted root or the artifact of their case, so they fail here. Kept current by
tests/test_attestation_families.py.

"""


def _families(corpus: Path) -> dict[str, Counter[str]]:
    trust = Trust((public_good(), github()), load_platforms(), known=known_keys())
    families: dict[str, Counter[str]] = {}
    for top in ("provenance", "bundles"):
        for path in sorted((corpus / top).rglob("*")):
            if path.is_file() and path.parent != corpus / top:
                name = path.relative_to(corpus / top).parts[0]
                _count(path, trust, families.setdefault(name, Counter()))
    return families


def _count(path: Path, trust: Trust, counts: Counter[str]) -> None:
    try:
        container = read_container(path.read_bytes(), path.name)
    except InputError as error:
        assert error.message, path
        counts["no attestation"] += 1
        return
    for opened in container.opened:
        examined = examine(opened, None, trust)
        state = {"verified": "verified", "absent": "unsigned", "failed": "failed", None: "not provable offline"}
        counts[state[examined.signature]] += 1
        assert examined.unreadable is None or examined.unreadable.reason, path
        counts["understood" if examined.unreadable is None else "unreadable inside"] += 1
    counts["unreadable inside"] += len(container.ignored)


def _table(families: dict[str, Counter[str]]) -> str:
    rows = [f"| family | {' | '.join(COLUMNS)} |", f"| --- |{' ---: |' * len(COLUMNS)}"]
    for name, counts in sorted(families.items()):
        rows.append(f"| {name} | {' | '.join(str(counts[column] or '') for column in COLUMNS)} |")
    total: Counter[str] = sum(families.values(), Counter())
    rows.append(f"| **all** | {' | '.join(str(total[column]) for column in COLUMNS)} |")
    return HEAD + "\n".join(rows) + "\n"


@pytest.mark.corpus
def test_every_family_is_as_documented(corpus: Path) -> None:
    families = _families(corpus)
    table = _table(families)
    print(table)
    if os.environ.get("SLSA_ASSESS_UPDATE"):
        TABLE.write_text(table, encoding="utf-8")
    assert table == TABLE.read_text(encoding="utf-8"), "run again with SLSA_ASSESS_UPDATE=1 and look at the difference"
    total: Counter[str] = sum(families.values(), Counter())
    assert total["verified"] >= 135
    assert total["understood"] >= 430
    # Payloads that were broken on purpose, and kinds of statement that nobody has documented.
    assert total["unreadable inside"] <= 40


WHOLE = (
    ("pep740", "verified", 4),
    ("npm-cli", "verified", 4),
    ("slsa-verifier-npm", "verified", 12),
    ("slsa-verifier-bcr", "verified", 2),
    ("slsa-verifier-gcb", "verified", 10),
    ("github-cli", "verified", 7),
)


@pytest.mark.corpus
@pytest.mark.parametrize(("family", "column", "least"), WHOLE)
def test_families_that_were_out_of_reach(corpus: Path, family: str, column: str, least: int) -> None:
    assert _families_of(corpus, family)[column] >= least


def _families_of(corpus: Path, family: str) -> Counter[str]:
    trust = Trust((public_good(), github()), load_platforms(), known=known_keys())
    counts: Counter[str] = Counter()
    for top in ("provenance", "bundles"):
        for path in sorted((corpus / top / family).rglob("*")):
            if path.is_file():
                _count(path, trust, counts)
    return counts
