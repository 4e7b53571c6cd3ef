//! `/status`: what runs here, for pages; what it counts and where it listens, for this machine.

use crate::config::{Namespace, Pages, describe_namespace};
use crate::node::Node;
use crate::shard::Local;
use crate::web::caller::{Caller, is_from_here};
use crate::web::{answers, site};
use axum::extract::Request;
use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};
use tidewire_hub_core::Counters;

pub(super) async fn status(request: Request) -> Response {
    let caller = request.extensions().get::<Caller>();
    let may_know = caller.is_some_and(|caller| is_from_here(caller, &request));
    let Some(node) = Local::here().map(|local| local.node.clone()) else {
        return answers::missing();
    };
    let counters = if may_know {
        Some(node.counters().await)
    } else {
        None
    };
    let text = format!("{}\n", describe(&node, counters.as_deref()));
    answers::answer(StatusCode::OK, "application/json", text)
}

/// `counters`: what the shards count, for who may know.
fn describe(node: &Node, counters: Option<&[Counters]>) -> Value {
    let config = &node.config;
    let namespaces = config.settings.namespaces.iter();
    let namespaces = namespaces.map(|(name, namespace)| of_namespace(name, namespace));
    let listening = node.addrs.iter().filter(|_| counters.is_some());
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "started": node.started.0,
        "now": node.clock.now().0,
        "development": config.development,
        "pages": match config.pages {
            Pages::Full if site::is_embedded() => "full",
            Pages::Full | Pages::Plain => "plain",
            Pages::Off => "off",
        },
        "agent": node.agent.is_some(),
        "tls": config.tls.is_some(),
        "listening": listening.map(ToString::to_string).collect::<Vec<_>>(),
        "namespaces": namespaces.collect::<Vec<_>>(),
        "numbers": counters.map(|counters| numbers(node, counters)),
    })
}

fn of_namespace(name: &str, namespace: &Namespace) -> Value {
    let options = describe_namespace(namespace);
    // The words of the configuration file.
    let word = |option: &str| {
        let found = options.iter().find(|(name, _)| *name == option);
        found.map(|(_, word)| word.trim_matches('"').to_owned())
    };
    json!({
        "name": name,
        "storage": word("storage"),
        "subscribe": word("subscribe"),
        "publish": word("publish"),
        "presence": word("presence"),
        "slow_consumer": word("slow_consumer"),
        "max_message": namespace.max_message,
        "history_size": namespace.log.max_records,
        "history_age_ms": namespace.log.max_age,
    })
}

/// Sums over the shards: of now, and since the start.
fn numbers(node: &Node, counters: &[Counters]) -> Value {
    let sum = |of: fn(&Counters) -> u64| counters.iter().map(of).fold(0, u64::saturating_add);
    json!({
        "connections": node.counted().connections,
        "sessions": sum(|counters| counters.sessions),
        "websocket": sum(|counters| counters.websocket),
        "sse": sum(|counters| counters.sse),
        "poll": sum(|counters| counters.poll),
        "channels": sum(|counters| counters.channels),
        "subscriptions": sum(|counters| counters.subscriptions),
        "published": sum(|counters| counters.published),
        "delivered": sum(|counters| counters.delivered),
    })
}
