//! Real programs beside promfetch: Prometheus, its node exporter, nginx.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::app::encode;
use crate::http;
use crate::net::free_address;
use crate::process::Process;
use crate::tools;
use crate::wait::eventually;

/// A running Prometheus.
#[derive(Debug)]
pub struct Prometheus {
    pub address: SocketAddr,
    _process: Process,
    _folder: TempDir,
}

/// One series of a query's answer.
#[derive(Clone, Debug)]
pub struct Series {
    pub labels: serde_json::Map<String, Value>,
    pub value: f64,
}

impl Series {
    pub fn label(&self, name: &str) -> &str {
        self.labels.get(name).and_then(Value::as_str).unwrap_or("")
    }
}

impl Prometheus {
    /// Scrapes every path of the target every two seconds, in a job of its own named by its position: `app0`, `app1`, …
    pub async fn scraping(target: &str, paths: &[String]) -> Self {
        let jobs: String = paths
            .iter()
            .enumerate()
            .map(|(number, path)| {
                format!("- job_name: app{number}\n  honor_labels: true\n  metrics_path: '{path}'\n  static_configs:\n  - targets: ['{target}']\n")
            })
            .collect();
        Self::start(&format!(
            "global:\n  scrape_interval: 2s\n  scrape_timeout: 2s\nscrape_configs:\n{jobs}"
        ))
        .await
    }

    /// With this configuration, as soon as it is ready.
    ///
    /// # Panics
    /// When it does not become ready.
    pub async fn start(config: &str) -> Self {
        Self::start_with(config, &[]).await
    }

    /// With more arguments.
    ///
    /// # Panics
    /// When it does not become ready.
    pub async fn start_with(config: &str, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self::start_in(folder, config, arguments).await
    }

    /// Scrapes nothing and has the samples of this OpenMetrics page, all of which have times, from the beginning.
    ///
    /// # Panics
    /// When promtool does not take the page, or Prometheus does not become ready.
    pub async fn with_history(page: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("history.om"), page).expect("a temporary file");
        let output = Command::new(tools::find("promtool"))
            .args([
                "tsdb",
                "create-blocks-from",
                "openmetrics",
                "history.om",
                "data",
            ])
            .current_dir(folder.path())
            .output()
            .expect("promtool starts");
        assert!(
            output.status.success(),
            "promtool: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Self::start_in(folder, "", &["--storage.tsdb.retention.time=100y"]).await
    }

    async fn start_in(folder: TempDir, config: &str, arguments: &[&str]) -> Self {
        let address = free_address();
        std::fs::write(folder.path().join("prometheus.yml"), config).expect("a temporary file");
        let own = [
            "--config.file=prometheus.yml".to_owned(),
            "--storage.tsdb.path=data".to_owned(),
            format!("--web.listen-address={address}"),
        ];
        let arguments: Vec<String> = own
            .into_iter()
            .chain(arguments.iter().map(|argument| (*argument).to_owned()))
            .collect();
        let mut process = Process::start(&tools::find("prometheus"), &arguments, |command| {
            command.current_dir(folder.path());
        });
        process
            .printed("that it is ready", |log| {
                log.contains("Server is ready to receive web requests")
                    .then_some(())
            })
            .await;
        Self {
            address,
            _process: process,
            _folder: folder,
        }
    }

    /// The series of an instant query.
    ///
    /// # Panics
    /// When Prometheus refuses the query.
    pub async fn query(&self, promql: &str) -> Vec<Series> {
        series(&self.raw(promql).await)
    }

    /// The same as the API says it, which has histograms too.
    ///
    /// # Panics
    /// When Prometheus refuses the query.
    pub async fn raw(&self, promql: &str) -> Vec<Value> {
        let answer = http::get(
            &format!(
                "http://{}/api/v1/query?query={}",
                self.address,
                encode(promql)
            ),
            &[],
        )
        .await;
        assert_eq!(answer.status, 200, "{promql}: {}", answer.text());
        let answer: Value = serde_json::from_slice(&answer.body).expect("JSON");
        answer["data"]["result"]
            .as_array()
            .unwrap_or_else(|| panic!("{promql}: {answer}"))
            .clone()
    }

    /// The series of an instant query at a time in milliseconds since 1970.
    ///
    /// # Errors
    /// What Prometheus says of a query that it refuses.
    ///
    /// # Panics
    /// When the answer is none of the API's.
    pub async fn query_at(&self, promql: &str, at: i64) -> Result<Vec<Series>, String> {
        let time = at as f64 / 1000.0;
        let url = format!(
            "http://{}/api/v1/query?time={time}&query={}",
            self.address,
            encode(promql)
        );
        let answer = http::get(&url, &[]).await;
        let answer: Value = serde_json::from_slice(&answer.body).expect("JSON");
        if let Some(error) = answer["error"].as_str() {
            return Err(error.into());
        }
        let result = answer["data"]["result"].as_array().expect("a result");
        Ok(series(result))
    }

    /// The single value of a query; `None` while there is no series.
    pub async fn value(&self, promql: &str) -> Option<f64> {
        let series = self.query(promql).await;
        assert!(series.len() <= 1, "{promql}: {series:?}");
        series.first().map(|series| series.value)
    }

    /// Waits until a query has a single value that fits.
    pub async fn until(&self, promql: &str, fits: impl Fn(f64) -> bool) -> f64 {
        eventually(promql, async || {
            self.value(promql).await.filter(|value| fits(*value))
        })
        .await
    }
}

/// What an instant query's answer says.
fn series(result: &[Value]) -> Vec<Series> {
    let of = |series: &Value| Series {
        labels: series["metric"].as_object().cloned().unwrap_or_default(),
        value: series["value"][1]
            .as_str()
            .and_then(|value| value.parse().ok())
            .unwrap_or(f64::NAN),
    };
    result.iter().map(of).collect()
}

/// Some other server process that answers on an address.
#[derive(Debug)]
pub struct Server {
    pub address: SocketAddr,
    _process: Process,
    _folder: TempDir,
}

/// prometheus-node-exporter, with the collectors that work everywhere.
pub async fn node_exporter() -> Server {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let address = free_address();
    let mut process = Process::start(
        &tools::find("prometheus-node-exporter"),
        &[
            format!("--web.listen-address={address}"),
            "--collector.disable-defaults".to_owned(),
            "--collector.cpu".to_owned(),
            "--collector.meminfo".to_owned(),
            "--collector.loadavg".to_owned(),
            "--collector.stat".to_owned(),
        ],
        |_| (),
    );
    process
        .printed("that it listens", |log| {
            log.contains("istening on").then_some(())
        })
        .await;
    answering(&format!("http://{address}/metrics")).await;
    Server {
        address,
        _process: process,
        _folder: folder,
    }
}

/// nginx that serves the files of a folder, with gzip where the client takes it.
///
/// # Panics
/// When it does not start.
pub async fn nginx(pages: &Path) -> Server {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let address = free_address();
    let config = format!(
        "daemon off;\nmaster_process off;\npid nginx.pid;\nerror_log stderr;\n\
         events {{}}\n\
         http {{\n access_log off;\n gzip on;\n gzip_types text/plain;\n gzip_min_length 100;\n gzip_proxied any;\n\
         client_body_temp_path tmp;\n proxy_temp_path tmp;\n fastcgi_temp_path tmp;\n uwsgi_temp_path tmp;\n scgi_temp_path tmp;\n\
         server {{\n listen {address};\n keepalive_timeout 1s;\n default_type 'text/plain; version=0.0.4';\n root '{}';\n }}\n}}\n",
        pages.display()
    );
    std::fs::write(folder.path().join("nginx.conf"), config).expect("a temporary file");
    let prefix = folder.path().display().to_string();
    let process = Process::start(
        &tools::find("nginx"),
        &["-p", &prefix, "-c", "nginx.conf"],
        |_| (),
    );
    // Any answer will do: the folder may have no index.
    eventually("nginx answers", async || {
        http::try_get(&format!("http://{address}/"), &[]).await.ok()
    })
    .await;
    Server {
        address,
        _process: process,
        _folder: folder,
    }
}

/// A Python program whose `/metrics` is served by `prometheus_client`: these lines, then an endless sleep.
pub async fn python_app(metrics: &str) -> Server {
    let address = free_address();
    let program = format!(
        "import time\nfrom prometheus_client import *\n{metrics}\n\
         start_http_server({}, '{}')\ntime.sleep(1e6)\n",
        address.port(),
        address.ip()
    );
    let process = Process::start(&tools::python(), &["-c", &program], |_| ());
    answering(&format!("http://{address}/metrics")).await;
    Server {
        address,
        _process: process,
        _folder: tempfile::tempdir().expect("a temporary folder"),
    }
}

async fn answering(url: &str) {
    eventually(&format!("{url} answers"), async || {
        http::try_get(url, &[])
            .await
            .ok()
            .filter(|answer| answer.status == 200)
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::behaviour::Behaviour;
    use crate::instance::Instance;

    #[tokio::test]
    async fn prometheus_scrapes_and_answers_promql() {
        let instance = Instance::start("0", Behaviour::counting(3)).await;
        let prometheus =
            Prometheus::scraping(&instance.address.to_string(), &["/metrics".into()]).await;
        prometheus
            .until("count_over_time(up{job=\"app0\"}[1m])", |scrapes| {
                scrapes >= 2.0
            })
            .await;
        assert_eq!(prometheus.value("queue_length").await, Some(3.0));
    }

    #[tokio::test]
    async fn exporter_and_nginx_answer() {
        let exporter = node_exporter().await;
        let page = http::get(&format!("http://{}/metrics", exporter.address), &[]).await;
        assert!(page.text().contains("node_load1 "), "{}", page.text());

        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("metrics"), "saved_metric 1\n")
            .expect("a temporary file");
        let nginx = nginx(folder.path()).await;
        assert_eq!(
            http::get(&format!("http://{}/metrics", nginx.address), &[])
                .await
                .text(),
            "saved_metric 1\n"
        );
    }
}
