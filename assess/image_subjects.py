"""Images taken into an assessment: each becomes one subject, or one for each platform, with what hangs on it.

An attestation of an index covers its platform manifests through their digests. Where the platforms carry more by
themselves, each is a subject of its own, and the reference is as good as the weakest (a project's level is the lowest
of its subjects'). BuildKit's attestation manifests are evidence about a platform, and no platform.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256

from assess.assessment import ExpectationResult, Input, NotChecked, Notice
from assess.collect import Collected, Opening, collect_subject
from assess.evidence import Evidence, Source
from assess.examine import Trust
from assess.expectations import Expectations
from assess.files import OWN_LIMIT, read_file
from assess.image_check import Asked, artifact_of, decide, examine_attached, for_images, is_tag
from assess.images.attached import Attached, Attachments, Part, read_attached
from assess.images.opening import ImageOptions, open_store
from assess.plan import LOCAL, IdentityPlan, ImagePlan

SIGNER = "image_signer"
"""The name of the expectation that a project file's `signer:` makes."""


@dataclass(frozen=True, slots=True)
class ImageSubjects:
    """What one image brings into an assessment."""

    subjects: tuple[Collected, ...]
    inputs: tuple[Input, ...]


def collect_image(
    image: ImagePlan,
    options: ImageOptions | None,
    trust: Trust,
    expectations: Expectations,
    project: Evidence,
    given: Opening,
) -> ImageSubjects:
    """Resolve an image, gather what hangs on it and collect its subjects; `given` are attestations from elsewhere.

    Raises NoInputError, UnavailableError or InputError where the image cannot be resolved.
    """
    store = open_store(image.text, options)
    manifest = store.resolve()
    attachments = read_attached(store, manifest, image.platform)
    name = f"{store.shown}@{manifest.digest}"
    trust = replace(trust, key_needs_log=False, found_in_place=not image.text.startswith(LOCAL))

    def collected(part: Part) -> Collected:
        opened = tuple(each for one in _about(attachments, part) for each in one.opened)
        opening = Opening((*opened, *(given.opened or ())), (*attachments.unreadable, *given.unreadable))
        artifact = artifact_of(f"{store.shown}@{part.digest}", part.digest)
        return collect_subject(artifact, opening, trust, expectations, project)

    whole = collected(attachments.root)
    platforms = tuple(collected(one) for one in attachments.platforms)
    subjects, told = _choose(whole, platforms, attachments, name)
    # What is worth nothing is told of, also where it hangs on what is no subject.
    others = (whole, *platforms) if platforms else ()
    told += tuple(one for each in others if each not in subjects for one in each.notices if one.severity == "critical")
    signed, inputs = _signer(image, attachments, store.shown, trust)
    told += _tag(image.text, name)
    unchecked = tuple(NotChecked(note, Source(name)) for note in attachments.notes)
    unchecked += tuple(NotChecked(one.note, one.source) for one in attachments.attached if one.note)
    first = subjects[0]
    first = replace(first, notices=(*first.notices, *told), not_checked=(*first.not_checked, *dict.fromkeys(unchecked)))
    subjects = tuple(_with(one, signed) for one in (first, *subjects[1:]))
    return ImageSubjects(subjects, (*_inputs(name, attachments), *given.inputs, *inputs))


def _about(attachments: Attachments, part: Part) -> tuple[Attached, ...]:
    """What hangs on one manifest; at an index BuildKit's too, so that the report names them beside it."""
    within = part == attachments.root and bool(attachments.platforms)
    beside = tuple(one for one in attachments.attached if one.form == "statement" and one.target != part.digest)
    return (*attachments.on(part.digest), *(beside if within else ()))


def _choose(
    whole: Collected, platforms: tuple[Collected, ...], attachments: Attachments, name: str
) -> tuple[tuple[Collected, ...], tuple[Notice, ...]]:
    """The index as one subject, or its platforms where all of them carry more than it does; never less for knowing."""
    if not platforms:
        return (whole,), ()
    names = ", ".join(one.platform or one.digest for one in attachments.platforms)
    weakest = min(_worth(one) for one in platforms)
    if weakest > _worth(whole):
        text = f"the index itself carries less than each of its platforms, so each is a subject of its own: {names}"
        return platforms, (Notice("info", text, Source(name)),)
    if _worth(whole) > (0, 0):
        text = f"an index: what is attested of it covers its platform manifests through their digests: {names}"
        return (whole,), (Notice("info", text, Source(name), whole.subject.name),)
    return (whole,), ()


def _worth(one: Collected) -> tuple[int, int]:
    """The best level (reached, ceiling) that something of this subject can carry."""
    found = [
        (each.platform.level.reached, each.platform.level.ceiling)
        for each in one.evidence.provenance or ()
        if each.platform is not None
    ]
    found += [(each.summary.level or 0, each.summary.level or 3) for each in one.summaries]
    return max(found, default=(0, 0))


def _tag(text: str, name: str) -> tuple[Notice, ...]:
    if not is_tag(text):
        return ()
    told = f"{text} names a tag, which can be moved to another image at any time; this is about {name}"
    return (Notice("warning", told, Source(name), None, "refer to images by digest where they are deployed"),)


def _signer(
    image: ImagePlan, attachments: Attachments, shown: str, trust: Trust
) -> tuple[ExpectationResult | None, tuple[Input, ...]]:
    """Whether the image is signed by whom the project file expects; None where it expects nobody."""
    from assess.trust.keys import load_public_key
    from assess.trust.verify import IdentityPolicy

    if image.key is None and image.identity == IdentityPlan():
        return None, ()
    inputs: tuple[Input, ...] = ()
    wanted = image.identity
    if image.key is not None:
        data = read_file(image.key, OWN_LIMIT, "public key")
        key = load_public_key(data, str(image.key))
        inputs = (Input("key", str(image.key), sha256(data).hexdigest()),)
        asked, expected = replace(trust, keys=(key,), identity=None), f"the key sha256:{key.sha256}"
    else:
        policy = IdentityPolicy(wanted.identity, wanted.identity_regexp, wanted.issuer)
        asked = replace(trust, keys=(), identity=policy)
        expected = f"{wanted.identity or wanted.identity_regexp} (issuer {wanted.issuer})"
    asked = for_images(asked)
    seen = examine_attached(attachments, shown, asked, Asked(platform=image.platform))
    verdict, reason = decide(attachments, seen, asked, Asked(platform=image.platform))
    outcome = ExpectationResult(SIGNER, expected, reason, "match" if verdict == "verified" else "mismatch")
    return outcome, inputs


def _with(one: Collected, signed: ExpectationResult | None) -> Collected:
    """The subject with one more expectation, which every way to reach a level must meet."""
    if signed is None:
        return one
    candidates = tuple(replace(each, expectations=(*each.expectations, signed)) for each in one.candidates or ())
    summaries = tuple(replace(each, expectations=(*each.expectations, signed)) for each in one.summaries)
    unanswered = one.unanswered if candidates else (*one.unanswered, signed)
    return replace(one, candidates=candidates, summaries=summaries, unanswered=unanswered)


def _inputs(name: str, attachments: Attachments) -> tuple[Input, ...]:
    image = Input("artifact", name, attachments.root.digest.partition(":")[2])
    attached = (
        Input("attestation", str(one.source), one.layer.partition(":")[2]) for one in attachments.attached if one.opened
    )
    return (image, *attached)
