/* Links: first and last, each once, never oneself; sets in memory are those that a slow way finds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "forest.h"
#include "thread.h"

#define CHECK(x) do { if (!(x)) { printf("%s:%d: %s (%s)\n", __FILE__, __LINE__, #x, st_text()); exit(1); } } while (0)

static const char id64[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

static size_t links(const char *message, struct node *self, struct node *out)
{
	struct buf b = { 0 };
	struct rec rec;
	size_t n = 99;

	buf_fmt(&b, "{\"weir\":1,\"id\":\"%s\",\"message\":%s}", id64, message);
	CHECK(rec_parse(&rec, b.p, b.len) == ST_OK);
	CHECK(thread_links(&rec, self, out, &n) == ST_OK);
	buf_free(&b);
	return n;
}

static struct node node(const char *id)
{
	struct node n;

	CHECK(node_of(id, strlen(id), &n) == ST_OK);
	return n;
}

static bool is(const struct node *a, const char *id)
{
	struct node n = node(id);

	return !memcmp(a, &n, sizeof n);
}

static void test_links(void)
{
	struct node self, l[THREAD_MAX_LINKS];
	struct buf b = { 0 };
	size_t n;

	n = links("{\"message_id\":\"a@x\",\"references\":[\"b@x\",\"a@x\",\"c@x\",\"b@x\"],\"in_reply_to\":[\"c@x\",\"d@x\",\"\"]}", &self, l);
	CHECK(n == 3 && is(&self, "a@x") && is(&l[0], "b@x") && is(&l[1], "c@x") && is(&l[2], "d@x"));
	n = links("{\"message_id\":\"\\u0061@x\"}", &self, l);
	CHECK(n == 0 && is(&self, "a@x"));
	buf_fmt(&b, "weir:%s", id64);
	n = links("{\"subject\":\"no id\"}", &self, l);
	CHECK(n == 0 && is(&self, b.p));
	n = links("{\"message_id\":\"\",\"in_reply_to\":[\"p@x\"]}", &self, l);
	CHECK(n == 1 && is(&self, b.p));
	buf_clear(&b);
	buf_str(&b, "{\"message_id\":\"a@x\",\"references\":[");
	for (int i = 0; i < 300; i++)
		buf_fmt(&b, "%s\"r%d@x\"", i ? "," : "", i);
	buf_str(&b, "]}");
	n = links(b.p, &self, l);
	CHECK(n == THREAD_MAX_LINKS && is(&l[0], "r0@x") && is(&l[1], "r201@x") && is(&l[n - 1], "r299@x"));
	buf_free(&b);
}

#define N 400

static void test_forest(void)
{
	struct forest *f = NULL;
	struct node nodes[N];
	int set[N];
	char name[32];

	CHECK(forest_new(&f) == ST_OK);
	for (int i = 0; i < N; i++) {
		snprintf(name, sizeof name, "n%d", i);
		nodes[i] = node(name);
		set[i] = i;
		CHECK(!forest_has(f, &nodes[i]));
	}
	for (int k = 0; k < N; k++) {
		int a = (k * 7919 + 13) % N, b = (k * 104729 + 5) % N / (k % 3 + 1), old = set[b];

		CHECK(forest_join(f, &nodes[a], &nodes[b]) == ST_OK);
		for (int i = 0; i < N; i++)
			if (set[i] == old)
				set[i] = set[a];
	}
	for (int i = 0; i < N; i++) {
		struct node min = forest_min(f, &nodes[i]), want = nodes[i];

		for (int j = 0; j < N; j++)
			if (set[j] == set[i] && memcmp(&nodes[j], &want, sizeof want) < 0)
				want = nodes[j];
		CHECK(!memcmp(&min, &want, sizeof want));
	}
	forest_free(&f);
}

int main(void)
{
	test_links();
	test_forest();
	puts("ok");
	return 0;
}
