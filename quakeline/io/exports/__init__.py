"""A catalog in the formats of other programs.

obspy's writers are used where they keep what the tables hold: for Nordic, and for QuakeML (see
`quakeline.io.formats.quakeml`). Its writer of NonLinLoc phases takes one event at a time and has
neither weights nor a way to tell networks apart, that of hypoDD turns a weight of zero into one,
and that of FDSN text writes `nan` for absent magnitudes; these three are written here.
"""

from quakeline.io.export_files import FOCAL_FILES, files_of
from quakeline.io.exports.base import Format, Tables
from quakeline.io.exports.formats import (
    FORMATS,
    format_of,
    targets,
    write,
)
from quakeline.io.exports.hypodd import write_differences
from quakeline.io.exports.reading import (
    event_folders,
    pick_files,
    read_focal,
    read_tables,
    session_of,
)
from quakeline.io.formats.quakeml import Labels

__all__ = [
    "FOCAL_FILES",
    "FORMATS",
    "Format",
    "Labels",
    "Tables",
    "event_folders",
    "files_of",
    "format_of",
    "pick_files",
    "read_focal",
    "read_tables",
    "session_of",
    "targets",
    "write",
    "write_differences",
]
