"""What the texts and steps of one GitHub job let in, gathered while it is read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from assess._frozen import replace
from assess._yaml import Node
from assess.evidence import CacheUse, Handover, ImageUse, Job, RunnerKind, Secret, Step
from assess.pipelines._facts import UNREAD, Act, JobFacts
from assess.pipelines._github_handover import outputs_used
from assess.pipelines._github_reach import parameters, secrets
from assess.pipelines._github_reading import Fact, Reading, StepFacts


@dataclass(slots=True)
class Gathered:
    """Facts of the job by what they are about."""

    facts: dict[Fact, None] = field(default_factory=dict)
    parameters: dict[str, None] = field(default_factory=dict)
    unrecorded: dict[str, None] = field(default_factory=dict)
    gives: dict[str, None] = field(default_factory=dict)

    def texts(self, reading: Reading, nodes: tuple[Node, ...]) -> None:
        """Secrets, parameters and outputs of other jobs that texts of the job use."""
        for node in nodes:
            if "${{" in node.text:
                self.facts |= dict.fromkeys((*secrets(node), *outputs_used(node)))
                self.parameters |= dict.fromkeys(parameters((node.text,), reading.inputs))
                self.unrecorded |= dict.fromkeys(parameters((node.text,), reading.by_hand))

    def add(self, other: Gathered) -> None:
        """What was gathered once for all jobs."""
        self.facts |= other.facts
        self.parameters |= other.parameters
        self.unrecorded |= other.unrecorded

    def step(self, one: StepFacts) -> None:
        """What a step lets in and gives."""
        self.facts |= dict.fromkeys(one.facts)
        self.parameters |= dict.fromkeys(one.parameters)
        self.unrecorded |= dict.fromkeys(one.unrecorded)
        self.gives |= dict.fromkeys(one.gives)

    def put_into(
        self,
        job: Job,
        acts: tuple[Act, ...],
        steps: tuple[Step, ...] | None,
        runner: RunnerKind | None = None,
        label: str | None = None,
        trusted: bool = False,
    ) -> JobFacts:
        """The job with all of it and with what its acts say of it; whether it releases anything is told later."""
        facts = JobFacts(job, acts, job.condition, _unrecorded(self), trusted)
        told = replace(
            job,
            runner=runner,
            runner_label=label,
            steps=steps,
            builds=facts.tell("build"),
            signs=facts.tell("sign"),
            attests=facts.tell("attest"),
            publishes=facts.tell("publish"),
            caches=facts.tell("cache"),
            secrets=_by_name(one for one in self.facts if isinstance(one, Secret)),
            cache_uses=tuple(one for one in self.facts if isinstance(one, CacheUse)),
            images=tuple(one for one in self.facts if isinstance(one, ImageUse)),
            takes=tuple(one for one in self.facts if isinstance(one, Handover)),
            gives=tuple(self.gives),
            parameters=tuple(self.parameters),
            tainted=_tainted(steps) if job.calls is None or steps == () else None,
            release=None if any(act.does in UNREAD for act in acts) else False,
        )
        return JobFacts(told, acts, job.condition, facts.unrecorded, trusted)


def _tainted(steps: tuple[Step, ...] | None) -> tuple[str, ...] | None:
    """What becomes code of any step; None where a step has what was not understood, and none has what was."""
    if steps is None:
        return None
    known = tuple(dict.fromkeys(name for one in steps for name in one.tainted or ()))
    return known if known or all(one.tainted is not None for one in steps) else None


def _unrecorded(gathered: Gathered) -> tuple[str, ...]:
    """Parameters of manual and API starts, as an expression names them."""
    return tuple(
        ("github.event." if name.startswith("client_payload") else "inputs.") + name for name in gathered.unrecorded
    )


def _by_name(found: Iterable[Secret]) -> tuple[Secret, ...]:
    """Each secret once, where it is first named."""
    names: dict[str, Secret] = {}
    for one in found:
        names.setdefault(one.name, one)
    return tuple(names.values())
