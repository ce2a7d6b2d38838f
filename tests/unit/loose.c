/* Encoded bytes are found wherever they stand, and ordinary text has none. */
#include <stdio.h>
#include <string.h>

#include "loose.h"

#define CHECK(x) do { if (!(x)) { printf("%d: %s\n", __LINE__, #x); failed = 1; } } while (0)
static int failed;

/* "The quick brown fox jumps over the lazy dog, and the marker is here." */
#define B64_1 "VGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIHRo"
#define B64_2 "ZSBsYXp5IGRvZywgYW5kIHRoZSBtYXJrZXIgaXMgaGVyZS4="

#define FIELD "DKIM-Signature: v=1; a=rsa-sha256; b=20\n " B64_1 "\n " B64_2 "\n\n"

/* Whether one of the finds in raw decodes to something with `want` in it. */
static bool finds(const char *raw, size_t header, const char *want)
{
	struct loose l[LOOSE_MAX];
	size_t n = loose_find(raw, strlen(raw), header, NULL, 0, l);
	bool found = false;

	for (size_t i = 0; i < n; i++) {
		struct buf b = { 0 };
		loose_decode(raw, &l[i], &b);
		found |= b.len && memmem(b.p, b.len, want, strlen(want));
		buf_free(&b);
	}
	return found;
}

static size_t count(const char *raw, size_t header)
{
	struct loose l[LOOSE_MAX];

	return loose_find(raw, strlen(raw), header, NULL, 0, l);
}

int main(void)
{
	static const char *const want = "marker is here";
	struct byte_range all = { 0, strlen(B64_1 B64_2) };
	struct loose l[LOOSE_MAX];

	CHECK(finds("x: y\n\n" B64_1 "\n" B64_2 "\n", 6, want));
	CHECK(finds("x: y\r\r" B64_1 "\r" B64_2 "\r", 6, want));
	CHECK(finds("x: y\n" B64_1 "\n\n" B64_2, 5, want));
	CHECK(finds("hello\n" B64_1 "\n" B64_2 "\n", 0, want));		/* out of phase */
	CHECK(finds("VGhl*IHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIHRo\n" B64_2 "\n", 0, want));
	CHECK(finds("VGhl\nIHF1\naWNr\nIGJy\nb3du\nIGZv\neCBq\ndW1w\ncyBv\ndmVy\nIHRo\n" B64_2, 0, want));
	CHECK(finds("VGhl====\n" B64_1 "\n" B64_2, 0, want));
	CHECK(finds("AAAAAAAAPj4-Pz8_AAAAAAAA\n" B64_1 "\n" B64_2, 0, ">>>?" "??"));	/* - and _ as JavaScript has it */
	CHECK(finds("the mark=65r is here, so th=\nis is decoded", 0, want));
	CHECK(finds("so the ma=\r\nrker is here", 0, want));
	CHECK(finds("begin 644 x\n.;6%R:V5R(&ES(&AE<F4 \n`\nend\n", 0, want));
	CHECK(finds("x\rbegin 644 x\r.;6%R:V5R(&ES(&AE<F4 \r`\rend\r", 0, want));
	CHECK(!count("Dear all,\n\nplease see https://x.example/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p for this.\n", 0));
	CHECK(!count(FIELD "hello\n", strlen(FIELD)));
	CHECK(!count("--===============5797609133536077541==\n", 0));
	CHECK(!count("=========================================\n-----------------------------------------\n", 0));
	CHECK(loose_find(B64_1 B64_2, strlen(B64_1 B64_2), 0, &all, 1, l) == 0);
	CHECK(count("", 0) == 0);
	if (!failed)
		printf("ok\n");
	return failed;
}
