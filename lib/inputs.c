/* inputs.c - see inputs.h. */
#include "inputs.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct inputs {
	char *const *names;
	int n, *fd;			/* -1: not open */
	struct sandbox_path *also;
};

static int open_one(const char *name)
{
	return open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
}

enum status inputs_new(char *const names[], int n, struct inputs **out)
{
	struct inputs *in = calloc(1, sizeof *in);
	struct stat s;
	int regular = 0;

	if (in) {
		in->names = names;
		in->fd = calloc((size_t)n + 1, sizeof *in->fd);
		in->also = calloc((size_t)n + 1, sizeof *in->also);
	}
	if (!in || !in->fd || !in->also) {
		inputs_free(&in);
		return st_fail(ST_NOMEM, "out of memory");
	}
	for (; in->n < n; in->n++) {
		in->fd[in->n] = -1;
		if (stat(names[in->n], &s) != 0)
			continue;
		if (S_ISREG(s.st_mode))
			in->also[regular++] = (struct sandbox_path){ names[in->n], SANDBOX_READ };
		else
			in->fd[in->n] = open_one(names[in->n]);
	}
	*out = in;
	return ST_OK;
}

const struct sandbox_path *inputs_paths(const struct inputs *in)
{
	return in->also;
}

int inputs_open(struct inputs *in, int i)
{
	int fd = in->fd[i];

	in->fd[i] = -1;
	return fd >= 0 ? fd : open_one(in->names[i]);
}

void inputs_free(struct inputs **in)
{
	if (!*in)
		return;
	for (int i = 0; i < (*in)->n; i++)
		if ((*in)->fd[i] >= 0)
			close((*in)->fd[i]);
	free((*in)->fd);
	free((*in)->also);
	free(*in);
	*in = NULL;
}
