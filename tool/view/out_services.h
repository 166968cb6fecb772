/* SPDX-License-Identifier: GPL-2.0 */
/* Services as lines. */
#ifndef PORTMON_CTL_OUT_SERVICES_H
#define PORTMON_CTL_OUT_SERVICES_H

#include "lib/json.h"
#include "lib/services.h"
#include "view/layouts.h"

#define TRANSPORTS_SIZE 64

extern const struct layout services_layout;

char *transport_words(char buf[static TRANSPORTS_SIZE], unsigned int bits);
void service_record(struct record *r, const struct svc_match *m);
void out_json_service(struct json *j, const struct svc_match *m);

#endif
