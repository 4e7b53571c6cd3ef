//! The network for tests, itself under test: time, cuts, breaks, and futures that are dropped.

#![allow(clippy::unwrap_used)]

mod common;
use common::seconds;
use std::io::ErrorKind;
use std::process::Command;
use std::time::Duration;
use tidewire::test_util::{Cancelling, Control, Network, Way, cancel_often, give_up_after, pair};
use tidewire::{Client, Error, Server, Timeout, WebSocket};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep, timeout};

const SECOND: Duration = Duration::from_secs(1);

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

#[tokio::test(start_paused = true)]
async fn bytes_take_their_time_and_nothing_else_does() {
    let network = Network::new().latency(ms(250));
    let ((client, mut server, _), time) = seconds(network.pair()).await;
    assert_eq!(time, 0.5, "the request and the answer");
    let start = Instant::now();
    client.send("one").await.unwrap();
    sleep(ms(100)).await;
    client.send("two").await.unwrap();
    assert_eq!(start.elapsed(), ms(100));
    assert_eq!(server.recv().await.unwrap().unwrap(), "one");
    assert_eq!(start.elapsed(), ms(250));
    assert_eq!(server.recv().await.unwrap().unwrap(), "two");
    assert_eq!(start.elapsed(), ms(350));
}

#[tokio::test(start_paused = true)]
async fn a_narrow_wire_takes_as_long_as_its_bytes() {
    let network = Network::new().bandwidth(1000).buffer(500);
    let (mut a, mut b, _) = network.io();
    let writing = tokio::spawn(async move {
        a.write_all(&[7; 10_000]).await.unwrap();
    });
    let mut bytes = Vec::new();
    let (read, time) = seconds(b.read_to_end(&mut bytes)).await;
    assert_eq!((read.unwrap(), bytes), (10_000, vec![7; 10_000]));
    assert!((10.0..10.1).contains(&time), "{time}");
    writing.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_full_buffer_holds_the_writer_up_until_the_reader_takes_some() {
    let (mut a, mut b, _) = Network::new().buffer(100).io();
    a.write_all(&[1; 100]).await.unwrap();
    assert!(timeout(SECOND, a.write_all(&[2])).await.is_err());
    let writing = tokio::spawn(async move {
        a.write_all(&[2; 30]).await.unwrap();
        a
    });
    sleep(SECOND).await;
    assert!(!writing.is_finished());
    b.read_exact(&mut [0; 30]).await.unwrap();
    writing.await.unwrap();
}

/// Sizes and moments of reads, while two ends talk over a bad network.
async fn trace(seed: u64) -> Vec<(usize, Duration)> {
    let network = Network::new().seed(seed).torn(2..=9).jitter(ms(50));
    let (mut a, mut b, _) = network.latency(ms(10)).io();
    let writing = tokio::spawn(async move {
        for n in 0..50u8 {
            a.write_all(&[n; 20]).await.unwrap();
            sleep(ms(7)).await;
        }
    });
    let (start, mut trace, mut all) = (Instant::now(), Vec::new(), Vec::new());
    let mut piece = [0; 100];
    loop {
        let count = b.read(&mut piece).await.unwrap();
        if count == 0 {
            break;
        }
        all.extend_from_slice(&piece[..count]);
        trace.push((count, start.elapsed()));
    }
    let expected: Vec<u8> = (0..50).flat_map(|n| [n; 20]).collect();
    assert_eq!(all, expected, "everything arrives in order");
    writing.await.unwrap();
    trace
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_is_the_same_run_and_another_is_not() {
    let runs = [trace(1).await, trace(1).await, trace(2).await];
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
    let sizes = || runs[0].iter().map(|(count, _)| *count);
    assert!(sizes().all(|count| count <= 9), "{:?}", runs[0]);
    assert!(sizes().any(|count| count == 9) && sizes().any(|count| count == 2));
    assert!(runs[0].iter().all(|(_, at)| *at >= ms(10)));
    assert!(
        runs[0]
            .iter()
            .any(|(_, at)| at.subsec_nanos() % 1_000_000 != 0 || *at > ms(50))
    );
}

#[tokio::test(start_paused = true)]
async fn a_reset_reaches_both_ends_at_once() {
    let (mut client, server, control) = Network::new().latency(SECOND).pair().await;
    server.send("lost on the way").await.unwrap();
    let receiving = tokio::spawn(async move { client.recv().await });
    sleep(ms(10)).await;
    control.reset();
    let (end, time) = seconds(receiving).await;
    let Err(Error::Io(error)) = end.unwrap() else {
        panic!("not reset");
    };
    assert_eq!((error.kind(), time), (ErrorKind::ConnectionReset, 0.0));
    assert!(server.send("into nothing").await.is_ok(), "as on a socket");
    assert!(server.flush().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_direction_comes_behind_what_is_under_way() {
    let (mut a, mut b, control) = Network::new().latency(SECOND).io();
    a.write_all(b"last words").await.unwrap();
    control.end(Way::Up);
    let refused = a.write(b"more").await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::BrokenPipe);
    let mut words = String::new();
    let (_, time) = seconds(b.read_to_string(&mut words)).await;
    assert_eq!((words.as_str(), time), ("last words", 1.0));
    b.write_all(b"the other way").await.unwrap();
    a.read_exact(&mut [0; 13]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_end_that_is_dropped_leaves_what_it_wrote_and_takes_nothing_more() {
    let (mut a, mut b, _) = Network::new().io();
    a.write_all(b"left behind").await.unwrap();
    drop(a);
    let refused = b.write(b"hello?").await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::BrokenPipe);
    let mut left = String::new();
    b.read_to_string(&mut left).await.unwrap();
    assert_eq!(left, "left behind");
}

#[tokio::test(start_paused = true)]
async fn what_is_stalled_arrives_when_it_is_resumed() {
    let (mut client, server, control) = Network::new().pair().await;
    control.stall(Way::Down);
    server.send("held up").await.unwrap();
    client.send("not held up").await.unwrap();
    let (_sender, mut heard) = server.split();
    assert_eq!(heard.recv().await.unwrap().unwrap(), "not held up");
    assert!(timeout(5 * SECOND, client.recv()).await.is_err());
    control.resume(Way::Down);
    assert_eq!(client.recv().await.unwrap().unwrap(), "held up");
}

#[tokio::test(start_paused = true)]
async fn a_silent_network_is_found_out_by_keepalive_and_by_the_deadline_of_a_close() {
    let (mut client, server, control) = Network::new().pair().await;
    control.silence();
    drop(server); // nobody hears of it
    let (end, time) = seconds(client.recv()).await;
    assert!(matches!(end, Err(Error::Timeout(Timeout::Pong))), "{end:?}");
    assert!((40.0..40.5).contains(&time), "{time}");

    let (mut client, _server, control) = Network::new().pair().await;
    control.silence();
    let (end, time) = seconds(client.close(1000, "")).await;
    assert!(matches!(end, Err(Error::Timeout(Timeout::Close))));
    assert!((5.0..5.3).contains(&time), "{time}");
}

#[tokio::test(start_paused = true)]
async fn an_idle_day_passes_at_once() {
    let network = Network::new().latency(ms(80)).jitter(ms(40)).torn(1..=50);
    let (mut client, mut server, control) = network.pair().await;
    let before = control.sent(Way::Up) + control.sent(Way::Down);
    let serving = tokio::spawn(async move { server.recv().await });
    let day = timeout(24 * 3600 * SECOND, client.recv()).await;
    assert!(day.is_err(), "{day:?}");
    let rtt = client.rtt().unwrap();
    assert!((ms(160)..=ms(250)).contains(&rtt), "{rtt:?}");
    let pings = control.sent(Way::Up) + control.sent(Way::Down) - before;
    assert!(pings > 24 * 3600 / 21 * 6, "{pings} bytes of keepalive");
    drop(client);
    assert!(serving.await.unwrap().is_err());
}

#[tokio::test(start_paused = true)]
async fn what_went_over_is_counted_and_kept_if_asked_for() {
    let network = Network::new().recorded();
    let client = Client::new("ws://tide.example/room?x=1").deflate(None);
    let (client, mut server, control) = network.pair_with(client, &Server::new()).await;
    let request = String::from_utf8(control.take_recording(Way::Up)).unwrap();
    assert!(
        request.starts_with("GET /room?x=1 HTTP/1.1\r\n"),
        "{request}"
    );
    let answer = control.take_recording(Way::Down);
    assert!(answer.starts_with(b"HTTP/1.1 101 "));
    assert_eq!(control.sent(Way::Down), answer.len() as u64);

    let (writes, sent) = (control.writes(Way::Down), control.sent(Way::Down));
    server.send("abc").await.unwrap();
    assert_eq!(control.take_recording(Way::Down), b"\x81\x03abc");
    assert_eq!(control.writes(Way::Down), writes + 1);
    assert_eq!(control.sent(Way::Down), sent + 5);
    assert_eq!(control.arrived(Way::Down), sent, "nobody read it yet");
    drop(client);
    assert!(server.recv().await.is_err());

    let (_, _, unrecorded) = Network::new().pair().await;
    assert!(unrecorded.take_recording(Way::Up).is_empty());
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "the handshake failed")]
async fn a_pair_of_two_that_do_not_agree_panics_with_the_reason() {
    let client = Client::new("ws://a.example/").origin("https://b.example");
    let _ = Network::new().pair_with(client, &Server::new()).await;
}

/// A receiver that is not cancel-safe: it has taken the message, and then awaits.
async fn careless(ws: &mut WebSocket) -> Option<String> {
    let message = ws.recv().await.unwrap()?;
    sleep(ms(1)).await;
    Some(message.try_into().unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_future_that_is_not_cancel_safe_is_found_out() {
    let (client, mut server) = pair().await;
    let sending = tokio::spawn(async move {
        let mut client = client;
        for n in 0..100 {
            client.send(n.to_string()).await.unwrap();
        }
        client.close(1000, "").await
    });
    let (mut cancelling, mut got) = (Cancelling::new(1), Vec::new());
    while let Some(text) = cancel_often!(cancelling, careless(&mut server)) {
        got.push(text);
    }
    assert!(cancelling.cancelled() > 10);
    assert!(got.len() < 100, "nothing was lost by a careless receiver");
    sending.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_needs_time_of_its_own_gets_done_though_it_is_often_cancelled() {
    let mut cancelling = Cancelling::new(3);
    for _ in 0..5 {
        cancel_often!(cancelling, sleep(3600 * SECOND));
    }
    assert!(cancelling.cancelled() > 20, "{cancelling:?}");
    assert_eq!(give_up_after(5, async { 1 }).await, Some(1));
    assert_eq!(give_up_after(0, std::future::pending::<u8>()).await, None);
}

#[tokio::test(start_paused = true)]
async fn controls_of_both_ends_hold_the_same_wire() {
    let (mut a, b, control) = Network::new().io();
    let of_b: Control = b.control();
    a.write_all(b"12345").await.unwrap();
    assert_eq!((control.sent(Way::Up), of_b.sent(Way::Up)), (5, 5));
    of_b.reset();
    assert!(a.write(b"6").await.is_err());
}

/// Panics when [`a_panic_prints_the_seeds`] runs it in a process of its own.
#[tokio::test(start_paused = true)]
async fn panics_in_a_child_process() {
    if std::env::var_os("PANIC_WITH_SEEDS").is_none() {
        return;
    }
    let (_client, _server, _) = Network::new().seed(4711).torn(1..=3).pair().await;
    let _cancelling = Cancelling::new(815);
    panic!("as told");
}

#[test]
fn a_panic_prints_the_seeds() {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "panics_in_a_child_process", "--nocapture"])
        .env("PANIC_WITH_SEEDS", "1")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{told}");
    assert_eq!(told.matches("seed 4711").count(), 1, "{told}");
    assert!(told.contains("seed 815"), "{told}");
}
