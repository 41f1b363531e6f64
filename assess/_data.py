"""Where the data that comes with the tool lies: rule pack, templates, examples."""

from __future__ import annotations

from pathlib import Path


def data_path(name: str) -> Path:
    """The folder or file `name` (`levels`, `templates`, `examples`): of the installed wheel, or of the checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "_data" / name
    return installed if installed.exists() else package.parent / name
