//! Races in virtual time, with connectors that answer, fail or keep silent when the test says.
#![allow(clippy::unwrap_used)]

use super::*;
use std::sync::{Arc, Mutex};
use tokio::time::sleep;

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn list(text: &str) -> Vec<SocketAddr> {
    text.split_whitespace().map(address).collect()
}

#[test]
fn families_take_turns_and_no_address_comes_twice() {
    for (from, expected) in [
        ("", ""),
        ("1.1.1.1:1", "1.1.1.1:1"),
        (
            "[::1]:1 [::2]:1 [::3]:1 1.1.1.1:1 2.2.2.2:1",
            "[::1]:1 1.1.1.1:1 [::2]:1 2.2.2.2:1 [::3]:1",
        ),
        ("1.1.1.1:1 2.2.2.2:1 [::1]:1", "1.1.1.1:1 [::1]:1 2.2.2.2:1"),
        ("1.1.1.1:1 1.1.1.1:1 1.1.1.1:2", "1.1.1.1:1 1.1.1.1:2"),
    ] {
        assert_eq!(interleave(list(from)), list(expected), "{from}");
    }
}

/// What an address does, told by its port: the milliseconds after which it answers (even) or fails
/// (odd); 9999 and 9998 keep silent.
struct Net {
    log: Mutex<Vec<String>>,
    start: Instant,
    open: Mutex<usize>,
}

/// Counts an attempt for as long as it lives.
struct Attempt(Arc<Net>);

impl Drop for Attempt {
    fn drop(&mut self) {
        *self.0.open.lock().unwrap() -= 1;
    }
}

impl Net {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            log: Mutex::default(),
            start: Instant::now(),
            open: Mutex::default(),
        })
    }

    async fn connect(self: Arc<Self>, address: SocketAddr) -> io::Result<SocketAddr> {
        let at = self.start.elapsed().as_millis();
        self.log
            .lock()
            .unwrap()
            .push(format!("{at}:{}", address.port()));
        *self.open.lock().unwrap() += 1;
        let _alive = Attempt(Arc::clone(&self));
        let port = u64::from(address.port());
        if port >= 9998 {
            std::future::pending::<()>().await;
        }
        sleep(Duration::from_millis(port)).await;
        if port % 2 == 0 {
            Ok(address)
        } else {
            Err(io::ErrorKind::ConnectionRefused.into())
        }
    }
}

/// Ports in the order of attempts, and what comes of it: when who won, or who failed and who was
/// silent; and when each attempt began.
async fn run(ports: &[u16]) -> (String, String) {
    let net = Net::new();
    let addresses = ports
        .iter()
        .map(|port| SocketAddr::from(([10, 0, 0, 1], *port)));
    let deadline = net.start + Duration::from_secs(5);
    let connect = |address| Arc::clone(&net).connect(address);
    let outcome = race(addresses.collect(), deadline, connect).await;
    let at = net.start.elapsed().as_millis();
    assert_eq!(*net.open.lock().unwrap(), 0, "all attempts are dropped");
    let outcome = match outcome {
        Ok(winner) => format!("{at}:{}", winner.port()),
        Err(lost) => {
            let failed: Vec<_> = lost.failed.iter().map(|(who, _)| who.port()).collect();
            let silent: Vec<_> = lost.silent.iter().map(SocketAddr::port).collect();
            format!("{at} {failed:?} {silent:?}")
        }
    };
    let log = net.log.lock().unwrap().join(" ");
    (outcome, log)
}

#[tokio::test(start_paused = true)]
async fn the_first_to_answer_wins_and_each_has_a_quarter_of_a_second() {
    for (ports, outcome, log) in [
        // The first answers in time: nobody else is tried.
        (&[100, 2][..], "100:100", "0:100"),
        // A dead one costs 250 ms.
        (&[9999, 10], "260:10", "0:9999 250:10"),
        (&[9999, 9998, 10], "510:10", "0:9999 250:9998 500:10"),
        // A late first beats a later second.
        (&[300, 400], "300:300", "0:300 250:400"),
        // A late first loses against a quick second.
        (&[600, 100], "350:100", "0:600 250:100"),
        // A failure hands on at once, and the next has its whole time.
        (&[11, 13, 20], "44:20", "0:11 11:13 24:20"),
        (&[11, 9999, 20], "281:20", "0:11 11:9999 261:20"),
        // A failure while another runs hands on as well.
        (&[301, 9998, 20], "321:20", "0:301 250:9998 301:20"),
        // All fail: it ends when the last has.
        (&[11, 1], "12 [11, 1] []", "0:11 11:1"),
        (&[601, 11], "601 [11, 601] []", "0:601 250:11"),
        // Nobody answers: it ends at the deadline, and says who was silent.
        (&[9999, 1], "5000 [1] [9999]", "0:9999 250:1"),
        (&[9998, 9999], "5000 [] [9998, 9999]", "0:9998 250:9999"),
        (&[], "0 [] []", ""),
    ] {
        let (ended, began) = run(ports).await;
        // The clock of the test has a step of a millisecond: timers fire at its next tick.
        assert_eq!(
            (ended.as_str(), began.as_str()),
            (outcome, log),
            "{ports:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn dropping_the_race_drops_all_attempts() {
    let net = Net::new();
    let addresses = list("10.0.0.1:9999 10.0.0.1:9998");
    let deadline = net.start + Duration::from_secs(60);
    let race = race(addresses, deadline, |address| {
        Arc::clone(&net).connect(address)
    });
    let waited = tokio::time::timeout(Duration::from_secs(1), race).await;
    assert!(waited.is_err());
    assert_eq!(net.log.lock().unwrap().len(), 2);
    assert_eq!(*net.open.lock().unwrap(), 0);
}
