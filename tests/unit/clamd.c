/* Which answers of clamd are clean: exactly one. */
#include <stdio.h>
#include <string.h>

#include "clamd.h"

#define CHECK(x) do { if (!(x)) { printf("%d: %s\n", __LINE__, #x); failed = 1; } } while (0)
static int failed;
static char name[64];

static enum clamd_answer says(const char *line)
{
	return clamd_reply(line, strlen(line), name, sizeof name);
}

int main(void)
{
	CHECK(says("stream: OK") == CLAMD_OK);
	CHECK(says("fd[11]: OK") == CLAMD_OK);
	CHECK(says("stream: Eicar FOUND") == CLAMD_FOUND && !strcmp(name, "Eicar"));
	CHECK(says("fd[11]: A name with blanks FOUND") == CLAMD_FOUND && !strcmp(name, "A name with blanks"));
	CHECK(says("INSTREAM size limit exceeded. ERROR") == CLAMD_TOO_BIG);
	CHECK(says("stream: x OK") == CLAMD_ERROR);
	CHECK(says("stream: OK ") == CLAMD_ERROR);
	CHECK(says("stream:OK") == CLAMD_ERROR);
	CHECK(says("OK") == CLAMD_ERROR);
	CHECK(says("") == CLAMD_ERROR);
	CHECK(says("stream:  FOUND") == CLAMD_ERROR);
	CHECK(says("fd[11] OK") == CLAMD_ERROR);
	CHECK(says("stream: Can't create temporary file ERROR") == CLAMD_ERROR);
	CHECK(clamd_reply("stream: OK\0x", 12, name, sizeof name) == CLAMD_ERROR);
	if (!failed)
		printf("ok\n");
	return failed;
}
