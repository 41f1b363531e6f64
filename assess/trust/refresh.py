"""Where trusted roots come from and go to: the snapshots of this package, the user's own store, and TUF updates.

Nothing here changes what a check trusts: a stored root is used only where it is named (`--trusted-root`).
"""

from __future__ import annotations

import json
import os
import re
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from assess.errors import ConfigError, InputError, UnavailableError
from assess.trust.roots import GITHUB, PUBLIC_GOOD, TrustedRoot, load_trusted_root

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tuf.ngclient.fetcher import FetcherInterface

TUF_URL = "https://tuf-repo-cdn.sigstore.dev"
TARGET = "trusted_root.json"
MAX_TARGET = 4 << 20
_DATA = Path(__file__).parent / "data"
_SNAPSHOTS = ((PUBLIC_GOOD, "sigstore_public_good.json"), (GITHUB, "sigstore_github.json"))
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def snapshot(name: str) -> bytes:
    """The trusted_root.json of a snapshot that comes with this package; raises ConfigError for an unknown name."""
    file = dict(_SNAPSHOTS).get(name)
    if file is None:
        known = ", ".join(one for one, _ in _SNAPSHOTS)
        raise ConfigError(f"no such trusted root (got {name[:80]!r}, expected one of {known})")
    value = json.loads((_DATA / file).read_bytes())["trustedRoot"]
    return (json.dumps(value, indent=2) + "\n").encode()


def days_old(dated: str | None, today: str) -> int | None:
    """Days from `dated` to `today` (RFC 3339 dates or times); None where it is not known."""
    try:
        return (date.fromisoformat(today[:10]) - date.fromisoformat((dated or "")[:10])).days
    except ValueError:
        return None


def store() -> Path:
    """The user's folder for trusted roots, by the XDG base directory specification; it may not exist."""
    home = os.environ.get("XDG_DATA_HOME", "")
    base = Path(home) if Path(home).is_absolute() else Path.home() / ".local" / "share"
    return base / "slsa-assess" / "trusted-roots"


def stored() -> tuple[Path, ...]:
    """The trusted roots in the user's store, by name."""
    try:
        return tuple(sorted(file for file in store().glob("*.json") if file.is_file()))
    except OSError:
        return ()


def keep(data: bytes, name: str, *, origin: str, replace_it: bool = False) -> tuple[Path, TrustedRoot]:
    """Check a trusted_root.json and put it into the store under `name`; where it is then, and what it says.

    Raises ConfigError for what is no trusted root, vouches for nobody, or would replace another unasked.
    """
    from assess.files import OWN_LIMIT, write_files

    if not _NAME.fullmatch(name):
        raise ConfigError(f"not a name for a trusted root (got {name[:80]!r})", hint="letters, digits, dots, - and _")
    root = load_trusted_root(data, origin, name)
    if not root.authorities and not root.logs and not root.timestamp_authorities:
        raise ConfigError("a trusted root that trusts nobody: no authority, no log, no timestamp authority", origin)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise InputError("not UTF-8", origin) from None
    if len(data) > OWN_LIMIT:
        raise InputError(f"too large to be used later (expected at most {OWN_LIMIT} bytes)", origin)
    path = store() / f"{name}.json"
    if path.exists() and not replace_it and sha256(path.read_bytes()).hexdigest() != root.sha256:
        raise ConfigError("another trusted root is stored under this name", str(path), "use --force, or another --name")
    write_files(((path, text),))
    return path, root


def update(url: str = TUF_URL, bootstrap: bytes | None = None) -> bytes:
    """The current trusted_root.json of a TUF repository, verified from `bootstrap` (a TUF root.json) on.

    Without `bootstrap` the root that the package `sigstore` carries for `url` is the start. The repository's metadata
    is kept in the store, so that it cannot be rolled back. Raises UnavailableError without `tuf` or network,
    InputError where the repository's metadata does not verify.
    """
    try:
        from tuf.api.exceptions import DownloadError, RepositoryError
        from tuf.ngclient.updater import Updater
    except ImportError:
        raise UnavailableError(
            "the package `tuf` is not installed", hint="pip install 'slsa-assess[sigstore]'"
        ) from None
    from urllib.parse import quote

    address = url.rstrip("/")
    folder = store() / "tuf" / quote(address, safe="")
    try:
        (folder / "targets").mkdir(parents=True, exist_ok=True)
        updater = Updater(
            metadata_dir=str(folder),
            metadata_base_url=address,
            target_dir=str(folder / "targets"),
            target_base_url=f"{address}/targets/",
            fetcher=_fetcher(),
            bootstrap=bootstrap or _bootstrap(address),
        )
        updater.refresh()
        info = updater.get_targetinfo(TARGET)
        if info is None or info.length > MAX_TARGET:
            raise InputError(f"the repository has no {TARGET} of a usable size", url)
        return Path(updater.download_target(info)).read_bytes()
    except DownloadError as problem:
        raise UnavailableError(f"cannot update ({_reason(problem)})", url, "is the network there?") from None
    except RepositoryError as problem:
        raise InputError(f"the repository's metadata does not verify ({_reason(problem)})", url, _STOLEN) from None
    except (OSError, ValueError) as problem:
        raise UnavailableError(f"cannot update ({_reason(problem)})", url, "can the store be written?") from None


_STOLEN = "nothing was stored; ask whoever runs the repository, or give its TUF root with --tuf-root"


def _reason(problem: Exception) -> str:
    cause = problem.__cause__
    return " ".join(f"{problem}{f': {cause}' if cause is not None else ''}".split())[:300]


def _bootstrap(address: str) -> bytes:
    from importlib.resources import files
    from urllib.parse import quote

    try:
        return (files("sigstore") / "_store" / quote(address, safe="") / "root.json").read_bytes()
    except (ImportError, OSError):
        raise UnavailableError(
            "no TUF root is known to start from", address, "install slsa-assess[sigstore], or give --tuf-root FILE"
        ) from None


def _fetcher() -> FetcherInterface:
    """Our own HTTP module behind TUF's interface."""
    from tuf.api.exceptions import DownloadHTTPError
    from tuf.ngclient.fetcher import FetcherInterface

    from assess.http import HttpLimits, request

    class Fetcher(FetcherInterface):
        """Fetches whole files; TUF itself holds each to its length."""

        def _fetch(self, url: str) -> Iterator[bytes]:
            answer = request("GET", url, accept="*/*", limits=HttpLimits(size=6 << 20))
            if answer.status != 200:
                raise DownloadHTTPError(f"status {answer.status}", answer.status)
            return iter((answer.body,))

    return Fetcher()
