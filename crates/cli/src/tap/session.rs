//! One connection through a tap: the request goes to the server, its answer back, then frames both ways.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use tidewire::{HeadLimits, Io};
use tidewire_proto::handshake::http1::{RequestReader, ResponseReader};
use tidewire_proto::handshake::server::is_upgrade;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional, split};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

use super::ear::agreed;
use super::faults::{After, Faults};
use super::guard::Guard;
use super::head::Changes;
use super::log::Log;
use super::pump::{Both, Pump};
use crate::dial::Dial;
use crate::record::{self, Dir, Opening};
use crate::term::Style;

/// How long a client may take for its request.
const PATIENCE: Duration = Duration::from_secs(30);

/// After one side has ended its stream, the other has this long.
const LINGER: Duration = Duration::from_secs(60);

/// What all connections have in common.
#[derive(Debug)]
pub(super) struct Tap {
    pub(super) dial: Dial,
    pub(super) changes: Changes,
    pub(super) guard: Guard,
    pub(super) faults: Faults,
    pub(super) log: Rc<RefCell<Log>>,
    /// Whether the log and the recording hold what gives access.
    pub(super) secrets: bool,
    /// All conversations end.
    pub(super) stop: Notify,
}

/// A head, and what came behind it.
struct Head<T> {
    parsed: T,
    raw: Vec<u8>,
    rest: Vec<u8>,
}

impl Tap {
    /// Serves a client to its end.
    pub(super) async fn serve(&self, conn: u32, name: String, mut client: Box<dyn Io>) {
        let note = |style, words: &str| self.log.borrow_mut().note(conn, style, words);
        let asked = match timeout(PATIENCE, request(&mut client)).await {
            Ok(Ok(asked)) => asked,
            Ok(Err(None)) => return,
            Ok(Err(Some(why))) => {
                note(Style::Bad, &format!("{name}: no request: {why}"));
                return refuse(&mut client, StatusCode::BAD_REQUEST, &why).await;
            }
            Err(_) => return note(Style::Bad, &format!("{name}: no request in time")),
        };
        if let Err(why) = self.guard.judge(asked.parsed.headers()) {
            note(Style::Bad, &format!("{name}: refused: {why}"));
            return refuse(&mut client, StatusCode::FORBIDDEN, &why).await;
        }
        let path = asked.parsed.uri().to_string();
        let mut url = self.changes.url(&path);
        if !self.secrets {
            url = record::bare(&url);
        }
        self.log.borrow_mut().connected(conn, &name, &url);
        let began = Instant::now();
        let mut server = match self.reach().await {
            Ok(server) => server,
            Err(why) => {
                note(Style::Bad, &format!("no connection to the server: {why}"));
                return refuse(&mut client, StatusCode::BAD_GATEWAY, &why).await;
            }
        };
        let upgrade = is_upgrade(&asked.parsed);
        let sent = self.changes.apply(&asked.raw, upgrade);
        let early = if upgrade { &[][..] } else { &asked.rest[..] };
        let written = server.write_all(&[&sent[..], early].concat()).await;
        if written.and(server.flush().await).is_err() {
            let why = "the server closed the connection at once";
            note(Style::Bad, why);
            return refuse(&mut client, StatusCode::BAD_GATEWAY, why).await;
        }
        let answer = response(&mut server).await;
        let passed = client.write_all(&answer.raw).await;
        if passed.and(client.flush().await).is_err() {
            return note(Style::Bad, "the client went away before the answer");
        }
        match answer.parsed {
            Ok(response) if upgrade && response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                let opening = self.opening(url, &sent, &answer.raw, &response, began.elapsed());
                self.log.borrow_mut().opened(conn, &opening);
                let agreed = agreed(response.headers());
                let ways = [(client, asked.rest), (server, answer.rest)];
                return self.converse(conn, ways, agreed).await;
            }
            Ok(response) => note(
                Style::Bad,
                &format!("answered {}: no WebSocket", response.status()),
            ),
            Err(why) => note(Style::Bad, &format!("the server's answer is none: {why}")),
        }
        _ = client.write_all(&answer.rest).await;
        _ = copy_bidirectional(&mut client, &mut server).await;
    }

    async fn reach(&self) -> Result<Box<dyn Io>, String> {
        match timeout(self.dial.patience(), self.dial.client().open_stream()).await {
            Ok(opened) => opened.map_err(|error| error.to_string()),
            Err(_) => Err("no answer in time (--connect-timeout)".to_owned()),
        }
    }

    fn opening(
        &self,
        url: String,
        sent: &[u8],
        answer: &[u8],
        response: &Response<()>,
        took: Duration,
    ) -> Opening {
        let text = |name: http::HeaderName| {
            let values = response.headers().get_all(name);
            let texts: Vec<_> = values
                .iter()
                .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
                .collect();
            (!texts.is_empty()).then(|| texts.join(", "))
        };
        Opening {
            url,
            request: record::headers(sent, self.secrets),
            response: record::headers(answer, self.secrets),
            subprotocol: text(http::header::SEC_WEBSOCKET_PROTOCOL),
            compression: text(http::header::SEC_WEBSOCKET_EXTENSIONS),
            took,
        }
    }

    /// Passes frames on both ways until both ends are reached, or the connection is to be cut.
    async fn converse(
        &self,
        conn: u32,
        [(client, from_client), (server, from_server)]: [(Box<dyn Io>, Vec<u8>); 2],
        agreed: super::ear::Agreed,
    ) {
        let both = Rc::new(Both::new(conn, self.log.clone(), &self.faults));
        let pump = |dir| Pump::new(both.clone(), dir, &self.faults, agreed);
        let (client_read, client_write) = split(client);
        let (server_read, server_write) = split(server);
        let out = pump(Dir::Out).run(from_client, client_read, server_write);
        let back = pump(Dir::In).run(from_server, server_read, client_write);
        let ways = async {
            let (mut out, mut back) = (std::pin::pin!(out), std::pin::pin!(back));
            tokio::select! {
                () = &mut out => { _ = timeout(LINGER, back).await; }
                () = &mut back => { _ = timeout(LINGER, out).await; }
            }
        };
        let time = match self.faults.close_after {
            Some(After::Time(time)) => Some(time),
            _ => None,
        };
        tokio::select! {
            () = ways => {}
            () = self.stop.notified() => {}
            () = sleep(time.unwrap_or_default()), if time.is_some() => {
                self.log.borrow_mut().note(conn, Style::Bad, "cut (--close-after)");
            }
        }
        let (close, counts) = (both.close.take(), *both.counts.borrow());
        self.log.borrow_mut().ended(conn, close, counts);
    }
}

/// A tap refuses no head that one of both sides might take.
fn limits() -> HeadLimits {
    let mut limits = HeadLimits::default();
    limits.max_bytes = 256 * 1024;
    limits.max_headers = 1000;
    limits
}

/// Reads a client's request. Err(None): it went away without a word.
async fn request(client: &mut Box<dyn Io>) -> Result<Head<Request<()>>, Option<String>> {
    let mut reader = RequestReader::new(limits());
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let count = client.read(&mut buffer).await.unwrap_or(0);
        if count == 0 {
            let some = !reader.raw().is_empty();
            return Err(some.then(|| reader.receive_eof().to_string()));
        }
        let mut input = &buffer[..count];
        match reader.receive(&mut input) {
            Ok(None) => {}
            Ok(Some(parsed)) => {
                let rest = input.to_vec();
                return Ok(Head {
                    parsed,
                    raw: reader.into_raw(),
                    rest,
                });
            }
            Err(error) => return Err(Some(error.to_string())),
        }
    }
}

/// Reads the server's answer; if it is none, what came of it, to be passed on as it is.
async fn response(server: &mut Box<dyn Io>) -> Head<Result<Response<()>, String>> {
    let mut reader = ResponseReader::new(limits());
    let mut buffer = vec![0; 16 * 1024];
    let mut came = Vec::new();
    loop {
        let read: io::Result<usize> = server.read(&mut buffer).await;
        let count = read.unwrap_or(0);
        let mut input = &buffer[..count];
        came.extend_from_slice(input);
        let wrong = match reader.receive(&mut input) {
            Ok(Some(parsed)) => {
                let rest = input.to_vec();
                came.truncate(came.len() - rest.len());
                return Head {
                    parsed: Ok(parsed),
                    raw: came,
                    rest,
                };
            }
            Ok(None) if count > 0 => continue,
            Ok(None) => reader.receive_eof().to_string(),
            Err(error) => error.to_string(),
        };
        return Head {
            parsed: Err(wrong),
            raw: came,
            rest: Vec::new(),
        };
    }
}

/// Answers a client that cannot be served.
async fn refuse(client: &mut Box<dyn Io>, status: StatusCode, why: &str) {
    let body = format!("tidewire tap: {why}\n");
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    _ = client.write_all(answer.as_bytes()).await;
    _ = client.shutdown().await;
}
