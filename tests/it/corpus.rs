use promfetch_tests::{Answer, App, Behaviour, Page, Platform, tools};

/// The pages of `tests/corpus` that end so, by name.
fn pages(extension: &str) -> Vec<(String, Vec<u8>)> {
    let folder = tools::repository().join("tests/corpus");
    let mut pages: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read(path).unwrap())
        })
        .collect();
    pages.sort();
    assert!(!pages.is_empty(), "no `.{extension}` in tests/corpus");
    pages
}

/// Programs in several languages as the instances of one app: their families clash in every way. Each page that
/// is asked for here is judged by promtool or by Python's strict parser.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_all_programs_merge_into_one_that_strict_parsers_take() {
    let platform = Platform::start().await;
    for (extension, answer, accept) in [
        ("txt", Answer::text as fn(Vec<u8>) -> Answer, "text/plain"),
        ("om", Answer::openmetrics, "application/openmetrics-text"),
    ] {
        let pages = pages(extension);
        let behaviours = pages
            .iter()
            .map(|(_, page)| Behaviour::fixed(answer(page.clone())));
        let pushed = platform
            .push(App::new("acme", "prod", extension), behaviours)
            .await;
        let up = async |end: &str| {
            let answer = platform
                .promfetch
                .get_with(&pushed.app.path(end), &[("accept", accept)])
                .await;
            assert_eq!(answer.status, 200, "{end}: {}", answer.text());
            // Apps' lines stay as they were written, which can be stranger than what the tests' reader knows.
            let lines = answer.text().lines();
            let lines: Vec<_> = lines
                .filter(|line| line.starts_with("promfetch_up{"))
                .collect();
            Page::read(&lines.join("\n")).up()
        };
        let all = up("metrics").await;
        for ((name, _), instance) in pages.iter().zip(&pushed.instances) {
            assert_eq!(all[&*instance.index], 1.0, "{name}");
            let alone = up(&format!("instances/{}/metrics", instance.index)).await;
            assert_eq!(alone.len(), 1, "{name}");
        }
    }
}
