"""The report for a terminal: what a person sees first, on one screen for a simple project. No control characters."""

from __future__ import annotations

from assess.assessment import Assessment
from assess.evidence import Source
from assess.report._writer import MOST, Writer
from assess.report.audits import CONDITIONS, AuditCard, levels_of, name_of
from assess.report.gaps import leading
from assess.report.readings import READINGS
from assess.report.text import a_list, shorten, visible
from assess.report.view import Held, View, view_of

MIN_WIDTH = 40
MAX_WIDTH = 200


def render_terminal(assessment: Assessment, *, color: bool = False, width: int = 100, verbose: bool = False) -> str:
    """The report as lines of at most `width` (40 to 200) characters; escape sequences only with `color`.

    `verbose` adds notes, and every attestation with every check that was made.
    """
    view = view_of(assessment)
    writer = Writer(max(MIN_WIDTH, min(MAX_WIDTH, width)), color)
    writer.put(f"{visible(assessment.project)}: {view.headline}", "title")
    writer.put(
        f"SLSA {assessment.spec}, {assessment.trust_profile} trust profile, {assessment.time}, "
        f"slsa-assess {assessment.tool_version}",
        "dim",
    )
    _levels(writer, view)
    _sentences(writer, view)
    _notices(writer, view, "critical", "Critical")
    _held_back(writer, view)
    _actions(writer, view)
    _expectations(writer, view)
    _contradictions(writer, view)
    _pipelines(writer, view)
    _audits(writer, view.audits.contradicts, "What contradicts the configured level", "unmet")
    _audits(writer, view.audits.threatens, "What threatens it", "unknown")
    _way_up(writer, view)
    _untold(writer, view)
    _notices(writer, view, "warning", "Warnings")
    _unreadable(writer, view)
    if verbose:
        _notices(writer, view, "info", "Notes")
        _evidence(writer, view)
    _gate(writer, view)
    return "\n".join(writer.lines) + "\n"


def _evidence(writer: Writer, view: View) -> None:
    """Every attestation, and how each check of it ended."""
    styles = {"verified": "met", "failed": "unmet", "not-provable-offline": "unknown"}
    for subject in view.subjects:
        for one in (pair.attestation for pair in subject.attestations if pair.attestation is not None):
            writer.heading(f"{one.source}: {one.container}, {one.predicate_type or one.kind}")
            writer.put(f"{one.disposition}: {one.reason}", indent=2)
            for check in one.checks:
                writer.labelled(check.result, f"{check.step} {check.name}: {check.detail}", styles[check.result], 21)


def _levels(writer: Writer, view: View) -> None:
    """One row per subject and track: the three readings side by side; below each other where the width is small."""
    rows = [(subject, track) for subject in view.subjects for track in subject.tracks]
    if not rows:
        return
    words = [[shorten(visible(cell), 40) for _, cell in track.cells] for _, track in rows]
    widths = [max(len(name), *(len(row[at]) for row in words)) for at, name in enumerate(READINGS)]
    room = writer.width - sum(widths) - 2 * len(widths)
    writer.lines.append("")
    longest = max(len("subject"), *(len(visible(subject.name)) for subject, _ in rows))
    first = min(longest, max(room, 0))
    if first < min(longest, 12):
        _stacked(writer, view)
        return
    head = ["subject".ljust(first), *(name.ljust(size) for name, size in zip(READINGS, widths, strict=True))]
    writer.lines.append(writer.styled("  ".join(head).rstrip(), "dim"))
    for (subject, _), row in list(zip(rows, words, strict=True))[: 3 * MOST]:
        cells = [text.ljust(size) for text, size in zip(row, widths, strict=True)]
        name = shorten(visible(subject.name), first).ljust(first)
        writer.lines.append("  ".join([name, writer.styled(cells[0], "level"), *cells[1:]]).rstrip())
    writer.more(len(rows), 3 * MOST)


def _stacked(writer: Writer, view: View) -> None:
    for subject in view.subjects[: 3 * MOST]:
        writer.put(subject.name)
        for track in subject.tracks:
            for one in track.readings:
                style = "level" if one.reading == "demonstrated" else ""
                writer.labelled(one.reading, one.words, style, column=14)
    writer.more(len(view.subjects), 3 * MOST)


def _sentences(writer: Writer, view: View) -> None:
    writer.lines.append("")
    writer.put(" ".join(view.summary))
    proofs = dict.fromkeys(str(one.subject.proof) for one in view.subjects if one.subject.proof is not None)
    if proofs:
        writer.put(f"Proof: {a_list(tuple(visible(one) for one in proofs), 3)}")


def _held_back(writer: Writer, view: View) -> None:
    """Subjects that are held back alike are told of once. Without an artifact, the configuration is what is told of."""
    wanted = leading(view.assessment)
    groups: dict[tuple[object, ...], tuple[Held, list[str]]] = {}
    for subject in view.subjects:
        for held in subject.held:
            if held.reading == wanted:
                key = (held.next_level, *((one.names, one.outcome, one.reason) for one in held.blockers))
                groups.setdefault(key, (held, []))[1].append(subject.name)
    for held, names in list(groups.values())[:3]:
        who = f" ({a_list(tuple(visible(one) for one in names), 2)})" if len(view.subjects) > 1 else ""
        verb = "What holds it back from" if wanted == "demonstrated" else "What keeps the configuration from"
        writer.heading(f"{verb} {held.next_level}{who}")
        for one in held.blockers[:MOST]:
            writer.labelled(one.outcome, a_list(one.names, 3), one.outcome)
            writer.below(f"{one.reason}{_places(one.sources)}" or "no reason was recorded")
        writer.more(len(held.blockers))
    writer.more(len(groups), 3)


def _places(sources: tuple[Source, ...]) -> str:
    return f" [{a_list(tuple(visible(one) for one in sources), 2)}]" if sources else ""


def _actions(writer: Writer, view: View) -> None:
    if not view.actions:
        return
    writer.heading("What to do next")
    for number, one in enumerate(view.actions[:3], start=1):
        effort = f"{one.effort} effort, " if one.effort else ""
        writer.labelled(f"{number}.", one.text, "heading", column=4)
        writer.below(f"{effort}{one.role}{': ' if one.clauses else ''}{a_list(one.clauses, 3)}", column=4)
    left = len(view.actions) - 3
    if left > 0:
        writer.put(f"and {left} more (markdown or html report)", "dim", indent=2)
    if view.questions:
        writer.put(f"Questions without an answer: {len(view.questions)} (markdown or html report)", "dim", indent=2)


def _expectations(writer: Writer, view: View) -> None:
    wrong = [(one.name, row) for one in view.subjects for row in one.subject.expectations if row.outcome != "match"]
    if wrong:
        writer.heading("Expectations that are not met")
        for name, row in wrong[:MOST]:
            style = "unmet" if row.outcome == "mismatch" else "unknown"
            found = row.found or "nothing"
            writer.labelled(row.outcome, f"{row.name}: expected {row.expected}, found {found} ({name})", style)
            if row.detail:
                writer.below(row.detail)
        writer.more(len(wrong))


def _contradictions(writer: Writer, view: View) -> None:
    found = view.assessment.contradictions
    if found:
        writer.heading("Contradictions between the readings")
        for one in found[:MOST]:
            writer.put(f"{one.requirement}/{one.clause}: {one.text}{_places(one.sources)}", indent=2)
        writer.more(len(found))


def _pipelines(writer: Writer, view: View) -> None:
    """Every pipeline that releases something; the first line of the report tells of them together."""
    found = view.audits.pipelines
    if len(found) > 1 or any(one.vendor != one.strict for one in found):
        writer.heading("What each pipeline is configured for")
        for one in found[:MOST]:
            writer.put(f"{one.pipeline}: {levels_of(one)}", indent=2)
            missing = [CONDITIONS.get(name, name) for name, held in one.conditions if held is not True]
            if missing and one.strict.reached < one.vendor.ceiling:
                writer.put(f"strict, not shown: {'; '.join(missing)}", "dim", indent=4)
        writer.more(len(found))


def _way_up(writer: Writer, view: View) -> None:
    """The next step of each CI system in use; the reports have them all, with examples."""
    found = view.assessment.steps_up
    if found:
        writer.heading("The way up")
        for system in dict.fromkeys(one.system for one in found):
            one = next(step for step in found if step.system == system)
            writer.put(f"{system}, L{one.lower} to L{one.upper}: {one.title} ({one.effort} effort)", indent=2)
        writer.put("slsa-assess fix makes the safe changes; markdown and html reports show every step", "dim", indent=2)


def _audits(writer: Writer, cards: tuple[AuditCard, ...], title: str, style: str) -> None:
    if cards:
        writer.heading(title, style)
        for card in cards[:MOST]:
            for one in card.cases:
                places = tuple({str(place.source): place.source for place in one.places}.values())
                tools = a_list(tuple(dict.fromkeys(place.tool for place in one.places if place.tool)), 2)
                too = "" if all(place.tool for place in one.places) else "also "
                by = f" ({too}found by {tools})" if tools else ""
                writer.put(f"{name_of(one)}: {one.says}{_places(places)}{by}", indent=2)
                clauses = a_list(one.contradicts or one.threatens, 2)
                writer.put(f"{'against' if one.contradicts else 'weakens'} {clauses}", "dim", indent=4)
            writer.put(f"fix: {card.text.remedy}", "dim", indent=4)
        writer.more(len(cards))


def _untold(writer: Writer, view: View) -> None:
    found = tuple(name_of(one) for one in view.audits.unknown)
    if found:
        writer.heading("What may contradict it and cannot be told", "unknown")
        writer.put(a_list(found, MOST), indent=2)


def _notices(writer: Writer, view: View, severity: str, title: str) -> None:
    notices = [one for one in view.notices if one.severity == severity]
    if notices:
        writer.heading(title, severity)
        for one in notices[:MOST]:
            writer.put(f"{one.text}{_places((one.source,) if one.source else ())}", indent=2)
            if one.advice:
                writer.put(one.advice, "dim", indent=4)
        writer.more(len(notices))


def _unreadable(writer: Writer, view: View) -> None:
    assessment = view.assessment
    if assessment.unreadable:
        writer.heading("Not readable: what depends on it is unknown", "unmet")
        for bad in assessment.unreadable[:MOST]:
            writer.put(f"{bad.source}: {bad.reason}{' (read in part)' if bad.partly else ''}", indent=2)
        writer.more(len(assessment.unreadable))
    if assessment.not_checked:
        writer.heading("Not checked")
        for note in assessment.not_checked[:MOST]:
            place = _places((note.source,)) if note.source is not None else ""
            writer.put(f"{note.text}{place}", indent=2)
        writer.more(len(assessment.not_checked))
    expired = [one for one in assessment.waivers if one.expired]
    if assessment.waivers:
        writer.heading("Waivers")
        writer.put(f"{len(assessment.waivers)}, of them expired: {len(expired)}; shown, never counted", indent=2)


def _gate(writer: Writer, view: View) -> None:
    """The verdict's line itself is the command's to print."""
    verdict = view.assessment.verdict
    if not verdict.passed and verdict.reasons:
        writer.heading("Why the gate is closed", "unmet")
        for reason in verdict.reasons[:MOST]:
            writer.put(reason, indent=2)
        writer.more(len(verdict.reasons))
