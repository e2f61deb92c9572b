srcs-y += files.c
srcs-y += files_back.c
srcs-y += fs.c
srcs-y += fs_file.c
srcs-y += fs_walk.c
srcs-y += pool.c
srcs-y += secure.c
srcs-y += trouble.c
