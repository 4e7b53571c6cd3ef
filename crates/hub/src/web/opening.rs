//! A session that begins: who asks, by the query of the request.

use super::url::Query;
use tidewire_hub_core::{Connect, TransportKind};

/// A session that begins over a WebSocket, and a random byte.
///
/// # Errors
///
/// A sentence for the client.
pub(crate) fn connect(query: &Query, hello: bool) -> Result<(Connect, u8), String> {
    let mut random = [0; 29];
    getrandom::fill(&mut random)
        .map_err(|error| format!("The server has no randomness for an id: {error}."))?;
    let [chance, random @ ..] = random;
    let (id, seed) = random.split_at(16);
    let mut connect = Connect {
        session: id
            .iter()
            .map(|byte| char::from(LETTERS[usize::from(byte % 64)]))
            .collect(),
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

/// What public ids of sessions are made of.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
