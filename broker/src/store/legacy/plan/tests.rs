use super::*;

fn row(guid: &str, app: &str, endpoint: &str) -> LegacyRow {
    LegacyRow {
        guid: guid.to_owned(),
        app_guid: app.to_owned(),
        endpoint: (!endpoint.is_empty()).then(|| endpoint.to_owned()),
    }
}

/// A binding of ours; an empty app or endpoint is none. `*` behind the id: its row stood there.
fn ours(seq: i64, id: &str, app: &str, endpoint: &str) -> Ours {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Ours {
        seq,
        binding_id: id.trim_end_matches('*').to_owned(),
        app_guid: some(app),
        endpoint: some(endpoint),
        legacy_row: id.ends_with('*'),
    }
}

#[derive(Default)]
struct Imported {
    rows: Vec<LegacyRow>,
    ours: Vec<Ours>,
    adopt: &'static [&'static str],
    replaced: &'static [i64],
    unbound: &'static [i64],
    why: &'static str,
}

#[test]
fn what_old_processes_did() {
    for case in [
        Imported {
            rows: vec![row("b1", "a", "/x"), row("b2", "a2", "/y")],
            adopt: &["b1", "b2"],
            why: "the first look: everything there is adopted",
            ..Imported::default()
        },
        Imported {
            rows: vec![row("b1", "a", "/x")],
            ours: vec![ours(1, "b1*", "a", "/x")],
            why: "nothing has happened",
            ..Imported::default()
        },
        Imported {
            rows: vec![row("b2", "a", "/y")],
            ours: vec![ours(1, "b1*", "a", "/x")],
            adopt: &["b2"],
            replaced: &[1],
            why: "an old process bound the app again: the older binding stays, below the new one",
            ..Imported::default()
        },
        Imported {
            rows: vec![row("b9", "other", "/x")],
            ours: vec![ours(1, "b1*", "a", "/x"), ours(2, "b9*", "other", "/x")],
            unbound: &[1],
            why: "an old process unbound the app",
            ..Imported::default()
        },
        Imported {
            rows: vec![],
            ours: vec![ours(1, "b1", "a", "/x"), ours(2, "b2*", "a", "/y")],
            unbound: &[2],
            why: "the older binding never had a row that could be missed",
            ..Imported::default()
        },
        Imported {
            rows: vec![],
            ours: vec![ours(1, "b1*", "", "/x")],
            unbound: &[1],
            why: "without an app nothing can replace it",
            ..Imported::default()
        },
        Imported {
            rows: vec![row("b1", "a", "/x")],
            ours: vec![ours(1, "b1", "another", "/x")],
            why: "an id that is known is not adopted, whatever its app",
            ..Imported::default()
        },
        Imported {
            rows: vec![row("B1", "a", "/x")],
            ours: vec![ours(1, "b1", "a", "/x")],
            adopt: &["B1"],
            why: "letter case counts",
            ..Imported::default()
        },
        Imported {
            rows: vec![row("gone", "a", "/x"), row("b1", "a2", "/x")],
            adopt: &["b1"],
            why: "what was unbound here while its row stayed does not come back",
            ..Imported::default()
        },
        Imported {
            why: "nothing anywhere",
            ..Imported::default()
        },
    ] {
        let found = import(&case.rows, &case.ours, |guid| guid == "gone");
        let adopted: Vec<_> = found.adopt.iter().map(|row| &*row.guid).collect();
        assert_eq!(adopted, case.adopt, "{}", case.why);
        assert_eq!(found.replaced, case.replaced, "{}", case.why);
        assert_eq!(found.unbound, case.unbound, "{}", case.why);
    }
}

/// Rows and bindings, the rows that are wanted, and why.
type Written<'a> = (Vec<LegacyRow>, Vec<Ours>, Vec<LegacyRow>, &'a str);

#[test]
fn what_is_written() {
    let long = "a".repeat(256);
    let longest = "a".repeat(255);
    let cases: Vec<Written<'_>> = vec![
        (vec![], vec![], vec![], "nothing anywhere"),
        (
            vec![],
            vec![ours(1, "b1", "a", "/x")],
            vec![row("b1", "a", "/x")],
            "a binding is written",
        ),
        (
            vec![row("b1", "a", "/x")],
            vec![ours(1, "b1*", "a", "/x"), ours(2, "b2", "a", "/y")],
            vec![row("b2", "a", "/y")],
            "the newest takes the row of the older one",
        ),
        (
            vec![row("b1", "a", "/x")],
            vec![ours(1, "b1*", "a", "/x"), ours(2, "b2", "a", "")],
            vec![row("b1", "a", "/x")],
            "a binding without an endpoint decides nothing",
        ),
        (
            vec![row("b2", "a", "/y")],
            vec![ours(1, "b1", "a", "/x")],
            vec![row("b1", "a", "/x")],
            "the newest was unbound: the older one is back",
        ),
        (
            vec![row("b2", "a", "/y")],
            vec![],
            vec![],
            "the last one was unbound",
        ),
        (
            vec![],
            vec![ours(1, "key", "", "/x")],
            vec![],
            "a service key has no app",
        ),
        (
            vec![row("b1", "a", "/old")],
            vec![ours(1, "b1*", "a", "/x")],
            vec![row("b1", "a", "/x")],
            "somebody edited the row",
        ),
        (
            vec![row("b1", "a", "/x"), row("b2", "a", "/y")],
            vec![ours(1, "b1*", "a", "/x"), ours(2, "b2*", "a", "/y")],
            vec![row("b2", "a", "/y")],
            "two processes wrote at once: one row stays",
        ),
        (
            vec![],
            vec![ours(1, "b", "a1", "/x"), ours(2, "b", "a2", "/y")],
            vec![row("b", "a1", "/x")],
            "an id of two bindings can stand there once",
        ),
        (
            vec![row("b1", "a", "/x")],
            vec![ours(1, "b1*", "a", "/x"), ours(2, "b2", "a", &long)],
            vec![],
            "a row cannot hold the newest: none, rather than one that is not true any more",
        ),
        (
            vec![],
            vec![ours(1, &longest, &longest, &longest)],
            vec![row(&longest, &longest, &longest)],
            "255 characters are held",
        ),
        (
            vec![],
            vec![ours(1, "b\u{fc}", "a", "/x"), ours(2, "b\0", "c", "/x")],
            vec![],
            "what is no ASCII depends on the table's character set",
        ),
    ];
    for (rows, ours, wanted, why) in cases {
        let writing = writing(&rows, &ours);
        let mut result: Vec<_> = rows
            .iter()
            .filter(|row| !writing.delete.contains(row))
            .chain(&writing.insert)
            .cloned()
            .collect();
        result.sort_by(|a, b| a.guid.cmp(&b.guid));
        assert_eq!(result, wanted, "{why}");
        assert!(
            writing.insert.iter().all(|row| !rows.contains(row)),
            "{why}: what is there is not written again"
        );
        let again = super::writing(&result, &ours);
        assert!(again.is_empty(), "{why}: once is enough");

        // With the marks that follow, the next look finds nothing to do.
        let mut ours = ours;
        for (seq, mark) in marks(&result, &ours) {
            for ours in ours.iter_mut().filter(|ours| ours.seq == seq) {
                ours.legacy_row = mark;
            }
        }
        assert!(
            import(&result, &ours, |_| false).is_empty(),
            "{why}: our own writing is not taken for another's"
        );
        let marked: Vec<_> = ours
            .iter()
            .filter(|ours| ours.legacy_row)
            .map(|ours| ours.binding_id.clone())
            .collect();
        let there: Vec<_> = result.iter().map(|row| row.guid.clone()).collect();
        assert_eq!(marked, there, "{why}");
    }
}

#[test]
fn what_cannot_be_written_is_told() {
    let ours = [
        ours(1, "b1", "a", &"x".repeat(256)),
        ours(2, "b2", "a2", "/x"),
    ];
    assert_eq!(writing(&[], &ours).unwritable, [1]);
}
