//! Requests that become WebSockets: native, plain, echo.

use crate::door::Admission;
use crate::protocol::{Speech, plain};
use crate::shard::Local;
use crate::transport::websocket;
use crate::web::answers;
use crate::web::caller::Caller;
use crate::web::opening::connect;
use crate::web::url::{self, Query};
use axum::extract::Request;
use axum::response::Response;
use http::StatusCode;
use std::rc::Rc;
use std::sync::Arc;
use tidewire::hyper::Upgrade;
use tidewire::{Server, WebSocket};
use tidewire_hub_proto::native::PROTOCOL;
use tidewire_hub_proto::{Channel, Command, Request as Asked};
use tokio::task::spawn_local;

/// `/ws`: the native protocol.
pub(super) async fn native(request: Request) -> Response {
    let opening = Query::parse(request.uri().query()).and_then(|query| connect(&query, true));
    let (connect, chance) = match opening {
        Ok(opening) => opening,
        Err(wrong) => return answers::sentence(StatusCode::BAD_REQUEST, wrong),
    };
    let Some(local) = Local::here() else {
        return answers::missing();
    };
    let server = local.node.lines.native(chance);
    upgrade(request, &local, &server, move |local, socket, admission| {
        let first = Vec::new();
        websocket::open(local, socket, Speech::Native, connect, first, admission);
    })
}

/// `/wss/v2/{channel}/{key}/`, as public chat-room services have it. No keys are configured, and so
/// none is looked at.
pub(super) async fn v2(request: Request) -> Response {
    match url::channel(url::part(request.uri(), 3)) {
        Ok(channel) => plain(request, channel, false),
        Err(wrong) => answers::sentence(StatusCode::BAD_REQUEST, wrong),
    }
}

/// `/v3/{channel}?api_key=…[&notify_self][&presence=1]`, likewise.
pub(super) async fn v3(request: Request) -> Response {
    match url::channel(url::part(request.uri(), 2)) {
        Ok(channel) => plain(request, channel, true),
        Err(wrong) => answers::sentence(StatusCode::BAD_REQUEST, wrong),
    }
}

/// A plain channel. `events`: whether `presence=1` asks for events of who is there.
pub(super) fn plain(request: Request, channel: Channel, events: bool) -> Response {
    let opening = Query::parse(request.uri().query()).and_then(|query| {
        let speech = plain::Speech {
            channel: channel.clone(),
            echo: query.is_on("echo") || query.is_on("notify_self"),
            members: events && query.is_on("presence"),
        };
        let subscribe = Command::Subscribe {
            channel: channel.clone(),
            since: query.since()?,
            history: query.history()?,
            presence: speech.members,
        };
        Ok((speech, subscribe, connect(&query, query.is_on("hello"))?))
    });
    let (speech, subscribe, (connect, chance)) = match opening {
        Ok(opening) => opening,
        Err(wrong) => return answers::sentence(StatusCode::BAD_REQUEST, wrong),
    };
    let Some(local) = Local::here() else {
        return answers::missing();
    };
    let namespace = channel.namespace();
    let Some(server) = local.node.lines.plain(namespace, chance) else {
        let words = format!(
            "There is no namespace {namespace:?} here; a name without a colon means chat:NAME."
        );
        return answers::sentence(StatusCode::NOT_FOUND, words);
    };
    let mut first = vec![subscribe];
    if speech.members {
        first.push(Command::Presence {
            channel,
            after: None,
            limit: Command::MAX_LIMIT,
        });
    }
    let first = first.into_iter().map(|command| Asked { id: None, command });
    let first = first.collect();
    upgrade(request, &local, &server, move |local, socket, admission| {
        let speech = Speech::Plain(Box::new(speech));
        websocket::open(local, socket, speech, connect, first, admission);
    })
}

/// `/echo`: what comes goes back.
pub(super) async fn echo(request: Request) -> Response {
    let Some(local) = Local::here() else {
        return answers::missing();
    };
    let server = local.node.lines.echo();
    upgrade(request, &local, &server, |local, mut socket, admission| {
        let mut leaving = local.leaving.clone();
        spawn_local(async move {
            let _admission = admission;
            tokio::select! {
                // How it ends is the client's affair.
                _ = socket.for_each(|event, link| drop(link.echo(event))) => return,
                _ = leaving.wait_for(Option::is_some) => {}
            }
            _ = socket.close(1001, "the server is stopping").await;
        });
    })
}

/// Answers with the upgrade, and calls `open` when the connection is there.
fn upgrade(
    mut request: Request,
    local: &Rc<Local>,
    server: &Server,
    open: impl FnOnce(&Rc<Local>, WebSocket, Arc<Admission>) + 'static,
) -> Response {
    if local.leaving.borrow().is_some() {
        let words = "The server is stopping; come back in a moment.";
        return answers::sentence(StatusCode::SERVICE_UNAVAILABLE, words);
    }
    let Some(caller) = request.extensions_mut().remove::<Caller>() else {
        return answers::missing();
    };
    let is_native = request.uri().path() == "/ws";
    let mut upgrade = match Upgrade::new(&mut request, server) {
        Ok(upgrade) => upgrade,
        Err(error) => return Response::from(error).map(Into::into),
    };
    // None is configured: browsers fail unless one of those they offer is chosen.
    let ours = |offer: &&str| is_native && *offer == PROTOCOL;
    let chosen = upgrade.offered_subprotocols().find(ours);
    let chosen = chosen.or_else(|| upgrade.offered_subprotocols().next());
    let chosen = chosen.map(str::to_owned);
    if let Some(chosen) = chosen {
        upgrade = upgrade.subprotocol(&chosen);
    }
    let (response, upgrading) = upgrade.accept();
    let local = local.clone();
    spawn_local(async move {
        // Who leaves before it is upgraded is nobody.
        if let Ok(socket) = upgrading.await {
            open(&local, socket, caller.admission);
        }
    });
    response.map(Into::into)
}
