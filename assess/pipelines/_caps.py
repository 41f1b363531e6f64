"""What provenance a construct can carry at most on a CI system that is not GitHub Actions."""

from __future__ import annotations

from dataclasses import replace

from assess.evidence import Interval
from assess.pipelines._facts import Act, Offer

_FULCIO = frozenset({"circleci", "buildkite", "gitlab-ci"})
"""Systems of this kind whose identities Sigstore's public instance knows."""
HARNESS = Offer("Harness provenance", Interval(2, 3), signed=True, by_digest=True,
                note="the vendor claims L3 for its cloud; strictly read it is L2")  # fmt: skip
"""The one construct of a recognised system for which its vendor claims more than L1."""
_ACCOUNTS = frozenset({"cloud-build", "tekton"})
"""Systems whose jobs sign as service accounts, which Sigstore knows as accounts: never as a builder."""


def honest(act: Act, system: str, depth: str | None) -> Act:
    """The act with an offer that is no better than its system allows (reference: caps per system).

    npm makes provenance on two other systems only; Fulcio's public instance knows few issuers, so that a keyless
    signature elsewhere needs a private instance; a system that is only recognised is capped at L1.
    """
    offer = act.offer
    if offer is None:
        return act
    if offer.covers == "npm" and system != "gitlab-ci":
        note = "npm makes provenance on GitHub Actions and GitLab CI only"
        made = Offer(offer.generator, Interval(0, 0), generated=False, covers="npm", note=note)
        return replace(act, offer=made)
    if offer.keyless and system in _ACCOUNTS:
        note = f"{offer.generator} signs as a service account, which names no builder"
        return replace(act, offer=replace(offer, level=_at_most(offer.level, 1), note=note))
    if offer.keyless and system not in _FULCIO:
        note = f"Sigstore's public instance knows no identities of {system}: keyless needs a private one"
        return replace(
            act, offer=replace(offer, level=_at_most(offer.level, 1, 0), generated=None, keyless=False, note=note)
        )
    if depth == "recognised" and offer.generator != HARNESS.generator:
        return replace(act, offer=replace(offer, level=_at_most(offer.level, 1)))
    return act


def of_what_is_not_read(system: str, depth: str | None) -> Interval | None:
    """What provenance that nobody could look for can carry; None where only its signer would tell."""
    return Interval(0, 1) if depth == "recognised" and system != "harness" else None


def _at_most(level: Interval | None, ceiling: int, reached: int | None = None) -> Interval:
    if level is None:
        return Interval(0, ceiling)
    top = min(level.ceiling, ceiling)
    return Interval(min(level.reached if reached is None else reached, top), top)
