//! Which cases there are, which are chosen, what each costs, and how they are shared out.

use serde_json::{Value, json};

use crate::process::{Failure, Result};

/// All cases of the suite as `prefix: cases 1 to n`; 517 in all.
const GROUPS: &[(&str, u32)] = &[
    ("1.1", 8),
    ("1.2", 8),
    ("2", 11),
    ("3", 7),
    ("4.1", 5),
    ("4.2", 5),
    ("5", 20),
    ("6.1", 3),
    ("6.2", 4),
    ("6.3", 2),
    ("6.4", 4),
    ("6.5", 5),
    ("6.6", 11),
    ("6.7", 4),
    ("6.8", 2),
    ("6.9", 4),
    ("6.10", 3),
    ("6.11", 5),
    ("6.12", 8),
    ("6.13", 5),
    ("6.14", 10),
    ("6.15", 1),
    ("6.16", 3),
    ("6.17", 5),
    ("6.18", 5),
    ("6.19", 5),
    ("6.20", 7),
    ("6.21", 8),
    ("6.22", 34),
    ("6.23", 7),
    ("7.1", 6),
    ("7.3", 6),
    ("7.5", 1),
    ("7.7", 13),
    ("7.9", 9),
    ("7.13", 2),
    ("9.1", 6),
    ("9.2", 6),
    ("9.3", 9),
    ("9.4", 9),
    ("9.5", 6),
    ("9.6", 6),
    ("9.7", 6),
    ("9.8", 6),
    ("10.1", 1),
    ("12.1", 18),
    ("12.2", 18),
    ("12.3", 18),
    ("12.4", 18),
    ("12.5", 18),
    ("13.1", 18),
    ("13.2", 18),
    ("13.3", 18),
    ("13.4", 18),
    ("13.5", 18),
    ("13.6", 18),
    ("13.7", 18),
];

/// What the n-th case of a deflate group costs, measured; only ratios matter.
const DEFLATE_COST: [u32; 18] = [
    5, 5, 5, 6, 8, 10, 12, 20, 40, 80, 9, 14, 25, 45, 85, 82, 80, 80,
];

/// The groups whose data hardly compresses take about twice as long.
const DENSE: [&str; 3] = ["12.2.", "12.3.", "12.5."];

/// Every case id in the suite's own order.
pub(crate) fn all() -> Vec<String> {
    GROUPS
        .iter()
        .flat_map(|(group, n)| (1..=*n).map(move |i| format!("{group}.{i}")))
        .collect()
}

/// All that does not compress, and a few of each deflate group: some twenty seconds a side.
pub(crate) fn quick() -> Vec<String> {
    let thin = |id: &String| match (section(id), last(id)) {
        ("12", number) => matches!(number, 1 | 2 | 3 | 11),
        ("13", number) => matches!(number, 1 | 4 | 11),
        _ => true,
    };
    all().into_iter().filter(thin).collect()
}

/// The cases named by a comma-separated list of ids (`7.1.5`) and groups (`9`, `12.1`).
pub(crate) fn chosen(list: &str) -> Result<Vec<String>> {
    let all = all();
    let names = |name: &str, id: &str| {
        id.strip_prefix(name)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let wanted: Vec<&str> = list
        .split(',')
        .map(|name| name.trim().trim_end_matches(".*"))
        .collect();
    for name in &wanted {
        if !all.iter().any(|id| names(name, id)) {
            return Err(Failure::new(format!(
                "Autobahn has no case or group of cases `{name}`"
            )));
        }
    }
    Ok(all
        .into_iter()
        .filter(|id| wanted.iter().any(|name| names(name, id)))
        .collect())
}

/// The part of an id before its first dot.
pub(crate) fn section(id: &str) -> &str {
    id.split('.').next().unwrap_or(id)
}

fn last(id: &str) -> u32 {
    id.rsplit('.')
        .next()
        .and_then(|number| number.parse().ok())
        .unwrap_or(0)
}

/// Roughly how long a deflate case takes, in tenths of a second.
fn cost(id: &str) -> u32 {
    let size = DEFLATE_COST
        .get(last(id).wrapping_sub(1) as usize)
        .copied()
        .unwrap_or(10);
    if DENSE.iter().any(|group| id.starts_with(group)) {
        2 * size
    } else {
        size
    }
}

/// Shares cases out into at most `parts` lists of about equal cost, for one process each.
///
/// What does not compress stays together: it waits more than it computes, and it judges timing,
/// so it runs first, while the machine is quiet.
pub(crate) fn shares(cases: &[String], parts: usize) -> Vec<Vec<String>> {
    let (mut heavy, light): (Vec<String>, Vec<String>) = cases
        .iter()
        .cloned()
        .partition(|id| matches!(section(id), "12" | "13"));
    // Longest first into the emptiest: no part ends up more than one case above another.
    heavy.sort_by_key(|id| std::cmp::Reverse(cost(id)));
    let mut bins: Vec<(u32, Vec<String>)> = vec![(0, Vec::new()); parts.max(1)];
    for id in heavy {
        if let Some(bin) = bins.iter_mut().min_by_key(|bin| bin.0) {
            bin.0 += cost(&id);
            bin.1.push(id);
        }
    }
    let mut shares: Vec<Vec<String>> = vec![light];
    shares.extend(bins.into_iter().map(|bin| bin.1));
    shares.retain(|share| !share.is_empty());
    shares
}

/// What wstest reads to test a server. Ids are listed whole: a pattern with `*` matches by prefix
/// only, and one that matches nothing hangs. Without a named agent a refused handshake hangs too.
pub(crate) fn for_server(url: &str, agent: &str, cases: &[String]) -> Value {
    json!({
        "outdir": "report",
        "servers": [{ "agent": agent, "url": url }],
        "cases": cases,
        "exclude-cases": [],
        "exclude-agent-cases": {},
    })
}

/// What wstest reads to test clients; the port is chosen by the system, not by this URL.
pub(crate) fn for_clients(cases: &[String]) -> Value {
    json!({
        "outdir": "report",
        "url": "ws://127.0.0.1:9001",
        "cases": cases,
        "exclude-cases": [],
        "exclude-agent-cases": {},
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_whole_list_has_517_cases_each_once() {
        let ids: BTreeSet<String> = all().into_iter().collect();
        assert_eq!((all().len(), ids.len()), (517, 517));
    }

    #[test]
    fn the_quick_list_leaves_out_most_of_deflate_but_no_group() {
        let quick = quick();
        assert_eq!(quick.len(), 301 + 41);
        for (group, _) in GROUPS {
            assert!(
                quick.iter().any(|id| id.starts_with(&format!("{group}."))),
                "{group}"
            );
        }
    }

    #[test]
    fn shares_hold_every_case_once_and_weigh_about_the_same() {
        for parts in [1, 2, 4, 7] {
            let shares = shares(&all(), parts);
            assert_eq!(shares.len(), parts + 1);
            let mut together: Vec<String> = shares.concat();
            together.sort();
            let mut whole = all();
            whole.sort();
            assert_eq!(together, whole);
            let cost = |share: &Vec<String>| share.iter().map(|id| cost(id)).sum::<u32>();
            let heavy: Vec<u32> = shares[1..].iter().map(cost).collect();
            let heaviest_case = 2 * *DEFLATE_COST.iter().max().unwrap();
            assert!(heavy.iter().max().unwrap() - heavy.iter().min().unwrap() <= heaviest_case);
        }
    }

    #[test]
    fn a_few_cases_make_no_empty_share() {
        assert_eq!(shares(&chosen("12.1.1").unwrap(), 4), [["12.1.1"]]);
        assert_eq!(shares(&chosen("1.1.1,13.1.1").unwrap(), 4).len(), 2);
    }

    #[test]
    fn groups_are_chosen_by_whole_numbers() {
        assert_eq!(chosen("12.1").unwrap().len(), 18);
        assert_eq!(chosen("12.1.1").unwrap(), ["12.1.1"]);
        assert_eq!(chosen("1").unwrap().len(), 16);
        assert_eq!(chosen("3.*, 7.1.5").unwrap().len(), 8);
        assert!(chosen("8").is_err() && chosen("").is_err());
    }

    #[test]
    fn specs_list_ids_and_never_patterns() {
        for spec in [
            for_server("ws://127.0.0.1:1", "a", &all()),
            for_clients(&all()),
        ] {
            let cases = spec["cases"].as_array().unwrap();
            assert_eq!(cases.len(), 517);
            assert!(cases.iter().all(|id| !id.as_str().unwrap().contains('*')));
        }
    }
}
