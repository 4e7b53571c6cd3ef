//! The durable engine of the node: SQLite in the data folder.

use super::External;
use crate::config::Config;
use crate::error::StartError;
use crate::mailbox::Post;
use std::collections::BTreeMap;
use std::sync::Arc;
use tidewire_hub_core::contract::LogOptions;
use tidewire_hub_core::{Effect, ShardId, Ticket};
use tidewire_hub_sqlite::{OpenError, OpenOptions, SqliteEngine};
use tokio::task::spawn_blocking;

impl External for SqliteEngine {
    fn submit(&self, shard: ShardId, ticket: Ticket, effect: Effect) {
        Self::submit(self, shard, ticket, effect);
    }
}

/// The open engine, and the key that it keeps for the ids of guests.
pub(crate) struct Store {
    engine: Arc<SqliteEngine>,
    pub(crate) client_key: [u8; 32],
}

impl Store {
    /// Opens the data folder. `durable`: the namespaces that it keeps.
    ///
    /// # Errors
    ///
    /// [`StartError::Store`].
    pub(crate) async fn open(
        config: &Config,
        durable: BTreeMap<Box<str>, LogOptions>,
        post: Post,
    ) -> Result<Self, StartError> {
        let folder = config.data.clone();
        let mut options = OpenOptions::default();
        options.new_term = config.new_term;
        let open = move || {
            let engine = SqliteEngine::open(&folder, durable, options, Arc::new(post))?;
            let client_key = engine.secret("client").map_err(|fault| OpenError::Failed {
                path: folder,
                why: fault.to_string().into(),
            })?;
            let engine = Arc::new(engine);
            Ok(Self { engine, client_key })
        };
        let opened = spawn_blocking(open).await;
        // Opening does not panic; a runtime that shuts down may cancel it.
        let opened = opened.map_err(|error| StartError::Thread(error.into()))?;
        opened.map_err(StartError::Store)
    }

    pub(crate) fn engine(&self) -> Arc<dyn External> {
        self.engine.clone()
    }

    /// Closes the engine when nobody uses it any more: what waits is kept.
    pub(crate) async fn close(self) {
        _ = spawn_blocking(move || drop(self)).await;
    }
}
