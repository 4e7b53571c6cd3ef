//! Cursors: of one channel, of several, and what is none.

#![allow(clippy::unwrap_used)]

use tidewire_hub_proto::{Channel, Cursor, InvalidCursor, Pos, Term};

fn channels(count: usize) -> Vec<Channel> {
    (0..count)
        .map(|n| Channel::parse(&format!("room-{n}")).unwrap())
        .collect()
}

fn pos(offset: u64) -> Pos {
    Pos::new(Term(62), offset)
}

fn cursor(channels: &[Channel]) -> Result<Cursor, InvalidCursor> {
    Cursor::new(channels.iter().zip((0..).map(pos)))
}

#[test]
fn the_cursor_of_one_channel_is_its_position() {
    let one = channels(1);
    let cursor = cursor(&one).unwrap();
    assert_eq!(cursor.to_string(), "10-0");
    let back: Cursor = "10-0".parse().unwrap();
    assert_eq!(back, cursor);
    assert_eq!(back.positions(&one), Ok(vec![Some(pos(0))]));
    assert_eq!(back.positions(&channels(2)), Err(InvalidCursor::OfOne));
    assert_eq!(back.positions(&[]), Err(InvalidCursor::OfOne));
}

#[test]
fn the_cursor_of_several_finds_each_by_name() {
    let all = channels(3);
    let cursor = cursor(&all).unwrap();
    // As clients hold it already: this must not change.
    assert_eq!(
        cursor.to_string(),
        "F1ujKxQ7kLr.10-2~F1ujeJaQUHO.10-1~F1ujxfkjECv.10-0"
    );
    let back: Cursor = cursor.to_string().parse().unwrap();
    assert_eq!(back, cursor);
    let other = Channel::parse("other").unwrap();
    let asked = [all[2].clone(), other, all[0].clone()];
    assert_eq!(
        back.positions(&asked),
        Ok(vec![Some(pos(2)), None, Some(pos(0))])
    );
}

#[test]
fn a_cursor_is_the_same_in_whatever_order() {
    let all = channels(5);
    let given: Vec<_> = all.iter().zip((0..).map(pos)).collect();
    let turned = Cursor::new(given.iter().rev().copied()).unwrap();
    assert_eq!(turned, Cursor::new(given).unwrap());
    let text = turned.to_string();
    let shuffled: Vec<_> = text.split('~').rev().collect();
    assert_eq!(shuffled.join("~").parse(), Ok(turned));
}

#[test]
fn a_cursor_moves_with_one_of_its_channels() {
    let all = channels(2);
    let mut several = cursor(&all).unwrap();
    assert!(several.advance(&all[1], pos(9)));
    assert!(!several.advance(&Channel::parse("other").unwrap(), pos(9)));
    assert_eq!(
        several.positions(&all),
        Ok(vec![Some(pos(0)), Some(pos(9))])
    );
    let mut one = cursor(&all[..1]).unwrap();
    assert!(one.advance(&all[0], pos(3)));
    assert_eq!(one.to_string(), "10-3");
}

#[test]
fn a_channel_given_twice_has_its_last_position() {
    let all = channels(2);
    let given = [(&all[0], pos(1)), (&all[1], pos(2)), (&all[0], pos(3))];
    let cursor = Cursor::new(given).unwrap();
    assert_eq!((cursor.len(), cursor.get(&all[0])), (2, Some(pos(3))));
}

#[test]
fn a_cursor_has_at_most_32_channels() {
    let full = cursor(&channels(32)).unwrap();
    assert_eq!(full.to_string().parse(), Ok(full));
    assert_eq!(cursor(&channels(33)), Err(InvalidCursor::TooMany));
    let part = |n| format!("{n}.10-1");
    let text = |n: u32| (0..n).map(part).collect::<Vec<_>>().join("~");
    assert!(text(32).parse::<Cursor>().is_ok());
    assert_eq!(text(33).parse::<Cursor>(), Err(InvalidCursor::TooMany));
    assert_eq!(text(100_000).parse::<Cursor>(), Err(InvalidCursor::TooMany));
    assert_eq!(Cursor::new([]), Err(InvalidCursor::Text));
}

#[test]
fn the_longest_cursor_is_read() {
    let widest = Pos::new(Term(u64::MAX), u64::MAX);
    let part = |n: u64| {
        // The largest hashes: eleven digits each.
        let digit = char::from(b'0' + u8::try_from(n % 10).unwrap());
        let letter = char::from(b'A' + u8::try_from(n / 10).unwrap());
        format!("LygHa16AH{letter}{digit}.{widest}")
    };
    let text = (0..32).map(part).collect::<Vec<_>>().join("~");
    assert_eq!(text.len(), Cursor::MAX_BYTES);
    assert_eq!(text.parse::<Cursor>().unwrap().len(), 32);
}

#[test]
fn what_no_hub_gave_is_no_cursor() {
    let hostile = [
        "",
        " ",
        "-",
        "~",
        ".",
        "10",
        "10-",
        "-1",
        "10-01",
        "010-1",
        "10-+1",
        "+10-1",
        "10--1",
        "10-1 ",
        "10-1~",
        "~10-1",
        "10-1~10-2",
        "1.10-1~",
        "1.10-1~~2.10-1",
        "1.10-1~1.10-2",
        ".10-1",
        "01.10-1",
        "1.",
        "1.10",
        "1.2.10-1",
        "1-1.10-1",
        "é.10-1",
        "1.10-1~\0",
        "10-18446744073709551616",
        "zzzzzzzzzzzz-1",
        "zzzzzzzzzzzz.10-1",
        "١-١",
    ];
    for text in hostile {
        assert_eq!(text.parse::<Cursor>(), Err(InvalidCursor::Text), "{text:?}");
    }
    let long = "9".repeat(1 << 20);
    assert_eq!(long.parse::<Cursor>(), Err(InvalidCursor::TooMany));
}
