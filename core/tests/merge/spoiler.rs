//! Spoils pages a little: the result is often wrong in one place, and sometimes still right.

use crate::tape::Tape;

/// Bytes that mean something to a scanner, and some that never should be there.
pub(crate) const BYTES: &[u8] = b"\"\\{}, =\n#0-.eE_a:N+\t\r\0\xff\xc3";

/// One to three changes.
pub(crate) fn spoil(tape: &mut Tape, page: &str) -> Vec<u8> {
    let mut bytes = page.as_bytes().to_vec();
    for _ in 0..=tape.below(3) {
        if bytes.is_empty() {
            break;
        }
        let at = place(tape, bytes.len());
        match tape.below(10) {
            0 => bytes[at] = BYTES[tape.below(BYTES.len())],
            1 => bytes.insert(at, BYTES[tape.below(BYTES.len())]),
            2 => drop(bytes.remove(at)),
            3 => bytes.truncate(at),
            4 => bytes[at] ^= 1 << tape.below(8),
            5 => lines(&mut bytes, |lines| {
                let other = place(tape, lines.len());
                let one = place(tape, lines.len());
                lines.swap(one, other);
            }),
            6 => lines(&mut bytes, |lines| {
                let one = place(tape, lines.len());
                let to = place(tape, lines.len());
                lines.insert(to, lines[one].clone());
            }),
            7 => lines(&mut bytes, |lines| {
                drop(lines.remove(place(tape, lines.len())))
            }),
            8 => lines(&mut bytes, |lines| {
                let one = place(tape, lines.len());
                change_quotes(tape, &mut lines[one]);
            }),
            _ => lines(&mut bytes, |lines| {
                let one = place(tape, lines.len());
                repeat_label(tape, &mut lines[one]);
            }),
        }
    }
    bytes
}

/// Anywhere, also in long pages.
fn place(tape: &mut Tape, length: usize) -> usize {
    (tape.below(1 << 8) << 8 | tape.below(1 << 8)) % length
}

fn lines(bytes: &mut Vec<u8>, change: impl FnOnce(&mut Vec<Vec<u8>>)) {
    let mut lines: Vec<Vec<u8>> = bytes
        .split_inclusive(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    change(&mut lines);
    *bytes = lines.concat();
}

/// Puts the name of one of the labels of this line in quotes, or takes them away.
fn change_quotes(tape: &mut Tape, line: &mut Vec<u8>) {
    let starts = label_starts(line);
    if starts.is_empty() {
        return;
    }
    let from = starts[tape.below(starts.len())];
    let Some(length) = line[from..].iter().position(|byte| *byte == b'=') else {
        return;
    };
    let name = &line[from..from + length];
    let changed = match name.strip_prefix(b"\"") {
        Some(rest) => rest.strip_suffix(b"\"").unwrap_or(rest).to_vec(),
        None => [b"\"", name, b"\""].concat(),
    };
    line.splice(from..from + length, changed);
}

/// Where labels of this line begin, most of them.
fn label_starts(line: &[u8]) -> Vec<usize> {
    (1..line.len())
        .filter(|at| {
            matches!(line[at - 1], b'{' | b',')
                && (line[*at].is_ascii_alphabetic() || line[*at] == b'"')
        })
        .collect()
}

/// Puts one of the labels of this line, with its value or another, in another place too.
fn repeat_label(tape: &mut Tape, line: &mut Vec<u8>) {
    let starts = label_starts(line);
    if starts.is_empty() {
        return;
    }
    let from = starts[tape.below(starts.len())];
    let to = starts[tape.below(starts.len())];
    let Some(equals) = line[from..].iter().position(|byte| *byte == b'=') else {
        return;
    };
    let mut label = line[from..from + equals].to_vec();
    label.extend_from_slice([&b"=\"1\","[..], b"=\"\","][tape.below(2)]);
    line.splice(to..to, label);
}
