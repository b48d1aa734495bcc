"""Checks: what the weights of networks do against closed forms, in balls or many digits where it matters."""

from catapult.chapters.catapult_squared.checks.ends import (after_a_hit, arcsine_law, below_the_edge, convergence_edge,
    critical_step, integer_network, lyapunov_exponent, transverse_exponent, wide_pair)
from catapult.chapters.catapult_squared.checks.steps import (first_rise, larger_is_flatter_while_lazy, late_rise,
    lazy_leading_order, lazy_phase, no_rise, no_sharper_than_flow, one_step_rule, product_formula, recursion,
    sharper_than_flow)
from catapult.chapters.catapult_squared.checks.wide import amplitude, log_periodic, no_limit, reflection, time_to_peak
