//! What the network says about datagrams that a relay sent: the error queue of its socket (ip(7), `IP_RECVERR`).
//!
//! The kernel looks at what an ICMP message quotes and finds the socket by it, so an error belongs to one allocation; the machine
//! looks whether the peer has a permission. Elsewhere than on Linux nothing is heard.

use std::io;
use std::net::SocketAddr;

use tokio::io::Interest;
use turn::server::IcmpError;

use crate::driver::Socket;

/// Errors that are taken in one turn: who can forge them gets no more of it.
const ERRORS_PER_TURN: usize = 16;

/// Room for an error, the address of who reported it, and what the socket is asked to say beside.
#[cfg(target_os = "linux")]
const CONTROL_BYTES: usize = 512;

/// Where errors are read to; nothing until there is one.
#[derive(Default)]
pub(super) struct Errors {
    #[cfg(target_os = "linux")]
    control: Vec<u8>,
}

/// Asks the kernel to keep errors for this socket.
pub(super) fn listen(socket: &Socket) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use nix::sys::socket::{setsockopt, sockopt};
        if socket.local().is_ipv4() {
            setsockopt(socket.io(), sockopt::Ipv4RecvErr, &true)?;
        } else {
            setsockopt(socket.io(), sockopt::Ipv6RecvErr, &true)?;
        }
        Ok(())
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = socket;
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Waits for a datagram or an error.
pub(super) async fn ready(socket: &Socket) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    let wanted = Interest::READABLE | Interest::ERROR;
    #[cfg(not(target_os = "linux"))]
    let wanted = Interest::READABLE;
    socket.io().ready(wanted).await.map(drop)
}

/// Whether a send failed because of an error that came back for one before.
pub(super) fn is_late(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable, PermissionDenied};
    let network = [HostUnreachable, NetworkUnreachable, PermissionDenied];
    error.kind() == ConnectionRefused || network.contains(&error.kind())
}

impl Errors {
    /// Some of the errors that wait, each with the peer that it is about.
    pub(super) fn of<'a>(
        &'a mut self,
        socket: &'a Socket,
    ) -> impl Iterator<Item = (SocketAddr, IcmpError)> + 'a {
        let next = move |_| self.next(socket).ok();
        (0..ERRORS_PER_TURN).map_while(next).flatten()
    }

    /// The next error, or nothing where it is not from the network; `WouldBlock` when there is none.
    #[cfg(target_os = "linux")]
    fn next(&mut self, socket: &Socket) -> io::Result<Option<(SocketAddr, IcmpError)>> {
        socket.io().try_io(Interest::ERROR, || self.read(socket))
    }

    #[cfg(not(target_os = "linux"))]
    fn next(&mut self, _: &Socket) -> io::Result<Option<(SocketAddr, IcmpError)>> {
        Err(io::ErrorKind::WouldBlock.into())
    }

    #[cfg(target_os = "linux")]
    fn read(&mut self, socket: &Socket) -> io::Result<Option<(SocketAddr, IcmpError)>> {
        use std::net::{SocketAddrV4, SocketAddrV6};
        use std::os::fd::AsRawFd;

        use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg};

        self.control.resize(CONTROL_BYTES, 0);
        let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
        let descriptor = socket.io().as_raw_fd();
        let message =
            recvmsg::<SockaddrStorage>(descriptor, &mut [], Some(&mut self.control), flags)?;
        let peer = message.address.and_then(|it| {
            let v4 = it.as_sockaddr_in().map(|it| SocketAddrV4::from(*it).into());
            v4.or_else(|| {
                it.as_sockaddr_in6()
                    .map(|it| SocketAddrV6::from(*it).into())
            })
        });
        let error = message.cmsgs()?.find_map(|it| match it {
            ControlMessageOwned::Ipv4RecvErr(error, _) => Some(error),
            ControlMessageOwned::Ipv6RecvErr(error, _) => Some(error),
            _ => None,
        });
        let error = error.and_then(|it| {
            let what = (it.ee_origin, it.ee_type, it.ee_code);
            from_network(what, it.ee_info)
        });
        Ok(peer.zip(error))
    }
}

/// An error of the queue, if it is one that ICMP brought; `info` is the MTU where a datagram was too long.
#[cfg(target_os = "linux")]
const fn from_network((origin, kind, code): (u8, u8, u8), info: u32) -> Option<IcmpError> {
    let data = match (origin, kind, code) {
        (ORIGIN_ICMP, DESTINATION_UNREACHABLE, FRAGMENTATION_NEEDED)
        | (ORIGIN_ICMP6, PACKET_TOO_BIG, _) => info.to_be_bytes(),
        (ORIGIN_ICMP | ORIGIN_ICMP6, ..) => [0; 4],
        // The host's own: the send that caused it has failed.
        _ => return None,
    };
    Some(IcmpError { kind, code, data })
}

// linux/errqueue.h
#[cfg(target_os = "linux")]
const ORIGIN_ICMP: u8 = 2;
#[cfg(target_os = "linux")]
const ORIGIN_ICMP6: u8 = 3;
// RFC 792, RFC 4443 §3.2
#[cfg(target_os = "linux")]
const DESTINATION_UNREACHABLE: u8 = 3;
#[cfg(target_os = "linux")]
const FRAGMENTATION_NEEDED: u8 = 4;
#[cfg(target_os = "linux")]
const PACKET_TOO_BIG: u8 = 2;

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_mtu_is_told_where_a_datagram_was_too_long_and_nothing_of_the_hosts_own() {
        let told = |what, info| from_network(what, info).map(|it| (it.kind, it.code, it.data));
        assert_eq!(told((2, 3, 3), 7), Some((3, 3, [0; 4])));
        assert_eq!(told((2, 3, 4), 1_280), Some((3, 4, [0, 0, 5, 0])));
        assert_eq!(told((3, 1, 4), 7), Some((1, 4, [0; 4])));
        assert_eq!(told((3, 2, 0), 1_280), Some((2, 0, [0, 0, 5, 0])));
        assert_eq!(told((1, 0, 0), 1_500), None);
        assert_eq!(told((4, 0, 0), 0), None);
    }
}
