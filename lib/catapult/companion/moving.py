"""Figures that move: the directive that puts one on a page, and the scripts, on the pages that have one.

``moving``
    A figure of ``book/moving/figures.yml`` by its name, beside its still: a figure of the page, by its label, which is
    all that there is in print and without scripts. With ``:replaces:`` the live part stands in the still's place, above
    its caption. What the directive holds is a line above the live part::

        ```{moving} hero
        :still: fig-phenomenon
        :replaces:
        Move it: slide the learning rate.
        ```

The scripts are plain files, run as they are from a folder: no module, no library, nothing fetched.
"""

from __future__ import annotations

import functools
import html
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import yaml
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from catapult import paths
from catapult.parameters import nearest

ASSETS = paths.BOOK / "moving"
CORE = ("recursions.js", "figures.js")
STYLE = "moving.css"


@dataclass(frozen=True)
class Preset:
    """A state of a figure: its title, the state as the address holds it, and what to look at."""

    title: str
    state: str
    look: str


@dataclass(frozen=True)
class Figure:
    """A figure that moves: its name, its scripts beside the core, recursions of its own first, its presets."""

    name: str
    scripts: tuple[str, ...]
    presets: tuple[Preset, ...]


@functools.cache
def figures() -> dict[str, Figure]:
    """Return the figures of the book by their names, from ``figures.yml``."""
    table = yaml.safe_load(paths.text(ASSETS / "figures.yml"))
    return {name: Figure(name, (*([entry["recursions"]] if "recursions" in entry else []), entry["script"]),
                         tuple(Preset(**preset) for preset in entry["presets"])) for name, entry in table.items()}


class moving(nodes.General, nodes.Element):
    """The place of a figure that moves; its name is in ``figure``, what opens it in ``opening``."""


class MovingFigure(SphinxDirective):
    """The place of a live figure, its line, its presets, and what is read where nothing moves."""

    required_arguments = 1
    has_content = True
    option_spec: ClassVar = {"still": directives.unchanged_required, "replaces": directives.flag}

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        if name not in figures():
            raise self.error(f"no figure that moves is called {name!r}{nearest(name, figures())}; "
                             f"known: {', '.join(figures())}")
        if "still" not in self.options:
            raise self.error("a figure that moves needs its still: the label of a figure of the page")
        for file in (*CORE, STYLE, "figures.yml", *figures()[name].scripts):
            self.env.note_dependency(str(ASSETS / file))
        still = self.options["still"]
        data = {"id": f"moving-{name}", "class": "moving", "role": "group", "aria-label": f"Figure that moves: {name}",
                "data-moving": name, "data-still": still}
        data |= {"data-replaces": ""} if "replaces" in self.options else {}
        attributes = " ".join(f'{key}="{html.escape(value)}"' for key, value in data.items())
        place = moving("", figure=name, opening=f"<div {attributes}>")
        line = nodes.container(classes=["moving-line"])
        self.state.nested_parse(self.content, self.content_offset, line)
        place += line
        place += nodes.raw("", f'<div class="moving-live" hidden></div>{_presets(figures()[name])}', format="html")
        elsewhere = nodes.paragraph("", "Where scripts run, a figure that moves stands here; without them see ",
                                    classes=["moving-still"])
        elsewhere += addnodes.pending_xref("", nodes.inline("", still), refdomain="std", reftype="numref",
                                           reftarget=still, refexplicit=False, refwarn=True,
                                           refdoc=self.env.docname)
        elsewhere += nodes.Text(".")
        place += elsewhere
        return [place]


def _presets(figure: Figure) -> str:
    """Return the presets as a list that the scripts read; it is not shown."""
    items = "".join(f'<li data-title="{html.escape(preset.title)}" data-state="{html.escape(preset.state)}">'
                    f"{html.escape(preset.look)}</li>" for preset in figure.presets)
    return f'<ul class="moving-presets" hidden>{items}</ul>'


def _visit(translator, node: moving) -> None:
    translator.body.append(node["opening"])


def _depart(translator, node: moving) -> None:
    translator.body.append("</div>")


def _skip(translator, node: moving) -> None:
    raise nodes.SkipNode


def _load(app: Sphinx, pagename: str, templatename: str, context: dict, doctree: nodes.document | None) -> None:
    """Add the scripts to a page that has a figure that moves, and to no other."""
    shown = list(dict.fromkeys(node["figure"] for node in doctree.findall(moving))) if doctree is not None else []
    if not shown:
        return
    app.add_css_file(f"moving/{STYLE}")
    for script in dict.fromkeys([*CORE, *(script for name in shown for script in figures()[name].scripts)]):
        app.add_js_file(f"moving/{script}", loading_method="defer")


def _copy(app: Sphinx) -> None:
    """Put the scripts where pages load them from, before pages are written: their checksums are in the addresses."""
    if app.builder.format == "html":
        target = Path(app.outdir) / "_static" / "moving"
        target.mkdir(parents=True, exist_ok=True)
        for file in [*ASSETS.glob("*.js"), ASSETS / STYLE]:
            shutil.copyfile(file, target / file.name)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive and the hooks."""
    app.add_node(moving, html=(_visit, _depart), latex=(_skip, None), text=(_skip, None))
    app.add_directive("moving", MovingFigure)
    app.connect("builder-inited", _copy)
    app.connect("html-page-context", _load)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
