//! Messages in parts: what is handed out, and when, whoever asks and however the wire is cut.

use proptest::prelude::*;
use tidewire_proto::{Config, Event, Failure, LimitExceeded, ProtocolViolation, Role, State};
use tidewire_testkit::agreed::deflated;
use tidewire_testkit::{Agreed, Heard, Random, RawFrame, RawPeer};

const ROLES: [Role; 2] = [Role::Client, Role::Server];

/// What `receive_part` gave, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String, bool),
    Binary(Vec<u8>, bool),
    Whole(Heard),
}

impl From<Event<'_>> for Part {
    fn from(event: Event<'_>) -> Self {
        match event {
            Event::TextPart { text, last } => Self::Text(text.to_string(), last),
            Event::BinaryPart { data, last } => Self::Binary(data.to_vec(), last),
            other => Self::Whole(other.into()),
        }
    }
}

fn text(text: &str, last: bool) -> Part {
    Part::Text(text.into(), last)
}

fn binary(data: &[u8], last: bool) -> Part {
    Part::Binary(data.into(), last)
}

/// Gives bytes to the connection of `peer`, in parts or whole.
fn give(peer: &mut RawPeer, bytes: &[u8], parts: bool) -> Result<Vec<Part>, Failure> {
    let mut buffer = bytes.to_vec();
    let mut input = &mut buffer[..];
    let mut seen = Vec::new();
    loop {
        let RawPeer {
            connection,
            pool,
            now,
            ..
        } = peer;
        let event = if parts {
            connection.receive_part(*now, pool, &mut input)
        } else {
            connection.receive(*now, pool, &mut input)
        };
        match event? {
            Some(event) => seen.push(event.into()),
            None => {
                assert!(input.is_empty(), "`None`: all of the input was taken");
                return Ok(seen);
            }
        }
    }
}

/// Puts the parts of each message together; of one that has not ended, nothing.
fn joined(parts: impl IntoIterator<Item = Part>) -> Vec<Heard> {
    let (mut heard, mut begun) = (Vec::new(), Vec::new());
    for part in parts {
        let (bytes, last, is_text) = match part {
            Part::Whole(event) => {
                heard.push(event);
                continue;
            }
            Part::Text(text, last) => (text.into_bytes(), last, true),
            Part::Binary(data, last) => (data, last, false),
        };
        assert!(!bytes.is_empty() || last, "an empty part ends its message");
        begun.extend_from_slice(&bytes);
        if last {
            let whole = std::mem::take(&mut begun);
            heard.push(if is_text {
                Heard::Text(String::from_utf8(whole).unwrap())
            } else {
                Heard::Binary(whole)
            });
        }
    }
    heard
}

fn peer(role: Role, agreed: Option<Agreed>, config: Config) -> RawPeer {
    RawPeer::facing_with(role, config, agreed.map(Agreed::compression))
}

#[test]
fn each_arrival_is_a_part_and_lies_in_the_callers_buffer() {
    for role in ROLES {
        let mut peer = peer(role, None, Config::default());
        let mut bytes = RawFrame::binary(Random::new(1).bytes(1000)).bytes(peer.role());
        let range = bytes.as_ptr_range();
        let head = bytes.len() - 1000;
        let mut at = 0;
        let mut lengths = Vec::new();
        for cut in [head - 1, head + 10, head + 500, head + 1000] {
            let mut input = &mut bytes[at..cut];
            at = cut;
            while let Some(event) = peer
                .connection
                .receive_part(peer.now, &mut peer.pool, &mut input)
                .unwrap()
            {
                let Event::BinaryPart { data, last } = event else {
                    panic!("{event:?}")
                };
                assert!(range.contains(&data.as_ptr()), "moved");
                lengths.push((data.len(), last));
            }
        }
        assert_eq!(lengths, [(10, false), (490, false), (500, true)]);
        let whole = RawFrame::text("whole").bytes(peer.role());
        assert_eq!(give(&mut peer, &whole, true), Ok(vec![text("whole", true)]));
    }
}

#[test]
fn empty_parts_only_end_a_message() {
    for role in ROLES {
        let mut peer = peer(role, Some(Agreed::takeover()), Config::default());
        let frames = [
            RawFrame::text("").more(),
            RawFrame::continuation("").more(),
            RawFrame::ping("between"),
            RawFrame::continuation(""),
            RawFrame::binary(""),
            RawFrame::binary("x").more(),
            RawFrame::continuation(""),
            RawFrame::binary([0]).compressed(),
            RawFrame::text([0xf2, 0x48, 0xcd]).compressed().more(),
            RawFrame::continuation([0xc9, 0xc9, 0x07, 0x00]).more(),
            RawFrame::continuation(""),
        ];
        let bytes = RawFrame::join(&frames, peer.role());
        let expected = [
            Part::Whole(Heard::Ping(b"between".to_vec())),
            text("", true),
            binary(b"", true),
            binary(b"x", false),
            binary(b"", true),
            binary(b"", true),
            text("He", false),
            text("llo", false),
            text("", true),
        ];
        assert_eq!(give(&mut peer, &bytes, true).unwrap(), expected);
    }
}

#[test]
fn characters_that_are_cut_wait_for_their_rest() {
    let words = "ä€🌊";
    for role in ROLES {
        for size in 1..=words.len() {
            let mut peer = peer(role, None, Config::default());
            let parts: Vec<_> = words.as_bytes().chunks(size).collect();
            let mut seen = Vec::new();
            for (i, part) in parts.iter().enumerate() {
                let frame = RawFrame::new(u8::from(i == 0), part);
                let frame = if i + 1 < parts.len() {
                    frame.more()
                } else {
                    frame
                };
                let bytes = frame.bytes(peer.role());
                seen.extend(give(&mut peer, &bytes, true).unwrap());
            }
            assert_eq!(joined(seen), [Heard::text(words)], "{size}");
        }
    }
}

#[test]
fn bytes_that_are_no_text_are_1007_as_soon_as_that_is_known() {
    // What has arrived before, and the byte that rules it out.
    let cases: [(&[u8], u8); 5] = [
        (b"good ", 0xff),
        (b"good \xe2\x82", 0x41),
        (b"\xed", 0xa0),
        (b"\xf0\x9f\x8c", 0xc0),
        (b"", 0x80),
    ];
    for role in ROLES {
        for (before, bad) in cases {
            for packed in [false, true] {
                let agreed = packed.then(Agreed::takeover);
                let mut peer = peer(role, agreed, Config::default());
                let all = [before, &[bad], b"never looked at"].concat();
                let frame = if packed {
                    // A stored block, so that each byte comes out as it goes in.
                    let len = [all.len() as u8, 0, !(all.len() as u8), 0xff];
                    RawFrame::text([&[0][..], &len, &all].concat()).compressed()
                } else {
                    RawFrame::text(&all)
                };
                let bytes = frame.bytes(peer.role());
                let bad_at = bytes.len() - b"never looked at".len() - 1;
                for byte in &bytes[..bad_at] {
                    give(&mut peer, &[*byte], true).unwrap();
                }
                let failure = give(&mut peer, &bytes[bad_at..=bad_at], true).unwrap_err();
                assert_eq!(failure, ProtocolViolation::InvalidUtf8.into());
                assert_eq!(failure.close_code().unwrap().0, 1007);
                assert!(peer.connection.is_over());
            }
        }
        let mut peer = peer(role, None, Config::default());
        let bytes = RawFrame::text("ends inside \u{20ac}".as_bytes().split_last().unwrap().1);
        let bytes = bytes.bytes(peer.role());
        let failure = give(&mut peer, &bytes, true).unwrap_err();
        assert_eq!(failure, ProtocolViolation::InvalidUtf8.into());
    }
}

#[test]
fn limits_of_whole_messages_do_not_bound_parts_but_max_streamed_does() {
    let small = Config::default().max_message(10).max_frame(10);
    for role in ROLES {
        for packed in [false, true] {
            let frames = |len: usize| {
                let data = "x".repeat(len);
                if packed {
                    let data = deflated(&data);
                    let (a, b) = data.split_at(data.len() / 2);
                    vec![
                        RawFrame::binary(a).compressed().more(),
                        RawFrame::continuation(b),
                    ]
                } else {
                    let half = &data[..len / 2];
                    vec![
                        RawFrame::binary(half).more(),
                        RawFrame::continuation(&data[len / 2..]),
                    ]
                }
            };
            let agreed = packed.then(Agreed::no_takeover);
            for (config, len, fits) in [
                (small.clone(), 1000, true),
                (small.clone().max_streamed(1000), 1000, true),
                (small.clone().max_streamed(1000), 1001, false),
            ] {
                let mut peer = peer(role, agreed, config);
                for _ in 0..2 {
                    let bytes = RawFrame::join(&frames(len), peer.role());
                    let seen = give(&mut peer, &bytes, true);
                    if fits {
                        let whole = Heard::Binary(vec![b'x'; len]);
                        assert_eq!(joined(seen.unwrap()), [whole]);
                    } else {
                        let over = LimitExceeded::Streamed { limit: 1000 };
                        assert_eq!(seen, Err(over.into()));
                        assert_eq!(Failure::from(over).close_code().unwrap().0, 1009);
                        break;
                    }
                }
            }
        }
        // A claim is refused before the payload is there.
        let mut peer = peer(role, None, Config::default().max_streamed(1 << 40));
        let claim = RawFrame::binary("")
            .claiming((1 << 40) + 1)
            .bytes(peer.role());
        assert!(give(&mut peer, &claim, true).is_err());
    }
}

#[test]
fn a_limit_for_the_message_under_way_counts_from_its_beginning() {
    for role in ROLES {
        let begun = RawFrame::binary([7; 600]).more().bytes(role.peer());
        let rest = RawFrame::continuation([7; 400]).bytes(role.peer());
        for (limit, fits) in [(1000, true), (999, false)] {
            let mut peer = peer(role, None, Config::default().max_streamed(1));
            assert!(
                peer.connection.limit_message(peer.now, 1).is_ok(),
                "no message"
            );
            peer = self::peer(role, None, Config::default());
            give(&mut peer, &begun, true).unwrap();
            peer.connection.limit_message(peer.now, limit).unwrap();
            assert_eq!(give(&mut peer, &rest, true).is_ok(), fits, "{limit}");
            // The next message has limits of its own.
            let next = if fits {
                vec![binary(&[7; 600], false)]
            } else {
                vec![]
            };
            assert_eq!(give(&mut peer, &begun, true), Ok(next));
        }
        let mut peer = peer(role, None, Config::default());
        give(&mut peer, &begun, true).unwrap();
        let over = LimitExceeded::Streamed { limit: 599 };
        let failed = peer.connection.limit_message(peer.now, 599);
        assert_eq!(failed, Err(over.into()));
        assert_eq!(peer.connection.state(), State::Closing);
    }
}

#[test]
fn a_flood_of_fragments_without_a_byte_ends() {
    for role in ROLES {
        for (first, filler) in [
            (RawFrame::text("begin").more(), RawFrame::continuation("")),
            // Compressed: an empty stored block each.
            (
                RawFrame::text(&deflated("begin")[..3]).compressed().more(),
                RawFrame::continuation(""),
            ),
            (
                RawFrame::binary([0x02, 0, 0, 0, 0xff, 0xff])
                    .compressed()
                    .more(),
                RawFrame::continuation([0, 0, 0, 0xff, 0xff]),
            ),
        ] {
            let mut peer = peer(role, Some(Agreed::takeover()), Config::default());
            let bytes = first.bytes(peer.role());
            give(&mut peer, &bytes, true).unwrap();
            let bytes = filler.more().bytes(peer.role());
            let mut count = 0u32;
            let failure = loop {
                match give(&mut peer, &bytes, true) {
                    Ok(_) => count += 1,
                    Err(failure) => break failure,
                }
            };
            let over = LimitExceeded::EmptyFragments { limit: 1000 };
            assert_eq!(failure, over.into());
            assert!(count <= 1000, "{count}");
            peer.connection.receive_eof(peer.now).unwrap();
        }
    }
}

#[test]
fn fragments_of_one_byte_are_no_flood() {
    for role in ROLES {
        let mut peer = peer(role, None, Config::default().max_message(10));
        let bytes = RawFrame::text("x").more().bytes(peer.role());
        give(&mut peer, &bytes, true).unwrap();
        for frame in [
            RawFrame::continuation("").more(),
            RawFrame::continuation("y").more(),
        ] {
            let bytes = frame.bytes(peer.role());
            for _ in 0..999 {
                give(&mut peer, &bytes, true).unwrap();
            }
        }
    }
}

#[test]
fn what_was_gathered_comes_out_as_the_first_part_at_whatever_byte_parts_are_asked_for() {
    let words = "tide and wire, ä€🌊, and shore ".repeat(20);
    for role in ROLES {
        for packed in [false, true] {
            let agreed = packed.then(Agreed::takeover);
            let payload = if packed {
                deflated(&words)
            } else {
                words.clone().into_bytes()
            };
            let (a, b) = payload.split_at(payload.len() / 3);
            let first = RawFrame::text(a).more();
            let first = if packed { first.compressed() } else { first };
            let frames = [
                RawFrame::binary("before"),
                first,
                RawFrame::ping("p"),
                RawFrame::continuation(b),
                RawFrame::text("behind"),
            ];
            let bytes = RawFrame::join(&frames, role.peer());
            let expected = [
                Heard::binary("before"),
                Heard::Ping(b"p".to_vec()),
                Heard::text(words.as_str()),
                Heard::text("behind"),
            ];
            for cut in 0..=bytes.len() {
                // Whole at first: nothing that was gathered may be lost.
                let mut peer = peer(role, agreed, Config::default());
                let mut seen = give(&mut peer, &bytes[..cut], false).unwrap();
                let gathered = peer.connection.has_gathered();
                let at_once = give(&mut peer, &[], true).unwrap();
                assert_eq!(at_once.len(), usize::from(gathered), "cut at {cut}");
                seen.extend(at_once);
                seen.extend(give(&mut peer, &bytes[cut..], true).unwrap());
                assert_eq!(joined(seen), expected, "cut at {cut}");

                // Parts at first: what was begun is over, and nothing else is lost.
                let mut peer = self::peer(role, agreed, Config::default());
                let mut seen = give(&mut peer, &bytes[..cut], true).unwrap();
                let ends =
                    |part: &Part| matches!(part, Part::Text(_, true) | Part::Binary(_, true));
                let ended = seen.iter().filter(|part| ends(part)).count();
                let mut expected = expected.to_vec();
                let behind = seen.iter().rposition(ends).map_or(0, |last| last + 1);
                let whole = |part: &Part| matches!(part, Part::Whole(_));
                let rest = seen.split_off(behind);
                if rest.iter().any(|part| !whole(part)) {
                    expected.remove([0, 2, 3][ended]);
                }
                seen.extend(rest.into_iter().filter(whole));
                seen.extend(give(&mut peer, &bytes[cut..], false).unwrap());
                assert_eq!(joined(seen), expected, "cut at {cut}");
            }
        }
    }
}

#[test]
fn a_message_that_is_discarded_is_still_checked() {
    for role in ROLES {
        for (rest, violation) in [
            (
                RawFrame::continuation([0xff]),
                ProtocolViolation::InvalidUtf8,
            ),
            (
                RawFrame::continuation([0xe2]),
                ProtocolViolation::InvalidUtf8,
            ),
            (RawFrame::text("x"), ProtocolViolation::MessageInsideMessage),
        ] {
            for parts in [false, true] {
                let mut peer = peer(role, None, Config::default().max_frame(10));
                let begun = RawFrame::text("x".repeat(100)).more().bytes(peer.role());
                give(&mut peer, &begun, true).unwrap();
                peer.connection.discard_message();
                let more = RawFrame::continuation("y".repeat(100)).more();
                let empty = RawFrame::continuation("").more();
                let bytes = RawFrame::join(&[more, empty], peer.role());
                assert_eq!(give(&mut peer, &bytes, parts), Ok(vec![]));
                assert!(!peer.connection.has_gathered());
                let bytes = rest.bytes(peer.role());
                assert_eq!(give(&mut peer, &bytes, parts), Err(violation.into()));
            }
        }
        // A limit stays in force, and the next message is whole again.
        let mut peer = peer(role, None, Config::default().max_streamed(150));
        let begun = RawFrame::binary([1; 100]).more().bytes(peer.role());
        give(&mut peer, &begun, true).unwrap();
        let end = RawFrame::continuation([1; 50]);
        let bytes = RawFrame::join(&[end, RawFrame::text("next")], peer.role());
        let next = Part::Whole(Heard::text("next"));
        assert_eq!(give(&mut peer, &bytes, false), Ok(vec![next]));
        give(&mut peer, &begun, true).unwrap();
        let over = RawFrame::continuation([1; 51]).bytes(peer.role());
        assert!(give(&mut peer, &over, false).is_err());
    }
}

#[test]
fn a_header_seen_for_parts_binds_nobody_who_wants_the_whole() {
    let config = Config::default().max_message(100).max_frame(50);
    for role in ROLES {
        // Only the header arrived, or with it the beginning of a character, which is no part yet.
        for (payload, seen) in [
            (&[0xe2; 60][..], 0),
            (&[0xe2; 60][..], 1),
            (&[0xe2; 60][..], 2),
        ] {
            let mut peer = peer(role, None, config.clone());
            let mut bytes = RawFrame::text("€".repeat(20)).bytes(peer.role());
            assert_eq!(payload.len(), 60);
            let head = bytes.len() - 60;
            let rest = bytes.split_off(head + seen);
            assert_eq!(give(&mut peer, &bytes, true), Ok(vec![]));
            assert_eq!(peer.connection.direct_len(), 0, "no way around the limit");
            let over = LimitExceeded::Frame {
                claimed: 60,
                limit: 50,
            };
            assert_eq!(give(&mut peer, &rest, false), Err(over.into()));
        }
    }
}

#[test]
fn a_bomb_is_inflated_a_piece_at_a_time() {
    let bomb = deflated(vec![0; 64 << 20]);
    for role in ROLES {
        let mut peer = peer(role, Some(Agreed::no_takeover()), Config::default());
        let bytes = RawFrame::binary(&bomb).compressed().bytes(peer.role());
        let (mut total, mut largest) = (0, 0);
        for part in give(&mut peer, &bytes, true).unwrap() {
            if let Part::Binary(data, _) = part {
                largest = largest.max(data.len());
                total += data.len();
            }
        }
        assert_eq!(total, 64 << 20);
        assert!(largest <= 90 * 1024, "{largest}");
    }
}

/// Frames that are right most of the time, and some that are not.
fn frames() -> impl Strategy<Value = Vec<RawFrame>> {
    let text = prop_oneof![
        "[a-zé⛵🌊]{0,90}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..40),
    ];
    let frame = (any::<u8>(), text).prop_map(|(bits, payload)| {
        let opcodes = [0, 0, 0, 1, 1, 2, 9, 10];
        let opcode = opcodes[usize::from(bits & 7)];
        let payload = if bits & 16 != 0 && bits & 64 != 0 {
            deflated(&payload)
        } else {
            payload
        };
        let frame = RawFrame::new(opcode, payload);
        let frame = if bits & 8 != 0 && opcode < 8 {
            frame.more()
        } else {
            frame
        };
        let pack = bits & 16 != 0 && (opcode == 1 || opcode == 2);
        if pack { frame.compressed() } else { frame }
    });
    prop::collection::vec(frame, 0..12)
}

/// Messages as a sound peer sends them, in fragments that cut characters and compressed blocks.
fn sound() -> impl Strategy<Value = Vec<RawFrame>> {
    let message = ("[a-zé⛵🌊]{0,300}", 1..9usize, any::<bool>(), any::<bool>());
    prop::collection::vec(message, 0..6).prop_map(|messages| {
        let mut frames = Vec::new();
        for (text, count, packed, is_text) in messages {
            let payload = if packed {
                deflated(&text)
            } else {
                text.into_bytes()
            };
            let size = payload.len().div_ceil(count).max(1);
            let mut parts: Vec<_> = payload.chunks(size).collect();
            parts.push(&[]);
            let last = parts.len() - 1;
            for (i, part) in parts.iter().enumerate() {
                let opcode = if i > 0 { 0 } else { 2 - u8::from(is_text) };
                let frame = RawFrame::new(opcode, part);
                let frame = if i == 0 && packed {
                    frame.compressed()
                } else {
                    frame
                };
                frames.push(if i < last { frame.more() } else { frame });
                if i % 3 == 1 {
                    frames.push(RawFrame::ping([i as u8]));
                }
            }
        }
        frames
    })
}

/// What comes of bytes that are cut at `cuts`: events, failure, and what was answered.
fn see(
    role: Role,
    agreed: Option<Agreed>,
    bytes: &[u8],
    cuts: &[usize],
    parts: bool,
) -> (Vec<Heard>, Option<Failure>, Vec<u8>) {
    let mut peer = peer(role, agreed, Config::default());
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();
    let (mut seen, mut failure) = (Vec::new(), None);
    for cut in cuts.windows(2) {
        let mut buffer = bytes[cut[0]..cut[1]].to_vec();
        let mut input = &mut buffer[..];
        while failure.is_none() {
            let RawPeer {
                connection,
                pool,
                now,
                ..
            } = &mut peer;
            let event = if parts {
                connection.receive_part(*now, pool, &mut input)
            } else {
                connection.receive(*now, pool, &mut input)
            };
            match event {
                Ok(Some(event)) => seen.push(Part::from(event)),
                Ok(None) => break,
                Err(error) => failure = Some(error),
            }
        }
    }
    (joined(seen), failure, peer.take_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn in_parts_the_same_is_heard_said_and_told_as_whole(
        frames in prop_oneof![frames(), sound()],
        noise in prop::option::weighted(0.3, (any::<prop::sample::Index>(), 0..8u8)),
        cuts in prop::collection::vec(any::<usize>(), 0..20),
        server: bool,
        agreed in prop_oneof![
            Just(None), Just(Some(Agreed::takeover())), Just(Some(Agreed::no_takeover())),
        ],
    ) {
        let role = if server { Role::Server } else { Role::Client };
        let mut bytes = RawFrame::join(&frames, role.peer());
        if let (Some((at, bit)), false) = (noise, bytes.is_empty()) {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
        }
        let whole = see(role, agreed, &bytes, &[], false);
        prop_assert_eq!(&see(role, agreed, &bytes, &[], true), &whole);
        prop_assert_eq!(&see(role, agreed, &bytes, &cuts, true), &whole);
        let every: Vec<_> = (0..=bytes.len()).collect();
        prop_assert_eq!(&see(role, agreed, &bytes, &every, true), &whole);
    }

    #[test]
    fn arbitrary_bytes_in_parts_and_whole_by_turns_do_no_harm(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        turns in any::<u64>(), step in 1..9usize, server: bool,
    ) {
        let role = if server { Role::Server } else { Role::Client };
        let mut peer = peer(role, Some(Agreed::takeover()), Config::default().max_message(100));
        for (i, piece) in bytes.chunks(step).enumerate() {
            if give(&mut peer, piece, turns >> (i % 64) & 1 == 1).is_err() {
                prop_assert!(peer.connection.is_over());
                break;
            }
        }
    }
}
