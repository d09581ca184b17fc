use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::rooms::{CallError, Rooms};

/// The largest request body: an offer of a browser is a tenth of it.
const BODY_BYTES: usize = 256 << 10;
/// Connections at one time; more wait in the listener's queue.
const CONNECTIONS: usize = 256;
/// How long a connection may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(10);

const FILES: &[(&str, &str, &str)] = &[
    ("/", "text/html; charset=utf-8", include_str!("page.html")),
    (
        "/page.css",
        "text/css; charset=utf-8",
        include_str!("page.css"),
    ),
    (
        "/page.js",
        "text/javascript; charset=utf-8",
        include_str!("page.js"),
    ),
    (
        "/source.js",
        "text/javascript; charset=utf-8",
        include_str!("source.js"),
    ),
];

/// Serves the page and the signalling until the process ends.
pub(crate) async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>, rooms: Arc<Rooms>) {
    let places = Arc::new(tokio::sync::Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors, most likely: give the others time to close theirs.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (tls, rooms) = (tls.clone(), Arc::clone(&rooms));
        tokio::spawn(async move {
            let _place = place;
            match tls {
                None => converse(TokioIo::new(stream), rooms).await,
                Some(acceptor) => {
                    if let Ok(Ok(stream)) =
                        tokio::time::timeout(PATIENCE, acceptor.accept(stream)).await
                    {
                        converse(TokioIo::new(stream), rooms).await;
                    }
                }
            }
        });
    }
}

async fn converse<S>(stream: S, rooms: Arc<Rooms>)
where
    S: hyper::rt::Read + hyper::rt::Write + Unpin,
{
    let service = service_fn(move |request| {
        let rooms = Arc::clone(&rooms);
        async move { Ok::<_, Infallible>(respond(request, &rooms).await) }
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    // A browser that goes away in the middle is no news.
    let _ = http.serve_connection(stream, service).await;
}

async fn respond(request: Request<Incoming>, rooms: &Arc<Rooms>) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    if parts.method == Method::GET
        && let Some((_, kind, text)) = FILES.iter().find(|(name, ..)| *name == path)
    {
        return reply(StatusCode::OK, kind, Bytes::from_static(text.as_bytes()));
    }
    let read = tokio::time::timeout(PATIENCE, Limited::new(body, BODY_BYTES).collect());
    let Ok(Ok(body)) = read.await else {
        return refuse(
            StatusCode::PAYLOAD_TOO_LARGE,
            "The request is too large or came too slowly.",
        );
    };
    let body = body.to_bytes();
    let body = match body.is_empty() {
        true => Value::Null,
        false => match serde_json::from_slice(&body) {
            Ok(value) => value,
            Err(error) => {
                return refuse(
                    StatusCode::BAD_REQUEST,
                    &format!("The request is no JSON: {error}."),
                );
            }
        },
    };
    let words: Vec<&str> = path.split('/').skip(1).collect();
    let outcome = match (&parts.method, words.as_slice()) {
        (&Method::POST, ["calls"]) => rooms.begin(text(&body, "room"), body["sdp"].as_str()).await,
        (&Method::POST, ["calls", id, "answer"]) => rooms.answer(id, text(&body, "sdp")).await,
        (&Method::POST, ["calls", id, "candidate"]) => {
            rooms.candidate(id, text(&body, "candidate")).await
        }
        (&Method::POST, ["calls", id, "end"]) => rooms.end(id).await,
        (&Method::GET, ["calls", id, "stats"]) => rooms.stats(id).await,
        _ => Err(CallError::NotFound),
    };
    match outcome {
        Ok(value) => reply(StatusCode::OK, "application/json", value.to_string().into()),
        Err(CallError::NotFound) => refuse(
            StatusCode::NOT_FOUND,
            "There is no such call: it has ended.",
        ),
        Err(CallError::Full) => refuse(
            StatusCode::CONFLICT,
            "Two are in this room already. Choose another name.",
        ),
        Err(CallError::Busy) => refuse(
            StatusCode::SERVICE_UNAVAILABLE,
            "Too many calls at one time. Try again later.",
        ),
        Err(CallError::Refused(why)) => refuse(StatusCode::BAD_REQUEST, &why),
    }
}

fn text<'a>(body: &'a Value, name: &str) -> &'a str {
    body[name].as_str().unwrap_or_default()
}

fn refuse(status: StatusCode, why: &str) -> Response<Full<Bytes>> {
    reply(
        status,
        "application/json",
        json!({ "error": why }).to_string().into(),
    )
}

fn reply(status: StatusCode, kind: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(kind));
    response.headers_mut().insert(
        CACHE_CONTROL,
        hyper::header::HeaderValue::from_static("no-store"),
    );
    response
}
