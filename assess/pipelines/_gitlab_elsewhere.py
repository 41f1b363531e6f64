"""Jobs that included GitLab files add which are not here: those of known templates, unread ones of the others."""

from __future__ import annotations

from dataclasses import replace

from assess.evidence import Identity, Include, Job, Step
from assess.pipelines._draft import Draft
from assess.pipelines._facts import Act, JobFacts
from assess.pipelines._gitlab_config import Files
from assess.pipelines._gitlab_offers import acts_of, known_jobs


def jobs_from_elsewhere(files: Files, missing: list[Include], giving: tuple[str, ...]) -> list[JobFacts]:
    """Jobs that included files which are not here add: those that matter of known ones, one unread for each other.

    `giving` are the jobs that hand over artifacts: a job that attests takes them.
    """
    found: list[JobFacts] = []
    for include in missing:
        known = known_jobs(include)
        if known is None:
            draft = Draft(files, include.source, f"include:{include.reference[:100]}", calls=include.reference)
            draft.continue_on_error = draft.variants = None
            note = f"what the included {include.kind} `{include.reference[:100]}` adds is not known"
            act = Act("unread", include.reference, include.source, note=note)
            draft.acts.append(act)
            if include.kind != "local":
                files.note(include.source, note)
            facts = draft.finish()
            found.append(replace(facts, job=_nothing_known(facts.job)))
        for one in known or ():
            draft = Draft(files, include.source, one.job, runner="unknown", calls=include.reference)
            draft.can_sign = one.audience == "sigstore"
            if any(does == "attest" for does, _ in one.does):
                draft.needs = giving
            draft.identities = {Identity(include.source, one.audience): None} if one.audience else {}
            step = Step(source=include.source, uses=include.reference, pinned=include.pinned)
            draft.step(step, acts_of(one, include))
            found.append(replace(draft.finish(), trusted=one.trusted))
    return found


def _nothing_known(job: Job) -> Job:
    return replace(
        job, steps=None, identities=None, secrets=None, cache_uses=None, images=None, takes=None, gives=None,
        parameters=None, tainted=None,
    )  # fmt: skip
