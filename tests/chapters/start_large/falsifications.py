"""Falsifications of the rows on starting large: the recorded tables are altered, or the analysis is."""

from __future__ import annotations

import xarray as xr

from catapult.chapters.start_large import checks, outcomes
from falsifying import falsifies, replaced

ROWS = ("li-order", "li-gain", "li-where", "li-first", "ours-start-noise")


def altered(monkeypatch, change):
    """Let the checks read a table that ``change`` has altered."""
    replaced(monkeypatch, checks, "table", lambda right: change(right()))


def moved(runs: xr.Dataset, points: float, where) -> xr.Dataset:
    """Return the runs with so many points more accuracy, on the way and at the end, where ``where`` is True."""
    return runs.assign({name: runs[name] + 0.01 * points * where for name in ("accuracy", "end")})


def swapped(runs: xr.Dataset, dimension: str, names: list[str]) -> xr.Dataset:
    """Return the runs with the names along a dimension given anew."""
    return runs.assign_coords({dimension: names})


@falsifies(*ROWS)
def a_slice_that_disagrees(monkeypatch):
    """What is computed again differs from what was recorded by half a per cent."""
    monkeypatch.setattr(checks, "slice_difference", lambda: 5e-3)


@falsifies("li-order")
def no_order_but_the_end(monkeypatch):
    """Q counts as learned only at the last step: P is learned by then at either rate."""
    monkeypatch.setattr(outcomes, "LEARNED", 1.1)


@falsifies("li-order", "li-gain", "li-where", "li-first")
def rates_exchanged(monkeypatch):
    """What is called large is the small rate, and the other way round."""
    altered(monkeypatch, lambda runs: swapped(runs, "arm", ["large", "small", "noise"]))


@falsifies("li-order")
def p_and_q_exchanged(monkeypatch):
    """The patterns are taken for each other."""
    altered(monkeypatch, lambda runs: swapped(runs, "kind", ["Q alone", "P alone", "both"]))


@falsifies("li-gain", "li-where")
def control_data_in_the_place_of_both_patterns(monkeypatch):
    """The hypothesis is dropped: no input has Q."""
    altered(monkeypatch, lambda runs: runs.sel(data=["P alone", "P alone"]).assign_coords(data=runs.data))


@falsifies("li-gain")
def large_rates_without_the_gain_on_the_whole(monkeypatch):
    """Large rates end with half a point less on every kind of input."""
    altered(monkeypatch, lambda runs: moved(runs, -0.5, runs.arm == "large"))


@falsifies("li-where")
def large_rates_with_three_points_less_of_p(monkeypatch):
    """Large rates end with three points less on inputs with P alone."""
    altered(monkeypatch, lambda runs: moved(runs, -3, (runs.arm == "large") & (runs.kind == "P alone")))


@falsifies("li-where")
def the_gain_is_on_inputs_with_both_patterns_too(monkeypatch):
    """Large rates end with a point more on inputs with both patterns."""
    altered(monkeypatch, lambda runs: moved(runs, 1, (runs.arm == "large") & (runs.kind == "both")))


@falsifies("li-gain", "li-where")
def the_control_gains_too(monkeypatch):
    """The small rate ends with three points less on data without Q."""
    altered(monkeypatch, lambda runs: runs.assign(long=runs.long - 0.03 * (runs.data == "P alone")))


@falsifies("ours-start-noise")
def noise_that_costs_nearly_nothing(monkeypatch):
    """Noise ends with a point and a quarter more on inputs with P alone."""
    altered(monkeypatch, lambda runs: moved(runs, 1.25, (runs.arm == "noise") & (runs.kind == "P alone")))


@falsifies("li-first")
def an_earlier_look(monkeypatch):
    """Who tests better at first is seen before the first step, where both arms are one network."""
    monkeypatch.setattr(checks, "FIRST", 0)


@falsifies("li-first")
def a_late_look(monkeypatch):
    """Who tests better at first is seen just before annealing."""
    monkeypatch.setattr(checks, "FIRST", checks.PAPER.steps)


@falsifies("li-order")
def runs_at_two_without_q(monkeypatch):
    """At a rate of two Q is forgotten at the end on one seed."""
    altered(monkeypatch, lambda runs: runs.assign(end=runs.end.where(
        (runs.arm != "large") | (runs.candidate != 1) | (runs.seed != 3) | (runs.kind != "Q alone"), 0.5)))


@falsifies("li-patch")
def a_patch_that_is_memorised_in_part(monkeypatch):
    """Just before annealing the small rate is right on two images more of the twenty."""
    replaced(monkeypatch, checks, "photographs", lambda right: right().assign(patch=right().patch + 0.1 * (
        (right().step == checks.PATCHED.annealed_at) & (right().arm == "small"))))


@falsifies("li-patch")
def a_network_that_learns_nothing(monkeypatch):
    """The small rate ends at chance on clean images, too."""
    replaced(monkeypatch, checks, "photographs", lambda right: right().assign(
        final=right().final.where(right().arm == "large", 0.1)))


def marked_altered(monkeypatch, change):
    """Let the checks read runs with the larger patch that ``change`` has altered."""
    replaced(monkeypatch, checks, "marked", lambda right: change(right()))


@falsifies("li-patch-order")
def the_rates_learn_the_patch_at_once(monkeypatch):
    """What is called large is the small rate, too."""
    marked_altered(monkeypatch, lambda runs: runs.sel(arm=["small", "small"]).assign_coords(arm=runs.arm))


@falsifies("li-patch-order")
def the_large_rate_learns_it_after_annealing(monkeypatch):
    """As the abstract has it: before it is lowered the large rate does not know the patch."""
    marked_altered(monkeypatch, lambda runs: runs.assign(patch=runs.patch.where(
        (runs.arm == "small") | (runs.step > checks.MARKED.annealed_at), 0.1)))


@falsifies("li-patch-cost")
def the_small_rate_pays_four_points_more(monkeypatch):
    """On patched images the small rate ends with four points less."""
    marked_altered(monkeypatch, lambda runs: runs.assign(final=runs.final - 0.04 * (
        (runs.arm == "small") & (runs.version == "patched"))))


@falsifies("li-patch-cost")
def less_accurate_with_a_patch_alone(monkeypatch):
    """Without a patch the rates change places, and so they do with one: neither pays otherwise."""
    marked_altered(monkeypatch, lambda runs: runs.assign(final=runs.final + 0.15 * (runs.arm == "small")))


@falsifies("li-patch-cost")
def the_patch_costs_nothing(monkeypatch):
    """The hypothesis is dropped: the networks called patched saw no patch."""
    marked_altered(monkeypatch, lambda runs: runs.sel(version=["untouched", "untouched"]).assign_coords(
        version=runs.version))


def larger_altered(monkeypatch, change):
    """Let the checks read runs at the larger size that ``change`` has altered."""
    replaced(monkeypatch, checks, "larger", lambda right: change(right()))


def with_control_altered(monkeypatch, change):
    """Let the checks read runs at the larger size, with their control, that ``change`` has altered."""
    replaced(monkeypatch, checks, "with_control", lambda right: change(right()))


@falsifies("li-patch-larger")
def as_the_abstract_has_it(monkeypatch):
    """The rates change places: the small one has the patch at once."""
    larger_altered(monkeypatch, lambda runs: runs.sel(arm=["large", "small"]).assign_coords(arm=runs.arm))


@falsifies("li-patch-larger")
def one_seed_as_the_abstract_has_it(monkeypatch):
    """On one seed of three the large rate knows the patch only when it has been lowered."""
    larger_altered(monkeypatch, lambda runs: runs.assign(patch=runs.patch.where(
        (runs.arm == "small") | (runs.seed != 2) | (runs.step > checks.LARGER.annealed_at), 0.1)))


@falsifies("li-patch-larger")
def a_small_rate_that_is_not_small(monkeypatch):
    """The small rate is ten times as large: in rate times steps it is later, too."""
    kept = checks.larger()
    monkeypatch.setattr(checks, "larger", lambda: kept)
    monkeypatch.setattr(checks, "LARGER", checks.LARGER.model_copy(update={"small": 0.04}))
    monkeypatch.setattr(checks, "patch_slice_difference", lambda values: 0.0)


@falsifies("li-patch-larger")
def of_one_seed(monkeypatch):
    """The other seeds are left out."""
    larger_altered(monkeypatch, lambda runs: runs.isel(seed=[0]))


@falsifies("li-patch-larger")
def the_small_rate_pays_more(monkeypatch):
    """On patched images the small rate ends with two points less: it would pay as much as the large one."""
    with_control_altered(monkeypatch, lambda runs: runs.assign(final=runs.final - 0.02 * (
        (runs.arm == "small") & (runs.version == "patched"))))


@falsifies("li-patch-larger")
def all_know_the_patch(monkeypatch):
    """The control shows it: networks that never saw a patch know it."""
    with_control_altered(monkeypatch, lambda runs: runs.sel(version=["patched", "patched"]).assign_coords(
        version=runs.version))


def theirs_altered(monkeypatch, change):
    """Let the checks read runs with the authors' patch at the larger size that ``change`` has altered."""
    replaced(monkeypatch, checks, "theirs", lambda right: change(right()))


@falsifies("li-patch-theirs")
def two_images_more(monkeypatch):
    """On one seed, at one look while it is large, the large rate has two images more than chance."""
    theirs_altered(monkeypatch, lambda runs: runs.assign(patch=runs.patch.where(
        (runs.arm != "large") | (runs.seed != 1) | (runs.step != checks.THEIRS.annealed_at), 0.2)))


@falsifies("li-patch-theirs")
def as_before_it_is_lowered(monkeypatch):
    """Lowering the rate changes nothing: the large rate stays at chance."""
    theirs_altered(monkeypatch, lambda runs: runs.assign(patch=runs.patch.where(runs.arm != "large", 0.1)))


@falsifies("li-patch-theirs")
def at_the_end_on_neither(monkeypatch):
    """At the small rate the patch is known on neither seed at the end."""
    theirs_altered(monkeypatch, lambda runs: runs.assign(patch=runs.patch.where(runs.arm != "small", 0.1)))


@falsifies("li-patch-theirs")
def at_once(monkeypatch):
    """As the abstract has it: the small rate has the patch after an epoch."""
    theirs_altered(monkeypatch, lambda runs: runs.assign(patch=runs.patch.where(runs.arm != "small", 1.0)))


@falsifies("li-patch-theirs")
def it_costs_four_points_more(monkeypatch):
    """The small rate ends with a point and a half less on patched images."""
    theirs_altered(monkeypatch, lambda runs: runs.assign(final=runs.final - 0.015 * (runs.arm == "small")))


@falsifies("li-patch-theirs")
def it_costs_both_as_much(monkeypatch):
    """The small rate ends with two points and a half more on patched images: it would pay as much as the large one."""
    theirs_altered(monkeypatch, lambda runs: runs.assign(final=runs.final + 0.025 * (runs.arm == "small")))


@falsifies("li-patch", "li-patch-order", "li-patch-cost", "li-patch-larger", "li-patch-theirs")
def a_slice_of_the_photographs_that_disagrees(monkeypatch):
    """What is computed again of the runs on photographs differs from what was recorded by half a per cent."""
    monkeypatch.setattr(checks, "patch_slice_difference", lambda values: 5e-3)


@falsifies("li-patch-cost")
def the_seeds_agree(monkeypatch):
    """On patched images the large rate ends with three points less on the seed where it paid less."""
    marked_altered(monkeypatch, lambda runs: runs.assign(final=runs.final - 0.035 * (
        (runs.arm == "large") & (runs.version == "patched") & (runs.seed == 0))))
