/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lap: the nanoseconds that a part of a program takes. On a machine whose
 * clock counts instructions (QEMU's icount) that many are as many instructions.
 */
#ifndef LAP_H
#define LAP_H

void lap_begin(void);
void lap_end(void);

/* How long the last one was */
long long lap_nanoseconds(void);

/* Prints it as `lap NANOSECONDS`, a line on stdout */
void lap_print(void);

#endif
