//! Tables: every cell knows its row and its column, also where it is not shown as a table.

use std::fmt::Write;

use super::escape;

/// From this many columns on, each row is a card of its own on a narrow screen.
const CARDS: usize = 3;

/// The table at hand.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// The texts of the headers.
    columns: Vec<String>,
    column: usize,
    in_head: bool,
    /// Whether rows may be shown as cards. Roles are said outright then, because a cell that is not laid out as one
    /// loses its role in some browsers.
    is_cards: bool,
}

impl Table {
    /// Begins a table with so many columns, which is about `topic`.
    pub(super) fn start(columns: usize, topic: &str, out: &mut String) -> Self {
        let table = Self {
            is_cards: columns >= CARDS,
            ..Self::default()
        };
        let class = if table.is_cards { "wide cards" } else { "wide" };
        // A group and no landmark: there are many.
        let _ = write!(
            out,
            "<div class=\"{class}\" role=\"group\" tabindex=\"0\" aria-label=\"Table: "
        );
        escape(topic, out);
        let _ = write!(out, "\"><table{}>", table.role("table"));
        table
    }

    pub(super) fn start_head(&mut self, out: &mut String) {
        self.in_head = true;
        self.column = 0;
        let (group, row) = (self.role("rowgroup"), self.role("row"));
        let _ = write!(out, "<thead{group}><tr{row}>");
    }

    pub(super) fn end_head(&mut self, out: &mut String) {
        self.in_head = false;
        let _ = writeln!(out, "</tr></thead><tbody{}>", self.role("rowgroup"));
    }

    pub(super) fn start_row(&mut self, out: &mut String) {
        self.column = 0;
        let _ = write!(out, "<tr{}>", self.role("row"));
    }

    pub(super) fn start_cell(&self, out: &mut String) {
        let (scope, role) = match (self.in_head, self.column) {
            (true, _) => ("col", "columnheader"),
            (false, 0) => ("row", "rowheader"),
            (false, column) => {
                let _ = write!(out, "<td{} data-label=\"", self.role("cell"));
                escape(self.columns.get(column).map_or("", String::as_str), out);
                out.push_str("\">");
                return;
            }
        };
        let _ = write!(out, "<th scope=\"{scope}\"{}>", self.role(role));
    }

    /// `text` is what the cell says.
    pub(super) fn end_cell(&mut self, text: &str, out: &mut String) {
        if self.in_head {
            self.columns.push(text.trim().to_owned());
        }
        let is_header = self.in_head || self.column == 0;
        out.push_str(if is_header { "</th>" } else { "</td>" });
        self.column += 1;
    }

    fn role(&self, role: &str) -> String {
        if self.is_cards {
            format!(" role=\"{role}\"")
        } else {
            String::new()
        }
    }
}
