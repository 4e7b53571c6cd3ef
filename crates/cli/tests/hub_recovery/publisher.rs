//! Publishers that repeat each publication with its key until it is acknowledged.

use crate::hub_common::native::{Gone, Native, PATIENCE, parts};
use crate::hub_common::{Chance, Place};
use crate::transport::payload;
use crate::{CHANNELS, is_memory};
use base64::Engine as _;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Publishes of one publisher under way.
const UNDER_WAY: usize = 12;
/// Large publications in a row, now and then: more than a socket holds for a reader that dawdles.
const BURST: usize = 15;

/// One publication: where it goes, what it carries.
#[derive(Clone, Debug)]
struct Letter {
    channel: &'static str,
    length: usize,
}

/// A guest that publishes, over as many connections as it takes.
pub(crate) struct Publisher {
    number: usize,
    client: Option<String>,
    chance: Chance,
    letters: Vec<Letter>,
    /// Sent or to be sent, and not acknowledged, in their order.
    open: Vec<usize>,
    /// Acknowledged: every position that was told, one for each life of the channel.
    pub(crate) acknowledged: BTreeMap<usize, Vec<String>>,
    pub(crate) repeats: usize,
}

impl Publisher {
    pub(crate) fn new(number: usize, seed: u64) -> Self {
        Self {
            number,
            client: None,
            chance: Chance::new(seed),
            letters: Vec::new(),
            open: Vec::new(),
            acknowledged: BTreeMap::new(),
            repeats: 0,
        }
    }

    pub(crate) fn channel(&self, n: usize) -> &'static str {
        self.letters[n].channel
    }

    pub(crate) fn mark(&self, n: usize) -> String {
        format!("p{}-{n}", self.number)
    }

    pub(crate) fn sent(&self) -> usize {
        self.letters.len()
    }

    /// Publishes until `enough`, and then until all of it is acknowledged.
    pub(crate) async fn run(&mut self, place: &Place, enough: &AtomicBool) {
        while !enough.load(Ordering::Relaxed) || !self.open.is_empty() {
            if let Some(addr) = place.now()
                && let Ok(mut native) = Native::open(addr, self.client.as_deref(), None).await
            {
                self.client = Some(native.client.clone());
                // The connection ends with the hub, or of its own accord, or when all is done.
                let until = self.chance.millis(300, 3000);
                let work = self.publish(&mut native, enough);
                _ = tokio::time::timeout(until, work).await;
            }
            tokio::time::sleep(self.chance.millis(5, 40)).await;
        }
    }

    async fn publish(&mut self, native: &mut Native, enough: &AtomicBool) -> Result<(), Gone> {
        let mut waiting = self.open.clone();
        waiting.reverse();
        let mut under_way = 0;
        let mut burst = 0;
        loop {
            while let Some(n) = waiting.pop() {
                native.send(&self.command(n)).await?;
                under_way += 1;
            }
            while under_way < UNDER_WAY && !enough.load(Ordering::Relaxed) {
                if burst == 0 && self.chance.range(0, 500) == 0 {
                    burst = BURST;
                }
                let known = self.acknowledged.len() as u64;
                let n = if known > 0 && self.chance.percent(2) {
                    let at = self.chance.range(0, known) as usize;
                    *self.acknowledged.keys().nth(at).unwrap()
                } else {
                    self.write(burst > 0)
                };
                native.send(&self.command(n)).await?;
                under_way += 1;
                if burst == 0 {
                    break;
                }
                burst -= 1;
            }
            if under_way == 0 {
                return Ok(());
            }
            let answer = tokio::time::timeout(PATIENCE, native.next()).await;
            let answer = answer.expect("publishes are answered")?;
            under_way -= 1;
            self.take(&answer);
            if burst == 0 {
                tokio::time::sleep(Duration::from_millis(self.chance.range(1, 8))).await;
            }
        }
    }

    /// A new publication. Those of a burst are large and go to one channel, so that readers fall behind.
    fn write(&mut self, burst: bool) -> usize {
        let channel = match (burst, self.letters.last()) {
            (true, Some(last)) => last.channel,
            _ => CHANNELS[self.chance.range(0, CHANNELS.len() as u64) as usize],
        };
        let length = match burst {
            true => 55_000,
            false => self.chance.range(0, 1500) as usize,
        };
        self.letters.push(Letter { channel, length });
        self.open.push(self.letters.len() - 1);
        self.letters.len() - 1
    }

    fn command(&self, n: usize) -> Value {
        let Letter { channel, length } = self.letters[n];
        let mark = self.mark(n);
        let payload = payload(&mark, length);
        let mut command = json!({"op": "publish", "id": n, "channel": channel, "key": mark});
        match n % 3 {
            0 => command["data"] = json!({ "text": payload }),
            1 => command["text"] = json!(payload),
            _ => {
                let base64 = base64::engine::general_purpose::STANDARD.encode(payload);
                command["base64"] = json!(base64);
            }
        }
        command
    }

    fn take(&mut self, answer: &Value) {
        assert_eq!(answer["op"], "ok", "a publish was refused: {answer}");
        let n = usize::try_from(answer["id"].as_u64().unwrap()).unwrap();
        let pos = answer["pos"].as_str().unwrap();
        self.open.retain(|&open| open != n);
        let channel = self.letters[n].channel;
        let told = self.acknowledged.entry(n).or_default();
        self.repeats += usize::from(!told.is_empty());
        let same = |known: &&String| parts(known).0 == parts(pos).0;
        match told.iter().find(same) {
            Some(known) => assert_eq!(known, pos, "the same key, elsewhere in {channel}"),
            None => {
                let again = told.is_empty() || is_memory(channel);
                assert!(again, "{channel} got a new term: {told:?}, {pos}");
                told.push(pos.to_owned());
            }
        }
    }
}
