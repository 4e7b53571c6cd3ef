//! Guests' client ids cannot be forged, and names show what they are.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use tidewire_hub_core::identity::{ClientKey, clean_name};

fn key() -> ClientKey {
    ClientKey::new([7; 32])
}

#[test]
fn a_returning_guest_is_known_again() {
    let client = key().issue([1; 12]);
    assert_eq!(client.id.len(), 16);
    assert_eq!(key().verify(&client.token), Some(client.id.clone()));
    assert_ne!(key().issue([2; 12]).id, client.id);
    assert!(
        !client.id.contains('~'),
        "an id is a part of a channel's name"
    );
}

#[test]
fn the_token_is_what_it_was_in_every_release() {
    // HMAC-SHA256 of "tidewire client v1\nAQEBAQEBAQEBAQEB" under 32 bytes of 7, by another tool.
    let token = key().issue([1; 12]).token;
    assert_eq!(&*token, "AQEBAQEBAQEBAQEB.JohH6gqb7iCtXc1WgiKQeA");
}

#[test]
fn another_key_has_signed_nothing() {
    let client = ClientKey::new([8; 32]).issue([1; 12]);
    assert_eq!(key().verify(&client.token), None);
}

#[test]
fn a_signature_belongs_to_its_id() {
    let (one, other) = (key().issue([1; 12]), key().issue([2; 12]));
    let (_, signature) = other.token.split_once('.').unwrap();
    assert_eq!(key().verify(&format!("{}.{signature}", one.id)), None);
}

#[test]
fn no_part_of_a_token_is_a_token() {
    let token = key().issue([1; 12]).token;
    for end in 0..token.len() {
        assert_eq!(key().verify(&token[..end]), None, "{}", &token[..end]);
        assert_eq!(key().verify(&token[end + 1..]), None);
    }
}

#[test]
fn one_other_character_makes_it_void() {
    let token = key().issue([1; 12]).token;
    for place in 0..token.len() {
        for other in ["A", "b", "9", "-", "_", ".", "=", "~", " ", "\0", "é"] {
            let mut forged = token.to_string();
            forged.replace_range(place..=place, other);
            if *forged != *token {
                assert_eq!(key().verify(&forged), None, "{forged}");
            }
        }
    }
}

#[test]
fn oversized_tokens_are_refused() {
    let token = key().issue([1; 12]).token;
    for tail in [".", "=", "==", "A", ".A", "\0", "AAAAAAAAAAAAAAAAAAAAAA"] {
        assert_eq!(key().verify(&format!("{token}{tail}")), None, "{tail:?}");
    }
    assert_eq!(key().verify(&"A".repeat(10_000_000)), None);
    assert_eq!(
        key().verify(&format!("{token}{}", "A".repeat(1 << 20))),
        None
    );
    // A whole HMAC instead of the half that is used.
    let id = key().issue([1; 12]).id;
    assert_eq!(key().verify(&format!("{id}.{}", "A".repeat(43))), None);
    assert_eq!(key().verify(&format!("{id}.")), None, "no signature at all");
}

#[test]
fn the_key_does_not_show() {
    assert!(!format!("{:?}", ClientKey::new([77; 32])).contains("77"));
}

#[test]
fn names_are_trimmed() {
    assert_eq!(clean_name("  Ann \t").as_deref(), Some("Ann"));
    assert_eq!(clean_name("Ann Lee").as_deref(), Some("Ann Lee"));
    assert_eq!(clean_name(&"a".repeat(64)).map(|name| name.len()), Some(64));
    assert_eq!(clean_name(&"a".repeat(65)), None);
    assert_eq!(clean_name(&"ä".repeat(33)), None, "bytes, not characters");
    assert_eq!(clean_name(&" ".repeat(1000)), None);
    assert_eq!(clean_name(""), None);
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
        assert_eq!(clean_name(name).as_deref(), Some(name));
    }
}

#[test]
fn names_with_hidden_characters_are_refused() {
    for hidden in [
        '\0',
        '\n',
        '\t',
        '\u{7f}',
        '\u{85}',
        '\u{ad}',
        '\u{200b}',
        '\u{200c}',
        '\u{200d}',
        '\u{200e}',
        '\u{202e}',
        '\u{2028}',
        '\u{2060}',
        '\u{2066}',
        '\u{feff}',
        '\u{3164}',
        '\u{ffa0}',
        '\u{e0041}',
        '\u{61c}',
        '\u{180e}',
    ] {
        let name = format!("An{hidden}n");
        assert_eq!(clean_name(&name), None, "{name:?}");
    }
    assert_eq!(clean_name("\u{200d}"), None, "a joiner that joins nothing");
    assert_eq!(clean_name("é\u{200d}\u{200d}é"), None, "two in a row");
    assert_eq!(clean_name("é\u{200d}"), None);
}

proptest! {
    #[test]
    fn whatever_comes_as_a_token_is_refused(token in ".{0,80}") {
        prop_assert_eq!(key().verify(&token), None);
    }

    #[test]
    fn a_clean_name_stays_as_it_is(name in ".{0,40}") {
        if let Some(clean) = clean_name(&name) {
            prop_assert!(!clean.is_empty() && clean.len() <= 64);
            prop_assert_eq!(clean_name(&clean), Some(clean.clone()));
        }
    }
}
