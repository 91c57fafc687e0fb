//! The wire format of protocol buffers, read in place: messages are parts of the body, nothing is copied.
//!
//! The rules are those of protobuf.dev, "Encoding". Groups are refused: the format has none.

use crate::exposition::error::{Fault, Step};

/// A part of a body that is read from its front: a message, or whatever else has a length.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    body: &'a [u8],
    at: usize,
    /// At most the length of the body.
    end: usize,
}

/// One field of a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field<'a> {
    pub(crate) number: u32,
    pub(crate) value: Value<'a>,
    /// Where it stands in the body, tag included.
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// The value of a field, by wire type.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    Varint(u64),
    Fixed64(u64),
    Part(Part<'a>),
    Fixed32,
}

/// The highest number that a field can have.
const MAX_NUMBER: u64 = (1 << 29) - 1;

impl<'a> Part<'a> {
    /// All of a body.
    pub(crate) fn new(body: &'a [u8]) -> Self {
        Self {
            body,
            at: 0,
            end: body.len(),
        }
    }

    /// The body from an offset on.
    pub(crate) fn from(body: &'a [u8], at: usize) -> Self {
        Self {
            body,
            at: at.min(body.len()),
            end: body.len(),
        }
    }

    /// What is left of it.
    #[inline]
    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.body.get(self.at..self.end).unwrap_or_default()
    }

    /// A field of it as it stands, with its tag.
    #[inline]
    pub(crate) fn slice(&self, field: &Field<'_>) -> &'a [u8] {
        self.body.get(field.start..field.end).unwrap_or_default()
    }

    /// How much is left of it.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.end - self.at
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.at == self.end
    }

    /// Where in the body it goes on.
    #[inline]
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Where in the body it ends.
    #[inline]
    pub(crate) fn end(&self) -> usize {
        self.end
    }

    /// The next field. None at the end.
    #[inline]
    pub(in crate::exposition) fn field(&mut self) -> Step<Option<Field<'a>>> {
        if self.is_empty() {
            return Ok(None);
        }
        let start = self.at;
        let tag = self.varint()?;
        let number = tag >> 3;
        if number == 0 || number > MAX_NUMBER {
            return Err(Fault::syntax(start, "a field with an impossible number"));
        }
        let value = match tag & 7 {
            0 => Value::Varint(self.varint()?),
            1 => Value::Fixed64(self.fixed64()?),
            2 => Value::Part(self.delimited()?),
            5 => {
                self.take(4)?;
                Value::Fixed32
            }
            3 | 4 => return Err(Fault::syntax(start, "a group, which this format has not")),
            _ => return Err(Fault::syntax(start, "a field with an unknown wire type")),
        };
        Ok(Some(Field {
            number: number as u32,
            value,
            start,
            end: self.at,
        }))
    }

    /// The fields of a message that the scan has accepted.
    pub(crate) fn accepted(mut self) -> impl Iterator<Item = Field<'a>> {
        std::iter::from_fn(move || self.field().ok().flatten())
    }

    /// A length, and the part of this length.
    #[inline]
    pub(in crate::exposition) fn delimited(&mut self) -> Step<Self> {
        let start = self.at;
        let length = self.varint()?;
        let left = self.len();
        match usize::try_from(length)
            .ok()
            .filter(|length| *length <= left)
        {
            Some(length) => self.take(length),
            None => Err(Fault::syntax(
                start,
                format!("a length of {length}, and only {left} bytes follow"),
            )),
        }
    }

    #[inline]
    pub(in crate::exposition) fn varint(&mut self) -> Step<u64> {
        match self.bytes().first() {
            Some(byte) if *byte < 0x80 => {
                self.at += 1;
                Ok(u64::from(*byte))
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Step<u64> {
        let start = self.at;
        let mut number = 0;
        for (place, byte) in self.bytes().iter().take(10).enumerate() {
            let bits = u64::from(byte & 0x7f);
            if place == 9 && bits > 1 {
                break;
            }
            number |= bits << (7 * place);
            if *byte < 0x80 {
                self.at += place + 1;
                return Ok(number);
            }
        }
        let message = if self.len() < 10 {
            "a number that is cut off"
        } else {
            "a number of more than 64 bits"
        };
        Err(Fault::syntax(start, message))
    }

    #[inline]
    pub(in crate::exposition) fn fixed64(&mut self) -> Step<u64> {
        let bytes = self.take(8)?.bytes();
        Ok(bytes
            .first_chunk()
            .map_or(0, |chunk| u64::from_le_bytes(*chunk)))
    }

    #[inline]
    fn take(&mut self, length: usize) -> Step<Self> {
        if length > self.len() {
            return Err(Fault::syntax(self.at, "a number that is cut off"));
        }
        let start = self.at;
        self.at += length;
        Ok(Self {
            body: self.body,
            at: start,
            end: self.at,
        })
    }
}

impl<'a> Field<'a> {
    /// The value of a string or message.
    #[inline]
    pub(in crate::exposition) fn part(&self) -> Step<Part<'a>> {
        match self.value {
            Value::Part(part) => Ok(part),
            _ => self.wrong(),
        }
    }

    /// The value of a string.
    #[inline]
    pub(in crate::exposition) fn text(&self) -> Step<Part<'a>> {
        let part = self.part()?;
        match std::str::from_utf8(part.bytes()) {
            Ok(_) => Ok(part),
            Err(error) => Err(Fault::syntax(
                part.at() + error.valid_up_to(),
                format!("field {} is not valid UTF-8", self.number),
            )),
        }
    }

    /// The value of a double.
    #[inline]
    pub(in crate::exposition) fn double(&self) -> Step<f64> {
        match self.value {
            Value::Fixed64(bits) => Ok(f64::from_bits(bits)),
            _ => self.wrong(),
        }
    }

    /// The value of an integer or enumeration.
    #[inline]
    pub(in crate::exposition) fn varint(&self) -> Step<u64> {
        match self.value {
            Value::Varint(number) => Ok(number),
            _ => self.wrong(),
        }
    }

    /// The value of an integer of 32 bits without sign, or with one in zigzag.
    #[inline]
    pub(in crate::exposition) fn varint32(&self) -> Step<u32> {
        let number = self.varint()?;
        u32::try_from(number).map_err(|_| {
            Fault::syntax(
                self.start,
                format!("field {} has more than 32 bits", self.number),
            )
        })
    }

    #[cold]
    fn wrong<T>(&self) -> Step<T> {
        Err(Fault::syntax(
            self.start,
            format!("field {} has the wrong wire type", self.number),
        ))
    }
}

/// Which fields of a message were there. No writer sets one twice that can stand once only, and readers differ in
/// what they make of it.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::exposition) struct Once(u32);

impl Once {
    /// Notes a field that can stand once only. Its number is below 32.
    #[inline]
    pub(in crate::exposition) fn note(&mut self, field: &Field<'_>) -> Step<()> {
        let bit = 1 << (field.number & 31);
        if self.0 & bit != 0 {
            return Err(Fault::syntax(
                field.start,
                format!("field {} stands there twice", field.number),
            ));
        }
        self.0 |= bit;
        Ok(())
    }
}

/// A signed number of 64 bits as `sint64` has it.
#[inline]
pub(crate) fn zigzag64(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

/// A signed number of 32 bits as `sint32` has it.
#[inline]
pub(crate) fn zigzag32(number: u32) -> i32 {
    (number >> 1) as i32 ^ -((number & 1) as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What came of it, with the error as it is shown.
    fn shown<T>(step: Step<T>) -> Result<T, String> {
        step.map_err(|fault| fault.at_byte().to_string())
    }

    #[test]
    fn varints_have_at_most_64_bits() {
        for (bytes, want) in [
            (&[0][..], Ok(0)),
            (&[0x7f], Ok(127)),
            (&[0x80, 1], Ok(128)),
            (&[0x80, 0], Ok(0)), // longer than need be, which readers take
            (
                &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
                Ok(u64::MAX),
            ),
            (&[], Err("byte 0: a number that is cut off")),
            (&[0x80], Err("byte 0: a number that is cut off")),
            (
                &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2],
                Err("byte 0: a number of more than 64 bits"),
            ),
            (&[0xff; 11], Err("byte 0: a number of more than 64 bits")),
        ] {
            let found = shown(Part::new(bytes).varint());
            assert_eq!(found, want.map_err(str::to_owned), "{bytes:x?}");
        }
    }

    #[test]
    fn fields_are_read_by_wire_type() {
        for (bytes, want) in [
            (&[0x08, 5][..], "1 Varint(5) 0..2"),
            (&[0x11, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f], "2 1.0 0..9"),
            (&[0x1a, 2, b'a', b'b', 9], "3 \"ab\" 0..4"),
            (&[0x25, 1, 2, 3, 4], "4 Fixed32 0..5"),
            (&[0x80, 0x08, 1], "128 Varint(1) 0..3"),
            (&[0x00, 1], "byte 0: a field with an impossible number"),
            (
                &[0x80, 0x80, 0x80, 0x80, 0x10, 1],
                "byte 0: a field with an impossible number",
            ),
            (&[0x0b], "byte 0: a group, which this format has not"),
            (&[0x0c], "byte 0: a group, which this format has not"),
            (&[0x0e], "byte 0: a field with an unknown wire type"),
            (&[0x08], "byte 1: a number that is cut off"),
            (&[0x09, 1, 2], "byte 1: a number that is cut off"),
            (&[0x0d, 1, 2], "byte 1: a number that is cut off"),
            (
                &[0x0a, 3, 1, 2],
                "byte 1: a length of 3, and only 2 bytes follow",
            ),
            (
                &[
                    0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1,
                ],
                "byte 1: a length of 18446744073709551615, and only 0 bytes follow",
            ),
        ] {
            let found = match shown(Part::new(bytes).field()) {
                Ok(Some(field)) => {
                    let value = match field.value {
                        Value::Part(part) => format!("{:?}", String::from_utf8_lossy(part.bytes())),
                        Value::Fixed64(_) => format!("{:?}", field.double().unwrap()),
                        other => format!("{other:?}"),
                    };
                    format!("{} {value} {}..{}", field.number, field.start, field.end)
                }
                Ok(None) => "nothing".to_owned(),
                Err(error) => error,
            };
            assert_eq!(found, want, "{bytes:x?}");
        }
        assert!(Part::new(b"").field().unwrap().is_none());
    }

    #[test]
    fn signs_are_in_the_lowest_bit() {
        for (number, want) in [(0, 0), (1, -1), (2, 1), (3, -2), (u32::MAX, i32::MIN)] {
            assert_eq!(zigzag32(number), want);
        }
        assert_eq!(zigzag64(u64::MAX), i64::MIN);
        assert_eq!(zigzag64(u64::MAX - 1), i64::MAX);
    }
}
