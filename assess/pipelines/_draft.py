"""One job as the readers of CI systems other than GitHub Actions gather it: steps, acts, secrets, images, caches."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from assess._yaml import Node
from assess.evidence import CacheUse, Handover, Identity, ImageUse, Job, RunnerKind, Secret, Source, Step
from assess.pipelines._caps import honest
from assess.pipelines._facts import Act, JobFacts, placed
from assess.pipelines._reader import MAX_STEPS, Reading
from assess.pipelines._values import SecretKind, first_line, image_pin, secret_kind

_SECRETIVE = re.compile(
    r"(?!.*_ID$)(?:(?:^|_)(?:TOKEN|SECRET|PASSWORD|PASSWD|PASS|PASSPHRASE|API_?KEY|PRIVATE_?KEY|CREDENTIALS?|AUTH|PAT"
    r"|ACCESS_KEY|SECRET_KEY|(?:GPG|PGP|SSH|COSIGN|SIGN|SIGNING|DEPLOY|ENCRYPTION|RSA|MINISIGN)_?KEY)(?:_|\d|$)"
    r"|(?:TOKEN|PASSWORD|SECRET|APIKEY)$)",
    re.IGNORECASE,
)
_MOVES = re.compile(r"(?:^|[;&|(\s])(?:cd|pushd|popd|chdir|Set-Location)(?:\s|$)", re.MULTILINE)
_UNKNOWN = re.compile(r"[$%]|\{\{|<<|<\+|^[/~\\]|^[A-Za-z]:|(?:^|/)\.\.(?:/|$)")
_KEY = re.compile(r"(?:COSIGN|SIGSTORE|SLSA)[\w-]*(?:PRIVATE|KEY)", re.IGNORECASE)
_GIVEN = re.compile(
    r"(?:CI|CIRCLE|BUILDKITE|TRAVIS|DRONE|APPVEYOR|BITBUCKET|CIRRUS|GITHUB_REF|CODEBUILD|BUILD|PIP|OIDC)_", re.I
)


@dataclass(slots=True)
class Draft:
    """One job while it is being read."""

    reading: Reading
    source: Source
    id: str
    runner: RunnerKind | None = None
    runner_label: str | None = None
    needs: tuple[str, ...] = ()
    calls: str | None = None
    condition: str | None = None
    environment: str | None = None
    continue_on_error: bool | None = False
    variants: int | None = 1
    can_sign: bool | None = None
    variables: dict[str, str] = field(default_factory=dict)
    """Those with a value that is fixed in the file."""
    defined: set[str] = field(default_factory=set)
    """Other variables that the file sets, so that they are no secrets from elsewhere."""
    steps: list[Step] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)
    identities: dict[Identity, None] = field(default_factory=dict)
    secrets: dict[str, Secret] = field(default_factory=dict)
    caches: list[CacheUse] = field(default_factory=list)
    images: dict[ImageUse, None] = field(default_factory=dict)
    takes: list[Handover] = field(default_factory=list)
    gives: dict[str, None] = field(default_factory=dict)
    parameters: dict[str, None] = field(default_factory=dict)
    images_unknown: bool = False
    directory: str | None = None
    """Where its scripts run, if not where the system's do; where neither tells, no script is followed."""
    moved: bool = False
    """A command has changed the directory for those after it."""

    def run(
        self,
        node: Node,
        variables: Mapping[str, str] | None = None,
        name: str | None = None,
        condition: str | None = None,
        tolerated: bool | None = False,
        text: str | None = None,
        template: str | None = None,
        source: Source | None = None,
        directory: str | None = None,
        shell: str | None = None,
    ) -> None:
        """Commands in a scalar as a step; `text` where they differ from what is written (parameters filled in)."""
        self.script(
            node.text if text is None else text, first_line(node), source or node.source, variables, name, condition,
            tolerated, template, directory, shell,
        )  # fmt: skip

    def script(
        self,
        script: str,
        first: Source,
        source: Source,
        variables: Mapping[str, str] | None = None,
        name: str | None = None,
        condition: str | None = None,
        tolerated: bool | None = False,
        template: str | None = None,
        directory: str | None = None,
        shell: str | None = None,
    ) -> None:
        """Commands as a step, `first` the place of their first line.

        `template` is what the system fills in before a shell sees it, where that is not the script as a whole;
        `directory` is where the step runs, relative to the job's; `shell` the system's word for the language.
        """
        around = {**self.variables, **(variables or {})}
        where = self._where(directory)
        acts = self.reading.acts_of(script, first, around, where, shell)
        self.moved = self.moved or (self.reading.one_shell and _MOVES.search(script) is not None)
        self.step(
            Step(source=source, name=name, run=script, conditional=condition is not None, continue_on_error=tolerated),
            acts,
            (script, template or "", *(variables or {}).values()),
            condition,
            tolerated,
            template,
        )
        for one in (script, *(variables or {}).values()):
            self.secrets_in(one, first, around)

    def _where(self, directory: str | None) -> str | None:
        """The folder in which a script runs; None where that cannot be told."""
        start = self.reading.directory if self.directory is None else self.directory
        if start is None or self.moved or (directory is not None and _UNKNOWN.search(directory)):
            return None
        return "/".join(one for one in (start, directory or "") if one)

    def step(
        self,
        step: Step,
        acts: Iterable[Act] = (),
        texts: Iterable[str] = (),
        condition: str | None = None,
        tolerated: bool | None = False,
        template: str | None = None,
    ) -> None:
        """A step with what it does; `texts` is all that an external parameter could stand in."""
        self.reading.steps += 1
        if self.reading.steps > MAX_STEPS:
            if self.reading.steps == MAX_STEPS + 1:
                self.reading.note(step.source, f"more than {MAX_STEPS} steps: the rest was not read")
                self.acts.append(Act("unread", "steps", step.source))
            return
        found = tuple(
            placed(honest(act, self.reading.system, self.reading.depth), condition, tolerated) for act in acts
        )
        for act in found:
            if act.note is not None and act.does in {"unread", "unread-script", "remote-script"}:
                self.reading.note(act.source, act.note)
        self.acts += found
        texts = tuple(texts)
        tainted = self._tainted(step.run if template is None else template)
        self.steps.append(
            replace(step, does=tuple(dict.fromkeys((*step.does, *(act.does for act in found)))), tainted=tainted)
        )
        self.parameters.update(dict.fromkeys(self._named(self.reading.parameter, texts)))

    def _tainted(self, script: str | None) -> tuple[str, ...] | None:
        pattern = self.reading.taint
        return None if pattern is None else tuple(dict.fromkeys(self._named(pattern, (script or "",))))

    @staticmethod
    def _named(pattern: re.Pattern[str] | None, texts: Iterable[str]) -> Iterator[str]:
        if pattern is not None:
            for text in texts:
                for match in pattern.finditer(text):
                    yield next((one for one in match.groups() if one), match.group())

    def act(self, act: Act) -> None:
        """Something that the job does outside any step of its own."""
        self.acts.append(honest(act, self.reading.system, self.reading.depth))
        if act.note is not None and act.does in {"unread", "unread-script", "remote-script"}:
            self.reading.note(act.source, act.note)

    def secret(self, source: Source, name: str, kind: SecretKind | None = None, variable: str = "") -> None:
        """A secret within reach of the job; one that is named as a key of Sigstore or SLSA counts as such.

        `variable` is the name under which commands find it, where that is another one.
        """
        if name not in self.secrets and len(self.secrets) < MAX_STEPS:
            self.secrets[name] = Secret(source, name, kind or secret_kind(name))
            if _KEY.search(name) or _KEY.search(variable):
                self.acts.append(Act("key", "secret", source))

    def image(self, node: Node, role: Literal["job", "service", "step"], text: str | None = None) -> None:
        """A container image that the job uses."""
        self.image_at(node.source, node.text if text is None else text, role)

    def image_at(self, source: Source, image: str, role: Literal["job", "service", "step"] = "job") -> None:
        """A container image by its name and place."""
        image = image.strip()
        if image:
            self.images[ImageUse(source, image[:300], role, image_pin(image))] = None

    def cache(
        self,
        source: Source,
        tool: str,
        key: str | None = None,
        restores: bool | None = True,
        saves: bool | None = True,
        others: bool | None = None,
        sure: bool = True,
    ) -> None:
        """A cache; one that is restored may hold what other runs wrote."""
        self.caches.append(CacheUse(source, tool, key, restores, saves, others))
        if restores is not False:
            self.acts.append(Act("cache", tool, source, sure=sure and restores is True))

    def take(
        self,
        source: Source,
        tool: str,
        name: str | None,
        from_job: str | None = None,
        other_run: bool | None = False,
        kind: Literal["artifact", "output", "workspace", "image"] = "artifact",
    ) -> None:
        """Something that comes from another job or run."""
        self.takes.append(Handover(source, name, kind, from_job, other_run))
        self.acts.append(Act("download", tool, source))

    def give(self, source: Source, tool: str, name: str) -> None:
        """Something that is handed to other jobs."""
        self.gives[name[:300]] = None
        self.acts.append(Act("upload", tool, source))

    def secrets_in(self, script: str, first: Source, around: Mapping[str, str] | None = None) -> None:
        """Secrets that a text names as variables which the file does not define."""
        pattern = self.reading.secret_variable
        if pattern is None or ("$" not in script and "%" not in script):
            return
        around = self.variables if around is None else around
        for match in pattern.finditer(script):
            name = next((one for one in match.groups() if one), "")
            if (
                name in self.secrets
                or name in around
                or name in self.defined
                or _GIVEN.match(name)
                or not _SECRETIVE.search(name)
            ):
                continue
            if re.search(rf"(?:^|[\s;(]){re.escape(name)}=", script):
                continue
            line = None if first.line is None else first.line + script.count("\n", 0, match.start())
            self.secret(Source(first.path, line), name)

    def finish(self) -> JobFacts:
        """The job with all that was gathered."""
        can_sign = self.reading.can_sign if self.can_sign is None else self.can_sign
        job = Job(
            source=self.source,
            id=self.id,
            runner=self.runner,
            runner_label=self.runner_label,
            needs=self.needs,
            calls=self.calls,
            steps=tuple(self.steps),
            can_sign=True if self.identities and can_sign is None else can_sign,
            continue_on_error=self.continue_on_error,
            condition=self.condition,
            environment=self.environment,
            variants=self.variants,
            identities=tuple(self.identities),
            secrets=tuple(self.secrets.values()),
            cache_uses=tuple(self.caches),
            images=None if self.images_unknown and not self.images else tuple(self.images),
            takes=tuple(self.takes),
            gives=tuple(self.gives),
            parameters=tuple(self.parameters),
            tainted=None
            if self.reading.taint is None
            else tuple(dict.fromkeys(name for step in self.steps for name in step.tainted or ())),
        )
        facts = JobFacts(job, tuple(self.acts), self.condition, tuple(self.parameters))
        told = replace(
            job,
            builds=facts.tell("build"),
            signs=facts.tell("sign"),
            attests=facts.tell("attest"),
            publishes=facts.tell("publish"),
            caches=facts.tell("cache"),
        )
        return replace(facts, job=told)
