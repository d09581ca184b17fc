//! Connection ids of DTLS 1.3 (RFC 9147 §9), of which the crate of wolfSSL says nothing: its C functions are called. All that is
//! unsafe is in this file and its neighbour.

use std::error::Error;
use std::ffi::{CString, c_char, c_int, c_uint, c_void};
use std::net::UdpSocket;
use std::os::fd::AsRawFd as _;

// Its library is linked for the sake of these.
use wolfssl as _;

#[repr(C)]
pub(super) struct Opaque([u8; 0]);

unsafe extern "C" {
    fn wolfSSL_Init() -> c_int;
    fn wolfDTLSv1_3_client_method() -> *mut Opaque;
    fn wolfDTLSv1_3_server_method() -> *mut Opaque;
    fn wolfSSL_CTX_new(method: *mut Opaque) -> *mut Opaque;
    fn wolfSSL_CTX_use_certificate_file(c: *mut Opaque, path: *const c_char, kind: c_int) -> c_int;
    fn wolfSSL_CTX_use_PrivateKey_file(c: *mut Opaque, path: *const c_char, kind: c_int) -> c_int;
    fn wolfSSL_CTX_set_verify(context: *mut Opaque, mode: c_int, callback: *const c_void);
    fn wolfSSL_new(context: *mut Opaque) -> *mut Opaque;
    fn wolfSSL_dtls13_allow_ch_frag(ssl: *mut Opaque, enabled: c_int) -> c_int;
    fn wolfSSL_dtls_cid_use(ssl: *mut Opaque) -> c_int;
    fn wolfSSL_dtls_cid_set(ssl: *mut Opaque, id: *const u8, length: c_uint) -> c_int;
    fn wolfSSL_dtls_cid_get_tx_size(ssl: *mut Opaque, length: *mut c_uint) -> c_int;
    fn wolfSSL_set_fd(ssl: *mut Opaque, fd: c_int) -> c_int;
    fn wolfSSL_set_dtls_fd_connected(ssl: *mut Opaque, fd: c_int) -> c_int;
    fn wolfSSL_connect(ssl: *mut Opaque) -> c_int;
    fn wolfSSL_accept(ssl: *mut Opaque) -> c_int;
    fn wolfSSL_write(ssl: *mut Opaque, data: *const u8, length: c_int) -> c_int;
    fn wolfSSL_read(ssl: *mut Opaque, data: *mut u8, length: c_int) -> c_int;
}

const PEM: c_int = 1;
const VERIFY_NONE: c_int = 0;
const SUCCESS: c_int = 1;

fn done(result: c_int, what: &str) -> Result<(), Box<dyn Error>> {
    if result == SUCCESS {
        Ok(())
    } else {
        Err(format!("{what}: {result}").into())
    }
}

/// A session that lives as long as the program.
pub(super) struct Session(pub(super) *mut Opaque);

impl Session {
    pub(super) fn new(
        is_client: bool,
        certificate: &str,
        key: &str,
    ) -> Result<Self, Box<dyn Error>> {
        let (certificate, key) = (CString::new(certificate)?, CString::new(key)?);
        // SAFETY: what one call returns is checked and handed to the next; strings outlive the calls.
        unsafe {
            done(wolfSSL_Init(), "init")?;
            let method = if is_client {
                wolfDTLSv1_3_client_method()
            } else {
                wolfDTLSv1_3_server_method()
            };
            let context = wolfSSL_CTX_new(method);
            if context.is_null() {
                return Err("no context".into());
            }
            done(
                wolfSSL_CTX_use_certificate_file(context, certificate.as_ptr(), PEM),
                "certificate",
            )?;
            done(
                wolfSSL_CTX_use_PrivateKey_file(context, key.as_ptr(), PEM),
                "key",
            )?;
            // Who the other side is does not matter here.
            wolfSSL_CTX_set_verify(context, VERIFY_NONE, std::ptr::null());
            let ssl = wolfSSL_new(context);
            if ssl.is_null() {
                return Err("no session".into());
            }
            if !is_client {
                done(wolfSSL_dtls13_allow_ch_frag(ssl, 1), "hellos in pieces")?;
            }
            Ok(Self(ssl))
        }
    }

    /// Wants an id of this length in what comes.
    fn want(&self, length: usize) -> Result<(), Box<dyn Error>> {
        let id: Vec<u8> = (1..).take(length).collect();
        // SAFETY: the session lives, and the bytes are copied.
        unsafe {
            done(wolfSSL_dtls_cid_use(self.0), "ids")?;
            if length > 0 {
                let length = c_uint::try_from(length)?;
                done(wolfSSL_dtls_cid_set(self.0, id.as_ptr(), length), "own id")?;
            }
        }
        Ok(())
    }

    /// The length of the id that goes out.
    fn theirs(&self) -> c_uint {
        let mut length = 0;
        // SAFETY: the session lives, and the length is ours.
        unsafe { wolfSSL_dtls_cid_get_tx_size(self.0, &raw mut length) };
        length
    }

    pub(super) fn use_socket(
        &self,
        socket: &UdpSocket,
        connected: bool,
    ) -> Result<(), Box<dyn Error>> {
        let fd = socket.as_raw_fd();
        // SAFETY: the session lives; the socket outlives it.
        let result = unsafe {
            if connected {
                wolfSSL_set_dtls_fd_connected(self.0, fd)
            } else {
                wolfSSL_set_fd(self.0, fd)
            }
        };
        done(result, "socket")
    }

    pub(super) fn negotiate(&self, is_client: bool) -> Result<(), Box<dyn Error>> {
        // SAFETY: the session lives.
        let result = unsafe {
            if is_client {
                wolfSSL_connect(self.0)
            } else {
                wolfSSL_accept(self.0)
            }
        };
        done(result, "handshake")
    }

    pub(super) fn say(&self, text: &str) -> Result<(), Box<dyn Error>> {
        // SAFETY: the session lives, and the text for as long as the call.
        let written = unsafe { wolfSSL_write(self.0, text.as_ptr(), c_int::try_from(text.len())?) };
        usize::try_from(written)
            .ok()
            .filter(|written| *written == text.len())
            .map(drop)
            .ok_or_else(|| "it was not said".into())
    }

    pub(super) fn hear(&self) -> Result<(), Box<dyn Error>> {
        let mut buf = [0; 2_000];
        // SAFETY: the session lives, and the buffer has the length that is said.
        let read = unsafe { wolfSSL_read(self.0, buf.as_mut_ptr(), 2_000) };
        let read = usize::try_from(read).map_err(|_| "nothing was heard")?;
        println!(
            "received {}",
            String::from_utf8_lossy(&buf[..read]).trim_end()
        );
        Ok(())
    }
}

pub(super) fn socket(address: &str) -> Result<UdpSocket, Box<dyn Error>> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.connect(address)?;
    Ok(socket)
}

/// One connection with ids; the client says the second thing from another socket if it `moves`.
pub fn run(
    (role, address): (&str, &str),
    (certificate, key): (&str, &str),
    (length, moves): (usize, bool),
) -> Result<(), Box<dyn Error>> {
    let is_client = role == "client";
    let session = Session::new(is_client, certificate, key)?;
    session.want(length)?;
    let first = if is_client {
        socket(address)?
    } else {
        let socket = UdpSocket::bind(address)?;
        println!("listening");
        socket
    };
    session.use_socket(&first, is_client)?;
    session.negotiate(is_client)?;
    println!("connected 1.3 ids of {}", session.theirs());
    session.say("hello from wolfssl")?;
    session.hear()?;
    if is_client {
        let second = socket(address)?;
        if moves {
            session.use_socket(&second, true)?;
        }
        session.say("again from wolfssl")?;
        session.hear()?;
    } else {
        session.hear()?;
        session.say("again from wolfssl")?;
    }
    std::thread::sleep(std::time::Duration::from_millis(200));
    Ok(())
}
