"""What `run.plot` offers: each method gives a matplotlib figure that can be changed and saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from quakeline.api.figures import places, records, statistics

if TYPE_CHECKING:
    from quakeline.api.figures.results import Results


class Plots:
    """Figures of a finished run.

    All are `matplotlib.figure.Figure`, in inches of a page, without pyplot's state; the axes are
    `figure.axes`.

    Examples
    --------
    >>> import quakeline
    >>> figure = quakeline.open_run("results/unterhaching").plot.map()
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['latitude (°)', 'depth (km)']
    >>> figure.savefig("map.pdf")
    """

    def __init__(self, run: Results) -> None:
        self._run = run

    def map(self) -> Figure:
        """Epicentres by depth and magnitude, and stations; degrees at the scale of the middle.

        Raises DataError where there are neither events nor stations.
        """
        return places.map_of(self._run)

    def section(self, azimuth_deg: float = 90.0, width_km: float | None = None) -> Figure:
        """Depths (km) along a line through the middle of the events, with one-sigma errors.

        Parameters
        ----------
        azimuth_deg
            Direction of the line, from north by east.
        width_km
            Events up to half of this from the line are drawn; None: all.

        Raises
        ------
        DataError
            There are no events, or none so near to the line.
        """
        return places.section_of(self._run, azimuth_deg, width_km)

    def record_section(
        self,
        event: str | int,
        component: str = "Z",
        band_hz: tuple[float, float] | None = (1.0, 20.0),
    ) -> Figure:
        """Waveforms of an event by distance (km) and time (s after the origin), with its picks.

        Parameters
        ----------
        event
            Id of the event, or its number in order of time.
        component
            The component that is drawn: Z, N or E.
        band_hz
            Corners of a band pass (Butterworth, four poles, both ways); None: as kept.

        Raises
        ------
        ConfigError
            There is no such event.
        DataError
            The run kept no waveforms, or none of this component at its time.
        """
        return records.section_of(self._run, event, component, band_hz)

    def residuals(self) -> Figure:
        """Residuals (s) of P and S: how often, and the median of each station.

        Raises DataError where there are no arrivals.
        """
        return statistics.residuals_of(self._run)

    def gutenberg_richter(self) -> Figure:
        """Numbers of events by magnitude with completeness and b-value, where there are enough.

        Completeness is that of maximum curvature, b that of Aki and Utsu; see
        `quakeline.events.comparison.frequency.recurrence`. Raises DataError without magnitudes.
        """
        return statistics.gutenberg_richter_of(self._run)
