"""What was read off the published figures: line ends and marks of their vector graphics, measured on the axes.

Wu et al. count steps from 1, so what they draw at t is the loss after t − 1 steps; it is given here as counted here.
"""

from __future__ import annotations

WU_END = {"toy": {4.0: -17.314, 8.0: -18.328, 16.0: -19.541, 32.0: -20.416},
          "digits": {2.0**-6: -14.777, 2.0**-4: -16.754, 2.0**-2: -18.741, 1.0: -21.109}}
"""Figure 1 (a) and (c): log2 of the loss where the curves end, by η; to about 0.005."""
WU_FIRST = {2.0**-6: 0.578, 2.0**-4: 0.384, 2.0**-2: 0.373, 1.0: 1.115}
"""Figure 1 (c): the loss after the first step, by η."""
WU_ALL_RIGHT = {2.0**-6: 3860, 2.0**-4: 950, 2.0**-2: 189, 1.0: 141}
"""Figure 2: the step from which on all training digits are right, by η; to about one per cent."""
CRAWSHAW_TRANSITION = {16.0: 635, 32.0: 916, 64.0: 913, 128.0: 601, 256.0: 457, 512.0: 378}
"""Figure 1 (a): the first step with L ≤ 2/η, by η; to about a step."""
