use promfetch_tests::prometheus::Prometheus;
use promfetch_tests::{Promfetch, browser};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_finds_an_app_and_leaves_with_a_job_that_works() {
    let demo = Promfetch::demo().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("job.yml");
    let job_file = file.display().to_string();
    browser::run("explorer", &demo.api, &[("JOB_FILE", &job_file)]).await;

    // The job as it was copied, only that nobody waits a minute for the first scrape.
    let job = std::fs::read_to_string(&file).expect("the job that was copied");
    let config = format!("global:\n  scrape_interval: 2s\n  scrape_timeout: 2s\n{job}");
    let prometheus = Prometheus::start(&config).await;
    prometheus
        .until("count(promfetch_up{app_name=\"hello\"} == 1)", |up| {
            up == 3.0
        })
        .await;
    prometheus.until("min(up)", |up| up == 1.0).await;
}
