//! The table as a whole: snapshots, age, walks.

use super::*;

#[test]
fn snapshots_show_routes_with_age_and_source() {
    let mut fixture = fixture();
    fixture.heartbeat("shop.example", &shop());
    fixture.poll(3, &[("shop.example", shop())]);
    fixture.heartbeat(
        "uaa.example",
        &Registration {
            app: AppTags::default(),
            host: "2001:db8::1",
            tls: None,
            ..shop()
        },
    );
    fixture.at(30);
    let routes = fixture.table.snapshot(fixture.now);
    let json = serde_json::to_value(&routes).unwrap();
    let entry = &json["shop.example"][0];
    assert_eq!(
        (&entry["address"], &entry["tls"], &entry["protocol"]),
        (&"10.0.0.1:61001".into(), &true.into(), &"http1".into())
    );
    assert_eq!(
        (&entry["tags"]["app_name"], &entry["server_cert_domain_san"]),
        (&"shop".into(), &"guid-0".into())
    );
    assert_eq!(
        (&entry["age_seconds"], &entry["source"]),
        (&30.0.into(), &serde_json::json!(["nats", "gorouter"]))
    );
    assert_eq!(json["uaa.example"][0]["address"], "[2001:db8::1]:61001");
    assert_eq!(entry.get("isolation_segment"), None);
}

#[test]
fn the_age_of_the_table_is_that_of_the_latest_word_of_any_source() {
    let mut fixture = fixture();
    assert_eq!(fixture.updated(), Duration::ZERO);
    assert_eq!(
        fixture.at(5).updated(),
        Duration::from_secs(5),
        "since the start"
    );
    fixture.heartbeat("shop.example", &shop());
    assert_eq!(fixture.at(8).updated(), Duration::from_secs(3));
    fixture.poll(0, &[]);
    assert_eq!(fixture.updated(), Duration::ZERO);
}

#[test]
fn walks_in_slices_reach_every_endpoint() {
    let mut fixture = fixture();
    let count = SLICE as usize * 2 + 10;
    for n in 0..count {
        let (key, guid) = (format!("{}.example", n % 1500), format!("g-{n}"));
        let host = format!("10.0.{}.{}", n / 250, n % 250);
        fixture.heartbeat(
            &key,
            &Registration {
                guid: &guid,
                host: &host,
                ..shop()
            },
        );
    }
    assert_eq!(fixture.endpoints(), count);
    assert_eq!(
        fixture
            .table
            .snapshot(fixture.now)
            .values()
            .map(Vec::len)
            .sum::<usize>(),
        count
    );
    assert_eq!(fixture.find("shop-guid", None).len(), count);
    assert_eq!(fixture.at(200).age(), count);
    assert_eq!(fixture.table.sizes(), Sizes::default());
}
