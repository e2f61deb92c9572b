# Sources of the runtime TA, in folders by subject. Each may call those before it.
subdirs-y += base
subdirs-y += trust
subdirs-y += stream
subdirs-y += fs
subdirs-y += wasi
subdirs-y += aot
subdirs-y += session
srcs-y += main.c

global-incdirs-y += include
global-incdirs-y += .
# All warnings are errors
global-cppflags-y += -isystem $(WAMR_INCLUDE) -Werror

libdirs += $(dir $(WAMR_LIB))
libnames += vmlib
libdeps += $(WAMR_LIB)
