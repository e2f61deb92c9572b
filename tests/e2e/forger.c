/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What root in Linux can have signed by OP-TEE's attestation, for the tests:
 *
 *	forger core < NONCE		the core's memory
 *	forger UUID < NONCE		the digest in the header of a TA's file
 *
 * Writes the digest and the signature over the nonce, any bytes, and the digest.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tee_client_api.h>

/* pta_attestation.h */
#define ATTESTATION_UUID \
	{ 0x39800861, 0x182a, 0x4720, \
		{ 0x9b, 0x67, 0x2b, 0xcd, 0x62, 0x2b, 0xc0, 0xb5 } }
#define GET_TA_SHDR_DIGEST	1
#define HASH_TEE_MEMORY		3

static void take_uuid(const char *text, TEEC_UUID *uuid)
{
	unsigned int v[11] = { 0 };
	int n = sscanf(text, "%8x-%4x-%4x-%2x%2x-%2x%2x%2x%2x%2x%2x", &v[0],
		       &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7], &v[8],
		       &v[9], &v[10]);

	if (n != 11)
		exit(2);
	uuid->timeLow = v[0];
	uuid->timeMid = v[1];
	uuid->timeHiAndVersion = v[2];
	for (n = 0; n < 8; n++)
		uuid->clockSeqAndNode[n] = v[3 + n];
}

int main(int argc, char *argv[])
{
	static uint8_t nonce[4096], out[1024];
	const TEEC_UUID attestation = ATTESTATION_UUID;
	TEEC_Operation operation = { 0 };
	TEEC_Context context;
	TEEC_Session session;
	TEEC_UUID uuid = { 0 };
	uint32_t origin = 0;
	size_t size = fread(nonce, 1, sizeof(nonce), stdin);
	int core = argc > 1 && !strcmp(argv[1], "core");
	int n = 0;
	TEEC_Result res = TEEC_SUCCESS;

	if (argc != 2)
		return 2;
	if (!core) {
		take_uuid(argv[1], &uuid);
		operation.params[n].tmpref.buffer = &uuid;
		operation.params[n++].tmpref.size = sizeof(uuid);
	}
	operation.params[n].tmpref.buffer = nonce;
	operation.params[n++].tmpref.size = size;
	operation.params[n].tmpref.buffer = out;
	operation.params[n].tmpref.size = sizeof(out);
	operation.paramTypes = core ?
		TEEC_PARAM_TYPES(TEEC_MEMREF_TEMP_INPUT, TEEC_MEMREF_TEMP_OUTPUT,
				 TEEC_NONE, TEEC_NONE) :
		TEEC_PARAM_TYPES(TEEC_MEMREF_TEMP_INPUT, TEEC_MEMREF_TEMP_INPUT,
				 TEEC_MEMREF_TEMP_OUTPUT, TEEC_NONE);

	res = TEEC_InitializeContext(NULL, &context);
	if (res == TEEC_SUCCESS)
		res = TEEC_OpenSession(&context, &session, &attestation,
				       TEEC_LOGIN_PUBLIC, NULL, NULL, &origin);
	if (res == TEEC_SUCCESS)
		res = TEEC_InvokeCommand(&session, core ? HASH_TEE_MEMORY :
							  GET_TA_SHDR_DIGEST,
					 &operation, &origin);
	if (res != TEEC_SUCCESS) {
		fprintf(stderr, "%#x\n", res);
		return 1;
	}
	fwrite(out, 1, operation.params[n].tmpref.size, stdout);
	return 0;
}
