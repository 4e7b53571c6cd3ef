//! `tidewire send`: one message to one session, by a request to the hub.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::task::spawn_local;
use tokio::time::timeout;

use super::input;
use super::line::NO_HUB;
use crate::args::SendArgs;
use crate::dial::{self, Dial};
use crate::exit::{self, Exit, error};
use crate::term;

/// How long the hub may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// No more of an answer is read.
const ANSWER: usize = 64 * 1024;

pub(super) async fn run(args: &SendArgs) -> Exit {
    match send(args).await {
        Ok(()) => Exit::Clean,
        Err(exit) => exit,
    }
}

async fn send(args: &SendArgs) -> Result<(), Exit> {
    let session = escaped(&args.session);
    if session.is_empty() {
        return Err(error(
            Exit::Usage,
            "which session? Its id is in the hub's `hello`",
        ));
    }
    let url = super::endpoint(&args.hub, &format!("/sessions/{session}"));
    let dial = Dial::prepare(&url, &args.dial)?;
    let read = input::one(args.message.as_deref(), args.form).recv().await;
    let field = read.unwrap_or_else(|| Err("the input cannot be read".into()));
    let field = field.map_err(|wrong| error(Exit::Local, &wrong))?;
    let asked = timeout(PATIENCE, ask(&dial, format!("{{{field}}}"))).await;
    let late = |_| error(Exit::Timeout, "the hub does not answer");
    let (status, words) = asked.map_err(late)??;
    judge(status, &words)
}

/// The path segment that names a session, whatever was typed.
fn escaped(session: &str) -> String {
    let kept = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let escape = |byte: u8| match kept(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    match session {
        "." => "%2E".into(),
        ".." => "%2E%2E".into(),
        session => session.bytes().map(escape).collect(),
    }
}

/// The status and the words of the answer.
async fn ask(dial: &Dial, body: String) -> Result<(StatusCode, String), Exit> {
    let uri: Uri = dial
        .url()
        .parse()
        .map_err(|wrong| error(Exit::Usage, &format!("--hub: {wrong}")))?;
    let stream = match dial.client().open_stream().await {
        Ok(stream) => stream,
        Err(failed) => {
            let is_unreachable = matches!(failed, tidewire::ConnectError::Unreachable(_));
            let exit = dial::explain(dial.url(), failed);
            if is_unreachable {
                exit::say(&format!("hint: {NO_HUB}"));
            }
            return Err(exit);
        }
    };
    let answer = exchange(stream, request(dial, &uri, body)?).await;
    let answer = answer.map_err(|failed| {
        let words = term::line(&failed.to_string(), 300);
        error(
            Exit::Protocol,
            &format!("the hub does not answer as HTTP does: {words}"),
        )
    })?;
    let status = answer.status();
    let body = Limited::new(answer.into_body(), ANSWER).collect().await;
    let body = body.map(|body| body.to_bytes()).unwrap_or_default();
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}

async fn exchange(
    stream: Box<dyn tidewire::Io>,
    request: Request<Full<Bytes>>,
) -> hyper::Result<Response<Incoming>> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    spawn_local(async move {
        // How it ends is told with the answer.
        _ = connection.await;
    });
    sender.send_request(request).await
}

fn request(dial: &Dial, uri: &Uri, body: String) -> Result<Request<Full<Bytes>>, Exit> {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::post(path)
        .header("Content-Type", "application/json")
        .header("Connection", "close");
    if !dial.headers().iter().any(|(name, _)| name == "host") {
        let host = uri.authority().map_or("localhost", |host| host.as_str());
        request = request.header("Host", host);
    }
    for (name, value) in dial.headers() {
        request = request.header(name, value);
    }
    let request = request.body(Full::new(Bytes::from(body)));
    request.map_err(|wrong| {
        error(
            Exit::Usage,
            &format!("no request can be made of this: {wrong}"),
        )
    })
}

fn judge(status: StatusCode, words: &str) -> Result<(), Exit> {
    if status == StatusCode::OK {
        return Ok(());
    }
    let words = term::line(words.trim(), 600);
    let words = match words.as_str() {
        "" => "it does not say why",
        words => words,
    };
    let exit = match status {
        StatusCode::PAYLOAD_TOO_LARGE => Exit::Protocol,
        StatusCode::BAD_REQUEST => Exit::Usage,
        _ => Exit::Refused,
    };
    Err(error(
        exit,
        &format!("the message was not taken ({}): {words}", status.as_u16()),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_one_segment_of_the_path_whatever_it_is() {
        for (session, segment) in [
            ("q3Xk0aPzUe81bWc_", "q3Xk0aPzUe81bWc_"),
            ("..", "%2E%2E"),
            ("a/../b?c#d", "a%2F..%2Fb%3Fc%23d"),
            ("é\r\n", "%C3%A9%0D%0A"),
        ] {
            assert_eq!(escaped(session), segment);
        }
    }
}
