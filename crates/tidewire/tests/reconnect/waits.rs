//! How long it waits, what makes it wait longer, and when it gives up.

use crate::common::seconds;
use crate::network::*;
use std::time::Duration;
use tidewire::CloseCode;
use tidewire::reconnect::{GiveUpReason, ReconnectEvent, Verdict};
use tokio::time::Instant;

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[tokio::test(start_paused = true)]
async fn a_server_that_refuses_at_first_is_reached_in_the_end() {
    let mut feed = feed(async |n, io| match n {
        1..=3 => drop(io),
        _ => send_and_drop(io, "here at last", 1.0).await,
    })
    .backoff(exact());
    let (waits, _) = seconds(waits(&mut feed, 3)).await;
    assert_eq!(waits, [5.0, 10.0, 20.0]);
    let (event, waited) = seconds(feed.next_event()).await;
    let Ok(Some(ReconnectEvent::Opened(attempt))) = event else {
        panic!("{event:?}")
    };
    assert_eq!((attempt.number, attempt.opened), (4, 0));
    assert!((waited - 20.0).abs() < 0.1, "{waited}");
    assert_eq!(next_text(&mut feed).await, "here at last");
}

#[tokio::test(start_paused = true)]
async fn the_first_attempt_waits_for_nothing() {
    let mut feed = feed(|_, io| echo(io));
    let (opened, waited) = seconds(feed.open()).await;
    opened.unwrap();
    assert!(waited < 0.1, "{waited}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_accepts_and_drops_is_left_alone_longer_each_time() {
    // It even says hello before, which proves nothing.
    let mut feed = feed(|_, io| send_and_drop(io, "hello", 0.1)).backoff(exact());
    let waits = waits(&mut feed, 7).await;
    assert_eq!(waits, [5.0, 10.0, 20.0, 40.0, 60.0, 60.0, 60.0]);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_lasted_makes_the_failures_before_it_forgotten() {
    let lives = [0.0, 9.9, 0.0, 10.1, 0.0, 3600.0, 0.0];
    let mut feed = feed(move |n, io| {
        let life = lives.get(n as usize - 1).copied().unwrap_or(0.0);
        send_and_drop(io, "hello", life)
    })
    .backoff(exact());
    let waits = waits(&mut feed, 7).await;
    assert_eq!(waits, [5.0, 10.0, 20.0, 5.0, 10.0, 5.0, 10.0]);
}

#[tokio::test(start_paused = true)]
async fn a_busy_server_says_when_to_return() {
    let table = [
        ("7", 12.0),
        ("0", 5.0),
        ("99999999999999999999999999", 305.0),
        ("-7", 5.0),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 5.0),
    ];
    for (value, wait) in table {
        let mut feed = feed(move |_, io| {
            let head = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n";
            respond(io, format!("{head}Retry-After: {value}\r\n\r\n"))
        })
        .backoff(exact());
        let (end, waited) = next_loss(&mut feed).await;
        assert_eq!(waited, wait, "{value}");
        assert_eq!(end.refusal().unwrap().status(), 503);
    }
}

#[tokio::test(start_paused = true)]
async fn the_clients_of_a_server_that_restarts_are_spread_as_its_code_asks() {
    for (code, least, most) in [(1012, 5.0, 30.0), (1013, 30.0, 60.0)] {
        let mut feed = feed(move |_, io| close_with(io, code)).stable_after(Duration::ZERO);
        let mut waits = waits(&mut feed, 300).await;
        waits.sort_by(f64::total_cmp);
        let (shortest, longest) = (waits[0], waits[299]);
        assert!(shortest >= least && shortest < least + 3.0, "{shortest}");
        assert!(longest <= most && longest > most - 3.0, "{longest}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_401_is_final_and_the_answer_is_in_the_error() {
    let mut feed = feed(|_, io| {
        let head = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\nContent-Length: 9\r\n";
        respond(io, format!("{head}\r\nno token!"))
    });
    for _ in 0..2 {
        let gave_up = feed.recv().await.unwrap_err();
        assert_eq!((gave_up.why, gave_up.attempts), (GiveUpReason::Final, 1));
        let answer = gave_up.end.refusal().unwrap();
        assert_eq!(answer.status(), 401);
        assert_eq!(answer.headers()["www-authenticate"], "Bearer");
        assert_eq!(answer.body(), b"no token!");
        assert_eq!(
            gave_up.to_string(),
            "not worth another attempt: the server refused the handshake with status 401 Unauthorized"
        );
    }
    assert!(feed.send("x").await.is_err());
    assert!(feed.open().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_policy_violation_is_final() {
    let mut feed = feed(|_, io| close_with(io, 1008));
    let gave_up = feed.recv().await.unwrap_err();
    assert_eq!(gave_up.why, GiveUpReason::Final);
    assert_eq!(gave_up.end.close_code(), Some(CloseCode::POLICY_VIOLATION));
}

#[tokio::test(start_paused = true)]
async fn a_normal_closure_is_the_end_and_no_error() {
    let mut feed = feed(|_, io| close_with(io, 1000));
    assert_eq!(feed.recv().await.unwrap(), None);
    assert_eq!(feed.recv().await.unwrap(), None);
    let refused = feed.send("x").await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "closed: no further connection is opened"
    );
}

#[tokio::test(start_paused = true)]
async fn the_classifier_decides_otherwise() {
    let mut feed = feed(|_, io| close_with(io, 4009))
        .backoff(exact())
        .stable_after(Duration::ZERO)
        .classify(|end| match end.close_code() {
            Some(CloseCode(4009)) => Verdict::RetryAfter {
                least: Duration::from_secs(100),
                spread: Duration::from_secs(50),
            },
            _ => Verdict::Final,
        });
    assert_eq!(waits(&mut feed, 3).await, [150.0, 150.0, 150.0]);
}

#[tokio::test(start_paused = true)]
async fn a_classifier_that_asks_for_eternity_gets_it() {
    let mut feed = feed(|_, io| close_with(io, 4009)).classify(|_| Verdict::RetryAfter {
        least: Duration::MAX,
        spread: Duration::MAX,
    });
    let century = secs(3_000_000_000);
    let waiting = tokio::time::timeout(century / 10, feed.recv());
    assert!(waiting.await.is_err());
}

#[tokio::test(start_paused = true)]
async fn it_gives_up_after_so_many_attempts() {
    for (limit, attempts) in [(0, 1), (1, 1), (4, 4)] {
        let mut feed = feed(async |_, io| drop(io)).give_up_after_attempts(limit);
        let gave_up = feed.recv().await.unwrap_err();
        assert_eq!(
            (gave_up.why, gave_up.attempts),
            (GiveUpReason::Attempts, attempts)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn connections_that_do_not_last_count_as_attempts() {
    // Three that are dropped at once, one that lasts, three more.
    let mut feed = feed(|n, io| send_and_drop(io, "hello", if n == 4 { 60.0 } else { 0.0 }))
        .give_up_after_attempts(4);
    let mut messages = 0;
    let gave_up = loop {
        match feed.recv().await {
            Ok(message) => messages += usize::from(message.is_some()),
            Err(gave_up) => break gave_up,
        }
    };
    assert_eq!((gave_up.why, gave_up.attempts), (GiveUpReason::Attempts, 4));
    assert_eq!(messages, 8);
}

#[tokio::test(start_paused = true)]
async fn it_gives_up_when_the_next_attempt_would_be_too_late() {
    let start = Instant::now();
    let mut feed = feed(async |_, io| drop(io))
        .backoff(exact())
        .give_up_after(secs(40));
    let gave_up = feed.recv().await.unwrap_err();
    // At 0, 5, 15 and 35 s; the next would be at 75 s, and is not waited for.
    assert_eq!((gave_up.why, gave_up.attempts), (GiveUpReason::Time, 4));
    assert_eq!(start.elapsed().as_secs(), 35);
}

#[tokio::test(start_paused = true)]
async fn who_knows_better_need_not_wait() {
    let mut feed = feed(async |n, io| match n {
        1..=4 => drop(io),
        _ => send_and_drop(io, "awake", 1.0).await,
    })
    .backoff(exact().first(secs(3600)).most(secs(3600)))
    .give_up_after_attempts(4);
    for _ in 0..3 {
        next_loss(&mut feed).await;
        feed.retry_now();
    }
    let (gave_up, waited) = seconds(feed.recv()).await;
    assert_eq!(gave_up.unwrap_err().why, GiveUpReason::Attempts);
    // After giving up it begins anew.
    feed.retry_now();
    assert_eq!(next_text(&mut feed).await, "awake");
    assert!(waited < 1.0, "{waited}");
    // Without effect on an open connection.
    feed.retry_now();
    assert!(feed.socket().is_some());
}
