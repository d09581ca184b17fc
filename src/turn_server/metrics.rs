//! Counters in the text format of Prometheus.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use turn::server::{Answers, Drops, Stats};

use super::StartError;
use super::shard::{Control, Counts};

/// Answers over HTTP until it is aborted.
pub(super) async fn serve(
    address: SocketAddr,
    shards: Vec<mpsc::UnboundedSender<Control>>,
) -> Result<(SocketAddr, AbortHandle), StartError> {
    let error = |error| StartError::Bind { address, error };
    let listener = TcpListener::bind(address).await.map_err(error)?;
    let bound = listener.local_addr().map_err(error)?;
    let task = tokio::spawn(async move {
        loop {
            // One at a time: who asks is the operator's, and few.
            if let Ok((stream, _)) = listener.accept().await {
                let _ = timeout(Duration::from_secs(5), answer(stream, &shards)).await;
            }
        }
    });
    Ok((bound, task.abort_handle()))
}

async fn answer(
    mut stream: TcpStream,
    shards: &[mpsc::UnboundedSender<Control>],
) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.windows(4).any(|it| it == b"\r\n\r\n") && request.len() < 8_192 {
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let (status, body) = if request.starts_with(b"GET /metrics ") {
        ("200 OK", text(&collect(shards).await))
    } else {
        ("404 Not Found", "only /metrics\n".to_owned())
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}

/// Asks every shard.
pub(super) async fn collect(shards: &[mpsc::UnboundedSender<Control>]) -> Vec<Counts> {
    let mut all = Vec::new();
    for shard in shards {
        let (reply, answer) = oneshot::channel();
        if shard.send(Control::Count(reply)).is_ok()
            && let Ok(counts) = answer.await
        {
            all.push(counts);
        }
    }
    all
}

macro_rules! add {
    ($to:expr, $from:expr, $($field:ident)*) => { $($to.$field += $from.$field;)* };
}

/// All shards together.
pub(super) fn sum<'a>(all: impl Iterator<Item = &'a Stats>) -> Stats {
    let mut total = Stats::default();
    for it in all {
        add!(total, it, allocations streams allocated released expired bindings packets_to_peers bytes_to_peers
            packets_to_clients bytes_to_clients);
        add!(total.answers, it.answers, success code_300 code_400 code_401 code_403 code_405 code_420 code_437
            code_438 code_440 code_441 code_442 code_443 code_446 code_447 code_486 code_500 code_508);
        add!(total.drops, it.drops, malformed strangers no_allocation no_permission no_channel forbidden rate
            too_long overflow streams stale);
    }
    total
}

fn text(all: &[Counts]) -> String {
    let mut out = String::new();
    let stats = sum(all.iter().map(|counts| &counts.server));
    let mut one = |name: &str, kind: &str, help: &str, rows: &[(&str, u64)]| {
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (labels, value) in rows {
            let _ = writeln!(out, "{name}{labels} {value}");
        }
    };
    one(
        "avocet_turn_allocations",
        "gauge",
        "Allocations that stand.",
        &[("", stats.allocations)],
    );
    one(
        "avocet_turn_streams",
        "gauge",
        "Streams of clients.",
        &[("", stats.streams)],
    );
    one(
        "avocet_turn_allocations_total",
        "counter",
        "Allocations by what became of them.",
        &[
            ("{outcome=\"made\"}", stats.allocated),
            ("{outcome=\"released\"}", stats.released),
            ("{outcome=\"expired\"}", stats.expired),
        ],
    );
    one(
        "avocet_stun_bindings_total",
        "counter",
        "Binding requests answered.",
        &[("", stats.bindings)],
    );
    one(
        "avocet_turn_relayed_packets_total",
        "counter",
        "Datagrams relayed.",
        &[
            ("{to=\"peer\"}", stats.packets_to_peers),
            ("{to=\"client\"}", stats.packets_to_clients),
        ],
    );
    one(
        "avocet_turn_relayed_bytes_total",
        "counter",
        "Payload relayed.",
        &[
            ("{to=\"peer\"}", stats.bytes_to_peers),
            ("{to=\"client\"}", stats.bytes_to_clients),
        ],
    );
    one(
        "avocet_turn_answers_total",
        "counter",
        "Answers by code.",
        &answers(&stats.answers),
    );
    one(
        "avocet_turn_drops_total",
        "counter",
        "What was thrown away, by reason.",
        &drops(&stats.drops),
    );
    let total = |of: fn(&Counts) -> u64| all.iter().map(of).sum::<u64>();
    one(
        "avocet_turn_socket_drops_total",
        "counter",
        "What sockets did not take, by reason.",
        &[
            ("{reason=\"udp\"}", total(|it| it.udp_refused)),
            ("{reason=\"slow_stream\"}", total(|it| it.stream_dropped)),
            ("{reason=\"handshakes\"}", total(|it| it.tls_refused)),
        ],
    );
    out
}

fn answers(it: &Answers) -> [(&'static str, u64); 18] {
    [
        ("{code=\"0\"}", it.success),
        ("{code=\"300\"}", it.code_300),
        ("{code=\"400\"}", it.code_400),
        ("{code=\"401\"}", it.code_401),
        ("{code=\"403\"}", it.code_403),
        ("{code=\"405\"}", it.code_405),
        ("{code=\"420\"}", it.code_420),
        ("{code=\"437\"}", it.code_437),
        ("{code=\"438\"}", it.code_438),
        ("{code=\"440\"}", it.code_440),
        ("{code=\"441\"}", it.code_441),
        ("{code=\"442\"}", it.code_442),
        ("{code=\"443\"}", it.code_443),
        ("{code=\"446\"}", it.code_446),
        ("{code=\"447\"}", it.code_447),
        ("{code=\"486\"}", it.code_486),
        ("{code=\"500\"}", it.code_500),
        ("{code=\"508\"}", it.code_508),
    ]
}

fn drops(it: &Drops) -> [(&'static str, u64); 11] {
    [
        ("{reason=\"malformed\"}", it.malformed),
        ("{reason=\"strangers\"}", it.strangers),
        ("{reason=\"no_allocation\"}", it.no_allocation),
        ("{reason=\"no_permission\"}", it.no_permission),
        ("{reason=\"no_channel\"}", it.no_channel),
        ("{reason=\"forbidden\"}", it.forbidden),
        ("{reason=\"rate\"}", it.rate),
        ("{reason=\"too_long\"}", it.too_long),
        ("{reason=\"overflow\"}", it.overflow),
        ("{reason=\"streams\"}", it.streams),
        ("{reason=\"stale\"}", it.stale),
    ]
}
