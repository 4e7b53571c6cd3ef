//! The graceful drain, in virtual time: who is told when, who is waited for, who is cut, what is counted.

#![allow(clippy::unwrap_used)]

mod common;
use common::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tidewire::{CloseCode, Connections, Drain, Drained, Error, Message, WebSocket};
use tokio::time::{Instant, sleep, timeout};

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// All at once, and ten seconds in all.
fn quick() -> Drain {
    Drain::new().spread(Duration::ZERO).timeout(secs(10))
}

fn counts(drained: Drained) -> (usize, usize) {
    (drained.closed, drained.cut)
}

/// A handler as they are: echoes until the end.
async fn echo(mut ws: WebSocket) -> Result<(), Error> {
    while let Some(message) = ws.recv().await? {
        ws.send(message).await?;
    }
    Ok(())
}

/// Connections whose handlers echo, and their clients.
async fn echoing(connections: &Connections, count: usize) -> Vec<WebSocket> {
    let mut clients = Vec::new();
    for _ in 0..count {
        let (client, server) = pair().await;
        let connections = connections.clone();
        tokio::spawn(async move {
            let _member = connections.add(&server);
            echo(server).await
        });
        clients.push(client);
    }
    tokio::task::yield_now().await;
    assert_eq!(connections.len(), count);
    clients
}

/// When a client is told to close, in seconds from `start`, and with what.
async fn told(mut client: WebSocket, start: Instant) -> (f64, CloseCode, String) {
    while let Ok(Some(_)) = client.recv().await {}
    let time = start.elapsed().as_secs_f64();
    let frame = client.close_story().unwrap().received.unwrap();
    (time, frame.code, frame.reason.to_string())
}

#[tokio::test(start_paused = true)]
async fn closes_are_spread_with_jitter_and_all_leave() {
    let connections = Connections::new();
    let clients = echoing(&connections, 200).await;
    let start = Instant::now();
    let clients: Vec<_> = clients
        .into_iter()
        .map(|client| tokio::spawn(told(client, start)))
        .collect();
    let drain = Drain::new().spread(secs(10)).timeout(secs(60));
    let (drained, time) = seconds(connections.drain(drain)).await;
    assert_eq!(counts(drained), (200, 0));
    assert!(connections.is_empty());
    assert!((9.5..11.0).contains(&time), "{time} s");
    let mut times = Vec::new();
    for client in clients {
        let (time, code, reason) = client.await.unwrap();
        assert_eq!((code.0, &*reason), (1001, "the server is stopping"));
        times.push(time);
    }
    times.sort_by(f64::total_cmp);
    for second in 0..10 {
        let second = second as f64;
        let count = times
            .iter()
            .filter(|time| (second..second + 1.0).contains(time))
            .count();
        assert!((15..=25).contains(&count), "{count} in second {second}");
    }
    let gaps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let even = gaps
        .iter()
        .filter(|gap| (**gap - 0.05).abs() < 0.002)
        .count();
    assert!(even < 60, "{even} of 199 gaps are the same: no jitter");
}

#[tokio::test(start_paused = true)]
async fn without_spread_all_are_told_at_once() {
    let connections = Connections::new();
    let clients = echoing(&connections, 100).await;
    let start = Instant::now();
    let clients: Vec<_> = clients
        .into_iter()
        .map(|client| tokio::spawn(told(client, start)))
        .collect();
    let drain = quick().code(1012).reason("back in a minute");
    assert_eq!(counts(connections.drain(drain).await), (100, 0));
    for client in clients {
        let (time, code, reason) = client.await.unwrap();
        assert_eq!((code.0, &*reason), (1012, "back in a minute"));
        assert!(time < 0.1, "{time} s");
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_server_is_drained_at_once() {
    let connections = Connections::new();
    let (drained, time) = seconds(connections.drain(Drain::new())).await;
    assert_eq!((counts(drained), time), ((0, 0), 0.0));
}

#[tokio::test(start_paused = true)]
async fn the_spread_leaves_half_of_the_time_to_leave() {
    let connections = Connections::new();
    let clients = echoing(&connections, 50).await;
    let start = Instant::now();
    let clients: Vec<_> = clients
        .into_iter()
        .map(|client| tokio::spawn(told(client, start)))
        .collect();
    let drain = Drain::new().spread(secs(3600)).timeout(secs(4));
    assert_eq!(counts(connections.drain(drain).await), (50, 0));
    for client in clients {
        assert!(client.await.unwrap().0 <= 2.0);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_before_arrives_before_the_close() {
    let connections = Connections::new();
    let mut clients = echoing(&connections, 1).await;
    let mut client = clients.remove(0);
    let draining = tokio::spawn({
        let connections = connections.clone();
        async move { connections.drain(quick()).await }
    });
    client.send("last").await.unwrap();
    tokio::task::yield_now().await;
    assert_eq!(client.recv().await.unwrap(), None, "our Close is answered");
    assert_eq!(counts(draining.await.unwrap()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_handler_gets_what_still_comes_and_then_the_end() {
    let connections = Connections::new();
    let (client, mut server) = pair().await;
    let member = connections.add(&server);
    let draining = tokio::spawn({
        let connections = connections.clone();
        async move { connections.drain(quick()).await }
    });
    sleep(secs(1)).await;
    for number in 0..3 {
        client.send(format!("{number}")).await.unwrap();
    }
    let client = tokio::spawn(told(client, Instant::now()));
    for number in 0..3 {
        let message = server.recv().await.unwrap();
        assert_eq!(message, Some(Message::text(format!("{number}"))));
    }
    assert!(server.recv().await.unwrap().is_none());
    assert!(!draining.is_finished(), "the handler has not let go");
    drop((server, member));
    assert_eq!(counts(draining.await.unwrap()), (1, 0));
    client.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_answer_is_given_up_by_its_own_deadline() {
    let connections = Connections::new();
    let (_silent, server) = raw_client(server(), 4096).await;
    let handler = tokio::spawn({
        let connections = connections.clone();
        async move {
            let _member = connections.add(&server);
            echo(server).await
        }
    });
    tokio::task::yield_now().await;
    let (drained, time) = seconds(connections.drain(quick())).await;
    assert_eq!(counts(drained), (1, 0));
    assert!((5.0..5.5).contains(&time), "{time} s: close_timeout");
    assert!(matches!(handler.await.unwrap(), Err(Error::Timeout(_))));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_cuts_who_is_left_and_counts_them() {
    let connections = Connections::new();
    let clients = echoing(&connections, 3).await;
    let willing: Vec<_> = clients
        .into_iter()
        .map(|client| tokio::spawn(told(client, Instant::now())))
        .collect();
    // A peer that never answers, and a server that would wait an hour for it.
    let config = no_keepalive().close_timeout(secs(3600));
    let (mut silent, patient) = raw_client(server().config(config), 4096).await;
    let patient = tokio::spawn({
        let connections = connections.clone();
        async move {
            let _member = connections.add(&patient);
            echo(patient).await
        }
    });
    // A handler that is busy: it does not receive.
    let (_client, busy) = pair().await;
    let busy = tokio::spawn({
        let connections = connections.clone();
        async move {
            let mut busy = busy;
            let _member = connections.add(&busy);
            sleep(secs(1000)).await;
            busy.recv().await
        }
    });
    tokio::task::yield_now().await;
    assert_eq!(connections.len(), 5);
    let (drained, time) = seconds(connections.drain(quick())).await;
    assert_eq!(counts(drained), (3, 2));
    assert!((10.0..10.2).contains(&time), "{time} s");
    for client in willing {
        client.await.unwrap();
    }
    silent.expect_close(1001).await;
    silent.expect_end().await;
    let outcome = patient.await.unwrap();
    assert!(outcome.is_err(), "{outcome:?}");
    assert!(!busy.is_finished(), "handlers are not killed");
    let outcome = busy.await.unwrap();
    assert!(outcome.is_err(), "{outcome:?}");
    assert!(connections.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_reads_is_cut_too() {
    let connections = Connections::new();
    let (_stuck, server) = raw_client(server(), 512).await;
    let member = connections.add(&server);
    let _ = timeout(secs(1), server.send(vec![0; 1 << 20])).await;
    let (drained, time) = seconds(connections.drain(quick())).await;
    assert_eq!(counts(drained), (0, 1));
    assert!((10.0..10.2).contains(&time), "{time} s");
    assert!(server.send("more").await.is_err());
    drop(member);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_outlives_its_member_is_waited_for() {
    let connections = Connections::new();
    let (client, server) = pair().await;
    drop(connections.add(&server));
    assert_eq!(connections.len(), 1);
    let handler = tokio::spawn(echo(server));
    let client = tokio::spawn(told(client, Instant::now()));
    assert_eq!(counts(connections.drain(quick()).await), (1, 0));
    handler.await.unwrap().unwrap();
    assert_eq!(client.await.unwrap().1.0, 1001);

    // Its handle may be kept for ever: over is over.
    let (client, server) = pair().await;
    drop(connections.add(&server));
    let (sender, mut receiver) = server.split();
    tokio::spawn(async move { while let Ok(Some(_)) = receiver.recv().await {} });
    let client = tokio::spawn(told(client, Instant::now()));
    let (drained, time) = seconds(connections.drain(quick())).await;
    assert_eq!(counts(drained), (1, 0));
    assert!(time < 1.0, "{time} s");
    client.await.unwrap();
    drop(sender);
}

#[tokio::test(start_paused = true)]
async fn members_come_and_go_and_are_counted() {
    let connections = Connections::new();
    let mut kept = Vec::new();
    for round in 0..50 {
        let (client, server) = pair().await;
        let member = connections.add(&server);
        match round % 3 {
            0 => kept.push((client, server, Some(member))),
            1 => kept.push((client, server, None)), // the member goes, the connection stays
            _ => {}                                 // both go
        }
    }
    assert_eq!(connections.len(), 34);
    kept.truncate(10);
    assert_eq!(connections.len(), 10);
    kept.clear();
    assert!(connections.is_empty());
    assert_eq!(counts(connections.drain(quick()).await), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn who_comes_during_the_drain_is_told_at_once() {
    let connections = Connections::new();
    let old = echoing(&connections, 1).await;
    let draining = tokio::spawn({
        let connections = connections.clone();
        let drain = Drain::new().spread(secs(20)).timeout(secs(60));
        async move { connections.drain(drain).await }
    });
    tokio::task::yield_now().await;
    let (late, server) = pair().await;
    let handler = tokio::spawn({
        let connections = connections.clone();
        async move {
            let _member = connections.add(&server);
            echo(server).await
        }
    });
    let (time, code, _) = told(late, Instant::now()).await;
    assert!(time < 0.1 && code.0 == 1001, "{time} s, {code:?}");
    handler.await.unwrap().unwrap();
    for client in old {
        told(client, Instant::now()).await;
    }
    assert_eq!(counts(draining.await.unwrap()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_drain_dropped_half_way_can_be_gone_on_with() {
    let connections = Connections::new();
    let clients = echoing(&connections, 100).await;
    let done = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = clients
        .into_iter()
        .map(|client| {
            let done = done.clone();
            tokio::spawn(async move {
                let told = told(client, Instant::now()).await;
                done.fetch_add(1, Ordering::Relaxed);
                told
            })
        })
        .collect();
    let drain = Drain::new().spread(secs(10)).timeout(secs(20));
    let half = timeout(secs(5), connections.drain(drain.clone())).await;
    assert!(half.is_err());
    sleep(secs(100)).await;
    let told = done.load(Ordering::Relaxed);
    assert!((45..=55).contains(&told), "{told} were told");
    assert_eq!(connections.len(), 100 - told, "nobody was cut");
    assert_eq!(counts(connections.drain(drain).await), (100 - told, 0));
    for client in clients {
        assert_eq!(client.await.unwrap().1.0, 1001);
    }
}
