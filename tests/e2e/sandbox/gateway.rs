//! Tasks that declare hosts reach these, by way of the gateway, and nothing else.

use super::{Place, succeeded, task};
use axum::extract::Request;
use axum::http::HeaderMap;
use openexec_engine::task::{Connection, ConnectionOutcome, Task, TaskReport};

/// An HTTP server of the host; what it got of headers and body is what it answers.
async fn server() -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let echo = |headers: HeaderMap, request: Request| async move {
        let (head, body) = request.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        let mut names: Vec<&str> = headers.keys().map(|name| name.as_str()).collect();
        names.sort_unstable();
        format!("{} {} [{}] {} bytes\n", head.method, head.uri, names.join(" "), body.len())
    };
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(echo)).await });
    port
}

fn networked(argv: &[&str], hosts: &[String]) -> Task {
    Task { network: hosts.to_vec(), ..task(argv) }
}

async fn run(place: &Place, task: &Task) -> TaskReport {
    place.shadow.run(task, 60_000, &[]).await
}

fn outcomes(report: &TaskReport) -> Vec<(String, u16, &'static str)> {
    let told = |connection: &Connection| {
        let outcome = match &connection.outcome {
            ConnectionOutcome::Connected { .. } => "connected",
            ConnectionOutcome::Refused { .. } => "refused",
            ConnectionOutcome::Failed { .. } => "failed",
        };
        (connection.host.clone(), connection.port, outcome)
    };
    report.connections.iter().map(told).collect()
}

#[tokio::test]
async fn a_declared_host_is_reached_and_no_other() {
    let (declared, other) = (server().await, server().await);
    let place = Place::new(&[]).await;
    let hosts = [format!("127.0.0.1:{declared}")];
    let script = format!(
        "curl -sS -d body -H 'Proxy-Authorization: Basic x' -H 'X-Own: 1' http://127.0.0.1:{declared}/a?b; \
         curl -sS --proxytunnel http://127.0.0.1:{declared}/tunnel; \
         curl -sS -o /dev/null -w '%{{http_code}}\\n' http://127.0.0.1:{other}/; \
         curl -s --proxytunnel http://127.0.0.1:{other}/ || echo 'no tunnel'; \
         curl -s http://example.org/ | head -c 40; \
         curl -s -m 5 --noproxy '*' http://127.0.0.1:{declared}/ || echo 'not directly'"
    );
    let report = run(&place, &networked(&["bash", "-c", &script], &hosts)).await;
    assert_eq!(
        report.output,
        format!(
            "POST /a?b [accept content-length content-type host user-agent x-own] 4 bytes\n\
             GET /tunnel [accept host user-agent] 0 bytes\n\
             403\n\
             no tunnel\n\
             openexec: `example.org:80` is not declar\
             not directly\n"
        )
    );
    let host = || "127.0.0.1".to_owned();
    assert_eq!(
        outcomes(&report),
        [
            (host(), declared, "connected"),
            (host(), declared, "connected"),
            (host(), other, "refused"),
            (host(), other, "refused"),
            ("example.org".to_owned(), 80, "refused"),
        ]
    );
    let shown: Vec<String> = report.connections.iter().map(ToString::to_string).collect();
    assert_eq!(shown[0], format!("127.0.0.1:{declared}, reached at 127.0.0.1:{declared}"));
    assert!(shown[2].starts_with(&format!("127.0.0.1:{other}, refused: ")), "{}", shown[2]);
    assert!(report.sandbox.ends_with("+gateway"), "{}", report.sandbox);
    // The next task has none of it.
    let report =
        run(&place, &task(&["bash", "-c", "env | grep -i proxy; curl -s http://127.0.0.1:1/ || echo none"]))
            .await;
    assert_eq!(report.output, "GOPROXY=off\nnone\n");
    assert_eq!((report.connections, report.sandbox.contains("gateway")), (vec![], false));
}

/// A name is no way around: what it stands for is looked at.
#[tokio::test]
async fn a_name_for_this_machine_is_refused() {
    let port = server().await;
    let place = Place::new(&[]).await;
    let hosts = [format!("localhost:{port}"), "nowhere.invalid".to_owned()];
    let script = format!(
        "curl -sS --noproxy '' http://localhost:{port}/; \
         curl -s -o /dev/null -w '%{{http_code}}\\n' http://nowhere.invalid/; \
         curl -sS --noproxy '' http://127.0.0.1:{port}/"
    );
    let report = run(&place, &networked(&["bash", "-c", &script], &hosts)).await;
    succeeded(&report);
    assert!(report.output.starts_with("openexec: `localhost` stands for "), "{}", report.output);
    assert!(report.output.contains("\n502\n"), "{}", report.output);
    let undeclared = format!("openexec: `127.0.0.1:{port}` is not declared in the task's `network`\n");
    assert!(report.output.ends_with(&undeclared), "{}", report.output);
    let what: Vec<&str> = outcomes(&report).iter().map(|(_, _, outcome)| *outcome).collect();
    assert_eq!(what, ["refused", "failed", "refused"]);
}

#[tokio::test]
async fn names_are_not_resolved_inside_and_sockets_lead_nowhere() {
    let port = server().await;
    let place = Place::new(&[]).await;
    let script = format!(
        "import os, socket, urllib.parse\n\
         for host in ('127.0.0.1', '192.0.2.1', 'example.org'):\n\
         \x20   try: socket.create_connection((host, {port}), 5); print('reached', host)\n\
         \x20   except OSError: pass\n\
         proxy = urllib.parse.urlsplit(os.environ['http_proxy'])\n\
         def ask(text):\n\
         \x20   s = socket.create_connection((proxy.hostname, proxy.port)); s.sendall(text); return s.recv(64).split(b'\\r')[0].decode()\n\
         print(ask(b'GET / HTTP/1.1\\r\\nHost: 127.0.0.1:{port}\\r\\n\\r\\n'))\n\
         print(ask(b'CONNECT 127.0.0.1 HTTP/1.1\\r\\n\\r\\n'))\n\
         print(ask(b'CONNECT 169.254.169.254:80 HTTP/1.1\\r\\n\\r\\n'))\n\
         print(ask(b'GET http://127.0.0.1:{port}@example.org/ HTTP/1.1\\r\\n\\r\\n'))\n\
         print(ask(b'nonsense\\r\\n\\r\\n'))\n"
    );
    let report = run(&place, &networked(&["python3", "-c", &script], &[format!("127.0.0.1:{port}")])).await;
    succeeded(&report);
    assert_eq!(
        report.output,
        "HTTP/1.1 400 Bad Request\nHTTP/1.1 400 Bad Request\nHTTP/1.1 403 Forbidden\n\
         HTTP/1.1 403 Forbidden\nHTTP/1.1 400 Bad Request\n"
    );
}

/// What a task fetches is found by those after it, and never reaches the user's own files.
#[tokio::test]
async fn what_was_fetched_stays_in_the_shadow() {
    let place = Place::new(&[]).await;
    let home = std::env::var("CARGO_HOME").map_or_else(
        |_| std::path::PathBuf::from(std::env::var("HOME").unwrap()).join(".cargo"),
        std::path::PathBuf::from,
    );
    assert!(home.is_dir(), "this test needs cargo's directory `{}`", home.display());
    let write = "echo fetched > $CARGO_HOME/openexec-e2e && cat $CARGO_HOME/openexec-e2e";
    assert!(
        !place.sh(write).await.output.contains("fetched\n"),
        "without a network there is nothing to fetch"
    );
    let report = run(
        &place,
        &networked(&["sh", "-c", &format!("{write}; echo $CARGO_NET_OFFLINE")], &["example.org".to_owned()]),
    )
    .await;
    assert_eq!(report.output, "fetched\n\n");
    let report = place.sh("cat $CARGO_HOME/openexec-e2e; echo $CARGO_NET_OFFLINE").await;
    assert_eq!(report.output, "fetched\ntrue\n");
    assert!(!home.join("openexec-e2e").exists());
}
