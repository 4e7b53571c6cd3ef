//! A client and a server of ours, driven by a list of commands: what is sent is received, once, in
//! order, whatever else happens; both tell the same story of the end.
//!
//! Input: `[agreement][options][commands…]`. Options bit 0: control frames are fetched only when bytes
//! travel; bit 1: payloads are read directly.

mod side;

use super::{Reader, with_pool};
use side::{Sent, Side};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tidewire_proto::deflate::{DeflateConfig, Params, Pool};
use tidewire_proto::{CloseCode, Compression, Config, Failure, Kind, Role, State};

/// Runs the commands, then lets everything arrive, and compares.
pub fn run(input: &[u8]) {
    let mut commands = Reader(input);
    let (agreement, options) = (commands.byte(), commands.byte());
    with_pool(|pool| {
        let mut pair = Pair::new(agreement, options, pool);
        let mut steps = 0;
        while !commands.is_empty() && steps < 200 {
            pair.command(&mut commands);
            steps += 1;
        }
        pair.settle();
        pair.check_end();
    });
}

struct Pair<'p> {
    sides: [Side; 2],
    pool: &'p mut Pool,
    now: Instant,
    lazy: bool,
    /// Someone was silent for too long: what was under way then may be lost.
    timed_out: bool,
    /// How many bytes of payload may still be sent.
    budget: usize,
}

impl<'p> Pair<'p> {
    fn new(agreement: u8, options: u8, pool: &'p mut Pool) -> Self {
        let now = Instant::now();
        let config = Config::new().max_message(128 * 1024).max_queued_control(5);
        let config = Arc::new(config);
        let compression = (agreement & 7 != 0).then(|| {
            let mut params = Params::default();
            params.server_no_context_takeover = agreement & 1 != 0;
            params.client_no_context_takeover = agreement & 2 != 0;
            if agreement & 8 != 0 {
                params.server_max_window_bits = 8;
                params.client_max_window_bits = 10;
            }
            let threshold = if agreement & 16 != 0 { 0 } else { 200 };
            let level = agreement >> 5;
            let config = DeflateConfig::default().threshold(threshold).level(level);
            Compression::new(params, &config)
        });
        let direct = options & 2 != 0;
        let side = |role| Side::new(role, Arc::clone(&config), compression, now, direct);
        let sides = [side(Role::Client), side(Role::Server)];
        Self {
            sides,
            pool,
            now,
            lazy: options & 1 != 0,
            timed_out: false,
            budget: 48 * 1024,
        }
    }

    fn command(&mut self, input: &mut Reader<'_>) {
        let op = input.byte();
        let who = usize::from(op & 1);
        let (now, pool) = (self.now, &mut *self.pool);
        let side = &mut self.sides[who];
        match op >> 1 & 15 {
            0 | 1 => {
                let text = text(input, &mut self.budget);
                side.send(Sent::Text(text), pool);
            }
            2 | 3 => {
                let data = data(input, &mut self.budget);
                side.send(Sent::Binary(data), pool);
            }
            4 => {
                let text = text(input, &mut self.budget);
                side.send_prepared(Sent::Text(text), pool);
            }
            5 => {
                let data = data(input, &mut self.budget);
                side.send_head(&data);
            }
            6 | 7 => {
                let next = match input.byte() & 1 {
                    0 => (Kind::Text, text(input, &mut self.budget).into_bytes()),
                    _ => (Kind::Binary, data(input, &mut self.budget)),
                };
                side.send_fragment(next, usize::from(input.byte()) * 4);
            }
            8 => side.ping(input),
            9 => side.pong(input),
            10 => {
                const CODES: [u16; 8] = [1000, 1001, 1005, 1011, 3000, 4999, 1006, 999];
                let code = CloseCode(CODES[usize::from(input.byte() % 8)]);
                let reason = if code == CloseCode::NO_STATUS {
                    ""
                } else {
                    "so be it"
                };
                side.close(now, code, reason);
            }
            11 => {
                let seconds = u64::from(input.byte() % 64);
                self.now += Duration::from_secs(seconds);
                self.tick();
            }
            12 => side.wrote(now, usize::from(input.pair()), op & 0x20 != 0),
            13 | 14 => {
                let count = usize::from(input.pair()) % 3000 + 1;
                self.travel(who, count);
            }
            _ => self.travel(who, usize::MAX),
        }
        if !self.lazy {
            self.sides.iter_mut().for_each(|side| side.poll(now));
        }
    }

    fn tick(&mut self) {
        for side in &mut self.sides {
            match side.connection.handle_timeout(self.now) {
                Ok(()) => {}
                Err(Failure::Timeout(_)) => self.timed_out = true,
                Err(other) => panic!("time alone led to {other:?}"),
            }
        }
    }

    /// At most `count` bytes that `from` wrote reach the other side.
    fn travel(&mut self, from: usize, count: usize) {
        self.sides[from].poll(self.now);
        let out = &mut self.sides[from].out;
        let count = count.min(out.len());
        let mut bytes: Vec<u8> = out.drain(..count).collect();
        let [client, server] = &mut self.sides;
        let (sender, receiver) = if from == 0 {
            (client, server)
        } else {
            (server, client)
        };
        receiver.receive(self.now, self.pool, &mut bytes, sender);
    }

    /// Everything arrives.
    fn settle(&mut self) {
        for _ in 0..8 {
            for side in &mut self.sides {
                side.end_message();
            }
            self.travel(0, usize::MAX);
            self.travel(1, usize::MAX);
        }
        assert!(
            self.sides.iter().all(|side| side.out.is_empty()),
            "the two never come to rest"
        );
    }

    fn check_end(&mut self) {
        let [client, server] = &self.sides;
        if !self.timed_out {
            for side in [client, server] {
                side.all_arrived();
            }
            match (client.connection.story(), server.connection.story()) {
                (None, None) => {
                    assert_eq!(client.connection.state(), State::Open);
                    assert_eq!(server.connection.state(), State::Open);
                    client.last_ping_was_answered(server);
                    server.last_ping_was_answered(client);
                }
                (Some(ours), Some(theirs)) => {
                    assert_eq!(ours.sent, theirs.received);
                    assert_eq!(ours.received, theirs.sent);
                    assert_eq!((ours.failure, theirs.failure), (None, None));
                }
                (ours, theirs) => panic!("only one side has closed: {ours:?}, {theirs:?}"),
            }
        }
        for side in &mut self.sides {
            let over = side.connection.is_over();
            assert_eq!(side.connection.receive_eof(self.now).is_ok(), over);
            assert_eq!(side.connection.state(), State::Closed);
        }
    }
}

/// A text that the input describes.
fn text(input: &mut Reader<'_>, budget: &mut usize) -> String {
    let (kind, len) = (input.byte(), usize::from(input.pair() % 5000));
    let len = len.min(*budget);
    *budget -= len;
    const WORDS: [&str; 5] = ["tide ", "ß", "水", "🌊", "a"];
    match WORDS.get(usize::from(kind % 6)) {
        Some(word) => word.repeat(len / word.len()),
        None => {
            let mut rng = crate::rng::Rng::new(u64::from(kind));
            (0..len / 4)
                .map(|_| char::from_u32(rng.below(0x11_0000) as u32).unwrap_or('?'))
                .collect()
        }
    }
}

/// Bytes that the input describes.
fn data(input: &mut Reader<'_>, budget: &mut usize) -> Vec<u8> {
    let (kind, len) = (input.byte(), usize::from(input.pair() % 9000));
    let len = len.min(*budget);
    *budget -= len;
    match kind & 3 {
        0 => vec![kind; len],
        1 => input.take(len).to_vec(),
        2 => (0..len)
            .map(|at| (at / usize::from(kind).max(1)) as u8)
            .collect(),
        _ => crate::rng::Rng::new(u64::from(kind)).bytes(len),
    }
}
