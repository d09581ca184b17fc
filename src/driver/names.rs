//! Names: those of the DNS through the operating system, those of multicast DNS through one responder for the process.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ice::mdns::{self, Mdns};
use net::{Datagram, Path};
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// How long the operating system may take to resolve a name.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);

/// The most addresses of a name that are looked at.
const MAX_ADDRESSES: usize = 8;

/// What is asked of the responder.
#[derive(Debug)]
pub(crate) enum Request {
    /// The address of a name; the answer is dropped when it has none.
    Resolve(String, oneshot::Sender<IpAddr>),
    /// Answer for a name.
    Register(String, IpAddr),
    /// Do not answer for it any more.
    Unregister(String),
}

/// A way to the responder, which lives as long as somebody has one.
pub(crate) type Responder = mpsc::UnboundedSender<Request>;

static RESPONDER: Mutex<Option<mpsc::WeakUnboundedSender<Request>>> = Mutex::new(None);

/// The responder of this process; started when there is none.
pub(crate) fn responder() -> Responder {
    let mut shared = RESPONDER.lock().unwrap_or_else(PoisonError::into_inner);
    let running = shared
        .as_ref()
        .and_then(mpsc::WeakUnboundedSender::upgrade)
        .filter(|running| !running.is_closed());
    if let Some(running) = running {
        return running;
    }
    let (sender, requests) = mpsc::unbounded_channel();
    *shared = Some(sender.downgrade());
    tokio::spawn(respond(requests));
    sender
}

/// The addresses of a name.
pub(crate) async fn resolve(name: String, responder: Option<Responder>) -> Vec<IpAddr> {
    if let Some(responder) = responder {
        let (reply, answer) = oneshot::channel();
        let _ = responder.send(Request::Resolve(name, reply));
        return answer.await.into_iter().collect();
    }
    let found = timeout(RESOLVE_TIMEOUT, tokio::net::lookup_host((name, 0))).await;
    match found {
        Ok(Ok(addresses)) => addresses.take(MAX_ADDRESSES).map(|it| it.ip()).collect(),
        Ok(Err(_)) | Err(_) => Vec::new(),
    }
}

/// Runs until nobody has a way to it any more.
async fn respond(mut requests: mpsc::UnboundedReceiver<Request>) {
    let sockets = match bind_all() {
        Ok(sockets) => sockets,
        Err(error) => {
            // Nobody can be asked: every question goes unanswered.
            log::debug!("multicast DNS: {error}");
            Vec::new()
        }
    };
    let mut machine = Mdns::new();
    let mut waiting: Vec<(String, oneshot::Sender<IpAddr>)> = Vec::new();
    let mut buffer = vec![0; 9_000];
    loop {
        let next = machine.poll_timeout();
        tokio::select! {
            request = requests.recv() => match request {
                Some(request) => on_request(request, &mut machine, &mut waiting),
                None => return,
            },
            () = any_readable(&sockets) => {}
            () = until(next), if next.is_some() => {}
        }
        let now = Instant::now();
        for socket in &sockets {
            // A flood must not keep the requests of this process waiting.
            for _ in 0..64 {
                let Ok((length, from)) = socket.try_recv_from(&mut buffer) else {
                    break;
                };
                let path = Path::udp(
                    SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), mdns::PORT),
                    from,
                );
                machine.handle_datagram(now, Datagram::new(path, &mut buffer[..length]));
            }
        }
        machine.handle_timeout(now);
        let mut message = Vec::new();
        while let Some(transmit) = machine.poll_transmit(now, &mut message) {
            for socket in &sockets {
                let _ = socket.try_send_to(&message, transmit.path.remote);
            }
            message.clear();
        }
        while let Some(event) = machine.poll_event() {
            let (name, address) = match event {
                mdns::Event::Resolved { name, address } => (name, Some(address)),
                mdns::Event::Failed { name } => (name, None),
            };
            let (asked, others) = std::mem::take(&mut waiting)
                .into_iter()
                .partition(|(waits_for, _)| *waits_for == name);
            waiting = others;
            for (_, reply) in Vec::into_iter(asked) {
                if let Some(address) = address {
                    let _ = oneshot::Sender::send(reply, address);
                }
            }
        }
    }
}

fn on_request(
    request: Request,
    machine: &mut Mdns,
    waiting: &mut Vec<(String, oneshot::Sender<IpAddr>)>,
) {
    match request {
        Request::Resolve(name, reply) => {
            let name = name.to_ascii_lowercase();
            if machine.resolve(Instant::now(), &name) {
                waiting.push((name, reply));
            }
        }
        Request::Register(name, address) => drop(machine.register(&name, address)),
        Request::Unregister(name) => machine.unregister(&name),
    }
}

/// One socket for each IPv4 interface, so that questions and answers leave on all of them.
fn bind_all() -> io::Result<Vec<UdpSocket>> {
    let mut addresses: Vec<Ipv4Addr> = if_addrs::get_if_addrs()?
        .iter()
        .filter_map(|interface| match interface.ip() {
            IpAddr::V4(ip) => Some(ip),
            IpAddr::V6(_) => None,
        })
        .collect();
    // Loopback carries names only between programs of a host that has nothing else.
    if addresses.iter().any(|ip| !ip.is_loopback()) {
        addresses.retain(|ip| !ip.is_loopback());
    }
    addresses.sort_unstable();
    addresses.dedup();
    Ok(addresses.iter().filter_map(|ip| bind(*ip).ok()).collect())
}

fn bind(interface: Ipv4Addr) -> io::Result<UdpSocket> {
    let socket = socket2::Socket::new(
        socket2::Domain::IPV4,
        socket2::Type::DGRAM,
        Some(socket2::Protocol::UDP),
    )?;
    // Others on this host answer for names of their own.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    let any = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), mdns::PORT);
    socket.bind(&any.into())?;
    socket.join_multicast_v4(&mdns::GROUP_V4, &interface)?;
    socket.set_multicast_if_v4(&interface)?;
    // RFC 6762 §11
    socket.set_multicast_ttl_v4(255)?;
    UdpSocket::from_std(socket.into())
}

async fn any_readable(sockets: &[UdpSocket]) {
    match sockets {
        [] => std::future::pending().await,
        [one] => drop(one.readable().await),
        [one, rest @ ..] => {
            tokio::select! {
                _ = one.readable() => {}
                () = Box::pin(any_readable(rest)) => {}
            }
        }
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
