//! A thousand clients lose one server in the same instant.

use crate::network::*;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

const CLIENTS: usize = 1000;

/// The seconds at which attempts were made after the server was lost, if it is back after `outage`.
async fn attempts_after_the_loss(outage: Duration) -> Vec<f64> {
    let (up, alive) = watch::channel(true);
    let times = Arc::new(Mutex::new(Vec::new()));
    for _ in 0..CLIENTS {
        let (alive, times) = (alive.clone(), times.clone());
        let mut feed = feed(move |_, io| {
            let mut alive = alive.clone();
            times.lock().unwrap().push(Instant::now());
            async move {
                if !*alive.borrow() {
                    return; // nobody listens
                }
                let ws = accept(io).await;
                let _ = alive.wait_for(|alive| !alive).await;
                drop(ws);
            }
        });
        tokio::spawn(async move { while feed.recv().await.is_ok() {} });
    }
    sleep(Duration::from_secs(60)).await;
    assert_eq!(times.lock().unwrap().len(), CLIENTS);
    times.lock().unwrap().clear();
    let lost = Instant::now();
    up.send(false).unwrap();
    sleep(outage).await;
    up.send(true).unwrap();
    sleep(Duration::from_secs(200)).await;
    let times = times.lock().unwrap();
    let since = |time: &Instant| time.duration_since(lost).as_secs_f64();
    times.iter().map(since).collect()
}

fn per_second(times: &[f64]) -> Vec<usize> {
    let mut counts = vec![0; 300];
    for time in times {
        counts[*time as usize] += 1;
    }
    counts
}

#[tokio::test(start_paused = true)]
async fn clients_of_a_server_that_is_back_at_once_are_spread_over_the_first_window() {
    let times = attempts_after_the_loss(Duration::from_millis(1)).await;
    assert_eq!(times.len(), CLIENTS, "each needs one attempt");
    let counts = per_second(&times);
    // 200 in each of five seconds, give or take: six standard deviations are 76.
    for (second, count) in counts.iter().enumerate() {
        let expected = match second {
            0..5 => 124..=276,
            5 => 0..=5, // a wait of all but the whole window, and a clock of milliseconds
            _ => 0..=0,
        };
        assert!(expected.contains(count), "{count} in second {second}");
    }
}

#[tokio::test(start_paused = true)]
async fn clients_of_a_server_that_stays_away_try_ever_less_and_do_not_return_together() {
    let times = attempts_after_the_loss(Duration::from_secs(60)).await;
    let counts = per_second(&times);
    let most = counts.iter().max().unwrap();
    assert!(*most <= 400, "{most} in one second: {counts:?}");
    let (early, late): (usize, usize) = (counts[..10].iter().sum(), counts[50..60].iter().sum());
    assert!(
        late * 3 < early,
        "{early} at first, {late} before it is back"
    );
    // All are back, at most the longest window after the server is.
    assert_eq!(counts[125..].iter().sum::<usize>(), 0, "{counts:?}");
    let back: usize = counts[60..].iter().sum();
    assert_eq!(back, CLIENTS);
    let most = counts[60..].iter().max().unwrap();
    assert!(*most <= CLIENTS / 10, "{most} came back in one second");
}
