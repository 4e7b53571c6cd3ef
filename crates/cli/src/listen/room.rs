//! Who is connected to an interactive server, and sending to them without waiting for any.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tidewire::{CloseCode, PreparedFrame};

use super::client::{Newcomer, one_takes_more};
use super::command::Who;
use crate::term;

/// A client that so many bytes wait for reads too slowly.
const BEHIND: usize = 16 << 20;
/// Clients that `/list` shows.
const LISTED: usize = 200;

#[derive(Default)]
pub(super) struct Room {
    clients: BTreeMap<u64, Client>,
}

struct Client {
    who: Newcomer,
    since: Instant,
    /// The last Ping: its payload, and when it was sent.
    pinged: Option<(String, Instant)>,
    /// It was told to go: nothing more is sent.
    closing: bool,
}

impl Room {
    pub(super) fn enter(&mut self, number: u64, who: Newcomer) {
        let client = Client {
            who,
            since: Instant::now(),
            pinged: None,
            closing: false,
        };
        self.clients.insert(number, client);
    }

    pub(super) fn leave(&mut self, number: u64) {
        self.clients.remove(&number);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.clients.is_empty()
    }

    /// Queues a message for each, and gives the numbers of those that are now closed because they
    /// do not read.
    ///
    /// # Errors
    /// When there is nobody of that number, or nobody at all.
    pub(super) fn send(&mut self, who: Who, frame: &PreparedFrame) -> Result<Vec<u64>, String> {
        let mut slow = Vec::new();
        self.each(who, |number, client| {
            if client.who.sender.queued() > BEHIND {
                client.close(CloseCode::TRY_AGAIN_LATER, "you read too slowly");
                slow.push(number);
            } else if client.who.sender.queue(frame).is_ok() {
                client.who.sender.try_flush();
            }
        })?;
        Ok(slow)
    }

    /// Pings.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub(super) fn ping(&mut self, who: Who, text: &str) -> Result<(), String> {
        self.each(who, |_, client| {
            client.pinged = Some((text.to_owned(), Instant::now()));
            // Who is gone is about to be told.
            _ = client.who.sender.ping(text.as_bytes());
        })
    }

    /// How long an answer to the last Ping took, if it is one.
    pub(super) fn ponged(&mut self, number: u64, payload: &[u8]) -> Option<Duration> {
        let client = self.clients.get_mut(&number)?;
        let (_, sent) = client
            .pinged
            .take_if(|(text, _)| text.as_bytes() == payload)?;
        Some(sent.elapsed())
    }

    /// Begins to close.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub(super) fn close(&mut self, who: Who, code: CloseCode, reason: &str) -> Result<(), String> {
        self.each(who, |_, client| client.close(code, reason))
    }

    /// Begins to close all, as the server ends.
    pub(super) fn dismiss(&mut self) {
        for client in self.clients.values_mut().filter(|client| !client.closing) {
            client.close(CloseCode::GOING_AWAY, "the server is stopping");
        }
    }

    fn each(&mut self, who: Who, mut act: impl FnMut(u64, &mut Client)) -> Result<(), String> {
        match who {
            Who::All if self.clients.is_empty() => {
                return Err("nobody is connected, so nobody was told".to_owned());
            }
            Who::All => {
                let open = self
                    .clients
                    .iter_mut()
                    .filter(|(_, client)| !client.closing);
                open.for_each(|(number, client)| act(*number, client));
            }
            Who::One(number) => match self.clients.get_mut(&number) {
                Some(client) if !client.closing => act(number, client),
                _ => {
                    return Err(format!(
                        "there is no client #{number}: /list tells who is there"
                    ));
                }
            },
        }
        Ok(())
    }

    /// One line a client.
    pub(super) fn list(&self) -> String {
        if self.clients.is_empty() {
            return "nobody is connected".to_owned();
        }
        let lines = self.clients.iter().take(LISTED).map(|(number, client)| {
            let traffic = client.who.sender.traffic();
            format!(
                "#{number} {} {}  {} s  {} in, {} out{}",
                client.who.address,
                term::line(&client.who.path, 100),
                client.since.elapsed().as_secs(),
                traffic.received.messages,
                traffic.sent.messages,
                match client.who.sender.queued() {
                    0 => String::new(),
                    bytes => format!(", {bytes} bytes wait for it"),
                }
            )
        });
        let mut lines: Vec<String> = lines.collect();
        if self.clients.len() > LISTED {
            lines.push(format!("… and {} more", self.clients.len() - LISTED));
        }
        lines.join("\n")
    }

    /// Ready when the one that reads fastest takes more.
    pub(super) async fn takes_more(&self) {
        let open = self.clients.values().filter(|client| !client.closing);
        let senders: Vec<_> = open.map(|client| &client.who.sender).collect();
        one_takes_more(&senders).await;
    }
}

impl Client {
    fn close(&mut self, code: CloseCode, reason: &str) {
        self.closing = true;
        // Code and length were looked at where they were typed.
        _ = self.who.sender.begin_close(code, reason);
    }
}
