//! A client that does what a test says, over any transport.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use avocet::dtls;
use avocet::stun::{
    AddressFamily, Challenge, Class, FrameReader, LongTermAuth, LongTermCredentials, Message,
    MessageBuilder, Method, TransactionId,
};
use avocet::turn::{ChannelData, ChannelNumber, measure_frame};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};

pub(crate) const USER: &str = "alice";
pub(crate) const PASSWORD: &str = "secret";
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

pub(crate) enum Way {
    Udp(UdpSocket),
    Stream(Box<dyn Duplex>, FrameReader),
    Dtls(UdpSocket, Box<dtls::Connection>),
}

pub(crate) struct Caller {
    pub(crate) way: Way,
    auth: Option<LongTermAuth>,
    /// What came while something else was waited for.
    waiting: VecDeque<Vec<u8>>,
}

pub(crate) struct Answer {
    /// 0 for success.
    pub(crate) code: u16,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(crate) fn message(&self) -> Message<'_> {
        Message::decode(&self.bytes).unwrap()
    }
}

fn loopback(server: SocketAddr) -> IpAddr {
    match server {
        SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    }
}

pub(crate) async fn peer(server: SocketAddr) -> UdpSocket {
    UdpSocket::bind((loopback(server), 0)).await.unwrap()
}

pub(crate) async fn receive(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buf = vec![0; 65_536];
    let (length, from) = timeout(PATIENCE, socket.recv_from(&mut buf))
        .await
        .expect("nothing came")
        .unwrap();
    buf.truncate(length);
    (buf, from)
}

/// Sends what a DTLS connection has to say by itself.
async fn flush(socket: &UdpSocket, machine: &mut dtls::Connection) -> io::Result<()> {
    let mut buf = Vec::new();
    while machine.poll_transmit(Instant::now(), &mut buf).is_some() {
        socket.send(&buf).await?;
        buf.clear();
    }
    Ok(())
}

impl Caller {
    fn on(way: Way) -> Self {
        Self {
            way,
            auth: None,
            waiting: VecDeque::new(),
        }
    }

    pub(crate) async fn udp(server: SocketAddr) -> Self {
        Self::udp_from(loopback(server), server).await
    }

    pub(crate) async fn udp_from(local: IpAddr, server: SocketAddr) -> Self {
        let socket = UdpSocket::bind((local, 0)).await.unwrap();
        socket.connect(server).await.unwrap();
        Self::on(Way::Udp(socket))
    }

    pub(crate) async fn tcp(server: SocketAddr) -> Self {
        Self::stream(TcpStream::connect(server).await.unwrap())
    }

    pub(crate) fn stream(stream: impl Duplex + 'static) -> Self {
        Self::on(Way::Stream(
            Box::new(stream),
            FrameReader::new(measure_frame),
        ))
    }

    /// An error when the server shows another certificate.
    pub(crate) async fn tls(server: SocketAddr, trusted: &[u8]) -> io::Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(trusted.to_vec())).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(server).await?;
        let name = ServerName::try_from("turn.test").unwrap();
        let stream = TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await?;
        Ok(Self::stream(stream))
    }

    pub(crate) async fn dtls(server: SocketAddr) -> Self {
        let mut config = dtls::Config::anonymous();
        config.peer_certificate = dtls::PeerCertificate::NotRequested;
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).unwrap();
        let machine = dtls::Connection::new(Arc::new(config), dtls::Role::Client, seed).unwrap();
        let Way::Udp(socket) = Self::udp(server).await.way else {
            unreachable!()
        };
        let mut caller = Self::on(Way::Dtls(socket, Box::new(machine)));
        let Way::Dtls(socket, machine) = &mut caller.way else {
            unreachable!()
        };
        machine.start(Instant::now(), None);
        flush(socket, machine).await.unwrap();
        timeout(PATIENCE, async {
            while !caller.is_connected() {
                caller.pull().await.unwrap();
            }
        })
        .await
        .expect("no DTLS");
        caller
    }

    fn is_connected(&self) -> bool {
        matches!(&self.way, Way::Dtls(_, machine) if machine.is_connected())
    }

    /// The certificate that the server showed.
    pub(crate) fn certificate(&self) -> Vec<u8> {
        match &self.way {
            Way::Dtls(_, machine) => machine.peer_certificate().unwrap_or_default().to_vec(),
            Way::Udp(_) | Way::Stream(..) => Vec::new(),
        }
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        match &mut self.way {
            Way::Udp(socket) => drop(socket.send(bytes).await.unwrap()),
            Way::Stream(stream, _) => {
                stream.write_all(bytes).await.unwrap();
                stream
                    .write_all(&[0; 3][..bytes.len().next_multiple_of(4) - bytes.len()])
                    .await
                    .unwrap();
                stream.flush().await.unwrap();
            }
            Way::Dtls(socket, machine) => {
                let mut buf = Vec::new();
                let mark = machine.begin(&mut buf).unwrap();
                buf.extend_from_slice(bytes);
                machine.seal(Instant::now(), &mut buf, mark).unwrap();
                socket.send(&buf).await.unwrap();
            }
        }
    }

    /// Waits for something to come in. An error where the stream has ended.
    async fn pull(&mut self) -> io::Result<()> {
        let mut buf = vec![0; 65_536];
        match &mut self.way {
            Way::Udp(socket) => {
                let length = socket.recv(&mut buf).await?;
                self.waiting.push_back(buf[..length].to_vec());
            }
            Way::Stream(stream, reader) => {
                let length = stream.read(&mut buf).await?;
                if length == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                let waiting = &mut self.waiting;
                let read = reader.read(&mut buf[..length], |frame| {
                    waiting.push_back(frame.to_vec());
                });
                read.expect("out of step");
            }
            Way::Dtls(socket, machine) => {
                tokio::select! {
                    received = socket.recv(&mut buf) => machine.handle_datagram(Instant::now(), &mut buf[..received?]),
                    () = sleep(Duration::from_millis(50)) => machine.handle_timeout(Instant::now()),
                }
                let mut data = Vec::new();
                while machine.recv(&mut data).is_some() {
                    self.waiting.push_back(std::mem::take(&mut data));
                }
                flush(socket, machine).await?;
            }
        }
        Ok(())
    }

    /// The next message, whatever it is.
    pub(crate) async fn next(&mut self) -> Vec<u8> {
        let next = async {
            loop {
                if let Some(bytes) = self.waiting.pop_front() {
                    return bytes;
                }
                self.pull().await.unwrap();
            }
        };
        timeout(PATIENCE, next).await.expect("nothing came")
    }

    /// Asks, with credentials as soon as there is a nonce, and again where the nonce is stale.
    pub(crate) async fn ask(
        &mut self,
        method: Method,
        fill: impl Fn(&mut MessageBuilder<'_>),
    ) -> Answer {
        loop {
            let had = self.auth.is_some();
            let answer = self.ask_once(method, &fill).await;
            let message = answer.message();
            let challenge = Challenge::from_response(&message, None);
            if matches!(answer.code, 401 | 438) && !(had && answer.code == 401) {
                let credentials = LongTermCredentials::new(USER, PASSWORD).unwrap();
                self.auth = Some(LongTermAuth::new(&credentials, challenge.unwrap()));
                continue;
            }
            return answer;
        }
    }

    async fn ask_once(&mut self, method: Method, fill: impl Fn(&mut MessageBuilder<'_>)) -> Answer {
        static SERIAL: AtomicU32 = AtomicU32::new(0);
        let mut id = [7; 12];
        id[..4].copy_from_slice(&SERIAL.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        let mut request = Vec::new();
        let mut builder =
            MessageBuilder::new(&mut request, Class::Request, method, TransactionId::new(id));
        fill(&mut builder);
        match &self.auth {
            Some(auth) => auth.seal(builder).finish().unwrap(),
            None => builder.finish().unwrap(),
        };
        self.send(&request).await;
        let mut others = Vec::new();
        let answer = loop {
            let bytes = self.next().await;
            match Message::decode(&bytes) {
                Ok(message) if message.transaction_id() == TransactionId::new(id) => {
                    let code = message.error_code().unwrap().map_or(0, |code| code.get());
                    break Answer { code, bytes };
                }
                _ => others.push(bytes),
            }
        };
        self.waiting.extend(others);
        answer
    }

    /// Makes an allocation and says where it relays from.
    pub(crate) async fn allocate(&mut self) -> SocketAddr {
        let answer = self.ask(Method::ALLOCATE, |it| {
            it.requested_transport(17);
        });
        let answer = answer.await;
        assert_eq!(answer.code, 0);
        answer
            .message()
            .xor_relayed_addresses()
            .next()
            .unwrap()
            .unwrap()
    }

    /// The same, from an IPv6 address.
    pub(crate) async fn allocate_v6(&mut self) -> SocketAddr {
        let answer = self.ask(Method::ALLOCATE, |it| {
            it.requested_transport(17)
                .requested_address_family(AddressFamily::V6);
        });
        let answer = answer.await;
        assert_eq!(answer.code, 0);
        answer
            .message()
            .xor_relayed_addresses()
            .next()
            .unwrap()
            .unwrap()
    }

    pub(crate) async fn permit(&mut self, peer: SocketAddr) {
        let answer = self.ask(Method::CREATE_PERMISSION, |it| {
            it.xor_peer_address(peer);
        });
        assert_eq!(answer.await.code, 0);
    }

    pub(crate) async fn bind(&mut self, number: u16, peer: SocketAddr) {
        let answer = self.ask(Method::CHANNEL_BIND, |it| {
            it.channel_number(number).xor_peer_address(peer);
        });
        assert_eq!(answer.await.code, 0);
    }

    pub(crate) async fn refresh(&mut self, lifetime: Duration) -> u16 {
        self.ask(Method::REFRESH, |it| {
            it.lifetime(lifetime);
        })
        .await
        .code
    }

    /// In a Send indication.
    pub(crate) async fn say(&mut self, peer: SocketAddr, data: &[u8]) {
        let mut bytes = Vec::new();
        let mut builder = MessageBuilder::new(
            &mut bytes,
            Class::Indication,
            Method::SEND,
            TransactionId::new([1; 12]),
        );
        builder.xor_peer_address(peer).data(data);
        builder.finish().unwrap();
        self.send(&bytes).await;
    }

    /// On a channel.
    pub(crate) async fn say_on(&mut self, number: u16, data: &[u8]) {
        let mut bytes = Vec::new();
        let number = ChannelNumber::new(number).unwrap();
        ChannelData::encode_header(number, data.len() as u16, &mut bytes);
        bytes.extend_from_slice(data);
        self.send(&bytes).await;
    }

    /// Says something to a peer and hears it back.
    pub(crate) async fn talk(&mut self, peer: &UdpSocket, number: u16, what: &[u8]) {
        self.say_on(number, what).await;
        let (said, relayed) = receive(peer).await;
        assert_eq!(said, what);
        peer.send_to(what, relayed).await.unwrap();
        let mut heard = self.next().await;
        assert_eq!(ChannelData::decode(&mut heard).unwrap().data, what);
    }
}
