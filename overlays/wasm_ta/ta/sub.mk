# Sources of the runtime TA: all warnings are errors.
global-incdirs-y += include
global-incdirs-y += .

srcs-y += aot.c
srcs-y += args.c
srcs-y += main.c
srcs-y += output.c
srcs-y += run.c
srcs-y += wasi.c

cppflags-y += -isystem $(WAMR_INCLUDE)
cflags-y += -Werror

libdirs += $(dir $(WAMR_LIB))
libnames += vmlib
libdeps += $(WAMR_LIB)
