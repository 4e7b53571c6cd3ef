//! Sessions with one subscription that say nothing: what each costs the hub.

use crate::client::subscribers;
use crate::{Outcome, Plan, system};
use std::time::Duration;

const CHANNEL: &str = "live:idle";
/// Sessions before the counting begins: what is made once is there then.
const FIRST: usize = 1000;
const SETTLE: Duration = Duration::from_millis(500);

pub(crate) async fn run(plan: &Plan) -> Outcome<String> {
    let empty = system::resident(plan.pid)?;
    let first = FIRST.min(plan.sessions / 2);
    let mut open = subscribers(plan.hub, CHANNEL, first).await?;
    tokio::time::sleep(SETTLE).await;
    let before = system::resident(plan.pid)?;
    let counted = plan.sessions - first;
    open.extend(subscribers(plan.hub, CHANNEL, counted).await?);
    tokio::time::sleep(SETTLE).await;
    let after = system::resident(plan.pid)?;
    Ok(format!(
        r#"{{"sessions":{},"resident_bytes":{after},"bytes_per_session":{},"bytes_per_session_from_empty":{}}}"#,
        open.len(),
        after.saturating_sub(before) / counted.max(1) as u64,
        after.saturating_sub(empty) / open.len().max(1) as u64,
    ))
}
