srcs-y += args.c
srcs-y += fd.c
srcs-y += wasi.c
srcs-y += wasi_clock.c
srcs-y += wasi_fd.c
srcs-y += wasi_io.c
srcs-y += wasi_path.c
srcs-y += wasi_ra.c
