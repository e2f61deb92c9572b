# SPDX-License-Identifier: Apache-2.0
global-incdirs-y += ../include
global-incdirs-y += .
ifeq ($(UNLISTED),y)
global-cppflags-y += -DMPROTECT_TEST_UNLISTED=1
endif
cflags-y += -Werror
srcs-y += main.c
srcs-y += memory.c
srcs-y += code.c
srcs-y += seal.c
srcs-y += steps.c
srcs-y += watch.c
