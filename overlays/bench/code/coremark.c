// SPDX-License-Identifier: Apache-2.0
/*
 * What CoreMark wants of its port, beside posix/core_portme.h: a lap of the
 * iterations. Its own clock is too coarse, and its signals are not in WASI.
 */
#include <stdlib.h>

#include "coremark.h"
#include "lap.h"

ee_u32 default_num_contexts = 1;

void portable_init(core_portable *port, int *argc, char *argv[])
{
	(void)argc;
	(void)argv;
	port->portable_id = 1;
}

void portable_fini(core_portable *port)
{
	port->portable_id = 0;
	lap_print();
}

void *portable_malloc(ee_size_t size)
{
	return malloc(size);
}

void portable_free(void *data)
{
	free(data);
}

void start_time(void)
{
	lap_begin();
}

void stop_time(void)
{
	lap_end();
}

/* The number of iterations is always given, so nothing is decided by these */
CORE_TICKS get_time(void)
{
	return 0;
}

secs_ret time_in_secs(CORE_TICKS ticks)
{
	return ticks;
}
