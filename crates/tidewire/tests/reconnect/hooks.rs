//! What the caller does in each attempt: prepare, resume, and attempts that fail in them.

use crate::common::seconds;
use crate::network::*;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tidewire::reconnect::{Attempt, End, GiveUpReason, ReconnectEvent, Reconnecting};
use tidewire::{Client, ConnectError, Error};
use tidewire_testkit::RawFrame;
use tokio::sync::mpsc;

/// The numbers of the attempts that a hook saw, with how many connections there were before.
type Seen = Arc<Mutex<Vec<(u32, u64)>>>;

fn note(seen: &Seen, attempt: Attempt) {
    seen.lock().unwrap().push((attempt.number, attempt.opened));
}

#[tokio::test(start_paused = true)]
async fn each_attempt_is_prepared_on_a_fresh_client() {
    let (heads, mut requests) = mpsc::unbounded_channel();
    let tokens = Arc::new(AtomicU32::new(0));
    let mut feed = feed(move |_, io| {
        let heads = heads.clone();
        async move {
            let (_, head) = accept_raw(io).await;
            heads.send(head).unwrap();
        }
    })
    .prepare(move |client, attempt| {
        let token = tokens.fetch_add(1, Ordering::Relaxed);
        async move {
            tokio::time::sleep(Duration::from_secs(1)).await; // asks a token service
            let position = attempt.opened.to_string();
            let client = client.header("Authorization", format!("Bearer t{token}"));
            Ok(client.header("Last-Event-ID", position))
        }
    });
    for n in 0..3 {
        next_loss(&mut feed).await;
        let head = requests.recv().await.unwrap().to_lowercase();
        assert_eq!(head.matches("authorization:").count(), 1, "{head}");
        assert!(head.contains(&format!("bearer t{n}\r\n")), "{head}");
        assert!(head.contains(&format!("last-event-id: {n}\r\n")), "{head}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_preparation_that_fails_is_tried_again_unless_it_cannot_help() {
    let prepared = Arc::new(AtomicU32::new(0));
    let mut feed = feed(|_, io| send_and_drop(io, "hello", 1.0)).prepare(move |client, _| {
        let n = prepared.fetch_add(1, Ordering::Relaxed);
        async move {
            match n {
                0 => Err("the token service is down".into()),
                1 => Err(ConnectError::Timeout(tidewire::ConnectStage::Handshake).into()),
                2 => Ok(client),
                _ => Err(ConnectError::InvalidUrl("mistyped").into()),
            }
        }
    });
    let (end, _) = next_loss(&mut feed).await;
    assert_eq!(
        end.to_string(),
        "the attempt could not be prepared: the token service is down"
    );
    assert!(matches!(&*next_loss(&mut feed).await.0, End::Prepare(_)));
    assert_eq!(next_text(&mut feed).await, "hello");
    let gave_up = feed.recv().await.unwrap_err();
    assert_eq!((gave_up.why, gave_up.attempts), (GiveUpReason::Final, 4));
}

#[tokio::test(start_paused = true)]
async fn resuming_comes_before_the_messages_and_sees_which_attempt_it_is() {
    let seen = Seen::default();
    let noted = seen.clone();
    let mut feed = feed(async |n, io| {
        if n == 2 {
            return; // refuses
        }
        let mut ws = accept(io).await;
        ws.send("welcome").await.unwrap();
        let subscription = ws.recv().await.unwrap().unwrap();
        ws.send(subscription).await.unwrap();
        let life = if n == 3 { 60 } else { 1 };
        tokio::time::sleep(Duration::from_secs(life)).await;
    })
    .resume(move |mut ws, attempt| {
        note(&noted, attempt);
        async move {
            let welcome = ws.recv().await?.ok_or("closed before the welcome")?;
            assert_eq!(welcome.as_text(), Some("welcome"));
            ws.send(format!("subscribe from {}", attempt.opened))
                .await?;
            Ok(ws)
        }
    });
    for n in 0..3 {
        assert_eq!(next_text(&mut feed).await, format!("subscribe from {n}"));
    }
    // 2 was refused; 3 was stable, so that the count begins again.
    assert_eq!(*seen.lock().unwrap(), [(1, 0), (3, 1), (1, 2)]);
}

#[tokio::test(start_paused = true)]
async fn a_resumption_that_fails_is_a_lost_connection() {
    let seen = Seen::default();
    let noted = seen.clone();
    let mut feed = feed(|_, io| send_and_drop(io, "hello", 30.0))
        .backoff(exact())
        .resume(move |ws, attempt| {
            note(&noted, attempt);
            async move {
                // However long it takes: what does not resume was never stable.
                tokio::time::sleep(Duration::from_secs(20)).await;
                match attempt.number {
                    1..=3 => Err("the position is unknown".into()),
                    _ => Ok(ws),
                }
            }
        });
    for wait in [5.0, 10.0, 20.0] {
        let event = feed.next_event().await.unwrap().unwrap();
        let ReconnectEvent::Lost { end, retry_in, .. } = event else {
            panic!("{event:?}")
        };
        assert!(matches!(&*end, End::Resume(_)), "{end}");
        assert_eq!(retry_in.as_secs_f64(), wait);
    }
    assert_eq!(next_text(&mut feed).await, "hello");
    assert_eq!(*seen.lock().unwrap(), [(1, 0), (2, 0), (3, 0), (4, 0)]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_forbids_during_the_resumption_is_obeyed() {
    let mut feed = feed(|_, io| close_with(io, 1008)).resume(|mut ws, _| async move {
        ws.recv().await?;
        Ok(ws)
    });
    let gave_up = feed.recv().await.unwrap_err();
    assert_eq!((gave_up.why, gave_up.attempts), (GiveUpReason::Final, 1));
    assert!(matches!(&*gave_up.end, End::Resume(error)
        if matches!(error.downcast_ref(), Some(Error::Closed(_)))));
}

#[tokio::test(start_paused = true)]
async fn hooks_and_connectors_that_hang_are_given_up() {
    fn patient() -> Reconnecting {
        feed(|_, io| echo(io))
            .attempt_timeout(Duration::from_secs(30))
            .give_up_after_attempts(1)
    }
    let forever = Duration::from_secs(1_000_000);
    let hanging = [
        patient().prepare(move |client, _| async move {
            tokio::time::sleep(forever).await;
            Ok(client)
        }),
        patient().resume(move |mut ws, _| async move {
            ws.recv().await?; // a welcome that never comes
            Ok(ws)
        }),
        patient().connect_with(move |_, _| async move {
            tokio::time::sleep(forever).await;
            Err(ConnectError::Timeout(tidewire::ConnectStage::Handshake))
        }),
    ];
    for mut feed in hanging {
        let (gave_up, waited) = seconds(feed.recv()).await;
        assert!(matches!(&*gave_up.unwrap_err().end, End::Slow));
        assert!((waited - 30.0).abs() < 0.1, "{waited}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_cannot_be_is_not_tried_again() {
    let mut feed = Client::new("not a url").reconnecting();
    let gave_up = feed.recv().await.unwrap_err();
    assert_eq!((gave_up.why, gave_up.attempts), (GiveUpReason::Final, 1));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_breaks_the_protocol_is_not_tried_again() {
    let mut feed = feed(async |_, io| {
        let (mut raw, _) = accept_raw(io).await;
        raw.send(RawFrame::text("x").rsv(1)).await;
        raw.expect_close(1002).await;
    });
    let gave_up = feed.recv().await.unwrap_err();
    assert!(matches!(&*gave_up.end, End::Failed(Error::Protocol(_))));
}
