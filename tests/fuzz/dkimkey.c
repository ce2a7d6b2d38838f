/* Key records: a reason or a key, and keys that are usable only where the limits allow. */
#include "common.h"
#include "dkim_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static EVP_MD *sha256;
	struct dkim_key k;
	struct dkim_key_info info;

	if (!sha256)
		sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (dkim_key_parse((const char *)p, n, sha256, &k) != ST_OK)
		abort();
	assert(!k.pkey || (!k.why && (k.ed25519 || (k.ctx && k.info.bits >= DKIM_MIN_RSA_BITS && k.info.bits <= DKIM_MAX_RSA_BITS))));
	assert(k.why || k.info.revoked || k.info.bits);
	assert((dkim_key_read((const char *)p, n, &info) == ST_OK) == !k.why);
	dkim_key_done(&k);
	return 0;
}
