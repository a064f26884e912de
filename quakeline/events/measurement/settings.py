"""The section `measure`: what is kept of the motion around picks."""

from __future__ import annotations

from pydantic import Field, model_validator

from quakeline.core.section import Section


class Settings(Section):
    """What is kept of the motion around each pick, for magnitudes and classes of events."""

    before_s: float = Field(
        10.0, ge=3, le=60, description="bins begin this long before the onset, in seconds"
    )
    after_s: float = Field(
        30.0,
        ge=5,
        le=300,
        description="bins end this long after the onset, in seconds; time.margin_s must be 1 s"
        " longer, as auto is",
    )
    bin_s: float = Field(
        0.5, ge=0.2, le=5, description="length of a bin, in which the largest counts, in seconds"
    )
    low_band_hz: tuple[float, float] = Field(
        (1.0, 4.0), description="lower band of the spectral ratio of an onset, in Hz"
    )
    high_band_hz: tuple[float, float] = Field(
        (8.0, 20.0), description="upper band of the spectral ratio of an onset, in Hz"
    )
    band_window_s: float = Field(
        1.0, ge=0.3, le=5, description="time after the onset in which bands are measured, seconds"
    )
    spectrum_s: float = Field(
        5.0,
        ge=1,
        le=60,
        description="length of the windows whose spectra are kept, in seconds: moments need about"
        " two periods of the corner frequency, so that magnitudes above 5 want longer ones",
    )

    @model_validator(mode="after")
    def _check(self) -> Settings:
        for name in ("low_band_hz", "high_band_hz"):
            low, high = getattr(self, name)
            if not 0.2 <= low < high:
                raise ValueError(
                    f"{name}: [{low:g}, {high:g}] given; two rising frequencies from 0.2 Hz are"
                    " allowed"
                )
        longest = min(self.before_s, self.after_s)
        if self.spectrum_s > longest:
            raise ValueError(
                f"spectrum_s: {self.spectrum_s:g} given; before_s and after_s allow {longest:g}"
            )
        return self

    @property
    def margin_s(self) -> float:
        """Seconds of data that a pick at the edge of a chunk needs beyond it."""
        return max(self.before_s + self.bin_s + 4.0, self.after_s + self.bin_s + 0.5)
