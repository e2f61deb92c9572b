"""Machines of ours in QEMU: booting, snapshots, waking, many at once."""
