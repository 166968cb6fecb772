/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PORTMON_CTL_MODULE_H
#define PORTMON_CTL_MODULE_H

#include "lib/error.h"

int module_absent(struct error *e);

#endif
