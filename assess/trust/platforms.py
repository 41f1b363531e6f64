"""Recognised build platforms: which (signer, builder.id) may carry which level (SLSA 1.2 verifying-artifacts, step 1).

The only place where a level above L1 comes from. Whatever is not listed is Build L1, the specification's default;
a builder.id that belongs to a listed platform and was signed by somebody else is rejected
(SLSA 1.2 build-provenance, `builder`: accept only specific pairs of signer and builder).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Literal

from assess._frozen import frozen
from assess.evidence import Interval, Platform, SignatureState, Signer

Profile = Literal["vendor", "strict"]
Relation = Literal["same-as-signer", "own-workflow", "delegated", "listed"]
Truth = bool | None

DEFAULT = Platform(level=Interval(1, 1), basis="default")
MAX_TEXT = 2000
"""No builder.id or identity is longer; what is longer fits no pattern."""

PLACEHOLDERS = {
    "version": r"v[0-9]+\.[0-9]+\.[0-9]+",
    "ref": r"(?:refs/(?:heads|tags)/\S+|[0-9a-f]{40})",
    "owner": r"[A-Za-z0-9_.-]+",
    "repo": r"[A-Za-z0-9_.-]+",
    "path": r"[^\s@?#]+",
}
"""What the placeholders of a pattern stand for. No `{ref}` is a pull request's: such builds release nothing."""

_PULL_REQUEST = re.compile(r"@refs/pull/[0-9]+/(?:merge|head)\Z")
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


@frozen
class Pattern:
    """Literal text with placeholders (`{version}`, `{ref}`, `{owner}`, `{repo}`, `{path}`); always the whole text."""

    text: str
    expression: str
    """As a regular expression; compiled when it is first asked, for most never are."""

    @property
    def broad(self) -> bool:
        """Names a kind of identity that anybody can have, not one platform's."""
        return "{owner}" in self.text

    def match(self, value: str) -> re.Match[str] | None:
        """The match of all of `value`, or None."""
        # The literal text in front keeps most patterns from being compiled at all.
        if len(value) > MAX_TEXT or not value.startswith(self.text.partition("{")[0]):
            return None
        return _compiled(self.expression).fullmatch(value)


@cache
def _compiled(expression: str) -> re.Pattern[str]:
    return re.compile(expression, re.ASCII)


def compile_pattern(text: str) -> Pattern:
    """Compile the safe form. Raises ValueError for an unknown or repeated placeholder and for stray braces."""
    parts = _PLACEHOLDER.split(text)
    names = parts[1::2]
    for name in names:
        if name not in PLACEHOLDERS:
            raise ValueError(f"no such placeholder {{{name}}} (one of {', '.join(PLACEHOLDERS)})")
        if names.count(name) > 1:
            raise ValueError(f"the placeholder {{{name}}} stands twice")
    if any(brace in literal for literal in parts[::2] for brace in "{}"):
        raise ValueError("a brace stands alone (placeholders are written like {version})")
    pieces = [f"(?P<{part}>{PLACEHOLDERS[part]})" if index % 2 else re.escape(part) for index, part in enumerate(parts)]
    return Pattern(text, "".join(pieces))


def of_pull_request(signer: Signer | None) -> bool:
    """The certificate says that the run built a pull request: GitHub's buildTypes exclude those (spec 9, T10)."""
    if signer is None:
        return False
    return signer.build_trigger == "pull_request" or (signer.source_ref or "").startswith("refs/pull/")


@frozen
class KnownSigner:
    """Who signs for a platform: a certificate identity of one issuer, or keys by the sha256 of their public key."""

    kind: Literal["certificate", "key"]
    issuer: str = ""
    identities: tuple[Pattern, ...] = ()
    keys: tuple[str, ...] = ()
    runner_environment: str | None = None
    source_repositories: tuple[str, ...] = ()
    """Only builds of these repositories (`https://github.com/owner/name`); () where it does not matter."""

    def is_it(self, signer: Signer) -> bool:
        """`signer` has this identity; the runner is a question of its own."""
        if signer.kind != self.kind:
            return False
        if self.kind == "key":
            return signer.identity.removeprefix("sha256:").lower() in self.keys
        return signer.issuer == self.issuer and any(one.match(signer.identity) for one in self.identities)


@frozen
class Entry:
    """One recognised platform (or one mode of it)."""

    id: str
    name: str
    signer: KnownSigner
    builder_ids: tuple[Pattern, ...]
    relation: Relation
    claimed: int
    """The level that whoever runs the platform claims for it."""
    strict: int
    """The level by the letter of the specification."""
    basis: str
    claim_url: str | None = None
    build_types: tuple[str, ...] = ()
    """The predicate's buildType must be one of these; () where it does not matter."""
    user: bool = False
    """Comes from a file of the user's."""

    def names(self, builder_id: str) -> bool:
        """`builder_id` is one of this platform's."""
        return any(one.match(builder_id) for one in self.builder_ids)

    @property
    def exclusive(self) -> bool:
        """Its builder ids belong to this platform alone."""
        return not any(one.broad for one in self.builder_ids)

    @property
    def outright(self) -> bool:
        """Signers and builders stand here by name: no identity that anybody can have, no builder of anybody's."""
        return self.exclusive and not any(one.broad for one in self.signer.identities)

    def pairs(self, signer: Signer, builder_id: str) -> bool:
        """`signer` may speak for `builder_id`."""
        if not (self.names(builder_id) and self.signer.is_it(signer)):
            return False
        if self.relation in ("delegated", "listed"):
            return True
        return builder_id == signer.identity and signer.build_signer in (None, builder_id)

    def fits(self, signer: Signer, builder_id: str, build_type: str | None) -> Truth:
        """The pair and all constraints hold; None where the certificate or the predicate does not say."""
        if not self.pairs(signer, builder_id) or self._build_type_fits(build_type) is False:
            return False
        answers: list[Truth] = [self._build_type_fits(build_type), self.user or not of_pull_request(signer)]
        if self.signer.runner_environment is not None:
            runner = signer.runner_environment
            answers.append(None if runner is None else runner == self.signer.runner_environment)
        if self.signer.source_repositories:
            source = signer.source_repository
            # Certificates of 2022 carry the repository without its host (extension .5).
            full = source if source is None or "://" in source else f"https://github.com/{source}"
            answers.append(None if full is None else full in self.signer.source_repositories)
        if self.relation == "own-workflow":
            answers.append(self._in_own_repository(signer, builder_id))
        return False if False in answers else None if None in answers else True

    def may_be(self, builder_id: str, build_type: str | None) -> bool:
        """Nothing but the signer, of whom nothing is known, decides whether this is it."""
        return self.names(builder_id) and self._build_type_fits(build_type) is not False

    def _build_type_fits(self, build_type: str | None) -> Truth:
        if not self.build_types:
            return True
        return None if build_type is None else build_type in self.build_types

    def _in_own_repository(self, signer: Signer, builder_id: str) -> Truth:
        if signer.source_repository is None:
            return None
        found = next((match for one in self.builder_ids if (match := one.match(builder_id))), None)
        return found is not None and builder_id[: found.end("repo")] == signer.source_repository

    def level(self, profile: Profile) -> int:
        """The level that this entry grants under `profile`."""
        return self.claimed if profile == "vendor" else self.strict


@frozen
class Rejected:
    """The pair is a lie: somebody signed in the name of another platform. The attestation is worth nothing."""

    reason: str


@frozen
class Platforms:
    """The table, in order: the first entry that fits decides."""

    entries: tuple[Entry, ...]

    @property
    def delegators(self) -> tuple[Pattern, ...]:
        """Identities that sign for builders other than themselves; their builder.id differs from theirs by design."""
        signers = [entry.signer for entry in self.entries if entry.relation == "delegated"]
        return tuple(dict.fromkeys(pattern for signer in signers for pattern in signer.identities))

    def look_up(
        self,
        signer: Signer | None,
        builder_id: str,
        signature: SignatureState | None,
        profile: Profile,
        build_type: str | None = None,
    ) -> Platform | Rejected:
        """The level that the pair can carry, L1 by default.

        `signature` None (not provable offline) leaves an interval from L1 to the pair's level; so does a constraint
        that neither certificate nor predicate answers (`build_type` None: not known).
        """
        if signature == "failed":
            return Rejected("its signature is not valid")
        if signature == "absent" or (signer is None and signature == "verified"):
            return DEFAULT
        if signer is None:
            possible = [one for one in self.entries if one.may_be(builder_id, build_type)]
            return _platform(possible, False, signature, profile)
        named = [one for one in self.entries if one.names(builder_id)]
        owners = [one for one in named if one.exclusive]
        if owners and not any(one.pairs(_at_a_branch(signer), builder_id) for one in owners):
            return Rejected(_foreign(owners[0], signer, builder_id))
        possible = []
        for one in named:
            fit = one.fits(signer, builder_id, build_type)
            if fit is not False:
                possible.append(one)
            if fit is True:
                return _platform(possible, True, signature, profile)
        return _platform(possible, False, signature, profile)


def _platform(possible: list[Entry], certain: bool, signature: SignatureState | None, profile: Profile) -> Platform:
    """The interval over all entries that may be the one, and the default where none is certain."""
    levels = [one.level(profile) for one in possible]
    if not certain and max(levels, default=1) == 1:
        return DEFAULT
    best = possible[-1] if certain and levels[-1] == max(levels) else possible[levels.index(max(levels))]
    return Platform(
        level=Interval(min(levels) if certain and signature == "verified" else 1, max(levels)),
        entry=best.id,
        name=best.name,
        basis="user" if best.user else "vendor claim" if profile == "vendor" else "strict reading",
        claim_url=best.claim_url,
    )


def _at_a_branch(signer: Signer) -> Signer:
    """A workflow that ran for a pull request is no stranger to its platform: it carries less, and tells no lie."""
    return replace(signer, identity=_PULL_REQUEST.sub("@refs/heads/pull-request", signer.identity))


def _foreign(owner: Entry, signer: Signer, builder_id: str) -> str:
    return (
        f"builder.id {builder_id} belongs to {owner.name}, but {signer.identity}"
        f"{f' ({signer.issuer})' if signer.issuer else ''} signed"
    )


def load_platforms(paths: Iterable[Path] = ()) -> Platforms:
    """The bundled table with the entries of `paths` in front.

    Raises ConfigError with every mistake of every file at its line, NoInputError where a file is missing.
    """
    from assess.trust.platform_files import load_entries

    return Platforms(load_entries(tuple(paths)))
