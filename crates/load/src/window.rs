//! [`Window`]: what is under way on one connection, and what each answer says of it.

use crate::stamp::Stamp;
use std::collections::VecDeque;

/// How many messages that were overtaken are remembered, in case they come after all.
const REMEMBERED: usize = 1 << 16;

/// Behind the messages under way, among how many short ones a repeated answer is looked for.
const BACK: u32 = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    /// A later one was answered before.
    Overtaken,
    Done,
}

/// When a message was to be sent and when it was, in nanoseconds of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) due: u64,
    pub(crate) at: u64,
}

#[derive(Debug)]
struct Entry {
    sent: Sent,
    state: State,
}

/// What an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A message that waited; so many before it were passed over.
    Right(Sent, usize),
    /// One that was overtaken before.
    Reordered(Sent),
    /// One that had been answered.
    Duplicate,
    /// Nothing that was sent. One that waited, if one did, is answered with it.
    Corrupted(bool),
}

/// The messages of one connection that are not answered, in the order in which they were sent.
#[derive(Debug)]
pub(crate) struct Window {
    connection: u32,
    /// The number of the first entry.
    first: u32,
    entries: VecDeque<Entry>,
    /// The place of the first that waits; all behind it wait.
    due: usize,
    overtaken: u64,
    forgotten: u64,
}

impl Window {
    pub(crate) fn new(connection: u32) -> Self {
        Self {
            connection,
            first: 0,
            entries: VecDeque::new(),
            due: 0,
            overtaken: 0,
            forgotten: 0,
        }
    }

    /// How many messages wait for their answer.
    #[inline]
    pub(crate) fn waiting(&self) -> usize {
        self.entries.len() - self.due
    }

    /// Messages without an answer, of which none is to be expected any more if there is no answer now.
    pub(crate) fn lost(&self) -> u64 {
        self.overtaken + self.forgotten + self.waiting() as u64
    }

    /// Those that were overtaken and did not come.
    pub(crate) fn passed_over(&self) -> u64 {
        self.overtaken + self.forgotten
    }

    /// A message goes out; gives the payload.
    #[inline]
    pub(crate) fn send<'a>(&mut self, sent: Sent, stamp: &'a mut Stamp) -> &'a [u8] {
        let number = self.first.wrapping_add(self.entries.len() as u32);
        self.entries.push_back(Entry {
            sent,
            state: State::Waiting,
        });
        stamp.of(self.connection, number)
    }

    /// The payload that [`send`](Self::send) would give.
    pub(crate) fn peek<'a>(&self, stamp: &'a mut Stamp) -> &'a [u8] {
        let number = self.first.wrapping_add(self.entries.len() as u32);
        stamp.of(self.connection, number)
    }

    /// Whether an answer is to something that was sent.
    pub(crate) fn knows(&self, answer: &[u8], stamp: &Stamp) -> bool {
        self.find(answer, stamp).is_some()
    }

    /// The messages that have no answer and are remembered.
    pub(crate) fn unanswered(&self) -> impl Iterator<Item = Sent> + '_ {
        let open = self
            .entries
            .iter()
            .filter(|entry| entry.state != State::Done);
        open.map(|entry| entry.sent)
    }

    /// An answer came.
    #[inline]
    pub(crate) fn answer(&mut self, answer: &[u8], stamp: &Stamp) -> Answer {
        let due = self.first.wrapping_add(self.due as u32);
        if self.waiting() > 0 && stamp.is(answer, self.connection, due) {
            return Answer::Right(self.take_due(), 0);
        }
        self.other(answer, stamp)
    }

    /// An answer came that is of the wrong kind.
    #[cold]
    pub(crate) fn spoiled(&mut self) -> Answer {
        let waited = self.waiting() > 0;
        if waited {
            self.take_due();
        }
        Answer::Corrupted(waited)
    }

    #[cold]
    fn other(&mut self, answer: &[u8], stamp: &Stamp) -> Answer {
        let Some(place) = self.find(answer, stamp) else {
            return self.spoiled();
        };
        let Some(place) = usize::try_from(place).ok() else {
            return Answer::Duplicate;
        };
        match self.entries[place].state {
            State::Done => Answer::Duplicate,
            State::Overtaken => {
                self.overtaken -= 1;
                let sent = self.finish(place);
                Answer::Reordered(sent)
            }
            State::Waiting => {
                let passed = place - self.due;
                for entry in self.entries.range_mut(self.due..place) {
                    entry.state = State::Overtaken;
                }
                self.overtaken += passed as u64;
                self.due = place;
                Answer::Right(self.take_due(), passed)
            }
        }
    }

    /// Where among the entries it stands; negative: before them.
    fn find(&self, answer: &[u8], stamp: &Stamp) -> Option<i64> {
        let is = |number| stamp.is(answer, self.connection, number);
        let known = |place: i64| {
            let number = self.first.wrapping_add(place as u32);
            (place < self.entries.len() as i64 && is(number)).then_some(place)
        };
        if let Some(number) = stamp.claimed(answer) {
            return known(i64::from(number.wrapping_sub(self.first) as i32));
        }
        let back = i64::from(BACK.min(self.first));
        let mut places = (0..self.entries.len() as i64).chain((-back..0).rev());
        places.find_map(known)
    }

    /// The first that waits is answered.
    #[inline]
    fn take_due(&mut self) -> Sent {
        let place = self.due;
        self.due += 1;
        self.finish(place)
    }

    #[inline]
    fn finish(&mut self, place: usize) -> Sent {
        let entry = &mut self.entries[place];
        entry.state = State::Done;
        let sent = entry.sent;
        while let Some(entry) = self.entries.front() {
            let forgotten = entry.state == State::Overtaken && self.due > REMEMBERED;
            if entry.state != State::Done && !forgotten {
                break;
            }
            self.overtaken -= u64::from(forgotten);
            self.forgotten += u64::from(forgotten);
            self.entries.pop_front();
            self.first = self.first.wrapping_add(1);
            self.due -= 1;
        }
        sent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Peer {
        window: Window,
        stamp: Stamp,
        sent: Vec<Vec<u8>>,
    }

    fn peer(size: usize, messages: u64) -> Peer {
        let (mut window, mut stamp) = (Window::new(5), Stamp::new(size));
        let sent = (0..messages)
            .map(|at| window.send(Sent { due: at, at }, &mut stamp).to_vec())
            .collect();
        Peer {
            window,
            stamp,
            sent,
        }
    }

    impl Peer {
        fn answers(&mut self, message: usize) -> Answer {
            let bytes = self.sent[message].clone();
            self.window.answer(&bytes, &self.stamp)
        }
    }

    fn right(at: u64, passed: usize) -> Answer {
        Answer::Right(Sent { due: at, at }, passed)
    }

    #[test]
    fn answers_in_turn_leave_nothing() {
        for size in [4, 16, 100] {
            let mut peer = peer(size, 20);
            for message in 0..20 {
                assert_eq!(peer.answers(message), right(message as u64, 0));
            }
            assert_eq!((peer.window.waiting(), peer.window.lost()), (0, 0));
            assert_eq!(peer.answers(19), Answer::Duplicate, "{size}");
        }
    }

    #[test]
    fn what_is_lost_repeated_and_reordered_is_told_apart() {
        for size in [4, 64] {
            let mut peer = peer(size, 6);
            assert_eq!(peer.answers(2), right(2, 2));
            assert_eq!(peer.answers(0), Answer::Reordered(Sent { due: 0, at: 0 }));
            assert_eq!(peer.answers(0), Answer::Duplicate);
            assert_eq!(peer.answers(2), Answer::Duplicate);
            assert_eq!(peer.answers(3), right(3, 0));
            assert_eq!(peer.window.passed_over(), 1, "message 1");
            assert_eq!(peer.window.lost(), 3, "and 4 and 5 if nothing comes");
            assert_eq!(peer.answers(5), right(5, 1));
            assert_eq!((peer.window.waiting(), peer.window.lost()), (0, 2));
        }
    }

    #[test]
    fn what_nobody_sent_is_corrupted_and_stands_for_one_that_waited() {
        let mut peer = peer(32, 2);
        let mut spoiled = peer.sent[0].clone();
        spoiled[20] ^= 1;
        for expected in [true, true, false] {
            let answer = peer.window.answer(&spoiled, &peer.stamp);
            assert_eq!(answer, Answer::Corrupted(expected));
        }
        let future = peer.stamp.of(5, 9).to_vec();
        let answer = peer.window.answer(&future, &peer.stamp);
        assert_eq!(answer, Answer::Corrupted(false), "not sent yet");
        assert_eq!(
            peer.window.answer(b"", &peer.stamp),
            Answer::Corrupted(false)
        );
        assert_eq!(peer.window.lost(), 0);
    }

    #[test]
    fn a_peer_that_answers_only_some_costs_bounded_memory() {
        let mut peer = peer(16, 2);
        assert_eq!(peer.answers(1), right(1, 1));
        for at in 2..300_000 {
            let sent = Sent { due: at, at };
            let bytes = peer.window.send(sent, &mut peer.stamp).to_vec();
            if at % 2 == 0 {
                peer.window.answer(&bytes, &peer.stamp);
            }
        }
        assert!(peer.window.entries.len() <= REMEMBERED + 2);
        assert_eq!(peer.window.lost(), 150_000);
    }
}
