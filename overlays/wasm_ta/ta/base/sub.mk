srcs-y += hex.c
srcs-y += outcome.c
