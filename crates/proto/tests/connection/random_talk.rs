//! Any list of commands on two connections in virtual time: what was sent is what arrives, in order,
//! and the two sides agree on how it ended.

use proptest::prelude::*;
use std::time::Duration;
use tidewire_proto::{ClosedBy, Kind, PreparedFrame, Role, State};
use tidewire_testkit::{Agreed, Heard, Pair, Random};

#[derive(Clone, Debug)]
enum Command {
    Text(usize),
    Binary(usize),
    Fragments(Vec<usize>),
    Prepared(usize),
    Ping(usize),
    Wait(u64),
    Drive,
    Close(u16),
    Stall(bool),
}

fn command() -> impl Strategy<Value = (bool, Command)> {
    let command = prop_oneof![
        8 => (0..2000usize).prop_map(Command::Text),
        4 => prop_oneof![0..2000usize, 60_000..140_000usize].prop_map(Command::Binary),
        3 => prop::collection::vec(0..500usize, 1..5).prop_map(Command::Fragments),
        3 => (1..3000usize).prop_map(Command::Prepared),
        3 => (0..126usize).prop_map(Command::Ping),
        4 => (0..30_000u64).prop_map(Command::Wait),
        4 => Just(Command::Drive),
        1 => prop_oneof![Just(1000u16), Just(4000), Just(1005)].prop_map(Command::Close),
        2 => any::<bool>().prop_map(Command::Stall),
    ];
    (any::<bool>(), command)
}

fn text(len: usize) -> String {
    "the tide comes in along the wire "
        .chars()
        .cycle()
        .skip(len % 33)
        .take(len)
        .collect()
}

/// The network between the two.
#[derive(Clone, Debug)]
struct Network {
    latency: u64,
    piece: usize,
    limit: usize,
    seed: u64,
}

fn network() -> impl Strategy<Value = Network> {
    (0..800u64, 1..2000usize, 200..100_000usize, any::<u64>()).prop_map(
        |(latency, piece, limit, seed)| Network {
            latency,
            piece,
            limit,
            seed,
        },
    )
}

fn run(pair: &mut Pair, from: Role, command: &Command, sent: &mut Vec<Heard>) {
    match command {
        Command::Text(len) => {
            if pair.text(from, &text(*len)).is_ok() {
                sent.push(Heard::Text(text(*len)));
            }
        }
        Command::Binary(len) => {
            let data = Random::new(*len as u64).bytes(*len);
            if pair.binary(from, &data).is_ok() {
                sent.push(Heard::Binary(data));
            }
        }
        Command::Fragments(sizes) => {
            let whole = text(sizes.iter().sum());
            let mut rest = whole.as_bytes();
            let mut outcome = Ok(());
            for (i, size) in sizes.iter().enumerate() {
                let (part, tail) = rest.split_at(*size);
                rest = tail;
                outcome = pair.fragment(from, Kind::Text, i + 1 == sizes.len(), part);
            }
            if outcome.is_ok() {
                sent.push(Heard::Text(whole));
            }
        }
        Command::Prepared(len) => {
            if pair
                .prepared(from, &PreparedFrame::text(text(*len)))
                .is_ok()
            {
                sent.push(Heard::Text(text(*len)));
            }
        }
        Command::Ping(len) => drop(pair.ping(from, &vec![b'p'; *len])),
        Command::Wait(millis) => pair.advance(Duration::from_millis(*millis)),
        Command::Drive => pair.drive(),
        Command::Close(code) => pair.close(from, *code, "").unwrap(),
        Command::Stall(stalled) => pair.pipe_from(from).set_stalled(*stalled),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_was_sent_is_what_arrives(
        commands in prop::collection::vec(command(), 0..40),
        network in network(),
        compression in prop_oneof![Just(None), Just(Some(true)), Just(Some(false))],
        bits in (8..=15u8, 8..=15u8),
    ) {
        let agreed = compression.map(|takeover| {
            let agreed = if takeover { Agreed::takeover() } else { Agreed::no_takeover() };
            agreed.window_bits(bits.0, bits.1).threshold(100).compression()
        });
        let mut pair = Pair::new(Default::default(), agreed);
        pair.set_latency(Duration::from_millis(network.latency));
        for (pipe, seed) in [(&mut pair.up, 1), (&mut pair.down, 2)] {
            pipe.set_piece(network.piece);
            pipe.set_limit(network.limit);
            pipe.set_random_cuts(network.seed ^ seed);
        }
        let mut sent = [Vec::new(), Vec::new()];
        for (from_server, command) in &commands {
            let role = if *from_server { Role::Server } else { Role::Client };
            run(&mut pair, role, command, &mut sent[usize::from(*from_server)]);
        }

        let whole = pair.client.connection.state() == State::Open
            && pair.server.connection.state() == State::Open;
        pair.up.set_stalled(false);
        pair.down.set_stalled(false);
        pair.drive();
        for (heard, sent) in [(pair.server.messages(), &sent[0]), (pair.client.messages(), &sent[1])] {
            // In order, nothing invented; all of it where nobody closed.
            prop_assert!(heard.len() <= sent.len());
            prop_assert!(heard[..] == sent[..heard.len()], "{heard:?} of {sent:?}");
            prop_assert!(!whole || heard.len() == sent.len(), "{} of {}", heard.len(), sent.len());
        }

        // Whatever happened before, a Close now ends it, on both sides, within the timeouts.
        let _ = pair.close(Role::Client, 1000, "");
        pair.advance(Duration::from_secs(120));
        for end in [&pair.client, &pair.server] {
            prop_assert_eq!(end.connection.state(), State::Closed);
            let story = end.connection.story().unwrap();
            prop_assert_eq!(story.failure, end.failure());
            if story.is_clean() {
                prop_assert!(story.sent.is_some() && story.received.is_some());
            }
        }
        let (ours, theirs) =
            (pair.client.connection.story().unwrap(), pair.server.connection.story().unwrap());
        prop_assert!(!(ours.by == ClosedBy::Peer && theirs.by == ClosedBy::Peer));
        // Each Close that was heard is one that was said.
        prop_assert!(ours.received.is_none() || ours.received == theirs.sent);
        prop_assert!(theirs.received.is_none() || theirs.received == ours.sent);
    }
}
