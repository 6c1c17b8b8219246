//! The text of an NPY header: a Python dictionary literal with three known keys.

use crate::Error;

/// Class of an element type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    Int,
    UInt,
    Float,
    /// Text of one byte a character.
    Bytes,
    /// Text of four bytes a character.
    Unicode,
}

/// Element type of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dtype {
    pub(crate) kind: Kind,
    pub(crate) size: usize,
    pub(crate) is_big_endian: bool,
}

/// What an NPY header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) descr: String,
    pub(crate) dtype: Dtype,
    pub(crate) is_fortran: bool,
    pub(crate) shape: Vec<usize>,
}

/// numpy allows 64 dimensions.
const MAX_DIMENSIONS: usize = 64;

impl Header {
    /// Reads the literal; each key exactly once, nothing else.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, Error> {
        let mut parser = Parser { rest: text };
        let (mut descr, mut is_fortran, mut shape) = (None, None, None);
        parser.expect(b'{')?;
        while !parser.skip(b'}') {
            let key = parser.string()?;
            parser.expect(b':')?;
            let is_new = match key.as_str() {
                "descr" => descr.replace(parser.descr()?).is_none(),
                "fortran_order" => is_fortran.replace(parser.boolean()?).is_none(),
                "shape" => shape.replace(parser.shape()?).is_none(),
                _ => false,
            };
            if !is_new {
                return Err(damaged("a key is unknown or repeated"));
            }
            if !parser.skip(b',') {
                parser.expect(b'}')?;
                break;
            }
        }
        if !parser.rest.trim_ascii().is_empty() {
            return Err(damaged("there is text after the dictionary"));
        }
        let (Some(descr), Some(is_fortran), Some(shape)) = (descr, is_fortran, shape) else {
            return Err(damaged("descr, fortran_order or shape is missing"));
        };
        let dtype = Dtype::parse(&descr)?;
        Ok(Self { descr, dtype, is_fortran, shape })
    }

    /// Number of elements.
    pub(crate) fn count(&self) -> Result<usize, Error> {
        self.shape.iter().try_fold(1_usize, |count, &n| count.checked_mul(n)).ok_or_else(|| {
            Error::malformed(format!(
                "the header declares an impossible size: shape {:?} of {}",
                self.shape, self.descr
            ))
        })
    }
}

impl Dtype {
    pub(crate) fn is_text(self) -> bool {
        matches!(self.kind, Kind::Bytes | Kind::Unicode)
    }

    /// Reads numpy's array-protocol type string, such as `<f8`.
    fn parse(descr: &str) -> Result<Self, Error> {
        let other = || Error::NotNumericArray { descr: descr.to_owned() };
        let (order, rest) = match descr.as_bytes() {
            [order @ (b'<' | b'>' | b'|' | b'='), rest @ ..] => (*order, rest),
            rest => (b'=', rest),
        };
        let [code, digits @ ..] = rest else { return Err(other()) };
        let size: usize = std::str::from_utf8(digits).ok().and_then(|d| d.parse().ok()).ok_or_else(other)?;
        let kind = match (code, size) {
            (b'b', 1) => Kind::Bool,
            (b'i', 1 | 2 | 4 | 8) => Kind::Int,
            (b'u', 1 | 2 | 4 | 8) => Kind::UInt,
            (b'f', 2 | 4 | 8) => Kind::Float,
            // Elements of no bytes could be without end.
            (b'S', 1..) => Kind::Bytes,
            (b'U', 1..) => Kind::Unicode,
            (b'c', _) => return Err(Error::Complex { descr: descr.to_owned() }),
            _ => return Err(other()),
        };
        let size = if kind == Kind::Unicode { size.checked_mul(4).ok_or_else(other)? } else { size };
        let is_big_endian = order == b'>' || (order == b'=' && cfg!(target_endian = "big"));
        Ok(Self { kind, size, is_big_endian })
    }
}

struct Parser<'a> {
    rest: &'a [u8],
}

impl Parser<'_> {
    /// Takes `byte`, white space before it ignored, if it comes next.
    fn skip(&mut self, byte: u8) -> bool {
        self.rest = self.rest.trim_ascii_start();
        match self.rest.split_first() {
            Some((&next, rest)) if next == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), Error> {
        if self.skip(byte) { Ok(()) } else { Err(damaged(&format!("'{}' is missing", char::from(byte)))) }
    }

    /// A quoted string without escapes.
    fn string(&mut self) -> Result<String, Error> {
        let quote = if self.skip(b'\'') {
            b'\''
        } else {
            self.expect(b'"')?;
            b'"'
        };
        let end =
            self.rest.iter().position(|&b| b == quote).ok_or_else(|| damaged("a string does not end"))?;
        let (string, rest) = self.rest.split_at(end);
        self.rest = &rest[1..];
        std::str::from_utf8(string).map(str::to_owned).map_err(|_| damaged("a string is not UTF-8"))
    }

    /// A type string; a list stands for records, which hold no matrix.
    fn descr(&mut self) -> Result<String, Error> {
        if matches!(self.rest.trim_ascii_start().first(), Some(b'[' | b'(')) {
            return Err(Error::NotNumericArray { descr: "records of several fields".to_owned() });
        }
        self.string()
    }

    fn boolean(&mut self) -> Result<bool, Error> {
        self.rest = self.rest.trim_ascii_start();
        for (word, value) in [(&b"True"[..], true), (b"False", false)] {
            if let Some(rest) = self.rest.strip_prefix(word) {
                self.rest = rest;
                return Ok(value);
            }
        }
        Err(damaged("fortran_order is neither True nor False"))
    }

    /// A tuple of sizes; Python 2 wrote them with an L.
    fn shape(&mut self) -> Result<Vec<usize>, Error> {
        let mut shape = Vec::new();
        self.expect(b'(')?;
        while !self.skip(b')') {
            self.rest = self.rest.trim_ascii_start();
            let n_digits = self.rest.iter().take_while(|b| b.is_ascii_digit()).count();
            let (digits, rest) = self.rest.split_at(n_digits);
            let size = std::str::from_utf8(digits).ok().and_then(|d| d.parse().ok());
            shape.push(size.ok_or_else(|| damaged("a dimension is not a number that memory can have"))?);
            self.rest = rest.strip_prefix(b"L").unwrap_or(rest);
            if shape.len() > MAX_DIMENSIONS {
                return Err(damaged("there are too many dimensions"));
            }
            if !self.skip(b',') {
                self.expect(b')')?;
                break;
            }
        }
        Ok(shape)
    }
}

fn damaged(what: &str) -> Error {
    Error::malformed(format!("the header of the numpy array is damaged: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn headers_are_read_in_every_legal_spelling() {
        for (text, shape, is_fortran) in [
            ("{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }\n", vec![3, 4], false),
            ("{\"shape\":(5,),\"fortran_order\":True,\"descr\":\"<f8\"}", vec![5], true),
            ("{'descr': '<f8', 'fortran_order': False, 'shape': (), }", vec![], false),
            ("{'descr': '<f8', 'fortran_order': False, 'shape': (2L, 3L), }", vec![2, 3], false),
        ] {
            let header = Header::parse(text.as_bytes()).unwrap_or_else(|e| panic!("{text:?}: {e}"));
            assert_eq!((header.shape, header.is_fortran), (shape, is_fortran), "{text:?}");
        }
    }

    #[test]
    fn types_are_known_or_refused_by_name() {
        for (descr, code) in [
            ("|O", "E104"),
            ("<U0", "E104"),
            ("|S0", "E104"),
            ("<U99999999999999999999", "E104"),
            ("<c16", "E105"),
            ("<M8[ns]", "E104"),
            ("", "E104"),
        ] {
            let text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (1, 1)}}");
            assert_eq!(Header::parse(text.as_bytes()).expect_err("refused").code(), code, "{descr:?}");
        }
        let text = b"{'descr': [('a', '<f4'), ('b', '<i4')], 'fortran_order': False, 'shape': (1,)}";
        assert_eq!(Header::parse(text).expect_err("refused").code(), "E104", "records");
    }

    #[test]
    fn damaged_headers_are_refused() {
        for text in [
            "",
            "{",
            "{}",
            "{'descr': '<f8', 'fortran_order': False}",
            "{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': (1,)}",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 2)}",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999, 2)}",
            "{'descr': '<f8', 'fortran_order': 0, 'shape': (1,)}",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (1,)} + evil()",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), 'more': 1}",
        ] {
            assert_eq!(Header::parse(text.as_bytes()).expect_err("refused").code(), "E107", "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_header_or_an_error(text in "[{}()\\[\\]':, a-zTF<>|0-9]{0,80}") {
            let _ = Header::parse(text.as_bytes());
        }
    }
}
