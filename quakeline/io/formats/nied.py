"""Codes of K-NET and KiK-net files (NIED, Japan) as SEED has them.

Their headers name directions (N-S, E-W, U-D), of KiK-net in the borehole (1 to 3) and at the
surface (4 to 6), and no band. ObsPy makes NS, EW and UD of them, with 1 or 2 behind for KiK-net.
"""

from __future__ import annotations

import re

import obspy

#: Strong motion at 100 or 200 Hz is band H, accelerometers are instrument N (SEED, appendix A).
_INSTRUMENT = "HN"
_LETTERS = {"NS": "N", "EW": "E", "UD": "Z"}
_CHANNEL = re.compile(r"(NS|EW|UD)([12]?)")


def with_seed_codes(stream: obspy.Stream) -> obspy.Stream:
    """A stream of a K-NET or KiK-net file with channels HNZ, HNN, HNE; others stay as they are.

    KiK-net's borehole has the location 01, its surface 02.
    """
    for trace in stream:
        named = _CHANNEL.fullmatch(trace.stats.channel.strip())
        if trace.stats.get("_format") == "KNET" and named:
            trace.stats.channel = _INSTRUMENT + _LETTERS[named[1]]
            if named[2]:
                trace.stats.location = f"0{named[2]}"
    return stream
