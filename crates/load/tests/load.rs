//! Runs the engine against servers that echo, and against servers that must be found out.
#![allow(clippy::unwrap_used)]

use std::future::Future;
use std::net::SocketAddr;
use std::sync::mpsc;
use std::time::Duration;
use tidewire::{CloseCode, Listener, Message, Server, WebSocket};
use tidewire_load::{ErrorClass, LoadError, Plan, Progress, Report, run};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Runs a server on a thread of its own, which ends with the process. Gives its address.
fn spawn<F: Future<Output = ()>>(
    server: impl FnOnce(mpsc::Sender<SocketAddr>) -> F + Send + 'static,
) -> SocketAddr {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(server(sender));
    });
    receiver.recv().unwrap()
}

fn websocket<F: Future<Output = ()> + Send + 'static>(
    handler: impl Fn(WebSocket) -> F + Clone + Send + Sync + 'static,
) -> String {
    let address = spawn(|ready| async move {
        let listener = Listener::bind("127.0.0.1:0")
            .await
            .unwrap()
            .server(Server::new());
        ready.send(listener.local_addr().unwrap()).unwrap();
        listener.serve(handler).await.unwrap();
    });
    format!("ws://{address}/")
}

fn tcp<F: Future<Output = ()> + Send + 'static>(
    handler: impl Fn(TcpStream) -> F + Send + 'static,
) -> SocketAddr {
    spawn(|ready| async move {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        ready.send(listener.local_addr().unwrap()).unwrap();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(handler(stream));
        }
    })
}

fn echo() -> String {
    websocket(|mut ws| async move {
        let _ = ws.for_each(|event, link| drop(link.echo(event))).await;
    })
}

fn raw_echo() -> String {
    let address = tcp(|mut stream| async move {
        let mut buffer = vec![0; 10_000];
        while let Ok(count @ 1..) = stream.read(&mut buffer).await {
            if stream.write_all(&buffer[..count]).await.is_err() {
                break;
            }
        }
    });
    format!("tcp://{address}")
}

fn short(url: &str) -> Plan {
    Plan::new(url)
        .connections(3)
        .warmup(Duration::from_millis(50))
        .duration(Duration::from_millis(300))
}

fn assert_clean(plan: &Plan) -> Report {
    let report = run(plan, |_| {}).unwrap();
    assert_eq!(
        (report.errors, report.unclean_closes),
        (0, 0),
        "{plan:?}: {report}"
    );
    assert_eq!(report.connections, plan.connections);
    assert!(report.messages > 0, "{plan:?}");
    assert_eq!(report.messages, report.latency_us.count);
    assert!(report.latency_us.p50 <= report.latency_us.max);
    assert!(report.seconds >= 0.3);
    report
}

#[test]
fn every_shape_runs_without_errors() {
    let (ws, raw) = (echo(), raw_echo());
    for (url, raw) in [(ws, false), (raw, true)] {
        for (connections, size, depth) in [
            (20, 32, 1),
            (5, 32, 16),
            (1, 0, 1),
            (2, 1, 300),
            (4, 16 << 10, 3),
            (2, 1 << 20, 2),
        ] {
            let plan = short(&url)
                .raw(raw)
                .connections(connections)
                .size(size)
                .depth(depth);
            assert_clean(&plan);
        }
    }
}

#[test]
fn busy_polling_and_deflate_change_the_way_and_not_the_outcome() {
    let url = echo();
    let report = assert_clean(&short(&url).busy_poll(true).depth(4));
    assert!(report.client_busy <= 1.0);
    let report = assert_clean(&short(&url).deflate(true).size(4000).depth(4));
    assert_eq!(report.compressed, 3);
    assert_eq!(assert_clean(&short(&url)).compressed, 0);
}

#[test]
#[cfg(target_os = "linux")]
fn tells_the_cpu_time_of_the_server() {
    let report = assert_clean(&short(&echo()).pid(Some(std::process::id())));
    let (server, client) = (
        report.server_cpu_seconds.unwrap(),
        report.client_cpu_seconds,
    );
    assert!(server > 0.0 && client > 0.0);
    let product = report.server_cpu_seconds_per_million.unwrap()
        * report.messages_per_server_cpu_second.unwrap();
    assert!((product - 1e6).abs() < 1.0, "{product}");
    let gone = short("ws://127.0.0.1:1/").pid(Some(u32::MAX));
    assert!(matches!(
        run(&gone, |_| {}),
        Err(LoadError::NoSuchProcess(u32::MAX))
    ));
}

#[test]
fn tells_its_phases_in_order() {
    let mut told = Vec::new();
    run(&short(&echo()), |progress| told.push(progress)).unwrap();
    assert_eq!(told[0], Progress::Connecting { open: 1, of: 3 });
    assert_eq!(told[2], Progress::Connecting { open: 3, of: 3 });
    assert_eq!(told[3..], [Progress::WarmingUp, Progress::Closing]);
}

/// A server that echoes ten messages and then does something else with the eleventh.
fn spoils(
    spoil: impl Fn(&WebSocket, Message) -> Vec<Message> + Clone + Send + Sync + 'static,
) -> String {
    websocket(move |mut ws| {
        let spoil = spoil.clone();
        async move {
            let mut count = 0;
            while let Ok(Some(message)) = ws.recv().await {
                count += 1;
                let answers = if count == 11 {
                    spoil(&ws, message)
                } else {
                    vec![message]
                };
                for answer in answers {
                    if ws.send(answer).await.is_err() {
                        return;
                    }
                }
            }
        }
    })
}

fn assert_found_out(url: &str, depth: usize, class: ErrorClass) {
    match run(&short(url).depth(depth), |_| {}) {
        Err(LoadError::NoneLeft(failures)) => {
            assert_eq!(
                (failures.count(class), failures.total()),
                (3, 3),
                "{failures}"
            );
        }
        Ok(report) if class == ErrorClass::Unanswered => {
            assert_eq!(report.errors, 3);
            assert_eq!(report.failures.count(class), 3, "{report}");
            assert!(
                report
                    .to_json()
                    .contains("\"error_classes\":{\"unanswered\":3}")
            );
        }
        outcome => panic!("{class:?} was not found out: {outcome:?}"),
    }
}

#[test]
fn finds_corruption() {
    let url = spoils(|_, message| {
        let mut bytes = message.into_bytes().to_vec();
        bytes[20] ^= 1;
        vec![bytes.into()]
    });
    assert_found_out(&url, 1, ErrorClass::Corrupted);
    assert_found_out(&url, 16, ErrorClass::Corrupted);
}

#[test]
fn finds_a_changed_kind() {
    let url = spoils(|_, message| {
        vec![
            String::from_utf8(message.into_bytes().to_vec())
                .unwrap()
                .into(),
        ]
    });
    assert_found_out(&url, 1, ErrorClass::Corrupted);
}

#[test]
fn finds_repetition() {
    let url = spoils(|_, message| vec![message.clone(), message]);
    assert_found_out(&url, 1, ErrorClass::OutOfOrder);
    assert_found_out(&url, 16, ErrorClass::OutOfOrder);
}

#[test]
fn finds_loss() {
    let url = spoils(|_, _| vec![]);
    assert_found_out(&url, 16, ErrorClass::OutOfOrder);
    assert_found_out(&url, 1, ErrorClass::Unanswered);
}

#[test]
fn finds_reordering() {
    let url = websocket(|mut ws| async move {
        let mut held = Vec::new();
        while let Ok(Some(message)) = ws.recv().await {
            held.push(message);
            if held.len() == 2 {
                for message in held.drain(..).rev() {
                    let _ = ws.send(message).await;
                }
            }
        }
    });
    assert_found_out(&url, 16, ErrorClass::OutOfOrder);
}

#[test]
fn tells_a_server_that_closes_with_its_code() {
    let url = websocket(|mut ws| async move {
        let _ = ws.recv().await;
        let _ = ws.close(CloseCode::POLICY_VIOLATION, "enough").await;
    });
    match run(&short(&url), |_| {}) {
        Err(LoadError::NoneLeft(failures)) => {
            assert_eq!(failures.count(ErrorClass::Closed), 3);
            assert!(failures.to_string().contains("1008"), "{failures}");
        }
        outcome => panic!("{outcome:?}"),
    }
}

#[test]
fn finds_raw_corruption_and_loss() {
    for (spoiled, class) in [
        (true, ErrorClass::Corrupted),
        (false, ErrorClass::Unanswered),
    ] {
        let address = tcp(move |mut stream| async move {
            let mut buffer = vec![0; 1 << 20];
            let mut count = 0;
            while let Ok(len @ 1..) = stream.read(&mut buffer).await {
                count += 1;
                if count == 11 && !spoiled {
                    continue;
                }
                if count == 11 {
                    buffer[len - 1] ^= 0x80;
                }
                let _ = stream.write_all(&buffer[..len]).await;
            }
        });
        match run(&short(&format!("tcp://{address}")).raw(true), |_| {}) {
            Ok(report) => assert_eq!(report.failures.count(class), 3, "{report}"),
            Err(LoadError::NoneLeft(failures)) => assert_eq!(failures.count(class), 3),
            outcome => panic!("{outcome:?}"),
        }
    }
}

#[test]
fn classes_why_no_connection_could_be_opened() {
    let none = |url: &str, class: ErrorClass| match run(
        &short(url).connect_timeout(Duration::from_millis(300)),
        |_| {},
    ) {
        Err(LoadError::NoneConnected(failures)) => {
            assert_eq!(failures.count(class), 1, "{failures}");
        }
        outcome => panic!("{url}: {outcome:?}"),
    };
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    none(&format!("ws://{free}/"), ErrorClass::Refused);
    let silent = tcp(|mut stream| async move {
        let mut byte = [0];
        while stream.read(&mut byte).await.is_ok_and(|count| count > 0) {}
    });
    none(&format!("ws://{silent}/"), ErrorClass::ConnectTimeout);
    let http = tcp(|mut stream| async move {
        let _ = stream.read(&mut [0; 4096]).await;
        let _ = stream
            .write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
            .await;
    });
    none(&format!("ws://{http}/"), ErrorClass::HttpStatus);
}

#[test]
fn a_plan_that_cannot_be_is_refused_before_anything_is_opened() {
    for plan in [
        Plan::default(),
        short("ws://h/").connections(0),
        short("ws://h/").depth(0),
        short("ws://h/").duration(Duration::ZERO),
        short("ws://h/").size(usize::MAX),
        short("ws://h/").depth(usize::MAX),
        short("wss://h/"),
        short("tcp://h:1"),
        short("tcp://h:1").raw(true).deflate(true),
    ] {
        assert!(
            matches!(run(&plan, |_| {}), Err(LoadError::InvalidPlan(_))),
            "{plan:?}"
        );
    }
}
