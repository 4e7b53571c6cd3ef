//! Publishers to a durable channel: how many publishes are acknowledged, and how late.

use crate::client::{PATIENCE, open, publish, until};
use crate::{Outcome, Plan, system};
use hdrhistogram::Histogram;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::ops::ControlFlow;
use std::task::Poll;
use std::time::{Duration, Instant};
use tidewire::{Event, PreparedFrame, Received, WebSocket};

const CHANNEL: &str = "chat:bench";
const WARM_UP: Duration = Duration::from_millis(500);

thread_local! {
    static ACKNOWLEDGED: Cell<u64> = const { Cell::new(0) };
    static REFUSED: RefCell<Option<String>> = const { RefCell::new(None) };
    static LATENCY: RefCell<Histogram<u64>> = RefCell::new(Histogram::new(3).unwrap_or_else(|_| unreachable!()));
}

pub(crate) async fn run(plan: &Plan) -> Outcome<String> {
    let until = Instant::now() + WARM_UP + plan.time() + PATIENCE;
    for _ in 0..plan.sessions {
        let ws = ready(plan).await?;
        tokio::spawn(publisher(ws, plan.depth, until));
    }
    tokio::time::sleep(WARM_UP).await;
    LATENCY.with_borrow_mut(Histogram::reset);
    let (start, cpu, before) = (Instant::now(), system::cpu(plan.pid)?, ACKNOWLEDGED.get());
    tokio::time::sleep(plan.time()).await;
    let seconds = start.elapsed().as_secs_f64();
    let acknowledged = ACKNOWLEDGED.get() - before;
    let cpu = (system::cpu(plan.pid)? - cpu).as_secs_f64().max(0.01);
    if let Some(refused) = REFUSED.take() {
        return Err(refused.into());
    }
    let late = |quantile| LATENCY.with_borrow(|all| all.value_at_quantile(quantile) as f64 / 1e6);
    Ok(format!(
        r#"{{"sessions":{},"depth":{},"seconds":{seconds:.3},"acknowledged":{acknowledged},"acknowledged_per_second":{:.0},"server_cpu_seconds":{cpu:.2},"latency_p50_ms":{:.3},"latency_p99_ms":{:.3}}}"#,
        plan.sessions,
        plan.depth,
        acknowledged as f64 / seconds,
        late(0.5),
        late(0.99),
    ))
}

async fn ready(plan: &Plan) -> Outcome<WebSocket> {
    let mut ws = open(plan.hub).await?;
    until(&mut ws, r#"{"op":"hello""#).await?;
    Ok(ws)
}

/// Keeps `depth` publishes under way.
async fn publisher(mut ws: WebSocket, depth: usize, until: Instant) {
    let frame = PreparedFrame::text(publish(CHANNEL, 0, 0));
    let mut sent = VecDeque::with_capacity(depth);
    for _ in 0..depth {
        sent.push_back(Instant::now());
        _ = ws.queue(&frame);
    }
    _ = ws.try_flush();
    poll_fn(|cx| {
        let received = ws.poll_receive(cx, |event, link| {
            if let Event::Text(text) = event {
                if !text.starts_with(r#"{"op":"ok""#) {
                    REFUSED.set(Some(text.to_string()));
                    return ControlFlow::Continue(());
                }
                let now = Instant::now();
                if let Some(sent) = sent.pop_front() {
                    let took = (now - sent).as_nanos() as u64;
                    LATENCY.with_borrow_mut(|all| _ = all.record(took));
                }
                ACKNOWLEDGED.set(ACKNOWLEDGED.get() + 1);
                if now < until {
                    sent.push_back(now);
                    _ = link.queue(&frame);
                }
            }
            ControlFlow::Continue(())
        });
        match received {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(Received::Paused)) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Poll::Ready(_) => {
                REFUSED.set(Some("the hub has closed a publisher".to_owned()));
                Poll::Ready(())
            }
        }
    })
    .await;
}
