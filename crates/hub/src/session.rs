//! The public ids of sessions, which tell their shard, and asking a session by its id.

use crate::errand::{Ask, Errand, Told};
use crate::mailbox::Parcel;
use crate::node::Node;
use tidewire_hub_core::ShardId;
use tokio::sync::oneshot;

/// What public ids of sessions are made of.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Letters that tell the shard, and the letters of an id in all.
const OF_SHARD: usize = 2;
const LEN: usize = 16;

/// Shards that the letters tell apart.
const SHARDS: usize = LETTERS.len() * LETTERS.len();

/// How ids of sessions begin that come and go with each poll.
pub(crate) const POLLING: &str = "poll.";

/// A public id: where the session is, and randomness.
pub(crate) fn name(shard: usize, random: &[u8]) -> Box<str> {
    let letter = |number: usize| char::from(LETTERS[number % LETTERS.len()]);
    let place = [letter(shard / LETTERS.len()), letter(shard)];
    let rest = random.iter().map(|byte| letter(usize::from(*byte)));
    place.into_iter().chain(rest).collect()
}

/// The first shard that may have the session; `None`: this is no id of a session that lasts.
fn shard_of(name: &str) -> Option<usize> {
    if name.len() != LEN {
        return None;
    }
    let number = |letter: &u8| LETTERS.iter().position(|known| known == letter);
    let place = name.as_bytes().iter().take(OF_SHARD);
    place
        .map(number)
        .try_fold(0, |shard, number| Some(shard * LETTERS.len() + number?))
}

/// Has the session's shard see to it.
pub(crate) async fn ask(node: &Node, session: &str, ask: Ask) -> Told {
    let Some(first) = shard_of(session) else {
        return Told::NotHere;
    };
    let weight = match &ask {
        Ask::Describe => 128,
        Ask::Direct(payload) => 128 + payload.bytes().len(),
    };
    for shard in (first..node.post.0.len()).step_by(SHARDS) {
        let Some(mailbox) = node.post.shard(ShardId(shard)) else {
            break;
        };
        if mailbox.is_full() {
            return Told::Busy;
        }
        let (answer, answered) = oneshot::channel();
        let errand = Errand {
            session: session.into(),
            ask: ask.clone(),
            answer,
        };
        mailbox.put(weight, Parcel::Errand(Box::new(errand)));
        // A shard that has ended has no sessions.
        match answered.await.unwrap_or(Told::NotHere) {
            Told::NotHere => {}
            told => return told,
        }
    }
    Told::NotHere
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_its_shard() {
        for shard in [0, 1, 63, 64, 1023, 4095] {
            let name = name(shard, &[7, 255, 0, 64, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
            assert_eq!(name.len(), LEN);
            assert_eq!(shard_of(&name), Some(shard), "{name}");
        }
        // Those beyond are asked in turn.
        assert_eq!(shard_of(&name(4096 + 5, &[0; 14])), Some(5));
    }

    #[test]
    fn what_is_no_id_has_no_shard() {
        for wrong in [
            "",
            "A",
            "AAAAAAAAAAAAAAA",
            "AAAAAAAAAAAAAAAAA",
            "!AAAAAAAAAAAAAAA",
            "A.AAAAAAAAAAAAAA",
            "ééAAAAAAAAAAAA",
            "\0\0AAAAAAAAAAAAAA",
            "poll.mB7c2Qe0hTzY4kLw",
        ] {
            assert_eq!(shard_of(wrong), None, "{wrong:?}");
        }
    }
}
