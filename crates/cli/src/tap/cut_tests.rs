//! Frames through the cutter: as they were, lost, twice, in fragments; and bytes that are no frames.
#![allow(clippy::unwrap_used)]

use super::super::faults::{Dice, Faults};
use super::*;
use crate::args::{Cli, Command};
use crate::record::Dir;
use clap::Parser;

fn cutter(flags: &[&str]) -> Cutter {
    let line = ["tidewire", "tap", "1", "h:1"].iter().chain(flags);
    match Cli::try_parse_from(line).unwrap().command {
        Some(Command::Tap(args)) => Cutter::new(Dice::new(&Faults::of(&args), 1, Dir::Out), None),
        other => panic!("{other:?}"),
    }
}

fn frame(first: u8, key: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
    let masked = u8::from(key.is_some()) << 7;
    let mut out = vec![first];
    match payload.len() {
        len @ 0..=125 => out.push(masked | len as u8),
        len => {
            out.push(masked | 126);
            out.extend((len as u16).to_be_bytes());
        }
    }
    let key = key.unwrap_or_default();
    if masked != 0 {
        out.extend(key);
    }
    out.extend(payload.iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]));
    out
}

/// What comes out when the bytes come in parts of this size, and the messages that went by.
fn through(cutter: &mut Cutter, bytes: &[u8], size: usize) -> (Vec<u8>, Vec<Passed>) {
    let mut out = Vec::new();
    for part in bytes.chunks(size) {
        let mut packets = Vec::new();
        cutter.take(part, &mut packets);
        out.extend(packets.into_iter().flat_map(|packet| packet.bytes));
    }
    let passed = std::iter::from_fn(|| cutter.passed()).collect();
    (out, passed)
}

const KEY: Option<[u8; 4]> = Some([1, 2, 3, 4]);

/// A message in two frames with a Ping between them, an empty one, a compressed one, a Close.
fn session() -> Vec<u8> {
    [
        frame(0x01, KEY, b"hello "),
        frame(0x89, KEY, b"ping"),
        frame(0x80, KEY, b"world"),
        frame(0x82, KEY, b""),
        frame(0xC1, KEY, &[7; 300]),
        frame(0x88, KEY, &[3, 232]),
    ]
    .concat()
}

#[test]
fn without_faults_every_byte_stays() {
    for size in [1, 2, 3, 7, 100, 10_000] {
        let (out, passed) = through(&mut cutter(&[]), &session(), size);
        assert_eq!(out, session());
        let told: Vec<_> = passed.iter().map(|p| (p.frames, p.size, p.compressed)).collect();
        assert_eq!(told, [(2, 11, false), (1, 0, false), (1, 300, true)]);
    }
}

#[test]
fn bytes_that_are_no_frames_stay_too() {
    let mut random = fastrand::Rng::with_seed(1);
    for length in [0, 1, 13, 5000] {
        let mut noise: Vec<u8> = (0..length).map(|_| random.u8(..)).collect();
        noise.extend([0x82, 127, 127, 0, 0, 0, 0, 0, 0, 1]);
        let mut cutter = cutter(&[]);
        let (mut out, _) = through(&mut cutter, &noise, 11);
        let mut packets = Vec::new();
        cutter.rest(&mut packets);
        out.extend(packets.into_iter().flat_map(|packet| packet.bytes));
        assert!(out == noise, "{length}");
    }
}

#[test]
fn lost_messages_take_no_control_frame_with_them() {
    let (out, passed) = through(&mut cutter(&["--drop", "1"]), &session(), 5);
    let kept = [frame(0x89, KEY, b"ping"), frame(0x88, KEY, &[3, 232])].concat();
    assert_eq!(out, kept);
    assert!(passed.len() == 3 && passed.iter().all(|p| p.fate.lost));
}

#[test]
fn messages_come_twice_behind_each_other() {
    let (out, _) = through(&mut cutter(&["--dup", "100%"]), &session(), 9);
    let (hello, world) = (frame(0x01, KEY, b"hello "), frame(0x80, KEY, b"world"));
    let expected = [
        hello.clone(),
        frame(0x89, KEY, b"ping"),
        world.clone(),
        hello,
        world,
        frame(0x82, KEY, b"").repeat(2),
        frame(0xC1, KEY, &[7; 300]).repeat(2),
        frame(0x88, KEY, &[3, 232]),
    ];
    assert_eq!(out, expected.concat());
}

#[test]
fn fragments_hold_the_same_payload_under_the_same_key() {
    let payload: Vec<u8> = (0..=255).cycle().take(1003).collect();
    let whole = [frame(0xC2, KEY, &payload), frame(0x89, KEY, b"a longer ping")].concat();
    for (size, chunk) in [(3, 10_000), (100, 1), (1, 64), (1002, 5)] {
        let (out, passed) = through(&mut cutter(&["--fragment", &size.to_string()]), &whole, chunk);
        let mut rest = &out[..];
        let (mut together, mut count) = (Vec::new(), 0);
        while together.len() < payload.len() {
            let mut after = rest;
            let frame = Frames::new().next(&mut after).unwrap();
            let len = frame.len() as usize;
            let key = frame.mask().unwrap();
            together.extend(after[..len].iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]));
            assert_eq!(frame.opcode(), if count == 0 { 2 } else { 0 });
            assert_eq!(frame.rsv1(), count == 0);
            assert_eq!(frame.fin(), together.len() == payload.len());
            assert!(len <= size);
            rest = &after[len..];
            count += 1;
        }
        assert!(together == payload && count == payload.len().div_ceil(size));
        assert_eq!(rest, frame(0x89, KEY, b"a longer ping"), "control frames stay whole");
        assert_eq!(passed[0].frames, 1, "as it came");
    }
}

#[test]
fn a_fragment_that_was_one_before_stays_one() {
    let both = [frame(0x01, None, &[b'a'; 10]), frame(0x80, None, &[b'b'; 10])].concat();
    let (out, _) = through(&mut cutter(&["--fragment", "6"]), &both, 4);
    let expected = [
        frame(0x01, None, &[b'a'; 6]),
        frame(0x00, None, &[b'a'; 4]),
        frame(0x00, None, &[b'b'; 6]),
        frame(0x80, None, &[b'b'; 4]),
    ];
    assert_eq!(out, expected.concat());
}

#[test]
fn after_the_last_message_nothing_passes() {
    let budget = Rc::new(Cell::new(2));
    let mut cutter = Cutter {
        budget: Some(budget.clone()),
        ..cutter(&[])
    };
    let mut packets = Vec::new();
    let taken = cutter.take(&session(), &mut packets);
    let first = [
        frame(0x01, KEY, b"hello "),
        frame(0x89, KEY, b"ping"),
        frame(0x80, KEY, b"world"),
        frame(0x82, KEY, b""),
    ]
    .concat();
    assert_eq!((taken, budget.get(), cutter.is_spent()), (first.len(), 0, true));
    assert_eq!(packets[0].bytes, first);
    assert_eq!(cutter.take(b"more", &mut packets), 0);
}
