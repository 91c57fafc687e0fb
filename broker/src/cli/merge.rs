//! `promfetch merge`: saved pages to one page, without a platform.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use clap::{Arg, ArgAction, ArgMatches, FromArgMatches};
use promfetch_core::config::Merge as Defaults;
use promfetch_core::exposition::{Format, Limits, Page, media};
use promfetch_core::labels::{Labels, check_added};
use promfetch_core::merge::{self, Input, Options};

use super::form::{PageEscaping, PageFormat};
use super::{Failure, Outcome, form, print};

/// Merge saved pages into one
///
/// Every page is checked wholly before anything is written. Families come in the order in which they
/// first appear; each has one HELP and one TYPE line.
///
/// Files may be of any format, also of several: what a file is shows in its bytes. OpenMetrics ends with
/// `# EOF`; protobuf is length-delimited messages; the rest is text.
///
/// A `--label` belongs to the file before it. Labels before the first file belong to all files.
#[derive(Debug, clap::Args)]
#[command(
    verbatim_doc_comment,
    after_long_help = "\
Examples:
  promfetch merge a.prom --label index=0 b.prom --label index=1
  promfetch merge --label foundation=eu a.prom --label index=0 b.prom --label index=1
  curl -s http://127.0.0.1:9100/metrics | promfetch merge - --label host=here
  promfetch merge --format text --escaping underscores a.pb"
)]
pub(super) struct Arguments {
    /// Format of the page. Without it: that of the files if they have one format, else OpenMetrics, which can say all
    /// but native histograms.
    #[arg(long, value_enum)]
    format: Option<PageFormat>,
    /// Format of the files, for those whose bytes mislead.
    #[arg(long, value_enum, value_name = "FORMAT")]
    from: Option<PageFormat>,
    /// What becomes of names that are not made of letters, digits, `_` and `:`. They stay by default: files are for
    /// tools, and what reads the page can still change them.
    #[arg(long, value_enum, value_name = "HOW", default_value = "allow-utf-8")]
    escaping: PageEscaping,
    #[command(flatten)]
    files: Files,
}

/// The files with their labels, in the order of the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Files(Vec<(PathBuf, Labels)>);

/// What clap cannot derive: which file a label stands behind.
impl clap::Args for Files {
    fn augment_args(command: clap::Command) -> clap::Command {
        command
            .arg(
                Arg::new("files")
                    .value_name("FILE")
                    .help("Saved pages; `-` is the standard input")
                    .required(true)
                    .num_args(1..)
                    .action(ArgAction::Append)
                    .value_parser(clap::value_parser!(PathBuf)),
            )
            .arg(
                Arg::new("label")
                    .long("label")
                    .value_name("NAME=VALUE")
                    .help("Label added to each sample of the file before it, or of all files when it stands before the first")
                    .action(ArgAction::Append)
                    .value_parser(label),
            )
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Files {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let indices = |name| matches.indices_of(name).into_iter().flatten();
        let files =
            indices("files").zip(matches.get_many::<PathBuf>("files").into_iter().flatten());
        let mut files: Vec<(usize, PathBuf, Labels)> = files
            .map(|(at, file)| (at, file.clone(), Labels::new()))
            .collect();
        for (at, (name, value)) in indices("label").zip(
            matches
                .get_many::<(String, String)>("label")
                .into_iter()
                .flatten(),
        ) {
            match files.iter_mut().rfind(|file| file.0 < at) {
                Some((_, _, labels)) => labels.push(name.clone(), value.as_str()),
                None => files
                    .iter_mut()
                    .for_each(|file| file.2.push(name.clone(), value.as_str())),
            }
        }
        Ok(Self(
            files
                .into_iter()
                .map(|(_, file, labels)| (file, labels))
                .collect(),
        ))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn label(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("NAME=VALUE is expected")?;
    check_added(name).map_err(|reason| format!("`{name}` {reason}"))?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(super) fn run(arguments: &Arguments) -> Outcome {
    let bodies = arguments
        .files
        .0
        .iter()
        .map(|(file, _)| read(file))
        .collect::<Result<Vec<_>, _>>()?;
    let from = arguments.from.map(PageFormat::format);
    let formats: Vec<Format> = bodies
        .iter()
        .map(|body| from.unwrap_or_else(|| media::of_content(body)))
        .collect();
    let format = arguments.format.unwrap_or_else(|| common(&formats));
    if format == PageFormat::Protobuf && arguments.format.is_none() && io::stdout().is_terminal() {
        return Err(Failure::usage(
            "the page would be protobuf, which is no text for a terminal: say `--format text`, or send it elsewhere",
        ));
    }
    let dialect = form::dialect(format, Some(arguments.escaping));
    let defaults = Defaults::default();
    let limits = Limits {
        max_samples: usize::MAX,
        max_line: usize::MAX,
    };
    let mut inputs = Vec::new();
    for (((file, labels), body), format) in arguments.files.0.iter().zip(bodies).zip(formats) {
        let file = file.display();
        let packed = body.starts_with(&[0x1f, 0x8b]);
        let mut page = Page::scan(body, format, &limits).map_err(|error| {
            let hint = if packed {
                "it is compressed, unpack it first"
            } else {
                "`--from` names another format"
            };
            Failure::failed(format!("{file}: {error} (it is read as {format}; {hint})"))
        })?;
        if !page.fits(dialect) {
            page = page.convert(dialect, &limits).map_err(|error| {
                let target = dialect.format;
                Failure::failed(format!("{file}: written as {target}: {error}"))
            })?;
        }
        inputs.push(Input {
            labels: labels.clone(),
            page: Arc::new(page),
        });
    }
    if let Some((a, b)) = alike(&arguments.files) {
        use std::io::Write;
        let _ = writeln!(
            io::stderr(),
            "promfetch: {} and {} have the same labels: of a series that both have, only the first file's sample is there; give each a `--label`",
            a.display(),
            b.display()
        );
    }
    Ok(print(merge::merge(
        inputs,
        None,
        &Options {
            format: dialect.format,
            label_conflict: defaults.label_conflict,
        },
    ))?)
}

fn read(file: &Path) -> Result<Bytes, Failure> {
    let mut body = Vec::new();
    let read = if file == Path::new("-") {
        io::stdin().lock().read_to_end(&mut body)
    } else {
        File::open(file).and_then(|mut file| file.read_to_end(&mut body))
    };
    read.map_err(|error| Failure::failed(format!("{}: {error}", file.display())))?;
    Ok(body.into())
}

/// The format that all files have, or OpenMetrics, which loses least of the others.
fn common(formats: &[Format]) -> PageFormat {
    match formats.split_first() {
        Some((first, rest)) if rest.iter().any(|format| format != first) => PageFormat::OpenMetrics,
        Some((Format::Protobuf, _)) => PageFormat::Protobuf,
        Some((Format::OpenMetrics, _)) => PageFormat::OpenMetrics,
        _ => PageFormat::Text,
    }
}

/// Two files whose samples cannot be told apart by labels.
fn alike(files: &Files) -> Option<(&Path, &Path)> {
    files.0.iter().enumerate().find_map(|(at, (file, labels))| {
        let earlier = files.0[..at].iter().find(|earlier| earlier.1 == *labels)?;
        Some((&*earlier.0, &**file))
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn files(line: &str) -> Files {
        Line::try_parse_from(std::iter::once("merge").chain(line.split_whitespace()))
            .unwrap()
            .arguments
            .files
    }

    #[test]
    fn a_label_belongs_to_the_file_before_it() {
        for (line, want) in [
            ("a b", [("a", ""), ("b", "")]),
            (
                "a --label x=1 b --label x=2",
                [("a", "x=\"1\""), ("b", "x=\"2\"")],
            ),
            (
                "--label z=0 a --label x=1 --label y=1=1 b",
                [("a", "z=\"0\",x=\"1\",y=\"1=1\""), ("b", "z=\"0\"")],
            ),
            ("a b --label x=", [("a", ""), ("b", "x=\"\"")]),
            (
                "--format text --label x=1 a --label x=2 b",
                [("a", "x=\"2\""), ("b", "x=\"1\"")],
            ),
        ] {
            let got: Vec<_> = files(line)
                .0
                .into_iter()
                .map(|(file, labels)| (file, String::from_utf8(labels.render()).unwrap()))
                .collect();
            let want = want.map(|(file, labels)| (PathBuf::from(file), labels.to_string()));
            assert_eq!(got, want, "{line}");
        }
    }

    #[test]
    fn files_that_cannot_be_told_apart_are_found() {
        assert_eq!(alike(&files("a --label x=1 b --label x=2")), None);
        assert_eq!(
            alike(&files("a --label x=1 b c --label x=1")),
            Some((Path::new("a"), Path::new("c")))
        );
    }

    #[test]
    fn the_page_has_the_files_format_if_it_is_one() {
        use Format::{OpenMetrics, Protobuf, Text};
        for (formats, want) in [
            (&[Text, Text][..], PageFormat::Text),
            (&[OpenMetrics], PageFormat::OpenMetrics),
            (&[Text, OpenMetrics, Text], PageFormat::OpenMetrics),
            (&[Text, Protobuf], PageFormat::OpenMetrics),
            (&[Protobuf, Protobuf], PageFormat::Protobuf),
            (&[], PageFormat::Text),
        ] {
            assert_eq!(common(formats), want, "{formats:?}");
        }
    }
}
