/* SPDX-License-Identifier: GPL-2.0 */
/* The two protocols of systemd that need no library: sd_notify(3), sd_listen_fds(3). */
#ifndef PORTMON_EXPORTER_SYSTEMD_H
#define PORTMON_EXPORTER_SYSTEMD_H

/* The first socket that is handed over. */
#define SYSTEMD_FD	3

unsigned int systemd_sockets(void);
void systemd_notify(const char *state);

#endif
