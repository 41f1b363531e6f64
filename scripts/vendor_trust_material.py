"""Write keys and roots that others publish into assess/trust/data/, re-encoded as dated JSON with their origin.

    python scripts/vendor_trust_material.py github-root FILE --origin TEXT [--date YYYY-MM-DD]
    python scripts/vendor_trust_material.py npm-keys FILE --origin TEXT [--date YYYY-MM-DD]
    python scripts/vendor_trust_material.py gcb-keys FOLDER --origin TEXT [--date YYYY-MM-DD]

github-root  the trusted_root.json of GitHub's own Sigstore instance, as its TUF repository (and others) hand it out
npm-keys     keys.json of npm's registry, a target of Sigstore's TUF repository
gcb-keys     a folder of PEM files: REGION.key for keys that sign raw payloads, global-pae-NAME_VERSION.key for those
             that sign DSSE's encoding
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

DATA = Path(__file__).resolve().parent.parent / "assess" / "trust" / "data"
GCB_KEY = "projects/verified-builder/locations/{}/keyRings/attestor/cryptoKeys/{}/cryptoKeyVersions/{}"


def main() -> None:
    """Read one source, write one file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("github-root", "npm-keys", "gcb-keys"))
    parser.add_argument("source", type=Path)
    parser.add_argument("--origin", required=True, help="where the source comes from, with its version")
    parser.add_argument("--date", default=datetime.now(UTC).date().isoformat(), help="date to record (default: today)")
    arguments = parser.parse_args()
    name, content = {"github-root": _github_root, "npm-keys": _npm_keys, "gcb-keys": _gcb_keys}[arguments.what](
        arguments.source
    )
    snapshot = {"origin": arguments.origin, "dated": arguments.date, **content}
    (DATA / name).write_text(json.dumps(snapshot, indent=1, sort_keys=True) + "\n")
    print(f"{name}: sha256:{snapshot['sha256']}")


def _github_root(path: Path) -> tuple[str, dict[str, Any]]:
    data = path.read_bytes()
    return "sigstore_github.json", {"sha256": hashlib.sha256(data).hexdigest(), "trustedRoot": json.loads(data)}


def _npm_keys(path: Path) -> tuple[str, dict[str, Any]]:
    data = path.read_bytes()
    keys = [
        {
            "name": f"npm registry, {row['keyUsage']}",
            "hint": row["keyId"],
            "usage": row["keyUsage"],
            "signs": "pae",
            "key": row["publicKey"]["rawBytes"],
            "start": row["publicKey"]["validFor"]["start"],
            **({"end": row["publicKey"]["validFor"]["end"]} if "end" in row["publicKey"]["validFor"] else {}),
        }
        # `npm:signatures` keys sign package metadata, which is another format.
        for row in json.loads(data)["keys"]
        if row["keyUsage"] == "npm:attestations"
    ]
    return "npm_registry_keys.json", {"sha256": hashlib.sha256(data).hexdigest(), "keys": keys}


def _gcb_keys(folder: Path) -> tuple[str, dict[str, Any]]:
    keys = []
    whole = hashlib.sha256()
    for path in sorted(folder.glob("*.key")):
        data = path.read_bytes()
        whole.update(data)
        der = load_pem_public_key(data).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        found = re.fullmatch(r"global-pae-(.+)_([0-9]+)", path.stem)
        if path.stem == "global-pae":
            # The same key as global-pae-provenanceSigner_1, under an older name.
            continue
        hint = GCB_KEY.format("global", found[1], found[2]) if found else GCB_KEY.format(path.stem, "builtByGCB", "1")
        keys.append(
            {
                "name": f"Google Cloud Build, {'global, ' + found[1] if found else path.stem}",
                "hint": hint,
                "signs": "pae" if found else "payload",
                "key": base64.b64encode(der).decode(),
            }
        )
    return "google_cloud_build_keys.json", {"sha256": whole.hexdigest(), "keys": keys}


if __name__ == "__main__":
    main()
