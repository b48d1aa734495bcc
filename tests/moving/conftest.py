"""What the tests of the figures that move share: a small site with every figure."""

from __future__ import annotations

import pytest

from catapult.companion import moving
from moving_site import build, page
from test_browser import PATIENCE


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """A site with one page a figure, named after it, and a page without one."""
    folder = tmp_path_factory.mktemp("site")
    pages = {name: page(name, options="   :replaces:\n" if name == "hero" else "") for name in moving.figures()}
    done = build(folder, plain="Plain\n=====\n\nNothing moves here.\n", **pages)
    assert done.returncode == 0, done.stderr
    return folder / "html"


@pytest.fixture(scope="module")
def recursions(chromium):
    """A function that calls one in the browser: the JavaScript of the recursions, on an empty page."""
    opened = chromium.new_page()
    opened.set_default_timeout(PATIENCE)
    opened.goto("about:blank")
    own = [script for figure in moving.figures().values() for script in figure.scripts[:-1]]
    for script in dict.fromkeys(["recursions.js", *own]):
        opened.add_script_tag(content=(moving.ASSETS / script).read_text(encoding="utf-8"))
    # JSON has no NaN or infinity: they travel as words.
    call = """([path, cases]) => {
        const [room, name] = path.split(".");
        const word = (_, x) => ArrayBuffer.isView(x) ? [...x]
            : typeof x === "number" && !Number.isFinite(x) ? String(x) : x;
        return JSON.stringify(cases.map(one => catapult[room][name](...one)), word);
    }"""
    yield lambda path, cases: opened.evaluate(call, [path, cases])
    opened.close()
