//! One direction of a wire: bytes on their way, late, narrow, held up, or gone.

use super::random::Random;
use bytes::{Buf, Bytes};
use std::collections::VecDeque;
use std::task::{Context, Waker};
use std::time::Duration;
use tokio::io::ReadBuf;
use tokio::time::Instant;

/// How a wire behaves, the same in both directions.
#[derive(Clone, Debug)]
pub(super) struct Quality {
    pub(super) latency: Duration,
    pub(super) jitter: Duration,
    /// Bytes a second.
    pub(super) bandwidth: Option<u64>,
    /// Bytes under way, at most.
    pub(super) buffer: usize,
    /// Keeps what was written.
    pub(super) recorded: bool,
}

#[derive(Debug)]
pub(super) struct Lane {
    quality: Quality,
    lots: Random,
    queue: VecDeque<(Instant, Bytes)>,
    under_way: usize,
    /// When the wire has taken all that was written.
    free: Option<Instant>,
    last_arrival: Option<Instant>,
    /// When the reader sees the end.
    end: Option<Instant>,
    stalled: bool,
    reader_left: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
    pub(super) sent: u64,
    pub(super) arrived: u64,
    pub(super) writes: u64,
    pub(super) record: Vec<u8>,
}

/// What the reader finds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Bytes,
    End,
    /// Nothing before this moment.
    At(Instant),
    /// Nothing until something happens.
    Never,
}

/// What the writer finds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Room {
    Bytes(usize),
    Full,
    /// Nobody takes anything any more.
    Broken,
}

impl Lane {
    pub(super) fn new(quality: Quality, lots: Random) -> Self {
        Self {
            quality,
            lots,
            queue: VecDeque::new(),
            under_way: 0,
            free: None,
            last_arrival: None,
            end: None,
            stalled: false,
            reader_left: false,
            reader: None,
            writer: None,
            sent: 0,
            arrived: 0,
            writes: 0,
            record: Vec::new(),
        }
    }

    pub(super) fn room(&self) -> Room {
        // Over a stalled wire, nobody hears that the reader left.
        if self.end.is_some() || (self.reader_left && !self.stalled) {
            return Room::Broken;
        }
        match self.quality.buffer.saturating_sub(self.under_way) {
            0 => Room::Full,
            room => Room::Bytes(room),
        }
    }

    /// Sends bytes on their way: at most as many as there is room.
    pub(super) fn write(&mut self, now: Instant, bytes: Bytes) {
        let len = bytes.len();
        let start = self.free.map_or(now, |free| free.max(now));
        let takes = self.quality.bandwidth.map_or(Duration::ZERO, |rate| {
            Duration::from_nanos((len as u64).saturating_mul(1_000_000_000) / rate.max(1))
        });
        self.free = Some(start + takes);
        let jitter = u64::try_from(self.quality.jitter.as_nanos()).unwrap_or(u64::MAX);
        let late = match jitter {
            0 => Duration::ZERO,
            most => Duration::from_nanos(self.lots.up_to(most)),
        };
        let arrival = self.in_order(start + takes + self.quality.latency + late);
        self.under_way += len;
        self.sent += len as u64;
        self.writes += 1;
        if self.quality.recorded {
            self.record.extend_from_slice(&bytes);
        }
        self.queue.push_back((arrival, bytes));
        self.wake_reader();
    }

    /// Nothing overtakes what was written before.
    fn in_order(&mut self, arrival: Instant) -> Instant {
        let arrival = self.last_arrival.map_or(arrival, |last| last.max(arrival));
        self.last_arrival = Some(arrival);
        arrival
    }

    /// The writer ends: the reader gets what is under way, and then the end.
    pub(super) fn end(&mut self, now: Instant) {
        if self.end.is_none() {
            let from = self.free.map_or(now, |free| free.max(now));
            self.end = Some(self.in_order(from + self.quality.latency));
            self.wake_reader();
            self.wake_writer();
        }
    }

    pub(super) fn next(&self, now: Instant) -> Next {
        if self.stalled {
            return Next::Never;
        }
        match (self.queue.front(), self.end) {
            (Some((at, _)), _) if *at <= now => Next::Bytes,
            (None, Some(end)) if end <= now => Next::End,
            (Some((at, _)), _) => Next::At(*at),
            (None, Some(at)) => Next::At(at),
            (None, None) => Next::Never,
        }
    }

    /// Gives the reader what has arrived, `most` bytes of it.
    pub(super) fn read(&mut self, now: Instant, mut most: usize, buf: &mut ReadBuf<'_>) {
        while let Some((_, bytes)) = self.queue.front_mut().filter(|(at, _)| *at <= now) {
            let count = bytes.len().min(most).min(buf.remaining());
            buf.put_slice(&bytes[..count]);
            bytes.advance(count);
            most -= count;
            self.under_way -= count;
            self.arrived += count as u64;
            if !bytes.is_empty() {
                break;
            }
            self.queue.pop_front();
        }
        self.wake_writer();
    }

    pub(super) fn stall(&mut self, stalled: bool) {
        self.stalled = stalled;
        self.wake_reader();
        self.wake_writer();
    }

    /// Nobody reads any more.
    pub(super) fn reader_leaves(&mut self) {
        self.reader_left = true;
        self.reader = None;
        self.queue.clear();
        self.wake_writer();
    }

    /// What is under way is lost.
    pub(super) fn lose(&mut self) {
        self.queue.clear();
        self.under_way = 0;
        self.wake_reader();
        self.wake_writer();
    }

    pub(super) fn wait_to_read(&mut self, cx: &Context<'_>) {
        self.reader = Some(cx.waker().clone());
    }

    pub(super) fn wait_to_write(&mut self, cx: &Context<'_>) {
        self.writer = Some(cx.waker().clone());
    }

    fn wake_reader(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    fn wake_writer(&mut self) {
        if let Some(writer) = self.writer.take() {
            writer.wake();
        }
    }
}
