//! A session that begins: who asks, by the query of the request.

use super::url::Query;
use crate::session;
use crate::shard::Local;
use tidewire_hub_core::{Connect, TransportKind};

/// A session that begins over a WebSocket, and a random byte.
///
/// # Errors
///
/// A sentence for the client.
pub(crate) fn connect(query: &Query, hello: bool) -> Result<(Connect, u8), String> {
    let mut random = [0; 27];
    getrandom::fill(&mut random)
        .map_err(|error| format!("The server has no randomness for an id: {error}."))?;
    let [chance, random @ ..] = random;
    let (id, seed) = random.split_at(14);
    let here = Local::here().map_or(0, |local| local.id.0);
    let mut connect = Connect {
        session: session::name(here, id),
        seed: [0; 12],
        client: query.get("client").map(Into::into),
        name: query.name()?,
        transport: TransportKind::WebSocket,
        hello,
        lease: None,
    };
    connect.seed.copy_from_slice(seed);
    Ok((connect, chance))
}
