// SPDX-License-Identifier: GPL-2.0
#include "metrics/families.h"

#define COUNTER(_family, _name, _unit, _help)				\
	const struct family family_##_family = {			\
		"portmon_" _name, _unit, _help, METRIC_COUNTER		\
	}
#define GAUGE(_family, _name, _unit, _help)				\
	const struct family family_##_family = {			\
		"portmon_" _name, _unit, _help, METRIC_GAUGE		\
	}

GAUGE(up, "up", NULL,
	"1 if the module is loaded, counts in this network namespace and could be read, else 0.");
const struct family family_build = {
	"portmon_build", NULL,
	"Version of the exporter, and of the module if it is loaded.",
	METRIC_INFO,
};

COUNTER(bytes, "bytes", "bytes",
	"Network-layer bytes of all ports, overflow included.");
COUNTER(packets, "packets", "packets",
	"Packets on the wire of all ports, overflow included.");
COUNTER(port_bytes, "port_bytes", "bytes",
	"Network-layer bytes of a port that is shown.");
COUNTER(port_packets, "port_packets", "packets",
	"Packets on the wire of a port that is shown.");
COUNTER(port_handshakes, "port_tcp_handshakes", NULL,
	"TCP handshakes completed, and those refused, timed out or reset.");
COUNTER(port_syns, "port_tcp_syns", NULL,
	"TCP segments with SYN and without ACK, retransmitted ones included.");
COUNTER(port_resets, "port_tcp_resets", NULL,
	"TCP segments with RST.");
COUNTER(port_retransmitted, "port_tcp_retransmitted_segments", "segments",
	"TCP segments that this host retransmitted.");
COUNTER(port_dropped, "port_dropped_packets", "packets",
	"Packets addressed to a port that is shown, dropped by the kernel.");
GAUGE(port_last_seen, "port_last_seen_timestamp_seconds", "seconds",
	"When the latest packet of the port was counted.");
GAUGE(port_listening, "port_listening", NULL,
	"1 if a socket listens on the port, else 0.");
COUNTER(dropped, "dropped_packets", "packets",
	"Packets of all ports dropped by the kernel; transport overflow: port not known.");
COUNTER(overflow_packets, "overflow_packets", "packets",
	"Packets not attributed to a port: the record table was full.");
COUNTER(overflow_bytes, "overflow_bytes", "bytes",
	"Bytes not attributed to a port: the record table was full.");
COUNTER(other, "other_packets", "packets",
	"Packets that passed a hook, by category and protocol.");
GAUGE(since, "counting_since_timestamp_seconds", "seconds",
	"When counting began or all counters were last reset.");
GAUGE(records, "records", NULL,
	"Records of the module that are in use.");
GAUGE(records_limit, "records_limit", NULL,
	"Limit on records of the module.");
GAUGE(memory, "memory_bytes", "bytes",
	"Kernel memory that the module holds for this network namespace.");
GAUGE(ports_shown, "ports_shown", NULL,
	"Ports that have series.");
GAUGE(ports_hidden, "ports_hidden", NULL,
	"Ports without series because a limit was reached.");
GAUGE(series_hidden, "series_hidden", NULL,
	"Reasons of drops without series because a limit was reached.");
GAUGE(series_limit, "series_limit", NULL,
	"Limit on series.");
GAUGE(duration, "scrape_duration_seconds", "seconds",
	"How long it took to read the counters from the kernel.");
