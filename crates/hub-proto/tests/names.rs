//! Names of channels and guests: what looks like another name is none.

#![allow(clippy::unwrap_used)]

use tidewire_hub_proto::channel::{Channel, InvalidChannel};
use tidewire_hub_proto::name::{InvalidName, guest_name};

#[test]
fn a_name_without_a_colon_is_one_of_chat() {
    let lobby = Channel::parse("lobby").unwrap();
    assert_eq!(lobby, Channel::parse("chat:lobby").unwrap());
    assert_eq!((lobby.namespace(), lobby.name()), ("chat", "lobby"));
    let nested = Channel::parse("live:a:b c/é").unwrap();
    assert_eq!((nested.namespace(), nested.name()), ("live", "a:b c/é"));
}

#[test]
fn what_cannot_be_seen_is_in_no_name() {
    let unseen = [
        '\0',
        '\n',
        '\u{7f}',
        '\u{85}',
        '\u{ad}',
        '\u{61c}',
        '\u{180e}',
        '\u{200b}',
        '\u{200d}',
        '\u{200f}',
        '\u{2028}',
        '\u{202e}',
        '\u{2060}',
        '\u{2066}',
        '\u{2800}',
        '\u{3164}',
        '\u{feff}',
        '\u{ffa0}',
        '\u{e0041}',
        '\u{e0100}',
    ];
    for c in unseen {
        let name = format!("a{c}b");
        assert_eq!(
            Channel::parse(&name),
            Err(InvalidChannel::Character),
            "{c:?}"
        );
        assert_eq!(guest_name(&name), Err(InvalidName::Character), "{c:?}");
    }
    for seen in ["Ann Ó Briain", "アン", "Ann 🎉", "a-b_c'd"] {
        assert_eq!(&*guest_name(seen).unwrap(), seen);
        assert!(Channel::parse(seen).is_ok());
    }
}

#[test]
fn spaces_at_the_ends_are_taken_off_a_guest_and_refused_in_a_channel() {
    assert_eq!(&*guest_name("\u{3000} Ann \t").unwrap(), "Ann");
    assert_eq!(guest_name(" \u{a0} "), Err(InvalidName::Length));
    for name in ["lobby ", "chat: lobby", "lobby\u{a0}"] {
        assert_eq!(Channel::parse(name), Err(InvalidChannel::Character));
    }
}

#[test]
fn a_channel_keeps_to_its_lengths() {
    let cases = [
        ("", Some(InvalidChannel::Length)),
        (":x", Some(InvalidChannel::Namespace)),
        ("Chat:x", Some(InvalidChannel::Namespace)),
        ("ché:x", Some(InvalidChannel::Namespace)),
        ("chat:", Some(InvalidChannel::Length)),
    ];
    for (name, error) in cases {
        assert_eq!(Channel::parse(name).err(), error, "{name}");
    }
    assert!(Channel::parse(&format!("{}:{}", "n".repeat(32), "x".repeat(200))).is_ok());
    let long = format!("{}:x", "n".repeat(33));
    assert_eq!(Channel::parse(&long), Err(InvalidChannel::Namespace));
    assert_eq!(
        Channel::parse(&"x".repeat(201)),
        Err(InvalidChannel::Length)
    );
}

#[test]
fn names_of_all_scripts_are_names() {
    for name in [
        "José",
        "Łukasz",
        "李雷",
        "علی‌رضا",
        "דָּנִי",
        "ไก่",
        "👩‍💻",
        "☂️",
        "O'Neil",
        "नमस्ते",
    ] {
        assert_eq!(guest_name(name).as_deref(), Ok(name));
    }
}

#[test]
fn joiners_are_refused_where_they_join_nothing() {
    for name in [
        "a\u{200d}b",
        "\u{200d}李",
        "李\u{200d}",
        "李\u{200d}\u{200d}雷",
    ] {
        assert!(guest_name(name).is_err(), "{name:?}");
    }
}
