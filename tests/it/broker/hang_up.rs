use promfetch_tests::database::Kind;
use promfetch_tests::osb::{self, Call, binding, instance, with};
use promfetch_tests::{Broker, eventually};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::store::on_each_database;

on_each_database!(a_caller_that_hangs_up_leaves_nothing_half_done);

/// The head and the body of a request, as they are sent.
fn written(call: &Call) -> (String, Vec<u8>) {
    let mut head = format!(
        "{} /broker{} HTTP/1.1\r\nhost: x\r\n",
        call.method, call.path
    );
    for (name, value) in &call.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", call.body.len()));
    (head, call.body.to_vec())
}

async fn connect(broker: &Broker) -> TcpStream {
    let stream = TcpStream::connect(broker.promfetch.address())
        .await
        .expect("a connection");
    stream.set_nodelay(true).expect("a socket");
    stream
}

/// Item 32: a handler that is dropped when its client goes away has done all or nothing.
async fn a_caller_that_hangs_up_leaves_nothing_half_done(kind: Kind) {
    let broker = Broker::start_on(kind).await;
    for id in ["even", "odd"] {
        assert_eq!(broker.provision(id).await.status, 201);
    }
    for round in 0..60_usize {
        let id = if round % 2 == 0 { "even" } else { "odd" };
        let path = binding(id, &format!("b{}", round % 7));
        let call = if round % 3 == 2 {
            Call::new("DELETE", &format!("{path}{}", osb::IDS))
        } else {
            let body = with(osb::bind("a"), json!({"parameters": {"endpoint": "/x"}}));
            Call::new("PUT", &path).json(&body)
        };
        let (head, body) = written(&call);
        let mut stream = connect(&broker).await;
        stream.write_all(head.as_bytes()).await.expect("written");
        stream.write_all(&body).await.expect("written");
        // Gone at another moment each time.
        for _ in 0..round {
            tokio::task::yield_now().await;
        }
        if round % 5 == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(round as u64 / 4)).await;
        }
        drop(stream);
    }
    // Whoever comes next finds no lock, and store and memory agree.
    for id in ["even", "odd"] {
        assert_eq!(broker.provision(id).await.status, 200);
    }
    eventually("store and memory agree", async || {
        (broker.stored().await.len() == broker.held().await).then_some(())
    })
    .await;
    for id in ["even", "odd"] {
        assert_eq!(broker.delete(&instance(id)).await.status, 200);
    }
    assert_eq!((broker.stored().await.len(), broker.held().await), (0, 0));
}

/// Item 32: half a body makes nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_body_makes_nothing() {
    let broker = Broker::start().await;
    let call = Call::new("PUT", &instance("i")).json(&osb::provision());
    let (head, body) = written(&call);
    for bytes in [0, 1, body.len() / 2, body.len() - 1] {
        let mut stream = connect(&broker).await;
        stream.write_all(head.as_bytes()).await.expect("written");
        stream.write_all(&body[..bytes]).await.expect("written");
        stream.shutdown().await.expect("closed");
        let mut answer = Vec::new();
        // An answer, a reset or nothing: all are fine.
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 400"),
            "{answer}"
        );
        assert_eq!(
            broker.get(&instance("i")).await.status,
            404,
            "{bytes} bytes"
        );
    }
    assert_eq!(broker.provision("i").await.status, 201);
}

/// A body that never comes ends in 408, after which the Cloud Controller deletes nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_never_comes_is_408() {
    let broker = Broker::start().await;
    let call = Call::new("PUT", &instance("i")).json(&osb::provision());
    let (head, body) = written(&call);
    let mut stream = connect(&broker).await;
    stream.write_all(head.as_bytes()).await.expect("written");
    stream.write_all(&body[..10]).await.expect("written");
    let mut answer = vec![0; 4096];
    let read = stream.read(&mut answer).await.expect("an answer");
    let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("application/json"), "{answer}");
    assert_eq!(broker.get(&instance("i")).await.status, 404);
}
