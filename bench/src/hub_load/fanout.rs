//! One publisher to many subscribers: how many deliveries, and how late.

use crate::client::{arrived, cut, listen, open, publish, stamp, subscribers, until};
use crate::{Outcome, Plan, system};
use hdrhistogram::Histogram;
use std::cell::RefCell;
use std::time::{Duration, Instant};
use tidewire::WebSocket;

const CHANNEL: &str = "live:bench";
const BURST: u64 = 4;
/// Publications that may be on their way to the slowest part of the load: the load must not be what is cut
/// off. More than the hub holds at a time.
const AHEAD: u64 = 64;
const WARM_UP: Duration = Duration::from_secs(1);

thread_local! {
    static LATENCY: RefCell<Histogram<u64>> = RefCell::new(Histogram::new(3).unwrap_or_else(|_| unreachable!()));
}

pub(crate) async fn run(plan: &Plan) -> Outcome<String> {
    let began = Instant::now();
    let now = move || began.elapsed().as_nanos() as u64;
    let subscribers = subscribers(plan.hub, CHANNEL, plan.sessions).await?;
    let timed = plan.rate > 0;
    for ws in subscribers {
        listen(ws, move |text| {
            if timed && let Some((sent, _)) = stamp(text) {
                LATENCY.with_borrow_mut(|all| _ = all.record(now() - sent));
            }
        });
    }
    let mut publisher = open(plan.hub).await?;
    until(&mut publisher, r#"{"op":"hello""#).await?;
    let mut publisher = Publisher {
        ws: publisher,
        sent: 0,
        sessions: plan.sessions as u64,
    };

    publisher.go(plan, WARM_UP, now).await?;
    LATENCY.with_borrow_mut(Histogram::reset);
    let (start, cpu, before, sent) = (
        Instant::now(),
        system::cpu(plan.pid)?,
        arrived(),
        publisher.sent,
    );
    publisher.go(plan, plan.time(), now).await?;
    let seconds = start.elapsed().as_secs_f64();
    let deliveries = arrived() - before;
    let cpu = (system::cpu(plan.pid)? - cpu).as_secs_f64().max(0.01);
    let sent = publisher.sent - sent;

    // Everything that was published arrives in the end.
    let wait = Instant::now();
    while arrived() < publisher.sent * publisher.sessions
        && wait.elapsed() < Duration::from_secs(10)
    {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let missing = publisher.sent * publisher.sessions - arrived();
    if missing > 0 || cut() > 0 {
        return Err(format!(
            "{missing} deliveries are missing, {} subscribers were cut",
            cut()
        )
        .into());
    }
    let late = |quantile| LATENCY.with_borrow(|all| all.value_at_quantile(quantile) as f64 / 1e6);
    Ok(format!(
        r#"{{"sessions":{},"seconds":{seconds:.3},"published":{sent},"deliveries":{deliveries},"deliveries_per_second":{:.0},"server_cpu_seconds":{cpu:.2},"deliveries_per_server_cpu_second":{:.0},"latency_p50_ms":{:.3},"latency_p99_ms":{:.3}}}"#,
        plan.sessions,
        deliveries as f64 / seconds,
        deliveries as f64 / cpu,
        late(0.5),
        late(0.99),
    ))
}

struct Publisher {
    ws: WebSocket,
    sent: u64,
    sessions: u64,
}

impl Publisher {
    async fn go(&mut self, plan: &Plan, time: Duration, now: impl Fn() -> u64) -> Outcome<()> {
        let start = Instant::now();
        let step = Duration::from_secs(1).checked_div(plan.rate as u32);
        let mut due = start;
        while start.elapsed() < time {
            match step {
                Some(step) => {
                    self.publish(1, &now).await?;
                    due += step;
                    tokio::time::sleep_until(due.into()).await;
                }
                None => {
                    self.publish(BURST, &now).await?;
                    while self.sent * self.sessions > arrived() + AHEAD * self.sessions {
                        // The thread's other tasks are what is waited for, so it does not sleep.
                        tokio::task::yield_now().await;
                    }
                }
            }
        }
        Ok(())
    }

    /// So many in one write, and their acknowledgements.
    async fn publish(&mut self, count: u64, now: impl Fn() -> u64) -> Outcome<()> {
        for _ in 0..count {
            self.sent += 1;
            self.ws.feed(publish(CHANNEL, now(), self.sent)).await?;
        }
        self.ws.flush().await?;
        for _ in 0..count {
            until(&mut self.ws, r#"{"op":"ok""#).await?;
        }
        Ok(())
    }
}
