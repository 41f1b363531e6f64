"""`@frozen`: what `@dataclass(frozen=True, slots=True)` makes, in a third of its time.

Each dataclass compiles six methods of its own when it is defined, and a run defines some two hundred: a fifth of a
short run. Here only `__init__` is compiled for the class; the others are shared and find the fields in a tuple.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar, dataclass_transform

Class = TypeVar("Class")

_ABSENT = object()
"""In the signature of `__init__`, for a field whose default is made anew each time."""


class _Shared:
    """The methods that all frozen classes have in common, with the texts and results of `dataclasses`."""

    __slots__ = ()
    _compared: Callable[[Any], tuple[Any, ...]]
    _shown: tuple[str, ...]
    _names: tuple[str, ...]
    _all: Callable[[Any], tuple[Any, ...]]
    _stored: tuple[tuple[str, Callable[[Any, Any], None]], ...]

    def __eq__(self, other: object) -> bool:
        if other.__class__ is self.__class__:
            return self._compared(self) == self._compared(other)
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self._compared(self))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._shown)
        return f"{self.__class__.__qualname__}({shown})"

    def __setattr__(self, name: str, value: object) -> None:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def __getstate__(self) -> list[Any]:
        return list(self._all(self))

    def __setstate__(self, state: list[Any]) -> None:
        for (_, store), value in zip(self._stored, state, strict=True):
            store(self, value)


_METHODS = tuple((name, value) for name, value in vars(_Shared).items() if callable(value) and name != "__class__")


if TYPE_CHECKING:
    from dataclasses import replace as replace  # noqa: PLC0414 - for others to import from here

    @dataclass_transform(frozen_default=True, field_specifiers=(field, Field))
    def frozen(cls: type[Class]) -> type[Class]:
        """See below."""

else:

    def frozen(cls):
        """The class as a frozen dataclass with slots; TypeError for fields outside `__init__`."""
        if cls.__doc__ is None:
            cls.__doc__ = cls.__name__  # `dataclasses` would make the signature's text, at the cost of `inspect`
        for name, method in _METHODS:
            if name not in cls.__dict__:
                setattr(cls, name, method)
        return _completed(dataclass(init=False, repr=False, eq=False, slots=True)(cls))

    def replace(value, /, **changes):
        """As `dataclasses.replace`, whose walk through all fields costs several times what making the value does."""
        cls = value.__class__
        if not hasattr(cls, "_names"):
            return dataclasses.replace(value, **changes)
        return cls(**{**dict(zip(cls._names, cls._all(value), strict=True)), **changes})


def _completed(cls: Any) -> Any:
    members = fields(cls)
    if any(not one.init for one in members):
        raise TypeError(f"{cls.__name__} has a field outside `__init__`, for which there is `dataclasses`")
    stored = tuple((one.name, vars(cls)[one.name].__set__) for one in members)
    cls._names = tuple(one.name for one in members)
    cls._all = _getter([*cls._names])
    compared = [one.name for one in members if one.compare]
    cls._stored = stored
    cls._shown = tuple(one.name for one in members if one.repr)
    cls._compared = _getter(compared)
    cls.__dataclass_params__.frozen = cls.__dataclass_params__.init = True
    cls.__dataclass_params__.repr = cls.__dataclass_params__.eq = True
    cls.__init__ = _init(cls, members, dict(stored))
    return cls


def _getter(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    """Several fields at once as a tuple, which `attrgetter` makes of two or more only."""
    if len(names) > 1:
        return attrgetter(*names)
    if not names:
        return staticmethod(lambda _: ())
    one = attrgetter(names[0])
    return staticmethod(lambda self: (one(self),))


def _init(cls: Any, members: tuple[Field[Any], ...], stores: dict[str, Any]) -> Any:
    scope: dict[str, Any] = {"__absent": _ABSENT}
    head, body = ["self"], []
    for number, one in enumerate(members):
        name, value, given = one.name, one.name, one.name
        scope[f"__set{number}"] = stores[name]
        if one.default is not MISSING:
            scope[f"__default{number}"] = one.default
            given = f"{name}=__default{number}"
        elif one.default_factory is not MISSING:
            scope[f"__default{number}"] = one.default_factory
            given = f"{name}=__absent"
            value = f"__default{number}() if {name} is __absent else {name}"
        if one.kw_only and "*" not in head:
            head.append("*")
        head.append(given)
        body.append(f" __set{number}(self, {value})")
    if hasattr(cls, "__post_init__"):
        body.append(" self.__post_init__()")
    text = f"def __init__({', '.join(head)}) -> None:\n" + "\n".join(body or [" pass"])
    exec(compile(text, f"<__init__ of {cls.__qualname__}>", "exec"), scope)  # noqa: S102 - names of our own fields
    made = scope["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    made.__module__ = cls.__module__
    return made
