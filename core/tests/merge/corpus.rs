//! Pages of `tests/corpus`: what real programs print, and what they should not.

use std::path::{Path, PathBuf};

use promfetch_core::exposition::Format;
use promfetch_core::labels::Labels;

use crate::merged::{expected, merged_alone, sorted};
use crate::reader::samples;
use crate::{good, instance, merge_pages, scan};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus")
}

/// All pages that are good.
fn good_pages() -> Vec<(String, Vec<u8>, Format)> {
    let pages = [pages(folder()), pages(folder().join("utf8"))];
    assert!(pages.iter().all(|pages| !pages.is_empty()));
    pages.concat()
}

/// The files of a folder that are pages, in order.
pub(crate) fn files(folder: &Path) -> Vec<(PathBuf, Format)> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter_map(|path| {
            let format = match path.extension()?.to_str()? {
                "txt" => Format::Text,
                "om" => Format::OpenMetrics,
                "pb" => Format::Protobuf,
                _ => return None,
            };
            Some((path, format))
        })
        .collect();
    files.sort_by(|(one, _), (other, _)| one.cmp(other));
    files
}

/// The pages of lines of a folder by file name, in order.
fn pages(folder: PathBuf) -> Vec<(String, Vec<u8>, Format)> {
    files(&folder)
        .into_iter()
        .filter(|(_, format)| *format != Format::Protobuf)
        .map(|(path, format)| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read(path).unwrap(), format)
        })
        .collect()
}

#[test]
fn a_page_merged_with_itself_has_every_sample_twice() {
    for (name, body, format) in good_pages() {
        let body = String::from_utf8(body).unwrap();
        let page = good(&body, format);
        assert_eq!(page.samples(), samples(&body).len(), "{name}");
        let merged = merge_pages(&[page.clone(), page], format);
        good(&merged, format);
        let mut want = expected(&body, &instance(0), format);
        want.extend(expected(&body, &instance(1), format));
        assert!(
            sorted(samples(&merged)) == sorted(want),
            "{name}: samples are missing or changed\n{merged}"
        );
    }
}

#[test]
fn nothing_is_lost_without_labels_either() {
    for (name, body, format) in good_pages() {
        let body = String::from_utf8(body).unwrap();
        let merged = merged_alone(&good(&body, format), Labels::new(), format);
        assert!(
            sorted(samples(&merged)) == sorted(expected(&body, &Labels::new(), format)),
            "{name}: samples are missing or changed\n{merged}"
        );
    }
}

/// The table of `broken/README.md` has a row for each page: the file, the line and what is wrong there.
#[test]
fn broken_pages_are_refused_with_the_line_and_the_reason() {
    let broken = folder().join("broken");
    let table = std::fs::read_to_string(broken.join("README.md")).unwrap();
    let rows: Vec<String> = table
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(str::to_owned)
        .collect();
    let found: Vec<String> = pages(broken)
        .into_iter()
        .map(|(name, body, format)| match scan(body, format) {
            Ok(_) => format!("| `{name}` | accepted |"),
            Err(error) => format!("| `{name}` | {} | {} |", error.line, error.message),
        })
        .collect();
    assert_eq!(found, rows, "the table should be:\n{}\n", found.join("\n"));
}
