/* SPDX-License-Identifier: GPL-2.0 */
/* From a request to a reply. */
#ifndef PORTMON_EXPORTER_HTTP_H
#define PORTMON_EXPORTER_HTTP_H

#include <microhttpd.h>

enum MHD_Result http_answer(void *cls, struct MHD_Connection *connection,
			    const char *url, const char *method,
			    const char *version, const char *upload,
			    size_t *upload_size, void **request);

#endif
