// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "exporter/accept.h"
#include "exporter/api.h"
#include "exporter/auth.h"
#include "exporter/http.h"
#include "exporter/page.h"
#include "exporter/server.h"
#include "lib/util.h"

#define TYPE_TEXT	"text/plain; charset=utf-8"
#define TYPE_METRICS	"text/plain; version=0.0.4; charset=utf-8"
#define TYPE_OPEN	"application/openmetrics-text; version=1.0.0; charset=utf-8"
#define TYPE_JSON	"application/json"
#define TYPE_HTML	"text/html; charset=utf-8"

/**
 * struct reply - what is to be sent
 * @status: HTTP's status
 * @type: media type
 * @csp: what a page may do, or NULL
 * @body: the body
 * @len: its length
 */
struct reply {
	unsigned int status;
	const char *type;
	const char *csp;
	const void *body;
	size_t len;
};

static struct reply sentence(unsigned int status, const char *text)
{
	return (struct reply){
		.status = status, .type = TYPE_TEXT, .body = text,
		.len = strlen(text),
	};
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

typedef struct reply (*route_fn)(struct server *server,
				 struct MHD_Connection *connection);

static struct reply get_metrics(struct server *server,
				struct MHD_Connection *connection)
{
	const bool open = accept_openmetrics(header(connection, "Accept"));
	const struct text *t = exporter_metrics(&server->exporter, open);

	if (!t)
		return sentence(MHD_HTTP_SERVICE_UNAVAILABLE,
				"out of memory\n");
	return (struct reply){
		.status = MHD_HTTP_OK, .type = open ? TYPE_OPEN : TYPE_METRICS,
		.body = t->buf, .len = t->len,
	};
}

static struct reply get_health(struct server *server,
			       struct MHD_Connection *connection)
{
	(void)server;
	(void)connection;
	return sentence(MHD_HTTP_OK, "ok\n");
}

static struct reply get_page(struct server *server,
			     struct MHD_Connection *connection)
{
	(void)server;
	(void)connection;
	return (struct reply){
		.status = MHD_HTTP_OK, .type = TYPE_HTML, .csp = page_csp,
		.body = page, .len = page_len,
	};
}

static struct reply get_api(struct server *server, enum api_what what,
			    const char *argument)
{
	const struct document *d = api_get(&server->exporter, what, argument);

	if (!d->body)
		return sentence(MHD_HTTP_SERVICE_UNAVAILABLE,
				"out of memory\n");
	return (struct reply){
		.status = d->status, .type = TYPE_JSON, .body = d->body,
		.len = d->len,
	};
}

static struct reply get_stats(struct server *server,
			      struct MHD_Connection *connection)
{
	(void)connection;
	return get_api(server, API_STATS, NULL);
}

static struct reply get_ranges(struct server *server,
			       struct MHD_Connection *connection)
{
	(void)connection;
	return get_api(server, API_RANGES, NULL);
}

static struct reply get_drops(struct server *server,
			      struct MHD_Connection *connection)
{
	(void)connection;
	return get_api(server, API_DROPS, NULL);
}

static struct reply get_explain(struct server *server,
				struct MHD_Connection *connection)
{
	return get_api(server, API_EXPLAIN,
		       MHD_lookup_connection_value(connection,
						   MHD_GET_ARGUMENT_KIND,
						   "port"));
}

static const struct route {
	const char *path;
	route_fn fn;
} routes[] = {
	{ "/", get_page },
	{ "/metrics", get_metrics },
	{ "/healthz", get_health },
	{ "/api/v1/stats", get_stats },
	{ "/api/v1/ranges", get_ranges },
	{ "/api/v1/drops", get_drops },
	{ "/api/v1/explain", get_explain },
};

static struct reply route(struct server *server,
			  struct MHD_Connection *connection, const char *url)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(routes); i++)
		if (!strcmp(routes[i].path, url))
			return routes[i].fn(server, connection);
	return sentence(MHD_HTTP_NOT_FOUND,
			"there are: / /metrics /healthz /api/v1/stats /api/v1/ranges /api/v1/drops /api/v1/explain?port=PORT\n");
}

static struct MHD_Response *make_response(const struct reply *reply)
{
	struct MHD_Response *r;

	r = MHD_create_response_from_buffer(reply->len, (void *)reply->body,
					    MHD_RESPMEM_MUST_COPY);
	if (!r)
		return NULL;
	MHD_add_response_header(r, "Content-Type", reply->type);
	MHD_add_response_header(r, "Cache-Control", "no-store");
	MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(r, "Referrer-Policy", "no-referrer");
	MHD_add_response_header(r, "Cross-Origin-Resource-Policy",
				"same-origin");
	if (reply->csp)
		MHD_add_response_header(r, "Content-Security-Policy",
					reply->csp);
	if (reply->status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(r, "Allow", "GET, HEAD");
	return r;
}

static enum MHD_Result send_reply(struct MHD_Connection *connection,
				  const struct reply *reply)
{
	struct MHD_Response *r = make_response(reply);
	enum MHD_Result done;

	if (!r)
		return MHD_NO;
	if (reply->status == MHD_HTTP_UNAUTHORIZED)
		done = MHD_queue_basic_auth_fail_response(connection,
							  "portmon", r);
	else
		done = MHD_queue_response(connection, reply->status, r);
	MHD_destroy_response(r);
	return done;
}

static enum auth let_in(const struct server *server,
			struct MHD_Connection *connection)
{
	char *password = NULL;
	char *user = NULL;
	enum auth auth;

	if (!server->config.n_users)
		return AUTH_YES;
	user = MHD_basic_auth_get_username_password(connection, &password);
	auth = auth_check(&server->config, user, password);
	if (password)
		explicit_bzero(password, strlen(password));
	MHD_free(user);
	MHD_free(password);
	return auth;
}

static struct reply answer(struct server *server,
			   struct MHD_Connection *connection,
			   const struct conn *conn, const char *method,
			   const char *url)
{
	const char *host = header(connection, "Host");

	if (conn->loopback && !host_is_local(host, server->host))
		return sentence(MHD_HTTP_FORBIDDEN,
				"the header Host is not a name of this host; see --host\n");
	if (strcmp(method, "GET") && strcmp(method, "HEAD"))
		return sentence(MHD_HTTP_METHOD_NOT_ALLOWED,
				"only GET and HEAD\n");
	switch (let_in(server, connection)) {
	case AUTH_YES:
		return route(server, connection, url);
	case AUTH_LATER:
		return sentence(MHD_HTTP_TOO_MANY_REQUESTS,
				"too many passwords are being tried; try again in a second\n");
	default:
		return sentence(MHD_HTTP_UNAUTHORIZED,
				"a user and a password are needed\n");
	}
}

/**
 * http_answer() - answer a request, as libmicrohttpd asks for it
 * @cls: the server
 * @connection: the connection
 * @url: requested path
 * @method: method of the request
 * @version: of HTTP
 * @upload: what the client sends beside its headers; nobody wants it
 * @upload_size: how much of that there is
 * @request: NULL until the headers are complete
 *
 * Return: MHD_NO to close the connection.
 */
enum MHD_Result http_answer(void *cls, struct MHD_Connection *connection,
			    const char *url, const char *method,
			    const char *version, const char *upload,
			    size_t *upload_size, void **request)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection,
					MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct conn *conn = info ? info->socket_context : NULL;
	struct server *server = cls;
	struct reply reply;

	(void)version;
	(void)upload;
	if (!conn)
		return MHD_NO;
	if (!*request) {
		*request = conn;
		conns_state(conn, CONN_REPLY);
		return MHD_YES;
	}
	if (*upload_size) {
		*upload_size = 0;
		return MHD_YES;
	}
	reply = answer(server, connection, conn, method, url);
	return send_reply(connection, &reply);
}
