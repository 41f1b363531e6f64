"""What one run is asked for: flags and project file already made one. Data only."""

from __future__ import annotations

from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from assess._frozen import frozen
from assess.assessment import Input, Waiver
from assess.evidence import Answer
from assess.expectations import Expectations
from assess.layouts import LayoutPlan
from assess.scoring import Gate
from assess.vsa import VsaPlan

if TYPE_CHECKING:
    from assess.images.opening import ImageOptions


@frozen
class Named:
    """A file that the user named: how it was written, which reports show, and where it is (None: standard input)."""

    shown: str
    path: Path | None


@frozen
class ArtifactPlan:
    """One artifact to assess: `FILE` or `algorithm:hex`, with the attestations and expectations of its own."""

    text: str
    name: str | None = None
    attestations: tuple[Named, ...] = ()
    expectations: Expectations | None = None
    folder: Path = Path()


@frozen
class IdentityPlan:
    """The identity that signatures must have; texts as the user gave them."""

    identity: str | None = None
    identity_regexp: str | None = None
    issuer: str | None = None


LOCAL = ("oci:", "oci-archive:", "docker-archive:")
"""How images that are not in a registry are written."""


@frozen
class ImagePlan:
    """One image to assess, as it was named, with who must have signed it and its own expectations."""

    text: str
    platform: str | None = None
    """`linux/amd64`: only this platform of an index."""
    key: Path | None = None
    """PEM public key that must have signed the image; or else `identity`."""
    identity: IdentityPlan = IdentityPlan()
    expectations: Expectations | None = None


@frozen
class VerifierPlan:
    """A verifier whose summaries (VSA) count, as the user lists it; either `key` or `identity`."""

    id: str
    resource_uri: str
    cap: int
    key: Path | None = None
    key_id: str | None = None
    identity: IdentityPlan = IdentityPlan()


@frozen
class Plan:
    """Everything that one run is asked for; flags and project file are already one."""

    time: str
    project: str = ""
    folder: Path = Path()
    artifacts: tuple[ArtifactPlan, ...] = ()
    attestations: tuple[Named, ...] = ()
    """For every artifact."""
    stdin: bytes = b""
    expectations: Expectations = field(default_factory=Expectations)
    spec: str = "1.2"
    rules: tuple[Path, ...] = ()
    profile: Literal["vendor", "strict"] = "vendor"
    trusted_root: Path | None = None
    keys: tuple[Path, ...] = ()
    platforms: tuple[Path, ...] = ()
    identity: IdentityPlan = IdentityPlan()
    verifiers: tuple[VerifierPlan, ...] = ()
    vsa: VsaPlan = field(default_factory=VsaPlan)
    answers: tuple[Answer, ...] | None = None
    waivers: tuple[Waiver, ...] = ()
    gate: Gate = field(default_factory=Gate)
    inputs: tuple[Input, ...] = ()
    instead: tuple[tuple[str, bytes], ...] = ()
    """Pipeline files (path in the project) as they would be; the disk is not asked for them."""
    layouts: tuple[LayoutPlan, ...] = ()
    online: bool = False
    """Ask a transparency log for the entries of attestations that came without one."""
    rekor_url: str | None = None
    images: tuple[ImagePlan, ...] = ()
    registries: ImageOptions | None = None
    """How registries are asked; None: with the defaults."""
    sarif: tuple[Named, ...] = ()
    """Other tools' findings to take in."""
