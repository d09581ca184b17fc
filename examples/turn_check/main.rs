//! Shows whether a TURN server carries a call: two connections in this process talk through it, and nothing else.
//!
//!   turn_check --user NAME --password WORD [options] URI...
//!
//!   URI            turn:host[:port][?transport=udp|tcp] or turns:host[:port][?transport=udp|tcp]; several are raced
//!   --root FILE    believe certificates that lead to those in this PEM file, in place of the system's
//!   --ipv6         ask for IPv6 addresses on the server, in place of both families
//!   --count N      datagrams that each side sends, 5 ms apart (default 100)
//!   --refresh S    ask for permissions and channels again after so many seconds (default 240 and 300)
//!   --connections  in place of a call: a TCP allocation, a connection to a peer and one from it (RFC 6062)
//!   --move         in place of a call: an allocation that goes on from other sockets (RFC 8016)
//!
//! For time-limited credentials (TURN REST) the name is `expiry:user` and the word is made of it by the shared secret.
//! Prints one line of JSON.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program on a terminal, in real time"
)]

mod allocation;

use std::error::Error;
use std::time::{Duration, Instant};

use avocet::peer::{
    DataChannelInit, IceServer, Message, RelayStats, Reliability, SessionDescription,
};
use avocet::turn::Families;
use avocet::{DataChannel, Endpoint, EndpointConfig, Event, PeerConnection, ServerTrust, ice};
use serde_json::{Value, json};
use tokio::time::timeout;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// No step takes longer, unless something is wrong.
const PATIENCE: Duration = Duration::from_secs(30);

/// Between two datagrams.
const PACE: Duration = Duration::from_millis(5);

/// What is shown.
#[derive(Clone, Copy, Debug)]
enum What {
    Call,
    Connections,
    Moves,
}

#[derive(Debug)]
struct Options {
    user: String,
    password: String,
    root: Option<String>,
    count: usize,
    refresh: Option<u64>,
    ipv6: bool,
    what: What,
    uris: Vec<String>,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self> {
        let mut options = Self {
            user: String::new(),
            password: String::new(),
            root: None,
            count: 100,
            refresh: None,
            ipv6: false,
            what: What::Call,
            uris: Vec::new(),
        };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or("an option needs a value");
            match argument.as_str() {
                "--user" => options.user = value()?,
                "--password" => options.password = value()?,
                "--root" => options.root = Some(value()?),
                "--ipv6" => options.ipv6 = true,
                "--connections" => options.what = What::Connections,
                "--move" => options.what = What::Moves,
                "--count" => options.count = value()?.parse()?,
                "--refresh" => options.refresh = Some(value()?.parse()?),
                _ => options.uris.push(argument),
            }
        }
        Ok(options)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let options = Options::parse(std::env::args().skip(1))?;
    let report = match options.what {
        What::Call => call(&options).await?,
        What::Connections => allocation::connections(&options).await?,
        What::Moves => allocation::moves(&options).await?,
    };
    println!("{report}");
    Ok(())
}

async fn call(options: &Options) -> Result<Value> {
    let (ours, theirs) = (connection(options).await?, connection(options).await?);
    let started = Instant::now();
    let init = DataChannelInit {
        ordered: false,
        reliability: Reliability::MaxRetransmits(0),
        ..DataChannelInit::default()
    };
    let mut channel = ours.create_data_channel("check", init).await?;
    ours.offer().await?;
    theirs.answer(described(&ours).await?).await?;
    let answer = described(&theirs).await?;
    let gathered = started.elapsed();
    ours.set_remote_description(answer).await?;
    let mut other = timeout(PATIENCE, incoming(&theirs)).await??;
    timeout(PATIENCE, channel.opened()).await??;
    let connected = started.elapsed();
    let (first, second) = tokio::join!(
        exchange(&mut channel, options.count),
        exchange(&mut other, options.count)
    );
    let relays = [ours.stats().await?.relays, theirs.stats().await?.relays];
    let report = json!({
        "sent": options.count,
        "received": [first?, second?],
        "gatheredSeconds": gathered.as_secs_f64(),
        "connectedSeconds": connected.as_secs_f64(),
        "relays": relays.map(|relays| relays.iter().map(described_relay).collect::<Vec<_>>()),
    });
    ours.close().await;
    theirs.close().await;
    Ok(report)
}

async fn connection(options: &Options) -> Result<PeerConnection> {
    let mut config = EndpointConfig::default();
    for uri in &options.uris {
        let server = IceServer::with_credentials(uri.parse()?, &options.user, &options.password);
        config.ice_servers.push(server);
    }
    if let Some(file) = &options.root {
        let pem = std::fs::read_to_string(file)?;
        config.server_trust = ServerTrust::from_pem(&pem)?;
    }
    let endpoint = Endpoint::bind(config)?;
    let mut config = endpoint.connection_config()?;
    config.ice_policy = ice::Policy::Relay;
    if options.ipv6 {
        config.relay_families = Families::V6;
    }
    if let Some(seconds) = options.refresh {
        let after = Duration::from_secs(seconds);
        (
            config.relay_refresh.permission,
            config.relay_refresh.channel,
        ) = (after, after);
    }
    Ok(endpoint.peer_connection_with(config).await?)
}

/// The description with all candidates in it.
async fn described(connection: &PeerConnection) -> Result<SessionDescription> {
    timeout(PATIENCE, connection.gathered()).await??;
    let description = connection.local_description().await?;
    let description = description.ok_or("there is no description")?;
    if !description.sdp.contains(" typ relay") {
        return Err("the server granted no address".into());
    }
    Ok(description)
}

async fn incoming(connection: &PeerConnection) -> Result<DataChannel> {
    while let Some(event) = connection.next_event().await {
        if let Event::DataChannel(channel) = event {
            return Ok(channel);
        }
    }
    Err("the connection ended first".into())
}

/// Sends so many datagrams and counts those that arrive.
async fn exchange(channel: &mut DataChannel, count: usize) -> Result<usize> {
    let mut received = 0;
    for _ in 0..count {
        channel.send(Message::Binary(vec![7; 100].into())).await?;
        let next = tokio::time::Instant::now() + PACE;
        while let Ok(Some(_)) = tokio::time::timeout_at(next, channel.recv()).await {
            received += 1;
        }
    }
    while received < count {
        match timeout(Duration::from_secs(2), channel.recv()).await {
            Ok(Some(_)) => received += 1,
            Ok(None) | Err(_) => break,
        }
    }
    Ok(received)
}

fn described_relay(relay: &RelayStats) -> Value {
    json!({
        "transport": format!("{:?}", relay.transport),
        "relayed": relay.relayed.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "roundTripSeconds": relay.round_trip_time.map(|time| time.as_secs_f64()),
        "permissionsGranted": relay.client.permissions_granted,
        "channelsGranted": relay.client.channels_granted,
        "allocationRefreshes": relay.client.allocation_refreshes,
        "messagesSent": relay.client.messages_sent,
        "messagesReceived": relay.client.messages_received,
    })
}
