"""A plan's trust material as one value: roots, keys, platforms, identity, verifiers, and the files they came from."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from assess.assessment import Input
from assess.examine import Trust
from assess.files import OWN_LIMIT, read_file
from assess.plan import IdentityPlan, Plan, VerifierPlan

if TYPE_CHECKING:
    from assess.trust.roots import TrustedRoot
    from assess.trust.verifiers import Verifier


def load_trust(plan: Plan) -> tuple[Trust, tuple[str, ...], list[Input]]:
    """Roots, keys, platforms and identity of a plan, with what describes them and the files that were read."""
    from assess.trust.keys import load_public_key
    from assess.trust.platforms import load_platforms
    from assess.trust.roots import github, load_trusted_root, public_good
    from assess.trust.verify import IdentityPolicy

    inputs: list[Input] = []
    if plan.trusted_root is not None:
        data = read_file(plan.trusted_root, OWN_LIMIT, "trusted root")
        shown = _shown(plan.trusted_root, plan)
        roots: tuple[TrustedRoot, ...] = (replace(load_trusted_root(data, str(plan.trusted_root)), origin=shown),)
        inputs.append(Input("trusted-root", shown, sha256(data).hexdigest()))
    else:
        roots = (public_good(), github())
    keys = []
    for path in plan.keys:
        data = read_file(path, OWN_LIMIT, "public key")
        keys.append(load_public_key(data, str(path)))
        inputs.append(Input("key", _shown(path, plan), sha256(data).hexdigest()))
    for path in plan.platforms:
        data = read_file(path, OWN_LIMIT, "platforms file")
        inputs.append(Input("platforms", _shown(path, plan), sha256(data).hexdigest()))
    wanted = plan.identity
    identity = (
        IdentityPolicy(identity=wanted.identity, identity_regexp=wanted.identity_regexp, issuer=wanted.issuer)
        if wanted != IdentityPlan()
        else None
    )
    verifiers, verifier_inputs = _load_verifiers(plan.verifiers)
    trust = Trust(
        roots,
        load_platforms(plan.platforms),
        tuple(keys),
        identity,
        plan.profile,
        ask_services=True,
        verifiers=verifiers,
        online=plan.online,
        rekor_url=plan.rekor_url,
    )
    inputs += verifier_inputs
    return trust, tuple(_described(root) for root in roots), inputs


def _shown(path: Path, plan: Plan) -> str:
    """The path as seen from the project, so that reports do not tell where the project lies."""
    return str(path.relative_to(plan.folder)) if path.is_relative_to(plan.folder) else str(path)


def _load_verifiers(plans: tuple[VerifierPlan, ...]) -> tuple[tuple[Verifier, ...], list[Input]]:
    from assess.trust.keys import load_public_key
    from assess.trust.verifiers import Verifier
    from assess.trust.verify import IdentityPolicy

    verifiers: list[Verifier] = []
    inputs: list[Input] = []
    for one in plans:
        if one.key is None:
            identity = IdentityPolicy(identity=one.identity.identity, issuer=one.identity.issuer)
            verifiers.append(Verifier(one.id, one.resource_uri, one.cap, identity=identity))
            continue
        data = read_file(one.key, OWN_LIMIT, "public key")
        key = replace(load_public_key(data, str(one.key)), hint=one.key_id)
        verifiers.append(Verifier(one.id, one.resource_uri, one.cap, key))
        inputs.append(Input("key", str(one.key), sha256(data).hexdigest()))
    return tuple(verifiers), inputs


def _described(root: TrustedRoot) -> str:
    dated = f", dated {root.dated}" if root.dated else ""
    return f"{root.name} ({root.origin}{dated}, sha256 {root.sha256})"
