/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PORTMON_EXPORTER_PROCESS_H
#define PORTMON_EXPORTER_PROCESS_H

#include "metrics/text.h"

void process_write(struct text *t);

#endif
