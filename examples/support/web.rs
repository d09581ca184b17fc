//! What the examples with a browser share: a page, and `POST /offer` that answers an offer.

use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

/// What the page does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Page {
    /// It sends camera and microphone.
    #[allow(dead_code, reason = "each example has one kind of page")]
    Sends,
    /// It shows what the program sends.
    #[allow(dead_code, reason = "each example has one kind of page")]
    Receives,
}

/// The largest offer taken: a browser's is a tenth of it.
const OFFER_BYTES: usize = 256 << 10;

/// Prints the address of the page and serves it. `answer` turns the SDP of an offer into that of an answer, or says why not.
pub(crate) async fn serve<F, A>(
    page: Page,
    port: u16,
    answer: F,
) -> Result<(), Box<dyn Error + Send + Sync>>
where
    F: Fn(String) -> A + Send + Sync + 'static,
    A: Future<Output = Result<String, String>> + Send,
{
    let role = match page {
        Page::Sends => "sends",
        Page::Receives => "receives",
    };
    let html: Bytes = include_str!("page.html").replace("ROLE", role).into();
    let answer = Arc::new(answer);
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("http://127.0.0.1:{}/", listener.local_addr()?.port());
    loop {
        let (stream, _) = listener.accept().await?;
        let (html, answer) = (html.clone(), Arc::clone(&answer));
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let (html, answer) = (html.clone(), Arc::clone(&answer));
                async move { Ok::<_, Infallible>(respond(request, html, &*answer).await) }
            });
            // A browser that goes away in the middle is no news.
            let mut http = hyper::server::conn::http1::Builder::new();
            let served = http
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), service);
            let _ = served.await;
        });
    }
}

async fn respond<F, A>(request: Request<Incoming>, html: Bytes, answer: &F) -> Response<Full<Bytes>>
where
    F: Fn(String) -> A,
    A: Future<Output = Result<String, String>>,
{
    let reply = |status, kind, text: Bytes| {
        let mut response = Response::new(Full::new(text));
        *response.status_mut() = status;
        let kind = hyper::header::HeaderValue::from_static(kind);
        response.headers_mut().insert(CONTENT_TYPE, kind);
        response
    };
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/") => reply(StatusCode::OK, "text/html; charset=utf-8", html),
        (&Method::POST, "/offer") => {
            let body = Limited::new(request.into_body(), OFFER_BYTES).collect();
            let offer = body.await.map(|body| body.to_bytes()).unwrap_or_default();
            match answer(String::from_utf8_lossy(&offer).into_owned()).await {
                Ok(sdp) => reply(StatusCode::OK, "application/sdp", sdp.into()),
                Err(why) => reply(StatusCode::BAD_REQUEST, "text/plain", why.into()),
            }
        }
        _ => reply(StatusCode::NOT_FOUND, "text/plain", "not here".into()),
    }
}
