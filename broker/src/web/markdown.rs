//! Markdown as HTML that everybody can read: headings have ids, tables have headers with a scope, and whatever is
//! wider than the screen can be reached with the keyboard.
//!
//! Raw HTML is no part of it: it is shown as text. Links lead to pages of this service and nowhere else, since it may
//! stand in a closed network; all others are left out and their text stays.

mod table;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write;

use maud::{Escaper, Markup, PreEscaped};
use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use self::table::Table;

/// A text that has become HTML.
#[derive(Debug)]
pub(crate) struct Rendered {
    /// The first heading of level 1, as text and as HTML: it stands above the list of sections.
    pub(crate) title: String,
    pub(crate) heading: Markup,
    /// All else.
    pub(crate) html: Markup,
    /// The headings of level 2 and 3, in order.
    pub(crate) sections: Vec<Section>,
}

/// A heading that can be linked to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) id: String,
    pub(crate) text: String,
    /// Whether it is a part of the section before, of level 2.
    pub(crate) is_part: bool,
}

/// Writes Markdown as HTML. `up` leads from the page to the root of the service (`../`), for links. `fill` puts
/// values into texts before they are escaped.
pub(crate) fn render(markdown: &str, up: &str, fill: impl Fn(&str) -> Cow<'_, str>) -> Rendered {
    let mut writer = Writer {
        out: String::with_capacity(2 * markdown.len()),
        plain: String::new(),
        up,
        fill,
        ids: BTreeSet::new(),
        title: String::new(),
        heading: String::new(),
        sections: Vec::new(),
        latest: String::new(),
        opened: 0,
        table: Table::default(),
        links: Vec::new(),
    };
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        writer.event(event);
    }
    Rendered {
        title: writer.title,
        heading: PreEscaped(writer.heading),
        html: PreEscaped(writer.out),
        sections: writer.sections,
    }
}

struct Writer<'w, F> {
    out: String,
    /// The text of the heading or cell at hand, without markup.
    plain: String,
    up: &'w str,
    fill: F,
    ids: BTreeSet<String>,
    title: String,
    heading: String,
    sections: Vec<Section>,
    /// The text of the latest heading: what a table is about.
    latest: String,
    /// Where the heading at hand begins in `out`.
    opened: usize,
    table: Table,
    /// For each open link, whether it was written.
    links: Vec<bool>,
}

impl<F> Writer<'_, F>
where
    F: Fn(&str) -> Cow<'_, str>,
{
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => self.text(&text),
            Event::Code(text) => {
                self.out.push_str("<code>");
                self.text(&text);
                self.out.push_str("</code>");
            }
            Event::SoftBreak => self.out.push('\n'),
            Event::HardBreak => self.out.push_str("<br>\n"),
            Event::Rule => self.out.push_str("<hr>\n"),
            // Extensions that are not switched on.
            _ => {}
        }
    }

    /// A text with its values, escaped.
    fn text(&mut self, text: &str) {
        let text = (self.fill)(text);
        self.plain.push_str(&text);
        escape(&text, &mut self.out);
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph => self.out.push_str("<p>"),
            Tag::Heading { .. } => {
                self.opened = self.out.len();
                self.plain.clear();
            }
            Tag::BlockQuote(_) => self.out.push_str("<div class=\"note\" role=\"note\">\n"),
            Tag::CodeBlock(kind) => self.start_code(&kind),
            Tag::List(None) => self.out.push_str("<ul>\n"),
            Tag::List(Some(first)) => {
                let _ = writeln!(self.out, "<ol start=\"{first}\">");
            }
            Tag::Item => self.out.push_str("<li>"),
            Tag::Emphasis => self.out.push_str("<em>"),
            Tag::Strong => self.out.push_str("<strong>"),
            Tag::Link { dest_url, .. } => self.start_link(&dest_url),
            Tag::Table(columns) => {
                self.table = Table::start(columns.len(), &self.latest, &mut self.out);
            }
            Tag::TableHead => self.table.start_head(&mut self.out),
            Tag::TableRow => self.table.start_row(&mut self.out),
            Tag::TableCell => {
                self.plain.clear();
                self.table.start_cell(&mut self.out);
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph => self.out.push_str("</p>\n"),
            TagEnd::Heading(level) => self.end_heading(level),
            TagEnd::BlockQuote(_) => self.out.push_str("</div>\n"),
            TagEnd::CodeBlock => self.out.push_str("</code></pre></div>\n"),
            TagEnd::List(true) => self.out.push_str("</ol>\n"),
            TagEnd::List(false) => self.out.push_str("</ul>\n"),
            TagEnd::Item => self.out.push_str("</li>\n"),
            TagEnd::Emphasis => self.out.push_str("</em>"),
            TagEnd::Strong => self.out.push_str("</strong>"),
            TagEnd::Link if self.links.pop() == Some(true) => self.out.push_str("</a>"),
            TagEnd::TableHead => self.table.end_head(&mut self.out),
            TagEnd::TableRow => self.out.push_str("</tr>\n"),
            TagEnd::TableCell => self.table.end_cell(&self.plain, &mut self.out),
            TagEnd::Table => self.out.push_str("</tbody></table></div>\n"),
            _ => {}
        }
    }

    fn end_heading(&mut self, level: HeadingLevel) {
        let text = self.plain.trim().to_owned();
        let inner = self.out.split_off(self.opened.min(self.out.len()));
        self.latest.clone_from(&text);
        if level == HeadingLevel::H1 && self.title.is_empty() {
            self.title = text;
            self.heading = inner;
            return;
        }
        let id = self.new_id(&text);
        let _ = write!(
            self.out,
            "<{level} id=\"{id}\">{inner} <a class=\"anchor\" href=\"#{id}\" aria-label=\"Link to "
        );
        escape(&text, &mut self.out);
        let _ = writeln!(self.out, "\">#</a></{level}>");
        if level <= HeadingLevel::H3 {
            let is_part = level == HeadingLevel::H3;
            self.sections.push(Section { id, text, is_part });
        }
    }

    /// An id that no heading of this page has yet: letters and digits of the text, in small letters.
    fn new_id(&mut self, text: &str) -> String {
        let words: Vec<String> = text
            .split(|character: char| !character.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_ascii_lowercase)
            .collect();
        let slug = match words.join("-") {
            empty if empty.is_empty() => "section".to_owned(),
            slug => slug,
        };
        let mut id = slug.clone();
        let mut number = 2;
        while !self.ids.insert(id.clone()) {
            id = format!("{slug}-{number}");
            number += 1;
        }
        id
    }

    fn start_code(&mut self, kind: &CodeBlockKind<'_>) {
        let language = match kind {
            CodeBlockKind::Fenced(info) => info.split_whitespace().next().unwrap_or_default(),
            CodeBlockKind::Indented => "",
        };
        self.out
            .push_str("<div class=\"code\"><pre tabindex=\"0\"><code");
        if !language.is_empty() {
            self.out.push_str(" class=\"language-");
            escape(language, &mut self.out);
            self.out.push('"');
        }
        self.out.push('>');
    }

    fn start_link(&mut self, destination: &str) {
        let is_own = !destination.contains(':') && !destination.starts_with('/');
        self.links.push(is_own);
        if is_own {
            self.out.push_str("<a href=\"");
            if !destination.starts_with('#') {
                escape(self.up, &mut self.out);
            }
            escape(destination, &mut self.out);
            self.out.push_str("\">");
        }
    }
}

/// Writes a text so that it stays one, also between double quotes.
fn escape(text: &str, out: &mut String) {
    // Writing to a string does not fail.
    let _ = Escaper::new(out).write_str(text);
}

#[cfg(test)]
mod tests;
