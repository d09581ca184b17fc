//! A call between a browser and a Rust program: `cargo run --release --example call`, then open the address it prints.
//!
//! The page calls the program; the program sends picture and sound back and echoes the chat. Two tabs in the same room
//! are connected with each other instead. Nothing here is special: it is the public API and a small web server.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stdout,
    reason = "a program, not a protocol: it listens, prints and shares its rooms"
)]

mod options;
mod report;
mod rooms;
mod tls;
mod web;

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use avocet::dtls::Versions;
use avocet::ice::Policy;
use avocet::peer::IceServer;
use avocet::{Endpoint, EndpointConfig, ServerTrust};
use tokio::net::TcpListener;

use options::Options;
use rooms::Rooms;

/// How many ports after the one asked for are tried when it is taken.
const PORTS_TRIED: u16 = 20;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            print!("{}", options::HELP);
            return Ok(());
        }
        Err(problem) => {
            eprint!("{problem}\n\n{}", options::HELP);
            std::process::exit(2);
        }
    };
    let mut config = EndpointConfig::default();
    config.port = options.media_port;
    config.announced_addresses.clone_from(&options.announce);
    config.tcp_port = options.tcp_port;
    config.hide_host_addresses = options.hide;
    for uri in &options.turn {
        let (user, password) = (&options.turn_user, &options.turn_password);
        let server = IceServer::with_credentials(uri.clone(), user, password);
        config.ice_servers.push(server);
    }
    if let Some(file) = &options.turn_root {
        config.server_trust = ServerTrust::from_pem(&std::fs::read_to_string(file)?)?;
    }
    if options.relay {
        config.ice_policy = Policy::Relay;
    }
    if options.dtls_1_2 {
        config.dtls_versions = Versions::DTLS_1_2;
    }
    let endpoint = Endpoint::bind(config)?;
    let mut ports: Vec<_> = endpoint.addresses().iter().map(SocketAddr::port).collect();
    ports.dedup();
    let rooms = Arc::new(Rooms::new(endpoint.clone(), ports.clone()));

    if options.lan {
        let Some(address) = lan_address(&endpoint) else {
            return Err("no network address to serve on: is this machine on a network?".into());
        };
        let listener = listen(
            Ipv4Addr::UNSPECIFIED.into(),
            options.http_port.unwrap_or(8443),
        )
        .await?;
        let url = format!("https://{address}:{}/", listener.local_addr()?.port());
        println!("{}", tls::qr_code(&url)?);
        println!("{url}");
        println!(
            "The certificate was made just now, so the browser warns first: choose \"Advanced\", then go on to the site.\n\
             Media travels over UDP to port {}; the firewall must let it in.",
            list(&ports)
        );
        web::serve(listener, Some(tls::acceptor(address)?), rooms).await;
    } else {
        let listener = listen(
            Ipv4Addr::LOCALHOST.into(),
            options.http_port.unwrap_or(8080),
        )
        .await?;
        println!("http://127.0.0.1:{}/", listener.local_addr()?.port());
        println!(
            "Open it in a browser on this machine. For a phone or another machine: start with --lan.\n\
             Media travels over UDP to port {}.",
            list(&ports)
        );
        web::serve(listener, None, rooms).await;
    }
    Ok(())
}

/// Binds the port, or the next free one after it.
async fn listen(ip: IpAddr, port: u16) -> Result<TcpListener, Box<dyn Error>> {
    let mut last = None;
    for port in port..=port.saturating_add(PORTS_TRIED) {
        match TcpListener::bind((ip, port)).await {
            Ok(listener) => return Ok(listener),
            Err(error) => last = Some(error),
        }
    }
    let reason = last.map(|error| error.to_string()).unwrap_or_default();
    Err(format!("no free port from {port} on: {reason}; choose another with --port").into())
}

/// The address that a phone on the same network would reach: private IPv4 first.
fn lan_address(endpoint: &Endpoint) -> Option<IpAddr> {
    let usable = |ip: &IpAddr| !ip.is_loopback();
    let mut addresses: Vec<_> = endpoint
        .addresses()
        .iter()
        .map(SocketAddr::ip)
        .filter(usable)
        .collect();
    addresses.sort_by_key(|ip| match ip {
        IpAddr::V4(ip) if ip.is_private() => 0,
        IpAddr::V4(_) => 1,
        IpAddr::V6(_) => 2,
    });
    addresses.into_iter().find(IpAddr::is_ipv4)
}

fn list(ports: &[u16]) -> String {
    ports
        .iter()
        .map(u16::to_string)
        .collect::<Vec<_>>()
        .join(" and ")
}
