"""Certificates: what ball arithmetic and exact rational arithmetic prove about the theory, or leave undecided.

Every function returns an enclosure (a statement that is proved for the exact numbers given), or :class:`Undecided` with
the reason; never a verdict read off rounded numbers. Ball arithmetic is that of python-flint (Arb): each operation
returns a ball that contains the exact result for all points of the balls put in, so that a comparison of two balls that
comes out true is a proof, up to the correctness of the library.
"""

from catapult.theory.certificates._outcomes import Diverges, Enclosure, Undecided
from catapult.theory.certificates._two_layer import final_ntk

__all__ = ["Diverges", "Enclosure", "Undecided", "final_ntk"]
