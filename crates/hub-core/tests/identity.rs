//! Guests' client ids cannot be forged, and names show what they are.
#![allow(clippy::unwrap_used)]

use tidewire_hub_core::identity::ClientKey;

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
