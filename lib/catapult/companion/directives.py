"""What the book's pages add to Sphinx: the chapter card, the citation entry, downloads, mathematics offline.

``chapter-card``
    At the head of a chapter: what it shows and needs, its command, its parameters, its downloads.
``citation-entry``
    The companion's BibTeX entry, from ``CITATION.cff``, with the commit where it is known; a script adds a button.
``byline``
    On the landing page: the papers with their titles and addresses, authors, version and date, from ``CITATION.cff``.
``chapter``, ``number``
    Roles: a chapter's number in the book, from its id, as a link.
"""

from __future__ import annotations

import html
import shutil
from importlib import metadata
from pathlib import Path

import nbformat
import yaml
from docutils import nodes
from docutils.statemachine import StringList
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective, SphinxRole

from catapult import paths
from catapult.companion import exports, registry, revision
from catapult.parameters import allowed_values, type_name


class ChapterCard(SphinxDirective):
    """The card at the head of a chapter."""

    def run(self) -> list[nodes.Node]:
        chapter = registry.get(Path(self.env.docname).name)
        text = f"""
**What it shows.** {chapter.shows}

**What it needs.** {chapter.needs}

**Rerun it.** `catapult run {chapter.number} --out out/`, with `-p NAME=VALUE` for any parameter below.
"""
        if "/" in self.env.docname:  # in the book; a page that `catapult run` makes lies beside its notebook
            text += f"""
**Take it.** <a href="../notebooks/{chapter.id}.ipynb" download>executed notebook</a> ·
<a href="../sources/{chapter.id}.md" download>source</a>
"""
        card = nodes.container(classes=["chapter-card"])
        self.state.nested_parse(StringList(text.splitlines(), source=self.env.docname), self.content_offset, card)
        card += nodes.raw("", _parameter_table(chapter), format="html")
        return [card]


def _parameter_table(chapter: registry.Chapter) -> str:
    """Return the chapter's parameters as a folded HTML list."""
    model = chapter.parameters
    rows = []
    for name, field in model.model_fields.items():
        allowed = allowed_values(model, name)
        kind = type_name(model, name)
        limits = allowed if allowed.startswith(kind) else f"{kind}: {allowed}"
        rows.append(f"<dt><code>{name} = {html.escape(str(field.default))}</code></dt>"
                    f"<dd>{html.escape(field.description or '')} <span>({html.escape(limits)})</span></dd>")
    return f"<details><summary>Parameters</summary><dl>{''.join(rows)}</dl></details>"


class ChapterNumber(SphinxRole):
    """A chapter by its id, as its number: ``{number}`separability``` → 1, ``{chapter}`separability``` → chapter 1."""

    def run(self) -> tuple[list[nodes.Node], list]:
        chapter = registry.get(self.text)
        words = nodes.inline("", f"chapter {chapter.number}" if self.name == "chapter" else str(chapter.number))
        page = f"book/{chapter.id}"
        if page not in self.env.all_docs and page not in self.env.found_docs:
            return [words], []  # a page that was made alone
        return [addnodes.pending_xref("", words, refdomain="std", reftype="doc", reftarget=f"/{page}", refexplicit=True,
                                      refdoc=self.env.docname, refwarn=True)], []


class CitationEntry(SphinxDirective):
    """The BibTeX entry of the companion."""

    def run(self) -> list[nodes.Node]:
        config = self.config
        entry = bibtex_entry(config.companion_repository, config.companion_doi, config.companion_address,
                             revision.commit())
        block = nodes.literal_block(entry, entry, language="bibtex", classes=["citation-entry"])
        return [block]


class Byline(SphinxDirective):
    """What the book accompanies, and whose it is."""

    def run(self) -> list[nodes.Node]:
        line = nodes.container(classes=["byline"])
        text = StringList(byline().splitlines(), source=self.env.docname)
        self.state.nested_parse(text, self.content_offset, line)
        return [line]


def _citation() -> dict:
    return yaml.safe_load(paths.text(paths.ROOT / "CITATION.cff"))


def byline() -> str:
    """Return the papers that the book accompanies, with their addresses, and its authors, version and date."""
    about = _citation()
    papers = []
    for paper in about["references"]:
        names = ", ".join(author["family-names"] for author in paper["authors"])
        address = paper.get("url") or f"https://doi.org/{paper['doi']}"
        where = f"{paper['journal']} {paper['volume']}:{paper['start']}" if "journal" in paper else (
            paper["identifiers"][0]["value"])
        papers.append(f"[{paper['title']}]({address}) ({names}; {where}, {paper['year']})")
    authors = ", ".join(author["name"] for author in about["authors"])
    released = about["date-released"]
    return (f"An executable companion to {' and '.join(papers)}. By {authors[0].lower()}{authors[1:]}, version "
            f"{about['version']}, {released.day} {released:%B %Y}.\n")


def bibtex_entry(repository: str = "", doi: str = "", address: str = "", commit: str = "") -> str:
    """Return the companion's BibTeX entry; fields that are not known yet are left out."""
    about = _citation()
    authors = " and ".join("{" + author["name"] + "}" for author in about["authors"])
    released = about["date-released"]
    note = f"{released.day} {released:%B %Y}" + (f", commit {commit[:12]}" if commit else "")
    fields = {"author": authors, "title": "{" + about["title"] + "}", "year": str(released.year),
              "version": about["version"], "note": note, "doi": doi, "url": address or repository}
    body = ",\n".join(f"  {name:8}= {{{value}}}" for name, value in fields.items() if value)
    return f"@software{{catapult_companion,\n{body}\n}}"


def _use_repository(app: Sphinx, config) -> None:
    if config.companion_repository:
        config.html_theme_options |= {"repository_url": config.companion_repository, "use_repository_button": True}


def _drop_thebe(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Leave out the live-code scripts: no page uses them, and the theme loads them twice, an error."""
    def wanted(script) -> bool:
        return "thebe" not in f"{script.filename} {script.attributes.get('body', '')}".lower()

    context["script_files"] = [file for file in context.get("script_files", []) if wanted(file)]


def _copy_downloads(app: Sphinx, error: Exception | None) -> None:
    """Put each chapter's executed notebook and source where its card points."""
    if error or app.builder.format != "html":
        return
    out = Path(app.outdir)
    for docname in app.env.found_docs:
        path = Path(app.env.doc2path(docname))
        name = Path(docname).name
        notebook = exports.executed(app, docname)
        if notebook is None:
            continue
        for folder in ("notebooks", "sources"):
            (out / folder).mkdir(exist_ok=True)
        shutil.copyfile(path, out / "sources" / f"{name}{path.suffix}")
        nbformat.write(_counted(notebook), out / "notebooks" / f"{name}.ipynb")


def _counted(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Number the code cells in order: they were run from top to bottom, but the cache drops the counts."""
    for number, cell in enumerate((cell for cell in notebook.cells if cell.cell_type == "code"), start=1):
        cell.execution_count = number
    return notebook


MATHJAX = ("tex-svg.js", "input/tex/extensions")  # an SVG build needs no fonts


def _offline_mathjax(app: Sphinx, config) -> None:
    config.mathjax_path = f"mathjax/{MATHJAX[0]}"
    # The menu would load speech and other parts that the book does not carry.
    config.mathjax3_config = {**(config.mathjax3_config or {}), "options": {"enableMenu": False}}


def _copy_mathjax(app: Sphinx, error: Exception | None) -> None:
    """Put the parts of MathJax that the pages load into the book, from the wheel that carries them."""
    if error or app.builder.format != "html":
        return
    wheel = metadata.distribution("sphinx-mathjax-offline")
    for part in MATHJAX:
        source = Path(wheel.locate_file(f"sphinx-mathjax-offline/static/mathjax/{part}"))
        target = Path(app.outdir) / "_static" / "mathjax" / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        else:
            shutil.copyfile(source, target)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives, the settings and the hooks."""
    for name in ("repository", "doi", "address"):
        app.add_config_value(f"companion_{name}", "", "env", [str])
    app.add_directive("chapter-card", ChapterCard)
    app.add_directive("citation-entry", CitationEntry)
    app.add_directive("byline", Byline)
    for name in ("chapter", "number"):
        app.add_role(name, ChapterNumber())
    exports.setup(app)
    app.connect("config-inited", _offline_mathjax)
    app.connect("config-inited", _use_repository)
    app.connect("html-page-context", _drop_thebe, priority=900)
    app.connect("build-finished", _copy_downloads)
    app.connect("build-finished", _copy_mathjax)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
