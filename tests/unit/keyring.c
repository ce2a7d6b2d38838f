/* Keys: made, signed with, rotated in steps, swept after a crash at any of them. */
#include <dirent.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "change.h"
#include "check.h"
#include "file.h"
#include "keyring.h"
#include "zone.h"

static char home[] = "/tmp/weir-keyring-XXXXXX";
static struct domain d;

static enum status put(void *arg, struct store *st) { return domain_set(st, arg); }
static enum status sweep(void *arg, struct store *st) { return keyring_sweep(home, st); }

static int files(void)
{
	char path[200];
	struct dirent *e;
	DIR *dir;
	int n = 0;

	snprintf(path, sizeof(path), "%s/tenants/acme/keys", home);
	dir = opendir(path);
	while (dir != NULL && (e = readdir(dir)) != NULL) {
		struct stat sb;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		n++;
		CHECK(fstatat(dirfd(dir), e->d_name, &sb, 0) == 0 && (sb.st_mode & 07777) == 0600);
	}
	if (dir != NULL)
		closedir(dir);
	return n;
}

static void keep(void)
{
	CHECK(settings_change(home, "acme", CHANGE_KEEP, put, &d) == ST_OK);
}

static int active(void)
{
	struct signing_key keys[DOMAIN_SLOTS];
	size_t n = 0;
	int got;

	if (keyring_signing(home, "acme", &d, keys, &n) != ST_OK)
		return -1;
	CHECK(keys[0].algorithm == KEY_RSA);
	CHECK(n < 2 || keys[1].algorithm == KEY_ED25519);
	CHECK(strstr(keys[0].pem.p, "PRIVATE KEY") != NULL);
	got = (int)n;
	signing_keys_free(keys, n);
	return got;
}

static void test_create(void)
{
	domain_init(&d, "a.example");
	CHECK(keyring_create(home, "acme", &d, false, 1000) == ST_OK);
	strcpy(d.provider, "own");
	CHECK(d.own_keys && d.slot[0].state == SLOT_ACTIVE && d.slot[1].state == SLOT_ACTIVE && d.slot[2].state == SLOT_FREE);
	CHECK(strlen(d.slot[0].selector) == 19 && strcmp(d.slot[0].selector + 3, d.slot[1].selector + 3) != 0);
	CHECK(strlen(d.slot[0].public_key) == 392 && strlen(d.slot[1].public_key) == 44);
	keep();
	CHECK(files() == 2);
	CHECK(active() == 2);
	CHECK(settings_change(home, "acme", CHANGE_KEEP, sweep, NULL) == ST_OK);
	CHECK(files() == 2);
}

/* One whole rotation: three steps and their waits, at the edges. Selectors stay. */
static void rotate_once(int64_t now, enum key_algorithm a)
{
	struct domain was = d;
	int64_t due;

	CHECK(rotation_next(&d, now, &due) == ROTATION_PUBLISH && rotation_slot(&d) == NULL);
	CHECK(rotation_step(home, "acme", &d, ROTATION_PUBLISH, now) == ST_OK);
	CHECK(rotation_slot(&d)->algorithm == a);
	keep();
	CHECK(files() == 3 && active() == 2);
	CHECK(rotation_step(home, "acme", &d, ROTATION_PUBLISH, now) == ST_BUG);
	CHECK(rotation_next(&d, now + 100 * KEY_TTL, &due) == ROTATION_SEE && due == 0);
	CHECK(rotation_step(home, "acme", &d, ROTATION_SWITCH, now) == ST_BUG);	/* not before it was seen */
	CHECK(rotation_step(home, "acme", &d, ROTATION_SEE, now + 10) == ST_OK);
	CHECK(rotation_next(&d, now + 10 + KEY_TTL - 1, &due) == ROTATION_WAIT && due == now + 10 + KEY_TTL);
	CHECK(rotation_next(&d, now + 10 + KEY_TTL, &due) == ROTATION_SWITCH && due == 0);
	now += 10 + KEY_TTL;
	CHECK(rotation_step(home, "acme", &d, ROTATION_SWITCH, now) == ST_OK);
	keep();
	CHECK(files() == 3 && active() == 2);
	CHECK(rotation_next(&d, now + KEY_KEEP - 1, &due) == ROTATION_KEEP && due == now + KEY_KEEP);
	CHECK(rotation_next(&d, now + KEY_KEEP, &due) == ROTATION_RETIRE);
	CHECK(rotation_step(home, "acme", &d, ROTATION_RETIRE, now + KEY_KEEP) == ST_OK);
	keep();
	CHECK(settings_change(home, "acme", CHANGE_KEEP, sweep, NULL) == ST_OK);
	CHECK(files() == 2 && active() == 2);
	for (size_t i = 0; i < DOMAIN_SLOTS; i++)
		CHECK_STR(d.slot[i].selector, was.slot[i].selector);
}

static void test_rotate(void)
{
	rotate_once(100000, KEY_RSA);
	rotate_once(2000000, KEY_ED25519);	/* the other one is older now */
	rotate_once(4000000, KEY_RSA);
}

/* Killed after the file was written and before the settings were: it is swept, what is named stays. */
static void test_crash(void)
{
	struct domain lost = d;
	char path[300];

	CHECK(rotation_step(home, "acme", &lost, ROTATION_PUBLISH, 9000000) == ST_OK);
	snprintf(path, sizeof(path), "%s/tenants/acme/keys/.tmp.1.1", home);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	CHECK(files() == 4);
	CHECK(settings_change(home, "acme", CHANGE_KEEP, sweep, NULL) == ST_OK);
	CHECK(files() == 2 && active() == 2);
	snprintf(path, sizeof(path), "%s/tenants/acme/keys/notes.txt", home);	/* somebody's */
	close(open(path, O_CREAT | O_WRONLY, 0600));
	CHECK(settings_change(home, "acme", CHANGE_KEEP, sweep, NULL) == ST_OK);
	CHECK(files() == 3);
	unlink(path);
}

static void test_no_signing(void)
{
	struct domain other = d;
	char path[300];

	snprintf(path, sizeof(path), "%s/tenants/acme/keys/%s", home, d.slot[0].file[0] ? d.slot[0].file : d.slot[2].file);
	chmod(path, 0640);
	CHECK(active() == -1 && strstr(st_text(), "0600") != NULL);
	chmod(path, 0600);
	CHECK(active() == 2);
	for (size_t i = 0; i < DOMAIN_SLOTS; i++)
		if (d.slot[i].state == SLOT_ACTIVE)
			d.slot[i].public_key[5] ^= 1;
	CHECK(active() == -1);
	d = other;
	truncate(path, 100);
	CHECK(active() == -1);
	unlink(path);
	CHECK(active() == -1);
	other.own_keys = false;
	d = other;
	CHECK(active() == -1);
}

int main(void)
{
	if (mkdtemp(home) == NULL || store_create(home, "acme") != ST_OK)
		return 1;
	test_create();
	test_rotate();
	test_crash();
	test_no_signing();
	file_rmtree(AT_FDCWD, home);
	return CHECK_DONE();
}
