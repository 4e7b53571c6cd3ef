//! Runs the engine against servers that echo, and against servers that must be found out.
#![allow(clippy::unwrap_used)]

use std::future::Future;
use std::net::SocketAddr;
use std::sync::mpsc;
use std::time::Duration;
use tidewire::{CloseCode, ConnectError, Listener, Message, Server, WebSocket};
use tidewire_load::{ErrorClass, LoadError, Mode, Plan, Progress, Report, Saturation, Stop, run};
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
    assert_eq!(report.verified, report.sent, "all came back: {report}");
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
    let connecting = |progress: &Progress| matches!(progress, Progress::Connecting { of: 3, .. });
    assert!(connecting(&told[0]), "{told:?}");
    let end = [
        Progress::Connecting { open: 3, of: 3 },
        Progress::WarmingUp,
        Progress::Closing,
    ];
    assert!(told.ends_with(&end), "{told:?}");
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

/// Runs against a server that spoils one message in each of three connections, and gives what was
/// counted: lost, duplicated, reordered, corrupted.
fn found_out(url: &str, depth: usize) -> [u64; 4] {
    let report = run(&short(url).depth(depth), |_| {}).unwrap();
    let found = [
        report.lost,
        report.duplicated,
        report.reordered,
        report.corrupted,
    ];
    let failed = report.failures.total();
    assert_eq!(
        report.errors,
        found.iter().sum::<u64>() + failed,
        "{report}"
    );
    assert_eq!(report.stayed, 3, "the connections go on: {report}");
    assert!(report.messages > 0, "{report}");
    found
}

#[test]
fn finds_corruption() {
    let url = spoils(|_, message| {
        let mut bytes = message.into_bytes().to_vec();
        bytes[20] ^= 1;
        vec![bytes.into()]
    });
    assert_eq!(found_out(&url, 1), [0, 0, 0, 3]);
    assert_eq!(found_out(&url, 16), [0, 0, 0, 3]);
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
    assert_eq!(found_out(&url, 1), [0, 0, 0, 3]);
}

#[test]
fn finds_repetition() {
    let url = spoils(|_, message| vec![message.clone(), message]);
    assert_eq!(found_out(&url, 1), [0, 3, 0, 0]);
    assert_eq!(found_out(&url, 16), [0, 3, 0, 0]);
}

#[test]
fn finds_loss() {
    let url = spoils(|_, _| vec![]);
    assert_eq!(found_out(&url, 16), [3, 0, 0, 0]);
    // With one message under way nothing tells that it is lost, until nothing more comes.
    let plan = short(&url).warmup(Duration::from_secs(0));
    let report = run(&plan, |_| {}).unwrap();
    assert_eq!(report.lost, 3, "{report}");
    assert_eq!(report.failures.count(ErrorClass::Unanswered), 3, "{report}");
    let json = report.to_json();
    assert!(
        json.contains("\"error_classes\":{\"unanswered\":3}"),
        "{json}"
    );
}

#[test]
fn finds_reordering() {
    let url = websocket(|mut ws| async move {
        let mut held = Vec::new();
        let mut count = 0;
        while let Ok(Some(message)) = ws.recv().await {
            count += 1;
            held.push(message);
            if held.len() == 2 || count != 11 {
                for message in held.drain(..).rev() {
                    let _ = ws.send(message).await;
                }
            }
        }
    });
    assert_eq!(found_out(&url, 16), [0, 0, 3, 0]);
}

#[test]
fn an_open_load_keeps_its_schedule_and_tells_latency_and_service_time() {
    for threads in [1, 2] {
        let plan = short(&echo()).rate(Some(500.0)).threads(threads);
        let report = run(&plan, |_| {}).unwrap();
        let wrong = (report.errors, report.lost, report.corrupted);
        assert_eq!(wrong, (0, 0, 0), "{report}");
        let due = 500.0 * report.seconds;
        let counted = report.latency_us.count as f64;
        assert!((counted - due).abs() <= 3.0, "{counted} of {due}: {report}");
        let service = report.service_us.unwrap();
        assert!(service.p99 <= report.latency_us.p99 + 1.0);
        assert_eq!(report.threads, threads);
    }
}

/// The server answers nothing for a while: all that was due in that time counts with its wait.
#[test]
fn a_stall_is_in_the_latency_of_an_open_load() {
    let url = websocket(|mut ws| async move {
        let mut count = 0;
        while let Ok(Some(message)) = ws.recv().await {
            count += 1;
            if count == 100 {
                tokio::time::sleep(Duration::from_millis(400)).await;
            }
            let _ = ws.send(message).await;
        }
    });
    let plan = short(&url)
        .connections(1)
        .warmup(Duration::ZERO)
        .duration(Duration::from_millis(800))
        .rate(Some(500.0));
    let report = run(&plan, |_| {}).unwrap();
    assert_eq!(report.errors, 0, "{report}");
    // 400 are due, about 200 of them in the stall, half of those wait for more than half of it.
    assert!(report.latency_us.p90 > 100_000.0, "{report}");
}

#[test]
fn what_an_open_load_has_no_answer_to_counts_with_its_wait() {
    let url = websocket(|mut ws| async move { while let Ok(Some(_)) = ws.recv().await {} });
    let report = run(&short(&url).rate(Some(200.0)), |_| {}).unwrap();
    assert_eq!(report.verified, 0);
    assert_eq!(report.lost, report.sent, "{report}");
    assert!(
        report.latency_us.count > 0 && report.latency_us.p50 > 1_000_000.0,
        "{report}"
    );
}

#[test]
fn pings_need_no_echo_and_held_connections_are_counted() {
    let url = websocket(|mut ws| async move { while let Ok(Some(_)) = ws.recv().await {} });
    let report = assert_clean(&short(&url).mode(Mode::Ping));
    assert_eq!(report.mode, "ping");
    let report = run(&short(&url).mode(Mode::Ping).rate(Some(100.0)), |_| {}).unwrap();
    assert!(report.messages > 0 && report.errors == 0, "{report}");
    let plan = short(&url).mode(Mode::Idle).rate(Some(30.0)).threads(2);
    let report = run(&plan, |_| {}).unwrap();
    assert_eq!((report.stayed, report.errors), (3, 0), "{report}");
    assert!(report.latency_us.count > 0);
}

#[test]
fn held_connections_that_go_are_missed() {
    let url = websocket(|mut ws| async move {
        let _ = tokio::time::timeout(Duration::from_millis(100), ws.recv()).await;
        let _ = ws.close(CloseCode::GOING_AWAY, "").await;
    });
    let report = run(&short(&url).mode(Mode::Idle).rate(Some(0.01)), |_| {}).unwrap();
    assert_eq!(report.stayed, 0);
    assert_eq!(report.failures.count(ErrorClass::Closed), 3, "{report}");
}

#[test]
fn a_server_that_speaks_is_listened_to() {
    let url = websocket(|mut ws| async move {
        let Ok(Some(asked)) = ws.recv().await else {
            return;
        };
        assert_eq!(asked.as_text(), Some("all please"));
        while ws.send("news").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    let plan = short(&url)
        .mode(Mode::Push)
        .hello(Some("all please".into()));
    let report = run(&plan, |_| {}).unwrap();
    assert!(report.messages > 0 && report.errors == 0, "{report}");
    assert_eq!(report.bytes_per_second, report.messages_per_second * 4.0);
    assert!(report.latency_us.p50 >= 1000.0, "the gap: {report}");
}

#[test]
fn connections_are_made_and_counted() {
    let url = echo();
    for rate in [None, Some(100.0)] {
        let report = run(&short(&url).mode(Mode::Connect).rate(rate), |_| {}).unwrap();
        assert!(report.messages > 0, "{report}");
        assert_eq!((report.errors, report.unclean_closes), (0, 0), "{report}");
        assert!(report.connect_us.count >= report.messages);
    }
}

#[test]
fn text_threads_and_a_stop() {
    let url = echo();
    assert_clean(&short(&url).text(true).depth(4).threads(2));
    let stop = Stop::default();
    let plan = short(&url)
        .duration(Duration::from_secs(600))
        .stop(stop.clone());
    let report = run(&plan, |progress| {
        if matches!(progress, Progress::Measuring(_)) {
            stop.now();
        }
    })
    .unwrap();
    assert!(report.interrupted && report.messages > 0);
    assert!(matches!(run(&plan, |_| {}), Err(LoadError::Interrupted)));
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
    for spoiled in [true, false] {
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
        let plan = short(&format!("tcp://{address}")).raw(true);
        let report = run(&plan.warmup(Duration::ZERO), |_| {}).unwrap();
        let (lost, corrupted) = if spoiled { (0, 3) } else { (3, 0) };
        assert_eq!(
            (report.lost, report.corrupted),
            (lost, corrupted),
            "{report}"
        );
    }
}

#[test]
fn classes_why_no_connection_could_be_opened() {
    let none = |url: &str, right: fn(&ConnectError) -> bool| match run(
        &short(url).connect_timeout(Duration::from_millis(300)),
        |_| {},
    ) {
        Err(LoadError::NoneConnected(error)) => assert!(right(&error), "{error}"),
        outcome => panic!("{url}: {outcome:?}"),
    };
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    none(&format!("ws://{free}/"), |e| {
        matches!(e, ConnectError::Unreachable(_))
    });
    let silent = tcp(|mut stream| async move {
        let mut byte = [0];
        while stream.read(&mut byte).await.is_ok_and(|count| count > 0) {}
    });
    none(&format!("ws://{silent}/"), |e| {
        matches!(e, ConnectError::Timeout(_))
    });
    let http = tcp(|mut stream| async move {
        let _ = stream.read(&mut [0; 4096]).await;
        let _ = stream
            .write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
            .await;
    });
    none(&format!("ws://{http}/"), |e| {
        matches!(e, ConnectError::Refused(_))
    });
}

#[test]
fn publications_that_a_hub_does_not_take_have_waited_and_are_not_the_clients_fault() {
    let hub = websocket(|mut ws| async move {
        let Ok(Some(Message::Text(first))) = ws.recv().await else {
            return;
        };
        if first.contains("subscribe") {
            let _ = ws.send(r#"{"op":"ok","id":1}"#).await;
            while let Ok(Some(_)) = ws.recv().await {}
        }
        // The publisher is not read any more.
        tokio::time::sleep(Duration::from_secs(30)).await;
    });
    let plan = short(&hub)
        .mode(Mode::PubSub)
        .connections(1)
        .size(64 << 10)
        .rate(Some(2000.0))
        .duration(Duration::from_millis(600));
    let report = run(&plan, |_| {}).unwrap();
    assert!(report.unsent > 0, "{report}");
    assert_eq!(report.latency_us.count, report.unsent, "{report}");
    assert!(report.latency_us.max > 100_000.0, "{report}");
    assert_ne!(report.saturated, Some(Saturation::LateSends), "{report}");
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
        short("tcp://h:1"),
        short("tcp://h:1").raw(true).deflate(true),
    ] {
        assert!(
            matches!(run(&plan, |_| {}), Err(LoadError::InvalidPlan(_))),
            "{plan:?}"
        );
    }
}
