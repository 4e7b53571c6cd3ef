//! [`Pair`]: a client and a server connection in virtual time, each driven as a socket would.

use crate::end::End;
use crate::pipe::Pipe;
use std::time::{Duration, Instant};
use tidewire_proto::{Compression, Config, Kind, PreparedFrame, Role, SendError};

/// A client and a server, and the two pipes between them.
///
/// Nothing happens by itself: [`drive`](Self::drive) runs until nothing is under way any more,
/// [`advance`](Self::advance) lets time pass and fires the deadlines in it.
#[derive(Debug)]
pub struct Pair {
    now: Instant,
    /// The client.
    pub client: End,
    /// The server.
    pub server: End,
    /// From client to server.
    pub up: Pipe,
    /// From server to client.
    pub down: Pipe,
}

impl Default for Pair {
    fn default() -> Self {
        Self::new(Config::default(), None)
    }
}

impl Pair {
    /// Both sides with the same configuration.
    #[must_use]
    pub fn new(config: Config, compression: Option<Compression>) -> Self {
        Self::with(config.clone(), config, compression)
    }

    /// Each side with its own configuration.
    #[must_use]
    pub fn with(client: Config, server: Config, compression: Option<Compression>) -> Self {
        let now = crate::beginning();
        Self {
            now,
            client: End::new(Role::Client, client, compression, now, 1),
            server: End::new(Role::Server, server, compression, now, 2),
            up: Pipe::default(),
            down: Pipe::default(),
        }
    }

    /// The moment it is.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Sets the time that bytes take, each way.
    pub fn set_latency(&mut self, latency: Duration) {
        self.up.set_latency(latency);
        self.down.set_latency(latency);
    }

    /// The side that plays this role.
    pub fn end(&mut self, role: Role) -> &mut End {
        match role {
            Role::Client => &mut self.client,
            Role::Server => &mut self.server,
        }
    }

    /// The pipe that this side writes into.
    pub fn pipe_from(&mut self, role: Role) -> &mut Pipe {
        match role {
            Role::Client => &mut self.up,
            Role::Server => &mut self.down,
        }
    }

    /// Sends a text message.
    pub fn text(&mut self, from: Role, text: &str) -> Result<(), SendError> {
        let End {
            connection,
            masks,
            pool,
            out,
            ..
        } = self.end(from);
        connection.send_text(text, masks, pool, out)
    }

    /// Sends a binary message.
    pub fn binary(&mut self, from: Role, data: &[u8]) -> Result<(), SendError> {
        let End {
            connection,
            masks,
            pool,
            out,
            ..
        } = self.end(from);
        connection.send_binary(data, masks, pool, out)
    }

    /// Sends a fragment.
    pub fn fragment(
        &mut self,
        from: Role,
        kind: Kind,
        fin: bool,
        payload: &[u8],
    ) -> Result<(), SendError> {
        let End {
            connection,
            masks,
            out,
            ..
        } = self.end(from);
        connection.send_fragment(kind, fin, payload, masks, out)
    }

    /// Sends a prepared frame.
    pub fn prepared(&mut self, from: Role, frame: &PreparedFrame) -> Result<(), SendError> {
        let End {
            connection,
            masks,
            pool,
            out,
            ..
        } = self.end(from);
        if let Some(bytes) = connection.send_prepared(frame, masks, pool, out)? {
            out.extend_from_slice(&bytes);
        }
        Ok(())
    }

    /// Sends a Ping.
    pub fn ping(&mut self, from: Role, payload: &[u8]) -> Result<(), SendError> {
        self.end(from).connection.ping(payload)
    }

    /// Begins to close.
    pub fn close(&mut self, from: Role, code: u16, reason: &str) -> Result<(), SendError> {
        let now = self.now;
        self.end(from).connection.close(now, code.into(), reason)
    }

    /// The process on this side dies: its socket ends, and nothing is told to its connection.
    pub fn kill(&mut self, role: Role) {
        let now = self.now;
        let end = self.end(role);
        (end.shut, end.deaf) = (true, true);
        self.pipe_from(role).end(now);
    }

    /// Runs until nothing is under way. Time passes only as far as the pipes need it.
    pub fn drive(&mut self) {
        self.run(None);
    }

    /// Lets this much time pass, with everything that happens in it.
    pub fn advance(&mut self, duration: Duration) {
        let until = self.now + duration;
        self.run(Some(until));
        self.now = until;
    }

    fn run(&mut self, until: Option<Instant>) {
        // Far above what any test needs: more means that two sides keep each other busy for ever.
        for _ in 0..10_000_000u64 {
            if self.step() {
                continue;
            }
            let arrival = [&self.up, &self.down]
                .iter()
                .filter_map(|p| p.next_arrival())
                .min();
            let deadline = [&self.client, &self.server]
                .iter()
                .filter(|end| !end.deaf)
                .filter_map(|end| end.connection.next_deadline())
                .min();
            let next = match until {
                Some(_) => arrival.into_iter().chain(deadline).min(),
                None => arrival.map(|at| deadline.map_or(at, |deadline| at.min(deadline))),
            };
            match next {
                Some(at) if until.is_none_or(|until| at <= until) => self.now = self.now.max(at),
                _ => return,
            }
        }
        panic!("the pair never comes to rest");
    }

    /// One turn of both loops, now. Whether something happened.
    fn step(&mut self) -> bool {
        let Self {
            now,
            client,
            server,
            up,
            down,
        } = self;
        let mut moved = client.read(*now, down) | server.read(*now, up);
        for end in [&mut *client, &mut *server] {
            moved |= !end.deaf && end.fire(*now);
        }
        moved | client.write(*now, up) | server.write(*now, down)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::Heard;
    use tidewire_proto::State;

    #[test]
    fn a_pair_talks_and_closes() {
        let mut pair = Pair::default();
        pair.set_latency(Duration::from_millis(50));
        pair.text(Role::Client, "Hello").unwrap();
        pair.drive();
        assert_eq!(pair.server.heard(), [Heard::text("Hello")]);
        pair.close(Role::Server, 1001, "bye").unwrap();
        pair.drive();
        assert_eq!(pair.client.heard(), [Heard::Close(1001, "bye".into())]);
        assert_eq!(pair.client.connection.state(), State::Closed);
        assert_eq!(pair.server.connection.state(), State::Closed);
        assert!(pair.server.has_shut());
    }

    #[test]
    fn an_idle_hour_is_kept_alive_by_pings() {
        let mut pair = Pair::default();
        pair.set_latency(Duration::from_millis(30));
        pair.advance(Duration::from_secs(3600));
        assert_eq!(pair.client.failure(), None);
        assert_eq!(pair.client.connection.state(), State::Open);
        // Each side's Pings are life for the other side too.
        assert!(pair.client.alarms() + pair.server.alarms() >= 3600 / 21);
        assert_eq!(
            pair.client.connection.rtt(),
            Some(Duration::from_millis(60))
        );
    }
}
