//! What receiving costs, counted: allocations, bytes held, and whether a payload was moved.
#![allow(clippy::unwrap_used)]

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;
use tidewire_proto::deflate::Pool;
use tidewire_proto::{Config, Connection, Event, PreparedFrame, Role};
use tidewire_testkit::agreed::deflated;
use tidewire_testkit::alloc::{Cost, CountingAllocator, measure};
use tidewire_testkit::{Agreed, Random, RawFrame};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const ROLES: [Role; 2] = [Role::Client, Role::Server];
const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// Prints a figure past the test harness, which keeps what `println!` says to itself.
fn figure(what: &str, cost: Cost) {
    let Cost {
        allocations,
        bytes,
        peak,
        kept,
    } = cost;
    let line = format!(
        "  {what}: {allocations} allocations of {bytes} B, {peak} B at most, {kept} B kept\n"
    );
    std::io::stdout().write_all(line.as_bytes()).unwrap();
}

struct Receiver {
    connection: Connection,
    pool: Pool,
    now: std::time::Instant,
}

impl Receiver {
    fn new(role: Role, config: Config, agreed: Option<Agreed>) -> Self {
        let now = tidewire_testkit::beginning();
        let agreed = agreed.map(Agreed::compression);
        let connection = Connection::new(role, Arc::new(config), agreed, now);
        Self {
            connection,
            pool: Pool::default(),
            now,
        }
    }

    /// Receives all of `bytes` in pieces, and throws away what comes out. Whether that went well,
    /// and how many events there were.
    fn receive(&mut self, bytes: &mut [u8], piece: usize) -> Result<usize, u16> {
        let mut events = 0;
        for mut input in bytes.chunks_mut(piece) {
            while self
                .connection
                .receive(self.now, &mut self.pool, &mut input)
                .map_err(|failure| failure.close_code().unwrap().0)?
                .is_some()
            {
                events += 1;
            }
        }
        Ok(events)
    }
}

#[test]
fn a_whole_message_is_received_without_an_allocation_and_without_a_copy() {
    for role in ROLES {
        for len in [0, 5, 125, 126, 16 * KIB, MIB] {
            let mut receiver = Receiver::new(role, Config::default(), None);
            let text = RawFrame::text("x".repeat(len)).bytes(role.peer());
            let mut bytes = [text, RawFrame::binary(vec![7; len]).bytes(role.peer())].concat();
            let range = bytes.as_ptr_range();
            let mut input = &mut bytes[..];
            let (seen, cost) = measure(|| {
                let mut seen = 0;
                let Receiver {
                    connection,
                    pool,
                    now,
                } = &mut receiver;
                while let Some(event) = connection.receive(*now, pool, &mut input).unwrap() {
                    let payload = match &event {
                        Event::Text(text) => text.as_bytes(),
                        Event::Binary(data) => data,
                        other => panic!("{other:?}"),
                    };
                    assert_eq!(payload.len(), len);
                    if len > 0 {
                        assert!(
                            range.contains(&payload.as_ptr()),
                            "moved out of the caller's buffer"
                        );
                    }
                    seen += 1;
                }
                seen
            });
            assert_eq!(seen, 2);
            assert_eq!(
                (cost.allocations, cost.bytes),
                (0, 0),
                "{len} bytes to a {role:?}"
            );
            figure(
                &format!("text and binary of {len} B, whole, to a {role:?}"),
                cost,
            );
        }
    }
}

#[test]
fn a_thousand_messages_in_one_read_are_received_without_an_allocation() {
    for role in ROLES {
        let mut receiver = Receiver::new(role, Config::default(), None);
        let mut bytes = RawFrame::text("thirty-two bytes of plain text..")
            .bytes(role.peer())
            .repeat(1000);
        let (events, cost) = measure(|| receiver.receive(&mut bytes, usize::MAX).unwrap());
        assert_eq!((events, cost.allocations), (1000, 0));
    }
}

#[test]
fn whole_messages_cost_nothing_either_where_compression_was_agreed_and_not_used() {
    let mut receiver = Receiver::new(Role::Server, Config::default(), Some(Agreed::takeover()));
    let mut bytes = RawFrame::text("plain").bytes(Role::Client).repeat(100);
    let (events, cost) = measure(|| receiver.receive(&mut bytes, usize::MAX).unwrap());
    assert_eq!((events, cost.allocations), (100, 0));
}

#[test]
fn a_message_in_two_parts_costs_one_buffer_of_its_own_size() {
    for len in [1000, 60 * KIB] {
        let mut receiver = Receiver::new(Role::Client, Config::default(), None);
        let mut bytes = RawFrame::binary(vec![7; len]).bytes(Role::Server);
        let half = bytes.len() / 2;
        let (_, cost) = measure(|| receiver.receive(&mut bytes, half + 1).unwrap());
        figure(&format!("binary of {len} B in two reads"), cost);
        assert!(cost.allocations <= 3, "{cost:?}");
        assert!(cost.peak <= len + 200 && cost.kept == 0, "{cost:?}");
    }
}

#[test]
fn a_claimed_length_allocates_nothing_much() {
    for (claim, arrives) in [(1 << 62, 0), (16 * MIB as u64, 0), (16 * MIB as u64, 1)] {
        for agreed in [None, Some(Agreed::takeover())] {
            let mut receiver = Receiver::new(Role::Server, Config::default(), agreed);
            let frame = RawFrame::binary(vec![0; arrives]).claiming(claim);
            let mut bytes = frame.bytes(Role::Client);
            let (_, cost) = measure(|| receiver.receive(&mut bytes, 3));
            figure(
                &format!("a claim of {claim} B of which {arrives} arrive"),
                cost,
            );
            assert!(
                cost.peak <= if arrives == 0 { KIB } else { 65 * KIB },
                "{cost:?}"
            );
        }
    }
}

#[test]
fn memory_follows_the_bytes_that_arrive() {
    let mut receiver = Receiver::new(Role::Server, Config::default(), None);
    let mut bytes = RawFrame::binary(vec![1; 8 * MIB]).bytes(Role::Client);
    let (mut arrived, mut kept) = (0, 0);
    for piece in bytes.chunks_mut(10_000) {
        arrived += piece.len();
        let (_, cost) = measure(|| receiver.receive(piece, usize::MAX).unwrap());
        kept += cost.kept;
        let allowed = (64 * KIB).max(2 * arrived) + KIB;
        assert!(
            kept <= allowed as i64,
            "{kept} bytes held for {arrived} that arrived"
        );
    }
    assert_eq!(kept, 0, "the message went out, and its buffer with it");
}

#[test]
fn reading_directly_follows_the_bytes_that_arrive_too() {
    use bytes::BufMut;
    let mut receiver = Receiver::new(Role::Client, Config::default(), None);
    let mut first = RawFrame::binary([1])
        .claiming(16 * MIB as u64)
        .bytes(Role::Server);
    receiver.receive(&mut first, usize::MAX).unwrap();
    let (mut arrived, mut kept) = (1, 0);
    while arrived < 16 * MIB {
        let (count, cost) = measure(|| {
            let mut spare = receiver.connection.direct().unwrap();
            // A socket that gives little, however much room there is.
            let count = spare.remaining_mut().min(50_000);
            spare.put_bytes(7, count);
            receiver
                .connection
                .received_direct(receiver.now, count)
                .unwrap();
            count
        });
        arrived += count;
        kept += cost.kept;
        let allowed = (64 * KIB).max(2 * (arrived + 256 * KIB)) + KIB;
        assert!(
            kept <= allowed as i64,
            "{kept} bytes held for {arrived} that arrived"
        );
    }
}

#[test]
fn fragments_are_gathered_without_overhead_of_their_own() {
    for (count, size) in [(65_536, 64), (200_000, 1)] {
        let mut receiver = Receiver::new(Role::Server, Config::default(), None);
        let part = vec![b'x'; size];
        let first = RawFrame::text(&part).more().bytes(Role::Client);
        let rest = RawFrame::continuation(&part)
            .more()
            .bytes(Role::Client)
            .repeat(count - 1);
        let mut bytes = [first, rest].concat();
        let (_, cost) = measure(|| receiver.receive(&mut bytes, 64 * KIB).unwrap());
        figure(&format!("{count} fragments of {size} B, gathered"), cost);
        assert!(cost.peak <= 2 * count * size + 64 * KIB, "{cost:?}");
        assert!(cost.allocations <= 32, "{cost:?}");
    }
}

#[test]
fn a_bomb_is_stopped_while_it_inflates() {
    let bomb = deflated(vec![0; 256 * MIB]);
    for agreed in [Agreed::takeover(), Agreed::no_takeover()] {
        let config = Config::default().max_message(MIB);
        let mut receiver = Receiver::new(Role::Server, config, Some(agreed));
        let mut bytes = RawFrame::binary(&bomb).compressed().bytes(Role::Client);
        let (outcome, cost) = measure(|| receiver.receive(&mut bytes, usize::MAX));
        figure(&format!("256 MiB in {} B, allowed 1 MiB", bomb.len()), cost);
        assert_eq!(outcome, Err(1009));
        // The message so far, in a buffer that doubles, and the inflater.
        assert!(cost.peak <= 2 * MIB + 256 * KIB, "{cost:?}");
    }
}

#[test]
fn a_flood_of_pings_holds_no_more_than_the_queue() {
    for role in ROLES {
        let mut receiver = Receiver::new(role, Config::default(), None);
        let mut bytes = RawFrame::ping([b'p'; 125])
            .bytes(role.peer())
            .repeat(10_000);
        let (_, cost) = measure(|| receiver.receive(&mut bytes, usize::MAX).unwrap());
        figure("10,000 Pings that are not answered", cost);
        // 64 frames of 127 bytes, in a buffer that doubles.
        assert!(cost.peak <= 2 * 65 * 127, "{cost:?}");
    }
}

#[test]
fn an_idle_connection_owns_no_buffer() {
    for agreed in [None, Some(Agreed::no_takeover())] {
        let compression = agreed.map(Agreed::compression);
        let config = Arc::new(Config::default());
        let now = tidewire_testkit::beginning();
        let mut pool = Pool::default();
        // The pool has what it needs before; it is not the connection's.
        pool.put_decoder(tidewire_proto::deflate::Decoder::new(15));
        pool.put_encoder(tidewire_proto::deflate::Encoder::new(6, 15));
        let (mut connection, cost) =
            measure(|| Connection::new(Role::Server, Arc::clone(&config), compression, now));
        let what = if agreed.is_some() {
            "with deflate agreed"
        } else {
            "without deflate"
        };
        let inline = size_of::<Connection>();
        figure(
            &format!("an idle connection {what}, {inline} B of itself"),
            cost,
        );
        assert!(inline as i64 + cost.kept <= 512, "{inline} + {cost:?}");

        // It has been busy, and is idle again.
        let text = "tide and wire ".repeat(1000);
        let mut frames = vec![
            RawFrame::text(&text).more(),
            RawFrame::ping("x"),
            RawFrame::continuation(&text),
            RawFrame::binary(vec![1; 10_000]),
        ];
        if agreed.is_some() {
            frames.push(RawFrame::text(deflated(&text)).compressed());
        }
        let mut bytes = RawFrame::join(&frames, Role::Client);
        let mut out = Vec::with_capacity(256 * KIB);
        let mut keys = Random::new(1);
        let (_, cost) = measure(|| {
            for mut input in bytes.chunks_mut(999) {
                while connection
                    .receive(now, &mut pool, &mut input)
                    .unwrap()
                    .is_some()
                {}
            }
            connection
                .send_text(&text, &mut keys, &mut pool, &mut out)
                .unwrap();
            connection.poll_transmit(now, &mut keys, &mut out);
        });
        figure(&format!("  the same, after it was busy, {what}"), cost);
        assert_eq!(cost.kept, 0, "something of the traffic stayed");
    }
}

#[test]
fn sending_into_a_buffer_with_room_allocates_nothing() {
    let mut keys = Random::new(1);
    for role in ROLES {
        let mut receiver = Receiver::new(role, Config::default(), None);
        let mut out = Vec::with_capacity(256 * KIB);
        let data = vec![1; 100 * KIB];
        let (_, cost) = measure(|| {
            let Receiver {
                connection, pool, ..
            } = &mut receiver;
            connection
                .send_text(
                    "thirty-two bytes of plain text..",
                    &mut keys,
                    pool,
                    &mut out,
                )
                .unwrap();
            connection
                .send_binary(&data, &mut keys, pool, &mut out)
                .unwrap();
            connection.poll_transmit(tidewire_testkit::beginning(), &mut keys, &mut out);
        });
        figure(&format!("a {role:?} sends 32 B and 100 KiB"), cost);
        assert_eq!(cost.allocations, 0);
    }
}

#[test]
fn a_prepared_frame_is_compressed_once_and_then_costs_nothing() {
    let frame = PreparedFrame::text("to everybody ".repeat(100));
    let (mut keys, mut out) = (Random::new(1), Vec::new());
    let mut first = Receiver::new(Role::Server, Config::default(), Some(Agreed::no_takeover()));
    let mut second = Receiver::new(Role::Server, Config::default(), Some(Agreed::no_takeover()));
    for (receiver, what) in [(&mut first, "first"), (&mut second, "second")] {
        let Receiver {
            connection, pool, ..
        } = receiver;
        let (_, cost) = measure(|| {
            connection
                .send_prepared(&frame, &mut keys, pool, &mut out)
                .unwrap()
        });
        figure(&format!("a prepared frame, to the {what} connection"), cost);
        assert!(what == "first" || cost.allocations == 0, "{cost:?}");
    }
}

#[test]
fn keepalive_costs_no_memory_that_stays() {
    let mut receiver = Receiver::new(Role::Client, Config::default(), None);
    let (mut keys, mut out) = (Random::new(1), Vec::with_capacity(KIB));
    let (_, cost) = measure(|| {
        for _ in 0..1000 {
            receiver.now += Duration::from_secs(20);
            let connection = &mut receiver.connection;
            connection.handle_timeout(receiver.now).unwrap();
            out.clear();
            assert!(connection.poll_transmit(receiver.now, &mut keys, &mut out));
            let (frames, _) = tidewire_testkit::wire::parse(&out);
            let mut pong = RawFrame::pong(&frames[0].payload).bytes(Role::Server);
            assert_eq!(receiver.receive(&mut pong, usize::MAX), Ok(1));
        }
    });
    assert_eq!(cost.kept, 0, "{cost:?}");
}
