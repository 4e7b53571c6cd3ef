//! Moves a lane over a WebSocket: the answer that comes is checked, and the next message queued, in
//! place.

use crate::error::{ErrorClass, Failure};
use crate::lane::{self, Lane};
use crate::payload::Ring;
use crate::tally::{Board, lock};
use std::future::poll_fn;
use std::ops::ControlFlow;
use std::task::{Context, Poll};
use tidewire::{CloseCode, Event, PreparedFrame, Received, WebSocket};

/// How a connection ended: in order or not, once its load was done.
pub(crate) type Closed = bool;

/// Runs the load on one connection until it is drained, then closes it.
pub(crate) async fn run(
    mut ws: WebSocket,
    ring: Ring,
    mut lane: Lane,
    board: Board,
) -> Result<Closed, Failure> {
    let Ring::Frames(frames) = ring else {
        unreachable!("rings are made for their transport")
    };
    let begun = begin(&ws, &frames, &mut lane, &board);
    let drained = match begun {
        Ok(()) => poll_fn(|cx| poll(&mut ws, &frames, &mut lane, &board, cx)).await,
        Err(error) => Err(Failure::open(&error)),
    };
    lock(&board).live -= 1;
    drained?;
    Ok(ws.close(CloseCode::NORMAL, "").await.is_ok())
}

/// Sends the first messages, in one write.
fn begin(
    ws: &WebSocket,
    frames: &[PreparedFrame],
    lane: &mut Lane,
    board: &Board,
) -> Result<(), tidewire::Error> {
    let now = lock(board).now();
    while lane.room() > 0 {
        ws.queue(&frames[lane.send(now)])?;
    }
    ws.try_flush();
    Ok(())
}

fn poll(
    ws: &mut WebSocket,
    frames: &[PreparedFrame],
    lane: &mut Lane,
    board: &Board,
    cx: &mut Context<'_>,
) -> Poll<Result<(), Failure>> {
    let tally = &mut *lock(board);
    tally.polls += 1;
    let mut clock = lane.clock();
    let mut failure = None;
    let received = ws.poll_receive(cx, |event, link| {
        let answer = match &event {
            Event::Binary(answer) => &answer[..],
            Event::Text(text) => text.as_bytes(),
            _ => return ControlFlow::Continue(()),
        };
        let due = lane.due();
        let right = due.is_some_and(|due| answer == frames[due].payload());
        if !right || matches!(event, Event::Text(_)) {
            let ring = frames.iter().map(PreparedFrame::payload);
            failure = Some(if right {
                Failure::new(ErrorClass::Corrupted, "a binary message came back as text")
            } else {
                lane::judge(answer, due, ring)
            });
            return ControlFlow::Break(());
        }
        let now = clock.now(tally);
        lane.answered(now, tally);
        if lane::goes_on(tally) {
            // A closing connection refuses this, and receiving tells why.
            let _ = link.queue(&frames[lane.send(now)]);
        } else if lane.is_idle() {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    });
    match received {
        Poll::Pending => Poll::Pending,
        Poll::Ready(Ok(Received::Closed(story))) => {
            Poll::Ready(Err(Failure::new(ErrorClass::Closed, story.to_string())))
        }
        // The visitor broke off.
        Poll::Ready(Ok(_)) => Poll::Ready(failure.map_or(Ok(()), Err)),
        Poll::Ready(Err(error)) => Poll::Ready(Err(Failure::open(&error))),
    }
}
