//! What the engine's threads share: the folder, a queue for each of them, and the counters.

use crate::counters::Tally;
use crate::folder::Folder;
use crate::jobs::{PresenceJob, ReadJob, WriteJob};
use crate::queue::Queue;

/// What the threads share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) folder: Folder,
    pub(crate) writing: Queue<WriteJob>,
    pub(crate) reading: Queue<ReadJob>,
    pub(crate) presence: Queue<PresenceJob>,
    pub(crate) tally: Tally,
}

impl Shared {
    pub(crate) fn close(&self) {
        self.writing.close();
        self.reading.close();
        self.presence.close();
    }
}
