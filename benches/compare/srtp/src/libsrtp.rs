//! The few calls of libsrtp2 that are measured. All that is unsafe is in this file.

use std::ffi::{c_int, c_uchar, c_ulong, c_void};
use std::ptr;
use std::sync::Once;

/// `srtp_crypto_policy_t`
#[repr(C)]
struct CryptoPolicy {
    cipher_type: u32,
    cipher_key_len: c_int,
    auth_type: u32,
    auth_key_len: c_int,
    auth_tag_len: c_int,
    sec_serv: u32,
}

/// `srtp_policy_t`
#[repr(C)]
struct Policy {
    ssrc_type: u32,
    ssrc: u32,
    rtp: CryptoPolicy,
    rtcp: CryptoPolicy,
    key: *mut c_uchar,
    keys: *mut c_void,
    num_master_keys: c_ulong,
    deprecated_ekt: *mut c_void,
    window_size: c_ulong,
    allow_repeat_tx: c_int,
    enc_xtn_hdr: *mut c_int,
    enc_xtn_hdr_count: c_int,
    next: *mut c_void,
}

#[link(name = "srtp2")]
unsafe extern "C" {
    fn srtp_init() -> c_int;
    fn srtp_create(session: *mut *mut c_void, policy: *const Policy) -> c_int;
    fn srtp_dealloc(session: *mut c_void) -> c_int;
    fn srtp_protect(session: *mut c_void, packet: *mut c_void, length: *mut c_int) -> c_int;
    fn srtp_unprotect(session: *mut c_void, packet: *mut c_void, length: *mut c_int) -> c_int;
}

/// Which cipher: its key and salt in octets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Cipher {
    Cm128,
    Gcm128,
    Gcm256,
}

/// A session of one direction.
pub struct Session(*mut c_void);

impl Session {
    /// `key` is followed by the salt.
    pub fn new(cipher: Cipher, key: &[u8], inbound: bool) -> Self {
        static INIT: Once = Once::new();
        INIT.call_once(|| {
            // SAFETY: it is called once, before anything else.
            assert_eq!(unsafe { srtp_init() }, 0);
        });
        let policy = || {
            let (cipher_type, auth_type, auth_key_len, auth_tag_len) = match cipher {
                Cipher::Cm128 => (1, 3, 20, 10),
                Cipher::Gcm128 => (6, 0, 0, 16),
                Cipher::Gcm256 => (7, 0, 0, 16),
            };
            CryptoPolicy {
                cipher_type,
                cipher_key_len: c_int::try_from(key.len()).expect("a short key"),
                auth_type,
                auth_key_len,
                auth_tag_len,
                sec_serv: 3,
            }
        };
        let mut key = key.to_vec();
        let policy = Policy {
            ssrc_type: if inbound { 2 } else { 3 },
            ssrc: 0,
            rtp: policy(),
            rtcp: policy(),
            key: key.as_mut_ptr(),
            keys: ptr::null_mut(),
            num_master_keys: 0,
            deprecated_ekt: ptr::null_mut(),
            window_size: 1_024,
            allow_repeat_tx: 0,
            enc_xtn_hdr: ptr::null_mut(),
            enc_xtn_hdr_count: 0,
            next: ptr::null_mut(),
        };
        let mut session = ptr::null_mut();
        // SAFETY: the policy is as the header declares it, and key and policy are copied before the call returns.
        let status = unsafe { srtp_create(&raw mut session, &raw const policy) };
        assert_eq!(status, 0, "libsrtp2 has the cipher");
        Self(session)
    }

    /// Protects in place; the buffer grows by the tag.
    pub fn protect(&mut self, packet: &mut Vec<u8>) {
        packet.reserve(32);
        let mut length = c_int::try_from(packet.len()).expect("a packet");
        // SAFETY: there is room for the tag behind the packet, and so many octets were written in the end.
        unsafe {
            let status = srtp_protect(self.0, packet.as_mut_ptr().cast(), &raw mut length);
            assert_eq!(status, 0, "a fresh index");
            packet.set_len(usize::try_from(length).expect("a length"));
        }
    }

    /// Opens in place, and gives the length of the packet.
    pub fn unprotect(&mut self, packet: &mut [u8]) -> usize {
        let mut length = c_int::try_from(packet.len()).expect("a packet");
        // SAFETY: the packet only gets shorter.
        let status = unsafe { srtp_unprotect(self.0, packet.as_mut_ptr().cast(), &raw mut length) };
        assert_eq!(status, 0, "a genuine packet");
        usize::try_from(length).expect("a length")
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // SAFETY: the session was created and is not used again.
        unsafe { srtp_dealloc(self.0) };
    }
}
