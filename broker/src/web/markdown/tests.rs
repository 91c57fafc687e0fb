//! Each construct by its HTML.

use super::*;

fn html(markdown: &str) -> String {
    render(markdown, "../", |text| Cow::Borrowed(text))
        .html
        .into_string()
}

#[test]
fn each_construct_has_its_html() {
    for (markdown, want, why) in [
        (
            "a *b* **c** `d`",
            "<p>a <em>b</em> <strong>c</strong> <code>d</code></p>\n",
            "inline",
        ),
        ("a\nb  \nc", "<p>a\nb<br>\nc</p>\n", "line ends"),
        (
            "- a\n- b",
            "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n",
            "a list",
        ),
        (
            "3. a",
            "<ol start=\"3\">\n<li>a</li>\n</ol>\n",
            "a list with numbers",
        ),
        (
            "> a",
            "<div class=\"note\" role=\"note\">\n<p>a</p>\n</div>\n",
            "a note",
        ),
        (
            "```sh not-run\na <b>\n```",
            "<div class=\"code\"><pre tabindex=\"0\"><code class=\"language-sh\">a &lt;b&gt;\n</code></pre></div>\n",
            "code, with the first word as its language",
        ),
        (
            "    a",
            "<div class=\"code\"><pre tabindex=\"0\"><code>a</code></pre></div>\n",
            "code without one",
        ),
        (
            "```\"><script>\na\n```",
            "<div class=\"code\"><pre tabindex=\"0\"><code class=\"language-&quot;&gt;&lt;script&gt;\">a\n</code></pre></div>\n",
            "a language cannot end its attribute",
        ),
        (
            "[a](doc/x#y)",
            "<p><a href=\"../doc/x#y\">a</a></p>\n",
            "a link to another page",
        ),
        (
            "[a](#y)",
            "<p><a href=\"#y\">a</a></p>\n",
            "a link within the page",
        ),
    ] {
        assert_eq!(html(markdown), want, "{why}");
    }
}

#[test]
fn nothing_but_own_text_becomes_html() {
    for (markdown, why) in [
        ("<script>alert(1)</script>", "a block of HTML"),
        ("a <img src=x onerror=y> b", "HTML within a text"),
        ("[a](javascript:alert(1))", "a script in a link"),
        ("[a](https://elsewhere.example/)", "another host"),
        ("[a](//elsewhere.example/)", "another host without scheme"),
        ("<https://elsewhere.example/>", "an address"),
        ("![a](https://elsewhere.example/x.png)", "a picture"),
        ("[a](\"onclick=x)", "an attribute"),
    ] {
        let html = html(markdown);
        for forbidden in [
            "<script",
            "<img",
            "href=\"javascript",
            "href=\"h",
            "href=\"/",
            "src=",
            "\"onclick",
        ] {
            let is_escaped = forbidden == "src=" && html.contains("&lt;img src=");
            assert!(!html.contains(forbidden) || is_escaped, "{why}: {html}");
        }
    }
}

#[test]
fn headings_have_ids_of_their_own_and_two_levels_are_listed() {
    let rendered = render(
        "# The `page`\n\n## Why?\n\n### Why?\n\n## Why?\n\n## ¿?\n\n## A & B",
        "",
        |text| Cow::Borrowed(text),
    );
    assert_eq!(rendered.title, "The page");
    assert_eq!(rendered.heading.into_string(), "The <code>page</code>");
    let sections: Vec<_> = rendered
        .sections
        .iter()
        .map(|section| (section.id.as_str(), section.text.as_str(), section.is_part))
        .collect();
    assert_eq!(
        sections,
        [
            ("why", "Why?", false),
            ("why-2", "Why?", true),
            ("why-3", "Why?", false),
            ("section", "¿?", false),
            ("a-b", "A & B", false),
        ]
    );
    let html = rendered.html.into_string();
    for part in [
        "<h2 id=\"why\">Why? <a class=\"anchor\" href=\"#why\" aria-label=\"Link to Why?\">#</a></h2>\n",
        "<h3 id=\"why-2\">",
        "aria-label=\"Link to A &amp; B\"",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
}

#[test]
fn tables_have_headers_for_rows_and_columns() {
    let narrow = html("## T\n\n| a | `b` |\n|---|---|\n| 1 | 2 |\n");
    assert!(
        narrow.ends_with(
            "<div class=\"wide\" role=\"group\" tabindex=\"0\" aria-label=\"Table: T\"><table><thead><tr><th scope=\"col\">a</th><th scope=\"col\"><code>b</code></th></tr></thead><tbody>\n<tr><th scope=\"row\">1</th><td data-label=\"b\">2</td></tr>\n</tbody></table></div>\n"
        ),
        "{narrow}"
    );
    let wide = html("| a | b | c | d |\n|---|---|---|---|\n| 1 | 2 | 3 | `x \\| y` |\n");
    for part in [
        "<div class=\"wide cards\"",
        "<table role=\"table\"><thead role=\"rowgroup\"><tr role=\"row\"><th scope=\"col\" role=\"columnheader\">a</th>",
        "<th scope=\"row\" role=\"rowheader\">1</th><td role=\"cell\" data-label=\"b\">2</td>",
        "<td role=\"cell\" data-label=\"d\"><code>x | y</code></td>",
    ] {
        assert!(wide.contains(part), "{part}: {wide}");
    }
}

#[test]
fn values_are_put_in_as_text_wherever_they_stand() {
    let evil = "</code><script>alert(1)</script>\" [x](y) | `z`";
    let markdown = "# @v@\n\n## @v@\n\n@v@ `@v@`\n\n```sh\n@v@\n```\n\n| @v@ | b |\n|---|---|\n| @v@ | @v@ |\n";
    let rendered = render(markdown, "", |text| Cow::Owned(text.replace("@v@", evil)));
    let html = rendered.heading.into_string() + &rendered.html.into_string();
    let escaped = "&lt;/code&gt;&lt;script&gt;alert(1)&lt;/script&gt;&quot; [x](y) | `z`";
    assert_eq!(
        html.matches("alert(1)").count(),
        html.matches(escaped).count(),
        "{html}"
    );
    assert!(html.matches(escaped).count() >= 8, "{html}");
    assert!(
        !html.contains("<script") && !html.contains("href=\"y\""),
        "{html}"
    );
}
