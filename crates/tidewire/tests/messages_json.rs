//! Messages as JSON: sent, received, and what is not JSON.

#![cfg(feature = "json")]
#![allow(clippy::unwrap_used)]

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tidewire::test_util::{Cancelling, Network, cancel_often, pair};
use tidewire::{Error, JsonError, Message};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Tide {
    place: String,
    metres: f64,
}

fn tide(metres: f64) -> Tide {
    let place = "Brest".to_owned();
    Tide { place, metres }
}

/// Its keys are no strings: JSON has no such objects.
fn without_json() -> BTreeMap<Vec<u8>, u8> {
    BTreeMap::from([(vec![1], 1)])
}

#[test]
fn a_message_is_json_whatever_its_kind_and_strings_borrow_from_it() {
    let message = Message::json(&tide(4.5)).unwrap();
    assert_eq!(message, r#"{"place":"Brest","metres":4.5}"#);
    for message in [message.clone(), Message::Binary(message.into_bytes())] {
        assert_eq!(message.parse_json::<Tide>().unwrap(), tide(4.5));
        #[derive(Deserialize)]
        struct Borrowed<'a> {
            place: &'a str,
        }
        let borrowed: Borrowed<'_> = message.parse_json().unwrap();
        let payload = message.as_bytes().as_ptr_range();
        assert!(borrowed.place == "Brest" && payload.contains(&borrowed.place.as_ptr()));
    }
    assert!(Message::json(&without_json()).is_err());
    assert_eq!(Message::json("str").unwrap(), "\"str\"");
}

#[tokio::test(start_paused = true)]
async fn values_go_both_ways_over_whole_connections_and_halves() {
    let (mut client, server) = pair().await;
    let (sender, mut receiver) = server.split();
    client.send_json(&tide(1.0)).await.unwrap();
    assert_eq!(receiver.recv_json().await.unwrap(), Some(tide(1.0)));
    sender.send_json(&[tide(2.0)]).await.unwrap();
    assert_eq!(client.recv_json().await.unwrap(), Some([tide(2.0)]));

    let closing = tokio::spawn(async move { client.close(1000, "").await });
    assert!(receiver.recv_json::<Tide>().await.unwrap().is_none());
    assert!(closing.await.unwrap().unwrap().is_clean());
    let late = sender.send_json(&tide(3.0)).await;
    assert!(matches!(late, Err(JsonError::Connection(Error::Closed(_)))));
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_not_the_expected_json_is_in_the_error_and_the_next_one_comes() {
    let (mut client, server) = pair().await;
    let bad: [(Message, usize, usize); 5] = [
        ("{\"place\":\n  oops}".into(), 2, 3),
        (r#"{"place":"Brest"}"#.into(), 1, 17),
        (r#"{"place":"Brest","metres":1} more"#.into(), 1, 30),
        ("".into(), 1, 0),
        (b"{\"place\":\"\xff\",\"metres\":1}".into(), 1, 11),
    ];
    for (message, line, column) in bad {
        server.send(message.clone()).await.unwrap();
        server.send_json(&tide(1.0)).await.unwrap();
        let Err(JsonError::Message(not)) = client.recv_json::<Tide>().await else {
            panic!("{message:?} was taken");
        };
        assert_eq!(not.message, message);
        assert_eq!((not.error.line(), not.error.column()), (line, column));
        let told = JsonError::Message(not).to_string();
        assert!(
            told.contains(&format!("line {line} column {column}")),
            "{told}"
        );
        assert_eq!(client.recv_json().await.unwrap(), Some(tide(1.0)));
    }
}

#[test]
fn json_that_is_nested_too_deeply_is_refused() {
    for nested in ["[".repeat(1_000_000), "{\"\":".repeat(1_000_000)] {
        let error = Message::from(nested).parse_json::<serde_json::Value>();
        assert!(error.unwrap_err().to_string().contains("recursion limit"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_value_without_a_form_in_json_sends_nothing() {
    let (client, mut server) = pair().await;
    let refused = client.send_json(&without_json()).await;
    assert!(matches!(refused, Err(JsonError::Value(_))), "{refused:?}");
    client.send_json(&1).await.unwrap();
    assert_eq!(server.recv_json().await.unwrap(), Some(1));
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_connection_is_told_as_recv_tells_it() {
    let (mut client, server, control) = Network::new().pair().await;
    control.reset();
    let end = client.recv_json::<Tide>().await;
    assert!(
        matches!(end, Err(JsonError::Connection(Error::Io(_)))),
        "{end:?}"
    );
    drop(server);
}

#[tokio::test(start_paused = true)]
async fn cancelled_at_every_await_values_arrive_once_and_in_order() {
    for seed in 0..10 {
        let network = Network::new().seed(seed).torn(1..=20).buffer(64);
        let (client, mut server, _) = network.pair().await;
        let sending = tokio::spawn(async move {
            let mut cancelling = Cancelling::new(seed);
            for n in 0..50u32 {
                cancel_often!(cancelling, client.send_json(&n)).unwrap();
            }
            client
        });
        let mut cancelling = Cancelling::new(seed + 1);
        for n in 0..50u32 {
            let got = cancel_often!(cancelling, server.recv_json::<u32>());
            assert_eq!(got.unwrap(), Some(n));
        }
        sending.await.unwrap();
    }
}
