//! Where mutations begin: pieces of the pages in `tests/corpus`, also of the broken ones.

use std::path::{Path, PathBuf};

use promfetch_core::exposition::Format;

pub(crate) const FORMATS: [Format; 3] = [Format::Text, Format::OpenMetrics, Format::Protobuf];

pub(crate) fn extension(format: Format) -> &'static str {
    match format {
        Format::Text => "txt",
        Format::OpenMetrics => "om",
        _ => "pb",
    }
}

/// Lines or messages: what can be left out, repeated and taken from one page to another.
#[derive(Debug)]
pub(crate) struct Corpus {
    pages: Vec<(Format, Vec<Vec<u8>>)>,
}

impl Corpus {
    pub(crate) fn read() -> Self {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus");
        let mut pages = Vec::new();
        for folder in [folder.clone(), folder.join("utf8"), folder.join("broken")] {
            pages.extend(pages_of(&folder));
        }
        assert!(
            FORMATS
                .iter()
                .all(|format| pages.iter().any(|(of, _)| of == format))
        );
        Self { pages }
    }

    /// All pages of a format, in pieces.
    pub(crate) fn of(&self, format: Format) -> Vec<&[Vec<u8>]> {
        let pages = self.pages.iter().filter(|(of, _)| *of == format);
        pages.map(|(_, pieces)| pieces.as_slice()).collect()
    }
}

fn pages_of(folder: &Path) -> Vec<(Format, Vec<Vec<u8>>)> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("a folder of the corpus")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    // The same case is the same page on all machines.
    files.sort();
    files
        .into_iter()
        .filter_map(|file| {
            let extension = file.extension()?.to_str()?;
            let format = *FORMATS
                .iter()
                .find(|format| self::extension(**format) == extension)?;
            let body = std::fs::read(&file).expect("a page");
            Some((format, pieces(&body, format)))
        })
        .collect()
}

fn pieces(body: &[u8], format: Format) -> Vec<Vec<u8>> {
    if format != Format::Protobuf {
        return body
            .split_inclusive(|byte| *byte == b'\n')
            .map(<[u8]>::to_vec)
            .collect();
    }
    let mut pieces = Vec::new();
    let mut rest = body;
    while !rest.is_empty() {
        let mut length = 0;
        let mut head = 0;
        for byte in rest {
            length |= usize::from(byte & 0x7f) << (7 * head).min(28);
            head += 1;
            if *byte < 0x80 {
                break;
            }
        }
        let (piece, after) = rest.split_at((head + length).min(rest.len()));
        pieces.push(piece.to_vec());
        rest = after;
    }
    pieces
}
