# SPDX-License-Identifier: Apache-2.0
global-incdirs-y += ../include
global-incdirs-y += .
ifeq ($(UNFLAGGED),y)
global-cppflags-y += -DMPROTECT_TEST_UNFLAGGED=1
endif
cflags-y += -Werror
srcs-y += main.c
srcs-y += memory.c
srcs-y += objects.c
srcs-y += code.c
srcs-y += seal.c
srcs-y += steps.c
srcs-y += watch.c
