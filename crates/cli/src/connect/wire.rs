//! What a watched connection shows of its way and its wire: steps and heads for `-v`, frames for `-vv`.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tidewire::wire::{Frame, Seen, Way};
use tidewire::{CloseStory, WebSocket};

use super::talk::Opened;
use crate::term;

/// So many frames wait at most for the size of their message.
const WAITING: usize = 1024;

/// The longest line of a head that is shown, in characters.
const SHOWN: usize = 8 * 1024;

/// What one connection has shown so far.
#[derive(Debug, Clone)]
pub(super) struct Wire(Arc<Mutex<Log>>);

#[derive(Debug)]
struct Log {
    began: Instant,
    steps: Vec<String>,
    request: Vec<u8>,
    response: Vec<u8>,
    address: Option<std::net::SocketAddr>,
    tls: Option<String>,
    /// Only if frames are to be shown.
    frames: Option<Frames>,
}

impl Wire {
    /// Of a connection that is yet to be opened; with its frames, if they are to be shown.
    pub(super) fn new(frames: bool) -> Wire {
        Wire(Arc::new(Mutex::new(Log {
            began: Instant::now(),
            steps: Vec::new(),
            request: Vec::new(),
            response: Vec::new(),
            address: None,
            tls: None,
            frames: frames.then(Frames::default),
        })))
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is to be told of the connection.
    pub(super) fn watcher(&self) -> impl Fn(Seen<'_>) + Send + Sync + 'static {
        let wire = self.clone();
        move |seen| wire.log().see(&seen)
    }

    /// The steps so far, for a connection that was not made.
    pub(super) fn steps(&self) -> Vec<String> {
        std::mem::take(&mut self.log().steps)
    }

    /// What is known of `ws`, which has just been opened.
    pub(super) fn opened(&self, ws: &WebSocket) -> Opened {
        let mut log = self.log();
        let compression = ws.deflate().is_some().then(|| {
            header(&log.response, "sec-websocket-extensions")
                .unwrap_or_else(|| "permessage-deflate".to_owned())
        });
        Opened {
            request: std::mem::take(&mut log.request),
            response: std::mem::take(&mut log.response),
            subprotocol: ws.subprotocol(),
            compression,
            address: log.address.or_else(|| ws.peer_addr()),
            took: log.began.elapsed(),
            tls: log.tls.take(),
            steps: std::mem::take(&mut log.steps),
            again: None,
        }
    }

    /// A message of so many bytes is about to be sent.
    pub(super) fn sending(&self, bytes: usize) {
        if let Some(frames) = &mut self.log().frames {
            frames.sent.push_back(bytes);
        }
    }

    /// A message of so many bytes has been received.
    pub(super) fn received(&self, bytes: usize) {
        if let Some(frames) = &mut self.log().frames {
            frames.received.push_back(bytes);
        }
    }

    /// Lines for the frames that went by; `over`: nothing more will be known of any.
    pub(super) fn lines(&self, story: Option<&CloseStory>, over: bool) -> Vec<String> {
        match &mut self.log().frames {
            Some(frames) => frames.lines(story, over),
            None => Vec::new(),
        }
    }
}

impl Log {
    fn see(&mut self, seen: &Seen<'_>) {
        match seen {
            Seen::Proxy(url) => {
                let url = term::line(url, 300);
                self.steps.push(format!("* through the proxy {url}"));
            }
            Seen::Connected(address) => {
                self.address = Some(*address);
                let took = millis(self.began.elapsed());
                self.steps
                    .push(format!("* connected to {address} in {took}"));
            }
            Seen::Secured(tls) => {
                let how = format!("{}, {}", tls.version(), tls.cipher_suite());
                self.steps.push(format!("* secured with {how}"));
                self.tls = Some(how);
            }
            Seen::Head(way, head) => {
                let (arrow, kept) = match way {
                    Way::Out => ('>', &mut self.request),
                    Way::In => ('<', &mut self.response),
                };
                *kept = head.to_vec();
                let lines = String::from_utf8_lossy(head);
                let lines = lines.trim_end_matches(['\r', '\n']).lines();
                self.steps
                    .extend(lines.map(|line| format!("{arrow} {}", term::line(line, SHOWN))));
            }
            Seen::Frame(way, frame) => {
                let at = self.began.elapsed();
                if let Some(frames) = &mut self.frames {
                    frames.queue.push_back((at, *way, *frame));
                }
            }
            _ => {}
        }
    }
}

/// The value of a header in a head.
fn header(head: &[u8], name: &str) -> Option<String> {
    String::from_utf8_lossy(head).lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found
            .eq_ignore_ascii_case(name)
            .then(|| term::line(value.trim(), 300))
    })
}

/// `3.1 ms`.
pub(super) fn millis(time: Duration) -> String {
    let millis = time.as_secs_f64() * 1000.0;
    match millis {
        0.0..10.0 => format!("{millis:.1} ms"),
        10.0..10_000.0 => format!("{millis:.0} ms"),
        _ => format!("{:.1} s", millis / 1000.0),
    }
}

/// The frames that have not been shown, and what is known of the messages they carry.
#[derive(Debug, Default)]
struct Frames {
    queue: VecDeque<(Duration, Way, Frame)>,
    sent: VecDeque<usize>,
    received: VecDeque<usize>,
    /// Whether the message that is under way is compressed, and its bytes so far: in, and out.
    way_in: Gathered,
    way_out: Gathered,
}

#[derive(Debug, Default, Clone, Copy)]
struct Gathered {
    compressed: bool,
    bytes: u64,
}

impl Frames {
    fn lines(&mut self, story: Option<&CloseStory>, over: bool) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(&(at, way, frame)) = self.queue.front() {
            let sizes = match way {
                Way::In => &mut self.received,
                Way::Out => &mut self.sent,
            };
            let ends = frame.opcode() < 8 && frame.fin();
            if ends && sizes.is_empty() && !over && self.queue.len() < WAITING {
                break;
            }
            let raw = if ends { sizes.pop_front() } else { None };
            self.queue.pop_front();
            lines.push(self.line(at, way, frame, raw, story));
        }
        lines
    }

    /// `→ text fin rsv1 mask len=97 (312 B raw, 31 %)  +0.012 s`
    fn line(
        &mut self,
        at: Duration,
        way: Way,
        frame: Frame,
        raw: Option<usize>,
        story: Option<&CloseStory>,
    ) -> String {
        let (arrow, message) = match way {
            Way::In => ('←', &mut self.way_in),
            Way::Out => ('→', &mut self.way_out),
        };
        let mut line = format!("{arrow} {}", frame.name());
        if frame.name() == "reserved" {
            line += &format!(" {}", frame.opcode());
        }
        for (is, word) in [
            (frame.fin(), " fin"),
            (frame.rsv1(), " rsv1"),
            (frame.rsv2(), " rsv2"),
            (frame.rsv3(), " rsv3"),
            (frame.mask().is_some(), " mask"),
        ] {
            if is {
                line += word;
            }
        }
        line += &format!(" len={}", frame.len());
        if matches!(frame.opcode(), 1 | 2) {
            *message = Gathered {
                compressed: frame.rsv1(),
                bytes: 0,
            };
        }
        if frame.opcode() < 8 {
            message.bytes = message.bytes.saturating_add(frame.len());
        }
        match raw {
            Some(raw) if message.compressed && raw > 0 => {
                let share = message.bytes as f64 * 100.0 / raw as f64;
                line += &format!(" ({raw} B raw, {share:.0} %)");
            }
            Some(raw) if message.compressed => line += &format!(" ({raw} B raw)"),
            _ => {}
        }
        if frame.opcode() == 8 {
            let said = story.and_then(|story| match way {
                Way::In => story.received.as_ref(),
                Way::Out => story.sent.as_ref(),
            });
            if let Some(said) = said.filter(|_| frame.len() > 0) {
                line += &format!(" {}", said.code.0);
            }
        }
        line + &format!("  +{:.3} s", at.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use tidewire::wire;

    fn frames(bytes: &[u8]) -> Vec<Frame> {
        let (mut found, mut rest) = (Vec::new(), bytes);
        let mut frames = wire::Frames::new();
        while let Some(frame) = frames.next(&mut rest) {
            found.push(frame);
        }
        found
    }

    fn shown(lines: Vec<String>) -> Vec<String> {
        let cut = |line: String| line.split("  +").next().unwrap().to_owned();
        lines.into_iter().map(cut).collect()
    }

    #[test]
    fn a_compressed_message_is_shown_with_its_ratio_once_its_size_is_known() {
        let wire = Wire::new(true);
        for frame in frames(&[0x41, 2, 0, 0, 0x89, 0, 0x80, 1, 0]) {
            wire.watcher()(Seen::Frame(Way::In, frame));
        }
        assert_eq!(
            shown(wire.lines(None, false)),
            ["← text rsv1 len=2", "← ping fin len=0"]
        );
        wire.received(12);
        assert_eq!(
            shown(wire.lines(None, false)),
            ["← continuation fin len=1 (12 B raw, 25 %)"]
        );
    }

    #[test]
    fn frames_of_a_message_that_never_ends_cost_a_bounded_memory() {
        let wire = Wire::new(true);
        let frame = frames(&[0x81, 0])[0];
        let mut lines = 0;
        for _ in 0..5 * WAITING {
            wire.watcher()(Seen::Frame(Way::In, frame));
            lines += wire.lines(None, false).len();
            assert!(wire.log().frames.as_ref().unwrap().queue.len() < WAITING);
        }
        lines += wire.lines(None, true).len();
        assert_eq!(lines, 5 * WAITING);
    }

    #[test]
    fn a_head_is_shown_escaped() {
        let wire = Wire::new(false);
        wire.watcher()(Seen::Head(Way::In, b"HTTP/1.1 101 \x1b[2J\r\nA: b\r\n\r\n"));
        assert_eq!(wire.steps(), ["< HTTP/1.1 101 \\x1b[2J", "< A: b"]);
    }
}
