//! From located instances to what is asked: addresses, paths and labels.

use std::sync::Arc;

use super::bound::Bound;
use super::fixed::Owns;
use super::way::Way;
use crate::config::ExternalExporter;
use crate::discovery::Located;
use crate::fetch::Target;
use crate::instance::{Address, App, Transport};
use crate::labels::Labels;

/// The instances as targets: one each, in the same order. `asked` is the path that the caller asks for.
pub(super) fn of_instances(
    located: Vec<Located>,
    asked: Option<&str>,
    bound: &Bound,
    owns: &Owns,
    extra: &Labels,
) -> Vec<Arc<Target>> {
    let target = |one: Located| {
        let own = owns.get(&one);
        let way = Way::of(bound, &one.instance.app.app_id, own, asked);
        let labels = match own {
            None => one.instance.labels(),
            Some(own) => {
                let labels = with_extra(one.instance.labels(), &own.labels);
                match &own.agent {
                    None => labels,
                    Some(agent) => with_extra(labels, &agent.labels()),
                }
            }
        };
        Arc::new(Target {
            exporter: None,
            address: one.instance.address.clone(),
            transport: one.instance.transport.clone(),
            host: one.host.clone(),
            path_and_query: way.path.into(),
            labels: with_extra(labels, extra),
            trusted: one.trusted,
            extras: way.extras,
            profile: own.and_then(|own| own.profile.clone()),
            instance: Some(one),
        })
    };
    located.into_iter().map(target).collect()
}

/// The external exporters, once for each app among the instances.
pub(super) fn of_exporters(
    exporters: &[ExternalExporter],
    located: &[Located],
    extra: &Labels,
) -> Vec<Arc<Target>> {
    let mut apps: Vec<&Arc<App>> = located.iter().map(|one| &one.instance.app).collect();
    apps.dedup_by(|a, b| a.app_id == b.app_id);
    let pairs = apps
        .into_iter()
        .flat_map(|app| exporters.iter().map(move |exporter| (app, exporter)));
    pairs
        .map(|(app, exporter)| Arc::new(of_exporter(exporter, app, extra)))
        .collect()
}

fn of_exporter(exporter: &ExternalExporter, app: &App, extra: &Labels) -> Target {
    let default_port = if exporter.tls { 443 } else { 80 };
    let address = Address::parse(&exporter.host)
        .unwrap_or_else(|| Address::tcp(exporter.host.as_str(), default_port));
    let query = exporter.query(app);
    let separator = if exporter.metrics_path.contains('?') {
        '&'
    } else {
        '?'
    };
    Target {
        instance: None,
        exporter: Some(exporter.name.as_str().into()),
        transport: Transport {
            tls: exporter.tls.then(|| address.host().into()),
            http2: false,
        },
        host: exporter.host.as_str().into(),
        path_and_query: if query.is_empty() {
            exporter.metrics_path.as_str().into()
        } else {
            format!("{}{separator}{query}", exporter.metrics_path).into()
        },
        labels: with_extra(app.labels(), extra),
        trusted: true,
        extras: None,
        profile: None,
        address,
    }
}

/// The labels with further ones behind them. What is there already stays as it is.
fn with_extra(mut labels: Labels, extra: &Labels) -> Labels {
    for (name, value) in extra.iter() {
        if labels.get(name).is_none() {
            labels.push(name.to_owned(), value);
        }
    }
    labels
}
