//! `tidewire echo`: one acceptor, one event loop per thread, a task per connection.

mod drain;
pub(crate) mod http;
mod log;
mod pump;
mod rewind;

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::Write;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tidewire::{AcceptError, Accepted, WebSocket};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio::sync::{mpsc, watch};
use tokio::task::spawn_local;

use self::drain::Open;
use self::http::Pages;
use self::log::{ClientLog, Log};
use crate::args::EchoArgs;
use crate::bind;
use crate::exit::{self, Exit};
use crate::signals::Signals;
use crate::tls::{self, Tls};

/// How long a drain waits for the clients' answers.
const DRAIN: Duration = Duration::from_secs(5);

/// What every thread serves, agreed before the first one starts.
struct Plan {
    server: tidewire::Server,
    prefix: Option<String>,
    pages: Pages,
    tls: Option<Tls>,
    log: Option<Arc<Log>>,
}

/// What the connections of one thread share.
struct Shard {
    plan: Arc<Plan>,
    open: Open,
    /// How many connections this thread has: the acceptor looks at it.
    load: Arc<AtomicUsize>,
    /// The logs of the open connections, by their numbers; empty when nobody watches.
    logs: RefCell<HashMap<u32, ClientLog>>,
}

/// Another thread, as the acceptor sees it.
struct Remote {
    load: Arc<AtomicUsize>,
    sockets: mpsc::UnboundedSender<(std::net::TcpStream, SocketAddr)>,
}

/// Runs the server until it is told to stop.
pub(crate) fn run(args: EchoArgs) -> Exit {
    match start(args) {
        Ok(()) => Exit::Clean,
        Err(sentence) => exit::error(Exit::Local, &sentence.to_string()),
    }
}

fn start(args: EchoArgs) -> Result<(), String> {
    let threads = args.threads.map_or_else(
        || std::thread::available_parallelism().map_or(1, usize::from),
        usize::from,
    );
    let log = Log::new(args.quiet);
    let tls = Tls::new(&args.tls, &args.addr.host)?;
    let plan = Arc::new(Plan {
        server: server(&args, log.is_some()),
        tls,
        prefix: args.prefix,
        pages: Pages::new(args.dir.as_deref())?,
        log,
    });
    let runtime = runtime()?;
    runtime.block_on(async {
        let listener = bind::tcp(&args.addr, "tidewire echo ").await?;
        let addr = listener.local_addr().map_err(|error| error.to_string())?;
        let (stop, stopped) = watch::channel(false);
        watch_signals(stop, plan.log.clone())?;

        let (done, mut others_done) = mpsc::channel::<()>(1);
        let mut remotes = Vec::new();
        for number in 1..threads {
            remotes.push(spawn_thread(
                number,
                plan.clone(),
                stopped.clone(),
                done.clone(),
            )?);
        }
        drop(done);

        announce(addr, plan.tls.as_ref(), args.quiet)?;
        let shard = Rc::new(Shard::new(plan));
        accept_until(listener, &shard, &remotes, stopped).await;
        drop(remotes);
        shard.leave().await;
        _ = others_done.recv().await;
        Ok(())
    })
}

/// The one line on stdout; scripts wait for it. How to trust a certificate goes to stderr.
fn announce(addr: SocketAddr, tls: Option<&Tls>, quiet: bool) -> Result<(), String> {
    let scheme = if tls.is_some() { "wss" } else { "ws" };
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "listening on {scheme}://{addr}/")
        .and_then(|()| stdout.flush())
        .map_err(|error| format!("cannot write to stdout: {error}"))?;
    if let Some(tls) = tls.filter(|_| !quiet) {
        // Who closed stderr does not want to know.
        _ = std::io::stderr().lock().write_all(tls.hint.as_bytes());
    }
    Ok(())
}

fn runtime() -> Result<LocalRuntime, String> {
    Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())
        .map_err(|error| format!("cannot start an event loop: {error}"))
}

/// What the server agrees to.
fn server(args: &EchoArgs, logged: bool) -> tidewire::Server {
    let server = tidewire::Server::new()
        .keep_target(logged)
        // An echo gives nothing away that its caller did not bring: any page may use it.
        .origin(tidewire::OriginPolicy::Any)
        .deflate((!args.no_deflate).then(tidewire::DeflateConfig::default))
        .config(tidewire::Config::new().max_message(args.max_message));
    if args.subprotocol.is_empty() {
        server.first_offered_subprotocol()
    } else {
        server.subprotocols(&args.subprotocol)
    }
}

/// The first Ctrl-C or SIGTERM begins the drain, the second ends the process.
fn watch_signals(stop: watch::Sender<bool>, log: Option<Arc<Log>>) -> Result<(), String> {
    let mut signals = Signals::watch()?;
    spawn_local(async move {
        for first in [true, false] {
            signals.next().await;
            if !first {
                std::process::exit(Exit::Interrupted as i32);
            }
            if let Some(log) = &log {
                log.note("closing every connection (1001); Ctrl-C again leaves at once");
            }
            _ = stop.send(true);
        }
    });
    Ok(())
}

/// Accepts until the drain begins, and hands each socket to the thread with the fewest.
async fn accept_until(
    listener: TcpListener,
    shard: &Rc<Shard>,
    remotes: &[Remote],
    mut stopped: watch::Receiver<bool>,
) {
    loop {
        let accepted = tokio::select! {
            biased;
            _ = stopped.changed() => return,
            accepted = listener.accept() => accepted,
        };
        let (socket, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // A connection that died in the queue concerns nobody. Out of descriptors or
                // memory: accepting at once again would only burn the core.
                if !bind::is_of_one_connection(&error) {
                    if let Some(log) = &shard.plan.log {
                        log.note(&format!("cannot accept just now: {error}"));
                    }
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                continue;
            }
        };
        // Without it small answers would wait for the peer's acknowledgement.
        _ = socket.set_nodelay(true);
        let own = shard.load.load(Ordering::Relaxed);
        let least = remotes
            .iter()
            .map(|remote| (remote.load.load(Ordering::Relaxed), remote))
            .min_by_key(|(load, _)| *load)
            .filter(|(load, _)| *load < own);
        match least {
            None => shard.take(socket, peer),
            Some((_, remote)) => {
                if let Ok(socket) = socket.into_std() {
                    remote.load.fetch_add(1, Ordering::Relaxed);
                    _ = remote.sockets.send((socket, peer));
                }
            }
        }
    }
}

/// Starts one more event loop. It ends, and drops `done`, when the drain is over.
fn spawn_thread(
    number: usize,
    plan: Arc<Plan>,
    mut stopped: watch::Receiver<bool>,
    done: mpsc::Sender<()>,
) -> Result<Remote, String> {
    let (sender, mut sockets) = mpsc::unbounded_channel::<(std::net::TcpStream, SocketAddr)>();
    let load = Arc::new(AtomicUsize::new(0));
    let own_load = load.clone();
    std::thread::Builder::new()
        .name(format!("echo-{number}"))
        .spawn(move || {
            let _done = done;
            let runtime = match runtime() {
                Ok(runtime) => runtime,
                Err(sentence) => {
                    std::process::exit(exit::error(Exit::Local, &sentence.to_string()) as i32);
                }
            };
            runtime.block_on(async move {
                let shard = Rc::new(Shard {
                    load: own_load,
                    ..Shard::new(plan)
                });
                loop {
                    let (socket, peer) = tokio::select! {
                        biased;
                        _ = stopped.changed() => break,
                        Some(socket) = sockets.recv() => socket,
                        else => break,
                    };
                    // The acceptor has counted it already, so that a burst spreads.
                    shard.load.fetch_sub(1, Ordering::Relaxed);
                    if let Ok(socket) = TcpStream::from_std(socket) {
                        shard.take(socket, peer);
                    }
                }
                shard.leave().await;
            });
        })
        .map_err(|error| format!("cannot start thread {number}: {error}"))?;
    Ok(Remote {
        load,
        sockets: sender,
    })
}

impl Shard {
    fn new(plan: Arc<Plan>) -> Shard {
        Shard {
            plan,
            open: Open::default(),
            load: Arc::default(),
            logs: RefCell::default(),
        }
    }

    /// Serves a socket in a task of its own. The handshake's state is gone before the
    /// connection's life begins in another task.
    fn take(self: &Rc<Self>, socket: TcpStream, peer: SocketAddr) {
        self.load.fetch_add(1, Ordering::Relaxed);
        let shard = self.clone();
        spawn_local(async move {
            let socket = match &shard.plan.tls {
                None => shard.welcome(socket, peer).await,
                Some(tls) => match tls::accept(&tls.server, socket).await {
                    Ok(Some(stream)) => shard.welcome(stream, peer).await,
                    Ok(None) => None,
                    Err(error) => {
                        shard.turned_away(peer, &error);
                        None
                    }
                },
            };
            let Some(ws) = socket else {
                shard.load.fetch_sub(1, Ordering::Relaxed);
                return;
            };
            let slot = shard.enter(&ws, peer);
            // Its load goes with it.
            spawn_local(pump::Pump::new(ws, shard, slot));
        });
    }

    /// Hears what a client wants: a WebSocket comes back, everything else is answered here.
    async fn welcome<S: tidewire::Io>(&self, io: S, peer: SocketAddr) -> Option<WebSocket> {
        match self.plan.server.accept_or_http(io).await {
            Ok(Accepted::WebSocket(ws)) => return Some(ws),
            Ok(Accepted::Http(plain)) => {
                // Entered as open: a drain lets an answer on its way arrive.
                let slot = self.open.enter();
                http::serve(plain.read.into(), plain.io, &self.plan.pages).await;
                self.open.exit(slot);
            }
            Err(AcceptError::Refused(refusal)) => self.turned_away(peer, &refusal),
            // Who leaves before it is a client is nobody: browsers open connections in advance
            // and drop them.
            Err(_) => {}
        }
        None
    }

    fn turned_away(&self, peer: SocketAddr, why: &dyn std::fmt::Display) {
        if let Some(log) = &self.plan.log {
            log.turned_away(peer, &why.to_string());
        }
    }

    /// Enters an open connection, in the log too if somebody watches.
    fn enter(&self, ws: &WebSocket, peer: SocketAddr) -> u32 {
        let slot = self.open.enter();
        if let Some(log) = &self.plan.log {
            let target = ws.target().map(|target| target.to_string());
            let client = log.connected(peer, target.as_deref().unwrap_or("/"));
            self.logs.borrow_mut().insert(slot, client);
        }
        slot
    }

    /// A connection has ended.
    fn exit(&self, slot: u32) {
        if self.plan.log.is_some() {
            self.logs.borrow_mut().remove(&slot);
        }
        self.open.exit(slot);
        self.load.fetch_sub(1, Ordering::Relaxed);
    }

    /// Says something in the log of a connection.
    #[cold]
    fn logged(&self, slot: u32, say: impl FnOnce(&ClientLog)) {
        if let Some(log) = self.logs.borrow().get(&slot) {
            say(log);
        }
    }

    /// Closes every connection and waits for the answers, at most [`DRAIN`].
    async fn leave(&self) {
        self.open.drain();
        _ = tokio::time::timeout(DRAIN, self.open.emptied()).await;
    }
}
