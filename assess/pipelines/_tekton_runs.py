"""One run of Tekton as it is read: what surrounds its tasks, and the provenance that Chains would make of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from assess._yaml import Node
from assess.evidence import Source
from assess.pipelines import _tekton_chains as chains
from assess.pipelines._draft import Draft
from assess.pipelines._facts import Act
from assess.pipelines._reader import Reading
from assess.pipelines._tekton_documents import Document
from assess.pipelines._tekton_tasks import Given

RESULT = re.compile(
    r"\$\(tasks\.([\w-]+)\.(?:results\.([\w.-]+)|results\[[\"']([\w.-]+)[\"']\]|status|outputs\.[\w.-]+)"
)
"""A reference to another task's result."""


@dataclass(slots=True)
class Run:
    """What surrounds the tasks of one run: values, workspaces, account, and what the project says of Chains."""

    reading: Reading
    own: tuple[Document, ...]
    config: chains.Chains
    prefix: str = ""
    given: Given = field(default_factory=lambda: Given({}))
    account: Node | None = None
    workspaces: dict[str, Node] = field(default_factory=dict)
    annotated: dict[str, Node] = field(default_factory=dict)
    trusted: bool = True
    """All tasks so far come from elsewhere, fixed by a digest."""
    exposed: str | None = None
    reported: dict[str, Node] = field(default_factory=dict)
    """Results of tasks that Chains understands, by `job/result`."""


def results_of_pipeline(spec: Node) -> dict[str, tuple[Node, str | None]]:
    """A pipeline's results: their names with places, and the task that each comes from."""
    found: dict[str, tuple[Node, str | None]] = {}
    for one in spec.get("results") or ():
        name, value = one.get("name"), one.get("value")
        if name is not None:
            match = RESULT.search(value.text) if value is not None and value.kind == "scalar" else None
            found[name.text] = (name, match.group(1) if match is not None else None)
    return found


def attest(run: Run, drafts: list[Draft], results: Mapping[str, tuple[Node, str | None]]) -> None:
    """The provenance that Chains would make, of each task's results and of the whole pipeline's."""
    deep = run.config.text("artifacts.pipelinerun.enable-deep-inspection", "false") == "true"
    for draft in drafts:
        own = {key[len(draft.id) + 1 :]: node for key, node in run.reported.items() if key.startswith(draft.id + "/")}
        covers = chains.hints(own)
        if covers is not None:
            place = next(
                node.source for name, node in own.items() if chains.hints((name, *own)) is not None and _hint(name)
            )
            _offered(run, draft, "taskrun", covers, place)
            if deep and results:
                _offered(run, draft, "pipelinerun", covers, place)
    covers = chains.hints(results)
    if covers is not None:
        named = [(node, task) for name, (node, task) in results.items() if _hint(name)]
        task = next((one for _, one in named if one is not None), None)
        maker = next(
            (one for one in drafts if task is not None and one.id == run.prefix + task), drafts[-1] if drafts else None
        )
        if maker is not None:
            _offered(run, maker, "pipelinerun", covers, named[0][0].source)


def _hint(name: str) -> bool:
    return re.search(r"IMAGE_URL\Z|IMAGE_DIGEST\Z|\AIMAGES\Z|ARTIFACT_(?:URI|DIGEST|OUTPUTS)\Z", name) is not None


def _offered(run: Run, draft: Draft, kind: str, covers: str, place: Source) -> None:
    offer, against = chains.offer(run.config, kind, covers, run.trusted, run.exposed)
    source = against.source if against is not None else place
    draft.act(Act("attest", "Tekton Chains", source, offer=offer, sure=offer.generated is True))
