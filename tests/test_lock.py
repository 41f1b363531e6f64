"""The lock file: same facts, same bytes; every mistake with its line; names and refs without their versions."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assess.errors import ConfigError, InputError
from assess.expectations import Expectations
from assess.learned import FACTS, Learned, changes, name_shape, ref_shape, threat_of
from assess.lock import MAX_TEXT, Entry, Lock, load_lock, render_lock

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("app-1.2.0.tar.gz", "app-*.tar.gz"),
        ("app-1.2.0-rc.1.tar.gz", "app-*.tar.gz"),
        ("app_v1.2.3_linux_x86_64.zip", "app_*_linux_x86_64.zip"),
        ("sample-4.0.0-py3-none-any.whl", "sample-*-py3-none-any.whl"),
        ("binary-linux-amd64", "binary-linux-amd64"),
        ("log4j2", "log4j2"),
    ],
)
def test_names_without_versions(name: str, shape: str) -> None:
    assert name_shape(name) == shape
    assert name_shape(shape) == shape


@pytest.mark.parametrize(
    ("ref", "shape"),
    [
        ("refs/tags/v1.4.2", "refs/tags/v*"),
        ("refs/tags/v2.0.0-rc1", "refs/tags/v*"),
        ("refs/tags/pkg/v3", "refs/tags/pkg/v*"),
        ("refs/tags/nightly", "refs/tags/nightly"),
        ("refs/tags/evil1", "refs/tags/evil*"),
        ("refs/heads/release-1.2", "refs/heads/release-1.2"),
        ("refs/pull/7/merge", "refs/pull/7/merge"),
    ],
)
def test_refs_without_versions(ref: str, shape: str) -> None:
    assert ref_shape(ref) == shape


@given(st.builds(Entry, TEXTS, st.builds(Learned, TEXTS, inputs=st.none() | st.tuples(TEXTS)), st.just("ab" * 32)))
def test_what_is_written_is_read_again(tmp_path_factory: pytest.TempPathFactory, entry: Entry) -> None:
    path = tmp_path_factory.mktemp("lock") / "a.lock"
    text = render_lock(Lock(path, (entry,)))
    path.write_text(text, encoding="utf-8")
    again = load_lock(path)
    assert again.entries == (entry,)
    assert render_lock(again) == text


def test_entries_are_in_order_whatever_came_first(tmp_path: Path) -> None:
    first, second = Entry("a", Learned(trigger="push"), ""), Entry("b", Learned(trigger="push"), "")
    empty = Lock(tmp_path / "x")
    one, other = empty.updated((first,)).updated((second,)), empty.updated((second, first))
    assert render_lock(one) == render_lock(other)


MISTAKES = {
    "no mapping": ("[]\n", 1),
    "no version": ("artifacts: {}\n", None),
    "a later version": ("version: 2\nartifacts: {}\n", 1),
    "an unknown key": ("version: 1\nmore: 1\n", 2),
    "an unknown fact": ("version: 1\nartifacts:\n  a:\n    sauce_uri: x\n", 4),
    "a number": ("version: 1\nartifacts:\n  a:\n    trigger: 7\n", 4),
    "a text for a list": ("version: 1\nartifacts:\n  a:\n    inputs: x\n", 4),
    "a duplicate": ("version: 1\nartifacts:\n  a: {trigger: x}\n  a: {trigger: y}\n", 4),
    "an artifact that is no mapping": ("version: 1\nartifacts:\n  a: 1\n", 3),
    "no YAML": ("version: [1\n", None),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_have_their_place(name: str, tmp_path: Path) -> None:
    text, line = MISTAKES[name]
    path = tmp_path / "a.lock"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_lock(path)
    places = [place for place, _ in caught.value.problems] or [caught.value.place or ""]
    assert all(str(path) in place for place in places)
    assert line is None or any(f"{place}:".startswith(f"{path}:{line}:") for place in places), places


@pytest.mark.parametrize("text", ["x" * (MAX_TEXT + 1), "half \ud800 a character"])
def test_what_cannot_be_read_again_is_not_written(text: str, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        render_lock(Lock(tmp_path / "a.lock", (Entry("a", Learned(trigger=text), ""),)))


def test_changes_name_what_was_and_what_is() -> None:
    was, now = Learned(trigger="push", inputs=("a", "b")), Learned(trigger="release", inputs=())
    assert changes(was, now) == ("trigger was push, is release", "inputs was a, b, is none")
    assert changes(was, was) == ()
    assert all("(v1.2) open" in threat_of(name) for name in FACTS)


def test_which_entry_an_artifact_goes_by(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "x", (Entry("app-*.zip", Learned(trigger="push"), ""),))
    base = Expectations(source_tag="v1")
    assert lock.expectations("app-2.0.0.zip", base).learned == Learned(trigger="push")
    assert lock.expectations("other.zip", base).unlearned == "other.zip"
    assert lock.expectations(None, base).learned == Learned(trigger="push")
    assert lock.updated((Entry("b", Learned(), ""),)).expectations(None, base).unlearned is not None
    assert lock.expectations("app-2.0.0.zip", base).source_tag == "v1"
