"""Feature bits: what a server and a client each understand (Amanda 3.5.1, common-src/amfeatures.c; bits from 149 are ours).

Promises the text form of a set, the names of all bits and the sets that we announce.  Feature n is bit ``n & 7`` of
byte ``n >> 3``; the text is two lower-case hexadecimal digits a byte, byte 0 first.  Both ends ignore bits they do
not know, so our own bits are harmless to a stock Amanda.  It does not know what a bit changes; `core.wire.services`
and clientd do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from core.errors import ProtocolError

_MAX_TEXT = 512
_HEX = re.compile(r"(?:[0-9a-fA-F]{2})*")

NAMES: tuple[str, ...] = tuple("""
feature_support options_auth selfcheck_req selfcheck_req_device selfcheck_rep sendsize_req_no_options sendsize_req_options
sendsize_req_device sendsize_rep sendbackup_req sendbackup_req_device sendbackup_rep noop_req noop_rep program_dump
program_gnutar program_application_api options_compress_fast options_compress_best options_srvcomp_fast
options_srvcomp_best options_no_record options_index options_exclude_file options_exclude_list options_multiple_exclude
options_optional_exclude options_include_file options_include_list options_multiple_include options_optional_include
options_bsd_auth options_krb4_auth options_kencrypt req_options_maxdumps req_options_hostname req_options_features
rep_options_maxdumps rep_options_hostname rep_options_features rep_options_sendbackup_options amindexd_fileno_in_OLSD
amindexd_fileno_in_ORLD amidxtaped_fsf amidxtaped_label amidxtaped_device amidxtaped_host amidxtaped_disk
amidxtaped_datestamp amidxtaped_header amidxtaped_nargs amidxtaped_config partial_estimate calcsize_estimate
selfcheck_calcsize recover_splits amidxtaped_exchange_features options_compress_cust options_srvcomp_cust
options_encrypt_cust options_encrypt_serv_cust options_client_decrypt_option options_server_decrypt_option
amindexd_marshall_in_OLSD amindexd_marshall_in_ORLD amindexd_marshall_in_DHST amrecover_FEEDME amrecover_timestamp
interface_quoted_text program_star amindexd_options_hostname amindexd_options_features amindexd_options_auth
amidxtaped_options_hostname amidxtaped_options_features amidxtaped_options_auth amrecover_message amrecover_feedme_tape
req_options_config rep_sendsize_quoted_error req_xml pp_script amindexd_DLE amrecover_dle_in_header xml_estimate
xml_property_priority sendsize_rep_warning xml_estimatelist xml_level_server xml_data_path xml_directtcp_list
amidxtaped_datapath sendbackup_noop amrecover_origsize_in_header amidxtaped_abort amrecover_correct_disk_quoting
amindexd_quote_label amrecover_receive_unfiltered application_client_name script_client_name dumptype_property
sendbackup_state sendbackup_crc amrecover_crc_in_header amrecover_data_status amrecover_data_crc
amrecover_storage_in_marshall amidxtaped_storage_in_marshall amindexd_STORAGE sendbackup_retry sendbackup_retry_delay
sendbackup_retry_level sendbackup_retry_message selfcheck_message sendsize_message sendbackup_message
sendbackup_rep_retry sendbackup_stream_state amrecover_stream_state amidxtaped_dar restore_mesg_json
restore_state_stream amrecover_header_send_size amrecover_header_ready amrecover_header_done amrecover_state_send
amrecover_state_ready amrecover_state_done amrecover_data_send amrecover_data_ready amrecover_data_done
restore_header_send_size restore_header_ready restore_header_done restore_state_send restore_state_ready
restore_state_done restore_data_send restore_data_ready restore_data_done restore_dar restore_datapath restore_include
restore_include_glob restore_exclude restore_exclude_glob prev_next_level data_shm_control_name req_options_timestamp
large_frames keeps_connection index_listing confirms index_detail frame_sums puts_back
""".split())  # noqa: SIM905 - a list of 156 quoted words is no easier to read
"""The name of each bit, in order; those from `LARGE_FRAMES` on are ours."""

PROGRAM_GNUTAR = 15
OPTIONS_MAXDUMPS = 34
OPTIONS_HOSTNAME = 35
OPTIONS_FEATURES = 36
REP_FEATURES = 39
PARTIAL_ESTIMATE = 52
QUOTED_TEXT = 68
OPTIONS_CONFIG = 78
QUOTED_ERROR = 79
REQ_XML = 80
XML_ESTIMATE = 84
SIZE_WARNING = 86
XML_ESTIMATELIST = 87
XML_LEVEL_SERVER = 88
XML_DATA_PATH = 89
SENDBACKUP_NOOP = 92
SENDBACKUP_CRC = 102
SENDBACKUP_RETRY = 109
SELFCHECK_MESSAGE = 113
REP_RETRY = 116
STREAM_STATE = 117
SHM_CONTROL_NAME = 147
OPTIONS_TIMESTAMP = 148
LARGE_FRAMES = 149
"""The peer takes frames of up to 1 MiB on data streams, not only 32 KiB."""
KEEPS_CONNECTION = 150
"""The peer stays for the next request on the same connection."""
INDEX_LISTING = 151
"""INDEX also names what a directory holds but this dump does not: a tab, then the path."""
CONFIRMS = 152
"""The server says when a dump is safe (end of file on DATA, towards the client); until then the client does not
replace its incremental state."""
INDEX_DETAIL = 153
"""A line of INDEX also tells where a member begins: a tab, then byte of the archive, size, seconds since 1970, type."""
FRAME_SUMS = 154
"""A client that compresses says the CRC-32C of each MiB before compression, `sendbackup: frame-CRCs` on MESG."""

PUTS_BACK = 155
"""The client has the service `restore` (`core.wire.restoring`); whether it permits it is another matter."""


@dataclass(frozen=True, slots=True)
class Features:
    """A set of feature bits."""

    bits: frozenset[int] = frozenset()

    def has(self, bit: int) -> bool:
        """Whether feature ``bit`` is in the set."""
        return bit in self.bits

    @property
    def text(self) -> str:
        """The set as it stands in an OPTIONS line: at least Amanda's 19 bytes in hexadecimal digits."""
        size = max(19, max(self.bits, default=0) // 8 + 1)
        packed = bytearray(size)
        for bit in self.bits:
            packed[bit >> 3] |= 1 << (bit & 7)
        return packed.hex()

    @classmethod
    def parse(cls, text: str) -> Features:
        """Read a set; ``UNKNOWNFEATURE`` is the empty one.  ProtocolError when it is no set of bits."""
        if text == "UNKNOWNFEATURE":
            return cls()
        if len(text) > _MAX_TEXT or not _HEX.fullmatch(text):
            raise ProtocolError(f"{text[:60]!r} is no set of features")
        packed = bytes.fromhex(text)
        return cls(frozenset(at * 8 + bit for at, byte in enumerate(packed) for bit in range(8) if byte >> bit & 1))

    def plus(self, *more: int) -> Features:
        """The set with ``more`` bits in it."""
        return Features(self.bits | frozenset(more))

    def less(self, *fewer: int) -> Features:
        """The set without the bits ``fewer``."""
        return Features(self.bits - frozenset(fewer))


def _of(ranges: Iterable[tuple[int, int]]) -> Features:
    return Features(frozenset(bit for first, last in ranges for bit in range(first, last + 1)))


STOCK = Features.parse("ffffffff9efefbfffffffffffffff3fffbf71f")
"""What Amanda 3.5.1 announces, server and client alike."""

LEGACY = _of(((14, 15), (17, 31)))
"""What a peer is taken for that sends no features at all."""

SERVER = STOCK.less(SELFCHECK_MESSAGE, SHM_CONTROL_NAME).plus(
    LARGE_FRAMES, KEEPS_CONNECTION, INDEX_LISTING, INDEX_DETAIL, FRAME_SUMS)
"""What our planner and dumper announce.  Without 113 a selfcheck answers in plain lines; never with 147."""

CONFIRMING = SERVER.plus(CONFIRMS)
"""What a dumper announces that calls ``Connection.confirm`` when a dump is safe."""

CLIENT = _of((
    (0, 13), (15, 30), (34, 36), (39, 39), (52, 54), (57, 58), (68, 68), (78, 80), (84, 89), (92, 92),
    (98, 98), (100, 102), (109, 112), (116, 117), (148, PUTS_BACK),
))
"""What our amandad announces; one without crc32c leaves out `SENDBACKUP_CRC`.  Never 147: the stock dumper would
then expect the dump in a shared-memory ring."""
