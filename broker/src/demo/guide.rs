//! What the demo prints when it is up.

use super::instance::STOCK_PATH;
use super::router::{ORGANIZATION, SPACE, host};
use super::{APPS, BROKER_LOGIN, OPERATOR_LOGIN, PLAN_ID, SERVICE_ID};

/// Commands to try, for an API that listens at `url`.
pub fn guide(url: &str) -> String {
    let app = |name: &str| format!("{url}/v1/apps/{ORGANIZATION}/{SPACE}/{name}");
    let (hello, flaky) = (app("hello"), app("flaky"));
    let (guid, route) = (APPS[0].guid, host("hello"));
    let (user, password) = BROKER_LOGIN;
    let (operator, secret) = OPERATOR_LOGIN;
    let ids = format!(r#""service_id": "{SERVICE_ID}", "plan_id": "{PLAN_ID}""#);
    let provision = format!(r#"{{{ids}, "organization_guid": "o", "space_guid": "s"}}"#);
    let bind =
        format!(r#"{{{ids}, "app_guid": "{guid}", "parameters": {{"endpoint": "{STOCK_PATH}"}}}}"#);
    let address = url.split_once("://").map_or(url, |(_, address)| address);
    format!(
        "
promfetch has made a little platform inside this process. Nothing leaves this machine.

  hello   3 instances, all of them healthy
  flaky   4 instances; instance 1 never answers, instance 2 answers garbage

Open {url}/ in a browser: find an app, see its instances and its metrics, take a Prometheus job along.
How to use it is at {url}/doc.

Try these in another terminal:

  # All instances of hello, merged into one page and labelled
  curl -s {hello}/metrics

  # flaky, for a scraper that waits 3 s: the healthy instances are there in time,
  # and promfetch_up is 0 for the other two
  curl -s -H 'X-Prometheus-Scrape-Timeout-Seconds: 3' {flaky}/metrics | grep -E '^promfetch'

  # Why is an instance not there?
  curl -s {flaky}/instances

  # One instance alone
  curl -s {hello}/instances/2/metrics

  # The same app by its GUID, and by its route
  curl -s {url}/v1/apps/{guid}/metrics
  curl -s {url}/v1/apps/{route}/metrics

  # What promfetch says about itself, and the routing table, for operators alone
  curl -s {url}/metrics
  curl -s -u {operator}:{secret} {url}/routes

The service broker, as the platform calls it for `cf create-service` and `cf bind-service`:

  broker='curl -s -u {user}:{password} -H X-Broker-API-Version:2.17 {url}/broker/v2'
  $broker/service_instances/i --json '{provision}' -X PUT

  # hello has metrics on another path too; from the bind on they are its page
  bind='{bind}'
  $broker/service_instances/i/service_bindings/b --json \"$bind\" -X PUT
  curl -s {hello}/metrics | grep stock

  # Unbound, it is asked for /metrics again
  $broker'/service_instances/i/service_bindings/b?service_id={SERVICE_ID}&plan_id={PLAN_ID}' -X DELETE

For Prometheus, add to `scrape_configs` (the labels are in the page, hence `honor_labels`):

  - job_name: promfetch-demo
    honor_labels: true
    metrics_path: /v1/apps/{ORGANIZATION}/{SPACE}/hello/metrics
    static_configs: [{{targets: ['{address}']}}]

Ctrl-C ends the demo.
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_stands_whole_on_its_line() {
        let text = guide("http://127.0.0.1:5555");
        assert_eq!(text.matches("  curl -s ").count(), 9);
        for line in text.lines() {
            assert!(line.len() <= 160, "{line}");
        }
        assert!(
            text.contains("\n  curl -s http://127.0.0.1:5555/v1/apps/demo/dev/hello/metrics\n"),
            "{text}"
        );
        assert!(
            text.contains("static_configs: [{targets: ['127.0.0.1:5555']}]"),
            "{text}"
        );
    }
}
