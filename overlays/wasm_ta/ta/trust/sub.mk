srcs-y += attester.c
srcs-y += cbor.c
srcs-y += digest.c
srcs-y += ed25519.c
srcs-y += evidence.c
srcs-y += hpke.c
srcs-y += manifest.c
srcs-y += p256.c
srcs-y += seal.c
srcs-y += signature.c
srcs-y += token.c

# Whose modules run: public keys of Ed25519 in hexadecimal, with commas between.
# This is the development key, whose private half is in teeforge/settings/modules.py.
MODULE_KEYS ?= ea12d514dad5bdfdacc1640b006702db914efc51ea0c4dc8d02aea27714d0596
cppflags-signature.c-y += -DMODULE_KEYS=$(MODULE_KEYS)
# y: any module runs, signed or not
MODULES_ANY ?= n
cppflags-signature.c-$(MODULES_ANY) += -DMODULES_ANY

# The arithmetic of signatures is worth unrolling and inlining
cflags-ed25519.c-y += -O2
