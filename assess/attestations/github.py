"""GitHub's answers about artifact attestations: of its API and of `gh attestation verify`."""

from __future__ import annotations

from assess.attestations._json import Node, element_digest
from assess.attestations.bundles import open_bundle
from assess.attestations.envelope import Opened
from assess.evidence import Source


def open_element(node: Node, source: Source) -> Opened:
    """One element `{bundle, bundle_url, repository_id, ...}` of the API's `attestations`, or the `{attestation: ...}`
    that `gh attestation verify --format json` prints.

    What `gh` says of its own verification beside it is not taken over. Raises InputError where the bundle is elsewhere
    (the API may give an address only).
    """
    holder = node.object("attestation") if node.get("attestation").present else node
    bundle = holder.object("bundle")
    if bundle.present:
        return open_bundle(bundle, source, element_digest(node))
    if holder.get("bundle_url").present:
        hint = "`gh attestation download` fetches the bundles themselves"
        raise holder.get("bundle").error("the answer gives the bundle's address (bundle_url), not the bundle", hint)
    raise holder.get("bundle").error("missing (expected a Sigstore bundle)")
