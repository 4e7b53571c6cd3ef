//! Opening an end that does not listen.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tidewire::WebSocket;
use tidewire::wire::Seen;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::end::End;
use super::guard::Guarded;
use crate::dial::{self, Dial};
use crate::exit::{Exit, error};

/// How long a command may go on when its input has ended, and after it was asked to stop.
const PATIENCE: Duration = Duration::from_secs(2);

/// An end that is open.
pub(super) enum Opened {
    WebSocket(WebSocket),
    Stream(Box<Stream>),
}

/// An end that takes and gives bytes.
pub(super) struct Stream {
    pub(super) read: Box<dyn AsyncRead + Send + Unpin>,
    pub(super) write: Box<dyn AsyncWrite + Send + Unpin>,
    pub(super) child: Option<Running>,
    /// Whether it speaks in lines, unless told otherwise.
    pub(super) in_lines: bool,
}

impl Stream {
    /// A socket.
    pub(super) fn socket(
        (read, write): (
            impl AsyncRead + Send + Unpin + 'static,
            impl AsyncWrite + Send + Unpin + 'static,
        ),
    ) -> Self {
        Self {
            read: Box::new(read),
            write: Box::new(write),
            child: None,
            in_lines: false,
        }
    }
}

impl Stream {
    /// From here on no request of HTTP comes through: a page of any site can make one.
    pub(super) fn guard(&mut self) {
        let read = std::mem::replace(&mut self.read, Box::new(tokio::io::empty()));
        self.read = Box::new(Guarded::new(read));
    }
}

/// Opens it; on failure the reason has been printed.
pub(super) async fn open(end: &End, dial: Option<&Dial>) -> Result<Opened, Exit> {
    match end {
        End::WebSocket(url) => {
            let Some(dial) = dial else {
                return Err(error(Exit::Usage, &format!("{url} cannot be connected to")));
            };
            match dial.connect(None::<fn(Seen<'_>)>).await {
                Ok(ws) => Ok(Opened::WebSocket(ws)),
                Err(failure) => Err(dial::explain(dial.url(), failure)),
            }
        }
        End::Tcp(addr) => {
            let connecting = TcpStream::connect((addr.host.as_str(), addr.port));
            let name = format!("tcp:{}:{}", addr.host, addr.port);
            let stream = connected(&name, connecting).await?;
            _ = stream.set_nodelay(true);
            Ok(Opened::Stream(Box::new(Stream::socket(
                stream.into_split(),
            ))))
        }
        #[cfg(unix)]
        End::Unix(path) => {
            let connecting = tokio::net::UnixStream::connect(path);
            let stream = connected(&format!("unix:{path}"), connecting).await?;
            Ok(Opened::Stream(Box::new(Stream::socket(
                stream.into_split(),
            ))))
        }
        #[cfg(not(unix))]
        End::Unix(_) => Err(error(
            Exit::Usage,
            "there are no Unix sockets on this system",
        )),
        End::Command(words) => run(words).map(|stream| Opened::Stream(Box::new(stream))),
        End::Stdio => Ok(Opened::Stream(Box::new(Stream {
            read: Box::new(tokio::io::stdin()),
            write: Box::new(tokio::io::stdout()),
            child: None,
            in_lines: true,
        }))),
        End::Listen(..) => Err(error(Exit::Usage, "only one end of a bridge may listen")),
    }
}

async fn connected<S>(
    name: &str,
    connecting: impl Future<Output = std::io::Result<S>>,
) -> Result<S, Exit> {
    match timeout(Duration::from_secs(10), connecting).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(why)) => Err(error(
            Exit::Unreachable,
            &format!("cannot reach {name}: {why}"),
        )),
        Err(_) => Err(error(Exit::Timeout, &format!("{name} does not answer"))),
    }
}

fn run(words: &[String]) -> Result<Stream, Exit> {
    let failed =
        |why: &dyn std::fmt::Display| error(Exit::Local, &format!("cannot run {words:?}: {why}"));
    let [program, arguments @ ..] = words else {
        return Err(failed(&"there is no command"));
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    // A group of its own, so that what it started can be ended with it.
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn().map_err(|why| failed(&why))?;
    let (Some(write), Some(read)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(failed(&"it has no pipes"));
    };
    Ok(Stream {
        read: Box::new(read),
        write: Box::new(write),
        child: Some(Running { child }),
        in_lines: true,
    })
}

/// A command that was started. Dropped, it is killed with what it started.
pub(super) struct Running {
    child: Child,
}

impl Running {
    /// Its end, when it comes by itself. Dropped before, nothing is lost.
    pub(super) async fn ended(&mut self) -> Option<ExitStatus> {
        self.child.wait().await.ok()
    }

    /// Its end, after its input has ended: by itself, or asked, or killed. `None`: not by itself.
    pub(super) async fn end(mut self) -> Option<ExitStatus> {
        if let Ok(status) = timeout(PATIENCE, self.child.wait()).await {
            return status.ok();
        }
        #[cfg(unix)]
        self.signal(rustix::process::Signal::TERM);
        if timeout(PATIENCE, self.child.wait()).await.is_err() {
            self.kill();
            _ = self.child.wait().await;
        }
        None
    }

    #[cfg(unix)]
    fn signal(&self, signal: rustix::process::Signal) {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok());
        if let Some(group) = id.and_then(rustix::process::Pid::from_raw) {
            _ = rustix::process::kill_process_group(group, signal);
        }
    }

    fn kill(&mut self) {
        #[cfg(unix)]
        self.signal(rustix::process::Signal::KILL);
        _ = self.child.start_kill();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.child.id().is_some() {
            self.kill();
        }
    }
}

/// What a command's end says, if it is no good one.
pub(super) fn failure(status: Option<ExitStatus>) -> Option<String> {
    let status = status.filter(|status| !status.success())?;
    Some(match status.code() {
        Some(code) => format!("the command ended with exit code {code}"),
        None => format!("the command ended with {status}"),
    })
}
