//! How many connections there may be, and which shard takes the next.

use crate::config::Config;
use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tidewire_hub_core::ShardId;

/// Descriptors that are left for files, listeners and event loops.
const RESERVED: usize = 64;

/// Connections that are told at the same time that there is no room.
const REFUSING: usize = RESERVED / 4;

/// Counts who is in.
#[derive(Debug)]
pub(crate) struct Door {
    /// Connections by shard.
    shards: Vec<AtomicUsize>,
    most: usize,
    /// 0: no limit.
    per_address: usize,
    addresses: Mutex<HashMap<IpAddr, usize>>,
    /// Connections that had not ended when their shard did.
    cut: AtomicUsize,
    /// Connections that are being told that there is no room.
    refusing: AtomicUsize,
}

/// The right to tell a connection that there is no room; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Refusing(Arc<Door>);

impl Drop for Refusing {
    fn drop(&mut self) {
        self.0.refusing.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The right of one connection to be there; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Admission {
    door: Arc<Door>,
    shard: ShardId,
    /// Whom it counts for; `None`: nobody counts.
    address: Option<IpAddr>,
}

/// Which limit a connection has met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// `max_connections`, or what the system's limit of descriptors leaves.
    Node,
    /// `max_connections_per_address`.
    Address,
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Node => {
                "the hub has as many connections as it may: raise max_connections, or the limit of open files (ulimit -n)"
            }
            Self::Address => {
                "its address has as many connections as it may: raise max_connections_per_address"
            }
        })
    }
}

impl Door {
    pub(crate) fn new(config: &Config, shards: usize) -> Arc<Self> {
        let most = match config.max_connections {
            0 => descriptors().saturating_sub(RESERVED).max(1),
            most => most,
        };
        Arc::new(Self {
            shards: (0..shards).map(|_| AtomicUsize::new(0)).collect(),
            most,
            per_address: config.max_connections_per_address,
            addresses: Mutex::default(),
            cut: AtomicUsize::new(0),
            refusing: AtomicUsize::new(0),
        })
    }

    /// Connections of a shard.
    pub(crate) fn connections(&self, shard: ShardId) -> usize {
        let count = self.shards.get(shard.0);
        count.map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// All connections.
    pub(crate) fn all(&self) -> usize {
        let counts = self.shards.iter();
        counts.map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// A shard ends, and with it the connections that it still has.
    pub(crate) fn leave(&self, shard: ShardId) {
        self.cut
            .fetch_add(self.connections(shard), Ordering::Relaxed);
    }

    /// Connections that did not end before their shard.
    pub(crate) fn cut(&self) -> usize {
        self.cut.load(Ordering::Relaxed)
    }

    /// Lets a connection in, to the shard that has the fewest.
    ///
    /// # Errors
    ///
    /// The limit that it meets.
    pub(crate) fn admit(
        self: &Arc<Self>,
        address: IpAddr,
    ) -> Result<(ShardId, Arc<Admission>), Full> {
        if self.all() >= self.most {
            return Err(Full::Node);
        }
        let address = (self.per_address > 0).then(|| network(address));
        if let Some(address) = address {
            let mut addresses = self.addresses();
            let count = addresses.entry(address).or_default();
            if *count >= self.per_address {
                return Err(Full::Address);
            }
            *count += 1;
        }
        let shards = self.shards.iter().enumerate();
        let least = shards.min_by_key(|(_, count)| count.load(Ordering::Relaxed));
        let shard = ShardId(least.map_or(0, |(number, _)| number));
        if let Some(count) = self.shards.get(shard.0) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let door = self.clone();
        let admission = Admission {
            door,
            shard,
            address,
        };
        Ok((shard, Arc::new(admission)))
    }

    /// Whether one more connection may be told that there is no room: beyond, they are just dropped.
    pub(crate) fn refuse(self: &Arc<Self>) -> Option<Refusing> {
        let refusing = Refusing(self.clone());
        (self.refusing.fetch_add(1, Ordering::Relaxed) < REFUSING).then_some(refusing)
    }

    fn addresses(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        if let Some(count) = self.door.shards.get(self.shard.0) {
            count.fetch_sub(1, Ordering::Relaxed);
        }
        if let Some(address) = self.address {
            let mut addresses = self.door.addresses();
            if let Some(count) = addresses.get_mut(&address) {
                *count -= 1;
                if *count == 0 {
                    addresses.remove(&address);
                }
            }
        }
    }
}

/// Who has one IPv6 address has the 2⁶⁴ beside it.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64)).into(),
        v4 => v4,
    }
}

/// How many files this process may have open.
fn descriptors() -> usize {
    #[cfg(unix)]
    if let Some(most) = rustix::process::getrlimit(rustix::process::Resource::Nofile).current {
        return usize::try_from(most).unwrap_or(usize::MAX);
    }
    usize::MAX
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_limits_hold_and_who_leaves_makes_room() {
        let config = Config {
            max_connections: 3,
            max_connections_per_address: 2,
            ..Config::default()
        };
        let door = Door::new(&config, 2);
        let one: IpAddr = "2001:db8::1".parse().unwrap();
        let neighbour: IpAddr = "2001:db8::2".parse().unwrap();
        let other: IpAddr = "10.0.0.1".parse().unwrap();
        let first = door.admit(one).unwrap();
        let second = door.admit(neighbour).unwrap();
        assert_ne!(first.0, second.0, "each shard has one");
        assert_eq!(door.admit(one).unwrap_err(), Full::Address);
        let _third = door.admit(other).unwrap();
        assert_eq!(door.admit("::1".parse().unwrap()).unwrap_err(), Full::Node);
        drop(first);
        assert_eq!(door.all(), 2);
        assert!(door.admit(one).is_ok());
    }
}
