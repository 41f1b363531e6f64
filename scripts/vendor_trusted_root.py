"""Write assess/trust/data/sigstore_public_good.json from the trusted root inside the `sigstore` distribution.

    python scripts/vendor_trusted_root.py [--date YYYY-MM-DD]

The trusted root stays in Sigstore's own JSON form; origin, date and the digest of the original are recorded beside it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from datetime import UTC, datetime
from importlib.metadata import distribution
from pathlib import Path

TARGET = Path(__file__).resolve().parent.parent / "assess" / "trust" / "data" / "sigstore_public_good.json"
INSTANCE = "tuf-repo-cdn.sigstore.dev"


def main() -> None:
    """Find the file in the installed distribution, wrap it, write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--date", default=datetime.now(UTC).date().isoformat(), help="date to record (default: today)")
    arguments = parser.parse_args()
    package = distribution("sigstore")
    names = [file for file in package.files or () if INSTANCE in str(file) and file.name == "trusted_root.json"]
    if len(names) != 1:
        raise SystemExit(f"expected one trusted root of {INSTANCE} in sigstore {package.version}, found {len(names)}")
    data = Path(str(names[0].locate())).read_bytes()
    snapshot = {
        "origin": f"trusted_root.json of the PyPI package sigstore {package.version}",
        "dated": arguments.date,
        "sha256": hashlib.sha256(data).hexdigest(),
        "trustedRoot": json.loads(data),
    }
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(json.dumps(snapshot, indent=1, sort_keys=True) + "\n")
    print(f"{TARGET.name}: sigstore {package.version}, sha256:{snapshot['sha256']}")


if __name__ == "__main__":
    main()
