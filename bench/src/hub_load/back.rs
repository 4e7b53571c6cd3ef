//! Every subscriber is cut at once and comes back with its position, while the publisher goes on.

use crate::client::{PATIENCE, open, poll, publish, stamp, subscribers, until};
use crate::{Outcome, Plan, system};
use hdrhistogram::Histogram;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};
use tidewire::WebSocket;
use tokio::sync::{Semaphore, watch};

const CHANNEL: &str = "live:bench";
/// Clients that are opening a connection at a time: the listener's queue is no longer than this.
const OPENING: usize = 512;

thread_local! {
    static BACK: Cell<usize> = const { Cell::new(0) };
    static TOOK: RefCell<Histogram<u64>> = RefCell::new(Histogram::new(3).unwrap_or_else(|_| unreachable!()));
    static TRIES: Cell<usize> = const { Cell::new(0) };
    static MISSED: Cell<u64> = const { Cell::new(0) };
    static WRONG: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// What one client knows: where it is, and the number it has seen last.
#[derive(Default)]
struct Place {
    pos: String,
    number: u64,
}

impl Place {
    fn see(&mut self, text: &str) {
        let Some((_, number)) = stamp(text) else {
            return wrong(text);
        };
        if self.number != 0 && number != self.number + 1 {
            wrong(&format!("{number} comes after {}", self.number));
        }
        self.number = number;
        // The position stands right behind the channel.
        let pos = text
            .split_once(r#""pos":""#)
            .and_then(|(_, rest)| rest.split_once('"'));
        self.pos.clear();
        self.pos.push_str(pos.map_or("", |(pos, _)| pos));
    }
}

fn wrong(what: &str) {
    WRONG.with_borrow_mut(|all| all.push(what.to_owned()));
}

pub(crate) async fn run(plan: &Plan) -> Outcome<String> {
    let (cut, _) = watch::channel(None::<Instant>);
    let (end, _) = watch::channel(None::<u64>);
    let doors = Arc::new(Semaphore::new(OPENING));
    let mut tasks = Vec::new();
    for ws in subscribers(plan.hub, CHANNEL, plan.sessions).await? {
        let (cut, end, doors, hub) = (cut.subscribe(), end.subscribe(), doors.clone(), plan.hub);
        tasks.push(tokio::spawn(life(ws, hub, cut, end, doors)));
    }
    let mut publisher = open(plan.hub).await?;
    until(&mut publisher, r#"{"op":"hello""#).await?;
    let step = Duration::from_secs(1) / plan.rate.max(1) as u32;
    let mut number = 0;
    let begun = Instant::now();
    let (mut cut_at, mut cpu, mut at_cut) = (None, Duration::ZERO, 0);
    let mut back_at = None;
    loop {
        number += 1;
        publisher.send(publish(CHANNEL, 0, number)).await?;
        until(&mut publisher, r#"{"op":"ok""#).await?;
        tokio::time::sleep(step).await;
        match cut_at {
            None if begun.elapsed() > Duration::from_secs(2) => {
                cpu = system::cpu(plan.pid)?;
                at_cut = number;
                cut_at = Some(Instant::now());
                cut.send_replace(cut_at);
            }
            Some(at) => {
                if at.elapsed() > PATIENCE {
                    let back = BACK.get();
                    return Err(format!("{back} of {} came back", plan.sessions).into());
                }
                if BACK.get() == plan.sessions {
                    back_at.get_or_insert((system::cpu(plan.pid)? - cpu).as_secs_f64());
                    // A second of life after it shows that they are live indeed.
                    if at.elapsed() > Duration::from_secs_f64(longest() + 1.0) {
                        break;
                    }
                }
            }
            None => {}
        }
    }
    end.send_replace(Some(number));
    for task in tasks {
        tokio::time::timeout(PATIENCE, task)
            .await
            .map_err(|_| "a client that came back does not get everything")??;
    }
    let wrong = WRONG.take();
    if let Some(first) = wrong.first() {
        return Err(format!("{} wrong, the first: {first}", wrong.len()).into());
    }
    let late = |quantile| TOOK.with_borrow(|all| all.value_at_quantile(quantile) as f64 / 1e9);
    Ok(format!(
        r#"{{"sessions":{},"seconds":{:.3},"seconds_p50":{:.3},"server_cpu_seconds":{:.2},"tries":{},"published_meanwhile":{},"recovered_records":{}}}"#,
        plan.sessions,
        longest(),
        late(0.5),
        back_at.unwrap_or_default(),
        TRIES.get(),
        number - at_cut,
        MISSED.get(),
    ))
}

/// When the last was back, in seconds from the cut.
fn longest() -> f64 {
    TOOK.with_borrow(|all| all.max() as f64 / 1e9)
}

async fn life(
    mut ws: WebSocket,
    hub: SocketAddr,
    mut cut: watch::Receiver<Option<Instant>>,
    mut end: watch::Receiver<Option<u64>>,
    doors: Arc<Semaphore>,
) {
    let mut place = Place::default();
    tokio::select! {
        () = poll_fn(|cx| poll(&mut ws, cx, &mut |text: &str| place.see(text))) => {
            return wrong("the hub has cut a subscriber off");
        }
        _ = cut.changed() => {}
    }
    let Some(at) = *cut.borrow() else { return };
    // Dropped: the connection ends without a word.
    drop(ws);
    let mut ws = loop {
        let Ok(_door) = doors.acquire().await else {
            return;
        };
        TRIES.set(TRIES.get() + 1);
        match come_back(hub, &mut place).await {
            Ok(ws) => break ws,
            Err(error) if at.elapsed() > PATIENCE => return wrong(&error.to_string()),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    };
    BACK.set(BACK.get() + 1);
    TOOK.with_borrow_mut(|all| _ = all.record(at.elapsed().as_nanos() as u64));
    let mut last = end.borrow_and_update().unwrap_or(u64::MAX);
    loop {
        let reading = poll_fn(|cx| {
            let over = poll(&mut ws, cx, &mut |text: &str| place.see(text));
            if place.number >= last {
                Poll::Ready(false)
            } else {
                over.map(|()| true)
            }
        });
        tokio::select! {
            over = reading => {
                if over {
                    wrong("the hub has cut off a subscriber that came back");
                }
                return;
            }
            _ = end.changed() => last = end.borrow_and_update().unwrap_or(u64::MAX),
        }
    }
}

/// Connects, subscribes from where it was, and reads until it is live.
async fn come_back(hub: SocketAddr, place: &mut Place) -> Outcome<WebSocket> {
    let mut ws = open(hub).await?;
    let Place { pos, .. } = place;
    ws.send(format!(
        r#"{{"op":"subscribe","id":1,"channel":"{CHANNEL}","since":"{pos}"}}"#
    ))
    .await?;
    let answer = until(&mut ws, r#"{"op":"ok","id":1"#).await?;
    if !answer.contains(r#""recovered":true"#) {
        wrong(&answer);
    }
    loop {
        let object = until(&mut ws, "{").await?;
        if object.starts_with(r#"{"op":"message""#) {
            MISSED.set(MISSED.get() + 1);
            place.see(&object);
        } else if object.starts_with(r#"{"op":"live""#) {
            return Ok(ws);
        }
    }
}
