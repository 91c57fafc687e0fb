//! The whole document, fitted to an installation: its address, and which logins it takes.

use std::collections::BTreeMap;

use utoipa::openapi::external_docs::ExternalDocsBuilder;
use utoipa::openapi::path::{HttpMethod, PathItem, Paths};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, ServerBuilder,
};
use utoipa::{PartialSchema, ToSchema};

use super::{Description, Problem, Routes, errors};
use crate::access::Class;
use crate::config::Config;
use crate::config::access::Mode;

const ABOUT: &str = "\
The metrics of all instances of an app on Cloud Foundry, on one page, for Prometheus and people. `/doc` explains it.

An app is named by its GUID, by a route, or by organization, space and app. Names are percent-encoded, each by itself.

Errors are one line of text, or `application/problem+json` for callers whose `Accept` names JSON.

Not described here: ";

const BROKER_API: &str = "https://www.openservicebrokerapi.org/";

const BASIC: &str = "basic";
const BEARER: &str = "bearer";

/// The document for these routes.
pub(super) fn of(routes: &Routes, config: &Config) -> OpenApi {
    let mut of_problem = Vec::new();
    Problem::schemas(&mut of_problem);
    let mut components = ComponentsBuilder::new()
        .schema(Problem::name(), Problem::schema())
        .schemas_from_iter(of_problem)
        .responses_from_iter(errors::components());
    for (name, scheme) in schemes(config) {
        components = components.security_scheme(name, scheme);
    }
    let mut paths = Paths::new();
    let mut others: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (path, class, description) in routes {
        let operations = match description {
            Description::Operations(operations) => operations,
            Description::None(why) => {
                others.entry(why).or_default().push(format!("`{path}`"));
                continue;
            }
        };
        for operation in operations() {
            components = components.schemas_from_iter(operation.schemas.clone());
            let path = operation.path.clone();
            let mut built = operation.build(*class);
            built.security = Some(security(*class, config));
            paths
                .paths
                .insert(path, PathItem::new(HttpMethod::Get, built));
        }
    }
    let others: Vec<String> = others
        .iter()
        .map(|(why, paths)| format!("{} ({why})", paths.join(", ")))
        .collect();
    let info = InfoBuilder::new()
        .title("promfetch")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(format!("{ABOUT}{}.", others.join("; "))))
        .license(Some(
            LicenseBuilder::new()
                .name("Apache-2.0")
                .identifier(Some("Apache-2.0"))
                .build(),
        ));
    let tags = [
        ("apps", "What apps say about themselves"),
        ("prometheus", "For Prometheus' configuration"),
        ("promfetch", "promfetch itself"),
    ];
    let tags = tags.map(|(name, description)| {
        TagBuilder::new()
            .name(name)
            .description(Some(description))
            .build()
    });
    OpenApiBuilder::new()
        .info(info.build())
        .servers(Some([ServerBuilder::new().url(&config.base_url).build()]))
        .paths(paths)
        .components(Some(components.build()))
        .tags(Some(tags))
        .external_docs(Some(
            ExternalDocsBuilder::new()
                .url(BROKER_API)
                .description(Some("The Open Service Broker API, below `/broker`"))
                .build(),
        ))
        .build()
}

/// The logins that this installation takes.
fn schemes(config: &Config) -> Vec<(&'static str, SecurityScheme)> {
    let basic = HttpBuilder::new()
        .scheme(HttpAuthScheme::Basic)
        .description(Some(
            "Credentials of a binding or a service key, or an operator's",
        ));
    let mut schemes = vec![(BASIC, SecurityScheme::Http(basic.build()))];
    if config.access.uaa.is_some() {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some(
                "A token of the platform's UAA, as `cf oauth-token` prints it",
            ));
        schemes.push((BEARER, SecurityScheme::Http(bearer.build())));
    }
    schemes
}

/// Which of them a route of this class needs. One of the list is enough; an empty one is no login.
fn security(class: Class, config: &Config) -> Vec<SecurityRequirement> {
    let with = |name: &str| SecurityRequirement::new(name, Vec::<String>::new());
    let is_open = config.access.mode != Mode::Protected;
    match class {
        Class::Public | Class::Broker => Vec::new(),
        Class::Operator => vec![with(BASIC)],
        Class::Reader | Class::Platform if is_open => vec![SecurityRequirement::default()],
        Class::Platform => vec![with(BASIC)],
        Class::Reader => schemes(config).iter().map(|(name, _)| with(name)).collect(),
    }
}
