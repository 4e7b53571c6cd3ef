//! Messages from and into the obvious types, compared and printed.

#![allow(clippy::unwrap_used)]

use bytes::{Bytes, BytesMut};
use std::borrow::Cow;
use std::collections::HashSet;
use tidewire::{Kind, Message, NotText, Text};

#[test]
fn every_kind_of_string_becomes_text() {
    let string = String::from("ebb");
    let made: [(&str, Message); 9] = [
        ("&str", "ebb".into()),
        ("String", string.clone().into()),
        ("&String", (&string).into()),
        ("Box<str>", string.clone().into_boxed_str().into()),
        ("Cow, borrowed", Cow::Borrowed("ebb").into()),
        ("Cow, owned", Cow::<str>::Owned(string).into()),
        ("Text", Text::from("ebb").into()),
        ("text()", Message::text("ebb")),
        ("text() of Text", Message::text(Text::from_static("ebb"))),
    ];
    for (from, message) in made {
        assert_eq!(message.kind(), Kind::Text, "{from}");
        assert_eq!(message, "ebb", "{from}");
    }
    assert_eq!(Message::from('ß'), "ß");
}

#[test]
fn every_kind_of_bytes_becomes_binary() {
    let vec = vec![1u8, 2, 3];
    let made: [(&str, Message); 13] = [
        ("Vec", vec.clone().into()),
        ("&Vec", (&vec).into()),
        ("&[u8]", vec.as_slice().into()),
        ("&[u8; N]", (&[1, 2, 3]).into()),
        ("[u8; N]", [1, 2, 3].into()),
        ("byte string", b"\x01\x02\x03".into()),
        ("Box<[u8]>", vec.clone().into_boxed_slice().into()),
        ("Cow, borrowed", Cow::Borrowed(vec.as_slice()).into()),
        ("Cow, owned", Cow::<[u8]>::Owned(vec.clone()).into()),
        ("Bytes", Bytes::from(vec.clone()).into()),
        ("BytesMut", BytesMut::from(vec.as_slice()).into()),
        ("binary()", Message::binary(vec.clone())),
        ("binary() of Bytes", Message::binary(Bytes::from(vec))),
    ];
    for (from, message) in made {
        assert_eq!(message.kind(), Kind::Binary, "{from}");
        assert_eq!(message, [1, 2, 3], "{from}");
    }
}

#[test]
fn owned_payloads_are_not_copied_in_or_out() {
    let string = String::from("kept where it is");
    let at = string.as_ptr();
    let message = Message::from(string);
    assert_eq!(message.as_bytes().as_ptr(), at);
    let string = String::try_from(message).unwrap();
    assert_eq!(string.as_ptr(), at);

    let message = Message::from(vec![7; 100]);
    let at = message.as_bytes().as_ptr();
    let clone = message.clone();
    assert_eq!(clone.as_bytes().as_ptr(), at, "clones share the payload");
    drop(clone);
    let vec = Vec::from(message);
    assert_eq!(vec.as_ptr(), at);
}

#[test]
fn text_comes_out_of_text_only_and_a_binary_message_is_given_back() {
    let text = || Message::text("flood");
    assert_eq!(text().into_text().unwrap(), "flood");
    assert_eq!(Text::try_from(text()).unwrap(), "flood");
    assert_eq!(String::try_from(text()).unwrap(), "flood");
    assert_eq!(Bytes::from(text()), "flood");
    assert_eq!(Vec::from(text()), b"flood");

    let binary = Message::binary("flood"); // valid UTF-8, and not text for that
    let refused = [
        binary.clone().into_text().unwrap_err(),
        Text::try_from(binary.clone()).unwrap_err(),
        String::try_from(binary.clone()).unwrap_err(),
    ];
    for NotText(message) in refused {
        assert_eq!(message, binary);
    }
    let error: Box<dyn std::error::Error + Send + Sync> = NotText(binary).into();
    assert!(error.to_string().contains("binary message of 5 bytes"));
}

#[test]
fn text_and_bytes_are_never_equal() {
    let (text, binary) = (Message::text("a"), Message::binary("a"));
    assert_ne!(text, binary);
    assert!(text == "a" && text != "b" && text != *b"a" && text != b"a"[..]);
    assert!(binary == *b"a" && binary == b"a" && binary == b"a"[..] && binary != "a");
    assert!(Message::text("") != Message::binary("") && Message::text("").is_empty());
    assert_eq!(HashSet::from([text.clone(), binary, text]).len(), 2);
}

#[test]
fn debug_shows_short_payloads_and_the_beginning_of_long_ones() {
    let cases = [
        (Message::text(""), r#"Text("")"#),
        (Message::text("a \"b\"\n"), r#"Text("a \"b\"\n")"#),
        (Message::binary(""), "Binary(0 bytes)"),
        (Message::from([0xff]), "Binary(1 byte: ff)"),
        (Message::from([0, 1, 0xfe]), "Binary(3 bytes: 00 01 fe)"),
    ];
    for (message, expected) in cases {
        assert_eq!(format!("{message:?}"), expected);
    }
    let long = format!("{:?}", Message::text("é".repeat(1_000_000)));
    assert!(long.starts_with("Text(2000000 bytes: \"éé") && long.ends_with("é\"…)"));
    assert!(long.len() < 300, "{long}");
    let long = format!("{:?}", Message::binary(vec![0xab; 1_000_000]));
    assert!(long.starts_with("Binary(1000000 bytes: ab ab") && long.ends_with("ab …)"));
    assert!(long.len() < 200, "{long}");
}
