"""A small site with the figures that move, each after its still: built in seconds, without the book."""

from __future__ import annotations

import subprocess
import sys

from catapult.chapters.mnist_sides import outcomes

TABLES = {"mnist": outcomes.element}
"""What a cell of the page holds beside the figure."""
CONF = """
extensions = ["catapult.companion.moving"]
project = "figures"
html_theme = "basic"
numfig = True
nitpicky = True
"""
PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="60"><circle cx="40" cy="30" r="20"/></svg>'


def page(*figures: str, options: str = "") -> str:
    """Return a page with these figures, each after its still."""
    text = "A page\n======\n\n"
    for name in figures:
        if name in TABLES:
            text += f".. raw:: html\n\n   {TABLES[name]()}\n\n"
        text += (f".. figure:: still.svg\n   :name: fig-{name}\n   :alt: what {name} shows\n\n   The still.\n\n"
                 f".. moving:: {name}\n   :still: fig-{name}\n{options}\n   Move it.\n\n")
    return text


def build(folder, **pages: str) -> subprocess.CompletedProcess:
    """Build pages as a site, with warnings as errors, in ``folder/html``."""
    contents = "".join(f"   {name}\n" for name in pages)
    (folder / "conf.py").write_text(CONF, encoding="utf-8")
    (folder / "still.svg").write_text(PICTURE, encoding="utf-8")
    for name, text in pages.items():
        (folder / f"{name}.rst").write_text(text, encoding="utf-8")
    (folder / "index.rst").write_text(f"Figures\n=======\n\n.. toctree::\n\n{contents}", encoding="utf-8")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", str(folder), str(folder / "html")]
    return subprocess.run(command, capture_output=True, text=True, check=False)
