"""Writes the generated files of examples/: the wheel, its attestations and the trusted root of a virtual Sigstore.

    python scripts/make_example.py [FOLDER]     writes below FOLDER (default: examples/), to the same bytes each time
    python scripts/make_example.py --check      says whether examples/ is current (exit 1 if not)

The keys follow from SEED, which is public: what they sign is worth nothing outside the example.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
import zipfile
from base64 import urlsafe_b64encode
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from virtual_sigstore import (  # noqa: E402  (the tests' folder is no package)
    GitHubRun,
    VirtualSigstore,
    edited,
    generator_run,
    provenance_v1,
    subject_of,
)

SEED = "slsa-assess example, worth nothing elsewhere"
WHEEL = "widget-1.4.2-py3-none-any.whl"
RUN = GitHubRun()
COMMIT = ("predicate", "buildDefinition", "resolvedDependencies", 0, "digest", "gitCommit")
LOG = {"log": "v1", "tsa": True}


def wheel(version: str = "1.4.2") -> bytes:
    """A wheel that installs; stored, not deflated, because compressed bytes differ between zlib builds."""
    info = f"widget-{version}.dist-info"
    files = {
        "widget/__init__.py": f'"""A widget."""\n\n__version__ = "{version}"\n',
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: widget\nVersion: {version}\nSummary: An example\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: example\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = [f"{name},sha256={_record_hash(text)},{len(text.encode())}\n" for name, text in files.items()]
    files[f"{info}/RECORD"] = "".join(rows) + f"{info}/RECORD,,\n"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, text in files.items():
            member = zipfile.ZipInfo(name, (2025, 9, 30, 12, 0, 0))
            member.create_system = 3
            member.external_attr = 0o644 << 16
            archive.writestr(member, text)
    return buffer.getvalue()


def _record_hash(text: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def _json(value: dict[str, Any]) -> bytes:
    return (json.dumps(value, indent=2) + "\n").encode()


def generated() -> dict[str, bytes]:
    """Path below examples/ -> content, for each generated file."""
    vs = VirtualSigstore(SEED)
    data = wheel()
    subjects = [subject_of(WHEEL, data)]
    genuine = provenance_v1(subjects, RUN)
    # The look-alike: first signed as it is, then one field changed in the payload.
    signed = vs.sign_statement(genuine, run=RUN, **LOG)
    other = vs.sign_statement(provenance_v1([subject_of(WHEEL, wheel("1.4.3"))], RUN), run=RUN, **LOG)
    changed = vs.sign_statement(edited(genuine, COMMIT, "0" * 40), run=RUN, **LOG)
    tampered = signed | {"dsseEnvelope": signed["dsseEnvelope"] | {"payload": changed["dsseEnvelope"]["payload"]}}
    stranger = replace(RUN, repository="example-orq/widget", repository_id="812004711", owner_id="171819")
    borrowed = provenance_v1(subjects, RUN, builder_id=generator_run("generic").signer_uri)
    return {
        f"widget/dist/{WHEEL}": data,
        f"widget/dist/{WHEEL}.sigstore.json": _json(signed),
        "widget/trusted_root.json": vs.trusted_root(),
        "lookalikes/unsigned.intoto.json": _json(genuine),
        "lookalikes/edited.sigstore.json": _json(tampered),
        "lookalikes/other-artifact.sigstore.json": _json(other),
        "lookalikes/tenant-written.sigstore.json": _json(vs.sign_statement(genuine, run=stranger, **LOG)),
        "lookalikes/two-workflows.sigstore.json": _json(vs.sign_statement(borrowed, run=RUN, **LOG)),
    }


def stale(folder: Path) -> list[str]:
    """The generated files below `folder` that are missing or differ."""
    return [
        name
        for name, data in generated().items()
        if not (folder / name).is_file() or (folder / name).read_bytes() != data
    ]


def write(folder: Path) -> None:
    """Write all generated files below `folder`."""
    for name, data in generated().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def main(arguments: list[str]) -> int:
    """Exit code of the script."""
    if arguments == ["--check"]:
        names = stale(ROOT / "examples")
        print("\n".join(f"not current: examples/{name}" for name in names) or "examples/ is current")
        return 1 if names else 0
    write(Path(arguments[0]) if arguments else ROOT / "examples")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
