# Sources of the runtime TA: all warnings are errors.
global-incdirs-y += include
global-incdirs-y += .

srcs-y += aot.c
srcs-y += aot_check.c
srcs-y += aot_code.c
srcs-y += aot_init.c
srcs-y += args.c
srcs-y += attester.c
srcs-y += cbor.c
srcs-y += digest.c
srcs-y += ed25519.c
srcs-y += evidence.c
srcs-y += fd.c
srcs-y += files.c
srcs-y += files_back.c
srcs-y += fs.c
srcs-y += fs_file.c
srcs-y += fs_walk.c
srcs-y += hex.c
srcs-y += hpke.c
srcs-y += input.c
srcs-y += instance.c
srcs-y += main.c
srcs-y += manifest.c
srcs-y += module.c
srcs-y += outcome.c
srcs-y += output.c
srcs-y += p256.c
srcs-y += pool.c
srcs-y += runtime.c
srcs-y += seal.c
srcs-y += secure.c
srcs-y += session.c
srcs-y += signature.c
srcs-y += stack_a64.S
srcs-y += token.c
srcs-y += trouble.c
srcs-y += wasi.c
srcs-y += wasi_clock.c
srcs-y += wasi_fd.c
srcs-y += wasi_io.c
srcs-y += wasi_path.c
srcs-y += wasi_ra.c
srcs-y += watch.c

# Whose modules run: public keys of Ed25519 in hexadecimal, with commas between.
# This is the development key, whose private half is in teeforge/settings/modules.py.
MODULE_KEYS ?= ea12d514dad5bdfdacc1640b006702db914efc51ea0c4dc8d02aea27714d0596
cppflags-signature.c-y += -DMODULE_KEYS=$(MODULE_KEYS)
# y: any module runs, signed or not
MODULES_ANY ?= n
cppflags-signature.c-$(MODULES_ANY) += -DMODULES_ANY

# The arithmetic of signatures is worth unrolling and inlining
cflags-ed25519.c-y += -O2

cppflags-y += -isystem $(WAMR_INCLUDE)
cflags-y += -Werror

libdirs += $(dir $(WAMR_LIB))
libnames += vmlib
libdeps += $(WAMR_LIB)
