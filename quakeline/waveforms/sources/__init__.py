"""Where raw data come from: one plug-in per kind of archive.

A source is a section of the configuration that lists the files of a span of time (`files`), after
it brought them to this machine where they are elsewhere (`obtain`), and gives a digest that changes
when the archive does (`fingerprint`, `fingerprint_of` a span).
"""

from typing import TYPE_CHECKING

from quakeline.core.registry import one_of
from quakeline.waveforms.sources.archive_list import ArchiveList
from quakeline.waveforms.sources.base import BaseSource
from quakeline.waveforms.sources.fdsn import Fdsn
from quakeline.waveforms.sources.files import Files
from quakeline.waveforms.sources.objects import Objects
from quakeline.waveforms.sources.package import PackageData
from quakeline.waveforms.sources.sds import Sds
from quakeline.waveforms.sources.wheel import WheelData

KINDS = (Files, Sds, ArchiveList, PackageData, Fdsn, Objects, WheelData)
if TYPE_CHECKING:
    Source = BaseSource
else:
    Source = one_of(KINDS)
