//! Steps dns, tcp and proxy: is there a way to the server at all?

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tidewire::wire::Seen;
use tidewire::{Client, ConnectError, ConnectStage};
use tidewire_hub::certificate::{self, Certificate};
use tokio::net::{TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::finding::{Finding, took};
use super::place::Place;

/// The most addresses that are tried.
const ADDRESSES: usize = 16;

/// TLS with a server.
#[derive(Debug)]
pub(super) struct Secured {
    pub(super) version: &'static str,
    pub(super) cipher: &'static str,
    pub(super) alpn: Option<String>,
    pub(super) chain: Vec<Certificate>,
}

/// The way that a client went.
#[derive(Debug, Default)]
pub(super) struct Way {
    pub(super) proxy: Option<String>,
    pub(super) tls: Option<Secured>,
    pub(super) error: Option<ConnectError>,
    pub(super) took: Duration,
}

/// Goes to the server as a client would, up to its door.
pub(super) async fn way(client: Client, time: Duration) -> Way {
    let way = Arc::new(Mutex::new(Way::default()));
    let kept = way.clone();
    let began = Instant::now();
    let client = client.watch(move |seen| {
        let mut way = kept.lock().unwrap_or_else(PoisonError::into_inner);
        match seen {
            Seen::Proxy(url) => way.proxy = Some(url.to_owned()),
            Seen::Secured(stream) => {
                let chain = stream.peer_certificates();
                let alpn = stream.alpn();
                way.tls = Some(Secured {
                    version: stream.version(),
                    cipher: stream.cipher_suite(),
                    alpn: alpn.map(|name| String::from_utf8_lossy(name).into_owned()),
                    chain: chain.iter().map(|der| certificate::read(der)).collect(),
                });
            }
            _ => {}
        }
    });
    let stream = timeout(time, client.open_stream()).await;
    let late = ConnectError::Timeout(ConnectStage::Connect);
    let error = stream.map_or(Some(late), |stream| stream.err());
    let mut way = way.lock().unwrap_or_else(PoisonError::into_inner);
    Way {
        error,
        took: began.elapsed(),
        ..std::mem::take(&mut *way)
    }
}

/// Step dns, and the addresses.
pub(super) async fn dns(place: &Place, time: Duration) -> (Finding, Vec<SocketAddr>) {
    let step = "dns";
    if let Ok(ip) = place.host.parse() {
        let said = "the URL has an address, not a name";
        return (
            Finding::skipped(step, said),
            vec![SocketAddr::new(ip, place.port)],
        );
    }
    let host = &place.host;
    let check =
        "check the spelling, and whether the name is known where you are (a VPN, /etc/hosts)";
    let began = Instant::now();
    let found = timeout(time, lookup_host((host.as_str(), place.port))).await;
    let mut addresses: Vec<SocketAddr> = match found {
        Err(_) => {
            let said = format!("nobody answered in {} where {host} is", took(time));
            return (
                Finding::fail(step, said, "is there a way to your DNS server?"),
                vec![],
            );
        }
        Ok(Err(error)) => {
            return (
                Finding::fail(step, format!("{host} has no address: {error}"), check),
                vec![],
            );
        }
        Ok(Ok(found)) => found.collect(),
    };
    addresses.dedup();
    if addresses.is_empty() {
        return (
            Finding::fail(step, format!("{host} has no address"), check),
            addresses,
        );
    }
    let list: Vec<String> = addresses.iter().map(|a| a.ip().to_string()).collect();
    let said = format!("{host} is {} ({})", list.join(", "), took(began.elapsed()));
    addresses.truncate(ADDRESSES);
    (Finding::ok(step, said), addresses)
}

/// Step tcp: each of the addresses.
pub(super) async fn tcp(addresses: &[SocketAddr], time: Duration) -> Finding {
    let step = "tcp";
    let mut trying = JoinSet::new();
    for (number, &address) in addresses.iter().enumerate() {
        trying.spawn_local(async move {
            let began = Instant::now();
            let outcome = match timeout(time, TcpStream::connect(address)).await {
                Ok(Ok(_)) => Ok(began.elapsed()),
                Ok(Err(error)) => Err(refused(&error)),
                Err(_) => Err(format!("no answer in {}", took(time))),
            };
            (number, address, outcome)
        });
    }
    let mut tried = trying.join_all().await;
    tried.sort_by_key(|(number, ..)| *number);
    let answered = tried.iter().filter(|(.., outcome)| outcome.is_ok()).count();
    let lines: Vec<String> = tried
        .iter()
        .map(|(_, address, outcome)| match outcome {
            Ok(time) => format!("{address} answers in {}", took(*time)),
            Err(why) => format!("{address}: {why}"),
        })
        .collect();
    match (answered, &lines[..]) {
        (0, [one]) => Finding::fail(step, one, "is the server running, the port right, a firewall in between?"),
        (0, _) => Finding::fail(
            step,
            "no address answers",
            "is the server running, the port right, a firewall in between?",
        )
        .details(lines),
        (_, [one]) => Finding::ok(step, one),
        (count, all) if count == all.len() => {
            Finding::ok(step, format!("all {count} addresses answer")).details(lines)
        }
        (count, all) => Finding::warn(
            step,
            format!("{count} of {} addresses answer", all.len()),
            "clients lose time at the others: take them out of DNS, or have the server listen there",
        )
        .details(lines),
    }
}

fn refused(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::ConnectionRefused => "refused: nothing listens there".to_owned(),
        _ => error.to_string(),
    }
}
