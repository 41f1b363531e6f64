"""Tasks that Tekton pipelines refer to: found in the project, known from a public catalog, or unread."""

from __future__ import annotations

import re
from dataclasses import replace

from assess._yaml import Node
from assess.evidence import Include, Step
from assess.pipelines import _tekton_catalog as catalog
from assess.pipelines._draft import Draft
from assess.pipelines._facts import Act
from assess.pipelines._tekton_documents import Document, find, open_file
from assess.pipelines._tekton_references import params_of, reference, source_of
from assess.pipelines._tekton_runs import Run
from assess.pipelines._tekton_tasks import Given, exposed, read_task, results_of
from assess.pipelines._tekton_triggers import listed
from assess.pipelines._values import Pin, text

_PUBLIC = re.compile(r"github\.com/(?:tektoncd/catalog|konflux-ci/build-definitions|tektoncd-catalog/)")


def referred(run: Run, draft: Draft, ref: Node, given: Given) -> None:
    """A task that is referred to: found here, known from a public catalog, or unread."""
    name = text(ref.get("name"))
    local = name is not None and ref.get("resolver") is None and ref.get("bundle") is None
    api = text(ref.get("apiVersion"))
    if api is not None and not api.startswith("tekton.dev/"):
        run.trusted = False
        draft.act(
            Act("unread", f"{api}/{name}", source_of(ref), note=f"what the custom task `{api}` does is not known")
        )
        return
    shown, pin = reference(ref)
    found = _here(run, name) if local and name is not None else None
    if found is not None:
        run.reading.includes[Include(source_of(ref), shown, "task", "local", True)] = None
        inside(run, draft, found.spec, given)
        return
    annotated = _annotated(run, name) if local and name is not None else None
    draft.calls = shown[:300]
    place = source_of(ref)
    kind = text(ref.get("resolver")) or ("bundles" if ref.get("bundle") is not None else "task")
    reference_pin = annotated or pin
    run.reading.includes[Include(place, shown[:300], "resolver" if kind != "task" else kind, reference_pin, False)] = (
        None
    )
    run.trusted = run.trusted and pin == "digest"
    public = catalog.from_catalog(shown) or _PUBLIC.search(shown) is not None or kind == "hub" or annotated is not None
    title = params_of(ref.get("params")).get("name") or name or _stem(shown)
    acts = catalog.acts_of(title, shown[:200], place)
    step = Step(source=place, name=title, uses=shown[:300], pinned=reference_pin)
    if acts is not None and public:
        draft.step(step, acts)
        return
    note = f"what the task `{shown[:100]}` does is not known"
    # Its name is a hint of what it may do, no more.
    draft.step(step, (*(replace(act, sure=False) for act in acts or ()), Act("unread", shown[:200], place, note=note)))


def _stem(shown: str) -> str:
    return shown.partition("@")[0].rpartition("/")[2].partition(":")[0].removesuffix(".yaml").removesuffix(".yml")


def _here(run: Run, name: str) -> Document | None:
    for key, node in run.annotated.items():
        if re.fullmatch(r"task(?:-\d+)?", key):
            for entry in listed(node.text):
                if entry.endswith((".yaml", ".yml")) and not entry.startswith("http"):
                    found = (one for one in open_file(run.reading, entry.removeprefix("./")) if one.name == name)
                    if (document := next(found, None)) is not None:
                        return document
    return find(run.reading, run.own, "Task", name)


def _annotated(run: Run, name: str) -> Pin | None:
    """The task comes from a hub or an address that an annotation names: how firmly."""
    for key, node in run.annotated.items():
        if re.fullmatch(r"task(?:-\d+)?", key):
            for entry in listed(node.text):
                title, _, version = entry.partition(":")
                if title.rpartition("/")[2] == name:
                    return "tag" if version and version != "latest" else "branch"
                if entry.startswith("http") and _stem(entry) == name:
                    return "digest" if re.search(r"/[0-9a-f]{40}/", entry) else "branch"
    return None


def inside(run: Run, draft: Draft, spec: Node, given: Given) -> None:
    """A task whose steps are here."""
    run.trusted = False
    read_task(draft, spec, given, run.own)
    run.exposed = run.exposed or exposed(spec)
    for name, node in results_of(spec).items():
        run.reported[f"{draft.id}/{name}"] = node
