//! A key that both sides know, under DTLS 1.3 (RFC 8446 §4.2.11), of which the crate of wolfSSL says nothing: its C functions
//! are called. All that is unsafe is here and in the file of connection ids.

use std::error::Error;
use std::ffi::{CStr, c_char, c_uint};
use std::net::UdpSocket;

use super::cid::{Opaque, Session, socket};

type Callback = unsafe extern "C" fn(
    ssl: *mut Opaque,
    hint: *const c_char,
    identity: *mut c_char,
    room: c_uint,
    key: *mut u8,
    room_for_key: c_uint,
    suite: *mut *const c_char,
) -> c_uint;

type ServerCallback = unsafe extern "C" fn(
    ssl: *mut Opaque,
    identity: *const c_char,
    key: *mut u8,
    room: c_uint,
    suite: *mut *const c_char,
) -> c_uint;

unsafe extern "C" {
    fn wolfSSL_set_psk_client_tls13_callback(ssl: *mut Opaque, callback: Callback);
    fn wolfSSL_set_psk_server_tls13_callback(ssl: *mut Opaque, callback: ServerCallback);
}

const IDENTITY: &CStr = c"lamp";
/// What the other side is told as 000102…1f.
const KEY: [u8; 32] = {
    let mut key = [0; 32];
    let mut at = 0;
    while at < 32 {
        key[at] = at as u8;
        at += 1;
    }
    key
};
const SUITE: &CStr = c"TLS13-AES128-GCM-SHA256";

/// Writes the key; its length, 0 if there is no room.
unsafe fn give_key(key: *mut u8, room: c_uint, suite: *mut *const c_char) -> c_uint {
    if (room as usize) < KEY.len() {
        return 0;
    }
    // SAFETY: there is room, and the text of the suite lives for ever.
    unsafe {
        key.copy_from_nonoverlapping(KEY.as_ptr(), KEY.len());
        *suite = SUITE.as_ptr();
    }
    KEY.len() as c_uint
}

unsafe extern "C" fn as_client(
    _ssl: *mut Opaque,
    _hint: *const c_char,
    identity: *mut c_char,
    room: c_uint,
    key: *mut u8,
    room_for_key: c_uint,
    suite: *mut *const c_char,
) -> c_uint {
    let name = IDENTITY.to_bytes_with_nul();
    if (room as usize) < name.len() {
        return 0;
    }
    // SAFETY: there is room for the name; wolfSSL vouches for the other pointers.
    unsafe {
        identity.copy_from_nonoverlapping(name.as_ptr().cast(), name.len());
        give_key(key, room_for_key, suite)
    }
}

unsafe extern "C" fn as_server(
    _ssl: *mut Opaque,
    identity: *const c_char,
    key: *mut u8,
    room: c_uint,
    suite: *mut *const c_char,
) -> c_uint {
    // SAFETY: wolfSSL gives a text that ends, and room for a key.
    unsafe {
        if identity.is_null() || CStr::from_ptr(identity) != IDENTITY {
            return 0;
        }
        give_key(key, room, suite)
    }
}

impl Session {
    /// Knows the key, and offers or takes it.
    pub(super) fn know_key(&self, is_client: bool) {
        // SAFETY: the session lives, and so do the functions.
        unsafe {
            if is_client {
                wolfSSL_set_psk_client_tls13_callback(self.0, as_client);
            } else {
                wolfSSL_set_psk_server_tls13_callback(self.0, as_server);
            }
        }
    }
}

/// One connection with the key.
pub fn run(
    (role, address): (&str, &str),
    (certificate, key): (&str, &str),
) -> Result<(), Box<dyn Error>> {
    let is_client = role == "client";
    let session = Session::new(is_client, certificate, key)?;
    session.know_key(is_client);
    let socket = if is_client {
        socket(address)?
    } else {
        let socket = UdpSocket::bind(address)?;
        println!("listening");
        socket
    };
    session.use_socket(&socket, is_client)?;
    session.negotiate(is_client)?;
    println!("connected 1.3 with a key");
    session.say("hello from wolfssl")?;
    session.hear()?;
    session.say("again from wolfssl")?;
    session.hear()?;
    std::thread::sleep(std::time::Duration::from_millis(200));
    Ok(())
}
