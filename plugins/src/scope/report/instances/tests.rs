use super::super::rule::Aggregate;
use super::*;

fn key(index: &str) -> Key {
    Key {
        app_id: "g".into(),
        index: index.into(),
        address: "10.0.1.4:61001".into(),
    }
}

fn observed(series: &[(u64, f64)]) -> Observed {
    let mut observed = Observed::default();
    observed.series.push(series.to_vec());
    observed
}

fn selector() -> Selector {
    Selector::Route("h.example".into())
}

/// Pages of one instance, a second apart each, and the values that Scope gets.
fn values(rule: Rule, pages: &[&[(u64, f64)]]) -> Vec<f64> {
    let mut instances = Instances::new(vec![rule]);
    let start = Moment::now();
    for (page, second) in pages.iter().zip(0..) {
        let later = Duration::from_secs(second);
        let moment = Moment {
            wall: start.wall + later,
            steady: start.steady + later,
        };
        let page = BTreeMap::from([(key("0"), observed(page))]);
        instances.seen(selector(), page, moment);
    }
    sent(&instances)
}

fn sent(instances: &Instances) -> Vec<f64> {
    let all = instances.all();
    let samples = all.values().flat_map(|known| &known.samples);
    samples
        .flat_map(|pending| pending.samples.iter().map(|(_, value)| *value))
        .collect()
}

#[test]
fn rates_follow_each_counter() {
    let nan = f64::NAN;
    for (pages, expected, why) in [
        (&[&[(1, 10.0)][..]][..], &[][..], "one page tells no rate"),
        (&[&[(1, 10.0)], &[(1, 15.0)]], &[5.0], "five a second"),
        (
            &[&[(1, 10.0)], &[(1, 3.0)], &[(1, 4.0)]],
            &[3.0, 1.0],
            "a reset begins at nothing",
        ),
        (
            &[&[(1, 10.0), (2, 100.0)], &[(1, 3.0), (2, 101.0)]],
            &[4.0],
            "one of two is reset",
        ),
        (
            &[
                &[(1, 10.0)],
                &[(1, 11.0), (2, 50.0)],
                &[(1, 11.0), (2, 52.0)],
            ],
            &[1.0, 2.0],
            "a new one counts from its second page on",
        ),
        (
            &[&[(1, 10.0)], &[], &[(1, 20.0)]],
            &[5.0],
            "a page without it: the increase is of two seconds",
        ),
        (&[&[(1, 10.0)], &[(1, nan)], &[(1, 12.0)]], &[], "no number"),
    ] {
        let rule = Rule::example("a", Aggregate::Sum, true);
        assert_eq!(values(rule, pages), expected, "{why}");
    }
}

#[test]
fn gauges_are_as_they_are() {
    let rule = Rule::example("a", Aggregate::Maximum, false);
    let pages: &[&[(u64, f64)]] = &[&[(0, 1.0), (0, 7.0)], &[], &[(0, 2.0)]];
    assert_eq!(values(rule.clone(), pages), [7.0, 2.0]);
    let many = vec![(0, 1.0); MAX_SERIES + 1];
    assert_eq!(
        values(rule, &[&many]),
        [0.0; 0],
        "too many series are no sum"
    );
}

#[test]
fn samples_are_sent_once_and_not_when_old() {
    let mut instances = Instances::new(vec![Rule::example("a", Aggregate::Sum, false)]);
    let start = Moment::now();
    let see = |instances: &mut Instances, seconds: u64, value: f64| {
        let later = Duration::from_secs(seconds);
        let moment = Moment {
            wall: start.wall + later,
            steady: start.steady + later,
        };
        let page = BTreeMap::from([(key("0"), observed(&[(0, value)]))]);
        instances.seen(selector(), page, moment);
        moment.wall
    };
    let now = see(&mut instances, 0, 1.0);
    instances.forget_samples(true, now);
    assert_eq!(sent(&instances), [1.0], "it was in no report yet");
    let now = see(&mut instances, 1, 2.0);
    instances.forget_samples(false, now);
    assert_eq!(sent(&instances), [1.0, 2.0], "nobody got the report");
    let now = see(&mut instances, 2, 3.0);
    instances.forget_samples(true, now);
    assert_eq!(sent(&instances), [3.0], "the report was taken");
    see(&mut instances, 1, 9.0);
    assert_eq!(sent(&instances), [3.0], "a clock that was put back");
    instances.forget_samples(false, now + WINDOW + Duration::from_secs(1));
    assert_eq!(sent(&instances), [0.0; 0], "too old");
}

#[test]
fn an_app_without_a_page_stays_for_a_while() {
    let mut instances = Instances::new(Vec::new());
    let start = Moment::now();
    let page = || BTreeMap::from([(key("0"), Observed::default())]);
    instances.seen(selector(), page(), start);
    instances.failed(&selector(), false, start.steady + KEPT);
    assert_eq!(instances.all().len(), 1);
    instances.failed(&selector(), false, start.steady + KEPT * 2);
    assert_eq!(instances.all().len(), 0, "too long");
    instances.seen(selector(), page(), start);
    instances.failed(&selector(), true, start.steady);
    assert_eq!(instances.all().len(), 0, "it is gone");
    instances.seen(selector(), page(), start);
    instances.seen(Selector::Guid("g".into()), page(), start);
    assert_eq!(instances.all().len(), 1, "one instance, two selectors");
    instances.keep(&HashSet::new());
    assert_eq!(instances.all().len(), 0);
}
