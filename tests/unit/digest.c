/* lib/digest: SHA-256 against FIPS 180-4's examples, and hex. */
#include "check.h"
#include "digest.h"

static const char *hex(const char *s, size_t n)
{
	static char out[DIGEST_HEX + 1];
	uint8_t d[DIGEST_BYTES];

	CHECK(digest_of(s, n, d) == ST_OK);
	hex_of(d, sizeof d, out);
	return out;
}

static void known_answers(void)
{
	CHECK_STR(hex("", 0), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	CHECK_STR(hex("abc", 3), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	CHECK_STR(hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56),
		"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void pieces_make_the_whole(void)
{
	static char text[5000];
	uint8_t whole[DIGEST_BYTES], pieces[DIGEST_BYTES];
	struct digest d = { 0 };
	size_t at;

	memset(text, 'q', sizeof text);
	digest_of(text, sizeof text, whole);
	for (at = 0; at <= sizeof text; at += at == 0 || at == 4094 || at == 4095 ? 1 : 4094) {
		CHECK(digest_begin(&d) == ST_OK);
		digest_add(&d, text, at);
		digest_add(&d, text + at, sizeof text - at);
		CHECK(digest_end(&d, pieces) == ST_OK);
		CHECK(memcmp(whole, pieces, sizeof whole) == 0);
	}
	digest_free(&d);
	CHECK(!d.ctx);
	digest_free(&d);
}

static void hex_is_read_strictly(void)
{
	uint8_t out[3];

	CHECK(hex_read("00fFA9", 6, out, 3) && out[0] == 0 && out[1] == 255 && out[2] == 0xa9);
	CHECK(!hex_read("00fFA9", 5, out, 3));
	CHECK(!hex_read("00fFA9", 6, out, 2));
	CHECK(!hex_read("00fFA9aa", 8, out, 3));
	CHECK(!hex_read("00gFA9", 6, out, 3));
	CHECK(!hex_read("0x ff ", 6, out, 3));
	CHECK(hex_read("", 0, out, 0));
}

int main(void)
{
	known_answers();
	pieces_make_the_whole();
	hex_is_read_strictly();
	return CHECK_DONE();
}
