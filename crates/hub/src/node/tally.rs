//! What a node counts outside of its shards.

use crate::door::Full;
use crate::guard::Denied;
use crate::metrics::NodeCounters;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Debug, Default)]
pub(crate) struct Tally {
    accepted: AtomicU64,
    refused_full: AtomicU64,
    refused_address: AtomicU64,
    tls_failed: AtomicU64,
    denied_host: AtomicU64,
    denied_origin: AtomicU64,
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Tally {
    pub(crate) fn accepted(&self) {
        count(&self.accepted);
    }

    pub(crate) fn refused(&self, full: Full) {
        count(match full {
            Full::Node => &self.refused_full,
            Full::Address => &self.refused_address,
        });
    }

    pub(crate) fn tls_failed(&self) {
        count(&self.tls_failed);
    }

    pub(crate) fn denied(&self, denied: &Denied) {
        count(match denied {
            Denied::Host { .. } => &self.denied_host,
            Denied::Origin { .. } => &self.denied_origin,
        });
    }

    /// The counts, and the connections that are open and the records that did not fit.
    pub(crate) fn counters(&self, connections: u64, mailbox_dropped: u64) -> NodeCounters {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        NodeCounters {
            connections,
            mailbox_dropped,
            accepted: read(&self.accepted),
            refused_full: read(&self.refused_full),
            refused_address: read(&self.refused_address),
            tls_failed: read(&self.tls_failed),
            denied_host: read(&self.denied_host),
            denied_origin: read(&self.denied_origin),
        }
    }
}
