// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "exporter/webconfig.h"
#include "lib/util.h"

/* More than any of these files has. */
#define FILE_MAX	(1024 * 1024)

/**
 * struct loading - a file being read
 * @path: its path
 * @doc: what it says
 * @config: what it asks for
 * @cert: path of the file with the certificates, or NULL
 * @key: path of the file with the key, or NULL
 * @ca: path of the file with the issuers of clients' certificates, or NULL
 * @tls: the line that begins with tls_server_config, 0 for none
 * @e: what is wrong
 */
struct loading {
	const char *path;
	yaml_document_t doc;
	struct web_config *config;
	const char *cert;
	const char *key;
	const char *ca;
	unsigned int tls;
	struct error *e;
};

typedef int (*key_fn)(struct loading *l, const yaml_node_t *value);

/**
 * struct key - a key of a mapping
 * @name: the key
 * @fn: takes its value
 */
struct key {
	const char *name;
	key_fn fn;
};

static unsigned int line_of(const yaml_node_t *node)
{
	return node->start_mark.line + 1;
}

static const char *scalar_text(const yaml_node_t *node)
{
	return (const char *)node->data.scalar.value;
}

static int wrong(struct loading *l, const yaml_node_t *node, const char *what)
{
	const bool word = node->type == YAML_SCALAR_NODE;

	return error_set(l->e, -EINVAL, "%s:%u: %s%s%.64s%s", l->path,
			 line_of(node), what, word ? ": '" : "",
			 word ? scalar_text(node) : "", word ? "'" : "");
}

static const struct key *find_key(const struct key *keys, size_t n,
				  const yaml_node_t *name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (name->type == YAML_SCALAR_NODE &&
		    !strcmp(keys[i].name, scalar_text(name)))
			return &keys[i];
	return NULL;
}

static int mapping(struct loading *l, const yaml_node_t *node,
		   const struct key *keys, size_t n)
{
	const yaml_node_pair_t *pair;
	unsigned long seen = 0;
	int err = 0;

	if (node->type != YAML_MAPPING_NODE)
		return wrong(l, node, "expected keys and values");
	for (pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top && !err; pair++) {
		yaml_node_t *name = yaml_document_get_node(&l->doc, pair->key);
		const struct key *key = find_key(keys, n, name);

		if (!key)
			return wrong(l, name, "unknown key");
		if (seen & 1ul << (key - keys))
			return wrong(l, name, "key given twice");
		seen |= 1ul << (key - keys);
		err = key->fn(l, yaml_document_get_node(&l->doc, pair->value));
	}
	return err;
}

static int word(struct loading *l, const yaml_node_t *value, const char **to)
{
	if (value->type != YAML_SCALAR_NODE)
		return wrong(l, value, "expected one value");
	if (strlen(scalar_text(value)) != value->data.scalar.length)
		return wrong(l, value, "a value has a zero byte");
	*to = scalar_text(value);
	return 0;
}

static int take_cert(struct loading *l, const yaml_node_t *value)
{
	return word(l, value, &l->cert);
}

static int take_key(struct loading *l, const yaml_node_t *value)
{
	return word(l, value, &l->key);
}

static int take_ca(struct loading *l, const yaml_node_t *value)
{
	return word(l, value, &l->ca);
}

static int take_client_auth(struct loading *l, const yaml_node_t *value)
{
	static const char *const names[] = {
		[CLIENT_AUTH_NONE] = "NoClientCert",
		[CLIENT_AUTH_REQUEST] = "RequestClientCert",
		[CLIENT_AUTH_REQUIRE] = "RequireAnyClientCert",
		[CLIENT_AUTH_VERIFY] = "VerifyClientCertIfGiven",
		[CLIENT_AUTH_REQUIRE_VERIFY] = "RequireAndVerifyClientCert",
	};
	const char *name = NULL;
	int err = word(l, value, &name);
	size_t i;

	if (err)
		return err;
	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i])) {
			l->config->client_auth = i;
			return 0;
		}
	return wrong(l, value, "unknown client_auth_type");
}

static const struct key tls_keys[] = {
	{ "cert_file", take_cert },
	{ "key_file", take_key },
	{ "client_ca_file", take_ca },
	{ "client_auth_type", take_client_auth },
};

static int take_tls(struct loading *l, const yaml_node_t *value)
{
	l->tls = line_of(value);
	return mapping(l, value, tls_keys, ARRAY_SIZE(tls_keys));
}

static int add_user(struct loading *l, const yaml_node_t *name_node,
		    const yaml_node_t *hash_node)
{
	struct web_config *config = l->config;
	struct web_user *users;
	const char *name = NULL, *hash = NULL;
	size_t i;

	if (word(l, name_node, &name) || word(l, hash_node, &hash))
		return -EINVAL;
	if (!*name || strchr(name, ':'))
		return wrong(l, name_node, "not the name of a user");
	for (i = 0; i < config->n_users; i++)
		if (!strcmp(config->users[i].name, name))
			return wrong(l, name_node, "user given twice");
	/* The value is not repeated in the message: it may be a password. */
	if (strncmp(hash, "$2", 2) || strlen(hash) != 60)
		return error_set(l->e, -EINVAL,
				 "%s:%u: the password of '%s' is not a bcrypt hash; make one with: htpasswd -nBC 10 '' | tr -d ':\\n'",
				 l->path, line_of(hash_node), name);
	users = array_room(config->users, config->n_users, &config->cap_users,
			   sizeof(*users));
	if (!users)
		return error_set(l->e, -ENOMEM, "out of memory");
	config->users = users;
	users += config->n_users++;
	users->name = strdup(name);
	users->hash = strdup(hash);
	return users->name && users->hash ? 0 :
	       error_set(l->e, -ENOMEM, "out of memory");
}

static int take_users(struct loading *l, const yaml_node_t *value)
{
	const yaml_node_pair_t *pair;
	int err = 0;

	if (value->type != YAML_MAPPING_NODE)
		return wrong(l, value, "expected names and hashes");
	for (pair = value->data.mapping.pairs.start;
	     pair < value->data.mapping.pairs.top && !err; pair++)
		err = add_user(l, yaml_document_get_node(&l->doc, pair->key),
			       yaml_document_get_node(&l->doc, pair->value));
	if (!err && !l->config->n_users)
		return wrong(l, value, "no user is given");
	return err;
}

static const struct key top_keys[] = {
	{ "tls_server_config", take_tls },
	{ "basic_auth_users", take_users },
};

/* Paths are relative to the file that has them. */
static int read_tls_file(struct loading *l, const char *name, char **to)
{
	const char *slash = strrchr(l->path, '/');
	char path[4096], *text, *shorter;
	size_t len;
	FILE *f;
	int err;

	if (!name)
		return 0;
	if (*name == '/' || !slash)
		snprintf(path, sizeof(path), "%s", name);
	else
		snprintf(path, sizeof(path), "%.*s/%s",
			 (int)(slash - l->path), l->path, name);
	f = fopen(path, "re");
	if (!f)
		return error_set(l->e, -errno, "cannot read %s: %s", path,
				 strerror(errno));
	text = calloc(1, FILE_MAX);
	len = text ? fread(text, 1, FILE_MAX - 1, f) : 0;
	fclose(f);
	if (!len) {
		err = text ? error_set(l->e, -EINVAL,
				       "cannot read %s: it is empty", path) :
			     error_set(l->e, -ENOMEM, "out of memory");
		free(text);
		return err;
	}
	shorter = realloc(text, len + 1);
	*to = shorter ? shorter : text;
	return 0;
}

static int check_tls(struct loading *l)
{
	const struct web_config *config = l->config;
	const char *what = NULL;

	if (!l->cert || !l->key)
		what = "tls_server_config needs cert_file and key_file";
	else if (config->client_auth >= CLIENT_AUTH_VERIFY && !l->ca)
		what = "client_auth_type needs client_ca_file";
	else if (config->client_auth < CLIENT_AUTH_VERIFY && l->ca)
		what = "client_ca_file needs a client_auth_type that verifies";
	return what ? error_set(l->e, -EINVAL, "%s:%u: %s", l->path, l->tls,
				what) : 0;
}

static int take_document(struct loading *l)
{
	const yaml_node_t *root = yaml_document_get_root_node(&l->doc);
	int err;

	/* An empty file sets nothing. */
	if (!root)
		return 0;
	err = mapping(l, root, top_keys, ARRAY_SIZE(top_keys));
	if (!err && l->tls)
		err = check_tls(l);
	if (!err)
		err = read_tls_file(l, l->cert, &l->config->cert);
	if (!err)
		err = read_tls_file(l, l->key, &l->config->key);
	return err ? err : read_tls_file(l, l->ca, &l->config->ca);
}

static int parse_yaml(struct loading *l, FILE *f)
{
	yaml_parser_t parser;
	int err;

	if (!yaml_parser_initialize(&parser))
		return error_set(l->e, -ENOMEM, "out of memory");
	yaml_parser_set_input_file(&parser, f);
	if (yaml_parser_load(&parser, &l->doc)) {
		err = take_document(l);
		yaml_document_delete(&l->doc);
	} else if (!parser.problem) {
		err = error_set(l->e, -ENOMEM, "out of memory");
	} else {
		err = error_set(l->e, -EINVAL, "%s:%zu: %s", l->path,
				parser.problem_mark.line + 1, parser.problem);
	}
	yaml_parser_delete(&parser);
	return err;
}

/**
 * webconfig_load() - read the file that says who may read, and how
 * @path: its path
 * @config: what it says, to release with webconfig_free() also on error
 * @e: what is wrong with it
 *
 * Return: 0 or a negative errno.
 */
int webconfig_load(const char *path, struct web_config *config,
		   struct error *e)
{
	struct loading l = { .path = path, .config = config, .e = e };
	FILE *f = fopen(path, "re");
	int err;

	*config = (struct web_config){ 0 };
	if (!f)
		return error_set(e, -errno, "cannot read %s: %s", path,
				 strerror(errno));
	err = parse_yaml(&l, f);
	fclose(f);
	return err;
}

/**
 * webconfig_free() - release what webconfig_load() read
 * @config: what it read
 */
void webconfig_free(struct web_config *config)
{
	size_t i;

	for (i = 0; i < config->n_users; i++) {
		free(config->users[i].name);
		free(config->users[i].hash);
	}
	free(config->users);
	free(config->cert);
	if (config->key)
		explicit_bzero(config->key, strlen(config->key));
	free(config->key);
	free(config->ca);
	*config = (struct web_config){ 0 };
}
