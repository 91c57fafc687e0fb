//! What a running promfetch says.

use serde_json::{Value, json};

use super::super::running::Server;
use super::super::{Failure, progress};
use super::Arguments;

/// Asks for the instances, and then has them asked.
pub(super) async fn gather(arguments: &Arguments, base: &str) -> Result<Value, Failure> {
    let running = &arguments.running;
    let login = running.login.as_deref();
    let server = Server::new(base, login, running.insecure, arguments.timeout)?;
    let query = [
        ("metric_path", arguments.metric_path.as_deref()),
        ("process_type", arguments.process_type.as_deref()),
    ];
    let ask = async |end: &str| {
        let url = server.base.of_app(&arguments.selector, end, &query);
        let seconds = arguments.timeout.as_secs_f64().to_string();
        let request = server
            .get(url)
            .header("x-prometheus-scrape-timeout-seconds", seconds);
        progress::wait(&format!("waiting for {base}"), server.json(request)).await
    };
    let (status, mut listed) = ask("instances").await?;
    match status {
        200 => {}
        404 | 503 => return Ok(not_found(arguments, &mut listed)),
        _ => return Err(refused(status, &listed)),
    }
    let (status, mut asked) = ask("families").await?;
    match status {
        200 => {
            // How they have answered now.
            listed["instances"] = asked["instances"].take();
            listed["families_total"] = asked["families_total"].take();
        }
        // Older ones have no such page, and the last instance may have left in between.
        404 | 503 => {}
        _ => return Err(refused(status, &asked)),
    }
    Ok(listed)
}

/// What of a problem (RFC 9457) goes into the report.
fn not_found(arguments: &Arguments, problem: &mut Value) -> Value {
    let mut found = json!({
        "selector": arguments.selector.to_string(),
        "error": problem["detail"].take(),
    });
    for member in ["near", "component", "table"] {
        if let Some(value) = problem.get_mut(member) {
            found[member] = value.take();
        }
    }
    found
}

fn refused(status: u16, problem: &Value) -> Failure {
    let detail = problem["detail"].as_str().unwrap_or_default();
    let detail: String = detail.chars().filter(|char| !char.is_control()).collect();
    let way_out = if status == 401 {
        "\ngive a login with `--login FILE`"
    } else {
        ""
    };
    Failure::failed(format!("{status} {detail}{way_out}"))
}
