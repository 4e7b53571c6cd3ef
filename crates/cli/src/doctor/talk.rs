//! Steps ping, close and idle: how the server behaves over an open WebSocket.

use std::time::Duration;

use tokio::time::Instant;

use super::Patient;
use super::finding::{Finding, took};
use crate::raw::frame::PING;
use crate::raw::{Arrived, Frame, Gone, Peer};

/// How many Pings are sent.
const PINGS: u8 = 5;

/// What came before what was awaited, in words.
fn told(arrived: &Arrived) -> String {
    match arrived {
        Arrived::Close(Some(code), reason) => {
            let reason = crate::term::lossy_block(reason, 123);
            format!("the server closed with {code} ({reason})")
        }
        Arrived::Close(None, _) => "the server closed without a code".to_owned(),
        Arrived::Wrong(why) => format!("the server sent {why}"),
        Arrived::Gone(gone) => gone.to_string(),
        Arrived::Message { .. } | Arrived::Pong(_) | Arrived::Ping(_) => "more came".to_owned(),
    }
}

/// Waits for the Pong with this data; messages of the server's own are passed over.
async fn pong(peer: &mut Peer, data: &[u8], time: Duration) -> Result<Duration, Arrived> {
    let began = Instant::now();
    peer.send(&Frame::new(PING, data).bytes(), time).await;
    loop {
        match peer.next(time.saturating_sub(began.elapsed())).await {
            Arrived::Pong(came) if came == data => return Ok(began.elapsed()),
            Arrived::Message { .. } | Arrived::Pong(_) => {}
            other => return Err(other),
        }
    }
}

/// Step ping.
pub(super) async fn ping(patient: &Patient) -> Finding {
    let step = "ping";
    let mut peer = match patient.site.open(None, patient.time).await {
        Ok((peer, _)) => peer,
        Err(why) => {
            return Finding::fail(
                step,
                format!("no second WebSocket: {why}"),
                "is there a limit of connections?",
            );
        }
    };
    let mut times = Vec::new();
    for number in 0..PINGS {
        match pong(&mut peer, &[b'0' + number], patient.time).await {
            Ok(time) => times.push(time),
            Err(Arrived::Gone(Gone::Silent(_))) => break,
            Err(other) => {
                return Finding::fail(
                    step,
                    format!("after {} of {PINGS} Pings {}", times.len(), told(&other)),
                    "the server may want a message first, or breaks the protocol",
                );
            }
        }
    }
    peer.send(&Frame::close(Some(1000), b"").bytes(), patient.time)
        .await;
    times.sort();
    let keepalive = "a server must answer Pings (RFC 6455 §5.5.2); keep the connection alive with messages until it does";
    match &times[..] {
        [] => Finding::fail(
            step,
            format!("no Pong in {}", took(patient.time)),
            keepalive,
        ),
        [least, .., most] if times.len() == usize::from(PINGS) => Finding::ok(
            step,
            format!(
                "{PINGS} Pings answered in {} (least {}, most {})",
                took(times[times.len() / 2]),
                took(*least),
                took(*most)
            ),
        ),
        some => Finding::warn(
            step,
            format!("only {} of {PINGS} Pings were answered", some.len()),
            keepalive,
        ),
    }
}

/// A WebSocket of the step's own.
async fn another(patient: &Patient, step: &'static str) -> Result<Peer, Finding> {
    let opened = patient.site.open(None, patient.time).await;
    opened.map(|(peer, _)| peer).map_err(|why| {
        Finding::fail(
            step,
            format!("no further WebSocket: {why}"),
            "is there a limit of connections?",
        )
    })
}

/// Step close.
pub(super) async fn close(patient: &Patient) -> Finding {
    let step = "close";
    let mut peer = match another(patient, step).await {
        Ok(peer) => peer,
        Err(finding) => return finding,
    };
    let began = Instant::now();
    peer.send(&Frame::close(Some(1000), b"").bytes(), patient.time)
        .await;
    let answer = loop {
        match peer
            .next(patient.time.saturating_sub(began.elapsed()))
            .await
        {
            Arrived::Message { .. } | Arrived::Pong(_) => {}
            other => break other,
        }
    };
    let time = began.elapsed();
    let must =
        "a server must answer a Close with a Close (RFC 6455 §5.5.1): clients see 1006 otherwise";
    let code = match answer {
        Arrived::Close(code, _) => code,
        Arrived::Gone(Gone::Ended | Gone::Broken(_)) => {
            return Finding::fail(step, "TCP was ended without an answer to the Close", must);
        }
        Arrived::Gone(_) => {
            return Finding::fail(
                step,
                format!("no answer to a Close in {}", took(patient.time)),
                must,
            );
        }
        other => return Finding::fail(step, format!("to a Close {}", told(&other)), must),
    };
    let began = Instant::now();
    let gone = loop {
        match peer
            .next(patient.time.saturating_sub(began.elapsed()))
            .await
        {
            Arrived::Gone(Gone::Silent(_)) => break false,
            Arrived::Gone(_) => break true,
            _ => {}
        }
    };
    match (code, gone) {
        (Some(1000), true) => Finding::ok(
            step,
            format!(
                "answered with 1000 in {}, and TCP ended by the server",
                took(time)
            ),
        ),
        (_, false) => Finding::warn(
            step,
            "the Close was answered, but the server leaves TCP open",
            "the server is the one to end TCP (RFC 6455 §7.1.1), or connections pile up",
        ),
        (code, true) => Finding::warn(
            step,
            match code {
                Some(code) => format!("a Close with 1000 was answered with {code}"),
                None => "a Close with 1000 was answered without a code".to_owned(),
            },
            "clients then see another code than they sent; a server should send back the same",
        ),
    }
}

/// Step idle: says nothing for so long.
pub(super) async fn idle(patient: &Patient, idle: Option<Duration>) -> Finding {
    let step = "idle";
    let Some(idle) = idle else {
        return Finding::skipped(
            step,
            "not asked for: --idle 120s sees whether a silent connection is kept",
        );
    };
    let mut peer = match another(patient, step).await {
        Ok(peer) => peer,
        Err(finding) => return finding,
    };
    let began = Instant::now();
    let mut messages = 0u64;
    let ended = loop {
        match peer.next(idle.saturating_sub(began.elapsed())).await {
            Arrived::Message { .. } => messages += 1,
            Arrived::Pong(_) => {}
            Arrived::Gone(Gone::Silent(_)) => break None,
            other => break Some(other),
        }
    };
    let heard = format!(
        "{} Pings and {messages} messages came meanwhile",
        peer.pings
    );
    if let Some(ended) = ended {
        let time = began.elapsed();
        let often = took(time.mul_f64(0.75));
        return Finding::warn(
            step,
            format!("a silent connection lasted {}: {}", took(time), told(&ended)),
            format!("send a Ping more often than every {often}, or raise the timeout of server and proxies"),
        )
        .detail(heard);
    }
    match pong(&mut peer, b"after all", patient.time).await {
        Ok(_) => Finding::ok(step, format!("a connection silent for {} is still open", took(idle))),
        Err(_) => Finding::warn(
            step,
            format!("after {} of silence a Ping finds nobody: the connection is dead, and nobody said so", took(idle)),
            "something in between forgets silent connections: send Pings more often",
        ),
    }
    .detail(heard)
}
