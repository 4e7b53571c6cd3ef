//! Sending, closing, and dropping futures, whatever the state.

use crate::common::{Raw, client, impatient, no_keepalive, response_to, seconds};
use crate::network::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tidewire::reconnect::{Attempt, ReconnectError, ReconnectEvent, Reconnecting};
use tidewire::{Client, Error, Message, SendError};
use tidewire_proto::Role;
use tidewire_testkit::RawFrame;
use tokio::io::{AsyncWriteExt, duplex, join};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_while_there_is_no_connection_waits_for_one() {
    let mut feed = feed(async |n, io| match n {
        1..=2 => drop(io),
        _ => echo(io).await,
    })
    .backoff(exact());
    let (sent, waited) = seconds(feed.send("patience")).await;
    sent.unwrap();
    assert!((waited - 15.0).abs() < 0.1, "{waited}");
    assert_eq!(feed.unsent(), 0);
    // What happened on the way is told all the same, and in order.
    let mut story = Vec::new();
    while story.last() != Some(&"patience".to_owned()) {
        story.push(match feed.next_event().await.unwrap().unwrap() {
            ReconnectEvent::Opened(attempt) => format!("opened {}", attempt.number),
            ReconnectEvent::Lost { .. } => "lost".to_owned(),
            ReconnectEvent::Message(message) => message.as_text().unwrap().to_owned(),
            other => panic!("{other:?}"),
        });
    }
    assert_eq!(story, ["lost", "lost", "opened 3", "patience"]);
}

#[tokio::test(start_paused = true)]
async fn a_send_that_is_dropped_while_it_waits_sends_nothing() {
    let mut feed = feed(async |n, io| match n {
        1 => drop(io),
        _ => echo(io).await,
    })
    .backoff(exact());
    for _ in 0..10 {
        assert_eq!(impatient(feed.send("dropped"), 0).await.map(drop), None);
        sleep(Duration::from_millis(100)).await;
    }
    feed.send("sent").await.unwrap();
    assert_eq!(next_text(&mut feed).await, "sent");
}

#[tokio::test(start_paused = true)]
async fn what_an_ended_connection_brought_is_received_though_it_was_found_dead_by_sending() {
    let mut feed = feed(async |n, io| {
        if n > 1 {
            return echo(io).await;
        }
        let ws = accept(io).await;
        ws.send("a").await.unwrap();
        ws.send("b").await.unwrap();
    })
    .backoff(exact());
    feed.open().await.unwrap();
    sleep(secs(1)).await;
    // The pipe is gone, which is not known before it is written to.
    feed.send("into the void").await.unwrap();
    sleep(secs(1)).await;
    assert_eq!(feed.unsent(), 1);
    feed.send("to the next").await.unwrap();
    assert_eq!(feed.unsent(), 0);
    let mut story = Vec::new();
    for _ in 0..6 {
        story.push(match feed.next_event().await.unwrap().unwrap() {
            ReconnectEvent::Opened(attempt) => format!("opened {}", attempt.opened),
            ReconnectEvent::Lost { unsent, .. } => format!("lost, {unsent} unsent"),
            ReconnectEvent::Message(message) => message.as_text().unwrap().to_owned(),
            other => panic!("{other:?}"),
        });
    }
    let expected = [
        "opened 0",
        "a",
        "b",
        "lost, 1 unsent",
        "opened 1",
        "to the next",
    ];
    assert_eq!(story, expected);
}

#[tokio::test(start_paused = true)]
async fn what_did_not_leave_is_told_and_not_sent_again() {
    let (texts, mut arrived) = mpsc::unbounded_channel();
    let serve = move |n, io| {
        let texts = texts.clone();
        async move {
            let mut ws = accept(io).await;
            if n == 1 {
                return sleep(secs(60)).await; // reads nothing
            }
            while let Ok(Some(message)) = ws.recv().await {
                texts.send(message.as_bytes()[0]).unwrap();
            }
        }
    };
    let mut feed = client()
        .config(no_keepalive())
        .reconnecting()
        .connect_with(network(4096, serve));
    for letter in b'a'..=b'j' {
        feed.send(vec![letter; 1000]).await.unwrap();
    }
    // Four of them fit into the pipe.
    assert_eq!(feed.unsent(), 6);
    let lost = loop {
        if let ReconnectEvent::Lost { unsent, .. } = feed.next_event().await.unwrap().unwrap() {
            break unsent;
        }
    };
    assert_eq!((lost, feed.unsent()), (6, 6));
    feed.send(vec![b'z'; 1000]).await.unwrap();
    assert_eq!(feed.unsent(), 0);
    assert_eq!(arrived.recv().await, Some(b'z'));
}

/// A client whose first server soon takes nothing more, though it goes on sending, if it floods, and
/// does not end the connection; the next one echoes.
fn half_dead(flood: bool) -> Reconnecting {
    let next = network(4096, |_, io| echo(io));
    let connect = move |client: Client, attempt: Attempt| {
        let next = (attempt.opened > 0).then(|| next(client.clone(), attempt));
        async move {
            if let Some(next) = next {
                return next.await;
            }
            let (from_server, mut to_client) = duplex(4096);
            let (to_server, from_client) = duplex(4096);
            tokio::spawn(async move {
                let head = Raw::new(from_client, Role::Server).read_head().await;
                let response = response_to(&head, "");
                to_client.write_all(response.as_bytes()).await.unwrap();
                let message = RawFrame::binary(vec![0; 10_000]).bytes(Role::Server);
                while flood && to_client.write_all(&message).await.is_ok() {}
                sleep(secs(1_000_000)).await;
            });
            client.handshake(join(from_server, to_server)).await
        }
    };
    let config = no_keepalive().close_timeout(secs(3600));
    let client = client().config(config).reconnecting();
    client.backoff(exact()).connect_with(connect)
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_and_sends_for_ever_is_left() {
    let mut feed = half_dead(true);
    feed.open().await.unwrap();
    feed.send("into the void").await.unwrap();
    sleep(secs(1)).await;
    feed.send("to the next").await.unwrap();
    let (mut kept, mut end) = (0, None);
    loop {
        match feed.next_event().await.unwrap().unwrap() {
            ReconnectEvent::Message(Message::Text(text)) if &*text == "to the next" => break,
            ReconnectEvent::Message(message) => kept += message.as_bytes().len(),
            ReconnectEvent::Lost { end: lost, .. } => end = Some(lost.to_string()),
            _ => {}
        }
    }
    assert!((1_000_000..=1024 * 1024).contains(&kept), "{kept}");
    assert!(end.unwrap().contains("too much was unread"));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_and_does_not_end_is_left() {
    let mut feed = half_dead(false);
    feed.open().await.unwrap();
    feed.send("into the void").await.unwrap();
    sleep(secs(1)).await;
    let (sent, waited) = seconds(feed.send("to the next")).await;
    sent.unwrap();
    assert!((waited - 10.0).abs() < 0.1, "{waited}"); // five for the end, five before the attempt
    assert_eq!(next_text(&mut feed).await, "to the next");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_the_caller_closes_itself_is_not_replaced() {
    let mut feed = half_dead(false);
    feed.open().await.unwrap();
    feed.socket().unwrap().begin_close(1000, "").unwrap();
    let refused = feed.send("x").await.unwrap_err();
    assert!(matches!(refused, ReconnectError::GaveUp(_)), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn closing_ends_it_in_every_state() {
    // Nothing begun; connecting; waiting for the next attempt.
    for (received_for, connections) in [(0, 0), (1, 1), (3, 1)] {
        let served = Arc::new(AtomicU32::new(0));
        let count = served.clone();
        let mut feed = feed(move |_, io| {
            count.fetch_add(1, Ordering::Relaxed);
            async move {
                sleep(secs(2)).await;
                drop(io); // refuses
            }
        })
        .backoff(exact());
        if received_for > 0 {
            let waiting = timeout(secs(received_for), feed.recv()).await;
            assert!(waiting.is_err());
        }
        let (closed, waited) = seconds(feed.close(1000, "done")).await;
        assert!(closed.unwrap().is_none() && waited < 0.1);
        assert_eq!(feed.recv().await.unwrap(), None);
        assert!(matches!(feed.send("x").await, Err(ReconnectError::Closed)));
        feed.retry_now();
        assert_eq!(feed.recv().await.unwrap(), None);
        sleep(secs(3600)).await;
        assert_eq!(served.load(Ordering::Relaxed), connections);
    }
}

#[tokio::test(start_paused = true)]
async fn closing_an_open_connection_tells_its_story() {
    let mut feed = feed(|_, io| echo(io));
    feed.open().await.unwrap();
    feed.send("unread").await.unwrap();
    let misuse = feed.close(1006, "").await.unwrap_err();
    assert!(matches!(
        misuse,
        Error::Misuse(SendError::CodeNotAllowed(_))
    ));
    assert!(feed.socket().is_some());
    // Dropped at its first wait, it has begun all the same.
    assert!(impatient(feed.close(4000, "bye"), 0).await.is_none());
    assert!(feed.socket().is_none());
    let story = feed.close(1000, "late").await.unwrap().unwrap();
    assert_eq!(
        story.sent.unwrap().to_string(),
        "4000 (private to the application): bye"
    );
    assert_eq!(feed.recv().await.unwrap(), None);
    assert!(feed.close(1000, "").await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn closing_a_connection_that_has_ended_unseen_is_the_end_too() {
    let mut feed = feed(|_, io| send_and_drop(io, "unread", 0.0));
    feed.open().await.unwrap();
    sleep(secs(1)).await;
    assert!(feed.close(1000, "").await.is_err());
    assert_eq!(feed.recv().await.unwrap(), None);
    assert!(matches!(feed.send("x").await, Err(ReconnectError::Closed)));
}

#[tokio::test(start_paused = true)]
async fn a_close_that_was_begun_is_finished_by_receiving() {
    let mut feed = feed(|_, io| echo(io));
    feed.open().await.unwrap();
    assert!(impatient(feed.close(1000, ""), 0).await.is_none());
    assert_eq!(feed.recv().await.unwrap(), None);
}

/// A server of which each connection brings one message, and every other attempt fails.
fn fickle(prepared: &Arc<AtomicU32>, resumed: &Arc<AtomicU32>) -> Reconnecting {
    let (prepared, resumed) = (prepared.clone(), resumed.clone());
    feed(async |n, io| match n {
        1 | 3 => drop(io),
        2 => send_and_drop(io, "a", 1.0).await,
        4 => send_and_drop(io, "b", 1.0).await,
        _ => close_with(io, 1000).await,
    })
    .prepare(move |client, _| {
        prepared.fetch_add(1, Ordering::Relaxed);
        async move {
            sleep(Duration::from_millis(300)).await;
            Ok(client)
        }
    })
    .resume(move |ws, _| {
        resumed.fetch_add(1, Ordering::Relaxed);
        async move {
            sleep(Duration::from_millis(300)).await;
            ws.send("subscribe").await?;
            Ok(ws)
        }
    })
}

#[tokio::test(start_paused = true)]
async fn receiving_may_be_dropped_at_every_await() {
    for patience in 0..4 {
        let (prepared, resumed) = (Arc::default(), Arc::default());
        let mut feed = fickle(&prepared, &resumed);
        let (mut messages, mut drops) = (Vec::new(), 0);
        loop {
            match impatient(feed.recv(), patience).await {
                Some(Ok(Some(message))) => messages.push(message),
                Some(Ok(None)) => break,
                Some(Err(gave_up)) => panic!("{gave_up}"),
                None => {
                    drops += 1;
                    sleep(Duration::from_millis(70)).await;
                }
            }
        }
        assert_eq!(messages, [Message::text("a"), Message::text("b")]);
        assert!(drops > 5, "{drops}");
        // No attempt was lost, and none made twice.
        let counts = (
            prepared.load(Ordering::Relaxed),
            resumed.load(Ordering::Relaxed),
        );
        assert_eq!(counts, (5, 3), "patience {patience}");
    }
}

#[cfg(feature = "futures")]
#[tokio::test(start_paused = true)]
async fn it_is_a_stream_that_ends() {
    use futures_util::{Stream, StreamExt};
    use tidewire::reconnect::GiveUpReason;
    fn texts(feed: Reconnecting) -> impl Stream<Item = Result<Message, GiveUpReason>> {
        feed.map(|item| item.map_err(|gave_up| gave_up.why))
    }
    let (prepared, resumed) = (Arc::default(), Arc::default());
    let items: Vec<_> = texts(fickle(&prepared, &resumed)).collect().await;
    assert_eq!(items, [Ok(Message::text("a")), Ok(Message::text("b"))]);
    let feed = fickle(&prepared, &resumed).give_up_after_attempts(2);
    let items: Vec<_> = texts(feed).collect().await;
    assert_eq!(items, [Ok(Message::text("a")), Err(GiveUpReason::Attempts)]);
}

#[tokio::test]
async fn its_futures_and_itself_can_move_between_threads() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let mut feed = is_send(feed(|_, io| echo(io)));
    drop(is_send(feed.recv()));
    drop(is_send(feed.next_event()));
    drop(is_send(feed.open()));
    drop(is_send(feed.send("x")));
    drop(is_send(feed.close(1000, "x")));
    let text = format!("{feed:?}");
    assert!(text.contains("phase: \"Due\""), "{text}");
}
