# Sources of the runtime TA: all warnings are errors.
global-incdirs-y += include
global-incdirs-y += .

srcs-y += aot.c
srcs-y += aot_check.c
srcs-y += aot_code.c
srcs-y += aot_init.c
srcs-y += args.c
srcs-y += fd.c
srcs-y += files.c
srcs-y += files_back.c
srcs-y += fs.c
srcs-y += fs_file.c
srcs-y += fs_walk.c
srcs-y += input.c
srcs-y += instance.c
srcs-y += main.c
srcs-y += module.c
srcs-y += outcome.c
srcs-y += output.c
srcs-y += pool.c
srcs-y += runtime.c
srcs-y += secure.c
srcs-y += session.c
srcs-y += stack_a64.S
srcs-y += trouble.c
srcs-y += wasi.c
srcs-y += wasi_clock.c
srcs-y += wasi_fd.c
srcs-y += wasi_io.c
srcs-y += wasi_path.c
srcs-y += watch.c

cppflags-y += -isystem $(WAMR_INCLUDE)
cflags-y += -Werror

libdirs += $(dir $(WAMR_LIB))
libnames += vmlib
libdeps += $(WAMR_LIB)
