"""`trust`: whom the checks trust (roots, logs, authorities, keys), and taking trusted roots in and out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assess.cli._check import Keys, Platforms, Project, TrustedRoot
from assess.cli._common import Debug, Time, clean, out, parse_time, say
from assess.errors import UnavailableError

if TYPE_CHECKING:
    from assess.plan import Plan
    from assess.trust.roots import TrustedRoot as Root

app = typer.Typer(
    help="Show, take out, take in and update whom the checks trust. Nothing here changes what a check trusts by "
    "itself: a stored root is used only where --trusted-root or the project file names it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Format = Annotated[str, typer.Option("-f", "--format", metavar="text|json", help="How to print it.")]
Name = Annotated[str | None, typer.Option("--name", help="Name in the store; else the file's.")]
Force = Annotated[bool, typer.Option("--force", help="Replace another root of that name.")]
RootName = Annotated[str, typer.Option("--root", metavar="NAME", help="Which: sigstore-public-good or github.")]
TufUrl = Annotated[str | None, typer.Option("--tuf-url", metavar="URL", help="TUF repository; else Sigstore's.")]
TufRoot = Annotated[Path | None, typer.Option("--tuf-root", metavar="FILE", help="TUF root.json to start from.")]
RootFile = Annotated[Path, typer.Argument(metavar="FILE", help="A trusted_root.json.")]


@app.command()
def show(
    path: Project = Path(),
    trusted_root: TrustedRoot = None,
    key: Keys = None,
    platforms: Platforms = None,
    format: Format = "text",
    time: Time = None,
    debug: Debug = False,
) -> None:
    """Show whom a check of this project trusts: each with its validity, origin and sha256."""
    if format not in ("text", "json"):
        raise typer.BadParameter(f"no such format {format!r} (one of text, json)")
    from assess.cli._plan import plan_from

    now = parse_time(time)
    plan = plan_from({**locals(), "lock": None} | {"use_file": True}, b"", now)
    facts = _facts(plan, now)
    if format == "json":
        import json

        out(json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
    else:
        out("".join(f"{clean(line)}\n" for line in _text(facts).splitlines()))


def _facts(plan: Plan, now: str) -> dict[str, Any]:
    from assess.trust.known_keys import key_sets
    from assess.trust.refresh import days_old, stored
    from assess.trusted import load_trust

    trust, _, inputs = load_trust(plan)
    return {
        "roots": [_root(one, now) for one in trust.roots],
        "keys": [
            {"owner": "given by you", "path": one.path, "sha256_of_file": one.sha256}
            for one in inputs
            if one.kind == "key"
        ]
        + [
            {
                "owner": one.owner,
                "origin": one.origin,
                "dated": one.dated,
                "days_old": days_old(one.dated, now),
                "sha256": one.sha256,
                "keys": [key.sha256 for key in one.keys],
            }
            for one in key_sets()
        ],
        "platforms": {
            "entries": len(trust.platforms.entries),
            "profile": trust.profile,
            "files": [{"path": one.path, "sha256": one.sha256} for one in inputs if one.kind == "platforms"],
        },
        "stored_but_not_used": [str(one) for one in stored()],
    }


def _root(root: Root, now: str) -> dict[str, Any]:
    from datetime import datetime
    from hashlib import sha256

    from assess.trust.refresh import days_old

    moment = datetime.fromisoformat(now)

    def window(one: Any) -> dict[str, Any]:
        end = one.window.end.isoformat() if one.window.end is not None else None
        return {"from": one.window.start.isoformat(), "until": end, "valid_now": one.window.holds(moment)}

    return {
        "name": root.name,
        "origin": root.origin,
        "dated": root.dated,
        "days_old": days_old(root.dated, now),
        "sha256": root.sha256,
        **{
            kind: [
                {"uri": one.uri, "root_sha256": sha256(one.certificates[-1]).hexdigest(), **window(one)} for one in rows
            ]
            for kind, rows in (
                ("certificate_authorities", root.authorities),
                ("timestamp_authorities", root.timestamp_authorities),
            )
        },
        **{
            kind: [{"uri": one.base_url, "log_id": one.log_id.hex(), **window(one)} for one in rows]
            for kind, rows in (("transparency_logs", root.logs), ("certificate_logs", root.ct_logs))
        },
    }


def _text(facts: dict[str, Any]) -> str:
    lines: list[str] = []
    for root in facts["roots"]:
        age = f", {root['days_old']} days old" if root["days_old"] is not None else ""
        dated = f" (dated {root['dated']}{age})" if root["dated"] else ""
        lines += [f"trusted root {root['name']}{dated}", f"  origin {root['origin']}", f"  sha256 {root['sha256']}"]
        for kind in ("certificate_authorities", "certificate_logs", "transparency_logs", "timestamp_authorities"):
            lines.append(f"  {kind.replace('_', ' ')}: {len(root[kind]) or 'none'}")
            for one in root[kind]:
                until = (one["until"] or "open")[:10]
                ended = "" if one["valid_now"] else " (not now)"
                digest = one.get("log_id") or one.get("root_sha256")
                lines.append(f"    {one['from'][:10]} to {until}{ended}  {one['uri']}  {digest}")
    for one in facts["keys"]:
        if "path" in one:
            lines.append(f"key {one['path']}, sha256 of the file {one['sha256_of_file']}")
        else:
            age = f", {one['days_old']} days old" if one["days_old"] is not None else ""
            lines.append(f"{len(one['keys'])} key(s) of {one['owner']} (dated {one['dated']}{age})")
            lines += [f"  origin {one['origin']}", f"  sha256 {one['sha256']}"]
    platforms = facts["platforms"]
    lines.append(f"{platforms['entries']} recognised build platforms (profile {platforms['profile']})")
    lines += [f"  and of {one['path']}, sha256 {one['sha256']}" for one in platforms["files"]]
    for path in facts["stored_but_not_used"]:
        lines.append(f"stored, used only with --trusted-root: {path}")
    return "\n".join(lines) + "\n"


@app.command()
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write; - is standard output.")],
    root: RootName = "sigstore-public-good",
    debug: Debug = False,
) -> None:
    """Write a trusted root that comes with this tool as trusted_root.json, for other tools or for review."""
    from hashlib import sha256

    from assess.files import write_files
    from assess.trust.refresh import snapshot

    data = snapshot(root)
    if str(file) == "-":
        out(data.decode())
        return
    write_files(((file, data.decode()),))
    say(f"wrote {root} to {file}, sha256 {sha256(data).hexdigest()}")


@app.command("import")
def import_root(file: RootFile, name: Name = None, force: Force = False, debug: Debug = False) -> None:
    """Check a trusted_root.json and store it; it is used only where --trusted-root or the project file names it."""
    from assess.files import OWN_LIMIT, read_file
    from assess.trust.refresh import keep

    data = read_file(file, OWN_LIMIT, "trusted root")
    path, root = keep(data, name or file.stem, origin=str(file), replace_it=force)
    _stored(path, root)


@app.command()
def update(
    name: Name = None,
    tuf_url: TufUrl = None,
    tuf_root: TufRoot = None,
    time: Time = None,
    debug: Debug = False,
) -> None:
    """Fetch the current trusted root through TUF (needs the extra `sigstore`, or `tuf`) and store it."""
    from assess.files import OWN_LIMIT, read_file
    from assess.trust import refresh
    from assess.trust.roots import public_good

    start = read_file(tuf_root, OWN_LIMIT, "TUF root") if tuf_root is not None else None
    url = tuf_url or refresh.TUF_URL
    try:
        data = refresh.update(url, start)
    except UnavailableError as problem:
        dated = public_good().dated
        age = refresh.days_old(dated, parse_time(time))
        message = f"{problem.message}; the snapshot in use is of {dated}, {age} days old"
        raise UnavailableError(message, problem.place, problem.hint) from None
    path, root = refresh.keep(data, name or "sigstore-public-good", origin=url, replace_it=True)
    same = root.logs == public_good().logs and root.authorities == public_good().authorities
    say("it names the same logs and authorities as the snapshot" if same else "it differs from the snapshot")
    _stored(path, root)


def _stored(path: Path, root: Root) -> None:
    counts = f"{len(root.authorities)} authorities, {len(root.logs)} logs"
    say(f"stored {path} ({counts}, sha256 {root.sha256})")
    say(f"it is not used by itself: give --trusted-root {path}, or trust.trusted_root in the project file")
