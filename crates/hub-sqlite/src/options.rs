//! How a folder is opened, as its owner says.

/// How a folder is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpenOptions {
    /// Believe no position that was given out before: for a snapshot of a whole disk that was put back,
    /// which the engine cannot notice. Default: no.
    pub new_term: bool,
    /// Largest size of the database, in bytes; beyond, appends fail as on a full disk. The write-ahead
    /// log comes on top. Default: none. Too small a value refuses what there is room for.
    pub max_bytes: Option<u64>,
    /// Bytes of effects that may wait to be written, and as much again of reads and of presence; more
    /// fail with [`Fault::Overloaded`](tidewire_hub_core::Fault::Overloaded). Default: 64 MiB. Too small a
    /// value refuses bursts.
    pub queue_bytes: usize,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            new_term: false,
            max_bytes: None,
            queue_bytes: 64 << 20,
        }
    }
}
