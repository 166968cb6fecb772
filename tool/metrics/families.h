/* SPDX-License-Identifier: GPL-2.0 */
/* Every metric that is written, with its type, unit and help. */
#ifndef PORTMON_METRICS_FAMILIES_H
#define PORTMON_METRICS_FAMILIES_H

#include "metrics/text.h"

extern const struct family family_up;
extern const struct family family_build;
extern const struct family family_bytes;
extern const struct family family_packets;
extern const struct family family_port_bytes;
extern const struct family family_port_packets;
extern const struct family family_port_handshakes;
extern const struct family family_port_syns;
extern const struct family family_port_resets;
extern const struct family family_port_retransmitted;
extern const struct family family_port_dropped;
extern const struct family family_port_last_seen;
extern const struct family family_port_listening;
extern const struct family family_dropped;
extern const struct family family_overflow_packets;
extern const struct family family_overflow_bytes;
extern const struct family family_other;
extern const struct family family_since;
extern const struct family family_records;
extern const struct family family_records_limit;
extern const struct family family_memory;
extern const struct family family_ports_shown;
extern const struct family family_ports_hidden;
extern const struct family family_series_hidden;
extern const struct family family_series_limit;
extern const struct family family_duration;

#endif
