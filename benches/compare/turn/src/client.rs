//! A client with an allocation and a channel, on a blocking socket.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use stun::{
    Challenge, Class, LongTermAuth, LongTermCredentials, Message, MessageBuilder, Method,
    TransactionId,
};
use turn::{ChannelData, ChannelNumber};

use crate::PAYLOAD;

pub(crate) const USER: &str = "alice";
pub(crate) const PASSWORD: &str = "secret";

pub(crate) struct Allocated {
    pub(crate) socket: UdpSocket,
    pub(crate) relayed: SocketAddr,
    pub(crate) channel_data: Vec<u8>,
    pub(crate) indication: Vec<u8>,
    auth: LongTermAuth,
}

impl Allocated {
    pub(crate) fn new(server: SocketAddr, peer: SocketAddr) -> io::Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.connect(server)?;
        socket.set_read_timeout(Some(Duration::from_secs(2)))?;
        let allocate = |it: &mut MessageBuilder<'_>| {
            it.requested_transport(17);
        };
        let answer = ask(&socket, Method::ALLOCATE, None, allocate)?;
        let challenge = Message::decode(&answer)
            .ok()
            .and_then(|it| Challenge::from_response(&it, None).ok());
        let challenge = challenge.ok_or_else(|| io::Error::other("no challenge"))?;
        let credentials = LongTermCredentials::new(USER, PASSWORD).expect("a credential");
        let auth = LongTermAuth::new(&credentials, challenge);
        let answer = ask(&socket, Method::ALLOCATE, Some(&auth), allocate)?;
        succeed(&answer)?;
        let relayed = Message::decode(&answer)
            .ok()
            .and_then(|it| it.xor_relayed_addresses().next()?.ok());
        let relayed = relayed.ok_or_else(|| io::Error::other("no relay"))?;
        let bind = |it: &mut MessageBuilder<'_>| {
            it.channel_number(0x4000).xor_peer_address(peer);
        };
        succeed(&ask(&socket, Method::CHANNEL_BIND, Some(&auth), bind)?)?;
        let mut channel_data = Vec::new();
        ChannelData::encode_header(ChannelNumber::MIN, PAYLOAD as u16, &mut channel_data);
        channel_data.extend_from_slice(&[7; PAYLOAD]);
        let mut indication = Vec::new();
        let id = TransactionId::new([9; 12]);
        let mut builder = MessageBuilder::new(&mut indication, Class::Indication, Method::SEND, id);
        builder.xor_peer_address(peer).data(&[7; PAYLOAD]);
        builder.finish().expect("it is short");
        Ok(Self {
            socket,
            relayed,
            channel_data,
            indication,
            auth,
        })
    }

    pub(crate) fn release(&self) -> io::Result<()> {
        let zero = |it: &mut MessageBuilder<'_>| {
            it.lifetime(Duration::ZERO);
        };
        ask(&self.socket, Method::REFRESH, Some(&self.auth), zero).map(drop)
    }
}

fn succeed(answer: &[u8]) -> io::Result<()> {
    match Message::decode(answer) {
        Ok(message) if message.class() == Class::Success => Ok(()),
        Ok(message) => Err(io::Error::other(format!(
            "refused: {:?}",
            message.error_code()
        ))),
        Err(error) => Err(io::Error::other(error)),
    }
}

fn ask(
    socket: &UdpSocket,
    method: Method,
    auth: Option<&LongTermAuth>,
    fill: impl Fn(&mut MessageBuilder<'_>),
) -> io::Result<Vec<u8>> {
    static SERIAL: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let serial = SERIAL.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let mut id = [0; 12];
    id[..4].copy_from_slice(&serial.to_be_bytes());
    let mut request = Vec::new();
    let mut builder =
        MessageBuilder::new(&mut request, Class::Request, method, TransactionId::new(id));
    fill(&mut builder);
    let finished = match auth {
        Some(auth) => auth.seal(builder).finish(),
        None => builder.finish(),
    };
    finished.expect("it is short");
    let mut buf = vec![0; 2_048];
    for _ in 0..5 {
        socket.send(&request)?;
        let Ok(length) = socket.recv(&mut buf) else {
            continue;
        };
        return Ok(buf[..length].to_vec());
    }
    Err(io::Error::other("no answer"))
}
