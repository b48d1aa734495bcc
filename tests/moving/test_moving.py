"""The directive of the figures that move: what it leaves on a page, and on which pages scripts are loaded."""

from __future__ import annotations

import re

import pytest

from catapult.companion import moving
from moving_site import build, page

pytestmark = pytest.mark.slow  # a site is built
SCRIPTS = r'<script[^>]*src="([^"?]*moving/[^"?]*)'


def read(site, name):
    return (site / f"{name}.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", moving.figures())
def test_scripts_are_on_the_page_of_the_figure_and_there(site, name):
    scripts = re.findall(SCRIPTS, read(site, name))
    assert scripts == [f"_static/moving/{file}" for file in (*moving.CORE, *moving.figures()[name].scripts)]
    for script in scripts:
        assert (site / script).is_file()
        assert re.search(rf'<script [^>]*defer="defer"[^>]*{script}', read(site, name))


@pytest.mark.parametrize("name", moving.figures())
def test_a_page_weighs_little_more(site, name):
    files = [*re.findall(SCRIPTS, read(site, name)), f"_static/moving/{moving.STYLE}"]
    assert 10_000 < sum((site / file).stat().st_size for file in files) < 200_000


def test_no_other_page_has_them(site):
    assert "moving/" not in read(site, "plain")
    assert "moving/" not in read(site, "index")


@pytest.mark.parametrize("name", moving.figures())
def test_the_still_keeps_its_place_and_number(site, name):
    text = read(site, name)
    number = re.search(r'class="caption-number">(Fig. \d+)', text)[1]
    assert f'data-still="fig-{name}"' in text
    assert re.search(rf'id="fig-{name}"[^>]*>\s*<img', text)
    assert re.search(rf'class="moving-still".*{number}', text)  # read where no script runs
    assert text.count("<figcaption>") == 1


@pytest.mark.parametrize("name", moving.figures())
def test_presets_are_there_with_what_to_look_at(site, name):
    looks = re.findall(r'<li data-title="[^"]+" data-state="([^"]+)">([^<]{30,})</li>', read(site, name))
    assert [state for state, _ in looks] == [preset.state for preset in moving.figures()[name].presets]
    assert len(looks) >= 3


@pytest.mark.parametrize(("text", "complaint"), [
    (page("hero").replace(".. moving:: hero", ".. moving:: heero"), "'heero' (did you mean 'hero'?)"),
    (page("hero").replace("   :still: fig-hero\n", ""), "needs its still"),
    (page("hero").replace(":still: fig-hero", ":still: fig-zero"), "fig-zero"),
])
def test_what_is_wrong_fails_the_build_in_one_line(tmp_path, text, complaint):
    done = build(tmp_path, wrong=text)
    assert done.returncode != 0
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr


def test_a_changed_script_makes_its_page_again(tmp_path, monkeypatch):
    """A page depends on the scripts that it loads: their checksums are in their addresses."""
    from sphinx.testing.util import SphinxTestApp

    build(tmp_path, moves=page("hero"), plain="Plain\n=====\n\nNothing.\n")
    assets = tmp_path / "assets"
    assets.mkdir()
    for file in moving.ASSETS.iterdir():
        (assets / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(moving, "ASSETS", assets)

    def made(**options):
        app = SphinxTestApp("html", srcdir=tmp_path, builddir=tmp_path / "again", **options)
        read = []
        app.connect("source-read", lambda app, name, source: read.append(name))
        app.build()
        app.cleanup()
        return read

    assert set(made(freshenv=True)) == {"index", "moves", "plain"}
    assert made() == []
    script = assets / "hero.js"
    script.write_text(script.read_text(encoding="utf-8") + "// more\n", encoding="utf-8")
    assert made() == ["moves"]
