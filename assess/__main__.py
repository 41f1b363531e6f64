"""`python -m assess` and the `slsa-assess` command."""

from __future__ import annotations

from assess.cli import main

if __name__ == "__main__":
    main()
