// SPDX-License-Identifier: Apache-2.0
//! wasi_ra: remote attestation for programs in the TEE. What the functions do stands in wasi_ra.h.

#[link(wasm_import_module = "wasi_ra")]
extern "C" {
    #[link_name = "collect_quote"]
    fn raw_collect_quote(at: *mut u8, size: usize, needed: *mut usize) -> i32;
    #[link_name = "session_key"]
    fn raw_session_key(at: *mut u8, size: usize, needed: *mut usize) -> i32;
    #[link_name = "receive_data"]
    fn raw_receive_data(from: *const u8, length: usize, at: *mut u8, size: usize, needed: *mut usize) -> i32;
}

const QUOTE_MAX: usize = 2048;
const POINT_SIZE: usize = 65;
const DATA_MAX: usize = 4096;

/// An errno of WASI: 58 (ENOTSUP) if the program was started without a nonce.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Errno(pub i32);

fn filled(most: usize, fill: impl FnOnce(*mut u8, usize, *mut usize) -> i32) -> Result<Vec<u8>, Errno> {
    let mut bytes = vec![0; most];
    let mut needed = 0;
    match fill(bytes.as_mut_ptr(), most, &mut needed) {
        0 => {
            bytes.truncate(needed);
            Ok(bytes)
        }
        errno => Err(Errno(errno)),
    }
}

/// The evidence of this program, an Entity Attestation Token.
pub fn collect_quote() -> Result<Vec<u8>, Errno> {
    filled(QUOTE_MAX, |at, size, needed| unsafe { raw_collect_quote(at, size, needed) })
}

/// The public half of the session's key, an uncompressed point of P-256.
pub fn session_key() -> Result<Vec<u8>, Errno> {
    filled(POINT_SIZE, |at, size, needed| unsafe { raw_session_key(at, size, needed) })
}

/// What somebody sent who verified the evidence; 9 (EBADMSG) if it is not for this session.
pub fn receive_data(message: &[u8]) -> Result<Vec<u8>, Errno> {
    filled(DATA_MAX, |at, size, needed| unsafe {
        raw_receive_data(message.as_ptr(), message.len(), at, size, needed)
    })
}
