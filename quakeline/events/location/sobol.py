"""Even points in the unit cube of five dimensions, without SciPy's statistics.

Points of a scrambled Sobol sequence, of which only the direction numbers stand here. SciPy makes
the same points; to import its package of statistics for them takes 0.3 s of CPU time and 35 MB in
each process that locates, a tenth of what a catalog of a thousand picks takes in all.
Source: Joe, S. & Kuo, F. Y. (2008), Constructing Sobol sequences with better two-dimensional
projections, SIAM J. Sci. Comput. 30, 2635-2654; Matousek, J. (1998), On the L2-discrepancy for
anchored boxes, J. Complexity 14, 527-556 (scrambling).
"""

from __future__ import annotations

import numpy as np

#: Numbers are fractions of so many bits.
_BITS = 30
#: The first point, (5,), and the direction numbers, (5, 9), of scipy.stats.qmc.Sobol(5, seed=0).
_FIRST = (913309191, 1000046633, 389465047, 391432754, 150265301)
_DIRECTIONS = (
    (
        *(877426086, 409589753, 148425212, 101147927, 49415463),
        *(27564503, 11976204, 8110857, 2423716),
    ),
    (
        *(698663818, 999613427, 594794928, 916994110, 707620463),
        *(957168161, 538553530, 882662280, 698066662),
    ),
    (
        *(1057275370, 584886993, 350630312, 999112131, 701049512),
        *(441285631, 1016379517, 599545809, 384098176),
    ),
    (
        *(954709362, 708033360, 208997102, 358769586, 579136714),
        *(414613468, 876728332, 1069850480, 785700575),
    ),
    (
        *(647285876, 277456844, 153188561, 685614592, 982072167),
        *(852504067, 478949170, 572392067, 362064264),
    ),
)


def points(count: int) -> np.ndarray:
    """The first points, 512 at most, each number in [0, 1), shape (count, 5)."""
    lowest_zero = [((n + 1) & ~n).bit_length() - 1 for n in range(count - 1)]
    steps = np.array(_DIRECTIONS).T[lowest_zero]
    return np.asarray(np.bitwise_xor.accumulate(np.vstack([_FIRST, steps])) * 0.5**_BITS)
