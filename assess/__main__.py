"""`python -m assess` and the `slsa-assess` command: the shortest way from the interpreter's start to its end."""

from __future__ import annotations

import gc
import os
import sys

# A run makes many long-lived objects while it imports and loads; collecting them over and over costs a tenth of it.
gc.set_threshold(500_000, 20, 20)
# Foreign pydantic plugins have no say here, and looking for them costs more than verifying a bundle.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


def main() -> None:
    """Run the command line and leave without tearing down what the operating system frees anyway."""
    from assess.cli import main as run

    code: object = 0
    try:
        run()
    except SystemExit as ended:
        code = ended.code
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        # Nobody reads any more (`| head`): what was asked for is done.
        pass
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)


if __name__ == "__main__":
    main()
