"""Inclusion proofs of small trees, all of them; checkpoints as text, well formed and not."""

from __future__ import annotations

import base64
import contextlib
import hashlib

import pytest
from virtual_authorities import leaf_hash, merkle_path, merkle_root

from assess.attestations.envelope import InclusionProof
from assess.trust._outcome import RefusedError
from assess.trust.log import MAX_NOTE_SIGNATURES, inclusion_root, read_checkpoint

ROOT = hashlib.sha256(b"root").digest()
LINE = "\u2014 log.example " + base64.b64encode(b"hint" + b"signature").decode()
NOTE = f"log.example\n7\n{base64.b64encode(ROOT).decode()}\n"


def proof_of(index: int, size: int, hashes: tuple[bytes, ...]) -> InclusionProof:
    return InclusionProof(index, b"", size, hashes, None)


def test_every_leaf_of_every_small_tree() -> None:
    for size in range(1, 34):
        bodies = [f"leaf {number}".encode() for number in range(size)]
        leaves = [leaf_hash(body) for body in bodies]
        root = merkle_root(leaves)
        for index, body in enumerate(bodies):
            path = tuple(merkle_path(leaves, index))
            assert inclusion_root(body, proof_of(index, size, path)) == root
            assert inclusion_root(body + b"x", proof_of(index, size, path)) != root
            if size > 1:
                wrong = (index + 1) % size
                with contextlib.suppress(RefusedError):
                    assert inclusion_root(body, proof_of(wrong, size, path)) != root


@pytest.mark.parametrize(
    ("index", "size", "hashes"),
    [
        (0, 0, ()),
        (1, 1, ()),
        (-1, 2, (ROOT,)),
        (0, 2, ()),
        (0, 1, (ROOT,)),
        (0, 2, (ROOT[:-1],)),
        (0, 1 << 63, (ROOT,) * 63),
        (5, 3, (ROOT,)),
    ],
)
def test_impossible_proofs(index: int, size: int, hashes: tuple[bytes, ...]) -> None:
    with pytest.raises(RefusedError):
        inclusion_root(b"leaf", proof_of(index, size, hashes))


def test_checkpoint() -> None:
    checkpoint = read_checkpoint(f"{NOTE}\n{LINE}\n")
    assert (checkpoint.origin, checkpoint.size, checkpoint.root_hash) == ("log.example", 7, ROOT)
    assert checkpoint.signed == NOTE.encode()
    assert checkpoint.signatures == (("log.example", b"hint", b"signature"),)
    more = read_checkpoint(f"{NOTE}Timestamp: 1689176078293604600\nmore\n\n{LINE}\n{LINE}\n")
    assert more.signed.endswith(b"more\n")
    assert len(more.signatures) == 2


MALFORMED = [
    "",
    NOTE,
    f"{NOTE}\n",
    f"{NOTE}\n\n{LINE}\n",
    f"{NOTE}\n{LINE}",
    f"{NOTE}\n{LINE}\n\n",
    f"{NOTE}\n{LINE}\n\n{LINE}\n",
    f"{NOTE}\n{LINE}\nnot a signature\n",
    f"{NOTE}\n- log.example aGludHNpZ25hdHVyZQ==\n",
    f"{NOTE}\n\u2014 log.example aGludA==\n",
    f"{NOTE}\n\u2014 log.example @@@@\n",
    f"{NOTE}\n\u2014 log example aGludHNpZ25hdHVyZQ==\n",
    f"\n{NOTE}\n{LINE}\n",
    f"log.example\n7\n\n{LINE}\n",
    f"log.example\n07\n{base64.b64encode(ROOT).decode()}\n\n{LINE}\n",
    f"log.example\n-7\n{base64.b64encode(ROOT).decode()}\n\n{LINE}\n",
    f"log.example\n\u0667\n{base64.b64encode(ROOT).decode()}\n\n{LINE}\n",
    f"log.example\n7\n!\n\n{LINE}\n",
    f"{NOTE}\n" + f"{LINE}\n" * (MAX_NOTE_SIGNATURES + 1),
    f"{NOTE}" + "x" * 70_000 + f"\n\n{LINE}\n",
    f"{NOTE}\ud800\n\n{LINE}\n",
]


@pytest.mark.parametrize("text", MALFORMED)
def test_malformed_checkpoints(text: str) -> None:
    with pytest.raises(RefusedError, match="checkpoint"):
        read_checkpoint(text)
