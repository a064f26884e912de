"""Codes of reasons why data or results are absent, unused or odd, and the one place of their words.

`quakeline.core.reasons` makes reasons of them.
"""

from __future__ import annotations

from enum import Enum, unique


class Kind(Enum):
    """What follows from a reason."""

    NO_DATA = "no data"  #: there is nothing to use
    UNUSED = "unused"  #: there is something, and it is not used
    REMARK = "remark"  #: it is used, and somebody should know
    USUAL = "usual"  #: it is used, and as it should be


def _no_data(words: str) -> tuple[Kind, str]:
    return Kind.NO_DATA, words


def _unused(words: str) -> tuple[Kind, str]:
    return Kind.UNUSED, words


def _remark(words: str) -> tuple[Kind, str]:
    return Kind.REMARK, words


def _usual(words: str) -> tuple[Kind, str]:
    return Kind.USUAL, words


@unique
class Code(Enum):
    """Each reason with its kind and its words, which take count and details as `str.format` does.

    `{s}` is the plural's s. Names are stored in products: a code that is renamed is another code.
    """

    def __init__(self, kind: Kind, words: str) -> None:
        self.kind = kind
        self.words = words

    # what other programs and older versions of tables say
    TEXT = _remark("{text}")

    # files and their headers
    UNREADABLE = _unused("{why}")
    NO_CODE = _unused("the header has no {what} code")
    NO_CODE_GIVEN = _unused(
        "the header has no {what} code (source kind files: fetch.source.codes gives codes)"
    )
    CODES_NO_TEXT = _unused("the codes in the header are no text: {codes}")
    CODES_TWICE = _unused(
        "fetch.source.codes gives {codes} to several traces of the file at the same time, {one}"
        " and {other}: tell them apart by `header` or {{trace}}"
    )
    ONLY_CAPITALS = _unused(
        "the header has {codes}, while there are data of {other} at the same time: only capital"
        " letters tell them apart (source kind files: fetch.source.codes gives other codes)"
    )
    SPELLED_DIFFERENTLY = _remark("the headers spell its codes {ways}")
    NO_SAMPLES = _unused("the file holds no samples")
    SAMPLES_ARE_TEXT = _unused("the records hold text, not samples")
    SAMPLES_NO_NUMBERS = _unused("the samples are no numbers")
    RATE_NOT_ALLOWED = _unused(
        "the header's sampling rate is {rate_hz:g} Hz; allowed: {least_hz:g} to {most_hz:.0f}"
    )
    RATE_CONTRADICTED = _unused(
        "the header's sampling rate is {rate_hz:g} Hz, but the times of its {records} records"
        " imply {implied_hz:.4g} Hz"
    )
    RATE_DIFFERS = _remark(
        "the header's sampling rate is {rate_hz:g} Hz and is used; the station metadata say"
        " {stated_hz:g} Hz"
    )
    RECORD_CUT = _remark(
        "the file ends in the middle of a record: {lost} of its {size} bytes are lost"
    )
    NO_RECORDS = _remark("{lost} of the {size} bytes of the file are no records of waveforms")
    RECORDS_DAMAGED = _remark("{count} record{s} cannot be decoded and became gaps")
    READER_WARNS = _remark("{why}")
    READER_WARNS_OFTEN = _remark("{why} (and {alike} more alike)")
    NAMED_OTHERWISE = _remark("the file's name says {codes}")
    LISTED_AT = _remark("line {line} of {file}")
    LISTED_ELSEWHERE = _remark(
        "line {line} of {file} has it at the place of {component} (order N E Z), its channel code"
        " is {channel}, which is used"
    )
    LISTED_TWICE = _remark("lines {lines} of {file} all list the file: it is read once")

    # packets of a live session
    PACKET_CODES = _unused("the codes of packets are not NET.STA.LOC.CHA: {codes}")
    PACKET_EMPTY = _unused("{count} packet{s} without samples")
    PACKET_NO_NUMBERS = _unused("{count} packet{s} whose samples are no numbers")
    PACKET_TIME = _unused("{count} packet{s} of impossible times, such as {time}")
    PACKET_RATE = _unused(
        "{count} packet{s} of {rate_hz:g} Hz; allowed: {least_hz:g} to {most_hz:.0f}"
    )
    CAME_LATE = _remark("{count} samples came when their time had passed, the first of {time}")
    TIME_WENT_BACK = _remark("its times went back to {time} for good: begun anew there")
    FELL_SILENT = _remark(
        "nothing came for {seconds:.0f} s after {time}: begun anew when it is back"
    )
    FELL_BEHIND = _remark("computing is {seconds:.0f} s behind the data of {time}")
    CAUGHT_UP = _remark("computing has caught up with the data of {time}")
    RATE_CHANGED = _remark("its sampling rate changed from {before_hz:g} to {after_hz:g} Hz")

    # stations without data
    NO_COORDINATES = _unused(
        "station {station} has no coordinates in stations.table or stations.stationxml"
    )
    NO_COORDINATES_ALIKE = _unused(
        "station {station} has no coordinates in stations.table or stations.stationxml, which"
        " have {alike}"
    )
    NO_FILE = _no_data("no file of the archive holds data of this station in this chunk")
    OTHER_TIMES = _no_data(
        "the files of this station hold no data of this chunk, but of times from {first} to {last}"
    )
    NO_FIBRE_FILE = _no_data("no file of the fibre holds data of this chunk")

    # downloads
    CHANNELS_NOT_ASKED = _no_data(
        "none of its channels ({channels}) is one of fetch.source.channels and locations"
    )
    NOT_ROUTED = _no_data("the routing service knows no data centre that has it")
    SERVER_EMPTY = _no_data("the server has no data (204)")
    SERVER_LACKS = _no_data("asked twice, the server has no more data; missing: {channels}")
    STORE_EMPTY = _no_data("the store has no object for it")
    STORE_LACKS = _no_data("the store has no object of {channels}")
    OBJECTS_EMPTY = _no_data("the objects hold none of the channels asked for")
    OBJECT_DAMAGED = _no_data("{path}: {why}")
    REQUEST_FAILED = _no_data("{why}")
    REQUEST_TOO_LARGE = _no_data("{why} even for {seconds:g} s")
    ANSWER_BROKEN = _no_data("the answer is not whole: {why}")

    # live feeds
    SERVER_LOST = _remark("lost: {why}; it is asked again")
    SERVER_SILENT = _remark("nothing new for over {seconds:g} s")
    SERVER_BACK = _remark("it answers again")
    SERVER_REFUSES = _remark("refuses {what}: {why}")
    SERVER_FORGOT = _remark(
        "it does not hold the last packet any more, and goes on with what follows: {what}"
    )
    SERVER_NO_STREAM = _remark("it has no channel of {pattern} at present")
    FEED_RECORDS_DAMAGED = _remark("{count} record{s} cannot be decoded: {why}")
    FEED_BYTES = _remark("{count} byte{s} between the records are none")
    FEED_FILE_ANEW = _remark("the file is another one, or shorter than before: read from its start")
    FEED_FILE_UNREADABLE = _remark("it cannot be read now: {why}")
    DELIVERY_FAILS = _remark("not delivered: {why}; kept and tried again")
    DELIVERED_AGAIN = _remark("delivered again, {count} message{s} that had waited")
    NO_PLACE_FOR_EVENTS = _remark("its coordinates are not known: picks, but no events")
    REVIEW_FAILED = _remark(
        "its events could not be made anew of all picks: {error}; all is kept as it was, and it is"
        " tried once more, by the next session or when the next day is over"
    )
    REVIEW_FAILED_AGAIN = _remark(
        "its events could not be made anew of all picks, a second time: {error}; all is"
        " kept as it was"
    )
    MEASUREMENTS_UNREADABLE = _remark(
        "what was measured around its picks later is not in its table: {error}; it stays on disk in"
        " the folder measured"
    )
    LATE_FOR_EVENTS = _remark("{count} pick{s} came when events of their time were final")
    SPOOL_UNWRITABLE = _remark("messages that wait cannot be kept on disk, only in memory: {why}")

    # tables of picks
    PICKS_OUTSIDE = _unused("{count} of {of} picks lie outside of the run's time")
    PICKS_OTHER_PHASES = _unused(
        "{count} of {of} picks are left out, of phases that are no P or S of local earthquakes:"
        " {phases}"
    )
    PICKS_PLACELESS = _unused("{count} picks are of {station}, a station without coordinates")

    # channels that are not prepared
    NOT_PREFERRED = _unused("prepare.prefer takes {instrument} of this station")
    LESS_DATA = _unused(
        "prepare.prefer takes {instrument} of this station, which covers {share:.1%} of the"
        " chunk, this one {own:.1%}"
    )
    LETTER_UNKNOWN = _unused("the last letter of the channel code is none of {letters}")
    RATE_TOO_LOW = _unused(
        "recorded at {rate_hz:g} Hz, less than a tenth of the network's {network_hz:g} Hz"
    )
    FEWER_COMPONENTS = _unused(
        "prepare.prefer takes {instrument} of this station, which has {components} components,"
        " this one {own}"
    )
    PREFERRED_TO_FEWER = _remark("instead of {instrument}, which has fewer components")
    NOT_IN_INSTRUMENTS = _unused("prepare.instruments names only {instruments}")
    NO_RESPONSE_AMONG_OTHERS = _unused("no response, while other components have one")
    NO_USABLE_SAMPLES = _unused("no usable samples in the chunk")
    DEAD = _unused("dead channel: every sample is {value:g}")
    IDLE = _unused("dead channel: all samples lie between {low:g} and {high:g} counts")
    NO_DIRECTIONS = _unused("the station metadata do not say which way its oblique channels look")
    OTHER_AXES = _unused("the instrument's other channels give its components")

    # samples of channels in use
    NOT_FINITE = _remark("{count} samples are not finite: gaps")
    OVERLAPS_DIFFER = _remark("overlaps with different samples became gaps: {seconds:.2f} s")
    OVERLAP_TIMES_DIFFER = _remark(
        "overlaps with different sample times became gaps: {seconds:.2f} s"
    )
    SPIKES = _remark("{count} spikes of one sample")
    SPIKES_BRIDGED = _remark("{count} spikes of one sample bridged")
    GLITCHES = _remark("{count} glitches of two to four samples")
    STEPS = _remark("{count} steps to another level")
    CLIPPED = _remark("clipped: {seconds:.2f} s, without amplitudes")
    CONSTANT = _remark("without signal (equal samples): {seconds:.1f} s")
    RATE_LOW = _remark(
        "recorded at {rate_hz:g} Hz: the network's {network_hz:g} Hz hold nothing above half of"
        " that, and onsets may be some tenths of a second off"
    )
    CLOCK_SLIPS = _remark(
        "the clock slips {count} times between pieces, by up to {largest_ms:.2f} ms,"
        " {total_ms:.2f} ms in all: aligned"
    )
    CLOCK_DRIFTS = _remark(
        "the clock drifts: {true_hz:.7g} Hz under a header of {rate_hz:g} Hz ({ppm:+.1f} ppm),"
        " {drift_ms:.1f} ms in all: times follow the starts of records and files"
    )
    LEAP_SECOND = _remark("a leap second: its samples are left out, times after it are UTC")
    LEAP_DOUBTED = _remark(
        "headers of its records announce a leap second before {time}, {against}: times follow the"
        " starts of the records"
    )
    RATE_AMBIGUOUS = _remark(
        "the header's sampling rate is {rate_hz:g} Hz and is used: its {records} records are"
        " fragments with gaps between them; without gaps they would imply {implied_hz:.4g} Hz"
    )
    RECORDS_SAY = _remark("its records say: {what} ({count} of {records})")
    TIMING_POOR = _remark("timing quality as low as {percent} %")
    PREFERRED_TO_UNUSABLE = _remark("instead of {instrument}, without usable data")
    PREFERRED_TO_SCARCE = _remark("instead of {instrument}, with much less data")

    # responses
    RESPONSE_REMOVED = _usual("response removed")
    NO_RESPONSE = _remark("response: none")
    RESPONSE_NEAR = _remark("no response: the inventory has {near}")
    OUTSIDE_RESPONSE = _remark("{seconds:.2f} s lie outside the epochs of the response: gaps")
    EPOCHS_OVERLAP = _remark(
        "epochs of the response overlap, that from {older} and that from {newer}: the newer one is"
        " used while it lasts"
    )
    RESPONSE_POLYNOMIAL = _remark("the response is a polynomial: flat apart from it")
    RESPONSE_FLAT = _remark("the response is a total sensitivity alone: taken as flat")
    RESPONSE_GAINS_DIFFER = _remark(
        "the stages of the response have a gain of {gain:.4g} at {frequency_hz:g} Hz, its total"
        " sensitivity is {stated:.4g}: the stages are used"
    )
    RESPONSE_EMPTY = _unused("the response has neither stages nor a total sensitivity")
    RESPONSE_OF_NOTHING = _unused("the response is a total sensitivity of zero")
    RESPONSE_STAGE_ZERO = _unused("a stage of the response has a gain of zero")
    RESPONSE_NOT_FINITE = _unused("the response is zero or not finite")
    RESPONSE_OF_NO_MOTION = _unused("the response is to {unit}, which is no ground motion")
    RESPONSE_NOT_EVALUATED = _unused("the response cannot be evaluated: {why}")

    # components
    COMPONENTS_MISSING = _remark("no component {components}: zeros for the network")
    ROTATED = _remark("rotated from {channels}")
    NOT_ROTATED = _remark("channels {channel} used as they are, without rotation")
    NOT_ROTATED_ALONE = _remark(
        "channels {channel} used as they are, without rotation for want of the others"
    )
    DIRECTIONS_CONTRADICT = _remark(
        "channel {channel} used as it is, without rotation, because the orientations in the"
        " station metadata contradict each other"
    )
    CHANNELS_TOGETHER = _remark("channels {channels} fill the component together")
    CHANNELS_DIFFER = _remark("{count} samples on which they differ became gaps")

    # files of fibres
    MEMBERS_MISSING = _remark("members of the virtual dataset are missing: {members}")
    ARRAYS_UNREAD = _remark("the file holds further arrays that its reader does not give: {names}")
    OTHER_CHANNELS = _unused("it has {own} channels; most files of this chunk have {most}")
    OTHER_DISTANCES = _unused(
        "its channels lie from {own_first:g} to {own_last:g} m; those of the other files of this"
        " chunk from {first:g} to {last:g} m"
    )
    SAME_TIME = _unused("another file holds the same time")
    BEGINS_EARLY = _remark(
        "it begins {seconds:g} s before the end of the file before: those samples are left out"
    )

    # channels and samples of fibres
    NOT_FIRST_TO_LAST = _unused("not between first and last")
    EXCLUDED = _unused("excluded")
    LOOP_BACK = _unused("the way back of the loop")
    FILE_GONE = _remark("{file} was there and is gone: {why}")
    MEMBER_ABSENT = _remark("{path} does not exist")
    MEMBER_UNREADABLE = _remark("{path} cannot be read: {why}")
    UNREADABLE_NEAR = _remark("cannot be read near {time}: {why}")
    ZEROED = _remark("{count} samples that are not finite in single channels: zero")
    EMPTY_SAMPLES = _remark("{count} samples that are zero or not finite in all channels: gaps")
    CHANNELS_DEAD = _remark("{count} of {channels} channels never change: not used")
    GAP_FROM = _remark("gap from {time}")
    CHUNK_EMPTY = _no_data("no data of this chunk")
    NOT_ANNOTATED = _remark("not annotated: {why}")
    NO_PLACES = _remark("no positions of its channels: its picks are not associated")
    SOME_PLACELESS = _remark(
        "{count} of {channels} channels have no position: their picks are not associated"
    )

    # stations and phases without a magnitude
    ON_FIBRE = _unused("a channel of a fibre, not of ground velocity")
    NO_SITE = _unused("no coordinates")
    NOT_PICKED = _unused("{phase} not picked")
    NOT_MEASURED = _unused("no waveforms were measured around its picks")
    COUNTS_ONLY = _unused("no instrument response")
    NO_COMPONENT = _unused("no component that may be measured")
    TOO_FEW_COMPONENTS = _unused("Z, N and E are needed")
    WINDOW_NOT_PLACED = _unused(
        "gaps, clipped samples or the end of the data in every window around its P"
    )
    FEW_POLARITIES = _unused("{count} polarities, {needed:g} are needed")
    IN_COMPOSITE = _unused("part of the composite of {event}")
    AZIMUTH_GAP = _unused(
        "azimuths of polarities have a gap of {gap_deg:g} deg, above {most_deg:g}"
    )
    TAKEOFF_GAP = _unused("take-off angles have a gap of {gap_deg:g} deg, above {most_deg:g}")
    ONE_SIDED = _unused(
        "an explosion or a collapse fits the polarities as well as any double couple"
    )
    OUTSIDE_MODEL = _unused("the epicentre lies outside the velocity model")
    ONSET_SPOILT = _unused("gap, clipped samples or end of the data around the onset")
    WEAK_ONSET = _unused("the onset is {snr:g} times the noise, {needed:g} times is needed")
    NETWORKS_DISAGREE = _unused("networks give different polarities")
    POLARITY_UNSURE = _unused("networks are not sure of the polarity")
    NO_WAVEFORMS = _unused("no waveforms were kept around its picks")
    NOT_100_HZ = _unused("waveforms of {rate_hz:g} Hz, networks of polarities need 100 Hz")
    POOR_MECHANISM = _unused("quality {quality}, below {worst}")
    POLARITIES_FAR = _remark("{count} polarities of stations too far away")
    POLARITIES_UNPLACED = _remark("{count} polarities of stations without a place")
    POLARITIES_TWICE = _remark("{count} further polarities of a station that has one")
    POLARITY_FAR = _unused("the station is {distance_km:g} km away, above {most_km:g}")
    POLARITY_TWICE = _unused("the station has another polarity, which counts")
    CROWDED = _unused("another event's arrival in the S window")
    S_IN_P_WINDOW = _unused("S in the P window")
    WINDOW_TOO_SHORT = _unused("the S window ends beyond measure.after_s")
    S_WINDOW_SPOILT = _unused("gap, clipped samples or end of the data in the S window")
    WINDOW_SPOILT = _unused("gap or clipped samples in the window")
    NO_NOISE = _unused("no noise before the onset to compare with")
    AMPLITUDE_WEAK = _unused("S amplitude too small against the noise")
    SPECTRUM_WEAK = _unused("too little of the band above the noise")
    NO_LEVEL = _unused("no low-frequency level: the spectrum falls from the lowest frequency on")
    NOT_AS_MODEL = _unused("the spectrum is not that of the source model")
    OUTSIDE_SCALE = _unused("outside of {low_km:g} to {high_km:g} km, for which the scale holds")
    OUTSIDE_DISTANCE = _unused("outside of {low_km:g} to {high_km:g} km")
    OTHER_INSTRUMENT = _unused("another instrument of the station is used")

    # events without a magnitude
    NO_ARRIVALS = _unused("no arrivals")
    FEW_STATIONS = _unused("{stations} of {needed} stations needed")

    # what limits a location
    DEPTH_AT_SHALLOW_END = _remark(
        "depth at the limit of the search (shallow end, {depth_km:.1f} km)"
    )
    DEPTH_AT_DEEP_END = _remark("depth at the limit of the search (deep end, {depth_km:.1f} km)")
    EPICENTRE_AT_LIMIT = _remark("epicentre at the limit of the search")
    EPICENTRE_UNRESOLVED = _remark("epicentre hardly resolved (1 sigma {sigma_km:.0f} km)")
    DEPTH_UNRESOLVED = _remark("depth hardly resolved")
    OUTSIDE_NETWORK = _remark("arrivals from one side only")
    NO_REDUNDANCY = _remark("no redundancy")
    NO_S_ARRIVAL = _remark("no S arrival")
