// SPDX-License-Identifier: GPL-2.0
/* The loop: accept connections, run libmicrohttpd, obey signals. */
#include <errno.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exporter/auth.h"
#include "exporter/http.h"
#include "exporter/log.h"
#include "exporter/server.h"
#include "exporter/systemd.h"
#include "lib/util.h"

/* Of a request, its headers included; a longer one is answered 414 or 431. */
#define REQUEST_SIZE	8192
/* Between two attempts to accept while the system has no file descriptors. */
#define FULL_MS		100
/* How long a request may take after SIGTERM. */
#define STOP_MS		5000

/* Errors of single clients are not logged. */
static void log_mhd(void *cls, const char *format, va_list args)
{
	const struct server *server = cls;
	char line[256];

	if (!server->starting)
		return;
	vsnprintf(line, sizeof(line), format, args);
	line[strcspn(line, "\n")] = '\0';
	log_line("%s", line);
}

/* Verify the client's certificate, if it sent one. */
static int verify_given(gnutls_session_t session)
{
	unsigned int n, status;

	if (!gnutls_certificate_get_peers(session, &n))
		return 0;
	if (gnutls_certificate_verify_peers2(session, &status) || status)
		return GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR;
	return 0;
}

/* Before the handshake: what is asked of the client's certificate. */
static void ask_certificate(const struct server *server,
			    struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection,
					MHD_CONNECTION_INFO_GNUTLS_SESSION);
	const enum client_auth auth = server->config.client_auth;
	gnutls_session_t session = info ? info->tls_session : NULL;

	if (!session || auth == CLIENT_AUTH_NONE)
		return;
	gnutls_certificate_server_set_request(session,
					      auth == CLIENT_AUTH_REQUIRE ||
					      auth == CLIENT_AUTH_REQUIRE_VERIFY ?
					      GNUTLS_CERT_REQUIRE :
					      GNUTLS_CERT_REQUEST);
	if (auth == CLIENT_AUTH_REQUIRE_VERIFY)
		gnutls_session_set_verify_cert(session, NULL, 0);
	else if (auth == CLIENT_AUTH_VERIFY)
		gnutls_session_set_verify_function(session, verify_given);
}

static void notice_connection(void *cls, struct MHD_Connection *connection,
			      void **context,
			      enum MHD_ConnectionNotificationCode code)
{
	struct server *server = cls;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		*context = server->adding;
		ask_certificate(server, connection);
	} else if (*context) {
		conns_state(*context, CONN_FREE);
	}
}

static void notice_completed(void *cls, struct MHD_Connection *connection,
			     void **request,
			     enum MHD_RequestTerminationCode code)
{
	(void)cls;
	(void)connection;
	(void)code;
	if (*request)
		conns_state(*request, CONN_IDLE);
}

static struct MHD_Daemon *start_mhd(struct server *server,
				    const struct web_config *config)
{
	unsigned int flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET |
			     MHD_USE_ERROR_LOG;
	struct MHD_OptionItem tls[4] = { { MHD_OPTION_END, 0, NULL } };
	unsigned int n = 0;
	struct MHD_Daemon *mhd;

	if (config->cert) {
		flags |= MHD_USE_TLS;
		tls[n++] = (struct MHD_OptionItem){
			MHD_OPTION_HTTPS_MEM_CERT, 0, config->cert };
		tls[n++] = (struct MHD_OptionItem){
			MHD_OPTION_HTTPS_MEM_KEY, 0, config->key };
		if (config->ca)
			tls[n++] = (struct MHD_OptionItem){
				MHD_OPTION_HTTPS_MEM_TRUST, 0, config->ca };
		tls[n] = (struct MHD_OptionItem){ MHD_OPTION_END, 0, NULL };
	}
	server->starting = true;
	mhd = MHD_start_daemon(flags, 0, NULL, NULL, http_answer, server,
			       MHD_OPTION_EXTERNAL_LOGGER, log_mhd, server,
			       MHD_OPTION_CONNECTION_LIMIT, 2 * CONNS_MAX,
			       MHD_OPTION_CONNECTION_TIMEOUT, 0u,
			       MHD_OPTION_CONNECTION_MEMORY_LIMIT,
			       (size_t)REQUEST_SIZE,
			       MHD_OPTION_NOTIFY_CONNECTION, notice_connection,
			       server,
			       MHD_OPTION_NOTIFY_COMPLETED, notice_completed,
			       server,
			       MHD_OPTION_ARRAY, tls,
			       MHD_OPTION_END);
	server->starting = false;
	return mhd;
}

static int mhd_fd(struct MHD_Daemon *mhd)
{
	return MHD_get_daemon_info(mhd, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

static int wait_for(const struct server *server, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event))
		return -errno;
	return 0;
}

/* Read the configuration and begin to serve with it. */
static int configure(struct server *server)
{
	struct web_config config = { 0 };
	struct MHD_Daemon *mhd = NULL;
	struct error e;
	int err = 0;

	if (server->config_path)
		err = webconfig_load(server->config_path, &config, &e);
	if (err) {
		log_line("%s", e.text);
	} else {
		mhd = start_mhd(server, &config);
		if (!mhd || wait_for(server, mhd_fd(mhd))) {
			log_line("cannot serve%s%s",
				 config.cert ? " with the certificate of " : "",
				 config.cert ? server->config_path : "");
			err = -EIO;
		}
	}
	if (err) {
		if (mhd)
			MHD_stop_daemon(mhd);
		webconfig_free(&config);
		return err;
	}
	webconfig_free(&server->config);
	server->config = config;
	auth_forget();
	if (server->mhd[1])
		MHD_stop_daemon(server->mhd[1]);
	server->mhd[1] = server->mhd[0];
	server->mhd[0] = mhd;
	return 0;
}

/**
 * server_start() - begin to serve
 * @server: the server, listening
 *
 * Return: 0 or a negative errno, which has been logged.
 */
int server_start(struct server *server)
{
	unsigned int i;
	sigset_t set;
	int err;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	server->epoll = epoll_create1(EPOLL_CLOEXEC);
	server->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (server->epoll < 0 || server->signals < 0) {
		err = -errno;
		log_line("cannot wait for requests: %s", strerror(-err));
		return err;
	}
	err = wait_for(server, server->signals);
	for (i = 0; i < server->n_listeners && !err; i++)
		err = wait_for(server, server->listeners[i]);
	if (err) {
		log_line("cannot wait for requests: %s", strerror(-err));
		return err;
	}
	return configure(server);
}

/* Is its local address a loopback address? */
static bool is_to_loopback(int fd)
{
	struct sockaddr_storage at = { 0 };
	const struct sockaddr_in *in = (void *)&at;
	const struct sockaddr_in6 *in6 = (void *)&at;
	socklen_t len = sizeof(at);

	getsockname(fd, (struct sockaddr *)&at, &len);
	if (at.ss_family == AF_INET)
		return ntohl(in->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	if (at.ss_family != AF_INET6)
		return false;
	if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
		return in6->sin6_addr.s6_addr[12] == IN_LOOPBACKNET;
	return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

static void add_connection(struct server *server, int fd,
			   const struct sockaddr *from, socklen_t len)
{
	struct conn *conn;

	if (conns_count(&server->conns) >= CONNS_MAX) {
		conns_evict(&server->conns);
		MHD_run(server->mhd[0]);
		if (server->mhd[1])
			MHD_run(server->mhd[1]);
	}
	conn = conns_open(&server->conns, fd, conns_now());
	if (!conn) {
		close(fd);
		return;
	}
	conn->loopback = is_to_loopback(fd);
	server->adding = conn;
	/* On failure it has closed the socket. */
	if (MHD_add_connection(server->mhd[0], fd, from, len) != MHD_YES)
		conns_state(conn, CONN_FREE);
	server->adding = NULL;
}

/* One connection at a time, so that others are served in between. */
static void accept_one(struct server *server, int listener)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	int fd = accept4(listener, (struct sockaddr *)&from, &len,
			 SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0)
		add_connection(server, fd, (struct sockaddr *)&from, len);
	else if ((errno == EMFILE || errno == ENFILE) &&
		 !conns_evict(&server->conns))
		/* Others have them all: do not ask for one at full speed. */
		poll(NULL, 0, FULL_MS);
}

static void begin_stop(struct server *server)
{
	unsigned int i;

	if (server->stopping)
		return;
	server->stopping = true;
	systemd_notify("STOPPING=1");
	for (i = 0; i < server->n_listeners; i++) {
		/* The service manager has the socket too: closing is not enough. */
		epoll_ctl(server->epoll, EPOLL_CTL_DEL, server->listeners[i],
			  NULL);
		close(server->listeners[i]);
	}
	server->n_listeners = 0;
	server->conns.cap_ms = STOP_MS;
	conns_finish(&server->conns);
}

static void take_signal(struct server *server)
{
	struct signalfd_siginfo info;

	while (read(server->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo != SIGHUP) {
			begin_stop(server);
			continue;
		}
		systemd_notify("RELOADING=1");
		if (!configure(server)) {
			/* They have the TLS of the configuration before. */
			conns_finish(&server->conns);
			log_line("configuration reloaded");
		} else {
			log_line("going on with the configuration before");
		}
		systemd_notify("READY=1");
	}
}

static bool is_listener(const struct server *server, int fd)
{
	unsigned int i;

	for (i = 0; i < server->n_listeners; i++)
		if (server->listeners[i] == fd)
			return true;
	return false;
}

/* How long libmicrohttpd can wait, in milliseconds; -1 for ever. */
static int mhd_wait(const struct server *server, int wait)
{
	MHD_UNSIGNED_LONG_LONG ms;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(server->mhd); i++)
		if (server->mhd[i] &&
		    MHD_get_timeout(server->mhd[i], &ms) == MHD_YES &&
		    (wait < 0 || ms < (unsigned int)wait))
			wait = ms;
	return wait;
}

/* End the previous configuration after the reply to its last request. */
static void end_old(struct server *server)
{
	const union MHD_DaemonInfo *info;

	if (!server->mhd[1])
		return;
	info = MHD_get_daemon_info(server->mhd[1],
				   MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
	if (info && info->num_connections)
		return;
	MHD_stop_daemon(server->mhd[1]);
	server->mhd[1] = NULL;
}

static int step(struct server *server)
{
	int wait = conns_expire(&server->conns, conns_now());
	struct epoll_event events[8];
	int i, n;

	n = epoll_wait(server->epoll, events, ARRAY_SIZE(events),
		       mhd_wait(server, wait));
	if (n < 0 && errno != EINTR) {
		log_line("cannot wait for requests: %s", strerror(errno));
		return -errno;
	}
	for (i = 0; i < n; i++) {
		if (events[i].data.fd == server->signals)
			take_signal(server);
		else if (is_listener(server, events[i].data.fd))
			accept_one(server, events[i].data.fd);
	}
	MHD_run(server->mhd[0]);
	if (server->mhd[1])
		MHD_run(server->mhd[1]);
	end_old(server);
	return 0;
}

/**
 * server_run() - serve until SIGTERM or SIGINT, and then finish what is open
 * @server: the server, started
 *
 * Return: 0 or a negative errno, which has been logged.
 */
int server_run(struct server *server)
{
	int err = 0;

	systemd_notify("READY=1");
	while (!err && (!server->stopping || conns_count(&server->conns)))
		err = step(server);
	return err;
}

/**
 * server_stop() - release what a server holds
 * @server: the server
 */
void server_stop(struct server *server)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(server->mhd); i++)
		if (server->mhd[i])
			MHD_stop_daemon(server->mhd[i]);
	webconfig_free(&server->config);
	if (server->signals > 0)
		close(server->signals);
	if (server->epoll > 0)
		close(server->epoll);
}
