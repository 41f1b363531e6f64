"""In-toto layouts and links made with in-toto's own API and keys that are the same in every run."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from in_toto.models.layout import Inspection, Layout, Step
from in_toto.models.link import Link
from in_toto.models.metadata import Envelope, Metablock, Metadata
from securesystemslib.signer import CryptoSigner
from virtual_keys import derive_key, pem_of

from assess.trust.keys import PublicKey, load_public_key

AT = datetime(2026, 11, 24, tzinfo=UTC)
FOO = {"foo.py": {"sha256": "aa" * 32}}
TAR = {"foo.tar.gz": {"sha256": "bb" * 32}}


def signer(name: str, algorithm: str = "ed25519") -> CryptoSigner:
    return CryptoSigner(derive_key("layouts", name, algorithm))


def public(name: str, algorithm: str = "ed25519") -> PublicKey:
    return load_public_key(pem_of(derive_key("layouts", name, algorithm)), name)


def as_dict(one: CryptoSigner) -> dict[str, Any]:
    return {"keyid": one.public_key.keyid, **one.public_key.to_dict()}


def dumped(payload: Any, *signers: CryptoSigner, dsse: bool = False) -> bytes:
    """A layout or link, signed, as the bytes of its file."""
    metadata: Metadata = Envelope.from_signable(payload) if dsse else Metablock(signed=payload)
    for one in signers:
        metadata.create_signature(one)
    return json.dumps(metadata.to_dict()).encode()


def file_name(step: str, one: CryptoSigner) -> str:
    return f"{step}.{one.public_key.keyid[:8]}.link"


@dataclass
class Supply:
    """A supply chain of two steps, `write` and `package`, that holds; each test changes one thing of it."""

    dsse: bool = False
    algorithm: str = "ed25519"
    threshold: int = 1
    expires: str = "2199-01-01T00:00:00Z"
    inspect: tuple[Inspection, ...] = ()
    write_by: tuple[str, ...] = ("alice",)
    authorised: tuple[str, ...] = ("alice", "carol")
    package_materials: dict[str, Any] = field(default_factory=lambda: FOO)
    write_products: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Products of `write` by functionary, where they are not FOO."""
    keys: dict[str, Any] = field(default_factory=dict)
    """More keys of the layout."""

    def signer(self, name: str) -> CryptoSigner:
        return signer(name, self.algorithm)

    def layout(self) -> Layout:
        named = {*self.authorised, "bob"}
        keys = {one.public_key.keyid: as_dict(one) for one in map(self.signer, sorted(named))}
        write = Step(
            name="write",
            pubkeys=[self.signer(name).public_key.keyid for name in self.authorised],
            threshold=self.threshold,
            expected_products=[["CREATE", "foo.py"], ["DISALLOW", "*"]],
        )
        package = Step(
            name="package",
            pubkeys=[self.signer("bob").public_key.keyid],
            expected_command=["tar", "zcf"],
            expected_materials=[["MATCH", "foo.py", "WITH", "PRODUCTS", "FROM", "write"], ["DISALLOW", "*"]],
            expected_products=[["CREATE", "foo.tar.gz"], ["DISALLOW", "*"]],
        )
        return Layout(
            steps=[write, package], inspect=list(self.inspect), keys={**keys, **self.keys}, expires=self.expires
        )

    def links(self) -> dict[str, bytes]:
        found = {}
        for name in self.write_by:
            one = self.signer(name)
            link = Link(name="write", materials={}, products=self.write_products.get(name, FOO), command=["vi"])
            found[file_name("write", one)] = dumped(link, one, dsse=self.dsse)
        bob = self.signer("bob")
        link = Link(name="package", materials=self.package_materials, products=TAR, command=["tar", "zcf"])
        found[file_name("package", bob)] = dumped(link, bob, dsse=self.dsse)
        return found

    def layout_bytes(self, owner: str = "owner") -> bytes:
        return dumped(self.layout(), self.signer(owner), dsse=self.dsse)

    def owner(self, name: str = "owner") -> PublicKey:
        return public(name, self.algorithm)

    def write(self, folder: Path) -> Path:
        """The files, as in-toto's own verification wants them; the layout's path."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in self.links().items():
            (folder / name).write_bytes(data)
        layout = folder / "root.layout"
        layout.write_bytes(self.layout_bytes())
        (folder / "owner.pub").write_bytes(pem_of(derive_key("layouts", "owner", self.algorithm)))
        return layout
