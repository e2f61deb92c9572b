srcs-y += instance.c
srcs-y += session.c
srcs-y += watch.c
