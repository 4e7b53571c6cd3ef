//! What one client has seen of one channel, and whether that is the log.

use crate::hub_common::native::parts;
use crate::transport::Told;
use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Included};

/// A stretch of a channel that the client believes to be whole.
#[derive(Debug)]
struct Stretch {
    /// After this position.
    begin: String,
    /// Where each record was, if it was told, and its mark.
    records: Vec<(Option<String>, String)>,
    /// Up to here, as far as the client was told.
    end: String,
}

/// What a client has seen of a channel.
#[derive(Debug, Default)]
pub(crate) struct View {
    stretches: Vec<Stretch>,
    /// How often the hub said that the view does not go on.
    pub(crate) restarts: usize,
    pub(crate) lags: usize,
}

/// Everything that is known to have been in the channels: by channel and term, where and what.
pub(crate) type Known = BTreeMap<(&'static str, String), BTreeMap<u64, String>>;

impl View {
    /// Where the client is; `None`: nowhere yet.
    pub(crate) fn at(&self) -> Option<&str> {
        Some(&self.stretches.last()?.end)
    }

    /// The last record, if its position was not told.
    pub(crate) fn unplaced(&self) -> Option<&str> {
        let (pos, mark) = self.stretches.last()?.records.last()?;
        pos.is_none().then_some(mark)
    }

    /// The mark of the last record.
    pub(crate) fn last(&self) -> Option<&str> {
        let (_, mark) = self.stretches.last()?.records.last()?;
        Some(mark)
    }

    /// Where the last record is.
    pub(crate) fn place(&mut self, pos: String) {
        let stretch = self.stretches.last_mut().unwrap();
        stretch.end = pos.clone();
        stretch.records.last_mut().unwrap().0 = Some(pos);
    }

    /// Takes in what the hub tells; the error is what it did wrong. `whole`: nothing of this channel is
    /// ever lost or trimmed.
    pub(crate) fn take(&mut self, told: Told, whole: bool) -> Result<(), String> {
        let at = self.at().map(str::to_owned);
        match told {
            Told::Begin {
                pos,
                recovered: Some(true),
                ..
            } => {
                let at = at.ok_or("recovered, and no position was asked for")?;
                let ((term, from), (its_term, to)) = (parts(&at), parts(&pos));
                if term != its_term || to < from {
                    return Err(format!("recovered from {at}, and the channel is at {pos}"));
                }
            }
            Told::Begin { pos, recovered, .. } => {
                if recovered == Some(false) {
                    if whole {
                        return Err(format!("{at:?} was not recovered, and everything is kept"));
                    }
                    self.restarts += 1;
                } else if at.is_some() {
                    return Err(format!("{at:?} was asked for, and nothing said of it"));
                }
                self.begin(pos);
            }
            Told::Record { pos, mark, .. } => {
                let stretch = self.stretches.last_mut();
                let stretch = stretch.ok_or_else(|| format!("{mark} comes before a beginning"))?;
                if let Some(pos) = &pos {
                    let ((term, from), (its_term, to)) = (parts(&stretch.end), parts(pos));
                    if term != its_term || to <= from {
                        return Err(format!("{mark} at {pos} comes after {}", stretch.end));
                    }
                    stretch.end.clone_from(pos);
                }
                stretch.records.push((pos, mark));
            }
            Told::Live { pos, .. } => {
                let stretch = self.stretches.last_mut();
                let stretch =
                    stretch.ok_or_else(|| format!("live at {pos}, without a beginning"))?;
                let ((term, from), (its_term, to)) = (parts(&stretch.end), parts(&pos));
                if term != its_term || to < from {
                    return Err(format!("live at {pos}, behind {}", stretch.end));
                }
                // Whatever is up to here must have come.
                stretch.end = pos;
            }
            Told::Lag {
                recovering: true,
                from,
                ..
            } => {
                self.lags += 1;
                if from.is_some() && from != at {
                    return Err(format!("lags behind {from:?}, and had been told {at:?}"));
                }
            }
            Told::Lag { from, pos, .. } => {
                self.lags += 1;
                self.restarts += 1;
                if whole {
                    return Err(format!(
                        "what was between {from:?} and {pos:?} is in the log"
                    ));
                }
                self.begin(pos.ok_or("records were skipped, and it does not say up to where")?);
            }
        }
        Ok(())
    }

    fn begin(&mut self, pos: String) {
        self.stretches.push(Stretch {
            begin: pos.clone(),
            records: Vec::new(),
            end: pos,
        });
    }

    /// Adds what the client has seen to what is known.
    pub(crate) fn tell(&self, channel: &'static str, known: &mut Known) -> Result<(), String> {
        for (pos, mark) in self.stretches.iter().flat_map(|stretch| &stretch.records) {
            if let Some(pos) = pos {
                learn(known, channel, pos, mark)?;
            }
        }
        Ok(())
    }

    /// Whether each stretch is what the log has between its ends: no gap, nothing twice, in order.
    pub(crate) fn check(&self, channel: &'static str, known: &Known) -> Result<usize, String> {
        let nothing = BTreeMap::new();
        for stretch in &self.stretches {
            let (term, begin) = parts(&stretch.begin);
            let log = known.get(&(channel, term.clone())).unwrap_or(&nothing);
            let (end_term, mut end) = parts(&stretch.end);
            if end_term != term {
                return Err(format!("from {} to {}", stretch.begin, stretch.end));
            }
            if let Some((None, mark)) = stretch.records.last() {
                let place = log.iter().find(|(_, known)| *known == mark);
                end = *place.ok_or_else(|| format!("{mark} is in no log"))?.0;
            }
            let expected = log
                .range((Excluded(begin), Included(end.max(begin))))
                .map(|(_, mark)| mark);
            let seen = stretch.records.iter().map(|(_, mark)| mark);
            if !expected.clone().eq(seen.clone()) {
                let same = expected
                    .clone()
                    .zip(seen.clone())
                    .take_while(|(a, b)| a == b);
                let same = same.count();
                return Err(format!(
                    "from {} to {term}-{end}: after {same} records the log goes on {:?}, the view {:?}",
                    stretch.begin,
                    expected.skip(same).take(3).collect::<Vec<_>>(),
                    seen.skip(same).take(3).collect::<Vec<_>>(),
                ));
            }
        }
        Ok(self
            .stretches
            .iter()
            .map(|stretch| stretch.records.len())
            .sum())
    }
}

/// Notes that a record is in a channel; the error: something else is there.
pub(crate) fn learn(
    known: &mut Known,
    channel: &'static str,
    pos: &str,
    mark: &str,
) -> Result<(), String> {
    let (term, offset) = parts(pos);
    let log = known.entry((channel, term)).or_default();
    let there = log.entry(offset).or_insert_with(|| mark.to_owned());
    if there != mark {
        return Err(format!("{channel} has {there} and {mark} at {pos}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANNEL: &str = "chat:a";

    fn record(pos: &str) -> Told {
        Told::Record {
            channel: CHANNEL,
            pos: Some(pos.to_owned()),
            mark: format!("m{pos}"),
        }
    }

    fn begin(pos: &str, recovered: Option<bool>) -> Told {
        Told::Begin {
            channel: CHANNEL,
            pos: pos.to_owned(),
            recovered,
        }
    }

    /// What a client that was told all this is blamed for, when the log has 1, 2, 4 and 5.
    fn outcome(all: Vec<Told>, whole: bool) -> Result<usize, String> {
        let mut known = Known::new();
        for pos in ["t-1", "t-2", "t-4", "t-5"] {
            learn(&mut known, CHANNEL, pos, &format!("m{pos}")).unwrap();
        }
        let mut view = View::default();
        for told in all {
            view.take(told, whole)?;
        }
        view.check(CHANNEL, &known)
    }

    #[test]
    fn a_view_that_is_the_log_passes() {
        let live = Told::Live {
            channel: CHANNEL,
            pos: "t-4".to_owned(),
        };
        let told = vec![begin("t-1", None), record("t-2"), begin("t-5", Some(true))];
        let more = vec![record("t-4"), live, record("t-5")];
        assert_eq!(outcome(told.into_iter().chain(more).collect(), true), Ok(3));
        let plain = Told::Record {
            channel: CHANNEL,
            pos: None,
            mark: "mt-2".to_owned(),
        };
        assert_eq!(outcome(vec![begin("t-1", None), plain], true), Ok(1));
        let restarted = vec![begin("t-0", None), begin("t-4", Some(false)), record("t-5")];
        assert_eq!(outcome(restarted, false), Ok(1));
    }

    #[test]
    fn whatever_is_wrong_with_a_view_is_found() {
        let live = |pos: &str| Told::Live {
            channel: CHANNEL,
            pos: pos.to_owned(),
        };
        let lag = Told::Lag {
            channel: CHANNEL,
            from: Some("t-1".to_owned()),
            pos: Some("t-4".to_owned()),
            recovering: false,
        };
        for told in [
            vec![begin("t-1", None), record("t-4")],
            vec![begin("t-1", None), record("t-2"), record("t-2")],
            vec![begin("t-1", None), record("t-4"), record("t-2")],
            vec![begin("t-1", None), record("t-2"), live("t-4")],
            vec![begin("t-1", None), record("t-2"), record("u-4")],
            vec![begin("t-1", None), record("t-2"), record("t-3")],
            vec![begin("t-4", None), live("t-2")],
            vec![begin("t-1", None), begin("t-4", None)],
            vec![begin("t-1", None), begin("t-4", Some(false))],
            vec![begin("t-1", None), begin("u-4", Some(true))],
            vec![begin("t-1", Some(true))],
            vec![begin("t-1", None), lag],
            vec![record("t-1")],
        ] {
            let shown = format!("{told:?}");
            assert!(outcome(told, true).is_err(), "{shown}");
        }
    }
}
