// SPDX-License-Identifier: Apache-2.0
/*
 * Locks of WAMR inside a TA: a TA instance is entered by one thread at a time,
 * so that a lock is always free.
 */
#include "platform_api_vmcore.h"

int os_mutex_init(korp_mutex *mutex)
{
	*mutex = 0;
	return BHT_OK;
}

int os_mutex_destroy(korp_mutex *mutex)
{
	*mutex = 0;
	return BHT_OK;
}

int os_mutex_lock(korp_mutex *mutex)
{
	/* Taking a lock twice would be a deadlock elsewhere: it is an error */
	if (*mutex)
		return BHT_ERROR;

	*mutex = 1;
	return BHT_OK;
}

int os_mutex_unlock(korp_mutex *mutex)
{
	*mutex = 0;
	return BHT_OK;
}
