srcs-y += instance.c
srcs-y += session.c
srcs-y += values.c
srcs-y += watch.c
