"""The functions that the TA offers: WASI preview 1, one that emcc's programs want, and remote attestation."""

from __future__ import annotations

from teeforge.modules.wasm import FuncType

MODULES = ("wasi_snapshot_preview1", "wasi_unstable")

# i is i32, I is i64; from phases/snapshot/witx of WebAssembly/WASI. A test holds them against the TA's table.
SIGNATURES = {
    "args_get": "(ii)i",
    "args_sizes_get": "(ii)i",
    "clock_res_get": "(ii)i",
    "clock_time_get": "(iIi)i",
    "environ_get": "(ii)i",
    "environ_sizes_get": "(ii)i",
    "fd_advise": "(iIIi)i",
    "fd_allocate": "(iII)i",
    "fd_close": "(i)i",
    "fd_datasync": "(i)i",
    "fd_fdstat_get": "(ii)i",
    "fd_fdstat_set_flags": "(ii)i",
    "fd_fdstat_set_rights": "(iII)i",
    "fd_filestat_get": "(ii)i",
    "fd_filestat_set_size": "(iI)i",
    "fd_filestat_set_times": "(iIIi)i",
    "fd_pread": "(iiiIi)i",
    "fd_prestat_dir_name": "(iii)i",
    "fd_prestat_get": "(ii)i",
    "fd_pwrite": "(iiiIi)i",
    "fd_read": "(iiii)i",
    "fd_readdir": "(iiiIi)i",
    "fd_renumber": "(ii)i",
    "fd_seek": "(iIii)i",
    "fd_sync": "(i)i",
    "fd_tell": "(ii)i",
    "fd_write": "(iiii)i",
    "path_create_directory": "(iii)i",
    "path_filestat_get": "(iiiii)i",
    "path_filestat_set_times": "(iiiiIIi)i",
    "path_link": "(iiiiiii)i",
    "path_open": "(iiiiiIIii)i",
    "path_readlink": "(iiiiii)i",
    "path_remove_directory": "(iii)i",
    "path_rename": "(iiiiii)i",
    "path_symlink": "(iiiii)i",
    "path_unlink_file": "(iii)i",
    "poll_oneoff": "(iiii)i",
    "proc_exit": "(i)",
    "proc_raise": "(i)i",
    "random_get": "(ii)i",
    "sched_yield": "()i",
    "sock_accept": "(iii)i",
    "sock_recv": "(iiiiii)i",
    "sock_send": "(iiiii)i",
    "sock_shutdown": "(ii)i",
}
# emcc's programs that may grow call it for JavaScript's sake; the TA's does nothing.
EMSCRIPTEN = {"emscripten_notify_memory_growth": "(i)"}
# Our own, of the module `wasi_ra`: samples/attest/wasi_ra.h.
ATTESTATION = {"collect_quote": "(iii)i", "receive_data": "(iiiii)i", "session_key": "(iii)i"}
_OTHERS = {"env": EMSCRIPTEN, "wasi_ra": ATTESTATION}
_LETTERS = {"i32": "i", "i64": "I", "f32": "f", "f64": "F"}


def signature(kind: FuncType) -> str:
    """Return a function's type as WAMR writes it, such as `(iIi)i`."""
    params, results = ("".join(_LETTERS.get(t, "?") for t in types) for types in (kind.params, kind.results))
    return f"({params}){results}"


def offers(module: str, name: str, kind: FuncType | None) -> bool:
    """Tell whether the TA offers a function, in that type if ``kind`` is known."""
    functions = SIGNATURES if module in MODULES else _OTHERS.get(module, {})
    return name in functions and (kind is None or functions[name] == signature(kind))
