//! One instance of a demo app: a little shop whose metrics change as if people bought there.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::Router;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use promfetch_core::exposition::{Format, media};

use super::Behaviour;
use crate::api::own_text;

/// What an instance that lost its way might send: it claims to be metrics and is not.
const GARBAGE: &str =
    "http_requests_total{method=\"GET\",code=\"200 1027\n%PDF-1.4 this is not a metric }{\n";

/// Requests a second that the first instance pretends to serve on average, and how many more each further one does.
const RATE: f64 = 20.0;
const MORE: f64 = 6.0;
/// Business goes up and down by this share of the rate, in so many seconds: a plot of it moves.
const SWING: f64 = 0.4;
const SECONDS: f64 = 90.0;
/// The most that an instance catches up with after a pause.
const MOST_AT_ONCE: u32 = 5_000;

/// Where further metrics of each instance are, for who binds that path.
pub(super) const STOCK_PATH: &str = "/stock/metrics";

/// The instance's whole HTTP server.
pub(super) fn router(app: &'static str, index: usize, behaviour: Behaviour) -> Router {
    let greeting = format!("Hello from instance {index} of {app}. My metrics are on /metrics.\n");
    let router = Router::new()
        .route("/", get(move || std::future::ready(greeting.clone())))
        .route(STOCK_PATH, get(async || stock()));
    let shop = Arc::new(Mutex::new(Shop::open(index)));
    router.route(
        "/metrics",
        get(move |headers: HeaderMap| async move {
            match behaviour {
                Behaviour::Healthy => metrics(&shop, &headers),
                Behaviour::Hangs => std::future::pending().await,
                Behaviour::AnswersGarbage => {
                    ([(CONTENT_TYPE, Format::Text.content_type())], GARBAGE).into_response()
                }
            }
        }),
    )
}

fn stock() -> impl IntoResponse {
    let page = "# HELP shop_articles_in_stock Articles that can be sold\n# TYPE shop_articles_in_stock gauge\nshop_articles_in_stock 4711\n";
    ([(CONTENT_TYPE, Format::Text.content_type())], page)
}

fn metrics(shop: &Mutex<Shop>, headers: &HeaderMap) -> Response {
    let mut page = String::new();
    let mut shop = shop.lock().unwrap_or_else(PoisonError::into_inner);
    shop.sell(Instant::now());
    // Writing to a string does not fail.
    let _ = encode(&mut page, &shop.registry);
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    let dialect = media::accepted(accept, &[Format::Text, Format::OpenMetrics]).first();
    if dialect.format == Format::Text {
        page = own_text::from_openmetrics(&page);
    }
    ([(CONTENT_TYPE, dialect.content_type())], page).into_response()
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    method: &'static str,
    path: &'static str,
    code: u16,
}

/// The metrics of one instance, and what is needed to go on with them.
struct Shop {
    registry: Registry,
    requests: Family<Request, Counter>,
    duration: Histogram,
    queue: Gauge,
    /// State of a simple pseudo-random sequence, so that instances differ and runs are alike.
    dice: u32,
    index: f64,
    opened: Instant,
    /// Requests served since then.
    sold: f64,
}

impl Shop {
    fn open(index: usize) -> Self {
        let mut shop = Self {
            registry: Registry::default(),
            requests: Family::default(),
            duration: Histogram::new([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0]),
            queue: Gauge::default(),
            dice: u32::try_from(index)
                .unwrap_or_default()
                .wrapping_mul(2_654_435_761),
            index: f64::from(u32::try_from(index).unwrap_or_default()),
            opened: Instant::now(),
            sold: 0.0,
        };
        let registry = &mut shop.registry;
        registry.register(
            "http_requests",
            "Requests served, by method, path and status",
            shop.requests.clone(),
        );
        registry.register(
            "http_request_duration_seconds",
            "Time taken to serve a request",
            shop.duration.clone(),
        );
        registry.register(
            "shop_orders_waiting",
            "Orders that nobody has packed yet",
            shop.queue.clone(),
        );
        registry.register(
            "shop_build",
            "The version of the shop",
            Info::new([("version", "2.4.1"), ("language", "rust")]),
        );
        // A first morning, so that the first page is not empty.
        for _ in 0..100 {
            shop.serve();
        }
        shop
    }

    /// Serves the customers that came since the last time.
    fn sell(&mut self, now: Instant) {
        let seconds = now.saturating_duration_since(self.opened).as_secs_f64();
        let customers = self.until(seconds) - self.sold;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative, and the conversion saturates"
        )]
        let whole = customers as u32;
        self.sold += f64::from(whole);
        for _ in 0..whole.min(MOST_AT_ONCE) {
            self.serve();
        }
    }

    /// All customers of so many seconds: the sum of a rate that swings. Each instance is at another point of it.
    fn until(&self, seconds: f64) -> f64 {
        let turns = |seconds: f64| std::f64::consts::TAU * seconds / SECONDS + self.index;
        let swing = turns(0.0).cos() - turns(seconds).cos();
        let amount = SWING * SECONDS / std::f64::consts::TAU;
        (RATE + MORE * self.index) * (seconds + amount * swing)
    }

    fn serve(&mut self) {
        let request = match self.roll(100) {
            0..55 => Request {
                method: "GET",
                path: "/",
                code: 200,
            },
            55..85 => Request {
                method: "GET",
                path: "/articles",
                code: 200,
            },
            85..93 => Request {
                method: "POST",
                path: "/orders",
                code: 201,
            },
            93..98 => Request {
                method: "GET",
                path: "/articles",
                code: 404,
            },
            _ => Request {
                method: "POST",
                path: "/orders",
                code: 503,
            },
        };
        self.requests.get_or_create_owned(&request).inc();
        // Most are quick, some are slow: the product of two throws.
        let milliseconds = 2.0 + f64::from(self.roll(30)) * f64::from(self.roll(30)) / 2.0;
        self.duration.observe(milliseconds / 1000.0);
        let waiting = self.roll(12);
        self.queue.set(waiting.into());
    }

    /// A number below `sides`.
    fn roll(&mut self, sides: u32) -> u32 {
        self.dice = self
            .dice
            .wrapping_mul(1_664_525)
            .wrapping_add(1_013_904_223);
        (self.dice >> 16) % sides
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_counters_grow_with_time() {
        let mut shop = Shop::open(0);
        let total = |shop: &Shop| {
            let mut page = String::new();
            encode(&mut page, &shop.registry).unwrap();
            let count = page
                .lines()
                .find_map(|line| line.strip_prefix("http_request_duration_seconds_count "))
                .unwrap()
                .to_string();
            count.parse::<u64>().unwrap()
        };
        let after = |shop: &Shop, seconds| shop.opened + Duration::from_secs_f64(seconds);
        assert_eq!(total(&shop), 100);
        let (quarter, whole) = (after(&shop, SECONDS / 4.0), after(&shop, SECONDS));
        shop.sell(quarter);
        let busy = total(&shop);
        assert!(
            busy > 100 + 450,
            "more than on average, as it goes up at first: {busy}"
        );
        shop.sell(quarter);
        assert_eq!(total(&shop), busy, "nobody is served twice");
        shop.sell(whole);
        assert_eq!(total(&shop), 100 + 1800, "the average over a whole turn");
        let later = after(&shop, 1_000_000.0);
        shop.sell(later);
        assert_eq!(
            total(&shop),
            100 + 1800 + u64::from(MOST_AT_ONCE),
            "a long pause costs little"
        );
    }
}
