"""Images out of Kubernetes manifests: every workload kind and container, with its place; what is not read is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from assess.errors import InputError, NoInputError
from assess.images.kubernetes import Manifests, read_list, read_manifests, read_path

POD = "{containers: [{name: app, image: r/app:1}]}"


def images(text: str) -> list[tuple[str, str, str]]:
    return [(one.image, one.role, str(one.workload)) for one in read_manifests(text.encode(), "m.yaml").uses]


def document(kind: str, spec: str, rest: str = "") -> str:
    return f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: web, namespace: shop}}\n{spec}\n{rest}"


TEMPLATED = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "ReplicationController", "Job")
WORKLOADS = (
    *((kind, f"spec: {{template: {{spec: {POD}}}}}") for kind in TEMPLATED),
    ("Pod", f"spec: {POD}"),
    ("CronJob", f"spec: {{jobTemplate: {{spec: {{template: {{spec: {POD}}}}}}}}}"),
    ("PodTemplate", f"template: {{spec: {POD}}}"),
)


@pytest.mark.parametrize(("kind", "spec"), WORKLOADS)
def test_workload_kinds(kind: str, spec: str) -> None:
    assert images(document(kind, spec)) == [("r/app:1", "container", f"{kind} shop/web")]


def test_all_containers_of_a_pod() -> None:
    spec = """spec:
  initContainers:
  - {name: a, image: r/init}
  containers:
  - {name: b, image: r/app}
  - {name: c, image: 'r/side@sha256:00'}
  ephemeralContainers:
  - {name: d, image: r/debug}
  volumes:
  - {name: e, image: {reference: r/volume}}
  - {name: f, emptyDir: {}}
"""
    assert [(image, role) for image, role, _ in images(document("Pod", spec))] == [
        ("r/app", "container"),
        ("r/side@sha256:00", "container"),
        ("r/init", "init"),
        ("r/debug", "ephemeral"),
        ("r/volume", "volume"),
    ]


def test_lists_and_several_documents() -> None:
    text = (
        "# Source: chart/templates/web.yaml\n---\n"
        + document("Pod", f"spec: {POD}")
        + "---\n"
        + "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: x}\n  spec: " + POD
        + "\n---\n"
        + "apiVersion: v1\nkind: PodList\nitems:\n- metadata: {name: y}\n  spec: " + POD + "\n---\n"
        + "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {image: r/none}\n"
    )  # fmt: skip
    assert [one[2] for one in images(text)] == ["Pod shop/web", "Pod x", "Pod y"]


def test_json_is_read_too() -> None:
    text = '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"image": "r/a"}]}}'
    assert images(text) == [("r/a", "container", "Pod p")]


def test_places() -> None:
    (use,) = read_manifests(
        document("Pod", "spec:\n  containers:\n  - name: a\n    image: r/a").encode(), "m.yaml"
    ).uses
    assert (str(use.source), str(use.workload.source)) == ("m.yaml:7", "m.yaml:1")


UNREADABLE = (
    ("a: {{ .Values.x }}\n{{- if .y }}\nb: 1\n{{- end }}\n", "a Helm template? render it first"),
    (document("Pod", "spec: {containers: [{name: a, image: '{{ .Values.image }}:1'}]}"), "is a template, not a name"),
    (document("Pod", "spec: {containers: [{name: a, image: '${IMAGE}'}]}"), "is a template, not a name"),
    (document("Pod", "spec: {containers: [{name: a, image: {{ .Values.image }} }]}"), ""),
    (document("Pod", "spec: {containers: [{name: a}]}"), "names no image"),
    (document("Pod", "spec: {containers: [{name: a, image: [x]}]}"), "is no text"),
    (document("Deployment", "spec: {template: 3}"), "no pod specification"),
    ("kind: [", "not YAML"),
    ("a: &a [x]\nb: &b [*a, *a]\n" + "".join(f"c{n}: [*b, *b]\n" for n in range(3)) + "kind: \xff", ""),
)


@pytest.mark.parametrize(("text", "reason"), UNREADABLE)
def test_what_cannot_be_read_is_told(text: str, reason: str) -> None:
    found = read_manifests(text.encode("latin-1"), "m.yaml")
    assert found.uses == ()
    (lost,) = found.unreadable
    assert reason in lost.reason
    assert lost.source.path.startswith("m.yaml")


def test_an_unknown_kind_with_containers_is_noted() -> None:
    text = (
        "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: r}\nspec: {template: {spec: " + POD + "}}\n"
    )
    found = read_manifests(text.encode(), "m.yaml")
    assert found.uses == ()
    assert "Rollout r: this kind is not known; it seems to hold 1 container(s)" in found.notes[0].text


def test_what_is_no_object_is_noted() -> None:
    found = read_manifests(b"replicas: 1\nimage: {repository: r/a}\n", "values.yaml")
    assert (found.uses, "no Kubernetes objects" in found.notes[0].text) == ((), True)


def test_a_folder(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / ".git").mkdir()
    for name in ("b/2.yml", "1.yaml", ".git/x.yaml", "notes.txt"):
        (tmp_path / name).write_text(document("Pod", f"spec: {POD}"))
    (tmp_path / "3.json").write_text("{")
    found: Manifests = read_path(tmp_path)
    assert [Path(one.source.path).name for one in found.uses] == ["1.yaml", "2.yml"]
    assert len(found.unreadable) == 1


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_nothing_to_read(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(NoInputError):
        read_path(tmp_path / name)


def test_a_list_of_images() -> None:
    text = "# ours\nr/a:1\n\n  r/b@sha256:00  # pinned\n"
    assert read_list(text.encode(), "images.txt") == ("r/a:1", "r/b@sha256:00")


@pytest.mark.parametrize("data", [b"", b"# nothing\n", b"\xff\xfe"])
def test_a_list_of_nothing(data: bytes) -> None:
    with pytest.raises(InputError):
        read_list(data, "images.txt")
