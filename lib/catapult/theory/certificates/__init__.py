"""Certificates: what ball arithmetic and exact rational arithmetic prove about the theory, or leave undecided.

Every function returns enclosures or verdicts that are proved for the exact numbers given, or says "undecided" and why;
never a verdict read off rounded numbers. Ball arithmetic is that of python-flint (Arb): each operation returns a ball
that contains the exact result for all points of the balls put in. A comparison of two balls that comes out true is a
proof, up to the correctness of the library.
"""

from catapult.theory.certificates._cycles import PeriodThree, TwoCycle, period_three, two_cycle
from catapult.theory.certificates._data import DataCertificate, separability
from catapult.theory.certificates._one_step import Boxes, one_step_boxes
from catapult.theory.certificates._outcomes import Diverges, Enclosure, Undecided, at_least, at_most
from catapult.theory.certificates._rates import Rates, convergence, start_boxes
from catapult.theory.certificates._two_layer import Sharper, bits_left, final_ntk, sharper_at_larger_rate

__all__ = ["Boxes", "DataCertificate", "Diverges", "Enclosure", "PeriodThree", "Rates", "Sharper", "TwoCycle",
           "Undecided", "at_least", "at_most", "bits_left", "convergence", "final_ntk", "one_step_boxes",
           "period_three", "separability", "sharper_at_larger_rate", "start_boxes", "two_cycle"]
