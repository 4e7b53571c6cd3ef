//! Cut the input anywhere, and the same is heard, said and told; and no bytes at all do harm.

use proptest::prelude::*;
use tidewire_proto::{Config, Failure, LimitExceeded, ProtocolViolation, Role};
use tidewire_testkit::agreed::deflated;
use tidewire_testkit::{Agreed, Heard, Random, RawFrame, RawPeer};

/// Part of what a peer says: mostly legal.
#[derive(Clone, Debug)]
enum Part {
    Text(String, usize, bool),
    Binary(usize, usize, bool),
    Ping(usize),
    Pong(usize),
    Close(u16),
    /// Something illegal, chosen by number.
    Bad(u8),
    /// A bit of the stream is turned over, somewhere.
    Flip(usize),
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![
        6 => ("[a-zé⛵🌊]{0,60}", 0..5usize, any::<bool>()).prop_map(|(t, n, z)| Part::Text(t, n, z)),
        6 => (0..900usize, 0..5usize, any::<bool>()).prop_map(|(l, n, z)| Part::Binary(l, n, z)),
        3 => (0..126usize).prop_map(Part::Ping),
        1 => (0..126usize).prop_map(Part::Pong),
        1 => prop_oneof![Just(1000u16), 990..1020u16].prop_map(Part::Close),
        1 => (0..8u8).prop_map(Part::Bad),
        1 => any::<usize>().prop_map(Part::Flip),
    ]
}

/// A message in `cuts + 1` frames with a Ping after each, compressed or not.
fn message(first: RawFrame, payload: &[u8], cuts: usize, packed: bool, out: &mut Vec<RawFrame>) {
    let payload = if packed {
        deflated(payload)
    } else {
        payload.to_vec()
    };
    let size = payload.len().div_ceil(cuts + 1).max(1);
    let mut parts: Vec<_> = payload.chunks(size).collect();
    if parts.is_empty() {
        parts.push(&[]);
    }
    let last = parts.len() - 1;
    let opcode = first.bytes(Role::Server)[0] & 0xF;
    for (i, part) in parts.into_iter().enumerate() {
        let frame = RawFrame::new(if i == 0 { opcode } else { 0 }, part);
        let frame = if i == 0 && packed {
            frame.compressed()
        } else {
            frame
        };
        out.push(if i < last { frame.more() } else { frame });
        if i < last {
            out.push(RawFrame::ping([i as u8]));
        }
    }
}

fn stream(parts: &[Part], sender: Role) -> Vec<u8> {
    let mut frames = Vec::new();
    let mut flips = Vec::new();
    for part in parts {
        match part {
            Part::Text(text, cuts, packed) => {
                message(
                    RawFrame::text(""),
                    text.as_bytes(),
                    *cuts,
                    *packed,
                    &mut frames,
                );
            }
            Part::Binary(len, cuts, packed) => {
                let data = Random::new(*len as u64).bytes(*len);
                message(RawFrame::binary(""), &data, *cuts, *packed, &mut frames);
            }
            Part::Ping(len) => frames.push(RawFrame::ping(vec![b'i'; *len])),
            Part::Pong(len) => frames.push(RawFrame::pong(vec![b'o'; *len])),
            Part::Close(code) => frames.push(RawFrame::close(*code, "bye")),
            Part::Bad(0) => frames.push(RawFrame::continuation("stray")),
            Part::Bad(1) => frames.push(RawFrame::text([b'a', 0xe2, 0x28, 0xa1, b'b'])),
            Part::Bad(2) => frames.push(RawFrame::text("").rsv(1)),
            Part::Bad(3) => frames.push(RawFrame::new(0xB, "x")),
            Part::Bad(4) => frames.push(RawFrame::binary([1; 20]).length_in_two_bytes()),
            Part::Bad(5) => frames.push(RawFrame::binary([0xff; 30]).compressed()),
            Part::Bad(6) => frames.push(RawFrame::binary(vec![0; 5000])),
            Part::Bad(_) => frames.push(RawFrame::text("half").more()),
            Part::Flip(at) => flips.push(*at),
        }
    }
    let mut bytes = RawFrame::join(&frames, sender);
    for at in flips {
        if !bytes.is_empty() {
            let index = at % bytes.len();
            bytes[index] ^= 1 << (at % 8);
        }
    }
    bytes
}

/// Everything that can be seen of a connection after it got `bytes`, cut at `cuts`.
type Seen = (Vec<Heard>, Option<Failure>, Vec<u8>, Option<String>);

fn see(role: Role, agreed: Option<Agreed>, bytes: &[u8], cuts: &[usize]) -> Seen {
    let config = Config::default().max_message(1 << 20).max_frame(4000);
    let agreed = agreed.map(Agreed::compression);
    let mut peer = RawPeer::facing_with(role, config, agreed);
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();
    for cut in cuts.windows(2) {
        if peer.failure().is_none() {
            let _ = peer.send_bytes(&bytes[cut[0]..cut[1]]);
        }
    }
    let story = peer.connection.story().map(|story| format!("{story:?}"));
    (peer.take_heard(), peer.failure(), peer.take_bytes(), story)
}

#[test]
fn a_message_broken_twice_fails_however_it_is_cut() {
    // Inflates to a byte that is no UTF-8, and then to nothing sensible.
    let bytes = RawFrame::text([0x9a, 0x30, 0x9a, 0, 0])
        .compressed()
        .bytes(Role::Server);
    let whole = see(Role::Client, Some(Agreed::takeover()), &bytes, &[]);
    let dripped = see(
        Role::Client,
        Some(Agreed::takeover()),
        &bytes,
        &[2, 3, 4, 5, 6],
    );
    assert_eq!(dripped.1, Some(ProtocolViolation::InvalidUtf8.into()));
    assert_eq!(dripped, whole);
}

fn agreed() -> impl Strategy<Value = Option<Agreed>> {
    prop_oneof![
        1 => Just(None),
        2 => Just(Some(Agreed::takeover())),
        2 => Just(Some(Agreed::no_takeover())),
    ]
}

/// A failure that the peer's bytes can cause.
fn is_the_peers_fault(failure: Failure) -> bool {
    match failure {
        Failure::Protocol(_) => failure.close_code().is_some(),
        Failure::Limit(LimitExceeded::Frame { claimed, limit }) => claimed > limit as u64,
        Failure::Limit(_) => true,
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn cut_anywhere_the_same_happens(
        parts in prop::collection::vec(part(), 0..12),
        cuts in prop::collection::vec(any::<usize>(), 0..20),
        server: bool, agreed in agreed(),
    ) {
        let role = if server { Role::Server } else { Role::Client };
        let bytes = stream(&parts, role.peer());
        let whole = see(role, agreed, &bytes, &[]);
        let torn = see(role, agreed, &bytes, &cuts);
        prop_assert_eq!(&torn, &whole);
        let every: Vec<_> = (0..=bytes.len()).collect();
        let dripped = see(role, agreed, &bytes, &every);
        prop_assert_eq!(&dripped, &whole);
    }

    #[test]
    fn arbitrary_bytes_do_no_harm(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        cuts in prop::collection::vec(any::<usize>(), 0..5),
        server: bool, agreed in agreed(),
    ) {
        let role = if server { Role::Server } else { Role::Client };
        let (heard, failure, _, story) = see(role, agreed, &bytes, &cuts);
        let closed = heard.iter().any(|heard| matches!(heard, Heard::Close(..)));
        prop_assert_eq!(story.is_some(), failure.is_some() || closed);
        if let Some(failure) = failure {
            prop_assert!(is_the_peers_fault(failure), "{failure:?}");
        }
    }

    /// Headers that are right most of the time lead deeper than noise does.
    #[test]
    fn arbitrary_frames_do_no_harm(
        frames in prop::collection::vec(
            (any::<u8>(), prop::collection::vec(any::<u8>(), 0..200)), 0..20),
        server: bool, agreed in agreed(),
    ) {
        let role = if server { Role::Server } else { Role::Client };
        let opcodes = [0, 0, 0, 1, 1, 2, 2, 9];
        let frames: Vec<_> = frames
            .into_iter()
            .map(|(bits, payload)| {
                let frame = RawFrame::new(opcodes[usize::from(bits & 7)], payload);
                let frame = if bits & 8 != 0 { frame.more() } else { frame };
                if bits & 16 != 0 { frame.compressed() } else { frame }
            })
            .collect();
        let bytes = RawFrame::join(&frames, role.peer());
        let whole = see(role, agreed, &bytes, &[]);
        if let Some(failure) = whole.1 {
            prop_assert!(is_the_peers_fault(failure), "{failure:?}");
        }
        let every: Vec<_> = (0..=bytes.len()).collect();
        let dripped = see(role, agreed, &bytes, &every);
        prop_assert_eq!(&dripped, &whole);
    }
}
