"""The ledger beside its page: ``claims.json`` and ``claims.csv``, and its ids in the book's search."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from sphinx.application import Sphinx
from sphinx.domains import Domain, ObjType
from sphinx.errors import ExtensionError

from catapult.companion import claims, execution, ledger, pages

PAGE = "book/claims"


class ClaimDomain(Domain):
    """The rows of the ledger as objects: the search finds an id and lands on its row, other books can refer to it."""

    name, label = "claim", "Claim"
    object_types = {"row": ObjType("claim", "row")}  # noqa: RUF012

    def get_objects(self) -> Iterator[tuple[str, str, str, str, str, int]]:
        if PAGE in self.env.found_docs:
            for claim in claims.ledger():
                yield claim.id, claim.id, "row", PAGE, f"claim-{claim.id}", 0

    def resolve_any_xref(self, *_: Any) -> list:
        """Resolve nothing: a row is referred to by its address."""
        return []

    def merge_domaindata(self, docnames: list[str], otherdata: dict) -> None:
        """Merge nothing: the rows are those of the files, whichever process reads them."""


def rows(notebook: nbformat.NotebookNode) -> list[dict[str, Any]]:
    """Return the rows that an executed page shows, as data."""
    return [row for cell in notebook.cells for output in cell.get("outputs", ())
            for row in output.get("data", {}).get(ledger.MIME, ())]


def executed(app: Sphinx, docname: str) -> nbformat.NotebookNode | None:
    """Return a page of the built book as a notebook with its outputs; None for a page without code.

    What Jupyter Book leaves of a page that came from the execution cache has lost its outputs; the cache has them.
    """
    run = Path(app.outdir).parent / "jupyter_execute" / f"{docname}.ipynb"
    if not run.exists():
        return None
    if cache := app.config.nb_execution_cache_path:  # a page made alone has none, and "" would be the user's folder
        with contextlib.suppress(KeyError):
            return execution.executed(Path(app.env.doc2path(docname)), Path(cache))
    return nbformat.read(run, as_version=4)


def _write(app: Sphinx, error: Exception | None) -> None:
    if error or app.builder.format != "html" or PAGE not in app.env.found_docs:
        return
    out = Path(app.outdir)
    shown = rows(executed(app, PAGE))
    if len(shown) != len(claims.ledger()):
        raise ExtensionError(f"{PAGE} shows {len(shown)} rows of {len(claims.ledger())}: claims.json would lack some")
    for name, text in (("claims.json", ledger.as_json(shown)), ("claims.csv", ledger.as_csv(shown))):
        file = out / Path(PAGE).with_name(name)
        file.write_text(text, encoding="utf-8")
        file.with_name(f"{name}.js").write_text(pages.script(file), encoding="utf-8")


def _add_filters(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    if pagename == PAGE:
        app.add_js_file("ledger.js", loading_method="defer")


def setup(app: Sphinx) -> None:
    """Register the domain and the hook."""
    app.add_domain(ClaimDomain)
    app.connect("html-page-context", _add_filters)
    app.connect("build-finished", _write)
