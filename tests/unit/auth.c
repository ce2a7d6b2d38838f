/* What an Authentication-Results field may and may not make us believe. */
#include <stdio.h>
#include <string.h>

#include "auth.h"

static int failed;

static void is(const char *text, enum auth_method m, enum auth_result want)
{
	/* In a block of its own size: a read past the end is ASan's to find. */
	char exact[512];
	size_t n = strlen(text);
	enum auth_result got;

	memcpy(exact + sizeof(exact) - n, text, n);
	got = auth_in_text(exact + sizeof(exact) - n, n, m);
	if (got == want)
		return;
	printf("%s of \"%s\": %s, not %s\n", auth_method_name(m), text, auth_result_name(got), auth_result_name(want));
	failed = 1;
}

int main(void)
{
	is("", AUTH_SPF, AUTH_UNCHECKED);
	is("amazonses.com", AUTH_SPF, AUTH_UNCHECKED);
	is("amazonses.com;", AUTH_SPF, AUTH_UNCHECKED);
	is("amazonses.com; spf=", AUTH_SPF, AUTH_UNCHECKED);
	is("amazonses.com; spf=pass", AUTH_SPF, AUTH_PASS);
	is("AMAZONSES.COM; SPF=Pass;", AUTH_SPF, AUTH_PASS);
	is("amazonses.com.evil.example; spf=pass", AUTH_SPF, AUTH_UNCHECKED);
	is("amazonses.com spf=pass", AUTH_SPF, AUTH_UNCHECKED);
	is("amazonses.com; spf=passed", AUTH_SPF, AUTH_UNCHECKED);
	is("amazonses.com; xspf=pass", AUTH_SPF, AUTH_UNCHECKED);
	is("amazonses.com; dmarc=softfail", AUTH_DMARC, AUTH_UNCHECKED);
	is("amazonses.com; dmarc=permerror;", AUTH_DMARC, AUTH_PERMERROR);
	is("amazonses.com; dkim=pass; dkim=pass;", AUTH_DKIM, AUTH_PASS);
	is("amazonses.com; dkim=pass; dkim=fail;", AUTH_DKIM, AUTH_UNCHECKED);
	is("amazonses.com; spf=none (a; dkim=pass; b); x", AUTH_DKIM, AUTH_UNCHECKED);
	is("amazonses.com; spf=none (a \\) ; dkim=pass; b); x", AUTH_DKIM, AUTH_UNCHECKED);
	is("amazonses.com; spf=none (((; dkim=pass", AUTH_DKIM, AUTH_UNCHECKED);
	is("amazonses.com; spf=none \"; dkim=pass", AUTH_DKIM, AUTH_UNCHECKED);
	is("amazonses.com; spf=none \\", AUTH_SPF, AUTH_NONE);
	is("amazonses.com; spf=none (\\", AUTH_SPF, AUTH_NONE);
	is("amazonses.com;\r\n spf=fail; helo=h; dkim=pass;\r\n dmarc=none;", AUTH_DKIM, AUTH_UNCHECKED);
	is("amazonses.com;\r\n spf=fail; helo=h;\r\n dkim=pass;\r\n dmarc=none;", AUTH_DKIM, AUTH_PASS);
	if (!failed)
		puts("ok");
	return failed;
}
