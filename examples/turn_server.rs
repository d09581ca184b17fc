//! A TURN and STUN server from a configuration file: `cargo run --release --example turn_server -- CONFIG`.
//!
//! SIGTERM and Ctrl-C let its clients finish, SIGHUP reads the file and the certificates again. `docs/turn_server.md` is the guide.
#![allow(clippy::print_stdout, reason = "a program talks to its user")]

use std::error::Error;
use std::path::Path;

use avocet::turn_server::{Settings, TurnServer};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let path = std::env::args().nth(1).ok_or("which configuration file?")?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run(Path::new(&path)))
}

fn read(path: &Path) -> Outcome<Settings> {
    let text =
        std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Settings::parse(&text).map_err(|error| format!("{}: {error}", path.display()).into())
}

async fn run(path: &Path) -> Outcome<()> {
    let settings = read(path)?;
    let server = TurnServer::start(&settings).await?;
    for listener in server.listeners() {
        println!("{:?} {}", listener.transport, listener.address);
    }
    if let Some(address) = server.metrics_address() {
        println!("http://{address}/metrics");
    }
    println!("ready");
    wait(&server, path).await?;
    println!("draining");
    server.drain(settings.alternate);
    tokio::select! {
        drained = server.drained(settings.drain) => {
            println!("{}", if drained { "every client is gone" } else { "time is up" });
        }
        // Who asks twice means it.
        _ = tokio::signal::ctrl_c() => {}
    }
    server.stop().await;
    Ok(())
}

/// Until somebody wants the end.
#[cfg(unix)]
async fn wait(server: &TurnServer, path: &Path) -> Outcome<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            it = tokio::signal::ctrl_c() => return Ok(it?),
            _ = hang_up.recv() => match read(path).and_then(|it| Ok(server.reload(&it)?)) {
                Ok(()) => println!("read again"),
                // What is there goes on.
                Err(error) => println!("{error}"),
            },
        }
    }
}

#[cfg(not(unix))]
async fn wait(_: &TurnServer, _: &Path) -> Outcome<()> {
    Ok(tokio::signal::ctrl_c().await?)
}
