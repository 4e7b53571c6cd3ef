//! Plays a case over a WebSocket, and judges what the server does.

use std::time::Duration;

use super::case::{End, Lax, Outcome, Step, Talk, Verdict, text};
use super::stage::Stage;
use crate::raw::frame::TEXT;
use crate::raw::{Arrived, Frame, Gone, Peer};
use tidewire_proto::deflate::Params;

/// What is sent to see whether a connection still works.
const MARK: &[u8] = b"still here?";

/// Runs a case that is made of frames.
pub(super) async fn talk(stage: &Stage, talk: &Talk) -> Outcome {
    let (mut peer, agreed) = match stage.open(talk.offer).await {
        Ok(opened) => opened,
        Err(why) => return Outcome::fail(format!("no WebSocket: {why}")),
    };
    if talk.offer.is_some() && agreed.is_none() {
        return Outcome::of(Verdict::Skipped, "the server agrees to no compression so");
    }
    let mut player = Player {
        peer: &mut peer,
        time: stage.time,
        lax: None,
    };
    for step in (talk.steps)(&agreed.unwrap_or_else(Params::default)) {
        if let Err(outcome) = player.step(step).await {
            return outcome;
        }
    }
    let outcome = player.end(&talk.end).await;
    match player.lax {
        Some(seen) if outcome.verdict == Verdict::Pass => Outcome::lax(seen),
        _ => outcome,
    }
}

/// Whether an open WebSocket sends messages back.
pub(super) async fn works(peer: &mut Peer, time: Duration) -> Outcome {
    let mut player = Player {
        peer,
        time,
        lax: None,
    };
    player.end(&End::Open).await
}

struct Player<'a> {
    peer: &'a mut Peer,
    time: Duration,
    /// What was not strict.
    lax: Option<String>,
}

impl Player<'_> {
    async fn send(&mut self, frame: Frame) {
        self.peer.send(&frame.bytes(), self.time).await;
    }

    async fn step(&mut self, step: Step) -> Result<(), Outcome> {
        match step {
            Step::Send(bytes) => self.peer.send(&bytes, self.time * 3).await,
            Step::Dribble(bytes, part) => {
                for piece in bytes.chunks(part.max(1)) {
                    self.peer.send(piece, self.time).await;
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
            Step::Await(wanted) => self.gather(wanted).await?,
            Step::AwaitLastPong(pings) => self.last_pong(&pings).await?,
        }
        Ok(())
    }

    async fn gather(&mut self, wanted: Vec<Arrived>) -> Result<(), Outcome> {
        let mut came: Vec<Arrived> = Vec::new();
        for _ in 0..wanted.len() {
            match self.peer.next(self.time).await {
                arrived @ (Arrived::Message { .. } | Arrived::Pong(_)) => came.push(arrived),
                other => return Err(Outcome::fail(told(&other))),
            }
        }
        if came == wanted {
            return Ok(());
        }
        let of = |all: &[Arrived], pongs: bool| -> Vec<Arrived> {
            let chosen = all.iter();
            let chosen = chosen.filter(|one| matches!(one, Arrived::Pong(_)) == pongs);
            chosen.cloned().collect()
        };
        if [true, false].map(|pongs| of(&came, pongs) == of(&wanted, pongs)) == [true; 2] {
            self.lax = Some("a Pong came later than it could have".to_owned());
            return Ok(());
        }
        let mut pairs = came.iter().zip(&wanted);
        let wrong = pairs.find(|(came, wanted)| came != wanted);
        Err(Outcome::fail(match wrong {
            Some((came, wanted)) => format!("{}, where {} was due", told(came), told(wanted)),
            None => "something else came".to_owned(),
        }))
    }

    async fn last_pong(&mut self, pings: &[Vec<u8>]) -> Result<(), Outcome> {
        let mut left = pings;
        while !left.is_empty() {
            match self.peer.next(self.time).await {
                Arrived::Pong(data) => match left.iter().position(|ping| *ping == data) {
                    Some(at) => left = &left[at + 1..],
                    None => return Err(Outcome::fail("a Pong that answers no Ping sent")),
                },
                other => return Err(Outcome::fail(told(&other))),
            }
        }
        Ok(())
    }

    async fn end(&mut self, end: &End) -> Outcome {
        match end {
            End::Open => {
                self.send(Frame::new(TEXT, MARK)).await;
                match self.peer.next(self.time).await {
                    came if came == text(MARK) => {
                        self.send(Frame::close(Some(1000), b"")).await;
                        Outcome::pass("as expected")
                    }
                    other => Outcome::fail(format!("afterwards {}", told(&other))),
                }
            }
            End::Fails { codes, lax } => self.fails(codes, *lax).await,
            End::FailsFast { codes, rest } => {
                let hurry = (self.time / 3).max(Duration::from_millis(300));
                match self.peer.next(hurry).await {
                    Arrived::Gone(Gone::Silent(_)) => {
                        self.peer.send(rest, self.time).await;
                        let late = self.fails(codes, Lax::Nothing).await;
                        match late.verdict {
                            Verdict::Pass => {
                                Outcome::lax("failed only when the message was complete")
                            }
                            _ => late,
                        }
                    }
                    arrived => self.failed(arrived, codes, Lax::Nothing).await,
                }
            }
            End::Closes(code) => self.closes(*code).await,
            End::ClosesOnly => match self.closes(Some(1000)).await {
                outcome if outcome.verdict != Verdict::Pass => outcome,
                _ => Outcome::pass("the Close was answered and nothing after it"),
            },
            End::EchoOrTooBig(data) => match self.peer.next(self.time * 3).await {
                Arrived::Message { data: came, .. } if came == *data => {
                    Outcome::pass(format!("echoed {} bytes", came.len()))
                }
                arrived => self.failed(arrived, &[1009, 1008], Lax::Nothing).await,
            },
        }
    }

    async fn fails(&mut self, codes: &[u16], lax: Lax) -> Outcome {
        let arrived = self.peer.next(self.time).await;
        self.failed(arrived, codes, lax).await
    }

    async fn failed(&mut self, arrived: Arrived, codes: &[u16], lax: Lax) -> Outcome {
        match &arrived {
            Arrived::Close(Some(code), _) if codes.contains(code) => match self.gone().await {
                true => Outcome::pass(format!("closed with {code}")),
                false => Outcome::lax(format!("closed with {code}, but left TCP open")),
            },
            Arrived::Close(..) => Outcome::lax(told(&arrived)),
            Arrived::Gone(Gone::Ended | Gone::Broken(_)) => Outcome::lax(told(&arrived)),
            Arrived::Message { .. } | Arrived::Pong(_) if lax == Lax::Taken => {
                Outcome::lax(format!("taken: {}", told(&arrived)))
            }
            Arrived::Gone(Gone::Silent(_)) if lax == Lax::Silence => Outcome::lax(told(&arrived)),
            Arrived::Gone(Gone::Silent(time)) => Outcome::fail(format!(
                "the connection was left open, with nothing said in {} ms",
                time.as_millis()
            )),
            _ => Outcome::fail(told(&arrived)),
        }
    }

    async fn closes(&mut self, wanted: Option<u16>) -> Outcome {
        match self.peer.next(self.time).await {
            Arrived::Close(code, _) if code == wanted => match self.gone().await {
                true => Outcome::pass("the Close was answered alike, and TCP ended"),
                false => Outcome::lax("the Close was answered, but TCP left open (§7.1.1)"),
            },
            Arrived::Close(code, _) => {
                let code = code.map_or("no code".to_owned(), |code| code.to_string());
                Outcome::lax(format!("the Close was answered with {code}"))
            }
            Arrived::Gone(Gone::Ended | Gone::Broken(_)) => {
                Outcome::fail("TCP was ended without an answer to the Close")
            }
            Arrived::Gone(_) => Outcome::fail("the Close was not answered"),
            other => Outcome::fail(format!("{} after the Close", told(&other))),
        }
    }

    /// Whether the server ends TCP after its Close.
    async fn gone(&mut self) -> bool {
        self.send(Frame::close(Some(1000), b"")).await;
        let end = tokio::time::Instant::now() + self.time;
        loop {
            let left = end.saturating_duration_since(tokio::time::Instant::now());
            match self.peer.next(left).await {
                Arrived::Gone(Gone::Silent(_)) => return false,
                Arrived::Gone(_) => return true,
                _ => {}
            }
        }
    }
}

/// What arrived, in words.
pub(super) fn told(arrived: &Arrived) -> String {
    match arrived {
        Arrived::Message { binary, data } => {
            let kind = if *binary { "binary" } else { "text" };
            format!("a {kind} message of {} bytes came back", data.len())
        }
        Arrived::Pong(data) => format!("a Pong of {} bytes came", data.len()),
        Arrived::Ping(data) => format!("a Ping of {} bytes came", data.len()),
        Arrived::Close(Some(code), _) => format!("the server closed with {code}"),
        Arrived::Close(None, _) => "the server closed without a code".to_owned(),
        Arrived::Wrong(why) => format!("the server sent {why}"),
        Arrived::Gone(Gone::Ended) => "TCP was ended without a Close frame".to_owned(),
        Arrived::Gone(gone) => gone.to_string(),
    }
}
