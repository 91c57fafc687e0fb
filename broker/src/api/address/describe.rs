//! What is below `/v1/apps/` and `/v2/apps/`, for `/openapi.json`: every view of an app, in every form of address.

use axum::http::StatusCode;
use utoipa::IntoParams;
use utoipa::openapi::schema::Type;

use super::{Kind, Version};
use crate::api::{browse, instances};
use crate::openapi::{Operation, PAGES, TEXT};

/// The views, each once.
fn views() -> [View; 6] {
    let page = |only_app_metrics| View::of(&Kind::Page, only_app_metrics);
    [
        page(false),
        page(true),
        View::of(&Kind::Instances, false),
        View::of(&Kind::Families, false),
        View::of(&Kind::Samples(String::new()), false),
        View::of(&Kind::InstancePage(String::new()), false),
    ]
}

/// A view of an app.
struct View {
    /// What the path ends in.
    end: &'static str,
    /// Its word in the names of operations.
    id: &'static str,
    summary: &'static str,
    describe: fn(Operation, Version) -> Operation,
}

impl View {
    /// A kind that is added has its line here.
    fn of(kind: &Kind, only_app_metrics: bool) -> Self {
        match kind {
            Kind::Page if only_app_metrics => Self {
                end: "only-app-metrics",
                id: "AppMetricsOnly",
                summary: "The merged page without external exporters and health series",
                describe: page,
            },
            Kind::Page => Self {
                end: "metrics",
                id: "AppMetrics",
                summary: "The metrics of all instances of an app, on one page",
                describe: |operation, version| page(operation, version).query::<OnlyFromApp>(),
            },
            Kind::Instances => Self {
                end: "instances",
                id: "Instances",
                summary: "Why is my app (not) there? The state of each instance. Nothing is fetched for it",
                describe: |operation, _| {
                    operation
                        .query::<PathParameter>()
                        .json::<instances::Instances>("One entry for each instance")
                        .errors([StatusCode::BAD_REQUEST, StatusCode::FORBIDDEN])
                },
            },
            Kind::Families => Self {
                end: "families",
                id: "Families",
                summary: "What the instances of an app have metrics of. They are asked for it",
                describe: |operation, _| {
                    asking(operation).json::<browse::Families>("At most 5,000, and 4 MiB of text")
                },
            },
            Kind::Samples(_) => Self {
                end: "samples",
                id: "Samples",
                summary: "The samples of one family, of all instances. They are asked for it",
                describe: |operation, _| {
                    asking(operation)
                        .query::<FamilyParameter>()
                        .json::<browse::Samples>("At most 2,000, and 4 MiB of text")
                },
            },
            Kind::InstancePage(_) => Self {
                end: "instances/{instance}/metrics",
                id: "InstanceMetrics",
                summary: "The metrics of one instance",
                describe: |operation, version| {
                    let operation = operation.segment(
                        "instance",
                        "Its index, its GUID, or `host:port` of one that has none",
                        "0",
                    );
                    page(operation, version).errors([StatusCode::CONFLICT])
                },
            },
        }
    }
}

fn page(operation: Operation, version: Version) -> Operation {
    let kinds = match version {
        Version::V1 => PAGES,
        Version::V2 => TEXT,
    };
    asking(operation)
        .text("The page", kinds)
        .with(
            "X-Promfetch-Up",
            "How many instances gave metrics",
            Type::Integer,
        )
        .with(
            "X-Promfetch-Failed",
            "How many instances and external exporters did not",
            Type::Integer,
        )
        .errors([StatusCode::NOT_ACCEPTABLE, StatusCode::BAD_GATEWAY])
}

/// What can be said of every view for which the instances are asked.
fn asking(operation: Operation) -> Operation {
    operation
        .query::<PathParameter>()
        .header(
            "X-Prometheus-Scrape-Timeout-Seconds",
            "How long the caller waits; the answer comes before, with what has arrived by then",
            Type::String,
            "10",
        )
        .header(
            "X-Promfetch-App-Authorization",
            "`Authorization` for the app itself",
            Type::String,
            "Bearer a-token",
        )
        .errors([StatusCode::BAD_REQUEST, StatusCode::FORBIDDEN])
}

/// What can be said of every view.
#[expect(dead_code, reason = "it stands for the names and their description")]
#[derive(IntoParams)]
struct PathParameter {
    /// Where the metrics are, in place of `/metrics`. What the app's developers have bound wins over it.
    #[param(example = "/actuator/prometheus")]
    metric_path: Option<String>,
    /// Processes of this type instead of the app's usual one, which is `web` unless something else is bound.
    #[param(example = "worker")]
    process_type: Option<String>,
}

/// Which family.
#[expect(dead_code, reason = "it stands for the name and its description")]
#[derive(IntoParams)]
pub(crate) struct FamilyParameter {
    /// The name of the family, as `families` has it. It must be there.
    #[param(example = "http_requests_total", min_length = 1)]
    family: Option<String>,
}

#[expect(dead_code, reason = "it stands for the names and their description")]
#[derive(IntoParams)]
struct OnlyFromApp {
    /// With any value, or none, the same as `only-app-metrics`.
    only_from_app: Option<String>,
}

#[expect(dead_code, reason = "it stands for the names and their description")]
#[derive(IntoParams)]
struct ByParameter {
    /// `org/space/app`, a GUID, or a route.
    #[param(example = "my-org/my-space/my-app")]
    app: Option<String>,
    /// A route, with or without a path. One of the two is needed; `app` wins.
    #[param(example = "my-app.apps.example.org/path")]
    route_url: Option<String>,
}

pub(crate) fn v1() -> Vec<Operation> {
    operations(Version::V1)
}

pub(crate) fn v2() -> Vec<Operation> {
    operations(Version::V2)
}

/// Each view by one segment, by names, and by a parameter.
fn operations(version: Version) -> Vec<Operation> {
    let (path, prefix, more) = match version {
        Version::V1 => ("/v1/apps", "get", ""),
        Version::V2 => ("/v2/apps", "getV2", ", as text whatever the caller takes"),
    };
    let mut all = Vec::new();
    for View {
        end,
        id,
        summary,
        describe,
    } in views()
    {
        if version == Version::V2 && ["families", "samples"].contains(&end) {
            continue;
        }
        let summary = if end == "instances" {
            summary.to_owned()
        } else {
            format!("{summary}{more}")
        };
        let new = |selector: &str, by: &str| {
            let path = format!("{path}{selector}/{end}");
            Operation::get(path, format!("{prefix}{id}{by}"), &summary)
                .errors([StatusCode::NOT_FOUND])
        };
        let by_segment = new("/{selector}", "").segment(
            "selector",
            "The app's GUID, or the host of one of its routes",
            "my-app.apps.example.org",
        );
        let by_names = new("/{organization}/{space}/{app}", "ByNames")
            .segment("organization", "Name of the organization", "my-org")
            .segment("space", "Name of the space", "my-space")
            .segment("app", "Name of the app", "my-app");
        let by_parameter = new("", "ByParameter")
            .query::<ByParameter>()
            .errors([StatusCode::BAD_REQUEST]);
        all.extend(
            [by_segment, by_names, by_parameter].map(|operation| describe(operation, version)),
        );
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    #[test]
    fn every_address_that_is_described_is_read() {
        for operation in v1().into_iter().chain(v2()) {
            let mut path = operation
                .path
                .replace("{selector}", "host.example")
                .replace("{organization}/{space}/{app}", "o/s/a")
                .replace("{instance}", "0");
            if !operation.path.contains('{') || operation.path.contains("apps/instances/{") {
                path.push_str("?app=o/s/a");
            }
            if operation.path.ends_with("/samples") {
                path.push_str(if path.contains('?') { "&" } else { "?" });
                path.push_str("family=a");
            }
            let address = parse(&path.parse().unwrap()).unwrap();
            let shown = format!("{:?}", address.kind);
            assert!(!shown.is_empty(), "{path}");
        }
    }
}
