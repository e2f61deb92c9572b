srcs-y += input.c
srcs-y += output.c
