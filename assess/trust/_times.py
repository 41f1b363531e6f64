"""Step 3 of a verification: the times that are proved, by a log's promise or by a timestamp."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from assess.trust._outcome import Proved, Record, RefusedError
from assess.trust._signature import Case
from assess.trust.log import verify_promise
from assess.trust.timestamps import MAX_TIMESTAMPS, read_timestamp


def trusted_times(case: Case, record: Record) -> tuple[datetime, ...]:
    """Every time that is proved: by promises (recorded as step 6) and by timestamps."""
    times: set[datetime] = set()
    for entry in case.material.entries:
        if entry.promise is not None:
            moment = record.run(6, "promise", partial(verify_promise, entry, case.root))
            if moment is not None:
                times.add(moment)
    stamped: tuple[datetime, ...] | None = ()
    if case.material.timestamps:
        # A key that the user trusts needs no time.
        stamped = _stamped(case, record, bool(times) or not case.certificates)
    ordered = tuple(sorted(times.union(stamped or ())))
    if ordered and stamped is not None:
        record.run(3, "time", lambda: Proved(f"trusted time: {shown(ordered)}", ordered))
    return ordered


def _stamped(case: Case, record: Record, otherwise: bool) -> tuple[datetime, ...] | None:
    """The times of the timestamps; None where a failed check was recorded instead."""
    moments: list[datetime] = []
    refused = Record()

    def action() -> Proved[None]:
        stamps = case.material.timestamps
        if len(stamps) > MAX_TIMESTAMPS or len(set(stamps)) != len(stamps):
            raise RefusedError(f"timestamps must be different ones, at most {MAX_TIMESTAMPS}", found=str(len(stamps)))
        covered = case.material.stamped if case.material.stamped is not None else case.signature
        for stamp in stamps:
            moment = read_timestamp(stamp, covered, case.root)
            if moment is not None:
                moments.append(moment)
        # One of an authority that is not trusted here says nothing, unless it is all there is.
        if not moments and not otherwise:
            raise RefusedError(f"no timestamp is from a timestamp authority of the trusted root ({case.root.name})")
        return Proved("", None)

    refused.run(3, "time", action)
    failed = [check for check in refused.checks if check.result != "verified"]
    record.checks.extend(failed)
    return None if failed else tuple(moments)


def lacks_time(case: Case, record: Record) -> None:
    """Record that no time is proved, unless a timestamp was refused already."""
    if any(check.name == "time" for check in record.checks):
        return
    if any(entry.promise is not None for entry in case.material.entries):
        detail = "no trusted time: the log's promise does not hold, and there is no timestamp"
    else:
        detail = "no trusted time: neither a log's promise (SET) nor a timestamp shows when the signature was made"
    record.lacks(3, "time", detail)


def shown(times: tuple[datetime, ...]) -> str:
    """Times as text, RFC 3339."""
    return ", ".join(moment.isoformat().replace("+00:00", "Z") for moment in times)
