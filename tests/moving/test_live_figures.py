"""The figures that move, in Chromium from files: moved by mouse, touch and keyboard, restored from a link, in print."""

from __future__ import annotations

import json
import re
import shlex

import numpy as np
import pytest

from catapult.chapters.catapult_logistic import experiment as catapult_logistic
from catapult.chapters.catapult_squared import experiment as catapult_squared
from catapult.chapters.critical_learning_rates import experiment as one_predictor
from catapult.chapters.mnist_phases import experiment as mnist_phases
from catapult.chapters.mnist_sides import outcomes as sides
from catapult.chapters.regularity import experiment as regularity
from catapult.chapters.separability import experiment as separability
from catapult.companion import moving, registry
from test_browser import PALE, PATIENCE, QUIET_TIME, settle

pytestmark = [pytest.mark.browser, pytest.mark.slow]
FIGURES = list(moving.figures())
HANDLES = {"critical-learning-rates": "w0", "catapult-squared": "start", "catapult-logistic": "start",
           "separability": "point0", "mixed-data": "point0", "regularity": "start",
           "diagonal-networks": "point0"}
MOVED = {"critical-learning-rates": {"w0"}, "catapult-squared": {"f0", "ntk0"}, "catapult-logistic": {"f0", "ntk0"},
         "separability": {"points"}, "mixed-data": {"points"}, "regularity": {"x0", "y0"},
         "diagonal-networks": {"points"}}
"""What the handle that is tried here sets."""
SLID = {name: figure.presets[0].state.split("=")[0] for name, figure in moving.figures().items()}
"""What the first slider sets."""
SAID = ("error", "warning")


class Visits:
    """Opens pages of figures, with a hash or without, and keeps what was complained of and asked for."""

    def __init__(self, site, chromium):
        self.site, self.chromium, self.contexts, self.said, self.asked, self.standing = site, chromium, [], [], [], {}

    def __call__(self, name, link="", *, width=1280, scripts=True, **options):
        """Open a page in a context of its own, which is closed after the test."""
        context = self.chromium.new_context(viewport={"width": width, "height": 900}, java_script_enabled=scripts,
                                            **options)
        context.set_default_timeout(PATIENCE)
        self.contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: self.said.append(message.text) if message.type in SAID else None)
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", lambda sent: self.asked.append(sent.url))
        return self.load(page, name, link, scripts=scripts)

    def load(self, page, name, link="", *, scripts=True):
        """Load a figure's page afresh, also where it is open already: a link to the same page alone would not."""
        page.goto("about:blank")
        page.goto((self.site / f"{name}.html").as_uri() + link)
        if scripts:
            page.wait_for_function(f"() => document.getElementById('moving-{name}').moving")
            settle(page)
        return page

    def stand(self, name):
        """Return a figure's wide page, opened by the first test that asks for it, as the last one has left it."""
        if name not in self.standing:
            self.standing[name] = self(name)
            self.contexts.pop()
        page = self.standing[name]
        page.keyboard.press("Escape")
        page.evaluate("() => { document.activeElement.blur(); scrollTo({top: 0, behavior: 'instant'}) }")
        return page


@pytest.fixture(scope="module")
def visits(site, chromium):
    opened = Visits(site, chromium)
    yield opened
    for page in opened.standing.values():
        page.context.close()


@pytest.fixture
def visit(visits):
    """A function that opens the page of a figure; afterwards nothing was complained of or fetched."""
    yield visits
    for context in visits.contexts:
        context.close()
    said, asked = [*visits.said], [*visits.asked]
    for one in (visits.contexts, visits.said, visits.asked):
        one.clear()
    assert said == []
    assert [url for url in asked if not url.startswith("file:")] == []


def read(page, what):
    """Return a part of what a figure last computed, when it has been computed; NaN and infinities as words."""
    script = """what => new Promise(done => {
        const word = (_, x) => typeof x === "number" && !Number.isFinite(x) ? String(x) : x;
        const look = () => requestAnimationFrame(() => {
            const {moving} = document.querySelector(".moving");
            if (moving.result.unfinished && what !== "state") look(); else done(JSON.stringify(moving[what], word));
        });
        requestAnimationFrame(look);
    })"""
    return json.loads(page.evaluate(script, what))


def choose(page, preset):
    page.locator(".moving-chips button").nth(preset).click()
    return read(page, "state")


def middle(locator):
    locator.scroll_into_view_if_needed()
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def changed(before, after):
    return {key for key in before if key != "chosen" and before[key] != after[key]}


def handle(page, name):
    return page.locator(f".moving-handle[data-key={HANDLES[name]}]")


@pytest.mark.parametrize("name", FIGURES)
def test_moved_by_mouse(visit, name):
    page = visit.stand(name)
    slider = page.locator(".moving-main input")
    for preset in range(3):
        before = choose(page, preset)
        given = dict(pair.split("=") for pair in moving.figures()[name].presets[preset].state.split(","))
        assert before[SLID[name]] == float(given[SLID[name]])
        assert page.locator(".moving-look").text_content() == moving.figures()[name].presets[preset].look
        x, y = middle(slider)
        page.mouse.click(x - 150, y)
        after = read(page, "state")
        assert changed(before, after) == {SLID[name]}
        page.mouse.click(x + 150, y)
        assert read(page, "state")[SLID[name]] > after[SLID[name]]
        if name in HANDLES:
            before = read(page, "state")
            x, y = middle(handle(page, name))
            page.mouse.move(x, y)
            page.mouse.down()
            page.mouse.move(x - 20, y - 10, steps=4)
            held = middle(handle(page, name))
            page.mouse.up()
            assert changed(before, read(page, "state")) == MOVED[name]
            if MOVED[name] == {"points"}:  # the others may be at the end of what can be set
                assert np.allclose(held, (x - 20, y - 10), atol=9)  # the handle stays under the pointer


@pytest.mark.parametrize("name", FIGURES)
def test_moved_by_touch_without_scrolling_the_page(visit, name):
    page = visit(name, width=360, has_touch=True, is_mobile=True)
    session = page.context.new_cdp_session(page)
    for preset in range(3):
        page.wait_for_timeout(QUIET_TIME)  # a tap that follows a drag at once is taken for its end
        page.locator(".moving-chips button").nth(preset).tap()
        page.wait_for_function("i => document.querySelectorAll('.moving-chips button')[i].ariaPressed === 'true'",
                               arg=preset)
        before = read(page, "state")  # drawn: from here on the handle stays where it is
        target = handle(page, name) if name in HANDLES else page.locator(".moving-main input")
        target.evaluate("one => one.scrollIntoView({block: 'center', behavior: 'instant'})")  # above what sticks below
        x, y = middle(target)
        scrolled = page.evaluate("() => scrollY")
        session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
        for i in range(1, 6):
            at = {"x": x - 5 * i, "y": y - (9 * i if name in HANDLES else 0)}  # mostly up: it would scroll
            session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [at]})
        session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        assert changed(before, read(page, "state")) == MOVED.get(name, {SLID[name]})
        assert page.evaluate("() => scrollY") == scrolled
    assert page.locator(".moving-live").evaluate("one => one.scrollWidth <= one.clientWidth")


@pytest.mark.parametrize("name", FIGURES)
def test_moved_by_keyboard_and_restored_from_the_link(visit, name):
    page, again = visit.stand(name), None
    for preset in range(3):
        page.locator(".moving-chips button").nth(preset).focus()
        page.keyboard.press("Enter")
        before = read(page, "state")
        page.locator(".moving-main input").focus()
        for _ in range(3):
            page.keyboard.press("ArrowLeft")
        slid = read(page, "state")
        assert slid[SLID[name]] < before[SLID[name]]
        if name in HANDLES:
            handle(page, name).focus()
            page.keyboard.press("ArrowRight")
            page.keyboard.press("ArrowUp")
            assert changed(slid, read(page, "state")) == MOVED[name]
        state = read(page, "state")
        written = f"{SLID[name]}={state[SLID[name]]}".replace("e-0", "e-")
        page.wait_for_function("words => location.hash.includes(words)", arg=written)  # after a pause
        page.wait_for_timeout(QUIET_TIME)
        link = page.evaluate("() => location.hash")
        assert link.startswith(f"#lab:{name}:{SLID[name]}=")
        again = visit(name, link) if again is None else visit.load(again, name, link)
        assert changed(state, read(again, "state")) == set()
        assert read(again, "result") == read(page, "result")
        assert again.locator(".moving-live").evaluate("one => Math.abs(one.getBoundingClientRect().top) < 400")


@pytest.mark.parametrize("name", FIGURES)
def test_a_link_that_means_nothing_is_ignored(visit, name):
    page = visit.stand(name)
    follow = "link => { location.hash = link }"
    page.evaluate(follow, f"#lab:{name}:")
    usual = read(page, "state")
    links = [link.format(name, SLID[name]) for link in (
        "#lab:{0}:{1}=%E0%A4%A,zeta=3,=,{1}", "#lab:nobody:eta=3", "#lab:{}:", "#%%%",
        "#lab:{}:constructor=1,__proto__=2,loss=hinge,points=x~~,start=a_b,width=NaN")]
    for link in links:  # followed on the page, and one from elsewhere
        page.evaluate(follow, link)
        assert changed(usual, read(page, "state")) == set()
    afresh = read(visit(name, links[-1]), "state")
    assert changed(usual, afresh) == changed(afresh, usual) == set()


@pytest.mark.parametrize("name", FIGURES)
def test_a_link_too_far_out_is_clamped(visit, name):
    page = visit(name, f"#lab:{name}:{SLID[name]}=1e99,w0=-1e9,f0=1e9,width=2.5,points=999_-999_p,label_fraction=7,"
                       "steps=1e9")
    state = read(page, "state")
    assert 1 < state[SLID[name]] <= 1e6
    assert state.get("w0", 0.1) == 0.1
    assert state.get("points", [[30, -30, 1]]) == [[30, -30, 1]]
    assert state.get("width", 50) == 50


@pytest.mark.parametrize("name", FIGURES)
def test_what_is_heard(visit, name):
    page = visit.stand(name)
    assert page.locator("[role=status]").count() == 1
    page.locator(".moving-main input").focus()
    page.keyboard.press("ArrowRight")
    phase = read(page, "phase")
    page.wait_for_function("""phase => {
        const {textContent} = document.querySelector('[role=status]');
        return textContent.length > 30 && textContent.startsWith(phase + ': ');
    }""", arg=phase)
    for control in page.locator(".moving-live :is(input, select)").all():
        assert page.locator(f"label[for='{control.get_attribute('id')}']").count() == 1
    for one in page.locator(".moving-handle:not([hidden])").all():
        low, now, high = (float(one.get_attribute(f"aria-value{part}")) for part in ("min", "now", "max"))
        assert low <= now <= high
        assert one.get_attribute("aria-label")
        box = one.bounding_box()
        assert min(box["width"], box["height"]) >= 44
    for picture in page.locator(".moving-live svg").all():
        assert len(picture.get_attribute("aria-label")) > 20


@pytest.mark.parametrize("name", FIGURES)
def test_print_and_no_script_show_the_still(visit, name):
    page = visit.stand(name)
    for scheme in ("dark", "light"):
        page.emulate_media(media="print", color_scheme=scheme)
        assert page.locator("figure img").is_visible()
        assert not page.locator(".moving-live").is_visible()
        page.emulate_media(media="screen", color_scheme=scheme)
        assert page.locator(".moving-live").is_visible()
        assert page.locator("figure img").is_visible() == (name != "hero")  # whose live part replaces it
    bare = visit(name, scripts=False)
    assert bare.locator("figure img").is_visible()
    assert bare.locator(".moving-still").is_visible()
    assert not bare.locator(".moving-live").is_visible()


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_text_stands_out(visit, name, theme):
    page = visit.stand(name)
    page.evaluate("theme => document.documentElement.setAttribute('data-theme', theme)", theme)
    settle(page)
    found = page.evaluate(PALE.replace('document.querySelector("article")', 'document.querySelector(".moving-live")'))
    page.evaluate("() => document.documentElement.removeAttribute('data-theme')")
    assert found == []


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_plays_for_those_who_want_less_motion(visit, name):
    assert visit(name, reduced_motion="reduce").locator(".moving-play").count() == 0
    assert visit.stand(name).locator(".moving-play").count() == 1


def test_playing_slides_the_rate_and_stops(visit):
    page = visit("hero")
    page.locator(".moving-play").click()
    page.wait_for_function("() => document.querySelector('.moving').moving.state.eta < 3")
    page.locator(".moving-play").click()
    assert read(page, "state") == read(page, "state")
    assert page.locator(".moving-play").text_content().startswith("▶")


@pytest.mark.parametrize("state", ["loss=growth%20order%20p,order=1,target=0.0503,x0=4,y0=0.01259",
                                   "loss=cross-entropy,target=0.84516,x0=4,y0=0.21182"])
def test_a_start_on_a_minimum_is_moved_off_it(visit, state):
    """Both these starts and those a hundredth to the left are on one: a step to and fro would never end."""
    start = read(visit("regularity", f"#lab:regularity:eta=0.18,{state},steps=400"), "state")
    assert 3.9 < start["x0"] < 3.99


def test_points_are_added_turned_and_removed(visit):
    page = visit("separability")
    assert read(page, "phase") == "separable"
    page.locator("[data-act=minus]").click()
    assert len(read(page, "state")["points"]) == 7
    page.locator(".moving-handle[data-key=point0]").focus()
    page.keyboard.press("Enter")
    assert read(page, "state")["points"][0] == [12, 14, -1]
    assert read(page, "phase") == "strictly non-separable"
    page.keyboard.press("Delete")
    assert len(read(page, "state")["points"]) == 6
    for _ in range(9):
        page.locator("[data-act=remove]").click()
    assert len(read(page, "state")["points"]) == 1
    for _ in range(15):
        page.locator("[data-act=plus]").click()
    assert len(read(page, "state")["points"]) == 12


def test_arrows_move_what_is_whole(visit):
    """A position of the slider is less than one."""
    page = visit("incremental-learning")
    page.locator("input[id$=depth]").focus()
    seen = []
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", *["ArrowUp"] * 5, "Home", "ArrowDown"):
        page.keyboard.press(key)
        seen.append(read(page, "state")["depth"])
    assert seen == [3, 4, 3, 4, 5, 6, 6, 6, 1, 1]


def test_what_takes_long_is_computed_bit_by_bit(visit):
    """The widest network at the smallest rate: no frame holds the page, a line shows how far it is, then it is gone."""
    page = visit("edge-of-stability")
    read(page, "result")  # the first preset's
    seen = page.evaluate("""() => new Promise(done => {
        const seen = [];
        const look = () => requestAnimationFrame(() => {
            const {result} = document.querySelector(".moving").moving, line = document.querySelector("progress");
            seen.push([result.share, line.value, line.style.visibility]);
            if (result.unfinished || seen.length < 5) look(); else done(seen);
        });
        location.hash = "#lab:edge-of-stability:eta=0.04,other=0.041,hidden=16";
        look();
    })""")
    assert read(page, "phase") == "below 2/η"
    working = [share for share, _, visible in seen if visible == "visible"]
    assert len(working) > 10
    assert working == sorted(working)
    assert seen[-1][1:] == [1, "hidden"]


@pytest.mark.parametrize(("name", "link", "expected"), [
    ("edge-of-stability", "time=-1,eta=1e-300,other=0,hidden=1e9,degree=-5,seed=1e99",
     {"time": 0, "eta": 0.04, "other": 0.04, "hidden": 16, "degree": 1, "seed": 20}),
    ("rank-collapse", "fits=1e99,delta=0,horizon=-1,ridge=0,kernel=1e9,of=nobody",
     {"fits": 10_000, "delta": 0.001, "horizon": 2, "ridge": 0.001, "kernel": 1.2, "of": "targets"})])
def test_the_worst_that_a_link_can_ask_for_is_computed(visit, name, link, expected):
    page = visit(name, f"#lab:{name}:{link}")
    assert read(page, "state") == expected
    assert read(page, "phase") in ("below 2/η", "lost without rewards")


def test_what_the_presets_of_the_edge_say(visit):
    page = visit.stand("edge-of-stability")
    shares = []
    for preset, phase in enumerate(("passes 2/η", "above 2/η at the start", "diverges", "below 2/η")):
        choose(page, preset)
        assert read(page, "phase") == phase
        shares.append([np.array(run["sharp"]) * run["rate"] / 2 for run in read(page, "result")["runs"]])
    assert 0.9 < shares[0][0][-32:].mean() < 1.2  # hovers
    assert shares[0][1].max() < 1
    assert shares[1][0][3] < 0.6  # thrown far below at time 2.25
    assert shares[1][0].max() > 1.2
    assert max(share.max() for share in shares[3]) < 1


def test_what_the_presets_of_the_rank_say(visit):
    page = visit.stand("rank-collapse")
    found = []
    for preset in range(4):
        state = choose(page, preset)
        found.append(read(page, "result"))
        assert found[-1]["by_fits"][0] == found[-1]["first"]
        assert state["horizon"] in (20, 10_000)
    assert found[0]["ranks"] == [1, 64]
    assert found[1]["by_delta"][0][1] == 64 > found[1]["ranks"][1]  # the same spectrum, another δ
    assert found[2]["ranks"] == [1, 1]
    assert found[2]["by_delta"][0][1] > 56  # of the same spectrum with rewards
    least = min(rewarded for _, rewarded in found[3]["by_fits"])
    assert 64 > found[3]["ranks"][1] > least > 0.9 * found[3]["ranks"][1]


def test_what_the_presets_of_the_sweep_say(visit):
    """On non-separable data no digit moves from η_crit/4 on; on separable data some do, rightly and wrongly."""
    page = visit.stand("mnist")
    found = []
    for preset, phase in enumerate(("catapult", "catapult", "lazy", "lazy", "divergent")):
        choose(page, preset)
        assert read(page, "phase") == phase
        found.append(read(page, "result"))
    edge, below, small, slow, lost = found
    assert 0.9 < edge["learning_rate"] * edge["end"] / 2 < 1 > 2 * below["learning_rate"] * below["end"] / 2
    assert edge["right"] == edge["wrong"] == small["right"] == small["wrong"] == 0
    assert np.allclose(edge["outputs"], edge["usual"], atol=1e-3)
    labels = sides.sides().label.values
    crossed = np.sign(below["outputs"]) != np.sign(below["usual"])
    assert set(np.sign(below["outputs"])[crossed] * labels[crossed]) == {-1, 1}
    assert slow["right"] + slow["wrong"] > 100
    assert slow["accuracy"][1] == "NaN"
    assert set(lost["outputs"]) == {"NaN"}
    choose(page, 4)
    returned = [swept_end(page, "separable", seed) for seed in range(10)]
    assert 0 < sum(returned) < 10


def swept_end(page, version, seed):
    """Return whether a run at the rate that is set, of this version and seed, comes back."""
    page.locator("select").select_option(version)
    slider = page.locator("input[id$=seed]")
    slider.focus()
    page.keyboard.press("Home")
    for _ in range(seed):
        page.keyboard.press("ArrowRight")
    assert read(page, "state")["seed"] == seed
    return read(page, "phase") != "divergent"


def test_arrows_go_from_one_recorded_rate_to_the_next(visit):
    page = visit("mnist", "#lab:mnist:multiple=0.3")  # the nearest recorded one
    page.locator("input[id$=multiple]").focus()
    seen = [read(page, "state")["multiple"]]
    for key in ("ArrowRight", "ArrowUp", "ArrowLeft", "Home", "ArrowDown", "End", "ArrowRight"):
        page.keyboard.press(key)
        seen.append(read(page, "state")["multiple"])
    places = [mnist_phases.MULTIPLES.index(multiple) for multiple in seen]
    assert places == [2, 3, 4, 3, 0, 0, 13, 13]


# The commands.


def commanded(command: str):
    """Return the chapter of a ``catapult run`` and its parameters, checked as the command line checks them."""
    word, what, chapter, *options = shlex.split(command)
    assert (word, what) == ("catapult", "run")
    assert options[::2] == ["-p"] * (len(options) // 2)
    chapter = registry.get(chapter)
    return chapter, chapter.parameters.checked(dict(option.split("=") for option in options[1::2]))


def by_python(command: str):
    """Return what a ``python -c`` would print: the arguments of its call of print."""
    python, flag, code = shlex.split(command)
    assert (python, flag) == ("python", "-c")
    printed = []
    exec(code, {"print": lambda *values, **_: printed.extend(values)})
    return printed


def run_of(name, state, values):
    """Return what the chapter's run has for this preset: the figure's own sequence."""
    if name == "critical-learning-rates":
        drawn = one_predictor._orbits(values)
        return drawn.weight.isel(regime=int(np.argmin(abs(drawn.learning_rate.values - state["eta"])))).values
    if name == "catapult-squared":
        drawn = catapult_squared._orbits(values)
        return drawn.ntk.isel(orbit=int(np.argmin(abs(drawn.orbit_rate.values - state["eta"])))).values
    if name == "regularity":
        drawn = regularity._paths(values).sel(shown=state["order"])
        return np.array([drawn.x, drawn.y]).T
    if name == "separability":
        loss = f"{state['loss']} 1"
        return separability._opposed(values).opposed_risk.sel(run=loss).values
    orbit = min(catapult_logistic.SCALED, key=lambda scaled: abs(scaled - state["eta"] * values.ntk0))
    drawn = catapult_logistic.recursion(values).sel(orbit=orbit)
    return drawn.loss.values + np.log(2) if name == "hero" else drawn.scaled.values / state["eta"]


def shown(name, result):
    return {"critical-learning-rates": lambda: result["orbit"], "separability": lambda: result["risk"],
            "hero": lambda: [loss for _, loss in result["loss"]],
            "regularity": lambda: result["path"]}.get(name, lambda: result["ntk"])()


CHECKED = {"hero": (0, 1, 2), "critical-learning-rates": (0, 1, 2, 3), "catapult-squared": (0, 1, 2, 3),
           "catapult-logistic": (0, 1, 2, 3), "separability": (3, 4, 5), "regularity": (0, 1, 2, 3)}
"""The presets whose rate the chapter's run has too."""


@pytest.mark.parametrize("name", CHECKED)
def test_the_command_gives_the_same_numbers(visit, name):
    page = visit.stand(name)
    for preset in CHECKED[name]:
        state = choose(page, preset)
        _, values = commanded(read(page, "commands")[0])
        ours = run_of(name, state, values)
        theirs = np.array(shown(name, read(page, "result")), dtype=float)
        length = min(len(theirs), len(ours))
        if name == "hero" and read(page, "phase") == "divergent":
            length = int(np.argmax(theirs > 1e3))  # the figure stops there
        assert length > 3
        # What diverges enlarges the rounding of the start: its first steps are compared.
        early = slice(length if read(page, "phase") not in ("diverges", "divergent") else min(length, 12))
        assert np.allclose(theirs[early], ours[early], rtol=1e-9, atol=1e-12, equal_nan=True)


@pytest.mark.parametrize("name", FIGURES)
def test_every_command_is_accepted_and_python_repeats_the_figure(visit, name):
    page = visit.stand(name)
    for preset in range(3):
        choose(page, preset)
        page.locator(".moving-main input").focus()
        page.keyboard.press("ArrowLeft")
        run, python = read(page, "commands")
        check_repeated(name, page, run, python)


def swept(command: str):
    """Return the parameters of a ``catapult sweep`` of the recorded experiment, checked as on the command line."""
    word, what, experiment, *options, out, folder = shlex.split(command)
    assert (word, what, experiment, out, folder) == ("catapult", "sweep", "mnist-phases", "--out", "mnist-sweep")
    assert options[::2] == ["-p"] * (len(options) // 2)
    return mnist_phases.Parameters.checked(dict(option.split("=") for option in options[1::2]))


def check_recorded(page, run, python):
    """The command that trains again takes the seed; the other reads what the figure shows off the tables."""
    state, result = read(page, "state"), read(page, "result")
    assert swept(run).first_seed == state["seed"]
    (recorded,) = by_python(python)
    assert str(recorded) == str(sides.at(state["version"], state["seed"], state["multiple"]))
    assert result["phase"] == read(page, "phase") == recorded.pop("phase")
    for name, values in recorded.items():
        theirs = np.array(result[name], dtype=float)
        assert np.allclose(theirs, values, rtol=10.0**(1 - sides.DIGITS), equal_nan=True), name


def check_repeated(name, page, run, python):
    if name == "mnist":
        check_recorded(page, run, python)
        return
    assert commanded(run)[0].id
    state, result, phase = (read(page, what) for what in ("state", "result", "phase"))
    printed = by_python(python)
    if name in ("separability", "mixed-data"):
        theirs, ours = np.array(result["path"], dtype=float), printed[0]
    elif name == "diagonal-networks":
        assert np.allclose(result["w"], printed[0], rtol=1e-3, atol=1e-3 * max(abs(printed[0])))
        return
    elif name == "incremental-learning":
        assert np.allclose(result["path"], printed[0], rtol=1e-9)
        return
    elif name == "rank-collapse":
        assert printed == result["ranks"]
        return
    elif name == "edge-of-stability":
        *losses, sharpness = printed
        for run, ours in zip(result["runs"], losses, strict=True):
            assert len(run["losses"]) == len(ours) or run["lost"]
            calm = 51 if max(run["losses"][:51]) < 3 * run["losses"][0] else 8
            assert np.allclose(run["losses"][:calm], ours[:calm], rtol=1e-9)
            assert np.isclose(run["sharp"][0], sharpness, rtol=1e-3)  # as near as the library's bound is
        return
    elif name == "regularity":
        assert str(printed[0]) == result["label"]
        assert phase == {"divergent": "divergence", "edge": "edge of stability"}.get(result["label"], result["label"])
        if phase != "divergence":
            assert np.allclose(printed[1:], [result["x"], result["y"]], rtol=1e-7)
        return
    elif name == "critical-learning-rates":
        theirs, ours = np.array(result["orbit"], dtype=float), printed[0]
    elif name == "hero":
        theirs = np.array([loss for _, loss in result["loss"]])
        ours = np.logaddexp(printed[0][0] / 2, -printed[0][0] / 2)[:len(theirs)]
        theirs, ours = (values[:-1] for values in (theirs, ours)) if phase == "divergent" else (theirs, ours)
    else:
        theirs, ours = np.array([result["f"], result["ntk"]], dtype=float).T, np.array(printed)
    assert len(theirs) == len(ours) or state["steps"] > len(ours)
    calm = slice(30) if phase not in ("diverges", "divergent") else slice(8)
    with np.errstate(invalid="ignore"):
        assert np.allclose(theirs[calm], ours[calm], rtol=1e-7, atol=1e-9, equal_nan=True)


def test_sliders_stay_within_the_chapters_parameters(visit):
    """What a slider can set, the command accepts: at both ends of every slider that the run is given."""
    for name in ("critical-learning-rates", "catapult-logistic", "catapult-squared", "separability", "regularity",
                 "edge-of-stability"):
        page = visit(name)
        for end in ("Home", "End"):
            for slider in page.locator(".moving-live input[type=range]:enabled").all():
                slider.focus()
                page.keyboard.press(end)
            commanded(read(page, "commands")[0])


def test_copy_copies_the_command(visit):
    page = visit("hero")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator(".moving-commands summary").click()
    page.locator(".moving-command button").first.click()
    page.wait_for_function("() => document.querySelector('.moving-command button').textContent === 'Copied'")
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert re.match(r"catapult run catapult-logistic -p width=100", copied)
