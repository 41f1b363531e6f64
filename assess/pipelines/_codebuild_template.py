"""CodeBuild projects and CodePipeline pipelines in CloudFormation and SAM templates, YAML or JSON."""

from __future__ import annotations

from dataclasses import dataclass, field

from assess._yaml import Node
from assess.evidence import ExternalParameter, Source, Step, Trigger
from assess.pipelines._codebuild_spec import Setting, inline, is_buildspec, reaching, read_buildspec
from assess.pipelines._draft import Draft
from assess.pipelines._facts import Act, JobFacts
from assess.pipelines._reader import Reading
from assess.pipelines._tools import CONTAINER
from assess.pipelines._values import scalars, text

_PROJECT, _PIPELINE = "AWS::CodeBuild::Project", "AWS::CodePipeline::Pipeline"
_PULL_REQUEST = "PULL_REQUEST_"
_SOURCES = frozenset({"CodeCommit", "S3", "ECR", "GitHub", "CodeStarSourceConnection", "CodeConnections", "Bitbucket"})


@dataclass(slots=True)
class Template:
    """The resources of one template."""

    reading: Reading
    projects: dict[str, tuple[Node, Node]] = field(default_factory=dict)
    """Logical id to (its key, its properties); also by its literal name."""
    pipelines: list[tuple[Node, Node]] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    triggers: dict[Trigger, None] = field(default_factory=dict)


def resources(root: Node) -> Node | None:
    """The `Resources` of a template that holds projects or pipelines; None if it is none."""
    found = root.get("Resources") if root.kind == "mapping" else None
    if found is None or found.kind != "mapping":
        return None
    kinds = {text(one.get("Type")) for _, one in found.items()}
    return found if kinds & {_PROJECT, _PIPELINE} else None


def read_template(reading: Reading, found: Node) -> tuple[list[JobFacts], tuple[Trigger, ...]]:
    """All jobs of a template's projects and pipelines, and what starts them."""
    template = Template(reading)
    for key, node in found.items():
        properties = node.get("Properties")
        if properties is None:
            continue
        match text(node.get("Type")):
            case "AWS::CodeBuild::Project":
                template.projects[key.text] = (key, properties)
            case "AWS::CodePipeline::Pipeline":
                template.pipelines.append((key, properties))
            case _:
                pass
    jobs: list[JobFacts] = []
    for key, properties in template.pipelines:
        jobs += _pipeline(template, properties, f"{key.text}/" if len(template.pipelines) > 1 else "")
    for name, (key, properties) in template.projects.items():
        if name not in template.used:
            jobs += [draft.finish() for draft in _project(template, key, properties, Setting(name, key.source))]
    return jobs, tuple(template.triggers)


def literal(node: Node | None) -> str | None:
    """A fixed text; None for anything that CloudFormation computes (`!Ref`, `{"Fn::Sub": ...}`)."""
    return text(node) if node is not None and (node.tag is None or node.tag == "!Sub") else None


def referenced(node: Node | None) -> str | None:
    """The logical id that a value refers to: `!Ref X`, `!GetAtt X.Arn`, or the JSON forms of these."""
    if node is None:
        return None
    if node.tag in {"!Ref", "!GetAtt"}:
        return node.text.partition(".")[0] if node.kind == "scalar" else next(iter(scalars(node)), node).text or None
    if node.tag == "!Sub" and node.text.startswith("${") and node.text.endswith("}"):
        return node.text[2:-1].partition(".")[0]
    for key in ("Ref", "Fn::GetAtt"):
        if (inner := node.get(key)) is not None:
            return next((one.text.partition(".")[0] for one in scalars(inner)), None)
    return None


def _project(template: Template, key: Node, properties: Node, setting: Setting) -> list[Draft]:
    reading = template.reading
    environment, source = properties.get("Environment"), properties.get("Source")
    listed = environment.get("EnvironmentVariables") if environment is not None else None
    plain: dict[str, str] = {}
    secrets: list[Node] = []
    computed: set[str] = set()
    for one in listed or ():
        name = one.get("Name")
        if name is None:
            continue
        if text(one.get("Type")) in {"PARAMETER_STORE", "SECRETS_MANAGER"}:
            secrets.append(name)
            continue
        if (value := literal(one.get("Value"))) is not None and "${" not in value:
            plain[name.text] = value
        else:
            computed.add(name.text)
        reading.parameters.append(ExternalParameter(name.source, name.text, "variable"))
    reaching(reading)
    drafts = _buildspec(reading, key, source, setting)
    for draft in drafts:
        draft.variables = {**plain, **draft.variables}
        draft.defined |= computed
        for name in secrets:
            draft.secret(name.source, name.text)
        if environment is not None:
            _machine(draft, environment)
        _cache(draft, properties.get("Cache"))
        if source is not None and text(source.get("Type")) not in {None, "NO_SOURCE"}:
            draft.acts.insert(0, Act("checkout", "CodeBuild source", source.source))
    _webhook(template, key, properties.get("Triggers"), drafts)
    return drafts


def _buildspec(reading: Reading, key: Node, source: Node | None, setting: Setting) -> list[Draft]:
    written = source.get("BuildSpec") if source is not None else None
    name = literal(written)
    if written is not None and written.kind == "mapping" and (joined := written.get("Fn::Sub")) is not None:
        written, name = joined, text(joined)
    root: Node | None = None
    if (written is not None and name is not None and "\n" in name) or (
        written is not None and name is not None and name.startswith("{")
    ):
        root = inline(reading, written)
    elif written is None or name is not None:
        path = name or "buildspec.yml"
        root = None if path.startswith("arn:") else reading.open(path.removeprefix("./"), (written or key).source)
        reading.include((written or key).source, path, "buildspec", "local", root is not None)
        if root is not None and not is_buildspec(root):
            root = None
    if root is not None:
        return read_buildspec(reading, root, setting)
    draft = Draft(reading, key.source, setting.prefix + setting.name, runner="hosted")
    note = f"the buildspec of {setting.name[:60]} was not read"
    draft.act(Act("unread", "buildspec", (written or key).source, note=note))
    return [draft]


def _machine(draft: Draft, environment: Node) -> None:
    image = environment.get("Image")
    if image is not None:
        if (name := literal(image)) is not None:
            draft.image(image, "job", name)
        else:
            draft.images_unknown = True
    parts = [literal(environment.get(key)) for key in ("Type", "ComputeType")]
    if (fleet := environment.get("Fleet")) is not None:
        parts.append(f"fleet {literal(fleet.get('FleetArn')) or referenced(fleet.get('FleetArn')) or ''}".strip())
    draft.runner_label = draft.runner_label or ", ".join(one for one in parts if one) or None


def _cache(draft: Draft, cache: Node | None) -> None:
    if cache is None:
        return
    kind = literal(cache.get("Type"))
    if kind == "NO_CACHE":
        return
    draft.cache(
        cache.source,
        f"CodeBuild {kind or ''} cache".replace("  ", " "),
        literal(cache.get("Location")),
        True,
        True,
        True,
    )


def _webhook(template: Template, key: Node, triggers: Node | None, drafts: list[Draft]) -> None:
    """Pull requests run with the project's role: anyone's, unless an actor is asked for or a comment is."""
    hook = triggers.get("Webhook") if triggers is not None else None
    if triggers is None or hook is None or hook.value is False or hook.text == "false":
        return
    policy = triggers.get("PullRequestBuildPolicy")
    approved = policy is not None and text(policy.get("RequiresCommentApproval")) not in {None, "DISABLED"}
    groups = triggers.get("FilterGroups")
    if groups is None:
        template.triggers[Trigger(hook.source, "push", "maintainer")] = None
        template.triggers[Trigger(hook.source, "pull_request", "anyone")] = None
        _exposed(key, drafts)
        return
    for group in groups:
        events = next((literal(one.get("Pattern")) or "" for one in group if text(one.get("Type")) == "EVENT"), "")
        actor = any(text(one.get("Type")) == "ACTOR_ACCOUNT_ID" for one in group)
        for event in (one.strip() for one in events.split(",")):
            if event.startswith(_PULL_REQUEST):
                outside = not actor and not approved
                template.triggers[Trigger(group.source, event.lower(), "anyone" if outside else "contributor")] = None
                if outside and event != "PULL_REQUEST_MERGED":
                    _exposed(group, drafts)
            elif event:
                template.triggers[Trigger(group.source, event.lower(), "maintainer")] = None


def _exposed(place: Node, drafts: list[Draft]) -> None:
    note = "builds pull requests with the project's role, whoever proposes them"
    for draft in drafts:
        draft.act(Act("untrusted", "webhook", place.source, note=note, sure=False))


def _pipeline(template: Template, properties: Node, prefix: str) -> list[JobFacts]:
    reading = template.reading
    for one in properties.get("Variables") or ():
        if (name := one.get("Name")) is not None:
            reading.parameters.append(ExternalParameter(name.source, name.text, "variable"))
    found: list[JobFacts] = []
    makers: dict[str, str] = {}
    before: tuple[str, ...] = ()
    for stage in properties.get("Stages") or ():
        titled = literal(stage.get("Name")) or f"Stage{stage.line}"
        ids: list[str] = []
        order: dict[int, list[str]] = {}
        for action in stage.get("Actions") or ():
            earlier = _order(action)
            needs = tuple(one for at in sorted(order) if at < earlier for one in order[at]) or before
            made = _action(template, action, f"{prefix}{titled}", needs, makers)
            order.setdefault(earlier, []).extend(one.job.id for one in made)
            ids += [one.job.id for one in made]
            found += made
        before = tuple(ids) or before
    return found


def _order(action: Node) -> int:
    order = action.get("RunOrder")
    return order.value if order is not None and isinstance(order.value, int) else 1


def _action(
    template: Template, action: Node, stage: str, needs: tuple[str, ...], makers: dict[str, str]
) -> list[JobFacts]:
    reading = template.reading
    kind = action.get("ActionTypeId")
    category = literal(kind.get("Category")) if kind is not None else None
    provider = (literal(kind.get("Provider")) if kind is not None else None) or ""
    named = action.get("Name")
    name = literal(named) or f"Action{action.line}"
    place = (named or action).source
    configuration = action.get("Configuration")
    drafts: list[Draft] = []
    if category in {"Build", "Test"} and provider == "CodeBuild" and configuration is not None:
        drafts = _call(template, configuration.get("ProjectName"), Setting(name, place, f"{stage}/"))
    if not drafts:
        drafts = [Draft(reading, place, f"{stage}/{name}", runner="hosted")]
        drafts[0].step(Step(source=place, uses=provider), _acts(category, provider, place))
    for draft in drafts:
        draft.needs = draft.needs or needs
        for artifact in action.get("InputArtifacts") or ():
            shown = literal(artifact.get("Name")) or literal(artifact)
            if shown is not None:
                draft.take(artifact.source, "CodePipeline", shown, makers.get(shown), False)
        for artifact in action.get("OutputArtifacts") or ():
            shown = literal(artifact.get("Name")) or literal(artifact)
            if shown is not None:
                draft.give(artifact.source, "CodePipeline", shown)
                makers[shown] = draft.id
    if category == "Source":
        template.triggers[Trigger(place, "push", "maintainer")] = None
    return [draft.finish() for draft in drafts]


def _call(template: Template, project: Node | None, setting: Setting) -> list[Draft]:
    """The project that an action starts, where the template holds it."""
    wanted = referenced(project) or literal(project)
    for name, (key, properties) in template.projects.items():
        if wanted in {name, literal(properties.get("Name"))} and wanted is not None:
            template.used.add(name)
            drafts = _project(template, key, properties, setting)
            for draft in drafts:
                draft.calls = name
            return drafts
    place: Source = project.source if project is not None else setting.source or Source(template.reading.path)
    draft = Draft(
        template.reading, setting.source or place, setting.prefix + setting.name, runner="hosted", calls=wanted
    )
    draft.act(
        Act("unread", wanted or "project", place, note=f"the project `{(wanted or '?')[:60]}` is not in this template")
    )
    return [draft]


def _acts(category: str | None, provider: str, place: Source) -> tuple[Act, ...]:
    match category, provider:
        case "Source", _:
            return (Act("checkout", provider, place),)
        case "Approval", _:
            return ()
        case "Deploy", "S3":
            return (Act("publish", "CodePipeline S3", place, "S3"),)
        case "Build", "ECRBuildAndPublish":
            return (Act("build", provider, place), Act("publish", provider, place, CONTAINER))
        case "Deploy", _:
            return ()
    return (Act("unread", provider or "action", place, note=f"what the action `{provider[:60]}` does is not known"),)
