//! Discovery's own metrics. What the table knows is read when somebody asks for the page, not kept up to date.

use std::fmt::Error;
use std::sync::Arc;
use std::time::Instant;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::apply::{Subject, Verdict};
use super::readiness::{Board, SourceState};
use super::table::Table;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MessageLabels {
    subject: &'static str,
    result: &'static str,
}

/// Counters that the sources raise. Cloning shares them.
#[derive(Clone, Debug)]
pub(super) struct Metrics {
    messages: [[Counter; Verdict::ALL.len()]; Subject::ALL.len()],
    /// Polls of a gorouter that gave no table: promfetcher's counter.
    pub(super) polls_failed: Counter,
    pub(super) addresses_refused: Counter,
    /// Endpoints of a poll that the table had no room for; messages have a result of their own.
    pub(super) polled_full: Counter,
    pub(super) aged: Counter,
    /// Times that NATS' queue was full. How many messages each has cost is not known.
    pub(super) overruns: Counter,
}

impl Metrics {
    pub(super) fn register(registry: &mut Registry, table: Arc<Table>, board: Arc<Board>) -> Self {
        let family = Family::<MessageLabels, Counter>::default();
        let counter = |subject: Subject, verdict: Verdict| {
            family.get_or_create_owned(&MessageLabels {
                subject: subject.as_str(),
                result: verdict.as_str(),
            })
        };
        let metrics = Self {
            messages: Subject::ALL
                .map(|subject| Verdict::ALL.map(|verdict| counter(subject, verdict))),
            polls_failed: Counter::default(),
            addresses_refused: Counter::default(),
            polled_full: Counter::default(),
            aged: Counter::default(),
            overruns: Counter::default(),
        };
        registry.register(
            "promfetch_discovery_messages",
            "Messages of NATS by what became of them",
            family,
        );
        // promfetcher's name and words, so that its alerts go on working. The name's `_total` is added by the encoder.
        registry.register(
            "promfetch_scrape_route_failed",
            "Number of non fetched metrics without be an normal error",
            metrics.polls_failed.clone(),
        );
        registry.register(
            "promfetch_discovery_addresses_refused",
            "Registrations refused because the address may not be dialled",
            metrics.addresses_refused.clone(),
        );
        registry.register(
            "promfetch_discovery_polled_endpoints_refused",
            "Endpoints of gorouters left out because a bound of the table is reached",
            metrics.polled_full.clone(),
        );
        registry.register(
            "promfetch_discovery_endpoints_aged",
            "Endpoints dropped because their heartbeats stayed away",
            metrics.aged.clone(),
        );
        registry.register(
            "promfetch_discovery_overruns",
            "Times that messages of NATS were lost because their queue was full",
            metrics.overruns.clone(),
        );
        registry.register_collector(Box::new(TableCollector { table, board }));
        metrics
    }

    pub(super) fn count(&self, subject: Subject, verdict: Verdict) {
        self.messages[subject as usize][verdict as usize].inc();
        if verdict == Verdict::Address {
            self.addresses_refused.inc();
        }
    }
}

/// Reads a value of a source; `None` where it is not known.
type OfSource = fn(&SourceState) -> Option<f64>;

/// What is told of each source: name, help, value.
const OF_SOURCES: [(&str, &str, OfSource); 3] = [
    (
        "promfetch_source_connected",
        "Whether the source can be heard.",
        |source| Some(f64::from(source.connected)),
    ),
    (
        "promfetch_source_ready",
        "Whether the source has been heard completely once.",
        |source| Some(f64::from(source.ready)),
    ),
    (
        "promfetch_source_last_message_age_seconds",
        "Time since the source's latest message or good poll.",
        |source| source.last_message_age.map(|age| age.as_secs_f64()),
    ),
];

#[derive(Debug)]
struct TableCollector {
    table: Arc<Table>,
    board: Arc<Board>,
}

impl Collector for TableCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let now = Instant::now();
        let sizes = self.table.sizes();
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        for (name, help, value) in [
            (
                "promfetch_table_endpoints",
                "Endpoints in the routing table: pairs of route and address.",
                sizes.endpoints,
            ),
            (
                "promfetch_table_routes",
                "Routes in the routing table.",
                sizes.routes,
            ),
            (
                "promfetch_table_instances",
                "Instances in the routing table, those of the platform included.",
                sizes.instances,
            ),
            (
                "promfetch_table_apps",
                "Apps in the routing table, one for each set of tags.",
                sizes.apps,
            ),
            (
                "promfetch_table_tombstones",
                "Instances kept out because their certificate named somebody else.",
                sizes.tombstones,
            ),
        ] {
            encoder
                .encode_descriptor(name, help, None, MetricType::Gauge)?
                .encode_gauge(&count(value))?;
        }
        let age = self.table.update_age(now).as_secs_f64();
        encoder
            .encode_descriptor(
                "promfetch_latest_time_scrape_route",
                "Last time that route has been scraped in seconds.",
                None,
                MetricType::Gauge,
            )?
            .encode_gauge(&age)?;

        let sources = self.board.readiness(now).sources;
        for (name, help, value) in OF_SOURCES {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for source in &sources {
                let Some(value) = value(source) else { continue };
                let labels = [("kind", source.kind), ("name", &source.name)];
                family.encode_family(&labels)?.encode_gauge(&value)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discovery::table::Bounds;
    use crate::policy::AddressPolicy;
    use std::time::Duration;

    #[test]
    fn the_page_has_promfetcher_s_names_and_the_table_s_sizes() {
        let mut registry = Registry::default();
        let table = Arc::new(Table::new(
            Duration::from_secs(120),
            AddressPolicy::default(),
            Bounds::default(),
            Instant::now(),
        ));
        let board = Board::new([("nats", "nats.internal:4222".into())]);
        let metrics = Metrics::register(&mut registry, Arc::clone(&table), Arc::clone(&board));
        board.reporter(0).heard(Instant::now());
        metrics.polls_failed.inc();
        metrics.count(Subject::Register, Verdict::Address);
        metrics.count(Subject::Unregister, Verdict::Invalid);

        let mut page = String::new();
        prometheus_client::encoding::text::encode(&mut page, &registry).unwrap();
        for line in [
            "# HELP promfetch_latest_time_scrape_route Last time that route has been scraped in seconds.\n",
            "# TYPE promfetch_latest_time_scrape_route gauge\npromfetch_latest_time_scrape_route 0",
            "# HELP promfetch_scrape_route_failed Number of non fetched metrics without be an normal error.\n",
            "promfetch_scrape_route_failed_total 1\n",
            "promfetch_table_endpoints 0\n",
            "promfetch_source_connected{kind=\"nats\",name=\"nats.internal:4222\"} 0.0\n",
            "promfetch_source_last_message_age_seconds{kind=\"nats\",name=\"nats.internal:4222\"} 0",
            "promfetch_discovery_addresses_refused_total 1\n",
            "promfetch_discovery_messages_total{subject=\"router.register\",result=\"address_refused\"} 1\n",
            "promfetch_discovery_messages_total{subject=\"router.unregister\",result=\"invalid\"} 1\n",
            "promfetch_discovery_messages_total{subject=\"router.register\",result=\"changed\"} 0\n",
        ] {
            assert!(page.contains(line), "{line} in {page}");
        }
    }
}
