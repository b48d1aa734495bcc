"""Checks: gradient descent on the weights against the closed forms; constants of the statements stand at the tops."""

from catapult.chapters.catapult_logistic.checks.edges import (annihilation, converges_at_sixteen,
    converges_below_kappa_eight, cycle_multiplier, diverges_above_sixteen, false_cycle, growth_beyond_kappa_eight,
    two_cycle, upper_edge, wide_edge)
from catapult.chapters.catapult_logistic.checks.slide import (loss_through_the_edge, product_loss, silent_slide,
    slide_end, slide_rate, slide_time)
from catapult.chapters.catapult_logistic.checks.steps import (final_kernel, first_sharper, kernel_after_a_hit,
    kernel_turns, logistic_catapult, logistic_log_periodic, not_always_flatter)
