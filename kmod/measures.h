/* SPDX-License-Identifier: GPL-2.0 */
/* What is measured of a TCP connection: see the attribute set histograms. */
#ifndef _PORTMON_MEASURES_H
#define _PORTMON_MEASURES_H

#include "types.h"

struct request_sock;
struct sock;

void portmon_measure_connect(const struct sock *sk);
void portmon_measure_synack(const struct request_sock *req);
void portmon_measure_established(struct portmon_tables *t,
				 const struct sock *sk,
				 const struct portmon_key *key, bool active);
void portmon_measure_end(struct portmon_tables *t, const struct sock *sk);
void portmon_measure_drop(const struct sock *sk);

void portmon_measures_start(void);
void portmon_measures_forget(void);
void portmon_measures_init(void);
void portmon_measures_exit(void);

#endif
