"""`@frozen` beside `@dataclass(frozen=True, slots=True)`: the same class in every way that can be seen."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from dataclasses import FrozenInstanceError, dataclass, field, fields, replace
from typing import Any

import pytest

from assess import _frozen as frozen_module
from assess._frozen import frozen
from assess.evidence import Digest, Source


def _made(decorate: Any) -> dict[str, Any]:
    @decorate
    class Empty:
        """No field."""

    @decorate
    class One:
        """One field."""

        value: object

    @decorate
    class Many:
        """Fields of every kind."""

        name: str
        number: int | None = None
        items: tuple[object, ...] = ()
        made: list[int] = field(default_factory=list, compare=False)
        hidden: str = field(default="h", repr=False)
        last: int = field(default=7, kw_only=True)

    @decorate
    class Checked:
        """With a check of its own and a text of its own."""

        value: int

        def __post_init__(self) -> None:
            if self.value < 0:
                raise ValueError("below zero")

        def __repr__(self) -> str:
            return f"<{self.value}>"

    return {"Empty": Empty, "One": One, "Many": Many, "Checked": Checked}


OURS, THEIRS = _made(frozen), _made(dataclass(frozen=True, slots=True))
VALUES: tuple[tuple[str, tuple[Any, ...], dict[str, Any]], ...] = (
    ("Empty", (), {}),
    ("One", ((1, 2),), {}),
    ("One", ("a",), {}),
    ("Many", ("a",), {}),
    ("Many", ("a", 1, ("x",)), {"hidden": "other", "last": 8}),
    ("Many", (), {"name": "b", "made": [1]}),
    ("Checked", (3,), {}),
)


@pytest.mark.parametrize(("name", "given", "named"), VALUES)
def test_a_value_looks_and_counts_as_that_of_dataclasses(
    name: str, given: tuple[Any, ...], named: dict[str, Any]
) -> None:
    ours, theirs = OURS[name](*given, **named), THEIRS[name](*given, **named)
    again = OURS[name](*given, **named)
    assert repr(ours) == repr(theirs)
    assert hash(ours) == hash(theirs)
    assert ours == again and hash(ours) == hash(again)
    assert ours != theirs, "another class"
    assert [one.name for one in fields(ours)] == [one.name for one in fields(theirs)]
    assert type(ours).__match_args__ == type(theirs).__match_args__
    assert type(ours).__slots__ == type(theirs).__slots__
    assert not hasattr(ours, "__dict__")
    assert dataclasses.asdict(ours) == dataclasses.asdict(theirs)
    assert repr(type(ours).__dataclass_params__) == repr(type(theirs).__dataclass_params__)
    assert copy.copy(ours) == ours == copy.deepcopy(ours)


@pytest.mark.parametrize("made", [OURS, THEIRS], ids=["ours", "theirs"])
def test_what_is_refused(made: dict[str, Any]) -> None:
    value = made["Many"]("a")
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'number'"):
        value.number = 3
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'number'"):
        del value.number
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'name'"):
        made["Many"]()
    with pytest.raises(TypeError, match="unexpected keyword argument 'other'"):
        made["Many"]("a", other=1)
    with pytest.raises(ValueError, match="below zero"):
        made["Checked"](-1)
    with pytest.raises(ValueError, match="below zero"):
        replace(made["Checked"](1), value=-1)
    with pytest.raises(TypeError, match="unhashable type: 'list'"):
        hash(made["One"]([]))


@pytest.mark.parametrize("made", [OURS, THEIRS], ids=["ours", "theirs"])
def test_fields_count_as_they_say(made: dict[str, Any]) -> None:
    many = made["Many"]
    assert many("a", made=[1]) == many("a", made=[2]), "a field left out of comparison"
    assert many("a", hidden="x") != many("a")
    assert "hidden" not in repr(many("a"))
    first, second = many("a"), many("a")
    assert first.made == [] and first.made is not second.made, "a default is made anew each time"
    assert replace(first, number=4) == many("a", 4)


def test_a_value_survives_the_way_to_another_process() -> None:
    value = Source("a.yml", 3, pointer="/x")
    assert pickle.loads(pickle.dumps(value)) == value
    assert pickle.loads(pickle.dumps((value, Digest("sha256", "00")))) == (value, Digest("sha256", "00"))


def test_a_field_outside_the_constructor_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="outside `__init__`"):

        @frozen
        class Odd:
            """A field that nobody gives."""

            value: int = field(default=1, init=False)


@pytest.mark.parametrize("made", [OURS, THEIRS], ids=["ours", "theirs"])
def test_a_changed_copy_is_made_as_dataclasses_do(made: dict[str, Any]) -> None:
    value = made["Many"]("a", 1, hidden="x", last=9)
    changed = frozen_module.replace(value, name="b", made=[4])
    assert (changed.name, changed.number, changed.hidden, changed.last, changed.made) == ("b", 1, "x", 9, [4])
    assert value.name == "a" and changed == replace(value, name="b")
    with pytest.raises(TypeError, match="unexpected keyword argument 'other'"):
        frozen_module.replace(value, other=1)
    with pytest.raises(ValueError, match="below zero"):
        frozen_module.replace(made["Checked"](1), value=-1)
