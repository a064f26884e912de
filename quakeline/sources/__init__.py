"""Where raw data come from: one plug-in per kind of archive.

A source is a section of the configuration that lists the files of a span of time (`files`) and
gives a digest that changes when the archive does (`fingerprint`).
"""

from typing import TYPE_CHECKING

from quakeline.registry import one_of
from quakeline.sources.archive_list import ArchiveList
from quakeline.sources.base import BaseSource
from quakeline.sources.files import Files
from quakeline.sources.package import PackageData
from quakeline.sources.sds import Sds
from quakeline.sources.wheel import WheelData

KINDS = (Files, Sds, ArchiveList, PackageData, WheelData)
if TYPE_CHECKING:
    Source = BaseSource
else:
    Source = one_of(KINDS)
