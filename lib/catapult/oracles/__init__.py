"""The slow, obvious second way: descents and orbits written out plainly, which checks and tests compare with.

Nothing here uses the rest of the library, so that an error there can't confirm itself. Signed inputs are z_i = y_i x_i,
one a row of Z (n, d); a risk is a mean over them.
"""
