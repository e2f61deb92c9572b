// SPDX-License-Identifier: Apache-2.0
/*
 * Secure storage in which there is nothing, and nothing can be put.
 */
#include <utee_syscalls.h>

TEE_Result _utee_storage_obj_open(unsigned long storage_id __unused,
				  const void *object_id __unused,
				  size_t object_id_len __unused,
				  unsigned long flags __unused,
				  uint32_t *obj __unused)
{
	return TEE_ERROR_ITEM_NOT_FOUND;
}

TEE_Result _utee_storage_obj_create(unsigned long storage_id __unused,
				    const void *object_id __unused,
				    size_t object_id_len __unused,
				    unsigned long flags __unused,
				    unsigned long attr __unused,
				    const void *data __unused,
				    size_t len __unused, uint32_t *obj __unused)
{
	return TEE_ERROR_STORAGE_NO_SPACE;
}

TEE_Result _utee_storage_obj_del(unsigned long obj __unused)
{
	return TEE_ERROR_ITEM_NOT_FOUND;
}

TEE_Result _utee_storage_obj_read(unsigned long obj __unused,
				  void *data __unused, size_t len __unused,
				  uint64_t *count __unused)
{
	return TEE_ERROR_CORRUPT_OBJECT;
}

TEE_Result _utee_storage_obj_write(unsigned long obj __unused,
				   const void *data __unused,
				   size_t len __unused)
{
	return TEE_ERROR_STORAGE_NO_SPACE;
}

TEE_Result _utee_storage_alloc_enum(uint32_t *obj_enum)
{
	*obj_enum = 1;
	return TEE_SUCCESS;
}

TEE_Result _utee_storage_free_enum(unsigned long obj_enum __unused)
{
	return TEE_SUCCESS;
}

TEE_Result _utee_storage_start_enum(unsigned long obj_enum __unused,
				    unsigned long storage_id __unused)
{
	return TEE_ERROR_ITEM_NOT_FOUND;
}

TEE_Result _utee_storage_next_enum(unsigned long obj_enum __unused,
				   struct utee_object_info *info __unused,
				   void *obj_id __unused,
				   uint64_t *len __unused)
{
	return TEE_ERROR_ITEM_NOT_FOUND;
}

TEE_Result _utee_cryp_obj_get_info(unsigned long obj __unused,
				   struct utee_object_info *info __unused)
{
	return TEE_ERROR_ITEM_NOT_FOUND;
}

TEE_Result _utee_cryp_obj_close(unsigned long obj __unused)
{
	return TEE_SUCCESS;
}
