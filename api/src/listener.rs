//! The public listener: connections within limits, and a stop that drops no request.
//!
//! Always: a client that sends its request too slowly or with too large a head is cut off; a request that was accepted is
//! answered, even when the server is told to stop meanwhile. `axum::serve` sets neither limit, hence this loop.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

use crate::problem::Chain;

/// Longest time a client may take to send the head of a request; a phone on a bad line needs a second.
const HEAD_TIME_MAX: Duration = Duration::from_secs(10);
/// Largest head of a request: a session, a trace and a long query string take some 4 kB.
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// Most header fields of a request; browsers send about twenty.
const HEADERS_MAX: usize = 64;
/// How long requests that were accepted may still take once the server is told to stop.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(20);
/// Pause after an accept that failed, as when the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Serves until `stop`, then answers what was accepted.
pub async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    let connections = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => answer(stream, peer, router.clone(), &connections),
                Err(error) => refused(&error).await,
            },
            () = &mut stop => break,
        }
    }
    drop(listener);
    if tokio::time::timeout(DRAIN_TIME_MAX, connections.shutdown()).await.is_err() {
        tracing::warn!("some requests were still running when the server stopped");
    }
}

fn answer(stream: TcpStream, peer: SocketAddr, router: Router, connections: &GracefulShutdown) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY cannot be set");
    }
    let service = service_fn(move |request: hyper::Request<Incoming>| handle(request, peer, router.clone()));
    // HTTP/1 only: without TLS no browser speaks anything else, proxies speak it to us, and a connection that may become
    // HTTP/2 has no limit on the time it may stay silent.
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX);
    let connection = connections.watch(builder.serve_connection(TokioIo::new(stream), service).into_owned());
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            // Clients go away in the middle of things every day.
            tracing::debug!(cause = %Chain(error.as_ref()), "a connection ended early");
        }
    });
}

async fn handle(
    request: hyper::Request<Incoming>,
    peer: SocketAddr,
    router: Router,
) -> Result<Response, Infallible> {
    let mut request: Request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    router.oneshot(request).await
}

async fn refused(error: &io::Error) {
    let of_the_client = matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    );
    if !of_the_client {
        tracing::error!(%error, "a connection cannot be accepted");
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}
