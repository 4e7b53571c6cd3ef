//! [`Lane`]: one open connection, and what it is there for.

use crate::connect::Socket;
use crate::error::Failure;
use crate::exchange::Exchange;
use crate::listen::Listener;
use crate::raw::Raw;
use crate::tally::Desk;
use crate::window::Sent;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use tidewire::WebSocket;

/// Shared by the task that receives and the one that sends by the schedule, both of one thread.
pub(crate) type SharedLane = Arc<Mutex<Lane>>;

#[derive(Debug)]
pub(crate) enum Job {
    /// What is sent comes back.
    Exchange(Exchange),
    /// The server speaks.
    Listen(Listener),
}

#[derive(Debug)]
enum Transport {
    WebSocket(WebSocket),
    Raw(Box<Raw>),
}

/// What came of an attempt to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    Taken,
    /// Too much waits already.
    Full,
    /// The connection is over.
    Over,
}

#[derive(Debug)]
pub(crate) struct Lane {
    transport: Transport,
    job: Job,
    over: bool,
}

/// How many bytes, and how many messages, may wait on one connection of an open load.
const FULL_BYTES: usize = 1 << 20;
const FULL_MESSAGES: usize = 1 << 16;

impl Lane {
    pub(crate) fn new(socket: Socket, job: Job) -> Self {
        let transport = match socket {
            Socket::WebSocket(ws) => Transport::WebSocket(ws),
            Socket::Raw(tcp) => Transport::Raw(Box::new(Raw::new(tcp))),
        };
        Self {
            transport,
            job,
            over: false,
        }
    }

    /// Sends the messages of a closed load that are under way at first.
    pub(crate) fn begin(&mut self, depth: usize, desk: &mut Desk) {
        for _ in 0..depth {
            let at = desk.tally.now();
            if self.offer(Sent { due: at, at }, desk) != Offer::Taken {
                break;
            }
        }
        self.flush();
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    /// Queues one message, if there is room.
    pub(crate) fn offer(&mut self, sent: Sent, desk: &mut Desk) -> Offer {
        let Job::Exchange(exchange) = &mut self.job else {
            return Offer::Over;
        };
        if self.over {
            return Offer::Over;
        }
        let queued = match &self.transport {
            Transport::WebSocket(ws) => ws.queued(),
            Transport::Raw(raw) => raw.queued(),
        };
        if queued > FULL_BYTES || exchange.waiting() >= FULL_MESSAGES {
            return Offer::Full;
        }
        match &mut self.transport {
            Transport::WebSocket(ws) => exchange.send(ws, sent, desk),
            Transport::Raw(raw) => {
                raw.send(exchange, sent, desk);
                Offer::Taken
            }
        }
    }

    /// Writes what is queued, as far as the socket takes it.
    pub(crate) fn flush(&mut self) {
        match &mut self.transport {
            Transport::WebSocket(ws) => _ = ws.try_flush(),
            Transport::Raw(raw) => raw.try_flush(),
        }
    }

    /// Receives; resolves when the connection has failed.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, desk: &mut Desk) -> Poll<Failure> {
        desk.tally.polls += 1;
        let failed = match (&mut self.transport, &mut self.job) {
            (Transport::WebSocket(ws), Job::Exchange(exchange)) => exchange.poll(ws, cx, desk),
            (Transport::WebSocket(ws), Job::Listen(listener)) => listener.poll(ws, cx, desk),
            (Transport::Raw(raw), Job::Exchange(exchange)) => raw.poll(exchange, cx, desk),
            (Transport::Raw(_), Job::Listen(_)) => Poll::Pending,
        };
        if failed.is_ready() {
            self.over = true;
            desk.tally.counts.live -= 1;
        }
        failed
    }

    /// How many messages are to come yet; none if the connection is over.
    pub(crate) fn waiting(&self) -> u64 {
        match &self.job {
            _ if self.over => 0,
            Job::Exchange(exchange) => exchange.waiting() as u64,
            Job::Listen(listener) => listener.waiting(),
        }
    }

    /// Counts what has not come, for nothing more will. Whether answers were still waited for.
    pub(crate) fn settle(&mut self, desk: &mut Desk) -> bool {
        let waits = self.waiting() > 0;
        let whole = !self.over;
        match &mut self.job {
            Job::Exchange(exchange) => exchange.settle(whole, desk),
            Job::Listen(listener) => listener.settle(whole, desk),
        }
        waits
    }

    /// The WebSocket, to close it, if the connection is open; plain TCP ends by being dropped.
    pub(crate) fn into_open(self) -> Option<WebSocket> {
        match self.transport {
            Transport::WebSocket(ws) if !self.over => Some(ws),
            _ => None,
        }
    }
}
