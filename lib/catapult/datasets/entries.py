"""The matrices of which something is certified: entries are taken as they were given, or refused; never rounded."""

from __future__ import annotations

from decimal import Decimal
from numbers import Real

import numpy as np

from catapult.parameters import InputError, shown

ALLOWED = ("allowed: a finite matrix (n, d), n and d at least 1, of floats, or of integers, fractions or decimals "
           "that are equal to floats")


def exact_floats(Z) -> np.ndarray:
    """Return Z, shape (n, d), as float64, which changes no entry.

    Raises
    ------
    InputError
        If Z is no matrix, has a mask, or has an entry that is not a finite real number, as True, text and dates are
        not, or is not equal to a float: ``certificates.separability`` takes any integers and fractions.
    """
    array = _matrix(Z)
    if array.dtype in (np.float16, np.float32, np.float64):
        floats = array.astype(np.float64)
        if not np.isfinite(floats).all():
            _float(array.astype(object), *np.argwhere(~np.isfinite(floats))[0])
        return floats
    array = array.astype(object)  # so that whole numbers are those of Python, which compare exactly with floats
    return np.array([[_float(array, i, j) for j in range(array.shape[1])] for i in range(array.shape[0])])


def _matrix(Z) -> np.ndarray:
    try:
        if _masked(Z):
            raise InputError(f"Z has a mask; {ALLOWED}")
        array = np.array(Z, dtype=object) if isinstance(Z, list | tuple) else np.asarray(Z)
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"Z is a {type(Z).__name__} that is no array of numbers; {ALLOWED}") from None
    if array.ndim != 2 or 0 in array.shape:
        raise InputError(f"Z is a {type(Z).__name__} of shape {array.shape}; {ALLOWED}")
    return array


def _masked(Z) -> bool:
    """Whether Z, one of its rows or one of their entries is a masked array, whose mask conversion would drop."""
    return isinstance(Z, np.ma.MaskedArray) or (isinstance(Z, list | tuple) and any(map(_masked, Z)))


def _float(array: np.ndarray, i: int, j: int) -> float:
    """Return the float that an entry is equal to; InputError, naming the entry, if there is none."""
    entry = array[i, j]
    if isinstance(entry, np.integer) and not isinstance(entry, np.timedelta64):
        entry = int(entry)
    fault = "is no real number"
    if isinstance(entry, Real | Decimal) and not isinstance(entry, bool | np.timedelta64):
        try:
            value = float(entry)
        except OverflowError:
            value = float("inf")
        except ValueError:  # a signalling NaN
            value = float("nan")
        if np.isfinite(value) and value == entry:
            return value
        rounded = value == value and (np.isfinite(value) or value != entry)
        fault = "is equal to no float (certificates.separability takes all fractions)" if rounded else "is not finite"
    raise InputError(f"Z[{i}, {j}] = {shown(entry)} {fault}; {ALLOWED}")
