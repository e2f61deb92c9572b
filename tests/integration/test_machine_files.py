"""The scripts that make the kernel's and the root filesystem's products, run on made-up packages."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

OVERLAYS = Path(__file__).parents[2] / "overlays"
LIBRARIES = (
    *("libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libgcc_s.so.1"),
    "ld-linux-aarch64.so.1",
)
APPLETS = b"\0[\0[[\0init\0insmod\0ls\0sh\0usleep\0\0"

pytestmark = pytest.mark.skipif(
    not (shutil.which("gcc") and shutil.which("cpio")), reason="gcc or cpio is not installed"
)


def run(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-B", str(OVERLAYS / script), *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def compile_object(path: Path, source: str, *flags: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    line = ["gcc", "-x", "c", "-", "-x", "none", "-o", str(path), *flags]
    subprocess.run(line, input=source.encode(), check=True)


class Made:
    """A tree of packages, an export of OP-TEE's client and a folder of modules."""

    def __init__(self, folder: Path) -> None:
        self.packages, self.client = folder / "packages", folder / "client"
        self.modules, self.out = folder / "modules", folder / "initrd"
        library = self.packages / "lib/aarch64-linux-gnu/libdeep.so.1"
        compile_object(library, "int f;", "-shared", "-nostdlib", "-Wl,-soname,libdeep.so.1")
        for name in LIBRARIES:
            shutil.copy(library, library.with_name(name))
        shutil.copy(library, self.packages / "lib/ld-linux-aarch64.so.1")
        program = folder / "program"
        compile_object(program, "int f;", "-shared", "-nostdlib", "-Wl,--no-as-needed", str(library))
        for path in ("usr/sbin/dropbear", "usr/lib/openssh/sftp-server", "usr/bin/scp"):
            (self.packages / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(program, self.packages / path)
        (self.packages / "bin").mkdir()
        (self.packages / "bin/busybox").write_bytes(program.read_bytes() + APPLETS)
        (self.client / "sbin").mkdir(parents=True)
        (self.client / "lib").mkdir()
        shutil.copy(program, self.client / "sbin/tee-supplicant")
        shutil.copy(library, self.client / "lib/libteec.so.2.0.0")
        # As make install leaves it.
        (self.client / "lib/libteec.so.2").symlink_to("libteec.so.2.0.0")
        self.programs = folder / "made"
        self.programs.mkdir()
        for name in ("init", "wake", "receive"):
            shutil.copy(program, self.programs / name)
        self.modules.mkdir()
        (self.modules / "load").write_text("tee.ko\n")

    def build(self) -> subprocess.CompletedProcess[str]:
        return run(
            *("rootfs/mkinitramfs.py", "--packages", self.packages, "--client", self.client),
            *("--made", self.programs, "--modules", self.modules, "--date", 1_700_000_000, "--out", self.out),
        )


def test_the_initramfs_holds_what_programs_need_and_nothing_of_this_host(tmp_path: Path) -> None:
    made = Made(tmp_path)
    done = made.build()
    assert done.returncode == 0, done.stderr
    listed = subprocess.run(
        ["cpio", "--list", "--verbose", "--numeric-uid-gid", "--quiet"],
        input=made.out.read_bytes(),
        capture_output=True,
        check=True,
    ).stdout.decode()
    rows = {line.split()[-1]: line for line in listed.splitlines() if " -> " not in line}
    rows |= {line.split()[-3]: line for line in listed.splitlines() if " -> " in line}
    assert {"lib/aarch64-linux-gnu/libdeep.so.1", "usr/lib/libteec.so.2", "init"} <= rows.keys()
    assert rows["init"].startswith("-rwxr-xr-x")
    assert rows["root/.ssh"].startswith("drwx------")
    assert rows["dev/console"].startswith("crw-------")
    assert rows["bin/ls"].endswith("bin/ls -> busybox")
    assert all(line.split()[2:4] == ["0", "0"] for line in rows.values())


def test_the_initramfs_is_the_same_bits_in_another_folder(tmp_path: Path) -> None:
    for name in ("one", "two/deeper"):
        (tmp_path / name).mkdir(parents=True)
    one, two = Made(tmp_path / "one"), Made(tmp_path / "two/deeper")
    one.build()
    two.build()
    assert one.out.read_bytes() == two.out.read_bytes()


def test_a_library_that_no_package_has_is_named(tmp_path: Path) -> None:
    made = Made(tmp_path)
    (made.packages / "lib/aarch64-linux-gnu/libdeep.so.1").unlink()
    done = made.build()
    assert done.returncode != 0
    assert done.stderr == ("mkinitramfs: no package and no export has the shared library libdeep.so.1\n")


def test_a_program_that_no_package_has_is_named(tmp_path: Path) -> None:
    made = Made(tmp_path)
    (made.packages / "usr/sbin/dropbear").unlink()
    assert "usr/sbin/dropbear is in none of" in made.build().stderr


def test_a_busybox_without_the_applets_that_init_needs_is_refused(tmp_path: Path) -> None:
    made = Made(tmp_path)
    busybox = made.packages / "bin/busybox"
    busybox.write_bytes(busybox.read_bytes().replace(b"\0sh\0", b"\0si\0"))
    assert "no table of applet names" in made.build().stderr


@pytest.fixture
def kernel_package(tmp_path: Path) -> Path:
    package = tmp_path / "kernel package"
    (package / "boot").mkdir(parents=True)
    (package / "boot/vmlinuz-6.1").write_bytes(bytes(56) + b"ARM\x64")
    for name, depends in (("a", "b-dash,c"), ("b-dash", "c"), ("c", "")):
        info = f'char d[] __attribute__((section(".modinfo"))) = "depends={depends}";'
        compile_object(package / f"lib/modules/6.1/kernel/x/{name}.ko", info.replace("-", "_"), "-c")
    return package


def test_modules_are_loaded_after_what_they_depend_on(kernel_package: Path, tmp_path: Path) -> None:
    done = run("linux/pick_kernel.py", "--packages", kernel_package, "--out", tmp_path, "a", "c")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "modules/load").read_text() == "c.ko\nb_dash.ko\na.ko\n"
    assert sorted(file.name for file in (tmp_path / "modules").glob("*.ko")) == [
        *("a.ko", "b_dash.ko", "c.ko"),
    ]
    assert (tmp_path / "Image").read_bytes()[56:60] == b"ARM\x64"


def test_a_module_that_the_kernel_lacks_is_named(kernel_package: Path, tmp_path: Path) -> None:
    done = run("linux/pick_kernel.py", "--packages", kernel_package, "--out", tmp_path, "optee")
    assert done.stderr == "pick_kernel: the kernel package has no module optee\n"


def test_a_kernel_that_is_no_arm64_image_is_refused(kernel_package: Path, tmp_path: Path) -> None:
    (kernel_package / "boot/vmlinuz-6.1").write_bytes(b"MZ zboot" + bytes(100))
    done = run("linux/pick_kernel.py", "--packages", kernel_package, "--out", tmp_path, "a")
    assert done.stderr == "pick_kernel: vmlinuz-6.1 is not an arm64 Image\n"
