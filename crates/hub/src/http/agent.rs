//! `/agent`: the door of the tester's local agent.

use crate::agent::{self, Agent, PROTOCOL, Refused, SOCKETS, Secret};
use crate::node::HubEvent;
use crate::shard::Local;
use crate::web::answers;
use crate::web::caller::Caller;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::response::Response;
use http::StatusCode;
use std::rc::Rc;
use std::time::Duration;
use tidewire::hyper::Upgrade;
use tokio::task::spawn_local;
use tokio::time::timeout;

/// Largest body of `POST /agent`, in bytes, and how long it may take.
const TOKEN: usize = 256;
const PATIENCE: Duration = Duration::from_secs(10);

const NONE: &str = "There is no agent here: it is on where the server listens on loopback alone, unless its configuration \
    says agent = false.";

/// The shard and its agent, if the request may reach it; otherwise the answer.
fn reach(request: &Request) -> Result<Rc<Local>, Box<Response>> {
    let local = Local::here().filter(|local| local.node.agent.is_some());
    let local = local.ok_or_else(|| Box::new(answers::sentence(StatusCode::NOT_FOUND, NONE)))?;
    agent::judge(request)
        .map_err(|words| Box::new(answers::sentence(StatusCode::FORBIDDEN, words)))?;
    Ok(local)
}

/// `POST /agent`: exchanges the token of a link for a key.
pub(super) async fn redeem(request: Request) -> Response {
    let node = match reach(&request) {
        Ok(local) => local.node.clone(),
        Err(answer) => return *answer,
    };
    let body = timeout(PATIENCE, to_bytes(request.into_body(), TOKEN)).await;
    let body = body.ok().and_then(Result::ok);
    let token = body
        .as_deref()
        .and_then(|body| std::str::from_utf8(body).ok());
    let Some(token) = token else {
        let words = "The body of this request is the token of a link, and nothing else.";
        return answers::sentence(StatusCode::BAD_REQUEST, words);
    };
    let exchanged = node
        .agent
        .as_ref()
        .and_then(|agent| exchange(agent, token.trim()));
    match exchanged {
        Some(Ok(key)) => {
            node.tell(HubEvent::TesterLinkUsed);
            let body = serde_json::json!({ "key": key.reveal() }).to_string();
            answers::answer(StatusCode::OK, "application/json", body)
        }
        Some(Err(refused)) => {
            let status = match refused {
                Refused::Used => StatusCode::GONE,
                Refused::Unknown => StatusCode::FORBIDDEN,
                Refused::TooManyTries => StatusCode::TOO_MANY_REQUESTS,
            };
            answers::sentence(status, refused.to_string())
        }
        None => {
            let words = "The system has no randomness just now; try again.";
            answers::sentence(StatusCode::SERVICE_UNAVAILABLE, words)
        }
    }
}

/// `None`: there is no randomness.
fn exchange(agent: &Agent, token: &str) -> Option<Result<Secret, Refused>> {
    let mut random = [[0; 16]; 2];
    for bytes in &mut random {
        getrandom::fill(bytes).ok()?;
    }
    let [key, next] = random.map(Secret::new);
    Some(agent.redeem(token, key, next).map(|()| key))
}

/// `GET /agent`: the socket of a page.
pub(super) async fn open(mut request: Request) -> Response {
    let local = match reach(&request) {
        Ok(local) => local,
        Err(answer) => return *answer,
    };
    let Some(agent) = &local.node.agent else {
        return answers::missing();
    };
    let leaving = local.leaving.clone();
    if leaving.borrow().is_some() {
        let words = "The server is stopping; come back in a moment.";
        return answers::sentence(StatusCode::SERVICE_UNAVAILABLE, words);
    }
    let Some(caller) = request.extensions_mut().remove::<Caller>() else {
        return answers::missing();
    };
    let upgrade = match Upgrade::new(&mut request, &agent.server) {
        Ok(upgrade) => upgrade,
        Err(error) => return Response::from(error).map(Into::into),
    };
    if !upgrade
        .offered_subprotocols()
        .any(|offer| offer == PROTOCOL)
    {
        let words = "The agent speaks the subprotocol tidewire-agent.v1, which was not offered.";
        return answers::sentence(StatusCode::BAD_REQUEST, words);
    }
    let Some(seat) = agent.seat() else {
        let words = format!("The agent has {SOCKETS} sockets open: close one of them.");
        return answers::sentence(StatusCode::SERVICE_UNAVAILABLE, words);
    };
    let (response, upgrading) = upgrade.accept();
    let node = local.node.clone();
    spawn_local(async move {
        let _held = (seat, caller.admission);
        // Who leaves before it is upgraded is nobody.
        if let (Ok(page), Some(agent)) = (upgrading.await, &node.agent) {
            agent::run(page, agent, leaving).await;
        }
    });
    response.map(Into::into)
}
