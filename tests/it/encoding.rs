use std::io::Read;

use promfetch_tests::{Answer, App, Behaviour, Page, Platform};

fn decoded(encoding: &str, body: &[u8]) -> Vec<u8> {
    match encoding {
        "" => body.to_vec(),
        "gzip" => {
            let mut text = Vec::new();
            flate2::read::MultiGzDecoder::new(body)
                .read_to_end(&mut text)
                .unwrap();
            text
        }
        "zstd" => zstd::decode_all(body).unwrap(),
        other => panic!("an encoding nobody asked for: {other}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_get_the_encoding_they_ask_for() {
    let platform = Platform::start().await;
    let page: String = (0..5_000)
        .map(|number| format!("a{{number=\"{number}\"}} {number}\n"))
        .collect();
    let pushed = platform
        .push(
            App::new("acme", "prod", "shop"),
            [Behaviour::page(page.clone()), Behaviour::page(page)],
        )
        .await;
    let path = pushed.app.path("only-app-metrics");
    let plain = platform.promfetch.get(&path).await;
    assert_eq!(plain.header("content-encoding"), "");
    for (accept, expected) in [
        ("gzip", &["gzip"][..]),
        ("zstd", &["zstd"]),
        ("gzip, zstd", &["gzip", "zstd"]),
        ("gzip;q=0.5, zstd;q=0.9", &["zstd"]),
        ("gzip;q=0", &[""]),
        ("identity", &[""]),
        ("br", &[""]),
        ("*", &["gzip", "zstd", ""]),
    ] {
        let answer = platform
            .promfetch
            .try_get_with(&path, &[("accept-encoding", accept)])
            .await
            .unwrap();
        assert_eq!(answer.status, 200);
        let encoding = answer.header("content-encoding");
        assert!(expected.contains(&encoding), "{accept}: {encoding:?}");
        assert_eq!(decoded(encoding, &answer.body), plain.body, "{accept}");
        if !encoding.is_empty() {
            assert!(
                answer.body.len() < plain.body.len() / 4,
                "{accept}: {} of {}",
                answer.body.len(),
                plain.body.len()
            );
            assert!(
                answer
                    .header("vary")
                    .to_lowercase()
                    .contains("accept-encoding"),
                "{accept}: {:?}",
                answer.headers
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_may_answer_gzip_and_zstd() {
    let platform = Platform::start().await;
    let answer = |value: u32| Answer::text(format!("a {value}\n").repeat(1));
    let behaviours = [
        Behaviour::fixed(answer(0)),
        Behaviour::fixed(answer(1).encoded("gzip")),
        Behaviour::fixed(answer(2).encoded("zstd")),
        Behaviour::fixed(Answer::text("").encoded("gzip")),
    ];
    let pushed = platform
        .push(App::new("acme", "prod", "shop"), behaviours)
        .await;
    let page: Page = platform.page(&pushed.app).await;
    assert_eq!(
        page.all("a")
            .iter()
            .map(|sample| sample.value)
            .collect::<Vec<_>>(),
        [0.0, 1.0, 2.0]
    );
    assert_eq!(page.up().values().sum::<f64>(), 4.0);
    assert_eq!(
        page.value("promfetch_scrape_body_bytes", &[("index", "1")]),
        4.0,
        "bytes after decompression"
    );
}
