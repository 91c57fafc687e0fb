//! Text for terminals: columns by what is seen, lines that end where the terminal does, and nothing of what others
//! have named that a terminal would obey.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::web::template::visible;

/// An elastic column is not made narrower than this.
const NARROWEST: usize = 12;

/// One column of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    head: &'static str,
    /// Numbers stand at the right.
    right: bool,
    /// It gives way when the table is too wide.
    elastic: bool,
}

impl Column {
    pub(super) const fn left(head: &'static str) -> Self {
        Self {
            head,
            right: false,
            elastic: false,
        }
    }

    pub(super) const fn right(head: &'static str) -> Self {
        Self {
            right: true,
            ..Self::left(head)
        }
    }

    pub(super) const fn elastic(head: &'static str) -> Self {
        Self {
            elastic: true,
            ..Self::left(head)
        }
    }
}

/// The table as lines, its head first. `width` is that of the terminal, if it is one.
pub(super) fn lines<const N: usize>(
    columns: &[Column; N],
    rows: impl IntoIterator<Item = [String; N]>,
    width: Option<usize>,
) -> Vec<String> {
    let head = columns.map(|column| column.head.to_owned());
    let rows: Vec<[String; N]> = std::iter::once(head)
        .chain(rows)
        .map(|cells| cells.map(|cell| visible(&cell)))
        .collect();
    let mut widths = [0; N];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    if let Some(width) = width {
        let needed = widths.iter().sum::<usize>() + 2 * N.saturating_sub(1);
        let elastic = columns
            .iter()
            .zip(&mut widths)
            .find(|(column, _)| column.elastic);
        if let Some((_, own)) = elastic {
            let least = NARROWEST.min(*own);
            *own = own.saturating_sub(needed.saturating_sub(width)).max(least);
        }
    }
    let line = |row: [String; N]| {
        let cells = row.into_iter().zip(columns).zip(widths);
        let cells: Vec<String> = cells
            .map(|((cell, column), width)| pad(&cut(&cell, width), width, column.right))
            .collect();
        fit(cells.join("  ").trim_end(), width)
    };
    rows.into_iter().map(line).collect()
}

/// A line that others have a part in, cut where the terminal ends.
pub(super) fn fit(line: &str, width: Option<usize>) -> String {
    let line = visible(line);
    match width {
        None => line,
        Some(width) => cut(&line, width),
    }
}

fn pad(text: &str, width: usize, right: bool) -> String {
    let blanks = " ".repeat(width.saturating_sub(text.width()));
    if right {
        blanks + text
    } else {
        text.to_owned() + &blanks
    }
}

/// What of a text fits into so many cells; that something is missing shows.
fn cut(text: &str, most: usize) -> String {
    if text.width() <= most {
        return text.to_owned();
    }
    let mut used = 1;
    let kept = text.chars().take_while(|char| {
        used += char.width().unwrap_or_default();
        used <= most
    });
    let mut kept: String = kept.collect();
    if most > 0 {
        kept.push('…');
    }
    kept
}

/// A time for people: `12 ms`, `3.0 s`, `5 min`, `2 h`, `4 d`.
pub(super) fn time(seconds: f64) -> String {
    match seconds {
        s if s < 0.9995 => format!("{:.0} ms", s * 1000.0),
        s if s < 10.0 => format!("{s:.1} s"),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.0} h", s / 3600.0),
        s => format!("{:.0} d", s / 86_400.0),
    }
}

/// A number of bytes for people.
pub(super) fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let mut size = count as f64 / 1024.0;
    let mut units = UNITS.into_iter();
    let mut unit = units.next().unwrap_or_default();
    for next in units {
        if size < 1024.0 {
            break;
        }
        size /= 1024.0;
        unit = next;
    }
    format!("{size:.1} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 3] = [
        Column::elastic("APP"),
        Column::right("UP"),
        Column::left("WHY"),
    ];

    fn table(rows: &[[&str; 3]], width: Option<usize>) -> String {
        let rows = rows.iter().map(|row| row.map(str::to_owned));
        lines(&COLUMNS, rows, width).join("\n")
    }

    #[test]
    fn columns_are_as_wide_as_what_is_seen() {
        for (rows, width, want, why) in [
            (&[][..], None, "APP  UP  WHY", "the head alone"),
            (
                &[["shop", "1", "timeout 2"], ["a", "100", ""]],
                None,
                "APP    UP  WHY\nshop    1  timeout 2\na     100",
                "numbers at the right, no blanks at the end",
            ),
            (
                &[["東京", "1", "x"], ["e\u{301}", "2", "y"]],
                None,
                "APP   UP  WHY\n東京   1  x\ne\u{301}      2  y",
                "wide letters have two cells, accents none",
            ),
            (
                &[["acme/production/shop", "1", "x"]],
                Some(24),
                "APP              UP  WHY\nacme/productio…   1  x",
                "the names give way",
            ),
            (
                &[["acme/production/shop", "1", "a long reason"]],
                Some(20),
                "APP           UP  W…\nacme/produc…   1  a…",
                "but not to nothing: then the line is cut",
            ),
            (
                &[["東京東京東京東京", "1", "x"]],
                Some(21),
                "APP           UP  WHY\n東京東京東…    1  x",
                "a wide letter is not halved",
            ),
            (
                &[["a\u{1b}[2J\n", "\u{202e}1", "x\ty"]],
                None,
                "APP     UP  WHY\na\u{fffd}[2J\u{fffd}  \u{fffd}1  x\u{fffd}y",
                "nothing that a terminal obeys",
            ),
        ] {
            assert_eq!(table(rows, width), want, "{why}");
        }
    }

    #[test]
    fn lines_end_where_the_terminal_does() {
        for (text, width, want) in [
            ("abc", None, "abc"),
            ("abc", Some(3), "abc"),
            ("abcd", Some(3), "ab…"),
            ("abcd", Some(1), "…"),
            ("abcd", Some(0), ""),
            ("東京", Some(3), "東…"),
            ("東京", Some(2), "…"),
        ] {
            assert_eq!(fit(text, width), want, "{text} {width:?}");
        }
    }

    #[test]
    fn times_and_sizes_are_for_people() {
        for (seconds, want) in [
            (0.0, "0 ms"),
            (0.0124, "12 ms"),
            (0.9996, "1.0 s"),
            (3.04, "3.0 s"),
            (59.6, "60 s"),
            (300.0, "5 min"),
            (10_000.0, "3 h"),
            (1e6, "12 d"),
        ] {
            assert_eq!(time(seconds), want);
        }
        for (count, want) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (47_395_635, "45.2 MiB"),
            (u64::MAX, "16777216.0 TiB"),
        ] {
            assert_eq!(bytes(count), want);
        }
    }
}
