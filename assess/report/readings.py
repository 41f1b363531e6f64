"""How a level is worded and drawn: three readings side by side, the demonstrated one being the level."""

from __future__ import annotations

from typing import Literal

from assess._frozen import frozen
from assess.assessment import Assessment, ReadingLevel
from assess.evidence import Interval

READINGS = ("demonstrated", "configured", "declared")
HIGHEST = 9
"""No track has more levels; keeps a hand-edited assessment from drawing a ladder without end."""
_KNOWN_TOPS = {"build": 3, "source": 4}


@frozen
class Rung:
    """One level of a ladder: proved, not excluded, or out of reach."""

    level: int
    state: Literal["reached", "possible", "not reached"]
    label: str
    """What stands on it: a level that is only configured is not called reached."""


@frozen
class ReadingView:
    """One reading of one track: its level in two or three words, in a sentence, and as rungs (highest first)."""

    reading: str
    level: Interval
    looked: bool
    words: str
    sentence: str
    rungs: tuple[Rung, ...]


@frozen
class TrackView:
    """One track's readings, in the order demonstrated, configured, declared."""

    track: str
    name: str
    top: int
    readings: tuple[ReadingView, ...]

    @property
    def demonstrated(self) -> ReadingView | None:
        """The reading that is the level."""
        return next((one for one in self.readings if one.reading == "demonstrated"), None)

    @property
    def cells(self) -> tuple[tuple[str, str], ...]:
        """(reading, words) for the three columns of a table."""
        known = {one.reading: one.words for one in self.readings}
        return tuple((name, known.get(name, "not judged")) for name in READINGS)


def top_of(assessment: Assessment, track: str) -> int:
    """The highest level that the track's rules (or the specification's tracks) know."""
    rules = [clause.level for rule in assessment.requirements if rule.track == track for clause in rule.clauses]
    return min(HIGHEST, max([_KNOWN_TOPS.get(track, 0), *rules]))


def tracks_of(assessment: Assessment, levels: tuple[ReadingLevel, ...], basis: str = "") -> tuple[TrackView, ...]:
    """`levels` as views, one per track; `basis` says whose claim the demonstrated level rests on."""
    names = dict.fromkeys(row.track for row in levels)
    return tuple(_track(assessment, name, tuple(row for row in levels if row.track == name), basis) for name in names)


def _track(assessment: Assessment, track: str, rows: tuple[ReadingLevel, ...], basis: str) -> TrackView:
    top = top_of(assessment, track)
    name = track.capitalize()
    proved = next((row.level for row in rows if row.reading == "demonstrated"), Interval(0, top))
    views = []
    for row in rows:
        looked = _looked(assessment, row, top)
        words, sentence = _worded(row, name, top, proved, looked)
        if row.reading == "configured" and not looked and assessment.pipelines is not None:
            words, sentence = "no pipeline", "no pipeline was found"
        if row.reading == "demonstrated" and basis:
            words = f"{words} ({basis})"
        rungs = tuple(_rung(level, row, looked) for level in range(top, 0, -1))
        views.append(ReadingView(row.reading, row.level, looked, words, sentence, rungs))
    order = {reading: index for index, reading in enumerate(READINGS)}
    return TrackView(track, name, top, tuple(sorted(views, key=lambda view: order.get(view.reading, 3))))


def _rung(level: int, row: ReadingLevel, looked: bool) -> Rung:
    if not looked:
        return Rung(level, "not reached", "not looked at")
    if level <= row.level.reached:
        return Rung(level, "reached", row.reading)
    if level <= row.level.ceiling:
        return Rung(level, "possible", "possible")
    return Rung(level, "not reached", "not reached")


def _looked(assessment: Assessment, row: ReadingLevel, top: int) -> bool:
    """Whether anybody looked at what this reading is made from; a settled level shows that somebody did."""
    settled = row.level.reached > 0 or row.level.ceiling < top
    match row.reading:
        case "configured":
            return settled or bool(assessment.pipelines) or bool(assessment.releases)
        case "declared":
            return settled or assessment.answers is not None
        case _:
            return True


def _worded(row: ReadingLevel, name: str, top: int, proved: Interval, looked: bool) -> tuple[str, str]:
    match row.reading:
        case "configured" if not looked:
            return "nobody looked", "no pipeline was read"
        case "declared" if not looked:
            return "nobody was asked", "no answers were given"
        case "configured":
            return _configured(row.level, name, proved)
        case "declared":
            return _declared(row.level, name, proved)
        case _:
            return f"{name} {row.level}", _demonstrated(row.level, name, top)


def _demonstrated(level: Interval, name: str, top: int) -> str:
    reached = f"{name} L{level.reached} is demonstrated" if level.reached else "No level is demonstrated"
    if level.reached < level.ceiling:
        return f"{reached}; up to L{level.ceiling} is possible, but not proved."
    if level.reached >= top:
        return f"{reached}, the highest level of the {name} track."
    return f"{reached}; what was found excludes L{level.reached + 1}."


def _not_proof(most: int, proved: Interval) -> str:
    return "that much is demonstrated" if proved.reached >= most else "not demonstrated"


def _configured(level: Interval, name: str, proved: Interval) -> tuple[str, str]:
    if level.ceiling == 0:
        return f"no {name} level", f"configured for no {name} level"
    if level.reached == level.ceiling:
        words = f"up to {name} L{level.reached}"
        return words, f"configured for {words}; {_not_proof(level.reached, proved)}"
    if level.reached == 0:
        return f"{name} {level}", f"configured for no {name} level for certain, perhaps up to L{level.ceiling}"
    words = f"{name} L{level.reached}, perhaps L{level.ceiling}"
    return words, f"configured for {words}; {_not_proof(level.ceiling, proved)}"


def _declared(level: Interval, name: str, proved: Interval) -> tuple[str, str]:
    words = f"{name} {level}"
    if level.reached == 0:
        return f"no {name} level", f"the answers given declare no {name} level"
    return words, f"declared as {words}; {_not_proof(level.reached, proved)}"
