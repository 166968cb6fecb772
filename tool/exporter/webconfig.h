/* SPDX-License-Identifier: GPL-2.0 */
/* TLS and passwords, in the format of Prometheus' exporter-toolkit. */
#ifndef PORTMON_EXPORTER_WEBCONFIG_H
#define PORTMON_EXPORTER_WEBCONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/error.h"

/**
 * enum client_auth - what is asked of a client's certificate
 * @CLIENT_AUTH_NONE: nothing
 * @CLIENT_AUTH_REQUEST: it may have one
 * @CLIENT_AUTH_REQUIRE: it has to have one, of any issuer
 * @CLIENT_AUTH_VERIFY: if it has one, client_ca_file has to have its issuer
 * @CLIENT_AUTH_REQUIRE_VERIFY: it has to have one whose issuer is in
 *   client_ca_file
 */
enum client_auth {
	CLIENT_AUTH_NONE,
	CLIENT_AUTH_REQUEST,
	CLIENT_AUTH_REQUIRE,
	CLIENT_AUTH_VERIFY,
	CLIENT_AUTH_REQUIRE_VERIFY,
};

/**
 * struct web_user - someone who may read
 * @name: the user's name
 * @hash: hash of the password, as crypt(3) has it
 */
struct web_user {
	char *name;
	char *hash;
};

/**
 * struct web_config - TLS and passwords
 * @cert: certificates, PEM; NULL without TLS
 * @key: their key, PEM
 * @ca: issuers of clients' certificates, PEM, or NULL
 * @client_auth: enum client_auth
 * @users: those who may read; NULL lets everyone
 * @n_users: how many
 * @cap_users: how many there is room for
 */
struct web_config {
	char *cert;
	char *key;
	char *ca;
	enum client_auth client_auth;
	struct web_user *users;
	size_t n_users;
	size_t cap_users;
};

int webconfig_load(const char *path, struct web_config *config,
		   struct error *e);
void webconfig_free(struct web_config *config);

#endif
