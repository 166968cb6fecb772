// SPDX-License-Identifier: GPL-2.0
#include <crypt.h>
#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>

#include "exporter/auth.h"
#include "exporter/conns.h"

#define DIGEST	GNUTLS_MAC_SHA256
#define DIGEST_SIZE	32
/* Known pairs of user and password; one entry for each in use is enough. */
#define KNOWN_MAX	64

/* Longer ones bcrypt would cut anyway. */
#define PASSWORD_MAX	256

static unsigned char key[DIGEST_SIZE];
static unsigned char known[KNOWN_MAX][DIGEST_SIZE];
static unsigned int n_known;
static unsigned int next_known;

#define WINDOW_MS	1000
/* Begin of this window, and the time spent with hashes in it. */
static uint64_t window;
static uint64_t hashing;

/**
 * auth_init() - prepare to check passwords
 *
 * Return: 0 or a negative errno.
 */
int auth_init(void)
{
	return gnutls_rnd(GNUTLS_RND_KEY, key, sizeof(key)) ? -EIO : 0;
}

/**
 * auth_forget() - those who have been let in have to show it again
 */
void auth_forget(void)
{
	n_known = 0;
	next_known = 0;
	explicit_bzero(known, sizeof(known));
}

/* A password is not kept; what is kept is of no use without the key. */
static bool digest(const char *user, const char *password,
		   unsigned char out[static DIGEST_SIZE])
{
	char text[2 * PASSWORD_MAX + 2] = "";
	size_t len = strlen(user) + 1;
	bool done;

	/* With the NUL of the first: different pairs have different texts. */
	memcpy(text, user, len);
	memcpy(text + len, password, strlen(password));
	len += strlen(password);
	done = !gnutls_hmac_fast(DIGEST, key, sizeof(key), text, len, out);
	explicit_bzero(text, sizeof(text));
	return done;
}

static bool is_known(const unsigned char *sum)
{
	bool found = false;
	unsigned int i;

	for (i = 0; i < n_known; i++)
		found |= !gnutls_memcmp(known[i], sum, DIGEST_SIZE);
	return found;
}

static void keep_known(const unsigned char *sum)
{
	memcpy(known[next_known], sum, DIGEST_SIZE);
	next_known = (next_known + 1) % KNOWN_MAX;
	if (n_known < KNOWN_MAX)
		n_known++;
}

/* Takes the time that the hash asks for, also of a user that is not there. */
static bool matches(const char *password, const char *hash)
{
	static struct crypt_data data;
	const char *made = crypt_r(password, hash, &data);
	const bool same = made && strlen(made) == strlen(hash) &&
			  !gnutls_memcmp(made, hash, strlen(hash));

	explicit_bzero(&data, sizeof(data));
	return same;
}

/* Two to the power of it is what a hash of bcrypt takes. */
static unsigned long cost_of(const char *hash)
{
	const char *cost = strchr(hash + 1, '$');

	return cost ? strtoul(cost + 1, NULL, 10) : 0;
}

/* For users that are not there: no faster than any that is. */
static const struct web_user *costliest(const struct web_config *config)
{
	const struct web_user *most = config->users;
	size_t i;

	for (i = 1; i < config->n_users; i++)
		if (cost_of(config->users[i].hash) > cost_of(most->hash))
			most = &config->users[i];
	return most;
}

/* Half of the time at most: the rest is for those that are known. */
static bool has_time(uint64_t now)
{
	if (now - window >= WINDOW_MS) {
		window = now;
		hashing = 0;
	}
	return hashing < WINDOW_MS / 2;
}

/**
 * auth_check() - may someone read?
 * @config: who may
 * @user: who it is, NULL if that was not said
 * @password: the password
 *
 * Return: enum auth.
 */
enum auth auth_check(const struct web_config *config, const char *user,
		const char *password)
{
	const struct web_user *found = NULL;
	unsigned char sum[DIGEST_SIZE];
	const uint64_t now = conns_now();
	bool good;
	size_t i;

	if (!config->n_users)
		return AUTH_YES;
	if (!user || !password || strlen(user) > PASSWORD_MAX ||
	    strlen(password) > PASSWORD_MAX || !digest(user, password, sum))
		return AUTH_NO;
	if (is_known(sum))
		return AUTH_YES;
	if (!has_time(now))
		return AUTH_LATER;
	for (i = 0; i < config->n_users; i++)
		if (!strcmp(config->users[i].name, user))
			found = &config->users[i];
	good = matches(password, (found ? found : costliest(config))->hash);
	hashing += conns_now() - now;
	if (!good || !found)
		return AUTH_NO;
	keep_known(sum);
	return AUTH_YES;
}
