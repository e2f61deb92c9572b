// SPDX-License-Identifier: Apache-2.0
/* How the parts of the AOT file's check say what is wrong with it. */
#include "aot/aot_check.h"

#include <stdarg.h>
#include <stdio.h>

bool refuse(struct checker *checker, const char *format, ...)
{
	va_list ap = { };
	char *c = NULL;

	va_start(ap, format);
	vsnprintf(checker->message, checker->message_size, format, ap);
	va_end(ap);

	/* Names come from the file and end up on consoles */
	for (c = checker->message; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';

	return false;
}

bool truncated(struct checker *checker, const struct reader *reader)
{
	return refuse(checker,
		      "the AOT file is damaged: at byte %zu more is announced than follows",
		      reader->offset);
}
