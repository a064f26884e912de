"""Channels of fibres and their picks."""

from __future__ import annotations

from quakeline.core.schemas.kinds import Table, column, reasons

FIBRE_CHANNELS = Table(
    "fibre_channels",
    2,
    (
        column("fibre", "string", meaning="name of the fibre"),
        column("channel_index", "int", meaning="counted from 0 in the files"),
        column("distance_m", "double", "m", "along the fibre"),
        column("latitude", "double", "deg", "WGS84", null=True),
        column("longitude", "double", "deg", "WGS84", null=True),
        column("elevation_m", "double", "m", "above sea level", null=True),
        column("used", "bool", meaning="whether the channel is read"),
        *reasons("reason", "why it is not"),
    ),
    since=1,
)

_ONSET = (
    column("fibre", "string", meaning="name of the fibre"),
    column("channel_index", "int", meaning="counted from 0 in the files"),
    column("distance_m", "double", "m", "along the fibre"),
    column("phase", "string", meaning="as the network says, channel by channel"),
    column("time", "time", meaning="onset"),
    column("probability", "float", meaning="peak value of the phase's probability"),
    column("model", "string", meaning="network that made the pick"),
    column("weights_id", "string", meaning="first 12 digits of the weights' sha256"),
)

ONSETS = Table("fibre_onsets", 1, _ONSET)

FIBRE_PICKS = Table(
    "fibre_picks",
    1,
    (
        column("pick_id", "string", meaning="unique, from fibre, channel, phase and time"),
        *_ONSET,
        column("front", "int", meaning="front it belongs to, from 0 in a chunk; -1: none"),
        column("front_phase", "string", meaning="phase of the front: P or S", null=True),
        column("residual_s", "float", "s", "from the line of its neighbours", null=True),
        column("support", "float", meaning="part of the channels around it that agree"),
        column("selected", "bool", meaning="whether it goes into the association"),
    ),
)
