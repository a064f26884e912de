"""The section `mechanism`: focal mechanisms of a run, from polarities of first motions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from quakeline.core.section import Section

if TYPE_CHECKING:
    from quakeline.events.mechanisms.mechanisms import Rules

#: Classes of mechanisms as HASH has them, the best first.
Quality = Literal["A", "B", "C", "D"]


class Settings(Section):
    """Focal mechanisms by HASH's method (docs/mechanisms.md); without polarities there are none."""

    networks: list[str] = Field(
        default_factory=list,
        description="files of weights of networks that read polarities from the waveforms, which"
        " the run must keep (keep: [waveforms]); all must agree; empty: none",
    )
    polarities: str | None = Field(
        None,
        description="CSV file of anybody's polarities in place of networks: event_id or time (of"
        " the origin), network, station, polarity (U or D), and if there are any location,"
        " probability",
    )
    reversals: str | None = Field(
        None,
        description="file of stations and days of reversed polarity, as HASH or SKHASH reads it",
    )
    min_probability: float = Field(
        0.7, ge=0.5, le=1, description="smallest probability of a polarity that networks tell"
    )
    min_snr: float = Field(
        3.0, ge=1, description="smallest signal-to-noise ratio of an onset that networks are asked"
    )
    amplitude_ratios: bool = Field(
        False,
        description="also use ratios of S and P amplitudes, of the waveforms that networks look at:"
        " of instruments with a response that picked both",
    )
    trials: int = Field(
        30, ge=1, le=1000, description="hypocentres within their errors from which rays leave"
    )
    min_polarities: int = Field(8, ge=4, description="polarities that a mechanism needs")
    composite_km: float | None = Field(
        None,
        gt=0,
        le=100,
        description="events with fewer polarities than min_polarities give one mechanism together"
        " with the others of them whose hypocentres lie within so many km; null: none do",
    )
    max_azimuth_gap_deg: float = Field(
        90.0, ge=10, le=360, description="largest gap of azimuths, in degrees"
    )
    max_takeoff_gap_deg: float = Field(
        60.0, ge=10, le=90, description="largest gap of take-off angles, in degrees"
    )
    max_distance_km: float = Field(
        120.0, ge=1, description="epicentral distance of the farthest stations that count, in km"
    )
    worst_quality: Quality = Field(
        "C", description="worst quality of which a mechanism is given; of others the reason stands"
    )

    @model_validator(mode="after")
    def _check(self) -> Settings:
        if self.networks and self.polarities:
            raise ValueError("networks, polarities: both given; one of them is allowed")
        if self.amplitude_ratios and not self.networks:
            raise ValueError(
                "amplitude_ratios: true given without networks; a table of polarities has them as"
                " its column sp_ratio"
            )
        return self

    @property
    def asked(self) -> bool:
        """Whether there is anything that polarities come from."""
        return bool(self.networks or self.polarities)

    def files(self) -> dict[str, list[str]]:
        """The files that the section names, by key."""
        named = {
            "networks": self.networks,
            "polarities": [self.polarities] if self.polarities else [],
            "reversals": [self.reversals] if self.reversals else [],
        }
        return {key: files for key, files in named.items() if files}

    def rules(self) -> Rules:
        """What an event needs for a mechanism."""
        from quakeline.events.mechanisms.mechanisms import Rules

        return Rules(
            self.trials,
            self.min_polarities,
            self.max_azimuth_gap_deg,
            self.max_takeoff_gap_deg,
            self.max_distance_km,
            self.worst_quality,
        )
